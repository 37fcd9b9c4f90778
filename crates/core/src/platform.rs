//! What the coordinator's flows need from the world, as small traits. The Worker implements them
//! over workerd; tests and the simulator over a real SQLite and a scheduler of their own.

use std::future::Future;
use std::pin::Pin;

use crate::document::Document;
use crate::log::LogRecord;
use crate::reason::Reason;
use crate::refresh::Fetched;
use crate::schema::Schema;
use crate::sql::Sql;
use crate::version::UnixMillis;

/// A task that runs on its own, until it ends or the object goes.
pub type Task = Pin<Box<dyn Future<Output = ()>>>;

/// The upstream of the `source` layer.
pub trait Source {
    /// Pulls the space's source once. `if_none_match` is the source's own validator for the layer
    /// that is held. Never retries; the flow gives it a deadline and drops it when that has passed.
    fn pull(&self, if_none_match: Option<&str>) -> impl Future<Output = Fetched>;
}

/// The object's one alarm.
pub trait Alarm {
    /// The time that is set; `None` when none is.
    ///
    /// # Errors
    /// What storage said.
    fn alarm(&self) -> impl Future<Output = Result<Option<UnixMillis>, String>>;

    /// Sets the alarm, in place of the one that was set.
    ///
    /// # Errors
    /// What storage said.
    fn set_alarm(&self, at: UnixMillis) -> impl Future<Output = Result<(), String>>;
}

/// Time, chance, tasks and logs.
pub trait Runtime {
    /// The machine's clock. It may go backwards, and stands still between I/O.
    fn now(&self) -> UnixMillis;
    /// An evenly distributed random number.
    fn random(&self) -> u64;
    /// Ends after so many milliseconds.
    fn sleep(&self, ms: u64) -> impl Future<Output = ()>;
    /// Runs a task on its own. Every task that the flows start has a deadline within.
    fn spawn(&self, task: Task);
    /// Writes one line of log.
    fn log(&self, record: &LogRecord<'_>);
}

/// The validator of JSON Schemas.
pub trait Validator {
    /// Whether a schema can be used, within the limits of [`crate::schema`].
    ///
    /// # Errors
    /// Everything that is wrong with it, with pointers into the schema.
    fn check_schema(&self, schema: &Schema) -> Result<(), Vec<Reason>>;

    /// Validates a document.
    ///
    /// # Errors
    /// Every violation, with pointers into the document; at most
    /// [`MAX_VIOLATIONS`](crate::schema::MAX_VIOLATIONS), and a last reason that says how many more.
    /// Or the limit that was reached: what cannot be validated is refused.
    fn validate(&self, schema: &Schema, document: &Document) -> Result<(), Vec<Reason>>;
}

/// Everything that a coordinator stands on.
pub trait Platform: Sql + Source + Alarm + Runtime + Validator + 'static {}

impl<T: Sql + Source + Alarm + Runtime + Validator + 'static> Platform for T {}
