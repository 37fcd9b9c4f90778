//! JSON Schema 2020-12: what a schema may be, and what its violations are called.
//!
//! Validating is the platform's ([`Validator`](crate::platform::Validator)). Here a schema is
//! checked and lowered to what a validator can take without risk, and what it answers is put into
//! words. `expected` quotes the schema, `found` tells kinds: no value of a document, and nothing
//! of the schema where it concerns a secret.

mod compile;
mod ecma;
mod engine;
mod expected;
mod explain;
mod index;
mod keywords;
mod pattern;
mod references;
mod secrecy;
#[cfg(test)]
mod tests;
mod uri;

use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;

use serde_json::Value;

use crate::document::Document;
use crate::reason::{Reason, ReasonCode};
use crate::strict;
use crate::version::ContentHash;
use compile::{Compiled, compile};
pub use pattern::{Matched, Matcher};

/// The largest schema, in bytes as it is sent.
pub const MAX_SCHEMA_BYTES: usize = 262_144;
/// How many violations are told; the reason after them says how many more there are. Equal to the
/// one in `src/schema.mjs`.
pub const MAX_VIOLATIONS: usize = 20;

/// A JSON Schema as it was written. A clone is cheap: it shares the content.
#[derive(Clone)]
pub struct Schema {
    document: Document,
    compiled: Rc<OnceCell<Result<Compiled, Vec<Reason>>>>,
}

impl Schema {
    /// The schema in these bytes, which may be anything. Whether it can be used, [`Schema::check`]
    /// tells.
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
        Document::parse(bytes).map(Schema::of)
    }

    fn of(document: Document) -> Schema {
        Schema {
            document,
            compiled: Rc::default(),
        }
    }

    /// The schema as JSON.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Its compact text.
    pub fn text(&self) -> &Rc<str> {
        self.document.text()
    }

    /// The SHA-256 of its compact text.
    pub fn hash(&self) -> &ContentHash {
        self.document.hash()
    }

    /// Whether it can be used. What was found out is kept.
    ///
    /// # Errors
    /// Everything that is wrong with it, with pointers into the schema.
    pub fn check(&self) -> Result<(), Vec<Reason>> {
        self.compiled().map(drop).map_err(<[Reason]>::to_vec)
    }

    /// What a validator gets: `{"schema": …, "targets": […]}`. `$ref` is an index into the targets,
    /// which are pointers into the schema; there are no boolean schemas, no `const` (but an `enum`
    /// of one), no `$id`, anchors and formats, and no keyword of another draft.
    ///
    /// # Errors
    /// As [`Schema::check`].
    pub fn lowered(&self) -> Result<&str, &[Reason]> {
        self.compiled().map(|compiled| compiled.text.as_str())
    }

    /// Matches the schema's patterns in one validation.
    ///
    /// # Errors
    /// As [`Schema::check`].
    pub fn matcher(&self) -> Result<Matcher<'_>, &[Reason]> {
        self.compiled()
            .map(|compiled| Matcher::new(&compiled.patterns))
    }

    /// A validator's answer in words. It is JSON: an array of violations `[instance pointer,
    /// keyword, schema location]`, in the end perhaps a number of further ones; or the name of a
    /// limit: `"steps"`, `"stack"`. The schema location goes through the `$ref`s on its way.
    ///
    /// # Errors
    /// The violations, or the limit that was reached. An answer that is not understood is an error,
    /// too.
    pub fn verdict(&self, document: &Document, answer: &str) -> Result<(), Vec<Reason>> {
        let compiled = self.compiled().map_err(<[Reason]>::to_vec)?;
        match strict::parse(answer) {
            Ok(Value::Array(violations)) if violations.is_empty() => Ok(()),
            Ok(Value::Array(violations)) => Err(explain::all(compiled, document, &violations)),
            Ok(Value::String(limit)) => Err(vec![limit_reached(&limit)]),
            _ => Err(vec![limit_reached("")]),
        }
    }

    fn compiled(&self) -> Result<&Compiled, &[Reason]> {
        let compiled = self
            .compiled
            .get_or_init(|| compile(self.document.object()));
        compiled.as_ref().map_err(Vec::as_slice)
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({} bytes)", self.document.len_bytes())
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Schema) -> bool {
        self.document == other.document
    }
}

impl Eq for Schema {}

fn limit_reached(limit: &str) -> Reason {
    let message = match limit {
        "steps" => {
            "validation took too many steps, so the document counts as refused; expected a schema and a document that need fewer: shorter lists under uniqueItems, fewer alternatives under anyOf and oneOf, shorter strings under patterns"
        }
        "stack" => {
            "validation went too deep or found too many violations at once, so the document counts as refused; expected a schema with fewer references and alternatives within each other"
        }
        _ => "the validator failed, so the document counts as refused",
    };
    Reason::new(ReasonCode::SchemaLimit, "", message)
}

/// These reasons, and one that says how many more there are.
fn and_more(mut reasons: Vec<Reason>, more: usize) -> Vec<Reason> {
    if let Some(code) = reasons.first().map(|first| first.code).filter(|_| more > 0) {
        reasons.push(Reason::new(
            code,
            "",
            &format!("and {more} more like these"),
        ));
    }
    reasons
}
