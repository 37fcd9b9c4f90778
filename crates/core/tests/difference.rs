//! Differences as JSON Patch (RFC 6902), applied by another implementation.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use bellwether_core::difference::difference;
use bellwether_core::document::{Document, MAX_DEPTH, MAX_DOCUMENT_BYTES, Object};
use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation};
use proptest::prelude::*;
use serde_json::{Value, json};

fn object(value: Value) -> Object {
    let Value::Object(object) = value else {
        panic!("an object")
    };
    object
}

fn parsed(text: &str) -> Object {
    Document::parse(text.as_bytes()).unwrap().object().clone()
}

/// Read member by member: serde's tagged enums do not read numbers kept as digits.
fn operation(operation: &Value) -> PatchOperation {
    let path = PointerBuf::parse(operation["path"].as_str().unwrap()).unwrap();
    let value = operation.get("value").cloned();
    match operation["op"].as_str().unwrap() {
        "add" => PatchOperation::Add(AddOperation {
            path,
            value: value.unwrap(),
        }),
        "replace" => PatchOperation::Replace(ReplaceOperation {
            path,
            value: value.unwrap(),
        }),
        "remove" => {
            assert_eq!(value, None);
            PatchOperation::Remove(RemoveOperation { path })
        }
        other => panic!("{other}"),
    }
}

/// The difference, once it is shown to lead from the one to the other.
#[track_caller]
fn checked(from: &Object, to: &Object) -> Value {
    let difference = difference(from, to);
    let operations = difference.as_array().unwrap().iter().map(operation);
    let mut patched = Value::Object(from.clone());
    json_patch::patch(&mut patched, &Patch(operations.collect())).unwrap();
    // Not assert_eq: on failure it would print a megabyte.
    assert!(patched == Value::Object(to.clone()));
    difference
}

#[test]
fn each_change_is_one_operation() {
    for (from, to, expected) in [
        (json!({}), json!({}), json!([])),
        (json!({"a":1,"b":[{}]}), json!({"b":[{}],"a":1}), json!([])),
        (
            json!({"a":1}),
            json!({"b":null}),
            json!([{"op":"remove","path":"/a"},{"op":"add","path":"/b","value":null}]),
        ),
        (
            json!({"a":{"b":{"c":1,"d":2}}}),
            json!({"a":{"b":{"c":1,"d":"2"}}}),
            json!([{"op":"replace","path":"/a/b/d","value":"2"}]),
        ),
        (
            json!({"a":{}}),
            json!({"a":[]}),
            json!([{"op":"replace","path":"/a","value":[]}]),
        ),
        (
            json!({"a":null}),
            json!({}),
            json!([{"op":"remove","path":"/a"}]),
        ),
        (
            json!({"":1,"a/b":1,"m~n":1,"é":1,"__proto__":1,"~1":1}),
            json!({"":2,"a/b":2,"m~n":2,"é":2,"__proto__":2,"~1":2}),
            json!([
                {"op":"replace","path":"/","value":2},
                {"op":"replace","path":"/a~1b","value":2},
                {"op":"replace","path":"/m~0n","value":2},
                {"op":"replace","path":"/é","value":2},
                {"op":"replace","path":"/__proto__","value":2},
                {"op":"replace","path":"/~01","value":2},
            ]),
        ),
    ] {
        assert_eq!(checked(&object(from), &object(to)), expected);
    }
}

#[test]
fn arrays_keep_what_they_begin_and_end_with() {
    let add =
        |index: usize, value: i32| json!({"op":"add","path":format!("/a/{index}"),"value":value});
    let remove = |index: usize| json!({"op":"remove","path":format!("/a/{index}")});
    let replace = |index: usize, value: i32| json!({"op":"replace","path":format!("/a/{index}"),"value":value});
    for (from, to, expected) in [
        (json!([1, 2, 3]), json!([0, 1, 2, 3]), json!([add(0, 0)])),
        (json!([1, 2, 3]), json!([1, 2, 3, 4]), json!([add(3, 4)])),
        (
            json!([1, 4]),
            json!([1, 2, 3, 4]),
            json!([add(1, 2), add(2, 3)]),
        ),
        (
            json!([1, 2, 3, 4]),
            json!([1, 4]),
            json!([remove(2), remove(1)]),
        ),
        (json!([1, 2]), json!([]), json!([remove(1), remove(0)])),
        (json!([]), json!([1, 2]), json!([add(0, 1), add(1, 2)])),
        (json!([1, 1, 1]), json!([1, 1]), json!([remove(2)])),
        (json!([1, 1]), json!([1, 1, 1]), json!([add(2, 1)])),
        (json!([1, 2, 3]), json!([1, 5, 3]), json!([replace(1, 5)])),
        (
            json!([1, 2, 3, 9]),
            json!([4, 9]),
            json!([replace(0, 4), remove(2), remove(1)]),
        ),
        (
            json!([[1], [2], 3]),
            json!([[1], [2, 4], 3]),
            json!([{"op":"add","path":"/a/1/1","value":4}]),
        ),
    ] {
        let (from, to) = (object(json!({ "a": from })), object(json!({ "a": to })));
        assert_eq!(checked(&from, &to), expected);
    }
}

#[test]
fn numbers_differ_in_any_digit() {
    for (from, to) in [
        ("18446744073709551615", "18446744073709551614"),
        ("9007199254740993", "9007199254740992"),
        ("-9223372036854775808", "-9223372036854775807"),
        ("0.30000000000000004", "0.3"),
    ] {
        let (from, to) = (
            parsed(&format!("{{\"n\":{from}}}")),
            parsed(&format!("{{\"n\":{to}}}")),
        );
        let expected = json!([{"op":"replace","path":"/n","value":to["n"].clone()}]);
        assert_eq!(checked(&from, &to), expected);
    }
}

#[test]
fn the_deepest_documents_can_be_compared() {
    let nested = |leaf: i32| {
        let object = (1..MAX_DEPTH).fold(json!(leaf), |value, level| match level % 2 {
            0 => json!({ "k": value }),
            _ => json!([value]),
        });
        let document = Document::from_object(object_of("k", object)).unwrap();
        document.object().clone()
    };
    let difference = checked(&nested(1), &nested(2));
    assert_eq!(difference.as_array().unwrap().len(), 1);
    let path = difference[0]["path"].as_str().unwrap();
    assert_eq!(path.matches('/').count(), MAX_DEPTH);
}

fn object_of(key: &str, value: Value) -> Object {
    [(key.to_owned(), value)].into_iter().collect()
}

/// Documents at their limit for which an operation for every change would take gigabytes, or a
/// comparison of all items with all others hours.
#[test]
fn unrelated_documents_have_a_bounded_difference() {
    let long = "k".repeat(MAX_DOCUMENT_BYTES / 2);
    let numbers = |first: usize, count: usize| Value::from_iter(first..first + count);
    let keyed = |first: usize| -> Object {
        (first..first + 60_000)
            .map(|n| (format!("k{n}"), json!(n)))
            .collect()
    };
    let cases = [
        (
            object_of(&long, numbers(10_000, 50_000)),
            object_of(&long, numbers(20_000, 70_000)),
        ),
        (
            object_of("a", numbers(100_000, 140_000)),
            object_of("a", numbers(300_000, 140_000)),
        ),
        (keyed(100_000), keyed(200_000)),
        (keyed(100_000), Object::new()),
        (Object::new(), keyed(100_000)),
    ];
    for (from, to) in cases {
        for object in [&from, &to] {
            Document::from_object(object.clone()).unwrap();
        }
        let difference = checked(&from, &to);
        assert_eq!(difference.as_array().unwrap().len(), 1);
        assert_eq!(difference[0]["path"], "");
    }
}

#[test]
fn many_changes_still_come_one_by_one() {
    let keyed = |value: &str| -> Object {
        (0..10_000)
            .map(|n| (format!("k{n}"), json!(value)))
            .collect()
    };
    let difference = checked(&keyed("a"), &keyed("b"));
    assert_eq!(difference.as_array().unwrap().len(), 10_000);
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-d]",
        3 => proptest::sample::select(vec![
            "", "/", "~", "~1", "~0", "a/b", "m~n", "é", "\u{1f980}", "0", "-", "01", "__proto__", "constructor", "toString",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

/// Few different leaves, so that arrays have much in common.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3u64).prop_map(Value::from),
        Just(json!(u64::MAX)),
        Just(json!(u64::MAX - 1)),
        Just(json!(i64::MIN)),
        Just(json!(0.1)),
        "[a-b]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::vec((any_key(), inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Object> {
    proptest::collection::vec((any_key(), any_json()), 0..8)
        .prop_map(|pairs| pairs.into_iter().collect())
}

/// `value` with every object's keys the other way round.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let members = object.iter().rev();
            Value::Object(
                members
                    .map(|(key, value)| (key.clone(), reversed(value)))
                    .collect(),
            )
        }
        Value::Array(items) => items.iter().map(reversed).collect(),
        _ => value.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn applying_it_to_the_one_gives_the_other(from in any_object(), to in any_object()) {
        checked(&from, &to);
    }

    #[test]
    fn a_change_somewhere_is_found(from in any_object(), patch in any_object()) {
        let mut to = from.clone();
        bellwether_core::merge::merge_object(&mut to, &patch);
        let difference = checked(&from, &to);
        prop_assert_eq!(difference == json!([]), from == to);
    }

    #[test]
    fn arrays_with_much_in_common(from in proptest::collection::vec(0..3u8, 0..12), to in proptest::collection::vec(0..3u8, 0..12)) {
        let difference = checked(&object(json!({ "a": from.clone() })), &object(json!({ "a": to.clone() })));
        prop_assert!(difference.as_array().unwrap().len() <= from.len().max(to.len()));
    }

    #[test]
    fn the_order_of_keys_makes_no_difference(from in any_object()) {
        let from = Value::Object(from);
        let turned = reversed(&from);
        prop_assert_eq!(difference(from.as_object().unwrap(), turned.as_object().unwrap()), json!([]));
    }
}
