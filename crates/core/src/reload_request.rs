//! The body of a reload.

use serde_json::Value;

use crate::guard::Waivers;
use crate::problem::Problem;
use crate::reason::kind_of;
use crate::request_body::{empty_object_for, read, reason};
use crate::settings::section::Section;
use crate::settings::suggest;

pub use crate::request_body::MAX_REASON_CHARS;

/// Largest body of a reload, in bytes.
pub const MAX_RELOAD_BODY_BYTES: usize = 16_384;

/// What an operator asks of a reload: `{"waive": ["empty_document", "key_loss"], "reason": "…"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReloadRequest {
    /// Guards that the candidate may fail.
    pub waive: Waivers,
    /// Why, for the audit.
    pub reason: Option<String>,
}

impl ReloadRequest {
    /// Reads a body; an empty one asks for nothing special.
    ///
    /// # Errors
    /// 413 over [`MAX_RELOAD_BODY_BYTES`]; 400 for anything that is not the object above, with a
    /// pointer to each offending value.
    pub fn parse(body: &[u8]) -> Result<ReloadRequest, Problem> {
        read(
            empty_object_for(body),
            "a reload request",
            MAX_RELOAD_BODY_BYTES,
            &["waive", "reason"],
            |fields| ReloadRequest {
                waive: waive(fields),
                reason: reason(fields),
            },
        )
    }
}

fn waive(fields: &mut Section<'_, '_>) -> Waivers {
    let names = match fields.get("waive") {
        None => return Waivers::default(),
        Some(Value::Array(names)) => names,
        Some(other) => {
            let names = suggest::one_of(&Waivers::NAMES);
            let message = format!("found {}, expected an array of {names}", kind_of(other));
            fields.wrong("waive", message);
            return Waivers::default();
        }
    };
    let mut waivers = Waivers::default();
    for (index, name) in names.iter().enumerate() {
        let waiver = match name.as_str() {
            Some(name) => Waivers::parse_name(name)
                .ok_or_else(|| suggest::unknown("waiver", name, &Waivers::NAMES)),
            None => Err(format!("found {}, expected a string", kind_of(name))),
        };
        match waiver {
            Ok(waiver) => waivers = waivers.union(waiver),
            Err(message) => fields.wrong_below("waive", index, message),
        }
    }
    waivers
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn parse(body: &str) -> Result<ReloadRequest, Problem> {
        ReloadRequest::parse(body.as_bytes())
    }

    /// The pointers and messages of a refused body.
    fn errors(body: &str) -> Vec<(String, String)> {
        let problem = parse(body).unwrap_err();
        assert_eq!(problem.status(), 400, "{body}");
        problem
            .errors
            .clone()
            .into_iter()
            .map(|error| (error.pointer, error.message))
            .collect()
    }

    #[test]
    fn empty_bodies_ask_for_nothing() {
        for body in [
            "",
            "  \r\n",
            "{}",
            r#"{"waive":[],"reason":null}"#,
            r#"{"reason":""}"#,
        ] {
            assert_eq!(parse(body), Ok(ReloadRequest::default()), "{body}");
        }
    }

    #[test]
    fn everything_asked_for() {
        let both = Waivers {
            empty_document: true,
            key_loss: true,
        };
        for (body, waive, reason) in [
            (
                r#"{"waive":["key_loss"]}"#,
                Waivers {
                    key_loss: true,
                    ..Waivers::default()
                },
                None,
            ),
            (
                r#"{"waive":["empty_document","key_loss"],"reason":"Löschen"}"#,
                both,
                Some("Löschen"),
            ),
            (
                r#"{"waive":["key_loss","empty_document","key_loss"]}"#,
                both,
                None,
            ),
        ] {
            let request = ReloadRequest {
                waive,
                reason: reason.map(str::to_owned),
            };
            assert_eq!(parse(body), Ok(request), "{body}");
        }
    }

    #[test]
    fn mistakes_are_named_with_pointers() {
        for (body, pointer, part) in [
            (r#"{"waiver":[]}"#, "/waiver", "did you mean \"waive\"?"),
            (
                r#"{"a/b~":1}"#,
                "/a~1b~0",
                "expected \"waive\" or \"reason\"",
            ),
            (
                r#"{"waive":"key_loss"}"#,
                "/waive",
                "found a string, expected an array",
            ),
            (r#"{"waive":null}"#, "/waive", "found null"),
            (
                r#"{"waive":["key_loss","keyloss"]}"#,
                "/waive/1",
                "did you mean \"key_loss\"?",
            ),
            (
                r#"{"waive":[{}]}"#,
                "/waive/0",
                "found an object, expected a string",
            ),
            (r#"{"reason":1}"#, "/reason", "found a number"),
            (r#"{"reason":"a\nb"}"#, "/reason", "control character"),
            (r#"{"reason":"a","reason":"b"}"#, "/reason", ""),
            ("[]", "", "expected"),
            ("null", "", "expected"),
            ("{", "", ""),
            ("{} x", "", ""),
            ("\u{feff}{}", "", ""),
        ] {
            let errors = errors(body);
            assert_eq!(errors.len(), 1, "{body}: {errors:?}");
            assert_eq!(errors[0].0, pointer, "{body}: {errors:?}");
            assert!(errors[0].1.contains(part), "{body}: {errors:?}");
        }
        assert_eq!(errors(r#"{"waive":1,"reason":2,"x":3}"#).len(), 3);
        assert_eq!(errors(r#"{"waive":["x",1,"key_loss","y"]}"#).len(), 3);
        assert_eq!(ReloadRequest::parse(&[0xff]).unwrap_err().status(), 400);
    }

    #[test]
    fn the_reason_is_bounded() {
        for (chars, passes) in [(499, true), (500, true), (501, false)] {
            let reason = "é".repeat(chars);
            let parsed = parse(&json!({ "reason": reason }).to_string());
            assert_eq!(parsed.is_ok(), passes, "{chars}");
        }
    }

    #[test]
    fn the_body_is_bounded() {
        for (length, status) in [(16_383, None), (16_384, None), (16_385, Some(413))] {
            let body = format!("{{}}{}", " ".repeat(length - 2));
            assert_eq!(
                parse(&body).err().map(|problem| problem.status()),
                status,
                "{length}"
            );
        }
    }

    proptest! {
        #[test]
        fn never_panics(body: Vec<u8>) {
            let _ = ReloadRequest::parse(&body);
        }
    }
}
