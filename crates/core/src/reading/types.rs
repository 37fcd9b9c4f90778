//! What goes into a reader's decisions and what comes out of them.

use std::rc::Rc;

use crate::json::Members;
use crate::lease::Ticket;
use crate::version::{ETag, UnixMillis, Version};
use crate::wire::{Freshness, Pending, ReadState};

/// What a read gives.
#[derive(Debug)]
pub struct Read<T> {
    /// The configuration, shared with every other read of this version.
    pub value: Rc<T>,
    /// The version; `None` for the Worker's own base.
    pub version: Option<Version>,
    /// The snapshot's validator; `None` with the version.
    pub etag: Option<ETag>,
    /// Milliseconds since the coordinator vouched for it; 0 for the reader's own base.
    pub age_ms: u64,
    /// Fresh, stale, expired or base.
    pub state: ReadState,
}

/// What to do for one read.
#[derive(Debug, PartialEq, Eq)]
pub enum Plan {
    /// Answer from memory; no call of any kind.
    Serve,
    /// Answer from memory, and make the call behind the response.
    ServeAndCall(Call),
    /// Make the call, wait for it at most so long, then answer with what there is.
    Wait {
        /// The call to make.
        call: Call,
        /// How long this read waits, in milliseconds; the call goes on behind the response.
        deadline_ms: u64,
    },
    /// The policy is to fail an expired read, and asking again would be too soon.
    Refuse,
}

/// One call to the coordinator, to be finished by [`receive`](super::Cache::receive) or [`fail`](super::Cache::fail).
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    /// What to ask for.
    pub ask: Ask,
    /// The minimum version that it is made for, with a token.
    pub(super) minimum: Option<Version>,
    pub(super) ticket: Option<Ticket>,
    pub(super) sent: UnixMillis,
}

/// What a call asks the coordinator for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The head.
    Head {
        /// The validator to ask with; `None` asks for the whole document.
        if_none_match: Option<ETag>,
    },
    /// The snapshot that was announced, ahead of its moment.
    Pending {
        /// Its version.
        version: Version,
    },
}

impl Ask {
    /// The validator to ask with.
    #[must_use]
    pub fn if_none_match(&self) -> Option<&ETag> {
        match self {
            Self::Head { if_none_match } => if_none_match.as_ref(),
            Self::Pending { .. } => None,
        }
    }
}

/// The coordinator's answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<B> {
    /// 200: a document.
    Snapshot {
        /// The document's version.
        version: Version,
        /// The document's validator.
        etag: ETag,
        /// Age and terms.
        terms: Freshness,
        /// What is scheduled next: this document itself, where that was asked for.
        pending: Option<Pending>,
        /// The document, unparsed.
        body: B,
    },
    /// 304: what was asked with is the head.
    NotModified {
        /// Age and terms.
        terms: Freshness,
        /// What is scheduled next.
        pending: Option<Pending>,
    },
    /// 404: the version that was asked for ahead of its moment is not scheduled any more.
    NotScheduled,
}

impl<B> Answer<B> {
    /// The version that a document came with.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        match self {
            Self::Snapshot { version, .. } => Some(*version),
            Self::NotModified { .. } | Self::NotScheduled => None,
        }
    }

    /// What was made of a body that is read now.
    pub fn with_body<C>(self, body: C) -> Answer<C> {
        match self {
            Self::Snapshot {
                version,
                etag,
                terms,
                pending,
                body: _,
            } => Answer::Snapshot {
                version,
                etag,
                terms,
                pending,
                body,
            },
            Self::NotModified { terms, pending } => Answer::NotModified { terms, pending },
            Self::NotScheduled => Answer::NotScheduled,
        }
    }
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// A newer version is held now.
    Adopted,
    /// The version held was confirmed.
    Confirmed,
    /// The announced version is held beside it, until its moment.
    Prepared,
    /// Older than what is held, or about something no longer held: dropped.
    Ignored,
    /// The document did not fit the Worker's types: the version before stays.
    Refused,
}

/// Counts since the isolate began. They are this isolate's, never the fleet's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Reads that answered `fresh`.
    pub fresh: u64,
    /// Reads that answered `stale`.
    pub stale: u64,
    /// Reads that answered `expired`.
    pub expired: u64,
    /// Reads that answered `base`.
    pub base: u64,
    /// Reads that failed under the `error` policy.
    pub refused: u64,
    /// Calls for a snapshot; those that the data centre's cache answered are among them.
    pub calls: u64,
    /// Calls answered with 304.
    pub conditional_hits: u64,
    /// Calls that failed or passed their deadline.
    pub call_failures: u64,
    /// Versions adopted.
    pub adoptions: u64,
    /// Answers dropped because a newer version was held already.
    pub ignored: u64,
    /// Documents that did not fit the Worker's types.
    pub rejections: u64,
    /// Milliseconds from the first read to the first snapshot; `None` before that.
    pub cold_start_ms: Option<u64>,
}

impl Counts {
    /// As `status` shows them.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut members = Members::new();
        for (name, count) in [
            ("fresh", self.fresh),
            ("stale", self.stale),
            ("expired", self.expired),
            ("base", self.base),
            ("refused", self.refused),
            ("calls", self.calls),
            ("conditional_hits", self.conditional_hits),
            ("call_failures", self.call_failures),
            ("adoptions", self.adoptions),
            ("ignored", self.ignored),
            ("rejections", self.rejections),
        ] {
            members.number(name, count);
        }
        members
            .optional_number("cold_start_ms", self.cold_start_ms)
            .take()
    }
}
