//! Writes that make no version by themselves: changes for later, their cancelling, the pace of
//! refreshes, the end of a pin.

use std::rc::Rc;

use serde_json::Value;

use super::State;
use super::change::Change;
use super::history::parsed;
use super::pending::MAX_PENDING;
use super::write::{Job, nothing_set, rejected, storage};
use crate::json::Members;
use crate::platform::Platform;
use crate::problem::{Problem, ProblemKind};
use crate::reason::Reason;
use crate::schema::Schema;
use crate::settings::duration::format_duration_ms;
use crate::store::{Control, Head, LayerName, Pending, Schedule};
use crate::version::UnixMillis;
use crate::wire::rfc3339;

impl<P: Platform> Job<'_, P> {
    /// Puts a change among those that wait.
    pub(super) fn schedule_change(
        &self,
        state: &mut State,
        change: &Change,
        at: UnixMillis,
        replaced: Option<&Pending>,
    ) -> Result<(u16, Value), Problem> {
        let waiting = self.store().pendings().map_err(storage)?.len();
        if replaced.is_none() && waiting >= MAX_PENDING {
            return Err(Problem::new(
                ProblemKind::TooManyPending,
                format!("{MAX_PENDING} changes are pending; cancel one first"),
            ));
        }
        let pending = Pending {
            id: 0,
            at,
            kind: change.kind(),
            document: change
                .document()
                .map(|document| document.text().to_string()),
            rollback_of: change.rollback_of(),
            expires_at: change.expires_at(),
            signed: self.signed.clone(),
            announced: None,
            refused: false,
        };
        let mut warnings = self.warnings(change);
        warnings.extend(self.too_soon(at));
        warnings.extend(replaced.and_then(|replaced| self.withdrawal(replaced)));
        let previous = state.head.version;
        let in_ms = at.since(self.signed.at);
        let body = |id: u64, head: &Head| {
            let told = Members::new()
                .number("id", id)
                .text("activate_at", &rfc3339(at))
                .number("in_ms", in_ms)
                .take();
            let mut body = self.told("scheduled", previous, head);
            body.value("pending", told)
                .texts("warnings", &warnings)
                .take()
        };
        let mut id = 0;
        self.commit(state, "scheduled", |store| {
            if let Some(replaced) = replaced {
                store.delete_pending(replaced.id)?;
            }
            id = store.insert_pending(&pending)?;
            // What was replaced may have kept a version.
            store.prune(self.coordinator.retention(), self.signed.at)?;
            self.keep(store, 202, &body(id, &state.head))?;
            Ok(Some(format!("pending {id}")))
        })?;
        Ok((202, self.prepared(state, 202, &|head| body(id, head))))
    }

    /// Takes a pending change away.
    pub(super) fn cancel(&self, state: &mut State, id: u64) -> Result<(u16, Value), Problem> {
        let pending = self.known_pending(id)?;
        let previous = state.head.version;
        let warnings: Vec<_> = self.withdrawal(&pending).into_iter().collect();
        let body = |head: &Head| {
            let mut body = self.told("cancelled", previous, head);
            body.texts("warnings", &warnings).take()
        };
        self.commit(state, "cancelled", |store| {
            store.delete_pending(id)?;
            // It may have kept a version.
            store.prune(self.coordinator.retention(), self.signed.at)?;
            self.keep(store, 200, &body(&state.head))?;
            Ok(Some(format!("pending {id}")))
        })?;
        Ok((200, self.prepared(state, 200, &body)))
    }

    /// Sets the pace of refreshes.
    pub(super) fn schedule(
        &self,
        state: &mut State,
        paused: Option<bool>,
        refresh_interval_ms: Option<Option<u64>>,
    ) -> Result<(u16, Value), Problem> {
        let mut control = state.control.clone();
        control.paused = paused.unwrap_or(control.paused);
        control.refresh_interval_ms = refresh_interval_ms.unwrap_or(control.refresh_interval_ms);
        let mut schedule = state.schedule.clone();
        let pace = self.coordinator.pace_of(&control);
        let longest = self.signed.at.plus(pace.longest_delay_ms(0));
        schedule.refresh_due = match (control.paused, schedule.refresh_due) {
            (true, _) => None,
            (false, Some(due)) => Some(due.min(longest)),
            (false, None) => self.coordinator.has_source().then_some(self.signed.at),
        };
        let interval = format_duration_ms(pace.interval_ms);
        let mut body = self.told("done", state.head.version, &state.head);
        body.flag("paused", control.paused)
            .text("refresh_interval", &interval);
        let paused = if control.paused { ", paused" } else { "" };
        let detail = format!("every {interval}{paused}");
        self.set_pace(state, control, schedule, body, Some(detail))
    }

    /// Ends a pin. The source is asked at once, and what it says counts, even where it says what it
    /// said before the rollback.
    pub(super) fn unpin(&self, state: &mut State) -> Result<(u16, Value), Problem> {
        if state.control.pin.is_none() {
            return Err(nothing_set("the space is not pinned"));
        }
        let mut control = state.control.clone();
        (control.pin, control.held, control.pulled) = (None, None, None);
        let mut schedule = state.schedule.clone();
        schedule.source_etag = None;
        if schedule.refresh_due.is_some() {
            schedule.refresh_due = Some(self.signed.at);
        }
        let body = self.told("done", state.head.version, &state.head);
        self.set_pace(state, control, schedule, body, None)
    }

    /// Commits what operators set and when the source is asked next, and tells that.
    fn set_pace(
        &self,
        state: &mut State,
        control: Control,
        schedule: Schedule,
        mut body: Members,
        detail: Option<String>,
    ) -> Result<(u16, Value), Problem> {
        let due = schedule.refresh_due.map(rfc3339);
        let body = body.optional_text("next_refresh_at", due.as_deref()).take();
        self.commit(state, "done", |store| {
            store.put_control(&control)?;
            store.put_schedule(&schedule)?;
            // The pin may have kept a version.
            store.prune(self.coordinator.retention(), self.signed.at)?;
            self.keep(store, 200, &body)?;
            Ok(detail.clone())
        })?;
        state.control = control;
        state.schedule = schedule;
        Ok((200, body))
    }

    /// Sets the schema, or takes it away. One that the head breaks is stored by force only: the head
    /// stays then, and whatever comes next must keep it.
    pub(super) fn set_schema(
        &self,
        state: &mut State,
        schema: Option<&Schema>,
        force: bool,
    ) -> Result<(u16, Value), Problem> {
        if schema.is_none() && state.schema.is_none() {
            return Err(nothing_set("the space has no schema"));
        }
        let platform = self.coordinator.platform();
        let broken = match schema {
            None => Vec::new(),
            Some(schema) => {
                let usable = platform.check_schema(schema);
                usable.map_err(|reasons| rejected("the schema cannot be used", &reasons))?;
                let head = parsed(&state.head)?;
                platform.validate(schema, &head).err().unwrap_or_default()
            }
        };
        if !broken.is_empty() && !force && !self.write.dry_run {
            let detail = "the head breaks the schema; mend the document first, or store the schema with ?force";
            return Err(rejected(detail, &broken));
        }
        let (now, version) = (self.signed.at, state.head.version);
        let reasons: Value = broken.iter().map(Reason::to_json).collect();
        let body = |head: &Head| {
            let mut body = self.told("done", version, head);
            body.flag("head_is_valid", broken.is_empty())
                .value("reasons", reasons.clone())
                .take()
        };
        if self.write.dry_run {
            return Ok((200, body(&state.head)));
        }
        self.commit(state, "done", |store| {
            match schema {
                Some(schema) => {
                    store.put_layer(LayerName::Schema, schema.document(), now, version)?;
                }
                None => store.delete_layer(LayerName::Schema)?,
            }
            self.keep(store, 200, &body(&state.head))?;
            Ok(schema.map(|schema| schema.hash().hex()))
        })?;
        state.schema = schema.cloned().map(Rc::new);
        Ok((200, self.prepared(state, 200, &body)))
    }

    pub(super) fn known_pending(&self, id: u64) -> Result<Pending, Problem> {
        let pendings = self.store().pendings().map_err(storage)?;
        let mut known = pendings.into_iter().filter(|pending| pending.id == id);
        known.next().ok_or_else(|| {
            Problem::new(
                ProblemKind::UnknownPending,
                format!("no change with the number {id} is pending"),
            )
        })
    }

    /// What an activation so soon can not promise: isolates that do not ask in between hear of it
    /// too late.
    fn too_soon(&self, at: UnixMillis) -> Option<String> {
        let bound = self.bound_beyond(at)?;
        Some(format!(
            "it is sooner than {bound}, the longest that an isolate may go without asking: some may switch later than the rest"
        ))
    }

    /// What taking back a change can not promise that readers were told.
    pub(super) fn withdrawal(&self, withdrawn: &Pending) -> Option<String> {
        withdrawn.announced?;
        let bound = self.bound_beyond(withdrawn.at)?;
        Some(format!(
            "isolates that have not asked within {bound} may still switch to what was withdrawn, until they ask"
        ))
    }

    /// How long an isolate may go without asking, where that is longer than it is until then.
    fn bound_beyond(&self, at: UnixMillis) -> Option<String> {
        let bound_ms = self.coordinator.worst_staleness_ms();
        (at.since(self.signed.at) < bound_ms).then(|| format_duration_ms(bound_ms))
    }
}
