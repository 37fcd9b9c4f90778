//! What the isolates of a data centre share through its cache: the coordinator's last word, and the
//! document that it was about.
//!
//! A *word* is a small entry: version, ETag, age and terms, announcement, and what the clock of the
//! isolate said that was told. The document stands under a key of its own that ends in its ETag, so
//! that a word can be renewed by whoever was told 304 and has no text any more.
//!
//! A word counts for as old as the coordinator's answer is: to read it here makes it no younger, and
//! once it is as old as the TTL it is not used.

use super::{Answer, Ask, Cache, Call};
use crate::names::header;
use crate::space_name::SpaceName;
use crate::text::push_encoded;
use crate::version::{ETag, UnixMillis, Version};
use crate::wire::{Freshness, Pending, saturating_number};

/// How long a look into the cache may take, in milliseconds: half of what a cold read waits by
/// default, so that the object has the other half.
pub const COLO_DEADLINE_MS: u64 = 25;

/// So many milliseconds apart the clocks of one data centre may be. An age is counted that much
/// higher, an announced moment that much later, and a word from further ahead is not used.
pub const COLO_CLOCKS_APART_MS: u64 = 100;

/// After so many disappointments in a row an isolate leaves the cache alone.
pub const COLO_TRIES: u8 = 3;

/// The host of keys; no request ever goes there. A new number where entries are made differently.
const KEYS: &str = "https://colo.bellwether.invalid/1";

/// In the order of a word's lines. What the clock said comes last.
const WORD: [&str; 4] = [
    header::VERSION,
    header::ETAG,
    header::FRESHNESS,
    header::PENDING,
];

/// What the cache has under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelved {
    /// For how many seconds it has had it, as far as it says.
    pub age_s: u64,
    /// What was put there.
    pub text: String,
}

/// What to put into the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Under which key.
    pub key: String,
    /// What.
    pub text: String,
    /// For how many seconds at most.
    pub max_age_s: u64,
}

/// The cache refused, or is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheFailed;

/// The key of a coordinator's word on a space. `coordinator` must name this one and no other
/// deployment's: the object's identifier, or the URL.
#[must_use]
pub fn key(coordinator: &str, space: &SpaceName) -> String {
    let mut key = KEYS.to_owned();
    push_encoded(&mut key, '/', coordinator, usize::MAX);
    push_encoded(&mut key, '/', space.as_str(), usize::MAX);
    key
}

/// The key of a document.
#[must_use]
pub fn document_key(key: &str, etag: &ETag) -> String {
    let mut key = key.to_owned();
    push_encoded(&mut key, '/', etag.as_str(), usize::MAX);
    key
}

impl<T> Cache<T> {
    /// What a word from the cache comes to as the answer to `ask`, at machine time `now`, and when in
    /// steady time the call was sent that brought it. `None` where the object is to be asked: the word
    /// is too old or from the future, below what is held, or older than what this isolate was told.
    pub fn weigh(
        &mut self,
        ask: &Ask,
        word: &Shelved,
        now: UnixMillis,
    ) -> Option<(Answer<()>, UnixMillis)> {
        let steady = self.clock.read(now);
        let line = |number| word.text.split('\n').nth(number);
        let field = |name: &str| {
            let number = WORD.iter().position(|line| *line == name)?;
            line(number).map(str::to_owned)
        };
        let answer = Answer::parse(ask, 200, &field).ok()?;
        let Answer::Snapshot {
            version,
            etag,
            terms,
            pending,
            body,
        } = answer
        else {
            return None;
        };
        let told_at = UnixMillis(line(WORD.len()).and_then(saturating_number)?);

        // At most and at least so long ago, whichever of the clocks is ahead.
        let since_ms = now
            .0
            .saturating_add(COLO_CLOCKS_APART_MS)
            .checked_sub(told_at.0)?;
        let since_ms = since_ms.max(word.age_s.saturating_mul(1_000));
        let surely_ms = now.since(told_at).saturating_sub(COLO_CLOCKS_APART_MS);

        let age_ms = terms.aged(since_ms).age_ms;
        let due = pending.is_some_and(|pending| pending.in_ms <= since_ms);
        let known = self
            .last_told()
            .is_some_and(|told| age_ms >= steady.since(told));
        if age_ms >= terms.ttl_ms || terms.base || due || known || self.floor() > Some(version) {
            return None;
        }
        let pending = pending.map(|pending| Pending {
            in_ms: pending.in_ms.saturating_sub(surely_ms),
            ..pending
        });
        // As if this isolate had sent that call: its word is older than what was asked since. What was
        // before the first read is added to the age that the answer had.
        let sent = UnixMillis(steady.0.saturating_sub(age_ms));
        let terms = Freshness {
            age_ms: age_ms - steady.since(sent),
            ..terms
        };
        let answer = if ask.if_none_match() == Some(&etag) {
            Answer::NotModified { terms, pending }
        } else {
            Answer::Snapshot {
                version,
                etag,
                terms,
                pending,
                body,
            }
        };
        Some((answer, sent))
    }

    /// What to tell the others of the object's answer to a call: the word comes last. Nothing of
    /// built-in layers, and of what would be over within a second.
    pub fn entries(
        &mut self,
        key: &str,
        call: &Call,
        answer: &Answer<String>,
        now: UnixMillis,
    ) -> Vec<Entry> {
        let told = match (answer, &call.ask) {
            (
                Answer::Snapshot {
                    version,
                    etag,
                    terms,
                    pending,
                    body,
                },
                Ask::Head { .. },
            ) => Some((*version, etag, *terms, *pending, Some(body))),
            (
                Answer::NotModified { terms, pending },
                Ask::Head {
                    if_none_match: Some(etag),
                },
            ) => {
                let version = self.version_of(etag);
                version.map(|version| (version, etag, *terms, *pending, None))
            }
            _ => None,
        };
        let Some((version, etag, terms, pending, body)) = told else {
            return Vec::new();
        };
        let terms = terms.aged(self.clock.read(now).since(call.sent));
        let lasts_ms = terms.ttl_ms.saturating_sub(terms.age_ms);
        let lasts_ms = lasts_ms.min(pending.map_or(u64::MAX, |pending| pending.in_ms));
        let max_age_s = lasts_ms / 1_000;
        if max_age_s == 0 || terms.base || self.floor() > Some(version) {
            return Vec::new();
        }
        let mut word = version.to_string();
        let pending = pending
            .map(|pending| pending.to_header())
            .unwrap_or_default();
        for line in [
            etag.as_str(),
            &terms.to_header(),
            &pending,
            &now.0.to_string(),
        ] {
            word.push('\n');
            word.push_str(line);
        }
        let entry = |key, text| Entry {
            key,
            text,
            max_age_s,
        };
        let document = body.map(|body| entry(document_key(key, etag), body.clone()));
        let word = entry(key.to_owned(), word);
        document.into_iter().chain([word]).collect()
    }

    /// Below this, nothing is of use.
    fn floor(&self) -> Option<Version> {
        let refused = self.refused.as_ref().map(|(version, _)| *version);
        self.version().max(refused)
    }

    fn version_of(&self, etag: &ETag) -> Option<Version> {
        let held = self.held.as_ref().map(|held| (held.version, &held.etag));
        let refused = self
            .refused
            .as_ref()
            .map(|(version, etag)| (*version, etag));
        let known = [held, refused].into_iter().flatten();
        let mut versions = known.filter(|(_, known)| *known == etag);
        versions.next().map(|(version, _)| version)
    }
}

/// What an isolate thinks of its data centre's cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Calls that it answered.
    pub hits: u64,
    disappointments: u8,
    works: bool,
}

impl Trust {
    /// Whether to ask it at all.
    #[must_use]
    pub fn is_on(self) -> bool {
        self.disappointments < COLO_TRIES
    }

    /// Whether it is still to be seen that what is put there is found.
    #[must_use]
    pub fn is_unproved(self) -> bool {
        !self.works
    }

    /// It had something.
    pub fn found(&mut self) {
        self.works = true;
        self.disappointments = 0;
    }

    /// It failed, was too slow, or had nothing where something was put. Tells whether it is off now.
    pub fn disappointed(&mut self) -> bool {
        self.disappointments = self.disappointments.saturating_add(1);
        self.disappointments == COLO_TRIES
    }
}

#[cfg(test)]
#[path = "colo_tests.rs"]
mod tests;
