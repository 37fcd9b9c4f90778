//! A clock that never goes back, made from one that may.

use crate::version::UnixMillis;

/// Adds up the forward steps of a machine's clock and ignores the backward ones, so that an age
/// never shrinks. An isolate's `Date.now` may be set back by the host; after such a step the age
/// that was already counted stays, and counting goes on from there.
#[derive(Debug, Default)]
pub struct SteadyClock {
    last_seen: Option<UnixMillis>,
    elapsed_ms: u64,
}

impl SteadyClock {
    /// The steady time at the machine's time `now`. Its origin is arbitrary: only differences mean
    /// something.
    pub fn read(&mut self, now: UnixMillis) -> UnixMillis {
        let step_ms = self.last_seen.map_or(0, |last| now.since(last));
        self.last_seen = Some(now);
        self.elapsed_ms = self.elapsed_ms.saturating_add(step_ms);
        UnixMillis(self.elapsed_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn backward_steps_are_ignored_and_forward_ones_count() {
        let mut clock = SteadyClock::default();
        let read: Vec<u64> = [1_000, 1_500, 200, 300, 1_300]
            .map(|ms| clock.read(UnixMillis(ms)).0)
            .into();
        assert_eq!(read, [0, 500, 500, 600, 1_600]);
    }

    proptest! {
        #[test]
        fn it_never_goes_back(times in proptest::collection::vec(any::<u64>(), 1..50)) {
            let mut clock = SteadyClock::default();
            let read: Vec<_> = times.into_iter().map(|ms| clock.read(UnixMillis(ms))).collect();
            prop_assert!(read.is_sorted());
        }
    }
}
