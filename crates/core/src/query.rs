//! Query strings: `name=value` pairs, percent-encoded, each name at most once.

use crate::problem::Problem;
use crate::settings::suggest;

/// The decoded value of `name` in a query (without its `?`), `+` read as a space; a name without
/// `=` has the empty value.
///
/// # Errors
/// A 400 where any pair is not valid percent-encoded UTF-8, or `name` comes twice.
pub fn query_value(query: &str, name: &str) -> Result<Option<String>, Problem> {
    let mut found = None;
    for pair in pairs(query) {
        let (pair_name, value) = pair?;
        if pair_name != name {
            continue;
        }
        if found.replace(value).is_some() {
            return Err(Problem::bad_request(format!(
                "the query names {name:?} twice"
            )));
        }
    }
    Ok(found)
}

/// Refuses a query that holds any name not in `known`.
///
/// # Errors
/// A 400 naming the nearest known name, or as [`query_value`].
pub fn refuse_unknown(query: &str, known: &[&str]) -> Result<(), Problem> {
    for pair in pairs(query) {
        let (name, _) = pair?;
        if !known.contains(&name.as_str()) {
            return Err(Problem::bad_request(suggest::unknown(
                "query parameter",
                &name,
                known,
            )));
        }
    }
    Ok(())
}

fn pairs(query: &str) -> impl Iterator<Item = Result<(String, String), Problem>> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        })
}

fn decoded(text: &str) -> Result<String, Problem> {
    percent_decoded(text, true).map_err(|error| Problem::bad_request(format!("the query {error}")))
}

/// What a percent-encoded text stands for.
///
/// # Errors
/// What is wrong with it, as the rest of a sentence.
pub(crate) fn percent_decoded(text: &str, plus_is_space: bool) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' if plus_is_space => b' ',
            b'%' => {
                let hex = rest
                    .next()
                    .and_then(hex_digit)
                    .zip(rest.next().and_then(hex_digit));
                let (high, low) = hex.ok_or("has a \"%\" without two hexadecimal digits")?;
                high << 4 | low
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 once percent-decoded")
}

/// The value of one hexadecimal digit, of either case.
fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_decoded() {
        for (query, expected) in [
            ("", None),
            ("&&", None),
            ("other=1", None),
            ("pointer", Some("")),
            ("pointer=", Some("")),
            ("pointer=/a/b", Some("/a/b")),
            ("pointer=%2Fa%2fb", Some("/a/b")),
            ("x=1&pointer=/a&y=2", Some("/a")),
            ("pointer=/a=b", Some("/a=b")),
            ("pointer=/a+b%2B", Some("/a b+")),
            ("pointer=%C3%A9", Some("é")),
            ("pointer=é", Some("é")),
            ("%70ointer=/a", Some("/a")),
            ("pointer=%00", Some("\0")),
            ("Pointer=/a", None),
        ] {
            assert_eq!(
                query_value(query, "pointer").unwrap().as_deref(),
                expected,
                "{query}"
            );
        }
    }

    #[test]
    fn bad_encodings_and_doubles_are_refused() {
        for query in [
            "pointer=%",
            "pointer=%2",
            "pointer=%zz",
            "pointer=%2é",
            "pointer=%+2",
            "pointer=%ff",
            "pointer=%C3",
            "pointer=/a&x=%",
            "pointer=/a&pointer=/a",
            "pointer&pointer",
            "pointer=/a&p%6finter=/b",
        ] {
            assert_eq!(
                query_value(query, "pointer").unwrap_err().status(),
                400,
                "{query}"
            );
        }
    }

    #[test]
    fn unknown_names_are_refused_with_the_nearest() {
        assert_eq!(refuse_unknown("", &[]), Ok(()));
        assert_eq!(refuse_unknown("pointer=/a", &["pointer"]), Ok(()));
        let detail = |query: &str, known: &[&str]| {
            refuse_unknown(query, known)
                .unwrap_err()
                .detail
                .clone()
                .unwrap()
        };
        assert_eq!(
            detail("pointr=/a", &["pointer"]),
            "unknown query parameter \"pointr\": did you mean \"pointer\"?"
        );
        assert_eq!(
            detail("q=secret", &[]),
            "unknown query parameter \"q\": none is expected here"
        );
        assert!(refuse_unknown("pointer=%", &["pointer"]).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(query in ".*") {
            let _ = query_value(&query, "pointer");
            let _ = refuse_unknown(&query, &["pointer"]);
        }

        #[test]
        fn what_is_encoded_is_read_back(value in ".*") {
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(query_value(&format!("pointer={encoded}"), "pointer"), Ok(Some(value)));
        }
    }
}
