//! One strict pass over JSON text: what `serde_json` lets through silently (duplicate keys, deep
//! nesting, integers that lose digits) is refused here, and every refusal names its pointer.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::document::MAX_DEPTH;
use crate::pointer::push_token;
use crate::reason::{Reason, ReasonCode};

/// The value in `text`, which must hold one and nothing else.
pub(crate) fn parse(text: &str) -> Result<Value, Reason> {
    let mut pass = Pass {
        text,
        numbers: 0,
        first_wide: None,
        refusal: None,
        trail: Vec::new(),
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let parsed = Node {
        pass: &mut pass,
        depth: 0,
    }
    .deserialize(&mut json);
    parsed
        .and_then(|value| json.end().map(|()| value))
        .map_err(|error| pass.reason(&error))
}

/// The reason for a container that is nested too deep.
pub(crate) fn too_deep(pointer: &str) -> Reason {
    Reason::new(ReasonCode::TooDeep, pointer, &too_deep_message())
}

fn too_deep_message() -> String {
    format!(
        "objects and arrays are nested more than {MAX_DEPTH} deep; expected {MAX_DEPTH} at most"
    )
}

/// What one pass knows, apart from where it is: that is read off the call stack, only when
/// something is wrong.
struct Pass<'t> {
    text: &'t str,
    /// How many numbers were read so far.
    numbers: usize,
    /// The ordinal of the text's first integer that 64 bits cannot hold, once somebody had to look.
    first_wide: Option<Option<usize>>,
    refusal: Option<(ReasonCode, String)>,
    /// The tokens of the refused value's pointer, innermost first.
    trail: Vec<String>,
}

impl Pass<'_> {
    fn refuse<E: serde::de::Error>(&mut self, code: ReasonCode, message: String) -> E {
        self.refusal = Some((code, message));
        E::custom("refused")
    }

    /// Whether the number just read is an integer literal beyond 64 bits: `serde_json` hands such a
    /// one over as a rounded float. Only the text can tell, and few documents have any float this
    /// large, so it is scanned on demand.
    fn is_wide_integer(&mut self, float: f64) -> bool {
        const TWO_63: f64 = 9_223_372_036_854_775_808.0;
        let text = self.text;
        float.abs() >= TWO_63
            && *self
                .first_wide
                .get_or_insert_with(|| first_wide_integer(text))
                == Some(self.numbers)
    }

    fn reason(mut self, error: &serde_json::Error) -> Reason {
        let mut pointer = String::new();
        for token in self.trail.iter().rev() {
            push_token(&mut pointer, token);
        }
        let (code, message) = self.refusal.take().unwrap_or_else(|| {
            let text = error.to_string();
            if text.starts_with("number out of range") {
                (
                    ReasonCode::NumberOutOfRange,
                    "the number is too large for a 64-bit float; expected it as a string"
                        .to_owned(),
                )
            } else if error.is_eof() {
                (
                    ReasonCode::Syntax,
                    format!(
                        "the text ends too early, cut off perhaps: {text}; expected complete JSON"
                    ),
                )
            } else {
                (ReasonCode::Syntax, format!("not JSON: {text}"))
            }
        });
        Reason::new(code, &pointer, &message)
    }
}

/// A value inside `depth` containers.
struct Node<'p, 't> {
    pass: &'p mut Pass<'t>,
    depth: usize,
}

impl Node<'_, '_> {
    fn number<E: serde::de::Error>(self, number: impl Into<Value>) -> Result<Value, E> {
        self.pass.numbers += 1;
        Ok(number.into())
    }

    /// The depth of this value's members, if it may have any.
    fn enter<E: serde::de::Error>(&mut self) -> Result<usize, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.pass.refuse(ReasonCode::TooDeep, too_deep_message()));
        }
        Ok(self.depth + 1)
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        self.number(value)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        self.number(value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        if self.pass.is_wide_integer(value) {
            let message = "the integer needs more than 64 bits and would lose digits; expected it as a string";
            return Err(self
                .pass
                .refuse(ReasonCode::NumberOutOfRange, message.to_owned()));
        }
        self.number(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut access: A) -> Result<Value, A::Error> {
        let depth = self.enter()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(Member {
            pass: self.pass,
            depth,
            token: Token::Index(items.len()),
        })? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut access: A) -> Result<Value, A::Error> {
        let depth = self.enter()?;
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(Member {
                pass: self.pass,
                depth,
                token: Token::Key(&key),
            })?;
            match object.entry(key) {
                Entry::Vacant(vacant) => _ = vacant.insert(value),
                Entry::Occupied(first) => {
                    self.pass.trail.push(first.key().clone());
                    let message = "the key stands more than once in its object; expected it once";
                    return Err(self
                        .pass
                        .refuse(ReasonCode::DuplicateKey, message.to_owned()));
                }
            }
        }
        Ok(Value::Object(object))
    }
}

/// What leads from a container to one of its members.
enum Token<'k> {
    Index(usize),
    Key(&'k str),
}

/// A [`Node`] that adds its token to the trail when anything in it is wrong.
struct Member<'p, 't, 'k> {
    pass: &'p mut Pass<'t>,
    depth: usize,
    token: Token<'k>,
}

impl<'de> DeserializeSeed<'de> for Member<'_, '_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let parsed = deserializer.deserialize_any(Node {
            pass: &mut *self.pass,
            depth: self.depth,
        });
        if parsed.is_err() {
            self.pass.trail.push(match self.token {
                Token::Index(index) => index.to_string(),
                Token::Key(key) => key.to_owned(),
            });
        }
        parsed
    }
}

/// The ordinal, among the numbers of `text`, of the first integer literal that neither `i64` nor
/// `u64` holds.
fn first_wide_integer(text: &str) -> Option<usize> {
    let mut ordinal = 0;
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        rest = rest.get(at..)?;
        if let Some(string) = rest.strip_prefix('"') {
            rest = after_string(string)?;
            continue;
        }
        let end = rest
            .find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(end)?;
        let integer = !number.contains(['.', 'e', 'E']);
        if integer && number.parse::<u64>().is_err() && number.parse::<i64>().is_err() {
            return Some(ordinal);
        }
        ordinal += 1;
        rest = after;
    }
    None
}

/// What follows the quote that closes a string.
fn after_string(mut string: &str) -> Option<&str> {
    loop {
        let at = string.find(['"', '\\'])?;
        let (_, special) = string.split_at_checked(at)?;
        if let Some(after) = special.strip_prefix('"') {
            return Some(after);
        }
        // An escaped character is one ASCII character, as the parser has seen or will refuse.
        string = special.get(2..)?;
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;

    #[test]
    fn finds_the_first_wide_integer() {
        for (text, ordinal) in [
            ("", None),
            (
                "[1,-2,3.5,18446744073709551615,-9223372036854775808,1e30,99999999999999999999.5]",
                None,
            ),
            ("[1,18446744073709551616]", Some(1)),
            ("[-9223372036854775809,18446744073709551616]", Some(0)),
            (
                r#"{"12345678901234567890123":"\"12345678901234567890123\\","b":12345678901234567890123}"#,
                Some(0),
            ),
            (r#"["\\",1,"é\"",2,12345678901234567890123]"#, Some(2)),
            ("\"\\é123456789012345678901234567890", None),
            ("\"", None),
            ("\"\\", None),
        ] {
            assert_eq!(first_wide_integer(text), ordinal, "{text}");
        }
    }
}
