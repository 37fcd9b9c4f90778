//! History: what is kept and what it costs to look at, differences, where a value comes from, and
//! the way back.

use std::rc::Rc;

use bellwether_core::names::header;
use bellwether_core::routes::Leaf;
use bellwether_core::settings::SpaceSettings;
use serde_json::{Value, json};

use crate::support::{
    Answer, Space, body, delete, document, get, patch, post, publish, published, put, rollback,
    settings, soon, version, with_base,
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
