//! A snapshot that an isolate holds.

use std::rc::Rc;

use super::{Cache, Read};
use crate::freshness::{self, Span};
use crate::version::{ETag, UnixMillis, Version};
use crate::wire::{Freshness, Pending};

/// A snapshot that an isolate holds, parsed.
#[derive(Debug)]
pub(super) struct Held<T> {
    /// The value, parsed once for this version; `None` stands for the Worker's own base, while the
    /// coordinator has nothing but built-in layers itself: those are its own script's, and this
    /// Worker's are the ones that fit it.
    pub(super) value: Option<Rc<T>>,
    pub(super) version: Version,
    /// Sent with the next call.
    pub(super) etag: ETag,
    pub(super) terms: Freshness,
    /// Steady time at which the coordinator's word was `terms.age_ms` old.
    pub(super) since: UnixMillis,
    /// The reader switched to it by itself, and was told of no other head since.
    pub(super) switched_to: bool,
}

impl<T> Cache<T> {
    /// The one place where something is held.
    pub(super) fn adopt(&mut self, held: Held<T>, steady: UnixMillis) {
        self.counts.adoptions += 1;
        if held.value.is_some() {
            let first_read = self.first_read.unwrap_or(steady);
            self.counts
                .cold_start_ms
                .get_or_insert(steady.since(first_read));
        }
        self.refused = None;
        self.adopted = steady;
        self.upcoming.drop_up_to(held.version);
        self.held = Some(held);
    }
}

impl<T> Held<T> {
    pub(super) fn age_ms(&self, steady: UnixMillis) -> u64 {
        self.terms.age_ms.saturating_add(steady.since(self.since))
    }

    /// What a read of `value`, which is the one that is held, is told.
    pub(super) fn as_read(&self, value: &Rc<T>, age_ms: u64) -> Read<T> {
        Read {
            value: Rc::clone(value),
            version: Some(self.version),
            etag: Some(self.etag.clone()),
            age_ms,
            state: freshness::state_of(&self.terms, age_ms),
        }
    }

    /// Built-in layers do not expire: a policy that fails expired reads must not fail these, for
    /// the reader's own base would be served instead.
    pub(super) fn span(&self, steady: UnixMillis) -> Span {
        match freshness::span_of(&self.terms, self.age_ms(steady)) {
            Span::Expired if self.terms.base => Span::Stale,
            span => span,
        }
    }

    /// Whether an answer announces what is held already: the coordinator's clock is a little behind,
    /// or the answer was under way at the switch. It vouches for what is held, as it would have done
    /// had it come just before the switch.
    pub(super) fn is_announced_by(&self, pending: Option<Pending>) -> bool {
        pending.is_some_and(|pending| pending.version == self.version)
    }

    /// Takes the terms of a confirmation, unless a reordered answer brought a younger one before.
    /// What has a value is no base, whatever the head is of which the terms told.
    pub(super) fn renew(&mut self, terms: Freshness, steady: UnixMillis) {
        if terms.age_ms <= self.age_ms(steady) {
            let base = self.terms.base;
            self.terms = Freshness { base, ..terms };
            self.since = steady;
        }
    }
}
