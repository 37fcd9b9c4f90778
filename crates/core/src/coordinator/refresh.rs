//! The refresh flow: arm, pull, read the head again, decide, persist, arm.

use std::future::Future;

use futures_channel::oneshot;
use futures_util::future::{Either, select};

use super::{Coordinator, Flight, RefreshReport, Reload, State, Trigger, status};
use crate::document::Document;
use crate::guard::Waivers;
use crate::log::{Level, LogRecord};
use crate::platform::Platform;
use crate::reason::Reason;
use crate::refresh::{Cause, Current, Decision, Failure, Fetched, Outcome, decide};
use crate::settings::SourceSettings;
use crate::sql::SqlError;
use crate::store::{
    Adoption, Attempt, AuditEntry, Control, Head, Increments, LayerName, Origin, OutcomeRecord,
    Schedule, Store,
};
use crate::version::{UnixMillis, Version};
use crate::wire::rfc3339;

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

/// One refresh that was answered, on its way into the database.
struct Settlement<'a, P> {
    coordinator: &'a Coordinator<P>,
    trigger: &'a Trigger,
    reloads: &'a [Reload],
    /// Whether the source was asked at all.
    called: bool,
    duration_ms: u64,
    now: UnixMillis,
}

impl<P: Platform> Settlement<'_, P> {
    fn store(&self) -> Store<'_, P> {
        Store(&self.coordinator.inner.platform)
    }

    fn decide(
        &self,
        state: &State,
        fetched: Fetched,
        waivers: Waivers,
    ) -> Result<Decision, SqlError> {
        let inner = &self.coordinator.inner;
        let source = self.store().layer(LayerName::Source)?;
        let patch = self.store().layer(LayerName::Override)?;
        // Left out, an operator's patch would vanish from the head.
        let patch = patch
            .map(|layer| Document::parse(layer.text.as_bytes()))
            .transpose()
            .map_err(|reason| SqlError(format!("the stored override cannot be read: {reason}")))?;
        let rules = |merged: &Document| self.coordinator.keeps_rules(state, merged);
        let current = Current {
            head_hash: &state.head.hash,
            head_is_base: state.head.origin != Origin::Source,
            source: source.as_ref(),
            pulled: state.control.pulled.as_ref(),
            pinned: state.control.pin.is_some(),
            rules: &rules,
            defaults: &inner.built_in.defaults,
            vars: &inner.built_in.vars,
            override_patch: patch.as_ref().map(Document::object),
        };
        Ok(decide(fetched, &current, inner.settings.guard, waivers))
    }

    /// Commits the decision with its version, schedule, outcome, counters and audit row, all or
    /// nothing; then, and only then, changes memory.
    fn commit(&self, state: &mut State, decision: Decision) -> Result<OutcomeRecord, SqlError> {
        let Plan {
            head,
            layer,
            schedule,
            control,
            record,
        } = self.plan(state, decision);
        let mut increments = state.uncommitted.clone();
        increments.add_all(&self.increments(&record));
        let attempt = Attempt::from(&record);
        let mut layers = Vec::new();
        if let Some(source) = &layer {
            layers.push((LayerName::Source, source));
            if let Some(base) = &state.base_owed {
                layers.push((LayerName::Base, base));
            }
        }
        let (before, retention) = (state.head.version, self.coordinator.retention());
        self.store().atomically(|store| {
            if let Some(head) = &head {
                store.put_head(&Adoption {
                    head,
                    layers: &layers,
                    actor: self.trigger.actor(),
                    action: self.trigger.as_str(),
                    reason: self.trigger.reason(),
                    rollback_of: None,
                })?;
            } else {
                for (name, layer) in &layers {
                    store.put_layer(*name, layer, self.now, before)?;
                }
            }
            self.audit(store, before, &record)?;
            if control != state.control {
                store.put_control(&control)?;
            }
            store.put_schedule(&schedule)?;
            store.put_outcome(&attempt)?;
            if head.is_some() || retention.age_ms.is_some() {
                store.prune(retention, self.now)?;
            }
            store.add(&increments)
        })?;
        state.uncommitted.clear();
        state.schedule = schedule;
        state.control = control;
        if let Some(head) = head {
            state.head = head;
        }
        if layer.is_some() {
            state.base_owed = None;
            // Even where the head is the same: another layer makes something else of what waits.
            self.coordinator.prepare_next(state);
        }
        Ok(record)
    }

    /// A row for whoever made the head another one, and one for each operator who asked.
    fn audit(
        &self,
        store: &Store<'_, P>,
        before: Version,
        record: &OutcomeRecord,
    ) -> Result<(), SqlError> {
        let entry = |trigger: &Trigger| {
            store.append_audit(&AuditEntry {
                at: self.now,
                actor: trigger.actor(),
                action: trigger.as_str(),
                reason: trigger.reason(),
                before: Some(before),
                after: record.version,
                outcome: record.outcome.as_str(),
                detail: record.cause(),
            })
        };
        let adopted = record.outcome == Outcome::Adopted;
        if adopted && !matches!(self.trigger, Trigger::Reload(_)) {
            entry(self.trigger)?;
        }
        for reload in self.reloads {
            entry(&Trigger::Reload(reload.clone()))?;
        }
        Ok(())
    }

    /// What storage would not take is kept in memory at least: the schedule must go on, and the
    /// counts may still be committed with a later refresh.
    fn remember(&self, state: &mut State, decision: Decision) -> OutcomeRecord {
        let plan = self.plan(state, decision);
        let increments = self.increments(&plan.record);
        state.uncommitted.add_all(&increments);
        state.schedule = plan.schedule;
        plan.record
    }

    fn plan(&self, state: &State, decision: Decision) -> Plan {
        let mut version = state.head.version;
        let (mut head, mut layer) = (None, None);
        let (mut failure, mut reasons) = (None, Vec::new());
        let (mut schedule, mut control) = (state.schedule.clone(), state.control.clone());
        let outcome = match decision {
            Decision::Adopt {
                source,
                merged,
                etag,
            } => match control.last_version.next() {
                Some(next) => {
                    version = next;
                    control.last_version = next;
                    control.pulled = Some(*source.hash());
                    control.held = None;
                    head = Some(Head::new(next, &merged, Origin::Source, self.now));
                    layer = Some(source);
                    schedule.source_etag = etag;
                    Outcome::Adopted
                }
                None => {
                    failure = Some(Failure::new(Cause::Storage, "no version is left"));
                    Outcome::Failed
                }
            },
            Decision::Unchanged { source, etag } => {
                // The validator held belongs to the layer held: it goes with that layer.
                if etag.is_some() || source.is_some() {
                    schedule.source_etag = etag;
                }
                if let Some(source) = &source {
                    control.pulled = Some(*source.hash());
                }
                control.held = None;
                layer = source;
                Outcome::Unchanged
            }
            Decision::Hold { candidate } => {
                control.held = Some(candidate);
                Outcome::Held
            }
            Decision::Reject(found) => {
                reasons = found;
                Outcome::Rejected
            }
            Decision::Missing => Outcome::Missing,
            Decision::Fail(found) => {
                failure = Some(found);
                Outcome::Failed
            }
        };
        let record = OutcomeRecord {
            settled_at: rfc3339(self.now),
            trigger: self.trigger.as_str(),
            outcome,
            version,
            duration_ms: self.duration_ms,
            failure,
            reasons,
        };
        self.reschedule(&mut schedule, &control, &record);
        Plan {
            head,
            layer,
            schedule,
            control,
            record,
        }
    }

    /// Only a source that does not answer is asked more slowly; one that answers nonsense is asked
    /// at its usual pace, for somebody will mend it.
    fn reschedule(&self, schedule: &mut Schedule, control: &Control, record: &OutcomeRecord) {
        let random = self.coordinator.inner.platform.random();
        schedule.unsettled = 0;
        schedule.consecutive_failures = match record.outcome {
            Outcome::Failed => schedule.consecutive_failures.saturating_add(1),
            _ => 0,
        };
        let pace = self.coordinator.pace_of(control);
        let delay_ms = pace.delay_ms(schedule.consecutive_failures, random);
        schedule.refresh_due = (!control.paused).then(|| self.now.plus(delay_ms));
        if record.outcome.is_success() {
            schedule.last_success_at = Some(self.now);
        } else {
            schedule.last_error = Some(record.into());
        }
        schedule.last_attempt = Some(record.into());
    }

    fn increments(&self, record: &OutcomeRecord) -> Increments {
        let mut increments = Increments::default();
        increments.add(status::REFRESHES, record.outcome.as_str(), 1);
        increments.add(status::SOURCE_CALLS, "", self.called.into());
        increments.add(status::SOURCE_DURATION_MS, "", self.duration_ms);
        if record.outcome == Outcome::Adopted {
            increments.add(status::ADOPTIONS, "", 1);
        }
        if let Some(failure) = &record.failure {
            increments.add(status::SOURCE_ERRORS, failure.cause.as_str(), 1);
        }
        for Reason { code, .. } in &record.reasons {
            increments.add(status::REJECTIONS, code.as_str(), 1);
        }
        increments
    }
}

/// What is to be committed for one refresh.
struct Plan {
    head: Option<Head>,
    layer: Option<Document>,
    schedule: Schedule,
    control: Control,
    record: OutcomeRecord,
}

fn storage_failure(error: SqlError) -> Decision {
    Decision::Fail(Failure::new(Cause::Storage, error.0))
}
