//! What is not a document: every kind of malformed input, with its reason and its pointer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use bellwether_core::document::Document;
use bellwether_core::reason::{MAX_POINTER_CHARS, Reason, ReasonCode};

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

#[test]
fn nothing_there() {
    for text in ["", " ", "\n\t\r ", &" ".repeat(100_000)] {
        assert_refused(text, ReasonCode::Empty, "");
    }
}

#[test]
fn not_utf8() {
    let message = assert_refused(b"{\"a\":\"\xff\"}", ReasonCode::NotUtf8, "");
    assert_eq!(message, "invalid UTF-8 at byte 6; expected JSON in UTF-8");
    for bytes in [
        &b"\x80"[..],
        b"{\"a\":\"\xc3",
        b"{\"a\":\"\xed\xa0\x80\"}",
        b"{\"a\":\"\xc0\xaf\"}",
        b"\x1f\x8b\x08\x00",
    ] {
        assert_refused(bytes, ReasonCode::NotUtf8, "");
    }
}

#[test]
fn byte_order_mark() {
    assert_refused(b"\xef\xbb\xbf{}", ReasonCode::ByteOrderMark, "");
    assert_refused(b"\xef\xbb\xbf", ReasonCode::ByteOrderMark, "");
    assert_refused(b"\xff\xfe{\0}\0", ReasonCode::ByteOrderMark, "");
    assert_refused(b"\xfe\xff\0{\0}", ReasonCode::ByteOrderMark, "");
    assert!(Document::parse("{\"\u{feff}\":1}".as_bytes()).is_ok());
}

#[test]
fn not_an_object() {
    for (text, kind) in [
        ("null", "null"),
        ("true", "a boolean"),
        (" 12", "a number"),
        ("\"secret\"", "a string"),
        ("[{\"a\":1}]", "an array"),
    ] {
        assert_eq!(
            assert_refused(text, ReasonCode::NotAnObject, ""),
            format!("{kind} at the top; expected an object")
        );
    }
}

#[test]
fn duplicate_keys() {
    for (text, pointer) in [
        ("{\"a\":1,\"b\":2,\"a\":1}", "/a"),
        ("{\"x\":[0,{\"a/b~\":{},\"a/b~\":{}}]}", "/x/1/a~1b~0"),
        ("{\"\":1,\"\":2}", "/"),
        ("{\"a\":1,\"\\u0061\":2}", "/a"),
        ("{\"a\":{\"b\":1},\"b\":{\"a\":1,\"a\":2}}", "/b/a"),
    ] {
        assert_refused(text, ReasonCode::DuplicateKey, pointer);
    }
    assert!(Document::parse(b"{\"a\":{\"a\":1},\"b\":{\"a\":1}}").is_ok());
}

#[test]
fn integers_at_the_edge_of_64_bits() {
    for fits in [
        "18446744073709551614",
        "18446744073709551615",
        "-9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "1e300",
        "18446744073709551616.0",
        "18446744073709551616e0",
        "123456789012345678901234567890.5",
        "-0",
        "1.7976931348623157e308",
        "1e-999",
        "0e999999999999",
    ] {
        assert!(
            Document::parse(format!("{{\"a\":{fits}}}").as_bytes()).is_ok(),
            "{fits}"
        );
    }
    for too_wide in [
        "18446744073709551616",
        "18446744073709551617",
        "-9223372036854775809",
        "-9223372036854775810",
        &"9".repeat(300),
    ] {
        let text = format!("{{\"s\":\"{too_wide}\",\"n\":[1,2.5,1e30,{too_wide},{too_wide}]}}");
        let message = assert_refused(text, ReasonCode::NumberOutOfRange, "/n/3");
        assert_eq!(
            message,
            "the integer needs more than 64 bits and would lose digits; expected it as a string"
        );
    }
}

#[test]
fn floats_read_back_as_they_were_written() {
    // Each is the shortest text of its float; a parser that is off by one unit in the last place
    // changes it.
    for float in [
        "2.7060963362218744e-194",
        "0.30000000000000004",
        "-9.437963110401442e+195",
        "0.1",
        "5e-324",
        "1.7976931348623157e+308",
    ] {
        let text = format!("{{\"a\":{float}}}");
        assert_eq!(&**Document::parse(text.as_bytes()).unwrap().text(), text);
    }
}

#[test]
fn numbers_beyond_a_float() {
    for huge in [
        "1e309",
        "-1e309",
        "1e999999999999999999999",
        &"9".repeat(400),
        &format!("{}.5", "9".repeat(400)),
    ] {
        let message = assert_refused(
            format!("{{\"a\":{{\"b\":[0,{huge}]}}}}"),
            ReasonCode::NumberOutOfRange,
            "/a/b/1",
        );
        assert_eq!(
            message,
            "the number is too large for a 64-bit float; expected it as a string"
        );
    }
}

#[test]
fn syntax() {
    for (text, pointer, message) in [
        ("<html>", "", "not JSON: expected value at line 1 column 1"),
        (
            "{\"a\":nope}",
            "/a",
            "not JSON: expected value at line 1 column 7",
        ),
        (
            "{\"a\":1,}",
            "",
            "not JSON: trailing comma at line 1 column 8",
        ),
        (
            "{\"a\":[1,2,]}",
            "/a",
            "not JSON: trailing comma at line 1 column 11",
        ),
        (
            "{\"a\":[1 2]}",
            "/a",
            "not JSON: expected `,` or `]` at line 1 column 9",
        ),
        (
            "{\"a\":{\"b\" 1}}",
            "/a",
            "not JSON: expected `:` at line 1 column 11",
        ),
        (
            "{\"a\":[0,{\"b\":\n01}]}",
            "/a/1/b",
            "not JSON: invalid number at line 2 column 2",
        ),
        (
            "{a:1}",
            "",
            "not JSON: key must be a string at line 1 column 2",
        ),
        (
            "{} x",
            "",
            "not JSON: trailing characters at line 1 column 4",
        ),
        (
            "{}{}",
            "",
            "not JSON: trailing characters at line 1 column 3",
        ),
        (
            "{\"a\":\"\\ud800\"}",
            "/a",
            "not JSON: half a surrogate pair at line 1 column 13",
        ),
        (
            "{\"a\":\"\n\"}",
            "/a",
            "not JSON: control character in a string at line 1 column 7",
        ),
        (
            "{\"a\":NaN}",
            "/a",
            "not JSON: expected value at line 1 column 6",
        ),
        (
            "{\"a\":1 /* c */}",
            "",
            "not JSON: expected `,` or `}` at line 1 column 8",
        ),
    ] {
        assert_eq!(
            assert_refused(text, ReasonCode::Syntax, pointer),
            message,
            "{text}"
        );
    }
}

#[test]
fn cut_off() {
    let text = "{\"a\":{\"b\":[1,\"two\",{\"c\":true}]}}";
    for end in 1..text.len() {
        let message = refused(&text[..end]).message.clone();
        assert!(
            message.starts_with("the text ends too early"),
            "{end}: {message}"
        );
    }
    for (cut, pointer) in [
        ("{\"a\":{\"b\":[1,\"tw", "/a/b/1"),
        ("{\"a\":{\"b\":[1", "/a/b"),
        ("{\"a\":{\"b", "/a"),
        ("{\"a\":", "/a"),
    ] {
        assert_refused(cut, ReasonCode::Syntax, pointer);
    }
}

#[test]
fn a_reason_never_shows_a_value_and_stays_short() {
    for text in [
        "{\"k\":\"hunter2\",}",
        "{\"k\":hunter2}",
        "\"hunter2\"",
        "{\"k\":\"hunter2\\x\"}",
        "{\"k\":\"hunter2",
        "{\"k\":\"hunter2\",\"k\":\"hunter2\"}",
    ] {
        assert!(
            !serde_json::to_string(&refused(text))
                .unwrap()
                .contains("hunter2"),
            "{text}"
        );
    }
    let reason = refused(format!("{{\"{}\":x}}", "k".repeat(500_000)));
    assert_eq!(reason.pointer.chars().count(), MAX_POINTER_CHARS);
    assert!(reason.pointer.ends_with('…'));
}
