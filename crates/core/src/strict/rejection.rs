//! Why a document does not fit a type: in serde's words, without any value.

use std::fmt::{self, Display};

use serde::Serialize;
use serde::de::{Error, Expected, Unexpected};

use crate::pointer::push_token;
use crate::reading::Misfit;

/// Why a document did not fit a Worker's type. Never holds a value of the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// RFC 6901 pointer to what did not fit.
    pub pointer: String,
    /// What kind of misfit it is.
    pub message: String,
}

impl Rejection {
    pub(super) fn new(message: String) -> Self {
        Self {
            pointer: String::new(),
            message,
        }
    }

    /// The same of what is a member of something.
    #[inline(never)]
    pub(super) fn below(self, token: &str) -> Self {
        let mut pointer = String::new();
        push_token(&mut pointer, token);
        pointer.push_str(&self.pointer);
        Self { pointer, ..self }
    }

    #[inline(never)]
    fn found(what: &str, kind: &Unexpected<'_>, expected: &dyn Expected) -> Self {
        let kind = match kind {
            Unexpected::Bool(_) => "boolean",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => "integer",
            Unexpected::Float(_) => "floating point",
            Unexpected::Char(_) | Unexpected::Str(_) => "string",
            Unexpected::Unit | Unexpected::Option => "null",
            Unexpected::Seq | Unexpected::TupleVariant => "sequence",
            Unexpected::Map | Unexpected::StructVariant => "map",
            Unexpected::Enum | Unexpected::UnitVariant | Unexpected::NewtypeVariant => "enum",
            // What a type's own check says may hold the value.
            _ => "value",
        };
        Self::new(format!("{what}: {kind}, expected {expected}"))
    }

    #[inline(never)]
    fn unknown(what: &str, known: &[&str]) -> Self {
        let mut message = format!("unknown {what}, expected one of ");
        for (place, known) in known.iter().enumerate() {
            message.push_str(if place == 0 { "`" } else { "`, `" });
            message.push_str(known);
        }
        message.push('`');
        Self::new(message)
    }
}

impl Error for Rejection {
    /// A type's own check may say anything, the value included.
    fn custom<M: Display>(_: M) -> Self {
        Self::new("refused by the type's own check".to_owned())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::found("invalid type", &found, expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::found("invalid value", &found, expected)
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::new(format!("invalid length, expected {expected}"))
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::unknown("variant", known)
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        Self::unknown("field", known)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("missing field `{field}`"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("duplicate field `{field}`"))
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.pointer, self.message)
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
