use serde_json::json;

use super::words::said;

#[test]
fn nothing_is_quoted_for_a_secret() {
    const CANARY: &str = "CANARY";
    let listed = json!({ "enum": [CANARY, "other"], "pattern": CANARY });
    let secrets = [
        (
            json!({ "properties": { "api-Key": listed } }),
            "/api-Key",
            "/properties/api-Key",
        ),
        (
            json!({ "properties": { "auth": { "properties": { "db_password": listed } } } }),
            "/auth/db_password",
            "/properties/auth/properties/db_password",
        ),
        (
            json!({ "properties": { "TOKENS": { "items": listed } } }),
            "/TOKENS/0",
            "/properties/TOKENS/items",
        ),
        (
            json!({ "properties": { "x": { "writeOnly": true, "enum": [CANARY, 1], "pattern": CANARY } } }),
            "/x",
            "/properties/x",
        ),
        (
            json!({ "properties": { "x": { "writeOnly": true, "properties": { "y": listed } } } }),
            "/x/y",
            "/properties/x/properties/y",
        ),
        (
            json!({ "properties": { "x": { "$ref": "#/$defs/s" } }, "$defs": { "s": { "writeOnly": true, "allOf": [listed] } } }),
            "/x",
            "/properties/x/$ref/allOf/0",
        ),
        // Marked in another part of the schema than the one that is broken.
        (
            json!({ "properties": { "x": listed }, "allOf": [{ "anyOf": [{ "properties": { "x": { "writeOnly": true } } }] }] }),
            "/x",
            "/properties/x",
        ),
        (
            json!({ "properties": { "x": listed }, "patternProperties": { "^x": { "$ref": "#/$defs/s" } }, "$defs": { "s": { "writeOnly": true } } }),
            "/x",
            "/properties/x",
        ),
        (
            json!({ "writeOnly": true, "properties": { "x": listed } }),
            "/x",
            "/properties/x",
        ),
    ];
    let document = json!({ "api-Key": "v", "auth": { "db_password": "v" }, "TOKENS": ["v"], "x": { "y": "v" } });
    for (schema, instance, place) in secrets {
        let (listed, pattern) = (format!("{place}/enum"), format!("{place}/pattern"));
        let said = said(
            &schema,
            &document,
            &[[instance, "enum", &listed], [instance, "pattern", &pattern]],
        );
        assert!(
            said[0].ends_with("expected one of the listed values"),
            "{said:?}"
        );
        assert!(
            said[1].ends_with("expected a text that matches what \"pattern\" says"),
            "{said:?}"
        );
        assert!(!said.concat().contains(CANARY), "{said:?}");
    }
    // Alternatives and the contents of an array are described without their values, too.
    for schema in [
        json!({ "properties": { "token": { "anyOf": [{ "const": CANARY }] } } }),
        json!({ "properties": { "token": { "not": { "const": CANARY } } } }),
        json!({ "properties": { "token": { "contains": { "const": CANARY } } } }),
    ] {
        let keyword = ["anyOf", "not", "contains"]
            .into_iter()
            .find(|keyword| schema["properties"]["token"].get(keyword).is_some())
            .unwrap();
        let said = said(
            &schema,
            &json!({ "token": 1 }),
            &[["/token", keyword, &format!("/properties/token/{keyword}")]],
        );
        assert!(
            said[0].contains("listed value") && !said[0].contains(CANARY),
            "{said:?}"
        );
    }
}

#[test]
fn a_schema_too_wide_to_follow_is_not_quoted() {
    for (width, expected) in [
        (4_000, "found a number; expected \"a\""),
        (5_000, "found a number; expected the one listed value"),
    ] {
        let wide =
            json!({ "properties": { "x": { "enum": ["a"], "allOf": vec![json!({}); width] } } });
        let said = said(
            &wide,
            &json!({ "x": 1 }),
            &[["/x", "enum", "/properties/x/enum"]],
        );
        assert_eq!(said, [format!("/x: {expected}")]);
    }
}
