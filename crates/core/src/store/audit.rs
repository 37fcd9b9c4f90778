//! The audit: who asked for which change, why, and what became of it. Append only, and each row's
//! hash covers the one before, so that no row can be changed, taken out or put in unseen.

use serde_json::Value;

use super::{Store, optional_text};
use crate::json::{self, Members};
use crate::sql::{Column, Columns, Param, Row, Sql, SqlError};
use crate::statements;
use crate::version::{ContentHash, UnixMillis, Version};
use crate::wire::rfc3339;

/// What the hash of the first row covers in place of a row before it.
const GENESIS: &str = "bellwether-audit";

/// Rows that are read at once where all of them are.
const BATCH: u64 = 200;

/// Below the number of any row; as far down as the platform binds exactly.
const BEFORE_ALL: i64 = -(1 << 53);

/// One thing that somebody asked for, and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct AuditEntry<'a> {
    /// When.
    pub at: UnixMillis,
    /// A token's name, or the action where nobody in particular did it.
    pub actor: &'a str,
    /// What was asked for: `publish`, `rollback`, `reload`, …
    pub action: &'a str,
    /// Why, in the actor's words.
    pub reason: Option<&'a str>,
    /// The head before; `None` for the first.
    pub before: Option<Version>,
    /// The head after; the same where nothing changed.
    pub after: Version,
    /// `adopted`, `unchanged`, `scheduled`, `refused`, …
    pub outcome: &'a str,
    /// More about the outcome: the slug of a problem, the number of a pending change.
    pub detail: Option<&'a str>,
}

/// A row as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    /// Its number, from 1.
    pub id: u64,
    /// Its content and its hash.
    pub shown: Value,
    content: String,
    hash: Option<String>,
}

/// What a walk along the chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// How many rows are there.
    pub rows: u64,
    /// The first row that is not as it was written; the number after the last where rows are
    /// missing at the end.
    pub broken_at: Option<u64>,
    /// The hash of the last row that is as written: to be kept elsewhere and compared.
    pub hash: String,
}

impl<S: Sql> Store<'_, S> {
    /// Appends a row. To be called inside [`atomically`](Self::atomically).
    ///
    /// # Errors
    /// When the database refuses.
    pub fn append_audit(&self, entry: &AuditEntry<'_>) -> Result<(), SqlError> {
        let (last_id, last_hash) = self.chain()?.unwrap_or((0, String::new()));
        let id = last_id + 1;
        let before = entry.before.map(Version::get);
        let content = content(&[
            Value::from(id),
            Value::from(entry.at.0),
            Value::from(entry.actor),
            Value::from(entry.action),
            Value::from(entry.reason),
            Value::from(before),
            Value::from(entry.after.get()),
            Value::from(entry.outcome),
            Value::from(entry.detail),
        ]);
        let hash = link(&last_hash, &content);
        self.0.exec(
            statements::INSERT_AUDIT,
            &[
                Param::unsigned(id),
                Param::unsigned(entry.at.0),
                Param::Text(entry.actor),
                Param::Text(entry.action),
                optional_text(entry.reason),
                before.map_or(Param::Null, Param::unsigned),
                Param::unsigned(entry.after.get()),
                Param::Text(entry.outcome),
                optional_text(entry.detail),
                Param::Text(&hash),
            ],
        )?;
        self.put_chain(id, &hash)
    }

    /// Rows below a number, newest first.
    ///
    /// # Errors
    /// When the database refuses, or a row is not as it was written.
    pub fn audit_before(&self, before: u64, limit: u64) -> Result<Vec<AuditRow>, SqlError> {
        self.audit_rows(statements::SELECT_AUDIT_BEFORE, before, limit)
    }

    /// Walks the whole chain.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn check_audit(&self) -> Result<ChainReport, SqlError> {
        let mut report = ChainReport {
            rows: 0,
            broken_at: None,
            hash: String::new(),
        };
        let (last_id, last_hash) = self.chain()?.unwrap_or_default();
        // What stands before the first row was put there.
        let mut after = BEFORE_ALL;
        loop {
            let params = [Param::Integer(after), Param::unsigned(BATCH)];
            let rows = self.0.exec(statements::SELECT_AUDIT_AFTER, &params)?;
            let Some(Column::Integer(last)) = rows.last().and_then(|row| row.first()) else {
                break;
            };
            after = *last;
            for row in rows {
                report.take(row);
            }
        }
        if report.broken_at.is_none() {
            if report.rows != last_id {
                report.broken_at = Some(report.rows.min(last_id) + 1);
            } else if report.hash != last_hash {
                report.broken_at = Some(last_id);
            }
        }
        Ok(report)
    }

    /// Gives rows that an older code wrote their hashes: once, when the chain begins. To be called
    /// inside [`atomically`](Self::atomically).
    ///
    /// # Errors
    /// When the database refuses.
    pub(crate) fn seal_audit(&self) -> Result<(), SqlError> {
        let (mut after, mut hash) = (0, String::new());
        loop {
            let rows = self.audit_rows(statements::SELECT_AUDIT_AFTER, after, BATCH)?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                hash = link(&hash, &row.content);
                after = row.id;
                let params = [Param::Text(&hash), Param::unsigned(after)];
                self.0.exec(statements::SEAL_AUDIT, &params)?;
            }
        }
        self.put_chain(after, &hash)
    }

    fn chain(&self) -> Result<Option<(u64, String)>, SqlError> {
        let row = self.first(statements::SELECT_CHAIN, &[])?;
        row.map(|row| {
            let mut columns = Columns::of(row);
            Columns::end((columns.unsigned(), columns.text()), columns)
        })
        .transpose()
    }

    fn put_chain(&self, last_id: u64, hash: &str) -> Result<(), SqlError> {
        let params = [Param::unsigned(last_id), Param::Text(hash)];
        self.0.exec(statements::UPSERT_CHAIN, &params).map(drop)
    }

    fn audit_rows(&self, statement: &str, at: u64, limit: u64) -> Result<Vec<AuditRow>, SqlError> {
        let params = [Param::unsigned(at), Param::unsigned(limit)];
        let rows = self.0.exec(statement, &params)?;
        rows.into_iter().map(audit_row).collect()
    }
}

impl ChainReport {
    fn take(&mut self, row: Row) {
        self.rows += 1;
        if self.broken_at.is_some() {
            return;
        }
        let id = match row.first() {
            Some(Column::Integer(id)) => u64::try_from(*id).unwrap_or(0),
            _ => 0,
        };
        // A row of another shape is not as it was written either.
        let linked = audit_row(row).ok().and_then(|row| {
            let hash = link(&self.hash, &row.content);
            (row.hash.as_ref() == Some(&hash)).then_some(hash)
        });
        match linked.filter(|_| id == self.rows) {
            Some(hash) => self.hash = hash,
            None => self.broken_at = Some(id),
        }
    }
}

fn audit_row(row: Row) -> Result<AuditRow, SqlError> {
    let mut columns = Columns::of(row);
    let (id, at_ms) = (columns.unsigned(), columns.unsigned());
    let (actor, action) = (columns.text(), columns.text());
    let reason = columns.optional_text();
    let (before, after) = (columns.optional_unsigned(), columns.unsigned());
    // Before outcomes were written, only adoptions had rows.
    let outcome = columns.optional_text();
    let (detail, hash) = (columns.optional_text(), columns.optional_text());
    let shown = Members::new()
        .number("id", id)
        .text("at", &rfc3339(UnixMillis(at_ms)))
        .text("actor", &actor)
        .text("action", &action)
        .optional_text("reason", reason.as_deref())
        .optional_number("version_before", before)
        .number("version_after", after)
        .text("outcome", outcome.as_deref().unwrap_or("adopted"))
        .optional_text("detail", detail.as_deref())
        .optional_text("hash", hash.as_deref())
        .take();
    let content = content(&[
        Value::from(id),
        Value::from(at_ms),
        Value::from(actor),
        Value::from(action),
        Value::from(reason),
        Value::from(before),
        Value::from(after),
        Value::from(outcome),
        Value::from(detail),
    ]);
    Columns::end(
        AuditRow {
            id,
            shown,
            content,
            hash,
        },
        columns,
    )
}

/// A row's content as the hash covers it: a JSON array, so that no two rows read the same.
fn content(columns: &[Value]) -> String {
    json::text(&Value::Array(columns.to_vec()))
}

fn link(before: &str, content: &str) -> String {
    let before = if before.is_empty() { GENESIS } else { before };
    ContentHash::of(format!("{before}\n{content}").as_bytes()).hex()
}
