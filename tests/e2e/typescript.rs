//! The reader for TypeScript on real workerd, beside the coordinator, where the tests of `sections.rs` and
//! `section_policies.rs`, which drive it too, do not go: a scheduled switch, the coordinator's end, its own vars.
use bellwether_core::names::header;
use bellwether_core::wire::parse_rfc3339;
use bellwether_tests::{FakeKv, Fault, Gate, PATIENCE, until, until_some};
use reqwest::Method;
use serde_json::{Value, json};

use crate::activation::now_ms;
use crate::follower::{BY_URL, Rig, SECRET, Via, on, revision, shows, shows_base};
use crate::support::quiet;

#[tokio::test]
async fn a_scheduled_version_is_switched_to_at_its_moment_without_a_call() {
    for via in BY_URL {
        let kv = FakeKv::start();
        on(&kv, 1);
        let space = json!({ "ttl": "500ms", "stale_while_revalidate": "1h", "publish": true });
        let reader = json!({ "cold_start": { "wait": "20s" } });
        let rig = Rig::start(&kv, via, quiet(space), reader);
        let before = rig.read().await["version"].as_u64().unwrap();
        let path = "document?activate_in=4s";
        let scheduled = rig
            .operator
            .write(Method::PUT, path, &[], Some(&revision(2)))
            .await;
        assert_eq!(scheduled.status, 202, "{}", scheduled.text());
        let scheduled = scheduled.json();
        let at = scheduled["pending"]["activate_at"].as_str().unwrap();
        let at = u128::from(parse_rfc3339(at).unwrap().0);
        until("the follower holds what is to come", PATIENCE, async || {
            assert!(shows(&rig.read().await, 1));
            rig.report().await["pending"]["version"] == before + 1
        })
        .await;
        assert!(now_ms() < at, "it heard of it in time");
        rig.proxy.set_open(false).await;
        let calls = rig.proxy.count();
        let switched = rig.reaches(before + 1, |read| {
            shows(read, if read["version"] == before { 1 } else { 2 })
        });
        assert!(shows(&switched.await, 2), "{via:?}");
        assert!(now_ms() >= at, "{via:?}: early");
        assert_eq!(rig.proxy.count(), calls, "{via:?}: no call went through");
    }
}

#[tokio::test]
async fn a_dead_coordinator_leaves_what_is_held_first_stale_and_then_expired() {
    let kv = FakeKv::start();
    on(&kv, 1);
    let space = quiet(json!({ "ttl": "1s", "stale_while_revalidate": "2s" }));
    let reader = json!({ "cold_start": { "wait": "20s" }, "revalidate_timeout": "500ms" });
    let mut rig = Rig::start(&kv, Via::TypeScriptUrl, space, reader);
    // Its calls end soon, the first ones maybe before a coordinator that is new has read its source.
    until("the follower holds it", PATIENCE, async || {
        shows(&rig.read().await, 1)
    })
    .await;
    rig.coordinator.kill9();
    for state in ["stale", "expired"] {
        let read = until_some(state, PATIENCE, async || {
            let read = rig.read().await;
            (read["state"] == state).then_some(read)
        })
        .await;
        assert!(shows(&read, 1), "{read}");
    }
    until("the failure is told", PATIENCE, async || {
        rig.read().await;
        rig.report().await["last_failure"].is_string()
    })
    .await;
}

#[tokio::test]
async fn what_was_written_is_read_at_once_where_that_is_asked_for() {
    let kv = FakeKv::start();
    on(&kv, 1);
    let space = json!({ "ttl": "1h", "publish": true });
    let reader = json!({ "cold_start": { "wait": "20s" } });
    let rig = Rig::start(&kv, Via::TypeScriptUrl, quiet(space), reader);
    assert!(shows(&rig.read().await, 1));
    for number in 2..=20 {
        let written = rig
            .operator
            .write(Method::PUT, "document", &[], Some(&revision(number)))
            .await
            .ok();
        let minimum = written.header(header::MIN_VERSION).unwrap().to_owned();
        let calls = rig.proxy.count();
        let read = rig.follower.get_with("/", header::MIN_VERSION, &minimum);
        let read = read.await.ok().json();
        assert!(shows(&read, number), "{read}");
        assert_eq!(read["version"].to_string(), minimum);
        assert_eq!(rig.read().await["version"], read["version"]);
        assert_eq!(
            rig.proxy.count(),
            calls + 1,
            "who asks for nothing makes no call"
        );
    }
}

#[tokio::test]
async fn its_own_vars_are_part_of_its_base_where_they_fit() {
    for (max, width) in [(json!(640), 640), (json!(SECRET), 1280)] {
        let kv = FakeKv::start();
        let reader = json!({ "cold_start": "base" });
        let vars = json!({ "video": { "limits": { "width": { "max": max } } } });
        let rig = Rig::start_with(
            &kv,
            Via::TypeScriptObject,
            quiet(json!({})),
            reader,
            |follower| follower.vars(vars),
        );
        let read = rig.read().await;
        assert_eq!(
            (&read["state"], &read["video"]["max_width"]),
            (&json!("base"), &json!(width))
        );
        let logged = rig.logs().events_named("reader_settings");
        assert_eq!(logged.len(), usize::from(width == 1280), "{logged:?}");
        assert!(!rig.logs().text().contains(SECRET));
    }
}

#[tokio::test]
async fn requests_that_are_cut_off_while_they_wait_hold_up_no_other() {
    let kv = FakeKv::start();
    on(&kv, 1);
    let gate = Gate::closed();
    kv.faults().stand(Fault::Hold(gate.clone()));
    let reader = json!({ "cold_start": { "wait": "20s" } });
    let rig = Rig::start(&kv, Via::TypeScriptObject, quiet(json!({})), reader);
    let mut reads: Vec<_> = (0..20)
        .map(|_| {
            let client = rig.follower.afresh();
            tokio::spawn(async move { client.get("/").await.ok().json() })
        })
        .collect();
    until("they wait", PATIENCE, async || kv.in_progress() == 1).await;
    // The first of them too, whose call the others might have shared.
    reads.drain(..10).for_each(|read| read.abort());
    gate.open();
    for read in reads {
        let read: Value = read.await.unwrap();
        assert!(shows(&read, 1) || shows_base(&read), "{read}");
    }
    rig.reaches(2, |read| shows(read, 1) || shows_base(read))
        .await;
}
