//! Forced reloads: coalesced, joined, answered with what happened.
use std::time::Duration;

use bellwether_tests::{FakeKv, Fault, Gate, PATIENCE, until};
use serde_json::{Value, json};

use crate::support::{from_source, marked, on_kv, quick, quiet};

#[tokio::test]
async fn fifty_concurrent_reloads_cost_one_source_call_and_share_one_outcome() {
    const RELOADS: usize = 50;
    let kv = FakeKv::start();
    let (workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let version = from_source(&client).await;
    let calls = kv.count();
    kv.put_json("config", &marked(2));
    let gate = Gate::closed();
    kv.faults().next(Fault::Hold(gate.clone()));
    let reloads: Vec<_> = (0..RELOADS)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.reload().await })
        })
        .collect();
    until("all but the first have joined it", PATIENCE, async || {
        workerd.logs().events_named("refresh_joined").len() == RELOADS - 1
    })
    .await;
    gate.open();
    let mut reports = Vec::new();
    for reload in reloads {
        reports.push(reload.await.unwrap());
    }
    assert_eq!(kv.count(), calls + 1);
    let joined = reports
        .iter()
        .filter(|report| report["joined"] == true)
        .count();
    assert_eq!(joined, RELOADS - 1);
    for report in &mut reports {
        report["joined"] = Value::Null;
    }
    assert_eq!(reports[0]["outcome"], "adopted", "{}", reports[0]);
    assert_eq!(reports[0]["version"], version + 1);
    assert!(
        reports.iter().all(|report| *report == reports[0]),
        "{reports:?}"
    );
    assert_eq!(client.snapshot().await.version, version + 1);
}

#[tokio::test]
async fn reloads_and_alarms_never_make_two_source_calls_at_once() {
    let kv = FakeKv::start();
    kv.faults().stand(Fault::delay(Duration::from_millis(50)));
    let (_workerd, client) = on_kv(&kv, quick(json!({ "source_timeout": "10s" }))).start();
    from_source(&client).await;
    let mut version = 0;
    for mark in 2..12 {
        kv.put_json("config", &marked(mark));
        let reloads: Vec<_> = (0..10)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.reload().await })
            })
            .collect();
        for reload in reloads {
            let report = reload.await.unwrap();
            assert!(report["version"].as_u64().unwrap() >= version, "{report}");
            version = version.max(report["version"].as_u64().unwrap());
        }
    }
    assert_eq!(kv.most_at_once(), 1);
}

#[tokio::test]
async fn a_reload_tells_why_it_failed() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let version = from_source(&client).await;
    kv.faults().next(Fault::status(503));
    let report = client.reload().await;
    assert_eq!(
        (&report["outcome"], &report["cause"]),
        (&json!("failed"), &json!("status")),
        "{report}"
    );
    assert_eq!(
        (&report["version"], &report["previous_version"]),
        (&json!(version), &json!(version))
    );
    assert!(report["duration_ms"].is_u64(), "{report}");

    kv.put("config", r#"{"a":1,"a":2}"#);
    let report = client.reload().await;
    assert_eq!(report["outcome"], "rejected", "{report}");
    assert_eq!(report["reasons"][0]["code"], "duplicate_key", "{report}");
    assert_eq!(report["reasons"][0]["pointer"], "/a", "{report}");

    kv.remove("config");
    assert_eq!(client.reload().await["outcome"], "missing");
}

#[tokio::test]
async fn a_reload_by_a_client_that_went_away_still_ends() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let version = from_source(&client).await;
    kv.put_json("config", &marked(2));
    let gate = Gate::closed();
    kv.faults().next(Fault::Hold(gate.clone()));
    let reload = tokio::spawn({
        let client = client.afresh();
        async move { client.reload().await }
    });
    until("the source is asked", PATIENCE, async || {
        kv.in_progress() == 1
    })
    .await;
    reload.abort();
    assert!(reload.await.unwrap_err().is_cancelled());
    gate.open();
    until("the refresh ends all the same", PATIENCE, async || {
        client.snapshot().await.version == version + 1
    })
    .await;
    let report = client.reload().await;
    assert_eq!(
        (&report["outcome"], &report["joined"]),
        (&json!("unchanged"), &json!(false)),
        "{report}"
    );
}

#[tokio::test]
async fn a_reload_while_the_source_hangs_ends_at_the_deadline_and_the_next_one_works() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({ "source_timeout": "300ms" }))).start();
    let version = from_source(&client).await;
    kv.faults().stand(Fault::Hang);
    let report = client.reload().await;
    assert_eq!(
        (&report["outcome"], &report["cause"]),
        (&json!("failed"), &json!("timeout")),
        "{report}"
    );
    kv.faults().clear();
    kv.put_json("config", &marked(2));
    assert_eq!(client.reload().await["outcome"], "adopted");
    assert_eq!(client.snapshot().await.version, version + 1);
}

#[tokio::test]
async fn a_space_without_a_source_cannot_be_reloaded() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({ "source": "none" }))).start();
    let answer = client.reload_with(&json!({})).await;
    assert!((400..500).contains(&answer.status), "{}", answer.text());
    answer.problem(answer.status);
    assert_eq!(kv.count(), 0);
    assert_eq!(client.read().await.state, "base");
}
