//! The coordinator's flows on a real SQLite, in simulated time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod alarms;
mod authority_audit;
mod authority_bad_input;
mod authority_crash;
mod authority_history;
mod authority_override;
mod authority_pace;
mod authority_pending;
mod authority_properties;
mod authority_publish;
mod authority_rollback;
mod authority_schema;
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
