//! Guards against a document that loses too much, and the reload that waives one by name.
use bellwether_tests::FakeKv;
use serde_json::{Value, json};

use crate::support::{first_document, from_source, on_kv, quiet};

/// A candidate that a guard stops, and the reload bodies that do not and do let it through.
async fn waived_by_name(candidate: Value, guard: &str, other: &str) {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let version = from_source(&client).await;
    kv.put_json("config", &candidate);

    for body in [
        json!({}),
        json!({ "waive": [] }),
        json!({ "waive": [other] }),
    ] {
        let report = client.reload_with(&body).await.ok().json();
        assert_eq!(report["outcome"], "rejected", "{body}: {report}");
        assert_eq!(report["reasons"][0]["code"], guard, "{body}: {report}");
        assert_eq!(report["version"], version);
    }
    assert_eq!(client.snapshot().await.document, first_document());

    let body = json!({ "waive": [guard], "reason": "a test" });
    let report = client.reload_with(&body).await.ok().json();
    assert_eq!(
        (&report["outcome"], &report["version"]),
        (&json!("adopted"), &json!(version + 1)),
        "{report}"
    );
    assert_eq!(client.snapshot().await.document, candidate);
}

#[tokio::test]
async fn key_loss_is_waived_by_its_name_only() {
    waived_by_name(json!({ "mark": 2 }), "key_loss", "empty_document").await;
}

#[tokio::test]
async fn an_empty_document_needs_both_waivers_where_it_breaks_both_guards() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let version = from_source(&client).await;
    kv.put("config", "{}");
    let report = client
        .reload_with(&json!({ "waive": ["key_loss"] }))
        .await
        .ok()
        .json();
    assert_eq!(report["outcome"], "rejected", "{report}");
    assert_eq!(report["reasons"][0]["code"], "empty_document", "{report}");
    let report = client
        .reload_with(&json!({ "waive": ["empty_document", "key_loss"] }))
        .await
        .ok()
        .json();
    assert_eq!(report["outcome"], "adopted", "{report}");
    let head = client.snapshot().await;
    assert_eq!((head.version, head.document), (version + 1, json!({})));
}

#[tokio::test]
async fn an_unknown_waiver_is_refused_by_pointer() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    from_source(&client).await;
    let calls = kv.count();
    let problem = client
        .reload_with(&json!({ "waive": ["key_loss", "keyloss"] }))
        .await
        .problem(400);
    assert_eq!(problem["errors"][0]["pointer"], "/waive/1", "{problem}");
    assert_eq!(kv.count(), calls, "a refused reload asks nobody");
}

#[tokio::test]
async fn the_guards_limits_come_from_the_settings() {
    let kv = FakeKv::start();
    let settings = quiet(json!({ "guard": { "empty": false, "max_key_loss": 100 } }));
    let (_workerd, client) = on_kv(&kv, settings).start();
    from_source(&client).await;
    kv.put("config", "{}");
    let report = client.reload().await;
    assert_eq!(report["outcome"], "adopted", "{report}");
}
