//! Typed sections from another script: examples/follower, by each transport.
use bellwether_tests::{FakeKv, PATIENCE, until, until_some};
use serde_json::{Value, json};

use crate::follower::{BY_URL, EVERY_WAY, Rig, SECRET, on, revision, shows, shows_base};
use crate::support::{quick, quiet};

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
        if !via.is_typescript() {
            assert_eq!(report["problems"], json!([]), "{via:?}: {report}");
        }
        assert_eq!(report["last_failure"], Value::Null, "{via:?}: {report}");
        assert_eq!(rig.snapshot_replies().await, sent, "{via:?}");
        assert_eq!(kv.count(), 1, "{via:?}");
        // The two bindings go round the proxy.
        let proxied = usize::from(BY_URL.contains(&via));
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
            // A schema names what is missing; a Rust type, what it is missing from, and no schema's words are shown.
            let (pointer, says) = match (via.is_typescript(), *pointer) {
                (false, pointer) => (pointer, *says),
                (true, "") => ("/cache", "refused by zod"),
                (true, pointer) => (pointer, "refused by zod"),
            };
            assert_eq!(rejection["pointer"], pointer, "{via:?}: {report}");
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
    for via in BY_URL {
        let kv = FakeKv::start();
        let (misfit, pointer, _) = misfits().remove(0);
        kv.put_json("config", &misfit);
        let rig = Rig::start(
            &kv,
            via,
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
}
