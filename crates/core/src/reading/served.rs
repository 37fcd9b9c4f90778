//! What a read is given, and what is told of the reader: from what is held, at a machine's time.

use std::rc::Rc;

use super::held::Held;
use super::{Cache, Counts, Read};
use crate::freshness::{self, Span};
use crate::settings::{OnExpired, ReaderSettings};
use crate::version::{UnixMillis, Version};
use crate::wire::ReadState;

impl<T> Cache<T> {
    /// Counts a read for which [`plan`](Self::plan) has nothing to do and [`read`](Self::read) gives
    /// `version`, fresh; tells its age in milliseconds. `None`, and nothing counted, where a read
    /// would take more than that or give another version.
    pub fn read_fresh(&mut self, now: UnixMillis, version: Version) -> Option<u64> {
        let (held, _, age_ms) = self.fresh(now)?;
        if held.version != version {
            return None;
        }
        self.counts.fresh += 1;
        Some(age_ms)
    }

    /// The same, of whatever version, for whoever wants its value.
    pub fn read_at_once(&mut self, now: UnixMillis) -> Option<Read<T>> {
        let (held, value, age_ms) = self.fresh(now)?;
        let read = held.as_read(value, age_ms);
        self.counts.fresh += 1;
        Some(read)
    }

    /// Answers a read at machine time `now` and counts it; `base` is served when nothing is held.
    pub fn read(&mut self, now: UnixMillis, base: &Rc<T>) -> Read<T> {
        let read = self.peek(now, base);
        let count = match read.state {
            ReadState::Fresh => &mut self.counts.fresh,
            ReadState::Stale => &mut self.counts.stale,
            ReadState::Expired => &mut self.counts.expired,
            ReadState::Base => &mut self.counts.base,
        };
        *count += 1;
        read
    }

    /// The same without counting it.
    pub fn peek(&mut self, now: UnixMillis, base: &Rc<T>) -> Read<T> {
        let steady = self.look(now);
        let snapshot = self
            .held
            .as_ref()
            .and_then(|held| Some((held, held.value.as_ref()?)));
        match snapshot {
            None => Read {
                value: Rc::clone(base),
                version: None,
                etag: None,
                age_ms: 0,
                state: ReadState::Base,
            },
            Some((held, value)) => held.as_read(value, held.age_ms(steady)),
        }
    }

    /// What is held, where it is fresh, and its age in milliseconds.
    fn fresh(&mut self, now: UnixMillis) -> Option<(&Held<T>, &Rc<T>, u64)> {
        let steady = self.look(now);
        let held = self.held.as_ref()?;
        let age_ms = held.age_ms(steady);
        let is_fresh = freshness::state_of(&held.terms, age_ms) == ReadState::Fresh;
        let value = held.value.as_ref().filter(|_| is_fresh)?;
        Some((held, value, age_ms))
    }

    /// Whether the policy lets a read at `now` be answered with what is held: what a read asks
    /// after it has waited.
    pub fn may_serve(&mut self, now: UnixMillis, policy: &ReaderSettings) -> bool {
        let steady = self.look(now);
        policy.on_expired != OnExpired::Error
            || self
                .held
                .as_ref()
                .is_none_or(|held| held.span(steady) != Span::Expired)
    }

    /// Counts a read that the `error` policy failed.
    pub fn count_refusal(&mut self) {
        self.counts.refused += 1;
    }

    /// The counts so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The version held, as of the last read.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.held.as_ref().map(|held| held.version)
    }

    /// For how many milliseconds from `now` on no call is made, after one that failed.
    pub fn paused_ms(&mut self, now: UnixMillis) -> u64 {
        let steady = self.clock.read(now);
        self.paused_until.since(steady)
    }
}
