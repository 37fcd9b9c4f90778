//! `simulate`: hunts for bugs that timing, crashes and faults can make. See docs/simulation.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test program: what cannot be must stop it"
)]

mod chance;
mod cli;
mod database;
mod deep;
mod desk;
mod director;
mod drill;
mod fleet;
mod former;
mod here;
mod host;
mod hunt;
#[cfg(feature = "laboratory")]
mod laboratory;
mod ledger;
mod minimums;
mod network;
mod oracle;
mod platform;
mod report;
mod reports;
mod requests;
mod shelf;
mod simulation;
mod upstream;
mod watch;
mod world;

use std::process::ExitCode;

use bellwether_simulation::{executor, rng, sqlite};

fn main() -> ExitCode {
    match cli::parse() {
        #[cfg(feature = "laboratory")]
        Ok(command) if command.defects => laboratory::hunt_defects(command.first_seed),
        #[cfg(feature = "laboratory")]
        Ok(command) if command.branches.is_some() => {
            let hunted = hunt::run(&command);
            if hunted == ExitCode::SUCCESS {
                laboratory::coverage(command.branches.as_deref().unwrap_or_default())
            } else {
                hunted
            }
        }
        Ok(command) => hunt::run(&command),
        Err(message) => {
            eprintln!("error: {message}\n   do: simulate --help lists the options");
            ExitCode::from(2)
        }
    }
}
