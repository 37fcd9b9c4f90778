//! The coordinator's view of its readers, made of what they tell with calls that they make anyway.
//!
//! It stands in memory alone and begins anew with the object; [`Fleet::to_json`] says since when.
//! Its figures are as honest as the readers: whoever may read may report what he likes.

mod report;
mod table;
mod times;

use serde_json::Value;

pub use report::{
    Colo, MAX_MESSAGE_CHARS, MAX_POINTER_CHARS, MAX_REPORT_BYTES, Rejection, Report, isolate_text,
};
pub use table::{MAX_ISOLATES, MAX_SLOTS};

use crate::json::Members;
use crate::version::{UnixMillis, Version};
use crate::wire::{ReadState, rfc3339};
use table::{Known, Table};
use times::Times;

/// An isolate that was silent for so many TTLs is not counted any more.
pub const SILENT_TTLS: u64 = 4;

/// But for a minute it is, in milliseconds.
pub const SILENT_MIN_MS: u64 = 60_000;

/// So many rejections are kept, the latest.
pub const MAX_REJECTIONS: usize = 16;

/// So many data centres are told of.
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
    /// The version that `converged` is about.
    head: Option<Version>,
    /// From its adoption until an isolate that had an older one had it.
    converged: Times,
    reads: [u64; 4],
    taken: u64,
    late: u64,
    refused: u64,
    rejections: Vec<Refusal>,
    last_serial: u32,
}

/// A rejection that isolates told of.
#[derive(Debug)]
struct Refusal {
    serial: u32,
    rejection: Rejection,
    last_at: UnixMillis,
}

impl Fleet {
    /// Nobody was heard of yet. `chance` keeps others from guessing where an isolate is put.
    #[must_use]
    pub fn new(since: UnixMillis, chance: u64) -> Self {
        Self {
            since,
            table: Table::new(chance),
            head: None,
            converged: Times::default(),
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
        if self.head != Some(moment.head) {
            self.head = Some(moment.head);
            self.converged.clear();
        }
        let silent_since = moment.silent_since();
        let Some(known) = self.table.slot(report.isolate, silent_since) else {
            return;
        };
        let version = report.version.map_or(0, Version::get);
        let head = moment.head.get();
        let mut before = known.reads;
        if known.id == 0 {
            // Its first one tells of all its reads; else they were told of before the view began.
            before = if report.answered == 0 {
                [0; 4]
            } else {
                report.reads
            };
        } else if version < known.version
            || report
                .reads
                .iter()
                .zip(before)
                .any(|(now, then)| *now < then)
        {
            self.late += 1;
            return;
        }
        let caught_up = known.id != 0 && known.version < head && version == head;
        *known = Known {
            id: report.isolate,
            seen: moment.now,
            version,
            reads: report.reads,
            colo: report.colo,
            refusal: 0,
        };
        if let Some(rejection) = report.rejection {
            known.refusal = refusal(
                &mut self.rejections,
                &mut self.last_serial,
                rejection,
                moment.now,
            );
        }
        let weight = 1 << self.table.halvings;
        if caught_up {
            // Counted from the report's arrival: by its way here longer than it took, never shorter.
            let took_ms = moment.now.since(moment.adopted_at.plus(report.held_ms));
            self.converged.add(took_ms, weight);
        }
        for ((total, now), then) in self.reads.iter_mut().zip(report.reads).zip(before) {
            *total = total.saturating_add((now - then).saturating_mul(weight));
        }
    }

    /// As `status` shows it.
    pub fn to_json(&mut self, moment: &Moment) -> Value {
        let head = moment.head.get();
        let weight = 1_u64 << self.table.halvings;
        let (mut heard, mut on_head, mut behind, mut rejecting) = (0, 0, 0, 0);
        let mut colos: Vec<(Colo, u64, u64)> = Vec::new();
        let mut refusing = vec![0_u64; self.rejections.len()];
        for known in self.table.heard_since(moment.silent_since()) {
            let is_on_head = u64::from(known.version == head);
            heard += 1;
            on_head += is_on_head;
            behind += u64::from(known.version < head);
            rejecting += u64::from(known.refusal != 0);
            let place = colos.binary_search_by(|colo| colo.0.cmp(&known.colo));
            let place = place.unwrap_or_else(|place| {
                if colos.len() < MAX_COLOS {
                    colos.insert(place, (known.colo, 0, 0));
                }
                place
            });
            if let Some(colo) = colos.get_mut(place).filter(|colo| colo.0 == known.colo) {
                colo.1 += 1;
                colo.2 += is_on_head;
            }
            for (count, refusal) in refusing.iter_mut().zip(&self.rejections) {
                *count += u64::from(refusal.serial == known.refusal);
            }
        }
        let converged = if self.head == Some(moment.head) {
            self.converged.count()
        } else {
            0
        };
        // Those that have not caught up took longer than all that have.
        let all = converged + behind * weight;
        let within = |percent: u64| {
            let rank = (all * percent).div_ceil(100);
            self.converged.of(rank).filter(|_| converged > 0)
        };
        let converged = Members::new()
            .number("version", head)
            .number("isolates", converged)
            .optional_number("p50_ms", within(50))
            .optional_number("p99_ms", within(99))
            .take();
        let colos = colos.iter().map(|(colo, isolates, on_head)| {
            Members::new()
                .text("colo", colo.as_str())
                .number("isolates", isolates * weight)
                .number("on_head", on_head * weight)
                .take()
        });
        let rejections = self
            .rejections
            .iter()
            .zip(refusing)
            .rev()
            .map(|(refusal, isolates)| {
                let rejection = &refusal.rejection;
                Members::new()
                    .number("version", rejection.version.get())
                    .text("pointer", &rejection.pointer)
                    .text("message", &rejection.message)
                    .number("isolates", isolates * weight)
                    .text("last_at", &rfc3339(refusal.last_at))
                    .take()
            });
        let mut reads = Members::new();
        for (state, count) in ReadState::ALL.into_iter().zip(self.reads) {
            reads.number(state.as_str(), count);
        }
        let reports = Members::new()
            .number("taken", self.taken)
            .number("late", self.late)
            .number("refused", self.refused)
            .take();
        let told = Members::new()
            .text("since", &rfc3339(self.since))
            .number("since_ms", self.since.0)
            .number("one_in", weight)
            .number("isolates", heard * weight)
            .number("on_head", on_head * weight)
            .optional_number("on_head_permille", (on_head * 1_000).checked_div(heard))
            .number("rejecting", rejecting * weight)
            .value("converged", converged)
            .value("colos", Value::Array(colos.collect()))
            .value("rejections", Value::Array(rejections.collect()))
            .value("reads_total", reads.take())
            .value("reports_total", reports)
            .take();
        self.table.widen(heard as usize);
        told
    }
}

impl Moment {
    /// Whoever was last heard of before this is not counted.
    fn silent_since(&self) -> UnixMillis {
        let silent_ms = self.ttl_ms.saturating_mul(SILENT_TTLS).max(SILENT_MIN_MS);
        UnixMillis(self.now.0.saturating_sub(silent_ms))
    }
}

/// The serial number of a rejection, among those that are kept from now on.
fn refusal(
    kept: &mut Vec<Refusal>,
    last_serial: &mut u32,
    rejection: Rejection,
    now: UnixMillis,
) -> u32 {
    let place = kept.iter().position(|other| other.rejection == rejection);
    let mut refusal = match place {
        Some(place) => kept.remove(place),
        None => {
            *last_serial = last_serial.wrapping_add(1).max(1);
            Refusal {
                serial: *last_serial,
                rejection,
                last_at: now,
            }
        }
    };
    refusal.last_at = now;
    let serial = refusal.serial;
    if kept.len() == MAX_REJECTIONS {
        kept.remove(0);
    }
    kept.push(refusal);
    serial
}
