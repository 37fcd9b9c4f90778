//! A document: a JSON object within limits, together with its compact text and its hash.

use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;

use serde_json::Value;

use crate::json;
use crate::pointer::push_token;
use crate::reason::{Reason, ReasonCode, kind_of};
use crate::strict;
use crate::version::ContentHash;

/// The largest document, in bytes of its compact text.
pub const MAX_DOCUMENT_BYTES: usize = 1_048_576;
/// The largest candidate, in bytes as they came from the source, white space included.
pub const MAX_SOURCE_BYTES: usize = 2_000_000;
/// How deep objects and arrays may nest; the document itself is depth 1.
pub const MAX_DEPTH: usize = 64;

/// A JSON object that keeps the order of its keys.
pub type Object = serde_json::Map<String, Value>;

/// An immutable JSON object within [`MAX_DOCUMENT_BYTES`] and [`MAX_DEPTH`]. A clone is cheap: it
/// shares the content.
///
/// Two documents are equal when their texts are, so the order of keys counts.
#[derive(Clone)]
pub struct Document {
    object: Rc<Object>,
    text: Rc<str>,
    /// Shared, so that it is computed once for all clones.
    hash: Rc<OnceCell<ContentHash>>,
}

impl Document {
    /// The document in these bytes, which may be anything.
    ///
    /// # Errors
    /// The first thing that is wrong, with the pointer of the offending value: not UTF-8 JSON with
    /// an object at the top, a key twice in one object, a number that cannot be kept, or over one
    /// of the limits of this module.
    pub fn parse(bytes: &[u8]) -> Result<Document, Reason> {
        let whole = |code, message: String| Err(Reason::new(code, "", &message));
        if bytes.len() > MAX_SOURCE_BYTES {
            let message = format!(
                "{} bytes from the source; expected at most {MAX_SOURCE_BYTES}",
                bytes.len()
            );
            return whole(ReasonCode::TooLarge, message);
        }
        if let Some(encoding) = byte_order_mark(bytes) {
            let message =
                format!("starts with a byte order mark ({encoding}); expected UTF-8 without one");
            return whole(ReasonCode::ByteOrderMark, message);
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let message = format!(
                    "invalid UTF-8 at byte {}; expected JSON in UTF-8",
                    error.valid_up_to()
                );
                return whole(ReasonCode::NotUtf8, message);
            }
        };
        if text.trim_ascii().is_empty() {
            let message = format!(
                "nothing there ({} bytes); expected a JSON object",
                bytes.len()
            );
            return whole(ReasonCode::Empty, message);
        }
        match strict::parse(text)? {
            Value::Object(object) => Document::within_size(object),
            other => {
                let message = format!("{} at the top; expected an object", kind_of(&other));
                whole(ReasonCode::NotAnObject, message)
            }
        }
    }

    /// The document with this content.
    ///
    /// # Errors
    /// [`ReasonCode::TooDeep`] or [`ReasonCode::TooLarge`].
    pub fn from_object(object: Object) -> Result<Document, Reason> {
        let mut trail = Vec::new();
        if object
            .iter()
            .any(|(key, value)| is_too_deep(value, 1, &mut trail) && record(&mut trail, key))
        {
            let mut pointer = String::new();
            for token in trail.iter().rev() {
                push_token(&mut pointer, token);
            }
            return Err(strict::too_deep(&pointer));
        }
        Document::within_size(object)
    }

    /// The document without any key.
    pub fn empty() -> Document {
        Document {
            object: Rc::new(Object::new()),
            text: Rc::from("{}"),
            hash: Rc::default(),
        }
    }

    /// The content.
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// The content as compact JSON. What [`Document::parse`] makes of it is equal to this document.
    /// (With floats in it, that takes `serde_json`'s feature `float_roundtrip`.)
    pub fn text(&self) -> &Rc<str> {
        &self.text
    }

    /// The SHA-256 of [`Document::text`], computed on first use.
    pub fn hash(&self) -> &ContentHash {
        self.hash
            .get_or_init(|| ContentHash::of(self.text.as_bytes()))
    }

    /// The length of [`Document::text`], in bytes.
    pub fn len_bytes(&self) -> usize {
        self.text.len()
    }

    fn within_size(object: Object) -> Result<Document, Reason> {
        let refused = |message: String| Reason::new(ReasonCode::TooLarge, "", &message);
        let text = json::object_text(&object);
        if text.len() > MAX_DOCUMENT_BYTES {
            let message = format!(
                "{} bytes as compact JSON; expected at most {MAX_DOCUMENT_BYTES}",
                text.len()
            );
            return Err(refused(message));
        }
        Ok(Document {
            object: Rc::new(object),
            text: Rc::from(text),
            hash: Rc::default(),
        })
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Document) -> bool {
        self.text == other.text
    }
}

impl Eq for Document {}

impl Default for Document {
    fn default() -> Document {
        Document::empty()
    }
}

/// Shows the size, never a value: a document may hold secrets and debug output ends in logs.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Document({} keys, {} bytes)",
            self.object.len(),
            self.text.len()
        )
    }
}

fn byte_order_mark(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xEF, 0xBB, 0xBF, ..] => Some("UTF-8"),
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] => Some("UTF-16"),
        _ => None,
    }
}

/// Whether `value`, inside `depth` containers, holds a container beyond [`MAX_DEPTH`]; if so,
/// `trail` gets the tokens that lead to it, innermost first. Recursion ends there too, so it is
/// bounded.
fn is_too_deep(value: &Value, depth: usize, trail: &mut Vec<String>) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => true,
        Value::Array(items) => (items.iter().enumerate()).any(|(index, item)| {
            is_too_deep(item, depth + 1, trail) && record(trail, &index.to_string())
        }),
        Value::Object(object) => object
            .iter()
            .any(|(key, item)| is_too_deep(item, depth + 1, trail) && record(trail, key)),
        _ => false,
    }
}

/// Adds a token; always `true`, to stand behind the condition that calls for it.
fn record(trail: &mut Vec<String>, token: &str) -> bool {
    trail.push(token.to_owned());
    true
}
