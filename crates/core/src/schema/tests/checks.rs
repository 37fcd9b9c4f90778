use proptest::prelude::*;

use super::{refusals, schema};
use crate::reason::ReasonCode;
use crate::schema::{MAX_SCHEMA_BYTES, MAX_VIOLATIONS, Schema};

#[test]
fn what_is_well_formed_passes() {
    for json in [
        "{}",
        r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"t","x-own":{"type":5},"foo":[{}]}"#,
        r#"{"type":["string","null"],"enum":[],"const":{"a":[1]},"minLength":2.0,"multipleOf":1e-9}"#,
        r##"{"$defs":{"a":{"type":"object","properties":{"next":{"$ref":"#/$defs/a"}}}},"$ref":"#/$defs/a"}"##,
        r##"{"properties":{"a":{"$ref":"#"}}}"##,
        r##"{"$id":"https://h/s","properties":{"a":{"$ref":"/s"},"b":{"$ref":"https://h/i#x"}},"$defs":{"i":{"$id":"i","$anchor":"x"}}}"##,
        r##"{"$defs":{"é/%":{"type":"string"}},"items":{"$ref":"#/$defs/%C3%A9~1%25"}}"##,
        r##"{"$dynamicAnchor":"n","properties":{"c":{"$dynamicRef":"#n"}}}"##,
        r##"{"properties":{"__proto__":{"$ref":"#/properties/constructor"},"constructor":false}}"##,
        r#"{"patternProperties":{"^x-":true},"pattern":"^[a-z]+$","dependentRequired":{"a":["b","c"]}}"#,
    ] {
        assert_eq!(refusals(json), Vec::<String>::new(), "{json}");
    }
}

#[test]
fn refusals_name_place_and_expectation() {
    for (json, expected) in [
        (
            r#"{"type":5}"#,
            "/type: found a number; expected a type name or an array of different ones",
        ),
        (
            r#"{"type":"strng"}"#,
            "/type: found an unknown type name; expected a type: did you mean \"string\"?",
        ),
        (
            r#"{"type":["string","string"]}"#,
            "/type: found an array; expected a type name or an array of different ones",
        ),
        (
            r#"{"required":"x"}"#,
            "/required: found a string; expected an array of different strings",
        ),
        (
            r#"{"required":["a","a"]}"#,
            "/required: found an array; expected an array of different strings",
        ),
        (
            r#"{"properties":{"a":7}}"#,
            "/properties/a: found a number; expected a schema: an object, true or false",
        ),
        (
            r#"{"properties":[]}"#,
            "/properties: found an array; expected an object of schemas",
        ),
        (
            r#"{"items":[{}]}"#,
            "/items: found an array; expected a schema: an object, true or false",
        ),
        (
            r#"{"allOf":[]}"#,
            "/allOf: found an array; expected an array of schemas, with at least one",
        ),
        (
            r#"{"minLength":-1}"#,
            "/minLength: found a number; expected a whole number, 0 or above",
        ),
        (
            r#"{"maxItems":1.5}"#,
            "/maxItems: found a number; expected a whole number, 0 or above",
        ),
        (
            r#"{"multipleOf":0.0}"#,
            "/multipleOf: found a number; expected a number above 0",
        ),
        (
            r#"{"maximum":"5"}"#,
            "/maximum: found a string; expected a number",
        ),
        (
            r#"{"uniqueItems":1}"#,
            "/uniqueItems: found a number; expected true or false",
        ),
        (
            r#"{"dependentRequired":{"a":"b"}}"#,
            "/dependentRequired: found an object; expected an object with an array of different strings for each key",
        ),
        (
            r#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#,
            "/$schema: found a string; expected \"https://json-schema.org/draft/2020-12/schema\", or no \"$schema\" at all",
        ),
        (
            r#"{"$id":"x#y"}"#,
            "/$id: found a string; expected a URI or path without a fragment",
        ),
        (
            r#"{"$anchor":"1x"}"#,
            "/$anchor: found a string; expected a name: a letter or \"_\", then letters, digits, \"-\", \"_\" and \".\"",
        ),
        (
            r#"{"$ref":"https://h/other"}"#,
            "/$ref: found the reference \"https://h/other\"; expected one that leads to an \"$id\" in this document: schemas elsewhere are not fetched",
        ),
        (
            r##"{"$ref":"#/$defs/a"}"##,
            "/$ref: found the reference \"#/$defs/a\"; expected one that leads to a schema in this document",
        ),
        (
            r##"{"$ref":"#a","x":{"$anchor":"a"}}"##,
            "/$ref: found the reference \"#a\"; expected one that leads to a schema in this document",
        ),
        (
            r##"{"$ref":"#/%"}"##,
            "/$ref: found the reference \"#/%\"; expected one that leads to a schema in this document",
        ),
        (
            r##"{"$ref":"#"}"##,
            "found references that lead back here for the same value; expected that each round goes deeper into the document",
        ),
        (
            r##"{"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"not":{"$ref":"#/$defs/a"}}}}"##,
            "/$defs/a/anyOf/0: found references that lead back here for the same value; expected that each round goes deeper into the document",
        ),
        (
            r##"{"items":{"$dynamicRef":"#n"},"$defs":{"a":{"$dynamicAnchor":"n"},"b":{"$id":"b","$dynamicAnchor":"n"}}}"##,
            "/items/$dynamicRef: found the reference \"#n\"; expected just one \"$dynamicAnchor\" of this name in the document",
        ),
        (
            r#"{"$defs":{"a":{"$anchor":"n"},"b":{"$anchor":"n"}}}"#,
            "/$defs/b/$anchor: found an anchor that the document has twice; expected a name of its own",
        ),
        (
            r#"{"$defs":{"a":{"$id":"n"},"b":{"$id":"./n"}}}"#,
            "/$defs/b: found an \"$id\" that the document has twice; expected an identifier of its own",
        ),
        (
            r#"{"pattern":"(?=a)"}"#,
            "/pattern: found a pattern that looks ahead or behind; expected a pattern without \"(?=\", \"(?!\", \"(?<=\" and \"(?<!\", which take more than linear time",
        ),
        (
            r#"{"patternProperties":{"[":true}}"#,
            "/patternProperties: found a pattern that has a \"[\" without \"]\"; expected a regular expression of ECMA-262 (with the flag \"u\")",
        ),
        (
            r#"{"pattern":"a{3000}"}"#,
            "/pattern: found a pattern that is too large; expected at most 2000 characters and ranges, all repetitions written out, and 50 groups within each other",
        ),
    ] {
        assert_eq!(refusals(json), [expected], "{json}");
    }
}

#[test]
fn only_so_many_are_told() {
    let wrong: Vec<String> = (0..50).map(|index| format!(r#""k{index}":1"#)).collect();
    let told = refusals(&format!(r#"{{"properties":{{{}}}}}"#, wrong.join(",")));
    assert_eq!(told.len(), MAX_VIOLATIONS + 1);
    assert_eq!(told[MAX_VIOLATIONS], "and 30 more like these");
}

#[test]
fn size_is_limited() {
    let padded = |bytes: usize| format!("{{{}}}", " ".repeat(bytes - 2));
    assert!(Schema::parse(padded(MAX_SCHEMA_BYTES).as_bytes()).is_ok());
    let refused = Schema::parse(padded(MAX_SCHEMA_BYTES + 1).as_bytes());
    assert_eq!(refused.unwrap_err().code, ReasonCode::TooLarge);
    // As deep as a document: the walk over it is bounded.
    let deepest = format!("{}{{}}{}", r#"{"not":"#.repeat(63), "}".repeat(63));
    assert_eq!(refusals(&deepest), Vec::<String>::new());
    let deep = format!("{}{{}}{}", r#"{"not":"#.repeat(64), "}".repeat(64));
    assert_eq!(
        Schema::parse(deep.as_bytes()).unwrap_err().code,
        ReasonCode::TooDeep
    );
}

#[test]
fn what_a_validator_gets_is_plain() {
    for (json, lowered, targets) in [
        (
            r#"{"$id":"x","format":"email","foo":1,"$recursiveRef":"x-","items":true}"#,
            r#"{"items":{}}"#,
            "",
        ),
        (
            r#"{"additionalProperties":false}"#,
            r#"{"additionalProperties":{"not":{}}}"#,
            "",
        ),
        (
            r#"{"const":1,"enum":[1,2]}"#,
            r#"{"enum":[1],"allOf":[{"enum":[1,2]}]}"#,
            "",
        ),
        (
            r##"{"properties":{"a":{"$ref":"#/$defs/b","allOf":[{}]}},"$defs":{"b":{}}}"##,
            r#"{"properties":{"a":{"$ref":"0","allOf":[{}]}},"$defs":{"b":{}}}"#,
            r#""/$defs/b""#,
        ),
        (
            r##"{"items":{"$ref":"#b","$dynamicRef":"#c"},"$defs":{"b":{"$anchor":"b"},"c":{"$dynamicAnchor":"c"}}}"##,
            r#"{"items":{"$ref":"0","allOf":[{"$ref":"1"}]},"$defs":{"b":{},"c":{}}}"#,
            r#""/$defs/b","/$defs/c""#,
        ),
    ] {
        let schema = schema(json);
        assert_eq!(
            schema.lowered().unwrap(),
            format!(r#"{{"schema":{lowered},"targets":[{targets}]}}"#)
        );
    }
}

#[test]
fn long_chains_and_many_places_take_no_stack() {
    let chain: Vec<String> = (0..5_000)
        .map(|index| format!(r##""a{index}":{{"$ref":"#/$defs/a{}"}}"##, index + 1))
        .collect();
    let open = format!(r#"{{"$defs":{{{},"a5000":{{}}}}}}"#, chain.join(","));
    assert_eq!(refusals(&open), Vec::<String>::new());
    let closed = open.replace(r#""a5000":{}"#, r##""a5000":{"$ref":"#/$defs/a9"}"##);
    assert_eq!(refusals(&closed).len(), 1);
}

/// Something that a schema's keyword may hold, or not.
fn anything() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("{}".to_owned()),
        Just("true".to_owned()),
        Just("5".to_owned()),
        Just("-1.5".to_owned()),
        Just("null".to_owned()),
        Just("[]".to_owned()),
        Just(r#""string""#.to_owned()),
        Just(r##""#""##.to_owned()),
        Just(r##""#/items""##.to_owned()),
        "\"[-a-z(){}|+*?.^$:=!<>,0-9\\[\\]]{0,12}\"",
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let keyword = proptest::sample::select(vec![
            "$ref",
            "$dynamicRef",
            "$id",
            "$anchor",
            "$dynamicAnchor",
            "$defs",
            "allOf",
            "anyOf",
            "not",
            "if",
            "items",
            "prefixItems",
            "properties",
            "patternProperties",
            "pattern",
            "type",
            "enum",
            "const",
            "required",
            "dependentRequired",
            "minLength",
            "multipleOf",
        ]);
        prop_oneof![
            proptest::collection::vec((keyword, inner.clone()), 0..4).prop_map(|members| {
                let mut seen = Vec::new();
                let members = members.iter().filter(|(key, _)| {
                    !seen.contains(key) && {
                        seen.push(*key);
                        true
                    }
                });
                let members: Vec<String> = members
                    .map(|(key, value)| format!("{key:?}:{value}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
            proptest::collection::vec(inner, 0..3)
                .prop_map(|items| format!("[{}]", items.join(","))),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_comes_is_checked_without_a_panic(json in anything()) {
        if let Ok(schema) = Schema::parse(format!(r#"{{"not":{json}}}"#).as_bytes()) {
            let checked = schema.check();
            prop_assert_eq!(checked.is_ok(), schema.lowered().is_ok());
            for reason in checked.err().into_iter().flatten() {
                prop_assert_eq!(reason.code, ReasonCode::SchemaInvalid);
            }
        }
    }
}
