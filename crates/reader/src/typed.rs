//! From a document to the Worker's own type.

use bellwether_core::pointer::push_token;
use bellwether_core::reading::Misfit;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

/// Why a document did not fit the Worker's type. Never holds a value of the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// RFC 6901 pointer to what did not fit.
    pub pointer: String,
    /// What kind of misfit it is.
    pub message: String,
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.pointer, self.message)
    }
}

impl std::error::Error for Rejection {}

impl Misfit for Rejection {
    fn pointer(&self) -> &str {
        &self.pointer
    }

    fn message(&self) -> &str {
        &self.message
    }
}

/// Parses all sections at once: either every field of `T` fits, or none of the document is used.
pub(crate) fn parse<T: DeserializeOwned>(document: &str) -> Result<T, Rejection> {
    let mut json = serde_json::Deserializer::from_str(document);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            match segment {
                Segment::Seq { index } => push_token(&mut pointer, &index.to_string()),
                Segment::Map { key } => push_token(&mut pointer, key),
                Segment::Enum { variant } => push_token(&mut pointer, variant),
                Segment::Unknown => push_token(&mut pointer, "?"),
            }
        }
        Rejection {
            pointer,
            message: without_values(&error.into_inner().to_string()),
        }
    })
}

/// serde quotes the value that did not fit (`string "s3cret"`, `integer 5`); what was expected
/// stands after it. Only that part, and the names that the type declares, may be shown.
fn without_values(message: &str) -> String {
    // Where serde_json stood in the text: the pointer says it better.
    let message = message
        .rsplit_once(" at line ")
        .map_or(message, |(message, _)| message);
    if message.starts_with("missing field") || message.starts_with("duplicate field") {
        return message.to_owned();
    }
    // The last one: the value may hold the same words.
    let (found, expected) = match message.rsplit_once(", expected ") {
        Some((found, expected)) => (found, Some(expected)),
        None => (message, None),
    };
    // A type's own check may say anything, the value included.
    const KINDS: [&str; 5] = [
        "invalid type: ",
        "invalid value: ",
        "invalid length ",
        "unknown field ",
        "unknown variant ",
    ];
    if !KINDS.iter().any(|kind| found.starts_with(kind)) {
        return "refused by the type's own check".to_owned();
    }
    let kind = found.split(['"', '`']).next().unwrap_or_default();
    let kind =
        kind.trim_end_matches(|c: char| c == ' ' || c == '-' || c == '.' || c.is_ascii_digit());
    match expected {
        Some(expected) => format!("{kind}, expected {expected}"),
        None => kind.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code)]
    struct Config {
        video: Video,
        #[serde(default)]
        ids: Vec<u8>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code)]
    struct Video {
        width: u32,
    }

    #[test]
    fn a_misfit_is_named_by_its_pointer_and_never_by_its_value() {
        for (document, pointer, says) in [
            (
                r#"{"video":{"width":"s3cret"}}"#,
                "/video/width",
                "expected u32",
            ),
            (r#"{"video":{"width":-77}}"#, "/video/width", "expected u32"),
            (r#"{"video":{}}"#, "/video", "missing field `width`"),
            (
                r#"{"video":{"width":1},"ids":[1,777]}"#,
                "/ids/1",
                "expected u8",
            ),
            (r#"{}"#, "", "missing field `video`"),
        ] {
            let rejection = parse::<Config>(document).unwrap_err();
            assert_eq!(rejection.pointer, pointer, "{document}");
            assert!(rejection.message.contains(says), "{document}: {rejection}");
            assert!(!rejection.message.contains("s3cret"), "{rejection}");
            assert!(!rejection.message.contains("77"), "{rejection}");
        }
    }
}
