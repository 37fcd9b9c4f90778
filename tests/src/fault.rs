//! How a server the harness plays misbehaves.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use crate::message::Response;

/// What happens to one call instead of, or on top of, the true answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing: the true answer. Of use in a queue, and under [`Fault::After`].
    None,
    /// Waits this long first.
    After(Duration, Box<Fault>),
    /// Waits until the gate opens, then the true answer.
    Hold(Gate),
    /// This answer instead.
    Answer(Response),
    /// Reads the request and never answers.
    Hang,
    /// Reads the request and closes the connection.
    Close,
    /// Declares the whole length, sends half of the body, closes.
    CutLength,
    /// Sends half of the body in a chunk, closes without the last chunk.
    CutChunked,
    /// Sends the true body slowly: so many bytes at a time, with a pause before each.
    Drip {
        /// Bytes at a time.
        bytes: usize,
        /// The pause before each.
        every: Duration,
    },
    /// Sends chunk after chunk of white space until the other side goes away.
    Endless,
}

impl Fault {
    /// The true answer, late by `delay`.
    pub fn delay(delay: Duration) -> Self {
        Self::After(delay, Box::new(Self::None))
    }

    /// An empty answer with this status.
    pub fn status(status: u16) -> Self {
        Self::Answer(Response::new(status))
    }

    /// A 200 answer with these bytes.
    pub fn body(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Answer(Response::new(200).with_body(bytes))
    }
}

/// Holds calls back until it is opened; clones share one state.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// A closed gate.
    pub fn closed() -> Self {
        Self(Arc::new(watch::channel(false).0))
    }

    /// Lets every held and every later call through.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub(crate) async fn pass(&self) {
        let mut state = self.0.subscribe();
        // The sender lives in self, so this ends only when the gate opens.
        let _ = state.wait_for(|open| *open).await;
    }
}

/// The faults set on one server: a queue for the next calls, then a standing one. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    next: VecDeque<Fault>,
    standing: Option<Fault>,
}

impl Faults {
    /// Sets the fault of every call from now on that has none queued.
    pub fn stand(&self, fault: Fault) {
        self.0.lock().unwrap().standing = Some(fault);
    }

    /// Queues a fault for one call.
    pub fn next(&self, fault: Fault) {
        self.0.lock().unwrap().next.push_back(fault);
    }

    /// Heals: no standing fault and an empty queue.
    pub fn clear(&self) {
        *self.0.lock().unwrap() = Plan::default();
    }

    pub(crate) fn take(&self) -> Fault {
        let mut plan = self.0.lock().unwrap();
        plan.next
            .pop_front()
            .or_else(|| plan.standing.clone())
            .unwrap_or(Fault::None)
    }
}
