//! Start-up: migrations, the head and the schedule; never all of history.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::{Coordinator, Inner, State};
use crate::document::{Document, Object};
use crate::log::{Level, LogRecord};
use crate::merge::Layers;
use crate::migrate::{MIGRATIONS, MigrationError, migrate};
use crate::platform::Platform;
use crate::refresh::StoredLayer;
use crate::schedule::Pace;
use crate::settings::{SourceSettings, SpaceSettings};
use crate::space_name::SpaceName;
use crate::sql::SqlError;
use crate::store::{Adoption, Head, Increments, LayerName, Origin, Schedule, Store};
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

    fn merged(&self, source: Option<&Object>, override_patch: Option<&Object>) -> Option<Document> {
        let layers = Layers {
            defaults: Some(&self.defaults),
            vars: Some(&self.vars),
            source,
            override_: override_patch,
        };
        layers.merged().ok()
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
        let schedule = start.schedule(stored_schedule.clone(), random);
        let (head, base_owed) = start.head(store.head()?, stored_base.as_ref())?;
        if stored_schedule.as_ref() != Some(&schedule) {
            store.put_schedule(&schedule)?;
        }
        Ok(Self {
            inner: Rc::new(Inner {
                state: RefCell::new(State {
                    head,
                    base_owed,
                    schedule,
                    flight: None,
                    uncommitted: Increments::default(),
                }),
                started_at: now,
                alarm_checked: Cell::new(false),
                platform,
                space,
                settings,
                built_in,
            }),
        })
    }
}

struct Start<'a, P> {
    store: &'a Store<'a, P>,
    settings: &'a SpaceSettings,
    built_in: &'a BuiltIn,
    now: UnixMillis,
}

impl<P: Platform> Start<'_, P> {
    /// The stored schedule under today's settings.
    fn schedule(&self, stored: Option<Schedule>, random: u64) -> Schedule {
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
            interval_ms: self.settings.refresh_interval_ms,
            backoff_max_ms: self.settings.backoff_max_ms,
        };
        let pulled = !matches!(self.settings.source, SourceSettings::None);
        schedule.refresh_due = pulled.then(|| {
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
    ) -> Result<(Head, Option<Document>), SqlError> {
        let Some(head) = stored else {
            let document = self.base();
            let head = self.commit(None, Version::FIRST, &document, Origin::Base, "bootstrap")?;
            return Ok((head, None));
        };
        let base = self.base();
        if stored_base.is_some_and(|stored| stored.hash == *base.hash()) {
            return Ok((head, None));
        }
        let source = self.stored_document(LayerName::Source)?;
        let patch = self.stored_document(LayerName::Override)?;
        // A layer that no longer parses (a limit that was lowered since) must not vanish from the
        // head, so it counts as one that does not fit.
        let merged = match (&source, &patch) {
            (Stored::Unreadable, _) | (_, Stored::Unreadable) => None,
            _ => self.built_in.merged(source.object(), patch.object()),
        };
        match (merged, head.version.next()) {
            (Some(merged), _) if *merged.hash() == head.hash => {
                self.store.put_layer(LayerName::Base, &base, self.now)?;
                Ok((head, None))
            }
            (Some(merged), Some(version)) => {
                let head = self.commit(Some(&head), version, &merged, head.origin, "deploy")?;
                Ok((head, None))
            }
            // It does not fit together any more: the head stays, and so does the record of what it
            // was made of, so that the next start tries again, until a refresh makes one of it.
            _ => {
                self.store.0.log(&LogRecord {
                    version: Some(head.version),
                    detail: Some(
                        "the built-in layers and the stored ones no longer make a valid document",
                    ),
                    ..LogRecord::new(Level::Error, "layers_do_not_merge")
                });
                Ok((head, Some(base)))
            }
        }
    }

    /// The built-in layers together; none at all when they break a limit (status tells).
    fn base(&self) -> Document {
        self.built_in
            .merged(None, None)
            .unwrap_or_else(Document::empty)
    }

    fn stored_document(&self, name: LayerName) -> Result<Stored, SqlError> {
        let layer = self.store.layer(name)?;
        Ok(layer.map_or(Stored::Absent, |layer| {
            Document::parse(layer.text.as_bytes()).map_or(Stored::Unreadable, Stored::Readable)
        }))
    }

    fn commit(
        &self,
        before: Option<&Head>,
        version: Version,
        document: &Document,
        origin: Origin,
        action: &'static str,
    ) -> Result<Head, SqlError> {
        let head = Head::new(version, document, origin, self.now);
        let base = self.base();
        self.store.atomically(|store| {
            store.put_head(&Adoption {
                head: &head,
                before: before.map(|head| head.version),
                layers: &[(LayerName::Base, &base)],
                actor: action,
                action,
                reason: None,
                keep_versions: self.settings.keep_versions.into(),
            })
        })?;
        Ok(head)
    }
}

/// A layer as it is stored.
enum Stored {
    Absent,
    Readable(Document),
    Unreadable,
}

impl Stored {
    fn object(&self) -> Option<&Object> {
        match self {
            Self::Readable(document) => Some(document.object()),
            Self::Absent | Self::Unreadable => None,
        }
    }
}
