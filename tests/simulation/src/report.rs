//! What people read: progress, the summary, a failure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::chance::Fault;
use crate::simulation::Ended;
use crate::world::{Wish, clock_text};

/// Many worlds together.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) worlds: u64,
    pub(crate) days: u64,
    pub(crate) events: u64,
    /// Time spent by all cores.
    pub(crate) busy: Duration,
    pub(crate) took: Duration,
    happened: Vec<u64>,
    reached: BTreeMap<&'static str, u64>,
    told: Option<Instant>,
}

impl Summary {
    pub(crate) fn add(&mut self, ended: &Ended, busy: Duration) {
        self.worlds += 1;
        self.days += ended.days;
        self.events += ended.events;
        self.busy += busy;
        self.happened.resize(Fault::ALL.len(), 0);
        for (total, more) in self.happened.iter_mut().zip(&ended.happened) {
            *total += more;
        }
        for (state, times) in &ended.reached {
            *self.reached.entry(state).or_insert(0) += times;
        }
    }

    pub(crate) fn progress(&mut self, started: Instant, worlds: u64, every: Duration) {
        if self.told.unwrap_or(started).elapsed() < every {
            return;
        }
        self.told = Some(Instant::now());
        println!(
            "  {:>3} s  {} of {worlds} worlds, {} days, {} events",
            started.elapsed().as_secs(),
            self.worlds,
            self.days,
            self.events
        );
    }

    /// Events that one core got through in a second.
    pub(crate) fn events_per_second(&self) -> u64 {
        (self.events as f64 / self.busy.as_secs_f64().max(0.001)) as u64
    }
}

pub(crate) fn summary(summary: &Summary) {
    println!(
        "simulate: {} days in {} worlds, {} events in {:.1} s ({} a second and core)",
        summary.days,
        summary.worlds,
        summary.events,
        summary.took.as_secs_f64(),
        summary.events_per_second()
    );
    println!("faults:");
    let faults = Fault::ALL.iter().zip(&summary.happened);
    columns(faults.map(|(fault, times)| (fault.name(), *times)));
    println!("states:");
    columns(
        summary
            .reached
            .iter()
            .map(|(state, times)| (*state, *times)),
    );
}

fn columns(rows: impl Iterator<Item = (&'static str, u64)>) {
    let cells: Vec<String> = rows
        .map(|(name, times)| format!("{name:26}{times:>11}"))
        .collect();
    for row in cells.chunks(2) {
        println!("  {}", row.join("   "));
    }
}

/// Seed, step, what broke, what led to it, and the command that shows it again.
pub(crate) fn failure(wish: &Wish, ended: &Ended) {
    let Some(violation) = &ended.violation else {
        println!(
            "simulate: the failure did not come again; the simulator itself is not deterministic"
        );
        return;
    };
    println!("\nVIOLATION  {}", violation.property);
    println!("  {}", violation.detail);
    println!(
        "  seed {}, step {}, at {}",
        wish.seed,
        violation.step,
        clock_text(violation.at_ms)
    );
    println!("\ntrace (the last lines):");
    for line in &ended.trace {
        println!("{line}");
    }
    println!("\nagain: make simulate {}", command(wish));
    println!("for the list of regressions: {}", options(wish));
}

fn command(wish: &Wish) -> String {
    let mut command = format!("SEED={} DAYS={}", wish.seed, wish.days);
    if !wish.without.is_empty() {
        command += &format!(" WITHOUT={}", names(wish));
    }
    if wish.isolates != 8 {
        command += &format!(" ISOLATES={}", wish.isolates);
    }
    command
}

fn options(wish: &Wish) -> String {
    let mut options = format!("--seed {} --days {}", wish.seed, wish.days);
    if !wish.without.is_empty() {
        options += &format!(" --without {}", names(wish));
    }
    if wish.isolates != 8 {
        options += &format!(" --isolates {}", wish.isolates);
    }
    options
}

fn names(wish: &Wish) -> String {
    let names: Vec<_> = wish.without.iter().map(|fault| fault.name()).collect();
    names.join(",")
}
