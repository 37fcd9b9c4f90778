//! A real SQLite behind the core's small trait, as the platform runs it: what is written waits in
//! an open transaction until something leaves the object, and a crash may lose what still waits.

use std::cell::Cell;

use bellwether_core::sql::{Param, Row, Sql, SqlError};
use rusqlite::Connection;

use crate::sqlite::{read_rows, refused};

pub(crate) struct Database {
    connection: Connection,
    /// Whether writes wait to be durable.
    waiting: Cell<bool>,
    /// Whether something was written since this was last asked.
    written: Cell<bool>,
}

impl Database {
    pub(crate) fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.set_prepared_statement_cache_capacity(64);
        Self {
            connection,
            waiting: Cell::new(false),
            written: Cell::new(false),
        }
    }

    /// Makes durable what waits.
    pub(crate) fn flush(&self) {
        if self.waiting.take() {
            self.plain("COMMIT");
        }
    }

    /// The machine dies: what waits is kept or lost.
    pub(crate) fn crash(&self, keep: bool) {
        if self.waiting.take() {
            self.plain(if keep { "COMMIT" } else { "ROLLBACK" });
            self.written.set(true);
        }
    }

    pub(crate) fn take_written(&self) -> bool {
        self.written.take()
    }

    pub(crate) fn exec(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, SqlError> {
        if !statement.starts_with("SELECT") {
            self.begin();
        }
        self.rows(statement, params).map_err(refused)
    }

    pub(crate) fn exec_script(&self, script: &str) -> Result<(), SqlError> {
        self.begin();
        self.connection.execute_batch(script).map_err(refused)
    }

    /// `seal` stands between the work and its commit.
    pub(crate) fn atomically(
        &self,
        work: &mut dyn FnMut() -> Result<(), SqlError>,
        seal: impl FnOnce() -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        self.begin();
        self.plain("SAVEPOINT atomically");
        let done = work().and_then(|()| seal());
        if done.is_err() {
            self.plain("ROLLBACK TO atomically");
        }
        self.plain("RELEASE atomically");
        done
    }

    /// What a check wants to see.
    pub(crate) fn query(&self, statement: &str) -> Vec<Row> {
        self.rows(statement, &[]).unwrap()
    }

    /// The same, for a number.
    pub(crate) fn query_with(&self, statement: &str, number: u64) -> Vec<Row> {
        self.rows(statement, &[Param::unsigned(number)]).unwrap()
    }

    fn begin(&self) {
        self.written.set(true);
        if !self.waiting.replace(true) {
            self.plain("BEGIN");
        }
    }

    fn plain(&self, statement: &str) {
        let mut prepared = self.connection.prepare_cached(statement).unwrap();
        prepared.raw_execute().unwrap();
    }

    fn rows(&self, statement: &str, params: &[Param<'_>]) -> rusqlite::Result<Vec<Row>> {
        let mut prepared = self.connection.prepare_cached(statement)?;
        read_rows(&mut prepared, params)
    }
}

/// For checks, which only read.
impl Sql for Database {
    fn exec(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, SqlError> {
        self.rows(statement, params).map_err(refused)
    }

    fn exec_script(&self, _: &str) -> Result<(), SqlError> {
        Err(SqlError("a check only reads".to_owned()))
    }

    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), SqlError>) -> Result<(), SqlError> {
        work()
    }
}
