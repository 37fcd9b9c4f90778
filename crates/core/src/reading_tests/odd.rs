//! Documents that do not fit, minimum versions, and clocks that jump.

use super::*;

#[test]
fn a_document_that_does_not_fit_keeps_the_version_before() {
    let mut reader = Reader::warm(OnExpired::Serve);
    reader.now += TTL_MS;
    let call = reader.call();
    assert_eq!(
        reader.receive(&call, snapshot_of(2, "bad")),
        Received::Refused
    );
    assert_eq!(reader.seen(), (1, ReadState::Stale, TTL_MS));
    assert_eq!(*reader.read().value, "1");
    assert_eq!(reader.cache.counts().rejections, 1);
    assert_eq!(
        reader.pause_ms(20_000),
        Some(TTL_MS),
        "not asked again before the TTL"
    );
}

#[test]
fn a_refused_version_is_not_sent_again() {
    let mut reader = Reader::warm(OnExpired::Serve);
    reader.now += TTL_MS;
    let call = reader.call();
    reader.receive(&call, snapshot_of(2, "bad"));
    for _ in 0..3 {
        reader.now += TTL_MS;
        let call = reader.call();
        assert_eq!(
            call.ask.if_none_match(),
            Some(&etag(2)),
            "what was refused, not what is held"
        );
        assert_eq!(reader.receive(&call, NOT_MODIFIED), Received::Refused);
        assert_eq!(reader.plan(), Plan::Serve);
    }
    assert_eq!(reader.cache.counts().rejections, 1, "parsed once");
    assert_eq!(reader.seen(), (1, ReadState::Stale, 4 * TTL_MS));
    reader.now += TTL_MS;
    let call = reader.call();
    assert_eq!(reader.receive(&call, snapshot(3)), Received::Adopted);
    assert_eq!(reader.seen(), (3, ReadState::Fresh, 0));
    reader.now += TTL_MS;
    assert_eq!(reader.call().ask.if_none_match(), Some(&etag(3)));
}

#[test]
fn a_first_document_that_does_not_fit_leaves_the_base() {
    let mut reader = Reader::new(ColdStart::Wait { deadline_ms: 50 }, OnExpired::Error);
    let call = reader.call();
    assert_eq!(
        reader.receive(&call, snapshot_of(1, "bad")),
        Received::Refused
    );
    assert_eq!(reader.seen(), (0, ReadState::Base, 0));
    assert_eq!(reader.plan(), Plan::Serve);
    assert_eq!(
        reader.cache.counts().cold_start_ms,
        None,
        "there is no snapshot yet"
    );
    reader.now += TTL_MS - 1;
    assert_eq!(reader.plan(), Plan::Serve);
    reader.now += 1;
    let call = reader.call();
    assert_eq!(call.ask.if_none_match(), Some(&etag(1)));
    assert_eq!(reader.receive(&call, snapshot(2)), Received::Adopted);
}

#[test]
fn a_version_between_the_held_and_the_refused_is_taken() {
    let mut reader = Reader::new(ColdStart::Wait { deadline_ms: 50 }, OnExpired::Serve);
    let (slow, quick) = (reader.call(), reader.call());
    assert_eq!(
        reader.receive(&quick, snapshot_of(3, "bad")),
        Received::Refused
    );
    assert_eq!(reader.receive(&slow, snapshot(2)), Received::Adopted);
    assert_eq!(reader.seen(), (2, ReadState::Fresh, 0));
}

#[test]
fn a_304_to_what_is_held_confirms_it_though_another_version_was_refused() {
    let mut reader = Reader::warm(OnExpired::Serve);
    reader.now += TTL_MS;
    let slow = reader.call();
    reader.now += reader.policy.revalidate_timeout_ms;
    let quick = reader.call();
    assert_eq!(
        reader.receive(&quick, snapshot_of(2, "bad")),
        Received::Refused
    );
    assert_eq!(reader.receive(&slow, NOT_MODIFIED), Received::Confirmed);
    assert_eq!(reader.cache.counts().rejections, 1);
}

#[test]
fn a_minimum_version_is_asked_for_even_when_fresh() {
    let mut reader = Reader::warm(OnExpired::Serve);
    assert_eq!(reader.plan_at_least(1), Plan::Serve);
    let Plan::Wait {
        call,
        deadline_ms: 50,
    } = reader.plan_at_least(2)
    else {
        panic!()
    };
    assert_eq!(call.ask.if_none_match(), Some(&etag(1)));
    reader.receive(&call, snapshot(2));
    assert_eq!(reader.plan_at_least(2), Plan::Serve);
    assert_eq!(reader.seen().0, 2);
}

#[test]
fn a_minimum_version_does_not_rely_on_a_call_that_was_sent_before() {
    let mut reader = Reader::warm(OnExpired::Serve);
    reader.now += TTL_MS;
    let earlier = reader.call();
    let Plan::Wait { call, .. } = reader.plan_at_least(2) else {
        panic!("read your own write")
    };
    assert_eq!(reader.receive(&call, snapshot(2)), Received::Adopted);
    assert_eq!(reader.receive(&earlier, NOT_MODIFIED), Received::Ignored);
    assert_eq!(reader.seen().0, 2);
}

#[test]
fn a_minimum_version_waits_for_no_coordinator_that_just_failed() {
    let mut reader = Reader::warm(OnExpired::Serve);
    let Plan::Wait { call, .. } = reader.plan_at_least(2) else {
        panic!()
    };
    reader.fail(&call);
    assert_eq!(reader.plan_at_least(2), Plan::Serve);
    reader.now += PAUSE_FIRST_MS;
    assert!(matches!(reader.plan_at_least(2), Plan::Wait { .. }));
}

#[test]
fn a_clock_set_back_makes_nothing_younger_and_stops_nothing() {
    let mut reader = Reader::warm(OnExpired::Serve);
    reader.now += TTL_MS - 1;
    assert_eq!(reader.seen(), (1, ReadState::Fresh, TTL_MS - 1));
    reader.now -= 900_000;
    assert_eq!(reader.seen(), (1, ReadState::Fresh, TTL_MS - 1));
    reader.now += 1;
    assert_eq!(reader.seen(), (1, ReadState::Stale, TTL_MS));
    let lost = reader.call();
    reader.now = 0;
    assert_eq!(reader.plan(), Plan::Serve);
    reader.now += reader.policy.revalidate_timeout_ms;
    let call = reader.call();
    reader.fail(&lost);
    reader.now = 5;
    reader.receive(&call, NOT_MODIFIED);
    assert_eq!(reader.seen(), (1, ReadState::Fresh, 0));
}

#[test]
fn a_clock_set_ahead_costs_a_call_and_no_more() {
    let mut reader = Reader::warm(OnExpired::Wait { deadline_ms: 80 });
    reader.now = u64::MAX;
    assert_eq!(reader.seen().1, ReadState::Expired);
    let Plan::Wait { call, .. } = reader.plan() else {
        panic!()
    };
    assert_eq!(reader.receive(&call, NOT_MODIFIED), Received::Confirmed);
    assert_eq!(reader.seen(), (1, ReadState::Fresh, 0));
    assert_eq!(reader.plan(), Plan::Serve);
}

#[test]
fn a_pause_survives_a_clock_that_is_set_back() {
    let mut reader = Reader::warm(OnExpired::Serve);
    reader.now += TTL_MS;
    let call = reader.call();
    reader.fail(&call);
    reader.now = 7;
    assert_eq!(
        reader.pause_ms(20_000),
        Some(PAUSE_FIRST_MS),
        "no shorter and no longer"
    );
}

#[test]
fn extreme_terms_neither_overflow_nor_panic() {
    for (age_ms, ttl_ms, swr_ms) in [
        (0, 0, 0),
        (u64::MAX, 0, 0),
        (0, u64::MAX, u64::MAX),
        (u64::MAX, u64::MAX, u64::MAX),
    ] {
        let mut reader = Reader::new(ColdStart::Base, OnExpired::Serve);
        let call = reader.call();
        reader.now += 10;
        let terms = Freshness {
            age_ms,
            ttl_ms,
            swr_ms,
            base: false,
        };
        let (version, etag) = (Version::FIRST, etag(1));
        reader.receive(
            &call,
            Answer::Snapshot {
                version,
                etag,
                terms,
                pending: None,
                body: "1".to_owned(),
            },
        );
        reader.now = u64::MAX;
        reader.read();
        for _ in 0..100 {
            let Some(call) = call_of(reader.plan()) else {
                continue;
            };
            reader.fail(&call);
        }
        assert_eq!(reader.seen().0, 1);
    }
}

#[test]
fn built_in_layers_of_the_coordinator_never_stand_in_for_this_workers_own() {
    let mut cache = Cache::default();
    let policy = ReaderSettings::default();
    let base = Rc::new("own".to_owned());
    let Plan::Wait { call, .. } = cache.plan(UnixMillis(0), &policy, None) else {
        panic!("a cold read waits");
    };
    let answer = Answer::Snapshot {
        version: Version::FIRST,
        etag: ETag::from_header("\"v1-0\"").unwrap(),
        terms: Freshness {
            age_ms: 0,
            ttl_ms: 1_000,
            swr_ms: 0,
            base: true,
        },
        pending: None,
        body: "the coordinator's",
    };
    let parse = |_: &str| -> Result<String, ()> { panic!("there is nothing to parse") };
    let (received, _) = cache.receive(&call, answer, UnixMillis(5), parse);
    assert_eq!(received, Received::Adopted);
    let read = cache.read(UnixMillis(6), &base);
    assert_eq!((read.value.as_str(), read.state), ("own", ReadState::Base));
    assert_eq!(
        (read.version, read.age_ms),
        (None, 0),
        "it is not that version"
    );
    assert_eq!(cache.counts().rejections, 0);
}
