//! The settings of this Worker's own reader.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::duration::format_duration_ms;
use super::rule;
use super::section::Section;
use super::source::without_query;
use super::suggest;
use crate::json::Members;
use crate::names::COORDINATOR_BINDING;
use crate::reason::kind_of;

pub(super) const FIELDS: &[&str] = &[
    "cold_start",
    "colo_cache",
    "on_expired",
    "revalidate_timeout",
    "transport",
];
/// The field that tells a kind of transport, and the fields that go with it.
const TRANSPORTS: [(&str, &[&str]); 3] = [
    ("object", &[]),
    ("service", &["token_secret"]),
    ("url", &["token_secret"]),
];
const TRANSPORT_FIELDS: &[&str] = &["object", "service", "url", "token_secret"];
const TRANSPORT_EXPECTED: &str =
    "one of { object }, { service, token_secret } and { url, token_secret }";

/// How long a read waits where the settings say "wait" and not how long, in milliseconds.
pub const DEFAULT_WAIT_MS: u64 = 50;
/// Up to 25 s: the platform cancels what a `wait_until` runs after 30 s.
const DEADLINE_MS: RangeInclusive<u64> = 1..=25_000;

/// How this Worker reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderSettings {
    /// What a read does when nothing was received yet.
    pub cold_start: ColdStart,
    /// What a read does when the snapshot is expired.
    pub on_expired: OnExpired,
    /// Deadline of a call made behind a response.
    pub revalidate_timeout_ms: u64,
    /// How the coordinator is reached.
    pub transport: TransportSettings,
    /// Whether the isolates of a data centre share through its cache what they are told.
    pub colo_cache: bool,
}

/// What a read does when nothing was received yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColdStart {
    /// Answers from built-in layers and fetches behind the response.
    Base,
    /// Asks the object, and falls back to base at the deadline.
    Wait {
        /// Milliseconds.
        deadline_ms: u64,
    },
}

/// What a read does when the snapshot is expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExpired {
    /// Serves it, and fetches behind the response.
    Serve,
    /// Asks the object, and serves it at the deadline.
    Wait {
        /// Milliseconds.
        deadline_ms: u64,
    },
    /// Fails the read.
    Error,
}

/// How the coordinator is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportSettings {
    /// The Durable Object's binding.
    Object {
        /// Its name.
        binding: String,
    },
    /// A service binding to the coordinator's Worker.
    Service {
        /// Its name.
        binding: String,
        /// The secret that holds a token with scope `read`.
        token_secret: String,
    },
    /// The coordinator's Worker over HTTP(S).
    Url {
        /// Where its routes begin, without a slash at the end.
        url: String,
        /// The secret that holds a token with scope `read`.
        token_secret: String,
    },
    /// The settings have a mistake here; nothing is asked, reads are served from the base.
    Unusable {
        /// The mistake, for status.
        reason: String,
    },
}

impl ReaderSettings {
    /// The settings in force, spelled as the settings var spells them.
    pub fn describe(&self) -> Value {
        let mut members = Members::new();
        let mut policy = |name, word, deadline_ms| match deadline_ms {
            None => _ = members.text(name, word),
            Some(deadline_ms) => {
                let wait = Members::new()
                    .text("wait", &format_duration_ms(deadline_ms))
                    .take();
                members.value(name, wait);
            }
        };
        match self.cold_start {
            ColdStart::Base => policy("cold_start", "base", None),
            ColdStart::Wait { deadline_ms } => policy("cold_start", "", Some(deadline_ms)),
        }
        match self.on_expired {
            OnExpired::Serve => policy("on_expired", "serve", None),
            OnExpired::Wait { deadline_ms } => policy("on_expired", "", Some(deadline_ms)),
            OnExpired::Error => policy("on_expired", "error", None),
        }
        let revalidate_timeout = format_duration_ms(self.revalidate_timeout_ms);
        members.text("revalidate_timeout", &revalidate_timeout);
        members.flag("colo_cache", self.colo_cache);
        members.value("transport", self.transport.describe()).take()
    }

    pub(super) fn parse(mut reader: Section<'_, '_>) -> ReaderSettings {
        let default = ReaderSettings::default();
        let cold_start = policy(&mut reader, "cold_start", &["base", "wait"]);
        let on_expired = policy(&mut reader, "on_expired", &["serve", "error", "wait"]);
        let revalidate_timeout_ms = reader.duration(
            "revalidate_timeout",
            DEADLINE_MS,
            default.revalidate_timeout_ms,
        );
        let transport = TransportSettings::parse(&mut reader);
        ReaderSettings {
            cold_start: match cold_start {
                Some(Policy::Word(_)) => ColdStart::Base,
                Some(Policy::Wait(deadline_ms)) => ColdStart::Wait { deadline_ms },
                None => default.cold_start,
            },
            on_expired: match on_expired {
                Some(Policy::Word(0)) => OnExpired::Serve,
                Some(Policy::Word(_)) => OnExpired::Error,
                Some(Policy::Wait(deadline_ms)) => OnExpired::Wait { deadline_ms },
                None => default.on_expired,
            },
            revalidate_timeout_ms,
            colo_cache: colo_cache(&mut reader, &transport),
            transport,
        }
    }
}

impl Default for ReaderSettings {
    fn default() -> ReaderSettings {
        ReaderSettings {
            cold_start: ColdStart::Wait {
                deadline_ms: DEFAULT_WAIT_MS,
            },
            on_expired: OnExpired::Serve,
            revalidate_timeout_ms: 5_000,
            transport: TransportSettings::default(),
            colo_cache: false,
        }
    }
}

impl TransportSettings {
    /// What status shows, without a secret's value.
    pub fn describe(&self) -> Value {
        let mut members = Members::new();
        match self {
            TransportSettings::Object { binding } => members.text("object", binding),
            TransportSettings::Service {
                binding,
                token_secret,
            } => members
                .text("service", binding)
                .text("token_secret", token_secret),
            TransportSettings::Url { url, token_secret } => members
                .text("url", without_query(url))
                .text("token_secret", token_secret),
            TransportSettings::Unusable { reason } => members.text("unusable", reason),
        };
        members.take()
    }

    /// Following the wrong coordinator is worse than following none: no default after a mistake.
    fn parse(reader: &mut Section<'_, '_>) -> TransportSettings {
        if !reader.has("transport") {
            return TransportSettings::default();
        }
        let mark = reader.mark();
        let parsed = reader
            .child("transport", Some(TRANSPORT_FIELDS))
            .and_then(parse_transport);
        match (parsed, reader.first_error_since(mark)) {
            (Some(transport), None) => transport,
            (_, error) => TransportSettings::Unusable {
                reason: error.map_or_else(String::new, |error| {
                    format!("the settings have a mistake at {error}")
                }),
            },
        }
    }
}

impl Default for TransportSettings {
    fn default() -> TransportSettings {
        TransportSettings::Object {
            binding: COORDINATOR_BINDING.to_owned(),
        }
    }
}

fn parse_transport(mut transport: Section<'_, '_>) -> Option<TransportSettings> {
    let mut kinds = TRANSPORTS.iter().filter(|(kind, _)| transport.has(kind));
    let (Some((kind, companions)), None) = (kinds.next(), kinds.next()) else {
        transport.wrong_here(format!("expected {TRANSPORT_EXPECTED}"));
        return None;
    };
    if companions.is_empty() {
        if transport.has("token_secret") {
            transport.wrong(
                "token_secret",
                format!("does not go with {kind:?}, expected {TRANSPORT_EXPECTED}"),
            );
        }
        return Some(TransportSettings::Object {
            binding: transport.text(kind, rule::binding)?,
        });
    }
    let token_secret = transport.text("token_secret", rule::binding);
    if *kind == "service" {
        let binding = transport.text(kind, rule::binding)?;
        return Some(TransportSettings::Service {
            binding,
            token_secret: token_secret?,
        });
    }
    let url = transport
        .text(kind, rule::base_url)?
        .trim_end_matches('/')
        .to_owned();
    Some(TransportSettings::Url {
        url,
        token_secret: token_secret?,
    })
}

/// What is shared must be told from another coordinator's, and a service binding does not say whose it is.
fn colo_cache(reader: &mut Section<'_, '_>, transport: &TransportSettings) -> bool {
    let wanted = reader.flag("colo_cache", false);
    let nameless = matches!(transport, TransportSettings::Service { .. });
    if wanted && nameless {
        let message = "does not go with the transport { service, token_secret }, expected false";
        reader.wrong("colo_cache", message.to_owned());
    }
    wanted && !nameless
}

/// A policy as it is written.
enum Policy {
    /// One of the words, by its place.
    Word(usize),
    /// To wait, in milliseconds.
    Wait(u64),
}

/// A policy: one of `words`, the last of which is `"wait"`, or `{ wait = "50ms" }`. `None` if absent
/// or, noted, wrong.
fn policy(reader: &mut Section<'_, '_>, name: &str, words: &[&str]) -> Option<Policy> {
    let value = reader.get(name)?;
    if value.is_object() {
        let mut waiting = reader.child(name, Some(&["wait"]))?;
        if !waiting.has("wait") {
            waiting.wrong(
                "wait",
                "missing, expected a duration such as \"50ms\"".to_owned(),
            );
        }
        let deadline_ms = waiting.duration("wait", DEADLINE_MS, DEFAULT_WAIT_MS);
        return Some(Policy::Wait(deadline_ms));
    }
    let found = match value.as_str() {
        Some("wait") => return Some(Policy::Wait(DEFAULT_WAIT_MS)),
        Some(word) => match words.iter().position(|known| *known == word) {
            Some(place) => return Some(Policy::Word(place)),
            None => format!("found another string: {}", suggest::hint(word, words)),
        },
        None => format!(
            "found {}, expected {}",
            kind_of(value),
            suggest::one_of(words)
        ),
    };
    reader.wrong(name, format!("{found} (or {{ wait = \"50ms\" }})"));
    None
}
