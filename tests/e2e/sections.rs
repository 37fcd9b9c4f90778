//! Typed sections from another script: examples/follower, by each transport.
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use bellwether_core::names;
use bellwether_core::settings::Settings;
use bellwether_tests::{
    Answer, Client, Deployment, FakeKv, Fault, Gate, Logs, PATIENCE, Paths, Proxy, Token, Workerd,
    until, until_some,
};
use serde_json::{Value, json};

use crate::support::{from_source, quick, quiet};

/// How the follower reaches the coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Via {
    /// The object's binding, from another script in the same process.
    Object,
    /// A service binding, in the same process.
    Service,
    /// A URL, from another process, through a proxy that counts.
    Url,
}

const EVERY_WAY: [Via; 3] = [Via::Object, Via::Service, Via::Url];

/// A coordinator and a follower that nobody asked anything yet.
struct Rig {
    operator: Client,
    follower: Client,
    proxy: Proxy,
    coordinator: Workerd,
    elsewhere: Option<Workerd>,
}

impl Rig {
    fn start(kv: &FakeKv, via: Via, settings: Value, reader: Value) -> Self {
        Self::start_with(kv, via, settings, reader, |follower| follower)
    }

    /// `change` has the last word on the follower's deployment.
    fn start_with(
        kv: &FakeKv,
        via: Via,
        settings: Value,
        reader: Value,
        change: impl FnOnce(Deployment) -> Deployment,
    ) -> Self {
        let operator = Token::new("operator", "operator-secret-93ce", &["read", "reload"]);
        let token = Token::new("follower", "follower-secret-41d8", &["read"]);
        let leader = Deployment::coordinator()
            .kv(kv)
            .settings(settings)
            .tokens(&[operator.clone(), token.clone()]);
        let beside = match via {
            Via::Object => Some(Deployment::follower(reader.clone())),
            Via::Service => Some(Deployment::follower_by_service(reader.clone(), &token)),
            Via::Url => None,
        };
        let (coordinator, follower, elsewhere, proxy);
        match beside {
            Some(beside) => {
                coordinator = leader.with_neighbour(change(beside)).start().0;
                follower = coordinator.neighbour();
                elsewhere = None;
                proxy = Proxy::to(coordinator.address());
            }
            None => {
                coordinator = leader.start().0;
                proxy = Proxy::to(coordinator.address());
                let deployment = Deployment::follower_by_url(&proxy.url(), reader, &token);
                let process = change(deployment).start().0;
                follower = process.client();
                elsewhere = Some(process);
            }
        }
        Self {
            operator: coordinator.client().with_token(&operator.secret),
            follower,
            proxy,
            coordinator,
            elsewhere,
        }
    }

    /// What the follower printed; beside the coordinator, what both did.
    fn logs(&self) -> &Logs {
        self.elsewhere.as_ref().unwrap_or(&self.coordinator).logs()
    }

    async fn get(&self) -> Answer {
        self.follower.get("/").await
    }

    /// The follower's view; must be answered with 200.
    async fn read(&self) -> Value {
        self.get().await.ok().json()
    }

    async fn report(&self) -> Value {
        self.follower.get("/report").await.ok().json()
    }

    /// Reloads, and gives the version adopted.
    async fn adopt(&self) -> u64 {
        let reload = self.operator.reload().await;
        assert_eq!(reload["outcome"], "adopted", "{reload}");
        reload["version"].as_u64().unwrap()
    }

    /// Waits until the follower is on this version; every read until then must be one that `allowed` allows.
    async fn reaches(&self, version: u64, allowed: impl Fn(&Value) -> bool) -> Value {
        until_some("the follower is on the version", PATIENCE, async || {
            let read = self.read().await;
            assert!(allowed(&read), "{read}");
            (read["version"] == version).then_some(read)
        })
        .await
    }
}

/// The project's sample document, with the revision in both sections.
fn revision(number: u64) -> Value {
    let path = Paths::get().root().join("examples/video-config.json");
    let mut document: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    document["video"]["limits"]["width"]["max"] = json!(WIDTH + number);
    document["cache"]["key"]["version"] = json!(number);
    document
}

const WIDTH: u64 = 1000;

/// Whether a read shows this revision in each section.
fn shows(read: &Value, number: u64) -> bool {
    read["video"] == json!({ "default_tier": "free", "max_width": WIDTH + number })
        && read["cache"] == json!({ "key_version": number, "long_edge_ttl_s": 604_800 })
}

/// Whether a read shows the follower's own built-in configuration, nothing having been received.
fn shows_base(read: &Value) -> bool {
    read["version"] == Value::Null
        && read["state"] == "base"
        && read["age_ms"] == 0
        && read["video"] == json!({ "default_tier": "free", "max_width": 1280 })
        && read["cache"] == json!({ "key_version": 0, "long_edge_ttl_s": 60 })
}

fn on(kv: &FakeKv, number: u64) {
    kv.put_json("config", &revision(number));
}

#[tokio::test]
async fn every_transport_brings_both_sections_and_warm_reads_make_no_call() {
    for via in EVERY_WAY {
        let kv = FakeKv::start();
        on(&kv, 1);
        let rig = Rig::start(
            &kv,
            via,
            quiet(json!({})),
            json!({ "cold_start": { "wait": "20s" } }),
        );
        let cold = rig.read().await;
        assert!(shows(&cold, 1), "{via:?}: {cold}");
        // Version 1 is the coordinator's built-in layers alone.
        assert_eq!(
            (&cold["version"], &cold["state"]),
            (&json!(2), &json!("fresh")),
            "{via:?}"
        );
        assert!(cold["age_ms"].as_u64().unwrap() < 60_000, "{via:?}: {cold}");

        let sent = rig.snapshot_replies().await;
        for _ in 0..50 {
            let read = rig.read().await;
            assert!(shows(&read, 1), "{via:?}: {read}");
            assert_eq!(read["state"], "fresh", "{via:?}");
        }
        let report = rig.report().await;
        assert_eq!(report["counts"]["fresh"], 51, "{via:?}: {report}");
        assert_eq!(report["counts"]["calls"], 1, "{via:?}: {report}");
        assert_eq!(report["problems"], json!([]), "{via:?}: {report}");
        assert_eq!(report["last_failure"], Value::Null, "{via:?}: {report}");
        assert_eq!(rig.snapshot_replies().await, sent, "{via:?}");
        assert_eq!(kv.count(), 1, "{via:?}");
        // The two bindings go round the proxy.
        let proxied = usize::from(via == Via::Url);
        assert_eq!(rig.proxy.count(), proxied, "{via:?}");
    }
}

impl Rig {
    /// Snapshots that the object has sent so far; reading the metrics sends none.
    async fn snapshot_replies(&self) -> f64 {
        let metrics = self.operator.metrics().await;
        let replies = metrics.must("bellwether_snapshot_replies_total", &[]);
        assert!(replies >= 1.0, "the follower's own is counted: {replies}");
        replies
    }
}

#[tokio::test]
async fn a_change_at_the_source_shows_up_in_both_sections_at_once() {
    const LAST: u64 = 4;
    for via in EVERY_WAY {
        let kv = FakeKv::start();
        on(&kv, 1);
        let rig = Rig::start(
            &kv,
            via,
            quick(json!({ "ttl": "100ms" })),
            json!({ "cold_start": { "wait": "20s" } }),
        );
        assert!(shows(&rig.read().await, 1), "{via:?}");
        for number in 2..=LAST {
            on(&kv, number);
            // Each change is awaited before the next, so revision n is version n + 1. Every read on the way shows one
            // of the two, in both sections, under its own version.
            rig.reaches(number + 1, |read| {
                let before = read["version"] == number && shows(read, number - 1);
                before || read["version"] == number + 1 && shows(read, number)
            })
            .await;
        }
        let report = rig.report().await;
        assert_eq!(report["counts"]["adoptions"], LAST, "{via:?}: {report}");
        assert_eq!(report["version"], LAST + 1, "{via:?}: {report}");
    }
}

/// What must be in no log and no report, wherever the source puts it.
const SECRET: &str = "s3cret-5d1f";

/// Documents that do not fit the follower: what is wrong with each, the pointer to it, and what is said.
fn misfits() -> Vec<(Value, &'static str, &'static str)> {
    let of = |number: u64, change: &dyn Fn(&mut Value)| {
        let mut document = revision(number);
        change(&mut document);
        document
    };
    vec![
        (
            of(101, &|document| {
                document["cache"]["profiles"]["long"]["edge_ttl_s"] = json!(SECRET);
            }),
            "/cache/profiles/long/edge_ttl_s",
            "expected u32",
        ),
        // The value reads like the message that it is quoted in.
        (
            of(102, &|document| {
                document["cache"]["key"]["version"] = json!(format!("x\", expected {SECRET}"));
            }),
            "/cache/key/version",
            "expected u32",
        ),
        (
            of(103, &|document| {
                document["cache"]["key"]["version"] = json!(SECRET_NUMBER);
            }),
            "/cache/key/version",
            "expected u32",
        ),
        (
            of(104, &|document| {
                document["cache"]["profiles"]["a/b~c"] = json!({ "edge_ttl_s": [SECRET] });
            }),
            "/cache/profiles/a~1b~0c/edge_ttl_s",
            "expected u32",
        ),
        (
            of(105, &|document| {
                document.as_object_mut().unwrap().remove("cache");
            }),
            "",
            "missing field `cache`",
        ),
        (
            of(106, &|document| document["cache"] = json!(SECRET)),
            "/cache",
            "expected struct Cache",
        ),
    ]
}

/// One above what fits.
const SECRET_NUMBER: u64 = 4_294_967_296;

#[tokio::test]
async fn a_section_that_does_not_fit_keeps_the_version_before_for_both() {
    for via in EVERY_WAY {
        let kv = FakeKv::start();
        on(&kv, 1);
        let rig = Rig::start(
            &kv,
            via,
            quiet(json!({ "ttl": "100ms" })),
            json!({ "cold_start": { "wait": "20s" } }),
        );
        let kept = rig.read().await;
        assert!(shows(&kept, 1), "{via:?}: {kept}");

        let misfits = misfits();
        for (nth, (document, pointer, says)) in (1_u64..).zip(&misfits) {
            kv.put_json("config", document);
            let refused = rig.adopt().await;
            let report = until_some("the misfit is counted", PATIENCE, async || {
                let read = rig.read().await;
                // `video` fits in each of these documents, and stays with `cache` all the same.
                assert!(shows(&read, 1), "{via:?} {pointer}: {read}");
                assert_eq!(read["version"], kept["version"], "{via:?} {pointer}");
                let report = rig.report().await;
                (report["counts"]["rejections"] == nth).then_some(report)
            })
            .await;
            let rejection = &report["last_rejection"];
            assert_eq!(rejection["pointer"], *pointer, "{via:?}: {report}");
            let message = rejection["message"].as_str().unwrap();
            assert!(message.contains(says), "{via:?} {pointer}: {message}");
            for value in [SECRET, &SECRET_NUMBER.to_string()] {
                assert!(!report.to_string().contains(value), "{via:?}: {report}");
            }
            assert_eq!(report["version"], kept["version"], "{via:?}: {report}");
            assert_eq!(rig.operator.snapshot().await.version, refused, "{via:?}");
            let logged = until_some("it is logged", PATIENCE, async || {
                let events = rig.logs().events_named("reader_rejected");
                (events.len() as u64 == nth).then_some(events)
            })
            .await;
            let last = logged.last().unwrap();
            assert_eq!(last["space"], "default", "{last}");
            let detail = last["detail"].as_str().unwrap();
            assert!(detail.starts_with(&format!("{pointer}: ")), "{detail}");
        }

        // It is asked for by its tag from now on: neither sent nor refused once more.
        let hits = rig.report().await["counts"]["conditional_hits"]
            .as_u64()
            .unwrap();
        until("two more calls are answered 304", PATIENCE, async || {
            let read = rig.read().await;
            assert!(shows(&read, 1), "{via:?}: {read}");
            rig.report().await["counts"]["conditional_hits"]
                .as_u64()
                .unwrap()
                >= hits + 2
        })
        .await;
        let counts = rig.report().await["counts"].clone();
        assert_eq!(counts["rejections"], misfits.len(), "{via:?}: {counts}");
        assert_eq!(counts["adoptions"], 1, "{via:?}: {counts}");

        on(&kv, 2);
        let healed = rig.adopt().await;
        rig.reaches(healed, |read| {
            let before = read["version"] == kept["version"] && shows(read, 1);
            before || read["version"] == healed && shows(read, 2)
        })
        .await;
        until("reads are fresh again", PATIENCE, async || {
            rig.read().await["state"] == "fresh"
        })
        .await;
        assert_eq!(rig.report().await["last_rejection"], Value::Null, "{via:?}");

        assert_eq!(
            rig.logs().events_named("reader_rejected").len(),
            misfits.len(),
            "{via:?}: each is told once"
        );
        for process in [Some(&rig.coordinator), rig.elsewhere.as_ref()]
            .iter()
            .flatten()
        {
            let text = process.logs().text();
            for secret in [SECRET, &SECRET_NUMBER.to_string(), "follower-secret-41d8"] {
                assert!(
                    !text.contains(secret),
                    "{via:?}: {secret} is in a log:\n{text}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_cold_isolate_serves_base_while_the_head_does_not_fit() {
    let kv = FakeKv::start();
    let (misfit, pointer, _) = misfits().remove(0);
    kv.put_json("config", &misfit);
    let rig = Rig::start(
        &kv,
        Via::Url,
        quiet(json!({ "ttl": "1h" })),
        json!({ "cold_start": { "wait": "20s" } }),
    );
    for _ in 0..20 {
        let read = rig.read().await;
        assert!(shows_base(&read), "{read}");
    }
    let report = rig.report().await;
    assert_eq!(report["last_rejection"]["pointer"], pointer, "{report}");
    assert_eq!(report["version"], Value::Null, "{report}");
    assert_eq!(report["counts"]["base"], 20, "{report}");
    assert_eq!(
        rig.proxy.count(),
        1,
        "the same misfit is not asked for within a TTL"
    );
}

#[tokio::test]
async fn cold_start_base_answers_at_once_while_the_source_hangs() {
    for via in EVERY_WAY {
        let kv = FakeKv::start();
        on(&kv, 1);
        let gate = Gate::closed();
        kv.faults().stand(Fault::Hold(gate.clone()));
        let rig = Rig::start(&kv, via, quiet(json!({})), json!({ "cold_start": "base" }));
        // The object joins its first refresh for two seconds and then answers with its own base, version 1. A read
        // without a version has waited for neither.
        let read = rig.read().await;
        assert!(shows_base(&read), "{via:?}: {read}");
        until(
            "the source is asked behind the answer",
            PATIENCE,
            async || kv.in_progress() == 1,
        )
        .await;
        gate.open();
        rig.reaches(2, |read| shows_base(read) || shows(read, 1))
            .await;
        assert_eq!(kv.count(), 1, "{via:?}");
    }
}

#[tokio::test]
async fn cold_start_base_does_not_wait_for_a_quick_coordinator_either() {
    for via in EVERY_WAY {
        let kv = FakeKv::start();
        on(&kv, 1);
        let settings = quiet(json!({}));
        let rig = Rig::start(&kv, via, settings, json!({ "cold_start": "base" }));
        assert_eq!(
            from_source(&rig.operator).await,
            2,
            "it has its document already"
        );
        let read = rig.read().await;
        assert!(shows_base(&read), "{via:?}: {read}");
        rig.reaches(2, |read| shows_base(read) || shows(read, 1))
            .await;
    }
}

#[tokio::test]
async fn a_coordinator_with_nothing_but_its_own_base_leaves_the_follower_its_own() {
    let kv = FakeKv::start();
    on(&kv, 1);
    let gate = Gate::closed();
    kv.faults().stand(Fault::Hold(gate.clone()));
    let reader = json!({ "cold_start": { "wait": "20s" } });
    let rig = Rig::start(&kv, Via::Object, quiet(json!({})), reader);
    // The object gives up on the source after two seconds, and answers with built-in layers that are empty.
    let read = rig.read().await;
    assert!(shows_base(&read), "{read}");
    gate.open();
    // Long before the TTL of an hour.
    rig.reaches(2, |read| shows_base(read) || shows(read, 1))
        .await;
    assert_eq!(rig.report().await["last_rejection"], Value::Null);
}

#[tokio::test]
async fn cold_start_wait_falls_back_to_base_at_its_deadline() {
    const WAIT: Duration = Duration::from_millis(200);
    for via in EVERY_WAY {
        let kv = FakeKv::start();
        on(&kv, 1);
        let gate = Gate::closed();
        kv.faults().stand(Fault::Hold(gate.clone()));
        let reader = json!({ "cold_start": { "wait": "200ms" } });
        let rig = Rig::start(&kv, via, quiet(json!({})), reader);
        let asked = Instant::now();
        let read = rig.read().await;
        // Not version 1, which the object gives after two seconds: the read has waited, and for less than that.
        assert!(shows_base(&read), "{via:?}: {read}");
        assert!(
            asked.elapsed() >= WAIT,
            "{via:?}: gave up after {:?}",
            asked.elapsed()
        );
        gate.open();
        rig.reaches(2, |read| shows_base(read) || shows(read, 1))
            .await;
        assert_eq!(kv.count(), 1, "{via:?}");
    }
}

#[tokio::test]
async fn the_followers_own_vars_are_part_of_its_base_where_they_fit() {
    let kv = FakeKv::start();
    on(&kv, 1);
    for (vars, width, problems) in [
        (
            json!({ "video": { "limits": { "width": { "max": 640 } } } }),
            640,
            0,
        ),
        (
            json!({ "video": { "limits": { "width": { "max": SECRET } } } }),
            1280,
            1,
        ),
    ] {
        kv.faults().next(Fault::Hang);
        let reader = json!({ "cold_start": "base" });
        let rig = Rig::start_with(&kv, Via::Object, quiet(json!({})), reader, |follower| {
            follower.vars(vars.clone())
        });
        let read = rig.read().await;
        assert_eq!(read["state"], "base", "{read}");
        assert_eq!(read["video"]["max_width"], width, "{read}");
        let report = rig.report().await;
        let told = report["problems"].as_array().unwrap();
        assert_eq!(told.len(), problems, "{report}");
        for problem in told {
            let problem = problem.as_str().unwrap();
            assert!(problem.contains(names::VARS_LAYER_VAR), "{problem}");
            assert!(problem.contains("/video/limits/width/max"), "{problem}");
        }
        assert!(!report.to_string().contains(SECRET), "{report}");
    }
}

#[tokio::test]
async fn a_mistake_in_the_followers_settings_is_told_and_reads_go_on() {
    let kv = FakeKv::start();
    on(&kv, 1);
    let reader = json!({ "coldstart": "base", "on_expired": "serve" });
    let rig = Rig::start(&kv, Via::Object, quiet(json!({})), reader);
    rig.reaches(2, |read| shows_base(read) || shows(read, 1))
        .await;
    let report = rig.report().await;
    let [problem] = report["problems"].as_array().unwrap().as_slice() else {
        panic!("{report}")
    };
    let problem = problem.as_str().unwrap();
    for part in ["/reader/coldstart", "cold_start"] {
        assert!(problem.contains(part), "{problem}");
    }
    let logged = rig.logs().events_named("reader_settings");
    assert_eq!(logged.len(), 1, "{logged:?}");
}

/// A follower by URL on revision 1, its coordinator cut off, for which a read is past its time after `ttl` + `swr`.
async fn cut_off(kv: &FakeKv, on_expired: Value) -> Rig {
    on(kv, 1);
    let space = quiet(json!({ "ttl": "1s", "stale_while_revalidate": "1s" }));
    let reader = json!({ "cold_start": { "wait": "20s" }, "on_expired": on_expired });
    let rig = Rig::start(kv, Via::Url, space, reader);
    // A machine under load may bring the first answer past its time, which one policy refuses.
    until("the follower has the document", PATIENCE, async || {
        let answer = rig.get().await;
        answer.status == 200 && shows(&answer.json(), 1)
    })
    .await;
    rig.proxy.set_open(false).await;
    rig
}

#[tokio::test]
async fn on_expired_serve_answers_with_the_old_sections() {
    let kv = FakeKv::start();
    let rig = cut_off(&kv, json!("serve")).await;
    let read = until_some("a read is expired", PATIENCE, async || {
        let read = rig.read().await;
        (read["state"] == "expired").then_some(read)
    })
    .await;
    assert!(shows(&read, 1), "{read}");
    assert!(read["age_ms"].as_u64().unwrap() >= 2000, "{read}");
    let report = until_some("the failed call is reported", PATIENCE, async || {
        let report = rig.report().await;
        report["last_failure"].is_string().then_some(report)
    })
    .await;
    assert!(
        !report.to_string().contains("follower-secret-41d8"),
        "{report}"
    );
    on(&kv, 2);
    let healed = rig.adopt().await;
    rig.proxy.set_open(true).await;
    rig.reaches(healed, |read| {
        shows(read, if read["version"] == healed { 2 } else { 1 })
    })
    .await;
    assert_eq!(rig.report().await["last_failure"], Value::Null);
}

#[tokio::test]
async fn on_expired_error_fails_the_read_and_recovers() {
    let kv = FakeKv::start();
    let rig = cut_off(&kv, json!("error")).await;
    until("a read is refused", PATIENCE, async || {
        let answer = rig.get().await;
        assert!([200, 500].contains(&answer.status), "{}", answer.text());
        if answer.status == 200 {
            let read = answer.json();
            assert!(shows(&read, 1) && read["state"] != "expired", "{read}");
        }
        answer.status == 500
    })
    .await;
    let report = rig.report().await;
    assert!(
        report["counts"]["refused"].as_u64().unwrap() >= 1,
        "{report}"
    );
    assert_eq!(report["counts"]["expired"], 0, "{report}");
    rig.proxy.set_open(true).await;
    let answer = until_some("reads work again", PATIENCE, async || {
        let answer = rig.get().await;
        (answer.status == 200).then_some(answer)
    })
    .await;
    assert!(shows(&answer.json(), 1), "{}", answer.text());
}

#[tokio::test]
async fn on_expired_wait_gets_the_new_sections_first() {
    let kv = FakeKv::start();
    on(&kv, 1);
    let space = quiet(json!({ "ttl": "2s", "stale_while_revalidate": "0s" }));
    let reader = json!({ "cold_start": { "wait": "20s" }, "on_expired": { "wait": "20s" } });
    let rig = Rig::start(&kv, Via::Object, space, reader);
    assert!(shows(&rig.read().await, 1));
    on(&kv, 2);
    let version = rig.adopt().await;
    // What was fresh before the change may still be; whoever asks past the TTL waits, and is told the truth.
    rig.reaches(version, |read| {
        read["state"] == "fresh" && shows(read, if read["version"] == version { 2 } else { 1 })
    })
    .await;
    let calls = rig.report().await["counts"]["calls"].as_u64().unwrap();
    until("two more calls were waited for", PATIENCE, async || {
        let read = rig.read().await;
        assert_eq!(read["state"], "fresh", "{read}");
        rig.report().await["counts"]["calls"].as_u64().unwrap() >= calls + 2
    })
    .await;
}

fn toml_of(path: &std::path::Path) -> toml::Table {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

#[test]
fn the_examples_wrangler_toml_binds_the_coordinators_object() {
    let leader = toml_of(&Paths::get().wrangler_toml());
    let example = toml_of(&Paths::get().follower().join("wrangler.toml"));
    let bindings = example["durable_objects"]["bindings"].as_array().unwrap();
    let [binding] = bindings.as_slice() else {
        panic!("{bindings:?}")
    };
    assert_eq!(binding["name"].as_str(), Some(names::COORDINATOR_BINDING));
    assert_eq!(
        binding["class_name"].as_str(),
        Some(names::COORDINATOR_CLASS)
    );
    assert_eq!(binding["script_name"], leader["name"]);
    assert_ne!(example["name"], leader["name"]);
    assert!(
        !example.contains_key("migrations"),
        "the class is declared once"
    );
    let settings = serde_json::to_value(&example["vars"][names::SETTINGS_VAR]).unwrap();
    let parsed = Settings::parse(Some(&settings));
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    assert_eq!(
        parsed.reader,
        Settings::parse(None).reader,
        "it says that these are the defaults"
    );
}

#[test]
fn wrangler_takes_the_example() {
    let home = tempfile::tempdir().unwrap();
    let mut table = toml_of(&Paths::get().follower().join("wrangler.toml"));
    // It stands built already.
    table.remove("build");
    let main = Paths::get().follower_build().join("worker/shim.mjs");
    table.insert("main".to_owned(), main.to_str().unwrap().into());
    let config = home.path().join("wrangler.toml");
    fs::write(&config, table.to_string()).unwrap();
    let output = Command::new(Paths::get().node())
        .arg(Paths::get().wrangler())
        .args(["deploy", "--dry-run", "--outdir"])
        .arg(home.path().join("out"))
        .arg("--config")
        .arg(&config)
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .env("WRANGLER_SEND_METRICS", "false")
        .env("CI", "1")
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{said}");
    assert!(said.contains("defined in bellwether"), "{said}");
}
