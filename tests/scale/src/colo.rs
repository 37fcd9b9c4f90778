//! The data centres: how far away, how large, and what each has in its cache.
//!
//! One cache for each, whose entries are gone when their time is over. What is put there and what a
//! find is worth is decided by the reader's own flow.

use bellwether_core::reading::colo::{Entry, Shelved};
use bellwether_simulation::rng::Rng;

use crate::input::Input;
use crate::random::unit;

/// One data centre.
#[derive(Clone, Debug, Default)]
pub(crate) struct Colo {
    /// Which of the distances.
    pub(crate) distance: usize,
    /// How much of a TTL its word is old when a run begins: data centres are not in step.
    pub(crate) phase: f64,
    shelf: Vec<Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    key: String,
    text: String,
    since_us: u64,
    until_us: u64,
}

/// All of them, and where an isolate comes to be.
#[derive(Clone, Debug)]
pub(crate) struct Colos {
    pub(crate) list: Vec<Colo>,
    /// Ascending; the last is 1.
    shares: Vec<f64>,
}

impl Colos {
    /// Large and small ones at all distances.
    pub(crate) fn new(input: &Input, rng: &mut Rng) -> Self {
        let groups = input.latency.distance.iter().enumerate();
        let mut list: Vec<Colo> = groups
            .flat_map(|(distance, group)| {
                let colo = Colo {
                    distance,
                    ..Colo::default()
                };
                vec![colo; group.colos.into()]
            })
            .collect();
        for colo in &mut list {
            colo.phase = unit(rng);
        }
        for last in (1..list.len()).rev() {
            list.swap(last, rng.below(last as u64 + 1) as usize);
        }
        let weight = |rank: usize| (rank as f64).powf(-input.fleet.colo_skew);
        let total: f64 = (1..=list.len()).map(weight).sum();
        let mut sum = 0.0;
        let shares = (1..=list.len()).map(|rank| {
            sum += weight(rank) / total;
            sum
        });
        let shares = shares.collect();
        Self { list, shares }
    }

    /// Where the next isolate is.
    pub(crate) fn draw(&self, rng: &mut Rng) -> u16 {
        let drawn = unit(rng);
        let place = self.shares.partition_point(|sum| *sum < drawn);
        place.min(self.list.len() - 1) as u16
    }
}

impl Colo {
    /// What the cache has under a key.
    pub(crate) fn look_up(&self, key: &str, now_us: u64) -> Option<Shelved> {
        let mut found = self.shelf.iter();
        let found = found.find(|kept| kept.key == key && now_us < kept.until_us)?;
        Some(Shelved {
            age_s: (now_us - found.since_us) / 1_000_000,
            text: found.text.clone(),
        })
    }

    /// Puts something there of the time before the run, unless there is something younger.
    pub(crate) fn seed(&mut self, entry: &Entry, then_us: u64) {
        let is_younger = |kept: &Kept| kept.key == entry.key && kept.since_us >= then_us;
        if !self.shelf.iter().any(is_younger) {
            self.shelve(entry, then_us);
        }
    }

    /// Puts something there.
    pub(crate) fn shelve(&mut self, entry: &Entry, now_us: u64) {
        self.shelf
            .retain(|kept| kept.key != entry.key && now_us < kept.until_us);
        self.shelf.push(Kept {
            key: entry.key.clone(),
            text: entry.text.clone(),
            since_us: now_us,
            until_us: now_us.saturating_add(entry.max_age_s.saturating_mul(1_000_000)),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_there_until_its_time_is_over_or_another_takes_its_place() {
        let mut colo = Colo::default();
        let entry = |text: &str, max_age_s| Entry {
            key: "key".to_owned(),
            text: text.to_owned(),
            max_age_s,
        };
        let found = |colo: &Colo, now_us| colo.look_up("key", now_us);
        colo.shelve(&entry("one", 3), 1_000_000);
        assert_eq!(colo.look_up("other", 1_000_000), None);
        let text = "one".to_owned();
        assert_eq!(found(&colo, 3_999_999), Some(Shelved { age_s: 2, text }));
        assert_eq!(found(&colo, 4_000_000), None);
        colo.shelve(&entry("two", 3), 2_000_000);
        let text = "two".to_owned();
        assert_eq!(found(&colo, 2_000_000), Some(Shelved { age_s: 0, text }));
    }
}
