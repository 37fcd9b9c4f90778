//! History: what is kept and what it costs to look at, differences, where a value comes from, and
//! the way back.

use std::rc::Rc;

use bellwether_core::coordinator::BuiltIn;
use bellwether_core::names::header;
use bellwether_core::refresh::Outcome;
use bellwether_core::routes::Leaf;
use bellwether_core::settings::SpaceSettings;
use serde_json::{Value, json};

use crate::support::{
    Answer, Space, Witness, body, built_in, delete, document, get, object, patch, post, publish,
    published, put, rollback, settings, soon, tagged, text, url_settings, version, with_base,
};

const DAY_MS: u64 = 86_400_000;

fn numbers(page: &Answer) -> Vec<u64> {
    let versions = page.body["versions"].as_array().unwrap().iter();
    versions
        .map(|row| row["version"].as_u64().unwrap())
        .collect()
}

fn kept(space: &Rc<Space>) -> Vec<u64> {
    numbers(&space.does(get(Leaf::Versions).query("limit=100")))
}

/// A published space whose versions 2 to `head` are `{"n":…}`.
fn with_versions(settings: SpaceSettings, head: u64) -> Rc<Space> {
    let space = Space::new(settings);
    for number in 2..=head {
        space.does(publish(&format!(r#"{{"n":{number}}}"#)));
    }
    space
}

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
    for answer in [
        bellwether_core::refresh::Fetched::NotModified,
        tagged(r#"{"a":2}"#, "\"2\""),
    ] {
        let space = Space::new(url_settings("https://origin.example/"));
        let source = &space.machine.source;
        source.then(soon(tagged(r#"{"a":1}"#, "\"1\"")));
        space.snapshot();
        source.then(soon(tagged(r#"{"a":2}"#, "\"2\"")));
        space.reload();
        space.does(rollback(2));
        source.then(crate::support::after(1_000, answer));
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
fn retention_by_count_keeps_what_a_pin_or_a_pending_rollback_needs() {
    let few = SpaceSettings {
        keep_versions: 3,
        ..published()
    };
    let space = with_versions(few.clone(), 3);
    space.does(post(Leaf::Rollback(2), r#"{"activate_in":"1h"}"#));
    for number in 5..=9 {
        space.does(publish(&format!(r#"{{"n":{number}}}"#)));
    }
    let versions = kept(&space);
    assert_eq!((versions.len(), versions[3]), (4, 2), "{versions:?}");
    space.run_for(3_600_000);
    assert_eq!(document(&space.snapshot())["n"], 2);
    space.does(publish(r#"{"n":99}"#));
    assert_eq!(kept(&space).len(), 3);
    // A pin keeps its target while it stands.
    let space = Space::new(SpaceSettings {
        publish: true,
        keep_versions: 1,
        ..settings()
    });
    space.machine.source.always(soon(body(r#"{"n":2}"#)));
    space.snapshot();
    space.does(rollback(2));
    for number in 3..6 {
        space.does(publish(&format!(r#"{{"n":{number}}}"#)));
        assert_eq!(kept(&space), [number, 2]);
    }
    space.does(delete(Leaf::Pin));
    space.run_for(1_000);
    assert_eq!(kept(&space).len(), 1);
    assert_eq!(
        space
            .machine
            .database
            .number("SELECT COUNT(*) FROM versions"),
        1
    );
    space.check_chain();
}

#[test]
fn retention_by_age_counts_from_when_something_else_became_the_head() {
    let aged = SpaceSettings {
        keep_for_ms: Some(DAY_MS),
        ..published()
    };
    let space = with_versions(aged.clone(), 2);
    space.run_for(10 * DAY_MS);
    space.does(publish(r#"{"n":3}"#));
    assert_eq!(kept(&space), [3, 2], "2 was the head until now");
    space.run_for(DAY_MS - 1);
    space.does(publish(r#"{"n":4}"#));
    assert_eq!(kept(&space), [4, 3, 2]);
    space.run_for(1);
    space.does(publish(r#"{"n":5}"#));
    assert_eq!(kept(&space), [5, 4, 3]);
    space.run_for(30 * DAY_MS);
    assert_eq!(version(&space.snapshot()), 5, "the head stays, however old");
    // A pulled space drops them without an adoption.
    let space = Space::new(SpaceSettings {
        keep_for_ms: Some(DAY_MS),
        ..settings()
    });
    space.machine.source.then(soon(body(r#"{"n":2}"#)));
    space.machine.source.always(soon(body(r#"{"n":3}"#)));
    space.snapshot();
    space.reload();
    assert_eq!(kept(&space), [3, 2, 1]);
    space.run_for(DAY_MS + 600_000);
    assert_eq!(kept(&space), [3]);
}

#[test]
fn pages_go_from_the_newest_to_the_oldest() {
    let space = with_versions(published(), 25);
    let mut query = "limit=10".to_owned();
    let mut all = Vec::new();
    for length in [10, 10, 5] {
        let page = space.does(get(Leaf::Versions).query(&query));
        assert_eq!(numbers(&page).len(), length);
        all.extend(numbers(&page));
        query = format!("limit=10&before={}", page.body["next_before"]);
        assert_eq!(page.body["next_before"].is_null(), length == 5);
    }
    assert_eq!(all, (1..=25).rev().collect::<Vec<_>>());
    let page = space.does(get(Leaf::Versions)).body;
    let (first, head) = (&page["versions"][0], space.snapshot().head);
    assert_eq!(
        (&first["etag"], &first["bytes"]),
        (&json!(head.etag.as_str()), &json!(head.text.len()))
    );
    let whole = space.does(get(Leaf::Version(7)));
    assert_eq!(whole.body, with_base(json!({"n":7})));
    let held = whole.field(header::ETAG).unwrap();
    let same = space.ask(get(Leaf::Version(7)).with(header::IF_NONE_MATCH, held));
    assert_eq!((same.status, same.body), (304, Value::Null));
}

#[test]
fn pages_and_status_cost_the_same_whatever_is_kept() {
    let mut costs = Vec::new();
    for (versions, bytes) in [(3, 10), (100, 10), (3, 1_000_000), (20, 1_000_000)] {
        let space = Space::new(published());
        for number in 2..=versions {
            let text = format!(r#"{{"n":{number},"x":"{}"}}"#, "x".repeat(bytes));
            space.does(publish(&text));
        }
        let database = &space.machine.database;
        database.take_cost();
        space.does(get(Leaf::Versions).query("limit=2"));
        let page = database.take_cost();
        space.status();
        costs.push((page, database.take_cost()));
    }
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
    assert!(
        costs[0].0.statements <= 1 && costs[0].1.statements <= 4,
        "{:?}",
        costs[0]
    );
}

#[test]
fn the_difference_of_any_two_makes_the_one_of_the_other() {
    let space = Space::new(published());
    for text in [
        r#"{"a":1,"list":[1,2,{"x":[]}],"deep":{"b":null}}"#,
        r#"{"a":{"c":"é/~"},"list":[2,{"x":[0]}],"cache":{"ttl":1}}"#,
        r#"{"list":{},"a/b":1,"":{"":2},"deep":{"b":1}}"#,
    ] {
        space.does(publish(text).query("waive=key_loss"));
    }
    space.does(put(Leaf::Override, r#"{"patch":{"deep":null,"o":[{}]}}"#));
    let head = version(&space.snapshot());
    let at = |number: u64| space.does(get(Leaf::Version(number))).body;
    for from in 1..=head {
        for to in 1..=head {
            let diff = space.does(get(Leaf::Diff).query(&format!("from={from}&to={to}")));
            assert_eq!(
                diff.field(header::CONTENT_TYPE),
                Some("application/json-patch+json")
            );
            let mut made = at(from);
            let patch: json_patch::Patch = serde_json::from_value(diff.body).unwrap();
            json_patch::patch(&mut made, &patch).unwrap();
            assert_eq!(made, at(to), "{from} {to}");
        }
        let diff = space.does(get(Leaf::Diff).query(&format!("from={from}")));
        let explicit = format!("from={from}&to={head}");
        assert_eq!(diff, space.does(get(Leaf::Diff).query(&explicit)));
    }
}

#[test]
fn a_value_is_explained_by_its_layers_and_since_when_it_stands() {
    let space = Space::new(published());
    space.does(publish(r#"{"a":1,"b":{"c":1}}"#));
    space.does(patch(r#"{"b":{"d":2}}"#));
    space.does(put(Leaf::Override, r#"{"patch":{"a":9,"debug":null}}"#));
    space.does(patch(r#"{"b":{"c":5}}"#));
    for (pointer, layer, value, since) in [
        ("/a", "override", json!(9), 4),
        ("/b/d", "source", json!(2), 3),
        ("/b/c", "source", json!(5), 5),
        ("/b", "source", json!({"c":5,"d":2}), 5),
        ("/debug", "override", Value::Null, 4),
        ("/cache/ttl", "defaults", json!(60), 1),
    ] {
        for restart in [false, true] {
            if restart {
                space.kill();
            }
            let told = space
                .does(get(Leaf::Explain).query(&format!("pointer={pointer}")))
                .body;
            assert_eq!(told["layer"], layer, "{told}");
            assert_eq!(told["value"], value, "{told}");
            assert_eq!(
                (&told["since_version"], &told["since_is_exact"]),
                (&json!(since), &json!(true))
            );
            let layers = json!({"built_in":1,"source":5,"override":4});
            assert_eq!(
                (&told["version"], &told["layer_versions"]),
                (&json!(5), &layers)
            );
        }
    }
    space.refuses(
        get(Leaf::Explain).query("pointer=/nowhere"),
        "pointer-not-found",
    );
}
