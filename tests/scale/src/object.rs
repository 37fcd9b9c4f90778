//! The object: the product's own coordinator over a real SQLite, behind a queue.

use std::cell::Cell;
use std::ops::Range;

use bellwether_core::coordinator::{Action, BuiltIn, Change, Coordinator, Write};
use bellwether_core::document::Document;
use bellwether_core::guard::Waivers;
use bellwether_core::log::LogRecord;
use bellwether_core::platform::{Alarm, Runtime, Source, Task, Validator};
use bellwether_core::reading::{Answer, Ask};
use bellwether_core::reason::Reason;
use bellwether_core::refresh::Fetched;
use bellwether_core::schema::Schema;
use bellwether_core::settings::SpaceSettings;
use bellwether_core::space_name::SpaceName;
use bellwether_core::sql::{Param, Row, Sql, SqlError};
use bellwether_core::version::{ETag, UnixMillis, Version};
use bellwether_simulation::sqlite::{read_rows, refused};
use futures_util::FutureExt;
use rusqlite::Connection;

use crate::input::Capacity;

/// One object. It serves one request after the other.
pub(crate) struct Object {
    coordinator: Coordinator<Machine>,
    capacity: Capacity,
    /// Down from then till then, in microseconds.
    outage_us: Range<u64>,
    free_at_us: u64,
    told: Cell<u64>,
    head: (Version, ETag),
}

/// What becomes of a request on its arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is answered then.
    ServedAt(u64),
    /// The queue is too long.
    Overloaded,
    /// Nobody is there.
    Down,
}

impl Object {
    /// A space without a source, published once.
    pub(crate) fn new(
        settings: &SpaceSettings,
        capacity: &Capacity,
        outage_us: Range<u64>,
        now_us: u64,
    ) -> Self {
        let machine = Machine {
            connection: Connection::open_in_memory().unwrap(),
            alarm: Cell::new(None),
            now: Cell::new(UnixMillis(now_us / 1_000)),
        };
        let space = SpaceName::parse("default").unwrap();
        let coordinator =
            Coordinator::open(machine, space, settings.clone(), BuiltIn::default()).unwrap();
        // Looks after its alarm, so that it may answer from memory.
        let snapshot = at_once(coordinator.snapshot(None));
        let mut object = Self {
            coordinator,
            capacity: capacity.clone(),
            outage_us,
            free_at_us: 0,
            told: Cell::new(0),
            head: (snapshot.head.version, snapshot.head.etag),
        };
        object.publish(now_us);
        object
    }

    /// Adopts another document.
    pub(crate) fn publish(&mut self, now_us: u64) {
        self.set_clock(now_us);
        let text = format!("{{\"generation\": {}}}", self.head.0.get() + 1);
        let document = Document::parse(text.as_bytes()).unwrap();
        let write = Write {
            action: Action::Change {
                change: Change::Publish(document),
                activate_at: None,
                waivers: Waivers::default(),
                replaces: None,
            },
            actor: "operator".to_owned(),
            reason: None,
            if_match: Some("*".to_owned()),
            idempotency: None,
            dry_run: false,
        };
        self.head = at_once(self.coordinator.write(write)).unwrap().head;
    }

    /// The head's version.
    pub(crate) fn version(&self) -> Version {
        self.head.0
    }

    /// How many times it told its head.
    pub(crate) fn told(&self) -> u64 {
        self.told.get()
    }

    /// A request arrives.
    pub(crate) fn arrive(&mut self, ask: &Ask, now_us: u64) -> Admission {
        if self.outage_us.contains(&now_us) {
            return Admission::Down;
        }
        let begins_us = self.free_at_us.max(now_us);
        if begins_us - now_us > self.capacity.longest_queue_ms * 1_000 {
            return Admission::Overloaded;
        }
        let unchanged = ask.if_none_match() == Some(&self.head.1);
        self.free_at_us = begins_us
            + if unchanged {
                self.capacity.serve_304_us
            } else {
                self.capacity.serve_200_us
            };
        Admission::ServedAt(self.free_at_us)
    }

    /// Its turn has come: the coordinator answers, from memory.
    pub(crate) fn answer(&self, ask: &Ask, now_us: u64) -> Answer<String> {
        self.set_clock(now_us);
        self.told.set(self.told.get() + 1);
        let if_none_match = ask.if_none_match().map(ETag::as_str);
        let answer = self.coordinator.snapshot_now(if_none_match).unwrap();
        if answer.not_modified {
            return Answer::NotModified {
                terms: answer.terms,
                pending: answer.pending,
            };
        }
        Answer::Snapshot {
            version: answer.head.version,
            etag: answer.head.etag,
            terms: answer.terms,
            pending: answer.pending,
            body: "{}".to_owned(),
        }
    }

    fn set_clock(&self, now_us: u64) {
        let now = UnixMillis(now_us / 1_000);
        self.coordinator.platform().now.set(now);
    }
}

/// What the coordinator stands on. Nothing in it ever waits.
struct Machine {
    connection: Connection,
    alarm: Cell<Option<UnixMillis>>,
    now: Cell<UnixMillis>,
}

impl Sql for Machine {
    fn exec(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, SqlError> {
        let rows = |prepared: &mut rusqlite::Statement<'_>| read_rows(prepared, params);
        let prepared = self.connection.prepare_cached(statement);
        prepared
            .and_then(|mut prepared| rows(&mut prepared))
            .map_err(refused)
    }

    fn exec_script(&self, script: &str) -> Result<(), SqlError> {
        self.connection.execute_batch(script).map_err(refused)
    }

    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), SqlError>) -> Result<(), SqlError> {
        self.exec_script("BEGIN")?;
        work()?;
        self.exec_script("COMMIT")
    }
}

impl Source for Machine {
    async fn pull(&self, _: Option<&str>) -> Fetched {
        unreachable!("the space has no source")
    }
}

impl Alarm for Machine {
    async fn alarm(&self) -> Result<Option<UnixMillis>, String> {
        Ok(self.alarm.get())
    }

    async fn set_alarm(&self, at: UnixMillis) -> Result<(), String> {
        self.alarm.set(Some(at));
        Ok(())
    }
}

impl Runtime for Machine {
    fn now(&self) -> UnixMillis {
        self.now.get()
    }

    fn random(&self) -> u64 {
        0
    }

    async fn sleep(&self, _: u64) {
        unreachable!("nothing waits where there is no source")
    }

    fn spawn(&self, _: Task) {
        unreachable!("nothing runs on its own where there is no source")
    }

    fn log(&self, _: &LogRecord<'_>) {}
}

impl Validator for Machine {
    fn check_schema(&self, _: &Schema) -> Result<(), Vec<Reason>> {
        unreachable!("there is no schema")
    }

    fn validate(&self, _: &Schema, _: &Document) -> Result<(), Vec<Reason>> {
        unreachable!("there is no schema")
    }
}

fn at_once<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}
