//! Who asked for a refresh, and what they are told of it.

use serde_json::Value;

use crate::guard::Waivers;
use crate::json::Members;
use crate::reason::Reason;
use crate::refresh::{Failure, Outcome};
use crate::version::Version;

/// What asked for a refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The schedule.
    Alarm,
    /// The first readers of a space that holds no document yet.
    Bootstrap,
    /// An operator.
    Reload(Reload),
}

impl Trigger {
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Bootstrap => "bootstrap",
            Self::Reload(_) => "reload",
        }
    }

    /// Whether a joiner is to be named in the audit instead: an operator rather than the schedule,
    /// and of two operators the one who waives a guard that still held.
    pub(super) fn yields_to(&self, joiner: &Self) -> bool {
        match (self, joiner) {
            (_, Self::Alarm | Self::Bootstrap) => false,
            (Self::Alarm | Self::Bootstrap, Self::Reload(_)) => true,
            (Self::Reload(first), Self::Reload(second)) => {
                first.waivers.union(second.waivers) != first.waivers
            }
        }
    }

    pub(super) fn actor(&self) -> &str {
        match self {
            Self::Reload(reload) => &reload.actor,
            Self::Alarm | Self::Bootstrap => self.as_str(),
        }
    }

    pub(super) fn reason(&self) -> Option<&str> {
        match self {
            Self::Reload(reload) => reload.reason.as_deref(),
            Self::Alarm | Self::Bootstrap => None,
        }
    }

    pub(super) fn waivers(&self) -> Waivers {
        match self {
            Self::Reload(reload) => reload.waivers,
            Self::Alarm | Self::Bootstrap => Waivers::default(),
        }
    }
}

/// An operator's wish to refresh now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    /// The token's name.
    pub actor: String,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// Guards that do not hold this time.
    pub waivers: Waivers,
}

/// How a refresh ended, as its initiators are told.
#[derive(Clone, Debug, PartialEq)]
pub struct RefreshReport {
    /// How it ended.
    pub outcome: Outcome,
    /// The head's version afterwards.
    pub version: Version,
    /// The head's version before.
    pub previous_version: Version,
    /// Milliseconds from asking the source to its answer.
    pub duration_ms: u64,
    /// Why the candidate was rejected.
    pub reasons: Vec<Reason>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Whether this was a refresh that had begun already.
    pub joined: bool,
}

impl RefreshReport {
    /// As the initiators read it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut members = Members::new();
        members
            .text("outcome", self.outcome.as_str())
            .number("version", self.version.get())
            .number("previous_version", self.previous_version.get())
            .number("duration_ms", self.duration_ms)
            .value(
                "reasons",
                self.reasons.iter().map(Reason::to_json).collect(),
            );
        if let Some(failure) = &self.failure {
            failure.tell(&mut members);
        }
        members.flag("joined", self.joined).take()
    }
}
