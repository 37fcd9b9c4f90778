//! What a reader tells the coordinator of itself, with calls that it makes anyway.

use super::Reader;
use crate::fleet::{Colo, Report};
use crate::version::{UnixMillis, Version};

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
    pub(super) fn report(&self, identity: Identity, now: UnixMillis) -> String {
        let cache = &mut *self.cache();
        let last = self.last_rejection.borrow();
        // Anew: a look into the data centre's cache took time since the read.
        let steady = cache.look(now);
        let version = cache.version();
        let counts = &cache.counts;
        let newer = last
            .as_ref()
            .filter(|(refused, _)| version < Some(*refused));
        let report = Report {
            isolate: identity.isolate,
            colo: identity.colo,
            version: version.map_or(0, Version::get),
            held_ms: steady.since(cache.adopted),
            sent: cache.reported,
            reads: [counts.fresh, counts.stale, counts.expired, counts.base],
            rejection: newer
                .map(|(version, misfit)| (*version, misfit.pointer(), misfit.message())),
        };
        cache.reported += 1;
        report.to_header()
    }
}
