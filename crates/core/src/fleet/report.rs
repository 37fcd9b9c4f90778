//! What a reader tells of itself with a call that it makes anyway: the header `Bellwether-Reader`.

use crate::query::percent_decoded;
use crate::version::{Version, hex_digit};

/// Longest header that is looked at, in bytes: more than any that [`Report::to_header`] writes.
pub const MAX_REPORT_BYTES: usize = 4_096;

/// So much of a rejection's pointer is told, in characters.
pub const MAX_POINTER_CHARS: usize = 100;

/// So much of a rejection's message is told, in characters.
pub const MAX_MESSAGE_CHARS: usize = 200;

/// The one form of a report that this code writes and reads.
const FORM: &str = "1";

/// A data centre: three capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Colo([u8; 3]);

impl Colo {
    /// Where it is not known.
    pub const UNKNOWN: Self = Self(*b"---");

    /// A data centre's name, or `---`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        let colo = Self(letters);
        (colo == Self::UNKNOWN || letters.iter().all(u8::is_ascii_uppercase)).then_some(colo)
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A reader's word about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which reader, in which isolate: a number that it drew when it began, never 0.
    pub isolate: u64,
    /// Where it is.
    pub colo: Colo,
    /// The version that it holds.
    pub version: Option<Version>,
    /// How long it has held that, in milliseconds.
    pub held_ms: u64,
    /// How many of its reports were answered so far.
    pub answered: u64,
    /// Its reads since it began: fresh, stale, expired, base.
    pub reads: [u64; 4],
    /// The newer document that it refused.
    pub rejection: Option<Rejection>,
}

/// Why a document was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its version.
    pub version: Version,
    /// Where it did not fit, RFC 6901.
    pub pointer: String,
    /// Why.
    pub message: String,
}

impl Report {
    /// As it travels.
    #[must_use]
    pub fn to_header(&self) -> String {
        let mut header = format!(
            "{FORM},{},{}",
            isolate_text(self.isolate),
            self.colo.as_str()
        );
        let [fresh, stale, expired, base] = self.reads;
        let version = self.version.map_or(0, Version::get);
        let (held_ms, answered) = (self.held_ms, self.answered);
        for number in [version, held_ms, answered, fresh, stale, expired, base] {
            push_number(&mut header, number);
        }
        if let Some(rejection) = &self.rejection {
            push_number(&mut header, rejection.version.get());
            push_encoded(&mut header, &rejection.pointer, MAX_POINTER_CHARS);
            push_encoded(&mut header, &rejection.message, MAX_MESSAGE_CHARS);
        }
        header
    }

    /// Reads a header back, strictly; `None` where anything about it is not as it must be.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        if header.len() > MAX_REPORT_BYTES || !header.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let mut parts = header.split(',');
        if parts.next() != Some(FORM) {
            return None;
        }
        let isolate = isolate(parts.next()?)?;
        let colo = Colo::parse(parts.next()?)?;
        let mut numbers = [0; 7];
        for place in &mut numbers {
            *place = number(parts.next()?)?;
        }
        let [version, held_ms, answered, reads @ ..] = numbers;
        let rejection = match parts.next() {
            None => None,
            Some(version) => Some(Rejection {
                version: Version::new(number(version)?)?,
                pointer: text(parts.next()?, MAX_POINTER_CHARS)?,
                message: text(parts.next()?, MAX_MESSAGE_CHARS)?,
            }),
        };
        parts.next().is_none().then_some(Self {
            isolate,
            colo,
            version: Version::new(version),
            held_ms,
            answered,
            reads,
            rejection,
        })
    }
}

/// Sixteen lower-case hexadecimal digits.
#[must_use]
pub fn isolate_text(id: u64) -> String {
    let (high, low) = ((id >> 32) as u32, id as u32);
    format!("{high:08x}{low:08x}")
}

fn isolate(digits: &str) -> Option<u64> {
    if digits.len() != 16 {
        return None;
    }
    let mut id = 0;
    for digit in digits.bytes() {
        id = id << 4 | u64::from(hex_digit(digit)?);
    }
    (id != 0).then_some(id)
}

#[inline(never)]
fn push_number(header: &mut String, number: u64) {
    header.push(',');
    header.push_str(&number.min(Version::MAX.get()).to_string());
}

/// As JavaScript's `encodeURIComponent` writes it.
fn push_encoded(header: &mut String, text: &str, max_chars: usize) {
    header.push(',');
    for character in text.chars().take(max_chars) {
        let plain = matches!(
            character,
            '-' | '_' | '.' | '!' | '~' | '*' | '\'' | '(' | ')'
        );
        if plain || character.is_ascii_alphanumeric() {
            header.push(character);
            continue;
        }
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            header.push('%');
            for digit in [byte >> 4, byte & 15] {
                let letter = if digit < 10 { b'0' } else { b'A' - 10 };
                header.push(char::from(letter + digit));
            }
        }
    }
}

/// Digits without a sign or a nought in front, within what JavaScript reads exactly.
#[inline(never)]
fn number(digits: &str) -> Option<u64> {
    let spelled = match digits.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.len() < 16 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let number = spelled.then(|| digits.parse().ok()).flatten();
    number.filter(|number| *number <= Version::MAX.get())
}

#[inline(never)]
fn text(encoded: &str, max_chars: usize) -> Option<String> {
    let text = percent_decoded(encoded, false).ok()?;
    (text.chars().count() <= max_chars).then_some(text)
}
