//! A report as text: what ARCHITECTURE.md says of it.

use proptest::prelude::*;

use super::*;

type Told = Report<(Version, &'static str, &'static str)>;

/// Header and what it means; other readers are to write the same.
fn examples() -> Vec<(&'static str, Told)> {
    let usual = Report {
        isolate: 0x0123_4567_89ab_cdef,
        colo: Colo::parse("FRA").unwrap(),
        version: 12,
        held_ms: 53_012,
        sent: 3,
        reads: [40, 2, 0, 1],
        rejection: None,
    };
    let refused = Version::new(13).unwrap();
    let with = |rejection| Report {
        rejection: Some(rejection),
        ..usual.clone()
    };
    vec![
        ("1,0123456789abcdef,FRA,12,53012,3,40,2,0,1", usual.clone()),
        (
            "1,0000000000000001,---,0,0,0,0,0,0,0",
            Report {
                isolate: 1,
                colo: Colo::UNKNOWN,
                version: 0,
                held_ms: 0,
                sent: 0,
                reads: [0; 4],
                rejection: None,
            },
        ),
        (
            "1,0123456789abcdef,FRA,12,53012,3,40,2,0,1,13,%2Fvideo%2Fmax_width,expected%20a%20number%2C%20from%201",
            with((refused, "/video/max_width", "expected a number, from 1")),
        ),
        (
            "1,0123456789abcdef,FRA,12,53012,3,40,2,0,1,13,,",
            with((refused, "", "")),
        ),
        (
            "1,0123456789abcdef,FRA,12,53012,3,40,2,0,1,13,%2F~1%C3%A9,%22%25%22%F0%9F%90%91(!*'.-_)",
            with((refused, "/~1é", "\"%\"🐑(!*'.-_)")),
        ),
        (
            "1,ffffffffffffffff,ZRH,9007199254740991,9007199254740991,9007199254740991,9007199254740991,9007199254740991,9007199254740991,9007199254740991",
            Report {
                isolate: u64::MAX,
                colo: Colo::parse("ZRH").unwrap(),
                version: Version::MAX.get(),
                held_ms: u64::MAX,
                sent: Version::MAX.get(),
                reads: [u64::MAX; 4],
                rejection: None,
            },
        ),
    ]
}

fn capped(number: u64) -> u64 {
    number.min(Version::MAX.get())
}

/// What is left of it on the other side, where nothing was cut off.
fn read_back(report: &Report<(Version, &str, &str)>) -> Report<(u64, String, String)> {
    Report {
        isolate: report.isolate,
        colo: report.colo,
        version: capped(report.version),
        held_ms: capped(report.held_ms),
        sent: capped(report.sent),
        reads: report.reads.map(capped),
        rejection: report.rejection.map(|(version, pointer, message)| {
            (version.get(), pointer.to_owned(), message.to_owned())
        }),
    }
}

fn parsed(header: &str) -> Option<Report<(u64, String, String)>> {
    let report = Report::parse(header)?;
    Some(Report {
        isolate: report.isolate,
        colo: report.colo,
        version: report.version,
        held_ms: report.held_ms,
        sent: report.sent,
        reads: report.reads,
        rejection: report
            .rejection
            .map(|rejection| decoded(rejection).unwrap()),
    })
}

#[test]
fn the_examples() {
    for (header, report) in examples() {
        assert_eq!(report.to_header(), header);
        assert_eq!(parsed(header), Some(read_back(&report)), "{header}");
    }
}

#[test]
fn anything_else_is_refused_counted_and_changes_nothing() {
    let good = "1,0123456789abcdef,FRA,12,53012,3,40,2,0,1";
    let long = format!("{good},13,/a,{}", "b".repeat(MAX_REPORT_BYTES));
    let refused = [
        "",
        ",",
        "2,0123456789abcdef,FRA,12,53012,3,40,2,0,1",
        "01,0123456789abcdef,FRA,12,53012,3,40,2,0,1",
        "1,0000000000000000,FRA,12,53012,3,40,2,0,1",
        "1,0123456789ABCDEF,FRA,12,53012,3,40,2,0,1",
        "1,123456789abcdef,FRA,12,53012,3,40,2,0,1",
        "1,00123456789abcdef,FRA,12,53012,3,40,2,0,1",
        "1,0123456789abcdef,fra,12,53012,3,40,2,0,1",
        "1,0123456789abcdef,FR,12,53012,3,40,2,0,1",
        "1,0123456789abcdef,FRA1,12,53012,3,40,2,0,1",
        "1,0123456789abcdef,,12,53012,3,40,2,0,1",
        "1,0123456789abcdef,FRA,,53012,3,40,2,0,1",
        "1,0123456789abcdef,FRA,-1,53012,3,40,2,0,1",
        "1,0123456789abcdef,FRA,+1,53012,3,40,2,0,1",
        "1,0123456789abcdef,FRA,012,53012,3,40,2,0,1",
        "1,0123456789abcdef,FRA,1e3,53012,3,40,2,0,1",
        "1,0123456789abcdef,FRA,9007199254740992,53012,3,40,2,0,1",
        "1,0123456789abcdef,FRA,99999999999999999999999,53012,3,40,2,0,1",
        "1,0123456789abcdef,FRA,12,53012,3,40,2,0",
        "1,0123456789abcdef,FRA,12,53012,3,40,2,0,1,",
        "1,0123456789abcdef,FRA,12,53012,3,40,2,0,1,13",
        "1,0123456789abcdef,FRA,12,53012,3,40,2,0,1,13,%2Fa",
        "1,0123456789abcdef,FRA,12,53012,3,40,2,0,1,13,%2Fa,b,c",
        "1,0123456789abcdef,FRA,12,53012,3,40,2,0,1,x,%2Fa,b",
        "1,0123456789abcdef,FRA,12,53012,3,40,2,0,1,13,%2,b",
        "1,0123456789abcdef,FRA,12,53012,3,40,2,0,1,13,%ff,b",
        "1,0123456789abcdef,FRA,12,53012,3,40,2,0,1,13,%2Fa,b c",
        "1,0123456789abcdef,FRA,12,53012,3,40,2,0,1,13,%2Fa,é",
        "1, 0123456789abcdef, FRA, 12, 53012, 3, 40, 2, 0, 1",
        // Sent twice, and joined on its way.
        "1,0123456789abcdef,FRA,12,53012,3,40,2,0,1, 1,0123456789abcdef,FRA,12,53012,3,40,2,0,1",
        long.as_str(),
    ];
    let mut view = View::new();
    for header in refused {
        assert_eq!(Report::parse(header), None, "{header}");
        view.fleet.record(header, &view.moment);
    }
    assert_eq!(
        view.told("/reports_total"),
        format!(r#"{{"taken":0,"late":0,"refused":{}}}"#, refused.len())
    );
    assert_eq!(view.figures(["isolates", "rejecting"]), ["0", "0"]);
}

#[test]
fn what_is_too_long_is_cut_between_characters() {
    let message = "\u{1f411}".repeat(100);
    let report = Report {
        rejection: Some((Version::MAX, &*message, &*message)),
        ..report(u64::MAX, u64::MAX, u64::MAX)
    };
    let report = Report {
        sent: u64::MAX,
        reads: [u64::MAX; 4],
        ..report
    };
    let header = report.to_header();
    assert!(header.len() <= MAX_REPORT_BYTES, "{}", header.len());
    let (_, pointer, message) = parsed(&header).unwrap().rejection.unwrap();
    assert_eq!(pointer.chars().count(), MAX_POINTER_BYTES / 12);
    assert_eq!(message.chars().count(), MAX_MESSAGE_BYTES / 12);
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        isolate in 1_u64.., version: u64, held_ms: u64, sent: u64, reads: [u64; 4],
        rejection in proptest::option::of((1_u64..1 << 53, "\\PC{0,15}", ".{0,30}")),
    ) {
        let rejection = rejection.as_ref().map(|(version, pointer, message)| {
            (Version::new(*version).unwrap(), pointer.as_str(), message.as_str())
        });
        let report = Report { isolate, colo: Colo::UNKNOWN, version, held_ms, sent, reads, rejection };
        prop_assert_eq!(parsed(&report.to_header()), Some(read_back(&report)));
    }

    #[test]
    fn no_header_panics(
        header in ".*", digits in "[0-9a-f,-]{0,100}",
        tail in "[ -~]{0,60}", cut in 0_usize..90,
    ) {
        let mut view = View::new();
        let good = "1,0123456789abcdef,FRA,12,53012,3,40,2,0,1,13,%2Fa,b";
        let near = format!("{}{tail}", &good[..cut.min(good.len())]);
        for header in [&header, &format!("1,{digits}"), &near] {
            view.fleet.record(header, &view.moment);
        }
        view.fleet.to_json(&view.moment);
    }
}
