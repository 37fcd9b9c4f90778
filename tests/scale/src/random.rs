//! Numbers drawn from distributions.

use bellwether_simulation::rng::Rng;
use serde::Deserialize;

/// `[[percent, milliseconds], …]`, straight lines between.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Quantiles(Vec<[f64; 2]>);

impl Quantiles {
    /// From 0 to 100 percent, never falling.
    pub(crate) fn is_sound(&self) -> bool {
        let ends = self.0.first().zip(self.0.last());
        ends.is_some_and(|(first, last)| first[0] == 0.0 && first[1] >= 0.0 && last[0] == 100.0)
            && self
                .0
                .windows(2)
                .all(|two| two[0][0] < two[1][0] && two[0][1] <= two[1][1])
    }

    /// The time that so many percent do not pass, in milliseconds.
    pub(crate) fn at(&self, percent: f64) -> f64 {
        let above = self.0.iter().position(|point| point[0] >= percent);
        let above = above.unwrap_or(self.0.len() - 1).max(1);
        let ([from, low], [to, high]) = (self.0[above - 1], self.0[above]);
        low + (high - low) * ((percent - from) / (to - from)).clamp(0.0, 1.0)
    }

    /// One of them, in microseconds.
    pub(crate) fn draw_us(&self, rng: &mut Rng) -> u64 {
        (self.at(unit(rng) * 100.0) * 1_000.0) as u64
    }
}

/// From 0 up to, not including, 1.
pub(crate) fn unit(rng: &mut Rng) -> f64 {
    (rng.next() >> 11) as f64 / (1_u64 << 53) as f64
}

/// The wait for the next event of a Poisson process, in microseconds.
pub(crate) fn wait_us(rng: &mut Rng, per_s: f64) -> u64 {
    let wait_us = -(1.0 - unit(rng)).ln() / per_s * 1e6;
    // A year is never, and adds up without overflow.
    wait_us.min(3e13) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_go_straight_from_point_to_point() {
        let quantiles = Quantiles(vec![[0.0, 1.0], [50.0, 3.0], [100.0, 11.0]]);
        assert!(quantiles.is_sound());
        let at = [0.0, 25.0, 50.0, 75.0, 100.0].map(|percent| quantiles.at(percent));
        assert_eq!(at, [1.0, 2.0, 3.0, 7.0, 11.0]);
    }

    #[test]
    fn quantiles_that_fall_or_do_not_reach_the_ends_are_refused() {
        for points in [
            vec![],
            vec![[0.0, 1.0]],
            vec![[0.0, 1.0], [99.0, 2.0]],
            vec![[0.0, 2.0], [100.0, 1.0]],
            vec![[1.0, 1.0], [100.0, 2.0]],
        ] {
            assert!(!Quantiles(points.clone()).is_sound(), "{points:?}");
        }
    }

    #[test]
    fn waits_have_the_mean_of_their_rate() {
        let mut rng = Rng::new(1);
        let sum_us: u64 = (0..100_000).map(|_| wait_us(&mut rng, 4.0)).sum();
        let mean_ms = sum_us as f64 / 1e8;
        assert!((245.0..255.0).contains(&mean_ms), "{mean_ms} ms");
    }
}
