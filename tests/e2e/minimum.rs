//! Reading one's own write: the answer to a write says what to ask for, an edge that is behind asks at once, and nobody
//! can use that to flood the object.
use std::time::Instant;

use bellwether_core::names::header;
use bellwether_core::reading::{MINIMUM_BURST, MINIMUM_PAUSE_MS};
use bellwether_tests::{Client, Deployment, FakeKv, Proxy, Token, Workerd};
use reqwest::Method;
use serde_json::json;

use crate::support::{from_source, marked, on_kv, quiet};

/// A space that is published to, with an hour's TTL, and an edge.
fn started() -> (Workerd, Client, Proxy, Workerd, Client) {
    let operator = Token::new(
        "operator",
        "operator-secret-b7f1",
        &["read", "reload", "publish"],
    );
    let settings = json!({ "spaces": { "default": { "source": "none", "ttl": "1h" } } });
    let deployment = Deployment::coordinator()
        .settings(settings)
        .tokens(std::slice::from_ref(&operator));
    let (coordinator, client) = deployment.start();
    let proxy = Proxy::to(coordinator.address());
    let reader = json!({ "cold_start": { "wait": "20s" }, "revalidate_timeout": "20s" });
    let (edge, reads) = Deployment::edge(&proxy.url(), reader).start();
    (coordinator, client, proxy, edge, reads)
}

#[tokio::test]
async fn what_was_written_is_read_at_once_where_that_is_asked_for() {
    let (_coordinator, operator, proxy, _edge, client) = started();
    for mark in 1..=20 {
        let written = operator
            .write(Method::PUT, "document", &[], Some(&marked(mark)))
            .await
            .ok();
        let minimum = written.header(header::MIN_VERSION).unwrap().to_owned();
        assert_eq!(Some(&*minimum), written.header(header::VERSION));
        let path = client.path("config");
        let read = client
            .get_with(&path, header::MIN_VERSION, &minimum)
            .await
            .read();
        assert_eq!(
            (read.version.to_string(), &read.document),
            (minimum, &marked(mark))
        );
        // Whoever asks for nothing gets what is fresh, and nobody is asked for it.
        let calls = proxy.count();
        assert_eq!(client.read().await.document, marked(mark));
        assert_eq!(proxy.count(), calls);
    }
}

#[tokio::test]
async fn versions_that_there_will_never_be_flood_nothing() {
    let (_coordinator, operator, proxy, _edge, client) = started();
    operator
        .write(Method::PUT, "document", &[], Some(&marked(1)))
        .await
        .ok();
    let held = client.read().await;
    let (calls, began) = (proxy.count(), Instant::now());
    for _ in 0..300 {
        let path = client.path("config");
        let read = client
            .get_with(&path, header::MIN_VERSION, "9007199254740991")
            .await
            .read();
        assert_eq!(
            (read.version, &read.document, &*read.state),
            (held.version, &held.document, "fresh")
        );
    }
    let allowed =
        u128::from(MINIMUM_BURST) + began.elapsed().as_millis() / u128::from(MINIMUM_PAUSE_MS);
    let made = (proxy.count() - calls) as u128;
    assert!(
        (1..=allowed + 1).contains(&made),
        "{made} calls, {allowed} allowed"
    );
}

#[tokio::test]
async fn the_answer_to_a_reload_says_what_to_ask_for_and_a_refusal_does_not() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let version = from_source(&client).await;
    let reload = client.write(Method::POST, "reload", &[], None).await.ok();
    assert_eq!(
        reload.header(header::MIN_VERSION),
        Some(&*version.to_string())
    );
    let refused = client
        .write(Method::PUT, "document", &[], Some(&json!({})))
        .await;
    assert_eq!(
        (refused.status, refused.header(header::MIN_VERSION)),
        (403, None)
    );
}
