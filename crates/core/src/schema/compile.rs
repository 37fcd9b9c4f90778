//! Checks a schema and lowers it to what a validator gets: known keywords only, `$ref` as an index
//! into the targets, no `$id` and anchors, no boolean schemas, `const` as an `enum` of one.

use std::cell::RefCell;

use serde_json::Value;

use super::index::Index;
use super::keywords::{self, Keyword, Role, Shape, TYPES};
use super::pattern::Patterns;
use super::references::References;
use super::{MAX_VIOLATIONS, and_more};
use crate::document::Object;
use crate::json::{self, Members};
use crate::pointer::push_token;
use crate::reason::{Reason, ReasonCode, kind_of};
use crate::settings::suggest;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A schema ready for a validator.
#[derive(Debug)]
pub(super) struct Compiled {
    /// The lowered schema.
    pub(super) root: Value,
    /// Where each `$ref` leads: pointers into `root`.
    pub(super) targets: Vec<String>,
    pub(super) patterns: Patterns,
    /// Root and targets as JSON.
    pub(super) text: String,
}

/// Checks and lowers a schema.
///
/// # Errors
/// Everything that is wrong, each with its pointer.
pub(super) fn compile(schema: &Object) -> Result<Compiled, Vec<Reason>> {
    let pass = Pass::default();
    let mut pointer = String::new();
    let root = pass.object(schema, &mut pointer, None);
    let targets = pass.references.take().resolve(&pass);
    let reasons = pass.reasons.take();
    if !reasons.is_empty() {
        return Err(and_more(reasons, pass.more.take()));
    }
    let mut members = Members::new();
    members
        .value("schema", root.clone())
        .texts("targets", &targets);
    Ok(Compiled {
        text: json::text(&members.take()),
        root,
        targets,
        patterns: pass.patterns.take(),
    })
}

/// One walk over a schema. What it gathers is shared by all levels.
#[derive(Default)]
pub(super) struct Pass {
    references: RefCell<References>,
    patterns: RefCell<Patterns>,
    reasons: RefCell<Vec<Reason>>,
    /// Reasons beyond those that are told.
    more: RefCell<usize>,
}

impl Pass {
    pub(super) fn refuse(&self, pointer: &str, found: &str, expected: &str) {
        let reason = Reason::of(ReasonCode::SchemaInvalid, pointer, found, expected);
        let mut reasons = self.reasons.borrow_mut();
        if reasons.len() < MAX_VIOLATIONS {
            reasons.push(reason);
        } else {
            *self.more.borrow_mut() += 1;
        }
    }

    /// A schema of any kind. `within` is the schema that it applies to the same value with.
    fn schema(&self, schema: &Value, pointer: &mut String, within: Option<usize>) -> Value {
        match schema {
            Value::Object(object) => self.object(object, pointer, within),
            Value::Bool(fits) => {
                self.references.borrow_mut().enter(pointer, within, None);
                let mut lowered = Object::new();
                if !fits {
                    lowered.insert("not".to_owned(), Value::Object(Object::new()));
                }
                Value::Object(lowered)
            }
            other => {
                self.refuse(
                    pointer,
                    kind_of(other),
                    "a schema: an object, true or false",
                );
                Value::Null
            }
        }
    }

    fn object(&self, schema: &Object, pointer: &mut String, within: Option<usize>) -> Value {
        let id = schema.get("$id").and_then(Value::as_str);
        let entered = self.references.borrow_mut().enter(pointer, within, id);
        if let Err(clash) = entered.declared {
            self.refuse(pointer, &clash, "an identifier of its own");
        }
        let mut at = Place {
            pointer,
            node: entered.node,
            lowered: Object::new(),
            besides: Vec::new(),
        };
        for (name, value) in schema {
            if let Some(keyword) = keywords::find(name) {
                let length = at.pointer.len();
                push_token(at.pointer, name);
                self.keyword(keyword, value, &mut at);
                at.pointer.truncate(length);
            }
        }
        self.references.borrow_mut().leave(id.is_some());
        at.whole()
    }

    fn keyword(&self, keyword: &Keyword, value: &Value, at: &mut Place<'_>) {
        let within = (keyword.role == Role::InPlace).then_some(at.node);
        let expected = match (keyword.shape, value) {
            (Shape::Schema, value) => {
                let lowered = self.schema(value, at.pointer, within);
                at.put(keyword.name, lowered);
                return;
            }
            (Shape::Schemas, Value::Array(schemas)) if !schemas.is_empty() => {
                let mut lowered = Vec::new();
                for (index, schema) in schemas.iter().enumerate() {
                    lowered.push(self.below(&index.to_string(), schema, at.pointer, within));
                }
                at.put(keyword.name, Value::Array(lowered));
                return;
            }
            (Shape::SchemaMap | Shape::PatternMap, Value::Object(schemas)) => {
                let mut lowered = Object::new();
                for (key, schema) in schemas {
                    if keyword.shape == Shape::PatternMap {
                        self.pattern(key, at.pointer);
                    }
                    let below = self.below(key, schema, at.pointer, within);
                    lowered.insert(key.clone(), below);
                }
                at.put(keyword.name, Value::Object(lowered));
                return;
            }
            (Shape::Types, _) if self.types(value, at.pointer) => None,
            (Shape::Pattern, Value::String(pattern)) => {
                self.pattern(pattern, at.pointer);
                None
            }
            (Shape::Reference, Value::String(reference)) => {
                self.reference(keyword.name, reference, at);
                None
            }
            (Shape::Anchor, Value::String(name)) if is_anchor(name) => {
                let dynamic = keyword.name == "$dynamicAnchor";
                let declared = self.references.borrow_mut().anchor(name, at.node, dynamic);
                if let Err(clash) = declared {
                    self.refuse(at.pointer, &clash, "a name of its own");
                }
                None
            }
            (Shape::Anything, value) => {
                at.put("enum", Value::Array(vec![value.clone()]));
                None
            }
            (shape, value) => expected(shape, value),
        };
        if let Some(expected) = expected {
            self.refuse(at.pointer, kind_of(value), expected);
        } else if keyword.role != Role::Annotates {
            at.put(keyword.name, value.clone());
        }
    }

    fn below(
        &self,
        token: &str,
        schema: &Value,
        pointer: &mut String,
        within: Option<usize>,
    ) -> Value {
        let length = pointer.len();
        push_token(pointer, token);
        let lowered = self.schema(schema, pointer, within);
        pointer.truncate(length);
        lowered
    }

    fn pattern(&self, pattern: &str, pointer: &str) {
        if let Err((found, expected)) = self.patterns.borrow_mut().add(pattern) {
            self.refuse(pointer, found, expected);
        }
    }

    fn reference(&self, keyword: &str, reference: &str, at: &mut Place<'_>) {
        let dynamic = keyword == "$dynamicRef";
        let index = self
            .references
            .borrow_mut()
            .refer(reference, at.pointer, at.node, dynamic);
        at.put("$ref", Value::String(index.to_string()));
    }

    /// Whether this is a type or a list of types, but for a name that is refused already.
    fn types(&self, value: &Value, pointer: &str) -> bool {
        let names: Vec<&str> = match value {
            Value::String(name) => vec![name],
            Value::Array(names) if is_set(names) && !names.is_empty() => {
                names.iter().filter_map(Value::as_str).collect()
            }
            _ => return false,
        };
        for name in names {
            if !TYPES.iter().any(|(known, _)| *known == name) {
                let known: Vec<&str> = TYPES.iter().map(|(known, _)| *known).collect();
                let expected = match suggest::nearest(name, &known) {
                    Some(nearest) => format!("a type: did you mean {nearest:?}?"),
                    None => suggest::one_of(&known),
                };
                self.refuse(pointer, "an unknown type name", &expected);
            }
        }
        true
    }
}

/// The schema that is walked over.
struct Place<'p> {
    pointer: &'p mut String,
    node: usize,
    lowered: Object,
    /// What has no room in `lowered`, where another keyword has the name: `const` beside `enum`,
    /// `$dynamicRef` beside `$ref`.
    besides: Vec<Value>,
}

impl Place<'_> {
    fn put(&mut self, name: &str, value: Value) {
        if self.lowered.contains_key(name) {
            let mut beside = Members::new();
            self.besides.push(beside.value(name, value).take());
        } else {
            self.lowered.insert(name.to_owned(), value);
        }
    }

    fn whole(mut self) -> Value {
        if !self.besides.is_empty() {
            let all_of = self
                .lowered
                .entry("allOf")
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(all_of) = all_of {
                all_of.append(&mut self.besides);
            }
        }
        Value::Object(self.lowered)
    }
}

/// What a keyword's value should have been, when it is not.
fn expected(shape: Shape, value: &Value) -> Option<&'static str> {
    let number = match value {
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let number = number.as_deref();
    let (fits, expected) = match shape {
        Shape::Text => (value.is_string(), "a string"),
        Shape::Flag => (value.is_boolean(), "true or false"),
        Shape::Number => (number.is_some(), "a number"),
        Shape::Positive => (number.is_some_and(is_positive), "a number above 0"),
        Shape::Count => (number.is_some_and(is_count), "a whole number, 0 or above"),
        Shape::List => (value.is_array(), "an array"),
        Shape::Names => (is_set_of_names(value), "an array of different strings"),
        Shape::NamesMap => {
            let fits = value
                .as_object()
                .is_some_and(|map| map.values().all(is_set_of_names));
            (
                fits,
                "an object with an array of different strings for each key",
            )
        }
        Shape::Dialect => (
            value.as_str() == Some(DIALECT),
            "\"https://json-schema.org/draft/2020-12/schema\", or no \"$schema\" at all",
        ),
        Shape::Id => {
            let fits = value
                .as_str()
                .is_some_and(|id| !id.trim_end_matches('#').contains('#'));
            (fits, "a URI or path without a fragment")
        }
        Shape::Anchor => (
            false,
            "a name: a letter or \"_\", then letters, digits, \"-\", \"_\" and \".\"",
        ),
        Shape::Schemas => (false, "an array of schemas, with at least one"),
        Shape::SchemaMap | Shape::PatternMap => (false, "an object of schemas"),
        Shape::Types => (false, "a type name or an array of different ones"),
        Shape::Pattern => (false, "a regular expression, in a string"),
        Shape::Reference => (false, "a reference, in a string"),
        Shape::Schema | Shape::Anything => (true, ""),
    };
    (!fits).then_some(expected)
}

fn is_positive(digits: &str) -> bool {
    let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
    !digits.starts_with('-') && mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

fn is_count(digits: &str) -> bool {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    whole.parse::<u64>().is_ok() && fraction.bytes().all(|byte| byte == b'0')
}

fn is_set_of_names(value: &Value) -> bool {
    value.as_array().is_some_and(|names| is_set(names))
}

/// Whether these are strings, each once.
fn is_set(names: &[Value]) -> bool {
    let mut seen = Index::default();
    let mut names = names.iter();
    names.all(|name| name.as_str().is_some_and(|name| seen.insert(name, 0)))
}

fn is_anchor(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.bytes().all(word)
}
