//! Names by chance.

use worker::js_sys::Math;

/// A number by chance, never 0: a name for an isolate, or a part of it.
#[must_use]
pub fn random_id() -> u64 {
    let digits = || (Math::random() * f64::from(u32::MAX)) as u64;
    digits() << 32 | digits() | 1
}
