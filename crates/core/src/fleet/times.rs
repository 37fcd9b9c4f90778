//! How long each of many took, in little memory.

/// Times up to [`LONGEST_MS`], each counted within an eighth of what it is.
#[derive(Debug, Default)]
pub(super) struct Times(Vec<u64>);

/// Longer ones count as this: about 24 days.
const LONGEST_MS: u64 = (1 << 31) - 1;
/// So many counts at most; they end with that of the longest time.
const COUNTS: usize = 232;

impl Times {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn add(&mut self, ms: u64, count: u64) {
        self.0.resize(COUNTS, 0);
        if let Some(place) = self.0.get_mut(place(ms.min(LONGEST_MS))) {
            *place += count;
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// A time within which so many of them were done; never less than it is.
    pub(super) fn of(&self, rank: u64) -> Option<u64> {
        let mut counted = 0;
        let counts = self.0.iter();
        let place = counts.map(|count| {
            counted += count;
            counted
        });
        let place = place.take_while(|counted| *counted < rank).count();
        (rank > 0 && place < self.0.len()).then(|| most(place as u64))
    }
}

/// Eight to each doubling.
fn place(ms: u64) -> usize {
    let doublings = 61_u64
        .saturating_sub(ms.leading_zeros().into())
        .saturating_sub(1);
    (doublings * 8 + (ms >> doublings)) as usize
}

/// The longest time that is counted in a place.
fn most(place: u64) -> u64 {
    let doublings = (place / 8).saturating_sub(1);
    ((place - doublings * 8 + 1) << doublings) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranks() {
        let mut times = Times::default();
        assert_eq!(times.of(1), None);
        for (ms, count) in [(3, 1), (100, 2), (70_000, 1)] {
            times.add(ms, count);
        }
        let ranks = [0, 1, 2, 3, 4, 5].map(|rank| times.of(rank));
        assert_eq!(
            ranks,
            [None, Some(3), Some(103), Some(103), Some(73_727), None]
        );
        assert_eq!(times.count(), 4);
        times.clear();
        assert_eq!((times.count(), times.of(1)), (0, None));
    }

    proptest! {
        #[test]
        fn a_time_is_never_told_shorter_nor_much_longer(ms in prop_oneof![0_u64..100, any::<u64>(), 0..LONGEST_MS]) {
            let mut times = Times::default();
            times.add(ms, 1);
            let told = times.of(1);
            let ms = ms.min(LONGEST_MS);
            prop_assert!(told >= Some(ms) && told <= Some(ms + ms / 8), "{told:?}");
        }
    }
}
