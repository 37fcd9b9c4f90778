//! Runs a task in the turn of the event loop in which it is started or woken. wasm-bindgen's own way
//! leads through `queueMicrotask`, which workerd wraps in a function and a scope of its own: 17 µs for
//! each wake, where all that a read decides takes 2.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

type Task = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    /// Those that wait; `None` where there is none any more, or where it runs.
    static PLACES: RefCell<Vec<Option<Task>>> = const { RefCell::new(Vec::new()) };
    /// Those that are to run, in order; seldom more than two.
    static WOKEN: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    static RUNNING: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Runs a task as far as it comes by itself, and on whenever it is woken: not before what it waits for
/// is there, so what wakes before that is not for it, as the crate worker's `Delay` does.
pub fn start(task: impl Future<Output = ()> + 'static) {
    let task: Task = Box::pin(task);
    let number = PLACES.with_borrow_mut(|places| {
        let running = RUNNING.get();
        for (number, place) in places.iter_mut().enumerate() {
            if place.is_none() && running != Some(number) {
                *place = Some(task);
                return number;
            }
        }
        places.push(Some(task));
        places.len() - 1
    });
    wake(number);
}

/// Whoever wakes may be in the middle of something: a task that runs is finished with first.
fn wake(number: usize) {
    WOKEN.with_borrow_mut(|woken| woken.push(number));
    if RUNNING.get().is_some() {
        return;
    }
    let _running = Running;
    while let Some(number) = first_woken() {
        RUNNING.set(Some(number));
        run(number);
    }
}

fn first_woken() -> Option<usize> {
    WOKEN.with_borrow_mut(|woken| (!woken.is_empty()).then(|| woken.remove(0)))
}

fn run(number: usize) {
    // It may have ended since it was woken; what has its place by now is woken for nothing.
    let Some(mut task) = put(number, None) else {
        return;
    };
    let waker = Waker::from(Arc::new(Wakeup(number)));
    let polled = task.as_mut().poll(&mut Context::from_waker(&waker));
    if polled.is_pending() {
        put(number, Some(task));
    }
}

fn put(number: usize, task: Option<Task>) -> Option<Task> {
    PLACES.with_borrow_mut(|places| mem::replace(places.get_mut(number)?, task))
}

struct Wakeup(usize);

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        wake(self.0);
    }
}

/// However it ends, the next one can run.
struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.set(None);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::rc::Rc;
    use std::task::Poll;

    use super::*;

    #[derive(Default)]
    struct Gate(RefCell<(bool, Option<Waker>)>);

    impl Gate {
        async fn passed(self: Rc<Self>) {
            poll_fn(|context| {
                let (is_open, waits) = &mut *self.0.borrow_mut();
                *waits = Some(context.waker().clone());
                if *is_open {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        }
    }

    fn open(gate: &Gate) {
        let waker = {
            let (is_open, waits) = &mut *gate.0.borrow_mut();
            *is_open = true;
            waits.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn waiting() -> usize {
        PLACES.with_borrow(|places| places.iter().flatten().count())
    }

    #[derive(Clone, Default)]
    struct Log(Rc<RefCell<Vec<&'static str>>>);

    impl Log {
        fn note(&self, what: &'static str) {
            self.0.borrow_mut().push(what);
        }

        fn is(&self, expected: &[&str]) {
            assert_eq!(*self.0.borrow(), expected);
        }
    }

    #[test]
    fn a_task_runs_at_once_and_when_it_is_woken() {
        let (log, gate) = (Log::default(), Rc::new(Gate::default()));
        let (own, passed) = (log.clone(), Rc::clone(&gate).passed());
        start(async move {
            own.note("begun");
            passed.await;
            own.note("ended");
        });
        log.is(&["begun"]);
        open(&gate);
        log.is(&["begun", "ended"]);
        open(&gate);
        log.is(&["begun", "ended"]);
        assert_eq!(waiting(), 0);
    }

    #[test]
    fn a_task_that_runs_is_finished_with_before_those_that_it_starts_and_wakes() {
        let (log, gate) = (Log::default(), Rc::new(Gate::default()));
        let (own, passed) = (log.clone(), Rc::clone(&gate).passed());
        start(async move {
            passed.await;
            own.note("woken");
        });
        let own = log.clone();
        start(async move {
            open(&gate);
            let inner = own.clone();
            start(async move { inner.note("started") });
            own.note("first");
        });
        log.is(&["first", "woken", "started"]);
    }

    #[test]
    fn what_is_woken_while_it_runs_runs_again() {
        let log = Log::default();
        let own = log.clone();
        let mut times = 0;
        start(poll_fn(move |context| {
            times += 1;
            own.note("run");
            context.waker().wake_by_ref();
            if times < 3 {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        }));
        log.is(&["run", "run", "run"]);
        assert_eq!(waiting(), 0);
    }

    #[test]
    fn a_place_is_used_again_and_an_old_wake_does_no_harm() {
        let (log, first, second) = (Log::default(), Gate::default(), Gate::default());
        let (first, second) = (Rc::new(first), Rc::new(second));
        start(Rc::clone(&first).passed());
        let stale = first.0.borrow().1.clone().unwrap();
        open(&first);
        let (own, passed) = (log.clone(), Rc::clone(&second).passed());
        start(async move {
            passed.await;
            own.note("ended");
        });
        assert_eq!(PLACES.with_borrow(Vec::len), 1);
        stale.wake();
        log.is(&[]);
        open(&second);
        log.is(&["ended"]);
    }
}
