//! Durations as settings write them: a whole number and a unit, such as `250ms` or `5m`.

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::reason::kind_of;

/// Units, largest first, with their milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Why a text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DurationError {
    /// Not a whole number followed by `ms`, `s`, `m`, `h` or `d`.
    Syntax,
    /// More milliseconds than fit in 64 bits.
    TooLarge,
}

/// Parses `250ms`, `5s`, `5m`, `1h` or `1d` into milliseconds.
///
/// # Errors
/// [`DurationError`] for a sign, a fraction, white space, a missing or unknown unit, and overflow.
pub fn parse_duration_ms(text: &str) -> Result<u64, DurationError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or(DurationError::Syntax)?;
    let (_, unit_ms) = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or(DurationError::Syntax)?;
    if number.is_empty() {
        return Err(DurationError::Syntax);
    }
    // All digits by now, so the only way to fail is to be too large.
    let number: u64 = number.parse().map_err(|_| DurationError::TooLarge)?;
    number.checked_mul(*unit_ms).ok_or(DurationError::TooLarge)
}

/// The milliseconds of a duration within `range`.
///
/// # Errors
/// What was found, without the value, and what was expected.
pub(crate) fn duration_within(value: &Value, range: &RangeInclusive<u64>) -> Result<u64, String> {
    let found = match value.as_str().map(parse_duration_ms) {
        Some(Ok(ms)) if range.contains(&ms) => return Ok(ms),
        Some(Ok(ms)) if ms < *range.start() => "a shorter duration",
        Some(Ok(_) | Err(DurationError::TooLarge)) => "a longer duration",
        Some(Err(DurationError::Syntax)) => "a string that is not a duration",
        None => kind_of(value),
    };
    let [from, to] = [*range.start(), *range.end()].map(format_duration_ms);
    Err(format!(
        "found {found}, expected a duration such as \"250ms\", \"30s\" or \"5m\", from {from} to {to}"
    ))
}

/// Writes milliseconds in the largest unit that holds them exactly: 90000 is `90s`.
pub fn format_duration_ms(ms: u64) -> String {
    let exact = UNITS
        .iter()
        .find(|(_, unit_ms)| ms > 0 && ms.is_multiple_of(*unit_ms));
    match exact {
        Some((unit, unit_ms)) => format!("{}{unit}", ms / unit_ms),
        None => "0s".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn parses_every_unit() {
        for (text, ms) in [
            ("250ms", 250),
            ("0s", 0),
            ("5s", 5_000),
            ("005s", 5_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("1d", 86_400_000),
            ("18446744073709551615ms", u64::MAX),
            ("213503982334d", 18_446_744_073_657_600_000),
        ] {
            assert_eq!(parse_duration_ms(text), Ok(ms), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "", "5", "s", "ms", " 5s", "5s ", "5 s", "+5s", "-5s", "1.5s", "5S", "5sec", "1m30s",
            "5µs", "٥s", "5\0s",
        ] {
            assert_eq!(
                parse_duration_ms(text),
                Err(DurationError::Syntax),
                "{text:?}"
            );
        }
        for text in [
            "18446744073709551616ms",
            "213503982335d",
            &format!("{}s", "9".repeat(1000)),
        ] {
            assert_eq!(
                parse_duration_ms(text),
                Err(DurationError::TooLarge),
                "{text:?}"
            );
        }
    }

    #[test]
    fn bounds_are_kept() {
        let within = |value: &Value| duration_within(value, &(1_000..=5_000));
        for (value, expected) in [
            (json!("1s"), Ok(1_000)),
            (json!("5s"), Ok(5_000)),
            (json!("999ms"), Err("found a shorter duration")),
            (json!("5001ms"), Err("found a longer duration")),
            (json!("213503982335d"), Err("found a longer duration")),
            (json!("5"), Err("found a string that is not a duration")),
            (json!(5), Err("found a number")),
            (json!(null), Err("found null")),
        ] {
            let expected = expected.map_err(|found| {
                format!(
                    "{found}, expected a duration such as \"250ms\", \"30s\" or \"5m\", from 1s to 5s"
                )
            });
            assert_eq!(within(&value), expected, "{value}");
        }
    }

    #[test]
    fn formats_exactly() {
        for (ms, text) in [
            (0, "0s"),
            (1, "1ms"),
            (999, "999ms"),
            (1_000, "1s"),
            (1_001, "1001ms"),
            (90_000, "90s"),
            (300_000, "5m"),
            (86_400_000, "1d"),
            (u64::MAX, "18446744073709551615ms"),
        ] {
            assert_eq!(format_duration_ms(ms), text);
        }
    }

    proptest! {
        #[test]
        fn formatting_and_parsing_agree(ms: u64) {
            prop_assert_eq!(parse_duration_ms(&format_duration_ms(ms)), Ok(ms));
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = parse_duration_ms(&text);
        }
    }
}
