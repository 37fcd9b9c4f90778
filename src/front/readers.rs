//! This isolate's readers, one for each space that was asked for here.

use std::cell::{OnceCell, RefCell};

use bellwether_core::document::Document;
use bellwether_core::fleet::isolate_text;
use bellwether_core::merge::Layers;
use bellwether_core::space_name::SpaceName;
use bellwether_reader::{Reader, Rejection, Setup, random_id};
use worker::Env;

use crate::worker_env::worker_env;

thread_local! {
    static READERS: RefCell<Vec<(SpaceName, Reader<Document>)>> = const { RefCell::new(Vec::new()) };
    static ISOLATE: OnceCell<String> = const { OnceCell::new() };
}

/// The reader of a configured space.
pub(super) fn reader(space: &SpaceName) -> Reader<Document> {
    READERS.with_borrow_mut(|readers| {
        if let Some((_, reader)) = readers.iter().find(|(name, _)| name == space) {
            return reader.clone();
        }
        let reader = Reader::new(space.as_str(), set_up, parse);
        readers.push((space.clone(), reader.clone()));
        reader
    })
}

/// Every reader of this isolate.
pub(super) fn readers() -> Vec<(SpaceName, Reader<Document>)> {
    READERS.with_borrow(Clone::clone)
}

/// A name for this isolate, so that its figures are never taken for the fleet's.
pub(super) fn isolate() -> String {
    ISOLATE.with(|isolate| {
        let drawn = || isolate_text(random_id());
        isolate.get_or_init(drawn).clone()
    })
}

/// What this Worker read of its environment anyway.
fn set_up(env: &Env) -> Setup<Document> {
    let env = worker_env(env);
    let layers = |vars| Layers {
        defaults: Some(&env.built_in.defaults),
        vars,
        source: None,
        override_: None,
    };
    let base = layers(Some(&env.built_in.vars)).merged();
    Setup {
        settings: env.settings.reader.clone(),
        base: base
            .or_else(|_| layers(None).merged())
            .map_err(|reason| reason.to_string()),
        problems: env.problems.clone(),
    }
}

/// Kept as JSON; checked like any document, for what a transport brings may be anything.
fn parse(document: &str) -> Result<Document, Rejection> {
    Document::parse(document.as_bytes()).map_err(|reason| Rejection {
        pointer: reason.pointer.clone(),
        message: reason.message.clone(),
    })
}
