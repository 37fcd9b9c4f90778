//! Times as text, in UTC.

mod parse;

use std::fmt::Write as _;

use crate::version::UnixMillis;

pub use parse::parse_rfc3339;

/// RFC 3339 in UTC with milliseconds: `2000-02-29T12:00:00.000Z`. Times past the year 9999, which
/// the format cannot hold, are written as its last millisecond.
pub fn rfc3339(at: UnixMillis) -> String {
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        ms,
        ..
    } = Civil::of(at);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// The HTTP date of `Last-Modified`: `Sun, 06 Nov 1994 08:49:37 GMT`. Past the year 9999 as [`rfc3339`].
pub fn http_date(at: UnixMillis) -> String {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let Civil {
        days,
        year,
        month,
        day,
        hour,
        minute,
        second,
        ..
    } = Civil::of(at);
    // Day 0, 1970-01-01, was a Thursday.
    let weekday = WEEKDAYS
        .iter()
        .cycle()
        .nth((days % 7) as usize)
        .copied()
        .unwrap_or_default();
    let month = MONTHS
        .iter()
        .cycle()
        .nth(month as usize + 11)
        .copied()
        .unwrap_or_default();
    let mut date = String::with_capacity(29);
    // Writing to a String cannot fail.
    let _ = write!(
        date,
        "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT"
    );
    date
}

/// 9999-12-31T23:59:59.999Z.
const LAST_MS: u64 = 253_402_300_799_999;
const DAY_MS: u64 = 86_400_000;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: u64 = 719_468;

struct Civil {
    /// Days since 1970-01-01.
    days: u64,
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    ms: u64,
}

impl Civil {
    /// Counts in years that begin on 1 March, so that the leap day is the last of its year, and in
    /// eras of 400 such years, which all have the same number of days.
    fn of(at: UnixMillis) -> Civil {
        const ERA_DAYS: u64 = 146_097;
        const CENTURY_DAYS: u64 = 36_524;
        const FOUR_YEARS_DAYS: u64 = 1_461;
        let at = at.since(UnixMillis::default()).min(LAST_MS);
        let (days, in_day) = (at / DAY_MS, at % DAY_MS);
        let since_march_0 = days + EPOCH_DAYS;
        let (era, in_era) = (since_march_0 / ERA_DAYS, since_march_0 % ERA_DAYS);
        // The last century of an era and the last year of four are a day longer: `min` keeps their
        // last day from opening a fifth.
        let century = (in_era / CENTURY_DAYS).min(3);
        let in_century = in_era - century * CENTURY_DAYS;
        let (fours, in_fours) = (in_century / FOUR_YEARS_DAYS, in_century % FOUR_YEARS_DAYS);
        let one = (in_fours / 365).min(3);
        let in_year = in_fours - one * 365;
        // From March, month lengths repeat 31,30,31,30,31: 153 days to five months.
        let from_march = (5 * in_year + 2) / 153;
        let day = in_year - (153 * from_march + 2) / 5 + 1;
        let (month, next_year) = if from_march < 10 {
            (from_march + 3, 0)
        } else {
            (from_march - 9, 1)
        };
        Civil {
            days,
            year: era * 400 + century * 100 + fours * 4 + one + next_year,
            month,
            day,
            hour: in_day / 3_600_000,
            minute: in_day / 60_000 % 60,
            second: in_day / 1_000 % 60,
            ms: in_day % 1_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times() {
        for (ms, expected, date) in [
            (
                0,
                "1970-01-01T00:00:00.000Z",
                "Thu, 01 Jan 1970 00:00:00 GMT",
            ),
            (
                1,
                "1970-01-01T00:00:00.001Z",
                "Thu, 01 Jan 1970 00:00:00 GMT",
            ),
            (
                DAY_MS - 1,
                "1970-01-01T23:59:59.999Z",
                "Thu, 01 Jan 1970 23:59:59 GMT",
            ),
            (
                DAY_MS,
                "1970-01-02T00:00:00.000Z",
                "Fri, 02 Jan 1970 00:00:00 GMT",
            ),
            (
                784_111_777_000,
                "1994-11-06T08:49:37.000Z",
                "Sun, 06 Nov 1994 08:49:37 GMT",
            ),
            (
                951_782_399_999,
                "2000-02-28T23:59:59.999Z",
                "Mon, 28 Feb 2000 23:59:59 GMT",
            ),
            (
                951_782_400_000,
                "2000-02-29T00:00:00.000Z",
                "Tue, 29 Feb 2000 00:00:00 GMT",
            ),
            (
                951_868_800_000,
                "2000-03-01T00:00:00.000Z",
                "Wed, 01 Mar 2000 00:00:00 GMT",
            ),
            (
                978_220_800_000,
                "2000-12-31T00:00:00.000Z",
                "Sun, 31 Dec 2000 00:00:00 GMT",
            ),
            (
                1_709_164_800_000,
                "2024-02-29T00:00:00.000Z",
                "Thu, 29 Feb 2024 00:00:00 GMT",
            ),
            (
                1_735_689_599_000,
                "2024-12-31T23:59:59.000Z",
                "Tue, 31 Dec 2024 23:59:59 GMT",
            ),
            (
                1_740_787_200_000,
                "2025-03-01T00:00:00.000Z",
                "Sat, 01 Mar 2025 00:00:00 GMT",
            ),
            (
                4_107_456_000_000,
                "2100-02-28T00:00:00.000Z",
                "Sun, 28 Feb 2100 00:00:00 GMT",
            ),
            (
                4_107_542_400_000,
                "2100-03-01T00:00:00.000Z",
                "Mon, 01 Mar 2100 00:00:00 GMT",
            ),
            (
                LAST_MS,
                "9999-12-31T23:59:59.999Z",
                "Fri, 31 Dec 9999 23:59:59 GMT",
            ),
            (
                LAST_MS + 1,
                "9999-12-31T23:59:59.999Z",
                "Fri, 31 Dec 9999 23:59:59 GMT",
            ),
            (
                u64::MAX,
                "9999-12-31T23:59:59.999Z",
                "Fri, 31 Dec 9999 23:59:59 GMT",
            ),
        ] {
            assert_eq!(rfc3339(UnixMillis(ms)), expected);
            assert_eq!(http_date(UnixMillis(ms)), date);
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let leap = |year: u64| {
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
        };
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..=LAST_MS / DAY_MS {
            let civil = Civil::of(UnixMillis(days * DAY_MS));
            assert_eq!(
                (civil.year, civil.month, civil.day),
                (year, month, day),
                "day {days}"
            );
            let last = match month {
                2 if leap(year) => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (year, month, day) = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                _ if day == last => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
        assert_eq!((year, month, day), (10_000, 1, 1));
    }

    proptest! {
        #[test]
        fn texts_of_times_sort_as_times_do(left in 0..=LAST_MS, right in 0..=LAST_MS) {
            prop_assert_eq!(left.cmp(&right), rfc3339(UnixMillis(left)).cmp(&rfc3339(UnixMillis(right))));
        }
    }
}
