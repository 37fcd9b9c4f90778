//! Moments that requests ask for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use bellwether_core::UnixMillis;
use bellwether_core::moment::{ACTIVATE, ACTIVATE_IN_QUERIES, EXPIRE, Moment};
use proptest::prelude::*;

/// 2026-11-25T10:00:00Z.
const NOW: UnixMillis = UnixMillis(1_795_600_800_000);
const DAY_MS: u64 = 86_400_000;

#[test]
fn moments_lie_ahead_and_within_a_year() {
    let most = 366 * DAY_MS;
    for (moment, at_ms) in [
        (Moment::In(1), Some(1)),
        (Moment::In(most), Some(most)),
        (Moment::In(0), None),
        (Moment::In(most + 1), None),
        (Moment::In(u64::MAX), None),
        (Moment::At(NOW.plus(1)), Some(1)),
        (Moment::At(NOW.plus(most)), Some(most)),
        (Moment::At(NOW), None),
        (Moment::At(UnixMillis(0)), None),
        (Moment::At(NOW.plus(most + 1)), None),
    ] {
        let resolved = moment.resolve(NOW, &EXPIRE);
        assert_eq!(
            resolved.clone().ok(),
            at_ms.map(|ms| NOW.plus(ms)),
            "{moment:?}"
        );
        if let Err(problem) = resolved {
            let name = if matches!(moment, Moment::At(_)) {
                "/expires_at"
            } else {
                "/expires_in"
            };
            assert_eq!((problem.status(), problem.errors.len()), (400, 1));
            assert_eq!(problem.errors[0].pointer, name);
            let message = &problem.errors[0].message;
            assert!(
                message.ends_with("expected one within the next 366 days"),
                "{message}"
            );
        }
    }
    let past = Moment::At(UnixMillis(0)).resolve(NOW, &ACTIVATE_IN_QUERIES);
    assert_eq!(
        past.unwrap_err().detail.clone().unwrap(),
        "the query parameter \"activate_at\": found a time that has passed, expected one within the next 366 days"
    );
}

#[test]
fn moments_in_queries() {
    let of_query = |query: &str| Moment::of_query(query, &ACTIVATE_IN_QUERIES);
    for (query, expected) in [
        ("", None),
        ("dry_run", None),
        ("activate_at=2026-11-25T10:00:00Z", Some(Moment::At(NOW))),
        (
            "activate_at=2026-11-25T12:00:00%2B02:00&dry_run",
            Some(Moment::At(NOW)),
        ),
        ("activate_in=90s", Some(Moment::In(90_000))),
    ] {
        assert_eq!(of_query(query), Ok(expected), "{query}");
    }
    for (query, part) in [
        (
            "activate_at=",
            "\"activate_at\": found a string that is not a time",
        ),
        (
            "activate_at=2026-11-25T12:00:00+02:00",
            "\"+\" is written \"%2B\"",
        ),
        (
            "activate_in=1",
            "\"activate_in\": found a string that is not a duration",
        ),
        (
            "activate_in=1h&activate_at=x",
            "\"activate_in\": found beside \"activate_at\"",
        ),
        ("activate_in=1h&activate_in=2h", "twice"),
    ] {
        let problem = of_query(query).unwrap_err();
        assert!(problem.errors.is_empty(), "{query}");
        let detail = problem.detail.clone().unwrap();
        assert!(detail.contains(part), "{query}: {detail}");
    }
}

proptest! {
    #[test]
    fn just_what_lies_ahead_is_resolved(ms in 0..400 * DAY_MS, is_duration: bool, now in 20 * DAY_MS..u64::MAX / 2) {
        let now = UnixMillis(now);
        // From twenty days ago.
        let time = UnixMillis(now.0 - 20 * DAY_MS + ms);
        let moment = if is_duration { Moment::In(ms) } else { Moment::At(time) };
        let ahead_ms = if is_duration { ms } else { time.since(now) };
        let expected = (1..=366 * DAY_MS).contains(&ahead_ms).then(|| now.plus(ahead_ms));
        prop_assert_eq!(moment.resolve(now, &ACTIVATE).ok(), expected);
    }

    #[test]
    fn no_query_panics(query in ".*", value in "[-0-9TZ:.%+a-z]{0,30}") {
        let _ = Moment::of_query(&query, &ACTIVATE_IN_QUERIES);
        let _ = Moment::of_query(&format!("activate_at={value}"), &ACTIVATE_IN_QUERIES);
        let _ = Moment::of_query(&format!("activate_in={value}"), &ACTIVATE_IN_QUERIES);
    }
}
