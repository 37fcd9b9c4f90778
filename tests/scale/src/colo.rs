//! The data centres: how far away, how large, and the one word that each keeps in its cache.
//!
//! The rules are those of the readers' colo tier: a word counts for as old as the object's answer is,
//! and is not used from its TTL on; nobody takes one that tells him nothing newer than he knows; what
//! would be over within a second is not kept; calls for a minimum version pass it by.

use bellwether_core::reading::{Answer, Ask, Call};
use bellwether_core::version::{ETag, Version};
use bellwether_core::wire::Freshness;
use bellwether_simulation::rng::Rng;

use crate::input::Input;
use crate::isolate::Isolate;
use crate::random::unit;

/// So far apart the clocks of one data centre may be: each age is counted that much higher.
const CLOCKS_APART_MS: u64 = 100;

/// One data centre.
#[derive(Clone, Debug)]
pub(crate) struct Colo {
    /// Which of the distances.
    pub(crate) distance: usize,
    word: Option<Word>,
}

/// What the object said last, as far as was put here.
#[derive(Clone, Debug)]
struct Word {
    version: Version,
    etag: ETag,
    terms: Freshness,
    told_ms: u64,
    gone_at_ms: u64,
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
                    word: None,
                };
                vec![colo; group.colos.into()]
            })
            .collect();
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
    /// What the cache says in answer to `call`, which was sent then. `ttl_ms` turns the TTL that was
    /// told into the one that this isolate keeps.
    pub(crate) fn look(
        &self,
        isolate: &Isolate,
        call: &Call,
        sent_ms: u64,
        now_ms: u64,
        keep: impl FnOnce(Freshness) -> Freshness,
    ) -> Option<Answer<()>> {
        let word = self.word.as_ref().filter(|word| now_ms < word.gone_at_ms)?;
        let terms = keep(word.terms);
        let age_ms = now_ms - word.told_ms + CLOCKS_APART_MS;
        let held = isolate.cache.version();
        let known = held.is_some() && age_ms >= now_ms - isolate.told_ms;
        if age_ms >= terms.ttl_ms || known || held > Some(word.version) {
            return None;
        }
        // The reader adds the time since it sent the call.
        let terms = Freshness {
            age_ms: age_ms.saturating_sub(now_ms - sent_ms),
            ..terms
        };
        Some(if call.ask.if_none_match() == Some(&word.etag) {
            Answer::NotModified {
                terms,
                pending: None,
            }
        } else {
            Answer::Snapshot {
                version: word.version,
                etag: word.etag.clone(),
                terms,
                pending: None,
                body: (),
            }
        })
    }

    /// What an isolate was told by the object is put here for the others. Before it takes it itself.
    pub(crate) fn share(
        &mut self,
        isolate: &Isolate,
        call: &Call,
        answer: &Answer<()>,
        sent_ms: u64,
        now_ms: u64,
    ) {
        let (version, etag, terms) = match (answer, &call.ask) {
            (
                Answer::Snapshot {
                    version,
                    etag,
                    terms,
                    ..
                },
                _,
            ) => (*version, etag, terms),
            (
                Answer::NotModified { terms, .. },
                Ask::Head {
                    if_none_match: Some(etag),
                },
            ) => match isolate.cache.version() {
                Some(version) => (version, etag, terms),
                None => return,
            },
            _ => return,
        };
        let lasts_s = terms.ttl_ms.saturating_sub(now_ms - sent_ms) / 1_000;
        if lasts_s > 0 && isolate.cache.version() <= Some(version) {
            self.word = Some(Word {
                version,
                etag: etag.clone(),
                terms: *terms,
                told_ms: sent_ms,
                gone_at_ms: now_ms + lasts_s * 1_000,
            });
        }
    }
}
