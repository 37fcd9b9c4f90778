//! Publishing: who may where, against which head, through which guards, and the same answer again
//! for the same key.

use std::rc::Rc;

use bellwether_core::names::header;
use bellwether_core::refresh::{Fetched, Outcome};
use bellwether_core::routes::Leaf;
use bellwether_core::store::KEEP_ANSWERS_MS;
use serde_json::{Value, json};

use crate::support::{
    Ask, Space, after, body, document, patch, publish, published, pulled_and_published, put,
    settings, soon, tagged, url_settings, version, with_base,
};

fn shown(space: &Rc<Space>) -> Value {
    document(&space.snapshot())
}

fn etag(space: &Rc<Space>) -> String {
    space.snapshot().head.etag.as_str().to_owned()
}

#[test]
fn a_space_without_a_source_lives_by_publishing() {
    let space = Space::new(published());
    assert_eq!(version(&space.snapshot()), 1);
    let answer = space.does(publish(r#"{"a":1,"c":1}"#).with(header::REASON, "L%C3%B6schen"));
    assert_eq!((answer.status, answer.outcome()), (200, "adopted"));
    assert_eq!(
        (answer.version(), &answer.body["previous_version"]),
        (2, &json!(1))
    );
    assert_eq!(answer.field(header::VERSION), Some("2"));
    assert_eq!(answer.field(header::ETAG), answer.body["etag"].as_str());
    assert_eq!(answer.body["etag"], etag(&space));
    assert_eq!(shown(&space), with_base(json!({"a":1,"c":1})));
    let answer = space.does(patch(r#"{"b":2,"a":null,"debug":null}"#));
    assert_eq!(answer.version(), 3);
    assert_eq!(shown(&space), with_base(json!({"c":1,"b":2})));
    let answer = space.does(publish(r#"{"c":1,"b":2}"#));
    assert_eq!((answer.outcome(), answer.version()), ("unchanged", 3));
    space.kill();
    assert_eq!(shown(&space), with_base(json!({"c":1,"b":2})));
    assert_eq!(version(&space.snapshot()), 3);
    let audit = [
        "bootstrap adopted 0>1",
        "publish adopted 1>2",
        "patch adopted 2>3",
        "publish unchanged 3>3",
    ];
    assert_eq!(space.audit(), audit);
    let reason = "SELECT reason FROM audit WHERE version_after = 2";
    assert_eq!(space.machine.database.value(reason), "Löschen");
    let reason = "SELECT reason FROM history WHERE version = 2";
    assert_eq!(space.machine.database.value(reason), "Löschen");
    space.check_chain();
}

#[test]
fn a_pulled_space_refuses_what_is_published() {
    let space = Space::new(settings());
    space.machine.source.always(soon(body(r#"{"a":1}"#)));
    space.snapshot();
    for ask in [
        publish(r#"{"a":2}"#),
        patch(r#"{"a":2}"#),
        publish("{}").query("activate_in=1h"),
    ] {
        let rows = space.audit().len();
        let answer = space.refuses(ask, "not-publishable");
        assert_eq!(answer.status, 409);
        assert_eq!(space.audit().len(), rows + 1);
        assert!(space.last_audit(1)[0].ends_with("refused 2>2"));
    }
    assert_eq!(shown(&space), with_base(json!({"a":1})));
    space.check_chain();
}

#[test]
fn a_write_names_the_head_that_it_was_made_for() {
    let space = Space::new(published());
    space.does(publish(r#"{"n":0}"#));
    let stale = etag(&space);
    for (round, (held, slug)) in [
        ("now", None),
        ("stale", Some("precondition-failed")),
        ("weak", Some("precondition-failed")),
        ("list", None),
        ("*", None),
        (" * ", None),
        ("", Some("precondition-failed")),
        ("none", Some("precondition-required")),
    ]
    .into_iter()
    .enumerate()
    {
        let now = etag(&space);
        let ask = publish(&format!(r#"{{"n":{}}}"#, round + 1));
        let ask = match held {
            "now" => ask.if_match(&now),
            "stale" => ask.if_match(&stale),
            "weak" => ask.if_match(&format!("W/{now}")),
            "list" => ask.if_match(&format!("{stale}, {now}")),
            "none" => ask.without(header::IF_MATCH),
            other => ask.if_match(other),
        };
        let (before, rows) = (space.snapshot(), space.audit().len());
        let answer = space.ask(ask);
        match slug {
            None => assert_eq!(answer.outcome(), "adopted", "{held}: {answer:?}"),
            Some(slug) => {
                assert_eq!(answer.slug(), slug, "{held}");
                assert_eq!(space.snapshot().head.etag, before.head.etag, "{held}");
            }
        }
        assert_eq!(space.audit().len(), rows + 1, "{held}");
    }
    space.check_chain();
}

#[test]
fn a_dry_run_tells_the_difference_and_stores_nothing() {
    let space = Space::new(published());
    space.does(publish(r#"{"a":1,"b":{"c":2}}"#));
    let before = space.machine.database.dump();
    let head: Value = shown(&space);
    for (ask, outcome) in [
        (publish(r#"{"a":2,"b":{"d":3}}"#), "adopted"),
        (patch(r#"{"b":{"c":null},"e":[1]}"#), "adopted"),
        (
            put(Leaf::Override, r#"{"patch":{"debug":null}}"#),
            "adopted",
        ),
        (publish(r#"{"a":1,"b":{"c":2}}"#), "unchanged"),
        (publish("{}"), "rejected"),
        (publish(r#"{"x":1}"#), "rejected"),
    ] {
        for ask in [ask.clone(), ask.without(header::IF_MATCH)] {
            let answer = space.does(ask.key("dry").query("dry_run"));
            assert_eq!((answer.outcome(), answer.version()), (outcome, 2));
            assert_eq!(answer.body["dry_run"], true);
            let diff: json_patch::Patch =
                serde_json::from_value(answer.body["diff"].clone()).unwrap();
            let mut patched = head.clone();
            json_patch::patch(&mut patched, &diff).unwrap();
            assert_eq!(patched != head, outcome == "adopted", "{answer:?}");
            let reasons = answer.body["reasons"].as_array().unwrap().len();
            assert_eq!(reasons > 0, outcome == "rejected", "{answer:?}");
        }
    }
    assert_eq!(space.machine.database.dump(), before);
    space.refuses(
        publish("{}").if_match("\"x\"").query("dry_run=true"),
        "precondition-failed",
    );
    space.refuses(publish("{}").query("dry_run=yes"), "bad-request");
    assert_eq!(space.machine.database.dump(), before);
    space.kill();
    assert_eq!(version(&space.snapshot()), 2);
}

/// A write that knows no dry run must not be one that is not.
#[test]
fn a_dry_run_of_what_has_none_does_nothing() {
    let space = Space::new(settings());
    space.machine.source.always(soon(body(r#"{"a":1}"#)));
    space.snapshot();
    space.does(put(
        Leaf::Override,
        r#"{"patch":{"a":2},"activate_in":"1h"}"#,
    ));
    let before = space.machine.database.dump();
    for ask in [
        put(Leaf::Schedule, r#"{"paused":true}"#),
        crate::support::delete(Leaf::Pin),
        crate::support::delete(Leaf::PendingChange(1)),
    ] {
        for ask in [ask.clone(), ask.without(header::IF_MATCH)] {
            space.refuses(ask.query("dry_run=true"), "bad-request");
            assert_eq!(space.machine.database.dump(), before);
        }
    }
}

#[test]
fn guards_hold_until_they_are_waived_by_name() {
    let space = Space::new(published());
    space.does(publish(r#"{"a":1,"b":2,"c":3}"#));
    for (ask, code) in [
        (publish("{}"), "empty_document"),
        (publish(r#"{"a":1}"#), "key_loss"),
        (patch(r#"{"a":null,"b":null}"#), "key_loss"),
        (publish("{}").query("waive=key_loss"), "empty_document"),
        (
            publish(r#"{"a":1}"#).query("waive=empty_document"),
            "key_loss",
        ),
    ] {
        let answer = space.refuses(ask, "rejected");
        let told = answer.body.to_string();
        assert!(told.contains(code), "{told}");
    }
    let answer = space.refuses(publish("{}").query("waive=keyloss"), "bad-request");
    assert!(answer.body.to_string().contains("key_loss"));
    let rows = ["publish refused 2>2", "publish refused 2>2"];
    assert_eq!(space.last_audit(2), rows);
    assert_eq!(
        space
            .does(publish(r#"{"a":1}"#).query("waive=key_loss"))
            .version(),
        3
    );
    let both = publish("{}").query("waive=key_loss,empty_document");
    assert_eq!(space.does(both).version(), 4);
    space.check_chain();
}

#[test]
fn a_source_that_says_the_same_again_does_not_undo_what_was_published() {
    let space = Space::new(pulled_and_published());
    space.machine.source.always(soon(body(r#"{"a":1,"b":1}"#)));
    space.snapshot();
    space.does(publish(r#"{"a":2,"b":1}"#));
    for restart in [false, true] {
        if restart {
            space.kill();
        }
        assert_eq!(space.reload().outcome, Outcome::Unchanged);
        assert_eq!(shown(&space), with_base(json!({"a":2,"b":1})));
    }
    space.machine.source.always(soon(body(r#"{"a":1,"b":3}"#)));
    assert_eq!(space.reload().outcome, Outcome::Adopted);
    assert_eq!(shown(&space), with_base(json!({"a":1,"b":3})));
    // Back to what the source itself said before.
    space.machine.source.always(soon(body(r#"{"a":1,"b":1}"#)));
    assert_eq!(space.reload().outcome, Outcome::Adopted);
    space.check_chain();
}

#[test]
fn a_source_that_is_not_modified_does_not_undo_what_was_published() {
    let space = Space::new(bellwether_core::settings::SpaceSettings {
        publish: true,
        ..url_settings("https://origin.example/")
    });
    space
        .machine
        .source
        .then(soon(tagged(r#"{"a":1}"#, "\"one\"")));
    space.machine.source.always(soon(Fetched::NotModified));
    space.snapshot();
    space.does(patch(r#"{"a":2}"#));
    assert_eq!(space.reload().outcome, Outcome::Unchanged);
    space.kill();
    assert_eq!(space.reload().outcome, Outcome::Unchanged);
    assert_eq!(shown(&space), with_base(json!({"a":2})));
    let sent = space.machine.source.calls().pop().unwrap();
    assert_eq!(sent.if_none_match.as_deref(), Some("\"one\""));
}

#[test]
fn a_publish_beside_a_refresh_is_decided_against_what_then_is() {
    for (source, outcome, expected) in [
        (r#"{"a":1}"#, Outcome::Unchanged, json!({"a":9})),
        (r#"{"a":2}"#, Outcome::Adopted, json!({"a":2})),
    ] {
        let space = Space::new(pulled_and_published());
        space.machine.source.then(soon(body(r#"{"a":1}"#)));
        space.snapshot();
        space.machine.source.then(after(1_000, body(source)));
        let first = space.call_reload(Default::default());
        space.run_for(500);
        let joined = space.call_reload(Default::default());
        assert_eq!(space.does(publish(r#"{"a":9}"#)).version(), 3);
        let (first, joined) = (space.wait(&first).unwrap(), space.wait(&joined).unwrap());
        assert_eq!((first.outcome, joined.outcome), (outcome, outcome));
        assert!(joined.joined && !first.joined);
        assert_eq!(first.previous_version.get(), 3);
        assert_eq!(shown(&space), with_base(expected));
        assert_eq!(space.machine.source.most_in_flight(), 1);
        let reloads = space
            .audit()
            .iter()
            .filter(|row| row.starts_with("reload"))
            .count();
        assert_eq!(reloads, 2, "one row for each operator who asked");
        space.check_chain();
    }
}

#[test]
fn a_key_gives_the_first_answer_again() {
    let space = Space::new(published());
    space.does(publish(r#"{"a":1}"#));
    let held = etag(&space);
    let asks: [Ask; 4] = [
        publish(r#"{"a":2}"#).if_match(&held),
        publish("{}"),
        publish(r#"{"a":3}"#).if_match("\"stale\""),
        put(Leaf::Override, r#"{"patch":{"a":4},"activate_in":"1h"}"#),
    ];
    let asks = asks.map(|ask| ask.key("key"));
    for (round, ask) in asks.into_iter().enumerate() {
        let ask = ask.key(&format!("key-{round}"));
        let first = space.ask(ask.clone());
        assert_eq!(first.field(header::REPLAYED), None);
        let (rows, head) = (space.audit(), space.snapshot().head);
        for restart in [false, true] {
            if restart {
                space.kill();
            }
            let again = space.ask(ask.clone());
            assert_eq!((again.status, &again.body), (first.status, &first.body));
            assert_eq!(again.field(header::REPLAYED), Some("true"));
            assert_eq!(space.snapshot().head.etag, head.etag);
        }
        assert_eq!(space.audit(), rows, "a repetition is no other write");
    }
    space.check_chain();
}

#[test]
fn a_key_belongs_to_one_request_and_one_token() {
    let space = Space::new(published());
    let ask = publish(r#"{"a":1}"#).key("key");
    let first = space.does(ask.clone());
    let rows = space.audit().len();
    for other in [
        publish(r#"{"a":2}"#).key("key"),
        patch(r#"{"a":1}"#).key("key"),
        publish(r#"{"a":1}"#).key("key").if_match(&etag(&space)),
        publish(r#"{"a":1}"#).key("key").query("activate_in=1h"),
        publish(r#"{"a":1}"#).key("key").with(header::REASON, "why"),
        put(Leaf::Override, r#"{"patch":{}}"#).key("key"),
    ] {
        assert_eq!(space.refuses(other, "idempotency-key-reused").status, 422);
    }
    let refused = space.last_audit(6);
    assert_eq!(space.audit().len(), rows + 6, "each refusal has its row");
    assert!(
        refused.iter().all(|row| row.ends_with("refused 2>2")),
        "{refused:?}"
    );
    assert_eq!(
        space.does(ask.clone()).body,
        first.body,
        "the first answer stands"
    );
    let quoted = space.does(ask.clone().key("\"key\""));
    assert_eq!(quoted.body, first.body);
    let another = space.does(
        publish(r#"{"a":2}"#)
            .key("key")
            .with(header::ACTOR, "other"),
    );
    assert_eq!(
        (another.version(), another.field(header::REPLAYED)),
        (3, None)
    );
    space.check_chain();
}

#[test]
fn a_key_is_forgotten_after_a_day() {
    let space = Space::new(published());
    let ask = publish(r#"{"a":1}"#).key("key");
    space.does(ask.clone());
    space.does(publish(r#"{"a":2}"#));
    let day_ms = i64::try_from(KEEP_ANSWERS_MS).unwrap();
    space.machine.jump_clock(day_ms);
    assert_eq!(space.does(ask.clone()).version(), 2, "told again");
    space.machine.jump_clock(1);
    let answer = space.does(ask);
    assert_eq!(
        (answer.version(), answer.field(header::REPLAYED)),
        (4, None)
    );
}
