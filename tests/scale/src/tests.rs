//! Runs of small fleets: what must be the same, and what arithmetic knows.

use crate::input::Input;
use crate::measure::Measures;
use crate::run::{Event, Run, Setup};
use crate::summary::Summary;
use crate::world::simulate;

const SHARED: Setup = Setup {
    colo_cache: true,
    jitter: true,
    ..Setup::DEFAULT
};

fn input() -> Input {
    let file = |name| format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
    Input::read(&file("latency.toml"), &file("fleet.toml")).unwrap()
}

fn run(isolates: u32, setup: Setup, event: Event) -> Run {
    Run {
        isolates,
        seed: 1,
        setup,
        event,
        every_read: false,
    }
}

fn measure(isolates: u32, setup: Setup, event: Event) -> Measures {
    simulate(&run(isolates, setup, event), &input())
}

fn is_near(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= expected * tolerance
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_gives_another() {
    for event in Event::ALL {
        let run = run(500, SHARED, event);
        let summary = |run: &Run| Summary::of(&simulate(run, &input()));
        let first = summary(&run);
        assert_eq!(first, summary(&run), "{}", event.name());
        assert_ne!(first, summary(&Run { seed: 2, ..run }), "{}", event.name());
    }
}

#[test]
fn a_fleets_requests_are_those_of_arithmetic() {
    for ttl_s in [30, 120] {
        let setup = Setup {
            ttl_s,
            ..Setup::DEFAULT
        };
        let (mean, _) = measure(10_000, setup, Event::Adoption).steady_per_s();
        let expected = 10_000.0 * input().calls_per_s(ttl_s as f64);
        assert!(
            is_near(mean, expected, 0.05),
            "{mean}, by arithmetic {expected}"
        );
    }
}

#[test]
fn reads_counted_by_density_are_as_many_as_reads_made_one_by_one() {
    for setup in [Setup::DEFAULT, SHARED] {
        for (isolates, event) in [
            (1_000, Event::Adoption),
            (4_000, Event::Outage),
            (4_000, Event::Deploy),
        ] {
            let run = run(isolates, setup, event);
            let by_density = simulate(&run, &input());
            let one_by_one = simulate(
                &Run {
                    every_read: true,
                    ..run
                },
                &input(),
            );
            let all =
                |measures: &Measures| measures.quiet.iter().chain(&measures.after).sum::<f64>();
            assert!(
                is_near(all(&by_density), all(&one_by_one), 0.03),
                "{}",
                run.label()
            );
            for (name, found, expected) in [
                ("fresh", by_density.quiet[0], one_by_one.quiet[0]),
                ("stale", by_density.quiet[1], one_by_one.quiet[1]),
                ("fresh since", by_density.after[0], one_by_one.after[0]),
                ("stale since", by_density.after[1], one_by_one.after[1]),
                ("calls", by_density.calls as f64, one_by_one.calls as f64),
            ] {
                assert!(
                    is_near(found, expected, 0.1),
                    "{}, {name}: {found}, one by one {expected}",
                    run.label()
                );
            }
        }
    }
}

#[test]
fn every_call_comes_to_the_object_or_to_a_cache_and_every_request_has_one_end() {
    // So many may be on their way at the end.
    let on_the_way = 50;
    for setup in [Setup::DEFAULT, SHARED] {
        for event in Event::ALL {
            let measures = measure(2_000, setup, event);
            let requests: u64 = measures.requests.iter().sum();
            let ended = measures.told + measures.refused + measures.down;
            assert!(
                ended <= requests && requests <= ended + on_the_way,
                "{}: {ended} of {requests}",
                event.name()
            );
            let taken = requests + measures.colo_hits;
            assert!(
                taken <= measures.calls && measures.calls <= taken + on_the_way,
                "{}: {taken} of {} calls",
                event.name(),
                measures.calls
            );
            assert_eq!(measures.colo_hits > 0, setup.colo_cache, "{}", event.name());
            assert_eq!(measures.down > 0, event == Event::Outage);
        }
    }
}

#[test]
fn the_colo_tier_takes_load_off_the_object_and_makes_no_read_older() {
    let (alone, shared) = (
        measure(10_000, Setup::DEFAULT, Event::Adoption),
        measure(10_000, SHARED, Event::Adoption),
    );
    assert!(shared.steady_per_s().0 < alone.steady_per_s().0 / 4.0);
    let p50 = |measures: &Measures| measures.ages.quantile(0.5) as f64;
    assert!(
        is_near(p50(&shared), p50(&alone), 0.15),
        "{} and {} ms",
        p50(&shared),
        p50(&alone)
    );
}

#[test]
fn an_overloaded_object_refuses_and_serves_no_more_than_it_can() {
    let mut input = input();
    input.fleet.object.serve_304_us = 100_000;
    input.fleet.object.serve_200_us = 100_000;
    let measures = simulate(&run(1_000, Setup::DEFAULT, Event::Adoption), &input);
    let seconds = measures.requests.len() as u64;
    assert!(measures.refused > 0);
    assert!(
        measures.told <= 10 * seconds,
        "{} in {seconds} s",
        measures.told
    );
    // Reads go on all the same.
    let reads = |measures: &Measures| measures.quiet.iter().sum::<f64>();
    let healthy = measure(1_000, Setup::DEFAULT, Event::Adoption);
    assert!(is_near(reads(&measures), reads(&healthy), 0.05));
}
