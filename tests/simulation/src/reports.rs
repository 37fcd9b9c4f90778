//! What isolates told of themselves, as it reached the object in this life: what its view may show.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bellwether_core::fleet::{
    Colo, MAX_COLOS, MAX_ISOLATES, MAX_REJECTIONS, MAX_SLOTS, Report, SILENT_MIN_MS, SILENT_TTLS,
    SLOT_BYTES,
};
use bellwether_core::version::{UnixMillis, Version};
use serde_json::Value;

use crate::chance::Fault;
use crate::host::Host;
use crate::network;
use crate::requests::Request;
use crate::simulation::Simulation;
use crate::world::Jumps;

/// More than the view takes, what is kept of rejections included.
const MAX_BYTES: usize = MAX_SLOTS * SLOT_BYTES + 65_536;

/// More isolates than the view keeps exactly, and how many of them report at once: an object has no room for more
/// events in a second.
const MANY: u64 = 14_000;
const AT_ONCE: u64 = 80;

#[derive(Default)]
pub(crate) struct Reports(RefCell<Books>);

#[derive(Default)]
struct Books {
    /// The isolates that were heard in this life of the object.
    told: BTreeMap<u64, Told>,
    /// When each isolate first got each version, in true time: it held it no sooner.
    got: BTreeMap<(u64, u64), u64>,
    taken: u64,
    late: u64,
    refused: u64,
    reads: u64,
    /// Somebody lied, or a clock did: true times mean nothing then.
    untrue: bool,
    /// The object's clock when this life began.
    jumps: Jumps,
}

#[derive(Default)]
struct Told {
    version: u64,
    reads: [u64; 4],
    seen: UnixMillis,
    /// The version that it was told to have instead of an older one, while that was the head.
    caught_up: Option<u64>,
}

impl Reports {
    /// An answer brought a version to an isolate.
    pub(crate) fn may_hold(&self, isolate: u64, version: u64, now_ms: u64) {
        let mut books = self.0.borrow_mut();
        books.got.entry((isolate, version)).or_insert(now_ms);
    }

    /// The object lost its memory.
    pub(crate) fn forget(&self, host: &Host) {
        let mut books = self.0.borrow_mut();
        books.told.clear();
        (books.taken, books.late, books.refused, books.reads) = (0, 0, 0, 0);
        books.untrue = false;
        books.jumps = host.jumps();
    }

    /// A report reaches the object.
    pub(crate) fn heard(&self, host: &Host, header: &str, untrue: bool) {
        let books = &mut *self.0.borrow_mut();
        books.untrue |= untrue;
        let Some(report) = Report::parse(header) else {
            books.refused += 1;
            return;
        };
        books.taken += 1;
        host.world.reach("report heard");
        let head = host.ledger.head().map_or(0, |head| head.number);
        let is_new = !books.told.contains_key(&report.isolate);
        let told = books.told.entry(report.isolate).or_default();
        let less = report
            .reads
            .iter()
            .zip(told.reads)
            .any(|(now, then)| *now < then);
        if report.version < told.version || less {
            books.late += 1;
            host.world.reach("report overtaken");
            return;
        }
        if report.version != told.version {
            let caught_up = !is_new && report.version == head;
            told.caught_up = caught_up.then_some(head);
        }
        if !is_new || report.sent == 0 {
            let sum = |reads: [u64; 4]| reads.into_iter().sum::<u64>();
            books.reads += sum(report.reads) - sum(told.reads);
        }
        (told.version, told.reads, told.seen) = (report.version, report.reads, host.now());
    }

    /// What status shows of the readers.
    pub(crate) fn check(&self, host: &Host, fleet: &Value, bytes: usize) {
        let books = self.0.borrow();
        let world = &host.world;
        let figure = |pointer: &str| fleet.pointer(pointer).and_then(Value::as_u64);
        let holds = |holds: bool, property, told: &str| {
            world.check(holds, property, || {
                format!("{told}: the view shows {fleet}")
            });
        };
        holds(
            bytes <= MAX_BYTES,
            "the view of the readers is bounded",
            &format!("{bytes} bytes"),
        );
        let reports =
            ["taken", "late", "refused"].map(|name| figure(&format!("/reports_total/{name}")));
        let exact = books.told.len() < MAX_ISOLATES;
        holds(
            reports[0] == Some(books.taken)
                && reports[2] == Some(books.refused)
                && (!exact || reports[1] <= Some(books.late)),
            "every report is counted",
            &format!(
                "{} taken, {} late, {} refused",
                books.taken, books.late, books.refused
            ),
        );
        let many = |pointer: &str| match fleet.pointer(pointer) {
            Some(Value::Array(all)) => all.len(),
            Some(Value::Object(all)) => all.len(),
            _ => 0,
        };
        holds(
            many("/rejections") <= MAX_REJECTIONS && many("/colos") <= MAX_COLOS + 1,
            "the view of the readers is bounded",
            "rejections and data centres",
        );
        let head = host.ledger.head().map_or(0, |head| head.number);
        let ttl_ms = host.deployment.borrow().settings.ttl_ms;
        let silent_ms = (ttl_ms * SILENT_TTLS).max(SILENT_MIN_MS);
        let lately = || {
            let now = host.now();
            let told = books.told.iter();
            told.filter(move |(_, told)| told.seen.plus(silent_ms) >= now)
        };
        let isolates = lately().count() as u64;
        if !exact {
            // One in two, by chance: that many is six standard deviations.
            let by_chance = 6 * isolates.isqrt() + 2;
            let shown = figure("/isolates").unwrap_or(0);
            let sampled = figure("/one_in") == Some(2) && books.jumps == host.jumps();
            holds(
                !sampled || shown.abs_diff(isolates) <= by_chance,
                "a sample is as large as it says",
                &format!("{isolates} were heard lately"),
            );
            if sampled {
                world.reach("readers sampled");
            }
            return;
        }
        let on_head = lately().filter(|(_, told)| told.version == head).count() as u64;
        // What was silent by a clock that jumped may be forgotten.
        if books.jumps == host.jumps() {
            holds(
                figure("/isolates") == Some(isolates) && figure("/on_head") == Some(on_head),
                "an isolate counts once, and as what it told last",
                &format!("{isolates} were heard lately, {on_head} of them on {head}"),
            );
        }
        let reads: u64 = ["fresh", "stale", "expired", "base"]
            .iter()
            .filter_map(|state| figure(&format!("/reads_total/{state}")))
            .sum();
        // An isolate that was forgotten by a clock that jumped may be heard for a first time again.
        holds(
            reads <= books.reads || books.jumps != host.jumps(),
            "no read counts twice",
            &format!("{} reads were told", books.reads),
        );
        if books.untrue || host.jumps() != Jumps::default() {
            return;
        }
        // True times, from the head's adoption until an answer brought it.
        let adopted_ms = world.now_ms() - host.ledger.head_age_ms(host);
        let took = books
            .told
            .iter()
            .filter(|(_, told)| told.caught_up == Some(head));
        let took_ms = |isolate: u64| {
            let got = books.got.get(&(isolate, head));
            got.map_or(0, |got_ms| got_ms.saturating_sub(adopted_ms))
        };
        let took: Vec<u64> = took.map(|(isolate, _)| took_ms(*isolate)).collect();
        let converged = figure("/converged").unwrap_or(0);
        holds(
            converged <= took.len() as u64,
            "none converged that was not told to",
            &format!("{} did", took.len()),
        );
        for (name, percent) in [("/converged_p50_ms", 50), ("/converged_p99_ms", 99)] {
            let Some(ms) = figure(name) else { continue };
            world.reach("convergence told");
            let within = took.iter().filter(|took_ms| **took_ms <= ms).count() as u64;
            holds(
                within >= (converged * percent).div_ceil(100),
                "convergence is never told better than it was",
                &format!("in truth they took {took:?} ms"),
            );
        }
    }
}

impl Simulation {
    /// Somebody who may read tells what he likes: of isolates that there are not, and nothing that is a
    /// report.
    pub(crate) fn lie(&self) {
        let chance = &self.world.chance;
        let draw = |most: u64| chance.between(Fault::Lies, 0, most);
        for _ in 0..=draw(40) {
            let report = Report {
                isolate: draw(u64::MAX - 1).max(1),
                colo: Colo::UNKNOWN,
                version: draw(1 << 20),
                held_ms: draw(1 << 40),
                sent: draw(3),
                reads: [0; 4].map(|_: u64| draw(1 << 20)),
                rejection: None,
            };
            let isolate = report.isolate;
            let mut report = told_of_anywhere(report);
            if draw(2) == 0 {
                let place = draw(60) as usize;
                if isolate.is_multiple_of(2) {
                    report.truncate(place);
                } else if place < report.len() {
                    report.replace_range(place..=place, "x");
                }
            }
            self.tell(&report);
        }
    }

    /// As many isolates report at once as the view has no room for, all of them within a minute.
    pub(crate) fn lie_of_many(self: &Rc<Self>) {
        let simulation = Rc::clone(self);
        let task = async move {
            let world = &simulation.world;
            let draw = |low, high| world.chance.between(Fault::ManyLies, low, high);
            for _ in 0..MANY / AT_ONCE {
                for _ in 0..AT_ONCE {
                    let report = Report {
                        isolate: draw(1, u64::MAX - 1),
                        colo: Colo::UNKNOWN,
                        version: draw(0, 9),
                        held_ms: draw(0, 1 << 20),
                        sent: draw(0, 3),
                        reads: [1; 4],
                        rejection: None,
                    };
                    simulation.tell(&told_of_anywhere(report));
                }
                world.executor.sleep(200).await;
            }
        };
        self.world.executor.spawn(self.director, Box::pin(task));
    }

    fn tell(&self, report: &str) {
        let request = Request::Snapshot {
            if_none_match: None,
            report: Some(format!("{UNTRUE}{report}")),
        };
        drop(network::send(&self.host, self.wire, request));
    }
}

/// From any data centre, and now and then with a rejection: both made of the isolate's number.
fn told_of_anywhere(report: Report<(Version, &str, &str)>) -> String {
    let bits = report.isolate;
    let letter = |place: u32| char::from(b'A' + (bits >> (8 * place)) as u8 % 26);
    let colo: String = (0..3).map(letter).collect();
    let pointer = "/a pointer".repeat((bits >> 24) as usize % 32);
    let refuses = (bits >> 32).is_multiple_of(4);
    let report = Report {
        colo: Colo::parse(&colo).unwrap(),
        rejection: refuses.then_some((Version::FIRST, &*pointer, "does not fit")),
        ..report
    };
    report.to_header()
}

/// Marks a report for the check whose times are not true; the object does not see it.
pub(crate) const UNTRUE: &str = "untrue ";
