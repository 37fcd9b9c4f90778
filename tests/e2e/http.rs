//! HTTP as a client meets it: routes, methods, media types, bodies, problems.
use bellwether_tests::{Answer, Client, FakeKv, Workerd};
use reqwest::Method;
use serde_json::json;

use crate::support::{from_source, on_kv, quiet};

/// A coordinator whose head is the first document, version 2.
pub(crate) async fn started(kv: &FakeKv) -> (Workerd, Client) {
    let (workerd, client) = on_kv(kv, quiet(json!({}))).start();
    assert_eq!(from_source(&client).await, 2);
    (workerd, client)
}

async fn call(client: &Client, method: Method, path: &str) -> Answer {
    client
        .send(client.request(method.clone(), path))
        .await
        .unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
}

#[tokio::test]
async fn unknown_paths_are_404() {
    let kv = FakeKv::start();
    let (_workerd, client) = started(&kv).await;
    for path in [
        "/",
        "/v1",
        "/v1/space",
        "/v1/spaces/default",
        "/v1/spaces/default/",
        "/v1/spaces/default/config/",
        "/v1/spaces//config",
        "/v1/spaces/Default/config",
        "/v1/spaces/%64efault/config",
        "/metrics/",
        "/v1/spaces/default/nothing",
        "/favicon.ico",
    ] {
        client.get(path).await.problem(404);
    }
    let problem = client.get("/v1/spaces/elsewhere/config").await.problem(404);
    assert_eq!(
        problem["type"], "urn:bellwether:problem:unknown-space",
        "{problem}"
    );
}

#[tokio::test]
async fn other_methods_are_405_with_allow() {
    let kv = FakeKv::start();
    let (_workerd, client) = started(&kv).await;
    let calls = kv.count();
    for leaf in ["config", "snapshot", "status"] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = call(&client, method, &client.path(leaf)).await;
            answer.problem(405);
            assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"), "{leaf}");
        }
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = call(&client, method, &client.path("reload")).await;
        answer.problem(405);
        assert_eq!(answer.header("allow"), Some("POST, OPTIONS"));
    }
    let head = call(&client, Method::HEAD, &client.path("reload")).await;
    assert_eq!(
        (head.status, head.header("allow")),
        (405, Some("POST, OPTIONS"))
    );
    for path in ["/metrics", "/healthz", "/readyz"] {
        let answer = call(&client, Method::POST, path).await;
        answer.problem(405);
        assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"), "{path}");
    }
    assert_eq!(kv.count(), calls);
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let kv = FakeKv::start();
    let (_workerd, client) = started(&kv).await;
    for path in [
        client.path("config"),
        client.path("snapshot"),
        client.path("status"),
        "/metrics".into(),
        "/healthz".into(),
        "/readyz".into(),
    ] {
        let get = client.get(&path).await.ok();
        let head = call(&client, Method::HEAD, &path).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        for name in [
            "content-type",
            "etag",
            "bellwether-version",
            "bellwether-state",
            "cache-control",
        ] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    let missing = call(&client, Method::HEAD, "/nowhere").await;
    assert_eq!((missing.status, missing.body.len()), (404, 0));
}

#[tokio::test]
async fn options_tells_the_methods() {
    let kv = FakeKv::start();
    let (_workerd, client) = started(&kv).await;
    for (path, allow) in [
        (client.path("config"), "GET, HEAD, OPTIONS"),
        (client.path("snapshot"), "GET, HEAD, OPTIONS"),
        (client.path("status"), "GET, HEAD, OPTIONS"),
        (client.path("reload"), "POST, OPTIONS"),
        ("/metrics".to_owned(), "GET, HEAD, OPTIONS"),
        ("/healthz".to_owned(), "GET, HEAD, OPTIONS"),
    ] {
        let answer = call(&client, Method::OPTIONS, &path).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (204, 0),
            "{path}: {}",
            answer.text()
        );
        assert_eq!(answer.header("allow"), Some(allow), "{path}");
    }
}

#[tokio::test]
async fn reload_bodies_are_checked() {
    let kv = FakeKv::start();
    let (_workerd, client) = started(&kv).await;
    let calls = kv.count();
    let post = async |content_type: Option<&str>, body: String| {
        let request = client
            .request(Method::POST, &client.path("reload"))
            .body(body);
        let request = match content_type {
            Some(content_type) => request.header("content-type", content_type),
            None => request,
        };
        client.send(request).await.unwrap()
    };
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonx"),
    ] {
        let problem = post(content_type, "{}".to_owned()).await.problem(415);
        assert_eq!(
            problem["type"], "urn:bellwether:problem:unsupported-media-type",
            "{problem}"
        );
    }
    let large = format!("{{}}{}", " ".repeat(16 * 1024));
    post(Some("application/json"), large.clone())
        .await
        .problem(413);
    for (body, pointer) in [
        ("{", ""),
        ("[]", ""),
        (r#"{"waive":"key_loss"}"#, "/waive"),
        (r#"{"waiver":[]}"#, "/waiver"),
        (r#"{"reason":1}"#, "/reason"),
    ] {
        let problem = post(Some("application/json"), body.to_owned())
            .await
            .problem(400);
        assert_eq!(
            problem["errors"][0]["pointer"], pointer,
            "{body}: {problem}"
        );
        assert!(
            problem["errors"][0]["message"].is_string(),
            "{body}: {problem}"
        );
    }
    assert_eq!(kv.count(), calls, "a refused reload asks nobody");
    for content_type in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
    ] {
        let at_limit = format!("{{}}{}", " ".repeat(16 * 1024 - 2));
        assert_eq!(
            post(Some(content_type), at_limit).await.ok().json()["outcome"],
            "unchanged"
        );
    }
    assert_eq!(
        post(None, String::new()).await.ok().json()["outcome"],
        "unchanged"
    );
}

#[tokio::test]
async fn health_needs_no_token_and_says_nothing_of_recency() {
    let kv = FakeKv::start();
    let (_workerd, client) = started(&kv).await;
    let anyone = client.without_token();
    kv.set_open(false).await;
    assert_eq!(client.reload().await["outcome"], "failed");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(anyone.get(path).await.status, 200, "{path}");
    }
}
