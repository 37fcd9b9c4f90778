//! What a reader tells the coordinator of itself, with calls that it makes anyway.

use super::{Cache, Reader};
use crate::fleet::{Colo, Rejection, Report};
use crate::version::UnixMillis;

/// Who reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// A number that the reader drew when it began, never 0.
    pub isolate: u64,
    /// Where its isolate is.
    pub colo: Colo,
}

/// Why a document did not fit, in two parts.
pub trait Misfit {
    /// RFC 6901 pointer to what did not fit.
    fn pointer(&self) -> &str;
    /// What kind of misfit it is; without any value of the document.
    fn message(&self) -> &str;
}

impl<T: 'static, R: Misfit> Reader<T, R> {
    /// The report that goes with a call made at machine time `now`.
    pub(super) fn report(&self, identity: Identity, now: UnixMillis) -> Report {
        let mut cache = self.cache();
        let last = self.last_rejection.borrow();
        let held = cache.version();
        let newer = last.as_ref().filter(|(refused, _)| held < Some(*refused));
        let rejection = newer.map(|(version, misfit)| Rejection {
            version: *version,
            pointer: misfit.pointer().to_owned(),
            message: misfit.message().to_owned(),
        });
        cache.report(identity, rejection, now)
    }
}

impl<T> Cache<T> {
    fn report(
        &mut self,
        identity: Identity,
        rejection: Option<Rejection>,
        now: UnixMillis,
    ) -> Report {
        let version = self.version();
        let steady = self.clock.read(now);
        let counts = &self.counts;
        Report {
            isolate: identity.isolate,
            colo: identity.colo,
            version,
            held_ms: version.map_or(0, |_| steady.since(self.adopted)),
            answered: self.reported,
            reads: [counts.fresh, counts.stale, counts.expired, counts.base],
            rejection,
        }
    }

    /// A report was answered, so it has arrived.
    pub(super) fn reported(&mut self) {
        self.reported += 1;
    }
}
