//! What a document must be in the vectors: an object whose sections, where it has them, hold a number each.

use serde_json::Value;

/// Where a document does not fit, and why: in the words of the other reader, so that both report the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit(pub(crate) String, &'static str);

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.0, self.1)
    }
}

impl bellwether_core::reading::Misfit for Misfit {
    fn pointer(&self) -> &str {
        &self.0
    }

    fn message(&self) -> &str {
        self.1
    }
}

/// The document in this text: `a` and `b` are there and are numbers, or none of it is taken.
pub(crate) fn fitted(text: &str) -> Result<Value, Misfit> {
    let misfit = |pointer: &str, why| Misfit(pointer.to_owned(), why);
    let document: Value = serde_json::from_str(text).map_err(|_| misfit("", "cannot be read"))?;
    if !document.is_object() {
        return Err(misfit("", "expected an object"));
    }
    match ["/a", "/b"]
        .into_iter()
        .find(|pointer| !document.pointer(pointer).is_some_and(Value::is_number))
    {
        Some(pointer) => Err(misfit(pointer, "expected a number")),
        None => Ok(document),
    }
}
