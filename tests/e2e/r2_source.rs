//! An R2 object as the source: conditional by its etag, and every way it can fail.
use std::time::Duration;

use bellwether_tests::{Client, Deployment, FakeKv, FakeR2, Fault, R2Call, Response, Workerd};
use serde_json::{Value, json};

use crate::support::{first_document, from_source, marked, quick, quiet, refreshed, refreshes};

const KEY: &str = "conf/live config.json";

fn source() -> Value {
    json!({ "r2": Deployment::BUCKET, "key": KEY })
}

fn deployment(r2: &FakeR2) -> Deployment {
    let settings = quiet(json!({ "source": source() }));
    Deployment::coordinator().r2(r2).settings(settings)
}

/// A bucket with the first document, and a coordinator that has it as version 2.
async fn started() -> (FakeR2, Workerd, Client) {
    started_with(json!({})).await
}

/// The same, with these settings too.
async fn started_with(mut more: Value) -> (FakeR2, Workerd, Client) {
    let r2 = FakeR2::start();
    r2.put_json(KEY, &first_document());
    more["source"] = source();
    let (workerd, client) = deployment(&r2).settings(quiet(more)).start();
    assert_eq!(from_source(&client).await, 2);
    (r2, workerd, client)
}

#[tokio::test]
async fn refreshes_are_conditional_and_an_unchanged_object_is_not_sent() {
    let (r2, _workerd, client) = started().await;
    assert_eq!(client.snapshot().await.document, first_document());
    assert_eq!(client.reload().await["outcome"], "unchanged");
    r2.put_json(KEY, &marked(2));
    assert_eq!(client.reload().await["outcome"], "adopted");
    assert_eq!(client.reload().await["outcome"], "unchanged");
    assert_eq!(client.snapshot().await.document, marked(2));

    let calls = r2.calls();
    let sizes = [first_document(), marked(2)].map(|document| Some(document.to_string().len()));
    let sent: Vec<_> = calls.iter().map(|call| call.sent).collect();
    assert_eq!(sent, [sizes[0], None, sizes[1], None], "{calls:?}");
    let of_the_object = |call: &R2Call| call.method == "get" && call.key == KEY;
    assert!(calls.iter().all(of_the_object), "{calls:?}");
    let conditions: Vec<_> = calls.iter().map(|call| call.unless.as_deref()).collect();
    assert_eq!(conditions[0], None);
    // The first etag until another object came, and that one's from then on.
    assert!(conditions[1].is_some() && conditions[1] == conditions[2]);
    assert!(conditions[3].is_some() && conditions[3] != conditions[2]);

    let status = client.status().await;
    let told = json!({ "kind": "r2", "binding": Deployment::BUCKET, "key": KEY });
    for (name, value) in told.as_object().unwrap() {
        assert_eq!(&status["source"][name], value, "{status:#}");
    }
}

#[tokio::test]
async fn the_etag_survives_a_crash() {
    let (r2, mut workerd, client) = started().await;
    workerd.kill9();
    workerd.start_again();
    assert_eq!(client.reload().await["outcome"], "unchanged");
    let calls = r2.calls();
    let last = calls.last().unwrap();
    assert!(last.unless.is_some() && last.sent.is_none(), "{calls:?}");
}

#[tokio::test]
async fn a_rejected_objects_etag_is_not_kept() {
    let (r2, _workerd, client) = started().await;
    r2.put(KEY, "null");
    assert_eq!(client.reload().await["outcome"], "rejected");
    // Were the rejected object's etag kept, this would be told as unchanged.
    assert_eq!(client.reload().await["outcome"], "rejected");
    r2.put_json(KEY, &first_document());
    assert_eq!(client.reload().await["outcome"], "unchanged");
}

#[tokio::test]
async fn another_object_is_not_asked_for_with_the_old_etag() {
    let (r2, mut workerd, client) = started().await;
    // The same document has the same etag here: "unchanged" would prove the wrong thing.
    r2.put_json("other", &first_document());
    let before = r2.calls().len();
    let other = json!({ "source": { "r2": Deployment::BUCKET, "key": "other" } });
    workerd.redeploy(&deployment(&r2).settings(quiet(other)));
    client.reload().await;
    let first = &r2.calls()[before];
    assert_eq!((first.key.as_str(), &first.unless), ("other", &None));
}

#[tokio::test]
async fn a_changed_object_is_followed_by_alarm_and_an_unreachable_bucket_is_asked_again() {
    let r2 = FakeR2::start();
    r2.put_json(KEY, &first_document());
    let settings = quick(json!({ "source": source() }));
    let (workerd, client) = Deployment::coordinator().r2(&r2).settings(settings).start();
    from_source(&client).await;
    let skip = refreshes(workerd.logs()).await;
    r2.set_open(false).await;
    let event = refreshed(workerd.logs(), skip, "failed").await;
    assert_eq!(event["cause"], "network", "{event}");
    r2.put_json(KEY, &marked(2));
    r2.set_open(true).await;
    refreshed(workerd.logs(), skip, "adopted").await;
    assert_eq!(client.snapshot().await.document, marked(2));
    assert_eq!(r2.most_at_once(), 1);
}

/// A bucket where KV is expected and the other way round have methods in common.
#[tokio::test]
async fn a_binding_that_is_missing_or_of_another_kind() {
    let (r2, mut workerd, client) = started().await;
    let kv = FakeKv::start();
    kv.put_json(KEY, &marked(3));
    let bound = Deployment::coordinator().kv(&kv).r2(&r2);
    let calls = r2.calls().len();
    for source in [
        json!({ "r2": "NOT_BOUND", "key": KEY }),
        json!({ "r2": "CONFIG_KV", "key": KEY }),
        json!({ "kv": Deployment::BUCKET, "key": KEY }),
        json!({ "kv": Deployment::BUCKET, "prefix": "conf/" }),
    ] {
        workerd.redeploy(&bound.clone().settings(quiet(json!({ "source": source }))));
        let report = client.reload().await;
        assert_eq!(why(&report), ("failed", "binding"), "{source} {report}");
        let head = client.snapshot().await;
        assert_eq!((head.version, head.document), (2, first_document()));
    }
    assert_eq!((kv.count(), r2.calls().len()), (0, calls));
    r2.put_json(KEY, &marked(2));
    workerd.redeploy(&deployment(&r2));
    assert_eq!(client.reload().await["outcome"], "adopted");
}

#[tokio::test]
async fn an_object_of_2_000_000_bytes_is_read_and_one_of_a_byte_more_is_not() {
    let (r2, _workerd, client) = started().await;
    for (bytes, mark, expected) in [
        (2_000_001, 2, ("rejected", "too_large")),
        (2_000_000, 3, ("adopted", "")),
    ] {
        // White space, so that the document itself is small.
        let mut value = marked(mark).to_string().into_bytes();
        value.resize(bytes, b' ');
        r2.put(KEY, value);
        assert_eq!(why(&client.reload().await), expected, "{bytes}");
    }
    assert_eq!(client.snapshot().await.document, marked(3));
}

#[tokio::test]
async fn r2s_error_code_is_told_and_its_text_is_not() {
    let (r2, workerd, client) = started().await;
    r2.faults()
        .stand(Fault::Answer(FakeR2::refusal(500, 10001)));
    let report = client.reload().await;
    assert_eq!(report["detail"], "R2 answered with error 10001", "{report}");
    let told = format!("{}{}", client.status().await, workerd.logs().text());
    assert!(!told.contains(FakeR2::REFUSED), "{told}");
}

/// A fault of the bucket.
enum Broken {
    /// Calls are answered so.
    Calls(Fault),
    /// The object holds these bytes.
    Value(String),
    /// The object is gone.
    NoObject,
}

async fn survives(broken: Broken, outcome: &str, told: &str) {
    // Short only where it is waited for.
    let timeout = if told == "timeout" { "1s" } else { "10s" };
    let (r2, _workerd, client) = started_with(json!({ "source_timeout": timeout })).await;
    // Longer than its metadata, so that half of an answer ends within it.
    let mut changed = marked(2);
    changed["pad"] = json!("x".repeat(2000));
    r2.put_json(KEY, &changed);
    match broken {
        Broken::Calls(fault) => r2.faults().stand(fault),
        Broken::Value(bytes) => r2.put(KEY, bytes),
        Broken::NoObject => r2.remove(KEY),
    }
    let report = client.reload().await;
    assert_eq!(why(&report), (outcome, told), "{report}");
    let head = client.snapshot().await;
    assert_eq!((head.version, &head.document), (2, &first_document()));
    let status = client.status().await;
    let error = &status["source"]["last_error"];
    assert_eq!(error["outcome"], outcome, "{status:#}");

    r2.faults().clear();
    r2.put_json(KEY, &changed);
    assert_eq!(client.reload().await["outcome"], "adopted");
    assert_eq!(client.snapshot().await.document, changed);
}

/// The outcome, and the cause of a failure or the code of the first reason.
fn why(report: &Value) -> (&str, &str) {
    let code = report["reasons"][0]["code"].as_str();
    let why = report["cause"].as_str().or(code).unwrap_or_default();
    (report["outcome"].as_str().unwrap_or_default(), why)
}

macro_rules! survives {
    ($($name:ident: $broken:expr => $outcome:literal, $told:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            survives($broken, $outcome, $told).await;
        }
    )*};
}

fn answer(response: Response) -> Broken {
    Broken::Calls(Fault::Answer(response))
}

/// An answer whose metadata is said to be of this size.
fn metadata(size: &str, body: &str) -> Broken {
    let answered = Response::new(200).with_header("cf-r2-metadata-size", size);
    answer(answered.with_body(body))
}

fn value(bytes: impl Into<String>) -> Broken {
    Broken::Value(bytes.into())
}

survives! {
    object_missing: Broken::NoObject => "missing", "";
    internal_error: answer(FakeR2::refusal(500, 10001)) => "failed", "status";
    refused_without_a_code: answer(Response::new(503)) => "failed", "status";
    not_found_but_not_by_r2: answer(Response::new(404)) => "failed", "status";
    hang: Broken::Calls(Fault::Hang) => "failed", "timeout";
    slower_than_the_deadline: Broken::Calls(Fault::delay(Duration::from_secs(60))) => "failed", "timeout";
    slow_drip: Broken::Calls(Fault::Drip { bytes: 300, every: Duration::from_secs(1) }) => "failed", "timeout";
    closed_without_an_answer: Broken::Calls(Fault::Close) => "failed", "network";
    cut_off_with_a_length: Broken::Calls(Fault::CutLength) => "failed", "network";
    cut_off_in_chunks: Broken::Calls(Fault::CutChunked) => "failed", "network";
    cut_off_in_the_metadata: metadata("500", "{\"name\":\"") => "failed", "network";
    metadata_of_another_kind: metadata("4", "[{}]{}") => "failed", "network";
    no_metadata: Broken::Calls(Fault::body("{\"a\":1}")) => "failed", "network";
    empty_object: value("") => "rejected", "empty";
    truncated_json: value(r#"{"video":{"max_width":12"#) => "rejected", "syntax";
    an_error_page: value("<html></html>") => "rejected", "syntax";
    not_an_object: value("[{\"a\":1}]") => "rejected", "not_an_object";
    duplicate_key: value(r#"{"a":1,"a":2}"#) => "rejected", "duplicate_key";
}
