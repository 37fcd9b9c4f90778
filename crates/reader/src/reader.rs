//! One isolate's reader of one space.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use bellwether_core::fleet::Colo;
use bellwether_core::json::Members;
use bellwether_core::log::{Level, LogRecord};
#[cfg(feature = "colo_cache")]
use bellwether_core::reading::colo::{CacheFailed, Entry, Shelved};
use bellwether_core::reading::{
    Answer, Ask, Counts, Expired, Identity, Isolate, Read, Reader as CoreReader,
};
use bellwether_core::settings::ReaderSettings;
use bellwether_core::space_name::SpaceName;
use bellwether_core::strict::Rejection;
use bellwether_core::version::{UnixMillis, Version};
use bellwether_core::wire::Pending;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::Value;
use worker::wasm_bindgen::JsValue;
use worker::{Context, Env, js_sys};

#[cfg(feature = "colo_cache")]
use crate::colo;
use crate::entry;
use crate::env::now;
use crate::identity::random_id;
use crate::setup::Setup;
use crate::transport::{self, fetch_snapshot};
use crate::typed;

/// Keeps one space's configuration in an isolate. Make one per space in a `thread_local!` and
/// clone it for use: cloning shares it.
///
/// It holds plain data only: a promise, a stub or an `Env` of one request must not be used in
/// another.
pub struct Reader<T> {
    shared: Rc<Shared<T>>,
}

impl<T> Clone for Reader<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Rc::clone(&self.shared),
        }
    }
}

impl<T> std::fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("space", &self.shared.space)
            .finish_non_exhaustive()
    }
}

type SetUp<T> = Box<dyn Fn(&Env) -> Setup<T>>;

struct Shared<T> {
    space: String,
    set_up: SetUp<T>,
    ready: OnceCell<Result<Ready<T>, ReadError>>,
    core: Rc<CoreReader<T, Rejection>>,
    /// Its own, for an isolate may have several readers of a space; 0 before it is drawn.
    id: Cell<u64>,
}

/// What the first read makes of the Worker's environment.
struct Ready<T> {
    space: SpaceName,
    settings: ReaderSettings,
    base: Rc<T>,
    problems: Vec<String>,
}

/// Why a read gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The space's name, or the defaults given to the reader, are not usable: a mistake in the
    /// Worker's own code.
    Defaults(String),
    /// What is held is past stale-while-revalidate, and `on_expired` is `error`.
    Expired,
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Defaults(detail) => f.write_str(detail),
            Self::Expired => f.write_str(
                "the configuration held is expired, no newer one that fits could be had in time, and on_expired is \"error\"",
            ),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<ReadError> for JsValue {
    fn from(error: ReadError) -> Self {
        js_sys::Error::new(&error.to_string()).into()
    }
}

impl From<ReadError> for worker::Error {
    fn from(error: ReadError) -> Self {
        Self::RustError(error.to_string())
    }
}

/// How this isolate's reader does. These are one isolate's figures, never the fleet's.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The version held.
    pub version: Option<Version>,
    /// The version held for its moment, which comes by itself.
    pub pending: Option<Pending>,
    /// Counts since the isolate began.
    pub counts: Counts,
    /// Why the last document that did not fit was refused; `None` once a newer one is held.
    pub last_rejection: Option<Rejection>,
    /// Why the last call failed; `None` once one works.
    pub last_failure: Option<String>,
    /// Calls that the data centre's cache answered; `None` where it is not used.
    pub colo_hits: Option<u64>,
    /// What is wrong with the reader's settings or the `vars` layer.
    pub problems: Vec<String>,
}

impl Report {
    /// As `status` shows it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let rejection = |rejection: &Rejection| {
            let mut members = Members::new();
            members
                .text("pointer", &rejection.pointer)
                .text("message", &rejection.message)
                .take()
        };
        let pending = |pending: Pending| {
            let mut members = Members::new();
            members
                .number("version", pending.version.get())
                .number("in_ms", pending.in_ms)
                .take()
        };
        Members::new()
            .optional_number("version", self.version.map(Version::get))
            .value("pending", self.pending.map_or(Value::Null, pending))
            .value("counts", self.counts.to_json())
            .value(
                "last_rejection",
                self.last_rejection.as_ref().map_or(Value::Null, rejection),
            )
            .optional_text("last_failure", self.last_failure.as_deref())
            .optional_number("colo_hits", self.colo_hits)
            .texts("problems", &self.problems)
            .take()
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<T: DeserializeOwned + 'static> Reader<T> {
    /// A reader that parses each version once into `T`, all of its sections or none. `defaults` is
    /// a JSON object that fits `T`: the weakest layer, served until something better is there.
    #[must_use]
    pub fn typed(space: &str, defaults: &str) -> Self {
        let defaults = defaults.to_owned();
        let set_up = move |env: &Env| Setup::from_vars(env, &defaults, typed::parse);
        Self::new(space, set_up, typed::parse)
    }
}

impl<T: 'static> Reader<T> {
    /// A reader with a parser and a set-up of its own, which is asked for at the first read.
    #[must_use]
    pub fn new(
        space: &str,
        set_up: impl Fn(&Env) -> Setup<T> + 'static,
        parse: fn(&str) -> Result<T, Rejection>,
    ) -> Self {
        Self {
            shared: Rc::new(Shared {
                space: space.to_owned(),
                set_up: Box::new(set_up),
                ready: OnceCell::new(),
                core: Rc::new(CoreReader::new(parse)),
                id: Cell::new(0),
            }),
        }
    }

    /// The configuration, by the policy in `BELLWETHER.reader`. It fails only when the defaults do
    /// not fit, or under `on_expired = "error"`.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read(&self, env: &Env, ctx: &Context) -> Result<Read<T>, ReadError> {
        self.read_at_least(env, ctx, None).await
    }

    /// The same, at `minimum` or newer if the coordinator has it within the deadline.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read_at_least(
        &self,
        env: &Env,
        ctx: &Context,
        minimum: Option<Version>,
    ) -> Result<Read<T>, ReadError> {
        let ready = self.ready(env)?;
        let isolate = Here {
            reader: self.clone(),
            env: env.clone(),
        };
        let behind = |task| entry::behind(ctx, task);
        let core = &self.shared.core;
        let read = core.read(
            Rc::new(isolate),
            behind,
            &ready.settings,
            &ready.base,
            minimum,
        );
        read.await.map_err(|Expired| ReadError::Expired)
    }

    /// Counts a read that is answered with `version`, fresh, with nothing else to be done; tells its
    /// age in milliseconds. For whoever keeps what he made of that version: this costs less than any
    /// [`Read`]. `None` where [`read`](Self::read) is to be called.
    #[must_use]
    pub fn read_fresh(&self, version: Version) -> Option<u64> {
        self.shared.core.cache().read_fresh(now(), version)
    }

    /// What [`read`](Self::read) gives, where that needs nothing but what is held, and it is fresh:
    /// for code that does not wait. `None` where `read` is to be called.
    #[must_use]
    pub fn read_at_once(&self) -> Option<Read<T>> {
        self.shared.core.cache().read_at_once(now())
    }

    /// What is held now, without a call and without counting as a read.
    ///
    /// # Errors
    /// [`ReadError::Defaults`].
    pub fn peek(&self, env: &Env) -> Result<Read<T>, ReadError> {
        let ready = self.ready(env)?;
        Ok(self.shared.core.cache().peek(now(), &ready.base))
    }

    /// How this isolate's reader does.
    #[must_use]
    pub fn report(&self) -> Report {
        let ready = self.shared.ready.get();
        let ready = ready.and_then(|ready| ready.as_ref().ok());
        let (pending, version, counts) = {
            let mut cache = self.shared.core.cache();
            // First: it switches where the moment has come.
            (cache.pending(now()), cache.version(), cache.counts())
        };
        Report {
            version,
            pending,
            counts,
            last_rejection: self.shared.core.last_rejection(),
            last_failure: self.shared.core.last_failure(),
            colo_hits: self.shared.core.trust(|trust| {
                let used = cfg!(feature = "colo_cache")
                    && ready.is_some_and(|ready| ready.settings.colo_cache)
                    && trust.is_on();
                used.then_some(trust.hits)
            }),
            problems: ready
                .map(|ready| ready.problems.clone())
                .unwrap_or_default(),
        }
    }

    fn ready(&self, env: &Env) -> Result<&Ready<T>, ReadError> {
        let ready = self.shared.ready.get_or_init(|| self.prepare(env));
        ready.as_ref().map_err(Clone::clone)
    }

    /// Runs once in an isolate.
    fn prepare(&self, env: &Env) -> Result<Ready<T>, ReadError> {
        let space = SpaceName::parse(&self.shared.space).ok_or_else(|| {
            let expected = SpaceName::EXPECTED;
            ReadError::Defaults(format!(
                "the reader's space is not a name: expected {expected}"
            ))
        })?;
        let Setup {
            settings,
            base,
            mut problems,
        } = (self.shared.set_up)(env);
        if settings.colo_cache && !cfg!(feature = "colo_cache") {
            problems.push("colo_cache: this Worker is built without it".to_owned());
        }
        for problem in &problems {
            self.log(Level::Warn, "reader_settings", problem);
        }
        let base = base.map_err(|problem| {
            ReadError::Defaults(format!("the reader's defaults do not fit: {problem}"))
        })?;
        Ok(Ready {
            space,
            settings,
            base: Rc::new(base),
            problems,
        })
    }

    fn log(&self, level: Level, event: &'static str, detail: &str) {
        let record = LogRecord {
            space: Some(&self.shared.space),
            detail: Some(detail),
            ..LogRecord::new(level, event)
        };
        entry::log(&record.line());
    }
}

/// The isolate, as one request sees it.
struct Here<T> {
    reader: Reader<T>,
    env: Env,
}

impl<T: 'static> Isolate for Here<T> {
    fn now(&self) -> UnixMillis {
        now()
    }

    async fn sleep(&self, ms: u64) {
        entry::sleep(ms).await;
    }

    fn identity(&self) -> Identity {
        let id = &self.reader.shared.id;
        if id.get() == 0 {
            id.set(random_id());
        }
        Identity {
            isolate: id.get(),
            colo: Colo::parse(&transport::colo()).unwrap_or(Colo::UNKNOWN),
        }
    }

    async fn ask(&self, ask: &Ask, report: Option<&str>) -> Result<Answer<String>, String> {
        self.ask_in_time(ask, report, u32::MAX.into()).await
    }

    async fn ask_in_time(
        &self,
        ask: &Ask,
        report: Option<&str>,
        timeout_ms: u64,
    ) -> Result<Answer<String>, String> {
        let ready = self.reader.ready(&self.env);
        let ready = ready.map_err(|error| error.to_string())?;
        let transport = &ready.settings.transport;
        fetch_snapshot(&self.env, transport, &ready.space, ask, report, timeout_ms).await
    }

    #[cfg(feature = "colo_cache")]
    fn colo_key(&self) -> Option<String> {
        let ready = self.reader.ready(&self.env).ok()?;
        colo::key(&self.env, &ready.settings, &ready.space)
    }

    #[cfg(feature = "colo_cache")]
    async fn look_up(&self, key: &str) -> Result<Option<Shelved>, CacheFailed> {
        colo::look_up(key).await
    }

    #[cfg(feature = "colo_cache")]
    async fn shelve(&self, entry: &Entry) -> Result<(), CacheFailed> {
        colo::shelve(entry).await
    }

    fn log(&self, level: Level, event: &'static str, detail: &str) {
        self.reader.log(level, event, detail);
    }
}
