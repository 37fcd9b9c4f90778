//! The page's charts.

use crate::chart::{Axis, Chart};
use crate::page::Page;
use crate::plan::SETUPS;
use crate::run::{Event, Setup};
use crate::summary::{SOFT_LIMIT_PER_S, Summary};

const LIMIT: (f64, &str) = (SOFT_LIMIT_PER_S as f64, "soft limit of one object");
const REQUESTS: &str = "requests a second";

/// A file's name and its text, for each.
pub(crate) fn charts(page: &Page<'_>) -> Vec<(String, String)> {
    let mut charts = vec![load(page), staleness(page), convergence(page)];
    let herds = [Event::Reload, Event::Outage, Event::Deploy];
    charts.extend(herds.map(|event| herd(page, event)));
    charts
}

fn load(page: &Page<'_>) -> (String, String) {
    let points = |setup| {
        let sizes = page.scope.sizes().iter();
        let point = |size: &u32| {
            let run = page.result(*size, setup, Event::Adoption)?;
            Some((f64::from(*size), run.steady_per_s.0))
        };
        sizes.filter_map(point).collect()
    };
    let chart = Chart {
        title: "Requests at the object, while nothing happens",
        x: ("isolates", Axis::Powers(1e3, 1e6)),
        y: (REQUESTS, Axis::Powers(1.0, 1e5)),
        level: Some(LIMIT),
        lines: lines(points),
    };
    ("load.svg".to_owned(), chart.to_svg())
}

fn staleness(page: &Page<'_>) -> (String, String) {
    let chart = Chart {
        title: "How old reads are",
        x: ("percent of the reads", Axis::Even(100.0)),
        y: ("seconds at most", Axis::Powers(0.1, 1e3)),
        level: None,
        lines: lines(|setup| {
            let curve = &shown(page, setup).age_curve;
            let point = |(percent, ms): &(f64, u64)| (*percent, *ms as f64 / 1e3);
            curve.iter().map(point).collect()
        }),
    };
    ("staleness.svg".to_owned(), chart.to_svg())
}

fn convergence(page: &Page<'_>) -> (String, String) {
    let chart = Chart {
        title: "After an adoption",
        x: ("seconds since", Axis::Even(400.0)),
        y: (
            "percent of a second's reads with the new version",
            Axis::Even(100.0),
        ),
        level: None,
        lines: lines(|setup| {
            let curve = shown(page, setup).converging.iter();
            let curve = curve.take_while(|(ms, _)| *ms <= 400_000);
            curve
                .map(|(ms, share)| (*ms as f64 / 1e3, share * 100.0))
                .collect()
        }),
    };
    ("convergence.svg".to_owned(), chart.to_svg())
}

fn herd(page: &Page<'_>, event: Event) -> (String, String) {
    let isolates = page.scope.largest();
    let requests = |setup| {
        let run = page.result(isolates, setup, event);
        run.map_or(&[][..], |run| &run.requests_since)
    };
    let seconds = SETUPS.into_iter().map(|setup| requests(setup).len());
    let seconds = seconds.max().unwrap_or(0);
    let title = format!("{}, {isolates} isolates", event.title());
    let chart = Chart {
        title: &title,
        x: ("seconds since it began", Axis::Even(seconds as f64)),
        y: (REQUESTS, Axis::Powers(1.0, 1e5)),
        level: Some(LIMIT),
        lines: lines(|setup| {
            let requests = requests(setup).iter().enumerate();
            requests
                .map(|(second, count)| (second as f64, *count as f64))
                .collect()
        }),
    };
    (format!("{}.svg", event.name()), chart.to_svg())
}

fn shown<'a>(page: &'a Page<'_>, setup: Setup) -> &'a Summary {
    let run = page.result(page.scope.shown(), setup, Event::Adoption);
    run.expect("small fleets are done in full")
}

fn lines(points: impl Fn(Setup) -> Vec<(f64, f64)>) -> Vec<(String, Vec<(f64, f64)>)> {
    let lines = SETUPS
        .into_iter()
        .map(|setup| (setup.name(), points(setup)));
    lines.filter(|(_, points)| !points.is_empty()).collect()
}
