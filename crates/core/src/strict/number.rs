//! Numbers that can be kept, and those that cannot. A number is refused
//! when a 64-bit float overflows on it, or when it is an integer that 64 bits do not hold.

use serde_json::Value;

const TOO_LARGE: &str = "the number is too large for a 64-bit float; expected it as a string";
const TOO_WIDE: &str =
    "the integer needs more than 64 bits and would lose digits; expected it as a string";

/// The number with these digits, which are JSON's.
pub(super) fn exact(digits: &str) -> Result<Value, &'static str> {
    if overflows(digits) {
        return Err(TOO_LARGE);
    }
    if is_integer(digits) && is_wide(digits) {
        return Err(TOO_WIDE);
    }
    kept(digits).ok_or(TOO_LARGE)
}

/// As it was written.
#[cfg(feature = "exact_numbers")]
fn kept(digits: &str) -> Option<Value> {
    Some(Value::Number(serde_json::Number::from_string_unchecked(
        digits.to_owned(),
    )))
}

/// As an integer, or as the float nearest to it.
#[cfg(not(feature = "exact_numbers"))]
fn kept(digits: &str) -> Option<Value> {
    // An integer has no nought with a sign.
    if is_integer(digits) && digits != "-0" {
        let unsigned = digits.parse::<u64>().map(Value::from);
        return unsigned
            .or_else(|_| digits.parse::<i64>().map(Value::from))
            .ok();
    }
    let float = digits.parse().ok()?;
    serde_json::Number::from_f64(float).map(Value::Number)
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
