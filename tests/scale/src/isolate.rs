//! One isolate: the product's own reader, and the reads of it that need no event.
//!
//! A read of a fresh snapshot decides nothing: the next that does is the first one after the TTL, and
//! for Poisson traffic its wait from there is like any other. So those between are counted by their
//! density. The same holds for reads while the isolate's call is under way, and while it pauses after
//! one that failed. `every_read` makes an event of each; the tests compare the two.

use std::fmt::{self, Display, Formatter};
use std::rc::Rc;

use bellwether_core::reading::{Misfit, Reader};
use bellwether_core::version::{UnixMillis, Version};
use bellwether_core::wire::Freshness;

use crate::measure::{Measures, Reads};

/// Every document fits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NeverUnfit {}

impl Display for NeverUnfit {
    fn fmt(&self, _: &mut Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl Misfit for NeverUnfit {
    fn pointer(&self) -> &str {
        match *self {}
    }

    fn message(&self) -> &str {
        match *self {}
    }
}

/// The product's reader. Documents are of no interest, their versions are.
pub(crate) type IsolateReader = Reader<(), NeverUnfit>;

/// One of up to a million: kept small.
pub(crate) struct Member {
    pub(crate) reader: Rc<IsolateReader>,
    pub(crate) reads_per_s: f32,
    pub(crate) colo: u16,
    /// How many were here before it; what they asked is not for this one.
    pub(crate) life: u16,
    /// The TTL that it keeps, with its jitter.
    pub(crate) ttl_ms: u32,
    pub(crate) dies_at_us: u64,
    /// Of several reads that were planned for it, the one at this time is meant.
    pub(crate) next_read_us: u64,
    /// Until then, reads are counted by density.
    quiet_until_us: u64,
    counted_us: u64,
    shown: Option<Version>,
}

/// What an isolate shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) version: Option<Version>,
    pub(crate) told_ms: u64,
}

impl Member {
    /// A cold one.
    pub(crate) fn new(reads_per_s: f32, colo: u16, ttl_ms: u32, dies_at_us: u64) -> Self {
        Self {
            reader: Rc::new(Reader::new(|_| Ok(()))),
            reads_per_s,
            colo,
            life: 0,
            ttl_ms,
            dies_at_us,
            next_read_us: u64::MAX,
            quiet_until_us: 0,
            counted_us: 0,
            shown: None,
        }
    }

    /// Another one in its place.
    pub(crate) fn replace(&mut self, ttl_ms: u32, dies_at_us: u64) {
        let (life, next_read_us) = (self.life.wrapping_add(1), self.next_read_us);
        *self = Self {
            life,
            next_read_us,
            ..Self::new(self.reads_per_s, self.colo, ttl_ms, dies_at_us)
        };
    }

    /// What it would answer now.
    pub(crate) fn shows(&self, now_us: u64, base: &Rc<()>) -> Shown {
        let now_ms = now_us / 1_000;
        let read = self.reader.cache().peek(UnixMillis(now_ms), base);
        Shown {
            version: read.version,
            told_ms: now_ms - read.age_ms,
        }
    }

    /// Until then, no read decides anything: what is held is fresh, or the last call failed.
    pub(crate) fn nothing_until_us(&self, now_us: u64, base: &Rc<()>) -> u64 {
        let shown = self.shows(now_us, base);
        let ttl_ms = u64::from(self.ttl_ms);
        let fresh_until_ms = shown.version.map_or(0, |_| shown.told_ms + ttl_ms);
        let now_ms = now_us / 1_000;
        let paused_ms = self.reader.cache().paused_ms(UnixMillis(now_ms));
        let paused_until_ms = if paused_ms == 0 {
            0
        } else {
            now_ms + paused_ms
        };
        let until_us = fresh_until_ms.max(paused_until_ms) * 1_000;
        until_us.min(self.dies_at_us).max(now_us)
    }

    /// Reads up to then are counted by density.
    pub(crate) fn be_quiet(&mut self, now_us: u64, until_us: u64) {
        self.counted_us = now_us;
        self.quiet_until_us = until_us;
    }

    /// Counts the reads since the last time that were no events. Before anything changes.
    pub(crate) fn settle(
        &mut self,
        now_us: u64,
        base: &Rc<()>,
        next: Version,
        measures: &mut Measures,
    ) {
        let to_us = now_us.min(self.quiet_until_us).min(self.dies_at_us);
        let (from_ms, to_ms) = (self.counted_us / 1_000, to_us / 1_000);
        self.counted_us = now_us;
        if from_ms < to_ms {
            let density = f64::from(self.reads_per_s) / 1_000.0;
            let shown = self.shows(now_us, base);
            measures.count(&self.reads(shown, (from_ms, to_ms), density, next));
        }
    }

    /// Counts one read, and checks that its version did not go down.
    pub(crate) fn show(
        &mut self,
        now_us: u64,
        base: &Rc<()>,
        next: Version,
        measures: &mut Measures,
    ) {
        let shown = self.shows(now_us, base);
        assert!(
            shown.version >= self.shown,
            "{shown:?}, before it {:?}",
            self.shown
        );
        self.shown = shown.version;
        let now_ms = now_us / 1_000;
        measures.count(&self.reads(shown, (now_ms, now_ms), 1.0, next));
    }

    fn reads(
        &self,
        shown: Shown,
        (from_ms, to_ms): (u64, u64),
        density: f64,
        next: Version,
    ) -> Reads {
        let ttl_ms = self.ttl_ms.into();
        Reads {
            from_ms,
            to_ms,
            density,
            vouched: shown.version.map(|_| (shown.told_ms, ttl_ms)),
            is_new: shown.version >= Some(next),
        }
    }
}

/// The same terms, with another TTL.
pub(crate) fn with_ttl(terms: Freshness, ttl_ms: u32) -> Freshness {
    Freshness {
        ttl_ms: ttl_ms.into(),
        ..terms
    }
}
