//! Start-up: migrations, the head and the schedule; never all of history.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::change::Stack;
use super::{AlarmCheck, Coordinator, Inner, State};
use crate::document::{Document, Object};
use crate::fleet::Fleet;
use crate::log::{Level, LogRecord};
use crate::merge::Layers;
use crate::migrate::{MIGRATIONS, MigrationError, migrate};
use crate::platform::Platform;
use crate::refresh::{Rules, StoredLayer};
use crate::schedule::Pace;
use crate::schema::Schema;
use crate::settings::{SourceSettings, SpaceSettings};
use crate::space_name::SpaceName;
use crate::sql::SqlError;
use crate::store::{
    Adoption, AuditEntry, Control, Head, Increments, LayerName, Origin, Retention, Schedule, Store,
};
use crate::throttle::Throttle;
use crate::version::{UnixMillis, Version};

/// The layers that come with the Worker.
#[derive(Clone, Debug, Default)]
pub struct BuiltIn {
    /// The `defaults` layer.
    pub defaults: Object,
    /// The `vars` layer.
    pub vars: Object,
    /// Whether the `vars` layer is there but cannot be read. What the space was made of before
    /// stays in force then: keys must not vanish from a head because of a typing mistake.
    pub unreadable: bool,
}

impl BuiltIn {
    fn as_stored(layer: &StoredLayer) -> Self {
        let document = Document::parse(layer.text.as_bytes());
        Self {
            defaults: document.map_or_else(|_| Object::new(), |base| base.object().clone()),
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.defaults.is_empty() && self.vars.is_empty()
    }

    /// These below the layers that are stored.
    pub(super) fn layers<'a>(
        &'a self,
        source: Option<&'a Object>,
        override_: Option<&'a Object>,
    ) -> Layers<'a> {
        Layers {
            defaults: Some(&self.defaults),
            vars: Some(&self.vars),
            source,
            override_,
        }
    }
}

/// Why a space could not be opened. Its database is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// Its migrations and the code's do not go together.
    Migration(MigrationError),
    /// Its database refused, or holds what was never written.
    Sql(SqlError),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Migration(error) => error.fmt(f),
            Self::Sql(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<MigrationError> for OpenError {
    fn from(error: MigrationError) -> Self {
        Self::Migration(error)
    }
}

impl From<SqlError> for OpenError {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl<P: Platform> Coordinator<P> {
    /// Opens a space: on first use its built-in layers become the head at once; otherwise the
    /// stored head is loaded, and made again where a deploy changed the built-in layers.
    ///
    /// # Errors
    /// When the database cannot be trusted; every request then gets that error, and none is served
    /// from it.
    pub fn open(
        platform: P,
        space: SpaceName,
        settings: SpaceSettings,
        built_in: BuiltIn,
    ) -> Result<Self, OpenError> {
        let now = platform.now();
        migrate(&platform, MIGRATIONS, now)?;
        let random = platform.random();
        let store = Store(&platform);
        let stored_base = store.layer(LayerName::Base)?;
        let built_in = match &stored_base {
            Some(stored) if built_in.unreadable => BuiltIn::as_stored(stored),
            _ => built_in,
        };
        let start = Start {
            store: &store,
            settings: &settings,
            built_in: &built_in,
            now,
        };
        let stored_schedule = store.schedule()?;
        let stored_head = store.head()?;
        let stored_control = store.control()?;
        let mut control = start.control(stored_control.clone(), stored_head.as_ref())?;
        let schedule = start.schedule(stored_schedule.clone(), &control, random);
        // Together: what an older code left becomes today's in one step.
        store.atomically(|store| {
            if stored_control.is_none() {
                store.put_control(&control)?;
                store.seal_audit()?;
            }
            if stored_schedule.as_ref() != Some(&schedule) {
                store.put_schedule(&schedule)?;
            }
            Ok(())
        })?;
        let schema = stored_schema(&store)?;
        let (head, base_owed) = {
            let rules = |merged: &Document| match &schema {
                Some(schema) => platform.validate(schema, merged),
                None => Ok(()),
            };
            start.head(stored_head, stored_base.as_ref(), &mut control, &rules)?
        };
        let coordinator = Self {
            inner: Rc::new(Inner {
                state: RefCell::new(State {
                    head,
                    base_owed,
                    schedule,
                    control,
                    schema: schema.map(Rc::new),
                    stack: None,
                    next: None,
                    denials: Throttle::default(),
                    fleet: Fleet::new(now, random),
                    flight: None,
                    uncommitted: Increments::default(),
                }),
                started_at: now,
                alarm_check: Cell::new(AlarmCheck::Due),
                platform,
                space,
                settings,
                built_in,
            }),
        };
        coordinator.find_next(&mut coordinator.inner.state.borrow_mut())?;
        Ok(coordinator)
    }
}

/// The schema that every document must keep.
fn stored_schema<P: Platform>(store: &Store<'_, P>) -> Result<Option<Schema>, SqlError> {
    let layer = store.layer(LayerName::Schema)?;
    let schema = layer.map(|layer| Schema::parse(layer.text.as_bytes()));
    schema
        .transpose()
        .map_err(|reason| SqlError(format!("the stored schema cannot be read: {reason}")))
}

struct Start<'a, P> {
    store: &'a Store<'a, P>,
    settings: &'a SpaceSettings,
    built_in: &'a BuiltIn,
    now: UnixMillis,
}

impl<P: Platform> Start<'_, P> {
    /// What operators set; nothing yet in a database that an older code wrote, or in a new one.
    fn control(&self, stored: Option<Control>, head: Option<&Head>) -> Result<Control, SqlError> {
        let newest = head.map_or(Version::FIRST, |head| head.version);
        if let Some(control) = stored {
            return Ok(Control {
                last_version: control.last_version.max(newest),
                ..control
            });
        }
        let pulled = self.store.layer(LayerName::Source)?;
        Ok(Control::new(newest, pulled.map(|layer| layer.hash)))
    }

    /// The stored schedule under today's settings.
    fn schedule(&self, stored: Option<Schedule>, control: &Control, random: u64) -> Schedule {
        let fingerprint = self.settings.source.fingerprint();
        let mut schedule = match stored {
            Some(stored) if stored.source_fingerprint == fingerprint => stored,
            // Another source: its validator and its failures are not this one's.
            other => Schedule {
                refresh_due: None,
                consecutive_failures: 0,
                unsettled: 0,
                source_fingerprint: fingerprint,
                source_etag: None,
                ..other.unwrap_or_default()
            },
        };
        let pace = Pace {
            interval_ms: control
                .refresh_interval_ms
                .unwrap_or(self.settings.refresh_interval_ms),
            backoff_max_ms: self.settings.backoff_max_ms,
        };
        let pulled = !matches!(self.settings.source, SourceSettings::None);
        schedule.refresh_due = (pulled && !control.paused).then(|| {
            let due = schedule.refresh_due.unwrap_or(self.now);
            let failures = schedule
                .consecutive_failures
                .saturating_add(schedule.unsettled);
            let due = pace.clamp_due(due, self.now, failures);
            if schedule.unsettled == 0 {
                return due;
            }
            // A refresh died with the object: try again after a backoff of its own, rather than
            // after the deadline of a call that nobody awaits any more.
            due.min(self.now.plus(pace.delay_ms(failures, random)))
        });
        schedule
    }

    /// The stored head, or the first one; made again where the built-in layers changed. With it the
    /// base that no head could be made of so far.
    fn head(
        &self,
        stored: Option<Head>,
        stored_base: Option<&StoredLayer>,
        control: &mut Control,
        rules: &Rules<'_>,
    ) -> Result<(Head, Option<Document>), SqlError> {
        let base = self.base();
        let Some(head) = stored else {
            let head = self.commit(None, &base, Origin::Base, "bootstrap", control)?;
            return Ok((head, None));
        };
        if stored_base.is_some_and(|stored| stored.hash == *base.hash()) {
            return Ok((head, None));
        }
        // A layer that no longer parses (a limit that was lowered since) must not vanish from the
        // head, so it counts as one that does not fit.
        let merged = Stack::read(self.store)?
            .and_then(|stack| stack.merged(self.built_in))
            .map_err(|reason| vec![reason])
            .and_then(|merged| rules(&merged).map(|()| merged));
        match (merged, control.last_version.next()) {
            (Ok(merged), _) if *merged.hash() == head.hash => {
                self.store
                    .put_layer(LayerName::Base, &base, self.now, head.version)?;
                Ok((head, None))
            }
            (Ok(merged), Some(_)) => {
                let head = self.commit(Some(&head), &merged, head.origin, "deploy", control)?;
                Ok((head, None))
            }
            // It does not fit together any more: the head stays, and so does the record of what it
            // was made of, so that the next start tries again, until a refresh makes one of it.
            (refused, _) => {
                let reasons = refused.err().unwrap_or_default();
                let first = reasons.first().map(ToString::to_string);
                self.store.0.log(&LogRecord {
                    version: Some(head.version),
                    cause: reasons.first().map(|reason| reason.code.as_str()),
                    detail: first.as_deref(),
                    ..LogRecord::new(Level::Error, "layers_do_not_merge")
                });
                Ok((head, Some(base)))
            }
        }
    }

    /// The built-in layers together; none at all when they break a limit (status tells).
    fn base(&self) -> Document {
        self.built_in
            .layers(None, None)
            .merged()
            .unwrap_or_else(|_| Document::empty())
    }

    fn commit(
        &self,
        before: Option<&Head>,
        document: &Document,
        origin: Origin,
        action: &'static str,
        control: &mut Control,
    ) -> Result<Head, SqlError> {
        let version = match before {
            None => Some(Version::FIRST),
            Some(_) => control.last_version.next(),
        };
        let version = version.ok_or_else(|| SqlError("no version is left".to_owned()))?;
        let head = Head::new(version, document, origin, self.now);
        let base = self.base();
        let grown = Control {
            last_version: version,
            ..control.clone()
        };
        self.store.atomically(|store| {
            store.put_head(&Adoption {
                head: &head,
                layers: &[(LayerName::Base, &base)],
                actor: action,
                action,
                reason: None,
                rollback_of: None,
            })?;
            store.put_control(&grown)?;
            store.append_audit(&AuditEntry {
                at: self.now,
                actor: action,
                action,
                reason: None,
                before: before.map(|head| head.version),
                after: version,
                outcome: "adopted",
                detail: None,
            })?;
            let retention = Retention {
                versions: self.settings.keep_versions.into(),
                age_ms: self.settings.keep_for_ms,
            };
            store.prune(retention, self.now)
        })?;
        *control = grown;
        Ok(head)
    }
}
