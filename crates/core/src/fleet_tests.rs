#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use super::*;

#[path = "fleet_tests/properties.rs"]
mod properties;
#[path = "fleet_tests/reports.rs"]
mod reports;

const TTL_MS: u64 = 30_000;
const SILENT_MS: u64 = TTL_MS * SILENT_TTLS;

/// A view, its clock and the head.
struct View {
    fleet: Fleet,
    moment: Moment,
}

impl View {
    fn new() -> Self {
        let now = UnixMillis(1_800_000_000_000);
        Self {
            fleet: Fleet::new(now, 0x0123_4567_0123_4567),
            moment: Moment {
                now,
                head: Version::new(7).unwrap(),
                adopted_at: now,
                ttl_ms: TTL_MS,
            },
        }
    }

    fn wait(&mut self, ms: u64) {
        self.moment.now = self.moment.now.plus(ms);
    }

    fn adopt(&mut self) {
        self.moment.head = self.moment.head.next().unwrap();
        self.moment.adopted_at = self.moment.now;
    }

    fn hear(&mut self, report: &Report<(Version, &str, &str)>) {
        self.fleet.record(&report.to_header(), &self.moment);
    }

    /// A figure of the status; `Null` as text for none.
    fn told(&mut self, pointer: &str) -> String {
        let told = self.fleet.to_json(&self.moment);
        told.pointer(pointer).expect(pointer).to_string()
    }

    fn figures<const N: usize>(&mut self, names: [&str; N]) -> [String; N] {
        names.map(|name| self.told(&format!("/{name}")))
    }
}

/// Of an isolate that has held a version for so long.
fn report(
    isolate: u64,
    version: u64,
    held_ms: u64,
) -> Report<(Version, &'static str, &'static str)> {
    Report {
        isolate,
        colo: Colo::parse("FRA").unwrap(),
        version,
        held_ms,
        sent: 0,
        reads: [0; 4],
        rejection: None,
    }
}

#[test]
fn nobody_was_heard_of() {
    let mut view = View::new();
    let told = view.fleet.to_json(&view.moment);
    assert_eq!(
        told.to_string(),
        concat!(
            r#"{"since":"2027-01-15T08:00:00.000Z","one_in":1,"isolates":0,"on_head":0,"on_head_permille":null,"#,
            r#""converged":0,"converged_p50_ms":null,"converged_p99_ms":null,"rejecting":0,"rejections":[],"colos":{},"#,
            r#""reads_total":{"fresh":0,"stale":0,"expired":0,"base":0},"#,
            r#""reports_total":{"taken":0,"late":0,"refused":0}}"#
        )
    );
}

#[test]
fn an_isolate_is_counted_once_however_often_it_reports() {
    let mut view = View::new();
    for _ in 0..3 {
        view.hear(&report(1, 7, 0));
        view.hear(&report(2, 6, 0));
        view.hear(&report(3, 0, 0));
    }
    assert_eq!(
        view.figures(["isolates", "on_head", "on_head_permille"]),
        ["3", "1", "333"]
    );
    view.wait(SILENT_MS);
    view.hear(&report(2, 6, 0));
    assert_eq!(
        view.told("/isolates"),
        "3",
        "silent for so long, and no longer"
    );
    view.wait(1);
    assert_eq!(view.figures(["isolates", "on_head"]), ["1", "0"]);
    view.moment.ttl_ms = 0;
    view.wait(SILENT_MIN_MS - 1);
    assert_eq!(view.told("/isolates"), "1", "a minute whatever the TTL");
}

#[test]
fn convergence_is_what_those_took_that_had_an_older_version() {
    let mut view = View::new();
    for isolate in 1..=100 {
        view.hear(&report(isolate, 7, 0));
    }
    view.wait(5_000);
    view.adopt();
    let figures = [
        "on_head",
        "converged",
        "converged_p50_ms",
        "converged_p99_ms",
    ];
    assert_eq!(view.figures(figures), ["0", "0", "null", "null"]);
    for isolate in 1..=98 {
        view.wait(100);
        // They tell of it with their next call, a while after they had it.
        let mut late = report(isolate, 8, 40);
        late.reads[0] = 1;
        view.hear(&late);
        let half = if isolate < 50 { "null" } else { "4960" };
        assert_eq!(view.told("/converged_p50_ms"), half, "{isolate} of 100");
    }
    // One that was born since did not converge; those that have not are no reason to round up.
    view.hear(&report(500, 8, 0));
    assert_eq!(view.figures(figures), ["99", "98", "4960", "null"]);
    view.hear(&report(99, 8, 0));
    assert_eq!(view.told("/converged_p99_ms"), "9800");
    view.wait(10);
    view.adopt();
    assert_eq!(view.figures(figures), ["0", "0", "null", "null"]);
    // What was said before the adoption arrives after it: no time at all, but none less.
    view.hear(&report(99, 9, 1_000_000));
    assert_eq!(view.figures(["on_head", "converged"]), ["1", "1"]);
}

#[test]
fn what_comes_late_takes_nothing_back() {
    let mut view = View::new();
    let mut newest = report(1, 7, 0);
    newest.reads = [5, 1, 0, 0];
    view.hear(&newest);
    view.hear(&report(1, 6, 0));
    let mut older = newest.clone();
    older.reads = [4, 1, 0, 0];
    view.hear(&older);
    view.hear(&newest);
    assert_eq!(
        view.told("/reports_total"),
        r#"{"taken":4,"late":2,"refused":0}"#
    );
    assert_eq!(view.told("/on_head"), "1");
    assert_eq!(
        view.told("/reads_total"),
        r#"{"fresh":5,"stale":1,"expired":0,"base":0}"#
    );
}

#[test]
fn reads_are_counted_once_whatever_became_of_answers() {
    let mut view = View::new();
    let mut told = report(1, 7, 0);
    let mut totals = Vec::new();
    for (sent, fresh) in [(0, 3), (0, 3), (1, 8), (3, 9), (4, 12)] {
        (told.sent, told.reads[0]) = (sent, fresh);
        view.hear(&told);
        totals.push(view.told("/reads_total/fresh"));
    }
    assert_eq!(totals, ["3", "3", "8", "9", "12"]);
    // One that was told to a view before this one, or before a long silence, is no news.
    let mut other = report(2, 7, 0);
    (other.sent, other.reads[0]) = (4, 1_000);
    view.hear(&other);
    other.reads[0] = 1_001;
    view.hear(&other);
    assert_eq!(view.told("/reads_total/fresh"), "13");
}

#[test]
fn rejections_are_told_with_their_reasons() {
    let mut view = View::new();
    let version = Version::new(7).unwrap();
    let mut misfit = report(1, 6, 0);
    misfit.rejection = Some((
        version,
        "/video/max width",
        "expected a whole number, \u{2265} 1",
    ));
    view.hear(&misfit);
    misfit.isolate = 2;
    view.hear(&misfit);
    assert_eq!(view.told("/rejecting"), "2");
    assert_eq!(
        view.told("/rejections"),
        r#"[{"version":7,"pointer":"/video/max width","message":"expected a whole number, ≥ 1","isolates":2}]"#
    );
    misfit.rejection = None;
    view.hear(&misfit);
    assert_eq!(
        view.figures(["rejecting", "rejections/0/isolates"]),
        ["1", "1"]
    );
    for number in 0..MAX_REJECTIONS {
        let pointer = format!("/{number}");
        let mut other = report(9, 6, 0);
        other.rejection = Some((version, &pointer, "odd"));
        view.fleet.record(&other.to_header(), &view.moment);
    }
    let told = view.fleet.to_json(&view.moment);
    let kept = told["rejections"].as_array().unwrap();
    assert_eq!(kept.len(), MAX_REJECTIONS, "the latest");
    assert_eq!(kept[0]["pointer"], "/0");
    assert_eq!(
        view.told("/rejecting"),
        "2",
        "one of them for a reason that is not kept"
    );
}

#[test]
fn isolates_are_told_by_data_centre() {
    let mut view = View::new();
    for (isolate, colo, version) in [(1, "FRA", 7), (2, "FRA", 6), (3, "---", 7)] {
        let colo = Colo::parse(colo).unwrap();
        view.hear(&Report {
            colo,
            ..report(isolate, version, 0)
        });
    }
    assert_eq!(view.told("/colos/FRA"), r#"{"isolates":2,"on_head":1}"#);
    assert_eq!(view.told("/colos/---"), r#"{"isolates":1,"on_head":1}"#);
    for isolate in 0..2_000_u64 {
        let letter = |part: u64| char::from(b'A' + (part % 26) as u8);
        let name: String = [isolate / 676, isolate / 26, isolate]
            .map(letter)
            .into_iter()
            .collect();
        let colo = Colo::parse(&name).unwrap();
        view.hear(&Report {
            colo,
            ..report(isolate + 10, 7, 0)
        });
    }
    let told = view.fleet.to_json(&view.moment);
    let colos = told["colos"].as_object().unwrap();
    assert!(colos.len() <= MAX_COLOS + 1, "the others together");
    let all: u64 = colos
        .values()
        .map(|colo| colo["isolates"].as_u64().unwrap())
        .sum();
    assert_eq!(all, 2_003);
}

/// Numbers that look drawn.
fn id(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1
}

#[test]
fn ten_thousand_are_known_exactly_and_many_nearly() {
    let mut view = View::new();
    let mut known = 0;
    for upto in [10_000_u64, 300_000] {
        for isolate in known..upto {
            let version = if isolate % 4 == 0 { 6 } else { 7 };
            view.hear(&report(id(isolate + 1), version, 0));
        }
        known = upto;
        let told = view.fleet.to_json(&view.moment);
        let isolates = told["isolates"].as_u64().unwrap();
        let permille = told["on_head_permille"].as_u64().unwrap();
        if upto == 10_000 {
            assert_eq!((isolates, permille), (10_000, 750));
        } else {
            assert!(isolates.abs_diff(upto) < upto / 20, "{isolates} of {upto}");
            assert!(permille.abs_diff(750) < 25, "{permille}");
        }
        assert!(view.fleet.bytes() <= MAX_SLOTS * SLOT_BYTES);
        println!("{upto}: {} bytes, {told}", view.fleet.bytes());
    }
    assert!(view.fleet.table.halvings >= 4);
    // When they are gone, the view is exact again.
    view.wait(SILENT_MS + 1);
    view.told("/isolates");
    for isolate in 0..5_000 {
        view.hear(&report(id(isolate + 1), 7, 0));
    }
    assert_eq!(view.figures(["isolates", "one_in"]), ["5000", "1"]);
}

/// What a report costs does not grow with the isolates that there are: in slots that are looked at,
/// those of the tables made anew included.
#[test]
fn a_report_costs_the_same_however_many_isolates_there_are() {
    let mut costs = Vec::new();
    for isolates in [100_u64, 1_000, 10_000, 100_000] {
        let mut view = View::new();
        let reports = isolates.max(20_000);
        for number in 0..reports {
            view.hear(&report(id(number % isolates + 1), 7, 0));
        }
        costs.push(view.fleet.table.work.get() as f64 / reports as f64);
    }
    println!("slots looked at for a report: {costs:?}");
    assert!(costs.iter().all(|cost| *cost < 6.0), "{costs:?}");
    // Isolates that come and go, at any number of them.
    let mut view = View::new();
    for number in 0..200_000 {
        view.wait(11);
        view.hear(&report(id(number + 1), 7, 0));
    }
    let cost = view.fleet.table.work.get() / 200_000;
    assert!(cost < 10, "{cost}");
}

#[test]
fn identifiers_that_were_chosen_to_meet_do_not() {
    let mut view = View::new();
    for isolate in 1..=10_000_u64 {
        view.hear(&report(isolate << 40, 7, 0));
    }
    assert_eq!(view.told("/isolates"), "10000");
    let cost = view.fleet.table.work.get() / 10_000;
    assert!(cost < 10, "{cost}");
}
