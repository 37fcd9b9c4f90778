//! The announcement of a scheduled snapshot.

use super::{members, saturating_number};
use crate::version::Version;

/// The value of `Bellwether-Pending`: what becomes the head next, and when. The time is relative,
/// counted from the answer that tells it, so that no reader trusts another machine's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The version that it will have. It never names another content.
    pub version: Version,
    /// Milliseconds until it is the head.
    pub in_ms: u64,
}

impl Pending {
    /// `version=8, in_ms=90000`.
    pub fn to_header(&self) -> String {
        let Pending { version, in_ms } = self;
        format!("version={version}, in_ms={in_ms}")
    }

    /// Reads a header back, as tolerantly as [`Freshness::parse`](super::Freshness::parse). `None`
    /// where one of the two is missing, or is no number, or the version is not one. Allocates nothing.
    pub fn parse(header: &str) -> Option<Pending> {
        let (mut version, mut in_ms) = (None, None);
        for (name, value) in members(header) {
            match name {
                "version" => version = saturating_number(value).and_then(Version::new),
                "in_ms" => in_ms = saturating_number(value),
                _ => {}
            }
        }
        Some(Pending {
            version: version?,
            in_ms: in_ms?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn pending(version: u64, in_ms: u64) -> Pending {
        let version = Version::new(version).unwrap();
        Pending { version, in_ms }
    }

    #[test]
    fn an_announcement_is_written_as_the_contract_says() {
        assert_eq!(pending(8, 90_000).to_header(), "version=8, in_ms=90000");
    }

    #[test]
    fn parsing_is_tolerant() {
        for header in [
            "version=8, in_ms=90000",
            "in_ms=90000,version=8",
            "  version = 8 ,, future, other=7 ,\tin_ms=0090000 , ",
            "version=7, in_ms=1, version=8;p=1, in_ms=90000;q",
            "version=x, in_ms, version=8, in_ms=90000",
            "x=\"a, version=5, \\\", in_ms=6\", version=8, in_ms=90000",
        ] {
            assert_eq!(Pending::parse(header), Some(pending(8, 90_000)), "{header}");
        }
    }

    #[test]
    fn numbers_saturate_and_what_is_no_announcement_is_none() {
        let far = Pending::parse("version=9007199254740991, in_ms=18446744073709551616");
        assert_eq!(far, Some(pending(Version::MAX.get(), u64::MAX)));
        for header in [
            "",
            "version=8",
            "in_ms=1",
            "version, in_ms=1",
            "version=8, in_ms",
            "version=0, in_ms=1",
            "version=9007199254740992, in_ms=1",
            "version=99999999999999999999, in_ms=1",
            "version=-8, in_ms=1",
            "version=8, in_ms=-1",
            "version=8, in_ms=1.5",
            "version=\"8\", in_ms=1",
            "version=8 in_ms=1",
            "version=8; in_ms=1",
            "Version=8, in_ms=1",
            "version=8, in_ms=1, version=x",
        ] {
            assert_eq!(Pending::parse(header), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn an_announcement_survives_the_wire(version in 1..=Version::MAX.get(), in_ms: u64) {
            let pending = pending(version, in_ms);
            prop_assert_eq!(Pending::parse(&pending.to_header()), Some(pending));
        }

        #[test]
        fn parsing_never_panics(header in ".*") {
            let _ = Pending::parse(&header);
        }
    }
}
