//! What is kept of a run: the figures that the page tells.

use bellwether_core::wire::ReadState;

use crate::measure::Measures;

/// The requests a second that Cloudflare names as an object's soft limit.
pub(crate) const SOFT_LIMIT_PER_S: u64 = 1_000;

/// Points of the curve of ages.
const AGE_POINTS: u32 = 200;

/// Figures of one run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
    /// Requests a second in the quiet part: mean, busiest second.
    pub(crate) steady_per_s: (f64, u64),
    /// The busiest second of the herd, and how many were above the soft limit.
    pub(crate) herd_peak_per_s: u64,
    pub(crate) herd_above_s: u64,
    pub(crate) refused: u64,
    pub(crate) requests: u64,
    pub(crate) calls: u64,
    pub(crate) colo_hits: u64,
    /// Of the quiet part's reads and of those since the event, the share in each of `ReadState::ALL`.
    pub(crate) quiet_states: [f64; 4],
    pub(crate) after_states: [f64; 4],
    /// Milliseconds that 50 and 99 percent of the quiet part's reads were not older than, and the oldest.
    pub(crate) ages_ms: [u64; 3],
    /// Since the event, by second: requests.
    pub(crate) requests_since: Vec<u64>,
    /// Since the event: milliseconds, share of reads with the new version.
    pub(crate) converging: Vec<(u64, f64)>,
    /// Milliseconds until 50, 99 and 99.9 percent of the reads had it.
    pub(crate) converged_ms: [Option<u64>; 3],
    pub(crate) last_old_ms: u64,
    /// For how long it was looked at, in milliseconds.
    pub(crate) looked_ms: u64,
    /// Reads that asked for the reload's version, and those that got it.
    pub(crate) minimum: (u64, u64),
    /// Percent, milliseconds: so old at most.
    pub(crate) age_curve: Vec<(f64, u64)>,
    pub(crate) events: u64,
}

impl Summary {
    pub(crate) fn of(measures: &Measures) -> Self {
        let (_, herd_peak_per_s) = measures.herd_per_s();
        let since = measures.since_event();
        let herd_begins = (measures.windows.herd_ms - measures.windows.event_ms) / 1_000;
        let herd = &since[herd_begins as usize..];
        let above = herd.iter().filter(|second| **second > SOFT_LIMIT_PER_S);
        let ages = |share| measures.ages.quantile(share);
        let age_curve = (1..AGE_POINTS).map(|point| {
            let share = f64::from(point) / f64::from(AGE_POINTS);
            (share * 100.0, ages(share))
        });
        Self {
            steady_per_s: measures.steady_per_s(),
            herd_peak_per_s,
            herd_above_s: above.count() as u64,
            refused: measures.refused,
            requests: measures.requests.iter().sum(),
            calls: measures.calls,
            colo_hits: measures.colo_hits,
            quiet_states: shares(measures.quiet),
            after_states: shares(measures.after),
            ages_ms: [ages(0.5), ages(0.99), measures.oldest_ms],
            requests_since: since.to_vec(),
            converging: measures.convergence(),
            converged_ms: [0.5, 0.99, 0.999].map(|share| measures.converged_ms(share)),
            last_old_ms: measures.last_old_ms,
            looked_ms: measures.windows.end_ms - measures.windows.event_ms,
            minimum: measures.minimum,
            age_curve: age_curve.collect(),
            events: measures.events,
        }
    }

    /// The share of the reads since the event in this state.
    pub(crate) fn after(&self, state: ReadState) -> f64 {
        let states = ReadState::ALL.iter().zip(self.after_states);
        states
            .filter(|(known, _)| **known == state)
            .map(|(_, share)| share)
            .sum()
    }
}

fn shares(counts: [f64; 4]) -> [f64; 4] {
    let all: f64 = counts.iter().sum();
    counts.map(|count| if all > 0.0 { count / all } else { 0.0 })
}
