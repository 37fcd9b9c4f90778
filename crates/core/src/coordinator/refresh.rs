//! The refresh flow: arm, pull, read the head again, decide, persist, arm.

use std::future::Future;

use futures_channel::oneshot;
use futures_util::future::{Either, select};

use super::settle::{Settlement, storage_failure};
use super::{Coordinator, Flight, RefreshReport, Trigger};
use crate::guard::Waivers;
use crate::log::{Level, LogRecord};
use crate::platform::Platform;
use crate::refresh::{Cause, Failure, Fetched};
use crate::settings::SourceSettings;
use crate::store::{OutcomeRecord, Store};
use crate::version::UnixMillis;

impl<P: Platform> Coordinator<P> {
    /// Starts a refresh on a task of its own, or joins the one under way: at most one call to the
    /// source is in flight in a space. Waiting for the report may be given up; the refresh goes on.
    pub(super) fn start_or_join(
        &self,
        trigger: Trigger,
    ) -> impl Future<Output = Option<RefreshReport>> + use<P> {
        let (sender, receiver) = oneshot::channel();
        let since = self.inner.platform.now();
        let mut state = self.inner.state.borrow_mut();
        let joined = state.flight.is_some();
        let flight = state.flight.get_or_insert_with(|| Flight {
            since,
            trigger: trigger.clone(),
            waivers: trigger.waivers(),
            waiters: Vec::new(),
            reloads: Vec::new(),
        });
        if let Trigger::Reload(reload) = &trigger {
            flight.reloads.push(reload.clone());
        }
        flight.waivers = flight.waivers.union(trigger.waivers());
        if flight.trigger.yields_to(&trigger) {
            flight.trigger = trigger.clone();
        }
        flight.waiters.push(sender);
        drop(state);
        if joined {
            self.inner.platform.log(&LogRecord {
                space: Some(self.inner.space.as_str()),
                trigger: Some(trigger.as_str()),
                actor: Some(trigger.actor()),
                ..LogRecord::new(Level::Info, "refresh_joined")
            });
        } else {
            let flow = self.clone().refresh();
            self.inner.platform.spawn(Box::pin(flow));
        }
        async move {
            let report = receiver.await.ok()?;
            Some(RefreshReport { joined, ..report })
        }
    }

    async fn refresh(self) {
        let platform = &self.inner.platform;
        let if_none_match = self.begin();
        // The successor stands before the work: whatever happens to this flight, the space is
        // refreshed again.
        self.arm().await;
        let asked_at = platform.now();
        let fetched = self.pull(if_none_match.as_deref()).await;
        let now = platform.now();
        let (report, waiters) = self.settle(fetched, now.since(asked_at), now);
        self.arm().await;
        for waiter in waiters {
            // A waiter that gave up needs no report.
            let _ = waiter.send(report.clone());
        }
    }

    /// Writes down that a refresh began, and when to try again should it never be settled.
    fn begin(&self) -> Option<String> {
        let platform = &self.inner.platform;
        let (now, random) = (platform.now(), platform.random());
        let mut state = self.inner.state.borrow_mut();
        let (pace, paused) = (self.pace_of(&state.control), state.control.paused);
        let schedule = &mut state.schedule;
        schedule.unsettled = schedule.unsettled.saturating_add(1);
        let failures = schedule
            .consecutive_failures
            .saturating_add(schedule.unsettled);
        let after_deadline = now.plus(self.inner.settings.source_timeout_ms);
        let due = after_deadline.plus(pace.delay_ms(failures, random));
        schedule.refresh_due = (!paused).then_some(due);
        let written = Store(platform).put_schedule(schedule);
        let if_none_match = schedule.source_etag.clone();
        drop(state);
        if let Err(error) = written {
            self.log_failure("schedule_not_written", &error.0);
        }
        if_none_match
    }

    async fn pull(&self, if_none_match: Option<&str>) -> Fetched {
        let settings = &self.inner.settings;
        if let SourceSettings::Unusable { reason } = &settings.source {
            return Fetched::Failed(Failure::new(Cause::Settings, reason.clone()));
        }
        let platform = &self.inner.platform;
        let pull = std::pin::pin!(platform.pull(if_none_match));
        let deadline = std::pin::pin!(platform.sleep(settings.source_timeout_ms));
        match select(pull, deadline).await {
            Either::Left((Fetched::NotModified, _)) if if_none_match.is_none() => Fetched::Failed(
                Failure::new(Cause::Protocol, "the source answered 304 unasked"),
            ),
            Either::Left((fetched, _)) => fetched,
            Either::Right(_) => Fetched::Failed(Failure::new(
                Cause::Timeout,
                format!("no answer within {} ms", settings.source_timeout_ms),
            )),
        }
    }

    /// Decides against the head of this moment, persists, and only then changes memory.
    fn settle(
        &self,
        fetched: Fetched,
        duration_ms: u64,
        now: UnixMillis,
    ) -> (RefreshReport, Vec<oneshot::Sender<RefreshReport>>) {
        // Whatever became due meanwhile comes first.
        self.run_dues(now);
        let mut state = self.inner.state.borrow_mut();
        let Flight {
            trigger,
            waivers,
            waiters,
            reloads,
            ..
        } = state.flight.take().unwrap_or(Flight {
            since: now,
            trigger: Trigger::Alarm,
            waivers: Waivers::default(),
            waiters: Vec::new(),
            reloads: Vec::new(),
        });
        let previous_version = state.head.version;
        let pulled = state.control.pulled;
        let called = !matches!(self.inner.settings.source, SourceSettings::Unusable { .. });
        let settlement = Settlement {
            coordinator: self,
            trigger: &trigger,
            reloads: &reloads,
            called,
            duration_ms,
            now,
        };
        let decision = settlement
            .decide(&state, fetched, waivers)
            .unwrap_or_else(storage_failure);
        let record = match settlement.commit(&mut state, decision) {
            Ok(record) => record,
            // The head stays, and the failure itself is recorded as well as storage allows.
            Err(error) => settlement
                .commit(&mut state, storage_failure(error))
                .unwrap_or_else(|error| settlement.remember(&mut state, storage_failure(error))),
        };
        // Another source layer, be it one that shows nothing of itself in the head now.
        if state.control.pulled != pulled {
            self.prepare_next(&mut state);
        }
        drop(state);
        self.log_settled(&trigger, &record);
        let report = RefreshReport {
            outcome: record.outcome,
            version: record.version,
            previous_version,
            duration_ms,
            reasons: record.reasons,
            failure: record.failure,
            joined: false,
        };
        (report, waiters)
    }

    fn log_settled(&self, trigger: &Trigger, settled: &OutcomeRecord) {
        let level = if settled.outcome.is_success() {
            Level::Info
        } else {
            Level::Warn
        };
        let failure = settled.failure.as_ref();
        self.inner.platform.log(&LogRecord {
            space: Some(self.inner.space.as_str()),
            version: Some(settled.version),
            trigger: Some(trigger.as_str()),
            actor: Some(trigger.actor()),
            outcome: Some(settled.outcome.as_str()),
            duration_ms: Some(settled.duration_ms),
            cause: settled.cause(),
            detail: failure.map(|failure| failure.detail.as_str()),
            ..LogRecord::new(level, "refresh")
        });
    }
}
