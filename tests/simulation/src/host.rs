//! The machine that hosts the object: it opens it at an event, evicts it, kills it, rings its alarm,
//! and passes its replies on.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::rc::Rc;

use bellwether_core::coordinator::{BuiltIn, Coordinator, OpenError, Reload};
use bellwether_core::platform::Alarm;
use bellwether_core::schedule::REOPEN_AFTER_MS;
use bellwether_core::settings::{SourceSettings, SpaceSettings};
use bellwether_core::space_name::SpaceName;
use bellwether_core::version::UnixMillis;

use crate::chance::Fault;
use crate::database::Database;
use crate::executor::Owner;
use crate::ledger::Ledger;
use crate::network::{Reply, ReplyPath};
use crate::platform::Platform;
use crate::reports::Reports;
use crate::requests::Request;
use crate::upstream::{Answered, Shape, Upstream};
use crate::world::{Clock, Jumps, World};

/// The platform tries a handler that threw so often, and then drops the alarm.
const ALARM_RETRIES: u32 = 6;

/// How long a call of storage takes at most.
pub(crate) const SLOWEST_STORAGE_MS: u64 = 1_000;

/// What comes with a deploy.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub(crate) settings: SpaceSettings,
    pub(crate) built_in: BuiltIn,
}

impl Deployment {
    pub(crate) fn shape(&self) -> Shape {
        match self.settings.source {
            SourceSettings::Url { .. } | SourceSettings::R2 { .. } => Shape::Conditional,
            SourceSettings::KvPrefix { .. } => Shape::Prefix,
            _ => Shape::Key,
        }
    }

    pub(crate) fn has_source(&self) -> bool {
        !matches!(self.settings.source, SourceSettings::None)
    }

    pub(crate) fn is_unusable(&self) -> bool {
        matches!(self.settings.source, SourceSettings::Unusable { .. })
    }
}

pub(crate) struct Host {
    pub(crate) world: Rc<World>,
    pub(crate) upstream: Rc<Upstream>,
    pub(crate) clock: Clock,
    pub(crate) database: Database,
    pub(crate) ledger: Ledger,
    pub(crate) reports: Reports,
    pub(crate) deployment: RefCell<Rc<Deployment>>,
    pub(crate) alarm: Cell<Option<UnixMillis>>,
    /// When that was set, by this machine's clock.
    pub(crate) alarm_set_at: Cell<UnixMillis>,
    durable_alarm: Cell<Option<UnixMillis>>,
    /// The alarm whose handler runs.
    ringing: Cell<Option<UnixMillis>>,
    retries: Cell<u32>,
    not_before_ms: Cell<u64>,
    /// A fault of the world took the alarm away or refused to set it: it need not stand.
    pub(crate) alarm_excused: Cell<bool>,
    durable_excused: Cell<bool>,
    /// Alarm calls that storage takes its time for.
    pub(crate) alarm_calls: Cell<u32>,
    pub(crate) storage_full: Cell<bool>,
    pub(crate) life: Cell<Owner>,
    pub(crate) doomed: Cell<bool>,
    object: RefCell<Option<Coordinator<Platform>>>,
    pub(crate) answered: RefCell<Option<Answered>>,
    /// Reloads that were handed to the object and have not been answered.
    pub(crate) reloads: RefCell<Vec<Reload>>,
}

impl Host {
    pub(crate) fn new(
        world: &Rc<World>,
        upstream: &Rc<Upstream>,
        deployment: Deployment,
    ) -> Rc<Self> {
        Rc::new(Self {
            world: Rc::clone(world),
            upstream: Rc::clone(upstream),
            clock: Clock::default(),
            database: Database::new(),
            ledger: Ledger::default(),
            reports: Reports::default(),
            deployment: RefCell::new(Rc::new(deployment)),
            alarm: Cell::new(None),
            alarm_set_at: Cell::new(UnixMillis(0)),
            durable_alarm: Cell::new(None),
            ringing: Cell::new(None),
            retries: Cell::new(0),
            not_before_ms: Cell::new(0),
            alarm_excused: Cell::new(false),
            durable_excused: Cell::new(false),
            alarm_calls: Cell::new(0),
            storage_full: Cell::new(false),
            life: Cell::new(world.executor.new_owner()),
            doomed: Cell::new(false),
            object: RefCell::new(None),
            answered: RefCell::new(None),
            reloads: RefCell::default(),
        })
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now(&self.world)
    }

    pub(crate) fn jumps(&self) -> Jumps {
        self.clock.jumps()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.object.borrow().is_some()
    }

    /// What was written leaves with whatever leaves the object (the platform's output gate).
    pub(crate) fn flush(&self) {
        if self.doomed.get() {
            return;
        }
        self.database.flush();
        self.durable_alarm.set(self.alarm.get());
        self.durable_excused.set(self.alarm_excused.get());
        self.ledger.flushed(self);
    }

    /// A request arrives.
    pub(crate) fn receive(self: &Rc<Self>, request: Request, path: ReplyPath) {
        let world = &self.world;
        world.note(|| format!("object: {request:?}"));
        if world.strikes(Fault::Overload) {
            path.reply(self, Reply::error(503));
            return;
        }
        let host = Rc::clone(self);
        let task = async move {
            let (began_ms, longest_ms) = (host.world.now_ms(), host.longest_answer_ms(&request));
            let reply = match host.open() {
                Ok(object) => host.answer(object, request).await,
                Err(error) => {
                    let told = !error.to_string().is_empty();
                    host.world
                        .check(told, "an error says what happened", String::new);
                    Reply::error(500)
                }
            };
            if host.doomed.get() {
                pending::<()>().await;
            }
            let took_ms = host.world.now_ms() - began_ms;
            host.world
                .check(took_ms <= longest_ms, "the object answers in time", || {
                    format!("after {took_ms} ms, expected at most {longest_ms}")
                });
            host.flush();
            path.reply(&host, reply);
        };
        world.executor.spawn(self.life.get(), Box::pin(task));
    }

    /// When the alarm rings, in true time; not while its handler runs.
    pub(crate) fn rings_at_ms(&self) -> Option<u64> {
        if self.ringing.get().is_some() {
            return None;
        }
        let at = self.alarm.get()?;
        Some((self.world.now_ms() + at.since(self.now())).max(self.not_before_ms.get()))
    }

    /// The alarm's time has come.
    pub(crate) fn ring(self: &Rc<Self>) {
        let world = &self.world;
        if world.strikes(Fault::AlarmLost) {
            self.alarm.set(None);
            self.durable_alarm.set(None);
            self.alarm_excused.set(true);
            self.durable_excused.set(true);
            return;
        }
        let at = self.alarm.take();
        self.durable_alarm.set(None);
        self.ringing.set(at);
        world.reach("alarm rung");
        world.note(|| "alarm rings".to_owned());
        let host = Rc::clone(self);
        let handler = async move {
            let done = host.handle_alarm().await;
            host.check_handled(done);
            host.flush();
            host.ringing.set(None);
            if done {
                host.retries.set(0);
            } else {
                host.retry(at);
            }
        };
        world.executor.spawn(self.life.get(), Box::pin(handler));
        if world.strikes(Fault::AlarmTwice) {
            let host = Rc::clone(self);
            // At once as often as not: the two handlers then take turns.
            let after_ms = match world.one_in(2) {
                true => 0,
                false => world.chance.between(Fault::AlarmTwice, 1, 3_000),
            };
            let again = async move {
                host.world.executor.sleep(after_ms).await;
                host.handle_alarm().await;
            };
            world.executor.spawn(self.life.get(), Box::pin(again));
        }
    }

    /// The object goes with all that it does. What still waited to be written is kept or lost.
    pub(crate) fn crash(self: &Rc<Self>, keep: bool) {
        let world = &self.world;
        world.note(|| {
            format!(
                "object dies; what was not durable is {}",
                if keep { "kept" } else { "lost" }
            )
        });
        world.executor.kill(self.life.get());
        self.object.borrow_mut().take();
        self.life.set(world.executor.new_owner());
        self.doomed.set(false);
        self.alarm_calls.set(0);
        self.answered.take();
        self.reloads.borrow_mut().clear();
        self.database.crash(keep);
        if keep {
            self.durable_alarm.set(self.alarm.get());
            self.durable_excused.set(self.alarm_excused.get());
        } else {
            self.alarm.set(self.durable_alarm.get());
            self.alarm_excused.set(self.durable_excused.get());
        }
        if let Some(at) = self.ringing.take() {
            self.retry(Some(at));
        }
        self.ledger.reopen(self, keep);
        self.reports.forget(self);
    }

    /// Its memory goes, as after some idle seconds; only when it has nothing to do.
    pub(crate) fn evict(self: &Rc<Self>) {
        let idle = self.ringing.get().is_none() && self.answered.borrow().is_none();
        if idle && self.reloads.borrow().is_empty() && self.alarm_calls.get() == 0 {
            self.flush();
            self.crash(true);
        }
    }

    /// The world ends.
    pub(crate) fn close(&self) {
        self.object.borrow_mut().take();
    }

    pub(crate) fn deploy(self: &Rc<Self>, deployment: Deployment) {
        self.crash(true);
        self.ledger.deployed(&deployment);
        self.deployment.replace(Rc::new(deployment));
    }

    /// The object in memory, opened now when there is none.
    fn open(self: &Rc<Self>) -> Result<Coordinator<Platform>, OpenError> {
        if let Some(object) = &*self.object.borrow() {
            return Ok(object.clone());
        }
        let deployment = Rc::clone(&self.deployment.borrow());
        self.ledger.opens(self);
        let object = Coordinator::open(
            Platform::new(self),
            SpaceName::default(),
            deployment.settings.clone(),
            deployment.built_in.clone(),
        )?;
        if !self.doomed.get() {
            self.ledger.opened(self);
        }
        self.world.reach("object opened");
        self.object.replace(Some(object.clone()));
        Ok(object)
    }

    /// Whether the handler ended well.
    async fn handle_alarm(self: &Rc<Self>) -> bool {
        match self.open() {
            Ok(object) => object.alarm().await,
            Err(_) => {
                // As the Worker's shell does it: a refusal is logged, and the next event tries again.
                let at = self.now().plus(REOPEN_AFTER_MS);
                Platform::new(self).set_alarm(at).await.is_ok()
            }
        }
    }

    /// A handler that leaves no alarm must ask to be tried again.
    fn check_handled(&self, done: bool) {
        if self.doomed.get() {
            return;
        }
        self.ledger.sync(self);
        let left_none = self.alarm.get().is_none() && self.ledger.wanted_alarm(self).0;
        let told = !done || !left_none || !self.is_open() || self.alarm_calls.get() > 0;
        self.world
            .check(told, "an alarm's handler leaves an alarm, or fails", || {
                "it left none and ended well".to_owned()
            });
    }

    fn retry(&self, at: Option<UnixMillis>) {
        let retries = self.retries.get();
        self.retries.set(retries + 1);
        if self.alarm.get().is_some() {
            return;
        }
        if retries >= ALARM_RETRIES {
            self.retries.set(0);
            self.alarm_excused.set(true);
            self.durable_excused.set(true);
            return;
        }
        self.not_before_ms
            .set(self.world.now_ms() + (2_000 << retries));
        self.alarm.set(at);
        self.durable_alarm.set(at);
    }

    /// Draws how late the alarm is that was just set.
    pub(crate) fn delay_alarm(&self) {
        let late_ms = if self.world.strikes(Fault::AlarmLate) {
            self.world.chance.between(Fault::AlarmLate, 1_000, 60_000)
        } else {
            self.world.between(0, 20)
        };
        let due_ms = self.alarm.get().map_or(0, |at| at.since(self.now()));
        self.not_before_ms
            .set(self.world.now_ms() + due_ms + late_ms);
    }

    /// Sleeping by true time, for whoever runs on this machine.
    pub(crate) fn sleep(&self, ms: u64) -> impl Future<Output = ()> + use<> {
        self.world.executor.sleep(ms)
    }
}
