//! Changes for later: announced, fetched ahead, exact at their moment, and taken back.

use std::rc::Rc;

use bellwether_core::coordinator::MAX_PENDING;
use bellwether_core::routes::Leaf;
use serde_json::{Value, json};

use crate::support::{
    Ask, Place, Space, Strike, Witness, built_in, delete, document, get, object, patch, post,
    publish, published, put, text, version, with_base,
};

const HOUR_MS: i64 = 3_600_000;

/// A published space with the versions 2, `{"a":1,"b":1}`, and 3, `{"a":2,"b":1}`.
fn lived_in() -> Rc<Space> {
    let space = Space::new(published());
    space.does(publish(r#"{"a":1,"b":1}"#));
    space.does(publish(r#"{"a":2,"b":1}"#));
    space
}

fn announced(space: &Rc<Space>) -> Option<(u64, u64)> {
    let pending = space.snapshot().pending?;
    Some((pending.version.get(), pending.in_ms))
}

fn waiting(space: &Rc<Space>) -> Vec<Value> {
    let list = space.does(get(Leaf::Pending)).body;
    list["pending"].as_array().unwrap().clone()
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Alarm,
    Read,
    LateAlarm,
    Dead,
}

#[test]
fn every_kind_of_change_becomes_the_head_at_its_moment_and_not_before() {
    let kinds: [(&str, Ask, Value); 4] = [
        (
            "publish",
            publish(r#"{"a":3,"b":1}"#).query("activate_in=1h"),
            json!({"a":3,"b":1}),
        ),
        (
            "patch",
            patch(r#"{"a":3}"#).query("activate_in=1h"),
            json!({"a":3,"b":1}),
        ),
        (
            "rollback",
            post(Leaf::Rollback(2), r#"{"activate_in":"1h"}"#),
            json!({"a":1,"b":1}),
        ),
        (
            "override",
            put(Leaf::Override, r#"{"patch":{"a":9},"activate_in":"1h"}"#),
            json!({"a":9,"b":1}),
        ),
    ];
    for (kind, ask, members) in kinds {
        for way in [Way::Alarm, Way::Read, Way::LateAlarm, Way::Dead] {
            let (space, witness) = (lived_in(), Witness::default());
            let answer = space.does(ask.clone());
            assert_eq!(
                (answer.status, answer.outcome(), answer.version()),
                (202, "scheduled", 3)
            );
            assert_eq!(answer.body["warnings"], json!([]));
            assert_eq!(answer.body["pending"]["in_ms"], HOUR_MS);
            assert_eq!(announced(&space), Some((4, 3_600_000)));
            let held = space.snapshot().head.etag;
            let held = held.as_str().to_owned();
            let same = space.call(move |object| async move { object.snapshot(Some(&held)).await });
            let same = space.wait(&same);
            assert!(same.not_modified && same.pending.unwrap().version.get() == 4);
            let ahead = space.fetch_ahead(4).unwrap();
            assert_eq!(document(&ahead), with_base(members.clone()), "{kind}");
            assert!(space.fetch_ahead(5).is_none());
            let row = waiting(&space)[0].clone();
            assert_eq!((&row["kind"], &row["version"]), (&json!(kind), &json!(4)));

            space.machine.jump_clock(HOUR_MS - 1);
            assert_eq!(version(&witness.look(&space)), 3, "{kind} {way:?}");
            assert_eq!(announced(&space), Some((4, 1)));
            pass(&space, way, 1);
            let answer = witness.look(&space);
            assert_eq!(version(&answer), 4, "{kind} {way:?}");
            assert_eq!(answer.head.etag, ahead.head.etag);
            assert_eq!((announced(&space), waiting(&space).len()), (None, 0));
            let row = format!("{kind} adopted 3>4");
            assert_eq!(space.last_audit(1), [row], "{way:?}");
            assert_eq!(space.fetch_ahead(4).unwrap().head.etag, ahead.head.etag);
            space.kill();
            assert_eq!(version(&witness.look(&space)), 4);
            space.check_chain();
        }
    }
}

/// Lets the moment come that is so far ahead.
fn pass(space: &Rc<Space>, way: Way, ms: i64) {
    let machine = &space.machine;
    match way {
        Way::Alarm => {
            let before = space.alarms.get();
            space.run_for(ms.unsigned_abs());
            assert!(space.alarms.get() > before);
        }
        Way::Read => {
            machine.jump_clock(ms);
            let answer = space.call(|object| async move { object.snapshot_now(None).is_none() });
            assert!(space.wait(&answer), "something is to be done first");
        }
        Way::LateAlarm => {
            machine.jump_clock(ms + 50_000);
            space.run_for(0);
        }
        Way::Dead => {
            space.kill();
            machine.alarm.set(None);
            machine.jump_clock(ms + HOUR_MS);
        }
    }
}

#[test]
fn another_adoption_in_between_gives_it_another_number() {
    let (space, witness) = (lived_in(), Witness::default());
    space.does(patch(r#"{"c":1}"#).query("activate_in=1h"));
    witness.look(&space);
    space.does(publish(r#"{"a":7,"b":7}"#));
    let answer = witness.look(&space);
    let number = answer.pending.unwrap().version.get();
    assert!(version(&answer) > 4 && number > version(&answer));
    let ahead = space.fetch_ahead(number).unwrap();
    assert_eq!(document(&ahead), with_base(json!({"a":7,"b":7,"c":1})));
    pass(&space, Way::Alarm, HOUR_MS);
    assert_eq!(version(&witness.look(&space)), number);
    space.check_chain();
}

#[test]
fn a_deploy_in_between_gives_it_another_number_and_the_new_layers() {
    for due in [false, true] {
        let (space, witness) = (lived_in(), Witness::default());
        space.does(patch(r#"{"c":1}"#).query("activate_in=1h"));
        witness.look(&space);
        let mut layers = built_in();
        layers.vars = object(r#"{"debug":"new"}"#);
        space.deploy(published(), layers);
        if due {
            space.machine.jump_clock(HOUR_MS);
        }
        witness.look(&space);
        space.run_for(HOUR_MS.unsigned_abs());
        let answer = witness.look(&space);
        let expected = json!({"a":2,"b":1,"c":1,"debug":"new"});
        assert_eq!(document(&answer), with_base(expected), "{due}");
        assert_eq!(waiting(&space).len(), 0);
        space.check_chain();
    }
}

#[test]
fn two_of_them_come_in_their_order_whichever_was_scheduled_first() {
    for (first, second) in [("1h", "2h"), ("2h", "1h")] {
        let (space, witness) = (lived_in(), Witness::default());
        for activate_in in [first, second] {
            let value = format!("{activate_in:?}");
            let ask = patch(&format!(r#"{{"at":{value}}}"#));
            space.does(ask.query(&format!("activate_in={activate_in}")));
            witness.look(&space);
        }
        assert_eq!(waiting(&space)[0]["in_ms"], HOUR_MS);
        for at in ["1h", "2h"] {
            let number = announced(&space).unwrap().0;
            pass(&space, Way::Alarm, HOUR_MS);
            let answer = witness.look(&space);
            assert_eq!(document(&answer)["at"], at);
            assert_eq!(version(&answer), number);
        }
        assert_eq!(announced(&space), None);
        space.check_chain();
    }
}

/// A read between the first moment and the second sees to the alarm for the second.
#[test]
fn a_lost_alarm_is_set_again_by_whoever_makes_the_switch() {
    let space = lived_in();
    space.does(patch(r#"{"c":1}"#).query("activate_in=1h"));
    space.does(patch(r#"{"c":2}"#).query("activate_in=2h"));
    space.snapshot();
    space.machine.alarm.set(None);
    space.machine.jump_clock(HOUR_MS);
    assert_eq!(version(&space.snapshot()), 4);
    let due = space.machine.now().plus(HOUR_MS.unsigned_abs());
    assert_eq!(space.machine.alarm.get(), Some(due));
}

#[test]
fn a_clock_that_is_set_back_puts_off_no_retry() {
    let space = lived_in();
    space.does(patch(r#"{"c":1}"#).query("activate_in=1h"));
    let before = version(&space.snapshot());
    space.machine.traps.set(Place::Commit, 1, Strike::Once);
    space.machine.jump_clock(2 * HOUR_MS);
    assert_eq!(version(&space.snapshot()), before, "storage refused");
    space.machine.jump_clock(-HOUR_MS / 2);
    assert_eq!(version(&space.snapshot()), before + 1);
}

#[test]
fn what_is_cancelled_moves_the_head_above_its_number() {
    let (space, witness) = (lived_in(), Witness::default());
    space.does(publish(r#"{"a":3,"b":1}"#).query("activate_in=1h"));
    let before = witness.look(&space);
    let id = waiting(&space)[0]["id"].as_u64().unwrap();
    let answer = space.does(delete(Leaf::PendingChange(id)));
    assert_eq!((answer.outcome(), answer.version()), ("cancelled", 5));
    assert_eq!(answer.body["warnings"], json!([]));
    let after = witness.look(&space);
    assert_eq!((version(&after), text(&after)), (5, text(&before)));
    assert_eq!((announced(&space), waiting(&space).len()), (None, 0));
    space.machine.jump_clock(2 * HOUR_MS);
    assert_eq!(version(&witness.look(&space)), 5);
    let rows = [
        "publish scheduled 3>3",
        "cancel cancelled 3>3",
        "withdraw adopted 3>5",
    ];
    assert_eq!(space.last_audit(3), rows);
    space.refuses(delete(Leaf::PendingChange(id)), "unknown-pending");
    space.check_chain();
}

#[test]
fn what_was_told_to_nobody_is_cancelled_without_a_trace_in_the_head() {
    let (space, witness) = (lived_in(), Witness::default());
    space.does(patch(r#"{"c":1}"#).query("activate_in=1h"));
    let later = space.does(patch(r#"{"c":2}"#).query("activate_in=2h"));
    let id = later.body["pending"]["id"].as_u64().unwrap();
    witness.look(&space);
    assert_eq!(space.does(delete(Leaf::PendingChange(id))).version(), 3);
    assert_eq!(announced(&space).unwrap().0, 4);
}

/// The number of the earlier one is the higher one here: whoever switched to it must not wait for
/// the later one.
#[test]
fn an_earlier_one_that_is_cancelled_moves_the_head_though_another_waits() {
    let (space, witness) = (lived_in(), Witness::default());
    space.does(patch(r#"{"c":2}"#).query("activate_in=2h"));
    witness.look(&space);
    let earlier = space.does(patch(r#"{"c":1}"#).query("activate_in=1h"));
    assert_eq!(witness.look(&space).pending.unwrap().version.get(), 5);
    let id = earlier.body["pending"]["id"].as_u64().unwrap();
    space.does(delete(Leaf::PendingChange(id)));
    let answer = witness.look(&space);
    assert!(version(&answer) > 5);
    let number = answer.pending.unwrap().version.get();
    pass(&space, Way::Alarm, 2 * HOUR_MS);
    let answer = witness.look(&space);
    assert_eq!(
        (version(&answer), &document(&answer)["c"]),
        (number, &json!(2))
    );
    space.check_chain();
}

#[test]
fn what_is_replaced_moves_the_head_above_its_number() {
    for (replacement, waits) in [
        (patch(r#"{"c":2}"#).query("activate_in=2h&replaces=1"), 1),
        (patch(r#"{"c":2}"#).query("activate_in=30m&replaces=1"), 1),
        (patch(r#"{"c":2}"#).query("replaces=1"), 0),
    ] {
        let (space, witness) = (lived_in(), Witness::default());
        space.does(patch(r#"{"c":1}"#).query("activate_in=1h"));
        witness.look(&space);
        space.does(replacement);
        assert!(version(&witness.look(&space)) > 4);
        assert_eq!(waiting(&space).len(), waits);
        pass(&space, Way::Dead, HOUR_MS);
        assert_eq!(document(&witness.look(&space))["c"], 2);
        space.check_chain();
    }
}

#[test]
fn warnings_name_the_bound_that_a_moment_is_within() {
    // 30 s and 5 min, and the deadline of a reader's call.
    let told = |answer: &crate::support::Answer| -> Vec<String> {
        let warnings = answer.body["warnings"].as_array().unwrap();
        let texts = warnings
            .iter()
            .map(|text| text.as_str().unwrap().to_owned());
        texts.collect()
    };
    let space = lived_in();
    let soon = space.does(patch(r#"{"c":1}"#).query("activate_in=10s"));
    let warnings = told(&soon);
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].starts_with("it is sooner than 335s"),
        "{warnings:?}"
    );
    let replaces = format!("activate_in=1d&replaces={}", soon.body["pending"]["id"]);
    let later = space.does(patch(r#"{"c":2}"#).query(&replaces));
    let warnings = told(&later);
    assert_eq!(
        warnings.len(),
        1,
        "what was withdrawn was near: {warnings:?}"
    );
    assert!(warnings[0].contains("withdrawn"), "{warnings:?}");
    let id = later.body["pending"]["id"].as_u64().unwrap();
    assert_eq!(told(&space.does(delete(Leaf::PendingChange(id)))).len(), 0);
    let soon = space.does(patch(r#"{"c":1}"#).query("activate_in=10s"));
    let id = soon.body["pending"]["id"].as_u64().unwrap();
    let warnings = told(&space.does(delete(Leaf::PendingChange(id))));
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("withdrawn"), "{warnings:?}");
}

#[test]
fn what_no_longer_fits_at_its_moment_is_refused() {
    let (space, witness) = (lived_in(), Witness::default());
    let filled =
        |key: &str, bytes: usize| format!(r#"{{"a":1,"b":1,"{key}":"{}"}}"#, "x".repeat(bytes));
    space.does(patch(&filled("big", 300_000)).query("activate_in=1h"));
    assert_eq!(announced(&space).unwrap().0, 4);
    witness.look(&space);
    space.does(publish(&filled("other", 900_000)));
    assert_eq!(announced(&space), None, "it would not fit now");
    let head = witness.look(&space);
    pass(&space, Way::Alarm, HOUR_MS);
    let after = witness.look(&space);
    assert_eq!(text(&after), text(&head));
    assert_eq!(waiting(&space).len(), 0);
    let refused = format!("patch refused {0}>{0}", version(&after));
    assert_eq!(space.last_audit(1), [refused]);
    let detail = "SELECT detail FROM audit ORDER BY id DESC LIMIT 1";
    assert_eq!(space.machine.database.value(detail), "too_large");
    space.check_chain();
}

#[test]
fn one_that_would_change_nothing_is_told_to_nobody_and_is_done_all_the_same() {
    let (space, witness) = (lived_in(), Witness::default());
    space.does(patch(r#"{"a":2}"#).query("activate_in=1h"));
    assert_eq!(witness.look(&space).pending, None);
    pass(&space, Way::Alarm, HOUR_MS);
    assert_eq!(version(&witness.look(&space)), 3);
    assert_eq!(space.last_audit(1), ["patch unchanged 3>3"]);
    assert_eq!(waiting(&space).len(), 0);
}

#[test]
fn so_many_may_wait_and_no_more() {
    let space = lived_in();
    for number in 1..=MAX_PENDING {
        let ask = patch(&format!(r#"{{"n":{number}}}"#));
        space.does(ask.query(&format!("activate_in={number}h")));
    }
    let one_more = patch(r#"{"n":0}"#);
    space.refuses(one_more.clone().query("activate_in=1h"), "too-many-pending");
    assert_eq!(space.last_audit(1), ["patch refused 3>3"]);
    assert_eq!(
        space
            .does(one_more.clone().query("activate_in=1h&replaces=1"))
            .status,
        202
    );
    space.refuses(one_more.query("activate_in=1h"), "too-many-pending");
    // All of them are due at once: an object that was away for long.
    pass(&space, Way::Dead, 200 * HOUR_MS);
    assert_eq!(document(&space.snapshot())["n"], MAX_PENDING);
    assert_eq!(waiting(&space).len(), 0);
    space.check_chain();
}
