//! The isolates that are known, in bounded memory.

use std::mem::replace;

use super::Colo;
use crate::version::UnixMillis;

/// So many isolates are known, each exactly; with more there, one in two of them is, or one in four.
pub const MAX_ISOLATES: usize = 10_000;

/// The most slots that there ever are; each is [`SLOT_BYTES`].
pub const MAX_SLOTS: usize = 16_384;

/// What is known of an isolate takes so many bytes.
pub const SLOT_BYTES: usize = size_of::<Known>();

/// What is known of an isolate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// 0 where a slot is free.
    pub(super) id: u64,
    pub(super) seen: UnixMillis,
    /// 0 where it holds none.
    pub(super) version: u64,
    pub(super) reads: [u64; 4],
    pub(super) colo: Colo,
    /// The serial number of what it refuses; 0 for nothing.
    pub(super) refusal: u32,
    /// From its version's adoption until it had that; only where it had an older one before, and was
    /// seen to catch up with the head.
    pub(super) took_ms: Option<u32>,
}

const FREE: Known = Known {
    id: 0,
    seen: UnixMillis(0),
    version: 0,
    reads: [0; 4],
    colo: Colo::UNKNOWN,
    refusal: 0,
    took_ms: None,
};

/// A hash table with open addressing, in which nothing is ever taken out: it is made anew when it is
/// full, without those that have been silent, and at its largest without a half of the others.
/// That costs as much as there were new isolates since, so a report costs the same however many
/// there are.
#[derive(Debug)]
pub(super) struct Table {
    slots: Vec<Known>,
    used: usize,
    /// Drawn by chance: whoever does not know it cannot make identifiers that meet in one slot.
    key: u64,
    /// How often the sample was halved: an isolate is in it by its identifier, always or never.
    pub(super) halvings: u32,
    /// Slots looked at.
    #[cfg(test)]
    pub(super) work: std::cell::Cell<u64>,
}

impl Table {
    pub(super) fn new(key: u64) -> Self {
        Self {
            slots: Vec::new(),
            used: 0,
            key,
            halvings: 0,
            #[cfg(test)]
            work: std::cell::Cell::default(),
        }
    }

    /// The isolate's slot, or a free one that is its own from now on; `None` where it is not in the
    /// sample.
    pub(super) fn slot(&mut self, id: u64, silent_since: UnixMillis) -> Option<&mut Known> {
        if self.used >= self.slots.len() / 4 * 3 {
            self.make_room(silent_since);
        }
        if !self.is_sampled(id) {
            return None;
        }
        let place = self.place(id);
        let slot = self.slots.get_mut(place)?;
        self.used += usize::from(slot.id == 0);
        Some(slot)
    }

    /// Those that were heard of lately.
    pub(super) fn heard_since(&self, silent_since: UnixMillis) -> impl Iterator<Item = &Known> {
        let slots = self.slots.iter();
        slots.filter(move |slot| slot.id != 0 && slot.seen >= silent_since)
    }

    /// How many of those there are, as far as the sample tells.
    #[inline(never)]
    pub(super) fn count(&self, silent_since: UnixMillis, which: &dyn Fn(&Known) -> bool) -> u64 {
        let heard = self.heard_since(silent_since);
        (heard.filter(|known| which(known)).count() as u64) << self.halvings
    }

    /// Samples more again where there are few. Those that are new to the sample come with their next
    /// report.
    pub(super) fn widen(&mut self, isolates: u64) {
        while self.halvings > 0 && isolates >> self.halvings <= MAX_ISOLATES as u64 / 4 {
            self.halvings -= 1;
        }
    }

    fn make_room(&mut self, silent_since: UnixMillis) {
        let mut kept = self.count(silent_since, &|_| true) >> self.halvings;
        if kept > MAX_ISOLATES as u64 {
            self.halvings += 1;
            kept /= 2;
        }
        let slots = (kept as usize * 2).next_power_of_two().clamp(16, MAX_SLOTS);
        let before = replace(&mut self.slots, vec![FREE; slots]);
        self.used = 0;
        #[cfg(test)]
        self.work.update(|work| work + before.len() as u64);
        for known in before {
            if known.id != 0 && known.seen >= silent_since && self.is_sampled(known.id) {
                self.used += 1;
                let place = self.place(known.id);
                if let Some(slot) = self.slots.get_mut(place) {
                    *slot = known;
                }
            }
        }
    }

    /// How many bytes the slots take.
    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * SLOT_BYTES
    }

    /// Where it is, or would be. There is always a free slot.
    fn place(&self, id: u64) -> usize {
        let mask = self.slots.len().wrapping_sub(1);
        let mut place = self.mixed(id) as usize & mask;
        while self
            .slots
            .get(place)
            .is_some_and(|slot| slot.id != 0 && slot.id != id)
        {
            place = (place + 1) & mask;
            #[cfg(test)]
            self.work.update(|work| work + 1);
        }
        place
    }

    fn is_sampled(&self, id: u64) -> bool {
        (self.mixed(id) >> 32).trailing_zeros() >= self.halvings
    }

    fn mixed(&self, id: u64) -> u64 {
        let mut mixed = id;
        for _ in 0..2 {
            mixed = (mixed ^ self.key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed ^= mixed >> 32;
        }
        mixed
    }
}
