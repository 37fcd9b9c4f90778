//! A real SQLite behind the core's small trait, with traps.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

use bellwether_core::sql::{Column, Param, Row, Sql, SqlError};
use bellwether_simulation::sqlite::{column, read_rows, refused};
use rusqlite::backup::Progress;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, MAIN_DB, StatementStatus};

use super::traps::{Place, Traps};

/// What reading and writing cost since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) statements: u64,
    pub(crate) rows: u64,
    /// Steps of SQLite's virtual machine: what a scan shows up in, though it returns one row.
    pub(crate) steps: u64,
}

pub(crate) struct Database {
    connection: Connection,
    traps: Rc<Traps>,
    cost: Cell<Cost>,
}

impl Database {
    pub(crate) fn new(traps: &Rc<Traps>) -> Self {
        Self::on(Connection::open_in_memory().unwrap(), traps)
    }

    /// What a file holds, page for page; the file is left as it is.
    pub(crate) fn copy_of(file: &Path, traps: &Rc<Traps>) -> Self {
        let mut connection = Connection::open_in_memory().unwrap();
        let no_progress = None::<fn(Progress)>;
        connection.restore(MAIN_DB, file, no_progress).unwrap();
        Self::on(connection, traps)
    }

    fn on(connection: Connection, traps: &Rc<Traps>) -> Self {
        Self {
            connection,
            traps: Rc::clone(traps),
            cost: Cell::default(),
        }
    }

    pub(crate) fn take_cost(&self) -> Cost {
        self.cost.take()
    }

    /// What a test wants to see or to change, past all traps: every row as text.
    pub(crate) fn query(&self, statement: &str) -> Vec<Vec<String>> {
        let mut statement = self.connection.prepare(statement).unwrap();
        let width = statement.column_count();
        let rows = statement.query_map([], |row| {
            (0..width)
                .map(|index| Ok(show(row.get_ref(index)?)))
                .collect()
        });
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// The one value that a query gives.
    pub(crate) fn value(&self, statement: &str) -> String {
        let rows = self.query(statement);
        assert_eq!(rows.len(), 1, "{statement}");
        rows[0][0].clone()
    }

    pub(crate) fn number(&self, statement: &str) -> u64 {
        self.value(statement).parse().unwrap()
    }

    pub(crate) fn run(&self, script: &str) {
        self.connection.execute_batch(script).unwrap();
    }

    /// Everything that it holds, to be compared.
    pub(crate) fn dump(&self) -> Vec<String> {
        let tables =
            self.query("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name");
        let mut dump = Vec::new();
        for table in tables {
            for row in self.query(&format!("SELECT * FROM {}", table[0])) {
                dump.push(format!("{}: {}", table[0], row.join(" | ")));
            }
            dump.push(table.join(": "));
        }
        dump
    }

    fn spring(&self, place: Place) -> Result<(), SqlError> {
        self.traps.spring(place).map_err(SqlError)
    }

    fn execute(&self, statement: &str) -> Result<(), SqlError> {
        self.connection.execute_batch(statement).map_err(refused)
    }
}

impl Sql for Database {
    fn exec(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, SqlError> {
        self.spring(Place::Statement)?;
        let mut prepared = self.connection.prepare(statement).map_err(refused)?;
        let rows = read_rows(&mut prepared, params).map_err(refused)?;
        let mut cost = self.cost.get();
        cost.statements += 1;
        cost.rows += rows.len() as u64;
        cost.steps += u64::try_from(prepared.get_status(StatementStatus::VmStep)).unwrap();
        self.cost.set(cost);
        Ok(rows)
    }

    fn exec_script(&self, script: &str) -> Result<(), SqlError> {
        self.spring(Place::Statement)?;
        self.execute(script)
    }

    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), SqlError>) -> Result<(), SqlError> {
        self.execute("BEGIN IMMEDIATE")?;
        let done = work().and_then(|()| self.spring(Place::Commit));
        self.execute(if done.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        done?;
        self.spring(Place::AfterCommit)
    }
}

fn show(value: ValueRef<'_>) -> String {
    match column(value) {
        Column::Null => "NULL".to_owned(),
        Column::Integer(value) => value.to_string(),
        Column::Text(text) => text,
    }
}
