//! The core's platform in one life of the object: real SQLite, and a fault at every place where the
//! flows touch the world.

use std::future::{Future, pending};
use std::rc::Rc;

use bellwether_core::document::Document;
use bellwether_core::log::LogRecord;
use bellwether_core::platform::{Alarm, Runtime, Source, Task, Validator};
use bellwether_core::reason::Reason;
use bellwether_core::refresh::Fetched;
use bellwether_core::schema::Schema;
use bellwether_core::sql::{Param, Row, Sql, SqlError};
use bellwether_core::version::UnixMillis;

use crate::chance::Fault;
use crate::executor::{Owner, yield_now};
use crate::host::{Host, SLOWEST_STORAGE_MS};
use crate::upstream::Asked;

pub(crate) struct Platform {
    host: Rc<Host>,
    life: Owner,
}

impl Platform {
    pub(crate) fn new(host: &Rc<Host>) -> Self {
        Self {
            host: Rc::clone(host),
            life: host.life.get(),
        }
    }

    fn die_at(&self, fault: Fault) {
        if self.host.world.strikes(fault) {
            self.host.doomed.set(true);
        }
    }

    fn refuses(&self, statement: &str) -> Result<(), SqlError> {
        self.die_at(Fault::CrashAtStatement);
        if self.host.doomed.get() {
            return Err(SqlError("the object is gone".to_owned()));
        }
        let full = self.host.storage_full.get() && !statement.starts_with("SELECT");
        if full || self.host.world.strikes(Fault::StatementRefused) {
            self.host.ledger.storage_refused(&self.host);
            return Err(SqlError("storage refuses".to_owned()));
        }
        Ok(())
    }

    /// An await: others go first, and the object may be gone afterwards.
    async fn pause(&self) {
        self.die_at(Fault::CrashAtAwait);
        yield_now().await;
        if self.host.doomed.get() || self.life != self.host.life.get() {
            pending::<()>().await;
        }
    }

    async fn alarm_call(&self) {
        let world = &self.host.world;
        if world.strikes(Fault::SlowStorage) {
            let calls = &self.host.alarm_calls;
            calls.set(calls.get() + 1);
            let ms = world
                .chance
                .between(Fault::SlowStorage, 1, SLOWEST_STORAGE_MS);
            world.executor.sleep(ms).await;
            calls.set(calls.get() - 1);
        }
        self.pause().await;
    }
}

impl Sql for Platform {
    fn exec(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, SqlError> {
        self.refuses(statement)?;
        self.host.database.exec(statement, params)
    }

    fn exec_script(&self, script: &str) -> Result<(), SqlError> {
        self.refuses(script)?;
        self.host.database.exec_script(script)
    }

    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), SqlError>) -> Result<(), SqlError> {
        let seal = || {
            self.die_at(Fault::CrashAtCommit);
            self.refuses("COMMIT")
        };
        self.host.database.atomically(work, seal)
    }
}

impl Source for Platform {
    async fn pull(&self, if_none_match: Option<&str>) -> Fetched {
        let host = &self.host;
        self.pause().await;
        host.flush();
        host.ledger.pulls(host);
        let _in_flight = host.upstream.enter();
        let deployment = Rc::clone(&host.deployment.borrow());
        let timeout_ms = deployment.settings.source_timeout_ms;
        let asked = Asked {
            shape: deployment.shape(),
            if_none_match,
            has_weaker_layers: host.ledger.has_base(),
        };
        let (delay_ms, answer) = host.upstream.answer(&asked, timeout_ms);
        host.sleep(delay_ms).await;
        self.pause().await;
        match answer {
            Some((answered, fetched)) => {
                host.world.note(|| format!("source answers: {answered:?}"));
                host.answered.replace(Some(answered));
                fetched
            }
            None => pending().await,
        }
    }
}

impl Alarm for Platform {
    async fn alarm(&self) -> Result<Option<UnixMillis>, String> {
        if self.host.world.strikes(Fault::AlarmUnreadable) {
            return Err("storage refuses to read the alarm".to_owned());
        }
        let standing = self.host.alarm.get();
        self.alarm_call().await;
        Ok(standing)
    }

    async fn set_alarm(&self, at: UnixMillis) -> Result<(), String> {
        let host = &self.host;
        host.world
            .check(at > host.now(), "an alarm is set ahead", || {
                format!("{at:?} at {:?}", host.now())
            });
        if host.storage_full.get() || host.world.strikes(Fault::AlarmRefused) {
            host.alarm_excused.set(true);
            return Err("storage refuses to set the alarm".to_owned());
        }
        // In force at once, and in the order of the calls; only the answer takes its time.
        host.alarm.set(Some(at));
        host.alarm_set_at.set(host.now());
        host.alarm_excused.set(false);
        host.delay_alarm();
        self.alarm_call().await;
        Ok(())
    }
}

impl Runtime for Platform {
    fn now(&self) -> UnixMillis {
        self.host.now()
    }

    fn random(&self) -> u64 {
        self.host.world.random()
    }

    fn sleep(&self, ms: u64) -> impl Future<Output = ()> {
        self.host.sleep(ms)
    }

    fn spawn(&self, task: Task) {
        self.host.world.executor.spawn(self.life, task);
    }

    fn log(&self, record: &LogRecord<'_>) {
        let host = &self.host;
        host.world.note(|| record.line());
        if !host.doomed.get() && record.event == "refresh" {
            host.ledger.settles(host, record);
        }
    }
}

impl Validator for Platform {
    fn check_schema(&self, schema: &Schema) -> Result<(), Vec<Reason>> {
        bellwether_simulation::validator::check(schema)
    }

    fn validate(&self, schema: &Schema, document: &Document) -> Result<(), Vec<Reason>> {
        bellwether_simulation::validator::validate(schema, document)
    }
}
