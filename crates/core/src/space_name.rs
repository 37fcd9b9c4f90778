//! The name of a space.

use std::borrow::Borrow;
use std::fmt;

/// Longest space name, in bytes.
pub const MAX_SPACE_NAME_BYTES: usize = 64;

/// A valid space name: `[a-z0-9][a-z0-9_-]{0,63}`. It is also its Durable Object's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpaceName(String);

impl SpaceName {
    /// What [`SpaceName::parse`] takes, in words for error messages.
    pub const EXPECTED: &'static str =
        "1 to 64 of a-z, 0-9, \"_\" and \"-\", beginning with a letter or digit";

    /// The name, if it is a valid one.
    pub fn parse(name: &str) -> Option<SpaceName> {
        SpaceName::is_valid(name).then(|| SpaceName(name.to_owned()))
    }

    /// Whether `name` is a valid space name; allocates nothing.
    pub fn is_valid(name: &str) -> bool {
        let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        name.len() <= MAX_SPACE_NAME_BYTES
            && name.bytes().next().is_some_and(alphanumeric)
            && name
                .bytes()
                .all(|byte| alphanumeric(byte) || matches!(byte, b'_' | b'-'))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for SpaceName {
    fn default() -> SpaceName {
        SpaceName(crate::names::DEFAULT_SPACE.to_owned())
    }
}

impl Borrow<str> for SpaceName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SpaceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_names() {
        for name in [
            "default",
            "a",
            "0",
            "a-b_c",
            "9-",
            &"a".repeat(63),
            &"a".repeat(64),
        ] {
            assert!(SpaceName::parse(name).is_some(), "{name}");
        }
        assert!(SpaceName::is_valid(SpaceName::default().as_str()));
    }

    #[test]
    fn invalid_names() {
        let too_long = "a".repeat(65);
        for name in [
            "", "-a", "_a", "A", "a.b", "a/b", "a b", "ä", "%61", "a\0", &too_long,
        ] {
            assert!(SpaceName::parse(name).is_none(), "{name}");
        }
    }
}
