//! One strict pass over JSON text. What JSON parsers let through silently (duplicate keys, deep
//! nesting, integers that lose digits) is refused here, and every refusal names its pointer. By hand:
//! `serde_json`'s parser with a visitor that does the same is 2 KB larger in a bundle (gzipped).

mod key;
mod number;
mod rejection;
mod typed;

use std::borrow::Cow;

use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::document::MAX_DEPTH;
use crate::pointer::push_token;
use crate::reason::{Reason, ReasonCode};

pub use rejection::Rejection;
pub use typed::{Raw, typed};

/// The value in this text: no other place in Bellwether reads JSON, so that one parser is linked.
///
/// # Errors
/// The first thing that is wrong, with the pointer of the offending value.
pub fn parse(text: &str) -> Result<Value, Reason> {
    let mut pass = Pass::new(text);
    pass.whole().map_err(|Refused| pass.reason())
}

/// A [`ReasonCode::TooDeep`] for a document that was built rather than parsed.
pub(crate) fn too_deep(pointer: &str) -> Reason {
    Reason::new(ReasonCode::TooDeep, pointer, &too_deep_message())
}

fn too_deep_message() -> String {
    format!(
        "objects and arrays are nested more than {MAX_DEPTH} deep; expected {MAX_DEPTH} at most"
    )
}

/// Told in [`Pass::refusal`].
struct Refused;

/// The pass's state.
struct Pass<'t> {
    text: &'t str,
    /// How many bytes are read.
    at: usize,
    /// What was refused, once something was.
    refusal: (ReasonCode, String),
    /// The keys and indices of the refused value, innermost first.
    trail: Vec<String>,
}

impl<'t> Pass<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            refusal: (ReasonCode::Syntax, String::new()),
            trail: Vec::new(),
        }
    }

    fn whole(&mut self) -> Result<Value, Refused> {
        let value = self.value(0)?;
        match self.peek() {
            None => Ok(value),
            Some(_) => Err(self.syntax("trailing characters")),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Refused> {
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(|text| Value::String(text.into_owned())),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'n') => self.word("null").map(|()| Value::Null),
            Some(b't') => self.word("true").map(|()| Value::Bool(true)),
            Some(b'f') => self.word("false").map(|()| Value::Bool(false)),
            _ => Err(self.syntax("expected value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Refused> {
        let depth = self.enter(depth)?;
        let mut object = Map::new();
        if self.skip(b'}') {
            return Ok(Value::Object(object));
        }
        loop {
            let key = self.key()?.into_owned();
            let Ok(value) = self.value(depth) else {
                self.trail.push(key);
                return Err(Refused);
            };
            match object.entry(key) {
                Entry::Vacant(vacant) => _ = vacant.insert(value),
                Entry::Occupied(first) => {
                    self.trail.push(first.key().clone());
                    let message = "the key stands more than once in its object; expected it once";
                    return Err(self.refuse(ReasonCode::DuplicateKey, message.to_owned()));
                }
            }
            if !self.goes_on(b'}', "expected `,` or `}`")? {
                return Ok(Value::Object(object));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Refused> {
        let depth = self.enter(depth)?;
        let mut items = Vec::new();
        if self.skip(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            let Ok(item) = self.value(depth) else {
                self.trail.push(items.len().to_string());
                return Err(Refused);
            };
            items.push(item);
            if !self.goes_on(b']', "expected `,` or `]`")? {
                return Ok(Value::Array(items));
            }
        }
    }

    /// Reads a member's key and the colon behind it.
    fn key(&mut self) -> Result<Cow<'t, str>, Refused> {
        if self.peek() != Some(b'"') {
            return Err(self.syntax("key must be a string"));
        }
        let key = self.string()?;
        if !self.skip(b':') {
            return Err(self.syntax("expected `:`"));
        }
        Ok(key)
    }

    /// Reads an opening bracket.
    fn enter(&mut self, depth: usize) -> Result<usize, Refused> {
        if depth >= MAX_DEPTH {
            return Err(self.refuse(ReasonCode::TooDeep, too_deep_message()));
        }
        self.at += 1;
        Ok(depth + 1)
    }

    /// Reads what follows a member: a comma, or the closing bracket.
    fn goes_on(&mut self, closing: u8, expected: &str) -> Result<bool, Refused> {
        if self.skip(closing) {
            Ok(false)
        } else if !self.skip(b',') {
            Err(self.syntax(expected))
        } else if self.peek() == Some(closing) {
            Err(self.syntax("trailing comma"))
        } else {
            Ok(true)
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Refused> {
        for expected in word.bytes() {
            if self.byte() != Some(expected) {
                return Err(self.syntax("expected value"));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, Refused> {
        let digits = self.digits_of_number()?;
        number::exact(digits)
            .map_err(|message| self.refuse(ReasonCode::NumberOutOfRange, message.to_owned()))
    }

    fn digits_of_number(&mut self) -> Result<&'t str, Refused> {
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        let leading_zero = self.byte() == Some(b'0');
        let whole = self.at;
        self.digits()?;
        if leading_zero && self.at > whole + 1 {
            self.at = whole + 1;
            return Err(self.syntax("invalid number"));
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(self.read_since(start))
    }

    fn digits(&mut self) -> Result<(), Refused> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.syntax("invalid number"));
        }
        Ok(())
    }

    /// The text itself, unless there is an escape in it.
    fn string(&mut self) -> Result<Cow<'t, str>, Refused> {
        self.at += 1;
        let mut string = Cow::Borrowed("");
        loop {
            let start = self.at;
            while matches!(self.byte(), Some(byte) if byte >= b' ' && byte != b'"' && byte != b'\\')
            {
                self.at += 1;
            }
            string += self.read_since(start);
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => string.to_mut().push(self.escaped()?),
                _ => return Err(self.syntax("control character in a string")),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, Refused> {
        self.at += 1;
        let character = match self.byte() {
            Some(itself @ (b'"' | b'\\' | b'/')) => char::from(itself),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.syntax("invalid escape")),
        };
        self.at += 1;
        Ok(character)
    }

    /// What `\u` stands for; a character beyond 16 bits is written as two of them.
    fn unicode(&mut self) -> Result<char, Refused> {
        let mut code = self.hex()?;
        if matches!(code, 0xd800..0xdc00) && self.byte() == Some(b'\\') {
            self.at += 1;
            code = match (self.byte(), self.hex()?) {
                (Some(b'u'), low @ 0xdc00..0xe000) => {
                    0x1_0000 + ((code - 0xd800) << 10 | (low - 0xdc00))
                }
                _ => code,
            };
        }
        char::from_u32(code).ok_or_else(|| self.syntax("half a surrogate pair"))
    }

    /// Reads the letter `u` and four digits.
    fn hex(&mut self) -> Result<u32, Refused> {
        let mut code = 0;
        for _ in 0..4 {
            self.at += 1;
            let digit = self.byte().and_then(|byte| char::from(byte).to_digit(16));
            code = code << 4 | digit.ok_or_else(|| self.syntax("invalid escape"))?;
        }
        self.at += 1;
        Ok(code)
    }

    /// Reads this byte, if it is the next one behind white space.
    fn skip(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// The next byte behind white space, not read yet.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
        self.byte()
    }

    /// The next byte, not read yet.
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Begins and ends at ASCII characters, so never within another one.
    fn read_since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Refuses the next byte, or the end of the text.
    fn syntax(&mut self, message: &str) -> Refused {
        let message = if self.at >= self.text.len() {
            "the text ends too early, cut off perhaps; expected complete JSON".to_owned()
        } else {
            let read = self.text.as_bytes().get(..self.at).unwrap_or_default();
            let lines = || read.split(|byte| *byte == b'\n');
            let (line, column) = (
                lines().count(),
                lines().next_back().map_or(0, <[u8]>::len) + 1,
            );
            format!("not JSON: {message} at line {line} column {column}")
        };
        self.refuse(ReasonCode::Syntax, message)
    }

    fn refuse(&mut self, code: ReasonCode, message: String) -> Refused {
        self.refusal = (code, message);
        Refused
    }

    fn reason(&self) -> Reason {
        let mut pointer = String::new();
        for token in self.trail.iter().rev() {
            push_token(&mut pointer, token);
        }
        let (code, message) = &self.refusal;
        Reason::new(*code, &pointer, message)
    }
}
