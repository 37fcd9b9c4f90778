//! Writes that make no version by themselves: changes for later, their cancelling, the pace of
//! refreshes, the end of a pin.

use serde_json::Value;

use super::State;
use super::change::Change;
use super::pending::MAX_PENDING;
use super::write::{Job, nothing_set, storage};
use crate::json::Members;
use crate::platform::Platform;
use crate::problem::{Problem, ProblemKind};
use crate::settings::duration::format_duration_ms;
use crate::store::{Head, Pending};
use crate::version::UnixMillis;
use crate::wire::rfc3339;

impl<P: Platform> Job<'_, P> {
    /// Puts a change among those that wait.
    pub(super) fn schedule_change(
        &self,
        state: &mut State,
        change: &Change,
        at: UnixMillis,
        replaces: Option<u64>,
    ) -> Result<(u16, Value), Problem> {
        let waiting = self.store().pendings().map_err(storage)?.len();
        if replaces.is_none() && waiting >= MAX_PENDING {
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
        let warnings = self.activation_warnings(at, replaces.is_some());
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
            if let Some(replaced) = replaces {
                store.delete_pending(replaced)?;
            }
            id = store.insert_pending(&pending)?;
            self.keep(store, 202, &body(id, &state.head))?;
            Ok(Some(format!("pending {id}")))
        })?;
        Ok((202, self.prepared(state, 202, &|head| body(id, head))))
    }

    /// Takes a pending change away.
    pub(super) fn cancel(&self, state: &mut State, id: u64) -> Result<(u16, Value), Problem> {
        let pending = self.known_pending(id)?;
        let previous = state.head.version;
        let warnings = self.activation_warnings(pending.at, true);
        let body = |head: &Head| {
            let mut body = self.told("cancelled", previous, head);
            body.texts("warnings", &warnings).take()
        };
        self.commit(state, "cancelled", |store| {
            store.delete_pending(id)?;
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
        let body = body
            .flag("paused", control.paused)
            .text("refresh_interval", &interval)
            .optional_text(
                "next_refresh_at",
                schedule.refresh_due.map(rfc3339).as_deref(),
            )
            .take();
        self.commit(state, "done", |store| {
            store.put_control(&control)?;
            store.put_schedule(&schedule)?;
            self.keep(store, 200, &body)?;
            let paused = if control.paused { ", paused" } else { "" };
            Ok(Some(format!("every {interval}{paused}")))
        })?;
        state.control = control;
        state.schedule = schedule;
        Ok((200, body))
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
        let mut body = self.told("done", state.head.version, &state.head);
        let body = body
            .optional_text(
                "next_refresh_at",
                schedule.refresh_due.map(rfc3339).as_deref(),
            )
            .take();
        self.commit(state, "done", |store| {
            store.put_control(&control)?;
            store.put_schedule(&schedule)?;
            self.keep(store, 200, &body)?;
            Ok(None)
        })?;
        state.control = control;
        state.schedule = schedule;
        Ok((200, body))
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

    /// What an activation can not promise: isolates that do not ask in between hear of it too late.
    pub(super) fn activation_warnings(&self, at: UnixMillis, withdraws: bool) -> Vec<String> {
        let bound_ms = self.coordinator.worst_staleness_ms();
        if at.since(self.signed.at) >= bound_ms {
            return Vec::new();
        }
        let bound = format_duration_ms(bound_ms);
        let mut warnings = vec![format!(
            "it is sooner than {bound}, the longest that an isolate may go without asking: some may switch later than the rest"
        )];
        if withdraws {
            warnings.push(format!(
                "isolates that have not asked within {bound} may still switch to what was withdrawn, until they ask"
            ));
        }
        warnings
    }
}
