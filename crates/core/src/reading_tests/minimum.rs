//! Minimum versions: met while that can be, and never a way to flood the object.

use proptest::prelude::*;

use super::*;

/// No coordinator will ever be there.
const ABSURD: u64 = 1 << 50;

/// The calls of so many reads at once, by whether a minimum caused them.
fn calls_at_once(reader: &mut Reader, minimum: u64, reads: u32) -> (usize, usize) {
    let calls: Vec<Call> = (0..reads)
        .filter_map(|_| call_of(reader.plan_at_least(minimum)))
        .collect();
    let caused = calls.iter().filter(|call| call.minimum.is_some()).count();
    (caused, calls.len() - caused)
}

#[test]
fn a_fresh_reader_that_is_behind_asks_at_once_and_waits() {
    let mut reader = Reader::warm(OnExpired::Serve);
    let Plan::Wait { call, deadline_ms } = reader.plan_at_least(2) else {
        panic!()
    };
    assert_eq!(
        (call.ask.if_none_match(), deadline_ms),
        (Some(&etag(1)), 50)
    );
    reader.receive(&call, snapshot(2));
    assert_eq!(reader.seen(), (2, ReadState::Fresh, 0));
    assert_eq!(reader.plan_at_least(2), Plan::Serve);
}

#[test]
fn with_no_token_left_a_read_serves_what_it_has_and_tells_its_state() {
    let mut reader = Reader::warm(OnExpired::Serve);
    reader.now += TTL_MS - 1;
    assert_eq!(calls_at_once(&mut reader, ABSURD, 300), (5, 0));
    assert_eq!(reader.seen(), (1, ReadState::Fresh, TTL_MS - 1));
    // It is a read like any other then, and takes the lease where that is free.
    let mut reader = Reader::warm(OnExpired::Serve);
    assert_eq!(calls_at_once(&mut reader, ABSURD, 300), (5, 0));
    reader.now += TTL_MS + SWR_MS;
    assert_eq!(reader.seen(), (1, ReadState::Expired, TTL_MS + SWR_MS));
}

#[test]
fn cold_reads_with_a_minimum_are_bounded_as_well() {
    let mut reader = Reader::new(ColdStart::Wait { deadline_ms: 50 }, OnExpired::Serve);
    assert_eq!(calls_at_once(&mut reader, ABSURD, 300), (5, 0));
    assert_eq!(reader.seen(), (0, ReadState::Base, 0));
    let without = (0..3).filter_map(|_| call_of(reader.plan())).count();
    assert_eq!(without, 3, "who asks for no minimum waits as ever");
    let mut reader = Reader::new(ColdStart::Base, OnExpired::Serve);
    assert_eq!(calls_at_once(&mut reader, ABSURD, 300), (0, 1));
}

#[test]
fn calls_that_reach_their_minimum_are_never_out() {
    let mut reader = Reader::warm(OnExpired::Serve);
    for version in 2..1_000 {
        let Plan::Wait { call, .. } = reader.plan_at_least(version) else {
            panic!("version {version} is not asked for")
        };
        reader.receive(&call, snapshot(version));
        assert_eq!(reader.seen().0, version);
    }
    assert_eq!(calls_at_once(&mut reader, ABSURD, 10).0, 5);
}

#[test]
fn a_304_that_confirms_what_reaches_it_gives_the_token_back_and_others_do_not() {
    let mut reader = Reader::warm(OnExpired::Serve);
    let calls: Vec<Call> = (0..5)
        .filter_map(|_| call_of(reader.plan_at_least(2)))
        .collect();
    let [first, rest @ ..] = calls.as_slice() else {
        panic!()
    };
    reader.receive(first, NOT_MODIFIED);
    assert_eq!(reader.plan_at_least(2), Plan::Serve, "spent for nothing");
    for call in rest {
        reader.receive(call, snapshot(2));
    }
    assert_eq!(calls_at_once(&mut reader, ABSURD, 10).0, 4);
}

#[derive(Clone, Debug)]
enum Step {
    Reads {
        minimum: Option<u64>,
        count: u32,
    },
    /// All calls that are out are answered with the head, or fail, or are never heard of again.
    Answer,
    Fail,
    Lose,
    Adopt,
    Clock(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let absurd = prop_oneof![Just(None), (ABSURD..1 << 53).prop_map(Some)];
    prop_oneof![
        5 => (absurd, 1_u32..40).prop_map(|(minimum, count)| Step::Reads { minimum, count }),
        4 => Just(Step::Answer),
        1 => Just(Step::Fail),
        1 => Just(Step::Lose),
        1 => Just(Step::Adopt),
        4 => (0_i64..3_000).prop_map(Step::Clock),
        1 => (-1_000_000_i64..0).prop_map(Step::Clock),
    ]
}

proptest! {
    #[test]
    fn absurd_minimums_cause_no_more_than_a_burst_and_one_a_second(
        steps in proptest::collection::vec(step(), 1..200), waits: bool,
    ) {
        let cold_start = if waits { ColdStart::Wait { deadline_ms: 50 } } else { ColdStart::Base };
        let mut reader = Reader::new(cold_start, OnExpired::Serve);
        let (mut head, mut passed_ms, mut caused) = (1, 0, 0);
        let mut out: Vec<Call> = Vec::new();
        for step in steps {
            match step {
                Step::Reads { minimum, count } => for _ in 0..count {
                    let plan = match minimum {
                        Some(minimum) => reader.plan_at_least(minimum),
                        None => reader.plan(),
                    };
                    let call = call_of(plan);
                    caused += u64::from(call.as_ref().is_some_and(|call| call.minimum.is_some()));
                    out.extend(call);
                },
                Step::Answer => for call in out.drain(..) {
                    reader.receive(&call, snapshot(head));
                },
                Step::Fail => for call in out.drain(..) {
                    reader.fail(&call);
                },
                Step::Lose => out.clear(),
                Step::Adopt => head += 1,
                Step::Clock(by_ms) => {
                    reader.now = reader.now.saturating_add_signed(by_ms);
                    passed_ms += u64::try_from(by_ms).unwrap_or(0);
                }
            }
            prop_assert!(caused <= MINIMUM_BURST + passed_ms / MINIMUM_PAUSE_MS, "{caused} calls");
        }
        // Whatever was before, once pauses and leases have ended a write can be read back, as often as there is one.
        for call in out {
            reader.receive(&call, snapshot(head));
        }
        // A clock that was set back is only noticed when it is looked at.
        reader.read();
        reader.now += PAUSE_MAX_MS + reader.policy.revalidate_timeout_ms;
        for version in head + 1..head + 20 {
            let call = call_of(reader.plan_at_least(version)).expect("a call");
            reader.receive(&call, snapshot(version));
            prop_assert_eq!(reader.seen().0, version);
        }
    }
}
