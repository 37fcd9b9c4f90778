//! JSON Pointer, RFC 6901.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use crate::document::Object;
use crate::reason::{clip, kind_of};

/// The longest token shown in an error, in characters.
const SHOWN_CHARS: usize = 64;

/// Why a pointer leads nowhere. Names tokens and kinds, never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PointerError {
    /// Not a JSON Pointer: what was found and what was expected.
    Syntax(String),
    /// A pointer, but this document has nothing there: how far it got.
    NotFound(String),
}

impl fmt::Display for PointerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PointerError::Syntax(message) | PointerError::NotFound(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for PointerError {}

/// What a pointer into an [`Object`] leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Found<'a> {
    /// The whole document: the pointer was empty.
    Whole(&'a Object),
    /// A value in it.
    Part(&'a Value),
}

impl Found<'_> {
    /// A copy of it.
    pub fn to_value(self) -> Value {
        match self {
            Found::Whole(object) => Value::Object(object.clone()),
            Found::Part(value) => value.clone(),
        }
    }

    /// Whether it is an object.
    pub const fn is_object(self) -> bool {
        matches!(self, Found::Whole(_) | Found::Part(Value::Object(_)))
    }
}

/// Appends one reference token to a pointer, escaping `~` and `/`.
pub fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for c in token.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            _ => pointer.push(c),
        }
    }
}

/// What `pointer` leads to in a document.
///
/// # Errors
/// As [`lookup`].
pub fn get<'a>(object: &'a Object, pointer: &str) -> Result<Found<'a>, PointerError> {
    let mut tokens = tokens(pointer)?;
    let Some(first) = tokens.next() else {
        return Ok(Found::Whole(object));
    };
    let first = unescape(first);
    let value = object
        .get(first.as_ref())
        .ok_or_else(|| no_member("", &first))?;
    walk(value, tokens, pointer).map(Found::Part)
}

/// The value that `pointer` leads to; the value itself for the empty pointer.
///
/// # Errors
/// [`PointerError::Syntax`] when it is no pointer at all, whatever the value;
/// [`PointerError::NotFound`] when the value has nothing there.
pub fn lookup<'a>(value: &'a Value, pointer: &str) -> Result<&'a Value, PointerError> {
    walk(value, tokens(pointer)?, pointer)
}

type Tokens<'p> = std::iter::Skip<std::str::Split<'p, char>>;

/// The tokens of a well-formed pointer, still escaped.
fn tokens(pointer: &str) -> Result<Tokens<'_>, PointerError> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(PointerError::Syntax(
            "a pointer must be empty or start with \"/\"".to_owned(),
        ));
    }
    for (at, _) in pointer.match_indices('~') {
        if !matches!(pointer.as_bytes().get(at + 1), Some(b'0' | b'1')) {
            return Err(PointerError::Syntax(format!(
                "\"~\" at byte {at} stands alone; in a pointer it is written \"~0\", and \"/\" in a key \"~1\""
            )));
        }
    }
    Ok(pointer.split('/').skip(1))
}

/// Follows `tokens`, the last ones of `pointer`, from `value` on.
fn walk<'a>(
    mut value: &'a Value,
    mut tokens: Tokens<'_>,
    pointer: &str,
) -> Result<&'a Value, PointerError> {
    while let Some(token) = tokens.next() {
        let next = match value {
            Value::Object(object) => object.get(unescape(token).as_ref()),
            Value::Array(items) => array_index(token).and_then(|index| items.get(index)),
            _ => None,
        };
        let Some(next) = next else {
            // What is left of the pointer, `/token/rest…`, tells where its parent ends.
            let left: usize = tokens.map(|token| token.len() + 1).sum::<usize>() + token.len() + 1;
            let parent = pointer
                .len()
                .checked_sub(left)
                .and_then(|end| pointer.get(..end))
                .unwrap_or_default();
            return Err(not_there(value, parent, token));
        };
        value = next;
    }
    Ok(value)
}

fn not_there(value: &Value, parent: &str, token: &str) -> PointerError {
    let parent_shown = clip(parent, 4 * SHOWN_CHARS);
    match value {
        Value::Object(_) => no_member(parent, &unescape(token)),
        Value::Array(items) => PointerError::NotFound(format!(
            "the array at \"{parent_shown}\" has {} items; expected an index below that, found \"{}\"",
            items.len(),
            clip(token, SHOWN_CHARS)
        )),
        _ => PointerError::NotFound(format!(
            "there is {} at \"{parent_shown}\", with nothing below it",
            kind_of(value)
        )),
    }
}

fn no_member(parent: &str, key: &str) -> PointerError {
    let parent = clip(parent, 4 * SHOWN_CHARS);
    PointerError::NotFound(format!(
        "the object at \"{parent}\" has no key \"{}\"",
        clip(key, SHOWN_CHARS)
    ))
}

fn unescape(token: &str) -> Cow<'_, str> {
    let mut parts = token.split('~');
    let plain = parts.next().unwrap_or_default();
    if plain.len() == token.len() {
        return Cow::Borrowed(token);
    }
    // By hand: a search for texts is 2 KB of the bundle (gzipped), a search for a character is not.
    let mut unescaped = plain.to_owned();
    for part in parts {
        let mut rest = part.chars();
        unescaped.push(if rest.next() == Some('1') { '/' } else { '~' });
        unescaped.push_str(rest.as_str());
    }
    Cow::Owned(unescaped)
}

/// An index as RFC 6901 writes it: digits, without leading zeros.
fn array_index(token: &str) -> Option<usize> {
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (token.len() > 1 && token.starts_with('0')) {
        return None;
    }
    token.parse().ok()
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
    use serde_json::json;

    fn sample() -> Value {
        json!({
            "foo": ["bar", "baz", {"deep": true}], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7,
            "m~n": 8, "~1": 9, "-": 10, "01": 11, "nested": {"x": {"": {"/": 12}}}, "none": null
        })
    }

    #[test]
    fn finds_what_is_there() {
        let value = sample();
        for (pointer, expected) in [
            ("/foo", json!(["bar", "baz", {"deep": true}])),
            ("/foo/0", json!("bar")),
            ("/foo/2/deep", json!(true)),
            ("/", json!(0)),
            ("/a~1b", json!(1)),
            ("/c%d", json!(2)),
            ("/e^f", json!(3)),
            ("/g|h", json!(4)),
            ("/i\\j", json!(5)),
            ("/k\"l", json!(6)),
            ("/ ", json!(7)),
            ("/m~0n", json!(8)),
            ("/~01", json!(9)),
            ("/-", json!(10)),
            ("/01", json!(11)),
            ("/nested/x//~1", json!(12)),
            ("/none", json!(null)),
        ] {
            assert_eq!(lookup(&value, pointer), Ok(&expected), "{pointer}");
            assert_eq!(
                get(value.as_object().unwrap(), pointer),
                Ok(Found::Part(&expected)),
                "{pointer}"
            );
        }
        assert_eq!(lookup(&value, ""), Ok(&value));
        assert_eq!(
            get(value.as_object().unwrap(), ""),
            Ok(Found::Whole(value.as_object().unwrap()))
        );
    }

    #[test]
    fn says_how_far_it_got() {
        let value = sample();
        for (pointer, message) in [
            ("/nope", "the object at \"\" has no key \"nope\""),
            ("/no~1pe/x", "the object at \"\" has no key \"no/pe\""),
            (
                "/nested/x/y/z",
                "the object at \"/nested/x\" has no key \"y\"",
            ),
            ("/nested//x", "the object at \"/nested\" has no key \"\""),
            (
                "/foo/0/x",
                "there is a string at \"/foo/0\", with nothing below it",
            ),
            (
                "/none/",
                "there is null at \"/none\", with nothing below it",
            ),
            (
                "/foo/3",
                "the array at \"/foo\" has 3 items; expected an index below that, found \"3\"",
            ),
            (
                "/foo/-",
                "the array at \"/foo\" has 3 items; expected an index below that, found \"-\"",
            ),
        ] {
            assert_eq!(
                lookup(&value, pointer),
                Err(PointerError::NotFound(message.to_owned())),
                "{pointer}"
            );
            assert_eq!(
                get(value.as_object().unwrap(), pointer),
                Err(PointerError::NotFound(message.to_owned()))
            );
        }
        for index in [
            "00",
            "01",
            "+1",
            "-1",
            "1.0",
            "",
            " 1",
            "1e0",
            "٣",
            "18446744073709551616",
            "99999999999999999999999",
        ] {
            let missed = lookup(&value, &format!("/foo/{index}"));
            assert!(matches!(missed, Err(PointerError::NotFound(_))), "{index}");
        }
    }

    #[test]
    fn tells_a_bad_pointer_from_a_missing_value() {
        for pointer in [
            "foo", "#/foo", " /foo", "/~", "/foo/~2", "/nope/~", "/a~/b", "/~é", "~0",
        ] {
            assert!(
                matches!(lookup(&sample(), pointer), Err(PointerError::Syntax(_))),
                "{pointer}"
            );
            assert!(
                matches!(get(&Object::new(), pointer), Err(PointerError::Syntax(_))),
                "{pointer}"
            );
        }
    }

    #[test]
    fn errors_stay_short() {
        let long = format!("/nested/{}", "k".repeat(100_000));
        assert!(lookup(&sample(), &long).unwrap_err().to_string().len() < 512);
    }
}
