//! Numbers that can be kept, and those that cannot. Two readings of one rule: a number is refused
//! when a 64-bit float overflows on it, or when it is an integer that 64 bits do not hold.

use serde_json::Value;

/// The key under which `serde_json` hands over the digits of a number (feature `exact_numbers`).
pub(super) const NUMBER_KEY: &str = "$serde_json::private::Number";

/// Whether a text may hold such a key: an object that had one could pass for a number.
pub(super) fn has_private_key(text: &str) -> bool {
    text.split('$')
        .skip(1)
        .any(|rest| rest.starts_with("serde_json::private::"))
}

pub(super) const TOO_LARGE: &str =
    "the number is too large for a 64-bit float; expected it as a string";
const TOO_WIDE: &str =
    "the integer needs more than 64 bits and would lose digits; expected it as a string";

/// A number as it was written.
pub(super) fn exact(digits: &str) -> Result<Value, &'static str> {
    let number = digits.parse().map_err(|_| TOO_LARGE)?;
    if overflows(digits) {
        return Err(TOO_LARGE);
    }
    if is_integer(digits) && is_wide(digits) {
        return Err(TOO_WIDE);
    }
    Ok(Value::Number(number))
}

/// The numbers of a text, as `serde_json` hands them over without the feature: floats are rounded
/// already, integers beyond 64 bits among them.
pub(super) struct Numbers<'t> {
    text: &'t str,
    /// How many numbers were read so far.
    read: usize,
    /// The ordinal of the text's first integer that 64 bits cannot hold, once somebody had to look.
    first_wide: Option<Option<usize>>,
}

impl<'t> Numbers<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self {
            text,
            read: 0,
            first_wide: None,
        }
    }

    pub(super) fn integer(&mut self, value: impl Into<Value>) -> Result<Value, &'static str> {
        self.read += 1;
        Ok(value.into())
    }

    #[cfg(not(feature = "exact_numbers"))]
    pub(super) fn float(&mut self, value: f64) -> Result<Value, &'static str> {
        if self.is_wide_integer(value) {
            return Err(TOO_WIDE);
        }
        self.integer(value)
    }

    /// Never called: with the feature, numbers come as digits. Refusing keeps the code that writes
    /// floats out of the bundle.
    #[cfg(feature = "exact_numbers")]
    pub(super) fn float(&mut self, _: f64) -> Result<Value, &'static str> {
        Err(TOO_LARGE)
    }

    /// Whether the number just read is an integer literal beyond 64 bits. Only the text can tell,
    /// and few documents have any float this large, so it is scanned on demand.
    #[cfg_attr(feature = "exact_numbers", allow(dead_code))]
    fn is_wide_integer(&mut self, float: f64) -> bool {
        const TWO_63: f64 = 9_223_372_036_854_775_808.0;
        let text = self.text;
        float.abs() >= TWO_63
            && *self
                .first_wide
                .get_or_insert_with(|| first_wide_integer(text))
                == Some(self.read)
    }
}

fn is_integer(digits: &str) -> bool {
    !digits.contains(['.', 'e', 'E'])
}

fn is_wide(integer: &str) -> bool {
    integer.parse::<u64>().is_err() && integer.parse::<i64>().is_err()
}

/// Whether a 64-bit float would overflow, told from the digits: reading them as a float brings
/// tables into the bundle. The largest float is 1.797…e308.
fn overflows(number: &str) -> bool {
    const LARGEST_EXPONENT: i64 = 308;
    /// The first digits from which on a number of that exponent rounds to infinity.
    const FIRST_INFINITE: &str = "1797693134862315808";
    let number = number.strip_prefix('-').unwrap_or(number);
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    let Some(zeros) = digits().position(|digit| digit != b'0') else {
        return false;
    };
    // An exponent that i64 does not hold is as good as its bounds.
    let out_of_bounds = if exponent.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    let exponent: i64 = exponent.parse().unwrap_or(out_of_bounds);
    // Both are lengths of a text of at most 2 MB.
    let shift = whole.len() as i64 - 1 - zeros as i64;
    match exponent.saturating_add(shift).cmp(&LARGEST_EXPONENT) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => {
            let leading = digits().skip(zeros).chain(std::iter::repeat(b'0'));
            leading
                .take(FIRST_INFINITE.len())
                .ge(FIRST_INFINITE.bytes())
        }
    }
}

/// The ordinal, among the numbers of `text`, of the first integer literal that neither `i64` nor
/// `u64` holds.
#[cfg_attr(feature = "exact_numbers", allow(dead_code))]
fn first_wide_integer(text: &str) -> Option<usize> {
    let mut ordinal = 0;
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        rest = rest.get(at..)?;
        if let Some(string) = rest.strip_prefix('"') {
            rest = after_string(string)?;
            continue;
        }
        let end = rest
            .find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(end)?;
        if is_integer(number) && is_wide(number) {
            return Some(ordinal);
        }
        ordinal += 1;
        rest = after;
    }
    None
}

/// What follows the quote that closes a string.
#[cfg_attr(feature = "exact_numbers", allow(dead_code))]
fn after_string(mut string: &str) -> Option<&str> {
    loop {
        let at = string.find(['"', '\\'])?;
        let (_, special) = string.split_at_checked(at)?;
        if let Some(after) = special.strip_prefix('"') {
            return Some(after);
        }
        // An escaped character is one ASCII character, as the parser has seen or will refuse.
        string = special.get(2..)?;
    }
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

    #[test]
    fn finds_the_first_wide_integer() {
        for (text, ordinal) in [
            ("", None),
            (
                "[1,-2,3.5,18446744073709551615,-9223372036854775808,1e30,99999999999999999999.5]",
                None,
            ),
            ("[1,18446744073709551616]", Some(1)),
            ("[-9223372036854775809,18446744073709551616]", Some(0)),
            (
                r#"{"12345678901234567890123":"\"12345678901234567890123\\","b":12345678901234567890123}"#,
                Some(0),
            ),
            (r#"["\\",1,"é\"",2,12345678901234567890123]"#, Some(2)),
            ("\"\\é123456789012345678901234567890", None),
            ("\"", None),
            ("\"\\", None),
        ] {
            assert_eq!(first_wide_integer(text), ordinal, "{text}");
        }
    }

    #[test]
    fn overflow_is_told_from_the_digits() {
        for (number, too_large) in [
            ("0e999999999999999999999", false),
            ("0.0e400", false),
            ("1e308", false),
            ("1e309", true),
            ("-1e309", true),
            ("10e308", true),
            ("0.1e309", false),
            ("0.01e311", true),
            ("1.7976931348623157e308", false),
            ("1.7976931348623158e308", false),
            ("1.7976931348623159e308", true),
            ("17976931348623157e292", false),
            ("17976931348623159e292", true),
            ("1e-400", false),
            ("1e99999999999999999999", true),
            ("1e-99999999999999999999", false),
            ("1E+308", false),
            ("1E+309", true),
        ] {
            assert_eq!(overflows(number), too_large, "{number}");
            let float: f64 = number.parse().unwrap();
            assert_eq!(float.is_infinite(), too_large, "{number} as std reads it");
        }
    }

    proptest::proptest! {
        #[test]
        fn overflow_agrees_with_std(digits in "-?[0-9]{1,25}(\\.[0-9]{1,25})?[eE][+-]?[0-9]{1,3}") {
            let float: f64 = digits.parse().unwrap();
            proptest::prop_assert_eq!(overflows(&digits), float.is_infinite());
        }
    }
}
