//! Migrations of a space's database: append-only, applied in order, once, and recorded with their
//! hash. (wrangler's `[[migrations]]` is something else: it declares object classes.)

use crate::sql::{Columns, Param, Sql, SqlError};
use crate::statements;
use crate::version::{ContentHash, UnixMillis};

/// One migration. Its text must never change once it has been released.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its place in the order, from 1 without gaps.
    pub id: u64,
    /// Its file's name.
    pub name: &'static str,
    /// Its script.
    pub script: &'static str,
}

/// The migrations that this code knows, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        id: 1,
        name: "0001_initial.sql",
        script: include_str!("../../../migrations/0001_initial.sql"),
    },
    Migration {
        id: 2,
        name: "0002_authority.sql",
        script: include_str!("../../../migrations/0002_authority.sql"),
    },
];

/// Why a database was not opened. Nothing was changed in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MigrationError {
    /// A migration that was applied differs from the one in the code.
    Edited {
        /// The migration's place.
        id: u64,
        /// Its name as it was applied.
        applied: String,
        /// Its name in the code.
        known: &'static str,
    },
    /// The database holds migrations that this code does not know.
    Newer {
        /// The last migration in the database.
        database: u64,
        /// The last one that the code knows.
        code: u64,
    },
    /// The record of applied migrations has a hole.
    Gap {
        /// The first migration that is not recorded.
        id: u64,
    },
    /// The database refused.
    Sql(SqlError),
}

impl std::fmt::Display for MigrationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Edited { id, applied, known } => write!(
                f,
                "migration {id} was edited after it was applied (applied {applied:?}, the code has {known:?}): \
                 restore its original text and put the change into a new migration"
            ),
            Self::Newer { database, code } => write!(
                f,
                "the database is at migration {database} and this code knows only {code}: \
                 deploy the newer code again"
            ),
            Self::Gap { id } => write!(
                f,
                "the database does not record migration {id} although it records later ones"
            ),
            Self::Sql(error) => write!(f, "the database refused a migration: {error}"),
        }
    }
}

impl std::error::Error for MigrationError {}

impl From<SqlError> for MigrationError {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

/// Brings the database up to `migrations`; returns how many were applied now.
///
/// # Errors
/// When history was edited, has a hole, or is newer than the code; or when the database refuses.
/// Each migration is committed together with its record, or not at all.
pub fn migrate<S: Sql>(
    sql: &S,
    migrations: &[Migration],
    now: UnixMillis,
) -> Result<usize, MigrationError> {
    sql.exec(statements::CREATE_MIGRATIONS, &[])?;
    let applied = check_history(sql, migrations)?;
    let pending = migrations.get(applied..).unwrap_or_default();
    for migration in pending {
        let hash = ContentHash::of(migration.script.as_bytes()).hex();
        sql.atomically(&mut || {
            sql.exec_script(migration.script)?;
            sql.exec(
                statements::INSERT_MIGRATION,
                &[
                    Param::unsigned(migration.id),
                    Param::Text(migration.name),
                    Param::Text(&hash),
                    Param::unsigned(now.0),
                ],
            )
            .map(drop)
        })?;
    }
    Ok(pending.len())
}

/// Compares the record with the code; returns how many migrations are applied.
fn check_history<S: Sql>(sql: &S, migrations: &[Migration]) -> Result<usize, MigrationError> {
    let rows = sql.exec(statements::SELECT_MIGRATIONS, &[])?;
    let applied = rows.len();
    for (expected_id, row) in (1_u64..).zip(rows) {
        let mut columns = Columns::of(row);
        let read = (columns.unsigned(), columns.text(), columns.text());
        let (id, name, hash) = Columns::end(read, columns)?;
        if id != expected_id {
            return Err(MigrationError::Gap { id: expected_id });
        }
        let known = usize::try_from(id - 1)
            .ok()
            .and_then(|index| migrations.get(index));
        let Some(known) = known else {
            return Err(MigrationError::Newer {
                database: applied as u64,
                code: migrations.len() as u64,
            });
        };
        if ContentHash::of(known.script.as_bytes()).hex() != hash {
            return Err(MigrationError::Edited {
                id,
                applied: name,
                known: known.name,
            });
        }
    }
    Ok(applied)
}
