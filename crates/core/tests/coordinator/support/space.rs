//! One space as the platform hosts it: the object is opened by an event, evicted, killed, deployed
//! anew, and woken by its alarm.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;

use bellwether_core::coordinator::{
    BuiltIn, Coordinator, OpenError, RefreshReport, Reload, SnapshotAnswer, Status,
};
use bellwether_core::guard::Waivers;
use bellwether_core::settings::{SourceSettings, SpaceSettings};
use bellwether_core::space_name::SpaceName;
use bellwether_core::version::UnixMillis;
use bellwether_simulation::executor::Executor;

use super::machine::{Machine, Simulated};

/// The platform tries an alarm again after this time when its handler died.
const ALARM_RETRY_MS: u64 = 2_000;

/// No test waits longer for an answer than this simulated time.
const PATIENCE_MS: u64 = 600_000;

pub(crate) struct Space {
    pub(crate) machine: Rc<Machine>,
    /// How many alarms went off.
    pub(crate) alarms: Cell<u32>,
    /// Whether a space with a source must have a future alarm whenever nothing moves.
    pub(crate) expects_alarm: Cell<bool>,
    settings: RefCell<SpaceSettings>,
    built_in: RefCell<BuiltIn>,
    object: RefCell<Option<Coordinator<Simulated>>>,
    handled_alarm: Cell<Option<UnixMillis>>,
    alarm_not_before_ms: Cell<u64>,
}

/// What a call gave, once it is there.
pub(crate) struct Reply<T>(Rc<RefCell<Option<T>>>);

impl<T> Reply<T> {
    pub(crate) fn take(&self) -> Option<T> {
        self.0.borrow_mut().take()
    }

    pub(crate) fn is_there(&self) -> bool {
        self.0.borrow().is_some()
    }
}

impl Space {
    pub(crate) fn new(settings: SpaceSettings) -> Rc<Self> {
        Self::on(&Executor::in_order(), 1, settings)
    }

    /// A space beside others on one executor.
    pub(crate) fn on(executor: &Rc<Executor>, owner: u64, settings: SpaceSettings) -> Rc<Self> {
        let machine = Machine::new(executor, owner);
        Self::hosted(machine, settings, super::built_in())
    }

    /// A space with the database of a machine.
    pub(crate) fn hosted(
        machine: Rc<Machine>,
        settings: SpaceSettings,
        built_in: BuiltIn,
    ) -> Rc<Self> {
        Rc::new(Self {
            machine,
            alarms: Cell::default(),
            expects_alarm: Cell::new(true),
            settings: RefCell::new(settings),
            built_in: RefCell::new(built_in),
            object: RefCell::default(),
            handled_alarm: Cell::default(),
            alarm_not_before_ms: Cell::default(),
        })
    }

    /// The object in memory, opened now when there is none.
    pub(crate) fn open(&self) -> Result<Coordinator<Simulated>, OpenError> {
        if let Some(object) = &*self.object.borrow() {
            return Ok(object.clone());
        }
        let object = Coordinator::open(
            self.machine.platform(),
            SpaceName::default(),
            self.settings.borrow().clone(),
            self.built_in.borrow().clone(),
        )?;
        *self.object.borrow_mut() = Some(object.clone());
        Ok(object)
    }

    /// The object goes with all that it does; what is stored stays. An alarm that was being
    /// handled is tried again.
    pub(crate) fn kill(&self) {
        let machine = &self.machine;
        machine.life.set(machine.life.get() + 1);
        machine.executor.kill(machine.owner);
        self.object.borrow_mut().take();
        if let Some(at) = self.handled_alarm.take() {
            self.alarm_not_before_ms
                .set(machine.executor.elapsed_ms() + ALARM_RETRY_MS);
            machine.alarm.set(machine.alarm.get().or(Some(at)));
        }
    }

    /// Kills the object and starts it with other settings and built-in layers.
    pub(crate) fn deploy(&self, settings: SpaceSettings, built_in: BuiltIn) {
        self.kill();
        *self.settings.borrow_mut() = settings;
        *self.built_in.borrow_mut() = built_in;
    }

    /// Makes a request to the object, on a task of its own.
    pub(crate) fn call<T: 'static, F: Future<Output = T> + 'static>(
        self: &Rc<Self>,
        work: impl FnOnce(Coordinator<Simulated>) -> F + 'static,
    ) -> Reply<T> {
        let reply = Rc::new(RefCell::new(None));
        let (space, slot) = (Rc::clone(self), Rc::clone(&reply));
        let task = async move {
            if let Ok(object) = space.open() {
                let answer = work(object).await;
                *slot.borrow_mut() = Some(answer);
            }
        };
        self.machine
            .executor
            .spawn(self.machine.owner, Box::pin(task));
        Reply(reply)
    }

    pub(crate) fn call_snapshot(self: &Rc<Self>) -> Reply<SnapshotAnswer> {
        self.call(|object| async move { object.snapshot(None).await })
    }

    pub(crate) fn call_reload(self: &Rc<Self>, waivers: Waivers) -> Reply<Option<RefreshReport>> {
        let reload = Reload {
            actor: "operator".to_owned(),
            reason: Some("because".to_owned()),
            waivers,
        };
        self.call(|object| async move { object.reload(reload).await })
    }

    pub(crate) fn snapshot(self: &Rc<Self>) -> SnapshotAnswer {
        self.wait(&self.call_snapshot())
    }

    pub(crate) fn reload(self: &Rc<Self>) -> RefreshReport {
        self.wait(&self.call_reload(Waivers::default())).unwrap()
    }

    pub(crate) fn status(self: &Rc<Self>) -> Status {
        self.wait(&self.call(|object| async move { object.status(Vec::new()).await.unwrap() }))
    }

    pub(crate) fn counter(self: &Rc<Self>, name: &str, label: &str) -> u64 {
        let counters = self.status().counters;
        let total = counters.get(&format!("{name}_total"));
        let found = match label {
            "" => total,
            label => total.and_then(|labels| labels.get(label)),
        };
        found.and_then(|value| value.as_u64()).unwrap_or(0)
    }

    /// Lets time pass until the answer is there.
    pub(crate) fn wait<T>(self: &Rc<Self>, reply: &Reply<T>) -> T {
        let give_up_ms = self.machine.executor.elapsed_ms() + PATIENCE_MS;
        self.settle();
        while !reply.is_there() && self.step(give_up_ms) {}
        reply.take().expect("no answer ever came")
    }

    /// Lets so much time pass.
    pub(crate) fn run_for(self: &Rc<Self>, ms: u64) {
        let until_ms = self.machine.executor.elapsed_ms() + ms;
        self.settle();
        while self.step(until_ms) {}
    }

    /// Goes from a settled moment to the next moment at which something happens; `false` when that is after `until_ms`.
    pub(crate) fn step(self: &Rc<Self>, until_ms: u64) -> bool {
        let executor = &self.machine.executor;
        let next_ms = [executor.next_timer_ms(), self.next_alarm_ms()]
            .into_iter()
            .flatten()
            .min();
        let Some(next_ms) = next_ms.filter(|next_ms| *next_ms <= until_ms) else {
            executor.advance_to(until_ms);
            self.settle();
            return false;
        };
        executor.advance_to(next_ms);
        if self.next_alarm_ms().is_some_and(|at_ms| at_ms <= next_ms) {
            self.ring();
        }
        self.settle();
        true
    }

    /// Runs what can run at this moment.
    pub(crate) fn settle(&self) {
        self.machine.executor.run_ready(|| {
            if self.machine.traps.take_crashed() {
                self.kill();
            }
        });
        self.check_alarm();
    }

    /// The alarm goes off: handled at least once.
    pub(crate) fn ring(self: &Rc<Self>) {
        self.alarms.set(self.alarms.get() + 1);
        self.handled_alarm.set(self.machine.alarm.take());
        let space = Rc::clone(self);
        let task = async move {
            if let Ok(object) = space.open() {
                object.alarm().await;
                space.handled_alarm.set(None);
            } else {
                space.kill();
            }
        };
        self.machine
            .executor
            .spawn(self.machine.owner, Box::pin(task));
    }

    /// When the alarm goes off, in elapsed milliseconds: never before now, and not while its
    /// handler runs.
    pub(crate) fn next_alarm_ms(&self) -> Option<u64> {
        let machine = &self.machine;
        if self.handled_alarm.get().is_some() {
            return None;
        }
        let elapsed_ms = machine.executor.elapsed_ms();
        let at = machine.alarm.get()?;
        Some((elapsed_ms + at.since(machine.now())).max(self.alarm_not_before_ms.get()))
    }

    /// Invariant: a space with a schedule has an alarm whenever nothing moves, its handler's
    /// waiting for the source included. (That it is set ahead, the platform checks.)
    fn check_alarm(&self) {
        let has_source = !matches!(self.settings.borrow().source, SourceSettings::None);
        if self.expects_alarm.get() && has_source && self.object.borrow().is_some() {
            assert!(
                self.machine.alarm.get().is_some(),
                "no alarm at {:?}",
                self.machine.now()
            );
        }
    }
}
