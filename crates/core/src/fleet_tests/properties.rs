//! Over any order of what isolates say, the view is never better than the truth of what was said.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    /// An isolate takes the head.
    Follow {
        isolate: u64,
    },
    Read {
        isolate: u64,
    },
    /// It reports; the report arrives so much later, twice perhaps, or never.
    Report {
        isolate: u64,
        after_ms: u64,
        times: usize,
    },
    /// It goes, and another is born.
    Die {
        isolate: u64,
    },
    Adopt,
    Wait {
        ms: u64,
    },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let isolate = 0_u64..6;
    prop_oneof![
        3 => isolate.clone().prop_map(|isolate| Step::Follow { isolate }),
        3 => isolate.clone().prop_map(|isolate| Step::Read { isolate }),
        6 => (isolate.clone(), prop_oneof![Just(0), 0_u64..200_000], 0_usize..3)
            .prop_map(|(isolate, after_ms, times)| Step::Report { isolate, after_ms, times }),
        1 => isolate.prop_map(|isolate| Step::Die { isolate }),
        2 => Just(Step::Adopt),
        4 => prop_oneof![0_u64..5_000, 0_u64..100_000].prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Restart),
    ]
}

struct Isolate {
    id: u64,
    version: u64,
    since_ms: u64,
    reads: u64,
}

proptest! {
    #[test]
    fn the_view_is_never_better_than_what_was_told(steps in proptest::collection::vec(step(), 1..150)) {
        let mut view = View::new();
        let began = view.moment.now.0;
        let mut isolates: Vec<Isolate> = (0..6)
            .map(|number| Isolate { id: number + 1, version: 7, since_ms: began, reads: 0 })
            .collect();
        let (mut reads, mut next_id) = (0, 7);
        let mut adopted_ms = BTreeMap::from([(7, began)]);
        // When each isolate had each version.
        let mut had: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        let mut on_the_way: Vec<(u64, String, u64, u64)> = Vec::new();
        let mut heard: BTreeMap<u64, u64> = BTreeMap::new();
        for step in steps {
            let now = view.moment.now.0;
            match step {
                Step::Follow { isolate } => {
                    let isolate = &mut isolates[isolate as usize];
                    if isolate.version != view.moment.head.get() {
                        isolate.version = view.moment.head.get();
                        isolate.since_ms = now;
                        had.insert((isolate.id, isolate.version), now);
                    }
                }
                Step::Read { isolate } => {
                    isolates[isolate as usize].reads += 1;
                    reads += 1;
                }
                Step::Report { isolate, after_ms, times } => {
                    let isolate = &isolates[isolate as usize];
                    let mut told = report(isolate.id, isolate.version, now - isolate.since_ms);
                    told.reads[1] = isolate.reads;
                    for _ in 0..times {
                        on_the_way.push((now + after_ms, told.to_header(), isolate.id, isolate.version));
                    }
                }
                Step::Die { isolate } => {
                    isolates[isolate as usize] =
                        Isolate { id: next_id, version: 0, since_ms: now, reads: 0 };
                    next_id += 1;
                }
                Step::Adopt => {
                    view.adopt();
                    adopted_ms.insert(view.moment.head.get(), now);
                }
                Step::Wait { ms } => view.wait(ms),
                Step::Restart => {
                    view.fleet = Fleet::new(view.moment.now, now);
                    heard.clear();
                    reads += isolates.iter().map(|isolate| isolate.reads).sum::<u64>();
                }
            }
            let now = view.moment.now.0;
            on_the_way.sort();
            while on_the_way.first().is_some_and(|(at, ..)| *at <= now) {
                let (_, header, id, version) = on_the_way.remove(0);
                view.fleet.record(&header, &view.moment);
                let newest = heard.entry(id).or_default();
                *newest = version.max(*newest);
            }
            let head = view.moment.head.get();
            let told = view.fleet.to_json(&view.moment);
            let figure = |name: &str| told[name].as_u64();
            let on_head = heard.values().filter(|version| **version == head).count() as u64;
            prop_assert!(figure("isolates") <= Some(heard.len() as u64));
            prop_assert!(figure("on_head") <= Some(on_head));
            prop_assert!(told["reads_total"]["stale"].as_u64() <= Some(reads));
            // None of those that have it can have had it later than the last of them is told to.
            let mut took: Vec<u64> = had
                .iter()
                .filter(|((_, version), _)| *version == head)
                .map(|(_, at)| at - adopted_ms[&head])
                .collect();
            took.sort_unstable();
            let least = took.first().copied();
            if let Some(p50_ms) = figure("converged_p50_ms") {
                prop_assert!(Some(p50_ms) >= least, "{p50_ms} of {took:?}");
                prop_assert!(figure("converged_p99_ms").is_none_or(|p99_ms| p99_ms >= p50_ms));
            }
            prop_assert!(figure("converged") <= Some(took.len() as u64));
        }
    }
}
