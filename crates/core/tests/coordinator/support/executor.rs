//! A deterministic executor: one thread, simulated time, tasks polled in the order they woke.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use bellwether_core::platform::Task;

/// Whose task it is: a crash kills all tasks of one owner.
pub(crate) type Owner = u64;

#[derive(Default)]
pub(crate) struct Executor {
    elapsed_ms: Cell<u64>,
    tasks: RefCell<BTreeMap<u64, (Owner, Task)>>,
    last_id: Cell<u64>,
    ready: Arc<Mutex<VecDeque<u64>>>,
    timers: RefCell<BTreeMap<(u64, u64), Waker>>,
    /// The owner of the task that is being polled; none once it was killed.
    polled: Cell<Option<Owner>>,
}

impl Executor {
    /// Simulated milliseconds since the beginning. Never goes back; clocks are made from it.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        self.elapsed_ms.get()
    }

    pub(crate) fn spawn(&self, owner: Owner, task: Task) {
        let id = self.next_id();
        self.tasks.borrow_mut().insert(id, (owner, task));
        self.ready.lock().unwrap().push_back(id);
    }

    /// Drops every task of `owner`, the one being polled included.
    pub(crate) fn kill(&self, owner: Owner) {
        if self.polled.get() == Some(owner) {
            self.polled.set(None);
        }
        let mut tasks = self.tasks.borrow_mut();
        let (killed, kept) = std::mem::take(&mut *tasks)
            .into_iter()
            .partition(|(_, (of, _))| *of == owner);
        *tasks = kept;
        drop(tasks);
        // Dropped only now: a task that goes may wake another.
        let killed: BTreeMap<_, _> = killed;
        drop(killed);
    }

    pub(crate) fn sleep(self: &Rc<Self>, ms: u64) -> impl Future<Output = ()> + use<> {
        Sleep {
            executor: Rc::clone(self),
            until_ms: self.elapsed_ms().saturating_add(ms),
            timer: None,
        }
    }

    /// Polls until no task can go on without time passing; looks after each poll whether it killed.
    pub(crate) fn run_ready(&self, after_poll: impl Fn()) {
        loop {
            let Some(id) = self.ready.lock().unwrap().pop_front() else {
                return;
            };
            let Some((owner, mut task)) = self.tasks.borrow_mut().remove(&id) else {
                continue;
            };
            let waker = Waker::from(Arc::new(Wakeup {
                id,
                ready: Arc::clone(&self.ready),
            }));
            self.polled.set(Some(owner));
            let polled = task.as_mut().poll(&mut Context::from_waker(&waker));
            after_poll();
            if polled.is_pending() && self.polled.get().is_some() {
                self.tasks.borrow_mut().insert(id, (owner, task));
            }
            self.polled.set(None);
        }
    }

    /// When the next sleeper wakes, in elapsed milliseconds.
    pub(crate) fn next_timer_ms(&self) -> Option<u64> {
        self.timers.borrow().keys().next().map(|(at_ms, _)| *at_ms)
    }

    /// Lets time pass up to `elapsed_ms` and wakes whoever slept until then.
    pub(crate) fn advance_to(&self, elapsed_ms: u64) {
        self.elapsed_ms.set(self.elapsed_ms().max(elapsed_ms));
        let due = {
            let mut timers = self.timers.borrow_mut();
            let later = timers.split_off(&(self.elapsed_ms().saturating_add(1), 0));
            std::mem::replace(&mut *timers, later)
        };
        due.into_values().for_each(Waker::wake);
    }

    fn next_id(&self) -> u64 {
        self.last_id.set(self.last_id.get() + 1);
        self.last_id.get()
    }
}

/// Lets every other ready task go first.
pub(crate) fn yield_now() -> impl Future<Output = ()> {
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
        let key = (self.until_ms, self.executor.next_id());
        let waker = context.waker().clone();
        self.executor.timers.borrow_mut().insert(key, waker);
        self.timer = Some(key);
        Poll::Pending
    }
}

struct Wakeup {
    id: u64,
    ready: Arc<Mutex<VecDeque<u64>>>,
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.ready.lock().unwrap().push_back(self.id);
    }
}
