//! One thread, simulated time, and tasks polled in an order that the seed chooses.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use bellwether_core::platform::Task;

use crate::rng::Rng;

/// Whose task it is: what dies, dies with all of its tasks.
pub type Owner = u64;

/// Simulated time and its tasks.
pub struct Executor {
    elapsed_ms: Cell<u64>,
    polls: Cell<u64>,
    slots: RefCell<Vec<Slot>>,
    free: RefCell<Vec<usize>>,
    last_owner: Cell<Owner>,
    last_timer: Cell<u64>,
    ready: Arc<Mutex<Vec<usize>>>,
    timers: RefCell<BTreeMap<(u64, u64), Waker>>,
    /// Chooses the next of the ready tasks; without it they run in the order they woke.
    order: RefCell<Option<Rng>>,
    /// The owner of the task being polled, until it is killed.
    polled: Cell<Option<Owner>>,
}

struct Slot {
    owner: Owner,
    /// Absent while it is polled, and in a free slot.
    task: Option<Task>,
    wakeup: Arc<Wakeup>,
}

struct Wakeup {
    slot: usize,
    queued: AtomicBool,
    ready: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.ready.lock().unwrap().push(self.slot);
        }
    }
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor")
            .field("elapsed_ms", &self.elapsed_ms.get())
            .finish_non_exhaustive()
    }
}

impl Executor {
    /// An executor whose order of tasks the seed chooses.
    #[must_use]
    pub fn shuffled(seed: u64) -> Rc<Self> {
        Self::with(Some(Rng::new(seed)))
    }

    /// An executor that runs tasks in the order they woke.
    #[must_use]
    pub fn in_order() -> Rc<Self> {
        Self::with(None)
    }

    fn with(order: Option<Rng>) -> Rc<Self> {
        Rc::new(Self {
            elapsed_ms: Cell::new(0),
            polls: Cell::new(0),
            slots: RefCell::default(),
            free: RefCell::default(),
            last_owner: Cell::new(0),
            last_timer: Cell::new(0),
            ready: Arc::default(),
            timers: RefCell::default(),
            order: RefCell::new(order),
            polled: Cell::new(None),
        })
    }

    /// True time, in milliseconds since the world began. Machines only see their own clocks.
    pub fn elapsed_ms(&self) -> u64 {
        self.elapsed_ms.get()
    }

    /// Events so far: each is one task going as far as it can.
    pub fn polls(&self) -> u64 {
        self.polls.get()
    }

    /// An owner that nobody else is.
    pub fn new_owner(&self) -> Owner {
        self.last_owner.set(self.last_owner.get() + 1);
        self.last_owner.get()
    }

    /// Starts a task.
    pub fn spawn(&self, owner: Owner, task: Task) {
        let slot = self.free.borrow_mut().pop();
        let mut slots = self.slots.borrow_mut();
        let slot = slot.unwrap_or(slots.len());
        let wakeup = Arc::new(Wakeup {
            slot,
            queued: AtomicBool::new(false),
            ready: Arc::clone(&self.ready),
        });
        let entry = Slot {
            owner,
            task: Some(task),
            wakeup: Arc::clone(&wakeup),
        };
        match slots.get_mut(slot) {
            Some(free) => *free = entry,
            None => slots.push(entry),
        }
        drop(slots);
        wakeup.wake();
    }

    /// Drops every task of `owner`, the one being polled included.
    pub fn kill(&self, owner: Owner) {
        if self.polled.get() == Some(owner) {
            self.polled.set(None);
        }
        let mut killed = Vec::new();
        for (index, slot) in self.slots.borrow_mut().iter_mut().enumerate() {
            if slot.owner == owner
                && let Some(task) = slot.task.take()
            {
                killed.push(task);
                self.free_slot(index, slot);
            }
        }
        // Dropped only now: a task that goes may wake or start another.
        drop(killed);
    }

    /// Polls one task, if any can go on at this moment; returns a number that tells which.
    pub fn poll_one(&self) -> Option<u64> {
        let (index, mut task, owner, wakeup) = loop {
            let index = {
                let mut ready = self.ready.lock().unwrap();
                if ready.is_empty() {
                    return None;
                }
                match &mut *self.order.borrow_mut() {
                    Some(order) => {
                        let choice = order.below(ready.len() as u64) as usize;
                        ready.swap_remove(choice)
                    }
                    None => ready.remove(0),
                }
            };
            let mut slots = self.slots.borrow_mut();
            let slot = &mut slots[index];
            slot.wakeup.queued.store(false, Ordering::Relaxed);
            if let Some(task) = slot.task.take() {
                break (index, task, slot.owner, Arc::clone(&slot.wakeup));
            }
        };
        self.polls.set(self.polls.get() + 1);
        self.polled.set(Some(owner));
        let waker = Waker::from(Arc::clone(&wakeup));
        let pending = task
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending();
        let mut slots = self.slots.borrow_mut();
        let slot = &mut slots[index];
        if pending && self.polled.take().is_some() {
            slot.task = Some(task);
        } else {
            self.free_slot(index, slot);
            drop(slots);
            drop(task);
        }
        self.polled.set(None);
        Some(owner << 20 ^ index as u64)
    }

    /// Polls until no task can go on without time passing; `after_poll` may kill.
    pub fn run_ready(&self, after_poll: impl Fn()) {
        while self.poll_one().is_some() {
            after_poll();
        }
    }

    /// Ends after so many milliseconds of simulated time.
    pub fn sleep(self: &Rc<Self>, ms: u64) -> impl Future<Output = ()> + use<> {
        Sleep {
            executor: Rc::clone(self),
            until_ms: self.elapsed_ms().saturating_add(ms),
            timer: None,
        }
    }

    /// When the next sleeper wakes.
    pub fn next_timer_ms(&self) -> Option<u64> {
        self.timers.borrow().keys().next().map(|(at_ms, _)| *at_ms)
    }

    /// Lets time pass and wakes whoever slept until then.
    pub fn advance_to(&self, elapsed_ms: u64) {
        self.elapsed_ms.set(self.elapsed_ms().max(elapsed_ms));
        let due = {
            let mut timers = self.timers.borrow_mut();
            let later = timers.split_off(&(self.elapsed_ms().saturating_add(1), 0));
            std::mem::replace(&mut *timers, later)
        };
        due.into_values().for_each(Waker::wake);
    }

    fn free_slot(&self, index: usize, slot: &mut Slot) {
        // Late wakers of the old task find a spent wake-up.
        slot.wakeup.queued.store(true, Ordering::Relaxed);
        self.ready.lock().unwrap().retain(|ready| *ready != index);
        self.free.borrow_mut().push(index);
    }
}

/// Lets other ready tasks go first.
pub fn yield_now() -> impl Future<Output = ()> {
    let mut yielded = false;
    std::future::poll_fn(move |context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

struct Sleep {
    executor: Rc<Executor>,
    until_ms: u64,
    timer: Option<(u64, u64)>,
}

impl Sleep {
    fn forget_timer(&mut self) {
        if let Some(key) = self.timer.take() {
            self.executor.timers.borrow_mut().remove(&key);
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.forget_timer();
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.forget_timer();
        if self.executor.elapsed_ms() >= self.until_ms {
            return Poll::Ready(());
        }
        let executor = &self.executor;
        executor.last_timer.set(executor.last_timer.get() + 1);
        let key = (self.until_ms, executor.last_timer.get());
        let waker = context.waker().clone();
        executor.timers.borrow_mut().insert(key, waker);
        self.timer = Some(key);
        Poll::Pending
    }
}
