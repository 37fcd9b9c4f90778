#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod checks;
mod patterns;
mod secrets;
mod words;

use super::Schema;
use crate::reason::Reason;

fn schema(json: &str) -> Schema {
    Schema::parse(json.as_bytes()).unwrap()
}

/// Why a schema cannot be used: `pointer: message` each.
fn refusals(json: &str) -> Vec<String> {
    match schema(json).check() {
        Ok(()) => Vec::new(),
        Err(reasons) => reasons.iter().map(Reason::to_string).collect(),
    }
}
