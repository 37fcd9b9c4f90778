//! Writes, as requests spell them.

use super::ApiRequest;
use crate::coordinator::{Action, Change, Idempotency, Write};
use crate::document::Document;
use crate::guard::Waivers;
use crate::json;
use crate::moment::{ACTIVATE_IN_QUERIES, Moment};
use crate::names::header;
use crate::problem::{Problem, ProblemKind};
use crate::reason::{Reason, ReasonCode};
use crate::request_header::{parse_idempotency_key, parse_reason};
use crate::routes::{DRY_RUN_QUERY, FORCE_QUERY, Leaf, REPLACES_QUERY, WAIVE_QUERY};
use crate::schema::Schema;
use crate::settings::suggest;
use crate::version::{ContentHash, UnixMillis};
use crate::write_request::{IntervalChange, OverrideRequest, RollbackRequest, ScheduleRequest};

/// Reads a write.
///
/// # Errors
/// A problem that names what is wrong and what was expected.
pub(super) fn parse(request: &ApiRequest<'_>, now: UnixMillis) -> Result<Write, Problem> {
    let actor = request.actor();
    let header_reason = parse_reason((request.field)(header::REASON).as_deref())?;
    let key = parse_idempotency_key((request.field)(header::IDEMPOTENCY_KEY).as_deref())?;
    let if_match = (request.field)(header::IF_MATCH);
    let (action, reason) = action(request, now)?;
    let idempotency = key.map(|key| Idempotency {
        fingerprint: fingerprint(request, if_match.as_deref(), header_reason.as_deref()),
        key: format!("{actor} {key}"),
    });
    Ok(Write {
        action,
        actor,
        reason: reason.or(header_reason),
        if_match,
        idempotency,
        dry_run: flag(request, DRY_RUN_QUERY)?,
    })
}

fn action(request: &ApiRequest<'_>, now: UnixMillis) -> Result<(Action, Option<String>), Problem> {
    let body = request.body.as_bytes();
    let change = |change, activate_at, waivers| {
        Ok::<_, Problem>(Action::Change {
            change,
            activate_at,
            waivers,
            replaces: replaces(request)?,
        })
    };
    match (request.leaf, request.method) {
        (Leaf::Document, method) => {
            let document = document(body)?;
            let activate_at = Moment::of_query(request.query, &ACTIVATE_IN_QUERIES)?
                .map(|moment| moment.resolve(now, &ACTIVATE_IN_QUERIES))
                .transpose()?;
            let document = match method {
                "PATCH" => Change::Patch(document),
                _ => Change::Publish(document),
            };
            Ok((change(document, activate_at, waivers(request)?)?, None))
        }
        (Leaf::Override, "DELETE") => {
            let end = change(Change::EndOverride, None, Waivers::default())?;
            Ok((end, None))
        }
        (Leaf::Override, _) => {
            let asked = OverrideRequest::parse(body)?;
            let times = asked.times(now)?;
            let patch = Change::Override {
                patch: asked.patch,
                expires_at: times.expires_at,
            };
            let action = change(patch, times.activate_at, Waivers::default())?;
            Ok((action, asked.reason))
        }
        (Leaf::Rollback(to), _) => {
            let asked = RollbackRequest::parse(body)?;
            let activate_at = asked.activate_at(now)?;
            let rollback = Change::Rollback {
                to: super::known(to)?,
            };
            let action = change(rollback, activate_at, Waivers::default())?;
            Ok((action, asked.reason))
        }
        (Leaf::Schedule, _) => {
            let asked = ScheduleRequest::parse(body)?;
            let action = Action::Schedule {
                paused: asked.paused,
                refresh_interval_ms: match asked.refresh_interval {
                    IntervalChange::Keep => None,
                    IntervalChange::Reset => Some(None),
                    IntervalChange::SetMs(ms) => Some(Some(ms)),
                },
            };
            Ok((action, asked.reason))
        }
        (Leaf::Schema, "DELETE") => {
            let action = Action::Schema {
                schema: None,
                force: false,
            };
            Ok((action, None))
        }
        (Leaf::Schema, _) => {
            let schema = Schema::parse(body).map_err(|reason| {
                Problem::bad_request("the body is not a schema").with_reason(&reason)
            })?;
            let action = Action::Schema {
                schema: Some(schema),
                force: flag(request, FORCE_QUERY)?,
            };
            Ok((action, None))
        }
        (Leaf::Pin, _) => Ok((Action::Unpin, None)),
        (Leaf::PendingChange(pending), _) => Ok((Action::Cancel { pending }, None)),
        _ => Err(Problem::bare(ProblemKind::NotFound)),
    }
}

/// The body, where that is a document itself.
fn document(body: &[u8]) -> Result<Document, Problem> {
    Document::parse(body).map_err(|reason| {
        if reason.code == ReasonCode::TooLarge {
            Problem::new(ProblemKind::ContentTooLarge, &*reason.message)
        } else {
            not_a_document(reason)
        }
    })
}

fn not_a_document(reason: Reason) -> Problem {
    Problem::bad_request("the body is not a document").with_reason(&reason)
}

fn flag(request: &ApiRequest<'_>, name: &str) -> Result<bool, Problem> {
    match request.query(name)?.as_deref() {
        None | Some("false") => Ok(false),
        Some("" | "true") => Ok(true),
        Some(_) => Err(Problem::bad_request(format!(
            "the query parameter {name:?}: expected true or false"
        ))),
    }
}

fn replaces(request: &ApiRequest<'_>) -> Result<Option<u64>, Problem> {
    super::number(request, REPLACES_QUERY)
}

fn waivers(request: &ApiRequest<'_>) -> Result<Waivers, Problem> {
    let names = request.query(WAIVE_QUERY)?.unwrap_or_default();
    let names = names.split(',').filter(|name| !name.is_empty());
    names.into_iter().try_fold(Waivers::default(), |all, name| {
        let waiver = Waivers::parse_name(name).ok_or_else(|| {
            Problem::bad_request(suggest::unknown("waiver", name, &Waivers::NAMES))
        })?;
        Ok(all.union(waiver))
    })
}

/// Tells one request from another under the same key.
fn fingerprint(request: &ApiRequest<'_>, if_match: Option<&str>, reason: Option<&str>) -> String {
    let route = request.leaf.path();
    let parts = [
        Some(request.method),
        Some(&*route),
        Some(request.query),
        if_match,
        reason,
        Some(request.body),
    ];
    let parts = parts.map(serde_json::Value::from);
    ContentHash::of(json::text(&parts.to_vec().into()).as_bytes()).hex()
}
