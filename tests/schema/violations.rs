//! Violations from the document to the reason.

use bellwether_core::document::Document;
use serde_json::{Value, json};

use super::node::{answers, schema};

#[test]
fn each_violation_is_told_once_and_in_words() {
    let of_v = |schema: Value| json!({ "properties": { "v": schema } });
    let reference = json!({ "$defs": { "port": { "type": "integer", "maximum": 65_535 } }, "properties": { "v": { "allOf": [{ "$ref": "#/$defs/port" }] } } });
    let either = json!({ "anyOf": [{ "type": "null" }, { "type": "object", "required": ["x"] }] });
    let table: Vec<(Value, &str, &[&str])> = vec![
        (
            of_v(json!({ "type": "string" })),
            r#"{"v":1}"#,
            &["/v: found a number; expected a string"],
        ),
        (
            reference,
            r#"{"v":70000}"#,
            &["/v: found a number; expected a number of at most 65535"],
        ),
        (
            of_v(
                json!({ "type": "object", "additionalProperties": false, "properties": { "port": {} } }),
            ),
            r#"{"v":{"prt":1}}"#,
            &["/v/prt: found a number; expected a known key: did you mean \"port\"?"],
        ),
        (
            of_v(json!({ "required": ["a", "b"], "properties": { "c": { "minimum": 2 } } })),
            r#"{"v":{"c":1}}"#,
            &[
                "/v: found an object without \"a\"; expected the key \"a\"",
                "/v: found an object without \"b\"; expected the key \"b\"",
                "/v/c: found a number; expected a number of at least 2",
            ],
        ),
        // The one alternative of the value's kind is the one meant.
        (
            of_v(either.clone()),
            r#"{"v":{}}"#,
            &["/v: found an object without \"x\"; expected the key \"x\""],
        ),
        (
            of_v(either),
            r#"{"v":1}"#,
            &["/v: found a number; expected null, or an object"],
        ),
        (
            of_v(
                json!({ "oneOf": [{ "type": "null" }, { "items": { "type": "string" }, "type": "array" }] }),
            ),
            r#"{"v":["a",1,2]}"#,
            &[
                "/v/1: found a number; expected a string",
                "/v/2: found a number; expected a string",
            ],
        ),
        (
            of_v(
                json!({ "oneOf": [{ "type": "number" }, { "minimum": 0 }, { "type": "string" }] }),
            ),
            r#"{"v":1}"#,
            &[
                "/v: found a number that fits more than one; expected exactly one of the alternatives under \"oneOf\" to fit",
            ],
        ),
        (
            of_v(json!({ "contains": { "type": "string" } })),
            r#"{"v":[1,2]}"#,
            &["/v: found an array; expected an array with a string in it"],
        ),
        (
            of_v(json!({ "contains": { "type": "string" }, "minContains": 2 })),
            r#"{"v":[1,"a"]}"#,
            &["/v: found an array; expected at least 2 times a string in it"],
        ),
        (
            of_v(json!({ "contains": { "type": "string" }, "maxContains": 1 })),
            r#"{"v":["b","a"]}"#,
            &["/v: found an array; expected at most 1 times a string in it"],
        ),
        (
            of_v(json!({ "if": { "required": ["a"] }, "then": { "required": ["b"] } })),
            r#"{"v":{"a":1}}"#,
            &["/v: found an object without \"b\"; expected the key \"b\""],
        ),
        (
            of_v(json!({ "dependentRequired": { "a": ["b"] } })),
            r#"{"v":{"a":1}}"#,
            &["/v: found an object without \"b\"; expected the key \"b\", as there is \"a\""],
        ),
        (
            of_v(json!({ "dependentSchemas": { "a": { "maxProperties": 1 } } })),
            r#"{"v":{"a":1,"b":2}}"#,
            &["/v: found an object of 2 keys; expected at most 1 keys"],
        ),
        (
            of_v(json!({ "propertyNames": { "maxLength": 1 } })),
            r#"{"v":{"ab":1}}"#,
            &["/v/ab: found a key; expected at most 1 characters"],
        ),
        (
            of_v(json!({ "prefixItems": [{}], "unevaluatedItems": false })),
            r#"{"v":[1,2]}"#,
            &["/v/1: found a number; expected no further item"],
        ),
        (
            of_v(
                json!({ "allOf": [{ "properties": { "name": {} } }], "unevaluatedProperties": false }),
            ),
            r#"{"v":{"name":1,"b":2}}"#,
            &["/v/b: found a number; expected a known key"],
        ),
        (
            of_v(json!({ "not": { "const": 1 } })),
            r#"{"v":1}"#,
            &["/v: found a number; expected anything but 1"],
        ),
        (
            of_v(json!(false)),
            r#"{"v":1}"#,
            &["/v: found a number; expected nothing here"],
        ),
        (
            of_v(json!({ "patternProperties": { "^x/~": { "type": "null" } } })),
            r#"{"v":{"x/~ é%#":"s"}}"#,
            &["/v/x~1~0 é%#: found a string; expected null"],
        ),
        // Keys that JavaScript's objects have by themselves.
        (
            json!({ "required": ["__proto__", "toString"], "properties": { "__proto__": { "type": "string" }, "constructor": { "type": "string" } } }),
            r#"{"__proto__":{},"constructor":1}"#,
            &[
                "found an object without \"toString\"; expected the key \"toString\"",
                "/__proto__: found an object; expected a string",
                "/constructor: found a number; expected a string",
            ],
        ),
        (
            of_v(json!({ "const": { "__proto__": 1 } })),
            r#"{"v":{"__proto__":2}}"#,
            &["/v: found an object; expected {\"__proto__\":1}"],
        ),
        (
            of_v(
                json!({ "format": "__defineGetter__", "$recursiveRef": "#", "__absolute_ref__": "x", "id": 7, "dependencies": { "a": 5 } }),
            ),
            r#"{"v":"x"}"#,
            &[],
        ),
        // JSON.parse reads numbers as 64-bit floats: these two are one to it.
        (
            of_v(json!({ "maximum": 9_007_199_254_740_992_u64 })),
            r#"{"v":9007199254740993}"#,
            &[],
        ),
    ];
    let schemas: Vec<_> = table
        .iter()
        .map(|(written, _, _)| schema(written))
        .collect();
    let documents: Vec<Value> = table
        .iter()
        .map(|(_, text, _)| serde_json::from_str(text).expect("it is JSON"))
        .collect();
    let cases: Vec<_> = schemas.iter().zip(&documents).collect();
    for (((written, text, expected), schema), answer) in
        table.iter().zip(&schemas).zip(answers(&cases))
    {
        let document = Document::parse(text.as_bytes()).expect("it is a document");
        let reasons = schema.verdict(&document, &answer).err().unwrap_or_default();
        let said: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        assert_eq!(said, *expected, "{written} of {text}");
    }
}

#[test]
fn many_violations_are_counted() {
    let schema = schema(&json!({ "additionalProperties": { "type": "string" } }));
    let members: serde_json::Map<String, Value> = (0..50)
        .map(|index| (format!("k{index}"), json!(index)))
        .collect();
    let document = Value::Object(members);
    let answer = answers(&[(&schema, &document)]).remove(0);
    let document = Document::parse(document.to_string().as_bytes()).expect("it is a document");
    let reasons = schema
        .verdict(&document, &answer)
        .expect_err("it is violated");
    assert_eq!(reasons.len(), 21);
    assert_eq!(reasons[20].message, "and 30 more like these");
}
