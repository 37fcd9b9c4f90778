//! What the coordinator announced, and the switch to it: fetched ahead, and held from its moment on
//! without a call.
//!
//! The moment is counted from an answer's arrival. The answer was made earlier, so the reader is
//! never ahead of the coordinator, and late by the answer's way back at most.

use std::mem::replace;
use std::rc::Rc;

use super::held::Held;
use super::{Ask, Cache, Call, Received};
use crate::lease::{Lease, Ticket};
use crate::version::{ETag, UnixMillis, Version};
use crate::wire::{Freshness, Pending};

/// What an isolate knows of the next scheduled snapshot.
#[derive(Debug)]
pub(super) struct Upcoming<T> {
    announced: Option<Announced<T>>,
    /// When the call was sent whose word holds: what an earlier one says is older.
    told: Option<UnixMillis>,
    /// Of its own, so that a fetch that hangs holds up no revalidation.
    lease: Lease,
}

/// Always above the version held.
#[derive(Debug)]
struct Announced<T> {
    version: Version,
    /// It is the head from here on at the latest, in steady time.
    at: UnixMillis,
    /// The last answer's that announced it, as they were at `since`.
    terms: Freshness,
    since: UnixMillis,
    content: Content<T>,
}

#[derive(Debug)]
enum Content<T> {
    /// Still to be fetched.
    Wanted,
    /// Parsed when it arrived.
    Ready(Rc<T>, ETag),
    /// It did not fit, and is not fetched again.
    Refused,
}

impl<T> Cache<T> {
    /// The call for an announced document that is not here yet, unless one is under way.
    pub fn plan_ahead(&mut self, now: UnixMillis, timeout_ms: u64) -> Option<Call> {
        let steady = self.clock.read(now);
        let version = self.upcoming.wanted()?;
        let ticket = self.upcoming.lease.take(steady, timeout_ms)?;
        Some(self.call(Ask::Pending { version }, Some(ticket), steady))
    }

    /// The version that is held for its moment, and how long that is away at machine time `now`.
    pub fn pending(&mut self, now: UnixMillis) -> Option<Pending> {
        let steady = self.look(now);
        let announced = self.upcoming.announced.as_ref()?;
        matches!(announced.content, Content::Ready(..)).then(|| Pending {
            version: announced.version,
            in_ms: announced.at.since(steady),
        })
    }

    /// Switches to what was announced once its moment has come. Nobody was asked, so the age goes on
    /// from the last word: for what was held, or to announce this, where the head did not fit.
    pub(super) fn switch(&mut self, steady: UnixMillis) {
        let Some(due) = self.upcoming.announced.as_ref() else {
            return;
        };
        if steady < due.at {
            return;
        }
        let (version, since) = (due.version, due.since);
        let terms = Freshness {
            base: false,
            ..due.terms
        };
        let Some((value, etag)) = self.upcoming.take(version) else {
            return;
        };
        let mut held = Held {
            value: Some(value),
            version,
            etag,
            terms,
            since,
            switched_to: true,
        };
        if let Some(before) = &self.held {
            held.renew(before.terms.aged(steady.since(before.since)), steady);
        }
        self.adopt(held, steady);
    }

    /// When the call was sent whose word holds, in steady time.
    pub(super) fn last_told(&self) -> Option<UnixMillis> {
        self.upcoming.told
    }

    /// Takes what an answer about the head says of the time to come.
    pub(super) fn hear(
        &mut self,
        pending: Option<Pending>,
        terms: Freshness,
        sent: UnixMillis,
        steady: UnixMillis,
    ) {
        let held = self.version();
        let news = pending.filter(|pending| held.is_none_or(|held| held < pending.version));
        self.upcoming.hear(news, terms, sent, steady);
    }

    /// Takes the announced document. If it is the head already, the moment is about to come.
    pub(super) fn prepare<E>(
        &mut self,
        call: &Call,
        (version, etag): (Version, ETag),
        pending: Option<Pending>,
        steady: UnixMillis,
        parse: impl FnOnce() -> Result<T, E>,
    ) -> (Received, Option<E>) {
        let Some(announced) = self.upcoming.told_of(version, call.sent) else {
            self.counts.ignored += 1;
            return (Received::Ignored, None);
        };
        if let Some(pending) = pending.filter(|pending| pending.version == version) {
            announced.bound(pending, steady);
        }
        if !matches!(announced.content, Content::Wanted) {
            return (Received::Ignored, None);
        }
        match parse() {
            Ok(value) => {
                announced.content = Content::Ready(Rc::new(value), etag);
                (Received::Prepared, None)
            }
            Err(error) => {
                announced.content = Content::Refused;
                self.counts.rejections += 1;
                (Received::Refused, Some(error))
            }
        }
    }

    /// What a call asked for ahead is not scheduled any more, unless a later one was told so.
    pub(super) fn withdraw(&mut self, call: &Call) -> Received {
        if let Ask::Pending { version } = call.ask
            && self.upcoming.told.is_none_or(|told| told <= call.sent)
            && self.upcoming.told_of(version, call.sent).is_some()
        {
            self.upcoming.announced = None;
        }
        Received::Ignored
    }
}

impl<T> Upcoming<T> {
    /// The parsed document of that version. What is left of it is dropped by the adoption.
    pub(super) fn take(&mut self, version: Version) -> Option<(Rc<T>, ETag)> {
        let announced = self.announced.as_mut();
        let announced = announced.filter(|announced| announced.version == version)?;
        match replace(&mut announced.content, Content::Wanted) {
            Content::Ready(value, etag) => Some((value, etag)),
            other => {
                announced.content = other;
                None
            }
        }
    }

    /// Forgets what is no newer than this.
    pub(super) fn drop_up_to(&mut self, version: Version) {
        self.announced
            .take_if(|announced| announced.version <= version);
    }

    pub(super) fn release(&mut self, ticket: &Ticket) {
        self.lease.release(ticket);
    }

    fn wanted(&self) -> Option<Version> {
        let announced = self.announced.as_ref()?;
        matches!(announced.content, Content::Wanted).then_some(announced.version)
    }

    fn hear(
        &mut self,
        news: Option<Pending>,
        terms: Freshness,
        sent: UnixMillis,
        steady: UnixMillis,
    ) {
        let newest = self.told.is_none_or(|told| told <= sent);
        if newest {
            self.told = Some(sent);
        }
        match (&mut self.announced, news) {
            (Some(announced), Some(news)) if announced.version == news.version => {
                announced.bound(news, steady);
                if newest {
                    (announced.terms, announced.since) = (terms, steady);
                }
            }
            (announced, news) if newest => {
                *announced = news.map(|news| Announced {
                    version: news.version,
                    at: steady.plus(news.in_ms),
                    terms,
                    since: steady,
                    content: Content::Wanted,
                });
            }
            _ => {}
        }
    }

    /// What is announced, if it is that version. A call that was sent then spoke of it.
    fn told_of(&mut self, version: Version, sent: UnixMillis) -> Option<&mut Announced<T>> {
        let announced = self.announced.as_mut();
        let announced = announced.filter(|announced| announced.version == version)?;
        self.told = self.told.max(Some(sent));
        Some(announced)
    }
}

impl<T> Announced<T> {
    /// The moment is no later than any answer has it, in whatever order they arrive.
    fn bound(&mut self, told: Pending, steady: UnixMillis) {
        self.at = self.at.min(steady.plus(told.in_ms));
    }
}

impl<T> Default for Upcoming<T> {
    fn default() -> Self {
        Self {
            announced: None,
            told: None,
            lease: Lease::default(),
        }
    }
}
