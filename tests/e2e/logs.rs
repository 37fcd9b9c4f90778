//! Logs: one JSON object a line, with what an operator needs and nothing that is secret.
use bellwether_tests::{FakeKv, FakeOrigin, Fault, Logs, PATIENCE, Token, until};
use serde_json::{Value, json};

use crate::support::{from_source, marked, on_kv, quiet, refreshed};

/// Lines the Worker wrote: everything that workerd itself did not.
fn lines(logs: &Logs) -> Vec<String> {
    logs.text()
        .lines()
        .filter(|line| !line.starts_with("---"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn every_line_is_one_json_object_with_an_event() {
    let kv = FakeKv::start();
    let (workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    from_source(&client).await;
    kv.faults().next(Fault::status(503));
    client.reload().await;
    kv.put("config", "[");
    client.reload().await;
    client.get("/nowhere").await;
    refreshed(workerd.logs(), 0, "rejected").await;
    let lines = lines(workerd.logs());
    for line in &lines {
        let event: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["event"].is_string(), "{line}");
    }
    assert!(lines.len() >= 3, "{lines:?}");
}

#[tokio::test]
async fn a_refresh_logs_space_version_outcome_duration_and_cause() {
    let kv = FakeKv::start();
    let (workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let version = from_source(&client).await;
    let event = refreshed(workerd.logs(), 0, "adopted").await;
    assert_eq!(event["space"], "default");
    assert_eq!(event["version"], version);
    assert!(event["duration_ms"].is_u64(), "{event}");
    assert_eq!(event["trigger"], "bootstrap", "{event}");

    kv.faults().next(Fault::status(503));
    client.reload().await;
    let event = refreshed(workerd.logs(), 1, "failed").await;
    assert_eq!(event["cause"], "status", "{event}");
    assert_eq!(
        (&event["trigger"], &event["actor"]),
        (&json!("reload"), &json!("operator")),
        "{event}"
    );
}

#[tokio::test]
async fn nothing_secret_stands_in_any_log_or_answer() {
    const BEARER: &str = "origin-bearer-secret-4be0";
    const QUERY: &str = "query-secret-77aa";
    const VALUE: &str = "document-value-secret-c90d";
    const TOKEN: &str = "operator-token-secret-e13f";
    const PRESENTED: &str = "presented-wrong-secret-08bc";
    let origin = FakeOrigin::start();
    let document = |mark: u64| json!({ "password": VALUE, "mark": mark });
    origin.put_json("/config", &document(1));
    origin.require_bearer(BEARER);
    let token = Token::new("operator", TOKEN, &["read", "reload"]);
    let digest = token.entry()["sha256"].as_str().unwrap().to_owned();
    let url = origin.url(&format!("/config?key={QUERY}"));
    let settings = quiet(json!({ "source": { "url": url, "token_secret": "ORIGIN_TOKEN" } }));
    let kv = FakeKv::start();
    let (workerd, client) = on_kv(&kv, settings)
        .tokens(&[token])
        .secret("ORIGIN_TOKEN", BEARER)
        .start();
    let client = client.with_token(TOKEN);
    from_source(&client).await;

    let mut answers = Vec::new();
    origin.put_json("/config", &document(2));
    for body in [
        "[]".to_owned(),
        format!(r#"{{"a":"{VALUE}","a":"{VALUE}"}}"#),
        format!(r#"{{"{VALUE}"#),
        format!("{VALUE}{{}}"),
        format!(r#"{{"n":1e999,"password":"{VALUE}"}}"#),
    ] {
        origin.faults().next(Fault::body(body));
        answers.push(client.reload_with(&json!({})).await);
    }
    for fault in [
        Fault::status(500),
        Fault::status(401),
        Fault::Close,
        Fault::CutLength,
    ] {
        origin.faults().stand(fault);
        answers.push(client.reload_with(&json!({})).await);
    }
    origin.faults().clear();
    origin.redirect(
        "/config",
        302,
        &format!("http://127.0.0.2:1/{QUERY}?{QUERY}"),
    );
    answers.push(client.reload_with(&json!({})).await);
    answers.push(client.get(&client.path("status")).await.ok());
    answers.push(client.get("/metrics").await.ok());
    answers.push(
        client
            .get(&format!("{}?pointer=/nowhere", client.path("config")))
            .await,
    );
    for path in ["/metrics", "/v1/spaces/default/reload", "/nowhere"] {
        answers.push(client.with_token(PRESENTED).get(path).await);
    }
    until("the log is written", PATIENCE, async || {
        workerd.logs().events_named("refresh").len() >= 10
    })
    .await;

    let log = workerd.logs().text();
    for secret in [BEARER, QUERY, VALUE, TOKEN, PRESENTED, &digest] {
        assert!(!log.contains(secret), "{secret} in the log:\n{log}");
        for answer in &answers {
            let said = format!("{} {}", answer.headers_text(), answer.text());
            assert!(!said.contains(secret), "{secret} in {said}");
        }
    }
}

#[tokio::test]
async fn a_readers_trouble_is_logged_once_per_call_not_per_read() {
    use bellwether_tests::{Deployment, Proxy};
    let kv = FakeKv::start();
    let (coordinator, client) = on_kv(&kv, quiet(json!({}))).start();
    from_source(&client).await;
    kv.put_json("config", &marked(2));
    let proxy = Proxy::to(coordinator.address());
    proxy.set_open(false).await;
    let (edge, client) = Deployment::edge(&proxy.url(), json!({ "cold_start": "base" })).start();
    for _ in 0..50 {
        client.read().await;
    }
    until("the failed call is logged", PATIENCE, async || {
        !edge.logs().events_named("reader_call_failed").is_empty()
    })
    .await;
    let metrics = client.metrics().await;
    let calls = metrics.must("bellwether_isolate_object_calls_total", &[]);
    let logged = edge.logs().events_named("reader_call_failed").len();
    assert!(logged as f64 <= calls, "{logged} lines for {calls} calls");
}
