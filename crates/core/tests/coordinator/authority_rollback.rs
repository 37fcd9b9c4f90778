//! The way back: old content as a new version, the pin that it sets on a pulled space, and its end.

use std::rc::Rc;

use bellwether_core::coordinator::BuiltIn;
use bellwether_core::refresh::{Fetched, Outcome};
use bellwether_core::routes::Leaf;
use serde_json::{Value, json};

use crate::support::{
    Space, Witness, after, body, built_in, delete, document, get, object, post, publish, published,
    put, rollback, settings, soon, tagged, text, url_settings, with_base,
};

#[test]
fn a_rollback_is_the_old_content_whole_as_a_new_version() {
    let (space, witness) = (Space::new(published()), Witness::default());
    space.does(publish(r#"{"b":1,"a":{"x":1,"y":[1]},"cache":{"ttl":5}}"#));
    let old = witness.look(&space).head;
    space.does(publish(
        r#"{"a":{"y":[2],"z":2},"b":null,"cache":{},"c":3,"debug":null}"#,
    ));
    space.does(put(
        Leaf::Override,
        r#"{"patch":{"o":1},"expires_in":"1h"}"#,
    ));
    for to in [2, 1, 3] {
        let was = space.does(get(Leaf::Version(to)));
        let answer = space.does(post(Leaf::Rollback(to), r#"{"reason":"worse"}"#));
        let head = witness.look(&space).head;
        assert_eq!(
            (answer.outcome(), head.version.get()),
            ("adopted", answer.version())
        );
        let hash = format!("SELECT hash FROM versions WHERE version = {to}");
        assert_eq!(head.hash.hex(), space.machine.database.value(&hash));
        assert_eq!(serde_json::from_str::<Value>(&head.text).unwrap(), was.body);
        let row = space.does(get(Leaf::Versions).query("limit=1")).body["versions"][0].clone();
        assert_eq!(
            (&row["rollback_of"], &row["reason"]),
            (&json!(to), &json!("worse"))
        );
        let status = space.status().into_json();
        assert_eq!(status["operator"]["override"], Value::Null);
        assert_eq!(status["operator"]["pin"], Value::Null, "nothing is pulled");
        space.kill();
        assert_eq!(witness.look(&space).head.hash, head.hash);
    }
    space.does(rollback(2));
    let again = space.does(rollback(2));
    assert_eq!(again.outcome(), "unchanged");
    assert_eq!(witness.look(&space).head.hash, old.hash);
    space.refuses(rollback(99), "unknown-version");
    space.check_chain();
}

#[test]
fn a_rollback_goes_back_over_changed_layers() {
    let space = Space::new(published());
    space.does(publish(r#"{"a":1}"#));
    let old = space.snapshot().head;
    for vars in [
        r#"{"debug":"x","new":{"deep":[1]}}"#,
        r#"{"debug":{"a":1},"cache":5}"#,
        "{}",
    ] {
        let vars = object(vars);
        space.deploy(published(), BuiltIn { vars, ..built_in() });
        let deployed = space.snapshot().head;
        assert_ne!(deployed.hash, old.hash);
        space.does(rollback(2));
        assert_eq!(
            (space.snapshot().head.hash, text(&space.snapshot())),
            (old.hash, &*old.text)
        );
        space.kill();
        space.does(publish(r#"{"a":1}"#).query("waive=key_loss"));
    }
}

/// A merge patch cannot say `null`; but where the layers below still have it, it stays.
#[test]
fn a_rollback_keeps_the_nulls_that_the_layers_below_have() {
    let vars = object(r#"{"off":null,"deep":{"off":null,"x":1}}"#);
    let space = Space::new(published());
    let layers = BuiltIn {
        defaults: vars,
        ..BuiltIn::default()
    };
    space.deploy(published(), layers.clone());
    let old = space.snapshot().head;
    assert_eq!(
        text(&space.snapshot()),
        r#"{"off":null,"deep":{"off":null,"x":1}}"#
    );
    space.does(publish(r#"{"deep":{"x":2},"y":1}"#));
    space.does(rollback(1));
    assert_eq!(space.snapshot().head.hash, old.hash);
    // Gone below, it cannot be made again: that is told, and nothing else is put in its place.
    let vars = object(r#"{"deep":{"off":2}}"#);
    space.deploy(
        published(),
        BuiltIn {
            defaults: vars,
            ..layers
        },
    );
    let head = space.snapshot().head.etag;
    let refused = space.refuses(rollback(1), "rejected");
    assert!(refused.body.to_string().contains("null"), "{refused:?}");
    assert_eq!(space.snapshot().head.etag, head);
    space.check_chain();
}

#[test]
fn a_rollback_pins_a_pulled_space_until_it_is_unpinned() {
    let (space, witness) = (
        Space::new(url_settings("https://origin.example/")),
        Witness::default(),
    );
    let source = &space.machine.source;
    source.then(soon(tagged(r#"{"a":1}"#, "\"1\"")));
    space.snapshot();
    source.always(soon(tagged(r#"{"a":2}"#, "\"2\"")));
    assert_eq!(space.reload().outcome, Outcome::Adopted);
    let answer = space.does(rollback(2));
    assert!(
        answer.body["warnings"][0]
            .as_str()
            .unwrap()
            .contains("pinned")
    );
    assert_eq!(document(&witness.look(&space)), with_base(json!({"a":1})));
    let pin = |space: &Rc<Space>| space.status().into_json()["operator"]["pin"].clone();
    assert_eq!(
        (&pin(&space)["to_version"], &pin(&space)["candidate_held"]),
        (&json!(2), &json!(false))
    );
    // What it said before the rollback is nothing new; what it says then is held.
    assert_eq!(space.reload().outcome, Outcome::Unchanged);
    source.always(soon(tagged(r#"{"a":3}"#, "\"3\"")));
    for restart in [false, true] {
        if restart {
            space.kill();
        }
        assert_eq!(space.reload().outcome, Outcome::Held);
        assert_eq!(document(&witness.look(&space)), with_base(json!({"a":1})));
        assert_eq!(pin(&space)["candidate_held"], true);
        assert_eq!(space.status().into_json()["source"]["healthy"], true);
    }
    let rows = space.last_audit(2);
    assert_eq!(rows, ["reload held 4>4", "reload held 4>4"]);
    source.always(soon(body("[]")));
    assert_eq!(
        space.reload().outcome,
        Outcome::Rejected,
        "checked all the same"
    );
    // Back to what it said before the rollback: after the pin that counts again.
    source.always(soon(tagged(r#"{"a":2}"#, "\"2\"")));
    assert_eq!(space.reload().outcome, Outcome::Unchanged);
    let calls = source.count();
    let unpinned = space.does(delete(Leaf::Pin));
    assert_eq!((unpinned.outcome(), pin(&space)), ("done", Value::Null));
    space.run_for(100);
    assert_eq!(source.count(), calls + 1, "at once");
    assert_eq!(source.calls()[calls].if_none_match, None);
    assert_eq!(document(&witness.look(&space)), with_base(json!({"a":2})));
    space.refuses(delete(Leaf::Pin), "nothing-set");
    space.check_chain();
}

#[test]
fn unpinning_beside_a_refresh_ends_in_what_the_source_says() {
    for answer in [Fetched::NotModified, tagged(r#"{"a":2}"#, "\"2\"")] {
        let space = Space::new(url_settings("https://origin.example/"));
        let source = &space.machine.source;
        source.then(soon(tagged(r#"{"a":1}"#, "\"1\"")));
        space.snapshot();
        source.then(soon(tagged(r#"{"a":2}"#, "\"2\"")));
        space.reload();
        space.does(rollback(2));
        source.then(after(1_000, answer));
        source.always(soon(tagged(r#"{"a":2}"#, "\"2\"")));
        let reload = space.call_reload(Default::default());
        space.run_for(500);
        space.does(delete(Leaf::Pin));
        space.wait(&reload);
        space.run_for(10_000);
        assert_eq!(document(&space.snapshot()), with_base(json!({"a":2})));
        space.check_chain();
    }
}

#[test]
fn a_refresh_beside_a_rollback_is_held() {
    let space = Space::new(settings());
    space.machine.source.then(soon(body(r#"{"a":1}"#)));
    space.machine.source.then(soon(body(r#"{"a":2}"#)));
    space.snapshot();
    space.reload();
    space.machine.source.then(after(1_000, body(r#"{"a":3}"#)));
    let reload = space.call_reload(Default::default());
    space.run_for(500);
    space.does(rollback(2));
    assert_eq!(space.wait(&reload).unwrap().outcome, Outcome::Held);
    assert_eq!(document(&space.snapshot()), with_base(json!({"a":1})));
    space.check_chain();
}

#[test]
fn a_rollback_for_later_says_so_and_pins_at_its_moment() {
    let space = Space::new(settings());
    space.machine.source.then(soon(body(r#"{"a":1}"#)));
    space.machine.source.always(soon(body(r#"{"a":2}"#)));
    space.snapshot();
    space.reload();
    let answer = space.does(post(Leaf::Rollback(2), r#"{"activate_in":"1h"}"#));
    assert!(
        answer.body["warnings"].to_string().contains("pinned"),
        "{answer:?}"
    );
    let pin =
        |space: &Rc<Space>| space.status().into_json()["operator"]["pin"]["to_version"].clone();
    assert_eq!(pin(&space), Value::Null, "not yet");
    space.run_for(3_600_000);
    assert_eq!(pin(&space), 2);
    space.machine.source.always(soon(body(r#"{"a":3}"#)));
    assert_eq!(space.reload().outcome, Outcome::Held);
    assert_eq!(document(&space.snapshot()), with_base(json!({"a":1})));
    space.check_chain();
}
