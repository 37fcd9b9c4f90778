//! The bodies of writes that are not documents: overrides, rollbacks and schedules.

use serde_json::Value;

use crate::document::{Document, MAX_SOURCE_BYTES};
use crate::moment::{ACTIVATE, EXPIRE, Moment, MomentNames};
use crate::problem::Problem;
use crate::reason::kind_of;
use crate::request_body::{empty_object_for, read, reason};
use crate::settings::REFRESH_INTERVAL_MS;
use crate::settings::duration::duration_within;
use crate::settings::section::Section;
use crate::version::UnixMillis;

/// Largest body of an override, in bytes. The whole body is within a document's limits, too, so the
/// patch has one level of nesting less, and what the other fields take.
pub const MAX_OVERRIDE_BODY_BYTES: usize = MAX_SOURCE_BYTES;
/// Largest body of a rollback or a schedule, in bytes.
pub const MAX_SMALL_BODY_BYTES: usize = 16_384;

/// An operator's patch: `{"patch": {…}, "reason": "…", "expires_at" or "expires_in": …,
/// "activate_at" or "activate_in": …}`, all but the patch optional.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideRequest {
    /// The merge patch (RFC 7396) that becomes the `override` layer.
    pub patch: Document,
    /// Why, for the audit.
    pub reason: Option<String>,
    /// When it ends.
    pub expires: Option<Moment>,
    /// When it begins; at once without.
    pub activate: Option<Moment>,
}

/// The times of an [`OverrideRequest`], counted from now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OverrideTimes {
    /// When it ends, if ever.
    pub expires_at: Option<UnixMillis>,
    /// When it begins; at once without.
    pub activate_at: Option<UnixMillis>,
}

impl OverrideRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// 413 over [`MAX_OVERRIDE_BODY_BYTES`]; 400 with a pointer to each offending value.
    pub fn parse(body: &[u8]) -> Result<OverrideRequest, Problem> {
        read(
            body,
            "an override",
            MAX_OVERRIDE_BODY_BYTES,
            &[
                "patch",
                "reason",
                "expires_at",
                "expires_in",
                "activate_at",
                "activate_in",
            ],
            |fields| OverrideRequest {
                patch: patch(fields),
                reason: reason(fields),
                expires: Moment::of_fields(fields, &EXPIRE),
                activate: Moment::of_fields(fields, &ACTIVATE),
            },
        )
    }

    /// When it begins and ends. A duration counts from now in both cases.
    ///
    /// # Errors
    /// A 400 with a pointer to each moment that has passed or is too far ahead, and to an end that
    /// is not after the beginning.
    pub fn times(&self, now: UnixMillis) -> Result<OverrideTimes, Problem> {
        let begins = resolved(self.activate, now, &ACTIVATE);
        let ends = resolved(self.expires, now, &EXPIRE);
        match (begins, ends) {
            (Err(mut problem), Err(other)) => {
                problem.errors.extend(other.errors.iter().cloned());
                Err(problem)
            }
            (Err(problem), Ok(_)) | (Ok(_), Err(problem)) => Err(problem),
            (Ok(activate_at), Ok(expires_at)) => match self.expires.zip(expires_at) {
                Some((moment, end)) if activate_at.is_some_and(|begin| end <= begin) => {
                    let message =
                        "found a time that is not after the beginning, expected a later one";
                    Err(EXPIRE.problem(moment.name(&EXPIRE), message))
                }
                _ => Ok(OverrideTimes {
                    expires_at,
                    activate_at,
                }),
            },
        }
    }
}

/// `{"reason": "…", "activate_at" or "activate_in": …}`, all optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RollbackRequest {
    /// Why, for the audit.
    pub reason: Option<String>,
    /// When to adopt the old content; at once without.
    pub activate: Option<Moment>,
}

impl RollbackRequest {
    /// Reads a body; an empty one asks for nothing special.
    ///
    /// # Errors
    /// 413 over [`MAX_SMALL_BODY_BYTES`]; 400 with a pointer to each offending value.
    pub fn parse(body: &[u8]) -> Result<RollbackRequest, Problem> {
        read(
            empty_object_for(body),
            "a rollback",
            MAX_SMALL_BODY_BYTES,
            &["reason", "activate_at", "activate_in"],
            |fields| RollbackRequest {
                reason: reason(fields),
                activate: Moment::of_fields(fields, &ACTIVATE),
            },
        )
    }

    /// When to adopt the old content; `None` for at once.
    ///
    /// # Errors
    /// As [`Moment::resolve`].
    pub fn activate_at(&self, now: UnixMillis) -> Result<Option<UnixMillis>, Problem> {
        resolved(self.activate, now, &ACTIVATE)
    }
}

/// What becomes of the interval between refreshes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalChange {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is the setting's again.
    Reset,
    /// It is so many milliseconds.
    SetMs(u64),
}

/// `{"refresh_interval": "…" or null, "paused": …, "reason": "…"}`, all optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleRequest {
    /// The interval; `null` resets it.
    pub refresh_interval: IntervalChange,
    /// Whether refreshes pause; as before without.
    pub paused: Option<bool>,
    /// Why, for the audit.
    pub reason: Option<String>,
}

impl ScheduleRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// 413 over [`MAX_SMALL_BODY_BYTES`]; 400 with a pointer to each offending value.
    pub fn parse(body: &[u8]) -> Result<ScheduleRequest, Problem> {
        read(
            body,
            "a schedule",
            MAX_SMALL_BODY_BYTES,
            &["refresh_interval", "paused", "reason"],
            |fields| ScheduleRequest {
                refresh_interval: interval(fields),
                paused: paused(fields),
                reason: reason(fields),
            },
        )
    }
}

fn resolved(
    moment: Option<Moment>,
    now: UnixMillis,
    names: &MomentNames,
) -> Result<Option<UnixMillis>, Problem> {
    moment.map(|moment| moment.resolve(now, names)).transpose()
}

fn patch(fields: &mut Section<'_, '_>) -> Document {
    let patch = match fields.get("patch") {
        Some(Value::Object(patch)) => {
            Document::from_object(patch.clone()).map_err(|reason| reason.message.clone())
        }
        Some(other) => Err(format!("found {}, expected an object", kind_of(other))),
        None => Err("missing, expected an object".to_owned()),
    };
    patch.unwrap_or_else(|message| {
        fields.wrong("patch", message);
        Document::empty()
    })
}

fn interval(fields: &mut Section<'_, '_>) -> IntervalChange {
    let interval = match fields.get("refresh_interval") {
        None => return IntervalChange::Keep,
        Some(Value::Null) => return IntervalChange::Reset,
        Some(value) => duration_within(value, &REFRESH_INTERVAL_MS),
    };
    match interval {
        Ok(ms) => IntervalChange::SetMs(ms),
        Err(message) => {
            fields.wrong("refresh_interval", format!("{message}, or null"));
            IntervalChange::Keep
        }
    }
}

fn paused(fields: &mut Section<'_, '_>) -> Option<bool> {
    let value = fields.get("paused")?;
    let paused = value.as_bool();
    if paused.is_none() {
        let message = format!("found {}, expected true or false", kind_of(value));
        fields.wrong("paused", message);
    }
    paused
}
