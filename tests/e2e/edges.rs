//! Several edge processes, one coordinator process, and a network between them that fails.
use bellwether_tests::{
    Client, Deployment, FakeKv, Fault, PATIENCE, Proxy, Workerd, until, until_some,
};
use serde_json::{Value, json};

use crate::support::{first_document, from_source, marked, on_kv, quick, quiet};

fn edge(proxy: &Proxy, more: Value) -> (Workerd, Client) {
    let mut reader = json!({ "cold_start": { "wait": "10s" }, "revalidate_timeout": "1s" });
    for (key, value) in more.as_object().unwrap() {
        reader[key] = value.clone();
    }
    Deployment::edge(&proxy.url(), reader).start()
}

#[tokio::test]
async fn a_stopped_coordinator_leaves_readers_stale_and_they_recover() {
    let kv = FakeKv::start();
    let (mut coordinator, client) = on_kv(&kv, quick(json!({}))).start();
    let version = from_source(&client).await;
    let proxy = Proxy::to(coordinator.address());
    let edges = [edge(&proxy, json!({})), edge(&proxy, json!({}))];
    for (_, client) in &edges {
        let read = client.read().await;
        assert_eq!((read.state.as_str(), read.version), ("fresh", version));
    }

    coordinator.kill9();
    for (_, client) in &edges {
        until("reads are stale", PATIENCE, async || {
            client.read().await.state == "stale"
        })
        .await;
        for _ in 0..20 {
            let read = client.read().await;
            assert_eq!((read.version, &read.document), (version, &first_document()));
        }
        let metrics = client.metrics().await;
        assert!(metrics.must("bellwether_isolate_object_calls_total", &[]) >= 2.0);
    }

    kv.put_json("config", &marked(2));
    coordinator.start_again();
    for (_, client) in &edges {
        let read = until_some("the edge is on the new version", PATIENCE, async || {
            let read = client.read().await;
            (read.version > version).then_some(read)
        })
        .await;
        assert_eq!(read.document, marked(2));
        until("reads are fresh again", PATIENCE, async || {
            client.read().await.state == "fresh"
        })
        .await;
    }
}

#[tokio::test]
async fn a_cut_network_makes_reads_expire_and_they_are_served_all_the_same() {
    let kv = FakeKv::start();
    let settings = quiet(json!({ "ttl": "200ms", "stale_while_revalidate": "200ms" }));
    let (coordinator, client) = on_kv(&kv, settings).start();
    let version = from_source(&client).await;
    let proxy = Proxy::to(coordinator.address());
    let (_edge, client) = edge(&proxy, json!({ "on_expired": "serve" }));
    assert_eq!(client.read().await.version, version);
    proxy.set_open(false).await;
    let read = until_some("a read is expired", PATIENCE, async || {
        let read = client.read().await;
        (read.state == "expired").then_some(read)
    })
    .await;
    assert_eq!((read.version, read.document), (version, first_document()));
    assert_eq!(client.get("/readyz").await.status, 200);
    proxy.set_open(true).await;
    until("reads are fresh again", PATIENCE, async || {
        client.read().await.state == "fresh"
    })
    .await;
}

#[tokio::test]
async fn on_expired_error_fails_the_read_with_a_problem_and_recovers() {
    let kv = FakeKv::start();
    let settings = quiet(json!({ "ttl": "200ms", "stale_while_revalidate": "0s" }));
    let (coordinator, client) = on_kv(&kv, settings).start();
    from_source(&client).await;
    let proxy = Proxy::to(coordinator.address());
    let (_edge, client) = edge(&proxy, json!({ "on_expired": "error" }));
    client.read().await;
    proxy.set_open(false).await;
    let refused = until_some("a read is refused", PATIENCE, async || {
        let answer = client.get(&client.path("config")).await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    refused.problem(503);
    proxy.set_open(true).await;
    until("reads work again", PATIENCE, async || {
        client.get(&client.path("config")).await.status == 200
    })
    .await;
}

#[tokio::test]
async fn on_expired_wait_gets_the_new_version_first() {
    let kv = FakeKv::start();
    let settings = quiet(json!({ "ttl": "200ms", "stale_while_revalidate": "0s" }));
    let (coordinator, operator) = on_kv(&kv, settings).start();
    from_source(&operator).await;
    let proxy = Proxy::to(coordinator.address());
    let (_edge, client) = edge(&proxy, json!({ "on_expired": { "wait": "10s" } }));
    let first = client.read().await;
    kv.put_json("config", &marked(2));
    operator.reload().await;
    until("the edge shows the new version", PATIENCE, async || {
        client.read().await.version > first.version
    })
    .await;
    // Past the TTL every read waits, so none shows an expired state while the coordinator answers.
    let calls = proxy.count();
    until(
        "the snapshot was asked for three times more",
        PATIENCE,
        async || {
            assert_eq!(client.read().await.state, "fresh");
            proxy.count() >= calls + 3
        },
    )
    .await;
}

#[tokio::test]
async fn a_hanging_coordinator_holds_no_warm_read() {
    let kv = FakeKv::start();
    let (coordinator, client) = on_kv(&kv, quiet(json!({ "ttl": "200ms" }))).start();
    let version = from_source(&client).await;
    let proxy = Proxy::to(coordinator.address());
    let (_edge, client) = edge(&proxy, json!({}));
    client.read().await;
    // Until it is cleared no call comes back, so every answer below was given without one.
    proxy.faults().stand(Fault::Hang);
    until("reads are stale", PATIENCE, async || {
        client.read().await.state == "stale"
    })
    .await;
    for _ in 0..20 {
        assert_eq!(client.read().await.version, version);
    }
    proxy.faults().clear();
    until("reads are fresh again", PATIENCE, async || {
        client.read().await.state == "fresh"
    })
    .await;
}

#[tokio::test]
async fn a_stale_reader_revalidates_once_however_many_ask() {
    let kv = FakeKv::start();
    let (coordinator, client) = on_kv(&kv, quiet(json!({ "ttl": "1s" }))).start();
    from_source(&client).await;
    let proxy = Proxy::to(coordinator.address());
    let (_edge, client) = edge(&proxy, json!({}));
    client.read().await;
    let calls = proxy.count();
    let gate = bellwether_tests::Gate::closed();
    proxy.faults().stand(Fault::Hold(gate.clone()));
    until("a read is stale", PATIENCE, async || {
        client.read().await.state == "stale"
    })
    .await;
    for _ in 0..50 {
        client.read().await;
    }
    // The call is held for less than its own deadline here, or the lease could be taken again.
    let held = proxy.count() - calls;
    gate.open();
    assert_eq!(held, 1);
    until("reads are fresh again", PATIENCE, async || {
        client.read().await.state == "fresh"
    })
    .await;
    let revalidation = &proxy.calls()[calls];
    assert!(revalidation.request.header("if-none-match").is_some());
    assert_eq!(revalidation.status, 304);
}

#[tokio::test]
async fn versions_never_go_down_at_a_reader_whatever_the_network_does() {
    let kv = FakeKv::start();
    let (mut coordinator, operator) = on_kv(&kv, quick(json!({ "ttl": "100ms" }))).start();
    from_source(&operator).await;
    let proxy = Proxy::to(coordinator.address());
    let (_edge, client) = edge(&proxy, json!({}));
    let mut version = client.read().await.version;
    for mark in 2..22 {
        kv.put_json("config", &marked(mark));
        let fault = match mark % 5 {
            0 => Fault::Close,
            1 => Fault::delay(std::time::Duration::from_millis(300)),
            2 => Fault::CutLength,
            3 => Fault::status(500),
            _ => Fault::None,
        };
        proxy.faults().next(fault);
        if mark % 7 == 0 {
            coordinator.kill9();
            coordinator.start_again();
        }
        operator.reload().await;
        for _ in 0..10 {
            let read = client.read().await;
            assert!(read.version >= version, "{} after {version}", read.version);
            version = read.version;
        }
    }
    until("the edge is on the head", PATIENCE, async || {
        client.read().await.document == marked(21)
    })
    .await;
}

#[tokio::test]
async fn an_edge_with_a_wrong_token_serves_its_base() {
    let kv = FakeKv::start();
    let (coordinator, client) = on_kv(&kv, quiet(json!({}))).start();
    from_source(&client).await;
    let proxy = Proxy::to(coordinator.address());
    let (edge, client) = Deployment::edge(&proxy.url(), json!({ "cold_start": { "wait": "10s" } }))
        .secret("EDGE_TOKEN", "not-the-token-5a0e")
        .vars(json!({ "built_in": true }))
        .start();
    let read = client.read().await;
    assert_eq!(
        (read.state.as_str(), read.document),
        ("base", json!({ "built_in": true }))
    );
    assert_eq!(
        proxy
            .calls()
            .iter()
            .map(|call| call.status)
            .collect::<Vec<_>>(),
        [401]
    );
    assert!(!edge.logs().text().contains("not-the-token-5a0e"));
}

#[tokio::test]
async fn an_edge_says_what_it_does_not_serve() {
    let kv = FakeKv::start();
    let (coordinator, _) = on_kv(&kv, quiet(json!({}))).start();
    let proxy = Proxy::to(coordinator.address());
    let (_edge, client) = edge(&proxy, json!({}));
    for leaf in ["snapshot", "status"] {
        client.get(&client.path(leaf)).await.problem(501);
    }
    client.reload_with(&json!({})).await.problem(501);
    assert_eq!(client.get("/healthz").await.status, 200);
    assert_eq!(client.get("/readyz").await.status, 200);
    assert_eq!(proxy.count(), 0);
}
