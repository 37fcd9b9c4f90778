//! Violations as reasons.

use serde_json::Value;

use super::compile::Compiled;
use super::expected::{Breach, expected_and_found};
use super::keywords::{self, Shape};
use super::{MAX_VIOLATIONS, and_more};
use crate::document::Document;
use crate::pointer;
use crate::reason::{Reason, ReasonCode};

/// A validator's violations, see [`super::Schema::verdict`].
pub(super) fn all(compiled: &Compiled, document: &Document, violations: &[Value]) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut more = 0;
    for (index, violation) in violations.iter().enumerate() {
        if let Value::Number(number) = violation {
            more += number.to_string().parse::<usize>().unwrap_or_default();
        } else if reasons.len() < MAX_VIOLATIONS {
            // Of several equal ones (keys that miss), each means another.
            let earlier = violations.iter().take(index);
            let nth = earlier.filter(|earlier| *earlier == violation).count();
            reasons.push(one(compiled, document, violation, nth));
        } else {
            more += 1;
        }
    }
    and_more(reasons, more)
}

fn one(compiled: &Compiled, document: &Document, violation: &Value, nth: usize) -> Reason {
    let text = |index: usize| {
        violation
            .get(index)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (instance, keyword, location) = (text(0), text(1), text(2));
    let tokens: Vec<String> = pointer::parts(instance).collect();
    let path = Path::follow(compiled, location);
    let breach = Breach {
        compiled,
        keyword,
        schema: path.schema,
        holder: path.holder,
        through: path.through,
        value: pointer::get(document.object(), instance).ok(),
        tokens: &tokens,
        nth,
    };
    let (expected, found) = expected_and_found(&breach);
    Reason::of(ReasonCode::Schema, instance, &found, &expected)
}

/// The way to a keyword.
struct Path<'s> {
    /// The schema that has the keyword.
    schema: &'s Value,
    /// The schema whose keyword led to it, and that keyword.
    holder: &'s Value,
    through: &'static str,
}

impl<'s> Path<'s> {
    /// Follows a location as far as the schema goes.
    fn follow(compiled: &'s Compiled, location: &str) -> Path<'s> {
        let mut path = Path {
            schema: &compiled.root,
            holder: &Value::Null,
            through: "",
        };
        let tokens: Vec<String> = pointer::parts(location).collect();
        let mut at = 0;
        // The last token is the violated keyword itself.
        while at + 1 < tokens.len() {
            let token = tokens.get(at).map_or("", String::as_str);
            let key = tokens.get(at + 1).map_or("", String::as_str);
            at += 1;
            if token == "$ref" {
                path.schema = reference(compiled, path.schema).unwrap_or(path.schema);
                continue;
            }
            let Some(keyword) = keywords::find(token) else {
                break;
            };
            let mut below = path.schema.get(keyword.name);
            if keyword.shape != Shape::Schema {
                at += 1;
                below = below.and_then(|below| member(below, key));
            }
            let Some(below) = below else { break };
            path.holder = path.schema;
            path.through = keyword.name;
            path.schema = below;
        }
        path
    }
}

/// Where a lowered schema's `$ref` leads.
pub(super) fn reference<'s>(compiled: &'s Compiled, schema: &Value) -> Option<&'s Value> {
    let index: usize = schema.get("$ref")?.as_str()?.parse().ok()?;
    pointer::lookup(&compiled.root, compiled.targets.get(index)?).ok()
}

fn member<'s>(schemas: &'s Value, key: &str) -> Option<&'s Value> {
    match schemas {
        Value::Object(map) => map.get(key),
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        _ => None,
    }
}
