//! What everything in a simulated world shares: time, chance, the trace, and the first violation.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use bellwether_core::version::UnixMillis;

use crate::chance::{Chance, Fault};
use crate::executor::Executor;
use crate::rng::Rng;

/// Every clock in the beginning.
const EPOCH_MS: u64 = 1_800_000_000_000;

/// How many lines a failure shows.
const TRACE_LINES: usize = 40;

/// What a world is made from: the same wish gives the same world, event by event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) seed: u64,
    pub(crate) days: u64,
    pub(crate) without: Vec<Fault>,
    /// At most so many isolates.
    pub(crate) isolates: u64,
}

/// A property that did not hold.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    /// A few words that stay the same from seed to seed.
    pub(crate) property: &'static str,
    pub(crate) detail: String,
    pub(crate) step: u64,
    pub(crate) at_ms: u64,
}

pub(crate) struct World {
    pub(crate) executor: Rc<Executor>,
    pub(crate) chance: Chance,
    /// Numbers that are no fault: how long things take when all is well, who does what.
    rng: RefCell<Rng>,
    /// What operators do, and what settings they work under: of its own, so that worlds in which
    /// nobody writes stay as they were before anybody could.
    pub(crate) desk: Draws,
    /// The isolates' own numbers.
    pub(crate) identities: Draws,
    /// The data centres' caches, and the clocks of those who share them.
    pub(crate) shelves: Draws,
    pub(crate) violation: RefCell<Option<Violation>>,
    reached: RefCell<BTreeMap<&'static str, u64>>,
    trace: RefCell<VecDeque<String>>,
    traced: bool,
    fingerprint: Cell<u64>,
    limbo: RefCell<Vec<Rc<dyn Any>>>,
}

impl World {
    pub(crate) fn new(wish: &Wish, traced: bool) -> Rc<Self> {
        Rc::new(Self {
            executor: Executor::shuffled(wish.seed ^ 0x5eed),
            chance: Chance::new(wish.seed, &wish.without),
            rng: RefCell::new(Rng::stream(wish.seed, 2)),
            desk: Draws(RefCell::new(Rng::stream(wish.seed, 3))),
            identities: Draws(RefCell::new(Rng::stream(wish.seed, 4))),
            shelves: Draws(RefCell::new(Rng::stream(wish.seed, 5))),
            violation: RefCell::new(None),
            reached: RefCell::default(),
            trace: RefCell::default(),
            traced,
            fingerprint: Cell::new(0xcbf2_9ce4_8422_2325),
            limbo: RefCell::default(),
        })
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.executor.elapsed_ms()
    }

    pub(crate) fn strikes(&self, fault: Fault) -> bool {
        let strikes = self.chance.strikes(fault);
        if strikes {
            self.note(|| format!("fault: {}", fault.what()));
        }
        strikes
    }

    pub(crate) fn between(&self, low: u64, high: u64) -> u64 {
        self.rng.borrow_mut().between(low, high)
    }

    pub(crate) fn pick<'a, T>(&self, from: &'a [T]) -> &'a T {
        &from[self.between(0, from.len() as u64 - 1) as usize]
    }

    /// Of any order of magnitude.
    pub(crate) fn scaled(&self, low: u64, high: u64) -> u64 {
        self.rng.borrow_mut().scaled(low, high)
    }

    pub(crate) fn one_in(&self, times: u64) -> bool {
        self.rng.borrow_mut().one_in(times)
    }

    pub(crate) fn random(&self) -> u64 {
        self.rng.borrow_mut().next()
    }

    /// A property is broken; the first one counts.
    pub(crate) fn violated(&self, property: &'static str, detail: String) {
        self.note(|| format!("VIOLATED {property}: {detail}"));
        self.violation.borrow_mut().get_or_insert(Violation {
            property,
            detail,
            step: self.executor.polls(),
            at_ms: self.now_ms(),
        });
    }

    pub(crate) fn check(
        &self,
        holds: bool,
        property: &'static str,
        detail: impl FnOnce() -> String,
    ) {
        if !holds {
            self.violated(property, detail());
        }
    }

    /// Keeps the end of a channel whose message was lost: dropped, it would tell the other end.
    pub(crate) fn lose<T: 'static>(&self, end: Rc<T>) {
        self.limbo.borrow_mut().push(end);
    }

    /// The world ends: whoever still waits is let go.
    pub(crate) fn forget(&self) {
        self.limbo.take();
    }

    /// A state of the world that the summary counts.
    pub(crate) fn reach(&self, state: &'static str) {
        *self.reached.borrow_mut().entry(state).or_insert(0) += 1;
    }

    pub(crate) fn reached(&self) -> BTreeMap<&'static str, u64> {
        self.reached.borrow().clone()
    }

    /// A line of the trace; made only when somebody will read it.
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        if !self.traced || self.violation.borrow().is_some() {
            return;
        }
        let mut trace = self.trace.borrow_mut();
        if trace.len() == TRACE_LINES {
            trace.pop_front();
        }
        let (step, at_ms) = (self.executor.polls(), self.now_ms());
        trace.push_back(format!("  #{step} {} {}", clock_text(at_ms), line()));
    }

    pub(crate) fn trace(&self) -> Vec<String> {
        self.trace.borrow().iter().cloned().collect()
    }

    /// Adds an event to the trace's fingerprint.
    pub(crate) fn mark(&self, event: u64) {
        let mixed = (self.fingerprint.get() ^ event ^ self.now_ms().rotate_left(32))
            .wrapping_mul(0x0000_0100_0000_01b3);
        self.fingerprint.set(mixed ^ (mixed >> 29));
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint.get()
    }
}

/// A stream of numbers, shared.
pub(crate) struct Draws(RefCell<Rng>);

impl Draws {
    /// Any number but 0.
    pub(crate) fn next(&self) -> u64 {
        self.0.borrow_mut().next().max(1)
    }

    pub(crate) fn below(&self, limit: u64) -> u64 {
        self.0.borrow_mut().below(limit)
    }

    pub(crate) fn between(&self, low: u64, high: u64) -> u64 {
        self.0.borrow_mut().between(low, high)
    }

    pub(crate) fn scaled(&self, low: u64, high: u64) -> u64 {
        self.0.borrow_mut().scaled(low, high)
    }

    pub(crate) fn one_in(&self, times: u64) -> bool {
        self.0.borrow_mut().one_in(times)
    }
}

/// `2d 03:04:05.678`
pub(crate) fn clock_text(ms: u64) -> String {
    let (s, ms) = (ms / 1_000, ms % 1_000);
    let (days, hours, minutes, s) = (s / 86_400, s / 3_600 % 24, s / 60 % 60, s % 60);
    format!("{days}d {hours:02}:{minutes:02}:{s:02}.{ms:03}")
}

/// A machine's clock: true time, and all that happened to it.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// From the beginning; it counts as no jump.
    skew_ms: u64,
    ahead_ms: Cell<u64>,
    behind_ms: Cell<u64>,
}

/// How far a clock was ever set ahead and back, in sum: what an age that it measures may be off by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Jumps {
    pub(crate) ahead_ms: u64,
    pub(crate) behind_ms: u64,
}

impl Clock {
    pub(crate) fn skewed(skew_ms: u64) -> Rc<Self> {
        Rc::new(Self {
            skew_ms,
            ..Self::default()
        })
    }

    pub(crate) fn now(&self, world: &World) -> UnixMillis {
        let ahead_ms = self.skew_ms + self.ahead_ms.get();
        UnixMillis((EPOCH_MS + world.now_ms() + ahead_ms).saturating_sub(self.behind_ms.get()))
    }

    pub(crate) fn jump_ahead(&self, ms: u64) {
        self.ahead_ms.set(self.ahead_ms.get() + ms);
    }

    pub(crate) fn set_back(&self, ms: u64) {
        self.behind_ms.set(self.behind_ms.get() + ms);
    }

    pub(crate) fn jumps(&self) -> Jumps {
        Jumps {
            ahead_ms: self.ahead_ms.get(),
            behind_ms: self.behind_ms.get(),
        }
    }
}

impl Jumps {
    pub(crate) fn since(self, earlier: Jumps) -> Jumps {
        Jumps {
            ahead_ms: self.ahead_ms - earlier.ahead_ms,
            behind_ms: self.behind_ms - earlier.behind_ms,
        }
    }
}
