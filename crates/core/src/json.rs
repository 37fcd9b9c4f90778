//! JSON as it is built and written. Objects are put together member by member and written by one
//! function: a serializer for each type is 11 KB larger in a bundle (gzipped).

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The compact text of a value, byte for byte what `serde_json` writes.
#[must_use]
pub fn text(value: &Value) -> String {
    let mut text = String::new();
    push(&mut text, value);
    text
}

/// The compact text of an object.
#[must_use]
pub fn object_text(object: &Map<String, Value>) -> String {
    let mut text = String::new();
    push_object(&mut text, object);
    text
}

fn push(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        // Writing to a String cannot fail.
        Value::Number(number) => _ = write!(text, "{number}"),
        Value::String(string) => push_string(text, string),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                push(text, item);
            }
            text.push(']');
        }
        Value::Object(object) => push_object(text, object),
    }
}

fn push_object(text: &mut String, object: &Map<String, Value>) {
    text.push('{');
    for (index, (key, value)) in object.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_string(text, key);
        text.push(':');
        push(text, value);
    }
    text.push('}');
}

/// Adds a string as JSON writes it.
pub(crate) fn push_string(text: &mut String, string: &str) {
    text.push('"');
    let mut rest = string;
    while let Some(at) = rest
        .bytes()
        .position(|byte| byte < b' ' || matches!(byte, b'"' | b'\\'))
    {
        let (plain, escaped) = rest.split_at_checked(at).unwrap_or_default();
        text.push_str(plain);
        let mut characters = escaped.chars();
        let character = characters.next().unwrap_or_default();
        let short = match character {
            '\u{8}' => 'b',
            '\u{c}' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '"' | '\\' => character,
            _ => 'u',
        };
        text.push('\\');
        text.push(short);
        if short == 'u' {
            let _ = write!(text, "{:04x}", u32::from(character));
        }
        rest = characters.as_str();
    }
    text.push_str(rest);
    text.push('"');
}

/// An object under construction. Its methods stay calls, which is why they are not generic.
#[derive(Debug, Default)]
pub struct Members(Map<String, Value>);

impl Members {
    /// Without any member yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more member.
    #[inline(never)]
    pub fn value(&mut self, name: &str, value: Value) -> &mut Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// One more, a string.
    #[inline(never)]
    pub fn text(&mut self, name: &str, text: &str) -> &mut Self {
        self.value(name, Value::String(text.to_owned()))
    }

    /// One more, a string or null.
    #[inline(never)]
    pub fn optional_text(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(name, text),
            None => self.value(name, Value::Null),
        }
    }

    /// One more, if there is this string.
    #[inline(never)]
    pub fn text_if_any(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// One more, a list of strings.
    pub fn texts(&mut self, name: &str, texts: &[String]) -> &mut Self {
        let texts = texts.iter().map(|text| Value::String(text.clone()));
        self.value(name, Value::Array(texts.collect()))
    }

    /// One more, a number.
    #[inline(never)]
    pub fn number(&mut self, name: &str, number: u64) -> &mut Self {
        self.value(name, number.into())
    }

    /// One more, a number or null.
    #[inline(never)]
    pub fn optional_number(&mut self, name: &str, number: Option<u64>) -> &mut Self {
        match number {
            Some(number) => self.number(name, number),
            None => self.value(name, Value::Null),
        }
    }

    /// One more, true or false.
    #[inline(never)]
    pub fn flag(&mut self, name: &str, flag: bool) -> &mut Self {
        self.value(name, Value::Bool(flag))
    }

    /// All members of this object.
    pub fn extend(&mut self, members: Value) -> &mut Self {
        if let Value::Object(members) = members {
            for (name, value) in members {
                self.value(&name, value);
            }
        }
        self
    }

    /// The object; none of its members is left here.
    #[inline(never)]
    pub fn take(&mut self) -> Value {
        Value::Object(std::mem::take(&mut self.0))
    }
}

/// Adds to a total, or to a part of one; an empty label is no part.
pub(crate) fn add(totals: &mut Map<String, Value>, name: &str, label: &str, amount: u64) {
    let entry = totals.entry(name).or_insert(Value::Null);
    let total = if label.is_empty() {
        entry
    } else {
        if !entry.is_object() {
            *entry = Value::Object(Map::new());
        }
        match entry.as_object_mut() {
            Some(labels) => labels.entry(label).or_insert(Value::Null),
            None => return,
        }
    };
    *total = total.as_u64().unwrap_or(0).saturating_add(amount).into();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    proptest! {
        #[test]
        fn strings_are_written_as_serde_json_writes_them(string in "(.|[\\x00-\\x7f])*") {
            let value = json!({ &string: [string, null, true, false, 1.5, -7, {}, []] });
            prop_assert_eq!(text(&value), value.to_string());
        }
    }

    #[test]
    fn members_keep_their_order() {
        let mut members = Members::new();
        members
            .text("z", "t")
            .optional_text("y", None)
            .text_if_any("x", None);
        members
            .number("b", 7)
            .optional_number("c", None)
            .flag("a", true);
        members
            .texts("d", &["e".to_owned()])
            .extend(json!({ "f": {} }));
        assert_eq!(
            text(&members.take()),
            r#"{"z":"t","y":null,"b":7,"c":null,"a":true,"d":["e"],"f":{}}"#
        );
    }
}
