//! What is kept, and what starting and reading cost.

use std::rc::Rc;

use bellwether_core::refresh::Outcome;
use bellwether_core::settings::SpaceSettings;
use bellwether_core::store::KEEP_OUTCOMES;

use crate::support::{Space, body, built_in, settings, soon, version};

/// A space that keeps so many versions and has seen as many adoptions as `head` says.
fn with_versions(keep_versions: u32, head: u64) -> Rc<Space> {
    let space = Space::new(SpaceSettings {
        keep_versions,
        ..settings()
    });
    space.machine.source.then(soon(body(r#"{"n":2}"#)));
    space.snapshot();
    for number in 3..=head {
        space
            .machine
            .source
            .then(soon(body(&format!(r#"{{"n":{number}}}"#))));
        assert_eq!(space.reload().outcome, Outcome::Adopted);
    }
    space
}

fn kept(space: &Space) -> Vec<u64> {
    let rows = space
        .machine
        .database
        .query("SELECT version FROM versions ORDER BY version");
    rows.into_iter()
        .map(|row| row[0].parse().unwrap())
        .collect()
}

#[test]
fn as_many_versions_as_the_settings_say_are_kept() {
    for (head, oldest) in [(4, 1), (5, 1), (6, 2), (20, 16)] {
        let space = with_versions(5, head);
        assert_eq!(kept(&space), (oldest..=head).collect::<Vec<_>>());
        assert_eq!(
            space.machine.database.number("SELECT COUNT(*) FROM audit"),
            head
        );
    }
}

#[test]
fn the_default_keeps_a_hundred() {
    assert_eq!(kept(&with_versions(settings().keep_versions, 99)).len(), 99);
    assert_eq!(
        kept(&with_versions(settings().keep_versions, 100)).len(),
        100
    );
    let space = with_versions(settings().keep_versions, 101);
    assert_eq!((kept(&space).len(), kept(&space)[0]), (100, 2));
}

#[test]
fn one_version_is_enough_to_go_on() {
    let space = with_versions(1, 6);
    assert_eq!(kept(&space), [6]);
    space.kill();
    assert_eq!(version(&space.snapshot()), 6);
}

#[test]
fn fewer_versions_are_kept_from_the_next_adoption_on() {
    let space = with_versions(10, 10);
    space.deploy(
        SpaceSettings {
            keep_versions: 2,
            ..settings()
        },
        built_in(),
    );
    space.snapshot();
    assert_eq!(kept(&space).len(), 10);
    space.machine.source.then(soon(body(r#"{"n":99}"#)));
    space.reload();
    assert_eq!(kept(&space), [10, 11]);
}

#[test]
fn a_hundred_outcomes_are_kept() {
    let space = with_versions(5, 2);
    space.machine.source.always(soon(body(r#"{"n":2}"#)));
    for (reloads, expected) in [(98, 99), (1, 100), (1, KEEP_OUTCOMES), (30, KEEP_OUTCOMES)] {
        for _ in 0..reloads {
            space.reload();
        }
        let database = &space.machine.database;
        assert_eq!(database.number("SELECT COUNT(*) FROM outcomes"), expected);
    }
    assert_eq!(space.counter("refreshes", "unchanged"), 130);
}

#[test]
fn starting_costs_the_same_whatever_the_history() {
    let mut costs = Vec::new();
    for head in [3, 30, 900] {
        let space = with_versions(1_000, head);
        space.kill();
        space.machine.database.take_cost();
        space.snapshot();
        costs.push(space.machine.database.take_cost());
    }
    assert!(costs[0].rows <= 6, "{:?}", costs[0]);
    assert!(costs[0].statements <= 8, "{:?}", costs[0]);
    assert_eq!(costs[0].rows, costs[2].rows);
    assert_eq!(costs[0].statements, costs[2].statements);
    assert!(costs[0].steps.abs_diff(costs[2].steps) < 50, "{costs:?}");
}

#[test]
fn a_refresh_costs_the_same_whatever_the_history() {
    let mut costs = Vec::new();
    for head in [150, 900] {
        let space = with_versions(100, head);
        space.machine.source.then(soon(body(r#"{"n":0}"#)));
        space.machine.database.take_cost();
        assert_eq!(space.reload().outcome, Outcome::Adopted);
        costs.push(space.machine.database.take_cost());
    }
    assert_eq!(costs[0].statements, costs[1].statements);
    assert!(costs[0].steps.abs_diff(costs[1].steps) < 50, "{costs:?}");
}

#[test]
fn a_warm_snapshot_touches_no_storage() {
    let space = with_versions(100, 3);
    let object = space.open().unwrap();
    space.machine.database.take_cost();
    for _ in 0..1_000 {
        assert_eq!(object.snapshot_now(None).unwrap().head.version.get(), 3);
    }
    assert_eq!(space.machine.database.take_cost(), Default::default());
    assert_eq!(space.machine.source.count(), 2);
}
