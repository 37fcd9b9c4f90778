//! What a document must be in the vectors: an object whose sections, where it has them, hold a number each.

use serde_json::Value;

/// Where a document does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit(pub(crate) String);

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl bellwether_core::reading::Misfit for Misfit {
    fn pointer(&self) -> &str {
        &self.0
    }

    fn message(&self) -> &str {
        ""
    }
}

/// The document in this text: `a` and `b` are there and are numbers, or none of it is taken.
pub(crate) fn fitted(text: &str) -> Result<Value, Misfit> {
    let document: Value = serde_json::from_str(text).map_err(|_| Misfit(String::new()))?;
    if !document.is_object() {
        return Err(Misfit(String::new()));
    }
    match ["a", "b"].iter().find(|name| !document[**name].is_number()) {
        Some(name) => Err(Misfit(format!("/{name}"))),
        None => Ok(document),
    }
}
