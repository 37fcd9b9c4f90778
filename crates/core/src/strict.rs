//! One strict pass over JSON text: what `serde_json` lets through silently (duplicate keys, deep
//! nesting, integers that lose digits) is refused here, and every refusal names its pointer.

mod number;
mod text;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::document::MAX_DEPTH;
use crate::pointer::push_token;
use crate::reason::{Reason, ReasonCode};

/// The value in `text`, which must hold one and nothing else.
///
/// # Errors
/// The first thing that is wrong, with its pointer.
pub fn parse(text: &str) -> Result<Value, Reason> {
    if cfg!(feature = "exact_numbers") && number::has_private_key(text) {
        let message = "a key that serde_json keeps for itself; expected any other";
        return Err(Reason::new(ReasonCode::Syntax, "", message));
    }
    let mut pass = Pass {
        numbers: number::Numbers::of(text),
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
    numbers: number::Numbers<'t>,
    refusal: Option<(ReasonCode, String)>,
    /// The tokens of the refused value's pointer, innermost first.
    trail: Vec<String>,
}

impl Pass<'_> {
    fn refuse<E: serde::de::Error>(&mut self, code: ReasonCode, message: String) -> E {
        self.refusal = Some((code, message));
        E::custom("refused")
    }

    fn reason(mut self, error: &serde_json::Error) -> Reason {
        let mut pointer = String::new();
        for token in self.trail.iter().rev() {
            push_token(&mut pointer, token);
        }
        let (code, message) = self.refusal.take().unwrap_or_else(|| {
            let text = error.to_string();
            if text.starts_with("number out of range") {
                (ReasonCode::NumberOutOfRange, number::TOO_LARGE.to_owned())
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
    fn number<E: serde::de::Error>(self, number: Result<Value, &'static str>) -> Result<Value, E> {
        number.map_err(|message| {
            self.pass
                .refuse(ReasonCode::NumberOutOfRange, message.to_owned())
        })
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
        let number = self.pass.numbers.integer(value);
        self.number(number)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        let number = self.pass.numbers.integer(value);
        self.number(number)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = self.pass.numbers.float(value);
        self.number(number)
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
        let mut next = access.next_key_seed(text::Text)?;
        if cfg!(feature = "exact_numbers") && next.as_deref() == Some(number::NUMBER_KEY) {
            let digits = access.next_value_seed(text::Text)?;
            return self.number(number::exact(&digits));
        }
        let depth = self.enter()?;
        let mut object = Map::new();
        while let Some(key) = next {
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
            next = access.next_key_seed(text::Text)?;
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
