//! Changes that become the head at a moment: prepared and announced beforehand, so that readers can
//! switch by themselves, and made the head by the first event from that moment on.

use super::change::{Change, Ground, Stack, Weighed, weigh};
use super::{Coordinator, State};
use crate::document::Document;
use crate::guard::Waivers;
use crate::log::{Level, LogRecord};
use crate::platform::Platform;
use crate::reason::Reason;
use crate::sql::SqlError;
use crate::store::{Adoption, AuditEntry, ChangeKind, Head, Origin, Pending, Signed, Store};
use crate::version::{ETag, UnixMillis, Version};

/// How many changes may wait at once.
pub const MAX_PENDING: usize = 100;

/// How long the end of an override is put off that would leave a document which must not become the
/// head, in milliseconds.
pub const POSTPONE_MS: u64 = 60_000;

/// How long it takes until what storage refused is tried again, in milliseconds.
pub const RETRY_MS: u64 = 1_000;

/// The change whose moment comes first.
#[derive(Clone, Debug)]
pub(super) struct Next {
    pub(super) at: UnixMillis,
    /// What it will be, as readers are told; `None` where it would change nothing or does not fit
    /// now.
    pub(super) snapshot: Option<Head>,
}

/// A change, ready to be committed.
pub(super) struct Ready<'a> {
    pub(super) change: &'a Change,
    pub(super) weighed: Weighed,
    pub(super) signed: &'a Signed,
    /// The action in the audit.
    pub(super) action: &'a str,
    /// The pending change that it was.
    pub(super) was: Option<u64>,
    /// The number that readers were told.
    pub(super) announced: Option<Version>,
}

impl Ready<'_> {
    /// Whether it makes another head: of other content, or of other layers.
    pub(super) fn is_new(&self, head: &Head) -> bool {
        *self.weighed.merged.hash() != head.hash || self.weighed.stack.origin() != head.origin
    }
}

impl<P: Platform> Coordinator<P> {
    /// Makes every change the head whose moment has come.
    pub(super) fn run_dues(&self, now: UnixMillis) {
        // Each turn takes one away or puts it off; the bound is for a clock that races meanwhile.
        for _ in 0..=2 * MAX_PENDING {
            let mut state = self.inner.state.borrow_mut();
            if state.next.as_ref().is_none_or(|next| next.at > now) {
                return;
            }
            if let Err(error) = self.activate(&mut state, now) {
                self.put_off(&mut state, &error);
                return;
            }
        }
    }

    /// [`find_next`](Self::find_next), for whoever has done what was to be done: where storage
    /// refuses, it is tried again a little later.
    pub(super) fn prepare_next(&self, state: &mut State) {
        if let Err(error) = self.find_next(state) {
            self.put_off(state, &error);
        }
    }

    /// Looks at the change whose moment comes first, gives it a number, and announces it. To be
    /// called whenever the head, the layers, the rules or the pending changes are others.
    ///
    /// # Errors
    /// When storage refuses.
    pub(super) fn find_next(&self, state: &mut State) -> Result<(), SqlError> {
        let store = Store(&self.inner.platform);
        if self.has_withdrawn(&store, state)? {
            self.withdraw(state)?;
        }
        let pending = store.next_pending()?;
        let next = pending.as_ref().map(|pending| self.prepare(state, pending));
        state.next = next.transpose()?;
        let told = state.next.as_ref().and_then(|next| next.snapshot.as_ref());
        if told.is_none() && state.control.last_version > state.head.version {
            self.withdraw(state)?;
        }
        Ok(())
    }

    /// Whether the number that readers were told last is none that still waits. (Where it waits, what
    /// comes first comes no later, and gets a higher number: nobody is ahead of the head for long.)
    fn has_withdrawn(&self, store: &Store<'_, P>, state: &State) -> Result<bool, SqlError> {
        let last = state.control.last_version;
        if last <= state.head.version {
            return Ok(false);
        }
        let told = |pending: &Pending| pending.announced.is_some_and(|(told, _)| told == last);
        Ok(!store.pendings()?.iter().any(told))
    }

    fn put_off(&self, state: &mut State, error: &SqlError) {
        state.next = Some(Next {
            at: self.inner.platform.now().plus(RETRY_MS),
            snapshot: None,
        });
        self.log_failure("activation_failed", &error.0);
    }

    fn prepare(&self, state: &mut State, pending: &Pending) -> Result<Next, SqlError> {
        let store = Store(&self.inner.platform);
        let mut next = Next {
            at: pending.at,
            snapshot: None,
        };
        let change = Change::of(pending)?;
        let stack = Stack::load(&store)?;
        let weighed = match self.weigh(state, &change, &stack, Waivers::ALL)? {
            Ok(weighed) if tells_something(&weighed, &state.head) => weighed,
            // Weighed again at its moment; until then there is nothing to tell.
            _ => {
                if pending.announced.is_some() {
                    store.announce_pending(pending.id, None)?;
                }
                return Ok(next);
            }
        };
        let hash = *weighed.merged.hash();
        let kept = pending
            .announced
            .filter(|(version, told)| *version > state.head.version && *told == hash);
        let version = match kept {
            Some((version, _)) => version,
            None => {
                let Some(version) = state.control.last_version.next() else {
                    return Ok(next);
                };
                let mut control = state.control.clone();
                control.last_version = version;
                store.atomically(|store| {
                    store.put_control(&control)?;
                    store.announce_pending(pending.id, Some((version, hash)))
                })?;
                state.control = control;
                version
            }
        };
        let origin = weighed.stack.origin();
        next.snapshot = Some(Head::new(version, &weighed.merged, origin, pending.at));
        Ok(next)
    }

    /// A number that readers were told will never be the head: an isolate that did not hear of it
    /// switches all the same, and would then take the head for something older. So the head gets a
    /// number above it.
    fn withdraw(&self, state: &mut State) -> Result<(), SqlError> {
        const WITHDRAW: &str = "withdraw";
        let version = state.control.last_version.next();
        let version = version.ok_or_else(|| SqlError("no version is left".to_owned()))?;
        let mut control = state.control.clone();
        control.last_version = version;
        let now = self.inner.platform.now();
        let head = Head {
            version,
            etag: ETag::of(version, &state.head.hash),
            adopted_at: now,
            ..state.head.clone()
        };
        Store(&self.inner.platform).atomically(|store| {
            store.put_head(&Adoption {
                head: &head,
                layers: &[],
                actor: WITHDRAW,
                action: WITHDRAW,
                reason: None,
                rollback_of: None,
            })?;
            store.put_control(&control)?;
            store.append_audit(&AuditEntry {
                at: now,
                actor: WITHDRAW,
                action: WITHDRAW,
                reason: None,
                before: Some(state.head.version),
                after: version,
                outcome: "adopted",
                detail: None,
            })?;
            store.prune(self.retention(), now)
        })?;
        state.head = head;
        state.control = control;
        Ok(())
    }

    /// Makes the change the head whose moment came first.
    fn activate(&self, state: &mut State, now: UnixMillis) -> Result<(), SqlError> {
        let store = Store(&self.inner.platform);
        let pending = store.next_pending()?.filter(|pending| pending.at <= now);
        let Some(pending) = pending else {
            return self.find_next(state);
        };
        let change = Change::of(&pending)?;
        let stack = Stack::load(&store)?;
        match self.weigh(state, &change, &stack, Waivers::ALL)? {
            Ok(weighed) => {
                let announced = state
                    .next
                    .as_ref()
                    .and_then(|next| next.snapshot.as_ref())
                    .filter(|head| head.hash == *weighed.merged.hash())
                    .map(|head| head.version);
                let signed = Signed {
                    at: now,
                    ..pending.signed.clone()
                };
                self.commit_change(
                    state,
                    &Ready {
                        change: &change,
                        weighed,
                        signed: &signed,
                        action: pending.kind.as_str(),
                        was: Some(pending.id),
                        announced,
                    },
                    |_, _| Ok(()),
                )?;
            }
            Err(reasons) => self.refuse_due(state, &pending, &reasons, now)?,
        }
        self.find_next(state)
    }

    /// What no longer fits is dropped; but the end of an override is tried until it does.
    fn refuse_due(
        &self,
        state: &State,
        pending: &Pending,
        reasons: &[Reason],
        now: UnixMillis,
    ) -> Result<(), SqlError> {
        let store = Store(&self.inner.platform);
        let code = reasons
            .first()
            .map_or("rejected", |reason| reason.code.as_str());
        store.atomically(|store| {
            if pending.kind == ChangeKind::EndOverride {
                store.postpone_pending(pending.id, now.plus(POSTPONE_MS))?;
            } else {
                store.delete_pending(pending.id)?;
            }
            if pending.refused {
                return Ok(());
            }
            store.append_audit(&AuditEntry {
                at: now,
                actor: &pending.signed.actor,
                action: pending.kind.as_str(),
                reason: pending.signed.reason.as_deref(),
                before: Some(state.head.version),
                after: state.head.version,
                outcome: "refused",
                detail: Some(code),
            })
        })?;
        let detail = reasons.first().map(ToString::to_string);
        self.inner.platform.log(&LogRecord {
            space: Some(self.inner.space.as_str()),
            version: Some(state.head.version),
            trigger: Some(pending.kind.as_str()),
            actor: Some(&pending.signed.actor),
            cause: Some(code),
            detail: detail.as_deref(),
            ..LogRecord::new(Level::Error, "activation_refused")
        });
        Ok(())
    }

    /// Weighs a change against the layers in force. The outer error is the database's.
    pub(super) fn weigh(
        &self,
        state: &State,
        change: &Change,
        stack: &Stack,
        waivers: Waivers,
    ) -> Result<Result<Weighed, Vec<Reason>>, SqlError> {
        let content = match change {
            Change::Rollback { to } => self.content_of(*to)?,
            _ => None,
        };
        let rules = |merged: &Document| self.keeps_rules(state, merged);
        Ok(weigh(
            change,
            stack,
            &Ground {
                built_in: &self.inner.built_in,
                guards: self.inner.settings.guard,
                waivers,
                rules: &rules,
                content,
            },
        ))
    }

    /// The document of a version that is kept.
    fn content_of(&self, version: Version) -> Result<Option<Document>, SqlError> {
        let head = Store(&self.inner.platform).version(version)?;
        let parse = |head: Head| {
            Document::parse(head.text.as_bytes())
                .map_err(|reason| SqlError(format!("version {version} cannot be read: {reason}")))
        };
        head.map(parse).transpose()
    }
}

/// Whether readers can switch to it by themselves. What holds built-in layers only they cannot: each
/// has its own, and learns of it when it asks.
fn tells_something(weighed: &Weighed, head: &Head) -> bool {
    *weighed.merged.hash() != head.hash && weighed.stack.origin() != Origin::Base
}
