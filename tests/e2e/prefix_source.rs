//! A KV prefix as the source: one document per key, each under its key's path.
use bellwether_tests::{Client, FakeKv, Fault, KvCall, Workerd};
use serde_json::json;

use crate::support::{from_source, quick, quiet, refreshed, refreshes};

fn deployment(kv: &FakeKv) -> bellwether_tests::Deployment {
    let source = json!({ "kv": "CONFIG_KV", "prefix": "app/" });
    bellwether_tests::Deployment::coordinator()
        .kv(kv)
        .settings(quiet(json!({ "source": source })))
}

fn seeded() -> FakeKv {
    let kv = FakeKv::start();
    kv.put_json("app/video", &json!({ "max_width": 1280 }));
    kv.put_json("app/cache", &json!({ "ttl": 60 }));
    kv.put_json("app/cache/edge", &json!({ "ttl": 5 }));
    kv.put_json("other/secret", &json!({ "not": "ours" }));
    kv
}

async fn started(kv: &FakeKv) -> (Workerd, Client) {
    let (workerd, client) = deployment(kv).start();
    assert_eq!(from_source(&client).await, 2);
    (workerd, client)
}

#[tokio::test]
async fn documents_are_merged_under_their_paths() {
    let kv = seeded();
    let (_workerd, client) = started(&kv).await;
    let expected =
        json!({ "video": { "max_width": 1280 }, "cache": { "ttl": 60, "edge": { "ttl": 5 } } });
    assert_eq!(client.snapshot().await.document, expected);
    let calls = kv.calls();
    assert_eq!(
        calls[0],
        KvCall::List {
            prefix: "app/".to_owned()
        }
    );
    assert_eq!(calls.len(), 4, "one list, then every key once: {calls:?}");
    assert_eq!(client.status().await["source"]["kind"], "kv_prefix");
}

#[tokio::test]
async fn keys_that_come_and_go_are_followed() {
    let kv = seeded();
    let (_workerd, client) = started(&kv).await;
    kv.put_json("app/logging", &json!({ "level": "info" }));
    kv.remove("app/cache/edge");
    let report = client.reload().await;
    assert_eq!(report["outcome"], "adopted", "{report}");
    let expected = json!({ "video": { "max_width": 1280 }, "cache": { "ttl": 60 }, "logging": { "level": "info" } });
    assert_eq!(client.snapshot().await.document, expected);
    assert_eq!(client.reload().await["outcome"], "unchanged");
}

#[tokio::test]
async fn one_bad_key_rejects_the_whole_by_its_pointer() {
    let kv = seeded();
    let (_workerd, client) = started(&kv).await;
    let before = client.snapshot().await;
    kv.put("app/cache/edge", r#"{"ttl":1,"ttl":2}"#);
    kv.put_json("app/video", &json!({ "max_width": 1 }));
    let report = client.reload().await;
    assert_eq!(report["outcome"], "rejected", "{report}");
    let reason = &report["reasons"][0];
    assert_eq!(
        (&reason["code"], &reason["pointer"]),
        (&json!("duplicate_key"), &json!("/cache/edge/ttl")),
        "{report}"
    );
    let head = client.snapshot().await;
    assert_eq!(
        (head.version, head.document),
        (before.version, before.document)
    );
}

#[tokio::test]
async fn two_keys_that_give_one_value_are_refused() {
    let kv = seeded();
    let (_workerd, client) = started(&kv).await;
    kv.put_json("app/cache", &json!({ "ttl": 60, "edge": { "ttl": 7 } }));
    let report = client.reload().await;
    assert_eq!(report["outcome"], "rejected", "{report}");
    let reason = &report["reasons"][0];
    assert_eq!(
        (&reason["code"], &reason["pointer"]),
        (&json!("path_conflict"), &json!("/cache/edge/ttl")),
        "{report}"
    );
}

#[tokio::test]
async fn an_empty_prefix_keeps_the_head() {
    let kv = seeded();
    let (_workerd, client) = started(&kv).await;
    let before = client.snapshot().await;
    for key in ["app/video", "app/cache", "app/cache/edge"] {
        kv.remove(key);
    }
    let report = client.reload().await;
    assert!(
        ["missing", "rejected"].contains(&report["outcome"].as_str().unwrap()),
        "{report}"
    );
    assert_eq!(client.snapshot().await.version, before.version);
}

#[tokio::test]
async fn a_failing_list_and_a_failing_key_keep_the_head() {
    let kv = seeded();
    let (_workerd, client) = started(&kv).await;
    let before = client.snapshot().await;
    for sound_calls in [0, 1, 2] {
        for _ in 0..sound_calls {
            kv.faults().next(Fault::None);
        }
        kv.faults().next(Fault::status(503));
        let report = client.reload().await;
        assert_eq!(
            (&report["outcome"], &report["cause"]),
            (&json!("failed"), &json!("status")),
            "{report}"
        );
        assert_eq!(client.snapshot().await.version, before.version);
    }
}

#[tokio::test]
async fn too_many_keys_are_refused_and_not_cut_short() {
    let kv = seeded();
    let (_workerd, client) = started(&kv).await;
    let before = client.snapshot().await;
    for index in 0..2_000 {
        kv.put_json(&format!("app/more/{index:04}"), &json!({ "a": 1 }));
    }
    let calls = kv.count();
    let report = client.reload().await;
    assert!(
        ["failed", "rejected"].contains(&report["outcome"].as_str().unwrap()),
        "{report}"
    );
    assert!(
        kv.count() - calls < 50,
        "a Worker has 50 calls a request on the free plan"
    );
    assert_eq!(client.snapshot().await.version, before.version);
}

#[tokio::test]
async fn a_prefix_is_followed_by_alarm() {
    let kv = seeded();
    let source = json!({ "kv": "CONFIG_KV", "prefix": "app/" });
    let (workerd, client) = deployment(&kv)
        .settings(quick(json!({ "source": source })))
        .start();
    from_source(&client).await;
    let skip = refreshes(workerd.logs()).await;
    kv.put_json("app/video", &json!({ "max_width": 640 }));
    refreshed(workerd.logs(), skip, "adopted").await;
    assert_eq!(
        client.snapshot().await.document["video"],
        json!({ "max_width": 640 })
    );
}
