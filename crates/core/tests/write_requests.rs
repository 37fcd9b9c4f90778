//! Bodies of writes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use bellwether_core::UnixMillis;
use bellwether_core::moment::{ACTIVATE, EXPIRE, Moment};
use bellwether_core::problem::Problem;
use bellwether_core::wire::rfc3339;
use bellwether_core::write_request::{
    IntervalChange, MAX_OVERRIDE_BODY_BYTES, MAX_SMALL_BODY_BYTES, OverrideRequest, OverrideTimes,
    RollbackRequest, ScheduleRequest,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// 2026-11-25T10:00:00Z.
const NOW: UnixMillis = UnixMillis(1_795_600_800_000);
const DAY_MS: u64 = 86_400_000;

fn override_(body: &Value) -> Result<OverrideRequest, Problem> {
    OverrideRequest::parse(body.to_string().as_bytes())
}

fn rollback(body: &Value) -> Result<RollbackRequest, Problem> {
    RollbackRequest::parse(body.to_string().as_bytes())
}

fn schedule(body: &Value) -> Result<ScheduleRequest, Problem> {
    ScheduleRequest::parse(body.to_string().as_bytes())
}

/// Every mistake as `pointer: message`.
#[track_caller]
fn mistakes<T: std::fmt::Debug>(result: Result<T, Problem>) -> Vec<String> {
    let problem = result.unwrap_err();
    assert_eq!(problem.status(), 400);
    let errors = problem.errors.iter();
    errors
        .map(|error| format!("{}: {}", error.pointer, error.message))
        .collect()
}

#[track_caller]
fn assert_mistake<T: std::fmt::Debug>(result: Result<T, Problem>, start: &str) {
    let found = mistakes(result);
    assert!(
        found.len() == 1 && found[0].starts_with(start),
        "{found:?}, not {start}"
    );
}

#[test]
fn overrides() {
    let request = override_(&json!({
        "patch": {"a": {"b": null}},
        "reason": "Löschen",
        "expires_at": "2026-11-25T12:00:00+02:00",
        "activate_in": "90s",
    }));
    let request = request.unwrap();
    assert_eq!(&**request.patch.text(), r#"{"a":{"b":null}}"#);
    assert_eq!(request.reason.as_deref(), Some("Löschen"));
    assert_eq!(request.expires, Some(Moment::At(NOW)));
    assert_eq!(request.activate, Some(Moment::In(90_000)));

    let nulls = json!({"patch":{},"reason":null,"expires_at":null,"expires_in":"1d","activate_at":null,"activate_in":null});
    let request = override_(&nulls).unwrap();
    assert_eq!((request.reason, request.activate), (None, None));
    assert_eq!(request.expires, Some(Moment::In(DAY_MS)));
}

#[test]
fn rollbacks_and_schedules() {
    for body in ["", " \r\n", "{}", r#"{"reason":"","activate_at":null}"#] {
        assert_eq!(
            RollbackRequest::parse(body.as_bytes()),
            Ok(RollbackRequest::default()),
            "{body}"
        );
    }
    let expected = RollbackRequest {
        reason: Some("a bad day".to_owned()),
        activate: Some(Moment::At(NOW)),
    };
    let body = json!({"reason":"a bad day","activate_at":"2026-11-25T10:00:00.000Z"});
    assert_eq!(rollback(&body), Ok(expected));

    for (body, refresh_interval, paused) in [
        (json!({}), IntervalChange::Keep, None),
        (
            json!({"refresh_interval":null}),
            IntervalChange::Reset,
            None,
        ),
        (
            json!({"refresh_interval":"1s","paused":false}),
            IntervalChange::SetMs(1_000),
            Some(false),
        ),
        (
            json!({"refresh_interval":"30d"}),
            IntervalChange::SetMs(30 * DAY_MS),
            None,
        ),
        (json!({"paused":true}), IntervalChange::Keep, Some(true)),
    ] {
        let expected = ScheduleRequest {
            refresh_interval,
            paused,
            reason: None,
        };
        assert_eq!(schedule(&body), Ok(expected), "{body}");
    }
}

#[test]
fn mistakes_are_named_with_pointers() {
    for (body, start) in [
        (json!({}), "/patch: missing, expected an object"),
        (
            json!({"patch":null}),
            "/patch: found null, expected an object",
        ),
        (json!({"patch":[]}), "/patch: found an array"),
        (
            json!({"patch":{},"expire_in":"1h"}),
            "/expire_in: unknown field \"expire_in\": did you mean \"expires_in\"?",
        ),
        (json!({"patch":{},"a/b~":1}), "/a~1b~0: unknown field"),
        (
            json!({"patch":{},"reason":1}),
            "/reason: found a number, expected a string",
        ),
        (
            json!({"patch":{},"reason":"a\u{7}"}),
            "/reason: found a control character",
        ),
        (
            json!({"patch":{},"reason":"x".repeat(501)}),
            "/reason: found 501 characters, expected at most 500",
        ),
        (
            json!({"patch":{},"expires_at":1}),
            "/expires_at: found a number, expected an RFC 3339 time such as",
        ),
        (
            json!({"patch":{},"expires_at":"2026-02-29T00:00:00Z"}),
            "/expires_at: found a string that is not a time",
        ),
        (
            json!({"patch":{},"expires_in":"1w"}),
            "/expires_in: found a string that is not a duration, expected",
        ),
        (
            json!({"patch":{},"expires_in":"0s"}),
            "/expires_in: found a shorter duration, expected",
        ),
        (
            json!({"patch":{},"expires_in":"367d"}),
            "/expires_in: found a longer duration, expected",
        ),
        (
            json!({"patch":{},"expires_in":"1h","expires_at":"2026-11-25T10:00:00Z"}),
            "/expires_in: found beside \"expires_at\", expected only one of the two",
        ),
        (
            json!({"patch":{},"activate_in":"1h","activate_at":1}),
            "/activate_in: found beside \"activate_at\"",
        ),
    ] {
        assert_mistake(override_(&body), start);
    }
    assert_mistake(
        rollback(&json!({"patch":{}})),
        "/patch: unknown field \"patch\": expected \"reason\"",
    );
    assert_mistake(
        rollback(&json!({"activate":"1h"})),
        "/activate: unknown field \"activate\": did you mean \"activate_",
    );
    for (body, start) in [
        (
            json!({"refresh_interval":"999ms"}),
            "/refresh_interval: found a shorter duration",
        ),
        (
            json!({"refresh_interval":"31d"}),
            "/refresh_interval: found a longer duration",
        ),
        (
            json!({"refresh_interval":60}),
            "/refresh_interval: found a number",
        ),
        (
            json!({"interval":"1m"}),
            "/interval: unknown field \"interval\": did you mean \"refresh_interval\"?",
        ),
        (
            json!({"paused":null}),
            "/paused: found null, expected true or false",
        ),
        (json!({"paused":"yes"}), "/paused: found a string"),
    ] {
        assert_mistake(schedule(&body), start);
    }
    assert_mistake(
        schedule(&json!([])),
        ": an array at the top; expected an object",
    );
    assert_mistake(ScheduleRequest::parse(b""), ": nothing there");
    assert_mistake(
        OverrideRequest::parse(br#"{"patch":{"a":1,"a":2}}"#),
        "/patch/a: ",
    );
    assert_mistake(OverrideRequest::parse(&[0xff]), ": invalid UTF-8");
}

#[test]
fn all_mistakes_come_at_once_but_not_without_end() {
    let body = json!({"patch":1,"reason":2,"expires_at":3,"activate_in":4,"x":5});
    assert_eq!(mistakes(override_(&body)).len(), 5);
    let fields =
        |count: usize| -> Value { (0..count).map(|n| (format!("k{n}"), json!(0))).collect() };
    assert_eq!(mistakes(schedule(&fields(32))).len(), 32);
    assert_mistake(
        schedule(&fields(33)),
        ": found 33 fields, expected at most 32",
    );
    let long = json!({"patch":{}, "k".repeat(1_000_000): 1});
    assert!(override_(&long).unwrap_err().to_json().to_string().len() < 1_000);
}

#[test]
fn bodies_are_bounded() {
    type Parse = fn(&[u8]) -> Option<Problem>;
    let cases: [(Parse, usize); 3] = [
        (
            |body| OverrideRequest::parse(body).err(),
            MAX_OVERRIDE_BODY_BYTES,
        ),
        (
            |body| RollbackRequest::parse(body).err(),
            MAX_SMALL_BODY_BYTES,
        ),
        (
            |body| ScheduleRequest::parse(body).err(),
            MAX_SMALL_BODY_BYTES,
        ),
    ];
    for (parse, most) in cases {
        for (bytes, refused) in [(most - 1, false), (most, false), (most + 1, true)] {
            let body = format!("{{\"patch\":{{}}}}{}", " ".repeat(bytes - 12));
            let status = parse(body.as_bytes()).map(|problem| problem.status());
            assert_eq!(status == Some(413), refused, "{bytes}");
        }
    }
    let large = json!({"patch":{"a":"x".repeat(1_100_000)}});
    assert_eq!(override_(&large).unwrap_err().status(), 413);
}

#[test]
fn an_override_ends_after_it_begins() {
    let times = |expires: Option<Moment>, activate: Option<Moment>| {
        let request = OverrideRequest {
            expires,
            activate,
            ..override_(&json!({"patch":{}})).unwrap()
        };
        request.times(NOW)
    };
    let at = |ms: u64| Some(Moment::At(NOW.plus(ms)));
    assert_eq!(times(None, None), Ok(OverrideTimes::default()));
    let expected = OverrideTimes {
        expires_at: Some(NOW.plus(6)),
        activate_at: Some(NOW.plus(5)),
    };
    assert_eq!(times(at(6), Some(Moment::In(5))), Ok(expected));
    for (expires, pointer) in [(at(5), "/expires_at"), (Some(Moment::In(4)), "/expires_in")] {
        assert_mistake(
            times(expires, at(5)),
            &format!("{pointer}: found a time that is not after the beginning"),
        );
    }
    assert_mistake(
        times(at(0), at(5)),
        "/expires_at: found a time that has passed",
    );
    assert_mistake(
        times(at(6), at(0)),
        "/activate_at: found a time that has passed",
    );
    assert_eq!(mistakes(times(at(0), Some(Moment::In(0)))).len(), 2);
    let rollback = RollbackRequest {
        reason: None,
        activate: at(0),
    };
    assert_mistake(rollback.activate_at(NOW), "/activate_at: ");
    assert_eq!(RollbackRequest::default().activate_at(NOW), Ok(None));
}

fn any_moment() -> impl Strategy<Value = Moment> {
    prop_oneof![
        (1..=366 * DAY_MS).prop_map(Moment::In),
        (0..253_402_300_800_000u64).prop_map(|ms| Moment::At(UnixMillis(ms))),
    ]
}

fn member(moment: Moment, at: &str, within: &str) -> (String, Value) {
    match moment {
        Moment::At(time) => (at.to_owned(), json!(rfc3339(time))),
        Moment::In(ms) => (within.to_owned(), json!(format!("{ms}ms"))),
    }
}

proptest! {
    #[test]
    fn what_is_asked_for_is_read(
        reason in proptest::option::of("\\PC{1,50}"), expires in proptest::option::of(any_moment()),
        activate in proptest::option::of(any_moment()), turned: bool,
    ) {
        let mut members = vec![("patch".to_owned(), json!({"k": 1}))];
        members.extend(reason.clone().map(|reason| ("reason".to_owned(), json!(reason))));
        members.extend(expires.map(|moment| member(moment, EXPIRE.at, EXPIRE.within)));
        members.extend(activate.map(|moment| member(moment, ACTIVATE.at, ACTIVATE.within)));
        if turned {
            members.reverse();
        }
        let request = override_(&Value::Object(members.into_iter().collect())).unwrap();
        prop_assert_eq!(&**request.patch.text(), r#"{"k":1}"#);
        prop_assert_eq!((request.reason, request.expires, request.activate), (reason, expires, activate));
    }

    /// The value stands in no pointer and no message, wherever it is put.
    #[test]
    fn no_value_is_shown(field in proptest::sample::select(vec![
        "patch", "reason", "expires_at", "expires_in", "activate_at", "activate_in", "refresh_interval", "paused", "other",
    ]), wrapped in 0..3u8) {
        let value = match wrapped {
            0 => json!("4711s-hunter2\u{7}"),
            1 => json!(4711),
            _ => json!(["4711", {"hunter2": "hunter2"}]),
        };
        let body = json!({ field: value, "unknown": 0 });
        for problem in [override_(&body).unwrap_err(), rollback(&body).unwrap_err(), schedule(&body).unwrap_err()] {
            let text = problem.to_json().to_string();
            prop_assert!(!text.contains("4711") && !text.contains("hunter2"), "{}", text);
        }
    }

    #[test]
    fn no_body_panics(bytes: Vec<u8>) {
        let _ = OverrideRequest::parse(&bytes);
        let _ = RollbackRequest::parse(&bytes);
        let _ = ScheduleRequest::parse(&bytes);
    }
}
