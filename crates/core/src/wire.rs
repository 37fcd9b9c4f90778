//! What travels between the object, readers and people besides documents: freshness, read states, times.

mod pending;
mod time;

use serde::{Deserialize, Serialize};

pub use pending::Pending;
pub use time::{http_date, parse_rfc3339, rfc3339};

/// The value of `Bellwether-Freshness`: how old a snapshot is and how long a reader may keep it.
/// Ages are relative, so that no reader trusts another machine's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// Age of the reply when it was sent, milliseconds.
    pub age_ms: u64,
    /// How long it is fresh, milliseconds.
    pub ttl_ms: u64,
    /// How much longer it may be served while a newer one is fetched, milliseconds.
    pub swr_ms: u64,
    /// The head holds built-in layers only: nothing came from a source yet.
    pub base: bool,
}

impl Freshness {
    /// `age_ms=0, ttl_ms=30000, swr_ms=300000`, and `, base` where it is so.
    pub fn to_header(&self) -> String {
        let Freshness {
            age_ms,
            ttl_ms,
            swr_ms,
            base,
        } = self;
        let base = if *base { ", base" } else { "" };
        format!("age_ms={age_ms}, ttl_ms={ttl_ms}, swr_ms={swr_ms}{base}")
    }

    /// Reads a header back: members in any order, unknown ones and spaces skipped, the last of
    /// two equals counts, numbers too large saturate. `None` where one of the three numbers is
    /// missing or is not one. Allocates nothing.
    pub fn parse(header: &str) -> Option<Freshness> {
        let (mut age_ms, mut ttl_ms, mut swr_ms, mut base) = (None, None, None, false);
        for (name, value) in members(header) {
            match name {
                "age_ms" => age_ms = saturating_number(value),
                "ttl_ms" => ttl_ms = saturating_number(value),
                "swr_ms" => swr_ms = saturating_number(value),
                "base" => base = value == "?1",
                _ => {}
            }
        }
        Some(Freshness {
            age_ms: age_ms?,
            ttl_ms: ttl_ms?,
            swr_ms: swr_ms?,
            base,
        })
    }
}

/// How a read stands to the TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadState {
    /// Younger than the TTL.
    Fresh,
    /// Older, but within stale-while-revalidate.
    Stale,
    /// Past that.
    Expired,
    /// Nothing received yet: built-in layers only.
    Base,
}

impl ReadState {
    /// Every state, in the order of metrics and documents.
    pub const ALL: [ReadState; 4] = [
        ReadState::Fresh,
        ReadState::Stale,
        ReadState::Expired,
        ReadState::Base,
    ];

    /// The value of `Bellwether-State`.
    pub const fn as_str(self) -> &'static str {
        match self {
            ReadState::Fresh => "fresh",
            ReadState::Stale => "stale",
            ReadState::Expired => "expired",
            ReadState::Base => "base",
        }
    }

    /// The state a header names.
    pub fn parse(name: &str) -> Option<ReadState> {
        ReadState::ALL
            .into_iter()
            .find(|state| state.as_str() == name.trim())
    }
}

/// Where an answer came from, and what state it is in. Without a duration: a Worker's clock stands
/// still between I/O, so a number would mostly be a false nought.
#[must_use]
pub fn server_timing(place: &str, state: ReadState) -> String {
    format!("{place};desc=\"{}\"", state.as_str())
}

/// For caches between: private, since a token was needed, and in whole seconds.
#[must_use]
pub fn cache_control(ttl_ms: u64, swr_ms: u64) -> String {
    format!(
        "private, max-age={}, stale-while-revalidate={}",
        ttl_ms / 1_000,
        swr_ms / 1_000
    )
}

/// Names and values of a structured-field dictionary. It splits at commas outside double quotes: an
/// unknown member may be a string that holds one.
fn members(header: &str) -> impl Iterator<Item = (&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    let members = header.split(move |character| {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        character == ',' && !quoted
    });
    members.map(|member| {
        // A member may carry parameters; a later version's must not break us.
        let member = member.split(';').next().unwrap_or_default();
        match member.split_once('=') {
            Some((name, value)) => (name.trim(), value.trim()),
            None => (member.trim(), "?1"),
        }
    })
}

/// A whole number, in digits alone; the largest there is where it is larger.
pub(crate) fn saturating_number(digits: &str) -> Option<u64> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const USUAL: Freshness = Freshness {
        age_ms: 0,
        ttl_ms: 30_000,
        swr_ms: 300_000,
        base: false,
    };

    #[test]
    fn freshness_is_written_as_the_contract_says() {
        assert_eq!(USUAL.to_header(), "age_ms=0, ttl_ms=30000, swr_ms=300000");
        let base = Freshness {
            base: true,
            ..USUAL
        };
        assert_eq!(
            base.to_header(),
            "age_ms=0, ttl_ms=30000, swr_ms=300000, base"
        );
    }

    #[test]
    fn freshness_parsing_is_tolerant() {
        for header in [
            "age_ms=0, ttl_ms=30000, swr_ms=300000",
            "swr_ms=300000,age_ms=0,ttl_ms=30000",
            "  ttl_ms = 30000 ,, future, other=7 ,age_ms=00,\tswr_ms=300000 , ",
            "ttl_ms=1, ttl_ms=30000, swr_ms=300000;p=1, age_ms=0;q",
            "ttl_ms=x, ttl_ms=30000, swr_ms=300000, age_ms, age_ms=0",
            "x=\"a, ttl_ms=5, \\\", base\", age_ms=0, ttl_ms=30000, swr_ms=300000",
            "age_ms=0, ttl_ms=30000, swr_ms=300000, base=?0",
            "age_ms=0, ttl_ms=30000, swr_ms=300000, Base",
        ] {
            assert_eq!(Freshness::parse(header), Some(USUAL), "{header}");
        }
        for header in [
            "base, age_ms=0, ttl_ms=30000, swr_ms=300000",
            "age_ms=0, base=?1, ttl_ms=30000, swr_ms=300000",
        ] {
            assert_eq!(
                Freshness::parse(header),
                Some(Freshness {
                    base: true,
                    ..USUAL
                }),
                "{header}"
            );
        }
    }

    #[test]
    fn freshness_saturates_and_refuses() {
        let parsed =
            Freshness::parse("age_ms=18446744073709551616, ttl_ms=18446744073709551615, swr_ms=0")
                .unwrap();
        assert_eq!(
            (parsed.age_ms, parsed.ttl_ms, parsed.swr_ms),
            (u64::MAX, u64::MAX, 0)
        );
        for header in [
            "",
            "base",
            "age_ms=0, ttl_ms=1",
            "age_ms=, ttl_ms=1, swr_ms=1",
            "age_ms=-1, ttl_ms=1, swr_ms=1",
            "age_ms=1.5, ttl_ms=1, swr_ms=1",
            "age_ms, ttl_ms=1, swr_ms=1",
            "age_ms=+1, ttl_ms=1, swr_ms=1",
            "age_ms=1 ttl_ms=1 swr_ms=1",
            "age_ms=1, ttl_ms=1, swr_ms=1, age_ms=x",
            "age_ms=\"1\", ttl_ms=1, swr_ms=1",
        ] {
            assert_eq!(Freshness::parse(header), None, "{header}");
        }
    }

    #[test]
    fn states_and_their_names_agree() {
        for state in ReadState::ALL {
            assert_eq!(ReadState::parse(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert_eq!(ReadState::parse(" base "), Some(ReadState::Base));
        assert_eq!(ReadState::parse("Base"), None);
        assert_eq!(ReadState::parse(""), None);
    }

    proptest! {
        #[test]
        fn freshness_survives_the_wire(age_ms: u64, ttl_ms: u64, swr_ms: u64, base: bool) {
            let freshness = Freshness { age_ms, ttl_ms, swr_ms, base };
            prop_assert_eq!(Freshness::parse(&freshness.to_header()), Some(freshness));
        }

        #[test]
        fn freshness_parsing_never_panics(header in ".*") {
            let _ = Freshness::parse(&header);
        }
    }
}
