//! Layers and merge patch (RFC 7396).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Instant;

use bellwether_core::document::{Document, MAX_DEPTH, MAX_DOCUMENT_BYTES, Object};
use bellwether_core::merge::{Layers, merge_object, merge_patch};
use bellwether_core::reason::ReasonCode;
use proptest::prelude::*;
use serde_json::{Value, json};

fn object(value: Value) -> Object {
    let Value::Object(object) = value else {
        panic!("an object")
    };
    object
}

fn merged(target: &Value, patch: &Value) -> Value {
    let mut target = target.clone();
    merge_patch(&mut target, patch);
    target
}

/// Serialised, because that, and not equality, sees the order of keys.
fn text(value: &Value) -> String {
    value.to_string()
}

#[test]
fn the_table_of_rfc_7396_appendix_a() {
    for (original, patch, result) in [
        (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
        (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
        (json!({"a":"b"}), json!({"a":null}), json!({})),
        (
            json!({"a":"b","b":"c"}),
            json!({"a":null}),
            json!({"b":"c"}),
        ),
        (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
        (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
        (
            json!({"a":{"b":"c"}}),
            json!({"a":{"b":"d","c":null}}),
            json!({"a":{"b":"d"}}),
        ),
        (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (json!({"a":"b"}), json!(["c"]), json!(["c"])),
        (json!({"a":"foo"}), json!(null), json!(null)),
        (json!({"a":"foo"}), json!("bar"), json!("bar")),
        (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
        (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
        (
            json!({}),
            json!({"a":{"bb":{"ccc":null}}}),
            json!({"a":{"bb":{}}}),
        ),
    ] {
        assert_eq!(
            text(&merged(&original, &patch)),
            text(&result),
            "{original} + {patch}"
        );
    }
}

#[test]
fn keys_keep_their_place_and_new_ones_come_last() {
    let original = json!({"z":1,"y":{"q":1,"p":2},"x":3,"w":4});
    let patch = json!({"b":1,"x":null,"a":{"n":null,"m":1},"y":{"o":3,"q":9},"z":0});
    assert_eq!(
        text(&merged(&original, &patch)),
        text(&json!({"z":0,"y":{"q":9,"p":2,"o":3},"w":4,"b":1,"a":{"m":1}}))
    );
}

#[test]
fn layers_are_merged_weakest_first() {
    let defaults =
        object(json!({"video":{"codec":"h264","fps":30},"cache":{"ttl":60},"gone":null})); // a target: its null is a value
    let vars = object(json!({"cache":{"ttl":120},"stage":"live"}));
    let source =
        object(json!({"video":{"fps":null,"width":640},"stage":null,"list":[null,{"kept":null}]}));
    let override_ = object(json!({"video":{"codec":"av1"}}));
    let layers = Layers {
        defaults: Some(&defaults),
        vars: Some(&vars),
        source: Some(&source),
        override_: Some(&override_),
    };
    let expected = r#"{"video":{"codec":"av1","width":640},"cache":{"ttl":120},"gone":null,"list":[null,{"kept":null}]}"#;
    assert_eq!(&**layers.merged().unwrap().text(), expected);
    let without = Layers {
        source: None,
        ..layers
    };
    assert_eq!(
        &**without.merged().unwrap().text(),
        r#"{"video":{"codec":"av1","fps":30},"cache":{"ttl":120},"gone":null,"stage":"live"}"#
    );
    assert_eq!(Layers::default().merged().unwrap(), Document::empty());
}

#[test]
fn layers_that_fit_alone_may_not_fit_together() {
    // {"a":"…","b":"…"}: 13 bytes around the two strings.
    for (bytes, fits) in [
        (MAX_DOCUMENT_BYTES - 1, true),
        (MAX_DOCUMENT_BYTES, true),
        (MAX_DOCUMENT_BYTES + 1, false),
    ] {
        let (a, b) = ((bytes - 15) / 2, bytes - 15 - (bytes - 15) / 2);
        let vars = object(json!({ "a": "x".repeat(a) }));
        let source = object(json!({ "b": "x".repeat(b) }));
        let merged = Layers {
            vars: Some(&vars),
            source: Some(&source),
            ..Layers::default()
        }
        .merged();
        match merged {
            Ok(document) => assert!(
                fits && document.len_bytes() == bytes,
                "{bytes}: {document:?}"
            ),
            Err(reason) => {
                assert!(!fits && reason.code == ReasonCode::TooLarge);
                assert_eq!(
                    reason.message,
                    "all layers merged: 1048577 bytes as compact JSON; expected at most 1048576"
                );
            }
        }
    }
}

#[test]
fn nesting_does_not_overflow_the_stack() {
    let deep = |levels: usize| (0..levels).fold(json!(1), |value, _| json!({ "k": value }));
    let patched = merged(&json!({}), &deep(1000));
    assert_eq!(patched, deep(1000));
    let too_deep = object(deep(MAX_DEPTH + 1));
    let reason = Layers {
        source: Some(&too_deep),
        ..Layers::default()
    }
    .merged()
    .unwrap_err();
    assert_eq!(
        (reason.code, reason.pointer.clone()),
        (ReasonCode::TooDeep, "/k".repeat(MAX_DEPTH))
    );
}

#[test]
fn deleting_many_keys_takes_one_sweep() {
    let keys = |value: Value| -> Object {
        (0..60_000)
            .map(|n| (format!("key{n}"), value.clone()))
            .collect()
    };
    let (mut target, patch) = (keys(json!(1)), keys(Value::Null));
    let start = Instant::now();
    merge_object(&mut target, &patch);
    assert!(target.is_empty());
    assert!(
        start.elapsed().as_secs() < 5,
        "quadratic: {:?}",
        start.elapsed()
    );
}

/// RFC 7396, section 2, as it stands there.
fn reference(target: Option<&Value>, patch: &Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch.clone();
    };
    let mut result = target
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    for (key, value) in patch {
        if value.is_null() {
            result.shift_remove(key);
        } else {
            let member = reference(result.get(key), value);
            result.insert(key.clone(), member);
        }
    }
    Value::Object(result)
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![3 => Just(Value::Null), 4 => (0..4i64).prop_map(Value::from), 1 => Just(json!("s"))];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            4 => proptest::collection::vec(("[a-e]", inner), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Object> {
    proptest::collection::vec(("[a-e]", any_json()), 0..6)
        .prop_map(|pairs| pairs.into_iter().collect())
}

/// Whether any key, outside of arrays, has the value `null`.
fn holds_null(value: &Value) -> bool {
    value.as_object().is_some_and(|object| {
        object
            .values()
            .any(|member| member.is_null() || holds_null(member))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn does_what_the_rfc_says(target in any_json(), patch in any_json()) {
        prop_assert_eq!(text(&merged(&target, &patch)), text(&reference(Some(&target), &patch)));
    }

    #[test]
    fn twice_is_once(target in any_json(), patch in any_json()) {
        let once = merged(&target, &patch);
        prop_assert_eq!(text(&merged(&once, &patch)), text(&once));
    }

    #[test]
    fn an_empty_patch_changes_nothing(target in any_object()) {
        let target = Value::Object(target);
        prop_assert_eq!(text(&merged(&target, &json!({}))), text(&target));
    }

    #[test]
    fn surviving_keys_keep_their_order(target in any_object(), patch in any_object()) {
        let mut result = target.clone();
        merge_object(&mut result, &patch);
        let survived: Vec<_> = target.keys().filter(|key| result.contains_key(*key)).collect();
        let added: Vec<_> = patch.keys().filter(|key| !target.contains_key(*key) && result.contains_key(*key)).collect();
        prop_assert_eq!(result.keys().collect::<Vec<_>>(), [survived, added].concat());
    }

    #[test]
    fn a_patch_onto_nothing_leaves_no_null(patch in any_object()) {
        let result = merged(&Value::Object(Object::new()), &Value::Object(patch));
        prop_assert!(!holds_null(&result));
    }

    #[test]
    fn the_weakest_layer_with_anything_in_it_is_the_target_of_the_others(
        defaults in proptest::option::of(any_object()), vars in proptest::option::of(any_object()),
        source in proptest::option::of(any_object()), override_ in proptest::option::of(any_object()),
    ) {
        let layers = Layers { defaults: defaults.as_ref(), vars: vars.as_ref(), source: source.as_ref(), override_: override_.as_ref() };
        let document = layers.merged().unwrap();
        let mut documents = [&defaults, &vars, &source].into_iter().flatten()
            .filter(|layer| !layer.is_empty());
        let target = json!(documents.next().cloned().unwrap_or_default());
        let folded = documents.chain(&override_)
            .fold(target, |below, layer| reference(Some(&below), &Value::Object(layer.clone())));
        prop_assert_eq!(&**document.text(), text(&folded));
        if let Some(strongest) = &override_ {
            for (key, value) in strongest.iter().filter(|(_, value)| !value.is_null() && !value.is_object()) {
                prop_assert_eq!(document.object().get(key), Some(value));
            }
        }
    }
}

#[test]
fn a_source_alone_keeps_its_nulls() {
    let source = object(json!({"width":null,"deep":{"height":null}}));
    let empty = Object::new();
    let alone = Layers {
        defaults: Some(&empty),
        vars: Some(&empty),
        source: Some(&source),
        override_: None,
    };
    assert_eq!(
        &**alone.merged().unwrap().text(),
        r#"{"width":null,"deep":{"height":null}}"#
    );
}
