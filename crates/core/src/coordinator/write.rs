//! Writes by operators: who may, whether the head is still the one that they saw, what it does, one
//! commit, one audit row, and the same answer again for the same key.

use serde_json::Value;

use super::action::{Action, Write, WriteAnswer};
use super::change::Change;
use super::pending::Ready;
use super::{Coordinator, State};
use crate::difference::difference;
use crate::document::Document;
use crate::guard::Waivers;
use crate::json::{self, Members};
use crate::log::{Level, LogRecord};
use crate::platform::Platform;
use crate::problem::{Problem, ProblemKind};
use crate::reason::Reason;
use crate::sql::SqlError;
use crate::store::{AuditEntry, Head, KeptAnswer, Signed, Store};
use crate::strict;
use crate::version::{UnixMillis, Version};

impl<P: Platform> Coordinator<P> {
    /// Does what an operator asks for, durably and whole, or refuses it and changes nothing.
    ///
    /// # Errors
    /// Why it was refused, or that storage refused.
    pub async fn write(&self, write: Write) -> Result<WriteAnswer, Problem> {
        self.wake().await;
        if !write.dry_run
            && let Some(due) = write.action.first_due(self.inner.platform.now())
        {
            // Before the write: should the object die right after it, its moment must not be lost.
            self.arm_by(due).await;
        }
        let now = self.inner.platform.now();
        self.run_dues(now);
        let answer = {
            let mut state = self.inner.state.borrow_mut();
            Job {
                coordinator: self,
                write: &write,
                signed: Signed {
                    actor: write.actor.clone(),
                    reason: write.reason.clone(),
                    at: now,
                },
            }
            .run(&mut state)
        };
        self.log_write(&write, &answer);
        if !write.dry_run {
            self.arm().await;
        }
        answer
    }

    fn log_write(&self, write: &Write, answer: &Result<WriteAnswer, Problem>) {
        let (level, outcome) = match answer {
            _ if write.dry_run => (Level::Info, "dry_run"),
            Ok(answer) if answer.replayed => (Level::Info, "replayed"),
            Ok(_) => (Level::Info, "done"),
            Err(problem) => (Level::Warn, problem.kind.slug()),
        };
        self.inner.platform.log(&LogRecord {
            space: Some(self.inner.space.as_str()),
            version: Some(self.inner.state.borrow().head.version),
            trigger: Some(write.action.as_str()),
            actor: Some(&write.actor),
            outcome: Some(outcome),
            ..LogRecord::new(level, "write")
        });
    }
}

/// One write on its way.
pub(super) struct Job<'a, P> {
    pub(super) coordinator: &'a Coordinator<P>,
    pub(super) write: &'a Write,
    pub(super) signed: Signed,
}

impl<P: Platform> Job<'_, P> {
    pub(super) fn store(&self) -> Store<'_, P> {
        Store(&self.coordinator.inner.platform)
    }

    fn run(&self, state: &mut State) -> Result<WriteAnswer, Problem> {
        if let Some(kept) = self.kept().map_err(storage)? {
            return self.tell_again(state, kept);
        }
        let done = self.admit(state).and_then(|()| self.perform(state));
        match done {
            Ok((status, body)) => Ok(self.answer(state, status, body)),
            Err(problem) => {
                self.note_refusal(state, &problem)?;
                Err(problem)
            }
        }
    }

    /// The first answer to this key, if there was one.
    fn kept(&self) -> Result<Option<KeptAnswer>, SqlError> {
        let Some(idempotency) = &self.write.idempotency else {
            return Ok(None);
        };
        self.store().kept_answer(&idempotency.key, self.signed.at)
    }

    fn tell_again(&self, state: &State, kept: KeptAnswer) -> Result<WriteAnswer, Problem> {
        let fingerprint = self.write.idempotency.as_ref().map(|it| &it.fingerprint);
        if fingerprint == Some(&kept.fingerprint) {
            let body = strict::parse(&kept.body).unwrap_or_default();
            return Ok(WriteAnswer {
                replayed: true,
                ..self.answer(state, kept.status, body)
            });
        }
        let problem = Problem::new(
            ProblemKind::IdempotencyKeyReused,
            "another request came with this Idempotency-Key before; take a new key for a new write",
        );
        self.note_refusal(state, &problem)?;
        Err(problem)
    }

    /// Whether the head is still the one that the operator saw.
    fn admit(&self, state: &State) -> Result<(), Problem> {
        match self.write.if_match.as_deref() {
            None if self.write.dry_run => Ok(()),
            None => Err(Problem::new(
                ProblemKind::PreconditionRequired,
                "send If-Match with the ETag of the snapshot that you looked at, or If-Match: * whatever it is",
            )),
            Some(held) if state.head.etag.matches_if_match(held) => Ok(()),
            Some(_) => Err(Problem::new(
                ProblemKind::PreconditionFailed,
                format!(
                    "the head is version {} now; look at it, then send its ETag as If-Match",
                    state.head.version
                ),
            )),
        }
    }

    fn perform(&self, state: &mut State) -> Result<(u16, Value), Problem> {
        match &self.write.action {
            Action::Change {
                change,
                activate_at,
                waivers,
                replaces,
            } => self.change(state, change, *activate_at, *waivers, *replaces),
            Action::Schema { schema, force } => self.set_schema(state, schema.as_ref(), *force),
            _ if self.write.dry_run => Err(Problem::bad_request(
                "only a change of the document or of the schema can be tried with dry_run",
            )),
            Action::Cancel { pending } => self.cancel(state, *pending),
            Action::Schedule {
                paused,
                refresh_interval_ms,
            } => self.schedule(state, *paused, *refresh_interval_ms),
            Action::Unpin => self.unpin(state),
        }
    }

    fn change(
        &self,
        state: &mut State,
        change: &Change,
        activate_at: Option<UnixMillis>,
        waivers: Waivers,
        replaces: Option<u64>,
    ) -> Result<(u16, Value), Problem> {
        let inner = &self.coordinator.inner;
        if change.is_publish() && !inner.settings.is_publishable() {
            return Err(Problem::new(
                ProblemKind::NotPublishable,
                "this space is pulled from its source: change the document there and reload, or set publish = true for the space to allow both",
            ));
        }
        let replaced = replaces.map(|id| self.known_pending(id)).transpose()?;
        let stack = self.coordinator.stack(state).map_err(storage)?;
        if matches!(change, Change::EndOverride) && stack.override_.is_none() {
            return Err(nothing_set("no override is in force"));
        }
        if let Change::Rollback { to } = change
            && self.store().version(*to).map_err(storage)?.is_none()
        {
            return Err(unknown_version(*to));
        }
        let weighed = self.coordinator.weigh(state, change, &stack, waivers);
        let weighed = match weighed.map_err(storage)? {
            Ok(weighed) => weighed,
            Err(reasons) if self.write.dry_run => {
                return Ok((200, self.dry_run(state, Err(&reasons))?));
            }
            Err(reasons) => {
                let detail = "the document must not become the head; nothing was changed";
                return Err(rejected(detail, &reasons));
            }
        };
        if self.write.dry_run {
            return Ok((200, self.dry_run(state, Ok(&weighed.merged))?));
        }
        if let Some(at) = activate_at {
            return self.schedule_change(state, change, at, replaced.as_ref());
        }
        let previous = state.head.version;
        let mut warnings = self.warnings(change);
        warnings.extend(replaced.as_ref().and_then(|it| self.withdrawal(it)));
        let ready = Ready {
            change,
            weighed,
            signed: &self.signed,
            action: change.kind().as_str(),
            was: replaces,
            announced: None,
        };
        let is_new = ready.is_new(&state.head);
        let body = |head: &Head| {
            let outcome = if is_new { "adopted" } else { "unchanged" };
            let mut body = self.told(outcome, previous, head);
            body.texts("warnings", &warnings).take()
        };
        let committed = self
            .coordinator
            .commit_change(state, &ready, |store, head| {
                self.keep(store, 200, &body(head))
            });
        committed.map_err(storage)?;
        Ok((200, self.prepared(state, 200, &body)))
    }

    /// Prepares what comes next, and gives the answer. It was kept with the commit, so that an
    /// object that dies here tells it all the same; but a number that was taken back moves the head.
    pub(super) fn prepared(
        &self,
        state: &mut State,
        status: u16,
        body: &dyn Fn(&Head) -> Value,
    ) -> Value {
        let (kept_for, first) = (state.head.version, body(&state.head));
        self.coordinator.prepare_next(state);
        if state.head.version == kept_for {
            return first;
        }
        let body = body(&state.head);
        let kept = self
            .store()
            .atomically(|store| self.keep(store, status, &body));
        match kept {
            Ok(()) => body,
            // What is kept is what is told, now and when the key comes again.
            Err(error) => {
                self.coordinator.log_failure("answer_not_kept", &error.0);
                first
            }
        }
    }

    /// One commit of an action that makes no version, with its audit row.
    pub(super) fn commit(
        &self,
        state: &State,
        outcome: &str,
        mut work: impl FnMut(&Store<'_, P>) -> Result<Option<String>, SqlError>,
    ) -> Result<(), Problem> {
        let committed = self.store().atomically(|store| {
            let detail = work(store)?;
            store.append_audit(&self.entry(state, outcome, detail.as_deref()))
        });
        committed.map_err(storage)
    }

    /// Keeps the answer for the key, if the write has one.
    pub(super) fn keep(
        &self,
        store: &Store<'_, P>,
        status: u16,
        body: &Value,
    ) -> Result<(), SqlError> {
        let Some(idempotency) = &self.write.idempotency else {
            return Ok(());
        };
        let answer = KeptAnswer {
            fingerprint: idempotency.fingerprint.clone(),
            status,
            body: json::text(body),
        };
        store.keep_answer(&idempotency.key, &answer, self.signed.at)
    }

    /// How an answer to a write begins.
    pub(super) fn told(&self, outcome: &str, previous: Version, head: &Head) -> Members {
        let mut members = Members::new();
        members
            .text("outcome", outcome)
            .number("version", head.version.get())
            .number("previous_version", previous.get())
            .text("etag", head.etag.as_str());
        members
    }

    /// What would be, as a difference to the head.
    fn dry_run(
        &self,
        state: &State,
        merged: Result<&Document, &[Reason]>,
    ) -> Result<Value, Problem> {
        let reasons = merged.err().unwrap_or_default();
        let reasons = reasons.iter().map(Reason::to_json).collect();
        let outcome = match merged {
            Ok(merged) if *merged.hash() == state.head.hash => "unchanged",
            Ok(_) => "adopted",
            Err(_) => "rejected",
        };
        let diff = match merged {
            Ok(merged) => {
                let head = Document::parse(state.head.text.as_bytes())
                    .map_err(|reason| storage(SqlError(reason.to_string())))?;
                difference(head.object(), merged.object())
            }
            Err(_) => Value::Array(Vec::new()),
        };
        let mut body = self.told(outcome, state.head.version, &state.head);
        Ok(body
            .flag("dry_run", true)
            .value("reasons", reasons)
            .value("diff", diff)
            .take())
    }

    pub(super) fn warnings(&self, change: &Change) -> Vec<String> {
        match change {
            Change::Rollback { .. } if self.coordinator.has_source() => vec![
                "the space is pinned: refreshes are checked and not adopted until the pin is taken away".to_owned(),
            ],
            _ => Vec::new(),
        }
    }

    fn answer(&self, state: &State, status: u16, body: Value) -> WriteAnswer {
        WriteAnswer {
            status,
            body,
            head: (state.head.version, state.head.etag.clone()),
            replayed: false,
        }
    }

    fn entry<'e>(
        &'e self,
        state: &State,
        outcome: &'e str,
        detail: Option<&'e str>,
    ) -> AuditEntry<'e> {
        AuditEntry {
            at: self.signed.at,
            actor: &self.signed.actor,
            action: self.write.action.as_str(),
            reason: self.signed.reason.as_deref(),
            before: Some(state.head.version),
            after: state.head.version,
            outcome,
            detail,
        }
    }

    /// A refused write leaves its row, and its answer for the key. What storage refuses, or what was
    /// never more than a question, does not.
    fn note_refusal(&self, state: &State, problem: &Problem) -> Result<(), Problem> {
        if self.write.dry_run || problem.kind == ProblemKind::StorageRefused {
            return Ok(());
        }
        let noted = self.store().atomically(|store| {
            // A key that was used before keeps the answer that it has.
            if problem.kind != ProblemKind::IdempotencyKeyReused {
                self.keep(store, problem.status(), &problem.to_json())?;
            }
            store.append_audit(&self.entry(state, "refused", Some(problem.kind.slug())))
        });
        noted.map_err(storage)
    }
}

pub(super) fn storage(error: SqlError) -> Problem {
    Problem::new(ProblemKind::StorageRefused, error.0)
}

pub(super) fn nothing_set(detail: &str) -> Problem {
    Problem::new(ProblemKind::NothingSet, detail)
}

pub(super) fn unknown_version(version: Version) -> Problem {
    Problem::new(
        ProblemKind::UnknownVersion,
        format!("version {version} is not kept, or never was"),
    )
}

pub(super) fn rejected(detail: &str, reasons: &[Reason]) -> Problem {
    reasons.iter().fold(
        Problem::new(ProblemKind::Rejected, detail),
        |problem, reason| problem.with_reason(reason),
    )
}
