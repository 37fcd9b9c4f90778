//! What a follower with typed sections does when it is cold, mistaken, or past its terms.
use std::time::{Duration, Instant};

use bellwether_core::names;
use bellwether_tests::{FakeKv, Fault, Gate, PATIENCE, until, until_some};
use serde_json::{Value, json};

use crate::follower::{BY_OBJECT, BY_URL, EVERY_WAY, Rig, SECRET, Via, on, shows, shows_base};
use crate::support::{from_source, quiet};

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
    for via in BY_OBJECT {
        let kv = FakeKv::start();
        on(&kv, 1);
        let gate = Gate::closed();
        kv.faults().stand(Fault::Hold(gate.clone()));
        let reader = json!({ "cold_start": { "wait": "20s" } });
        let rig = Rig::start(&kv, via, quiet(json!({})), reader);
        // The object gives up on the source after two seconds, and answers with built-in layers that are empty.
        let read = rig.read().await;
        assert!(shows_base(&read), "{read}");
        gate.open();
        // Long before the TTL of an hour.
        rig.reaches(2, |read| shows_base(read) || shows(read, 1))
            .await;
        assert_eq!(rig.report().await["last_rejection"], Value::Null);
    }
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
async fn cut_off(kv: &FakeKv, via: Via, on_expired: Value) -> Rig {
    on(kv, 1);
    let space = quiet(json!({ "ttl": "1s", "stale_while_revalidate": "1s" }));
    let reader = json!({ "cold_start": { "wait": "20s" }, "on_expired": on_expired });
    let rig = Rig::start(kv, via, space, reader);
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
    for via in BY_URL {
        let kv = FakeKv::start();
        let rig = cut_off(&kv, via, json!("serve")).await;
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
}

#[tokio::test]
async fn on_expired_error_fails_the_read_and_recovers() {
    for via in BY_URL {
        let kv = FakeKv::start();
        let rig = cut_off(&kv, via, json!("error")).await;
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
}

#[tokio::test]
async fn on_expired_wait_gets_the_new_sections_first() {
    for via in BY_OBJECT {
        let kv = FakeKv::start();
        on(&kv, 1);
        let space = quiet(json!({ "ttl": "2s", "stale_while_revalidate": "0s" }));
        let reader = json!({ "cold_start": { "wait": "20s" }, "on_expired": { "wait": "20s" } });
        let rig = Rig::start(&kv, via, space, reader);
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
}
