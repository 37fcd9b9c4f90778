//! What a space keeps in SQLite, in the coordinator's own types.

use std::rc::Rc;

use crate::document::Document;
use crate::json::{self, Members};
use crate::reason::Reason;
use crate::refresh::{Failure, Outcome, StoredLayer};
use crate::sql::{Columns, Param, Sql, SqlError};
use crate::statements;
use crate::strict;
use crate::version::{ContentHash, ETag, UnixMillis, Version};

/// How many refresh outcomes a space keeps.
pub const KEEP_OUTCOMES: u64 = 100;

/// The snapshot served now, ready to be answered.
#[derive(Clone, Debug)]
pub struct Head {
    /// Its version.
    pub version: Version,
    /// The hash of its document.
    pub hash: ContentHash,
    /// Its validator.
    pub etag: ETag,
    /// Its document, serialised.
    pub text: Rc<str>,
    /// Whether it holds built-in layers only or a document of the source as well.
    pub origin: Origin,
    /// When it was adopted, by the coordinator's clock.
    pub adopted_at: UnixMillis,
}

impl Head {
    /// The snapshot of `document` as `version`.
    #[must_use]
    pub fn new(version: Version, document: &Document, origin: Origin, now: UnixMillis) -> Self {
        Self {
            version,
            hash: *document.hash(),
            etag: ETag::of(version, document.hash()),
            text: Rc::clone(document.text()),
            origin,
            adopted_at: now,
        }
    }
}

/// What a snapshot was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Built-in layers only.
    Base,
    /// Built-in layers and a document of the source.
    Source,
}

impl Origin {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Source => "source",
        }
    }

    fn parse(name: &str) -> Result<Self, SqlError> {
        match name {
            "base" => Ok(Self::Base),
            "source" => Ok(Self::Source),
            other => Err(SqlError(format!(
                "a version has the unknown origin {other:?}"
            ))),
        }
    }
}

/// A layer that is stored on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerName {
    /// The built-in layers, as they were when the head was made.
    Base,
    /// The source's document.
    Source,
    /// The operator's patch.
    Override,
}

impl LayerName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Source => "source",
            Self::Override => "override",
        }
    }
}

/// When to refresh next, and how the last refreshes ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// When the next refresh is due; `None` when the space has no source to pull.
    pub refresh_due: Option<UnixMillis>,
    /// Failed refreshes since the last one that was answered.
    pub consecutive_failures: u32,
    /// Refreshes begun and not settled: each one that died counts towards the backoff, so that an
    /// answer that kills the object cannot kill it in a tight loop.
    pub unsettled: u32,
    /// Identity of the source that `source_etag` belongs to.
    pub source_fingerprint: String,
    /// The source's validator for the layer held.
    pub source_etag: Option<String>,
    /// The last refresh.
    pub last_attempt: Option<Attempt>,
    /// The last refresh that was neither adopted nor unchanged.
    pub last_error: Option<Attempt>,
    /// When the last refresh succeeded.
    pub last_success_at: Option<UnixMillis>,
}

/// One refresh that was settled: how it ended, and all that is kept and shown of it. The record
/// stays JSON, for it is only ever passed on; a type for reading it back costs the bundle 8 KB.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// How it ended.
    pub outcome: Outcome,
    /// An [`OutcomeRecord`] as JSON text.
    pub record: Rc<str>,
}

impl From<&OutcomeRecord> for Attempt {
    fn from(record: &OutcomeRecord) -> Self {
        Self {
            outcome: record.outcome,
            record: json::text(&record.to_json()).into(),
        }
    }
}

/// One refresh, to be kept and shown.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeRecord {
    /// When it was settled, RFC 3339.
    pub settled_at: String,
    /// What asked for it: `alarm`, `bootstrap` or `reload`.
    pub trigger: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// The head's version afterwards.
    pub version: Version,
    /// Milliseconds from asking the source to its answer.
    pub duration_ms: u64,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Why the candidate was rejected.
    pub reasons: Vec<Reason>,
}

impl OutcomeRecord {
    fn to_json(&self) -> serde_json::Value {
        let mut members = Members::new();
        members
            .text("settled_at", &self.settled_at)
            .text("trigger", self.trigger)
            .text("outcome", self.outcome.as_str())
            .number("version", self.version.get())
            .number("duration_ms", self.duration_ms);
        if let Some(failure) = &self.failure {
            failure.tell(&mut members);
        }
        members.value(
            "reasons",
            self.reasons.iter().map(Reason::to_json).collect(),
        );
        members.take()
    }
}

/// A head to commit.
#[derive(Debug)]
pub struct Adoption<'a> {
    /// The new head.
    pub head: &'a Head,
    /// The version before; `None` for the first.
    pub before: Option<Version>,
    /// Layers that changed with it.
    pub layers: &'a [(LayerName, &'a Document)],
    /// Who did it: a token's name, or the action where nobody in particular did.
    pub actor: &'a str,
    /// What was done: `alarm`, `bootstrap`, `reload`, `deploy`.
    pub action: &'static str,
    /// The operator's reason.
    pub reason: Option<&'a str>,
    /// How many versions to keep.
    pub keep_versions: u64,
}

/// Amounts to add to counters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Increments(Vec<(&'static str, &'static str, u64)>);

impl Increments {
    /// Adds to the counter of this name and label; a plain total has the empty label.
    pub fn add(&mut self, name: &'static str, label: &'static str, amount: u64) {
        let same = |entry: &&mut (&str, &str, u64)| entry.0 == name && entry.1 == label;
        match self.0.iter_mut().find(same) {
            Some((_, _, total)) => *total = total.saturating_add(amount),
            None => self.0.push((name, label, amount)),
        }
    }

    /// Adds all of these.
    pub fn add_all(&mut self, more: &Self) {
        for (name, label, amount) in &more.0 {
            self.add(name, label, *amount);
        }
    }

    /// Name, label and amount of each.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        self.0.iter().copied()
    }

    /// Forgets them all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// A total that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// What is counted.
    pub name: String,
    /// By what it is told apart; empty for a plain total.
    pub label: String,
    /// How many.
    pub value: u64,
}

/// The space's database.
#[derive(Debug)]
pub struct Store<'a, S>(pub &'a S);

impl<S: Sql> Store<'_, S> {
    /// Commits everything that `work` writes, or nothing.
    ///
    /// # Errors
    /// What `work` returned, or what the commit met.
    pub fn atomically(
        &self,
        mut work: impl FnMut(&Self) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        self.0.atomically(&mut || work(self))
    }

    /// The newest version; never reads another.
    ///
    /// # Errors
    /// When the database refuses, or the row is not as it was written.
    pub fn head(&self) -> Result<Option<Head>, SqlError> {
        let Some(row) = self.first(statements::SELECT_HEAD, &[])? else {
            return Ok(None);
        };
        let mut columns = Columns::of(row);
        let version = Version::new(columns.unsigned()?)
            .ok_or_else(|| SqlError("the newest version's number is out of range".to_owned()))?;
        let hash = parse_hash(&columns.text()?)?;
        Ok(Some(Head {
            version,
            hash,
            etag: ETag::of(version, &hash),
            text: columns.text()?.into(),
            origin: Origin::parse(&columns.text()?)?,
            adopted_at: UnixMillis(columns.unsigned()?),
        }))
    }

    /// The schedule; `None` in a new database.
    ///
    /// # Errors
    /// When the database refuses, or the row is not as it was written.
    pub fn schedule(&self) -> Result<Option<Schedule>, SqlError> {
        let Some(row) = self.first(statements::SELECT_SCHEDULE, &[])? else {
            return Ok(None);
        };
        let mut columns = Columns::of(row);
        Ok(Some(Schedule {
            refresh_due: columns.optional_unsigned()?.map(UnixMillis),
            consecutive_failures: saturate(columns.unsigned()?),
            unsettled: saturate(columns.unsigned()?),
            source_fingerprint: columns.text()?,
            source_etag: columns.optional_text()?,
            last_attempt: parse_attempt(columns.optional_text()?),
            last_error: parse_attempt(columns.optional_text()?),
            last_success_at: columns.optional_unsigned()?.map(UnixMillis),
        }))
    }

    /// Writes the schedule.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_schedule(&self, schedule: &Schedule) -> Result<(), SqlError> {
        self.0
            .exec(
                statements::UPSERT_SCHEDULE,
                &[
                    optional_time(schedule.refresh_due),
                    Param::unsigned(schedule.consecutive_failures.into()),
                    Param::unsigned(schedule.unsettled.into()),
                    Param::Text(&schedule.source_fingerprint),
                    optional_text(schedule.source_etag.as_deref()),
                    optional_text(schedule.last_attempt.as_ref().map(|it| &*it.record)),
                    optional_text(schedule.last_error.as_ref().map(|it| &*it.record)),
                    optional_time(schedule.last_success_at),
                ],
            )
            .map(drop)
    }

    /// A stored layer.
    ///
    /// # Errors
    /// When the database refuses, or the row is not as it was written.
    pub fn layer(&self, name: LayerName) -> Result<Option<StoredLayer>, SqlError> {
        let row = self.first(statements::SELECT_LAYER, &[Param::Text(name.as_str())])?;
        row.map(|row| {
            let mut columns = Columns::of(row);
            Ok(StoredLayer {
                hash: parse_hash(&columns.text()?)?,
                text: columns.text()?,
            })
        })
        .transpose()
    }

    /// Writes a layer.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_layer(
        &self,
        name: LayerName,
        document: &Document,
        now: UnixMillis,
    ) -> Result<(), SqlError> {
        self.0
            .exec(
                statements::UPSERT_LAYER,
                &[
                    Param::Text(name.as_str()),
                    Param::Text(&document.hash().hex()),
                    Param::Text(document.text()),
                    Param::unsigned(now.0),
                ],
            )
            .map(drop)
    }

    /// Writes a new head with its layers and its audit row, and prunes old versions. To be called
    /// inside [`atomically`](Self::atomically).
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_head(&self, adoption: &Adoption<'_>) -> Result<(), SqlError> {
        let head = adoption.head;
        let (version, at) = (head.version.get(), head.adopted_at);
        self.0.exec(
            statements::INSERT_VERSION,
            &[
                Param::unsigned(version),
                Param::Text(&head.hash.hex()),
                Param::Text(&head.text),
                Param::Text(head.origin.as_str()),
                Param::unsigned(at.0),
            ],
        )?;
        for (name, document) in adoption.layers {
            self.put_layer(*name, document, at)?;
        }
        self.0.exec(
            statements::INSERT_AUDIT,
            &[
                Param::unsigned(at.0),
                Param::Text(adoption.actor),
                Param::Text(adoption.action),
                optional_text(adoption.reason),
                adoption
                    .before
                    .map_or(Param::Null, |before| Param::unsigned(before.get())),
                Param::unsigned(version),
            ],
        )?;
        self.0
            .exec(
                statements::PRUNE_VERSIONS,
                &[Param::unsigned(
                    version.saturating_sub(adoption.keep_versions),
                )],
            )
            .map(drop)
    }

    /// Keeps one refresh's outcome, and prunes old ones.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_outcome(&self, attempt: &Attempt) -> Result<(), SqlError> {
        self.0
            .exec(statements::INSERT_OUTCOME, &[Param::Text(&attempt.record)])?;
        self.0
            .exec(
                statements::PRUNE_OUTCOMES,
                &[Param::unsigned(KEEP_OUTCOMES)],
            )
            .map(drop)
    }

    /// Adds to counters.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn add(&self, increments: &Increments) -> Result<(), SqlError> {
        for (name, label, amount) in increments.iter().filter(|(_, _, amount)| *amount > 0) {
            let params = [
                Param::Text(name),
                Param::Text(label),
                Param::unsigned(amount),
            ];
            self.0.exec(statements::ADD_TO_COUNTER, &params)?;
        }
        Ok(())
    }

    /// All counters.
    ///
    /// # Errors
    /// When the database refuses, or a row is not as it was written.
    pub fn counters(&self) -> Result<Vec<Counter>, SqlError> {
        self.0
            .exec(statements::SELECT_COUNTERS, &[])?
            .into_iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok(Counter {
                    name: columns.text()?,
                    label: columns.text()?,
                    value: columns.unsigned()?,
                })
            })
            .collect()
    }

    fn first(
        &self,
        statement: &str,
        params: &[Param<'_>],
    ) -> Result<Option<crate::sql::Row>, SqlError> {
        Ok(self.0.exec(statement, params)?.into_iter().next())
    }
}

fn optional_text(text: Option<&str>) -> Param<'_> {
    text.map_or(Param::Null, Param::Text)
}

fn optional_time(time: Option<UnixMillis>) -> Param<'static> {
    time.map_or(Param::Null, |time| Param::unsigned(time.0))
}

fn saturate(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn parse_hash(hex: &str) -> Result<ContentHash, SqlError> {
    ContentHash::from_hex(hex)
        .ok_or_else(|| SqlError("a stored hash is not 64 hexadecimal digits".to_owned()))
}

/// A record that an older or newer code wrote differently is dropped, not fatal: it only informs.
fn parse_attempt(text: Option<String>) -> Option<Attempt> {
    let text = text?;
    let record = strict::parse(&text).ok()?;
    let outcome = Outcome::parse(record.get("outcome")?.as_str()?)?;
    let record = text.into();
    Some(Attempt { outcome, record })
}
