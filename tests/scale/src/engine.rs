//! Simulated time, in microseconds: what happens when, and tasks that wait for it.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::mem::take;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use bellwether_core::platform::Task;

/// So many parts has the time of a run: within one, events are put in order only when it comes.
const PARTS: u64 = 1 << 17;

/// Events of kind `W`, and the tasks of isolates. The order of two events at once is that in which
/// they were planned: the same seed gives the same run.
pub(crate) struct Engine<W> {
    now_us: Cell<u64>,
    queue: RefCell<Queue<Happening<W>>>,
    tasks: RefCell<Vec<Option<Task>>>,
    idle: RefCell<Vec<u32>>,
    /// The task that goes on at this moment.
    polled: Cell<Option<u32>>,
    woken: Arc<Mutex<Vec<u32>>>,
    events: Cell<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening<W> {
    Wake(u32),
    Event(W),
}

impl<W: Copy + Ord> Engine<W> {
    /// From then till then.
    pub(crate) fn new(begin_us: u64, end_us: u64) -> Self {
        Self {
            now_us: Cell::new(begin_us),
            queue: RefCell::new(Queue::new(begin_us, end_us)),
            tasks: RefCell::default(),
            idle: RefCell::default(),
            polled: Cell::new(None),
            woken: Arc::default(),
            events: Cell::new(0),
        }
    }

    pub(crate) fn now_us(&self) -> u64 {
        self.now_us.get()
    }

    /// How many events there were, those of tasks among them.
    pub(crate) fn events(&self) -> u64 {
        self.events.get()
    }

    /// Plans an event.
    pub(crate) fn plan(&self, at_us: u64, event: W) {
        self.push(at_us, Happening::Event(event));
    }

    /// Lets time and tasks go on until the next event; `None` at the end.
    pub(crate) fn next(&self) -> Option<W> {
        loop {
            let (at_us, happening) = self.queue.borrow_mut().pop()?;
            self.now_us.set(at_us);
            self.events.set(self.events.get() + 1);
            match happening {
                Happening::Event(event) => return Some(event),
                Happening::Wake(task) => {
                    self.poll(task);
                    self.run_woken();
                }
            }
        }
    }

    /// Starts a task, which goes as far as it can; what starts it goes first.
    pub(crate) fn spawn(&self, task: Task) {
        let slot = self.idle.borrow_mut().pop().unwrap_or_else(|| {
            let mut tasks = self.tasks.borrow_mut();
            tasks.push(None);
            tasks.len() as u32 - 1
        });
        self.tasks.borrow_mut()[slot as usize] = Some(task);
        self.woken.lock().unwrap().push(slot);
        if self.polled.get().is_none() {
            self.run_woken();
        }
    }

    /// Ends then.
    pub(crate) fn until(&self, at_us: u64) -> impl Future<Output = ()> {
        Until {
            engine: self,
            at_us,
            planned: false,
        }
    }

    /// Drops all tasks. What they hold may hold this.
    pub(crate) fn clear(&self) {
        let tasks = take(&mut *self.tasks.borrow_mut());
        drop(tasks);
    }

    fn push(&self, at_us: u64, happening: Happening<W>) {
        self.queue.borrow_mut().push(at_us, happening);
    }

    fn run_woken(&self) {
        loop {
            let woken = self.woken.lock().unwrap().pop();
            match woken {
                Some(task) => self.poll(task),
                None => return,
            }
        }
    }

    /// A wake-up may be for one that is gone by now: whoever has its place waits on.
    fn poll(&self, slot: u32) {
        let Some(mut task) = self.tasks.borrow_mut()[slot as usize].take() else {
            return;
        };
        self.polled.set(Some(slot));
        let waker = Waker::from(Arc::new(Wakeup {
            slot,
            woken: Arc::clone(&self.woken),
        }));
        let polled = task.as_mut().poll(&mut Context::from_waker(&waker));
        self.polled.set(None);
        match polled {
            Poll::Pending => self.tasks.borrow_mut()[slot as usize] = Some(task),
            Poll::Ready(()) => self.idle.borrow_mut().push(slot),
        }
    }
}

struct Wakeup {
    slot: u32,
    woken: Arc<Mutex<Vec<u32>>>,
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.woken.lock().unwrap().push(self.slot);
    }
}

struct Until<'a, W> {
    engine: &'a Engine<W>,
    at_us: u64,
    planned: bool,
}

impl<W: Copy + Ord> Future for Until<'_, W> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let engine = self.engine;
        if engine.now_us() >= self.at_us {
            return Poll::Ready(());
        }
        if !self.planned {
            self.planned = true;
            let task = engine.polled.get().expect("a task waits");
            engine.push(self.at_us, Happening::Wake(task));
        }
        Poll::Pending
    }
}

/// What is to come, in parts: a heap of all would be slow with millions in it.
struct Queue<H> {
    begin_us: u64,
    part_us: u64,
    /// Those before are over; this one's events are in `near`.
    current: usize,
    near: BinaryHeap<Reverse<(u64, u64, H)>>,
    later: Vec<Vec<(u64, u64, H)>>,
    planned: u64,
}

impl<H: Ord> Queue<H> {
    fn new(begin_us: u64, end_us: u64) -> Self {
        let part_us = (end_us - begin_us).div_ceil(PARTS).max(1);
        let parts = (end_us - begin_us).div_ceil(part_us);
        Self {
            begin_us,
            part_us,
            current: 0,
            near: BinaryHeap::new(),
            later: (0..parts).map(|_| Vec::new()).collect(),
            planned: 0,
        }
    }

    /// What comes after the end never comes.
    fn push(&mut self, at_us: u64, happening: H) {
        self.planned += 1;
        let event = (at_us, self.planned, happening);
        let part = ((at_us - self.begin_us) / self.part_us) as usize;
        if part <= self.current {
            self.near.push(Reverse(event));
        } else if let Some(part) = self.later.get_mut(part) {
            part.push(event);
        }
    }

    fn pop(&mut self) -> Option<(u64, H)> {
        while self.near.is_empty() {
            self.current += 1;
            let part = self.later.get_mut(self.current)?;
            self.near = take(part).into_iter().map(Reverse).collect();
        }
        let Reverse((at_us, _, happening)) = self.near.pop()?;
        Some((at_us, happening))
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn events_come_in_order_of_time_then_of_planning_and_none_after_the_end() {
        let mut queue = Queue::new(1_000_000, 2_000_000);
        for (number, at_us) in [
            1_500_000, 1_000_000, 1_500_000, 2_000_000, 1_999_999, 1_000_001,
        ]
        .into_iter()
        .enumerate()
        {
            queue.push(at_us, number);
        }
        let mut popped = Vec::new();
        while let Some((at_us, number)) = queue.pop() {
            popped.push(number);
            if number == 1 {
                queue.push(at_us, 9);
            }
        }
        assert_eq!(popped, [1, 9, 5, 0, 2, 4]);
    }

    #[test]
    fn a_task_goes_on_when_its_time_has_come_and_when_another_wakes_it() {
        let engine = Rc::new(Engine::<u8>::new(0, 1_000));
        let told = Rc::new(RefCell::new(Vec::new()));
        let (sender, receiver) = futures_channel::oneshot::channel();
        let (clock, tell) = (Rc::clone(&engine), Rc::clone(&told));
        engine.spawn(Box::pin(async move {
            receiver.await.unwrap();
            tell.borrow_mut().push(("woken", clock.now_us()));
        }));
        let (clock, tell) = (Rc::clone(&engine), Rc::clone(&told));
        engine.spawn(Box::pin(async move {
            clock.until(100).await;
            tell.borrow_mut().push(("waited", clock.now_us()));
            sender.send(()).unwrap();
            clock.until(2_000).await;
            unreachable!("that is after the end");
        }));
        engine.plan(150, 7);
        assert_eq!(engine.next(), Some(7));
        assert_eq!(*told.borrow(), [("waited", 100), ("woken", 100)]);
        assert_eq!(engine.next(), None);
        engine.clear();
        assert_eq!(Rc::strong_count(&engine), 1);
    }
}
