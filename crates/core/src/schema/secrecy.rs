//! Places of a document for which nothing of the schema is quoted.

use serde_json::Value;

use super::compile::Compiled;
use super::explain::reference;
use crate::settings::suggest::contains;

/// What a secret's key is called, without `-` and `_`.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "credential",
    "authorization",
];

/// How many schemas are followed for one place. Where there are more, it counts as a secret.
const MAX_FOLLOWED: usize = 4_096;

/// Whether a secret stands at this place, or the place is inside one: by the names on the way, or
/// because some part of the schema marks it `writeOnly`.
pub(super) fn is_secret(compiled: &Compiled, tokens: &[String]) -> bool {
    tokens.iter().any(|token| is_secret_name(token)) || is_write_only(compiled, tokens)
}

fn is_secret_name(name: &str) -> bool {
    let plain = name.bytes().filter(|byte| !matches!(byte, b'-' | b'_'));
    let plain: Vec<u8> = plain.map(|byte| byte.to_ascii_lowercase()).collect();
    NAMES
        .iter()
        .any(|secret| contains(&plain, secret.as_bytes()))
}

/// Follows every schema that may apply along the way, whether or not it does in this document.
fn is_write_only(compiled: &Compiled, tokens: &[String]) -> bool {
    let mut schemas = vec![&compiled.root];
    for token in tokens.iter().map(Some).chain([None]) {
        if schemas.len() > MAX_FOLLOWED || !add_in_place(compiled, &mut schemas) {
            return true;
        }
        if schemas
            .iter()
            .any(|schema| schema.get("writeOnly") == Some(&Value::Bool(true)))
        {
            return true;
        }
        let Some(token) = token else { break };
        let mut below = Vec::new();
        for schema in schemas {
            add_below(schema, token, &mut below);
        }
        schemas = below;
    }
    false
}

/// Adds the schemas that apply to the same value; each once. Whether they are not too many.
fn add_in_place<'s>(compiled: &'s Compiled, schemas: &mut Vec<&'s Value>) -> bool {
    let mut seen: Vec<*const Value> = Vec::new();
    let mut open = std::mem::take(schemas);
    while let Some(schema) = open.pop() {
        match seen.binary_search(&std::ptr::from_ref(schema)) {
            Ok(_) => continue,
            Err(at) => seen.insert(at, std::ptr::from_ref(schema)),
        }
        if schemas.len() == MAX_FOLLOWED {
            return false;
        }
        schemas.push(schema);
        open.extend(reference(compiled, schema));
        for keyword in ["allOf", "anyOf", "oneOf"] {
            open.extend(
                schema
                    .get(keyword)
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten(),
            );
        }
        for keyword in ["then", "else", "if", "not"] {
            open.extend(schema.get(keyword));
        }
        let dependent = schema.get("dependentSchemas").and_then(Value::as_object);
        open.extend(dependent.into_iter().flat_map(|map| map.values()));
    }
    true
}

/// Adds the schemas that may apply to a member or an item. Patterns are taken to match.
fn add_below<'s>(schema: &'s Value, token: &str, below: &mut Vec<&'s Value>) {
    below.extend(schema.get("properties").and_then(|map| map.get(token)));
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    below.extend(patterns.into_iter().flat_map(|map| map.values()));
    if token.bytes().all(|byte| byte.is_ascii_digit()) {
        below.extend(
            schema
                .get("prefixItems")
                .and_then(Value::as_array)
                .into_iter()
                .flatten(),
        );
    }
    let keywords = [
        "additionalProperties",
        "unevaluatedProperties",
        "items",
        "contains",
        "unevaluatedItems",
    ];
    below.extend(keywords.iter().filter_map(|keyword| schema.get(*keyword)));
}
