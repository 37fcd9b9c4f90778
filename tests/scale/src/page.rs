//! docs/scale.md, from results alone.

use std::fmt::Write;

use bellwether_core::wire::ReadState;

use crate::chart::grouped;
use crate::input::Input;
use crate::plan::{Results, SETUPS, Scope};
use crate::run::{Event, Setup};
use crate::summary::{SOFT_LIMIT_PER_S, Summary};

const HEAD: &str = include_str!("../page/head.md");
const STALENESS: &str = include_str!("../page/staleness.md");
const CONVERGENCE: &str = include_str!("../page/convergence.md");
const HERDS: &str = include_str!("../page/herds.md");
const TAIL: &str = include_str!("../page/tail.md");

/// What a page is made of.
pub(crate) struct Page<'a> {
    pub(crate) scope: Scope,
    pub(crate) input: &'a Input,
    pub(crate) results: &'a Results,
    /// The command that makes the same page again.
    pub(crate) command: String,
}

impl Page<'_> {
    /// The text.
    pub(crate) fn to_markdown(&self) -> String {
        [
            HEAD.replace("{command}", &self.command),
            self.inputs(),
            self.load(),
            self.remedy(),
            STALENESS.to_owned(),
            self.staleness(),
            CONVERGENCE.to_owned(),
            self.convergence(),
            HERDS.to_owned(),
            self.herds(),
            TAIL.to_owned(),
        ]
        .join("\n")
    }

    /// The result of a run, if it was done.
    pub(crate) fn result(&self, isolates: u32, setup: Setup, event: Event) -> Option<&Summary> {
        self.results.get(&self.scope.run(isolates, setup, event))
    }

    fn inputs(&self) -> String {
        let mut text =
            "| distance to the object | data centres | round trip p50 | p99 |\n|---|--:|--:|--:|\n"
                .to_owned();
        for group in &self.input.latency.distance {
            let at = |percent| grouped(group.round_trip_ms.at(percent));
            let (p50, p99) = (at(50.0), at(99.0));
            let _ = writeln!(
                text,
                "| {} | {} | {p50} ms | {p99} ms |",
                group.name, group.colos
            );
        }
        text += "\n| share of the isolates | reads a second in each |\n|--:|--:|\n";
        for class in &self.input.fleet.traffic {
            let _ = writeln!(text, "| {} | {} |", percent(class.share), class.reads_per_s);
        }
        let events = &self.input.fleet.events;
        let _ = writeln!(
            text,
            "\nThat is {:.2} reads a second in each isolate on average. A reload's version is asked for by {} of all requests for {} s, \
             an outage takes {} s, a deploy replaces all isolates within {} s.\n\n## At which scale one object no longer suffices\n",
            self.input.mean_reads_per_s(),
            percent(events.reload_asks_minimum),
            events.reload_s,
            events.outage_s,
            events.deploy_s
        );
        text
    }

    fn load(&self) -> String {
        let header = "Requests a second at the object, mean (busiest second), while nothing happens. \
                      **Bold** is above the limit:\n";
        let mean = |setup: Setup, isolates| {
            let Some(run) = self.result(isolates, setup, Event::Adoption) else {
                return not_done();
            };
            let (mean, busiest) = run.steady_per_s;
            let text = format!("{} ({})", grouped(mean), grouped(busiest as f64));
            marked(text, mean > SOFT_LIMIT_PER_S as f64)
        };
        let mut text = format!("{header}\n{}", self.by_size(mean));
        let _ = writeln!(
            text,
            "\n![Requests a second by size of the fleet](scale/load.svg)\n"
        );
        let _ = writeln!(
            text,
            "By arithmetic (one call for each TTL and the wait for the next read, in each isolate), one object is used up at:\n"
        );
        for ttl_s in [30_u32, 300] {
            // To two digits: traffic is not known better.
            let ceiling = SOFT_LIMIT_PER_S as f64 / self.input.calls_per_s(f64::from(ttl_s));
            let name = Setup {
                ttl_s: ttl_s.into(),
                ..Setup::DEFAULT
            }
            .name();
            let _ = writeln!(
                text,
                "- {name}: about {} isolates",
                grouped(rounded(ceiling))
            );
        }
        text
    }

    /// For each size, which settings keep each second of all events below the limit.
    fn remedy(&self) -> String {
        let mut text = "## What keeps the object below 1,000 requests a second\n\n\
             The busiest second of all: quiet, after an adoption, a reload, an outage's end, and a deploy. **Bold** is above the limit:\n\n"
            .to_owned();
        text += &self.by_size(|setup, isolates| {
            let peak = self.worst(setup, isolates);
            if peak == 0 {
                return not_done();
            }
            marked(grouped(peak as f64), peak > SOFT_LIMIT_PER_S)
        });
        text.push('\n');
        for isolates in self.scope.sizes() {
            let real = SETUPS.into_iter().filter(|setup| !setup.jitter);
            let kept = |setup: &Setup| self.worst(*setup, *isolates) <= SOFT_LIMIT_PER_S;
            let size = grouped(f64::from(*isolates));
            let least = real.clone().find(kept).map(|setup| setup.name());
            let _ = match least {
                Some(name) => writeln!(
                    text,
                    "- {size} isolates: **{name}** is enough for everything."
                ),
                None => {
                    let best = real
                        .min_by_key(|setup| self.worst(*setup, *isolates))
                        .unwrap();
                    writeln!(
                        text,
                        "- {size} isolates: {}",
                        self.what_is_left(best, *isolates)
                    )
                }
            };
        }
        text
    }

    fn what_is_left(&self, setup: Setup, isolates: u32) -> String {
        let mut over = Vec::new();
        for event in Event::ALL {
            let Some(run) = self.result(isolates, setup, event) else {
                continue;
            };
            if run.herd_peak_per_s > SOFT_LIMIT_PER_S {
                let (peak, above_s) = (grouped(run.herd_peak_per_s as f64), run.herd_above_s);
                over.push(format!(
                    "{} ({peak} in the busiest second, {above_s} s above the limit)",
                    event.name()
                ));
            }
        }
        format!(
            "nothing keeps all. The best is **{}**, which keeps below the limit whatever is not named here: {}.",
            setup.name(),
            over.join(", ")
        )
    }

    /// The busiest second of all runs with these settings.
    fn worst(&self, setup: Setup, isolates: u32) -> u64 {
        let runs = Event::ALL
            .into_iter()
            .filter_map(|event| self.result(isolates, setup, event));
        // Nought where nothing was done.
        let peaks = runs.map(|run| run.herd_peak_per_s.max(run.steady_per_s.1));
        peaks.max().unwrap_or(0)
    }

    fn staleness(&self) -> String {
        let mut text = String::new();
        for isolates in self.curve_sizes() {
            let _ = writeln!(
                text,
                "{} isolates:\n\n| settings | p50 | p99 | oldest | fresh | stale | expired | base |\n|---|--:|--:|--:|--:|--:|--:|--:|",
                grouped(f64::from(isolates))
            );
            for setup in SETUPS {
                let Some(run) = self.result(isolates, setup, Event::Adoption) else {
                    continue;
                };
                let ages = run.ages_ms.map(|ms| seconds(Some(ms), 0));
                let states = run.quiet_states.map(percent);
                let _ = writeln!(
                    text,
                    "| {} | {} | {} |",
                    setup.name(),
                    ages.join(" | "),
                    states.join(" | ")
                );
            }
            text.push('\n');
        }
        text + "![Ages of reads](scale/staleness.svg)\n"
    }

    fn convergence(&self) -> String {
        let mut text = String::new();
        for isolates in self.curve_sizes() {
            let _ = writeln!(
                text,
                "{} isolates:\n\n| settings | p50 | p99 | p99.9 | last old read | reload: got what they asked for |\n|---|--:|--:|--:|--:|--:|",
                grouped(f64::from(isolates))
            );
            for setup in SETUPS {
                let Some(run) = self.result(isolates, setup, Event::Adoption) else {
                    continue;
                };
                let reload = self.result(isolates, setup, Event::Reload);
                let until = run.converged_ms.map(|ms| seconds(ms, run.looked_ms));
                let last = (run.last_old_ms + 1_000 < run.looked_ms).then_some(run.last_old_ms);
                let served = reload.map(|reload| {
                    let (asked, got) = reload.minimum;
                    percent(got as f64 / asked.max(1) as f64)
                });
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {} |",
                    setup.name(),
                    until.join(" | "),
                    seconds(last, run.looked_ms),
                    served.unwrap_or_else(not_done)
                );
            }
            text.push('\n');
        }
        text + "![Share of reads with the new version](scale/convergence.svg)\n"
    }

    fn herds(&self) -> String {
        let mut text = String::new();
        let isolates = self.scope.largest();
        for event in [Event::Reload, Event::Outage, Event::Deploy] {
            let _ = writeln!(text, "### {}\n\nThe busiest second:\n", event.title());
            text += &self.by_size(|setup, isolates| {
                let Some(run) = self.result(isolates, setup, event) else {
                    return not_done();
                };
                let peak = run.herd_peak_per_s;
                marked(grouped(peak as f64), peak > SOFT_LIMIT_PER_S)
            });
            let _ = writeln!(
                text,
                "\n{} isolates, since it began:\n\n| settings | seconds above the limit | refused of all requests | base | expired |\n|---|--:|--:|--:|--:|",
                grouped(f64::from(isolates))
            );
            for setup in SETUPS {
                let Some(run) = self.result(isolates, setup, event) else {
                    continue;
                };
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {} | {} |",
                    setup.name(),
                    run.herd_above_s,
                    percent(run.refused as f64 / run.requests.max(1) as f64),
                    percent(run.after(ReadState::Base)),
                    percent(run.after(ReadState::Expired)),
                );
            }
            let _ = writeln!(text, "\n![Requests a second](scale/{}.svg)\n", event.name());
        }
        text
    }

    /// The size whose curves are shown, and larger ones.
    fn curve_sizes(&self) -> impl Iterator<Item = u32> {
        let sizes = self.scope.sizes().iter().copied();
        sizes.filter(|size| *size == self.scope.shown() || *size >= 100_000)
    }

    /// A table of settings by sizes.
    fn by_size(&self, cell: impl Fn(Setup, u32) -> String) -> String {
        let sizes = self.scope.sizes();
        let heads: Vec<String> = sizes.iter().map(|size| grouped(f64::from(*size))).collect();
        let mut table = format!(
            "| settings | {} |\n|---|{}\n",
            heads.join(" | "),
            "--:|".repeat(sizes.len())
        );
        for setup in SETUPS {
            let cells: Vec<String> = sizes.iter().map(|size| cell(setup, *size)).collect();
            let _ = writeln!(table, "| {} | {} |", setup.name(), cells.join(" | "));
        }
        table
    }
}

fn not_done() -> String {
    "–".to_owned()
}

fn marked(text: String, is_above: bool) -> String {
    if is_above {
        format!("**{text}**")
    } else {
        text
    }
}

/// To two digits.
fn rounded(number: f64) -> f64 {
    let unit = 10_f64.powf(number.log10().floor() - 1.0);
    (number / unit).round() * unit
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.1 {
        return format!("{percent:.3} %");
    }
    format!("{percent:.1} %")
}

/// `None` where it was not seen for as long as it was looked.
fn seconds(ms: Option<u64>, looked_ms: u64) -> String {
    match ms {
        Some(ms) => format!("{} s", grouped(ms as f64 / 1e3)),
        None => format!("> {} s", grouped(looked_ms as f64 / 1e3)),
    }
}
