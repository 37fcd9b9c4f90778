//! Which runs the page is made of, and doing them on all cores.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use crate::input::Input;
use crate::run::{Event, LONG_LOOK, Run, Setup};
use crate::summary::Summary;
use crate::world::simulate;

/// What the runs gave.
pub(crate) type Results = BTreeMap<Run, Summary>;

/// The settings that are compared, from the defaults on. The last is the remedy.
pub(crate) const SETUPS: [Setup; 7] = [
    Setup::DEFAULT,
    Setup {
        jitter: true,
        ..Setup::DEFAULT
    },
    Setup {
        ttl_s: 300,
        ..Setup::DEFAULT
    },
    Setup {
        colo_cache: true,
        ..Setup::DEFAULT
    },
    Setup {
        colo_cache: true,
        jitter: true,
        ..Setup::DEFAULT
    },
    Setup {
        ttl_s: 300,
        colo_cache: true,
        jitter: false,
    },
    Setup {
        ttl_s: 300,
        colo_cache: true,
        jitter: true,
    },
];

/// Who asks more often than this, by arithmetic, needs no herd to bring an object down.
const HOPELESS_PER_S: f64 = 2_000.0;

/// How large a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) seed: u64,
    pub(crate) quick: bool,
}

impl Scope {
    /// Sizes of fleets.
    pub(crate) fn sizes(self) -> &'static [u32] {
        if self.quick {
            &[1_000, 10_000, 50_000]
        } else {
            &[1_000, 10_000, 50_000, 100_000, 1_000_000]
        }
    }

    /// The largest of them.
    pub(crate) fn largest(self) -> u32 {
        self.sizes().last().copied().unwrap()
    }

    /// The one whose curves are shown: it is looked at for long.
    pub(crate) fn shown(self) -> u32 {
        LONG_LOOK
    }

    /// The run of these.
    pub(crate) fn run(self, isolates: u32, setup: Setup, event: Event) -> Run {
        Run {
            isolates,
            seed: self.seed,
            setup,
            event,
            every_read: false,
        }
    }

    /// All runs. Where the object is asked many times too much anyhow, one of them tells all.
    fn runs(self, input: &Input) -> Vec<Run> {
        let mut runs = Vec::new();
        for isolates in self.sizes() {
            for setup in SETUPS {
                let per_s = input.calls_per_s(setup.ttl_s as f64) * f64::from(*isolates);
                let is_hopeless = !setup.colo_cache && per_s > HOPELESS_PER_S;
                let wanted =
                    |event: &Event| !is_hopeless || (*event == Event::Adoption && !setup.jitter);
                let events = Event::ALL.into_iter().filter(wanted);
                runs.extend(events.map(|event| self.run(*isolates, setup, event)));
            }
        }
        // The longest first, so that no core waits for one that began last.
        runs.sort_by_key(|run| std::cmp::Reverse((run.isolates, !run.setup.colo_cache)));
        runs
    }
}

/// Does all runs; `tell` hears of each one.
pub(crate) fn carry_out(scope: Scope, input: &Input, tell: impl Fn(&str) + Sync) -> Results {
    let runs = scope.runs(input);
    let count = runs.len();
    let (next, results) = (
        Mutex::new(runs.into_iter().enumerate()),
        Mutex::new(Results::new()),
    );
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|threads| {
        for _ in 0..cores {
            threads.spawn(|| {
                while let Some((number, run)) = take_one(&next) {
                    let began = Instant::now();
                    let summary = Summary::of(&simulate(&run, input));
                    let took_s = began.elapsed().as_secs_f64();
                    if took_s > 2.0 {
                        tell(&format!(
                            "{}/{count}  {}: {took_s:.0} s",
                            number + 1,
                            run.label()
                        ));
                    }
                    results.lock().unwrap().insert(run, summary);
                }
            });
        }
    });
    results.into_inner().unwrap()
}

fn take_one<I: Iterator>(from: &Mutex<I>) -> Option<I::Item> {
    from.lock().unwrap().next()
}
