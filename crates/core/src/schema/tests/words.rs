use serde_json::{Value, json};

use super::schema;
use crate::document::Document;
use crate::json;
use crate::reason::ReasonCode;
use crate::schema::MAX_VIOLATIONS;

/// What is said of these violations: `pointer: message` each.
pub(super) fn said(schema_json: &Value, document: &Value, violations: &[[&str; 3]]) -> Vec<String> {
    let document = Document::parse(json::text(document).as_bytes()).unwrap();
    let answer = json::text(&json!(violations));
    let reasons = schema(&json::text(schema_json))
        .verdict(&document, &answer)
        .unwrap_err();
    reasons.iter().map(ToString::to_string).collect()
}

/// One violation of the value under `v`, by its schema.
fn of(schema: Value, value: Value, keyword: &str, location: &str) -> String {
    let location = format!("/properties/v{location}");
    let said = said(
        &json!({ "properties": { "v": schema } }),
        &json!({ "v": value }),
        &[["/v", keyword, &location]],
    );
    said[0].strip_prefix("/v: ").unwrap().to_owned()
}

#[test]
fn each_keyword_has_its_words() {
    for (schema, value, keyword, location, expected) in [
        (
            json!({"type": "number"}),
            json!("x"),
            "type",
            "/type",
            "found a string; expected a number",
        ),
        (
            json!({"type": ["null", "object"]}),
            json!([]),
            "type",
            "/type",
            "found an array; expected null or an object",
        ),
        (
            json!({"type": "integer"}),
            json!(1.5),
            "type",
            "/type",
            "found a number with a fraction; expected an integer",
        ),
        (
            json!({"maximum": 10.5}),
            json!(11),
            "maximum",
            "/maximum",
            "found a number; expected a number of at most 10.5",
        ),
        (
            json!({"minimum": 3}),
            json!(1),
            "minimum",
            "/minimum",
            "found a number; expected a number of at least 3",
        ),
        (
            json!({"exclusiveMinimum": 3}),
            json!(1),
            "exclusiveMinimum",
            "/exclusiveMinimum",
            "found a number; expected a number above 3",
        ),
        (
            json!({"exclusiveMaximum": 3}),
            json!(4),
            "exclusiveMaximum",
            "/exclusiveMaximum",
            "found a number; expected a number below 3",
        ),
        (
            json!({"multipleOf": 5}),
            json!(4),
            "multipleOf",
            "/multipleOf",
            "found a number; expected a multiple of 5",
        ),
        (
            json!({"enum": ["a", 2, null]}),
            json!("s3"),
            "enum",
            "/enum",
            "found a string; expected one of \"a\", 2, null",
        ),
        (
            json!({"const": {"a": 1}}),
            json!(3),
            "enum",
            "/enum",
            "found a number; expected {\"a\":1}",
        ),
        (
            json!({"enum": []}),
            json!(3),
            "enum",
            "/enum",
            "found a number; expected no value at all",
        ),
        (
            json!({"minLength": 3}),
            json!("x"),
            "minLength",
            "/minLength",
            "found a string; expected at least 3 characters",
        ),
        (
            json!({"maxLength": 0}),
            json!("x"),
            "maxLength",
            "/maxLength",
            "found a string; expected at most 0 characters",
        ),
        (
            json!({"pattern": "^a"}),
            json!("x"),
            "pattern",
            "/pattern",
            "found a string; expected a text that matches ^a",
        ),
        (
            json!({"minItems": 2}),
            json!([1]),
            "minItems",
            "/minItems",
            "found an array of 1 item; expected at least 2 items",
        ),
        (
            json!({"maxItems": 1}),
            json!([1, 2]),
            "maxItems",
            "/maxItems",
            "found an array of 2 items; expected at most 1 items",
        ),
        (
            json!({"minProperties": 1}),
            json!({}),
            "minProperties",
            "/minProperties",
            "found an object of 0 keys; expected at least 1 keys",
        ),
        (
            json!({"uniqueItems": true}),
            json!([1, 1]),
            "uniqueItems",
            "/uniqueItems",
            "found an array with equal items; expected items that differ",
        ),
        (
            json!({"contains": {"type": "string"}}),
            json!([1]),
            "contains",
            "/contains",
            "found an array; expected an array with a string in it",
        ),
        (
            json!({"contains": {}, "minContains": 2}),
            json!([1]),
            "minContains",
            "/minContains",
            "found an array; expected at least 2 times a value that fits \"contains\" in it",
        ),
        (
            json!({"required": ["a", "b"]}),
            json!({"a": 1}),
            "required",
            "/required",
            "found an object without \"b\"; expected the key \"b\"",
        ),
        (
            json!({"dependentRequired": {"x": ["y"], "a": ["b"]}}),
            json!({"a": 1}),
            "dependentRequired",
            "/dependantRequired",
            "found an object without \"b\"; expected the key \"b\", as there is \"a\"",
        ),
        (
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
            json!(1),
            "anyOf",
            "/anyOf",
            "found a number; expected a string, or null",
        ),
        (
            json!({"anyOf": [{"type": "object", "required": ["a"]}, {"type": "object"}]}),
            json!({}),
            "anyOf",
            "/anyOf",
            "found an object; expected an object that fits one of 2 alternatives under \"anyOf\"",
        ),
        (
            json!({"anyOf": [{"minimum": 3}, {"type": "null"}]}),
            json!(1),
            "anyOf",
            "/anyOf",
            "found a number; expected a value that fits one of 2 alternatives under \"anyOf\"",
        ),
        (
            json!({"oneOf": [{}, true]}),
            json!(1),
            "several",
            "/oneOf",
            "found a number that fits more than one; expected exactly one of the alternatives under \"oneOf\" to fit",
        ),
        (
            json!({"not": {"type": "string"}}),
            json!("x"),
            "not",
            "/not",
            "found a string; expected anything but a string",
        ),
        (
            json!({"not": {"minLength": 1}}),
            json!("x"),
            "not",
            "/not",
            "found a string; expected a value that does not fit the schema under \"not\"",
        ),
        (
            json!(false),
            json!("x"),
            "not",
            "/not",
            "found a string; expected nothing here",
        ),
        (
            json!({"else": false, "if": false}),
            json!("x"),
            "not",
            "/else/not",
            "found a string; expected nothing here",
        ),
        (
            json!({"new": 1}),
            json!("x"),
            "new",
            "/new",
            "found a string; expected what the schema says",
        ),
    ] {
        assert_eq!(
            of(schema.clone(), value, keyword, location),
            expected,
            "{schema}"
        );
    }
}

#[test]
fn keys_and_items_that_are_not_wanted() {
    let schema = json!({
        "properties": { "port": {}, "hosts": { "prefixItems": [{}], "items": false } },
        "additionalProperties": false,
        "propertyNames": { "pattern": "^p" }
    });
    let document = json!({ "prot": 1, "zzz": 2, "hosts": [1, 2] });
    let violations = [
        ["/prot", "not", "/additionalProperties/not"],
        ["/zzz", "not", "/additionalProperties/not"],
        ["/zzz", "pattern", "/propertyNames/pattern"],
        ["/hosts/1", "not", "/properties/hosts/items/not"],
    ];
    assert_eq!(
        said(&schema, &document, &violations),
        [
            "/prot: found a number; expected a known key: did you mean \"port\"?",
            "/zzz: found a number; expected a known key",
            "/zzz: found a key; expected a text that matches ^p",
            "/hosts/1: found a number; expected no further item",
        ]
    );
}

#[test]
fn each_missing_key_is_named_once() {
    let schema = json!({ "required": ["a", "b", "c"] });
    let violation = ["", "required", "/required"];
    assert_eq!(
        said(&schema, &json!({ "b": 1 }), &[violation, violation]),
        [
            "found an object without \"a\"; expected the key \"a\"",
            "found an object without \"c\"; expected the key \"c\""
        ]
    );
}

#[test]
fn locations_lead_through_references_and_odd_keys() {
    let schema = json!({
        "$defs": { "a/b~": { "allOf": [{ "maximum": 5 }] }, "$ref": { "type": "null" } },
        "properties": { "$ref": { "$ref": "#/$defs/$ref" }, "__proto__": { "patternProperties": { "^/": { "$ref": "#/$defs/a~1b~0" } } } }
    });
    let document = json!({ "$ref": 1, "__proto__": { "/x": 9 } });
    let violations = [
        ["/$ref", "type", "/properties/$ref/$ref/type"],
        [
            "/__proto__/~1x",
            "maximum",
            "/properties/__proto__/patternProperties/^~1/$ref/allOf/0/maximum",
        ],
    ];
    assert_eq!(
        said(&schema, &document, &violations),
        [
            "/$ref: found a number; expected null",
            "/__proto__/~1x: found a number; expected a number of at most 5"
        ]
    );
}

#[test]
fn reasons_say_expected_and_found_apart() {
    let document = Document::parse(br#"{"a":"CANARY"}"#).unwrap();
    let schema = schema(r#"{"properties":{"a":{"type":"number"}}}"#);
    let reasons = schema
        .verdict(&document, r#"[["/a","type","/properties/a/type"],7]"#)
        .unwrap_err();
    assert_eq!(
        json::text(&reasons[0].to_json()),
        r#"{"pointer":"/a","code":"schema","message":"found a string; expected a number","expected":"a number","found":"a string"}"#
    );
    assert_eq!(
        json::text(&reasons[1].to_json()),
        r#"{"pointer":"","code":"schema","message":"and 7 more like these"}"#
    );
}

#[test]
fn an_answer_that_is_not_understood_refuses() {
    let (document, schema) = (Document::empty(), schema("{}"));
    assert_eq!(schema.verdict(&document, "[]"), Ok(()));
    for answer in [
        "",
        "null",
        "{}",
        "[",
        "true",
        "\"steps\"",
        "\"stack\"",
        "\"failed\"",
        "\"new\"",
    ] {
        let reasons = schema.verdict(&document, answer).unwrap_err();
        assert_eq!(reasons[0].code, ReasonCode::SchemaLimit, "{answer}");
    }
    for answer in [
        "[null]",
        "[1]",
        "[[]]",
        r#"[["","",""]]"#,
        r#"[["no","x","/y/z"]]"#,
        r#"[["/a","enum","/$ref/$ref"]]"#,
    ] {
        assert!(schema.verdict(&document, answer).is_err(), "{answer}");
    }
    let many = json!(vec![["", "type", "/type"]; MAX_VIOLATIONS + 5]);
    assert_eq!(
        schema
            .verdict(&document, &json::text(&many))
            .unwrap_err()
            .len(),
        MAX_VIOLATIONS + 1
    );
}
