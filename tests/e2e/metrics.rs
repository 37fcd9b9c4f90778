//! Metrics and status: what they count, and that Prometheus takes them.
use bellwether_tests::{Deployment, FakeKv, Fault, Proxy, promtool_check};
use serde_json::json;

use crate::support::{first_document, from_source, marked, on_kv, quiet};

const COORDINATOR_METRICS: [&str; 11] = [
    "bellwether_head_version",
    "bellwether_head_age_seconds",
    "bellwether_refreshes_total",
    "bellwether_source_calls_total",
    "bellwether_source_duration_seconds_total",
    "bellwether_source_last_duration_seconds",
    "bellwether_source_errors_total",
    "bellwether_adoptions_total",
    "bellwether_last_success_timestamp_seconds",
    "bellwether_next_alarm_timestamp_seconds",
    "bellwether_snapshot_replies_total",
];

const ISOLATE_METRICS: [&str; 4] = [
    "bellwether_isolate_reads_total",
    "bellwether_isolate_object_calls_total",
    "bellwether_isolate_conditional_hits_total",
    "bellwether_isolate_cold_start_seconds",
];

#[tokio::test]
async fn promtool_accepts_the_coordinators_metrics_and_every_name_is_there() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    client.read().await;
    kv.faults().next(Fault::status(503));
    client.reload().await;
    kv.put("config", r#"{"a":1,"a":2}"#);
    client.reload().await;
    let answer = client.get("/metrics").await.ok();
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let metrics = client.metrics().await;
    promtool_check(metrics.text())
        .unwrap_or_else(|complaint| panic!("{complaint}\n{}", metrics.text()));
    for name in COORDINATOR_METRICS.iter().chain(&ISOLATE_METRICS) {
        metrics.must(name, &[]);
    }
    for name in COORDINATOR_METRICS {
        metrics.must(name, &["space=\"default\""]);
    }
}

#[tokio::test]
async fn promtool_accepts_an_untouched_workers_metrics() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let metrics = client.metrics().await;
    promtool_check(metrics.text())
        .unwrap_or_else(|complaint| panic!("{complaint}\n{}", metrics.text()));
    // A series that begins only with its first event hides that event from rate().
    for outcome in ["adopted", "unchanged", "rejected", "missing", "failed"] {
        metrics.must(
            "bellwether_refreshes_total",
            &[&format!("outcome=\"{outcome}\"")],
        );
    }
}

#[tokio::test]
async fn promtool_accepts_an_edges_metrics() {
    let kv = FakeKv::start();
    let (coordinator, client) = on_kv(&kv, quiet(json!({}))).start();
    from_source(&client).await;
    let proxy = Proxy::to(coordinator.address());
    let (_edge, client) =
        Deployment::edge(&proxy.url(), json!({ "cold_start": { "wait": "10s" } })).start();
    client.read().await;
    let calls = proxy.count();
    let metrics = client.metrics().await;
    assert_eq!(proxy.count(), calls, "an edge's metrics are its own");
    promtool_check(metrics.text())
        .unwrap_or_else(|complaint| panic!("{complaint}\n{}", metrics.text()));
    for name in ISOLATE_METRICS {
        metrics.must(name, &[]);
    }
    assert_eq!(metrics.sum("bellwether_source_calls_total", &[]), None);
}

#[tokio::test]
async fn counters_count_what_happened() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    from_source(&client).await;
    kv.put_json("config", &marked(2));
    client.reload().await;
    client.reload().await;
    kv.faults().next(Fault::status(503));
    client.reload().await;
    kv.put("config", "null");
    client.reload().await;
    kv.remove("config");
    client.reload().await;

    let metrics = client.metrics().await;
    for (outcome, count) in [
        ("adopted", 2.0),
        ("unchanged", 1.0),
        ("failed", 1.0),
        ("rejected", 1.0),
        ("missing", 1.0),
    ] {
        assert_eq!(
            metrics.must(
                "bellwether_refreshes_total",
                &[&format!("outcome=\"{outcome}\"")]
            ),
            count,
            "{outcome}"
        );
    }
    assert_eq!(
        metrics.must("bellwether_source_calls_total", &[]),
        kv.count() as f64
    );
    assert_eq!(kv.count(), 6);
    assert_eq!(metrics.must("bellwether_adoptions_total", &[]), 2.0);
    assert_eq!(
        metrics.must("bellwether_source_errors_total", &["cause=\"status\""]),
        1.0
    );
    assert_eq!(metrics.must("bellwether_head_version", &[]), 3.0);
    assert!(metrics.must("bellwether_last_success_timestamp_seconds", &[]) > 1.6e9);
    let next = metrics.must("bellwether_next_alarm_timestamp_seconds", &[]);
    assert!(next > metrics.must("bellwether_last_success_timestamp_seconds", &[]));
}

#[tokio::test]
async fn counters_survive_a_crash() {
    let kv = FakeKv::start();
    let (mut workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    from_source(&client).await;
    client.reload().await;
    let before = client.metrics().await;
    workerd.kill9();
    workerd.start_again();
    let after = client.metrics().await;
    for name in [
        "bellwether_refreshes_total",
        "bellwether_source_calls_total",
        "bellwether_adoptions_total",
    ] {
        assert_eq!(after.must(name, &[]), before.must(name, &[]), "{name}");
    }
}

#[tokio::test]
async fn reads_are_counted_by_state_and_warm_ones_make_no_call() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    client.read().await;
    let before = client.metrics().await;
    for _ in 0..100 {
        assert_eq!(client.read().await.state, "fresh");
    }
    let after = client.metrics().await;
    let difference = |name: &str, labels: &[&str]| {
        after.must(name, labels) - before.sum(name, labels).unwrap_or_default()
    };
    assert_eq!(
        difference("bellwether_isolate_reads_total", &["state=\"fresh\""]),
        100.0
    );
    assert_eq!(
        difference("bellwether_isolate_object_calls_total", &[]),
        0.0
    );
    assert_eq!(difference("bellwether_snapshot_replies_total", &[]), 0.0);
    assert_eq!(kv.count(), 1);
}

#[tokio::test]
async fn status_tells_the_head_the_source_and_the_schedule() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let version = from_source(&client).await;
    let head = client.snapshot().await;
    let status = client.status().await;
    assert_eq!(status["space"], "default", "{status:#}");
    assert_eq!(status["head"]["version"], version, "{status:#}");
    assert_eq!(status["head"]["etag"], head.etag.unwrap(), "{status:#}");
    assert_eq!(status["head"]["origin"], "source", "{status:#}");
    assert_eq!(status["head"]["base"], false, "{status:#}");
    assert_eq!(
        status["head"]["bytes"],
        first_document().to_string().len(),
        "{status:#}"
    );
    assert!(
        status["head"]["hash"]
            .as_str()
            .is_some_and(|hash| hash.len() == 64),
        "{status:#}"
    );
    assert!(status["head"]["age_ms"].is_u64(), "{status:#}");

    let source = &status["source"];
    assert_eq!(
        (&source["kind"], &source["state"]),
        (&json!("kv"), &json!("ok")),
        "{status:#}"
    );
    assert_eq!(source["last_attempt"]["outcome"], "adopted", "{status:#}");
    assert_eq!(source["last_attempt"]["trigger"], "bootstrap", "{status:#}");
    assert!(source["last_attempt"]["duration_ms"].is_u64(), "{status:#}");
    assert_eq!(source["in_flight"], false, "{status:#}");
    for time in [
        &status["head"]["adopted_at"],
        &source["last_success_at"],
        &status["schedule"]["next_refresh_at"],
        &status["schedule"]["next_alarm_at"],
    ] {
        let text = time
            .as_str()
            .unwrap_or_else(|| panic!("{time}: {status:#}"));
        assert!(text.len() == 24 && text.ends_with('Z'), "{text}");
    }
    let settings = &status["settings"];
    assert_eq!(
        (&settings["ttl"], &settings["refresh_interval"]),
        (&json!("1h"), &json!("1d")),
        "{status:#}"
    );
    assert_eq!(status["errors"], json!([]), "{status:#}");
    assert_eq!(
        status["counters"]["source_calls_total"],
        kv.count(),
        "{status:#}"
    );
    assert!(status["isolate"]["id"].is_string(), "{status:#}");
}

#[tokio::test]
async fn status_and_metrics_cost_no_source_call() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    from_source(&client).await;
    for _ in 0..10 {
        client.status().await;
        client.metrics().await;
    }
    assert_eq!(kv.count(), 1);
}
