//! A small seeded generator, so that a random test can be run again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bellwether_simulation::rng;

/// For choosing instants.
#[derive(Debug)]
pub struct Rng(rng::Rng);

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
        Self(rng::Rng::new(seed))
    }

    /// A time from zero up to, not including, `limit` (which must be at least 1 µs).
    pub fn below(&mut self, limit: Duration) -> Duration {
        let limit_us = u64::try_from(limit.as_micros()).unwrap();
        Duration::from_micros(self.0.below(limit_us))
    }
}
