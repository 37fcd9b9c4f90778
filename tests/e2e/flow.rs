//! The real flow: seed, boot, cold read, fresh, stale, reload, change at the source.
use bellwether_tests::{FakeKv, KvCall, PATIENCE, Paths, until, until_some};
use serde_json::{Value, json};

use crate::support::{
    first_document, from_source, marked, on_kv, quick, quiet, refreshed, refreshes,
};

#[tokio::test]
async fn seed_boot_and_cold_read() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    assert_eq!(kv.count(), 0, "nothing is read before somebody asks");

    let read = client.read().await;
    assert_eq!(read.document, first_document());
    assert_eq!(read.state, "fresh");
    // Version 1 is the built-in layers alone.
    assert_eq!(read.version, 2);
    let expected = KvCall::Get {
        key: "config".to_owned(),
        cache_ttl: Some(30),
    };
    assert_eq!(
        kv.calls(),
        [expected],
        "one read, with the smallest cacheTtl"
    );
}

#[tokio::test]
async fn a_read_is_fresh_then_stale_then_fresh_again() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({ "ttl": "1s" }))).start();
    let first = client.read().await;
    assert_eq!(first.state, "fresh");
    assert_eq!(first.age_s, 0);

    let stale = until_some("a read is stale", PATIENCE, async || {
        let read = client.read().await;
        (read.state == "stale").then_some(read)
    })
    .await;
    assert_eq!(stale.document, first_document());
    assert_eq!(stale.version, first.version);
    assert!(stale.age_s >= 1, "stale at {} s", stale.age_s);

    until(
        "it is revalidated behind the answer",
        PATIENCE,
        async || client.read().await.state == "fresh",
    )
    .await;
    let metrics = client.metrics().await;
    assert!(
        metrics.must("bellwether_isolate_conditional_hits_total", &[]) >= 1.0,
        "{}",
        metrics.text()
    );
    assert_eq!(kv.count(), 1, "readers never cause a call to the source");
}

#[tokio::test]
async fn a_change_at_the_source_is_seen_without_any_request() {
    let kv = FakeKv::start();
    let (workerd, client) = on_kv(&kv, quick(json!({}))).start();
    let before = from_source(&client).await;

    let skip = refreshes(workerd.logs()).await;
    kv.put_json("config", &marked(2));
    let event = refreshed(workerd.logs(), skip, "adopted").await;
    assert_eq!(event["trigger"], "alarm", "{event}");

    let head = client.snapshot().await;
    assert_eq!((head.version, head.document), (before + 1, marked(2)));
}

#[tokio::test]
async fn an_unchanged_source_makes_no_version() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let version = from_source(&client).await;
    // The same document with other white space is the same document.
    kv.put(
        "config",
        serde_json::to_vec_pretty(&first_document()).unwrap(),
    );
    let report = client.reload().await;
    assert_eq!(report["outcome"], "unchanged", "{report}");
    assert_eq!(
        (&report["version"], &report["previous_version"]),
        (&json!(version), &json!(version))
    );
    assert_eq!(client.snapshot().await.version, version);
}

#[tokio::test]
async fn a_reload_is_seen_by_a_reader_that_asks_for_its_version() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let first = client.read().await;
    kv.put_json("config", &marked(2));
    let report = client.reload().await;
    assert_eq!(report["outcome"], "adopted", "{report}");
    assert_eq!(report["previous_version"], first.version);
    assert_eq!(report["version"], first.version + 1);

    // The reader is fresh for an hour; only a minimum version sends it to the object.
    let minimum = (first.version + 1).to_string();
    let read = client
        .get_with(&client.path("config"), "bellwether-min-version", &minimum)
        .await
        .read();
    assert_eq!(
        (read.version, read.document),
        (first.version + 1, marked(2))
    );
    assert_eq!(client.read().await.version, first.version + 1);
}

#[tokio::test]
async fn layers_merge_weakest_first() {
    let kv = FakeKv::start();
    let deployment = on_kv(&kv, quiet(json!({})))
        .vars(json!({ "cache": { "ttl": 5, "swr": 7 }, "only_vars": true, "gone": 1 }));
    let mut document = first_document();
    // A null in the source takes the weaker layer's value away.
    document["gone"] = json!(null);
    kv.put_json("config", &document);
    let (_workerd, client) = deployment.start();
    let read = client.read().await;
    assert_eq!(read.document["cache"], json!({ "ttl": 60, "swr": 7 }));
    assert_eq!(read.document["only_vars"], json!(true));
    assert_eq!(read.document.get("gone"), None);
}

#[tokio::test]
async fn a_restart_keeps_the_head_and_asks_the_source_only_when_due() {
    let kv = FakeKv::start();
    let (mut workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let before = client.snapshot().await;
    let calls = kv.count();
    workerd.kill9();
    workerd.start_again();
    let after = client.snapshot().await;
    assert_eq!(
        (after.version, after.etag, after.document),
        (before.version, before.etag, before.document)
    );
    assert_eq!(
        kv.count(),
        calls,
        "a restart is no reason to ask the source"
    );
}

/// The project's own example, as `make run` seeds it: realistic in size, depth and key order.
#[tokio::test]
async fn the_example_document_is_served_in_its_own_order() {
    let text =
        std::fs::read_to_string(Paths::get().root().join("examples/video-config.json")).unwrap();
    assert!(text.len() >= 10 * 1024, "{} bytes", text.len());
    let kv = FakeKv::start();
    let deployment = on_kv(&kv, quiet(json!({})));
    kv.put("config", text.clone());
    let (_workerd, client) = deployment.start();
    from_source(&client).await;
    // Serialised without white space, nulls and all, keys in the order in which they were written.
    let document: Value = serde_json::from_str(&text).unwrap();
    let compact = document.to_string();
    for leaf in ["config", "snapshot"] {
        assert_eq!(
            client.get(&client.path(leaf)).await.ok().text(),
            compact,
            "{leaf}"
        );
    }
    for section in ["video", "cache", "debug", "logging"] {
        let answer = client
            .get(&format!("/v1/spaces/default/config?pointer=/{section}"))
            .await;
        assert!(answer.ok().json().is_object(), "{section}");
    }
}
