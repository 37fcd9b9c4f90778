//! The coordinator's flows on a real SQLite, in simulated time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod alarms;
mod bootstrap;
mod crash;
mod deploy;
mod failures;
mod fixtures;
mod history;
mod hunted;
mod logs;
mod migrations;
mod reload;
mod support;
