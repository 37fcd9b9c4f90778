//! Reading by HTTP: headers, conditional requests, pointers, minimum versions.
use bellwether_tests::FakeKv;
use serde_json::json;

use crate::http::started;
use crate::support::{first_document, from_source, marked, on_kv, quiet};

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

/// A minimum makes the reader ask again; what it gets all the same is served, for configuration fails no request.
#[tokio::test]
async fn a_minimum_version_asks_the_object_and_fails_no_read() {
    let kv = FakeKv::start();
    let (_workerd, client) = started(&kv).await;
    let calls = async || {
        client
            .metrics()
            .await
            .must("bellwether_isolate_object_calls_total", &[])
    };
    let path = client.path("config");
    client.read().await;
    let before = calls().await;
    for reached in ["1", "2"] {
        let read = client
            .get_with(&path, "bellwether-min-version", reached)
            .await
            .read();
        assert_eq!(read.version, 2, "{reached}");
    }
    assert_eq!(calls().await, before, "what is held will do");
    let read = client
        .get_with(&path, "bellwether-min-version", "3")
        .await
        .read();
    assert_eq!((read.version, read.document), (2, first_document()));
    assert_eq!(calls().await, before + 1.0);
    for malformed in ["0", "-1", "two", "1.5", "9007199254740992"] {
        client
            .get_with(&path, "bellwether-min-version", malformed)
            .await
            .problem(400);
    }
}
