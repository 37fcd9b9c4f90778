//! Who this isolate is, and where.

use std::cell::Cell;

use bellwether_core::fleet::Colo;
use worker::js_sys::Math;
use worker::web_sys::Request;

use crate::hot;

thread_local! {
    static COLO: Cell<Option<Colo>> = const { Cell::new(None) };
}

/// Looks, once in an isolate, in which data centre it is: `request.cf.colo` of a request that is
/// served here. Readers tell it to the coordinator. Call it with any request, as often as you like;
/// of a [`worker::Request`] it takes the `inner()`.
pub fn note_colo(request: &Request) {
    if COLO.get().is_none() {
        let colo = Colo::parse(&hot::colo(request));
        COLO.set(Some(colo.unwrap_or(Colo::UNKNOWN)));
    }
}

/// A number by chance, never 0: a name for an isolate, or a part of it.
#[must_use]
pub fn random_id() -> u64 {
    let digits = || (Math::random() * f64::from(u32::MAX)) as u64;
    digits() << 32 | digits() | 1
}

pub(crate) fn colo() -> Colo {
    COLO.get().unwrap_or(Colo::UNKNOWN)
}
