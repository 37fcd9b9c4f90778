//! From a document to the Worker's own type.

use std::cell::OnceCell;

use bellwether_core::strict::{self, Raw, Rejection};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use worker::js_sys::Number;

/// A section that is kept as text until it is first asked for, and then parsed, once in an isolate
/// and version. For what is large and seldom needed.
///
/// That it fits is not looked at when its document is received: a document with a lazy section that
/// does not fit is held all the same, and [`get`](Self::get) tells.
#[derive(Clone, Debug)]
pub struct Lazy<T> {
    raw: Raw,
    parsed: OnceCell<Result<T, Rejection>>,
}

impl<T: DeserializeOwned> Lazy<T> {
    /// The section.
    ///
    /// # Errors
    /// It does not fit. The pointer begins at the section.
    pub fn get(&self) -> Result<&T, &Rejection> {
        let parsed = self.parsed.get_or_init(|| parse(&self.raw.0));
        parsed.as_ref()
    }
}

impl<'de, T> Deserialize<'de> for Lazy<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            raw: Raw::deserialize(deserializer)?,
            parsed: OnceCell::new(),
        })
    }
}

/// Parses all sections at once: either every field of `T` fits, or none of the document is used.
pub(crate) fn parse<T: DeserializeOwned>(document: &str) -> Result<T, Rejection> {
    // As the platform reads numbers: `str::parse` would be 5 KB more (gzipped).
    strict::typed(document, Number::parse_float)
}
