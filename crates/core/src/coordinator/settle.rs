//! One refresh's answer, decided and committed.

use super::{Coordinator, Reload, State, Trigger, status};
use crate::document::Document;
use crate::guard::Waivers;
use crate::platform::Platform;
use crate::refresh::{Cause, Current, Decision, Failure, Fetched, Outcome, decide};
use crate::sql::SqlError;
use crate::store::{
    Adoption, Attempt, AuditEntry, Control, Head, Increments, LayerName, Origin, OutcomeRecord,
    Schedule, Store,
};
use crate::version::{UnixMillis, Version};
use crate::wire::rfc3339;

/// One refresh that was answered, on its way into the database.
pub(super) struct Settlement<'a, P> {
    pub(super) coordinator: &'a Coordinator<P>,
    pub(super) trigger: &'a Trigger,
    pub(super) reloads: &'a [Reload],
    /// Whether the source was asked at all.
    pub(super) called: bool,
    pub(super) duration_ms: u64,
    pub(super) now: UnixMillis,
}

impl<P: Platform> Settlement<'_, P> {
    fn store(&self) -> Store<'_, P> {
        Store(&self.coordinator.inner.platform)
    }

    pub(super) fn decide(
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
    pub(super) fn commit(
        &self,
        state: &mut State,
        decision: Decision,
    ) -> Result<OutcomeRecord, SqlError> {
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
        if layer.is_some() {
            state.base_owed = None;
            state.stack = None;
        }
        if let Some(head) = head {
            state.head = head;
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
    pub(super) fn remember(&self, state: &mut State, decision: Decision) -> OutcomeRecord {
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
        for reason in &record.reasons {
            increments.add(status::REJECTIONS, reason.code.as_str(), 1);
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

pub(super) fn storage_failure(error: SqlError) -> Decision {
    Decision::Fail(Failure::new(Cause::Storage, error.0))
}
