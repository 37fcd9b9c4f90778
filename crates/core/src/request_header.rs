//! What the headers of a write say.

use crate::names::spelled;
use crate::problem::Problem;
use crate::query::percent_decoded;
use crate::request_body::fits_reason;

/// Longest `Idempotency-Key`, in characters.
pub const MAX_IDEMPOTENCY_KEY_CHARS: usize = 128;

/// The reason in a `Bellwether-Reason` header: visible ASCII and spaces, in which `%XX` stands for
/// a byte of UTF-8. An empty one is none.
///
/// # Errors
/// A 400 that says what was expected.
pub fn parse_reason(header: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(header) = header else {
        return Ok(None);
    };
    let reason = if header.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        percent_decoded(header, false)
    } else {
        Err("has a character that is not visible ASCII")
    };
    let reason = reason.map_err(|error| {
        refused(
            spelled::REASON,
            &format!(
                "{error}; expected visible ASCII, with \"%\" and everything else percent-encoded"
            ),
        )
    })?;
    fits_reason(&reason)
        .map_err(|error| refused(spelled::REASON, &format!("cannot be kept: {error}")))?;
    Ok((!reason.is_empty()).then_some(reason))
}

/// The key in an `Idempotency-Key` header: visible ASCII, plain or between double quotes, as the
/// string of a structured field. Neither `"` nor `\` may stand in it, so that the two spellings of
/// a key are one key and nothing needs an escape.
///
/// # Errors
/// A 400 that says what was expected.
pub fn parse_idempotency_key(header: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(header) = header else {
        return Ok(None);
    };
    let quoted = header
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let key = quoted.unwrap_or(header);
    let visible = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    if (1..=MAX_IDEMPOTENCY_KEY_CHARS).contains(&key.len()) && key.bytes().all(visible) {
        return Ok(Some(key.to_owned()));
    }
    let expected = format!(
        "is not a key; expected 1 to {MAX_IDEMPOTENCY_KEY_CHARS} visible ASCII characters without {:?} and {:?}, plain or in double quotes",
        '"', '\\'
    );
    Err(refused(spelled::IDEMPOTENCY_KEY, &expected))
}

fn refused(name: &str, message: &str) -> Problem {
    Problem::bad_request(format!("the header {name} {message}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::request_body::MAX_REASON_CHARS;
    use proptest::prelude::*;

    #[test]
    fn reasons() {
        for (header, expected) in [
            ("", None),
            ("a typo in /video", Some("a typo in /video")),
            ("1+1", Some("1+1")),
            ("50%25 off", Some("50% off")),
            ("L%C3%B6schen", Some("Löschen")),
            ("%f0%9f%a6%80", Some("\u{1f980}")),
            ("\"quoted\"", Some("\"quoted\"")),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(parse_reason(Some(header)), Ok(expected), "{header}");
        }
        assert_eq!(parse_reason(None), Ok(None));
        for (header, part) in [
            ("50% off", "has a \"%\" without two hexadecimal digits"),
            ("%", "has a \"%\""),
            ("%c3", "is not UTF-8 once percent-decoded"),
            ("Löschen", "has a character that is not visible ASCII"),
            ("a\tb", "not visible ASCII"),
            ("a%0Ab", "found a control character"),
            ("%00", "found a control character"),
            ("%c2%80", "found a control character"),
        ] {
            let detail = parse_reason(Some(header))
                .unwrap_err()
                .detail
                .clone()
                .unwrap();
            assert!(detail.starts_with("the header Bellwether-Reason "));
            assert!(detail.contains(part), "{header}: {detail}");
        }
        for (chars, fits) in [(MAX_REASON_CHARS, true), (MAX_REASON_CHARS + 1, false)] {
            assert_eq!(parse_reason(Some(&"%C3%A9".repeat(chars))).is_ok(), fits);
        }
    }

    #[test]
    fn idempotency_keys() {
        let longest = "k".repeat(MAX_IDEMPOTENCY_KEY_CHARS);
        for (header, key) in [
            ("a", "a"),
            ("\"a\"", "a"),
            (
                "8e03978e-40d5-43dd-bc93-6894a57f9324",
                "8e03978e-40d5-43dd-bc93-6894a57f9324",
            ),
            ("!#'~", "!#'~"),
            (&longest, &longest),
            (&format!("\"{longest}\""), &longest),
        ] {
            assert_eq!(
                parse_idempotency_key(Some(header)),
                Ok(Some(key.to_owned())),
                "{header}"
            );
        }
        assert_eq!(parse_idempotency_key(None), Ok(None));
        for header in [
            "",
            "\"",
            "\"\"",
            "\"a",
            "a\"",
            "a\"b",
            "\"a\\\"b\"",
            "a b",
            "\"a b\"",
            "\"\"a\"\"",
            "a\tb",
            "é",
            "\u{7f}",
            &format!("{longest}k"),
            &format!("\"{longest}k\""),
        ] {
            let problem = parse_idempotency_key(Some(header)).unwrap_err();
            assert_eq!(problem.status(), 400, "{header}");
            let detail = problem.detail.clone().unwrap();
            assert!(detail.contains("expected 1 to 128 visible ASCII characters"));
        }
    }

    proptest! {
        #[test]
        fn a_reason_encoded_is_read_back(reason in "\\PC{0,100}") {
            let encoded: String = reason.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let expected = (!reason.is_empty()).then_some(reason);
            prop_assert_eq!(parse_reason(Some(&encoded)), Ok(expected));
        }

        #[test]
        fn no_header_panics(header in ".*", ascii in "[ -~]{0,200}") {
            for header in [&header, &ascii] {
                let _ = parse_reason(Some(header));
                let _ = parse_idempotency_key(Some(header));
            }
        }
    }
}
