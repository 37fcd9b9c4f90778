//! Cold starts against a slow source: the policy decides how long a read waits, the source never does.
use std::time::{Duration, Instant};

use bellwether_tests::{Client, Deployment, FakeKv, Fault, Gate, PATIENCE, Proxy, Workerd, until};
use serde_json::{Value, json};

use crate::support::{first_document, on_kv, quiet};

/// A coordinator that nobody asked anything yet, and an edge behind a proxy with this cold start policy.
fn cold(kv: &FakeKv, cold_start: Value) -> (Workerd, Proxy, Workerd, Client) {
    let (coordinator, _) = on_kv(kv, quiet(json!({}))).start();
    let proxy = Proxy::to(coordinator.address());
    let reader = json!({ "cold_start": cold_start });
    let (edge, client) = Deployment::edge(&proxy.url(), reader)
        .vars(json!({ "built_in": true }))
        .start();
    (coordinator, proxy, edge, client)
}

#[tokio::test]
async fn base_answers_while_the_source_hangs() {
    let kv = FakeKv::start();
    let gate = Gate::closed();
    kv.faults().stand(Fault::Hold(gate.clone()));
    let (_coordinator, _proxy, _edge, client) = cold(&kv, json!("base"));
    // The source does not answer before the gate opens, so an answer proves that nothing waited for it.
    let read = client.read().await;
    assert_eq!((read.state.as_str(), read.version), ("base", 0));
    assert_eq!(read.document, json!({ "built_in": true }));
    until(
        "the source is asked behind the response",
        PATIENCE,
        async || kv.in_progress() == 1,
    )
    .await;
    assert_eq!(client.read().await.state, "base");

    gate.open();
    until("the document arrives", PATIENCE, async || {
        client.read().await.document == first_document()
    })
    .await;
    assert_eq!(kv.count(), 1);
}

#[tokio::test]
async fn wait_gives_up_at_its_deadline_while_the_source_takes_5_s() {
    const DELAY: Duration = Duration::from_secs(5);
    let kv = FakeKv::start();
    kv.faults().next(Fault::delay(DELAY));
    let (_coordinator, _proxy, _edge, client) = cold(&kv, json!({ "wait": "100ms" }));
    let asked = Instant::now();
    let read = client.read().await;
    assert!(
        asked.elapsed() < DELAY,
        "waited {:?} for the source",
        asked.elapsed()
    );
    assert_eq!((read.state.as_str(), read.version), ("base", 0));
    assert_eq!(read.document, json!({ "built_in": true }));
    until("the document arrives by itself", PATIENCE, async || {
        client.read().await.document == first_document()
    })
    .await;
}

#[tokio::test]
async fn the_object_joins_the_first_refresh_no_longer_than_its_own_deadline() {
    const DELAY: Duration = Duration::from_secs(5);
    let kv = FakeKv::start();
    kv.faults().next(Fault::delay(DELAY));
    let (_coordinator, proxy, _edge, client) = cold(&kv, json!({ "wait": "20s" }));
    let asked = Instant::now();
    let read = client.read().await;
    assert!(
        asked.elapsed() < DELAY,
        "waited {:?} for the source",
        asked.elapsed()
    );
    // The object answers with its own built-in layers, as version 1; a reader has its own.
    assert_eq!((read.state.as_str(), read.version), ("base", 0));
    assert_eq!(read.document, json!({ "built_in": true }));
    assert_eq!(proxy.count(), 1);
    until("the document arrives by itself", PATIENCE, async || {
        client.read().await.document == first_document()
    })
    .await;
}

#[tokio::test]
async fn wait_gets_the_document_when_the_source_takes_138_ms() {
    let kv = FakeKv::start();
    kv.faults().next(Fault::delay(Duration::from_millis(138)));
    let (_coordinator, proxy, _edge, client) = cold(&kv, json!({ "wait": "20s" }));
    let read = client.read().await;
    assert_eq!((read.state.as_str(), read.version), ("fresh", 2));
    assert_eq!(read.document, first_document());
    assert_eq!(
        (kv.count(), proxy.count()),
        (1, 1),
        "one source call, one object call"
    );
}

#[tokio::test]
async fn base_answers_at_once_when_the_source_takes_138_ms() {
    let kv = FakeKv::start();
    kv.faults().next(Fault::delay(Duration::from_millis(138)));
    let (_coordinator, _proxy, _edge, client) = cold(&kv, json!("base"));
    let read = client.read().await;
    assert_eq!((read.state.as_str(), read.version), ("base", 0));
    until("the document arrives by itself", PATIENCE, async || {
        client.read().await.document == first_document()
    })
    .await;
    assert_eq!(kv.count(), 1);
}

#[tokio::test]
async fn a_cold_read_answers_base_when_the_coordinator_hangs() {
    let kv = FakeKv::start();
    let (_coordinator, proxy, _edge, client) = cold(&kv, json!({ "wait": "100ms" }));
    proxy.faults().stand(Fault::Hang);
    let read = client.read().await;
    assert_eq!((read.state.as_str(), read.version), ("base", 0));
    proxy.faults().clear();
    until("the document arrives by itself", PATIENCE, async || {
        client.read().await.document == first_document()
    })
    .await;
}

#[tokio::test]
async fn two_hundred_cold_reads_over_four_edges_cost_one_source_call() {
    const EDGES: usize = 4;
    const READS_EACH: usize = 50;
    let kv = FakeKv::start();
    kv.faults().next(Fault::delay(Duration::from_millis(138)));
    let (coordinator, _) = on_kv(&kv, quiet(json!({}))).start();
    let proxy = Proxy::to(coordinator.address());
    let edges: Vec<(Workerd, Client)> = (0..EDGES)
        .map(|_| Deployment::edge(&proxy.url(), json!({ "cold_start": { "wait": "20s" } })).start())
        .collect();
    let reads: Vec<_> = edges
        .iter()
        .flat_map(|(_, client)| (0..READS_EACH).map(|_| client.clone()))
        .map(|client| tokio::spawn(async move { client.read().await }))
        .collect();
    for read in reads {
        let read = read.await.unwrap();
        assert_eq!((read.state.as_str(), read.version), ("fresh", 2));
        assert_eq!(read.document, first_document());
    }
    assert_eq!(kv.count(), 1);
    let object_calls = proxy.count();
    assert!(
        (EDGES..=EDGES * READS_EACH).contains(&object_calls),
        "{object_calls} object calls"
    );

    // Warm reads cost no call of any kind.
    for (_, client) in &edges {
        for _ in 0..25 {
            assert_eq!(client.read().await.state, "fresh");
        }
        let metrics = client.metrics().await;
        assert!(metrics.must("bellwether_isolate_reads_total", &["state=\"fresh\""]) >= 75.0);
    }
    assert_eq!(proxy.count(), object_calls);
    assert_eq!(kv.count(), 1);
}

#[tokio::test]
async fn many_lookups_of_a_cold_isolate_cost_at_most_one_call_each() {
    let kv = FakeKv::start();
    let (_coordinator, proxy, _edge, client) = cold(&kv, json!({ "wait": "20s" }));
    assert_eq!(
        client
            .get("/v1/spaces/default/config?pointer=/video/max_width")
            .await
            .ok()
            .json(),
        json!(1280)
    );
    assert_eq!(proxy.count(), 1);
    for pointer in ["/video/codecs/0", "/cache", "/mark"] {
        let path = format!("/v1/spaces/default/config?pointer={pointer}");
        assert_eq!(client.get(&path).await.status, 200);
    }
    assert_eq!(proxy.count(), 1);
}
