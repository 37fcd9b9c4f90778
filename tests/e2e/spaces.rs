//! Several spaces, and settings that are wrong.
use bellwether_tests::{Deployment, FakeKv, PATIENCE, until};
use serde_json::json;

use crate::support::{first_document, from_source, on_kv, quick, quiet};

#[tokio::test]
async fn spaces_are_apart() {
    let kv = FakeKv::start();
    kv.put_json("a", &json!({ "space": "a", "mark": 1 }));
    kv.put_json("b", &json!({ "space": "b", "mark": 1 }));
    let space = |key: &str| json!({ "source": { "kv": "CONFIG_KV", "key": key }, "refresh_interval": "1d" });
    let settings = json!({
        "spaces": { "a": space("a"), "b": space("b") },
        "reader": { "cold_start": { "wait": "10s" } },
    });
    let (_workerd, client) = Deployment::coordinator().kv(&kv).settings(settings).start();
    let (a, b) = (client.in_space("a"), client.in_space("b"));
    assert_eq!(a.read().await.document["space"], "a");
    assert_eq!(b.read().await.document["space"], "b");
    kv.put_json("a", &json!({ "space": "a", "mark": 2 }));
    kv.put_json("b", &json!({ "space": "b", "mark": 2 }));
    assert_eq!(a.reload().await["outcome"], "adopted");
    assert_eq!(
        (a.snapshot().await.version, b.snapshot().await.version),
        (3, 2)
    );
    assert_eq!(b.snapshot().await.document["mark"], 1);
    let metrics = client.metrics().await;
    assert_eq!(
        metrics.must("bellwether_head_version", &["space=\"a\""]),
        3.0
    );
    assert_eq!(
        metrics.must("bellwether_head_version", &["space=\"b\""]),
        2.0
    );
}

#[tokio::test]
async fn without_settings_the_default_space_reads_the_sample_source() {
    let kv = FakeKv::start();
    kv.put_json("config", &first_document());
    let (_workerd, client) = Deployment::coordinator().kv(&kv).start();
    from_source(&client).await;
    let status = client.status().await;
    assert_eq!(status["settings"]["refresh_interval"], "5m", "{status:#}");
    assert_eq!(status["settings"]["ttl"], "30s", "{status:#}");
    assert_eq!(
        status["settings"]["stale_while_revalidate"], "5m",
        "{status:#}"
    );
}

#[tokio::test]
async fn wrong_settings_are_told_and_fail_no_read() {
    let kv = FakeKv::start();
    let settings = quiet(json!({ "refresh_intervall": "1m", "ttl": 5 }));
    let (_workerd, client) = on_kv(&kv, settings)
        .vars(json!({ "built_in": true }))
        .start();
    let read = client.read().await;
    assert_eq!(read.document, json!({ "built_in": true }));
    assert_eq!(client.get("/readyz").await.status, 200);
    let status = client.status().await;
    assert_eq!(status["source"]["state"], "unusable", "{status:#}");
    let errors = status["errors"].to_string();
    for part in [
        "/spaces/default/refresh_intervall",
        "refresh_interval",
        "/spaces/default/ttl",
    ] {
        assert!(errors.contains(part), "{part} not in {errors}");
    }
    assert_eq!(kv.count(), 0);
}

#[tokio::test]
async fn a_head_survives_settings_that_became_wrong() {
    let kv = FakeKv::start();
    let (mut workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let version = from_source(&client).await;
    workerd.redeploy(&on_kv(&kv, quiet(json!({ "ttl": "soon" }))));
    let head = client.snapshot().await;
    assert_eq!((head.version, head.document), (version, first_document()));
    workerd.redeploy(&on_kv(&kv, quiet(json!({}))));
    assert_eq!(client.reload().await["outcome"], "unchanged");
}

#[tokio::test]
async fn a_deploy_that_changes_the_vars_makes_a_version() {
    let kv = FakeKv::start();
    let deployment = on_kv(&kv, quiet(json!({})));
    let (mut workerd, client) = deployment.start();
    let version = from_source(&client).await;
    let calls = kv.count();
    workerd.redeploy(&deployment.clone().vars(json!({ "built_in": true })));
    let head = client.snapshot().await;
    assert_eq!(head.version, version + 1);
    assert_eq!(head.document["built_in"], true);
    assert_eq!(head.document["mark"], first_document()["mark"]);
    assert_eq!(
        kv.count(),
        calls,
        "the source's document is kept, not fetched again"
    );
}

#[tokio::test]
async fn vars_that_are_not_an_object_are_left_out_and_told() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).vars(json!([1])).start();
    assert_eq!(client.read().await.document, first_document());
    let status = client.status().await;
    assert!(
        status["errors"].to_string().contains("BELLWETHER_VARS"),
        "{status:#}"
    );
}

#[tokio::test]
async fn a_deploy_that_shortens_the_interval_counts_from_the_next_event() {
    let kv = FakeKv::start();
    let (mut workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    from_source(&client).await;
    workerd.redeploy(&on_kv(&kv, quick(json!({}))));
    let calls = kv.count();
    client.snapshot().await;
    until("alarms ring at the new interval", PATIENCE, async || {
        kv.count() >= calls + 2
    })
    .await;
}

#[tokio::test]
async fn a_deploy_that_takes_the_source_away_keeps_the_head_and_asks_nobody() {
    let kv = FakeKv::start();
    let (mut workerd, client) = on_kv(&kv, quick(json!({}))).start();
    let version = from_source(&client).await;
    workerd.redeploy(&on_kv(&kv, quick(json!({ "source": "none" }))));
    let head = client.snapshot().await;
    assert_eq!((head.version, head.document), (version, first_document()));
    assert_eq!(client.status().await["source"]["state"], "none");
}
