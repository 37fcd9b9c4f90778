//! What a space keeps in SQLite, in the coordinator's own types.

mod answers;
mod audit;
mod control;
mod history;
mod pending;
mod records;

pub use answers::{KEEP_ANSWERS, KEEP_ANSWERS_MS, KeptAnswer};
pub use audit::{AuditEntry, AuditRow, ChainReport};
pub use control::{Control, Pin, Signed};
pub use history::{PastVersion, Retention};
pub use pending::{ChangeKind, Pending};
pub use records::{
    Adoption, Attempt, Counter, Head, Increments, LayerName, Origin, OutcomeRecord, Schedule,
};

use crate::document::Document;
use crate::refresh::{Outcome, StoredLayer};
use crate::sql::{Columns, Param, Row, Sql, SqlError};
use crate::statements;
use crate::strict;
use crate::version::{ContentHash, ETag, UnixMillis, Version};

/// How many refresh outcomes a space keeps.
pub const KEEP_OUTCOMES: u64 = 100;

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
        self.first(statements::SELECT_HEAD, &[])?
            .map(head_of)
            .transpose()
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
        Columns::end(
            Some(Schedule {
                refresh_due: columns.optional_unsigned().map(UnixMillis),
                consecutive_failures: saturate(columns.unsigned()),
                unsettled: saturate(columns.unsigned()),
                source_fingerprint: columns.text(),
                source_etag: columns.optional_text(),
                last_attempt: parse_attempt(columns.optional_text()),
                last_error: parse_attempt(columns.optional_text()),
                last_success_at: columns.optional_unsigned().map(UnixMillis),
            }),
            columns,
        )
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
            Columns::end(
                StoredLayer {
                    hash: parse_hash(&columns.text())?,
                    text: columns.text(),
                    version: columns.optional_unsigned().and_then(Version::new),
                },
                columns,
            )
        })
        .transpose()
    }

    /// Writes a layer that came into force with a version.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_layer(
        &self,
        name: LayerName,
        document: &Document,
        now: UnixMillis,
        version: Version,
    ) -> Result<(), SqlError> {
        self.0
            .exec(
                statements::UPSERT_LAYER,
                &[
                    Param::Text(name.as_str()),
                    Param::Text(&document.hash().hex()),
                    Param::Text(document.text()),
                    Param::unsigned(now.0),
                    Param::unsigned(version.get()),
                ],
            )
            .map(drop)
    }

    /// Takes a layer away.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_layer(&self, name: LayerName) -> Result<(), SqlError> {
        self.0
            .exec(statements::DELETE_LAYER, &[Param::Text(name.as_str())])
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
                Columns::end(
                    Counter {
                        name: columns.text(),
                        label: columns.text(),
                        value: columns.unsigned(),
                    },
                    columns,
                )
            })
            .collect()
    }

    fn first(&self, statement: &str, params: &[Param<'_>]) -> Result<Option<Row>, SqlError> {
        Ok(self.0.exec(statement, params)?.into_iter().next())
    }
}

fn head_of(row: Row) -> Result<Head, SqlError> {
    let mut columns = Columns::of(row);
    let version = parse_version(columns.unsigned())?;
    let hash = parse_hash(&columns.text())?;
    Columns::end(
        Head {
            version,
            hash,
            etag: ETag::of(version, &hash),
            text: columns.text().into(),
            origin: Origin::parse(&columns.text())?,
            adopted_at: UnixMillis(columns.unsigned()),
        },
        columns,
    )
}

fn parse_version(number: u64) -> Result<Version, SqlError> {
    Version::new(number)
        .ok_or_else(|| SqlError("a stored version's number is out of range".to_owned()))
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
