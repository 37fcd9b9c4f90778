//! What a reader tells of itself with a call that it makes anyway: the header `Bellwether-Reader`.

use crate::query::percent_decoded;
use crate::text::{cut, push_encoded};
use crate::version::{Version, hex_digit};

/// Longest header that is looked at, in bytes; no report that [`Report::to_header`] writes is longer.
pub const MAX_REPORT_BYTES: usize = 1_024;

/// So much of a rejection's pointer is told, in bytes as encoded.
pub const MAX_POINTER_BYTES: usize = 200;

/// So much of a rejection's message is told, in bytes as encoded.
pub const MAX_MESSAGE_BYTES: usize = 400;

/// The one form of a report that this code writes and reads.
const FORM: &str = "1";

/// Commas in a report that tells of no rejection, and in one that does.
const COMMAS: [usize; 2] = [9, 12];

/// A data centre: three capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// A reader's word about itself. A rejection is a version, where the document did not fit, and why;
/// `R` is how it stands here: encoded where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report<R> {
    /// Which reader, in which isolate: a number that it drew when it began, never 0.
    pub isolate: u64,
    /// Where it is.
    pub colo: Colo,
    /// The version that it holds; 0 for none.
    pub version: u64,
    /// How long it has held that, in milliseconds.
    pub held_ms: u64,
    /// How many reports it sent before this one.
    pub sent: u64,
    /// Its reads since it began: fresh, stale, expired, base.
    pub reads: [u64; 4],
    /// The newer document that it refused.
    pub rejection: Option<R>,
}

impl Report<(Version, &str, &str)> {
    /// As it travels.
    #[must_use]
    pub fn to_header(&self) -> String {
        let mut header = format!(
            "{FORM},{},{}",
            isolate_text(self.isolate),
            self.colo.as_str()
        );
        let [fresh, stale, expired, base] = self.reads;
        for number in [
            self.version,
            self.held_ms,
            self.sent,
            fresh,
            stale,
            expired,
            base,
        ] {
            push_number(&mut header, number);
        }
        if let Some((version, pointer, message)) = self.rejection {
            push_number(&mut header, version.get());
            push_encoded(&mut header, ',', pointer, MAX_POINTER_BYTES);
            push_encoded(&mut header, ',', message, MAX_MESSAGE_BYTES);
        }
        header
    }
}

impl<'h> Report<&'h str> {
    /// Reads a header back, strictly; `None` where anything about it is not as it must be.
    #[must_use]
    pub fn parse(header: &'h str) -> Option<Self> {
        let commas = header.bytes().filter(|byte| *byte == b',').count();
        let visible = header.bytes().all(|byte| byte.is_ascii_graphic());
        if header.len() > MAX_REPORT_BYTES || !visible || !COMMAS.contains(&commas) {
            return None;
        }
        let mut rest = header;
        if cut(&mut rest, b',') != FORM {
            return None;
        }
        let isolate = isolate(cut(&mut rest, b','))?;
        let colo = Colo::parse(cut(&mut rest, b','))?;
        let mut numbers = [0; 7];
        for place in &mut numbers {
            *place = number(cut(&mut rest, b','))?;
        }
        let [version, held_ms, sent, reads @ ..] = numbers;
        let rejection = (commas > COMMAS[0]).then_some(rest);
        if let Some(rejection) = rejection {
            decoded(rejection)?;
        }
        Some(Self {
            isolate,
            colo,
            version,
            held_ms,
            sent,
            reads,
            rejection,
        })
    }
}

/// A rejection as it travels: version, pointer and message.
pub(super) fn decoded(mut rejection: &str) -> Option<(u64, String, String)> {
    let version = number(cut(&mut rejection, b','))?;
    let mut text = || percent_decoded(cut(&mut rejection, b','), false).ok();
    Some((version, text()?, text()?))
}

/// Sixteen lower-case hexadecimal digits.
#[must_use]
pub fn isolate_text(id: u64) -> String {
    let (high, low) = ((id >> 32) as u32, id as u32);
    format!("{high:08x}{low:08x}")
}

fn isolate(digits: &str) -> Option<u64> {
    let mut id = 0;
    for digit in digits.bytes() {
        id = id << 4 | u64::from(hex_digit(digit)?);
    }
    (digits.len() == 16 && id != 0).then_some(id)
}

#[inline(never)]
fn push_number(header: &mut String, number: u64) {
    header.push(',');
    header.push_str(&number.min(Version::MAX.get()).to_string());
}

/// Digits without a sign or a nought in front, within what JavaScript reads exactly.
#[inline(never)]
fn number(digits: &str) -> Option<u64> {
    let mut number = 0;
    for digit in digits.bytes() {
        if !digit.is_ascii_digit() || number > Version::MAX.get() / 10 {
            return None;
        }
        number = number * 10 + u64::from(digit - b'0');
    }
    let padded = digits.len() > 1 && digits.starts_with('0');
    (!digits.is_empty() && !padded && number <= Version::MAX.get()).then_some(number)
}
