//! JSON Schema 2020-12: a schema as it is kept, and a validator's answers.
//!
//! What a schema may be, whether a document keeps it, and what its violations are called is the
//! platform's ([`Validator`](crate::platform::Validator)): the Worker's is `src/schema/`, in
//! JavaScript, where the same logic is a third as large.

use std::fmt;
use std::rc::Rc;

use serde_json::Value;

use crate::document::Document;
use crate::reason::{Reason, ReasonCode};
use crate::strict;
use crate::version::ContentHash;

/// The largest schema, in bytes as it is sent.
pub const MAX_SCHEMA_BYTES: usize = 262_144;
/// How many violations are told; the reason after them says how many more there are. Equal to the
/// one in `src/schema/schema.mjs`.
pub const MAX_VIOLATIONS: usize = 20;

/// A JSON Schema as it was written. A clone is cheap: it shares the content.
#[derive(Clone, PartialEq, Eq)]
pub struct Schema(Document);

impl Schema {
    /// The schema in these bytes, which may be anything. Whether it can be used, the platform tells.
    ///
    /// # Errors
    /// What [`Document::parse`] refuses, and what is over [`MAX_SCHEMA_BYTES`].
    pub fn parse(bytes: &[u8]) -> Result<Schema, Reason> {
        if bytes.len() > MAX_SCHEMA_BYTES {
            let message = format!(
                "{} bytes of schema; expected at most {MAX_SCHEMA_BYTES}",
                bytes.len()
            );
            return Err(Reason::new(ReasonCode::TooLarge, "", &message));
        }
        Document::parse(bytes).map(Schema)
    }

    /// The schema as JSON.
    pub fn document(&self) -> &Document {
        &self.0
    }

    /// Its compact text.
    pub fn text(&self) -> &Rc<str> {
        self.0.text()
    }

    /// The SHA-256 of its compact text.
    pub fn hash(&self) -> &ContentHash {
        self.0.hash()
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({} bytes)", self.0.len_bytes())
    }
}

/// A validator's answer: a JSON list of reasons, `[pointer, code, message]` or `[pointer, code, "",
/// expected, found]` each; an empty one is a yes.
///
/// # Errors
/// The reasons. An answer that is not understood is a refusal, too.
pub fn verdict(answer: &str) -> Result<(), Vec<Reason>> {
    let reasons: Option<Vec<Reason>> = match strict::parse(answer) {
        Ok(Value::Array(list)) => list.iter().map(reason).collect(),
        _ => None,
    };
    match reasons {
        Some(reasons) if reasons.is_empty() => Ok(()),
        Some(reasons) => Err(reasons),
        None => Err(vec![Reason::new(
            ReasonCode::SchemaLimit,
            "",
            "validation failed, so the document counts as refused",
        )]),
    }
}

fn reason(value: &Value) -> Option<Reason> {
    let text = |index: usize| value.get(index)?.as_str();
    let code = match text(1)? {
        "schema" => ReasonCode::Schema,
        "schema_invalid" => ReasonCode::SchemaInvalid,
        "schema_limit" => ReasonCode::SchemaLimit,
        _ => return None,
    };
    let pointer = text(0)?;
    Some(match (text(3), text(4)) {
        (Some(expected), Some(found)) => Reason::of(code, pointer, found, expected),
        _ => Reason::new(code, pointer, text(2)?),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::json;

    #[test]
    fn size_is_limited() {
        let padded = |bytes: usize| format!("{{{}}}", " ".repeat(bytes - 2));
        assert!(Schema::parse(padded(MAX_SCHEMA_BYTES).as_bytes()).is_ok());
        let refused = Schema::parse(padded(MAX_SCHEMA_BYTES + 1).as_bytes());
        assert_eq!(refused.unwrap_err().code, ReasonCode::TooLarge);
        // As deep as a document: the walk over it is bounded.
        let deep = format!("{}{{}}{}", r#"{"not":"#.repeat(64), "}".repeat(64));
        let refused = Schema::parse(deep.as_bytes());
        assert_eq!(refused.unwrap_err().code, ReasonCode::TooDeep);
    }

    #[test]
    fn reasons_say_expected_and_found_apart() {
        let answer = r#"[["/a","schema","","a number","a string"],["","schema_invalid","and 7 more like these"]]"#;
        let reasons = verdict(answer).unwrap_err();
        assert_eq!(
            json::text(&reasons[0].to_json()),
            r#"{"pointer":"/a","code":"schema","message":"found a string; expected a number","expected":"a number","found":"a string"}"#
        );
        assert_eq!(
            json::text(&reasons[1].to_json()),
            r#"{"pointer":"","code":"schema_invalid","message":"and 7 more like these"}"#
        );
    }

    #[test]
    fn an_answer_that_is_not_understood_refuses() {
        assert_eq!(verdict("[]"), Ok(()));
        for answer in [
            "",
            "null",
            "{}",
            "[",
            "true",
            r#""failed""#,
            "[null]",
            "[1]",
            "[[]]",
            r#"[["","",""]]"#,
            r#"[["","new","x"]]"#,
            r#"[["","schema"]]"#,
            r#"[[1,"schema","x"]]"#,
            r#"[["","schema","x"],7]"#,
        ] {
            let reasons = verdict(answer).unwrap_err();
            assert_eq!(reasons.len(), 1, "{answer}");
            assert_eq!(reasons[0].code, ReasonCode::SchemaLimit, "{answer}");
        }
    }
}
