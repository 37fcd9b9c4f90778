//! How many calls minimum versions may cause.

use crate::version::UnixMillis;

/// So many calls in a row may be made for minimum versions.
pub const MINIMUM_BURST: u64 = 5;

/// Then one more after each of these, in milliseconds.
pub const MINIMUM_PAUSE_MS: u64 = 1_000;

/// A bucket of tokens, one for each call that a minimum version causes, in each isolate: whoever may
/// read could otherwise ask for versions that there will never be, and have the object asked each time.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    /// When the bucket is full again, in steady time: all that there is to know of it.
    full_at: UnixMillis,
}

impl Allowance {
    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, steady: UnixMillis) -> bool {
        let full_at = self.full_at.max(steady).plus(MINIMUM_PAUSE_MS);
        let there_is_one = full_at.since(steady) <= MINIMUM_BURST * MINIMUM_PAUSE_MS;
        if there_is_one {
            self.full_at = full_at;
        }
        there_is_one
    }

    /// Gives a token back: the call brought what was asked for, so it was no waste.
    pub(super) fn give_back(&mut self) {
        self.full_at = UnixMillis(self.full_at.0.saturating_sub(MINIMUM_PAUSE_MS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_one_a_second_and_what_is_given_back_counts() {
        let mut allowance = Allowance::default();
        let mut taken = |at_ms| {
            (0..100)
                .filter(|_| allowance.take(UnixMillis(at_ms)))
                .count()
        };
        assert_eq!(
            [7_000, 7_999, 8_000, 9_000, 11_500, 99_000].map(&mut taken),
            [5, 0, 1, 1, 2, 5]
        );
        allowance.give_back();
        assert!(allowance.take(UnixMillis(99_000)));
        assert!(!allowance.take(UnixMillis(99_000)));
        for _ in 0..100 {
            allowance.give_back();
        }
        let left = (0..100).filter(|_| allowance.take(UnixMillis(99_000)));
        assert_eq!(left.count(), 5, "a bucket holds no more than it holds");
    }
}
