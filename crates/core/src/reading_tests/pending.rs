//! What is announced, fetched ahead and switched to.

use super::*;

const IN_MS: u64 = 600;

fn pending(version: u64, in_ms: u64) -> Pending {
    let version = Version::new(version).unwrap();
    Pending { version, in_ms }
}

/// The answer with an announcement.
fn announcing(answer: Answer<String>, version: u64, in_ms: u64) -> Answer<String> {
    let announced = Some(pending(version, in_ms));
    match answer {
        Answer::NotModified { terms, .. } => Answer::NotModified {
            terms,
            pending: announced,
        },
        Answer::Snapshot {
            version,
            etag,
            terms,
            body,
            ..
        } => Answer::Snapshot {
            version,
            etag,
            terms,
            pending: announced,
            body,
        },
        Answer::NotScheduled => Answer::NotScheduled,
    }
}

/// The announced document itself.
fn document(version: u64, in_ms: u64) -> Answer<String> {
    announcing(snapshot(version), version, in_ms)
}

impl Reader {
    /// The call for what was announced.
    pub(super) fn ahead(&mut self) -> Option<Call> {
        let timeout_ms = self.policy.revalidate_timeout_ms;
        self.cache.plan_ahead(UnixMillis(self.now), timeout_ms)
    }

    pub(super) fn pending(&mut self) -> Option<Pending> {
        self.cache.pending(UnixMillis(self.now))
    }

    /// A stale one's next call is answered like this.
    fn poll(&mut self, answer: Answer<String>) -> Received {
        self.now += TTL_MS;
        let call = self.call();
        self.receive(&call, answer)
    }

    /// Holds version 1, just confirmed, and version 2 until `in_ms` from now.
    fn prepared(on_expired: OnExpired, in_ms: u64) -> Self {
        let mut reader = Self::warm(on_expired);
        reader.poll(announcing(NOT_MODIFIED, 2, in_ms));
        let call = reader.ahead().expect("a call for the document");
        assert_eq!(
            call.ask,
            Ask::Pending {
                version: version(2)
            }
        );
        assert_eq!(
            reader.receive(&call, document(2, in_ms)),
            Received::Prepared
        );
        reader
    }
}

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

#[test]
fn at_its_moment_it_is_what_every_read_sees_and_nobody_is_asked() {
    let mut reader = Reader::prepared(OnExpired::Serve, IN_MS);
    let calls = reader.cache.counts().calls;
    for (step_ms, age_ms) in [(0, 0), (1, 1), (IN_MS - 2, IN_MS - 1)] {
        reader.now += step_ms;
        assert_eq!(reader.plan(), Plan::Serve);
        assert_eq!(reader.seen(), (1, ReadState::Fresh, age_ms));
        assert_eq!(reader.pending(), Some(pending(2, IN_MS - age_ms)));
    }
    reader.now += 1;
    assert_eq!(reader.plan(), Plan::Serve);
    assert_eq!(
        reader.seen(),
        (2, ReadState::Fresh, IN_MS),
        "no younger for it"
    );
    assert_eq!(*reader.read().value, "2");
    assert_eq!(reader.read().etag, Some(etag(2)));
    assert_eq!(reader.pending(), None);
    let counts = reader.cache.counts();
    assert_eq!((counts.calls, counts.adoptions), (calls, 2));
    reader.now += TTL_MS - IN_MS;
    assert_eq!(reader.call().ask.if_none_match(), Some(&etag(2)));
}

#[test]
fn every_way_to_look_switches() {
    let looks: [fn(&mut Reader); 5] = [
        |reader| drop(reader.plan()),
        |reader| drop(reader.read()),
        |reader| drop(reader.cache.peek(UnixMillis(reader.now), &reader.base)),
        |reader| assert!(reader.may_serve()),
        |reader| assert_eq!(reader.pending(), None),
    ];
    for look in looks {
        let mut reader = Reader::prepared(OnExpired::Serve, IN_MS);
        reader.now += IN_MS - 1;
        reader.plan();
        assert_eq!(reader.cache.version(), Some(version(1)));
        reader.now += 1;
        look(&mut reader);
        assert_eq!(reader.cache.version(), Some(version(2)));
    }
}

#[test]
fn it_switches_whatever_the_age_and_the_policy_decides_the_rest() {
    let mut stale = Reader::prepared(OnExpired::Serve, TTL_MS + 1);
    stale.now += TTL_MS + 1;
    assert!(matches!(stale.plan(), Plan::ServeAndCall(_)));
    assert_eq!(stale.seen(), (2, ReadState::Stale, TTL_MS + 1));

    let expired_ms = TTL_MS + SWR_MS;
    let mut expired = Reader::prepared(OnExpired::Error, expired_ms);
    expired.now += expired_ms;
    let Plan::Wait { call, .. } = expired.plan() else {
        panic!("it would rather fail than serve");
    };
    assert_eq!(call.ask.if_none_match(), Some(&etag(2)));
    assert!(!expired.may_serve());
    expired.receive(&call, NOT_MODIFIED);
    assert_eq!(expired.seen(), (2, ReadState::Fresh, 0));
}

#[test]
fn the_moment_is_counted_from_the_arrival_and_the_earliest_of_several_holds() {
    let mut reader = Reader::new(ColdStart::Wait { deadline_ms: 50 }, OnExpired::Serve);
    let (first, second) = (reader.call(), reader.call());
    reader.now += 300;
    reader.receive(&first, announcing(snapshot(1), 2, IN_MS));
    let call = reader.ahead().unwrap();
    assert_eq!(reader.ahead(), None, "one at a time");
    reader.receive(&call, document(2, IN_MS + 50));
    assert_eq!(
        reader.pending(),
        Some(pending(2, IN_MS)),
        "the later bound is none"
    );
    reader.now += 10;
    reader.receive(&second, announcing(snapshot(1), 2, IN_MS - 20));
    assert_eq!(reader.pending(), Some(pending(2, IN_MS - 20)));
    assert_eq!(reader.ahead(), None, "it is here");
    reader.now += IN_MS - 21;
    assert_eq!(reader.seen().0, 1);
    reader.now += 1;
    assert_eq!(reader.seen().0, 2);
}

#[test]
fn the_last_call_sent_has_the_word() {
    let far_ms = 100 * TTL_MS;
    let mut reader = Reader::prepared(OnExpired::Serve, far_ms);
    reader.policy.revalidate_timeout_ms = 1;
    reader.now += TTL_MS;
    let slow = reader.call();
    reader.now += 1;
    let quick = reader.call();
    reader.receive(&quick, announcing(NOT_MODIFIED, 2, far_ms));
    reader.receive(&slow, NOT_MODIFIED);
    assert!(reader.pending().is_some(), "an older answer drops nothing");

    reader.now += TTL_MS;
    let slow = reader.call();
    reader.now += 1;
    let quick = reader.call();
    reader.receive(&quick, announcing(NOT_MODIFIED, 5, far_ms));
    assert_eq!(reader.pending(), None, "a newer one replaces it");
    reader.receive(&slow, announcing(NOT_MODIFIED, 4, far_ms));
    let call = reader.ahead().unwrap();
    assert_eq!(
        call.ask,
        Ask::Pending {
            version: version(5)
        }
    );
    reader.receive(&call, document(5, far_ms));
    assert!(reader.pending().is_some());
    reader.poll(NOT_MODIFIED);
    assert_eq!(reader.pending(), None, "cancelled");
    reader.now += 2 * far_ms;
    assert_eq!(reader.seen().0, 1);
}

#[test]
fn what_is_not_scheduled_any_more_is_dropped_until_it_is_announced_again() {
    let mut reader = Reader::warm(OnExpired::Serve);
    reader.poll(announcing(NOT_MODIFIED, 2, IN_MS));
    let call = reader.ahead().unwrap();
    assert_eq!(
        reader.receive(&call, Answer::NotScheduled),
        Received::Ignored
    );
    assert_eq!(reader.ahead(), None);
    assert_eq!(reader.plan(), Plan::Serve);
    reader.poll(announcing(NOT_MODIFIED, 2, IN_MS));
    let asked = reader.ahead().unwrap();
    reader.poll(announcing(NOT_MODIFIED, 2, IN_MS));
    reader.receive(&asked, Answer::NotScheduled);
    assert!(reader.ahead().is_some(), "a later call was told that it is");
}

#[test]
fn a_document_that_cannot_be_had_ahead_is_no_trouble_of_the_heads() {
    let mut reader = Reader::warm(OnExpired::Serve);
    reader.poll(announcing(NOT_MODIFIED, 2, 10 * TTL_MS));
    let call = reader.ahead().unwrap();
    reader.fail(&call);
    assert_eq!(reader.cache.counts().call_failures, 1);
    assert_eq!(
        reader.poll(announcing(NOT_MODIFIED, 2, IN_MS)),
        Received::Confirmed
    );
    let lost = reader.ahead().expect("asked for at each poll");
    reader.now += TTL_MS;
    let call = reader.call();
    reader.receive(&call, announcing(NOT_MODIFIED, 2, IN_MS));
    assert_eq!(reader.ahead(), None, "but once at a time");
    reader.now += reader.policy.revalidate_timeout_ms - TTL_MS;
    assert!(reader.ahead().is_some());
    reader.fail(&lost);
    reader.now += IN_MS;
    assert_eq!(reader.seen().0, 1, "there is nothing to switch to");
}

#[test]
fn a_misfit_is_refused_once_and_nothing_switches() {
    let mut reader = Reader::warm(OnExpired::Serve);
    reader.poll(announcing(NOT_MODIFIED, 2, TTL_MS + IN_MS));
    let call = reader.ahead().unwrap();
    let bad = announcing(snapshot_of(2, "bad"), 2, TTL_MS + IN_MS);
    assert_eq!(reader.receive(&call, bad), Received::Refused);
    assert_eq!(reader.pending(), None);
    assert_eq!(reader.plan(), Plan::Serve);
    assert_eq!(
        reader.poll(announcing(NOT_MODIFIED, 2, IN_MS)),
        Received::Confirmed
    );
    assert_eq!(reader.ahead(), None);
    assert_eq!(reader.cache.counts().rejections, 1);
    reader.now += IN_MS;
    assert_eq!(reader.plan(), Plan::Serve);
    assert_eq!(reader.seen(), (1, ReadState::Fresh, IN_MS));
    assert_eq!(reader.poll(snapshot_of(2, "bad")), Received::Refused);
    assert_eq!(
        reader.poll(announcing(NOT_MODIFIED, 3, IN_MS)),
        Received::Refused
    );
    assert!(
        reader.ahead().is_some(),
        "another version is another matter"
    );
}

#[test]
fn the_first_document_of_a_space_may_be_scheduled() {
    let mut reader = Reader::new(ColdStart::Base, OnExpired::Serve);
    let call = reader.call();
    let terms = Freshness {
        base: true,
        ..TERMS
    };
    let head = Answer::Snapshot {
        version: Version::FIRST,
        etag: etag(1),
        terms,
        pending: Some(pending(2, IN_MS)),
        body: String::new(),
    };
    reader.receive(&call, head);
    let call = reader.ahead().unwrap();
    reader.receive(&call, document(2, IN_MS));
    assert_eq!(reader.seen(), (0, ReadState::Base, 0));
    reader.now += IN_MS;
    assert_eq!(reader.seen(), (2, ReadState::Fresh, IN_MS));
    assert_eq!(reader.cache.counts().cold_start_ms, Some(IN_MS));
    // The coordinator is a little behind: its head is the base still.
    reader.now = reader.now + TTL_MS - IN_MS;
    let call = reader.call();
    let behind = Answer::NotModified {
        terms,
        pending: Some(pending(2, 0)),
    };
    assert_eq!(reader.receive(&call, behind), Received::Confirmed);
    assert_eq!(reader.seen(), (2, ReadState::Fresh, 0));
}

#[test]
fn beside_a_head_that_does_not_fit_the_announced_one_may() {
    let mut reader = Reader::new(ColdStart::Base, OnExpired::Error);
    let call = reader.call();
    let bad = announcing(snapshot_of(1, "bad"), 2, IN_MS);
    assert_eq!(reader.receive(&call, bad), Received::Refused);
    let call = reader.ahead().unwrap();
    assert_eq!(
        reader.receive(&call, document(2, IN_MS)),
        Received::Prepared
    );
    assert_eq!(reader.seen().1, ReadState::Base);
    reader.now += IN_MS;
    assert_eq!(reader.seen(), (2, ReadState::Fresh, IN_MS));

    let mut reader = Reader::warm(OnExpired::Error);
    reader.now += SWR_MS;
    let call = reader.call();
    reader.receive(&call, announcing(snapshot_of(2, "bad"), 3, TTL_MS));
    let call = reader.ahead().unwrap();
    reader.receive(&call, document(3, TTL_MS));
    reader.now += TTL_MS - 1;
    assert_eq!(reader.seen(), (1, ReadState::Stale, SWR_MS + TTL_MS - 1));
    reader.now += 1;
    assert_eq!(
        reader.seen(),
        (3, ReadState::Stale, TTL_MS),
        "as old as the word that announced it"
    );
}

#[test]
fn an_answer_that_still_announces_what_is_held_confirms_it() {
    for behind in [
        announcing(snapshot(1), 2, 0),
        announcing(snapshot(1), 2, 5),
        announcing(NOT_MODIFIED, 2, 0),
    ] {
        let mut reader = Reader::prepared(OnExpired::Serve, TTL_MS);
        reader.now += TTL_MS;
        let call = reader.call();
        assert_eq!(reader.seen(), (2, ReadState::Stale, TTL_MS));
        reader.now += 3;
        assert_eq!(reader.receive(&call, behind), Received::Confirmed);
        assert_eq!(reader.seen(), (2, ReadState::Fresh, 3));
        assert_eq!(reader.ahead(), None);
        assert_eq!(reader.plan(), Plan::Serve);
    }
}

#[test]
fn a_lower_head_after_the_switch_is_no_failing_coordinator() {
    let mut reader = Reader::prepared(OnExpired::Serve, TTL_MS);
    reader.now += TTL_MS - 1;
    reader.policy.revalidate_timeout_ms = 1;
    for _ in 0..3 {
        reader.now += 20_000;
        let call = reader.call();
        reader.fail(&call);
    }
    assert_eq!(reader.seen().0, 2);
    reader.now += 20_000;
    let call = reader.call();
    assert_eq!(reader.receive(&call, snapshot(1)), Received::Ignored);
    assert_eq!(reader.pause_ms(20_000), Some(PAUSE_FIRST_MS));
    reader.now += 1;
    let call = reader.call();
    assert_eq!(reader.receive(&call, snapshot(1)), Received::Ignored);
    assert_eq!(
        reader.pause_ms(20_000),
        Some(2 * PAUSE_FIRST_MS),
        "one that stays so is not pressed"
    );
    assert_eq!(reader.seen().0, 2);
}

#[test]
fn the_head_may_come_to_be_it_before_the_reader_switches() {
    let mut reader = Reader::prepared(OnExpired::Serve, 2 * TTL_MS);
    assert_eq!(reader.poll(snapshot_of(2, "bad")), Received::Adopted);
    assert_eq!(*reader.read().value, "2", "parsed already");
    assert_eq!((reader.pending(), reader.ahead()), (None, None));

    let mut reader = Reader::prepared(OnExpired::Serve, 2 * TTL_MS);
    reader.policy.revalidate_timeout_ms = TTL_MS;
    let slow = reader
        .cache
        .plan(UnixMillis(reader.now), &reader.policy, Some(version(3)));
    let slow = call_of(slow).unwrap();
    assert_eq!(
        reader.poll(announcing(snapshot(3), 2, TTL_MS)),
        Received::Adopted
    );
    assert_eq!(
        (reader.pending(), reader.ahead()),
        (None, None),
        "never back"
    );
    reader.receive(&slow, announcing(snapshot(1), 2, 0));
    reader.now += 2 * TTL_MS;
    assert_eq!(reader.seen().0, 3);
}

#[test]
fn a_fetch_may_meet_the_head_instead() {
    let ahead = || {
        let mut reader = Reader::warm(OnExpired::Serve);
        reader.poll(announcing(NOT_MODIFIED, 2, IN_MS));
        let call = reader.ahead().unwrap();
        (reader, call)
    };
    let (mut reader, call) = ahead();
    assert_eq!(
        reader.receive(&call, announcing(snapshot(3), 4, IN_MS)),
        Received::Adopted
    );
    assert_eq!(reader.seen().0, 3);
    assert!(reader.ahead().is_some());

    // Switched to meanwhile, or the announcement was lost on the way: which, cannot be told.
    let (mut reader, call) = ahead();
    assert_eq!(reader.receive(&call, snapshot(2)), Received::Prepared);
    assert_eq!(
        reader.pending(),
        Some(pending(2, IN_MS)),
        "so not before the moment known"
    );

    let (mut reader, call) = ahead();
    reader.now += IN_MS;
    reader.receive(&call, announcing(snapshot(2), 3, IN_MS));
    assert_eq!(reader.seen().0, 2);
}

#[test]
fn a_minimum_version_is_met_by_the_switch_and_not_before() {
    let mut reader = Reader::prepared(OnExpired::Serve, IN_MS);
    let plan = reader.plan_at_least(2);
    assert!(matches!(plan, Plan::Wait { .. }));
    reader.now += IN_MS;
    assert_eq!(reader.plan_at_least(2), Plan::Serve);
    assert!(matches!(reader.plan_at_least(3), Plan::Wait { .. }));
}

#[test]
fn extreme_moments_and_clocks_neither_overflow_nor_stop_it() {
    let mut never = Reader::prepared(OnExpired::Serve, u64::MAX);
    never.now += SWR_MS;
    assert_eq!(never.seen().0, 1);
    let mut at_once = Reader::prepared(OnExpired::Serve, 0);
    assert_eq!(at_once.seen().0, 2);
    let mut back = Reader::prepared(OnExpired::Serve, IN_MS);
    back.now = 5;
    assert_eq!(back.seen().0, 1);
    back.now += IN_MS;
    assert_eq!(back.seen().0, 2, "late at most");
}
