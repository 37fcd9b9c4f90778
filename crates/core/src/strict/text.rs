//! A string, read without serde's own `String`: what that says of a wrong type quotes floats, and
//! code to write floats costs the bundle 8 KB gzipped.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Takes a string and nothing else.
pub(super) struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_string<E>(self, text: String) -> Result<String, E> {
        Ok(text)
    }

    fn visit_unit<E: Error>(self) -> Result<String, E> {
        Err(not_text())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<String, E> {
        Err(not_text())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<String, E> {
        Err(not_text())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<String, E> {
        Err(not_text())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<String, E> {
        Err(not_text())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(not_text())
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(not_text())
    }
}

fn not_text<E: Error>() -> E {
    E::custom("expected a string")
}
