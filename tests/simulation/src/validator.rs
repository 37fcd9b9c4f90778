//! The platform's validator as the simulated platforms have it: a stand-in for the Worker's, as
//! rusqlite is one for workerd's SQLite. It knows `type`, `required`, `properties` and `maximum`,
//! and takes anything else for fulfilled.

use bellwether_core::document::{Document, Object};
use bellwether_core::pointer::push_token;
use bellwether_core::reason::{Reason, ReasonCode, kind_of};
use bellwether_core::schema::Schema;
use serde_json::Value;

const TYPES: [&str; 7] = [
    "null", "boolean", "object", "array", "string", "number", "integer",
];

/// As [`bellwether_core::platform::Validator::check_schema`]. Looks at the types only.
pub fn check(schema: &Schema) -> Result<(), Vec<Reason>> {
    let mut reasons = Vec::new();
    add_unknown_types(&mut reasons, schema.document().object(), "");
    as_result(reasons)
}

/// As [`bellwether_core::platform::Validator::validate`].
pub fn validate(schema: &Schema, document: &Document) -> Result<(), Vec<Reason>> {
    check(schema)?;
    let mut reasons = Vec::new();
    let value = Value::Object(document.object().clone());
    add(&mut reasons, schema.document().object(), &value, "");
    as_result(reasons)
}

fn as_result(reasons: Vec<Reason>) -> Result<(), Vec<Reason>> {
    if reasons.is_empty() {
        Ok(())
    } else {
        Err(reasons)
    }
}

fn add_unknown_types(reasons: &mut Vec<Reason>, schema: &Object, at: &str) {
    let types = schema.get("type");
    if types.is_some_and(|types| names(types).is_none()) {
        let (at, expected) = (format!("{at}/type"), "a type name");
        let found = "an unknown type name";
        reasons.push(Reason::of(ReasonCode::SchemaInvalid, &at, found, expected));
    }
    for (key, schema) in properties(schema) {
        let mut at = format!("{at}/properties");
        push_token(&mut at, key);
        add_unknown_types(reasons, schema, &at);
    }
}

fn add(reasons: &mut Vec<Reason>, schema: &Object, value: &Value, at: &str) {
    let mut breaks = |expected: &str| {
        let found = kind_of(value);
        reasons.push(Reason::of(ReasonCode::Schema, at, found, expected));
    };
    let types = schema.get("type").and_then(names).unwrap_or_default();
    if !types.is_empty() && !types.iter().any(|name| is_of(name, value)) {
        breaks(&types.join(" or "));
    }
    let maximum = schema.get("maximum").and_then(Value::as_f64);
    let number = value.as_f64();
    if maximum.is_some_and(|most| number.is_some_and(|number| number > most)) {
        breaks("a smaller number");
    }
    let Some(object) = value.as_object() else {
        return;
    };
    let required = schema.get("required").and_then(Value::as_array);
    for key in required.into_iter().flatten().filter_map(Value::as_str) {
        if !object.contains_key(key) {
            breaks(&format!("the key {key:?}"));
        }
    }
    for (key, schema) in properties(schema) {
        if let Some(value) = object.get(key) {
            let mut at = at.to_owned();
            push_token(&mut at, key);
            add(reasons, schema, value, &at);
        }
    }
}

/// The members whose schema is an object.
fn properties(schema: &Object) -> impl Iterator<Item = (&String, &Object)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let all = properties.into_iter().flatten();
    all.filter_map(|(key, schema)| Some((key, schema.as_object()?)))
}

/// Type names; none when one of them is unknown.
fn names(types: &Value) -> Option<Vec<&str>> {
    let types = match types {
        Value::Array(types) => types.as_slice(),
        name => std::slice::from_ref(name),
    };
    let known = |name: &&str| TYPES.contains(name);
    types
        .iter()
        .map(|name| name.as_str().filter(known))
        .collect()
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        _ => value.as_f64().is_some_and(|number| number.fract() == 0.0),
    }
}
