//! The source: what it holds, what it answers, and what the coordinator ought to make of that.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bellwether_core::document::{MAX_SOURCE_BYTES, Object};
use bellwether_core::refresh::{Cause, Failure, Fetched, Part};
use serde_json::Value;

use crate::chance::Fault;
use crate::deep;
use crate::oracle;
use crate::world::World;

/// A key whose presence makes a document unfit for readers with a type.
pub(crate) const MISFIT: &str = "misfit";

/// What was answered, in the terms of the check.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answered {
    Document(Object),
    NoDocument,
    NotModified { asked: bool },
    Missing,
    Failed(Cause),
}

/// How the source can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One body, without a validator.
    Key,
    /// One body, with a validator.
    Conditional,
    /// A document per key.
    Prefix,
}

/// One call, as the source sees it, and what the check knows of the asker.
pub(crate) struct Asked<'a> {
    pub(crate) shape: Shape,
    pub(crate) if_none_match: Option<&'a str>,
    /// Whether the space has built-in layers with any key.
    pub(crate) has_weaker_layers: bool,
}

pub(crate) struct Upstream {
    world: Rc<World>,
    revision: Cell<u64>,
    document: RefCell<Object>,
    former: RefCell<Vec<Object>>,
    down_until_ms: Cell<u64>,
    in_flight: Cell<u32>,
}

impl Upstream {
    pub(crate) fn new(world: &Rc<World>) -> Rc<Self> {
        let upstream = Rc::new(Self {
            world: Rc::clone(world),
            revision: Cell::new(0),
            document: RefCell::default(),
            former: RefCell::default(),
            down_until_ms: Cell::new(0),
            in_flight: Cell::new(0),
        });
        upstream.change();
        upstream
    }

    /// Somebody writes a new document to it.
    pub(crate) fn change(&self) {
        let revision = self.revision.get() + 1;
        self.revision.set(revision);
        let mut document = Object::new();
        document.insert("rev".to_owned(), revision.into());
        for name in ["a", "b", "c", "mode"] {
            if name == "a" || !self.world.one_in(4) {
                document.insert(name.to_owned(), self.world.between(0, 3).into());
            }
        }
        if self.world.one_in(5) {
            // Takes a value of a weaker layer away, or shows through to nothing.
            let name = *self.world.pick(&["region", "ghost"]);
            document.insert(name.to_owned(), Value::Null);
        }
        deep::deepen(&self.world, &mut document);
        let former = self.document.replace(document);
        let mut formers = self.former.borrow_mut();
        formers.push(former);
        if formers.len() > 4 {
            formers.remove(0);
        }
    }

    /// Somebody takes a weaker layer's value away.
    pub(crate) fn take_away(&self, key: &str) {
        self.document
            .borrow_mut()
            .insert(key.to_owned(), Value::Null);
        self.revision.set(self.revision.get() + 1);
    }

    /// One value changes, and nothing else.
    pub(crate) fn change_at(&self, key: &str) {
        let revision = self.revision.get() + 1;
        self.revision.set(revision);
        self.document
            .borrow_mut()
            .insert(key.to_owned(), revision.into());
    }

    /// A change that no reader can see.
    pub(crate) fn change_unseen(&self) {
        self.take_away(&format!("ghost{}", self.world.between(0, 9)));
    }

    pub(crate) fn go_down(&self, ms: u64) {
        self.down_until_ms.set(self.world.now_ms() + ms);
    }

    pub(crate) fn recover(&self) {
        self.down_until_ms.set(0);
    }

    pub(crate) fn document(&self) -> Object {
        self.document.borrow().clone()
    }

    /// At most one call is in flight; it is, until the guard goes.
    pub(crate) fn enter(self: &Rc<Self>) -> InFlight {
        self.in_flight.set(self.in_flight.get() + 1);
        let in_flight = self.in_flight.get();
        self.world
            .check(in_flight == 1, "one source call at a time", || {
                format!("{in_flight} calls are in flight")
            });
        InFlight(Rc::clone(self))
    }

    /// What is answered to one call, and after how long; `None` never comes.
    pub(crate) fn answer(
        &self,
        asked: &Asked<'_>,
        timeout_ms: u64,
    ) -> (u64, Option<(Answered, Fetched)>) {
        let world = &self.world;
        let delay_ms = if world.strikes(Fault::SourceSlow) {
            world
                .chance
                .between(Fault::SourceSlow, timeout_ms / 2, timeout_ms * 3 / 2)
        } else {
            world.between(1, timeout_ms.min(200) - 1)
        };
        if world.strikes(Fault::SourceHangs) {
            return (delay_ms, None);
        }
        (delay_ms, Some(self.content(asked)))
    }

    fn content(&self, asked: &Asked<'_>) -> (Answered, Fetched) {
        let world = &self.world;
        let shape = asked.shape;
        if world.now_ms() < self.down_until_ms.get() || world.strikes(Fault::SourceFails) {
            let cause = *world.pick(&[
                Cause::Network,
                Cause::Status,
                Cause::Redirect,
                Cause::Binding,
                Cause::Secret,
            ]);
            let failure = Failure::new(cause, "as simulated");
            return (Answered::Failed(cause), Fetched::Failed(failure));
        }
        if world.strikes(Fault::SourceMissing) {
            let fetched = match shape {
                Shape::Prefix => Fetched::Parts(Vec::new()),
                _ => Fetched::Missing,
            };
            return (Answered::Missing, fetched);
        }
        if world.strikes(Fault::SourceOversized) {
            let at_least = MAX_SOURCE_BYTES as u64 + 1;
            return (Answered::NoDocument, Fetched::Oversized { at_least });
        }
        if world.strikes(Fault::SourceUnasked304) {
            let asked = asked.if_none_match.is_some();
            return (Answered::NotModified { asked }, Fetched::NotModified);
        }
        if world.strikes(Fault::SourceMalformed) {
            let bytes = *[
                &b""[..],
                b"  ",
                b"null",
                b"[1]",
                b"{\"a\":1}x",
                b"\xff{}",
                b"{\"a\":1,\"a\":2}",
                b"{\"a\":1e999}",
            ]
            .get(world.chance.between(Fault::SourceMalformed, 0, 7) as usize)
            .unwrap_or(&&b""[..]);
            return (Answered::NoDocument, wrap(shape, bytes.to_vec(), None));
        }
        if world.strikes(Fault::SourceTruncated) {
            let mut bytes = text(&self.document.borrow());
            let kept = world
                .chance
                .between(Fault::SourceTruncated, 0, bytes.len() as u64 - 1);
            bytes.truncate(kept as usize);
            return (Answered::NoDocument, wrap(shape, bytes, None));
        }
        self.readable(asked)
    }

    fn readable(&self, asked: &Asked<'_>) -> (Answered, Fetched) {
        let world = &self.world;
        let shape = asked.shape;
        let mut document = self.document.borrow().clone();
        if world.strikes(Fault::SourceOlder) {
            let formers = self.former.borrow();
            let choice = world
                .chance
                .between(Fault::SourceOlder, 0, formers.len() as u64 - 1);
            document = formers[choice as usize].clone();
        } else if world.strikes(Fault::SourceEmpty) {
            document = Object::new();
        } else if world.strikes(Fault::SourceLosesKeys) {
            document.retain(|key, _| key == "rev");
        } else if asked.has_weaker_layers && world.strikes(Fault::SourceAtLimit) {
            // Readable by itself; with a key of a weaker layer it is not.
            document.retain(|_, value| !value.is_null());
            oracle::fill(&mut document, "pad", &Object::new());
        } else if world.strikes(Fault::SourceMisfit) {
            document.insert(MISFIT.to_owned(), Value::Bool(true));
        } else if shape == Shape::Conditional {
            let etag = format!("\"r{}\"", self.revision.get());
            if asked.if_none_match == Some(etag.as_str()) {
                return (Answered::NotModified { asked: true }, Fetched::NotModified);
            }
            let bytes = text(&document);
            return (Answered::Document(document), wrap(shape, bytes, Some(etag)));
        }
        let bytes = text(&document);
        (Answered::Document(document), wrap(shape, bytes, None))
    }
}

pub(crate) struct InFlight(Rc<Upstream>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight.get() - 1);
    }
}

fn text(document: &Object) -> Vec<u8> {
    serde_json::to_vec(document).unwrap()
}

fn wrap(shape: Shape, bytes: Vec<u8>, etag: Option<String>) -> Fetched {
    match shape {
        Shape::Prefix => Fetched::Parts(vec![Part {
            path: Vec::new(),
            bytes,
        }]),
        _ => Fetched::Body { bytes, etag },
    }
}
