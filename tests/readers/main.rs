//! One behaviour, two readers: the traces in `tests/vectors/`, and random ones, over the Rust reader's own code and over
//! the TypeScript reader's.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken expectation must stop the test, with its line"
)]

mod fit;
mod random;
mod scene;
mod setup;
mod shelf;
mod typescript;
mod vectors;
