//! What names one snapshot: its version, the moment it was adopted, its content hash and its ETag.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};

/// A snapshot's version: given at adoption, only ever growing, `1..=2^53-1` so that JavaScript
/// reads it exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Version(u64);

impl Version {
    /// The version of the first snapshot of a space.
    pub const FIRST: Version = Version(1);
    /// The last version there can be, `2^53 - 1`.
    pub const MAX: Version = Version((1 << 53) - 1);

    /// The version with this number; `None` for 0 and from `2^53` on.
    pub const fn new(number: u64) -> Option<Version> {
        if number >= Self::FIRST.0 && number <= Self::MAX.0 {
            Some(Version(number))
        } else {
            None
        }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The version after this one; `None` after [`Version::MAX`].
    pub const fn next(self) -> Option<Version> {
        Version::new(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<Version> for u64 {
    fn from(version: Version) -> u64 {
        version.0
    }
}

impl TryFrom<u64> for Version {
    type Error = &'static str;

    fn try_from(number: u64) -> Result<Version, Self::Error> {
        Version::new(number).ok_or("a version is a whole number from 1 to 2^53 - 1")
    }
}

/// A moment, in milliseconds since 1970-01-01T00:00:00Z. Always an argument: the core reads no
/// clock.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// Milliseconds from `earlier` to this moment; 0 when the clock went backwards.
    pub const fn since(self, earlier: UnixMillis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment `ms` milliseconds later.
    pub const fn plus(self, ms: u64) -> UnixMillis {
        UnixMillis(self.0.saturating_add(ms))
    }
}

/// The SHA-256 of a document's compact text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> ContentHash {
        ContentHash(Sha256::digest(bytes).into())
    }

    /// The hash that [`ContentHash::hex`] wrote; `None` unless it is 64 lower-case hexadecimal
    /// digits.
    pub fn from_hex(hex: &str) -> Option<ContentHash> {
        let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
        }
        Some(ContentHash(hash))
    }

    /// 64 lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        self.to_string()
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

impl Serialize for ContentHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ContentHash, D::Error> {
        let hex = String::deserialize(deserializer)?;
        ContentHash::from_hex(&hex)
            .ok_or_else(|| D::Error::custom("a hash is 64 lower-case hexadecimal digits"))
    }
}

/// A snapshot's strong entity tag, quotes included: `"v12-9f86d081884c7d65"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct ETag(String);

impl ETag {
    /// The tag of a snapshot: its version and the first 8 bytes of its content hash.
    pub fn of(version: Version, hash: &ContentHash) -> ETag {
        let hex = hash.hex();
        ETag(format!("\"v{version}-{}\"", hex.get(..16).unwrap_or(&hex)))
    }

    /// A tag that the coordinator sent, weakened by a proxy or not; `None` unless it is one.
    pub fn from_header(header: &str) -> Option<ETag> {
        let tag = header.trim();
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        let opaque = tag.strip_prefix('"')?.strip_suffix('"')?;
        (!opaque.is_empty() && !opaque.contains('"')).then(|| ETag(tag.to_owned()))
    }

    /// The tag as a header carries it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an `If-Match` value names this tag: `*`, or a list that holds it. The comparison is
    /// strong (RFC 9110, 13.1.1): a tag that was weakened on its way matches nothing.
    pub fn matches_if_match(&self, header: &str) -> bool {
        header.trim() == "*" || header.split(',').any(|tag| tag.trim() == self.0)
    }

    /// Whether an `If-None-Match` value names this tag: `*`, or a list that holds it.
    ///
    /// The comparison is weak (RFC 9110, 13.1.2), since a proxy that compresses may turn a tag into
    /// `W/"…"`. Splitting at commas is sound, since no entity tag holds a quote.
    pub fn matches_if_none_match(&self, header: &str) -> bool {
        header.trim() == "*"
            || header
                .split(',')
                .map(str::trim)
                .any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == self.0)
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;

    const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_version_is_below_2_to_the_53() {
        assert_eq!(Version::new(0), None);
        assert_eq!(Version::new(1), Some(Version::FIRST));
        assert_eq!(
            Version::new((1 << 53) - 2).and_then(Version::next),
            Some(Version::MAX)
        );
        assert_eq!(Version::new((1 << 53) - 1), Some(Version::MAX));
        assert_eq!(Version::new(1 << 53), None);
        assert_eq!(Version::new(u64::MAX), None);
        assert_eq!(Version::MAX.next(), None);
        assert_eq!(
            serde_json::from_str::<Version>("7").unwrap(),
            Version::new(7).unwrap()
        );
        for refused in ["0", "9007199254740992", "-1", "1.5", "\"1\""] {
            assert!(
                serde_json::from_str::<Version>(refused).is_err(),
                "{refused}"
            );
        }
    }

    #[test]
    fn time_never_runs_backwards_or_over() {
        assert_eq!(UnixMillis(5).since(UnixMillis(9)), 0);
        assert_eq!(UnixMillis(9).since(UnixMillis(5)), 4);
        assert_eq!(UnixMillis(u64::MAX).plus(1), UnixMillis(u64::MAX));
    }

    #[test]
    fn a_hash_reads_back_from_its_hex() {
        let hash = ContentHash::of(b"");
        assert_eq!(hash.hex(), EMPTY_SHA256);
        assert_eq!(ContentHash::from_hex(EMPTY_SHA256), Some(hash));
        assert_eq!(
            serde_json::to_string(&hash).unwrap(),
            format!("\"{EMPTY_SHA256}\"")
        );
        assert_eq!(
            serde_json::from_str::<ContentHash>(&format!("\"{EMPTY_SHA256}\"")).unwrap(),
            hash
        );
        let upper = EMPTY_SHA256.to_uppercase();
        for refused in [
            "",
            &EMPTY_SHA256[1..],
            &EMPTY_SHA256[2..],
            &format!("{EMPTY_SHA256}0"),
            &upper,
            "é",
        ] {
            assert_eq!(ContentHash::from_hex(refused), None, "{refused}");
        }
    }

    #[test]
    fn an_etag_is_found_in_if_none_match() {
        let etag = ETag::of(Version::new(12).unwrap(), &ContentHash::of(b""));
        assert_eq!(etag.as_str(), "\"v12-e3b0c44298fc1c14\"");
        for hit in [
            "\"v12-e3b0c44298fc1c14\"",
            "*",
            " * ",
            "W/\"v12-e3b0c44298fc1c14\"",
            "\"a\" ,\t\"v12-e3b0c44298fc1c14\"",
        ] {
            assert!(etag.matches_if_none_match(hit), "{hit}");
        }
        for miss in [
            "",
            "\"*\"",
            "*,",
            "v12-e3b0c44298fc1c14",
            "\"v1-e3b0c44298fc1c14\"",
            "w/\"v12-e3b0c44298fc1c14\"",
        ] {
            assert!(!etag.matches_if_none_match(miss), "{miss}");
        }
    }
}
