//! What one isolate holds, and what a read does about it: the reader's decisions, without I/O.
//!
//! A read asks [`Cache::plan`] what to do, makes the call if there is one to make, and hands the
//! answer to [`Cache::receive`] or [`Cache::fail`]. Nothing here is a future or a platform value,
//! so it may live in an isolate's globals.

pub mod colo;
#[cfg_attr(not(feature = "colo_cache"), path = "reading/colo_off.rs")]
mod colo_flow;
mod flow;
mod held;
mod minimum;
mod pending;
mod reply;
mod reporting;
mod served;
mod types;

use std::mem::take;
use std::rc::Rc;

pub use flow::{Expired, Isolate, Reader};
pub use minimum::{MINIMUM_BURST, MINIMUM_PAUSE_MS};
pub use reporting::{Identity, Misfit};
pub use types::{Answer, Ask, Call, Counts, Plan, Read, Received};

use held::Held;
use minimum::Allowance;
use pending::Upcoming;

use crate::freshness::Span;
use crate::lease::{Lease, Ticket};
use crate::settings::{ColdStart, DEFAULT_WAIT_MS, OnExpired, ReaderSettings};
use crate::steady::SteadyClock;
use crate::version::{ETag, UnixMillis, Version};
use crate::wire::{Freshness, Pending};

/// The first pause after a call that failed, in milliseconds. It doubles with each failure.
pub const PAUSE_FIRST_MS: u64 = 250;

/// The longest pause between failing calls, in milliseconds; a shorter TTL shortens it, so that a
/// reader is back on the head within one TTL of the coordinator's recovery.
pub const PAUSE_MAX_MS: u64 = 10_000;

/// One isolate's memory of one space.
#[derive(Debug)]
pub struct Cache<T> {
    held: Option<Held<T>>,
    /// A version that did not fit, asked with so that it is not sent again.
    refused: Option<(Version, ETag)>,
    /// When what is held was first held, in steady time.
    adopted: UnixMillis,
    /// How many reports were made.
    reported: u64,
    upcoming: Upcoming<T>,
    clock: SteadyClock,
    lease: Lease,
    minimums: Allowance,
    failures: u32,
    /// When a call last failed, in steady time.
    failed_at: UnixMillis,
    paused_until: UnixMillis,
    first_read: Option<UnixMillis>,
    counts: Counts,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self {
            held: None,
            refused: None,
            adopted: UnixMillis(0),
            reported: 0,
            upcoming: Upcoming::default(),
            clock: SteadyClock::default(),
            lease: Lease::default(),
            minimums: Allowance::default(),
            failures: 0,
            failed_at: UnixMillis(0),
            paused_until: UnixMillis(0),
            first_read: None,
            counts: Counts::default(),
        }
    }
}

impl<T> Cache<T> {
    /// Decides a read at machine time `now`. `at_least` asks for a minimum version: while what is held
    /// is older, or nothing is held, a token is taken for the call ([`MINIMUM_BURST`]). With none left
    /// the read is one that asks for no minimum, and a cold one waits for no call.
    pub fn plan(
        &mut self,
        now: UnixMillis,
        policy: &ReaderSettings,
        at_least: Option<Version>,
    ) -> Plan {
        let steady = self.look(now);
        self.first_read.get_or_insert(steady);
        let paused = steady < self.paused_until;
        let cold_wait_ms = match policy.cold_start {
            ColdStart::Base => None,
            ColdStart::Wait { deadline_ms } => Some(deadline_ms),
        };
        let Some(held) = &self.held else {
            return match cold_wait_ms {
                _ if paused => Plan::Serve,
                // Nothing to serve but the base: each request asks for itself, for none may await
                // a promise of another.
                Some(deadline_ms) if at_least.is_none() || self.minimums.take(steady) => {
                    self.wait(steady, policy, deadline_ms, at_least)
                }
                _ => self.behind(steady, policy),
            };
        };
        let behind_minimum = at_least.is_some_and(|minimum| held.version < minimum);
        match (held.span(steady), policy.on_expired) {
            // Whoever holds the lease may have asked before the version wanted was there.
            _ if behind_minimum && !paused && self.minimums.take(steady) => {
                let deadline_ms = cold_wait_ms.unwrap_or(DEFAULT_WAIT_MS);
                self.wait(steady, policy, deadline_ms, at_least)
            }
            (Span::Fresh, _) => Plan::Serve,
            (Span::Expired, OnExpired::Error) if paused => Plan::Refuse,
            _ if paused => Plan::Serve,
            (Span::Expired, OnExpired::Error) => {
                let deadline_ms = cold_wait_ms.unwrap_or(DEFAULT_WAIT_MS);
                self.wait(steady, policy, deadline_ms, None)
            }
            (Span::Expired, OnExpired::Wait { deadline_ms }) => match self.behind(steady, policy) {
                Plan::ServeAndCall(call) => Plan::Wait { call, deadline_ms },
                plan => plan,
            },
            (Span::Stale | Span::Expired, _) => self.behind(steady, policy),
        }
    }

    /// Takes an answer. `parse` turns the body into the Worker's type; it runs once per version,
    /// and only for a version newer than the one held. Its error keeps the version before, whole.
    pub fn receive<B, E>(
        &mut self,
        call: &Call,
        answer: Answer<B>,
        now: UnixMillis,
        parse: impl FnOnce(B) -> Result<T, E>,
    ) -> (Received, Option<E>) {
        let steady = self.finish(call, now);
        // The answer was made some time between sending and now; the earliest is the honest one.
        let travel_ms = steady.since(call.sent);
        match answer {
            Answer::NotScheduled => (self.withdraw(call), None),
            Answer::NotModified { terms, pending } => {
                self.counts.conditional_hits += 1;
                let terms = terms.aged(travel_ms);
                let received = self.confirm(call, terms, pending, steady);
                self.hear(pending, terms, call.sent, steady);
                self.settle_minimum(call);
                (received, None)
            }
            Answer::Snapshot {
                version,
                etag,
                terms,
                pending,
                body,
            } => {
                // Even where it does not say that it is ahead: the moment is known, and not to be missed.
                if call.ask == (Ask::Pending { version }) {
                    return self.prepare(call, (version, etag), pending, steady, || parse(body));
                }
                let terms = terms.aged(travel_ms);
                let received =
                    self.take_head(call, (version, etag), terms, pending, steady, || {
                        parse(body)
                    });
                self.hear(pending, terms, call.sent, steady);
                self.settle_minimum(call);
                received
            }
        }
    }

    /// Takes a call's failure: the next call waits for a pause that doubles. Not so where the call
    /// was for what was announced: the head could be had.
    pub fn fail(&mut self, call: &Call, now: UnixMillis) {
        let steady = self.finish(call, now);
        self.counts.call_failures += 1;
        if matches!(call.ask, Ask::Head { .. }) {
            self.pause(call, steady);
        }
    }

    /// The next call waits, twice as long as the last time.
    fn pause(&mut self, call: &Call, steady: UnixMillis) {
        // Calls that were out together meet one trouble: only the first of them counts.
        if self.failures > 0 && call.sent <= self.failed_at {
            return;
        }
        self.failed_at = steady;
        self.failures = self.failures.saturating_add(1);
        let factor = 1_u64.checked_shl(self.failures - 1).unwrap_or(u64::MAX);
        let cap_ms = self
            .held
            .as_ref()
            .map_or(PAUSE_MAX_MS, |held| held.terms.ttl_ms.min(PAUSE_MAX_MS));
        let pause_ms = PAUSE_FIRST_MS.saturating_mul(factor).min(cap_ms);
        self.paused_until = steady.plus(pause_ms);
    }

    /// Steady time at machine time `now`, by which the switch that is due is made.
    fn look(&mut self, now: UnixMillis) -> UnixMillis {
        let steady = self.clock.read(now);
        self.switch(steady);
        steady
    }

    fn wait(
        &mut self,
        steady: UnixMillis,
        policy: &ReaderSettings,
        deadline_ms: u64,
        minimum: Option<Version>,
    ) -> Plan {
        let ticket = self.lease.take(steady, policy.revalidate_timeout_ms);
        let mut call = self.call(self.ask(), ticket, steady);
        call.minimum = minimum;
        Plan::Wait { call, deadline_ms }
    }

    fn behind(&mut self, steady: UnixMillis, policy: &ReaderSettings) -> Plan {
        match self.lease.take(steady, policy.revalidate_timeout_ms) {
            Some(ticket) => Plan::ServeAndCall(self.call(self.ask(), Some(ticket), steady)),
            None => Plan::Serve,
        }
    }

    fn ask(&self) -> Ask {
        let refused = self.refused.as_ref().map(|(_, etag)| etag);
        let held = self.held.as_ref().map(|held| &held.etag);
        let if_none_match = refused.or(held).cloned();
        Ask::Head { if_none_match }
    }

    fn call(&mut self, ask: Ask, ticket: Option<Ticket>, sent: UnixMillis) -> Call {
        self.counts.calls += 1;
        Call {
            ask,
            minimum: None,
            ticket,
            sent,
        }
    }

    fn finish(&mut self, call: &Call, now: UnixMillis) -> UnixMillis {
        if let Some(ticket) = &call.ticket {
            match call.ask {
                Ask::Head { .. } => self.lease.release(ticket),
                Ask::Pending { .. } => self.upcoming.release(ticket),
            }
        }
        self.clock.read(now)
    }

    /// A minimum that was reached costs nothing.
    fn settle_minimum(&mut self, call: &Call) {
        let minimum = call.minimum;
        if minimum.is_some_and(|minimum| self.version() >= Some(minimum)) {
            self.minimums.give_back();
        }
    }

    /// Takes a head with its document.
    fn take_head<E>(
        &mut self,
        call: &Call,
        (version, etag): (Version, ETag),
        terms: Freshness,
        pending: Option<Pending>,
        steady: UnixMillis,
        parse: impl FnOnce() -> Result<T, E>,
    ) -> (Received, Option<E>) {
        if let Some(held) = &mut self.held {
            if version < held.version {
                if held.is_announced_by(pending) {
                    held.renew(terms, steady);
                    self.succeed();
                    return (Received::Confirmed, None);
                }
                self.counts.ignored += 1;
                if take(&mut held.switched_to) {
                    // It answers, and no clock is quite another's: it may only be a little behind.
                    self.failures = 0;
                }
                // Reordered, or the space's storage was wound back: either way there is
                // nothing to be had by asking again at once.
                self.pause(call, steady);
                return (Received::Ignored, None);
            }
            if version == held.version {
                held.renew(terms, steady);
                self.succeed();
                return (Received::Confirmed, None);
            }
        }
        let prepared = self.upcoming.take(version).map(|(value, _)| value);
        let value = match prepared {
            Some(value) => Ok(Some(value)),
            None if terms.base => Ok(None),
            None => parse().map(|value| Some(Rc::new(value))),
        };
        match value {
            Ok(value) => {
                let held = Held {
                    value,
                    version,
                    etag,
                    terms,
                    since: steady,
                    switched_to: false,
                };
                self.adopt(held, steady);
                self.succeed();
                (Received::Adopted, None)
            }
            Err(error) => {
                self.counts.rejections += 1;
                self.refused = Some((version, etag));
                self.paused_until = steady.plus(terms.ttl_ms);
                (Received::Refused, Some(error))
            }
        }
    }

    /// A 304 confirms exactly the validator that was asked with: if another answer brought
    /// something newer meanwhile, or if that validator belongs to a refused document, it confirms
    /// nothing that is served. But for what it announces: see [`Held::is_announced_by`].
    fn confirm(
        &mut self,
        call: &Call,
        terms: Freshness,
        pending: Option<Pending>,
        steady: UnixMillis,
    ) -> Received {
        let asked = call.ask.if_none_match();
        if let Some((_, etag)) = &self.refused
            && asked == Some(etag)
        {
            self.paused_until = steady.plus(terms.ttl_ms);
            return Received::Refused;
        }
        match &mut self.held {
            Some(held) if asked == Some(&held.etag) || held.is_announced_by(pending) => {
                held.renew(terms, steady);
                self.succeed();
                Received::Confirmed
            }
            _ => {
                self.counts.ignored += 1;
                Received::Ignored
            }
        }
    }

    fn succeed(&mut self) {
        self.failures = 0;
        self.paused_until = UnixMillis(0);
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
