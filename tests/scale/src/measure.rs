//! What a run finds out.

use bellwether_core::settings::SpaceSettings;
use bellwether_core::wire::ReadState;

use crate::histogram::Histogram;
use crate::object::Admission;
use crate::run::ORIGIN_MS;

const SECOND_MS: u64 = 1_000;
const TENTH_MS: u64 = 100;

/// When is looked, in simulated milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    /// Reads count from then on.
    pub(crate) begin_ms: u64,
    /// What the scenario is about happens: the end of the quiet part.
    pub(crate) event_ms: u64,
    /// From then on the herd comes: with the event, or when the object is back.
    pub(crate) herd_ms: u64,
    /// The run ends.
    pub(crate) end_ms: u64,
}

/// Reads of one isolate while nothing changes in it: by density, or one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reads {
    /// From then till then; equal for a single read.
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
    /// Reads a millisecond; 1 for a single read.
    pub(crate) density: f64,
    /// When its snapshot was vouched for, and for how long; `None` for the base.
    pub(crate) vouched: Option<(u64, u64)>,
    /// Whether it shows what the event adopted.
    pub(crate) is_new: bool,
}

/// Measures of one run.
#[derive(Clone, Debug)]
pub(crate) struct Measures {
    pub(crate) windows: Windows,
    swr_ms: u64,
    /// Requests that reached the object, by second of the run; refused ones among them.
    pub(crate) requests: Vec<u64>,
    pub(crate) refused: u64,
    pub(crate) down: u64,
    /// Snapshots that the coordinator says that it told.
    pub(crate) told: u64,
    /// While the fleet was put in place.
    pub(crate) told_before: u64,
    /// Calls of readers, and those of them that a data centre's cache answered.
    pub(crate) calls: u64,
    pub(crate) colo_hits: u64,
    /// Reads by state, in the order of `ReadState::ALL`: of the quiet part, and from the event on.
    pub(crate) quiet: [f64; 4],
    pub(crate) after: [f64; 4],
    /// Ages of reads that had a snapshot, in the quiet part, in milliseconds; and the oldest.
    pub(crate) ages: Histogram,
    pub(crate) oldest_ms: u64,
    /// Reads since the event, and those of them that show what it adopted, by time since.
    pub(crate) all: Histogram,
    pub(crate) new: Histogram,
    pub(crate) last_old_ms: u64,
    /// Reads that asked for a minimum version, and those that got it.
    pub(crate) minimum: (u64, u64),
    pub(crate) events: u64,
}

impl Measures {
    pub(crate) fn new(windows: Windows, settings: &SpaceSettings) -> Self {
        let longest_ms = settings.ttl_ms + settings.stale_while_revalidate_ms;
        let since_ms = windows.end_ms - windows.event_ms;
        Self {
            windows,
            swr_ms: settings.stale_while_revalidate_ms,
            requests: vec![0; ((windows.end_ms - ORIGIN_MS) / SECOND_MS) as usize + 1],
            refused: 0,
            down: 0,
            told: 0,
            told_before: 0,
            calls: 0,
            colo_hits: 0,
            quiet: [0.0; 4],
            after: [0.0; 4],
            ages: Histogram::new(TENTH_MS, 2 * longest_ms),
            oldest_ms: 0,
            all: Histogram::new(TENTH_MS, since_ms),
            new: Histogram::new(TENTH_MS, since_ms),
            last_old_ms: 0,
            minimum: (0, 0),
            events: 0,
        }
    }

    /// A request arrives at the object.
    pub(crate) fn arrive(&mut self, at_ms: u64, admission: Admission) {
        self.requests[second_of(at_ms)] += 1;
        match admission {
            Admission::ServedAt(_) => {}
            Admission::Overloaded => self.refused += 1,
            Admission::Down => self.down += 1,
        }
    }

    /// Counts reads.
    pub(crate) fn count(&mut self, reads: &Reads) {
        let Windows {
            begin_ms,
            event_ms,
            end_ms,
            ..
        } = self.windows;
        self.count_part(reads, begin_ms, event_ms);
        self.count_part(reads, event_ms, end_ms);
    }

    /// The mean and the busiest second of the object's requests in the quiet part.
    pub(crate) fn steady_per_s(&self) -> (f64, u64) {
        self.per_s(self.windows.begin_ms, self.windows.event_ms)
    }

    /// The same of the herd's part.
    pub(crate) fn herd_per_s(&self) -> (f64, u64) {
        self.per_s(self.windows.herd_ms, self.windows.end_ms)
    }

    /// Requests by second, since the event.
    pub(crate) fn since_event(&self) -> &[u64] {
        &self.requests[second_of(self.windows.event_ms)..second_of(self.windows.end_ms)]
    }

    /// How long after the event it takes until this share of the reads at a time shows what it
    /// adopted, in milliseconds.
    pub(crate) fn converged_ms(&self, share: f64) -> Option<u64> {
        let curve = self.convergence();
        let last_below = curve.iter().rposition(|(_, seen)| *seen < share);
        match last_below {
            None => Some(0),
            Some(last) => curve.get(last + 1).map(|(at_ms, _)| *at_ms),
        }
    }

    /// Time since the event in milliseconds, and the share of the second's reads that show what it adopted.
    pub(crate) fn convergence(&self) -> Vec<(u64, f64)> {
        let (all, new) = (self.all.weights(), self.new.weights());
        let tenths = (SECOND_MS / TENTH_MS) as usize;
        // What is beyond the end is in the last bin, which is no second then.
        let whole = all.len() - 1;
        let seconds = all[..whole]
            .chunks_exact(tenths)
            .zip(new.chunks_exact(tenths));
        let share = |(second, (all, new)): (usize, (&[f64], &[f64]))| {
            let all: f64 = all.iter().sum();
            let new: f64 = new.iter().sum();
            (all > 0.0).then(|| (second as u64 * SECOND_MS, new / all))
        };
        seconds.enumerate().filter_map(share).collect()
    }

    fn per_s(&self, from_ms: u64, to_ms: u64) -> (f64, u64) {
        let requests = &self.requests[second_of(from_ms)..second_of(to_ms)];
        let mean = requests.iter().sum::<u64>() as f64 / requests.len().max(1) as f64;
        (mean, requests.iter().copied().max().unwrap_or(0))
    }

    fn count_part(&mut self, reads: &Reads, begin_ms: u64, end_ms: u64) {
        let single = reads.from_ms == reads.to_ms;
        let (from_ms, to_ms) = (reads.from_ms.max(begin_ms), reads.to_ms.min(end_ms));
        let is_outside = if single {
            !(begin_ms..end_ms).contains(&reads.from_ms)
        } else {
            to_ms <= from_ms
        };
        if is_outside {
            return;
        }
        let is_quiet = begin_ms != self.windows.event_ms;
        let weight = if single {
            1.0
        } else {
            (to_ms - from_ms) as f64 * reads.density
        };
        let states = if is_quiet {
            &mut self.quiet
        } else {
            &mut self.after
        };
        match reads.vouched {
            None => states[place(ReadState::Base)] += weight,
            Some((since_ms, ttl_ms)) => {
                let stale_ms = since_ms + ttl_ms;
                let expired_ms = stale_ms + self.swr_ms;
                for (state, begins_ms, ends_ms) in [
                    (ReadState::Fresh, 0, stale_ms),
                    (ReadState::Stale, stale_ms, expired_ms),
                    (ReadState::Expired, expired_ms, u64::MAX),
                ] {
                    let (from_ms, to_ms) = (from_ms.max(begins_ms), to_ms.min(ends_ms));
                    states[place(state)] += match single {
                        true if (begins_ms..ends_ms).contains(&reads.from_ms) => 1.0,
                        true => 0.0,
                        false => to_ms.saturating_sub(from_ms) as f64 * reads.density,
                    };
                }
                if is_quiet {
                    let (young_ms, old_ms) = (from_ms - since_ms, to_ms - since_ms);
                    self.oldest_ms = self.oldest_ms.max(old_ms);
                    put(&mut self.ages, young_ms, old_ms, reads.density);
                }
            }
        }
        if !is_quiet {
            let (from_ms, to_ms) = (from_ms - begin_ms, to_ms - begin_ms);
            put(&mut self.all, from_ms, to_ms, reads.density);
            if reads.is_new {
                put(&mut self.new, from_ms, to_ms, reads.density);
            } else {
                self.last_old_ms = self.last_old_ms.max(to_ms);
            }
        }
    }
}

fn second_of(at_ms: u64) -> usize {
    ((at_ms - ORIGIN_MS) / SECOND_MS) as usize
}

fn place(state: ReadState) -> usize {
    ReadState::ALL
        .iter()
        .position(|known| *known == state)
        .unwrap()
}

fn put(histogram: &mut Histogram, from: u64, to: u64, density: f64) {
    if from == to {
        histogram.add(from, density);
    } else {
        histogram.add_range(from, to, density);
    }
}
