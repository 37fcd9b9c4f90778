//! What the bodies of requests have in common: a JSON object of known fields, and a problem that
//! names every mistake in it.

use serde_json::Value;

use crate::document::Document;
use crate::problem::{Problem, ProblemKind};
use crate::reason::{MAX_POINTER_CHARS, ReasonCode, clip};
use crate::settings::SettingsError;
use crate::settings::section::Section;

/// Longest reason of a write or reload, in characters.
pub const MAX_REASON_CHARS: usize = 500;
/// Most fields in a body, known or not: bounds the work of finding the nearest known names.
const MAX_FIELDS: usize = 32;
/// Most mistakes that one problem names.
const MAX_MISTAKES: usize = 64;

/// Reads a body that is `what`: `take` picks the fields, and notes what is wrong with them.
///
/// # Errors
/// 413 over `max_bytes` or a document's limit; 400 with a pointer to each mistake.
pub(crate) fn read<T>(
    body: &[u8],
    what: &str,
    max_bytes: usize,
    known: &[&str],
    take: impl FnOnce(&mut Section<'_, '_>) -> T,
) -> Result<T, Problem> {
    let document = parse(body, what, max_bytes)?;
    let mut mistakes = Vec::new();
    let mut fields = Section::of(document.object(), String::new(), Some(known), &mut mistakes);
    let taken = take(&mut fields);
    if mistakes.is_empty() {
        Ok(taken)
    } else {
        Err(refusal(what, &mistakes))
    }
}

/// The body, or an object without fields for one of nothing but white space.
pub(crate) fn empty_object_for(body: &[u8]) -> &[u8] {
    if body.trim_ascii().is_empty() {
        b"{}"
    } else {
        body
    }
}

/// The field `reason`; `null` and the empty text are none.
pub(crate) fn reason(fields: &mut Section<'_, '_>) -> Option<String> {
    if fields.get("reason").is_none_or(Value::is_null) {
        return None;
    }
    let reason = fields.optional_text("reason", fits_reason);
    reason.filter(|reason| !reason.is_empty())
}

/// Whether a text can be a reason; the error says what was found and what was expected.
pub(crate) fn fits_reason(text: &str) -> Result<(), String> {
    let chars = text.chars().count();
    let found = if chars > MAX_REASON_CHARS {
        format!("{chars} characters")
    } else if text.chars().any(char::is_control) {
        "a control character".to_owned()
    } else {
        return Ok(());
    };
    Err(format!(
        "found {found}, expected at most {MAX_REASON_CHARS} characters without control characters"
    ))
}

/// A 400 that names these mistakes.
pub(crate) fn refusal(what: &str, mistakes: &[SettingsError]) -> Problem {
    let problem = Problem::bad_request(format!("the body is not {what}"));
    let named = mistakes.iter().take(MAX_MISTAKES);
    named.fold(problem, |problem, mistake| {
        let pointer = clip(&mistake.pointer, MAX_POINTER_CHARS);
        problem.with_error(pointer, mistake.message.as_str())
    })
}

fn parse(body: &[u8], what: &str, max_bytes: usize) -> Result<Document, Problem> {
    let too_large = |detail: String| Problem::new(ProblemKind::ContentTooLarge, detail);
    if body.len() > max_bytes {
        let found = body.len();
        return Err(too_large(format!(
            "the body has {found} bytes, expected at most {max_bytes}"
        )));
    }
    let document = Document::parse(body).map_err(|reason| match reason.code {
        ReasonCode::TooLarge => too_large(format!("the body: {}", reason.message)),
        _ => refusal(what, &[]).with_error(&*reason.pointer, &*reason.message),
    })?;
    let fields = document.object().len();
    if fields > MAX_FIELDS {
        let message = format!("found {fields} fields, expected at most {MAX_FIELDS}");
        return Err(refusal(what, &[]).with_error("", message));
    }
    Ok(document)
}
