//! Values between SQLite and the core, as the platform passes them.

use bellwether_core::sql::{Column, Param, Row, SqlError};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Statement, ToSql};

/// Runs a statement and returns all of its rows.
///
/// # Errors
/// What SQLite says.
pub fn read_rows(
    statement: &mut Statement<'_>,
    params: &[Param<'_>],
) -> rusqlite::Result<Vec<Row>> {
    let width = statement.column_count();
    let params = rusqlite::params_from_iter(params.iter().map(Bound));
    statement
        .query_map(params, |row| {
            (0..width)
                .map(|index| Ok(column(row.get_ref(index)?)))
                .collect()
        })?
        .collect()
}

/// Integers are bound as doubles, as the platform does it.
struct Bound<'a>(&'a Param<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Param::Null => ToSqlOutput::Owned(Value::Null),
            Param::Integer(value) => ToSqlOutput::Owned(Value::Real(*value as f64)),
            Param::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

/// A stored value.
///
/// # Panics
/// When it is of a kind that is never stored.
#[must_use]
pub fn column(value: ValueRef<'_>) -> Column {
    match value {
        ValueRef::Null => Column::Null,
        ValueRef::Integer(value) => Column::Integer(value),
        ValueRef::Text(text) => Column::Text(String::from_utf8_lossy(text).into_owned()),
        other => panic!("a column of the type {} was stored", other.data_type()),
    }
}

/// An error of SQLite as the core sees it.
#[must_use]
pub fn refused(error: rusqlite::Error) -> SqlError {
    SqlError(error.to_string())
}
