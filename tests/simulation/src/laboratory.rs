//! Only in the copy that `laboratory` makes: the hunt for deliberate defects, and the table of
//! branches reached.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use bellwether_core::laboratory::{BRANCHES, DEFECTS, hits, switch};
use serde::Deserialize;

use crate::chance::Fault;
use crate::hunt;
use crate::simulation::{self, DAY_MS};
use crate::world::{Violation, Wish};

/// Each defect must be found within so many simulated days.
const WITHIN_DAYS: u64 = 500;
const DAYS_EACH: u64 = 5;

/// Hunts each defect, and runs the same worlds without any.
pub(crate) fn hunt_defects(first_seed: u64) -> ExitCode {
    let jobs: Vec<Option<&str>> = std::iter::once(None)
        .chain(DEFECTS.iter().copied().map(Some))
        .collect();
    let next = Mutex::new(jobs.into_iter().enumerate());
    let found = Mutex::new(BTreeMap::new());
    // What a panic of a damaged core says is told in the table.
    std::panic::set_hook(Box::new(|_| {}));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let job = next.lock().unwrap().next();
                    let Some((number, defect)) = job else { break };
                    switch(defect);
                    let hunted = hunt(first_seed);
                    found.lock().unwrap().insert(number, (defect, hunted));
                }
            });
        }
    });
    let mut good = true;
    println!(
        "{:60} {:>5} {:>8} {:>7} {:>6}  property",
        "defect", "days", "events", "smaller", "faults"
    );
    for (defect, hunted) in found.into_inner().unwrap().into_values() {
        let (name, right) = match defect {
            None => ("(undamaged)", hunted.property.is_none()),
            Some(name) => (name, hunted.smaller.is_some()),
        };
        good &= right;
        let (smaller, faults) = hunted.smaller.unwrap_or_default();
        println!(
            "{name:60} {:>5} {:>8} {smaller:>7} {faults:>6}  {}{}",
            hunted.days,
            hunted.events,
            hunted.property.unwrap_or("-"),
            if right { "" } else { "  <- WRONG" }
        );
    }
    println!(
        "simulate: {} defects, each to be found within {WITHIN_DAYS} days, seeds from {first_seed}",
        DEFECTS.len()
    );
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What became of the hunt for one defect.
#[derive(Default)]
struct Hunted {
    days: u64,
    events: u64,
    property: Option<&'static str>,
    /// The failure made smaller: events up to it, and kinds of faults that it needs. `None` when it
    /// did not come again at the same step.
    smaller: Option<(u64, usize)>,
}

fn hunt(first_seed: u64) -> Hunted {
    let mut hunted = Hunted::default();
    for number in 0..WITHIN_DAYS / DAYS_EACH {
        let wish = Wish {
            seed: first_seed + number,
            days: DAYS_EACH,
            without: Vec::new(),
            isolates: 8,
        };
        let ended = simulation::run(&wish, false);
        hunted.events += ended.events;
        if let Some(violation) = ended.violation {
            hunted.days += violation.at_ms / DAY_MS + 1;
            hunted.property = Some(violation.property);
            hunted.smaller = replay(wish, &violation);
            return hunted;
        }
        hunted.days += DAYS_EACH;
    }
    hunted
}

/// A failure made smaller is the same failure, and comes again at the same step, traced or not.
fn replay(wish: Wish, violation: &Violation) -> Option<(u64, usize)> {
    let smaller = hunt::shrink(wish, violation);
    let plain = simulation::run(&smaller, false).violation?;
    let traced = simulation::run(&smaller, true).violation?;
    let same = plain.property == violation.property
        && (plain.property, plain.step) == (traced.property, traced.step);
    same.then(|| (plain.step, Fault::ALL.len() - smaller.without.len()))
}

/// `unreached.toml`.
#[derive(Deserialize)]
struct Unreached {
    #[serde(default)]
    branch: Vec<Excused>,
}

#[derive(Deserialize)]
struct Excused {
    file: String,
    function: String,
    head: String,
    why: String,
}

/// After a hunt in this process: the branches of the core's decisions, and whether each was reached.
pub(crate) fn coverage(path: &str) -> ExitCode {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let unreached: Unreached =
        toml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut files: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut excused = Vec::new();
    let mut used = vec![false; unreached.branch.len()];
    for (number, (file, function, line, head)) in BRANCHES.iter().enumerate() {
        let (branches, reached) = files.entry(file).or_default();
        *branches += 1;
        let times = hits(number);
        *reached += u64::from(times > 0);
        let excuse = unreached.branch.iter().position(|excuse| {
            excuse.file == *file && excuse.function == *function && excuse.head == *head
        });
        if let Some(excuse) = excuse {
            used[excuse] = true;
        }
        match (times, excuse) {
            (0, Some(excuse)) => {
                let why = &unreached.branch[excuse].why;
                excused.push(format!("  {file}:{line} {function}: {head}\n      {why}"));
            }
            (0, None) => wrong.push(format!("  not reached: {file}:{line} {function}: {head}")),
            (_, Some(_)) => wrong.push(format!(
                "  reached after all: {file}:{line} {function}: {head}"
            )),
            (_, None) => {}
        }
    }
    for (excuse, used) in unreached.branch.iter().zip(used) {
        if !used {
            wrong.push(format!(
                "  no such branch: {} {}: {}",
                excuse.file, excuse.function, excuse.head
            ));
        }
    }
    println!("branches of decisions:");
    for (file, (branches, reached)) in &files {
        println!("  {file:28}{reached:>5} of {branches:>4} reached");
    }
    let (branches, reached) = files
        .values()
        .fold((0, 0), |sum, file| (sum.0 + file.0, sum.1 + file.1));
    println!("  {:28}{reached:>5} of {branches:>4} reached", "all");
    if !excused.is_empty() {
        println!("not reached, and why:\n{}", excused.join("\n"));
    }
    if wrong.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("WRONG ({path} says otherwise):\n{}", wrong.join("\n"));
    ExitCode::FAILURE
}
