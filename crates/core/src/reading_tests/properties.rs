//! What holds over any order of reads, answers and clock steps.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    /// A read, perhaps with a minimum version.
    Read(Option<u64>),
    /// The answer to one of the calls that are out; made when it was sent, or only now.
    Answer {
        which: usize,
        made_at_once: bool,
        bad: bool,
    },
    /// A call is answered 304 if that is true, or wrongly so.
    NotModified {
        which: usize,
    },
    Fail {
        which: usize,
    },
    /// A call is never heard of again.
    Lose {
        which: usize,
    },
    /// The coordinator adopts.
    Adopt,
    Clock(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<Option<u8>>().prop_map(|min| Step::Read(min.map(|min| u64::from(min) / 8))),
        3 => (any::<usize>(), any::<bool>(), prop::bool::weighted(0.1))
            .prop_map(|(which, made_at_once, bad)| Step::Answer { which, made_at_once, bad }),
        2 => any::<usize>().prop_map(|which| Step::NotModified { which }),
        1 => any::<usize>().prop_map(|which| Step::Fail { which }),
        1 => any::<usize>().prop_map(|which| Step::Lose { which }),
        2 => Just(Step::Adopt),
        4 => (0_i64..3_000).prop_map(Step::Clock),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX), -1_000_000_i64..1_000_000].prop_map(Step::Clock),
    ]
}

fn policy() -> impl Strategy<Value = (ColdStart, OnExpired)> {
    (
        prop_oneof![
            Just(ColdStart::Base),
            Just(ColdStart::Wait { deadline_ms: 50 })
        ],
        prop_oneof![
            Just(OnExpired::Serve),
            Just(OnExpired::Wait { deadline_ms: 80 }),
            Just(OnExpired::Error),
        ],
    )
}

proptest! {
    #[test]
    fn whatever_comes_in_whatever_order(
        (cold_start, on_expired) in policy(), steps in proptest::collection::vec(step(), 1..200),
    ) {
        let mut reader = Reader::new(cold_start, on_expired);
        let mut head = 1;
        let mut out: Vec<(Call, u64)> = Vec::new();
        let mut last_version = 0;
        for step in steps {
            let was_fresh = reader.read().state == ReadState::Fresh;
            let version_before = reader.cache.version();
            match step {
                Step::Read(minimum) => {
                    let plan = match minimum {
                        Some(minimum) => reader.plan_at_least(minimum),
                        None => reader.plan(),
                    };
                    let wants_more = minimum.and_then(Version::new) > version_before;
                    if was_fresh && !wants_more {
                        prop_assert_eq!(&plan, &Plan::Serve, "a fresh read plans no call");
                    }
                    if plan == Plan::Refuse {
                        prop_assert_eq!(on_expired, OnExpired::Error);
                        prop_assert!(!reader.may_serve());
                    }
                    if cold_start == ColdStart::Base && version_before.is_none() {
                        let waits = matches!(plan, Plan::Wait { .. });
                        prop_assert!(!waits);
                    }
                    out.extend(call_of(plan).map(|call| (call, head)));
                }
                Step::Answer { which, made_at_once, bad } if !out.is_empty() => {
                    let (call, sent_head) = out.swap_remove(which % out.len());
                    let version = if made_at_once { sent_head } else { head };
                    let body = if bad { "bad".to_owned() } else { version.to_string() };
                    reader.receive(&call, snapshot_of(version, &body));
                }
                Step::NotModified { which } if !out.is_empty() => {
                    let (call, _) = out.swap_remove(which % out.len());
                    reader.receive(&call, NOT_MODIFIED);
                    prop_assert_eq!(reader.cache.version(), version_before);
                }
                Step::Fail { which } if !out.is_empty() => {
                    let (call, _) = out.swap_remove(which % out.len());
                    reader.fail(&call);
                    prop_assert_eq!(reader.cache.version(), version_before);
                }
                Step::Lose { which } if !out.is_empty() => {
                    out.swap_remove(which % out.len());
                }
                Step::Adopt => head += 1,
                Step::Clock(by_ms) => reader.now = reader.now.saturating_add_signed(by_ms),
                _ => {}
            }
            let read = reader.read();
            let version = read.version.map_or(0, Version::get);
            prop_assert!(version >= last_version, "{last_version} went down to {version}");
            prop_assert!(version <= head);
            let expected = if version == 0 { "base".to_owned() } else { version.to_string() };
            prop_assert_eq!(&*read.value, &expected, "the value is the version's own");
            prop_assert_eq!(&read.etag, &read.version.map(|version| etag(version.get())));
            match read.state {
                ReadState::Fresh => prop_assert!(read.age_ms < TTL_MS),
                ReadState::Stale => prop_assert!((TTL_MS..TTL_MS + SWR_MS).contains(&read.age_ms)),
                ReadState::Expired => prop_assert!(read.age_ms >= TTL_MS + SWR_MS),
                ReadState::Base => prop_assert_eq!(version, 0),
            }
            if let Some(version) = read.version {
                let fresh = (read.state == ReadState::Fresh).then_some(read.age_ms);
                let counted = reader.cache.counts().fresh + u64::from(fresh.is_some());
                prop_assert_eq!(reader.read_fresh(version), fresh, "at once only what a read would say");
                prop_assert_eq!(reader.cache.counts().fresh, counted);
                let again = reader.read_at_once();
                prop_assert_eq!(reader.cache.counts().fresh, counted + u64::from(again.is_some()));
                let told = |read: &Read<String>| (Rc::clone(&read.value), read.version, read.age_ms, read.state);
                prop_assert_eq!(again.as_ref().map(told), fresh.map(|_| told(&read)), "the same read");
                for other in [version.next(), Version::new(version.get() - 1)].into_iter().flatten() {
                    prop_assert_eq!(reader.read_fresh(other), None);
                }
            }
            last_version = version;
        }
    }

    /// Reads at any times, every call answered after `travel_ms`: the age told is never less than
    /// the truth, and a read that is not `expired` is within the bounds.
    #[test]
    fn with_answers_coming_staleness_is_bounded_and_told(
        (cold_start, on_expired) in policy(),
        gaps in proptest::collection::vec(0_u64..2_000, 1..100),
        travel_ms in 0_u64..500, made_after_ms in 0_u64..500,
    ) {
        let mut reader = Reader::new(cold_start, on_expired);
        let made_after_ms = made_after_ms.min(travel_ms);
        // When each call that is out is answered, and when its answer was made.
        let mut out: Vec<(Call, u64, u64)> = Vec::new();
        let mut heard_at = None;
        for gap_ms in gaps {
            let until = reader.now + gap_ms;
            out.sort_by_key(|(_, due, _)| *due);
            while out.first().is_some_and(|(_, due, _)| *due <= until) {
                let (call, due, made) = out.remove(0);
                reader.now = due;
                let answer = if call.ask.if_none_match().is_some() { NOT_MODIFIED } else { snapshot(1) };
                reader.receive(&call, answer);
                heard_at = heard_at.max(Some(made));
            }
            reader.now = until;
            if let Some(call) = call_of(reader.plan()) {
                out.push((call, until + travel_ms, until + made_after_ms));
            }
            let read = reader.read();
            if let Some(heard_at) = heard_at {
                let true_age_ms = reader.now - heard_at;
                prop_assert!(read.age_ms >= true_age_ms, "{} told, {} true", read.age_ms, true_age_ms);
                prop_assert!(read.age_ms <= true_age_ms + travel_ms);
                prop_assert!(read.state == ReadState::Expired || read.age_ms < TTL_MS + SWR_MS);
            }
            // Gaps are below TTL + SWR, so an expired read never comes to pass.
            prop_assert!(read.state != ReadState::Expired);
            prop_assert!(out.len() <= 1 || cold_start != ColdStart::Base);
        }
    }

    /// However the clock steps, a read's age only shrinks by an answer.
    #[test]
    fn no_clock_makes_a_read_younger(steps in proptest::collection::vec(any::<i64>(), 1..50)) {
        let mut reader = Reader::warm(OnExpired::Serve);
        let mut age_ms = 0;
        for by_ms in steps {
            reader.now = reader.now.saturating_add_signed(by_ms);
            let read = reader.read();
            prop_assert!(read.age_ms >= age_ms);
            age_ms = read.age_ms;
        }
    }
}
