#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::rc::Rc;

use proptest::prelude::*;

use super::*;
use crate::reading::{Plan, Received};
use crate::settings::ReaderSettings;
use crate::version::ContentHash;

const TTL_MS: u64 = 30_000;
const BEGIN_MS: u64 = 1_764_000_000_000;
const TERMS: Freshness = Freshness {
    age_ms: 0,
    ttl_ms: TTL_MS,
    swr_ms: 300_000,
    base: false,
};

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

fn etag(number: u64) -> ETag {
    ETag::of(version(number), &ContentHash::of(b"{}"))
}

fn head(number: u64, terms: Freshness, pending: Option<Pending>) -> Answer<String> {
    Answer::Snapshot {
        version: version(number),
        etag: etag(number),
        terms,
        pending,
        body: "{}".to_owned(),
    }
}

fn at(ms: u64) -> UnixMillis {
    UnixMillis(BEGIN_MS + ms)
}

fn call_at(cache: &mut Cache<String>, now: UnixMillis) -> Call {
    match cache.plan(now, &ReaderSettings::default(), None) {
        Plan::Wait { call, .. } | Plan::ServeAndCall(call) => call,
        plan => panic!("no call: {plan:?}"),
    }
}

fn take(
    cache: &mut Cache<String>,
    call: &Call,
    answer: Answer<String>,
    now: UnixMillis,
) -> Received {
    cache.receive(call, answer, now, Ok::<_, ()>).0
}

/// What an isolate puts there that asked at `sent_ms` and was answered at `told_ms`.
fn shared(sent_ms: u64, told_ms: u64, answer: &Answer<String>) -> Vec<Entry> {
    let mut cache = Cache::default();
    let call = call_at(&mut cache, at(sent_ms));
    cache.entries("key", &call, answer, at(told_ms))
}

fn word(sent_ms: u64, told_ms: u64, answer: &Answer<String>) -> Shelved {
    let text = shared(sent_ms, told_ms, answer).pop().unwrap().text;
    Shelved { age_s: 0, text }
}

/// A reader that was told of a version at 0 ms.
fn holding(number: u64) -> Cache<String> {
    let mut cache = Cache::default();
    let call = call_at(&mut cache, at(0));
    take(&mut cache, &call, head(number, TERMS, None), at(0));
    cache
}

const UNCONDITIONAL: Ask = Ask::Head {
    if_none_match: None,
};

#[test]
fn keys_name_the_coordinator_the_space_and_the_document() {
    let space = SpaceName::parse("a-b").unwrap();
    let of_url = key("https://h.example:8/x y/é_~'(!*)", &space);
    // As clients/ts/test/reader.test.ts has it: both readers must mean one place.
    assert_eq!(
        of_url,
        "https://colo.bellwether.invalid/1/https%3A%2F%2Fh.example%3A8%2Fx%20y%2F%C3%A9_~'(!*)/a-b"
    );
    assert_ne!(key("http://h", &space), key("https://h", &space));
    // A slash in a URL makes it no other URL's space.
    let deep = SpaceName::parse("b").unwrap();
    assert_ne!(
        key("https://h/a", &deep),
        key("https://h", &SpaceName::parse("a").unwrap())
    );
    let document = document_key(&of_url, &etag(7));
    assert!(
        document.starts_with(&format!("{of_url}/%22v7")),
        "{document}"
    );
    assert!(document.is_ascii() && !document.contains('"'));
}

#[test]
fn what_is_shared_of_an_answer() {
    let pending = |in_ms| {
        Some(Pending {
            version: version(8),
            in_ms,
        })
    };
    let ttl = |ttl_ms| Freshness { ttl_ms, ..TERMS };
    let base = Freshness {
        base: true,
        ..TERMS
    };
    for (answer, told_ms, max_age_s) in [
        (head(7, TERMS, None), 0, Some(30)),
        // The call's time is part of the age.
        (head(7, TERMS, None), 1, Some(29)),
        (head(7, TERMS, None), 29_000, Some(1)),
        (head(7, TERMS, None), 29_001, None),
        (head(7, ttl(999), None), 0, None),
        (head(7, ttl(u64::MAX), None), 0, Some(u64::MAX / 1_000)),
        (head(7, base, None), 0, None),
        // Not beyond the moment of what is announced.
        (head(7, TERMS, pending(5_999)), 0, Some(5)),
        (head(7, TERMS, pending(999)), 0, None),
        (Answer::NotScheduled, 0, None),
        // Nothing is known of what was not held.
        (
            Answer::NotModified {
                terms: TERMS,
                pending: None,
            },
            0,
            None,
        ),
    ] {
        let entries = shared(0, told_ms, &answer);
        let ages: Vec<u64> = entries.iter().map(|entry| entry.max_age_s).collect();
        let expected: Vec<u64> = max_age_s
            .into_iter()
            .flat_map(|age_s| [age_s, age_s])
            .collect();
        assert_eq!(ages, expected, "{answer:?} after {told_ms} ms");
        if let [document, word] = &entries[..] {
            assert_eq!(
                (&*document.key, &*document.text),
                (&*document_key("key", &etag(7)), "{}")
            );
            assert_eq!(word.key, "key");
            assert!(!word.text.contains('{'), "{}", word.text);
        }
    }
}

#[test]
fn a_confirmation_renews_the_word_without_the_document() {
    let mut cache = holding(7);
    let call = call_at(&mut cache, at(TTL_MS));
    let confirmed = Answer::NotModified {
        terms: TERMS,
        pending: None,
    };
    let entries = cache.entries("key", &call, &confirmed, at(TTL_MS + 40));
    assert_eq!(entries.len(), 1);
    assert_eq!((&*entries[0].key, entries[0].max_age_s), ("key", 29));
    let word = Shelved {
        age_s: 0,
        text: entries[0].text.clone(),
    };
    let (answer, _) = Cache::<String>::default()
        .weigh(&UNCONDITIONAL, &word, at(TTL_MS + 50))
        .unwrap();
    assert_eq!(answer.version(), Some(version(7)));
    // An answer that came late and is below what is held meanwhile is nobody's news.
    let mut cache = holding(8);
    let late = call_at(&mut cache, at(TTL_MS));
    assert_eq!(
        cache.entries("key", &late, &head(7, TERMS, None), at(TTL_MS)),
        []
    );
}

#[test]
fn a_word_is_used_or_it_is_not() {
    let told = word(0, 40, &head(7, TERMS, None));
    let announcing = word(
        0,
        40,
        &head(
            7,
            TERMS,
            Some(Pending {
                version: version(8),
                in_ms: 10_000,
            }),
        ),
    );
    let aged = |age_s| Shelved {
        age_s,
        ..told.clone()
    };
    let edited = |from: &str, to: &str| {
        assert!(told.text.contains(from), "{}", told.text);
        Shelved {
            age_s: 0,
            text: told.text.replacen(from, to, 1),
        }
    };
    let last_ms = TTL_MS - COLO_CLOCKS_APART_MS - 1;
    for (name, word, now_ms, used) in [
        ("at once", told.clone(), 40, true),
        ("later", told.clone(), 20_000, true),
        ("for as long as it is fresh", told.clone(), last_ms, true),
        ("and no longer", told.clone(), last_ms + 1, false),
        (
            "told by a clock that is a little ahead",
            word(100, 140, &head(7, TERMS, None)),
            40,
            true,
        ),
        (
            "from the future",
            word(101, 141, &head(7, TERMS, None)),
            40,
            false,
        ),
        ("the cache knows better", aged(30), 40, false),
        ("and has not had it so long", aged(29), 40, true),
        ("the cache does not know", aged(u64::MAX), 40, false),
        ("before the moment", announcing.clone(), 9_900, true),
        ("perhaps after the moment", announcing.clone(), 9_941, false),
        (
            "built-in layers",
            edited("swr_ms=300000", "swr_ms=300000, base"),
            40,
            false,
        ),
        ("no version", edited("7\n", "0\n"), 40, false),
        ("no ETag", edited("\"v7", "v7"), 40, false),
        ("no terms", edited("ttl_ms", "tt_ms"), 40, false),
        (
            "no clock",
            Shelved {
                age_s: 0,
                text: told.text[..told.text.len() - 13].to_owned(),
            },
            40,
            false,
        ),
        (
            "nothing",
            Shelved {
                age_s: 0,
                text: String::new(),
            },
            40,
            false,
        ),
    ] {
        let weighed = Cache::<String>::default().weigh(&UNCONDITIONAL, &word, at(now_ms));
        assert_eq!(weighed.is_some(), used, "{name}: {weighed:?}");
    }
}

#[test]
fn a_word_is_weighed_against_what_is_held() {
    let later_ms = TTL_MS + 500;
    let young = |number| word(later_ms - 400, later_ms - 300, &head(number, TERMS, None));
    let old = word(
        0,
        0,
        &head(
            7,
            Freshness {
                ttl_ms: 10 * TTL_MS,
                ..TERMS
            },
            None,
        ),
    );
    let ask = Ask::Head {
        if_none_match: Some(etag(7)),
    };
    let weigh = |word: &Shelved| {
        let answer = holding(7).weigh(&ask, word, at(later_ms));
        answer.map(|(answer, _)| answer.version().map(Version::get))
    };
    assert_eq!(weigh(&young(8)), Some(Some(8)));
    assert_eq!(
        weigh(&young(7)),
        Some(None),
        "what was asked with is confirmed"
    );
    assert_eq!(weigh(&young(6)), None, "below what is held");
    assert_eq!(
        weigh(&old),
        None,
        "no younger than what the reader was told itself"
    );

    // What did not fit is confirmed as what did not fit, and nothing below it is of use.
    let mut cache = holding(7);
    let call = call_at(&mut cache, at(TTL_MS));
    let (received, _) = cache.receive(&call, head(8, TERMS, None), at(TTL_MS), |_| Err("misfit"));
    assert_eq!(received, Received::Refused);
    let ask = Ask::Head {
        if_none_match: Some(etag(8)),
    };
    let now_ms = 2 * TTL_MS + 500;
    let young = |number| word(now_ms - 400, now_ms - 300, &head(number, TERMS, None));
    assert!(cache.weigh(&ask, &young(7), at(now_ms)).is_none());
    let (answer, _) = cache.weigh(&ask, &young(8), at(now_ms)).unwrap();
    assert!(matches!(answer, Answer::NotModified { .. }));
}

#[test]
fn an_old_word_does_not_take_back_what_was_announced_since() {
    let mut cache = holding(7);
    let call = call_at(&mut cache, at(TTL_MS));
    let news = Some(Pending {
        version: version(8),
        in_ms: 90_000,
    });
    take(&mut cache, &call, head(7, TERMS, news), at(TTL_MS));
    let ahead = cache.plan_ahead(at(TTL_MS), 1_000).unwrap();
    take(&mut cache, &ahead, head(8, TERMS, news), at(TTL_MS));
    assert!(cache.pending(at(TTL_MS)).is_some());
    let silent = word(
        TTL_MS - 10,
        TTL_MS - 5,
        &head(
            7,
            Freshness {
                ttl_ms: 10 * TTL_MS,
                ..TERMS
            },
            None,
        ),
    );
    let later = at(2 * TTL_MS);
    assert!(cache.weigh(&UNCONDITIONAL, &silent, later).is_none());
    // A younger one does, as the object's own would.
    let silent = word(TTL_MS + 200, TTL_MS + 210, &head(7, TERMS, None));
    let mut call = call_at(&mut cache, later);
    let (answer, sent) = cache.weigh(&call.ask, &silent, later).unwrap();
    call.sent = sent;
    take(&mut cache, &call, answer.with_body(String::new()), later);
    assert!(cache.pending(later).is_none());
}

#[test]
fn three_disappointments_in_a_row_are_enough() {
    let mut trust = Trust::default();
    let off: Vec<bool> = (0..5)
        .map(|number| {
            if number == 2 {
                trust.found();
            }
            trust.disappointed()
        })
        .collect();
    assert_eq!(off, [false, false, false, false, true]);
    assert!(!trust.is_on() && !trust.is_unproved());
    assert!(!trust.disappointed(), "it is told once");
}

/// One isolate asks, another reads what that one put there.
#[derive(Clone, Debug)]
struct Course {
    there_ms: u64,
    back_ms: u64,
    later_ms: u64,
    ttl_ms: u64,
    moment_ms: Option<u64>,
    /// The clocks of the two, from true time.
    skews_ms: [u64; 2],
    tells_age: bool,
    /// The reader has been awake so long when it looks.
    awake_ms: u64,
}

fn courses(skew_ms: u64) -> impl Strategy<Value = Course> {
    (
        (0..5_000_u64, 0..5_000_u64, 0..70_000_u64, 100..60_000_u64),
        proptest::option::of(0..60_000_u64),
        [0..=skew_ms, 0..=skew_ms],
        any::<bool>(),
        0..100_000_u64,
    )
        .prop_map(
            |((there_ms, back_ms, later_ms, ttl_ms), moment_ms, skews_ms, tells_age, awake_ms)| {
                Course {
                    there_ms,
                    back_ms,
                    later_ms,
                    ttl_ms,
                    moment_ms,
                    skews_ms,
                    tells_age,
                    awake_ms,
                }
            },
        )
}

/// A read at true time: its age, and the moment of what is announced.
struct Outcome {
    read_ms: u64,
    made_ms: u64,
    age_ms: u64,
    due_ms: Option<u64>,
}

fn run(course: &Course) -> Option<Outcome> {
    const SENT_MS: u64 = 200_000;
    let [put_skew_ms, get_skew_ms] = course.skews_ms;
    let made_ms = SENT_MS + course.there_ms;
    let told_ms = made_ms + course.back_ms;
    let read_ms = told_ms + course.later_ms;
    let pending = course.moment_ms.map(|in_ms| Pending {
        version: version(8),
        in_ms,
    });
    let answer = head(
        7,
        Freshness {
            ttl_ms: course.ttl_ms,
            ..TERMS
        },
        pending,
    );
    let text = shared(SENT_MS + put_skew_ms, told_ms + put_skew_ms, &answer)
        .pop()?
        .text;
    let age_s = if course.tells_age {
        course.later_ms / 1_000
    } else {
        0
    };

    let mut reader = Cache::default();
    let call = call_at(&mut reader, at(read_ms + get_skew_ms - course.awake_ms));
    let now = at(read_ms + get_skew_ms);
    let (answer, sent) = reader.weigh(&call.ask, &Shelved { age_s, text }, now)?;
    let call = Call { sent, ..call };
    assert_eq!(
        take(&mut reader, &call, answer.with_body(String::new()), now),
        Received::Adopted
    );
    let read = reader.peek(now, &Rc::new(String::new()));
    let due_ms = pending.map(|_| {
        let ahead = reader.plan_ahead(now, 1_000).unwrap();
        take(&mut reader, &ahead, head(8, TERMS, None), now);
        read_ms + reader.pending(now).unwrap().in_ms
    });
    Some(Outcome {
        read_ms,
        made_ms,
        age_ms: read.age_ms,
        due_ms,
    })
}

proptest! {
    #[test]
    fn an_entry_is_as_old_as_the_answer_and_never_early(course in courses(COLO_CLOCKS_APART_MS)) {
        if let Some(outcome) = run(&course) {
            let sent_ago_ms = outcome.read_ms - outcome.made_ms + course.there_ms;
            prop_assert!(outcome.age_ms >= sent_ago_ms);
            prop_assert!(outcome.age_ms < course.ttl_ms);
            prop_assert!(outcome.age_ms <= sent_ago_ms + 2 * COLO_CLOCKS_APART_MS);
            if let (Some(due_ms), Some(in_ms)) = (outcome.due_ms, course.moment_ms) {
                let moment_ms = outcome.made_ms + in_ms;
                prop_assert!(due_ms >= moment_ms);
                prop_assert!(due_ms <= moment_ms + course.back_ms + 2 * COLO_CLOCKS_APART_MS);
            }
        }
    }

    /// Whatever the clocks say: not beyond the TTL, and not below what the cache itself says.
    #[test]
    fn clocks_that_lie_gain_nothing_beyond_the_ttl(course in courses(150_000)) {
        if let Some(outcome) = run(&course) {
            prop_assert!(outcome.age_ms < course.ttl_ms);
            if course.tells_age {
                let real_ms = outcome.read_ms - outcome.made_ms + course.there_ms;
                prop_assert!(outcome.age_ms + 1_000 > real_ms);
            }
        }
    }

    #[test]
    fn no_text_panics(text in ".*", lines in proptest::collection::vec("[0-9\"a-z=_, ]{0,20}", 0..7), now: u64, age_s: u64) {
        for text in [text, lines.join("\n")] {
            let word = Shelved { age_s, text };
            let _ = Cache::<String>::default().weigh(&UNCONDITIONAL, &word, UnixMillis(now));
        }
    }
}
