//! The limits of a document, on the real runtime and its real SQLite: at the limit it is adopted, stored and read
//! back by a restarted object; one byte or one level further it is refused.
use bellwether_tests::FakeKv;
use serde_json::{Value, json};

use crate::support::{from_source, on_kv, quiet};

const MAX_DOCUMENT_BYTES: usize = 1_048_576;
const MAX_DEPTH: usize = 64;

/// The first document's keys and padding, so many bytes long when serialised.
fn document_of(bytes: usize) -> String {
    let frame = r#"{"video":{},"cache":{},"mark":2,"pad":""}"#;
    let padding = "x".repeat(bytes - frame.len());
    frame.replace(r#""pad":"""#, &format!(r#""pad":"{padding}""#))
}

/// The same keys and objects nested so many deep, the document itself counted.
fn document_so_deep(depth: usize) -> String {
    let (open, close) = (r#"{"n":"#.repeat(depth - 1), "}".repeat(depth - 1));
    format!(r#"{{"video":{{}},"cache":{{}},"mark":2,"deep":{open}1{close}}}"#)
}

async fn adopted(document: String) {
    let kv = FakeKv::start();
    let (mut workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let version = from_source(&client).await;
    kv.put("config", document.clone());
    let report = client.reload().await;
    assert_eq!(report["outcome"], "adopted", "{report}");

    workerd.kill9();
    workerd.start_again();
    let expected: Value = serde_json::from_str(&document).unwrap();
    let read = client.read().await;
    assert_eq!((read.version, read.document), (version + 1, expected));
}

async fn refused(document: String, code: &str) {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let version = from_source(&client).await;
    kv.put("config", document);
    let report = client.reload().await;
    assert_eq!(report["outcome"], "rejected", "{report}");
    assert_eq!(report["reasons"][0]["code"], code, "{report}");
    assert_eq!(client.snapshot().await.version, version);
}

#[tokio::test]
async fn a_document_at_its_size_limit_is_adopted_and_kept() {
    adopted(document_of(MAX_DOCUMENT_BYTES)).await;
}

#[tokio::test]
async fn a_document_one_byte_too_large_is_refused() {
    refused(document_of(MAX_DOCUMENT_BYTES + 1), "too_large").await;
}

#[tokio::test]
async fn a_document_at_its_depth_limit_is_adopted_and_kept() {
    adopted(document_so_deep(MAX_DEPTH)).await;
}

#[tokio::test]
async fn a_document_one_level_too_deep_is_refused() {
    refused(document_so_deep(MAX_DEPTH + 1), "too_deep").await;
}

#[tokio::test]
async fn numbers_arrive_with_the_digits_they_were_written_with() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    from_source(&client).await;
    let text =
        r#"{"video":0.30000000000000004,"cache":18446744073709551615,"mark":1.10,"e":1E+2,"z":-0}"#;
    kv.put("config", text);
    let report = client.reload().await;
    assert_eq!(report["outcome"], "adopted", "{report}");
    let served = client.get(&client.path("snapshot")).await;
    assert_eq!(served.ok().text(), text);
}
