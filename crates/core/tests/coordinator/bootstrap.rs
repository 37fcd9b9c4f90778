//! The first use of a space.

use bellwether_core::coordinator::{BASE_TTL_MAX_MS, BOOTSTRAP_JOIN_MS};
use bellwether_core::refresh::{Cause, Fetched};
use bellwether_core::store::Origin;

use crate::support::{
    BASE, Place, Reply, Space, Strike, after, body, failed, hang, settings, soon, text, version,
};

#[test]
fn the_built_in_layers_are_version_1_at_once() {
    let space = Space::new(settings());
    let object = space.open().unwrap();
    assert!(
        object.snapshot_now(None).is_none(),
        "the alarm and the source come first"
    );
    let database = &space.machine.database;
    assert_eq!(
        database.query("SELECT version, document, origin FROM versions"),
        [["1", BASE, "base"]]
    );
    assert_eq!(
        database.query("SELECT actor, action, version_before, version_after FROM audit"),
        [["bootstrap", "bootstrap", "NULL", "1"]]
    );
    assert_eq!(database.number("SELECT COUNT(*) FROM schedule"), 1);
}

#[test]
fn a_snapshot_joins_the_first_refresh() {
    let space = Space::new(settings());
    space
        .machine
        .source
        .then(after(138, body(r#"{"video":{"width":1}}"#)));
    let answer = space.snapshot();
    assert_eq!(space.machine.executor.elapsed_ms(), 138);
    assert_eq!(version(&answer), 2);
    assert_eq!(
        text(&answer),
        r#"{"debug":true,"cache":{"ttl":60},"video":{"width":1}}"#
    );
    assert_eq!(answer.head.origin, Origin::Source);
    assert_eq!(answer.terms.ttl_ms, settings().ttl_ms);
    assert!(!answer.terms.base);
    assert_eq!(
        space.status().source.last_attempt.unwrap()["trigger"],
        "bootstrap"
    );
    let object = space.open().unwrap();
    assert_eq!(object.snapshot_now(None).unwrap().head.version.get(), 2);
}

#[test]
fn a_snapshot_gets_the_base_when_the_source_takes_longer_than_the_join() {
    for (delay_ms, expected) in [
        (BOOTSTRAP_JOIN_MS - 1, 2),
        (BOOTSTRAP_JOIN_MS + 1, 1),
        (5_000, 1),
    ] {
        let space = Space::new(settings());
        space
            .machine
            .source
            .then(after(delay_ms, body(r#"{"a":1}"#)));
        let answer = space.snapshot();
        assert_eq!(version(&answer), expected, "source after {delay_ms} ms");
        assert_eq!(
            space.machine.executor.elapsed_ms(),
            delay_ms.min(BOOTSTRAP_JOIN_MS)
        );
        space.run_for(5_000);
        assert_eq!(version(&space.snapshot()), 2, "the refresh went on");
        assert_eq!(space.machine.source.count(), 1);
    }
}

#[test]
fn a_base_is_told_with_a_short_ttl() {
    let space = Space::new(settings());
    space.machine.source.then(hang());
    let answer = space.snapshot();
    assert_eq!(text(&answer), BASE);
    assert!(answer.terms.base);
    assert_eq!(answer.terms.ttl_ms, BASE_TTL_MAX_MS);
    assert_eq!(answer.terms.age_ms, 0);
}

#[test]
fn two_hundred_concurrent_snapshots_make_one_source_call() {
    let space = Space::new(settings());
    space.machine.source.always(after(500, body(r#"{"a":1}"#)));
    let replies: Vec<Reply<_>> = (0..200).map(|_| space.call_snapshot()).collect();
    for reply in &replies {
        assert_eq!(version(&space.wait(reply)), 2);
    }
    assert_eq!(space.machine.executor.elapsed_ms(), 500);
    assert_eq!(space.machine.source.count(), 1);
    assert_eq!(space.machine.source.most_in_flight(), 1);
}

#[test]
fn after_a_failed_bootstrap_no_snapshot_waits_before_the_retry() {
    let space = Space::new(settings());
    space.machine.source.then(soon(failed(Cause::Network)));
    space.machine.source.then(soon(body(r#"{"a":1}"#)));
    assert_eq!(version(&space.snapshot()), 1);
    let before_ms = space.machine.executor.elapsed_ms();
    assert_eq!(version(&space.snapshot()), 1);
    assert_eq!(space.machine.executor.elapsed_ms(), before_ms);
    space.run_for(6_000);
    assert_eq!(version(&space.snapshot()), 2, "the alarm retried");
    assert_eq!(space.machine.source.count(), 2);
}

#[test]
fn the_alarm_stands_before_the_source_is_asked() {
    let space = Space::new(settings());
    space.machine.source.always(soon(body(r#"{"a":1}"#)));
    space.snapshot();
    space.run_for(3_600_000);
    space.reload();
    let calls = space.machine.source.calls();
    assert!(
        calls.len() >= 12,
        "an hour at 5 minutes and a reload: {}",
        calls.len()
    );
    for call in calls {
        assert!(call.alarm.unwrap() > call.at, "{call:?}");
    }
}

#[test]
fn a_conditional_snapshot_is_not_modified() {
    let space = Space::new(settings());
    space.machine.source.always(soon(body(r#"{"a":1}"#)));
    let first = space.snapshot();
    assert!(!first.not_modified);
    let object = space.open().unwrap();
    let again = object.snapshot_now(Some(first.head.etag.as_str())).unwrap();
    assert!(again.not_modified);
    assert!(
        !object
            .snapshot_now(Some("\"v1-0000000000000000\""))
            .unwrap()
            .not_modified
    );
    assert_eq!(space.counter("snapshot_replies", "304"), 1);
    assert_eq!(space.counter("snapshot_replies", "200"), 2);
    space.reload();
    space.reload();
    assert_eq!(
        space.counter("snapshot_replies", "200"),
        2,
        "committed once"
    );
    space.kill();
    assert_eq!(
        space.counter("snapshot_replies", "304"),
        1,
        "committed with the refresh"
    );
}

#[test]
fn a_missing_document_leaves_the_base() {
    let space = Space::new(settings());
    space.machine.source.then(soon(Fetched::Missing));
    assert_eq!(text(&space.snapshot()), BASE);
    assert_eq!(space.counter("refreshes", "missing"), 1);
}

#[test]
fn a_space_whose_alarm_cannot_be_set_is_armed_at_the_next_event() {
    let space = Space::new(settings());
    space.expects_alarm.set(false);
    space.machine.source.always(soon(body(r#"{"a":1}"#)));
    space.machine.traps.set(Place::SetAlarm, 1, Strike::Always);
    assert_eq!(version(&space.snapshot()), 2, "served all the same");
    assert_eq!(space.machine.alarm.get(), None);
    assert!(
        space
            .machine
            .log
            .borrow()
            .iter()
            .any(|line| line.contains("alarm_failed"))
    );
    space.machine.traps.clear();
    space.expects_alarm.set(true);
    space.snapshot();
    assert!(space.machine.alarm.get().is_some());
}
