//! What could run away ends with an answer, and never with "valid".

use serde_json::{Value, json};

use super::node::{answers, schema};

const STEPS: &[&str] = &["\"steps\""];
/// Where V8's stack ends depends on the machine: the steps may end before.
const STACK: &[&str] = &["\"stack\"", "\"steps\""];
const VALID: &[&str] = &["[]"];

#[test]
fn nothing_runs_away() {
    let many_keys: serde_json::Map<String, Value> = (0..60_000)
        .map(|index| (format!("k{index}"), json!(1)))
        .collect();
    let many_keys = Value::Object(many_keys);
    let ones = json!({ "v": vec![1; 500_000] });
    let numbers = json!({ "v": (0..150_000).collect::<Vec<u32>>() });
    let objects = json!({ "v": vec![json!({}); 100_000] });
    let texts = json!({ "v": vec!["z"; 100_000] });
    let names: Vec<String> = (0..20_000).map(|index| format!("k{index}")).collect();
    let of_v = |schema: Value| json!({ "properties": { "v": schema } });
    let long = "y".repeat(200_000);
    for (what, written, document, expected) in [
        (
            "alternatives of alternatives",
            doubling("anyOf"),
            &json!({}),
            STACK,
        ),
        (
            "the same without an answer among them",
            doubling("oneOf"),
            &json!({}),
            STACK,
        ),
        (
            "many schemas for many keys",
            json!({ "allOf": vec![json!({}); 60_000] }),
            &many_keys,
            STEPS,
        ),
        (
            "the same, violated",
            json!({ "$defs": { "a": { "additionalProperties": false } }, "anyOf": vec![json!({ "$ref": "#/$defs/a" }); 2_000] }),
            &many_keys,
            STEPS,
        ),
        (
            "pairs of items",
            of_v(json!({ "uniqueItems": true })),
            &numbers,
            STEPS,
        ),
        (
            "pairs of objects",
            of_v(json!({ "uniqueItems": true })),
            &objects,
            &["[[\"/v\",\"uniqueItems\",\"/properties/v/uniqueItems\"]]"],
        ),
        (
            "many lengths of one text",
            of_v(json!({ "allOf": vec![json!({ "minLength": 1 }); 10_000] })),
            &json!({ "v": "x".repeat(1_000_000) }),
            STEPS,
        ),
        (
            "many required keys of many objects",
            of_v(json!({ "items": { "required": names } })),
            &objects,
            STEPS,
        ),
        (
            "a long list for many items",
            of_v(json!({ "items": { "enum": [[long]] } })),
            &texts,
            STEPS,
        ),
        (
            "a violation for each of many items",
            of_v(json!({ "items": { "type": "string" } })),
            &ones,
            STACK,
        ),
        ("a long chain", chain(3_000), &json!({}), STACK),
        (
            "a document of full size",
            of_v(json!({ "items": { "type": "number" } })),
            &ones,
            VALID,
        ),
    ] {
        let schema = schema(&written);
        assert_eq!(schema.check(), Ok(()), "{what}");
        let answer = answers(&[(&schema, document)]).remove(0);
        assert!(expected.contains(&answer.as_str()), "{what}: {answer}");
    }
}

/// Each definition tries the next one twice.
fn doubling(keyword: &str) -> Value {
    let mut definitions = serde_json::Map::new();
    for level in 0..40 {
        let next = json!({ "$ref": format!("#/$defs/d{}", level + 1) });
        definitions.insert(format!("d{level}"), json!({ keyword: [next, next] }));
    }
    definitions.insert("d40".to_owned(), json!({ "type": "string" }));
    json!({ "$defs": definitions, "$ref": "#/$defs/d0" })
}

fn chain(length: usize) -> Value {
    let mut definitions = serde_json::Map::new();
    for level in 0..length {
        definitions.insert(
            format!("d{level}"),
            json!({ "$ref": format!("#/$defs/d{}", level + 1) }),
        );
    }
    definitions.insert(format!("d{length}"), json!({}));
    json!({ "$defs": definitions, "$ref": "#/$defs/d0" })
}
