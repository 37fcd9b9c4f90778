//! The small trait over SQLite that the coordinator's flows are written against.
//!
//! Two implementations: the Durable Object's own database in the Worker, and rusqlite natively in
//! tests and the simulator. Both run the same statements and migrations.

/// A value bound to a statement's `?`. Borrowed, so that a large document is not copied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Param<'a> {
    /// SQL NULL.
    Null,
    /// An integer within ±2^53: the platform binds it as a double.
    Integer(i64),
    /// Text.
    Text(&'a str),
}

impl Param<'_> {
    /// An integer from an unsigned one; what does not fit becomes the largest that does.
    #[must_use]
    pub fn unsigned(value: u64) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

/// A value of a result row.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// SQL NULL.
    Null,
    /// An integer.
    Integer(i64),
    /// Text.
    Text(String),
}

/// A result row, its columns in the statement's order.
pub type Row = Vec<Column>;

/// The database refused, or a row is not of the shape that the statement promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError(pub String);

impl std::fmt::Display for SqlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SqlError {}

/// A SQLite database of one space.
pub trait Sql {
    /// Runs one statement and returns all of its rows.
    ///
    /// # Errors
    /// When the database refuses it.
    fn exec(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, SqlError>;

    /// Runs a script of several statements without parameters.
    ///
    /// # Errors
    /// When the database refuses one of them.
    fn exec_script(&self, script: &str) -> Result<(), SqlError>;

    /// Runs `work` so that all of its writes are committed together, or none when it fails.
    ///
    /// # Errors
    /// What `work` returned, or what the commit met.
    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), SqlError>) -> Result<(), SqlError>;
}

/// Takes a row apart, column by column. A column that is not as promised is noted, and told at the
/// [`end`](Self::end): a way out after each of them is a fifth of the code that reads rows.
pub(crate) struct Columns {
    columns: std::vec::IntoIter<Column>,
    mistake: Option<SqlError>,
}

impl Columns {
    pub(crate) fn of(row: Row) -> Self {
        Self {
            columns: row.into_iter(),
            mistake: None,
        }
    }

    /// What was made of the columns, if all of them were as promised.
    pub(crate) fn end<T>(made: T, columns: Self) -> Result<T, SqlError> {
        match columns.mistake {
            None => Ok(made),
            Some(mistake) => Err(mistake),
        }
    }

    pub(crate) fn text(&mut self) -> String {
        let text = self.optional_text();
        text.unwrap_or_else(|| self.wrong("text", "NULL").unwrap_or_default())
    }

    #[inline(never)]
    pub(crate) fn optional_text(&mut self) -> Option<String> {
        match self.columns.next() {
            Some(Column::Text(text)) => Some(text),
            Some(Column::Null) => None,
            other => self.wrong("text", kind(other.as_ref())),
        }
    }

    pub(crate) fn unsigned(&mut self) -> u64 {
        let number = self.optional_unsigned();
        number.unwrap_or_else(|| self.wrong("an integer", "NULL").unwrap_or_default())
    }

    #[inline(never)]
    pub(crate) fn optional_unsigned(&mut self) -> Option<u64> {
        match self.columns.next() {
            Some(Column::Integer(value)) => match u64::try_from(value) {
                Ok(value) => Some(value),
                Err(_) => self.wrong("an integer of 0 or more", "a negative one"),
            },
            Some(Column::Null) => None,
            other => self.wrong("an integer", kind(other.as_ref())),
        }
    }

    /// The first mistake counts.
    #[inline(never)]
    fn wrong<T>(&mut self, expected: &str, found: &str) -> Option<T> {
        self.mistake.get_or_insert_with(|| shape(expected, found));
        None
    }
}

fn shape(expected: &str, found: &str) -> SqlError {
    SqlError(format!(
        "a row of the space's database is not as written: expected {expected}, found {found}"
    ))
}

fn kind(column: Option<&Column>) -> &'static str {
    match column {
        None => "no column",
        Some(Column::Null) => "NULL",
        Some(Column::Integer(_)) => "an integer",
        Some(Column::Text(_)) => "text",
    }
}
