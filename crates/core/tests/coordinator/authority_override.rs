//! An operator's patch on top: set, replaced, ended, and ended by itself, whatever happens meanwhile.

use std::rc::Rc;

use bellwether_core::coordinator::{BASE_TTL_MAX_MS, POSTPONE_MS};
use bellwether_core::names::header;
use bellwether_core::refresh::Outcome;
use bellwether_core::routes::Leaf;
use bellwether_core::settings::{SourceSettings, SpaceSettings};
use bellwether_core::store::Origin;
use serde_json::{Value, json};

use crate::support::{
    Place, Space, Strike, Witness, body, built_in, delete, document, get, patch, publish,
    published, put, rollback, settings, soon, version, with_base,
};

const HOUR_MS: u64 = 3_600_000;

fn override_(patch: &str, more: &str) -> crate::support::Ask {
    put(Leaf::Override, &format!(r#"{{"patch":{patch}{more}}}"#))
}

fn for_an_hour(patch: &str) -> crate::support::Ask {
    override_(patch, r#","expires_in":"1h","reason":"incident""#)
}

fn operator(space: &Rc<Space>) -> Value {
    space.status().into_json()["operator"].clone()
}

fn expiries(space: &Rc<Space>) -> u64 {
    let rows = "SELECT COUNT(*) FROM pending WHERE kind = 'end_override'";
    space.machine.database.number(rows)
}

/// A published space with the head 2, `{"a":1}`.
fn lived_in() -> Rc<Space> {
    let space = Space::new(published());
    space.does(publish(r#"{"a":1}"#));
    space
}

#[test]
fn it_is_set_and_replaced_and_ended() {
    let (space, witness) = (lived_in(), Witness::default());
    space.refuses(get(Leaf::Override), "nothing-set");
    space.refuses(delete(Leaf::Override), "nothing-set");
    let set = space.does(for_an_hour(r#"{"a":2,"cache":{"ttl":null}}"#));
    assert_eq!((set.outcome(), set.version()), ("adopted", 3));
    let merged = with_base(json!({"a":2,"cache":{}}));
    assert_eq!(document(&witness.look(&space)), merged);
    for restart in [false, true] {
        if restart {
            space.kill();
        }
        let shown = space.does(get(Leaf::Override)).body;
        assert_eq!(shown["patch"], json!({"a":2,"cache":{"ttl":null}}));
        assert_eq!(
            (&shown["actor"], &shown["reason"]),
            (&json!("ops"), &json!("incident"))
        );
        assert_eq!(
            operator(&space)["override"]["expires_at"],
            shown["expires_at"]
        );
    }
    // Another in its place, whole, with an end of its own or none.
    let again = space.does(override_(r#"{"b":3}"#, "").with(header::ACTOR, "other"));
    assert_eq!(
        document(&witness.look(&space)),
        with_base(json!({"a":1,"b":3}))
    );
    assert_eq!((again.outcome(), expiries(&space)), ("adopted", 0));
    assert_eq!(operator(&space)["override"]["actor"], "other");
    assert_eq!(operator(&space)["override"]["expires_at"], Value::Null);
    space.run_for(2 * HOUR_MS);
    assert_eq!(document(&witness.look(&space))["b"], 3);
    space.does(publish(r#"{"a":4}"#));
    assert_eq!(
        document(&witness.look(&space)),
        with_base(json!({"a":4,"b":3}))
    );
    space.does(delete(Leaf::Override));
    assert_eq!(document(&witness.look(&space)), with_base(json!({"a":4})));
    assert_eq!(operator(&space)["override"], Value::Null);
    space.refuses(get(Leaf::Override), "nothing-set");
    space.check_chain();
}

#[test]
fn it_ends_by_itself_by_alarm_and_by_read_and_after_a_death() {
    for way in ["alarm", "read", "dead"] {
        let (space, witness) = (lived_in(), Witness::default());
        space.does(for_an_hour(r#"{"a":2}"#));
        let told = witness.look(&space).pending.unwrap();
        assert_eq!((told.version.get(), told.in_ms), (4, HOUR_MS));
        match way {
            "alarm" => space.run_for(HOUR_MS),
            "read" => space.machine.jump_clock(3_600_000),
            _ => {
                space.kill();
                space.machine.alarm.set(None);
                space.machine.jump_clock(86_400_000);
            }
        }
        let answer = witness.look(&space);
        assert_eq!(
            (version(&answer), document(&answer)),
            (4, with_base(json!({"a":1})))
        );
        assert_eq!(space.last_audit(1), ["end_override adopted 3>4"], "{way}");
        let row = "SELECT actor || reason FROM audit ORDER BY id DESC LIMIT 1";
        assert_eq!(space.machine.database.value(row), "opsincident");
        assert_eq!(
            (expiries(&space), &operator(&space)["override"]),
            (0, &Value::Null)
        );
        space.check_chain();
    }
}

/// Readers cannot make their base out of an announcement: each has its own.
#[test]
fn over_built_in_layers_only_its_end_is_base_again() {
    for source in [SourceSettings::None, SourceSettings::default()] {
        let space = Space::new(SpaceSettings {
            source,
            ..settings()
        });
        let witness = Witness::default();
        space.run_for(60_000);
        space.does(for_an_hour(r#"{"a":2}"#));
        let answer = witness.look(&space);
        assert_eq!(
            (answer.head.origin, answer.terms.base),
            (Origin::Override, false)
        );
        assert_eq!(answer.pending, None);
        space.run_for(HOUR_MS);
        let answer = witness.look(&space);
        assert_eq!(
            (answer.head.origin, answer.terms.base),
            (Origin::Base, true)
        );
        assert_eq!(
            (version(&answer), document(&answer)),
            (3, with_base(json!({})))
        );
        let missing = space.machine.source.count() > 0;
        let ttl_ms = if missing {
            BASE_TTL_MAX_MS
        } else {
            settings().ttl_ms
        };
        assert_eq!(answer.terms.ttl_ms, ttl_ms);
        space.check_chain();
    }
}

#[test]
fn what_comes_in_between_shows_when_it_ends() {
    let (space, witness) = (lived_in(), Witness::default());
    space.does(for_an_hour(r#"{"a":2}"#));
    witness.look(&space);
    space.does(publish(r#"{"a":5,"b":5}"#));
    let number = witness.look(&space).pending.unwrap().version.get();
    space.run_for(HOUR_MS);
    let answer = witness.look(&space);
    assert_eq!(
        (version(&answer), document(&answer)),
        (number, with_base(json!({"a":5,"b":5})))
    );
    space.check_chain();
}

#[test]
fn a_rollback_in_between_ends_it_and_its_expiry() {
    let (space, witness) = (lived_in(), Witness::default());
    space.does(for_an_hour(r#"{"a":2}"#));
    witness.look(&space);
    space.does(rollback(2));
    let answer = witness.look(&space);
    assert!(version(&answer) > 4);
    assert_eq!(document(&answer), with_base(json!({"a":1})));
    assert_eq!((answer.pending, expiries(&space)), (None, 0));
    assert_eq!(operator(&space)["override"], Value::Null);
    space.run_for(2 * HOUR_MS);
    assert_eq!(version(&witness.look(&space)), version(&answer));
    space.check_chain();
}

/// What the source changes below an override is not seen in the head, but it is when that ends.
#[test]
fn what_was_announced_follows_a_source_that_changes_below_it() {
    let (space, witness) = (Space::new(settings()), Witness::default());
    space.machine.source.then(soon(body(r#"{"a":1}"#)));
    space.snapshot();
    space.does(for_an_hour(r#"{"a":9}"#));
    let told = witness.look(&space).pending.unwrap().version;
    space.machine.source.always(soon(body(r#"{"a":2}"#)));
    assert_eq!(space.reload().outcome, Outcome::Unchanged);
    let answer = witness.look(&space);
    let number = answer.pending.unwrap().version;
    assert!(number > told);
    let ahead = space.fetch_ahead(number.get()).unwrap();
    assert_eq!(document(&ahead), with_base(json!({"a":2})));
    space.run_for(HOUR_MS);
    assert_eq!(version(&witness.look(&space)), number.get());
    space.check_chain();
}

#[test]
fn the_same_patch_again_takes_the_new_end() {
    let (space, witness) = (lived_in(), Witness::default());
    space.does(for_an_hour(r#"{"a":2}"#));
    witness.look(&space);
    let ask = override_(r#"{"a":2}"#, r#","expires_in":"2h""#).key("key");
    let first = space.does(ask.clone());
    assert_eq!(first.outcome(), "unchanged");
    assert_eq!(
        first.version(),
        version(&witness.look(&space)),
        "the head moved above"
    );
    assert_eq!(space.does(ask).body, first.body);
    space.run_for(HOUR_MS + 60_000);
    assert_eq!(document(&witness.look(&space))["a"], 2);
    space.run_for(HOUR_MS);
    assert_eq!(document(&witness.look(&space))["a"], 1);
    space.check_chain();
}

#[test]
fn one_for_later_ends_in_its_time_even_where_the_object_was_away() {
    let ask = override_(r#"{"a":2}"#, r#","activate_in":"1h","expires_in":"2h""#);
    let (space, witness) = (lived_in(), Witness::default());
    space.does(ask.clone());
    for expected in [1, 2, 1] {
        assert_eq!(document(&witness.look(&space))["a"], expected);
        space.run_for(HOUR_MS);
    }
    let (space, witness) = (lived_in(), Witness::default());
    space.does(ask);
    witness.look(&space);
    space.kill();
    space.machine.alarm.set(None);
    space.machine.jump_clock(86_400_000);
    assert_eq!(document(&witness.look(&space))["a"], 1);
    assert_eq!(
        space.last_audit(2),
        ["override adopted 2>3", "end_override adopted 3>4"]
    );
    space.check_chain();
}

/// The override holds down a document that alone is too large: its end must wait, and not be lost.
#[test]
fn an_end_that_must_not_become_the_head_is_put_off_and_done_later() {
    let (space, witness) = (lived_in(), Witness::default());
    let filled = |key: &str, bytes: usize| format!(r#""{key}":"{}""#, "x".repeat(bytes));
    let vars = |bytes: usize| {
        let mut layers = built_in();
        let text = format!("{{{}}}", filled("vars", bytes));
        layers.vars = crate::support::object(&text);
        layers
    };
    space.deploy(published(), vars(600_000));
    space.does(override_(r#"{"vars":null}"#, r#","expires_in":"1h""#));
    witness.look(&space);
    space.does(patch(&format!("{{{}}}", filled("b", 600_000))));
    let answer = witness.look(&space);
    assert_eq!(answer.pending, None, "it would not fit now");
    let head = version(&answer);
    for minute in 0..3 {
        space.run_for(if minute == 0 { HOUR_MS } else { POSTPONE_MS });
        assert_eq!(version(&witness.look(&space)), head);
        assert_eq!(expiries(&space), 1);
        space.kill();
    }
    let refused = format!("end_override refused {head}>{head}");
    let rows = space.audit();
    let refusals = rows.iter().filter(|row| **row == refused).count();
    assert_eq!(refusals, 1, "told once: {rows:?}");
    space.does(publish(r#"{"a":7,"b":""}"#));
    space.run_for(POSTPONE_MS);
    let answer = document(&witness.look(&space));
    assert_eq!(
        (&answer["a"], answer["vars"].as_str().map(str::len)),
        (&json!(7), Some(600_000))
    );
    assert_eq!(
        (expiries(&space), &operator(&space)["override"]),
        (0, &Value::Null)
    );
    space.check_chain();
}

#[test]
fn storage_that_refuses_at_its_end_is_tried_again_under_the_same_number() {
    let (space, witness) = (lived_in(), Witness::default());
    space.does(for_an_hour(r#"{"a":2}"#));
    let told = witness.look(&space).pending.unwrap().version;
    space.machine.traps.set(Place::Commit, 1, Strike::Always);
    space.run_for(HOUR_MS + 10_000);
    let answer = witness.look(&space);
    assert_eq!(
        (version(&answer), answer.pending.unwrap().version),
        (3, told)
    );
    space.machine.traps.clear();
    space.run_for(2_000);
    assert_eq!(version(&witness.look(&space)), told.get());
    space.check_chain();
}
