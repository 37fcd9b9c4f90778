//! The object dies, or its storage refuses once, at every place that a write or a switch comes to:
//! it is there whole or not at all, and the same request again makes it good.

use std::rc::Rc;

use bellwether_core::coordinator::RETRY_MS;
use bellwether_core::routes::Leaf;
use serde_json::{Value, json};

use crate::support::{
    Ask, Place, Space, Strike, Witness, body, delete, document, get, patch, post, publish,
    published, pulled_and_published, put, rollback, soon, version, with_base,
};

/// More than any of them comes to.
const EVERY: u32 = 120;

type Start = fn() -> Rc<Space>;

const HOUR_MS: u64 = 3_600_000;

const STRIKES: [(Place, Strike); 7] = [
    (Place::Statement, Strike::Crash),
    (Place::Commit, Strike::Crash),
    (Place::AfterCommit, Strike::Crash),
    (Place::SetAlarm, Strike::Crash),
    (Place::AfterSetAlarm, Strike::Crash),
    (Place::Statement, Strike::Once),
    (Place::Commit, Strike::Once),
];

/// A published space with two documents, an override that ends, and two changes that wait.
fn lived_in() -> Rc<Space> {
    let space = Space::new(published());
    space.does(publish(r#"{"a":1,"b":1}"#));
    space.does(publish(r#"{"a":2,"b":1}"#));
    space.does(put(
        Leaf::Override,
        r#"{"patch":{"o":1},"expires_in":"5h"}"#,
    ));
    space.does(patch(r#"{"c":1}"#).query("activate_in=2h"));
    space.does(patch(r#"{"c":2}"#).query("activate_in=3h"));
    space
}

/// A pulled space that is pinned, and whose source says something else by now.
fn pinned() -> Rc<Space> {
    let space = Space::new(pulled_and_published());
    space.machine.source.then(soon(body(r#"{"a":1,"b":1}"#)));
    space.machine.source.always(soon(body(r#"{"a":2,"b":1}"#)));
    space.snapshot();
    space.reload();
    space.does(rollback(2));
    space
}

/// What an operator sees, without numbers and times.
fn seen(space: &Rc<Space>) -> Value {
    let pending = space.does(get(Leaf::Pending)).body;
    let pending = pending["pending"].as_array().unwrap().iter();
    let pending: Vec<_> = pending
        .map(|row| json!([row["kind"], second(&row["activate_at"])]))
        .collect();
    let status = space.status().into_json();
    json!({
        "document": document(&space.snapshot()),
        "pending": pending,
        "pin": status["operator"]["pin"]["to_version"],
        "override": status["operator"]["override"]["reason"],
        "expires": second(&status["operator"]["override"]["expires_at"]),
        "interval": status["schedule"]["refresh_interval"],
    })
}

/// A time without its milliseconds: the second try is a few of them later.
fn second(time: &Value) -> Option<&str> {
    time.as_str().and_then(|time| time.split('.').next())
}

#[test]
fn a_write_survives_death_at_every_place_and_is_done_once() {
    let id = |number| Leaf::PendingChange(number);
    let asks: [(Start, Ask); 12] = [
        (lived_in, publish(r#"{"a":3,"b":1}"#)),
        (lived_in, patch(r#"{"a":3}"#)),
        (lived_in, patch(r#"{"a":3}"#).query("replaces=2")),
        (lived_in, patch(r#"{"a":3}"#).query("activate_in=1h")),
        (
            lived_in,
            patch(r#"{"a":3}"#).query("activate_in=1h&replaces=2"),
        ),
        (lived_in, rollback(2)),
        (lived_in, post(Leaf::Rollback(2), r#"{"activate_in":"1h"}"#)),
        (
            lived_in,
            put(
                Leaf::Override,
                r#"{"patch":{"o":2},"reason":"r","expires_in":"1h"}"#,
            ),
        ),
        (lived_in, delete(Leaf::Override)),
        (lived_in, delete(id(2))),
        (pinned, delete(Leaf::Pin)),
        (pinned, put(Leaf::Schedule, r#"{"refresh_interval":"1h"}"#)),
    ];
    for (start, ask) in asks {
        let ask = ask.key("key");
        let undisturbed = start();
        undisturbed.does(ask.clone());
        undisturbed.run_for(60_000);
        let expected = (seen(&undisturbed), undisturbed.audit().len());
        for (place, strike) in STRIKES {
            let struck = (1..EVERY)
                .take_while(|nth| struck(start(), &ask, place, *nth, strike, &expected))
                .count();
            assert!(
                (1..EVERY as usize - 1).contains(&struck),
                "{place:?} {struck}"
            );
        }
    }
}

fn struck(
    space: Rc<Space>,
    ask: &Ask,
    place: Place,
    nth: u32,
    strike: Strike,
    expected: &(Value, usize),
) -> bool {
    let (witness, traps) = (Witness::default(), &space.machine.traps);
    witness.look(&space);
    let head = version(&space.snapshot());
    traps.set(place, nth, strike);
    let first = space.call_api(ask.clone());
    space.run_for(10);
    let sprung = !traps.any_left();
    traps.clear();
    let again = space.does(ask.clone());
    if let Some(first) = first.take().filter(|first| first.status < 300) {
        assert_eq!(again.body["outcome"], first.body["outcome"]);
    }
    if strike == Strike::Once {
        // What storage refused is tried again a little later.
        space.run_for(2 * RETRY_MS);
    }
    assert!(version(&witness.look(&space)) >= head);
    space.run_for(60_000);
    assert_eq!(seen(&space), expected.0, "{place:?} {nth} {strike:?}");
    space.check_chain();
    if strike == Strike::Crash {
        assert_eq!(
            space.audit().len(),
            expected.1,
            "{place:?} {nth}: done once"
        );
    }
    let alarm = space.machine.alarm.get();
    assert!(alarm.is_some_and(|alarm| alarm > space.machine.now()));
    witness.look(&space);
    sprung
}

#[test]
fn a_switch_survives_death_at_every_place_under_its_number() {
    for (place, strike) in STRIKES {
        let survived = |nth: u32| {
            let (space, witness) = (lived_in(), Witness::default());
            let number = witness.look(&space).pending.unwrap().version;
            let told = space.fetch_ahead(number.get()).unwrap().head.etag;
            space.machine.traps.set(place, nth, strike);
            space.run_for(2 * HOUR_MS + 60_000);
            let sprung = !space.machine.traps.any_left();
            space.machine.traps.clear();
            let answer = witness.look(&space);
            assert_eq!(answer.head.etag, told, "{place:?} {nth} {strike:?}");
            let number = answer.pending.unwrap().version.get();
            space.run_for(HOUR_MS);
            assert_eq!(version(&witness.look(&space)), number);
            space.run_for(2 * HOUR_MS);
            let expected = with_base(json!({"a":2,"b":1,"c":2}));
            assert_eq!(
                document(&witness.look(&space)),
                expected,
                "the override ended"
            );
            let rows = space.audit();
            let rows: Vec<_> = rows
                .iter()
                .filter(|row| !row.starts_with("withdraw"))
                .collect();
            assert_eq!(rows.len(), 9, "{rows:?}");
            space.check_chain();
            sprung
        };
        let struck = (1..EVERY).take_while(|nth| survived(*nth)).count();
        assert!(
            (1..EVERY as usize - 1).contains(&struck),
            "{place:?} {struck}"
        );
    }
}

/// A limit that was lowered since: what it hits is dropped at its moment, and nothing else with it.
#[test]
fn what_cannot_be_read_any_more_keeps_nothing_else_from_its_moment() {
    for (broken, expected) in [
        (
            "UPDATE pending SET document = '[]' WHERE id = 2",
            json!({"a":2,"b":1,"c":2}),
        ),
        (
            "UPDATE pending SET kind = 'rollback', document = NULL WHERE id = 2",
            json!({"a":2,"b":1,"c":2}),
        ),
        (
            "UPDATE layers SET document = '[]' WHERE layer = 'source'",
            json!({"a":2,"b":1,"o":1}),
        ),
    ] {
        let (space, witness) = (lived_in(), Witness::default());
        let head = version(&witness.look(&space));
        space.machine.database.run(broken);
        space.kill();
        let answer = witness.look(&space);
        assert_eq!(
            document(&answer),
            with_base(json!({"a":2,"b":1,"o":1})),
            "{broken}"
        );
        assert!(version(&answer) > head, "what was announced is taken back");
        space.run_for(2 * HOUR_MS);
        assert!(
            space.last_audit(1)[0].contains(" refused "),
            "{:?}",
            space.last_audit(1)
        );
        space.run_for(4 * HOUR_MS);
        assert_eq!(
            document(&witness.look(&space)),
            with_base(expected),
            "{broken}"
        );
        space.check_chain();
    }
}
