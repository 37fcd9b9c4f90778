//! A source that answers as it is told to.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use bellwether_core::refresh::{Cause, Failure, Fetched};
use bellwether_core::version::UnixMillis;

/// One answer, and how long it takes.
#[derive(Clone, Debug)]
pub(crate) struct Scripted {
    pub(crate) delay_ms: u64,
    /// `None` never comes.
    pub(crate) answer: Option<Fetched>,
}

/// One call, as the source saw it.
#[derive(Clone, Debug)]
pub(crate) struct SeenCall {
    pub(crate) at: UnixMillis,
    pub(crate) if_none_match: Option<String>,
    /// The alarm that stood when the call was made.
    pub(crate) alarm: Option<UnixMillis>,
}

#[derive(Default)]
pub(crate) struct ScriptedSource {
    script: RefCell<VecDeque<Scripted>>,
    standing: RefCell<Option<Scripted>>,
    calls: RefCell<Vec<SeenCall>>,
    in_flight: Rc<Cell<u32>>,
    most_in_flight: Cell<u32>,
}

impl ScriptedSource {
    /// Answers this once, before what stands.
    pub(crate) fn then(&self, scripted: Scripted) {
        self.script.borrow_mut().push_back(scripted);
    }

    /// Answers this from now on, once the script is used up.
    pub(crate) fn always(&self, scripted: Scripted) {
        *self.standing.borrow_mut() = Some(scripted);
    }

    pub(crate) fn calls(&self) -> Vec<SeenCall> {
        self.calls.borrow().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.calls.borrow().len()
    }

    pub(crate) fn most_in_flight(&self) -> u32 {
        self.most_in_flight.get()
    }

    /// Takes a call; it is in flight until the guard goes.
    pub(super) fn take_call(&self, call: SeenCall) -> (Scripted, InFlight) {
        self.calls.borrow_mut().push(call);
        let guard = InFlight::enter(&self.in_flight);
        self.most_in_flight
            .set(self.most_in_flight.get().max(self.in_flight.get()));
        let scripted = self.script.borrow_mut().pop_front();
        let scripted = scripted.or_else(|| self.standing.borrow().clone());
        (scripted.unwrap_or_else(|| soon(Fetched::Missing)), guard)
    }
}

pub(super) struct InFlight(Rc<Cell<u32>>);

impl InFlight {
    fn enter(count: &Rc<Cell<u32>>) -> Self {
        count.set(count.get() + 1);
        Self(Rc::clone(count))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// An answer after 20 ms.
pub(crate) fn soon(answer: Fetched) -> Scripted {
    after(20, answer)
}

pub(crate) fn after(delay_ms: u64, answer: Fetched) -> Scripted {
    Scripted {
        delay_ms,
        answer: Some(answer),
    }
}

pub(crate) fn hang() -> Scripted {
    Scripted {
        delay_ms: 0,
        answer: None,
    }
}

pub(crate) fn body(json: &str) -> Fetched {
    Fetched::Body {
        bytes: json.as_bytes().to_vec(),
        etag: None,
    }
}

pub(crate) fn tagged(json: &str, etag: &str) -> Fetched {
    Fetched::Body {
        bytes: json.as_bytes().to_vec(),
        etag: Some(etag.to_owned()),
    }
}

pub(crate) fn failed(cause: Cause) -> Fetched {
    Fetched::Failed(Failure::new(cause, "as scripted"))
}
