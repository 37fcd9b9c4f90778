//! Calls that fail, get lost, or are answered out of order.

use super::*;

#[test]
fn a_call_that_never_ends_is_taken_over_after_its_deadline() {
    let mut reader = Reader::warm(OnExpired::Serve);
    reader.now += TTL_MS;
    let lost = reader.call();
    let term_ms = reader.policy.revalidate_timeout_ms;
    reader.now += term_ms - 1;
    assert_eq!(reader.plan(), Plan::Serve);
    reader.now += 1;
    let second = reader.call();
    assert_eq!(reader.plan(), Plan::Serve);
    assert_eq!(
        reader.receive(&lost, NOT_MODIFIED),
        Received::Confirmed,
        "late, but true"
    );
    reader.now += TTL_MS;
    assert_eq!(
        reader.plan(),
        Plan::Serve,
        "the late one did not free the other's lease"
    );
    reader.receive(&second, snapshot(2));
    assert_eq!(reader.seen().0, 2);
}

#[test]
fn failures_pause_ever_longer_up_to_the_ttl() {
    let mut reader = Reader::warm(OnExpired::Serve);
    reader.now += TTL_MS;
    let mut pauses = Vec::new();
    for _ in 0..5 {
        let call = reader.call();
        reader.fail(&call);
        pauses.push(reader.pause_ms(20_000).unwrap());
        reader.now += reader.policy.revalidate_timeout_ms;
    }
    assert_eq!(pauses, [250, 500, TTL_MS, TTL_MS, TTL_MS]);
    assert_eq!(reader.cache.counts().call_failures, 5);
    let call = reader.call();
    reader.receive(&call, NOT_MODIFIED);
    reader.now += TTL_MS;
    let call = reader.call();
    reader.fail(&call);
    assert_eq!(
        reader.pause_ms(20_000),
        Some(PAUSE_FIRST_MS),
        "an answer began it anew"
    );
}

#[test]
fn a_cold_readers_pause_has_its_own_cap() {
    let mut reader = Reader::new(ColdStart::Base, OnExpired::Serve);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let call = reader.call();
        reader.fail(&call);
        assert_eq!(reader.seen().1, ReadState::Base);
        pauses.push(reader.pause_ms(20_000).unwrap());
        reader.now += reader.policy.revalidate_timeout_ms;
    }
    assert_eq!(
        pauses,
        [
            250,
            500,
            1_000,
            2_000,
            4_000,
            8_000,
            PAUSE_MAX_MS,
            PAUSE_MAX_MS
        ]
    );
}

#[test]
fn a_cold_reader_does_not_wait_while_it_pauses() {
    let mut reader = Reader::new(ColdStart::Wait { deadline_ms: 50 }, OnExpired::Serve);
    let call = reader.call();
    reader.fail(&call);
    assert_eq!(reader.plan(), Plan::Serve);
    reader.now += PAUSE_FIRST_MS;
    assert!(matches!(reader.plan(), Plan::Wait { .. }));
}

#[test]
fn calls_that_fail_together_are_one_failure_to_the_pause() {
    let mut reader = Reader::new(ColdStart::Wait { deadline_ms: 50 }, OnExpired::Serve);
    let calls: Vec<Call> = (0..50).map(|_| reader.call()).collect();
    for call in &calls {
        reader.now += 1;
        reader.fail(call);
    }
    assert_eq!(reader.cache.counts().call_failures, 50);
    let pause_ms = {
        let began = reader.now;
        while call_of(reader.plan()).is_none() {
            reader.now += 1;
        }
        reader.now - began
    };
    assert!(
        pause_ms <= PAUSE_FIRST_MS,
        "one moment of trouble cost {pause_ms} ms"
    );
}

#[test]
fn a_late_failure_does_not_undo_an_answer() {
    let mut reader = Reader::new(ColdStart::Wait { deadline_ms: 50 }, OnExpired::Serve);
    let (first, second) = (reader.call(), reader.call());
    reader.receive(&second, snapshot(1));
    reader.fail(&first);
    assert_eq!(reader.seen(), (1, ReadState::Fresh, 0));
    reader.now += TTL_MS;
    assert!(
        call_of(reader.plan()).is_some(),
        "the pause ended long before"
    );
}

#[test]
fn an_older_answer_changes_nothing() {
    let mut reader = Reader::new(ColdStart::Wait { deadline_ms: 50 }, OnExpired::Serve);
    let calls: Vec<Call> = (0..4).map(|_| reader.call()).collect();
    assert_eq!(reader.receive(&calls[0], snapshot(5)), Received::Adopted);
    reader.now += 10;
    assert_eq!(reader.receive(&calls[1], snapshot(4)), Received::Ignored);
    assert_eq!(
        reader.receive(&calls[2], snapshot_of(3, "bad")),
        Received::Ignored,
        "not even parsed"
    );
    assert_eq!(
        reader.receive(&calls[3], NOT_MODIFIED),
        Received::Ignored,
        "to no validator at all"
    );
    assert_eq!(reader.seen(), (5, ReadState::Fresh, 10));
    let counts = reader.cache.counts();
    assert_eq!((counts.ignored, counts.rejections), (3, 0));
}

#[test]
fn a_304_for_what_is_no_longer_held_confirms_nothing() {
    let mut reader = Reader::warm(OnExpired::Serve);
    reader.now += TTL_MS;
    let slow = reader.call();
    reader.now += reader.policy.revalidate_timeout_ms;
    let quick = reader.call();
    assert_eq!(reader.receive(&quick, snapshot(2)), Received::Adopted);
    reader.now += 300;
    assert_eq!(reader.receive(&slow, NOT_MODIFIED), Received::Ignored);
    assert_eq!(reader.seen(), (2, ReadState::Fresh, 300));
}

#[test]
fn a_confirmation_never_makes_a_read_older() {
    let mut reader = Reader::new(ColdStart::Wait { deadline_ms: 50 }, OnExpired::Serve);
    let slow = reader.call();
    reader.now += 400;
    let quick = reader.call();
    reader.receive(&quick, snapshot(1));
    assert_eq!(reader.seen().2, 0);
    assert_eq!(reader.receive(&slow, snapshot(1)), Received::Confirmed);
    assert_eq!(reader.seen().2, 0, "that answer may be 400 ms old");
}
