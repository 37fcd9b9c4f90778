//! The coordinator's view of its readers, made of what they tell with calls that they make anyway.
//!
//! It stands in memory alone and begins anew with the object; [`Fleet::to_json`] says since when.
//! Its figures are as honest as the readers: whoever may read may report what he likes.

mod report;
mod table;

use serde_json::{Map, Value};

pub use report::{
    Colo, MAX_MESSAGE_BYTES, MAX_POINTER_BYTES, MAX_REPORT_BYTES, Report, isolate_text,
};
pub use table::{MAX_ISOLATES, MAX_SLOTS, SLOT_BYTES};

use crate::json::{Members, add};
use crate::version::{UnixMillis, Version};
use crate::wire::{ReadState, rfc3339};
use report::decoded;
use table::{Known, Table};

/// An isolate that was silent for so many TTLs is not counted any more.
pub const SILENT_TTLS: u64 = 4;

/// But for a minute it is, in milliseconds.
pub const SILENT_MIN_MS: u64 = 60_000;

/// So many rejections are kept, the latest.
pub const MAX_REJECTIONS: usize = 16;

/// So many data centres are told of by name.
pub const MAX_COLOS: usize = 400;

/// What the view is looked at or added to with.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The object's clock.
    pub now: UnixMillis,
    /// The head's version.
    pub head: Version,
    /// When it was adopted.
    pub adopted_at: UnixMillis,
    /// The TTL that readers are told, in milliseconds.
    pub ttl_ms: u64,
}

/// All that is known of the readers of a space.
#[derive(Debug)]
pub struct Fleet {
    since: UnixMillis,
    table: Table,
    reads: [u64; 4],
    taken: u64,
    late: u64,
    refused: u64,
    /// As they came, with their serial numbers; the latest is the last.
    rejections: Vec<(u32, String)>,
    last_serial: u32,
}

impl Fleet {
    /// Nobody was heard of yet. `chance` keeps others from guessing where an isolate is put.
    #[must_use]
    pub fn new(since: UnixMillis, chance: u64) -> Self {
        Self {
            since,
            table: Table::new(chance),
            reads: [0; 4],
            taken: 0,
            late: 0,
            refused: 0,
            rejections: Vec::new(),
            last_serial: 0,
        }
    }

    /// Takes a reader's report, the value of its header. One that is not understood is counted, and
    /// so is one that a later one has overtaken; neither changes anything else.
    pub fn record(&mut self, header: &str, moment: &Moment) {
        let Some(report) = Report::parse(header) else {
            self.refused += 1;
            return;
        };
        self.taken += 1;
        let refusal = match report.rejection {
            Some(rejection) => self.serial(rejection),
            None => 0,
        };
        let halvings = self.table.halvings;
        let Some(known) = self.table.slot(report.isolate, moment.silent_since()) else {
            return;
        };
        let before = *known;
        let is_new = before.id == 0;
        let (mut took_ms, mut late) = (before.took_ms, report.version < before.version);
        if report.version != before.version {
            let caught_up = !is_new && report.version == moment.head.get();
            // Counted from the report's arrival: by its way here longer than it took, never shorter.
            let ms = moment.now.since(moment.adopted_at.plus(report.held_ms));
            took_ms = caught_up.then(|| u32::try_from(ms).unwrap_or(u32::MAX));
        }
        for (now, then) in report.reads.into_iter().zip(before.reads) {
            late |= now < then;
        }
        if late {
            self.late += 1;
            return;
        }
        *known = Known {
            id: report.isolate,
            seen: moment.now,
            version: report.version,
            reads: report.reads,
            colo: report.colo,
            refusal,
            took_ms,
        };
        // Of one that was unknown, all reads are news with its first report; else they may be old.
        if is_new && report.sent > 0 {
            return;
        }
        for (total, (now, then)) in self
            .reads
            .iter_mut()
            .zip(report.reads.iter().zip(before.reads))
        {
            *total = total.saturating_add(now.saturating_sub(then) << halvings);
        }
    }

    /// How many bytes of memory it takes, but for what an allocator adds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let rejections = self.rejections.iter().map(|(_, text)| text.capacity());
        self.table.bytes() + rejections.sum::<usize>()
    }

    /// As `status` shows it.
    pub fn to_json(&mut self, moment: &Moment) -> Value {
        let (head, since) = (moment.head.get(), moment.silent_since());
        let count = |which: &dyn Fn(&Known) -> bool| self.table.count(since, which);
        let isolates = count(&|_| true);
        let on_head = count(&|known| known.version == head);
        let measured = |known: &Known| known.took_ms.filter(|_| known.version == head);
        let converged = count(&|known| measured(known).is_some());
        // Those that have not caught up take longer than all that have.
        let all = converged + count(&|known| known.version < head);
        let within = |percent: u64| {
            let rank = (all * percent).div_ceil(100);
            let mut most_ms = 0_u32;
            for bit in (0..u32::BITS).rev() {
                let ms = most_ms | 1 << bit;
                if count(&|known| measured(known).is_some_and(|took_ms| took_ms < ms)) < rank {
                    most_ms = ms;
                }
            }
            (rank > 0 && rank <= converged).then_some(most_ms.into())
        };
        let mut colos = Map::new();
        let weight = 1 << self.table.halvings;
        for known in self.table.heard_since(since) {
            let mut colo = known.colo.as_str();
            if colos.len() >= MAX_COLOS && !colos.contains_key(colo) {
                colo = Colo::UNKNOWN.as_str();
            }
            add(&mut colos, colo, "isolates", weight);
            add(
                &mut colos,
                colo,
                "on_head",
                if known.version == head { weight } else { 0 },
            );
        }
        let mut rejections = Vec::new();
        for (serial, rejection) in &self.rejections {
            let (version, pointer, message) = decoded(rejection).unwrap_or_default();
            let told = Members::new()
                .number("version", version)
                .text("pointer", &pointer)
                .text("message", &message)
                .number("isolates", count(&|known| known.refusal == *serial))
                .take();
            rejections.push(told);
        }
        let mut totals = Map::new();
        for (state, reads) in ReadState::ALL.into_iter().zip(self.reads) {
            add(&mut totals, "reads_total", state.as_str(), reads);
        }
        for (result, reports) in [
            ("taken", self.taken),
            ("late", self.late),
            ("refused", self.refused),
        ] {
            add(&mut totals, "reports_total", result, reports);
        }
        let told = Members::new()
            .text("since", &rfc3339(self.since))
            .number("one_in", weight)
            .number("isolates", isolates)
            .number("on_head", on_head)
            .optional_number("on_head_permille", (on_head * 1_000).checked_div(isolates))
            .number("converged", converged)
            .optional_number("converged_p50_ms", within(50))
            .optional_number("converged_p99_ms", within(99))
            .number("rejecting", count(&|known| known.refusal != 0))
            .value("rejections", Value::Array(rejections))
            .value("colos", Value::Object(colos))
            .extend(Value::Object(totals))
            .take();
        self.table.widen(isolates);
        told
    }

    /// The serial number of a rejection, one of those that are kept from now on.
    fn serial(&mut self, rejection: &str) -> u32 {
        let kept = &mut self.rejections;
        let place = kept.iter().position(|(_, other)| other == rejection);
        let refusal = match place {
            Some(place) => kept.remove(place),
            None => {
                self.last_serial = self.last_serial.wrapping_add(1).max(1);
                (self.last_serial, rejection.to_owned())
            }
        };
        let serial = refusal.0;
        if kept.len() == MAX_REJECTIONS {
            kept.remove(0);
        }
        kept.push(refusal);
        serial
    }
}

impl Moment {
    /// Whoever was last heard of before this is not counted.
    fn silent_since(&self) -> UnixMillis {
        let silent_ms = self.ttl_ms.saturating_mul(SILENT_TTLS).max(SILENT_MIN_MS);
        UnixMillis(self.now.0.saturating_sub(silent_ms))
    }
}

#[cfg(test)]
#[path = "fleet_tests.rs"]
mod tests;
