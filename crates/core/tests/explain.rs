//! Explanations: the layer that a value comes from, and what the others had there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use bellwether_core::document::Object;
use bellwether_core::explain::{Effect, explain};
use bellwether_core::merge::{Layer, Layers};
use bellwether_core::pointer::{self, PointerError};
use proptest::prelude::*;
use serde_json::{Value, json};

type Four = [Option<Object>; 4];

fn layers(four: &Four) -> Layers<'_> {
    let [defaults, vars, source, override_] = four;
    Layers {
        defaults: defaults.as_ref(),
        vars: vars.as_ref(),
        source: source.as_ref(),
        override_: override_.as_ref(),
    }
}

/// `null` is no layer.
fn four(values: Value) -> Four {
    let layer = |index: usize| values[index].as_object().cloned();
    [layer(0), layer(1), layer(2), layer(3)]
}

/// The value, the layer in force, and each layer's effect; `!` marks what is overridden.
fn explained(values: &Value, pointer: &str) -> (Option<Value>, Option<&'static str>, String) {
    let four = four(values.clone());
    let explanation = explain(&layers(&four), pointer).unwrap();
    let effects = explanation.layers.iter().map(|one| {
        let effect = match &one.effect {
            Effect::Absent => "-".to_owned(),
            Effect::Value(value) => format!("value {value}"),
            Effect::Merges(value) => format!("merges {value}"),
            Effect::Deletes => "deletes".to_owned(),
        };
        format!("{effect}{}", if one.overridden { "!" } else { "" })
    });
    let effects: Vec<_> = effects.collect();
    let layer = explanation.layer.map(Layer::as_str);
    (explanation.value, layer, effects.join(" | "))
}

#[test]
fn who_gives_and_who_deletes() {
    for (values, pointer, value, layer, effects) in [
        // One layer, and the strongest of several.
        (
            json!([{"a":1},null,null,null]),
            "/a",
            Some(json!(1)),
            "defaults",
            "value 1 | - | - | -",
        ),
        (
            json!([{"a":1},{"a":2},{"b":0},{"a":3}]),
            "/a",
            Some(json!(3)),
            "override",
            "value 1! | value 2! | - | value 3",
        ),
        (
            json!([{"a":1},{},{"a":1},{}]),
            "/a",
            Some(json!(1)),
            "source",
            "value 1! | - | value 1 | -",
        ),
        // Deleted, by name and from above.
        (
            json!([{"a":1},null,{"a":null},null]),
            "/a",
            None,
            "source",
            "value 1! | - | deletes | -",
        ),
        (
            json!([{"a":{"b":1}},{"a":null},null,null]),
            "/a/b",
            None,
            "vars",
            "value 1! | deletes | - | -",
        ),
        (
            json!([{"a":{"b":1}},{"a":7},null,null]),
            "/a/b",
            None,
            "vars",
            "value 1! | deletes | - | -",
        ),
        (
            json!([{"a":{"b":1}},{"a":[]},null,null]),
            "/a/b",
            None,
            "vars",
            "value 1! | deletes | - | -",
        ),
        (
            json!([{"a":[{"x":1}]},null,{"a":{"b":1}},null]),
            "/a/0/x",
            None,
            "source",
            "value 1! | - | deletes | -",
        ),
        // Deleted and given again; a value that nothing was below is no deletion.
        (
            json!([{"a":1},{"a":null},{"a":2},null]),
            "/a",
            Some(json!(2)),
            "source",
            "value 1! | deletes! | value 2 | -",
        ),
        (
            json!([{"b":1},{"a":7},{"a":{"b":1}},null]),
            "/a/b",
            Some(json!(1)),
            "source",
            "- | - | value 1 | -",
        ),
        // A null of the weakest layer is a value, of a patch a deletion; the override is always a patch.
        (
            json!([null,{},{"a":null},null]),
            "/a",
            Some(json!(null)),
            "source",
            "- | - | value null | -",
        ),
        (
            json!([null,{"b":1},{"a":null},null]),
            "/a",
            None,
            "source",
            "- | - | deletes | -",
        ),
        (
            json!([{},null,null,{"a":null}]),
            "/a",
            None,
            "override",
            "- | - | - | deletes",
        ),
        (
            json!([{"a":null},null,null,{"a":null}]),
            "/a",
            None,
            "override",
            "value null! | - | - | deletes",
        ),
        // Objects are merged member by member.
        (
            json!([{"a":{"x":1}},null,{"a":{"y":2}},{"a":{"x":null}}]),
            "/a",
            Some(json!({"y":2})),
            "override",
            "value {\"x\":1} | - | merges {\"y\":2} | merges {\"x\":null}",
        ),
        (
            json!([{"a":{"x":1}},{"a":5},{"a":{"y":2,"z":null}},null]),
            "/a",
            Some(json!({"y":2})),
            "source",
            "value {\"x\":1}! | value 5! | value {\"y\":2,\"z\":null} | -",
        ),
        (
            json!([{"a":1},null,{"b":2},{}]),
            "",
            Some(json!({"a":1,"b":2})),
            "source",
            "value {\"a\":1} | - | merges {\"b\":2} | -",
        ),
        (
            json!([null,null,null,{"a":null}]),
            "",
            Some(json!({})),
            "override",
            "- | - | - | value {\"a\":null}",
        ),
        // Arrays are replaced as a whole.
        (
            json!([{"a":[{"x":1},2]},null,{"a":[{"y":3}]},null]),
            "/a/0",
            Some(json!({"y":3})),
            "source",
            "value {\"x\":1}! | - | value {\"y\":3} | -",
        ),
        (
            json!([{"a":[1,2]},null,{"a":[3]},null]),
            "/a/1",
            None,
            "source",
            "value 2! | - | deletes | -",
        ),
        (
            json!([{"a":[1]},null,{"a":[null]},null]),
            "/a/0",
            Some(json!(null)),
            "source",
            "value 1! | - | value null | -",
        ),
        (
            json!([{"a":[{"x":1}]},null,{"a":{"0":{"y":2}}},null]),
            "/a/0",
            Some(json!({"y":2})),
            "source",
            "value {\"x\":1}! | - | value {\"y\":2} | -",
        ),
        (
            json!([{"a":{"0":{"x":1}}},null,{"a":[{"y":2}]},null]),
            "/a/0",
            Some(json!({"y":2})),
            "source",
            "value {\"x\":1}! | - | value {\"y\":2} | -",
        ),
        // Keys that need escapes.
        (
            json!([{"a/b":{"~":{"":1}}},null,{"a/b":{"~":{"":2}}},null]),
            "/a~1b/~0/",
            Some(json!(2)),
            "source",
            "value 1! | - | value 2 | -",
        ),
    ] {
        let expected = (value, Some(layer), effects.to_owned());
        assert_eq!(explained(&values, pointer), expected, "{values} {pointer}");
    }
}

#[test]
fn a_document_of_nobody_has_no_layer() {
    let expected = (Some(json!({})), None, "- | - | - | -".to_owned());
    assert_eq!(explained(&json!([{}, null, {}, {}]), ""), expected);
}

#[test]
fn what_no_layer_mentions_is_not_found() {
    let four = four(json!([{"a":{"b":1}}, {"a":7}, {"c":[1]}, {"d":null}]));
    for pointer in ["/x", "/a/c", "/a/b/c", "/c/1", "/c/-", "/d/e"] {
        let error = explain(&layers(&four), pointer).unwrap_err();
        assert!(
            matches!(error, PointerError::NotFound(_)),
            "{pointer}: {error}"
        );
    }
    for pointer in ["a", "/a~", "/~2"] {
        let error = explain(&layers(&four), pointer).unwrap_err();
        assert!(
            matches!(error, PointerError::Syntax(_)),
            "{pointer}: {error}"
        );
    }
}

#[test]
fn as_json() {
    let four = four(json!([{"a":{"x":1}}, null, {"a":{"y":2}}, {"a":null}]));
    let text = |pointer: &str| {
        explain(&layers(&four), pointer)
            .unwrap()
            .to_json()
            .to_string()
    };
    assert_eq!(
        text("/a"),
        concat!(
            r#"{"pointer":"/a","found":false,"layer":"override","layers":["#,
            r#"{"layer":"defaults","effect":"value","overridden":true,"value":{"x":1}},"#,
            r#"{"layer":"vars","effect":"absent","overridden":false},"#,
            r#"{"layer":"source","effect":"merges","overridden":true,"value":{"y":2}},"#,
            r#"{"layer":"override","effect":"deletes","overridden":false}]}"#
        )
    );
    assert!(text("").starts_with(r#"{"pointer":"","found":true,"value":{},"layer":"override","#));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![2 => Just(Value::Null), 3 => (0..3i64).prop_map(Value::from)];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            4 => proptest::collection::vec((any_key(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Few, so that layers meet, and some that are indices, too.
fn any_key() -> impl Strategy<Value = String> {
    proptest::sample::select(vec!["a", "b", "0", "1", "~/", ""]).prop_map(str::to_owned)
}

fn any_layer() -> impl Strategy<Value = Option<Object>> {
    let members = proptest::collection::vec((any_key(), any_json()), 0..4);
    proptest::option::weighted(0.8, members.prop_map(|pairs| pairs.into_iter().collect()))
}

fn any_four() -> impl Strategy<Value = Four> {
    [any_layer(), any_layer(), any_layer(), any_layer()]
}

/// The pointers of all that is in a value, `here` included.
fn pointers(value: &Value, here: &str, all: &mut Vec<String>) {
    all.push(here.to_owned());
    let mut below = |token: &str, value: &Value| {
        let mut there = here.to_owned();
        pointer::push_token(&mut there, token);
        pointers(value, &there, all);
    };
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| below(key, value)),
        Value::Array(items) => {
            (items.iter().enumerate()).for_each(|(index, value)| below(&index.to_string(), value));
        }
        _ => {}
    }
}

/// Every pointer that a layer mentions, and two more below each.
fn places(four: &Four) -> Vec<String> {
    let mut all = Vec::new();
    for layer in four.iter().flatten() {
        pointers(&Value::Object(layer.clone()), "", &mut all);
    }
    all.sort();
    all.dedup();
    let below = all
        .iter()
        .flat_map(|pointer| [format!("{pointer}/a"), format!("{pointer}/0")]);
    let below: Vec<_> = below.collect();
    all.extend(below);
    all
}

/// What the weakest `count` layers make at a pointer.
fn made_by(four: &Four, count: usize, pointer: &str) -> Option<Value> {
    let mut weakest = four.clone();
    weakest
        .iter_mut()
        .skip(count)
        .for_each(|layer| *layer = None);
    let merged = layers(&weakest).merged().unwrap();
    pointer::get(merged.object(), pointer)
        .ok()
        .map(|found| found.to_value())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The value is the merged document's; the layer named is the last one that the value depends
    /// on; and each layer's effect is the difference between the document without and with it.
    #[test]
    fn explanations_agree_with_the_merge(four in any_four()) {
        for pointer in places(&four).iter().filter(|pointer| !pointer.is_empty()) {
            let said = |layer: &Option<Object>| layer.as_ref().is_some_and(|layer| pointer::get(layer, pointer).is_ok());
            let explanation = match explain(&layers(&four), pointer) {
                Ok(explanation) => explanation,
                Err(_) => {
                    prop_assert!(!four.iter().any(said), "{pointer} is mentioned");
                    continue;
                }
            };
            prop_assert_eq!(&explanation.value, &made_by(&four, 4, pointer), "{}", pointer);
            let in_force = explanation.layer.unwrap() as usize;
            prop_assert_eq!(&explanation.value, &made_by(&four, in_force + 1, pointer), "{}", pointer);
            for (index, one) in explanation.layers.iter().enumerate() {
                prop_assert_eq!(one.layer as usize, index);
                let (without, with) = (made_by(&four, index, pointer), made_by(&four, index + 1, pointer));
                match &one.effect {
                    Effect::Absent => {
                        prop_assert_eq!(without, with, "{} by {:?}", pointer, one.layer);
                        prop_assert!(!said(&four[index]) && !one.overridden);
                    }
                    Effect::Deletes => prop_assert!(with.is_none() && (without.is_some() || said(&four[index]))),
                    Effect::Value(value) if value.is_object() => prop_assert!(with.unwrap().is_object()),
                    Effect::Value(value) => prop_assert_eq!(Some(value), with.as_ref()),
                    Effect::Merges(value) => {
                        let (without, with) = (without.unwrap(), with.unwrap());
                        let (without, with) = (without.as_object().unwrap(), with.as_object().unwrap());
                        for (key, member) in without.iter().filter(|(key, _)| value.get(key).is_none()) {
                            prop_assert_eq!(with.get(key), Some(member), "{} keeps {}", pointer, key);
                        }
                    }
                }
                prop_assert!(one.effect == Effect::Absent || index <= in_force);
            }
        }
    }
}
