//! `GET /metrics`: each space's figures from its object, and this isolate's own.

use bellwether_core::metrics_text::MetricValue::{self, Millis, Whole};
use bellwether_core::metrics_text::Metrics;
use bellwether_core::names::media;
use bellwether_core::pointer;
use bellwether_core::problem::Problem;
use bellwether_core::settings::TransportSettings;
use bellwether_core::wire::ReadState;
use bellwether_reader::Counts;
use serde_json::Value;
use worker::Env;

use super::{readers, space};
use crate::http::Answer;
use crate::worker_env::WorkerEnv;

/// Prometheus text. An object that does not answer is told as `bellwether_up 0`; the others are
/// still shown.
pub(super) async fn metrics(env: &Env, worker_env: &WorkerEnv) -> Result<Answer, Problem> {
    let mut metrics = Metrics::new();
    let leads = matches!(
        worker_env.settings.reader.transport,
        TransportSettings::Object { .. }
    );
    if leads {
        for space in worker_env.settings.spaces.keys() {
            let status = space::object_status(env, worker_env, space).await.ok();
            metrics.gauge(
                "bellwether_up",
                "Whether the space's object answered.",
                &[("space", space.as_str())],
                Whole(status.is_some().into()),
            );
            if let Some(status) = status {
                of_space(&mut metrics, space.as_str(), &status);
            }
        }
    }
    of_isolate(&mut metrics);
    Ok(Answer::text(media::PROMETHEUS_TEXT, metrics.render())
        .with(bellwether_core::names::header::CACHE_CONTROL, "no-store"))
}

/// A gauge, and where the status has its figure.
type Figure = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Value) -> Option<MetricValue>,
);

const FIGURES: &[Figure] = &[
    (
        "bellwether_head_version",
        "The head's version.",
        "/head/version",
        whole,
    ),
    (
        "bellwether_head_age_seconds",
        "Time since the head was adopted.",
        "/head/age_ms",
        millis,
    ),
    (
        "bellwether_head_bytes",
        "Size of the head's document.",
        "/head/bytes",
        whole,
    ),
    (
        "bellwether_head_base",
        "1 while the head holds built-in layers only.",
        "/head/base",
        flag,
    ),
    (
        "bellwether_source_healthy",
        "1 when the last refresh was adopted or unchanged.",
        "/source/healthy",
        flag,
    ),
    (
        "bellwether_source_consecutive_failures",
        "Failed refreshes since the source last answered.",
        "/source/consecutive_failures",
        whole,
    ),
    (
        "bellwether_source_last_duration_seconds",
        "How long the last refresh waited for the source.",
        "/source/last_attempt/duration_ms",
        millis,
    ),
    (
        "bellwether_last_success_timestamp_seconds",
        "When a refresh last was adopted or unchanged, Unix time.",
        "/source/last_success_at_ms",
        millis,
    ),
    (
        "bellwether_next_alarm_timestamp_seconds",
        "When the object's next alarm is due, Unix time.",
        "/schedule/next_alarm_at_ms",
        millis,
    ),
    (
        "bellwether_paused",
        "1 while an operator lets the schedule stand still.",
        "/schedule/paused",
        flag,
    ),
    (
        "bellwether_pinned",
        "1 while a rollback holds against the source.",
        "/operator/pin",
        present,
    ),
    (
        "bellwether_overridden",
        "1 while an operator's patch is in force.",
        "/operator/override",
        present,
    ),
    (
        "bellwether_pending_changes",
        "Changes that wait for their moment.",
        "/operator/pending",
        whole,
    ),
    (
        "bellwether_fleet_isolates",
        "Isolates that reported lately.",
        "/fleet/isolates",
        whole,
    ),
    (
        "bellwether_fleet_isolates_on_head",
        "Those of them that hold the head.",
        "/fleet/on_head",
        whole,
    ),
    (
        "bellwether_fleet_isolates_rejecting",
        "Those of them that refused a newer document.",
        "/fleet/rejecting",
        whole,
    ),
    (
        "bellwether_fleet_convergence_p50_seconds",
        "Time from the head's adoption until half of the isolates had it.",
        "/fleet/converged_p50_ms",
        millis,
    ),
    (
        "bellwether_fleet_convergence_p99_seconds",
        "The same for 99 of 100.",
        "/fleet/converged_p99_ms",
        millis,
    ),
];

fn whole(figure: &Value) -> Option<MetricValue> {
    figure.as_u64().map(Whole)
}

fn millis(figure: &Value) -> Option<MetricValue> {
    figure.as_u64().map(Millis)
}

fn flag(figure: &Value) -> Option<MetricValue> {
    figure.as_bool().map(|yes| Whole(yes.into()))
}

fn present(figure: &Value) -> Option<MetricValue> {
    Some(Whole((!figure.is_null()).into()))
}

fn of_space(metrics: &mut Metrics, space: &str, status: &Value) {
    for (name, help, pointer, read) in FIGURES {
        // What has not happened yet has no figure.
        if let Some(value) = pointer::lookup(status, pointer).ok().and_then(read) {
            metrics.gauge(name, help, &[("space", space)], value);
        }
    }
    let counters = ["counters", "fleet"].map(|part| status.get(part).and_then(Value::as_object));
    for (name, value) in counters.into_iter().flatten().flatten() {
        match value {
            Value::Object(labels) => {
                for (label, value) in labels {
                    of_counter(metrics, space, name, label, value.as_u64().unwrap_or(0));
                }
            }
            total => of_counter(metrics, space, name, "", total.as_u64().unwrap_or(0)),
        }
    }
}

/// A counter of the status, its metric, and the label that tells its parts apart; empty for a plain
/// total.
type Total = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    fn(u64) -> MetricValue,
);

const TOTALS: &[Total] = &[
    (
        "refreshes_total",
        "bellwether_refreshes_total",
        "Refreshes, by outcome.",
        "outcome",
        Whole,
    ),
    (
        "source_calls_total",
        "bellwether_source_calls_total",
        "Calls to the source.",
        "",
        Whole,
    ),
    (
        "source_duration_ms_total",
        "bellwether_source_duration_seconds_total",
        "Time spent waiting for the source.",
        "",
        Millis,
    ),
    (
        "source_errors_total",
        "bellwether_source_errors_total",
        "Failed refreshes, by cause.",
        "cause",
        Whole,
    ),
    (
        "rejections_total",
        "bellwether_rejections_total",
        "Reasons of rejected candidates, by code.",
        "code",
        Whole,
    ),
    (
        "adoptions_total",
        "bellwether_adoptions_total",
        "Versions that a refresh brought.",
        "",
        Whole,
    ),
    (
        "denied_writes_total",
        "bellwether_denied_writes_total",
        "Writes that were asked for without the right to them.",
        "",
        Whole,
    ),
    (
        "reads_total",
        "bellwether_fleet_reads_total",
        "Reads that isolates told of, by state.",
        "state",
        Whole,
    ),
    (
        "reports_total",
        "bellwether_fleet_reports_total",
        "Reports of isolates, by what became of them.",
        "result",
        Whole,
    ),
    (
        "snapshot_replies_total",
        "bellwether_snapshot_replies_total",
        "Snapshots answered by the object, by HTTP status; 304 is a conditional hit.",
        "code",
        Whole,
    ),
];

/// Counters that this code does not know (written by a newer one) are left out.
fn of_counter(metrics: &mut Metrics, space: &str, counter: &str, part: &str, value: u64) {
    let known = TOTALS.iter().find(|(name, ..)| *name == counter);
    let Some((_, name, help, label, unit)) = known else {
        return;
    };
    let labels = [("space", space), (*label, part)];
    let used = if label.is_empty() { 1 } else { 2 };
    let labels = labels.get(..used).unwrap_or_default();
    metrics.counter(name, help, labels, unit(value));
}

/// A metric of this isolate, and its count.
type IsolateTotal = (&'static str, &'static str, fn(&Counts) -> u64);

const ISOLATE_TOTALS: &[IsolateTotal] = &[
    (
        "bellwether_isolate_refused_reads_total",
        "Reads that this isolate failed as expired.",
        |counts| counts.refused,
    ),
    (
        "bellwether_isolate_object_calls_total",
        "Calls of this isolate to the coordinator.",
        |counts| counts.calls,
    ),
    (
        "bellwether_isolate_conditional_hits_total",
        "Calls that were answered with 304.",
        |counts| counts.conditional_hits,
    ),
    (
        "bellwether_isolate_call_failures_total",
        "Calls that failed or passed their deadline.",
        |counts| counts.call_failures,
    ),
    (
        "bellwether_isolate_rejections_total",
        "Documents that did not fit this Worker's types.",
        |counts| counts.rejections,
    ),
];

fn of_isolate(metrics: &mut Metrics) {
    let isolate = readers::isolate();
    for (space, reader) in readers::readers() {
        let report = reader.report();
        let counts = report.counts;
        let labels = [("space", space.as_str()), ("isolate", isolate.as_str())];
        for (state, count) in [
            (ReadState::Fresh, counts.fresh),
            (ReadState::Stale, counts.stale),
            (ReadState::Expired, counts.expired),
            (ReadState::Base, counts.base),
        ] {
            let [space, isolate] = labels;
            metrics.counter(
                "bellwether_isolate_reads_total",
                "Reads answered by this isolate, by state.",
                &[space, isolate, ("state", state.as_str())],
                Whole(count),
            );
        }
        for (name, help, count) in ISOLATE_TOTALS {
            metrics.counter(name, help, &labels, Whole(count(&counts)));
        }
        let pending = report.pending.map_or(0, |pending| pending.version.get());
        metrics.gauge(
            "bellwether_isolate_pending_version",
            "The version that this isolate will switch to by itself; 0 for none.",
            &labels,
            Whole(pending),
        );
        if let Some(ms) = counts.cold_start_ms {
            metrics.gauge(
                "bellwether_isolate_cold_start_seconds",
                "Time from this isolate's first read to its first snapshot.",
                &labels,
                Millis(ms),
            );
        }
    }
}
