//! What the coordinator's flows stand on: workerd's storage, alarm, clock, tasks and log.

use bellwether_core::log::{Level, LogRecord};
use bellwether_core::platform::{Alarm, Runtime, Source, Task, Validator};
use bellwether_core::reason::Reason;
use bellwether_core::refresh::Fetched;
use bellwether_core::schema::Schema;
use bellwether_core::settings::SourceSettings;
use bellwether_core::sql::{Param, Row, Sql, SqlError};
use bellwether_core::{Document, UnixMillis};
use bellwether_reader::{now, tasks};
use worker::{Env, ScheduledTime, State, Storage, console_error, console_log, console_warn};

use crate::schema;
use crate::source;
use crate::sql::ObjectSql;

/// One object's platform.
pub(crate) struct Host {
    sql: ObjectSql,
    storage: Storage,
    env: Env,
    source: SourceSettings,
}

impl Host {
    pub(crate) fn new(state: &State, env: Env, source: SourceSettings) -> Self {
        Self {
            sql: ObjectSql::of(state),
            storage: state.storage(),
            env,
            source,
        }
    }
}

impl Sql for Host {
    fn exec(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, SqlError> {
        self.sql.exec(statement, params)
    }

    fn exec_script(&self, script: &str) -> Result<(), SqlError> {
        self.sql.exec_script(script)
    }

    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), SqlError>) -> Result<(), SqlError> {
        self.sql.atomically(work)
    }
}

impl Source for Host {
    async fn pull(&self, if_none_match: Option<&str>) -> Fetched {
        source::pull(&self.env, &self.source, if_none_match).await
    }
}

impl Alarm for Host {
    async fn alarm(&self) -> Result<Option<UnixMillis>, String> {
        let alarm = self.storage.get_alarm().await;
        let alarm = alarm.map_err(|error| error.to_string())?;
        Ok(alarm.map(|ms| UnixMillis(u64::try_from(ms).unwrap_or(0))))
    }

    async fn set_alarm(&self, at: UnixMillis) -> Result<(), String> {
        // An absolute time: a bare integer would be an offset from now.
        let at = ScheduledTime::new(js_date(at));
        let set = self.storage.set_alarm(at).await;
        set.map_err(|error| error.to_string())
    }
}

impl Runtime for Host {
    fn now(&self) -> UnixMillis {
        now()
    }

    fn random(&self) -> u64 {
        // 32 bits are plenty for jitter, and evenly spread over the whole range.
        let high = (js_sys::Math::random() * f64::from(u32::MAX)) as u64;
        high << 32 | high
    }

    async fn sleep(&self, ms: u64) {
        bellwether_reader::sleep(ms).await;
    }

    /// All events of an object share one I/O context, so a task may outlive the event it began in.
    fn spawn(&self, task: Task) {
        tasks::start(task);
    }

    fn log(&self, record: &LogRecord<'_>) {
        write_log(record);
    }
}

impl Validator for Host {
    fn check_schema(&self, schema: &Schema) -> Result<(), Vec<Reason>> {
        schema::check(schema)
    }

    fn validate(&self, schema: &Schema, document: &Document) -> Result<(), Vec<Reason>> {
        schema::validate(schema, document)
    }
}

/// Writes one JSON object as one line.
pub(crate) fn write_log(record: &LogRecord<'_>) {
    let line = record.line();
    match record.level {
        Level::Info => console_log!("{line}"),
        Level::Warn => console_warn!("{line}"),
        Level::Error => console_error!("{line}"),
    }
}

fn js_date(at: UnixMillis) -> js_sys::Date {
    #[allow(
        clippy::cast_precision_loss,
        reason = "milliseconds stay exact for 285,000 years"
    )]
    let ms = at.0 as f64;
    js_sys::Date::new(&ms.into())
}
