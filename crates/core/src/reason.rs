//! Why a candidate was refused, in words for people and a code for machines.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::Members;

/// The longest [`Refusal::pointer`], in characters; a longer one ends in `…`.
pub const MAX_POINTER_CHARS: usize = 256;
/// The longest [`Refusal::message`], in characters; a longer one ends in `…`.
pub const MAX_MESSAGE_CHARS: usize = 512;

/// The longest [`Refusal::expected`] and [`Refusal::found`], in characters; a longer one ends in `…`.
pub const MAX_EXPECTED_CHARS: usize = 240;

/// Why a candidate was refused. Holds pointers, kinds, sizes and key names, never a value: reasons
/// are logged and shown.
///
/// Boxed: it is the error of whatever reads a document, and each step would copy it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reason(Box<Refusal>);

/// What a [`Reason`] tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// RFC 6901 pointer of what was refused; empty for the whole document.
    pub pointer: String,
    /// What kind of refusal this is.
    pub code: ReasonCode,
    /// What was found and what was expected.
    pub message: String,
    /// What a schema expected there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What kind of value was found instead; never the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

impl std::ops::Deref for Reason {
    type Target = Refusal;

    fn deref(&self) -> &Refusal {
        &self.0
    }
}

impl Reason {
    /// A reason; a pointer or message over its limit is cut and ends in `…`.
    pub fn new(code: ReasonCode, pointer: &str, message: &str) -> Reason {
        Reason(Box::new(Refusal {
            pointer: clip(pointer, MAX_POINTER_CHARS).into_owned(),
            code,
            message: clip(message, MAX_MESSAGE_CHARS).into_owned(),
            expected: None,
            found: None,
        }))
    }

    /// A reason that says both; `expected` over its limit is cut and ends in `…`.
    pub fn of(code: ReasonCode, pointer: &str, found: &str, expected: &str) -> Reason {
        let expected = clip(expected, MAX_EXPECTED_CHARS);
        let message = format!("found {found}; expected {expected}");
        let mut reason = Reason::new(code, pointer, &message);
        reason.0.found = Some(clip(found, MAX_EXPECTED_CHARS).into_owned());
        reason.0.expected = Some(expected.into_owned());
        reason
    }

    /// As it is stored and shown.
    pub(crate) fn to_json(&self) -> Value {
        let mut members = Members::new();
        members
            .text("pointer", &self.pointer)
            .text("code", self.code.as_str());
        members
            .text("message", &self.message)
            .text_if_any("expected", self.expected.as_deref())
            .text_if_any("found", self.found.as_deref());
        members.take()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        f.write_str(&self.message)
    }
}

/// The kinds of refusal; stored and shown in `snake_case`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// No bytes, or only white space.
    Empty,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// A byte order mark at the start.
    ByteOrderMark,
    /// Not JSON.
    Syntax,
    /// JSON, but not an object at the top.
    NotAnObject,
    /// Over a size limit.
    TooLarge,
    /// Containers nested over the limit.
    TooDeep,
    /// A key that stands more than once in one object.
    DuplicateKey,
    /// A number that cannot be kept exactly, or at all.
    NumberOutOfRange,
    /// Guard: a document without any key.
    EmptyDocument,
    /// Guard: too many of the head's top-level keys are gone.
    KeyLoss,
    /// Two sources claim the same place in the document.
    PathConflict,
    /// The version that a rollback goes back to is not kept any more.
    VersionGone,
    /// The version that a rollback goes back to holds a `null` that the layers below do not have any
    /// more: a merge patch cannot say it.
    NullLost,
    /// The document breaks the space's schema.
    Schema,
    /// The schema itself cannot be used.
    SchemaInvalid,
    /// Validating against the schema took more than its limits allow.
    SchemaLimit,
    /// A code this build does not know: a newer build stored it.
    #[serde(other)]
    Unknown,
}

impl ReasonCode {
    /// The code as it is stored, shown and counted.
    pub const fn as_str(self) -> &'static str {
        match self {
            ReasonCode::Empty => "empty",
            ReasonCode::NotUtf8 => "not_utf8",
            ReasonCode::ByteOrderMark => "byte_order_mark",
            ReasonCode::Syntax => "syntax",
            ReasonCode::NotAnObject => "not_an_object",
            ReasonCode::TooLarge => "too_large",
            ReasonCode::TooDeep => "too_deep",
            ReasonCode::DuplicateKey => "duplicate_key",
            ReasonCode::NumberOutOfRange => "number_out_of_range",
            ReasonCode::EmptyDocument => "empty_document",
            ReasonCode::KeyLoss => "key_loss",
            ReasonCode::PathConflict => "path_conflict",
            ReasonCode::VersionGone => "version_gone",
            ReasonCode::NullLost => "null_lost",
            ReasonCode::Schema => "schema",
            ReasonCode::SchemaInvalid => "schema_invalid",
            ReasonCode::SchemaLimit => "schema_limit",
            ReasonCode::Unknown => "unknown",
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a value is, with its article: `an array`. Says what was found without showing it.
pub const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// `text` in at most `max` characters (at least 1), the last one `…` where some were cut.
pub fn clip(text: &str, max: usize) -> Cow<'_, str> {
    // No character is shorter than a byte, so most texts need no count.
    if text.len() <= max || text.chars().nth(max).is_none() {
        return Cow::Borrowed(text);
    }
    let mut cut: String = text.chars().take(max.saturating_sub(1)).collect();
    cut.push('…');
    Cow::Owned(cut)
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

    const ALL: [ReasonCode; 18] = [
        ReasonCode::Empty,
        ReasonCode::NotUtf8,
        ReasonCode::ByteOrderMark,
        ReasonCode::Syntax,
        ReasonCode::NotAnObject,
        ReasonCode::TooLarge,
        ReasonCode::TooDeep,
        ReasonCode::DuplicateKey,
        ReasonCode::NumberOutOfRange,
        ReasonCode::EmptyDocument,
        ReasonCode::KeyLoss,
        ReasonCode::PathConflict,
        ReasonCode::VersionGone,
        ReasonCode::NullLost,
        ReasonCode::Schema,
        ReasonCode::SchemaInvalid,
        ReasonCode::SchemaLimit,
        ReasonCode::Unknown,
    ];

    #[test]
    fn codes_are_stored_as_they_are_shown() {
        for code in ALL {
            let stored = serde_json::to_string(&code).unwrap();
            assert_eq!(stored, format!("\"{code}\""));
            assert_eq!(serde_json::from_str::<ReasonCode>(&stored).unwrap(), code);
        }
    }

    #[test]
    fn a_newer_builds_code_still_reads() {
        let reason: Reason =
            serde_json::from_str(r#"{"pointer":"","code":"of_tomorrow","message":"m"}"#).unwrap();
        assert_eq!(reason.code, ReasonCode::Unknown);
    }

    #[test]
    fn clip_counts_characters() {
        for (chars, expected) in [(3, "ééé"), (4, "éééé"), (5, "ééé…")] {
            assert_eq!(clip(&"é".repeat(chars), 4), expected);
        }
        let long = Reason::new(ReasonCode::Syntax, &"/k".repeat(200), &"m".repeat(600));
        assert_eq!(long.pointer.chars().count(), MAX_POINTER_CHARS);
        assert_eq!(long.message.chars().count(), MAX_MESSAGE_CHARS);
        assert!(long.pointer.ends_with('…') && long.message.ends_with('…'));
    }
}
