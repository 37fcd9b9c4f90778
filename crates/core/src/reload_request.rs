//! The body of a reload.

use serde_json::Value;

use crate::document::Document;
use crate::guard::Waivers;
use crate::pointer::push_token;
use crate::problem::{Problem, ProblemKind};
use crate::reason::kind_of;
use crate::settings::suggest;

/// Largest body of a reload, in bytes.
pub const MAX_RELOAD_BODY_BYTES: usize = 16_384;
/// Longest reason, in characters.
pub const MAX_REASON_CHARS: usize = 500;

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
        const FIELDS: [&str; 2] = ["waive", "reason"];
        if body.len() > MAX_RELOAD_BODY_BYTES {
            let detail = format!(
                "the body has {} bytes, expected at most {MAX_RELOAD_BODY_BYTES}",
                body.len()
            );
            return Err(Problem::new(ProblemKind::ContentTooLarge, detail));
        }
        if body.trim_ascii().is_empty() {
            return Ok(ReloadRequest::default());
        }
        let body = Document::parse(body)
            .map_err(|reason| refusal().with_error(reason.pointer, reason.message))?;
        let mut request = ReloadRequest::default();
        let mut problem = refusal();
        for (field, value) in body.object() {
            let result = match field.as_str() {
                "waive" => parse_waive(value).map(|waive| request.waive = waive),
                "reason" => parse_reason(value).map(|reason| request.reason = reason),
                _ => {
                    let mut pointer = String::new();
                    push_token(&mut pointer, field);
                    Err((pointer, suggest::unknown("field", field, &FIELDS)))
                }
            };
            if let Err((pointer, message)) = result {
                problem = problem.with_error(pointer, message);
            }
        }
        if problem.errors.is_empty() {
            Ok(request)
        } else {
            Err(problem)
        }
    }
}

type Mistake = (String, String);

fn refusal() -> Problem {
    Problem::bad_request("the body is not a reload request")
}

fn parse_waive(value: &Value) -> Result<Waivers, Mistake> {
    let names = value.as_array().ok_or_else(|| {
        let names = suggest::one_of(&Waivers::NAMES);
        (
            "/waive".to_owned(),
            format!("found {}, expected an array of {names}", kind_of(value)),
        )
    })?;
    names
        .iter()
        .enumerate()
        .try_fold(Waivers::default(), |waivers, (index, name)| {
            let waiver = match name.as_str() {
                Some(name) => Waivers::parse_name(name)
                    .ok_or_else(|| suggest::unknown("waiver", name, &Waivers::NAMES)),
                None => Err(format!("found {}, expected a string", kind_of(name))),
            };
            let waiver = waiver.map_err(|message| (format!("/waive/{index}"), message))?;
            Ok(waivers.union(waiver))
        })
}

/// `null` and the empty text are no reason.
fn parse_reason(value: &Value) -> Result<Option<String>, Mistake> {
    let mistake = |found: String| {
        let expected = format!("at most {MAX_REASON_CHARS} characters without control characters");
        (
            "/reason".to_owned(),
            format!("found {found}, expected {expected}"),
        )
    };
    let reason = match value {
        Value::Null => return Ok(None),
        Value::String(reason) => reason,
        _ => return Err(mistake(kind_of(value).to_owned())),
    };
    let chars = reason.chars().count();
    if chars > MAX_REASON_CHARS {
        return Err(mistake(format!("{chars} characters")));
    }
    if reason.chars().any(char::is_control) {
        return Err(mistake("a control character".to_owned()));
    }
    Ok((!reason.is_empty()).then(|| reason.clone()))
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
