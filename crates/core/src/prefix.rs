//! A prefix source: one document per key, put together under the keys' paths.

use serde_json::Value;

use crate::document::{Document, Object};
use crate::pointer;
use crate::reason::{Reason, ReasonCode};
use crate::refresh::Part;

/// Puts the documents of a prefix together, each under its path. Two documents may fill one object
/// together, but not give the same value: which of them counts would depend on their order.
///
/// # Errors
/// The first document that is refused, or the first value that two of them give, with its pointer
/// in the whole.
pub fn assemble(parts: &[Part]) -> Result<Document, Reason> {
    let mut whole = Object::new();
    for part in parts {
        let place = pointer_of(&part.path);
        let document = Document::parse(&part.bytes).map_err(|reason| {
            let pointer = format!("{place}{}", reason.pointer);
            Reason::new(reason.code, &pointer, &reason.message)
        })?;
        let mut here = &mut whole;
        let mut reached = String::new();
        for step in &part.path {
            pointer::push_token(&mut reached, step);
            let next = here
                .entry(step.clone())
                .or_insert_with(|| Value::Object(Object::new()));
            let Value::Object(next) = next else {
                return Err(conflict(&reached));
            };
            here = next;
        }
        fill(here, document.object(), &reached)?;
    }
    Document::from_object(whole)
}

/// Depth is bounded: every document was parsed within the depth limit.
fn fill(target: &mut Object, from: &Object, place: &str) -> Result<(), Reason> {
    for (key, value) in from {
        let mut here = place.to_owned();
        pointer::push_token(&mut here, key);
        match (target.get_mut(key), value) {
            (None, _) => {
                target.insert(key.clone(), value.clone());
            }
            (Some(Value::Object(inner)), Value::Object(more)) => fill(inner, more, &here)?,
            (Some(_), _) => return Err(conflict(&here)),
        }
    }
    Ok(())
}

fn pointer_of(path: &[String]) -> String {
    let mut whole = String::new();
    for step in path {
        pointer::push_token(&mut whole, step);
    }
    whole
}

fn conflict(pointer: &str) -> Reason {
    let message = "two keys of the prefix give this value; expected one";
    Reason::new(ReasonCode::PathConflict, pointer, message)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn part(path: &str, json: &str) -> Part {
        let steps = path.split('/').filter(|step| !step.is_empty());
        Part {
            path: steps.map(str::to_owned).collect(),
            bytes: json.as_bytes().to_vec(),
        }
    }

    #[test]
    fn documents_stand_under_their_paths() {
        let whole = assemble(&[
            part("", r#"{"name":"x"}"#),
            part("video", r#"{"width":1}"#),
            part("video/codecs", r#"{"av1":true}"#),
        ]);
        let expected = r#"{"name":"x","video":{"width":1,"codecs":{"av1":true}}}"#;
        assert_eq!(&**whole.unwrap().text(), expected);
    }

    #[test]
    fn a_shared_object_is_filled_by_both() {
        let whole = assemble(&[
            part("", r#"{"video":{"width":1}}"#),
            part("video", r#"{"height":2}"#),
        ]);
        assert_eq!(
            &**whole.unwrap().text(),
            r#"{"video":{"width":1,"height":2}}"#
        );
    }

    #[test]
    fn a_value_given_twice_is_refused_by_its_pointer() {
        for (first, second, pointer) in [
            (
                part("", r#"{"video":{"a/b":1}}"#),
                part("video", r#"{"a/b":2}"#),
                "/video/a~1b",
            ),
            (
                part("", r#"{"video":1}"#),
                part("video", r#"{"a":2}"#),
                "/video",
            ),
            (
                part("", r#"{"video":[]}"#),
                part("video/deep", r#"{"a":2}"#),
                "/video",
            ),
            (
                part("video", r#"{"a":1}"#),
                part("", r#"{"video":null}"#),
                "/video",
            ),
        ] {
            let reason = assemble(&[first, second]).unwrap_err();
            assert_eq!(reason.code, ReasonCode::PathConflict);
            assert_eq!(reason.pointer, pointer);
        }
    }

    #[test]
    fn a_bad_document_is_named_by_its_place_in_the_whole() {
        let reason = assemble(&[part("video/codecs", r#"{"a":1,"a":2}"#)]).unwrap_err();
        assert_eq!(reason.code, ReasonCode::DuplicateKey);
        assert_eq!(reason.pointer, "/video/codecs/a");
    }
}
