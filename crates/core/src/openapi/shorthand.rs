//! What stands between two `@` in `document.txt`:
//!
//! - `Type`: a schema. A type is one of JSON's own, or a component with its upper case; `Type?` may
//!   be null as well, `Type*` is a list.
//! - `{name:Type name?:Type`: an object; a member with `?` may be missing. With ` !` at the end it
//!   has no others.
//! - `=name`: what the code has.

use super::{Out, cut};
use crate::guard::Waivers;
use crate::moment::MAX_DAYS_AHEAD;
use crate::page::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::refresh::Outcome;
use crate::request_body::MAX_REASON_CHARS;
use crate::request_header::MAX_IDEMPOTENCY_KEY_CHARS;
use crate::settings::REFRESH_INTERVAL_MS;
use crate::space_name::MAX_SPACE_NAME_BYTES;
use crate::version::Version;
use crate::wire::ReadState;

const NUMBERS: &[(&str, u64)] = &[
    ("=max_version", Version::MAX.get()),
    ("=max_limit", MAX_LIMIT),
    ("=default_limit", DEFAULT_LIMIT),
    ("=days_ahead", MAX_DAYS_AHEAD),
    ("=reason_chars", MAX_REASON_CHARS as u64),
    ("=key_chars", MAX_IDEMPOTENCY_KEY_CHARS as u64),
    ("=more_name_bytes", MAX_SPACE_NAME_BYTES as u64 - 1),
    ("=least_interval_ms", *REFRESH_INTERVAL_MS.start()),
    ("=most_interval_ms", *REFRESH_INTERVAL_MS.end()),
];

impl Out {
    /// A text with its shorthand written out.
    pub(super) fn shorthand(&mut self, mut text: &str) {
        while !text.is_empty() {
            let plain = cut(&mut text, b'@');
            self.text(plain);
            let short = cut(&mut text, b'@');
            match short.as_bytes().first() {
                None => {}
                Some(b'=') => self.constant(short),
                Some(b'{') => self.object(short),
                Some(_) => self.kind(short),
            }
        }
    }

    #[inline(never)]
    fn kind(&mut self, name: &str) {
        if let Some(item) = name.strip_suffix('*') {
            self.text("{\"type\":\"array\",\"items\":");
            self.kind(item);
            self.text("}");
        } else if let Some(name) = name.strip_suffix('?') {
            self.text("{\"anyOf\":[");
            self.kind(name);
            self.text(",{\"type\":\"null\"}]}");
        } else if name.as_bytes().first().is_some_and(u8::is_ascii_uppercase) {
            self.reference("schemas", name);
        } else {
            self.text("{\"type\":");
            self.quoted(name);
            self.text("}");
        }
    }

    fn object(&mut self, text: &str) {
        let mut required = Out("[".to_owned());
        self.text("{\"type\":\"object\",\"properties\":{");
        let closed = text.strip_suffix(" !");
        let mut members = closed.unwrap_or(text);
        cut(&mut members, b'{');
        while !members.is_empty() {
            let mut kind = cut(&mut members, b' ');
            let name = cut(&mut kind, b':');
            let optional = name.strip_suffix('?');
            self.name(optional.unwrap_or(name));
            self.kind(kind);
            if optional.is_none() {
                required.item(name);
            }
        }
        self.text("},\"required\":");
        self.text(&required.0);
        self.text("]");
        if closed.is_some() {
            self.text(",\"additionalProperties\":false");
        }
        self.text("}");
    }

    fn constant(&mut self, name: &str) {
        for (known, number) in NUMBERS {
            if name == *known {
                self.number(*number);
            }
        }
        match name {
            "=package_version" => self.text(env!("CARGO_PKG_VERSION")),
            "=paths" => self.paths(),
            "=problems" => self.problems(),
            "=waivers" => {
                for name in Waivers::NAMES {
                    self.item(name);
                }
            }
            "=states" => {
                for state in ReadState::ALL {
                    self.item(state.as_str());
                }
            }
            "=outcomes" => {
                for outcome in Outcome::ALL {
                    self.item(outcome.as_str());
                }
            }
            _ => {}
        }
    }
}
