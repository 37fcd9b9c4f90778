//! What is stored, in the coordinator's own types.

use std::rc::Rc;

use crate::document::Document;
use crate::json::{self, Members};
use crate::reason::Reason;
use crate::refresh::{Failure, Outcome};
use crate::sql::SqlError;
use crate::version::{ContentHash, ETag, UnixMillis, Version};

/// The snapshot served now, ready to be answered.
#[derive(Clone, Debug)]
pub struct Head {
    /// Its version.
    pub version: Version,
    /// The hash of its document.
    pub hash: ContentHash,
    /// Its validator.
    pub etag: ETag,
    /// Its document, serialised.
    pub text: Rc<str>,
    /// Whether it holds built-in layers only or a document of the source as well.
    pub origin: Origin,
    /// When it was adopted, by the coordinator's clock.
    pub adopted_at: UnixMillis,
}

impl Head {
    /// The snapshot of `document` as `version`.
    #[must_use]
    pub fn new(version: Version, document: &Document, origin: Origin, now: UnixMillis) -> Self {
        Self {
            version,
            hash: *document.hash(),
            etag: ETag::of(version, document.hash()),
            text: Rc::clone(document.text()),
            origin,
            adopted_at: now,
        }
    }
}

/// What a snapshot was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Built-in layers only.
    Base,
    /// Built-in layers and a document of the source.
    Source,
    /// Built-in layers and an operator's patch, and no document of the source yet.
    Override,
}

impl Origin {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Source => "source",
            Self::Override => "override",
        }
    }

    pub(super) fn parse(name: &str) -> Result<Self, SqlError> {
        match name {
            "base" => Ok(Self::Base),
            "source" => Ok(Self::Source),
            "override" => Ok(Self::Override),
            other => Err(SqlError(format!(
                "a version has the unknown origin {other:?}"
            ))),
        }
    }
}

/// A layer that is stored on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerName {
    /// The built-in layers, as they were when the head was made.
    Base,
    /// The source's document.
    Source,
    /// The operator's patch.
    Override,
    /// Not merged, but kept beside the layers: the JSON Schema that they must keep together.
    Schema,
}

impl LayerName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Source => "source",
            Self::Override => "override",
            Self::Schema => "schema",
        }
    }
}

/// When to refresh next, and how the last refreshes ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// When the next refresh is due; `None` when the space has no source to pull.
    pub refresh_due: Option<UnixMillis>,
    /// Failed refreshes since the last one that was answered.
    pub consecutive_failures: u32,
    /// Refreshes begun and not settled: each one that died counts towards the backoff, so that an
    /// answer that kills the object cannot kill it in a tight loop.
    pub unsettled: u32,
    /// Identity of the source that `source_etag` belongs to.
    pub source_fingerprint: String,
    /// The source's validator for the layer held.
    pub source_etag: Option<String>,
    /// The last refresh.
    pub last_attempt: Option<Attempt>,
    /// The last refresh that was neither adopted nor unchanged.
    pub last_error: Option<Attempt>,
    /// When the last refresh succeeded.
    pub last_success_at: Option<UnixMillis>,
}

/// One refresh that was settled: how it ended, and all that is kept and shown of it. The record
/// stays JSON, for it is only ever passed on; a type for reading it back costs the bundle 8 KB.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// How it ended.
    pub outcome: Outcome,
    /// An [`OutcomeRecord`] as JSON text.
    pub record: Rc<str>,
}

impl From<&OutcomeRecord> for Attempt {
    fn from(record: &OutcomeRecord) -> Self {
        Self {
            outcome: record.outcome,
            record: json::text(&record.to_json()).into(),
        }
    }
}

/// One refresh, to be kept and shown.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeRecord {
    /// When it was settled, RFC 3339.
    pub settled_at: String,
    /// What asked for it: `alarm`, `bootstrap` or `reload`.
    pub trigger: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// The head's version afterwards.
    pub version: Version,
    /// Milliseconds from asking the source to its answer.
    pub duration_ms: u64,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Why the candidate was rejected.
    pub reasons: Vec<Reason>,
}

impl OutcomeRecord {
    /// The kind of failure, or the code of the first reason.
    pub(crate) fn cause(&self) -> Option<&'static str> {
        let reason = self.reasons.first().map(|reason| reason.code.as_str());
        let failure = self.failure.as_ref().map(|failure| failure.cause.as_str());
        failure.or(reason)
    }

    fn to_json(&self) -> serde_json::Value {
        let mut members = Members::new();
        members
            .text("settled_at", &self.settled_at)
            .text("trigger", self.trigger)
            .text("outcome", self.outcome.as_str())
            .number("version", self.version.get())
            .number("duration_ms", self.duration_ms);
        if let Some(failure) = &self.failure {
            failure.tell(&mut members);
        }
        members.value(
            "reasons",
            self.reasons.iter().map(Reason::to_json).collect(),
        );
        members.take()
    }
}

/// A head to commit.
#[derive(Debug)]
pub struct Adoption<'a> {
    /// The new head.
    pub head: &'a Head,
    /// Layers that changed with it.
    pub layers: &'a [(LayerName, &'a Document)],
    /// Who did it: a token's name, or the action where nobody in particular did.
    pub actor: &'a str,
    /// What was done: `alarm`, `bootstrap`, `reload`, `deploy`, `publish`, …
    pub action: &'a str,
    /// The operator's reason.
    pub reason: Option<&'a str>,
    /// The version whose content it has, where it is a rollback.
    pub rollback_of: Option<Version>,
}

/// Amounts to add to counters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Increments(Vec<(&'static str, &'static str, u64)>);

impl Increments {
    /// Adds to the counter of this name and label; a plain total has the empty label.
    pub fn add(&mut self, name: &'static str, label: &'static str, amount: u64) {
        let same = |entry: &&mut (&str, &str, u64)| entry.0 == name && entry.1 == label;
        match self.0.iter_mut().find(same) {
            Some((_, _, total)) => *total = total.saturating_add(amount),
            None => self.0.push((name, label, amount)),
        }
    }

    /// Adds all of these.
    pub fn add_all(&mut self, more: &Self) {
        for (name, label, amount) in &more.0 {
            self.add(name, label, *amount);
        }
    }

    /// Name, label and amount of each.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        self.0.iter().copied()
    }

    /// Forgets them all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// A total that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// What is counted.
    pub name: String,
    /// By what it is told apart; empty for a plain total.
    pub label: String,
    /// How many.
    pub value: u64,
}
