#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use super::*;
use crate::version::ContentHash;
use crate::wire::ReadState;

#[path = "reading_tests/calls.rs"]
mod calls;
#[path = "reading_tests/minimum.rs"]
mod minimum;
#[path = "reading_tests/odd.rs"]
mod odd;
#[path = "reading_tests/pending.rs"]
mod pending;
#[path = "reading_tests/pending_properties.rs"]
mod pending_properties;
#[path = "reading_tests/properties.rs"]
mod properties;

const TTL_MS: u64 = 1_000;
const SWR_MS: u64 = 4_000;
const TERMS: Freshness = Freshness {
    age_ms: 0,
    ttl_ms: TTL_MS,
    swr_ms: SWR_MS,
    base: false,
};

/// A cache with its clock and policy, and a value that tells its version.
struct Reader {
    cache: Cache<String>,
    now: u64,
    policy: ReaderSettings,
    base: Rc<String>,
}

impl Reader {
    fn new(cold_start: ColdStart, on_expired: OnExpired) -> Self {
        Self {
            cache: Cache::default(),
            now: 1_000_000,
            policy: ReaderSettings {
                cold_start,
                on_expired,
                ..ReaderSettings::default()
            },
            base: Rc::new("base".to_owned()),
        }
    }

    /// One that holds version 1, just received.
    fn warm(on_expired: OnExpired) -> Self {
        let mut reader = Self::new(ColdStart::Wait { deadline_ms: 50 }, on_expired);
        let call = reader.call();
        assert_eq!(reader.receive(&call, snapshot(1)), Received::Adopted);
        reader
    }

    fn plan(&mut self) -> Plan {
        self.cache.plan(UnixMillis(self.now), &self.policy, None)
    }

    fn plan_at_least(&mut self, version: u64) -> Plan {
        self.cache
            .plan(UnixMillis(self.now), &self.policy, Version::new(version))
    }

    /// The call that a read plans now.
    fn call(&mut self) -> Call {
        call_of(self.plan()).expect("a call")
    }

    fn receive(&mut self, call: &Call, answer: Answer<String>) -> Received {
        let now = UnixMillis(self.now);
        let parse = |body: String| {
            if body == "bad" {
                Err("does not fit")
            } else {
                Ok(body)
            }
        };
        let (received, error) = self.cache.receive(call, answer, now, parse);
        let bad = matches!(received, Received::Refused) && error.is_some();
        assert_eq!(error.is_some(), bad);
        received
    }

    fn fail(&mut self, call: &Call) {
        self.cache.fail(call, UnixMillis(self.now));
    }

    fn may_serve(&mut self) -> bool {
        self.cache.may_serve(UnixMillis(self.now), &self.policy)
    }

    fn read(&mut self) -> Read<String> {
        self.cache.read(UnixMillis(self.now), &self.base)
    }

    fn read_fresh(&mut self, version: Version) -> Option<u64> {
        self.cache.read_fresh(UnixMillis(self.now), version)
    }

    fn read_at_once(&mut self) -> Option<Read<String>> {
        self.cache.read_at_once(UnixMillis(self.now))
    }

    /// Version (0 for none), state and age of a read.
    fn seen(&mut self) -> (u64, ReadState, u64) {
        let read = self.read();
        (
            read.version.map_or(0, Version::get),
            read.state,
            read.age_ms,
        )
    }

    /// Milliseconds until a call is planned again, within the next `limit_ms`.
    fn pause_ms(&mut self, limit_ms: u64) -> Option<u64> {
        let began = self.now;
        while self.now - began <= limit_ms {
            if call_of(self.plan()).is_some_and(|call| call.ticket.is_some()) {
                return Some(self.now - began);
            }
            self.now += 1;
        }
        None
    }
}

fn call_of(plan: Plan) -> Option<Call> {
    match plan {
        Plan::Serve | Plan::Refuse => None,
        Plan::ServeAndCall(call) | Plan::Wait { call, .. } => Some(call),
    }
}

fn etag(version: u64) -> ETag {
    ETag::of(
        Version::new(version).unwrap(),
        &ContentHash::of(&version.to_be_bytes()),
    )
}

fn snapshot(version: u64) -> Answer<String> {
    snapshot_of(version, &version.to_string())
}

fn snapshot_of(version: u64, body: &str) -> Answer<String> {
    Answer::Snapshot {
        version: Version::new(version).unwrap(),
        etag: etag(version),
        terms: TERMS,
        pending: None,
        body: body.to_owned(),
    }
}

const NOT_MODIFIED: Answer<String> = Answer::NotModified {
    terms: TERMS,
    pending: None,
};

#[test]
fn a_cold_reader_that_does_not_wait_serves_the_base_and_asks_once() {
    let mut reader = Reader::new(ColdStart::Base, OnExpired::Serve);
    let Plan::ServeAndCall(call) = reader.plan() else {
        panic!()
    };
    assert_eq!(call.ask.if_none_match(), None);
    assert_eq!(reader.seen(), (0, ReadState::Base, 0));
    assert_eq!(*reader.read().value, "base");
    assert_eq!(reader.plan(), Plan::Serve, "another asks already");
    reader.receive(&call, snapshot(1));
    assert_eq!(reader.plan(), Plan::Serve);
    assert_eq!(reader.seen(), (1, ReadState::Fresh, 0));
    assert_eq!(reader.cache.counts().calls, 1);
}

#[test]
fn a_cold_reader_that_waits_asks_for_each_read() {
    let mut reader = Reader::new(ColdStart::Wait { deadline_ms: 70 }, OnExpired::Serve);
    let Plan::Wait {
        call: first,
        deadline_ms: 70,
    } = reader.plan()
    else {
        panic!()
    };
    let Plan::Wait {
        call: second,
        deadline_ms: 70,
    } = reader.plan()
    else {
        panic!()
    };
    assert_eq!(reader.receive(&second, snapshot(1)), Received::Adopted);
    assert_eq!(
        reader.receive(&first, snapshot(1)),
        Received::Confirmed,
        "parsed once"
    );
    assert_eq!(reader.cache.counts().adoptions, 1);
}

#[test]
fn a_read_is_fresh_then_stale_then_expired() {
    let mut reader = Reader::warm(OnExpired::Serve);
    for (age_ms, state) in [
        (0, ReadState::Fresh),
        (TTL_MS - 1, ReadState::Fresh),
        (TTL_MS, ReadState::Stale),
        (TTL_MS + 1, ReadState::Stale),
        (TTL_MS + SWR_MS - 1, ReadState::Stale),
        (TTL_MS + SWR_MS, ReadState::Expired),
        (TTL_MS + SWR_MS + 1, ReadState::Expired),
    ] {
        reader.now = 1_000_000 + age_ms;
        assert_eq!(reader.seen(), (1, state, age_ms));
        let expired = state == ReadState::Expired;
        assert!(reader.may_serve());
        reader.policy.on_expired = OnExpired::Error;
        assert_eq!(reader.may_serve(), !expired);
        reader.policy.on_expired = OnExpired::Serve;
    }
}

#[test]
fn a_fresh_read_plans_no_call() {
    let mut reader = Reader::warm(OnExpired::Error);
    for _ in 0..TTL_MS {
        assert_eq!(reader.plan(), Plan::Serve);
        reader.now += 1;
    }
    assert_eq!(reader.cache.counts().calls, 1);
    assert_ne!(reader.plan(), Plan::Serve);
}

#[test]
fn a_stale_read_is_served_and_one_asks_with_the_validator_held() {
    let mut reader = Reader::warm(OnExpired::Wait { deadline_ms: 80 });
    reader.now += TTL_MS;
    let Plan::ServeAndCall(call) = reader.plan() else {
        panic!()
    };
    assert_eq!(call.ask.if_none_match(), Some(&etag(1)));
    for _ in 0..10 {
        assert_eq!(reader.plan(), Plan::Serve);
    }
    reader.now += 5;
    assert_eq!(reader.receive(&call, NOT_MODIFIED), Received::Confirmed);
    assert_eq!(
        reader.seen(),
        (1, ReadState::Fresh, 5),
        "as old as the call at most"
    );
    assert_eq!(reader.plan(), Plan::Serve);
    let counts = reader.cache.counts();
    assert_eq!((counts.calls, counts.conditional_hits), (2, 1));
}

#[test]
fn the_policy_decides_an_expired_read() {
    let at_expiry = |on_expired| {
        let mut reader = Reader::warm(on_expired);
        reader.now += TTL_MS + SWR_MS;
        reader
    };
    let mut serve = at_expiry(OnExpired::Serve);
    assert!(matches!(serve.plan(), Plan::ServeAndCall(_)));
    assert_eq!(serve.plan(), Plan::Serve);

    let mut wait = at_expiry(OnExpired::Wait { deadline_ms: 80 });
    assert!(matches!(
        wait.plan(),
        Plan::Wait {
            deadline_ms: 80,
            ..
        }
    ));
    assert_eq!(wait.plan(), Plan::Serve, "losers serve what they have");
    wait.now += wait.policy.revalidate_timeout_ms;
    assert!(
        matches!(wait.plan(), Plan::Wait { .. }),
        "a lost lease does not change the policy"
    );

    let mut error = at_expiry(OnExpired::Error);
    let Plan::Wait {
        call,
        deadline_ms: 50,
    } = error.plan()
    else {
        panic!()
    };
    assert!(
        matches!(error.plan(), Plan::Wait { .. }),
        "each asks for itself before it fails"
    );
    error.fail(&call);
    assert_eq!(error.plan(), Plan::Refuse);
    assert!(!error.may_serve());
    error.cache.count_refusal();
    assert_eq!(error.cache.counts().refused, 1);
    error.now += PAUSE_FIRST_MS;
    let call = error.call();
    error.receive(&call, NOT_MODIFIED);
    assert_eq!(error.plan(), Plan::Serve);
}

#[test]
fn the_time_of_the_call_and_the_age_told_count_as_age() {
    let mut reader = Reader::new(ColdStart::Base, OnExpired::Serve);
    let call = reader.call();
    reader.now += 700;
    let terms = Freshness {
        age_ms: 200,
        ..TERMS
    };
    let answer = Answer::Snapshot {
        version: Version::FIRST,
        etag: etag(1),
        terms,
        pending: None,
        body: "1".to_owned(),
    };
    reader.receive(&call, answer);
    assert_eq!(reader.seen(), (1, ReadState::Fresh, 900));
    reader.now += 100;
    assert_eq!(reader.seen(), (1, ReadState::Stale, 1_000));
}

#[test]
fn the_terms_of_the_last_answer_hold() {
    let mut reader = Reader::warm(OnExpired::Serve);
    reader.now += TTL_MS;
    let call = reader.call();
    let terms = Freshness {
        ttl_ms: 10,
        swr_ms: 20,
        ..TERMS
    };
    reader.receive(
        &call,
        Answer::NotModified {
            terms,
            pending: None,
        },
    );
    reader.now += 10;
    assert_eq!(reader.seen().1, ReadState::Stale);
    reader.now += 20;
    assert_eq!(reader.seen().1, ReadState::Expired);
}

#[test]
fn a_head_of_built_in_layers_is_base_and_asked_again_like_any_other() {
    let mut reader = Reader::new(ColdStart::Base, OnExpired::Serve);
    let call = reader.call();
    let answer = Answer::Snapshot {
        version: Version::FIRST,
        etag: etag(1),
        terms: Freshness {
            base: true,
            ..TERMS
        },
        pending: None,
        body: "1".to_owned(),
    };
    reader.receive(&call, answer);
    assert_eq!(reader.seen(), (0, ReadState::Base, 0));
    assert_eq!(reader.plan(), Plan::Serve);
    reader.now += TTL_MS;
    assert_eq!(reader.seen(), (0, ReadState::Base, 0));
    assert_eq!(reader.cache.counts().cold_start_ms, None);
    let call = reader.call();
    reader.receive(&call, snapshot(2));
    assert_eq!(reader.seen(), (2, ReadState::Fresh, 0));
}

#[test]
fn the_counts_tell_reads_by_state_and_the_cold_start() {
    let mut reader = Reader::new(ColdStart::Base, OnExpired::Serve);
    let call = reader.call();
    reader.read();
    reader.now += 138;
    assert_eq!(reader.cache.counts().cold_start_ms, None);
    reader.receive(&call, snapshot(1));
    for step_ms in [0, 0, TTL_MS, SWR_MS] {
        reader.now += step_ms;
        reader.read();
    }
    let call = reader.call();
    reader.receive(&call, snapshot(2));
    let expected = Counts {
        fresh: 2,
        stale: 1,
        expired: 1,
        base: 1,
        calls: 2,
        adoptions: 2,
        cold_start_ms: Some(138),
        ..Counts::default()
    };
    assert_eq!(reader.cache.counts(), expected);
    assert_eq!(reader.cache.version().map(Version::get), Some(2));
}
