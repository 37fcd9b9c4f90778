//! What operators ask for, and what they are told.

use serde_json::Value;

use super::change::Change;
use crate::guard::Waivers;
use crate::schema::Schema;
use crate::version::{ETag, UnixMillis, Version};

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What is to be done.
    pub action: Action,
    /// The token's name.
    pub actor: String,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// The value of `If-Match`.
    pub if_match: Option<String>,
    /// The operator's key for this write, and what tells it from another under the same key.
    pub idempotency: Option<Idempotency>,
    /// Tell what would be, and write nothing.
    pub dry_run: bool,
}

/// An `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The key.
    pub key: String,
    /// What was asked for, hashed.
    pub fingerprint: String,
}

/// What a write does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Changes the layers, now or at a moment.
    Change {
        /// What changes.
        change: Change,
        /// When; `None` for now.
        activate_at: Option<UnixMillis>,
        /// Guards that do not hold this time.
        waivers: Waivers,
        /// A pending change that this one takes the place of.
        replaces: Option<u64>,
    },
    /// Takes a pending change away.
    Cancel {
        /// Its number.
        pending: u64,
    },
    /// Sets the pace of refreshes; what is `None` stays.
    Schedule {
        /// Whether the schedule stands still.
        paused: Option<bool>,
        /// Milliseconds in place of the setting; the inner `None` goes back to the setting.
        refresh_interval_ms: Option<Option<u64>>,
    },
    /// Ends a pin: the source counts again.
    Unpin,
    /// Sets the schema that every document must keep, or takes it away.
    Schema {
        /// The schema; `None` for none.
        schema: Option<Schema>,
        /// Store it although the head breaks it.
        force: bool,
    },
}

/// The answer to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteAnswer {
    /// The HTTP status; 400 and above where a kept refusal is told again.
    pub status: u16,
    /// The body.
    pub body: Value,
    /// The head afterwards.
    pub head: (Version, ETag),
    /// Whether this is the first answer, told again.
    pub replayed: bool,
}

impl Action {
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Change { change, .. } => change.kind().as_str(),
            Self::Cancel { .. } => "cancel",
            Self::Schedule { .. } => "schedule",
            Self::Unpin => "unpin",
            Self::Schema {
                schema: Some(_), ..
            } => "schema",
            Self::Schema { schema: None, .. } => "remove_schema",
        }
    }

    /// The earliest alarm that the action may ask for.
    pub(super) fn first_due(&self, now: UnixMillis) -> Option<UnixMillis> {
        match self {
            Self::Change {
                change,
                activate_at,
                ..
            } => activate_at.or(change.expires_at()),
            Self::Cancel { .. } | Self::Schema { .. } => None,
            Self::Schedule { .. } | Self::Unpin => Some(now),
        }
    }
}
