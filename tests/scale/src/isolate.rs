//! One isolate: the product's own cache, and the reads of it that need no event.
//!
//! A read of a fresh snapshot decides nothing: the next that does is the first one after the TTL, and
//! for Poisson traffic its wait from there is like any other. So those between are counted by their
//! density. The same holds for reads while the isolate's call is under way. `every_read` makes an
//! event of each; the tests compare the two.

use bellwether_core::reading::{Answer, Cache, Call, Received};
use bellwether_core::version::{UnixMillis, Version};
use bellwether_core::wire::Freshness;

use std::convert::Infallible;
use std::rc::Rc;

use crate::measure::{Measures, Reads};

/// One of up to a million: kept small.
pub(crate) struct Isolate {
    pub(crate) cache: Cache<()>,
    pub(crate) reads_per_s: f32,
    pub(crate) colo: u16,
    /// How many were here before it; what they asked is not for this one.
    pub(crate) life: u16,
    pub(crate) dies_at_us: u64,
    /// Of several reads that were planned for it, the one at this time is meant.
    pub(crate) next_read_us: u64,
    /// Until then, reads are counted by density.
    pub(crate) quiet_until_us: u64,
    /// When the snapshot held was vouched for, as far as it knows.
    pub(crate) told_ms: u64,
    /// When it last made a call.
    pub(crate) asked_ms: u64,
    counted_us: u64,
    ttl_ms: u64,
    swr_ms: u64,
    shown: Option<Version>,
}

impl Isolate {
    /// A cold one.
    pub(crate) fn new(reads_per_s: f32, colo: u16, dies_at_us: u64) -> Self {
        Self {
            cache: Cache::default(),
            reads_per_s,
            colo,
            life: 0,
            dies_at_us,
            next_read_us: u64::MAX,
            quiet_until_us: 0,
            told_ms: 0,
            asked_ms: 0,
            counted_us: 0,
            ttl_ms: 0,
            swr_ms: 0,
            shown: None,
        }
    }

    /// Another one in its place.
    pub(crate) fn replace(&mut self, dies_at_us: u64) {
        let (life, next_read_us) = (self.life.wrapping_add(1), self.next_read_us);
        *self = Self {
            life,
            next_read_us,
            ..Self::new(self.reads_per_s, self.colo, dies_at_us)
        };
    }

    /// When it ceases to be fresh, in microseconds.
    pub(crate) fn fresh_until_us(&self) -> u64 {
        (self.told_ms + self.ttl_ms) * 1_000
    }

    /// Takes an answer.
    pub(crate) fn take(&mut self, call: &Call, answer: Answer<()>, now_ms: u64) -> Received {
        let terms = terms_of(&answer);
        let now = UnixMillis(now_ms);
        let parse = |()| Ok::<(), Infallible>(());
        let (received, _) = self.cache.receive(call, answer, now, parse);
        let age_ms = self.cache.peek(now, &Rc::new(())).age_ms;
        self.told_ms = now_ms - age_ms;
        if matches!(received, Received::Adopted | Received::Confirmed) {
            (self.ttl_ms, self.swr_ms) = (terms.ttl_ms, terms.swr_ms);
        }
        received
    }

    /// Counts the reads since the last time that were no events.
    pub(crate) fn settle(&mut self, now_us: u64, head: Version, measures: &mut Measures) {
        let to_us = now_us.min(self.quiet_until_us).min(self.dies_at_us);
        let (from_ms, to_ms) = (self.counted_us / 1_000, to_us / 1_000);
        self.counted_us = now_us;
        if from_ms < to_ms {
            let density = f64::from(self.reads_per_s) / 1_000.0;
            measures.count(&self.reads((from_ms, to_ms), density, head));
        }
    }

    /// From now on is counted anew.
    pub(crate) fn skip_to(&mut self, now_us: u64) {
        self.counted_us = now_us;
    }

    /// Counts one read, and checks that its version did not go down.
    pub(crate) fn show(&mut self, now_ms: u64, head: Version, measures: &mut Measures) {
        let version = self.cache.version();
        assert!(version >= self.shown, "{version:?} after {:?}", self.shown);
        self.shown = version;
        measures.count(&self.reads((now_ms, now_ms), 1.0, head));
    }

    fn reads(&self, (from_ms, to_ms): (u64, u64), density: f64, head: Version) -> Reads {
        let version = self.cache.version();
        let terms = Freshness {
            age_ms: 0,
            ttl_ms: self.ttl_ms,
            swr_ms: self.swr_ms,
            base: false,
        };
        Reads {
            from_ms,
            to_ms,
            density,
            vouched: version.map(|_| (self.told_ms, terms)),
            is_new: version >= Some(head),
        }
    }
}

/// The terms of an answer about the head.
pub(crate) fn terms_of(answer: &Answer<()>) -> Freshness {
    match answer {
        Answer::Snapshot { terms, .. } | Answer::NotModified { terms, .. } => *terms,
        Answer::NotScheduled => Freshness::default(),
    }
}

/// The same answer under other terms.
pub(crate) fn with_terms(mut answer: Answer<()>, told: Freshness) -> Answer<()> {
    if let Answer::Snapshot { terms, .. } | Answer::NotModified { terms, .. } = &mut answer {
        *terms = told;
    }
    answer
}
