//! Where a space's `source` layer comes from.

use serde_json::Value;

use super::SettingsError;
use super::rule;
use super::section::Section;
use crate::json::{self, Members};
use crate::names::{CONFIG_KV_BINDING, CONFIG_KV_KEY};
use crate::reason::kind_of;
use crate::version::ContentHash;

const EXPECTED: &str =
    "\"none\" or one of { kv, key }, { kv, prefix }, { url, token_secret } and { r2, key }";
const FIELDS: &[&str] = &["kv", "key", "prefix", "url", "token_secret", "r2"];
/// The field that tells a kind of source, and the fields that go with it.
const KINDS: [(&str, &[&str]); 3] = [
    ("kv", &["key", "prefix"]),
    ("url", &["token_secret"]),
    ("r2", &["key"]),
];

/// The upstream of a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceSettings {
    /// One KV key.
    Kv {
        /// The namespace's binding.
        binding: String,
        /// The key.
        key: String,
    },
    /// Every key below a KV prefix.
    KvPrefix {
        /// The namespace's binding.
        binding: String,
        /// The prefix: empty, or ending in `/`.
        prefix: String,
    },
    /// An HTTP(S) URL.
    Url {
        /// The URL, without fragment, user and password.
        url: String,
        /// The secret that holds the bearer token, if one is sent.
        token_secret: Option<String>,
    },
    /// One object of an R2 bucket.
    R2 {
        /// The bucket's binding.
        binding: String,
        /// The object's key.
        key: String,
    },
    /// No upstream: publish only.
    None,
    /// The settings have a mistake here; nothing is pulled.
    Unusable {
        /// The mistake, for status.
        reason: String,
    },
}

impl SourceSettings {
    /// One word for the kind, for status, logs and metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            SourceSettings::Kv { .. } => "kv",
            SourceSettings::KvPrefix { .. } => "kv_prefix",
            SourceSettings::Url { .. } => "url",
            SourceSettings::R2 { .. } => "r2",
            SourceSettings::None => "none",
            SourceSettings::Unusable { .. } => "unusable",
        }
    }

    /// The source's identity: a validator (an HTTP ETag, say) that was stored under one fingerprint
    /// means nothing under another. Hashed, since a URL's query may hold a secret.
    pub fn fingerprint(&self) -> String {
        let identity = match self {
            SourceSettings::Kv { binding, key } | SourceSettings::R2 { binding, key } => {
                (binding, Some(key))
            }
            SourceSettings::KvPrefix { binding, prefix } => (binding, Some(prefix)),
            SourceSettings::Url { url, token_secret } => (url, token_secret.as_ref()),
            SourceSettings::None | SourceSettings::Unusable { .. } => {
                return self.kind().to_owned();
            }
        };
        let (place, within) = identity;
        let identity = [place.as_str().into(), within.map(String::as_str).into()];
        let identity = json::text(&Value::Array(identity.into()));
        let hash = ContentHash::of(identity.as_bytes()).hex();
        format!("{}-{}", self.kind(), hash.get(..32).unwrap_or(&hash))
    }

    /// What status shows: the kind and where to look, without a URL's query.
    pub fn describe(&self) -> Value {
        let mut members = Members::new();
        members.text("kind", self.kind());
        match self {
            SourceSettings::Kv { binding, key } | SourceSettings::R2 { binding, key } => {
                members.text("binding", binding).text("key", key);
            }
            SourceSettings::KvPrefix { binding, prefix } => {
                members.text("binding", binding).text("prefix", prefix);
            }
            SourceSettings::Url { url, token_secret } => {
                members.text("url", without_query(url));
                members.optional_text("token_secret", token_secret.as_deref());
            }
            SourceSettings::None => {}
            SourceSettings::Unusable { reason } => _ = members.text("reason", reason),
        }
        members.take()
    }

    pub(super) fn unusable(error: &SettingsError) -> SourceSettings {
        SourceSettings::Unusable {
            reason: format!("the settings have a mistake at {error}"),
        }
    }

    /// Reads the field `source`; anything noted leaves the caller to make it unusable.
    pub(super) fn parse(space: &mut Section<'_, '_>) -> SourceSettings {
        let parsed = match space.get("source") {
            None => None,
            Some(Value::String(word)) if word == "none" => Some(SourceSettings::None),
            Some(Value::Object(_)) => space.child("source", Some(FIELDS)).and_then(parse_object),
            Some(other) => {
                let found = match other {
                    Value::String(_) => "another string",
                    _ => kind_of(other),
                };
                space.wrong("source", format!("found {found}, expected {EXPECTED}"));
                None
            }
        };
        parsed.unwrap_or_default()
    }
}

impl Default for SourceSettings {
    fn default() -> SourceSettings {
        SourceSettings::Kv {
            binding: CONFIG_KV_BINDING.to_owned(),
            key: CONFIG_KV_KEY.to_owned(),
        }
    }
}

fn parse_object(mut source: Section<'_, '_>) -> Option<SourceSettings> {
    let mut kinds = KINDS.iter().filter(|(kind, _)| source.has(kind));
    let (Some((kind, companions)), None) = (kinds.next(), kinds.next()) else {
        source.wrong_here(format!("expected {EXPECTED}"));
        return None;
    };
    for name in source.names().filter(|name| FIELDS.contains(name)) {
        if name != *kind && !companions.contains(&name) {
            source.wrong(
                name,
                format!("does not go with {kind:?}, expected {EXPECTED}"),
            );
        }
    }
    match *kind {
        "kv" => parse_kv(source),
        "url" => {
            let token_secret = source.optional_text("token_secret", rule::binding);
            Some(SourceSettings::Url {
                url: source.text("url", rule::url)?,
                token_secret,
            })
        }
        _ => {
            let binding = source.text("r2", rule::binding);
            let key = source.text("key", rule::r2_key)?;
            Some(SourceSettings::R2 {
                binding: binding?,
                key,
            })
        }
    }
}

fn parse_kv(mut source: Section<'_, '_>) -> Option<SourceSettings> {
    let binding = source.text("kv", rule::binding);
    match (source.has("key"), source.has("prefix")) {
        (true, false) => {
            let key = source.text("key", rule::kv_key)?;
            Some(SourceSettings::Kv {
                binding: binding?,
                key,
            })
        }
        (false, true) => {
            let prefix = source.text("prefix", rule::kv_prefix)?;
            Some(SourceSettings::KvPrefix {
                binding: binding?,
                prefix,
            })
        }
        _ => {
            source.wrong_here("expected either \"key\" or \"prefix\" with \"kv\"".to_owned());
            None
        }
    }
}

/// Settings allow neither user nor fragment, so the query is all that there is to hide.
pub(super) fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}
