//! The coordinator of one space: its state, and the flows that change it.
//!
//! The state is borrowed only between awaits, never across one; whatever a flow learnt before an
//! await is read again after it.

mod action;
mod alarms;
mod change;
mod commit;
mod denied;
mod history;
mod open;
mod operate;
mod pending;
mod refresh;
mod reports;
mod settle;
mod status;
mod trigger;
mod write;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use futures_channel::oneshot;

pub use action::{Action, Idempotency, Write, WriteAnswer};
pub use change::Change;
pub use open::{BuiltIn, OpenError};
pub use pending::{MAX_PENDING, POSTPONE_MS, RETRY_MS};
pub use status::{HeadStatus, ScheduleStatus, SourceState, SourceStatus, Status};

pub use trigger::{RefreshReport, Reload, Trigger};

use crate::document::Document;
use crate::fleet::Fleet;
use crate::guard::Waivers;
use crate::log::LogRecord;
use crate::platform::Platform;
use crate::reason::Reason;
use crate::schedule::{self, Pace, Repair};
use crate::schema::Schema;
use crate::settings::{ReaderSettings, SourceSettings, SpaceSettings};
use crate::space_name::SpaceName;
use crate::sql::SqlError;
use crate::store::{Control, Head, Increments, Origin, Retention, Schedule, Store};
use crate::throttle::Throttle;
use crate::version::{UnixMillis, Version};
use crate::wire::{Freshness, Pending};
use change::Stack;
use pending::Next;

/// How long a snapshot request waits for the first document of a space, in milliseconds.
pub const BOOTSTRAP_JOIN_MS: u64 = 2_000;

/// The longest TTL told to readers while the head holds built-in layers only, in milliseconds, so
/// that they see the first document soon after it was adopted.
pub const BASE_TTL_MAX_MS: u64 = 1_000;

/// Something to wait for. Boxed where many flows wait for it: a copy of its states in each of them
/// is large.
pub type Wait<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// One space's coordinator. Cloning shares it.
pub struct Coordinator<P> {
    inner: Rc<Inner<P>>,
}

impl<P> Clone for Coordinator<P> {
    fn clone(&self) -> Self {
        Self {
            inner: Rc::clone(&self.inner),
        }
    }
}

impl<P> std::fmt::Debug for Coordinator<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Coordinator")
            .field("space", &self.inner.space)
            .finish_non_exhaustive()
    }
}

/// Whether a future alarm stands where one is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AlarmCheck {
    /// The next event looks.
    Due,
    /// An event looks.
    UnderWay,
    /// It does.
    Done,
}

struct Inner<P> {
    platform: P,
    space: SpaceName,
    settings: SpaceSettings,
    built_in: BuiltIn,
    started_at: UnixMillis,
    alarm_check: Cell<AlarmCheck>,
    state: RefCell<State>,
}

struct State {
    head: Head,
    /// The built-in layers, where the head and its record are still made of others: to be written
    /// with the first layer that goes with them.
    base_owed: Option<Document>,
    schedule: Schedule,
    control: Control,
    /// The stored layers, where they were parsed already.
    stack: Option<Stack>,
    /// What every document must keep.
    schema: Option<Rc<Schema>>,
    /// The pending change whose moment comes first.
    next: Option<Next>,
    flight: Option<Flight>,
    denials: Throttle,
    fleet: Fleet,
    /// Counted in memory (a read must not write), and committed with the next refresh.
    uncommitted: Increments,
}

/// The one refresh that is under way.
struct Flight {
    since: UnixMillis,
    trigger: Trigger,
    waivers: Waivers,
    waiters: Vec<oneshot::Sender<RefreshReport>>,
    /// Every operator who asked for it; each has a row in the audit.
    reloads: Vec<Reload>,
}

/// The answer to a snapshot request.
#[derive(Clone, Debug)]
pub struct SnapshotAnswer {
    /// The snapshot.
    pub head: Head,
    /// Its age and how long to keep it.
    pub terms: Freshness,
    /// What becomes the head next, where that is scheduled.
    pub pending: Option<Pending>,
    /// Whether the reader holds it already: answer 304 without the document.
    pub not_modified: bool,
}

impl<P: Platform> Coordinator<P> {
    /// Repairs a missing or past alarm. To be called at the start of every event; it asks storage
    /// once in an object's life, and again when the schedule shows that time went astray.
    pub fn wake(&self) -> Wait<'_> {
        Box::pin(self.awaken())
    }

    async fn awaken(&self) {
        let inner = &self.inner;
        if self.run_dues(inner.platform.now()) {
            // Its own alarm may have been lost; the next one's must stand.
            inner.alarm_check.set(AlarmCheck::Due);
        }
        self.mend_schedule();
        if inner.alarm_check.get() != AlarmCheck::Due {
            return;
        }
        inner.alarm_check.set(AlarmCheck::UnderWay);
        let standing = match inner.platform.alarm().await {
            Ok(standing) => standing,
            Err(detail) => {
                self.log_failure("alarm_unreadable", &detail);
                None
            }
        };
        let now = inner.platform.now();
        if let Repair::Arm(at) = schedule::repair(standing, self.wanted_alarm(now), now) {
            self.set_alarm(at).await;
        }
        if inner.alarm_check.get() == AlarmCheck::UnderWay {
            inner.alarm_check.set(AlarmCheck::Done);
        }
    }

    /// Answers from memory, unless something must be awaited first: the alarm's check, or the
    /// first document of a new space. Then [`snapshot`](Self::snapshot) is to be called.
    #[must_use]
    pub fn snapshot_now(&self, if_none_match: Option<&str>) -> Option<SnapshotAnswer> {
        let ready = self.inner.alarm_check.get() != AlarmCheck::Due
            && !self.is_change_due()
            && self.stray().is_none()
            && !self.awaits_first_document();
        ready.then(|| self.answer(if_none_match))
    }

    /// Answers with the head. On the first use of a space it waits for the source, but no longer
    /// than [`BOOTSTRAP_JOIN_MS`].
    pub async fn snapshot(&self, if_none_match: Option<&str>) -> SnapshotAnswer {
        self.wake().await;
        if self.awaits_first_document() {
            let report = self.start_or_join(Trigger::Bootstrap);
            let join = self.inner.platform.sleep(self.bootstrap_join_ms());
            let (report, join) = (std::pin::pin!(report), std::pin::pin!(join));
            futures_util::future::select(report, join).await;
        }
        self.answer(if_none_match)
    }

    /// Answers with the snapshot that waits under this number, or with the head where that is it, or
    /// newer; `None` where nothing of that number waits.
    pub async fn pending_snapshot(&self, version: Version) -> Option<SnapshotAnswer> {
        self.wake().await;
        let waiting = {
            let state = self.inner.state.borrow();
            if state.head.version >= version {
                drop(state);
                return Some(self.answer(None));
            }
            let next = state.next.as_ref().and_then(|next| next.snapshot.clone());
            next.filter(|head| head.version == version)?
        };
        Some(SnapshotAnswer {
            terms: self.terms(waiting.origin),
            head: waiting,
            ..self.answer(None)
        })
    }

    /// Refreshes now, or joins the refresh that is under way. `None` when the space has no source.
    pub async fn reload(&self, reload: Reload) -> Option<RefreshReport> {
        self.wake().await;
        if !self.has_source() {
            return None;
        }
        self.start_or_join(Trigger::Reload(reload)).await
    }

    /// The alarm's handler: refreshes when that is due. Tells whether it left a future alarm where
    /// one is wanted; if not, storage refused it, and the platform should be made to retry.
    pub async fn alarm(&self) -> bool {
        let inner = &self.inner;
        inner.alarm_check.set(AlarmCheck::Done);
        self.run_dues(inner.platform.now());
        if self.is_refresh_due() && self.is_in_flight() {
            // The flight armed its successor before this alarm came; that one is used up now.
            self.arm().await;
        }
        // Read again: while the alarm was set, the flight may have been settled.
        if self.is_refresh_due() {
            self.start_or_join(Trigger::Alarm).await;
        } else {
            self.arm().await;
        }
        // Set back when storage refused the alarm; another event that looks may still find that it does.
        inner.alarm_check.get() == AlarmCheck::Done
    }

    /// The space's name.
    #[must_use]
    pub fn space(&self) -> &SpaceName {
        &self.inner.space
    }

    /// The platform it stands on.
    #[must_use]
    pub fn platform(&self) -> &P {
        &self.inner.platform
    }

    fn answer(&self, if_none_match: Option<&str>) -> SnapshotAnswer {
        let mut state = self.inner.state.borrow_mut();
        let head = state.head.clone();
        let not_modified = if_none_match.is_some_and(|held| head.etag.matches_if_none_match(held));
        let code = if not_modified { "304" } else { "200" };
        state.uncommitted.add(status::SNAPSHOT_REPLIES, code, 1);
        let pending = self.announcement(&state);
        drop(state);
        SnapshotAnswer {
            pending,
            terms: self.terms(head.origin),
            head,
            not_modified,
        }
    }

    fn announcement(&self, state: &State) -> Option<Pending> {
        let next = state.next.as_ref()?;
        let head = next.snapshot.as_ref()?;
        Some(Pending {
            version: head.version,
            in_ms: next.at.since(self.inner.platform.now()),
        })
    }

    /// The object vouches for its head at the moment it answers, so the age it tells is nought.
    fn terms(&self, origin: Origin) -> Freshness {
        let settings = &self.inner.settings;
        let base = origin == Origin::Base;
        let ttl_ms = if base && self.has_source() {
            settings.ttl_ms.min(BASE_TTL_MAX_MS)
        } else {
            settings.ttl_ms
        };
        Freshness {
            age_ms: 0,
            ttl_ms,
            swr_ms: settings.stale_while_revalidate_ms,
            base,
        }
    }

    /// Whether a merged document may become the head, beyond the limits of any document.
    fn keeps_rules(&self, state: &State, merged: &Document) -> Result<(), Vec<Reason>> {
        match &state.schema {
            Some(schema) => self.inner.platform.validate(schema, merged),
            None => Ok(()),
        }
    }

    /// The stored layers, parsed.
    fn stack(&self, state: &State) -> Result<Stack, SqlError> {
        match &state.stack {
            Some(stack) => Ok(stack.clone()),
            None => Stack::load(&Store(&self.inner.platform)),
        }
    }

    fn has_source(&self) -> bool {
        !matches!(self.inner.settings.source, SourceSettings::None)
    }

    /// How long a snapshot waits for the flight under way: what is left of its first moments, so
    /// that readers are not held up again and again by a source that hangs.
    fn bootstrap_join_ms(&self) -> u64 {
        let now = self.inner.platform.now();
        let state = self.inner.state.borrow();
        let flown_ms = state
            .flight
            .as_ref()
            .map_or(0, |flight| now.since(flight.since));
        BOOTSTRAP_JOIN_MS.saturating_sub(flown_ms)
    }

    /// Whether the space holds no document yet and one is being fetched, or ought to be.
    fn awaits_first_document(&self) -> bool {
        let state = self.inner.state.borrow();
        state.head.origin == Origin::Base
            && self.has_source()
            && (state.flight.is_some() || self.due_by_now(&state))
    }

    fn is_in_flight(&self) -> bool {
        self.inner.state.borrow().flight.is_some()
    }

    fn is_refresh_due(&self) -> bool {
        self.due_by_now(&self.inner.state.borrow())
    }

    fn due_by_now(&self, state: &State) -> bool {
        let now = self.inner.platform.now();
        state.schedule.refresh_due.is_some_and(|due| due <= now)
    }

    fn pace_of(&self, control: &Control) -> Pace {
        let settings = &self.inner.settings;
        Pace {
            interval_ms: control
                .refresh_interval_ms
                .unwrap_or(settings.refresh_interval_ms),
            backoff_max_ms: settings.backoff_max_ms,
        }
    }

    fn retention(&self) -> Retention {
        let settings = &self.inner.settings;
        Retention {
            versions: settings.keep_versions.into(),
            age_ms: settings.keep_for_ms,
        }
    }

    /// The longest that an isolate with readers' default deadlines goes without asking and still
    /// serves what it has, in milliseconds.
    fn worst_staleness_ms(&self) -> u64 {
        let settings = &self.inner.settings;
        settings
            .ttl_ms
            .saturating_add(settings.stale_while_revalidate_ms)
            .saturating_add(ReaderSettings::default().revalidate_timeout_ms)
    }

    fn is_change_due(&self) -> bool {
        let state = self.inner.state.borrow();
        let due = |next: &Next| next.is_due(self.inner.platform.now());
        state.next.as_ref().is_some_and(due)
    }

    fn log_failure(&self, event: &'static str, detail: &str) {
        let space = self.inner.space.as_str();
        self.inner
            .platform
            .log(&LogRecord::failure(event, space, detail));
    }
}
