//! `kill -9` at any instant: what was acknowledged stays, and the space goes on by itself.
use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_tests::{FakeKv, PATIENCE, Rng, until};
use serde_json::{Value, json};

use crate::support::{from_source, on_kv, quick};

/// A document that shows when it is not whole.
fn whole(mark: u64) -> Value {
    json!({ "mark": mark, "padding": "x".repeat(20_000), "mark_again": mark })
}

fn mark_of(document: &Value) -> u64 {
    let mark = document["mark"].as_u64().unwrap();
    assert_eq!(
        document,
        &whole(mark),
        "a document that was never published"
    );
    mark
}

#[tokio::test]
async fn fifty_rounds_of_kill_9_lose_no_acknowledged_version() {
    const ROUNDS: u64 = 50;
    let mut rng = Rng::announced();
    let kv = FakeKv::start();
    // Short, so that a round that dies within a refresh is soon tried again.
    let settings = quick(json!({ "source_timeout": "500ms", "guard": { "max_key_loss": 100 } }));
    let deployment = on_kv(&kv, settings);
    kv.put_json("config", &whole(0));
    let (mut workerd, client) = deployment.start();
    from_source(&client).await;

    let mut served = BTreeMap::new();
    let mut newest = 0;
    let (mut acknowledged, mut unanswered) = (0, 0);
    for round in 1..=ROUNDS {
        kv.put_json("config", &whole(round));
        let reload = tokio::spawn({
            let client = client.afresh();
            async move { client.try_reload().await }
        });
        // The instant is the point of the test; what happens by then is not awaited.
        tokio::time::sleep(rng.below(Duration::from_millis(40))).await;
        workerd.kill9();
        match reload.await.unwrap() {
            Some(report) => {
                acknowledged += 1;
                let version = report["version"].as_u64().unwrap();
                newest = newest.max(version);
                // One that joined an alarm's refresh may have brought what the source held before.
                if report["outcome"] == "adopted" && report["joined"] == false {
                    served.insert(version, round);
                }
            }
            None => unanswered += 1,
        }

        let calls = kv.count();
        workerd.start_again();
        if round % 10 == 0 {
            until("an alarm rings without a request", PATIENCE, async || {
                kv.count() >= calls + 2
            })
            .await;
        }
        let head = client.snapshot().await;
        assert!(
            head.version >= newest,
            "round {round}: version {} after {newest}",
            head.version
        );
        newest = head.version;
        let mark = mark_of(&head.document);
        assert_eq!(
            *served.entry(head.version).or_insert(mark),
            mark,
            "version {} has two contents",
            head.version
        );
        assert!(mark <= round, "round {round} serves mark {mark}");
    }
    println!("{acknowledged} reloads acknowledged, {unanswered} cut off");
    assert!(
        acknowledged > 0 && unanswered > 0,
        "the instants are badly chosen: {acknowledged}, {unanswered}"
    );
    let marks: Vec<u64> = served.values().copied().collect();
    assert!(marks.is_sorted(), "older content came back: {served:?}");
    let report = client.reload().await;
    assert_eq!(
        mark_of(&client.snapshot().await.document),
        ROUNDS,
        "{report}"
    );
}

#[tokio::test]
async fn alarms_go_on_after_a_crash_without_a_request() {
    let kv = FakeKv::start();
    let (mut workerd, client) = on_kv(&kv, quick(json!({}))).start();
    from_source(&client).await;
    workerd.kill9();
    let calls = kv.count();
    workerd.start_again();
    until("the source is asked three times", PATIENCE, async || {
        kv.count() >= calls + 3
    })
    .await;
}

#[tokio::test]
async fn a_crash_during_a_source_call_leaves_an_alarm() {
    use bellwether_tests::Fault;
    let kv = FakeKv::start();
    let (mut workerd, client) = on_kv(&kv, quick(json!({ "source_timeout": "1s" }))).start();
    from_source(&client).await;
    kv.faults().stand(Fault::Hang);
    until("a call hangs", PATIENCE, async || kv.in_progress() == 1).await;
    workerd.kill9();
    kv.faults().clear();
    let calls = kv.count();
    workerd.start_again();
    until("the source is asked again", PATIENCE, async || {
        kv.count() > calls
    })
    .await;
    let status = client.status().await;
    assert!(
        status["schedule"]["next_alarm_at"].is_string(),
        "{status:#}"
    );
}

#[tokio::test]
async fn an_acknowledged_reload_survives_an_immediate_crash() {
    let kv = FakeKv::start();
    let deployment = on_kv(&kv, quick(json!({ "refresh_interval": "1d" })));
    kv.put_json("config", &whole(0));
    let (mut workerd, client) = deployment.start();
    from_source(&client).await;
    for round in 1..=10 {
        kv.put_json("config", &whole(round));
        let report = client.reload().await;
        workerd.kill9();
        assert_eq!(report["outcome"], "adopted", "{report}");
        workerd.start_again();
        let head = client.snapshot().await;
        assert_eq!(report["version"], head.version);
        assert_eq!(mark_of(&head.document), round);
    }
}
