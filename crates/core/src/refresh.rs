//! The refresh decision table: what a source answered, beside what is held, gives one decision.

use serde::Serialize;

use crate::document::{Document, MAX_SOURCE_BYTES, Object};
use crate::guard::{self, Guards, Waivers};
use crate::json::Members;
use crate::merge::Layers;
use crate::prefix;
use crate::reason::{Reason, ReasonCode};
use crate::version::{ContentHash, Version};

/// What a source answered to one pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// A whole body, with the source's own validator when it has one.
    Body {
        /// The bytes as they came.
        bytes: Vec<u8>,
        /// The source's ETag, to ask conditionally next time.
        etag: Option<String>,
    },
    /// One body per key below a prefix; each is merged under its path.
    Parts(Vec<Part>),
    /// The source says that what we hold is current (HTTP 304).
    NotModified,
    /// The key or the resource does not exist.
    Missing,
    /// The body went over the size cap and was not read to its end; so many bytes at least.
    Oversized {
        /// Bytes that were seen, or announced, before the read was given up.
        at_least: u64,
    },
    /// No usable answer.
    Failed(Failure),
}

/// One document of a prefix source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The key's path below the prefix, split at `/`; empty for the prefix itself.
    pub path: Vec<String>,
    /// The value as it came.
    pub bytes: Vec<u8>,
}

/// Why a source gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The kind, bounded in number: it is a metric label.
    pub cause: Cause,
    /// One line for people. Never holds a document's values or a token.
    pub detail: String,
}

impl Failure {
    /// A failure of this kind, told in one line.
    pub fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self {
            cause,
            detail: detail.into(),
        }
    }
}

impl Failure {
    /// As two members of what it is told in.
    pub(crate) fn tell(&self, members: &mut Members) {
        members
            .text("cause", self.cause.as_str())
            .text("detail", &self.detail);
    }
}

/// The kinds of failure that a refresh can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The source did not answer within `source_timeout`.
    Timeout,
    /// The call could not be made, or broke off before or in the body.
    Network,
    /// The source answered with a status that means neither a document nor its absence.
    Status,
    /// The source redirected to another host, or too often.
    Redirect,
    /// The source's binding does not exist or is of another kind.
    Binding,
    /// The secret that holds the source's token is not set.
    Secret,
    /// The space's settings name no usable source.
    Settings,
    /// The source said "not modified" though it was not asked, or nothing is held to compare with.
    Protocol,
    /// The object's own storage refused the commit.
    Storage,
}

impl Cause {
    /// The name used in metrics, logs and status.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::Status => "status",
            Self::Redirect => "redirect",
            Self::Binding => "binding",
            Self::Secret => "secret",
            Self::Settings => "settings",
            Self::Protocol => "protocol",
            Self::Storage => "storage",
        }
    }
}

/// How one refresh ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A new head was committed.
    Adopted,
    /// The source holds what the head already has.
    Unchanged,
    /// The candidate failed validation; the head stays.
    Rejected,
    /// The source does not exist; the head stays.
    Missing,
    /// No usable answer; the head stays.
    Failed,
    /// The candidate passed, and is not adopted since the space is pinned.
    Held,
}

impl Outcome {
    /// Every outcome, in the order that metrics show them.
    pub const ALL: [Self; 6] = [
        Self::Adopted,
        Self::Unchanged,
        Self::Held,
        Self::Rejected,
        Self::Missing,
        Self::Failed,
    ];

    /// The name used in metrics, logs and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adopted => "adopted",
            Self::Unchanged => "unchanged",
            Self::Rejected => "rejected",
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::Held => "held",
        }
    }

    /// The outcome of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == name)
    }

    /// Whether the source was heard, and what it said is in force or could be.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Adopted | Self::Unchanged | Self::Held)
    }
}

/// The `source` layer as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLayer {
    /// The hash of `text`.
    pub hash: ContentHash,
    /// The layer's document, serialised.
    pub text: String,
    /// The version that it came into force with; `None` where an older code wrote it.
    pub version: Option<Version>,
}

/// What a refresh is decided against. Read it again after the source answered: other events may
/// have moved the head while the source was awaited.
#[derive(Clone, Copy)]
pub struct Current<'a> {
    /// The head's content.
    pub head_hash: &'a ContentHash,
    /// Whether the head holds no document of the source yet.
    pub head_is_base: bool,
    /// The `source` layer in force, if one was ever adopted.
    pub source: Option<&'a StoredLayer>,
    /// The last document that the source itself brought and that passed. Where it still says the
    /// same, what was published since stands.
    pub pulled: Option<&'a ContentHash>,
    /// Whether a rollback holds against the source.
    pub pinned: bool,
    /// The built-in defaults.
    pub defaults: &'a Object,
    /// The `vars` layer.
    pub vars: &'a Object,
    /// The operator's patch.
    pub override_patch: Option<&'a Object>,
    /// What the merged document must keep, beyond its limits.
    pub rules: &'a Rules<'a>,
}

/// Checks a merged document; its errors are why it must not become the head.
pub type Rules<'a> = dyn Fn(&Document) -> Result<(), Vec<Reason>> + 'a;

/// What to do after a refresh.
#[derive(Clone, Debug)]
pub enum Decision {
    /// Nothing: the candidate passed, but the space is pinned to an older document.
    Hold {
        /// The candidate's hash.
        candidate: ContentHash,
    },
    /// Commit `merged` as the new head and `source` as the new source layer.
    Adopt {
        /// The validated source layer.
        source: Document,
        /// All layers together.
        merged: Document,
        /// The source's validator.
        etag: Option<String>,
    },
    /// The head stays because nothing that it shows changed.
    Unchanged {
        /// The new source layer, when it differs but shows through to no value.
        source: Option<Document>,
        /// The source's validator; `None` keeps the one held, unless the layer is a new one.
        etag: Option<String>,
    },
    /// The head stays; tell the reasons.
    Reject(Vec<Reason>),
    /// The head stays; the source is gone.
    Missing,
    /// The head stays; back off.
    Fail(Failure),
}

/// Decides a refresh.
#[must_use]
pub fn decide(
    fetched: Fetched,
    current: &Current<'_>,
    guards: Guards,
    waivers: Waivers,
) -> Decision {
    let (candidate, etag) = match fetched {
        Fetched::Body { bytes, etag } => (Document::parse(&bytes), etag),
        Fetched::Parts(parts) if parts.is_empty() => return Decision::Missing,
        Fetched::Parts(parts) => (prefix::assemble(&parts), None),
        Fetched::NotModified if current.pulled.is_some() => {
            return Decision::Unchanged {
                source: None,
                etag: None,
            };
        }
        Fetched::NotModified => {
            return Decision::Fail(Failure::new(
                Cause::Protocol,
                "the source answered 304 although no document is held",
            ));
        }
        Fetched::Missing => return Decision::Missing,
        Fetched::Oversized { at_least } => {
            return Decision::Reject(vec![oversized(at_least)]);
        }
        Fetched::Failed(failure) => return Decision::Fail(failure),
    };
    match candidate {
        Ok(candidate) => weigh(candidate, etag, current, guards, waivers),
        Err(reason) => Decision::Reject(vec![reason]),
    }
}

/// Compares a well-formed candidate with what is in force.
fn weigh(
    candidate: Document,
    etag: Option<String>,
    current: &Current<'_>,
    guards: Guards,
    waivers: Waivers,
) -> Decision {
    if current.pulled == Some(candidate.hash()) {
        return Decision::Unchanged { source: None, etag };
    }
    // What is stored was valid when it was adopted; should it no longer parse (a limit that was
    // lowered since), there is nothing to compare the loss of keys with.
    let held = current
        .source
        .and_then(|source| Document::parse(source.text.as_bytes()).ok());
    let below = Layers {
        defaults: Some(current.defaults),
        vars: Some(current.vars),
        ..Layers::default()
    };
    // What the source brought itself is compared as it is; what a rollback left holds the layers below.
    let rolled_back = current.pinned || current.pulled.is_none();
    if let Err(reasons) = guard::check_above(
        rolled_back.then_some(&below),
        candidate.object(),
        held.as_ref().map(Document::object),
        guards,
        waivers,
    ) {
        return Decision::Reject(reasons);
    }
    let layers = Layers {
        source: Some(candidate.object()),
        override_: current.override_patch,
        ..below
    };
    let merged = layers.merged().map_err(|reason| vec![reason]);
    let merged = merged.and_then(|merged| (current.rules)(&merged).map(|()| merged));
    match merged {
        Err(reasons) => Decision::Reject(reasons),
        Ok(_) if current.pinned => Decision::Hold {
            candidate: *candidate.hash(),
        },
        Ok(merged) if merged.hash() == current.head_hash && !current.head_is_base => {
            Decision::Unchanged {
                source: Some(candidate),
                etag,
            }
        }
        Ok(merged) => Decision::Adopt {
            source: candidate,
            merged,
            etag,
        },
    }
}

fn oversized(at_least: u64) -> Reason {
    let message =
        format!("the source holds {at_least} bytes or more; expected at most {MAX_SOURCE_BYTES}");
    Reason::new(ReasonCode::TooLarge, "", &message)
}

#[cfg(test)]
#[path = "refresh_tests.rs"]
mod tests;
