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
    /// Storage refused, and it is tried again then.
    retried: bool,
    /// What it will be, as readers are told; `None` where it would change nothing or does not fit
    /// now.
    pub(super) snapshot: Option<Head>,
}

impl Next {
    /// Whether it is to be seen to. A retry is so, too, that is further away than any: the clock was set
    /// back since, and would put it off by as much.
    pub(super) fn is_due(&self, now: UnixMillis) -> bool {
        self.at <= now || (self.retried && self.at > now.plus(RETRY_MS))
    }
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
    /// Makes every change the head whose moment has come. Tells whether there was any.
    pub(super) fn run_dues(&self, now: UnixMillis) -> bool {
        // Each turn takes one away or puts it off; the bound is for a clock that races meanwhile.
        for turn in 0..=2 * MAX_PENDING {
            let mut state = self.inner.state.borrow_mut();
            if !state.next.as_ref().is_some_and(|next| next.is_due(now)) {
                return turn > 0;
            }
            if let Err(error) = self.activate(&mut state, now) {
                // What readers were told stands: some of them have switched by themselves.
                let told = state.next.take().and_then(|next| next.snapshot);
                let told = told.filter(|head| head.version > state.head.version);
                self.put_off(&mut state, told, &error);
                break;
            }
        }
        true
    }

    /// [`find_next`](Self::find_next), for whoever has done what was to be done: where storage
    /// refuses, it is tried again a little later.
    pub(super) fn prepare_next(&self, state: &mut State) {
        if let Err(error) = self.find_next(state) {
            self.put_off(state, None, &error);
        }
    }

    /// Looks at the change whose moment comes first, gives it a number, and announces it. To be
    /// called whenever the head, the layers, the rules or the pending changes are others.
    ///
    /// # Errors
    /// When storage refuses.
    pub(super) fn find_next(&self, state: &mut State) -> Result<(), SqlError> {
        self.withdraw_lost(state)?;
        self.look_ahead(state)?;
        // Prepared anew, it may have given up the number that it had.
        if self.withdraw_lost(state)? {
            self.look_ahead(state)?;
        }
        Ok(())
    }

    fn look_ahead(&self, state: &mut State) -> Result<(), SqlError> {
        let pending = Store(&self.inner.platform).next_pending()?;
        let next = pending.as_ref().map(|pending| self.prepare(state, pending));
        state.next = next.transpose()?;
        Ok(())
    }

    fn put_off(&self, state: &mut State, snapshot: Option<Head>, error: &SqlError) {
        state.next = Some(Next {
            at: self.inner.platform.now().plus(RETRY_MS),
            retried: true,
            snapshot,
        });
        self.log_failure("activation_failed", &error.0);
    }

    fn prepare(&self, state: &mut State, pending: &Pending) -> Result<Next, SqlError> {
        let store = Store(&self.inner.platform);
        let mut next = Next {
            at: pending.at,
            retried: false,
            snapshot: None,
        };
        let weighed = match self.weigh_pending(state, pending)? {
            Ok((_, weighed)) if tells_something(&weighed, &state.head) => weighed,
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

    /// Whether a number that readers were told was given up, and the head had to be moved.
    fn withdraw_lost(&self, state: &mut State) -> Result<bool, SqlError> {
        let head = state.head.version;
        let told = state.control.last_version.get().saturating_sub(head.get());
        // Every number above the head's is one that a pending change was announced under.
        let lost = told > 0 && Store(&self.inner.platform).announced_above(head)? < told;
        if lost {
            self.withdraw(state)?;
        }
        Ok(lost)
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
        match self.weigh_pending(state, &pending)? {
            Ok((change, weighed)) => {
                let announced = pending
                    .announced
                    .filter(|(_, told)| told == weighed.merged.hash())
                    .map(|(version, _)| version);
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
                self.inner.platform.log(&LogRecord {
                    space: Some(self.inner.space.as_str()),
                    version: Some(state.head.version),
                    trigger: Some(pending.kind.as_str()),
                    actor: Some(&pending.signed.actor),
                    ..LogRecord::new(Level::Info, "activated")
                });
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
                // It may have kept a version.
                store.prune(self.retention(), now)?;
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

    /// Weighs a change that waits. What cannot be read any more (a limit that was lowered since) is
    /// one that does not fit, and keeps nothing else from its moment.
    fn weigh_pending(
        &self,
        state: &State,
        pending: &Pending,
    ) -> Result<Result<(Change, Weighed), Vec<Reason>>, SqlError> {
        let stack = Stack::read(&Store(&self.inner.platform))?;
        let (change, stack) = match (Change::of(pending), stack) {
            (Ok(change), Ok(stack)) => (change, stack),
            (Err(reason), _) | (_, Err(reason)) => return Ok(Err(vec![reason])),
        };
        let weighed = self.weigh(state, &change, &stack, Waivers::ALL)?;
        Ok(weighed.map(|weighed| (change, weighed)))
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
                rolled_back: state.control.pin.is_some() || state.control.pulled.is_none(),
                content,
            },
        ))
    }

    /// The document of a version that is kept, and can be read.
    fn content_of(&self, version: Version) -> Result<Option<Document>, SqlError> {
        let head = Store(&self.inner.platform).version(version)?;
        Ok(head.and_then(|head| Document::parse(head.text.as_bytes()).ok()))
    }
}

/// Whether readers can switch to it by themselves. What holds built-in layers only they cannot: each
/// has its own, and learns of it when it asks.
fn tells_something(weighed: &Weighed, head: &Head) -> bool {
    *weighed.merged.hash() != head.hash && weighed.stack.origin() != Origin::Base
}
