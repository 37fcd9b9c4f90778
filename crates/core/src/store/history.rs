//! Versions that were: adopted, listed, fetched, and dropped in the end.

use super::records::{Adoption, Head, Origin};
use super::{Store, head_of, optional_text, parse_hash, parse_version};
use crate::sql::{Columns, Param, Row, Sql, SqlError};
use crate::statements;
use crate::version::{ContentHash, UnixMillis, Version};

/// What a list shows of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastVersion {
    /// Its number.
    pub version: Version,
    /// The hash of its document.
    pub hash: ContentHash,
    /// The size of its document.
    pub bytes: u64,
    /// What it was made from.
    pub origin: Origin,
    /// When it was adopted.
    pub adopted_at: UnixMillis,
    /// Who made it.
    pub actor: String,
    /// By what: `publish`, `alarm`, …
    pub action: String,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The version whose content it has, where it is a rollback.
    pub rollback_of: Option<Version>,
}

/// How long versions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How many, the head included.
    pub versions: u64,
    /// How long after something else became the head, in milliseconds; `None` for ever.
    pub age_ms: Option<u64>,
}

impl<S: Sql> Store<'_, S> {
    /// Any version that is kept.
    ///
    /// # Errors
    /// When the database refuses, or the row is not as it was written.
    pub fn version(&self, version: Version) -> Result<Option<Head>, SqlError> {
        let params = [Param::unsigned(version.get())];
        self.first(statements::SELECT_VERSION, &params)?
            .map(head_of)
            .transpose()
    }

    /// Versions below a number, newest first; reads no document.
    ///
    /// # Errors
    /// When the database refuses, or a row is not as it was written.
    pub fn history(&self, before: u64, limit: u64) -> Result<Vec<PastVersion>, SqlError> {
        let params = [Param::unsigned(before), Param::unsigned(limit)];
        let rows = self.0.exec(statements::SELECT_HISTORY, &params)?;
        rows.into_iter().map(past_version).collect()
    }

    /// Writes a new head with its layers. To be called inside [`atomically`](Self::atomically).
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_head(&self, adoption: &Adoption<'_>) -> Result<(), SqlError> {
        let head = adoption.head;
        let (version, at) = (Param::unsigned(head.version.get()), head.adopted_at);
        let hash = head.hash.hex();
        self.0.exec(
            statements::INSERT_VERSION,
            &[
                version,
                Param::Text(&hash),
                Param::Text(&head.text),
                Param::Text(head.origin.as_str()),
                Param::unsigned(at.0),
            ],
        )?;
        let rollback_of = adoption.rollback_of.map(Version::get);
        self.0.exec(
            statements::INSERT_HISTORY,
            &[
                version,
                Param::Text(&hash),
                Param::unsigned(head.text.len() as u64),
                Param::Text(head.origin.as_str()),
                Param::unsigned(at.0),
                Param::Text(adoption.actor),
                Param::Text(adoption.action),
                optional_text(adoption.reason),
                rollback_of.map_or(Param::Null, Param::unsigned),
            ],
        )?;
        for (name, document) in adoption.layers {
            self.put_layer(*name, document, at, head.version)?;
        }
        Ok(())
    }

    /// Drops versions that have been kept long enough: never the head, nor what a pin or a pending
    /// rollback goes back to.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn prune(&self, retention: Retention, now: UnixMillis) -> Result<(), SqlError> {
        // No version is as old as the epoch.
        let replaced_by = retention
            .age_ms
            .map_or(0, |age_ms| now.0.saturating_sub(age_ms));
        let params = [
            Param::unsigned(retention.versions),
            Param::unsigned(replaced_by),
        ];
        for row in self.0.exec(statements::PRUNE_HISTORY, &params)? {
            let mut columns = Columns::of(row);
            let version = Columns::end(columns.unsigned(), columns)?;
            let params = [Param::unsigned(version)];
            self.0.exec(statements::PRUNE_VERSION, &params)?;
        }
        Ok(())
    }
}

fn past_version(row: Row) -> Result<PastVersion, SqlError> {
    let mut columns = Columns::of(row);
    Columns::end(
        PastVersion {
            version: parse_version(columns.unsigned())?,
            hash: parse_hash(&columns.text())?,
            bytes: columns.unsigned(),
            origin: Origin::parse(&columns.text())?,
            adopted_at: UnixMillis(columns.unsigned()),
            actor: columns.text(),
            action: columns.text(),
            reason: columns.optional_text(),
            rollback_of: columns.optional_unsigned().map(parse_version).transpose()?,
        },
        columns,
    )
}
