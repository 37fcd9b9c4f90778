//! What an operator sees of a space.

use serde_json::{Map, Value};

use super::Coordinator;
use crate::json::{Members, add};
use crate::platform::Platform;
use crate::refresh::Outcome;
use crate::settings::SourceSettings;
use crate::settings::duration::format_duration_ms;
use crate::sql::SqlError;
use crate::store::{Attempt, Origin, Pin, Signed, Store};
use crate::strict;
use crate::version::{ContentHash, UnixMillis, Version};
use crate::wire::{Pending, rfc3339};

/// Counter: refreshes, labelled by outcome.
pub(super) const REFRESHES: &str = "refreshes_total";
/// Counter: calls to the source.
pub(super) const SOURCE_CALLS: &str = "source_calls_total";
/// Counter: milliseconds spent waiting for the source.
pub(super) const SOURCE_DURATION_MS: &str = "source_duration_ms_total";
/// Counter: failed refreshes, labelled by cause.
pub(super) const SOURCE_ERRORS: &str = "source_errors_total";
/// Counter: reasons of rejected candidates, labelled by code.
pub(super) const REJECTIONS: &str = "rejections_total";
/// Counter: adopted versions that a refresh brought.
pub(super) const ADOPTIONS: &str = "adoptions_total";
/// Counter: snapshot answers, labelled by HTTP status.
pub(super) const SNAPSHOT_REPLIES: &str = "snapshot_replies_total";

/// Counter: writes that were asked for without the right to them.
pub(super) const DENIED_WRITES: &str = "denied_writes_total";

/// One space, as `status` shows it and `metrics` counts it.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// The space.
    pub space: String,
    /// The snapshot served now.
    pub head: HeadStatus,
    /// How the source does.
    pub source: SourceStatus,
    /// When things happen next.
    pub schedule: ScheduleStatus,
    /// What operators set beside the settings.
    pub operator: OperatorStatus,
    /// What readers told of themselves.
    pub fleet: Value,
    /// The settings in force, spelled as in the settings var.
    pub settings: Value,
    /// Why the settings, or a layer that comes with the Worker, are not in force as written.
    pub errors: Vec<String>,
    /// Totals since the space began; those with a label as objects.
    pub counters: Map<String, Value>,
    /// When this object instance was started.
    pub object_started_at: String,
}

/// The head, without its document.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadStatus {
    /// Its version.
    pub version: Version,
    /// Its validator.
    pub etag: String,
    /// SHA-256 of its document.
    pub hash: ContentHash,
    /// Size of its document.
    pub bytes: usize,
    /// When it was adopted, RFC 3339.
    pub adopted_at: String,
    /// Milliseconds since then.
    pub age_ms: u64,
    /// What it was made from.
    pub origin: Origin,
    /// Whether it holds built-in layers only.
    pub base: bool,
}

/// How a space's source does, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// The space has no source to pull.
    None,
    /// Not asked yet.
    Never,
    /// The last refresh was adopted or unchanged.
    Ok,
    /// The last refresh got no usable answer.
    Failing,
    /// The last candidate was rejected.
    Rejected,
    /// The source did not exist at the last refresh.
    Missing,
    /// The settings name no usable source.
    Unusable,
}

/// How a space's source does.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceStatus {
    /// Which source: its `kind` and where it is; never with a secret or a URL's query.
    pub upstream: Value,
    /// In one word.
    pub state: SourceState,
    /// Whether that word is `ok` or `none`.
    pub healthy: bool,
    /// The last refresh.
    pub last_attempt: Option<Value>,
    /// The last one that was neither adopted nor unchanged.
    pub last_error: Option<Value>,
    /// When the last one was adopted or unchanged, RFC 3339.
    pub last_success_at: Option<String>,
    /// The same in Unix milliseconds.
    pub last_success_at_ms: Option<UnixMillis>,
    /// Failed refreshes since the last answer.
    pub consecutive_failures: u32,
    /// Whether a refresh is under way.
    pub in_flight: bool,
}

/// What operators set: a pin, an override, changes for later.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorStatus {
    /// The rollback that holds against the source.
    pub pin: Option<Pin>,
    /// Whether a candidate would have been adopted but for the pin.
    pub held: bool,
    /// Who stands behind the override in force.
    pub override_: Option<Signed>,
    /// When that ends, RFC 3339.
    pub override_expires_at: Option<String>,
    /// How many changes wait for their moment.
    pub pending: u64,
    /// What readers are told of the next snapshot.
    pub next: Option<Pending>,
}

/// When things happen next.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleStatus {
    /// Whether the schedule stands still, by an operator's wish.
    pub paused: bool,
    /// Milliseconds between refreshes, in force.
    pub refresh_interval_ms: u64,
    /// When the next refresh is due, RFC 3339.
    pub next_refresh_at: Option<String>,
    /// The object's next alarm, RFC 3339.
    pub next_alarm_at: Option<String>,
    /// The same in Unix milliseconds.
    pub next_alarm_at_ms: Option<UnixMillis>,
}

impl SourceState {
    fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Never => "never",
            Self::Ok => "ok",
            Self::Failing => "failing",
            Self::Rejected => "rejected",
            Self::Missing => "missing",
            Self::Unusable => "unusable",
        }
    }
}

impl Status {
    /// As `status` shows it.
    #[must_use]
    pub fn into_json(self) -> Value {
        Members::new()
            .text("space", &self.space)
            .value("head", self.head.to_json())
            .value("source", self.source.into_json())
            .value("schedule", self.schedule.to_json())
            .value("operator", self.operator.to_json())
            .value("fleet", self.fleet)
            .value("settings", self.settings)
            .texts("errors", &self.errors)
            .value("counters", Value::Object(self.counters))
            .text("object_started_at", &self.object_started_at)
            .take()
    }
}

impl HeadStatus {
    fn to_json(&self) -> Value {
        Members::new()
            .number("version", self.version.get())
            .text("etag", &self.etag)
            .text("hash", &self.hash.hex())
            .number("bytes", self.bytes as u64)
            .text("adopted_at", &self.adopted_at)
            .number("age_ms", self.age_ms)
            .text("origin", self.origin.as_str())
            .flag("base", self.base)
            .take()
    }
}

impl SourceStatus {
    fn into_json(self) -> Value {
        Members::new()
            .extend(self.upstream)
            .text("state", self.state.as_str())
            .flag("healthy", self.healthy)
            .value("last_attempt", self.last_attempt.unwrap_or_default())
            .value("last_error", self.last_error.unwrap_or_default())
            .optional_text("last_success_at", self.last_success_at.as_deref())
            .optional_number("last_success_at_ms", self.last_success_at_ms.map(|at| at.0))
            .number("consecutive_failures", self.consecutive_failures.into())
            .flag("in_flight", self.in_flight)
            .take()
    }
}

impl OperatorStatus {
    fn to_json(&self) -> Value {
        let signed = |signed: &Signed| {
            let mut members = Members::new();
            signed.tell(&mut members);
            members
        };
        let pin = self.pin.as_ref().map(|pin| {
            let mut members = signed(&pin.signed);
            members
                .number("to_version", pin.to.get())
                .flag("candidate_held", self.held)
                .take()
        });
        let override_ = self.override_.as_ref().map(|by| {
            let mut members = signed(by);
            let expires_at = self.override_expires_at.as_deref();
            members.optional_text("expires_at", expires_at).take()
        });
        let next = self.next.map(|next| {
            let mut members = Members::new();
            members
                .number("version", next.version.get())
                .number("in_ms", next.in_ms)
                .take()
        });
        Members::new()
            .value("pin", pin.unwrap_or_default())
            .value("override", override_.unwrap_or_default())
            .number("pending", self.pending)
            .value("next", next.unwrap_or_default())
            .take()
    }
}

impl ScheduleStatus {
    fn to_json(&self) -> Value {
        let interval = format_duration_ms(self.refresh_interval_ms);
        Members::new()
            .flag("paused", self.paused)
            .text("refresh_interval", &interval)
            .optional_text("next_refresh_at", self.next_refresh_at.as_deref())
            .optional_text("next_alarm_at", self.next_alarm_at.as_deref())
            .optional_number("next_alarm_at_ms", self.next_alarm_at_ms.map(|at| at.0))
            .take()
    }
}

impl<P: Platform> Coordinator<P> {
    /// The space's status. `errors` are what is wrong with the Worker's settings and layers.
    pub async fn status(&self, errors: Vec<String>) -> Result<Status, SqlError> {
        self.wake().await;
        let inner = &self.inner;
        let now = inner.platform.now();
        // The alarm that really stands: a lost one must be seen, and is set again here.
        let standing = inner.platform.alarm().await.ok().flatten();
        let next_alarm = standing.filter(|at| *at > now);
        if next_alarm.is_none() {
            self.arm().await;
        }
        let counters = self.counters()?;
        let fleet = self.fleet();
        let override_expires_at = self.expires_at()?;
        let pending = Store(&inner.platform).pendings()?.len() as u64;
        let state = inner.state.borrow();
        let (head, schedule) = (&state.head, &state.schedule);
        let settings = &inner.settings;
        let source_state = source_state(&settings.source, schedule.last_attempt.as_ref());
        Ok(Status {
            space: inner.space.as_str().to_owned(),
            head: HeadStatus {
                version: head.version,
                etag: head.etag.as_str().to_owned(),
                hash: head.hash,
                bytes: head.text.len(),
                adopted_at: rfc3339(head.adopted_at),
                age_ms: now.since(head.adopted_at),
                origin: head.origin,
                base: head.origin == Origin::Base,
            },
            source: SourceStatus {
                upstream: settings.source.describe(),
                state: source_state,
                healthy: matches!(source_state, SourceState::Ok | SourceState::None),
                last_attempt: schedule.last_attempt.as_ref().map(shown),
                last_error: schedule.last_error.as_ref().map(shown),
                last_success_at: schedule.last_success_at.map(rfc3339),
                last_success_at_ms: schedule.last_success_at,
                consecutive_failures: schedule.consecutive_failures,
                in_flight: state.flight.is_some(),
            },
            operator: OperatorStatus {
                pin: state.control.pin.clone(),
                held: state.control.held.is_some(),
                override_: state.control.override_.clone(),
                override_expires_at,
                pending,
                next: self.announcement(&state),
            },
            schedule: ScheduleStatus {
                paused: state.control.paused,
                refresh_interval_ms: self.pace_of(&state.control).interval_ms,
                next_refresh_at: schedule.refresh_due.map(rfc3339),
                next_alarm_at: next_alarm.map(rfc3339),
                next_alarm_at_ms: next_alarm,
            },
            fleet,
            settings: settings.describe(),
            errors,
            counters,
            object_started_at: rfc3339(inner.started_at),
        })
    }

    /// Committed totals and those not committed yet, together. What has not happened is told as 0,
    /// so that its first time is seen as an increase.
    fn counters(&self) -> Result<Map<String, Value>, SqlError> {
        let mut totals = Map::new();
        for outcome in Outcome::ALL {
            add(&mut totals, REFRESHES, outcome.as_str(), 0);
        }
        for code in ["200", "304"] {
            add(&mut totals, SNAPSHOT_REPLIES, code, 0);
        }
        for name in [SOURCE_CALLS, SOURCE_DURATION_MS, ADOPTIONS, DENIED_WRITES] {
            add(&mut totals, name, "", 0);
        }
        for counter in Store(&self.inner.platform).counters()? {
            add(&mut totals, &counter.name, &counter.label, counter.value);
        }
        for (name, label, amount) in self.inner.state.borrow().uncommitted.iter() {
            add(&mut totals, name, label, amount);
        }
        Ok(totals)
    }
}

fn shown(attempt: &Attempt) -> Value {
    strict::parse(&attempt.record).unwrap_or_default()
}

fn source_state(source: &SourceSettings, last: Option<&Attempt>) -> SourceState {
    match (source, last.map(|attempt| attempt.outcome)) {
        (SourceSettings::None, _) => SourceState::None,
        (SourceSettings::Unusable { .. }, _) => SourceState::Unusable,
        (_, None) => SourceState::Never,
        (_, Some(Outcome::Adopted | Outcome::Unchanged | Outcome::Held)) => SourceState::Ok,
        (_, Some(Outcome::Failed)) => SourceState::Failing,
        (_, Some(Outcome::Rejected)) => SourceState::Rejected,
        (_, Some(Outcome::Missing)) => SourceState::Missing,
    }
}
