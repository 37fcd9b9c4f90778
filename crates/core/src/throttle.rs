//! So many in a minute, and no more.

use crate::version::UnixMillis;

const MINUTE_MS: u64 = 60_000;

/// How many refused writes are written down in a minute.
pub const DENIALS_A_MINUTE: u32 = 20;

/// Lets a few pass in each minute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Throttle {
    since: UnixMillis,
    passed: u32,
}

impl Throttle {
    /// Whether one more passes at `now`.
    pub fn admits(&mut self, now: UnixMillis) -> bool {
        // A clock that was set back begins a new minute as well.
        if now.since(self.since) >= MINUTE_MS || now < self.since {
            *self = Self {
                since: now,
                passed: 0,
            };
        }
        let admits = self.passed < DENIALS_A_MINUTE;
        self.passed += u32::from(admits);
        admits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_admits_so_many() {
        let mut throttle = Throttle::default();
        for minute in [5, 6, 9, 2] {
            let at = UnixMillis(minute * MINUTE_MS + 17);
            let admitted = (0..100).filter(|_| throttle.admits(at.plus(1))).count();
            assert_eq!(admitted, DENIALS_A_MINUTE as usize, "minute {minute}");
        }
    }
}
