//! What an edge makes of the answers it gets: late ones, old ones, and ones no coordinator gave.
use std::net::Ipv4Addr;
use std::time::Duration;

use bellwether_tests::{
    Client, Deployment, FakeKv, FakeOrigin, Fault, Gate, PATIENCE, Proxy, Response, Workerd, until,
};
use serde_json::json;

use crate::support::{first_document, from_source, marked, on_kv, quiet};

/// A coordinator at version 2, a proxy, and an edge that waits long for its first snapshot.
async fn started(kv: &FakeKv, ttl: &str) -> (Workerd, Client, Proxy, Workerd, Client) {
    let (coordinator, operator) = on_kv(kv, quiet(json!({ "ttl": ttl }))).start();
    assert_eq!(from_source(&operator).await, 2);
    let proxy = Proxy::to(coordinator.address());
    let reader = json!({ "cold_start": { "wait": "20s" }, "revalidate_timeout": "20s" });
    let (edge, client) = Deployment::edge(&proxy.url(), reader).start();
    (coordinator, operator, proxy, edge, client)
}

#[tokio::test]
async fn an_old_answer_that_comes_late_changes_nothing() {
    let kv = FakeKv::start();
    let (_coordinator, operator, proxy, _edge, client) = started(&kv, "1h").await;
    // The first cold read's answer, version 2, is on its way when version 3 is adopted and read.
    let gate = Gate::closed();
    proxy.faults().next(Fault::Hold(gate.clone()));
    let late = tokio::spawn({
        let client = client.afresh();
        async move { client.read().await }
    });
    until("the old answer is on its way", PATIENCE, async || {
        proxy.calls().len() == 1
    })
    .await;
    kv.put_json("config", &marked(2));
    operator.reload().await;
    let read = client.read().await;
    assert_eq!((read.version, &read.document), (3, &marked(2)));

    gate.open();
    let late = late.await.unwrap();
    assert_eq!((late.version, late.document), (3, marked(2)));
    let after = client.read().await;
    assert_eq!((after.version, after.document), (3, marked(2)));
    assert_eq!(proxy.count(), 2);
}

/// An answer that no coordinator gave must not change what is served, and the next sound one must.
async fn ignored(fault: Fault) {
    let kv = FakeKv::start();
    let (_coordinator, operator, proxy, _edge, client) = started(&kv, "200ms").await;
    assert_eq!(client.read().await.version, 2);
    let calls = proxy.count();
    proxy.faults().stand(fault.clone());
    until("the edge asks", PATIENCE, async || {
        let read = client.read().await;
        assert_eq!(
            (read.version, &read.document),
            (2, &first_document()),
            "{fault:?}"
        );
        proxy.count() > calls
    })
    .await;
    for _ in 0..5 {
        let read = client.read().await;
        assert_eq!(
            (read.version, &read.document),
            (2, &first_document()),
            "{fault:?}"
        );
    }
    proxy.faults().clear();
    kv.put_json("config", &marked(2));
    operator.reload().await;
    until("the next sound answer is taken", PATIENCE, async || {
        client.read().await.version == 3
    })
    .await;
    assert_eq!(client.read().await.document, marked(2));
}

/// A snapshot as a coordinator would answer it.
fn snapshot(version: &str) -> Response {
    Response::new(200)
        .with_header("bellwether-version", version)
        .with_header("etag", format!("\"v{version}-0123456789abcdef\""))
        .with_header(
            "bellwether-freshness",
            "age_ms=0, ttl_ms=200, swr_ms=3600000",
        )
        .with_header("content-type", "application/json")
}

macro_rules! ignored {
    ($($name:ident: $fault:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            ignored($fault).await;
        }
    )*};
}

ignored! {
    an_older_version: Fault::Answer(snapshot("1").with_body("{\"old\":true}"));
    an_error_page: Fault::body("<html>captive portal</html>");
    a_body_that_is_not_a_document: Fault::Answer(snapshot("9").with_body("[1]"));
    a_body_that_is_not_json: Fault::Answer(snapshot("9").with_body("{"));
    a_version_beyond_the_limit: Fault::Answer(snapshot("9007199254740992").with_body("{}"));
    no_version: Fault::Answer(Response::new(200).with_body("{}"));
    a_status_500: Fault::status(500);
    a_status_403: Fault::status(403);
    cut_off_with_a_length: Fault::CutLength;
    cut_off_in_chunks: Fault::CutChunked;
    closed: Fault::Close;
    a_redirect: Fault::Answer(Response::new(302).with_header("location", "/elsewhere"));
}

#[tokio::test]
async fn a_redirect_to_a_stranger_does_not_get_the_token() {
    let kv = FakeKv::start();
    let (_coordinator, _operator, proxy, _edge, client) = started(&kv, "200ms").await;
    assert_eq!(client.read().await.version, 2);
    let stranger = FakeOrigin::start_at(Ipv4Addr::new(127, 0, 0, 2));
    let away =
        Response::new(302).with_header("location", stranger.url("/v1/spaces/default/snapshot"));
    let calls = proxy.count();
    proxy.faults().stand(Fault::Answer(away));
    until("the edge asks twice", PATIENCE, async || {
        assert_eq!(client.read().await.version, 2);
        proxy.count() >= calls + 2
    })
    .await;
    let told: Vec<_> = stranger
        .calls()
        .iter()
        .filter_map(|call| call.request.header("authorization").map(str::to_owned))
        .collect();
    assert_eq!(told, Vec::<String>::new());
}

#[tokio::test]
async fn a_reader_by_service_binding_follows_too() {
    let kv = FakeKv::start();
    let (coordinator, operator) = on_kv(&kv, quiet(json!({ "ttl": "200ms" }))).start();
    from_source(&operator).await;
    let proxy = Proxy::to(coordinator.address());
    let reader = json!({ "cold_start": { "wait": "20s" } });
    let (_edge, client) = Deployment::edge_by_service(&proxy, reader).start();
    let read = client.read().await;
    assert_eq!(
        (read.state.as_str(), read.version, read.document),
        ("fresh", 2, first_document())
    );
    kv.put_json("config", &marked(2));
    operator.reload().await;
    until("the new version arrives", PATIENCE, async || {
        client.read().await.document == marked(2)
    })
    .await;
    proxy.set_open(false).await;
    until("reads are stale", PATIENCE, async || {
        client.read().await.state == "stale"
    })
    .await;
    proxy.set_open(true).await;
    until("reads are fresh again", PATIENCE, async || {
        client.read().await.state == "fresh"
    })
    .await;
}

#[tokio::test]
async fn a_slow_answer_is_taken_when_it_comes() {
    let kv = FakeKv::start();
    let (_coordinator, operator, proxy, _edge, client) = started(&kv, "200ms").await;
    assert_eq!(client.read().await.version, 2);
    kv.put_json("config", &marked(2));
    operator.reload().await;
    proxy.faults().stand(Fault::delay(Duration::from_secs(1)));
    until("the new version arrives", PATIENCE, async || {
        client.read().await.version == 3
    })
    .await;
}
