//! The validator as the Worker has it: schemas checked and lowered by the core, documents validated by
//! `src/schema.mjs` with the npm package, on Node.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken expectation must stop the test, with its line"
)]

mod limits;
mod node;
mod suite;
mod violations;
