//! A small seeded generator, so that a random test can be run again.
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// SplitMix64: enough for choosing instants.
#[derive(Debug)]
pub struct Rng(u64);

impl Rng {
    /// Seeds from `BELLWETHER_SEED` or else the clock, and prints the seed (shown when the test fails).
    pub fn announced() -> Self {
        let seed = std::env::var("BELLWETHER_SEED")
            .ok()
            .map(|text| {
                text.parse()
                    .expect("BELLWETHER_SEED must be an unsigned integer")
            })
            .unwrap_or_else(|| {
                SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .map_or(1, |since| since.as_secs())
            });
        println!("seed: run again with BELLWETHER_SEED={seed}");
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A time from zero up to, not including, `limit` (which must be at least 1 µs).
    pub fn below(&mut self, limit: Duration) -> Duration {
        let limit_us = u64::try_from(limit.as_micros()).unwrap();
        Duration::from_micros(self.next_u64() % limit_us)
    }
}
