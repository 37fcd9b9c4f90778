//! Documents: what is kept, and every limit at its edge.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use bellwether_core::document::{
    Document, MAX_DEPTH, MAX_DOCUMENT_BYTES, MAX_SOURCE_BYTES, Object,
};
use bellwether_core::pointer::{self, Found};
use bellwether_core::reason::{Reason, ReasonCode};
use serde_json::{Value, json};

fn refused(text: impl AsRef<[u8]>) -> Reason {
    Document::parse(text.as_ref()).expect_err("should be refused")
}

#[track_caller]
fn assert_refused(text: impl AsRef<[u8]>, code: ReasonCode, pointer: &str) -> String {
    let reason = refused(text);
    assert_eq!(
        (reason.code, reason.pointer.as_str()),
        (code, pointer),
        "{}",
        reason.message
    );
    reason.message.clone()
}

/// `{"a":"xx…"}` of exactly `bytes` bytes.
fn document_of(bytes: usize) -> String {
    format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8))
}

/// An object with arrays in it down to `depth` containers.
fn nested(depth: usize) -> String {
    format!(
        "{{\"a\":{}1{}}}",
        "[".repeat(depth - 1),
        "]".repeat(depth - 1)
    )
}

#[test]
fn keeps_content_order_and_compact_text() {
    let text = " {\n\"b\" : 1, \"a\": [true, null, -2, 2.5, \"\\u00e9\\n\"] , \"\": {}}\n";
    let document = Document::parse(text.as_bytes()).unwrap();
    assert_eq!(
        &**document.text(),
        "{\"b\":1,\"a\":[true,null,-2,2.5,\"é\\n\"],\"\":{}}"
    );
    assert_eq!(document.len_bytes(), document.text().len());
    assert_eq!(
        Value::Object(document.object().clone()),
        serde_json::from_str::<Value>(text).unwrap()
    );
    assert_eq!(
        Document::from_object(document.object().clone()).unwrap(),
        document
    );
    assert_eq!(Document::parse(b"{}").unwrap(), Document::empty());
    assert_eq!(
        document.hash(),
        &bellwether_core::ContentHash::of(document.text().as_bytes())
    );
    assert_eq!(format!("{document:?}"), "Document(3 keys, 43 bytes)");
}

#[test]
fn source_bytes_at_the_limit() {
    for (bytes, fits) in [
        (MAX_SOURCE_BYTES - 1, true),
        (MAX_SOURCE_BYTES, true),
        (MAX_SOURCE_BYTES + 1, false),
    ] {
        let padded = format!("{{}}{}", " ".repeat(bytes - 2));
        assert_eq!(Document::parse(padded.as_bytes()).is_ok(), fits, "{bytes}");
    }
    let message = assert_refused(vec![b' '; MAX_SOURCE_BYTES + 1], ReasonCode::TooLarge, "");
    assert_eq!(
        message,
        "2000001 bytes from the source; expected at most 2000000"
    );
}

#[test]
fn document_bytes_at_the_limit() {
    for (bytes, fits) in [
        (MAX_DOCUMENT_BYTES - 1, true),
        (MAX_DOCUMENT_BYTES, true),
        (MAX_DOCUMENT_BYTES + 1, false),
    ] {
        let text = document_of(bytes);
        assert_eq!(text.len(), bytes);
        assert_eq!(Document::parse(text.as_bytes()).is_ok(), fits, "{bytes}");
        let object: Object = serde_json::from_str(&text).unwrap();
        assert_eq!(Document::from_object(object).is_ok(), fits, "{bytes}");
    }
    let message = assert_refused(
        document_of(MAX_DOCUMENT_BYTES + 1),
        ReasonCode::TooLarge,
        "",
    );
    assert_eq!(
        message,
        "1048577 bytes as compact JSON; expected at most 1048576"
    );
}

#[test]
fn only_the_compact_size_counts() {
    let escaped = format!(
        "{{\"a\":\"{}\"}}",
        "\\u0061".repeat(MAX_SOURCE_BYTES / 6 - 2)
    );
    assert!(escaped.len() > MAX_DOCUMENT_BYTES);
    assert!(Document::parse(escaped.as_bytes()).is_ok());
    // A float that is not kept as written may be longer than it came: 1e15 is 1000000000000000.0.
    let grown = format!("{{\"a\":[{}1]}}", "1e15,".repeat(200_000));
    assert!(grown.len() < MAX_DOCUMENT_BYTES);
    if cfg!(feature = "exact_numbers") {
        assert_eq!(&**Document::parse(grown.as_bytes()).unwrap().text(), grown);
    } else {
        assert_refused(grown, ReasonCode::TooLarge, "");
    }
}

#[test]
fn depth_at_the_limit() {
    for (depth, fits) in [
        (MAX_DEPTH - 1, true),
        (MAX_DEPTH, true),
        (MAX_DEPTH + 1, false),
    ] {
        assert_eq!(
            Document::parse(nested(depth).as_bytes()).is_ok(),
            fits,
            "{depth}"
        );
        let object: Object = serde_json::from_str(&nested(depth)).unwrap();
        assert_eq!(Document::from_object(object).is_ok(), fits, "{depth}");
    }
    let too_deep = format!("{{\"z\":0,\"a\":[0,{}]}}", nested(MAX_DEPTH - 1));
    let expected = format!("/a/1/a{}", "/0".repeat(MAX_DEPTH - 3));
    let parsed = refused(&too_deep);
    assert_eq!(
        (parsed.code, &parsed.pointer),
        (ReasonCode::TooDeep, &expected)
    );
    assert_eq!(
        parsed.message,
        "objects and arrays are nested more than 64 deep; expected 64 at most"
    );
    assert_eq!(
        pointer::lookup(&serde_json::from_str(&too_deep).unwrap(), &expected),
        Ok(&json!([1]))
    );
    assert_eq!(
        Document::from_object(serde_json::from_str(&too_deep).unwrap()),
        Err(parsed)
    );
}

#[test]
fn depth_far_beyond_the_limit() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for closed in [true, false] {
            let body = format!(
                "{{\"a\":{}{}",
                open.repeat(10_000),
                if closed {
                    "1".to_owned() + &close.repeat(10_000) + "}"
                } else {
                    String::new()
                }
            );
            let token = if open == "[" { "/0" } else { "/a" };
            assert_refused(
                &body,
                ReasonCode::TooDeep,
                &format!("/a{}", token.repeat(MAX_DEPTH - 1)),
            );
        }
    }
    assert_eq!(
        refused("[".repeat(MAX_SOURCE_BYTES)).code,
        ReasonCode::TooDeep
    );
    // Deeper than any parser's recursion limit, built by hand.
    let mut value = json!(1);
    for _ in 0..500 {
        value = json!({ "k": value });
    }
    let Value::Object(object) = value else {
        panic!()
    };
    assert_eq!(
        Document::from_object(object).unwrap_err().pointer,
        "/k".repeat(MAX_DEPTH)
    );
}

#[test]
fn keys_that_serde_json_treats_specially_are_plain_keys() {
    for key in [
        "$serde_json::private::RawValue",
        "$serde_json::private::Number",
        "__proto__",
    ] {
        let text = format!("{{\"a\":{{\"{key}\":\"[1]\"}}}}");
        let document = Document::parse(text.as_bytes()).unwrap();
        assert_eq!(&**document.text(), text);
        let pointer = format!("/a/{}", key.replace('/', "~1"));
        assert_eq!(
            pointer::get(document.object(), &pointer),
            Ok(Found::Part(&json!("[1]")))
        );
    }
}

#[test]
fn many_keys_and_many_large_floats_take_one_pass() {
    let keys: Vec<String> = (0..90_000).map(|n| format!("\"k{n}\":1e20")).collect();
    assert!(
        Document::parse(format!("{{{}}}", keys.join(",")).as_bytes())
            .is_err_and(|r| r.code == ReasonCode::TooLarge)
    );
    let floats = format!("{{\"a\":[{}1]}}", "1e20,".repeat(150_000));
    assert_eq!(
        Document::parse(floats.as_bytes()).unwrap().object()["a"]
            .as_array()
            .unwrap()
            .len(),
        150_001
    );
}
