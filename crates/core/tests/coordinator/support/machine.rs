//! The machine under one object: what outlives the object's death, and the platform's traits.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;

use bellwether_core::document::Document;
use bellwether_core::log::LogRecord;
use bellwether_core::platform::{Alarm, Runtime, Source, Task, Validator};
use bellwether_core::reason::Reason;
use bellwether_core::refresh::Fetched;
use bellwether_core::schema::Schema;
use bellwether_core::sql::{Param, Row, Sql, SqlError};
use bellwether_core::version::UnixMillis;
use bellwether_simulation::executor::{Executor, Owner, yield_now};

use super::database::Database;
use super::source::{ScriptedSource, SeenCall};
use super::traps::{Place, Traps};

/// The machine's clock at the beginning.
pub(crate) const EPOCH_MS: u64 = 1_700_000_000_000;

/// In the middle: a jittered time comes out as it stands in the settings.
const NO_JITTER: u64 = 1 << 63;

pub(crate) struct Machine {
    pub(crate) executor: Rc<Executor>,
    pub(crate) owner: Owner,
    pub(crate) database: Database,
    pub(crate) source: ScriptedSource,
    pub(crate) traps: Rc<Traps>,
    pub(crate) alarm: Cell<Option<UnixMillis>>,
    pub(crate) log: RefCell<Vec<String>>,
    /// What `random` gives.
    pub(crate) chance: Cell<u64>,
    /// The clock's distance from simulated time: it may jump.
    clock_offset_ms: Cell<i64>,
    /// How often the object died: a platform of an earlier life does nothing any more.
    pub(crate) life: Cell<u64>,
}

impl Machine {
    pub(crate) fn new(executor: &Rc<Executor>, owner: Owner) -> Rc<Self> {
        let traps = Rc::<Traps>::default();
        let database = Database::new(&traps);
        Self::on(executor, owner, database, traps)
    }

    /// A machine whose object has this database, with these traps in it.
    pub(crate) fn on(
        executor: &Rc<Executor>,
        owner: Owner,
        database: Database,
        traps: Rc<Traps>,
    ) -> Rc<Self> {
        Rc::new(Self {
            executor: Rc::clone(executor),
            owner,
            database,
            source: ScriptedSource::default(),
            traps,
            alarm: Cell::default(),
            log: RefCell::default(),
            chance: Cell::new(NO_JITTER),
            clock_offset_ms: Cell::default(),
            life: Cell::default(),
        })
    }

    pub(crate) fn now(&self) -> UnixMillis {
        let plain = EPOCH_MS + self.executor.elapsed_ms();
        UnixMillis(
            plain
                .checked_add_signed(self.clock_offset_ms.get())
                .unwrap(),
        )
    }

    pub(crate) fn jump_clock(&self, by_ms: i64) {
        self.clock_offset_ms.set(self.clock_offset_ms.get() + by_ms);
    }

    pub(crate) fn platform(self: &Rc<Self>) -> Simulated {
        Simulated {
            machine: Rc::clone(self),
            life: self.life.get(),
        }
    }
}

/// The platform of one life of the object.
pub(crate) struct Simulated {
    pub(crate) machine: Rc<Machine>,
    life: u64,
}

impl Simulated {
    fn is_dead(&self) -> bool {
        self.life != self.machine.life.get()
    }

    /// Comes to a place that is awaited; a dead object goes no further.
    async fn come_to(&self, place: Place) -> Result<(), String> {
        let sprung = self.machine.traps.spring(place);
        yield_now().await;
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
        sprung
    }
}

impl Sql for Simulated {
    fn exec(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, SqlError> {
        self.machine.database.exec(statement, params)
    }

    fn exec_script(&self, script: &str) -> Result<(), SqlError> {
        self.machine.database.exec_script(script)
    }

    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), SqlError>) -> Result<(), SqlError> {
        self.machine.database.atomically(work)
    }
}

impl Source for Simulated {
    async fn pull(&self, if_none_match: Option<&str>) -> Fetched {
        let machine = &self.machine;
        // A source that cannot be asked is not a failure of the source: the trap can only kill.
        let _ = self.come_to(Place::Pull).await;
        let (scripted, _in_flight) = machine.source.take_call(SeenCall {
            at: machine.now(),
            if_none_match: if_none_match.map(str::to_owned),
            alarm: machine.alarm.get(),
        });
        machine.executor.sleep(scripted.delay_ms).await;
        let _ = self.come_to(Place::AfterPull).await;
        match scripted.answer {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

impl Alarm for Simulated {
    async fn alarm(&self) -> Result<Option<UnixMillis>, String> {
        let standing = self.machine.alarm.get();
        self.come_to(Place::GetAlarm).await?;
        Ok(standing)
    }

    async fn set_alarm(&self, at: UnixMillis) -> Result<(), String> {
        assert!(at > self.machine.now(), "an alarm is set ahead");
        self.come_to(Place::SetAlarm).await?;
        self.machine.alarm.set(Some(at));
        self.come_to(Place::AfterSetAlarm).await
    }
}

impl Runtime for Simulated {
    fn now(&self) -> UnixMillis {
        self.machine.now()
    }

    fn random(&self) -> u64 {
        self.machine.chance.get()
    }

    fn sleep(&self, ms: u64) -> impl Future<Output = ()> {
        self.machine.executor.sleep(ms)
    }

    fn spawn(&self, task: Task) {
        self.machine.executor.spawn(self.machine.owner, task);
    }

    fn log(&self, record: &LogRecord<'_>) {
        let line = record.line();
        self.machine.log.borrow_mut().push(line);
    }
}

impl Validator for Simulated {
    fn check_schema(&self, schema: &Schema) -> Result<(), Vec<Reason>> {
        bellwether_simulation::validator::check(schema)
    }

    fn validate(&self, schema: &Schema, document: &Document) -> Result<(), Vec<Reason>> {
        bellwether_simulation::validator::validate(schema, document)
    }
}
