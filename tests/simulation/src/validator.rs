//! The platform's validator as the simulated platforms have it: a stand-in for the npm package, as
//! rusqlite is one for workerd's SQLite. It knows `type`, `required`, `properties` and `maximum`,
//! and takes anything else for fulfilled; the words are the core's.

use bellwether_core::document::Document;
use bellwether_core::json;
use bellwether_core::pointer::push_token;
use bellwether_core::reason::Reason;
use bellwether_core::schema::Schema;
use serde_json::{Value, json};

/// As [`bellwether_core::platform::Validator::validate`].
pub fn validate(schema: &Schema, document: &Document) -> Result<(), Vec<Reason>> {
    schema.check()?;
    let mut violations = Vec::new();
    let (schema_value, value) = (
        Value::Object(schema.document().object().clone()),
        Value::Object(document.object().clone()),
    );
    add(&mut violations, &schema_value, &value, "", "");
    schema.verdict(document, &json::text(&Value::Array(violations)))
}

fn add(violations: &mut Vec<Value>, schema: &Value, value: &Value, at: &str, within: &str) {
    let mut breaks =
        |keyword: &str| violations.push(json!([at, keyword, format!("{within}/{keyword}")]));
    if schema.get("type").is_some_and(|types| !is_of(types, value)) {
        breaks("type");
    }
    let maximum = schema.get("maximum").and_then(Value::as_f64);
    if maximum
        .zip(value.as_f64())
        .is_some_and(|(maximum, number)| number > maximum)
    {
        breaks("maximum");
    }
    let Some(object) = value.as_object() else {
        return;
    };
    let required = schema.get("required").and_then(Value::as_array);
    for key in required.into_iter().flatten().filter_map(Value::as_str) {
        if !object.contains_key(key) {
            breaks("required");
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (key, schema) in properties.into_iter().flatten() {
        if let Some(value) = object.get(key) {
            let (mut at, mut within) = (at.to_owned(), format!("{within}/properties"));
            push_token(&mut at, key);
            push_token(&mut within, key);
            add(violations, schema, value, &at, &within);
        }
    }
}

fn is_of(types: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("{other} is no type"),
    };
    match types {
        Value::Array(types) => types.iter().any(is),
        name => is(name),
    }
}
