//! This isolate's readers, one for each space that was asked for here.

use std::cell::{OnceCell, RefCell};

use bellwether_core::document::Document;
use bellwether_core::fleet::isolate_text;
use bellwether_core::space_name::SpaceName;
use bellwether_reader::{Reader, Rejection, random_id};

use crate::worker_env::DEFAULTS;

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
        let reader = Reader::with_parser(space.as_str(), DEFAULTS, parse);
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

/// Kept as JSON; checked like any document, for what a transport brings may be anything.
fn parse(document: &str) -> Result<Document, Rejection> {
    Document::parse(document.as_bytes()).map_err(|reason| Rejection {
        pointer: reason.pointer.clone(),
        message: reason.message.clone(),
    })
}
