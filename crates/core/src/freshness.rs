//! How old a read is, and what that makes it.

use crate::wire::{Freshness, ReadState};

/// The state of a snapshot that is `age_ms` old under the terms that came with it: younger than
/// the TTL is fresh; older but within stale-while-revalidate is stale; past that is expired. A
/// head that holds built-in layers only is `base` at any age.
#[must_use]
pub fn state_of(terms: &Freshness, age_ms: u64) -> ReadState {
    if terms.base {
        return ReadState::Base;
    }
    span_of(terms, age_ms).into()
}

impl Freshness {
    /// The same terms, so many milliseconds later.
    #[must_use]
    pub fn aged(self, ms: u64) -> Self {
        Self {
            age_ms: self.age_ms.saturating_add(ms),
            ..self
        }
    }
}

/// Where an age lies, whatever the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    /// Below the TTL: serve without a call.
    Fresh,
    /// Within stale-while-revalidate: serve, and ask behind the response.
    Stale,
    /// Past both: the Worker's policy decides.
    Expired,
}

impl From<Span> for ReadState {
    fn from(span: Span) -> Self {
        match span {
            Span::Fresh => Self::Fresh,
            Span::Stale => Self::Stale,
            Span::Expired => Self::Expired,
        }
    }
}

/// Places an age in milliseconds within the terms.
#[must_use]
pub fn span_of(terms: &Freshness, age_ms: u64) -> Span {
    if age_ms < terms.ttl_ms {
        Span::Fresh
    } else if age_ms < terms.ttl_ms.saturating_add(terms.swr_ms) {
        Span::Stale
    } else {
        Span::Expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terms(ttl_ms: u64, swr_ms: u64) -> Freshness {
        Freshness {
            age_ms: 0,
            ttl_ms,
            swr_ms,
            base: false,
        }
    }

    #[test]
    fn each_bound_belongs_to_the_older_state() {
        let terms = terms(100, 50);
        for (age_ms, span) in [
            (0, Span::Fresh),
            (99, Span::Fresh),
            (100, Span::Stale),
            (101, Span::Stale),
            (149, Span::Stale),
            (150, Span::Expired),
            (151, Span::Expired),
            (u64::MAX, Span::Expired),
        ] {
            assert_eq!(span_of(&terms, age_ms), span, "at {age_ms} ms");
        }
    }

    #[test]
    fn without_stale_while_revalidate_fresh_turns_into_expired() {
        assert_eq!(span_of(&terms(100, 0), 99), Span::Fresh);
        assert_eq!(span_of(&terms(100, 0), 100), Span::Expired);
    }

    #[test]
    fn built_in_layers_are_base_at_any_age() {
        let base = Freshness {
            base: true,
            ..terms(100, 50)
        };
        for age_ms in [0, 100, 150] {
            assert_eq!(state_of(&base, age_ms), ReadState::Base);
        }
    }

    proptest! {
        #[test]
        fn growing_older_never_makes_fresher(ttl_ms: u64, swr_ms: u64, age_ms in 0..u64::MAX) {
            let terms = terms(ttl_ms, swr_ms);
            prop_assert!(span_of(&terms, age_ms) <= span_of(&terms, age_ms + 1));
        }

        #[test]
        fn nothing_within_the_bounds_is_expired(ttl_ms in 0_u64..1 << 40, swr_ms in 0_u64..1 << 40, age_ms: u64) {
            let expired = span_of(&terms(ttl_ms, swr_ms), age_ms) == Span::Expired;
            prop_assert_eq!(expired, age_ms >= ttl_ms + swr_ms);
        }
    }
}
