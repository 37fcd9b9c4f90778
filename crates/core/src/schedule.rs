//! When the next refresh and the next alarm are due.
//!
//! An object has one alarm (a platform limit), so every due time of a space is folded into one
//! next-alarm time; an alarm that comes early finds nothing due and arms again.

use crate::version::UnixMillis;

/// A jitter of a tenth either way keeps spaces and deployments from refreshing in step.
const JITTER_DIVISOR: u64 = 10;

/// The longest first delay after a failure, in milliseconds; a shorter interval shortens it.
pub const RETRY_FIRST_MS: u64 = 5_000;

/// The shortest distance between now and an alarm we set, in milliseconds. A due time in the past
/// becomes an alarm this far ahead, so that "always a future alarm" holds literally.
pub const ALARM_MIN_AHEAD_MS: u64 = 10;

/// How long after its time an alarm counts as lost, in milliseconds: the platform may run it up to
/// a minute late.
pub const ALARM_LOST_MS: u64 = 60_000;

/// How long an object waits that could not be opened at its alarm, in milliseconds.
pub const REOPEN_AFTER_MS: u64 = 60_000;

/// How often a space refreshes, and how slowly it retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Time between two refreshes that work, in milliseconds, before jitter.
    pub interval_ms: u64,
    /// The longest time between two refreshes that fail, in milliseconds, before jitter.
    pub backoff_max_ms: u64,
}

impl Pace {
    /// Milliseconds until the next refresh after `failures` failures in a row (0 = the last one
    /// worked), jittered by a tenth with `random`.
    #[must_use]
    pub fn delay_ms(&self, failures: u32, random: u64) -> u64 {
        jittered(self.plain_delay_ms(failures), random)
    }

    /// The longest delay that [`delay_ms`](Self::delay_ms) can give after so many failures, in
    /// milliseconds.
    #[must_use]
    pub fn longest_delay_ms(&self, failures: u32) -> u64 {
        self.delay_ms(failures, u64::MAX)
    }

    /// A due time, made believable: no further away than the longest delay after so many failures.
    /// A clock that jumped, or an interval that a deploy shortened, would otherwise postpone a
    /// refresh for long.
    #[must_use]
    pub fn clamp_due(&self, due: UnixMillis, now: UnixMillis, failures: u32) -> UnixMillis {
        due.min(now.plus(self.longest_delay_ms(failures)))
    }

    fn plain_delay_ms(&self, failures: u32) -> u64 {
        let Some(doublings) = failures.checked_sub(1) else {
            return self.interval_ms;
        };
        let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
        self.interval_ms
            .min(RETRY_FIRST_MS)
            .saturating_mul(factor)
            .min(self.backoff_max_ms)
    }
}

/// The one alarm time out of many due times: the earliest, but always ahead of `now`.
/// `None` when nothing is due ever (a space without a schedule).
#[must_use]
pub fn next_alarm(dues: &[Option<UnixMillis>], now: UnixMillis) -> Option<UnixMillis> {
    let earliest = dues.iter().flatten().min()?;
    Some((*earliest).max(now.plus(ALARM_MIN_AHEAD_MS)))
}

/// What to do about the alarm that stands when an object wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// The alarm will do: it is ahead, and no later than wanted.
    Keep,
    /// Missing, past or too late: set it to this time.
    Arm(UnixMillis),
}

/// Compares the alarm that stands with the one that is wanted. An alarm in the past counts as
/// missing: after a handler that threw, workerd reports the time that has gone by.
#[must_use]
pub fn repair(standing: Option<UnixMillis>, wanted: Option<UnixMillis>, now: UnixMillis) -> Repair {
    match (standing, wanted) {
        (_, None) => Repair::Keep,
        (Some(standing), Some(wanted)) if standing > now && standing <= wanted => Repair::Keep,
        (_, Some(wanted)) => Repair::Arm(wanted),
    }
}

/// `ms` moved by up to a tenth either way; `random` spreads evenly over that range.
fn jittered(ms: u64, random: u64) -> u64 {
    let reach = ms / JITTER_DIVISOR;
    // The high half of the product spreads evenly, and needs no division of 128 bits.
    let places = u128::from(reach) * 2 + 1;
    let offset = ((places * u128::from(random)) >> 64) as u64;
    ms.saturating_sub(reach).saturating_add(offset)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PACE: Pace = Pace {
        interval_ms: 300_000,
        backoff_max_ms: 1_800_000,
    };

    fn at(ms: u64) -> UnixMillis {
        UnixMillis(ms)
    }

    #[test]
    fn a_refresh_that_works_waits_for_the_interval() {
        assert_eq!(PACE.plain_delay_ms(0), 300_000);
        assert_eq!(PACE.delay_ms(0, 0), 270_000);
        assert_eq!(PACE.delay_ms(0, u64::MAX), 330_000);
    }

    #[test]
    fn failures_double_up_to_the_cap() {
        let delays: Vec<u64> = (1..=11).map(|n| PACE.plain_delay_ms(n)).collect();
        assert_eq!(delays[..4], [5_000, 10_000, 20_000, 40_000]);
        assert_eq!(PACE.plain_delay_ms(9), 1_280_000);
        assert_eq!(PACE.plain_delay_ms(10), 1_800_000);
        assert_eq!(PACE.plain_delay_ms(u32::MAX), 1_800_000);
    }

    #[test]
    fn a_short_interval_shortens_the_first_retry() {
        let pace = Pace {
            interval_ms: 1_000,
            backoff_max_ms: 60_000,
        };
        assert_eq!(pace.plain_delay_ms(1), 1_000);
    }

    #[test]
    fn the_alarm_is_the_earliest_due_time_and_never_past() {
        let dues = [Some(at(900)), None, Some(at(700))];
        assert_eq!(next_alarm(&dues, at(0)), Some(at(700)));
        let ahead = ALARM_MIN_AHEAD_MS;
        assert_eq!(next_alarm(&dues, at(700 - ahead - 1)), Some(at(700)));
        assert_eq!(next_alarm(&dues, at(700 - ahead)), Some(at(700)));
        assert_eq!(next_alarm(&dues, at(700 - ahead + 1)), Some(at(701)));
        assert_eq!(next_alarm(&[None, None], at(5)), None);
    }

    #[test]
    fn repair_treats_none_past_and_late_as_unset() {
        let wanted = Some(at(1_000));
        assert_eq!(repair(None, wanted, at(0)), Repair::Arm(at(1_000)));
        assert_eq!(
            repair(Some(at(499)), wanted, at(500)),
            Repair::Arm(at(1_000))
        );
        assert_eq!(
            repair(Some(at(500)), wanted, at(500)),
            Repair::Arm(at(1_000))
        );
        assert_eq!(repair(Some(at(501)), wanted, at(500)), Repair::Keep);
        assert_eq!(repair(Some(at(1_000)), wanted, at(500)), Repair::Keep);
        assert_eq!(
            repair(Some(at(1_001)), wanted, at(500)),
            Repair::Arm(at(1_000))
        );
        assert_eq!(repair(None, None, at(0)), Repair::Keep);
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_tenth(ms in 0_u64..u64::MAX / 2, random: u64) {
            let moved = jittered(ms, random);
            prop_assert!(moved >= ms - ms / 10);
            prop_assert!(moved <= ms + ms / 10);
        }

        #[test]
        fn delays_never_shrink_as_failures_add_up(
            interval_ms in 1_000_u64..10_000_000, backoff_max_ms in 1_000_u64..100_000_000, n in 1_u32..100,
        ) {
            let pace = Pace { interval_ms, backoff_max_ms };
            prop_assert!(pace.plain_delay_ms(n) <= pace.plain_delay_ms(n + 1));
            prop_assert!(pace.plain_delay_ms(n) <= backoff_max_ms);
            prop_assert!(pace.plain_delay_ms(n) > 0);
        }

        #[test]
        fn a_delay_never_exceeds_the_longest(
            interval_ms in 1_000_u64..10_000_000, backoff_max_ms in 1_000_u64..100_000_000,
            n: u32, random: u64,
        ) {
            let pace = Pace { interval_ms, backoff_max_ms };
            prop_assert!(pace.delay_ms(n, random) <= pace.longest_delay_ms(n));
        }

        #[test]
        fn an_alarm_is_always_ahead(dues in proptest::collection::vec(proptest::option::of(0_u64..u64::MAX), 0..5), now in 0_u64..u64::MAX / 2) {
            let dues: Vec<_> = dues.into_iter().map(|due| due.map(at)).collect();
            match next_alarm(&dues, at(now)) {
                None => prop_assert!(dues.iter().all(Option::is_none)),
                Some(alarm) => prop_assert!(alarm > at(now)),
            }
        }

        #[test]
        fn after_a_repair_the_alarm_is_ahead_and_not_late(standing in proptest::option::of(0_u64..10_000), due in 0_u64..10_000, now in 0_u64..10_000) {
            let wanted = next_alarm(&[Some(at(due))], at(now));
            let after = match repair(standing.map(at), wanted, at(now)) {
                Repair::Keep => at(standing.unwrap()),
                Repair::Arm(time) => time,
            };
            prop_assert!(after > at(now));
            prop_assert!(after <= wanted.unwrap());
        }
    }
}
