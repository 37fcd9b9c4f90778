//! Times read back.

use std::ops::RangeInclusive;

use super::{Civil, DAY_MS, EPOCH_DAYS, LAST_MS};
use crate::version::UnixMillis;

/// The moment in an RFC 3339 text: any offset, a fraction of up to nine digits, of which three
/// count. `None` for everything else: a date that no calendar has, no offset, a leap second (which
/// this time scale lacks), a year before 1970, and a moment past the year 9999.
pub fn parse_rfc3339(text: &str) -> Option<UnixMillis> {
    let mut scan = Scan(text.as_bytes());
    let year = scan.number(4, 1970..=9999)?;
    scan.one_of(b"-")?;
    let month = scan.number(2, 1..=12)?;
    scan.one_of(b"-")?;
    let day = scan.number(2, 1..=31)?;
    scan.one_of(b"Tt")?;
    let hour = scan.number(2, 0..=23)?;
    scan.one_of(b":")?;
    let minute = scan.number(2, 0..=59)?;
    scan.one_of(b":")?;
    let second = scan.number(2, 0..=59)?;
    let ms = match scan.one_of(b".") {
        Some(_) => scan.fraction_ms()?,
        None => 0,
    };
    let minutes = days_since_epoch(year, month, day)? * 1_440 + hour * 60 + minute;
    let minutes = match scan.one_of(b"Zz+-")? {
        b'+' => minutes.checked_sub(scan.offset_minutes()?)?,
        b'-' => minutes + scan.offset_minutes()?,
        _ => minutes,
    };
    let at = minutes * 60_000 + second * 1_000 + ms;
    (scan.0.is_empty() && at <= LAST_MS).then_some(UnixMillis(at))
}

/// What is left of a text.
struct Scan<'t>(&'t [u8]);

impl Scan<'_> {
    /// The next byte, if it is one of these.
    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        if !bytes.contains(first) {
            return None;
        }
        self.0 = rest;
        Some(*first)
    }

    fn digit(&mut self) -> Option<u64> {
        let digit = self.one_of(b"0123456789")?;
        Some(u64::from(digit - b'0'))
    }

    /// A number of exactly so many digits.
    fn number(&mut self, digits: usize, range: RangeInclusive<u64>) -> Option<u64> {
        let mut number = 0;
        for _ in 0..digits {
            number = number * 10 + self.digit()?;
        }
        range.contains(&number).then_some(number)
    }

    /// The digits behind the point.
    fn fraction_ms(&mut self) -> Option<u64> {
        let before = self.0.len();
        let (mut ms, mut worth_ms) = (0, 100);
        while let Some(digit) = self.digit() {
            ms += digit * worth_ms;
            worth_ms /= 10;
        }
        let digits = before - self.0.len();
        (1..=9).contains(&digits).then_some(ms)
    }

    /// The rest of an offset, behind its sign.
    fn offset_minutes(&mut self) -> Option<u64> {
        let hours = self.number(2, 0..=23)?;
        self.one_of(b":")?;
        Some(hours * 60 + self.number(2, 0..=59)?)
    }
}

/// Days from 1970-01-01 to a date; `None` if there is no such date. Counts as [`Civil::of`] does.
fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    let year_from_march = if month > 2 { year } else { year - 1 };
    let from_march = (month + 9) % 12;
    let leap_days = year_from_march / 4 - year_from_march / 100 + year_from_march / 400;
    let in_year = (153 * from_march + 2) / 5 + day - 1;
    let days = (year_from_march * 365 + leap_days + in_year).checked_sub(EPOCH_DAYS)?;
    // The 31st of a short month comes out as a day of the next one.
    let civil = Civil::of(UnixMillis(days * DAY_MS));
    ((civil.year, civil.month, civil.day) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::rfc3339;
    use proptest::prelude::*;

    #[test]
    fn moments() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:00.000Z", 0),
            ("1994-11-06T08:49:37Z", 784_111_777_000),
            ("1994-11-06t08:49:37z", 784_111_777_000),
            ("1994-11-06T10:49:37+02:00", 784_111_777_000),
            ("1994-11-06T03:19:37-05:30", 784_111_777_000),
            ("1994-11-07T08:48:37+23:59", 784_111_777_000),
            ("1994-11-06T08:49:37-00:00", 784_111_777_000),
            ("1994-11-06T08:49:37.1Z", 784_111_777_100),
            ("1994-11-06T08:49:37.12Z", 784_111_777_120),
            ("1994-11-06T08:49:37.012Z", 784_111_777_012),
            ("1994-11-06T08:49:37.0009Z", 784_111_777_000),
            ("1994-11-06T08:49:37.123456789Z", 784_111_777_123),
            ("1994-11-06T08:49:37.999999999+00:00", 784_111_777_999),
            ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000),
            ("9999-12-31T23:59:59.999Z", LAST_MS),
            ("9999-12-31T23:59:59.999+01:00", LAST_MS - 3_600_000),
            ("1970-01-01T00:00:00-01:00", 3_600_000),
        ] {
            assert_eq!(parse_rfc3339(text), Some(UnixMillis(ms)), "{text}");
        }
    }

    #[test]
    fn everything_else() {
        for text in [
            "",
            "2026",
            "2026-11-25",
            "2026-11-25T10:00Z",
            "2026-11-25T10:00:00",
            "2026-11-25T10:00:00 Z",
            "2026-11-25 10:00:00Z",
            " 2026-11-25T10:00:00Z",
            "2026-11-25T10:00:00Z ",
            "2026-11-25T10:00:00ZZ",
            "2026-11-25T10:00:00+02",
            "2026-11-25T10:00:00+0200",
            "2026-11-25T10:00:00+2:00",
            "2026-11-25T10:00:00+24:00",
            "2026-11-25T10:00:00+02:60",
            "2026-11-25T10:00:00+02:00Z",
            "2026-11-25T10:00:00\u{2212}02:00",
            "2026-11-25T10:00:00.Z",
            "2026-11-25T10:00:00,5Z",
            "2026-11-25T10:00:00.1234567890Z",
            "2026-11-25T10:00:00.+02:00",
            "2026-11-25T24:00:00Z",
            "2026-11-25T10:60:00Z",
            "2026-12-31T23:59:60Z",
            "2026-11-25T1:00:00Z",
            "2026-1-25T10:00:00Z",
            "20261125T100000Z",
            "+2026-11-25T10:00:00Z",
            "12026-11-25T10:00:00Z",
            "2026-00-25T10:00:00Z",
            "2026-13-25T10:00:00Z",
            "2026-11-00T10:00:00Z",
            "2026-11-31T10:00:00Z",
            "2026-02-29T10:00:00Z",
            "2024-02-30T10:00:00Z",
            "2100-02-29T10:00:00Z",
            "2026-11-25T10:00:0\u{665}Z",
            "1969-12-31T23:59:59Z",
            "1969-12-31T23:59:59-01:00",
            "1970-01-01T00:00:00+00:01",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999-00:01",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(ms in 0..=LAST_MS) {
            prop_assert_eq!(parse_rfc3339(&rfc3339(UnixMillis(ms))), Some(UnixMillis(ms)));
        }

        #[test]
        fn an_offset_moves_the_clock_and_not_the_moment(
            ms in 2 * DAY_MS..LAST_MS - 2 * DAY_MS, hours in 0..24u64, minutes in 0..60u64, east: bool,
        ) {
            let offset_ms = hours * 3_600_000 + minutes * 60_000;
            let (sign, shown) = if east { ('+', ms + offset_ms) } else { ('-', ms - offset_ms) };
            let text = rfc3339(UnixMillis(shown)).replace('Z', &format!("{sign}{hours:02}:{minutes:02}"));
            prop_assert_eq!(parse_rfc3339(&text), Some(UnixMillis(ms)), "{}", text);
        }

        #[test]
        fn no_text_panics(text in ".*", like in "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:.]{1,12}[Zz+-][0-9:]{0,5}") {
            let _ = parse_rfc3339(&text);
            let _ = parse_rfc3339(&like);
        }
    }
}
