//! An HTTP URL as the source: conditional requests, redirects, bearer.
use std::net::Ipv4Addr;

use bellwether_tests::{Client, Deployment, FakeOrigin, Workerd};
use serde_json::{Value, json};

use crate::support::{first_document, from_source, marked, quick, quiet, refreshed, refreshes};

fn deployment(source: Value) -> Deployment {
    Deployment::coordinator().settings(quiet(json!({ "source": source })))
}

/// An origin with the first document, and a coordinator that has it as version 2.
async fn started() -> (FakeOrigin, Workerd, Client) {
    let origin = FakeOrigin::start();
    origin.put_json("/config", &first_document());
    let (workerd, client) = deployment(json!({ "url": origin.url("/config") })).start();
    assert_eq!(from_source(&client).await, 2);
    (origin, workerd, client)
}

#[tokio::test]
async fn refreshes_are_conditional() {
    let (origin, _workerd, client) = started().await;
    assert_eq!(client.snapshot().await.document, first_document());
    assert_eq!(client.reload().await["outcome"], "unchanged");
    origin.put_json("/config", &marked(2));
    assert_eq!(client.reload().await["outcome"], "adopted");
    assert_eq!(client.reload().await["outcome"], "unchanged");
    let calls = origin.calls();
    assert_eq!(
        calls.iter().map(|call| call.status).collect::<Vec<_>>(),
        [200, 304, 200, 304]
    );
    assert_eq!(calls[0].request.header("if-none-match"), None);
    assert!(calls.iter().all(|call| call.request.method == "GET"));
    assert_eq!(client.snapshot().await.document, marked(2));
}

#[tokio::test]
async fn the_validator_survives_a_crash() {
    let (origin, mut workerd, client) = started().await;
    workerd.kill9();
    workerd.start_again();
    assert_eq!(client.reload().await["outcome"], "unchanged");
    assert_eq!(origin.calls().last().unwrap().status, 304);
}

#[tokio::test]
async fn a_rejected_documents_validator_is_not_kept() {
    let (origin, _workerd, client) = started().await;
    origin.put("/config", "null");
    assert_eq!(client.reload().await["outcome"], "rejected");
    // Were the rejected body's ETag kept, this would be told as unchanged.
    assert_eq!(client.reload().await["outcome"], "rejected");
    origin.put_json("/config", &first_document());
    assert_eq!(client.reload().await["outcome"], "unchanged");
    assert_eq!(client.status().await["source"]["state"], "ok");
}

#[tokio::test]
async fn another_url_is_not_asked_with_the_old_validator() {
    let (origin, mut workerd, client) = started().await;
    // The same document elsewhere has the same ETag here: a 304 would prove the wrong thing.
    origin.put_json("/elsewhere", &first_document());
    let calls = origin.count();
    workerd.redeploy(&deployment(json!({ "url": origin.url("/elsewhere") })));
    client.reload().await;
    let first = &origin.calls()[calls];
    assert_eq!(
        (first.request.path(), first.request.header("if-none-match")),
        ("/elsewhere", None)
    );
}

#[tokio::test]
async fn an_origin_without_validators_is_compared_by_content() {
    let (origin, _workerd, client) = started().await;
    origin.set_etags(false);
    origin.put_json("/config", &marked(2));
    assert_eq!(client.reload().await["outcome"], "adopted");
    assert_eq!(client.reload().await["outcome"], "unchanged");
    let calls = origin.calls();
    assert_eq!(calls.last().unwrap().request.header("if-none-match"), None);
}

#[tokio::test]
async fn redirects_on_the_same_host_are_followed() {
    let origin = FakeOrigin::start();
    origin.put_json("/new", &first_document());
    for (index, status) in [301, 302, 303, 307, 308].into_iter().enumerate() {
        let path = format!("/old-{status}");
        let location = if index % 2 == 0 {
            "/new".to_owned()
        } else {
            origin.url("/new")
        };
        origin.redirect(&path, status, &location);
        let (_workerd, client) = deployment(json!({ "url": origin.url(&path) })).start();
        from_source(&client).await;
        assert_eq!(
            client.snapshot().await.document,
            first_document(),
            "{status}"
        );
    }
}

#[tokio::test]
async fn redirects_to_another_host_are_refused_and_never_called() {
    let (origin, _workerd, client) = started().await;
    let stranger = FakeOrigin::start_at(Ipv4Addr::new(127, 0, 0, 2));
    stranger.put_json("/config", &marked(666));
    for location in [
        stranger.url("/config"),
        format!("//{}/config", stranger.address()),
    ] {
        origin.redirect("/config", 302, &location);
        let report = client.reload().await;
        assert_eq!(
            (&report["outcome"], &report["cause"]),
            (&json!("failed"), &json!("redirect")),
            "{report}"
        );
    }
    assert_eq!(stranger.count(), 0);
    assert_eq!(client.snapshot().await.document, first_document());
}

#[tokio::test]
async fn redirects_that_go_round_end() {
    let (origin, _workerd, client) = started().await;
    origin.redirect("/config", 302, "/again");
    origin.redirect("/again", 302, "/config");
    let calls = origin.count();
    let report = client.reload().await;
    assert_eq!(
        (&report["outcome"], &report["cause"]),
        (&json!("failed"), &json!("redirect")),
        "{report}"
    );
    assert!(origin.count() - calls < 10);
}

#[tokio::test]
async fn a_bearer_token_is_sent_from_its_secret() {
    const SECRET: &str = "origin-secret-6d1f";
    let origin = FakeOrigin::start();
    origin.put_json("/config", &first_document());
    origin.require_bearer(SECRET);
    let deployment =
        deployment(json!({ "url": origin.url("/config"), "token_secret": "ORIGIN_TOKEN" }));
    let (mut workerd, client) = deployment.clone().secret("ORIGIN_TOKEN", SECRET).start();
    assert_eq!(from_source(&client).await, 2);

    // Wrong, then not set: the head stays, and no call is made without its token.
    workerd.redeploy(&deployment.clone().secret("ORIGIN_TOKEN", "wrong"));
    let report = client.reload().await;
    assert_eq!(
        (&report["outcome"], &report["cause"]),
        (&json!("failed"), &json!("status")),
        "{report}"
    );
    workerd.redeploy(&deployment);
    let calls = origin.count();
    let report = client.reload().await;
    assert_eq!(
        (&report["outcome"], &report["cause"]),
        (&json!("failed"), &json!("secret")),
        "{report}"
    );
    assert_eq!(origin.count(), calls);
    assert_eq!(client.snapshot().await.version, 2);
    assert!(!workerd.logs().text().contains(SECRET));
}

#[tokio::test]
async fn a_changed_page_is_followed_by_alarm() {
    let origin = FakeOrigin::start();
    origin.put_json("/config", &first_document());
    let settings = quick(json!({ "source": { "url": origin.url("/config") } }));
    let (workerd, client) = Deployment::coordinator().settings(settings).start();
    from_source(&client).await;
    let skip = refreshes(workerd.logs()).await;
    origin.put_json("/config", &marked(2));
    refreshed(workerd.logs(), skip, "adopted").await;
    assert_eq!(client.snapshot().await.document, marked(2));
    assert_eq!(origin.most_at_once(), 1);
}

#[tokio::test]
async fn status_shows_the_url_without_its_query() {
    let origin = FakeOrigin::start();
    origin.put_json("/config", &first_document());
    let (_workerd, client) =
        deployment(json!({ "url": origin.url("/config?key=query-secret-3b") })).start();
    from_source(&client).await;
    assert!(
        origin.calls()[0]
            .request
            .target
            .ends_with("?key=query-secret-3b")
    );
    let status = client.status().await;
    assert_eq!(status["source"]["kind"], "url", "{status:#}");
    assert!(
        !status.to_string().contains("query-secret-3b"),
        "{status:#}"
    );
    assert!(
        status["source"]
            .to_string()
            .contains(&origin.address().to_string()),
        "{status:#}"
    );
}
