//! The pace of refreshes, set at run time: paused, resumed, another interval.

use std::rc::Rc;

use bellwether_core::refresh::{Cause, Outcome};
use bellwether_core::routes::Leaf;
use bellwether_core::settings::SpaceSettings;
use serde_json::{Value, json};

use crate::support::{
    Answer, Place, Space, Strike, after, body, built_in, document, failed, patch,
    pulled_and_published, put, settings, soon, version, with_base,
};

const HOUR_MS: u64 = 3_600_000;

fn set(space: &Rc<Space>, pace: &str) -> Answer {
    space.does(put(Leaf::Schedule, pace))
}

fn pause(space: &Rc<Space>) {
    space.expects_alarm.set(false);
    let answer = set(space, r#"{"paused":true}"#);
    assert_eq!(
        (&answer.body["paused"], &answer.body["next_refresh_at"]),
        (&json!(true), &Value::Null)
    );
}

fn resume(space: &Rc<Space>) -> Answer {
    let answer = set(space, r#"{"paused":false}"#);
    space.expects_alarm.set(true);
    answer
}

/// A pulled space with the head 2, refreshed every 5 minutes; its source says something else.
fn lived_in() -> Rc<Space> {
    let space = Space::new(pulled_and_published());
    space.machine.source.then(soon(body(r#"{"a":1}"#)));
    space.machine.source.always(soon(body(r#"{"a":2}"#)));
    space.snapshot();
    space
}

#[test]
fn a_paused_space_asks_its_source_for_nothing() {
    for restart in [false, true] {
        let space = lived_in();
        pause(&space);
        if restart {
            space.kill();
            space.snapshot();
        }
        space.run_for(1_000);
        assert_eq!(space.machine.alarm.get(), None, "nothing is due");
        space.run_for(48 * HOUR_MS);
        assert_eq!(
            (space.machine.source.count(), version(&space.snapshot())),
            (1, 2)
        );
        let status = space.status().into_json();
        assert_eq!(status["schedule"]["paused"], true);
        assert_eq!(status["schedule"]["next_refresh_at"], Value::Null);
        // An operator's wish is done all the same, and wakes nothing.
        assert_eq!(space.reload().outcome, Outcome::Adopted);
        space.run_for(48 * HOUR_MS);
        assert_eq!(space.machine.source.count(), 2);
        let answer = resume(&space);
        assert!(answer.body["next_refresh_at"].is_string());
        space.run_for(1_000);
        assert_eq!(space.machine.source.count(), 3, "at once");
        space.run_for(HOUR_MS);
        assert!(space.machine.source.count() > 12, "and at its pace again");
        space.check_chain();
    }
}

#[test]
fn a_pause_beside_a_refresh_holds_when_that_has_ended() {
    let space = lived_in();
    space.machine.source.then(after(1_000, body(r#"{"a":3}"#)));
    let reload = space.call_reload(Default::default());
    space.run_for(500);
    pause(&space);
    assert_eq!(space.wait(&reload).unwrap().outcome, Outcome::Adopted);
    let calls = space.machine.source.count();
    space.run_for(24 * HOUR_MS);
    assert_eq!(space.machine.source.count(), calls);
    // Resumed while a reload is on its way: that one is enough.
    space.machine.source.then(after(1_000, body(r#"{"a":4}"#)));
    let reload = space.call_reload(Default::default());
    space.run_for(500);
    resume(&space);
    space.wait(&reload);
    assert_eq!(space.machine.source.most_in_flight(), 1);
    space.run_for(HOUR_MS);
    assert!(space.machine.source.count() > calls + 11);
}

#[test]
fn a_refresh_that_dies_in_a_paused_space_does_not_wake_it() {
    let space = lived_in();
    pause(&space);
    space.machine.traps.set(Place::AfterPull, 1, Strike::Crash);
    let reload = space.call_reload(Default::default());
    space.run_for(20_000);
    assert!(!reload.is_there());
    space.snapshot();
    space.run_for(24 * HOUR_MS);
    assert_eq!(space.machine.source.count(), 2);
    resume(&space);
    space.run_for(1_000);
    assert_eq!(document(&space.snapshot()), with_base(json!({"a":2})));
}

#[test]
fn a_paused_space_wakes_for_what_is_pending() {
    let space = lived_in();
    pause(&space);
    space.does(patch(r#"{"b":1}"#).query("activate_in=1h"));
    space.does(put(
        Leaf::Override,
        r#"{"patch":{"o":1},"expires_in":"2h"}"#,
    ));
    space.kill();
    for (expected, alarms) in [(json!({"a":1,"b":1,"o":1}), 1), (json!({"a":1,"b":1}), 2)] {
        let before = space.alarms.get();
        space.run_for(HOUR_MS);
        assert!(space.alarms.get() > before, "{alarms}");
        assert_eq!(document(&space.snapshot()), with_base(expected));
    }
    assert_eq!(
        (space.machine.source.count(), space.machine.alarm.get()),
        (1, None)
    );
    space.check_chain();
}

#[test]
fn another_interval_holds_until_it_is_reset_and_over_restarts_and_deploys() {
    let space = lived_in();
    let calls_in = |ms: u64| {
        let before = space.machine.source.count();
        space.run_for(ms);
        space.machine.source.count() - before
    };
    assert!((11..=12).contains(&calls_in(HOUR_MS)));
    let answer = set(&space, r#"{"refresh_interval":"10s"}"#);
    assert_eq!(answer.body["refresh_interval"], "10s");
    assert!((5..=6).contains(&calls_in(60_000)), "from now on");
    space.kill();
    assert!((5..=6).contains(&calls_in(60_000)));
    space.deploy(
        SpaceSettings {
            refresh_interval_ms: HOUR_MS,
            ..pulled_and_published()
        },
        built_in(),
    );
    assert!((5..=6).contains(&calls_in(60_000)));
    let status = space.status().into_json();
    assert_eq!(status["schedule"]["refresh_interval"], "10s");
    assert_eq!(status["settings"]["refresh_interval"], "1h");
    // What is left out stays.
    assert_eq!(set(&space, "{}").body["refresh_interval"], "10s");
    assert_eq!(
        set(&space, r#"{"paused":false}"#).body["refresh_interval"],
        "10s"
    );
    let answer = set(&space, r#"{"refresh_interval":null}"#);
    assert_eq!(answer.body["refresh_interval"], "1h");
    space.run_for(10_000);
    assert!((23..=24).contains(&calls_in(24 * HOUR_MS)));
    space.check_chain();
}

#[test]
fn a_shorter_interval_does_not_wait_for_the_longer_one() {
    let space = Space::new(SpaceSettings {
        refresh_interval_ms: 24 * HOUR_MS,
        ..settings()
    });
    space.machine.source.always(soon(body(r#"{"a":1}"#)));
    space.snapshot();
    set(&space, r#"{"refresh_interval":"1m"}"#);
    space.run_for(67_000);
    assert_eq!(space.machine.source.count(), 2);
}

#[test]
fn a_failing_source_is_backed_off_from_the_interval_in_force() {
    let space = lived_in();
    set(&space, r#"{"refresh_interval":"1s"}"#);
    space.machine.source.always(soon(failed(Cause::Network)));
    space.run_for(60_000);
    let calls = space.machine.source.count();
    assert!((5..=8).contains(&calls), "doubling from 1 s: {calls}");
    pause(&space);
    resume(&space);
    space.run_for(1_000);
    assert_eq!(
        space.machine.source.count(),
        calls + 1,
        "at once, whatever failed"
    );
}
