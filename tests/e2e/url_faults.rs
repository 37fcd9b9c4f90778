//! Every way an HTTP source can fail: the head stays, the reload tells, and the next one works.
use std::time::Duration;

use bellwether_tests::{Deployment, FakeOrigin, Fault, Response};
use serde_json::{Value, json};

use crate::support::{first_document, from_source, marked, quiet};

async fn survives(fault: Fault, outcome: &str, told: &str) {
    let origin = FakeOrigin::start();
    origin.put_json("/config", &first_document());
    let source = json!({ "url": origin.url("/config") });
    let settings = quiet(json!({ "source": source, "source_timeout": "1s" }));
    let (_workerd, client) = Deployment::coordinator().settings(settings).start();
    from_source(&client).await;
    let before = client.snapshot().await;

    origin.put_json("/config", &marked(2));
    origin.faults().stand(fault);
    let report = client.reload().await;
    assert_eq!(report["outcome"], outcome, "{report}");
    assert_eq!(why(&report), told, "{report}");
    let head = client.snapshot().await;
    assert_eq!(
        (head.version, &head.document),
        (before.version, &before.document)
    );
    let status = client.status().await;
    assert_eq!(
        status["source"]["last_error"]["outcome"], outcome,
        "{status:#}"
    );

    origin.faults().clear();
    let report = client.reload().await;
    assert_eq!(report["outcome"], "adopted", "{report}");
    assert_eq!(client.snapshot().await.document, marked(2));
}

/// The cause of a failure, or the code of the first reason.
fn why(report: &Value) -> &str {
    report["cause"]
        .as_str()
        .or(report["reasons"][0]["code"].as_str())
        .unwrap_or_default()
}

macro_rules! survives {
    ($($name:ident: $fault:expr => $outcome:literal, $told:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            survives($fault, $outcome, $told).await;
        }
    )*};
}

fn oversized() -> Vec<u8> {
    format!(r#"{{"pad":"{}"}}"#, "x".repeat(2 * 1024 * 1024)).into_bytes()
}

survives! {
    not_found: Fault::status(404) => "missing", "";
    gone: Fault::status(410) => "missing", "";
    forbidden: Fault::status(403) => "failed", "status";
    server_error: Fault::status(500) => "failed", "status";
    no_content: Fault::status(204) => "failed", "status";
    partial_content: Fault::Answer(Response::new(206).with_body("{\"a\":")) => "failed", "status";
    hang: Fault::Hang => "failed", "timeout";
    slow_drip: Fault::Drip { bytes: 1, every: Duration::from_millis(500) } => "failed", "timeout";
    closed_without_an_answer: Fault::Close => "failed", "network";
    cut_off_with_a_length: Fault::CutLength => "failed", "network";
    cut_off_in_chunks: Fault::CutChunked => "failed", "network";
    endless_body: Fault::Endless => "rejected", "too_large";
    oversized_with_a_length: Fault::body(oversized()) => "rejected", "too_large";
    empty_body: Fault::body("") => "rejected", "empty";
    an_error_page: Fault::body("<html></html>") => "rejected", "syntax";
}

/// A 304 to a request that was not conditional says nothing that can be believed.
#[tokio::test]
async fn not_modified_without_a_condition() {
    let origin = FakeOrigin::start();
    origin.set_etags(false);
    origin.put_json("/config", &first_document());
    let source = json!({ "url": origin.url("/config") });
    let (_workerd, client) = Deployment::coordinator()
        .settings(quiet(json!({ "source": source })))
        .start();
    from_source(&client).await;
    origin.faults().next(Fault::status(304));
    let report = client.reload().await;
    assert_eq!(
        (&report["outcome"], &report["cause"]),
        (&json!("failed"), &json!("protocol")),
        "{report}"
    );
}

#[tokio::test]
async fn an_origin_that_is_down_is_asked_again_when_it_is_back() {
    let origin = FakeOrigin::start();
    origin.put_json("/config", &first_document());
    let settings = crate::support::quick(json!({ "source": { "url": origin.url("/config") } }));
    let (workerd, client) = Deployment::coordinator().settings(settings).start();
    from_source(&client).await;
    let skip = crate::support::refreshes(workerd.logs()).await;
    origin.set_open(false).await;
    let event = crate::support::refreshed(workerd.logs(), skip, "failed").await;
    assert_eq!(event["cause"], "network", "{event}");
    origin.put_json("/config", &marked(2));
    origin.set_open(true).await;
    crate::support::refreshed(workerd.logs(), skip, "adopted").await;
    assert_eq!(client.snapshot().await.document, marked(2));
}
