//! What each keyword expects, and what was there instead, in words.

use serde_json::Value;

use super::compile::Compiled;
use super::explain::reference;
use super::keywords::TYPES;
use super::secrecy::is_secret;
use crate::json;
use crate::pointer::Found;
use crate::reason::{clip, kind_of};
use crate::settings::suggest;

/// The longest quotation of one value of the schema, in characters.
const QUOTED_CHARS: usize = 64;
/// How many values of an `enum` are quoted.
const QUOTED_VALUES: usize = 8;
/// How many references a description follows.
const MAX_HOPS: usize = 8;

/// One violation.
pub(super) struct Breach<'s> {
    pub(super) compiled: &'s Compiled,
    /// The violated keyword; `several` for a `oneOf` that more than one alternative fits.
    pub(super) keyword: &'s str,
    /// The schema that has it.
    pub(super) schema: &'s Value,
    /// The schema whose keyword `through` led to it.
    pub(super) holder: &'s Value,
    pub(super) through: &'static str,
    /// The value that breaks it.
    pub(super) value: Option<Found<'s>>,
    /// Where that stands.
    pub(super) tokens: &'s [String],
    /// How many equal violations came before.
    pub(super) nth: usize,
}

/// What was expected, and what was found.
pub(super) fn expected_and_found(breach: &Breach<'_>) -> (String, String) {
    let found = breach.found();
    let quote = |keyword: &str| breach.quote(keyword);
    let length = |unit: &str, count: Option<usize>| match count {
        Some(1) => format!("{found} of 1 {unit}"),
        Some(count) => format!("{found} of {count} {unit}s"),
        None => found.clone(),
    };
    match breach.keyword {
        "type" => breach.types(found),
        "enum" => (breach.values(), found),
        "minimum" => (format!("a number of at least {}", quote("minimum")), found),
        "maximum" => (format!("a number of at most {}", quote("maximum")), found),
        "exclusiveMinimum" => (
            format!("a number above {}", quote("exclusiveMinimum")),
            found,
        ),
        "exclusiveMaximum" => (
            format!("a number below {}", quote("exclusiveMaximum")),
            found,
        ),
        "multipleOf" => (format!("a multiple of {}", quote("multipleOf")), found),
        "minLength" => (format!("at least {} characters", quote("minLength")), found),
        "maxLength" => (format!("at most {} characters", quote("maxLength")), found),
        "pattern" => (format!("a text that matches {}", quote("pattern")), found),
        "minItems" => (
            format!("at least {} items", quote("minItems")),
            length("item", breach.count()),
        ),
        "maxItems" => (
            format!("at most {} items", quote("maxItems")),
            length("item", breach.count()),
        ),
        "minProperties" => (
            format!("at least {} keys", quote("minProperties")),
            length("key", breach.count()),
        ),
        "maxProperties" => (
            format!("at most {} keys", quote("maxProperties")),
            length("key", breach.count()),
        ),
        "uniqueItems" => (
            "items that differ".to_owned(),
            "an array with equal items".to_owned(),
        ),
        "contains" => (
            format!("an array with {} in it", breach.described("contains")),
            found,
        ),
        "minContains" => (
            format!(
                "at least {} times {} in it",
                quote("minContains"),
                breach.described("contains")
            ),
            found,
        ),
        "maxContains" => (
            format!(
                "at most {} times {} in it",
                quote("maxContains"),
                breach.described("contains")
            ),
            found,
        ),
        "required" | "dependentRequired" => breach.missing(found),
        "anyOf" => (breach.alternatives("anyOf"), found),
        "oneOf" => (breach.alternatives("oneOf"), found),
        "several" => (
            "exactly one of the alternatives under \"oneOf\" to fit".to_owned(),
            format!("{found} that fits more than one"),
        ),
        "not" => breach.unwanted(found),
        _ => ("what the schema says".to_owned(), found),
    }
}

impl Breach<'_> {
    fn found(&self) -> String {
        if self.through == "propertyNames" {
            return "a key".to_owned();
        }
        let kind = match self.value {
            Some(Found::Whole(_)) => "an object",
            Some(Found::Part(value)) => kind_of(value),
            None => "a value",
        };
        kind.to_owned()
    }

    fn is_secret(&self) -> bool {
        is_secret(self.compiled, self.tokens)
    }

    /// The keyword's value.
    fn quote(&self, keyword: &str) -> String {
        match self.schema.get(keyword) {
            Some(value) if !self.is_secret() => match value {
                Value::String(text) => clip(text, QUOTED_CHARS).into_owned(),
                value => clip(&json::text(value), QUOTED_CHARS).into_owned(),
            },
            _ => format!("what \"{keyword}\" says"),
        }
    }

    fn count(&self) -> Option<usize> {
        match self.value? {
            Found::Whole(object) => Some(object.len()),
            Found::Part(Value::Object(object)) => Some(object.len()),
            Found::Part(Value::Array(items)) => Some(items.len()),
            Found::Part(_) => None,
        }
    }

    fn types(&self, found: String) -> (String, String) {
        let types = self.schema.get("type").map(types).unwrap_or_default();
        // A number where no number would do is one with a fraction.
        let fraction = found == "a number" && types.contains("an integer");
        let found = if fraction {
            "a number with a fraction".to_owned()
        } else {
            found
        };
        (types, found)
    }

    fn values(&self) -> String {
        let values = self.schema.get("enum").and_then(Value::as_array);
        let values = values.map(Vec::as_slice).unwrap_or_default();
        match values {
            [_] if self.is_secret() => "the one listed value".to_owned(),
            _ if self.is_secret() => "one of the listed values".to_owned(),
            values => listed(values),
        }
    }

    fn described(&self, keyword: &str) -> String {
        let described = self
            .schema
            .get(keyword)
            .and_then(|schema| self.describe(schema));
        described.unwrap_or_else(|| format!("a value that fits \"{keyword}\""))
    }

    fn alternatives(&self, keyword: &str) -> String {
        let alternatives = self.schema.get(keyword).and_then(Value::as_array);
        let alternatives = alternatives.map(Vec::as_slice).unwrap_or_default();
        let count = alternatives.len();
        let one_of = format!("that fits one of {count} alternatives under \"{keyword}\"");
        let mut described: Vec<String> = Vec::new();
        for alternative in alternatives {
            match self.describe(alternative) {
                Some(text) if count <= QUOTED_VALUES => {
                    if !described.contains(&text) {
                        described.push(text);
                    }
                }
                _ => return format!("a value {one_of}"),
            }
        }
        match described.as_slice() {
            [only] if count > 1 => format!("{only} {one_of}"),
            described => described.join(", or "),
        }
    }

    /// What a schema wants, when that is a kind or a list.
    fn describe(&self, schema: &Value) -> Option<String> {
        let mut schema = schema;
        for _ in 0..MAX_HOPS {
            if let Some(list) = schema.get("enum").and_then(Value::as_array) {
                return Some(if self.is_secret() {
                    "one of the listed values".to_owned()
                } else {
                    listed(list)
                });
            }
            if let Some(kinds) = schema.get("type") {
                return Some(types(kinds));
            }
            schema = reference(self.compiled, schema)?;
        }
        None
    }

    /// The key that is not there.
    fn missing(&self, found: String) -> (String, String) {
        let has = |key: &str| match self.value {
            Some(Found::Whole(object)) => object.contains_key(key),
            Some(Found::Part(value)) => value.get(key).is_some(),
            None => false,
        };
        let names = |list: &Value| -> Vec<String> {
            let names = list.as_array().into_iter().flatten();
            names.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let mut missing = Vec::new();
        if self.keyword == "required" {
            let required = self.schema.get("required").map(names).unwrap_or_default();
            missing.extend(required.into_iter().map(|key| (key, String::new())));
        } else {
            let dependent = self
                .schema
                .get("dependentRequired")
                .and_then(Value::as_object);
            for (cause, list) in dependent
                .into_iter()
                .flatten()
                .filter(|(cause, _)| has(cause))
            {
                let because = format!(", as there is {:?}", clip(cause, QUOTED_CHARS));
                missing.extend(names(list).into_iter().map(|key| (key, because.clone())));
            }
        }
        missing.retain(|(key, _)| !has(key));
        match missing.get(self.nth) {
            Some((key, because)) => {
                let key = format!("{:?}", clip(key, QUOTED_CHARS));
                (
                    format!("the key {key}{because}"),
                    format!("{found} without {key}"),
                )
            }
            None => ("a required key".to_owned(), found),
        }
    }

    /// What a `not` or the schema `false` does not want.
    fn unwanted(&self, found: String) -> (String, String) {
        let empty = self
            .schema
            .get("not")
            .and_then(Value::as_object)
            .is_some_and(serde_json::Map::is_empty);
        if !empty {
            let unwanted = self
                .schema
                .get("not")
                .and_then(|schema| self.describe(schema));
            let expected = match unwanted {
                Some(unwanted) => format!("anything but {unwanted}"),
                None => "a value that does not fit the schema under \"not\"".to_owned(),
            };
            return (expected, found);
        }
        let expected = match self.through {
            "additionalProperties" | "unevaluatedProperties" => {
                let key = self.tokens.last().map_or("", String::as_str);
                let known = self.holder.get("properties").and_then(Value::as_object);
                let known: Vec<&str> = known
                    .into_iter()
                    .flat_map(|known| known.keys())
                    .map(String::as_str)
                    .collect();
                match suggest::nearest(key, &known) {
                    Some(nearest) => format!(
                        "a known key: did you mean {:?}?",
                        clip(nearest, QUOTED_CHARS)
                    ),
                    None => "a known key".to_owned(),
                }
            }
            "propertyNames" => "no key at all".to_owned(),
            "items" | "prefixItems" | "unevaluatedItems" => "no further item".to_owned(),
            _ => "nothing here".to_owned(),
        };
        (expected, found)
    }
}

/// `a string`, `an object or null`.
fn types(kinds: &Value) -> String {
    let word = |name: &Value| {
        let known = TYPES
            .iter()
            .find(|(known, _)| Some(*known) == name.as_str());
        known.map(|(_, word)| *word)
    };
    let words: Vec<&str> = match kinds {
        Value::Array(names) => names.iter().filter_map(word).collect(),
        name => word(name).into_iter().collect(),
    };
    words.join(" or ")
}

/// `"a"`, `one of "a", 2, …`.
fn listed(values: &[Value]) -> String {
    if values.is_empty() {
        return "no value at all".to_owned();
    }
    let shown = values.iter().take(QUOTED_VALUES);
    let shown = shown.map(|value| clip(&json::text(value), QUOTED_CHARS).into_owned());
    let shown: Vec<String> = shown.collect();
    let more = if values.len() > QUOTED_VALUES {
        ", …"
    } else {
        ""
    };
    let one_of = if values.len() > 1 { "one of " } else { "" };
    format!("{one_of}{}{more}", shown.join(", "))
}
