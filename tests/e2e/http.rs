//! HTTP as a client meets it: methods, media types, conditional requests, pointers, problems.
use bellwether_tests::{Answer, Client, FakeKv, Workerd};
use reqwest::Method;
use serde_json::json;

use crate::support::{first_document, from_source, marked, on_kv, quiet};

/// A coordinator whose head is the first document, version 2.
async fn started(kv: &FakeKv) -> (Workerd, Client) {
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
async fn config_answers_with_every_header() {
    let kv = FakeKv::start();
    let (_workerd, client) = started(&kv).await;
    let answer = client.get(&client.path("config")).await.ok();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("bellwether-version"), Some("2"));
    assert_eq!(answer.header("bellwether-state"), Some("fresh"));
    assert_eq!(answer.header("age"), Some("0"));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    assert!(
        answer
            .header("server-timing")
            .is_some_and(|timing| !timing.is_empty())
    );
    let etag = answer.header("etag").unwrap();
    assert!(
        etag.starts_with("\"v2-") && etag.len() == "\"v2-\"".len() + 16,
        "{etag}"
    );
    assert_eq!(answer.json(), first_document());
}

#[tokio::test]
async fn snapshot_answers_with_freshness_terms() {
    let kv = FakeKv::start();
    let (_workerd, client) = started(&kv).await;
    let answer = client.get(&client.path("snapshot")).await.ok();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("bellwether-version"), Some("2"));
    assert_eq!(
        answer.header("bellwether-freshness"),
        Some("age_ms=0, ttl_ms=3600000, swr_ms=3600000")
    );
    assert_eq!(
        answer.header("cache-control"),
        Some("private, max-age=3600, stale-while-revalidate=3600")
    );
    let modified = answer.header("last-modified").unwrap();
    assert!(
        modified.ends_with(" GMT") && modified.len() == 29,
        "{modified}"
    );
    assert_eq!(answer.json(), first_document());
}

#[tokio::test]
async fn the_document_keeps_its_key_order() {
    let kv = FakeKv::start();
    let (_workerd, client) = {
        let deployment = on_kv(&kv, quiet(json!({})));
        kv.put("config", r#"{"z":1,"a":{"y":2,"b":3},"m":[]}"#);
        deployment.start()
    };
    from_source(&client).await;
    for leaf in ["config", "snapshot"] {
        assert_eq!(
            client.get(&client.path(leaf)).await.ok().text(),
            r#"{"z":1,"a":{"y":2,"b":3},"m":[]}"#
        );
    }
}

#[tokio::test]
async fn if_none_match_answers_304_without_a_body() {
    let kv = FakeKv::start();
    let (_workerd, client) = started(&kv).await;
    for leaf in ["config", "snapshot"] {
        let path = client.path(leaf);
        let etag = client.get(&path).await.read().etag.unwrap();
        for held in [
            etag.clone(),
            format!("W/{etag}"),
            format!("\"other\", {etag}"),
            "*".to_owned(),
        ] {
            let answer = client.get_with(&path, "if-none-match", &held).await;
            assert_eq!(
                (answer.status, answer.body.len()),
                (304, 0),
                "{leaf} {held}"
            );
            assert_eq!(answer.header("etag"), Some(etag.as_str()), "{leaf} {held}");
            assert_eq!(
                answer.header("bellwether-version"),
                Some("2"),
                "{leaf} {held}"
            );
            assert!(answer.header("bellwether-state").is_some(), "{leaf} {held}");
        }
        for other in ["\"v1-0000000000000000\"", "\"\"", "nonsense"] {
            assert_eq!(
                client.get_with(&path, "if-none-match", other).await.status,
                200,
                "{leaf} {other}"
            );
        }
    }
    kv.put_json("config", &marked(2));
    let etag = client.snapshot().await.etag.unwrap();
    client.reload().await;
    assert_eq!(
        client
            .get_with(&client.path("snapshot"), "if-none-match", &etag)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn pointers_select_a_value() {
    let kv = FakeKv::start();
    let (_workerd, client) = {
        let deployment = on_kv(&kv, quiet(json!({})));
        kv.put_json(
            "config",
            &json!({ "a/b": { "m~n": [10, null] }, "": "empty", "é": "accent", "text": "t" }),
        );
        deployment.start()
    };
    from_source(&client).await;
    for (query, value) in [
        ("/a~1b/m~0n/0", json!(10)),
        ("%2Fa~1b%2Fm~0n%2F1", json!(null)),
        ("/", json!("empty")),
        ("/%C3%A9", json!("accent")),
        ("/text", json!("t")),
    ] {
        let answer = client
            .get(&format!("/v1/spaces/default/config?pointer={query}"))
            .await
            .ok();
        assert_eq!(answer.json(), value, "{query}");
        assert_eq!(answer.header("bellwether-version"), Some("2"));
    }
    let all = client
        .get("/v1/spaces/default/config?pointer=")
        .await
        .ok()
        .json();
    assert_eq!(all["text"], json!("t"));
}

#[tokio::test]
async fn pointer_mistakes_are_told_apart() {
    let kv = FakeKv::start();
    let (_workerd, client) = started(&kv).await;
    let problem = async |query: &str, status| {
        client
            .get(&format!("/v1/spaces/default/config?{query}"))
            .await
            .problem(status)
    };
    for absent in [
        "/nowhere",
        "/video/codecs/1",
        "/video/codecs/-",
        "/video/codecs/00",
        "/mark/x",
        "/",
    ] {
        let problem = problem(&format!("pointer={absent}"), 404).await;
        assert_eq!(
            problem["type"], "urn:bellwether:problem:pointer-not-found",
            "{problem}"
        );
        assert!(problem["detail"].is_string(), "{problem}");
    }
    for malformed in ["video", "/video~2", "/a~"] {
        let problem = problem(&format!("pointer={malformed}"), 400).await;
        assert_eq!(
            problem["type"], "urn:bellwether:problem:bad-request",
            "{problem}"
        );
    }
    problem("pointer=%zz", 400).await;
    let unknown = problem("pointr=/video", 400).await;
    assert!(
        unknown["detail"].as_str().unwrap().contains("did you mean"),
        "{unknown}"
    );
}

#[tokio::test]
async fn unknown_paths_are_404() {
    let kv = FakeKv::start();
    let (_workerd, client) = started(&kv).await;
    for path in [
        "/",
        "/v1",
        "/v1/spaces",
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
async fn a_minimum_version_that_is_not_there_is_412() {
    let kv = FakeKv::start();
    let (_workerd, client) = started(&kv).await;
    let path = client.path("config");
    for reached in ["1", "2"] {
        assert_eq!(
            client
                .get_with(&path, "bellwether-min-version", reached)
                .await
                .status,
            200,
            "{reached}"
        );
    }
    client
        .get_with(&path, "bellwether-min-version", "3")
        .await
        .problem(412);
    for malformed in ["0", "-1", "two", "1.5", "9007199254740992"] {
        client
            .get_with(&path, "bellwether-min-version", malformed)
            .await
            .problem(400);
    }
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
