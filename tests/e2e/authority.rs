//! What operators do to a space, on the real object: publish, look back, go back, override, explain.
use bellwether_tests::{FakeKv, PATIENCE, Token, until};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{from_source, marked, on_kv, published, publisher, publishing, quiet};

#[tokio::test]
async fn a_publish_is_durable_attributable_and_made_once() {
    let (mut workerd, client) = publishing(json!({})).start();
    let etag = client.snapshot().await.etag.unwrap();
    let fields = [
        ("if-match", etag.as_str()),
        ("idempotency-key", "\"first-publish\""),
        ("bellwether-reason", "go%20live"),
    ];
    let body = json!({ "limit": 1 });
    let first = client
        .write(Method::PUT, "document", &fields, Some(&body))
        .await
        .ok();
    workerd.kill9();
    workerd.start_again();
    let again = client
        .write(Method::PUT, "document", &fields, Some(&body))
        .await
        .ok();
    assert_eq!(first.json(), again.json());
    assert_eq!(again.header("bellwether-replayed"), Some("true"));
    assert_eq!(client.snapshot().await.version, 2);
    let stale = client
        .write(Method::PUT, "document", &fields[..1], Some(&body))
        .await;
    stale.problem(412);
    let other = client
        .write(
            Method::PUT,
            "document",
            &fields,
            Some(&json!({ "limit": 2 })),
        )
        .await;
    other.problem(422);
    let audit = client.get(&client.path("audit")).await.ok().json();
    let told: Vec<_> = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["actor"].as_str().unwrap(),
                entry["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told[..3],
        [
            ("publisher", "refused"),
            ("publisher", "refused"),
            ("publisher", "adopted")
        ]
    );
    assert_eq!(audit["entries"][2]["reason"], "go live");
    let check = client.get(&client.path("audit/check")).await.ok().json();
    assert_eq!(check["intact"], true, "{check}");
    workerd.kill9();
    let database = workerd.object_database();
    database
        .execute("UPDATE audit SET actor = 'someone' WHERE id = 2", ())
        .unwrap();
    drop(database);
    workerd.start_again();
    let check = client.get(&client.path("audit/check")).await.ok().json();
    assert_eq!(
        (&check["intact"], &check["broken_at"]),
        (&json!(false), &json!(2))
    );
}

#[tokio::test]
async fn history_is_listed_compared_explained_and_gone_back_to() {
    let (_workerd, client) = publishing(json!({})).start();
    for mark in 1..=4 {
        published(
            &client,
            &json!({ "mark": mark, "keep": { "a": [1, mark] } }),
        )
        .await;
    }
    let page = client
        .get(&client.path("versions?limit=2"))
        .await
        .ok()
        .json();
    let numbers = |page: &Value| -> Vec<u64> {
        let versions = page["versions"].as_array().unwrap().iter();
        versions
            .map(|version| version["version"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(numbers(&page), [5, 4]);
    let next = format!("versions?limit=2&before={}", page["next_before"]);
    assert_eq!(
        numbers(&client.get(&client.path(&next)).await.ok().json()),
        [3, 2]
    );
    let diff = client.get(&client.path("diff?from=2&to=5")).await.ok();
    assert_eq!(
        diff.header("content-type"),
        Some("application/json-patch+json")
    );
    let old = client.get(&client.path("versions/2")).await.ok().json();
    let mut patched = old.clone();
    let patch: json_patch::Patch = serde_json::from_value(diff.json()).unwrap();
    json_patch::patch(&mut patched, &patch).unwrap();
    assert_eq!(patched, client.snapshot().await.document);
    let body = json!({ "reason": "back" });
    let back = client
        .write(Method::POST, "versions/2/rollback", &[], Some(&body))
        .await
        .ok()
        .json();
    assert_eq!(
        (&back["outcome"], &back["version"]),
        (&json!("adopted"), &json!(6))
    );
    assert_eq!(client.snapshot().await.document, old);
    client
        .write(Method::POST, "versions/99/rollback", &[], None)
        .await
        .problem(404);
    let over = json!({ "patch": { "keep": { "a": null } } });
    client
        .write(Method::PUT, "override", &[], Some(&over))
        .await
        .ok();
    let why = client
        .get(&client.path("explain?pointer=/keep/a"))
        .await
        .ok()
        .json();
    assert_eq!(
        (&why["layer"], &why["found"]),
        (&json!("override"), &json!(false)),
        "{why}"
    );
    let why = client
        .get(&client.path("explain?pointer=/mark"))
        .await
        .ok()
        .json();
    assert_eq!(
        (&why["layer"], &why["since_version"]),
        (&json!("source"), &json!(6)),
        "{why}"
    );
    client
        .write(Method::DELETE, "override", &[], None)
        .await
        .ok();
    client.get(&client.path("override")).await.problem(404);
}

#[tokio::test]
async fn a_rollback_of_a_pulled_space_is_pinned_until_it_is_not() {
    let kv = FakeKv::start();
    let deployment = on_kv(&kv, quiet(json!({}))).tokens(&[publisher()]);
    let (mut workerd, client) = deployment.start();
    let client = client.with_token(&publisher().secret);
    let first = from_source(&client).await;
    kv.put_json("config", &marked(2));
    assert_eq!(client.reload().await["outcome"], "adopted");
    let refused = client
        .write(Method::PUT, "document", &[], Some(&marked(9)))
        .await;
    refused.problem(409);
    let leaf = format!("versions/{first}/rollback");
    let back = client
        .write(Method::POST, &leaf, &[], None)
        .await
        .ok()
        .json();
    assert_eq!(back["warnings"].as_array().map(Vec::len), Some(1), "{back}");
    kv.put_json("config", &marked(3));
    assert_eq!(client.reload().await["outcome"], "held");
    workerd.kill9();
    workerd.start_again();
    assert_eq!(client.reload().await["outcome"], "held");
    assert_eq!(client.snapshot().await.document, marked(1));
    let status = client.status().await;
    let pin = &status["operator"]["pin"];
    assert_eq!(
        (&pin["to_version"], &pin["candidate_held"]),
        (&json!(first), &json!(true))
    );
    client.write(Method::DELETE, "pin", &[], None).await.ok();
    until("the source counts again", PATIENCE, async || {
        client.snapshot().await.document == marked(3)
    })
    .await;
}

#[tokio::test]
async fn a_paused_schedule_stands_still_over_restarts() {
    let kv = FakeKv::start();
    let settings = quiet(json!({ "refresh_interval": "1s" }));
    let (mut workerd, client) = on_kv(&kv, settings).tokens(&[publisher()]).start();
    let client = client.with_token(&publisher().secret);
    from_source(&client).await;
    let pause = json!({ "paused": true, "reason": "the source is being moved" });
    client
        .write(Method::PUT, "schedule", &[], Some(&pause))
        .await
        .ok();
    workerd.kill9();
    workerd.start_again();
    let status = client.status().await;
    assert_eq!(status["schedule"]["paused"], true, "{status}");
    assert_eq!(
        status["schedule"]["next_refresh_at"],
        Value::Null,
        "{status}"
    );
    kv.put_json("config", &marked(2));
    let resume = json!({ "paused": false, "refresh_interval": "2s" });
    client
        .write(Method::PUT, "schedule", &[], Some(&resume))
        .await
        .ok();
    until("it goes on", PATIENCE, async || {
        client.snapshot().await.document == marked(2)
    })
    .await;
    assert_eq!(client.status().await["schedule"]["refresh_interval"], "2s");
}

#[tokio::test]
async fn who_has_no_right_changes_nothing_and_leaves_one_row() {
    let reader = Token::new("reader", "reader-secret-55aa", &["read"]);
    let (_workerd, client) = publishing(json!({}))
        .tokens(&[publisher(), reader.clone()])
        .start();
    let client = client.with_token(&publisher().secret);
    let before = client.snapshot().await;
    let body = json!({ "limit": 1 });
    let forbidden = client.with_token(&reader.secret);
    forbidden
        .write(Method::PUT, "document", &[], Some(&body))
        .await
        .problem(403);
    let stranger = client.with_token("nobody-knows-this");
    stranger
        .write(Method::DELETE, "pin", &[], None)
        .await
        .problem(401);
    stranger
        .write(Method::POST, "reload", &[], None)
        .await
        .problem(401);
    stranger.get(&client.path("audit")).await.problem(401);
    assert_eq!(client.snapshot().await.etag, before.etag);
    let audit = client.get(&client.path("audit")).await.ok().json();
    let told: Vec<_> = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| json!([entry["actor"], entry["action"], entry["detail"]]))
        .collect();
    assert_eq!(
        told[..3],
        [
            json!(["anonymous", "reload", "unauthenticated"]),
            json!(["anonymous", "unpin", "unauthenticated"]),
            json!(["reader", "publish", "forbidden"]),
        ]
    );
    assert_eq!(told.len(), 4, "and the first use: {audit}");
}
