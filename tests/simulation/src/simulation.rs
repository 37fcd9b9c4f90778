//! One world from its beginning to its end: chaos and calm by turns, a check after every step.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use bellwether_core::reading::colo::COLO_CLOCKS_APART_MS;
use bellwether_core::schedule::ALARM_MIN_AHEAD_MS;
use bellwether_core::settings::ReaderSettings;

use crate::chance::Fault;
use crate::director::deployment;
use crate::executor::Owner;
use crate::fleet::{self, Member};
use crate::former;
use crate::host::Host;
use crate::shelf::Shelf;
use crate::upstream::Upstream;
use crate::world::{Clock, Violation, Wish, World};

pub(crate) const DAY_MS: u64 = 86_400_000;

const SECOND_MS: u64 = 1_000;

/// More than any world does, and less than one that turns in circles. What storage refuses at its
/// moment is tried again in a second, and of many changes that are due some may be refused each time.
const EVENTS_PER_SECOND: u64 = 5_000;
const ALARMS_PER_MINUTE: u64 = 90;

/// What became of a world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended {
    pub(crate) days: u64,
    pub(crate) events: u64,
    pub(crate) happened: Vec<u64>,
    pub(crate) reached: BTreeMap<&'static str, u64>,
    pub(crate) violation: Option<Violation>,
    pub(crate) fingerprint: u64,
    pub(crate) trace: Vec<String>,
}

/// Runs a world until its time is up or a property is broken.
pub(crate) fn run(wish: &Wish, traced: bool) -> Ended {
    let world = World::new(wish, traced);
    let simulation = Simulation::new(&world, wish);
    simulation.start();
    let lived = catch_unwind(AssertUnwindSafe(|| simulation.go_on(wish.days * DAY_MS)));
    if let Err(panic) = &lived {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or(panic.downcast_ref::<&str>().copied());
        world.violated("nothing panics", message.unwrap_or_default().to_owned());
    }
    let ended = Ended {
        days: wish.days,
        events: world.executor.polls(),
        happened: world.chance.happened(),
        reached: world.reached(),
        violation: world.violation.borrow().clone(),
        fingerprint: world.fingerprint(),
        trace: world.trace(),
    };
    // After a panic whatever was borrowed may still be; that world is left as it is.
    if lived.is_ok() {
        simulation.end();
    }
    ended
}

pub(crate) struct Simulation {
    pub(crate) world: Rc<World>,
    pub(crate) host: Rc<Host>,
    pub(crate) upstream: Rc<Upstream>,
    /// Data centres, each with a clock; each isolate's own where those of a data centre share a cache.
    pub(crate) clocks: Vec<Rc<Clock>>,
    pub(crate) has_shelves: bool,
    pub(crate) members: RefCell<Vec<Rc<Member>>>,
    pub(crate) policy: RefCell<ReaderSettings>,
    pub(crate) director: Owner,
    pub(crate) wire: Owner,
    pub(crate) operators: Cell<u64>,
}

impl Simulation {
    fn new(world: &Rc<World>, wish: &Wish) -> Rc<Self> {
        let upstream = Upstream::new(world);
        let host = Host::new(world, &upstream, deployment(world));
        host.ledger.deployed(&host.deployment.borrow());
        if world.strikes(Fault::OldDatabase) {
            former::leave(&host);
        }
        let mut clocks: Vec<_> = (0..world.between(1, 4))
            .map(|_| Rc::<Clock>::default())
            .collect();
        let policy = fleet::policy(world);
        let wire = world.executor.new_owner();
        let count = world.between(1, 8).min(wish.isolates);
        let has_shelves = world.strikes(Fault::ColoCache);
        let mut shelves = vec![None; clocks.len()];
        if has_shelves {
            shelves.fill_with(|| Some(Shelf::new(world)));
            let skewed = |_| Clock::skewed(world.shelves.between(0, COLO_CLOCKS_APART_MS));
            clocks = (0..count).map(skewed).collect();
        }
        let members = (0..count as usize).map(|number| {
            let clock = Rc::clone(&clocks[number % clocks.len()]);
            let shelf = shelves[number % shelves.len()].clone();
            Member::born(&host, clock, shelf, &policy, wire)
        });
        let members = members.collect();
        Rc::new(Self {
            world: Rc::clone(world),
            host,
            upstream,
            clocks,
            has_shelves,
            members: RefCell::new(members),
            policy: RefCell::new(policy),
            director: world.executor.new_owner(),
            wire,
            operators: Cell::new(0),
        })
    }

    fn start(self: &Rc<Self>) {
        let simulation = Rc::clone(self);
        let direct = async move { simulation.direct().await };
        self.world.executor.spawn(self.director, Box::pin(direct));
        for number in 0..self.size() {
            let simulation = Rc::clone(self);
            let visit = async move { simulation.visit(number).await };
            self.world.executor.spawn(self.director, Box::pin(visit));
        }
        if self.world.chance.has(Fault::Write) {
            let simulation = Rc::clone(self);
            let operate = async move { simulation.operate().await };
            self.world.executor.spawn(self.director, Box::pin(operate));
        }
    }

    /// Event by event.
    fn go_on(&self, until_ms: u64) {
        let (world, host) = (&self.world, &self.host);
        let executor = &world.executor;
        let (mut events, mut alarms) = (Spin::default(), Spin::default());
        while world.violation.borrow().is_none() {
            if let Some(event) = executor.poll_one() {
                world.mark(event);
                events.check(world, SECOND_MS, EVENTS_PER_SECOND);
                if host.doomed.get() {
                    host.crash(world.one_in(2));
                } else {
                    host.ledger.sync(host);
                }
                continue;
            }
            self.check_alarm();
            let next = [executor.next_timer_ms(), host.rings_at_ms()]
                .into_iter()
                .flatten()
                .min();
            let Some(next_ms) = next.filter(|next_ms| *next_ms <= until_ms) else {
                break;
            };
            executor.advance_to(next_ms);
            if host.rings_at_ms().is_some_and(|at_ms| at_ms <= next_ms) {
                alarms.check(world, 60 * SECOND_MS, ALARMS_PER_MINUTE);
                host.ring();
            }
        }
    }

    /// Tasks hold what they run on; without this a world would never be freed.
    fn end(&self) {
        for member in self.members.borrow().iter() {
            member.die();
        }
        self.world.executor.kill(self.director);
        self.world.executor.kill(self.host.life.get());
        self.world.executor.kill(self.wire);
        self.host.close();
        self.world.forget();
    }

    /// Whenever nothing moves, a space with a source or a change to come has an alarm no later than
    /// that is due, the wait for the source included.
    fn check_alarm(&self) {
        let host = &self.host;
        let excused = host.alarm_excused.get() || host.alarm_calls.get() > 0;
        let (must, latest) = host.ledger.wanted_alarm(host);
        if !host.is_open() || !must || excused {
            return;
        }
        let Some(alarm) = host.alarm.get() else {
            let detail = "nothing moves, and no alarm stands".to_owned();
            self.world
                .violated("a space with a schedule has an alarm", detail);
            return;
        };
        let Some(due) = latest else {
            return;
        };
        // What was due already is rung for as soon as can be.
        let soon = host
            .alarm_set_at
            .get()
            .max(host.now())
            .plus(ALARM_MIN_AHEAD_MS);
        let latest = due.max(soon);
        self.world.check(
            alarm <= latest,
            "the alarm stands no later than it is due",
            || format!("it stands at {alarm:?}, due is {due:?}"),
        );
    }
}

/// Counts what happens within a span of time: a world must not turn in circles.
#[derive(Default)]
struct Spin {
    since_ms: u64,
    count: u64,
}

impl Spin {
    fn check(&mut self, world: &World, span_ms: u64, most: u64) {
        if world.now_ms() >= self.since_ms + span_ms {
            (self.since_ms, self.count) = (world.now_ms(), 0);
        }
        self.count += 1;
        world.check(self.count <= most, "no livelock", || {
            format!("{most} times within {span_ms} ms")
        });
    }
}
