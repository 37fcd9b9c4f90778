//! What simulated time needs, shared by the simulator and the core's own tests of its flows.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "for tests: what cannot be must stop them"
)]

pub mod executor;
pub mod rng;
pub mod sqlite;
pub mod validator;
