//! Seeded numbers. Integers only: a logarithm or a power may differ in its last bit from one
//! machine to the next, and the same seed must give the same trace everywhere.

/// SplitMix64. Its own, for a library's sequence may change with its version.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The stream of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// An independent stream of the same seed.
    #[must_use]
    pub fn stream(seed: u64, number: u64) -> Self {
        let mut mixer = Self(seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93));
        Self(mixer.next())
    }

    /// The next 64 bits.
    #[allow(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, not including, `limit`; 0 where that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// From `low` to `high`, every order of magnitude as likely as another.
    pub fn scaled(&mut self, low: u64, high: u64) -> u64 {
        let octaves = (high / low.max(1)).max(1).ilog2();
        let base = low << self.between(0, octaves.into());
        self.between(base, base.saturating_mul(2)).min(high)
    }

    /// Once in so many times, on average.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}
