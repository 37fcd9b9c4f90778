//! Documents and pointers under arbitrary and mutated input: no bytes panic, and what is kept is
//! kept exactly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use bellwether_core::document::{Document, Object};
use bellwether_core::pointer::{self, Found};
use bellwether_core::reason::{MAX_MESSAGE_CHARS, MAX_POINTER_CHARS, ReasonCode};
use proptest::prelude::*;
use serde_json::Value;

/// JSON values, with keys and strings that need escapes.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |f| f.is_finite())
            .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::vec((any_key(), inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "a", "b", "c", "", "/", "~", "~1", "\"", "\\", "é", "0", "-"
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ]
}

fn any_object() -> impl Strategy<Value = Object> {
    proptest::collection::vec((any_key(), any_json()), 0..8)
        .prop_map(|pairs| pairs.into_iter().collect())
}

/// Whatever the bytes: a document that reads back as itself, or a reason of bounded size.
fn check_bytes(bytes: &[u8]) {
    match Document::parse(bytes) {
        Ok(document) => assert_eq!(
            Document::parse(document.text().as_bytes()).as_ref(),
            Ok(&document)
        ),
        Err(reason) => {
            assert!(reason.pointer.is_empty() || reason.pointer.starts_with('/'));
            assert!(reason.pointer.chars().count() <= MAX_POINTER_CHARS);
            assert!(
                !reason.message.is_empty() && reason.message.chars().count() <= MAX_MESSAGE_CHARS
            );
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        check_bytes(&bytes);
    }

    #[test]
    fn soup_of_json_tokens_never_panics(
        tokens in proptest::collection::vec(proptest::sample::select(vec![
            "{", "}", "[", "]", ":", ",", "\"a\"", "\"b\"", "\"", "\\", "1", "-", "0", ".5", "e9", "99999999999999999999",
            "1e400", "true", "null", " ", "\u{e9}", "\\u00", "\\ud800",
        ]), 0..60)
    ) {
        check_bytes(tokens.concat().as_bytes());
        check_bytes(format!("{{\"a\":[{}", tokens.concat()).as_bytes());
    }

    #[test]
    fn mutated_json_never_panics(
        object in any_object(),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0..4u8), 1..6),
    ) {
        let mut bytes = serde_json::to_vec(&object).unwrap();
        for (index, byte, edit) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = index.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => _ = bytes.remove(at),
                _ => bytes.truncate(at),
            }
        }
        check_bytes(&bytes);
    }

    #[test]
    fn valid_json_is_kept(object in any_object()) {
        let pretty = serde_json::to_string_pretty(&object).unwrap();
        let document = Document::parse(pretty.as_bytes()).unwrap();
        prop_assert_eq!(Document::parse(document.text().as_bytes()).unwrap(), document.clone());
        prop_assert_eq!(Document::from_object(object).unwrap().text().len(), document.text().len());
    }

    #[test]
    fn agrees_with_serde_json_on_what_is_json(
        tokens in proptest::collection::vec(proptest::sample::select(vec![
            "{\"a\":", "{\"b\":", "}", "[", "]", ",", "1", "-2.5", "true", "\"x\"", ",\"c\":", " ",
        ]), 0..12)
    ) {
        let text = tokens.concat();
        let plain = serde_json::from_str::<Value>(&text);
        match Document::parse(text.as_bytes()) {
            Ok(document) => prop_assert_eq!(Value::Object(document.object().clone()), plain.unwrap()),
            Err(reason) => prop_assert!(
                plain.is_err() || matches!(reason.code, ReasonCode::NotAnObject | ReasonCode::DuplicateKey), "{}", reason
            ),
        }
    }

    /// Our parser takes what serde_json's takes, and refuses as syntax what that refuses.
    #[test]
    fn agrees_with_serde_json_on_odd_texts(
        tokens in proptest::collection::vec(proptest::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "\"\"", "0", "-0", "01", "-", "1.", ".5", "1.5", "1e5", "1e", "1E+2",
            "true", "nul", "null", "false", "\"\\u00e9\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83dx\"",
            "\"\\ud83d\\u0041\"", "\"\\x\"", "\"\\", "\"\n\"", "\"\\n\\/\\b\"", "\"\u{7f}\u{e9}\"", " ", "\n", "\t", "\u{a0}",
        ]), 0..7)
    ) {
        let text = format!("{{\"k\":{}}}", tokens.concat());
        let plain = serde_json::from_str::<Value>(&text);
        match Document::parse(text.as_bytes()) {
            Ok(_) => prop_assert!(plain.is_ok(), "taken: {text:?}"),
            Err(reason) => prop_assert!(
                plain.is_err() || reason.code != ReasonCode::Syntax, "refused: {text:?}: {reason}"
            ),
        }
    }

    #[test]
    fn every_member_is_found_by_its_pointer(object in any_object()) {
        fn visit(root: &Object, at: &str, value: &Value) {
            assert_eq!(pointer::get(root, at), Ok(Found::Part(value)));
            let member = |token: &str| {
                let mut below = at.to_owned();
                pointer::push_token(&mut below, token);
                below
            };
            match value {
                Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| visit(root, &member(&n.to_string()), item)),
                Value::Object(members) => members.iter().for_each(|(key, item)| visit(root, &member(key), item)),
                _ => {}
            }
        }
        for (key, value) in &object {
            let mut at = String::new();
            pointer::push_token(&mut at, key);
            visit(&object, &at, value);
        }
    }

    #[test]
    fn any_pointer_is_answered(object in any_object(), pointer in any::<String>(), tokens in proptest::collection::vec(any_key(), 0..4)) {
        _ = pointer::get(&object, &pointer);
        _ = pointer::get(&object, &format!("/{pointer}"));
        let built = tokens.iter().fold(String::new(), |mut built, token| { pointer::push_token(&mut built, token); built });
        prop_assert!(!matches!(pointer::get(&object, &built), Err(pointer::PointerError::Syntax(_))));
    }
}
