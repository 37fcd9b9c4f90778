//! The audit: a row for everything that was asked for, and a chain that shows every tampering.

use std::rc::Rc;

use bellwether_core::names::header;
use bellwether_core::routes::Leaf;
use bellwether_core::throttle::DENIALS_A_MINUTE;
use serde_json::{Value, json};

use crate::support::{
    Ask, Space, body, built_in, delete, get, patch, publish, published, pulled_and_published, put,
    rollback, soon,
};

const HOUR_MS: u64 = 3_600_000;

#[test]
fn everything_that_is_asked_for_has_its_row() {
    let space = Space::new(pulled_and_published());
    space.machine.source.then(soon(body(r#"{"a":1,"b":1}"#)));
    space.machine.source.always(soon(body(r#"{"a":2,"b":1}"#)));
    space.snapshot();
    let mut rows = space.audit();
    assert_eq!(rows, ["bootstrap adopted 0>1", "bootstrap adopted 1>2"]);
    let mut expect = |what: &str, added: &[&str]| {
        rows.extend(added.iter().map(|row| (*row).to_owned()));
        assert_eq!(space.audit(), rows, "{what}");
        space.check_chain();
    };
    space.reload();
    expect("a reload", &["reload adopted 2>3"]);
    space.reload();
    expect("a reload of the same", &["reload unchanged 3>3"]);
    space.does(publish(r#"{"a":3,"b":1}"#));
    expect("a publish", &["publish adopted 3>4"]);
    space.ask(patch(r#"{"a":3}"#).without(header::IF_MATCH));
    expect("a refusal", &["patch refused 4>4"]);
    space.does(patch(r#"{"a":4}"#).query("dry_run"));
    expect("a question", &[]);
    space.does(put(Leaf::Schedule, r#"{"refresh_interval":"2h"}"#));
    expect("a pace", &["schedule done 4>4"]);
    space.does(put(
        Leaf::Override,
        r#"{"patch":{"o":1},"expires_in":"30m"}"#,
    ));
    expect("an override", &["override adopted 4>5"]);
    space.run_for(HOUR_MS / 2);
    expect("its end", &["end_override adopted 5>6"]);
    space.does(patch(r#"{"a":5}"#).query("activate_in=10m"));
    expect("for later", &["patch scheduled 6>6"]);
    space.does(delete(Leaf::PendingChange(2)));
    expect(
        "taken back",
        &["cancel cancelled 6>6", "withdraw adopted 6>8"],
    );
    space.does(patch(r#"{"a":5}"#).query("activate_in=10m"));
    space.run_for(HOUR_MS / 6);
    expect("later", &["patch scheduled 8>8", "patch adopted 8>9"]);
    space.does(rollback(4));
    expect("a rollback", &["rollback adopted 9>10"]);
    space.does(delete(Leaf::Pin));
    space.run_for(1_000);
    expect("unpinned", &["unpin done 10>10", "alarm adopted 10>11"]);
    let mut layers = built_in();
    layers.vars.insert("v".to_owned(), json!(1));
    space.deploy(pulled_and_published(), layers);
    space.snapshot();
    expect("a deploy", &["deploy adopted 11>12"]);
    let schedule = put(Leaf::Schedule, r#"{"paused":false,"reason":"why"}"#);
    space.does(schedule.with(header::ACTOR, "other"));
    let shown = space.does(get(Leaf::Audit).query("limit=1")).body["entries"][0].clone();
    let told = [
        &shown["actor"],
        &shown["action"],
        &shown["reason"],
        &shown["outcome"],
    ];
    assert_eq!(told, ["other", "schedule", "why", "done"]);
    assert_eq!(
        (&shown["version_before"], &shown["version_after"]),
        (&json!(12), &json!(12))
    );
    assert_eq!(
        shown["at"],
        bellwether_core::wire::rfc3339(space.machine.now())
    );
}

#[test]
fn pages_go_back_to_the_first_row() {
    let space = with_rows(25);
    let (mut query, mut seen) = ("limit=10".to_owned(), Vec::new());
    for _ in 0..3 {
        let page = space.does(get(Leaf::Audit).query(&query)).body;
        let entries = page["entries"].as_array().unwrap().clone();
        seen.extend(entries.iter().map(|row| row["id"].as_u64().unwrap()));
        query = format!("limit=10&before={}", page["next_before"]);
    }
    assert_eq!(seen, (1..=25).rev().collect::<Vec<_>>());
}

/// A space with so many rows in its audit.
fn with_rows(rows: u64) -> Rc<Space> {
    let space = Space::new(published());
    for number in 1..rows {
        space.does(publish(&format!(r#"{{"n":{number}}}"#)).with(header::REASON, "why"));
    }
    space.check_chain();
    space
}

#[test]
fn whatever_is_done_to_a_row_is_found_with_its_place() {
    let last = "(SELECT MAX(id) FROM audit)";
    for (tampering, place) in [
        ("UPDATE audit SET actor = 'other' WHERE id = 3", 3),
        ("UPDATE audit SET reason = NULL WHERE id = 3", 3),
        ("UPDATE audit SET reason = '' WHERE id = 3", 3),
        ("UPDATE audit SET at_ms = at_ms + 1 WHERE id = 1", 1),
        ("UPDATE audit SET at_ms = 'then' WHERE id = 4", 4),
        ("UPDATE audit SET version_after = 9 WHERE id = 5", 5),
        ("UPDATE audit SET outcome = 'refused' WHERE id = 6", 6),
        ("UPDATE audit SET detail = 'x' WHERE id = 6", 6),
        ("UPDATE audit SET hash = NULL WHERE id = 6", 6),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("DELETE FROM audit WHERE id = 4", 5),
        ("DELETE FROM audit WHERE id >= 6", 6),
        ("DELETE FROM audit", 1),
        ("UPDATE audit SET id = 99 WHERE id = 4", 5),
        (
            "UPDATE audit SET id = -id WHERE id IN (4, 5); UPDATE audit SET id = 9 + id WHERE id < 0",
            4,
        ),
        (
            "INSERT INTO audit SELECT 0, at_ms, actor, action, reason, version_before, version_after, outcome, detail, hash FROM audit WHERE id = 2",
            0,
        ),
        (
            "INSERT INTO audit SELECT 7, at_ms, actor, action, reason, version_before, version_after, outcome, detail, hash FROM audit WHERE id = 6",
            7,
        ),
        (
            "UPDATE audit SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE id = 6",
            6,
        ),
        ("UPDATE audit_chain SET hash = ''", 6),
        ("UPDATE audit_chain SET last_id = 5", 6),
        ("DELETE FROM audit_chain", 1),
    ] {
        for restart in [false, true] {
            let space = with_rows(6);
            assert_eq!(space.machine.database.number(&format!("SELECT {last}")), 6);
            space.machine.database.run(tampering);
            if restart {
                space.kill();
            }
            let checked = space.does(get(Leaf::AuditCheck)).body;
            assert_eq!(checked["intact"], false, "{tampering}");
            assert_eq!(checked["broken_at"], place, "{tampering}: {checked}");
        }
    }
}

/// Who cuts off the end and goes on from there is seen as well.
#[test]
fn what_was_found_once_stays_found() {
    let space = with_rows(6);
    space.machine.database.run("DELETE FROM audit WHERE id = 6");
    space.does(publish(r#"{"n":99}"#));
    let checked = space.does(get(Leaf::AuditCheck)).body;
    assert_eq!(
        (&checked["intact"], &checked["broken_at"]),
        (&json!(false), &json!(7))
    );
}

#[test]
fn a_long_chain_is_walked_in_steps() {
    let space = with_rows(450);
    let checked = space.does(get(Leaf::AuditCheck)).body;
    assert_eq!(
        (&checked["rows"], &checked["broken_at"]),
        (&json!(450), &Value::Null)
    );
    let last = "SELECT hash FROM audit ORDER BY id DESC LIMIT 1";
    assert_eq!(checked["hash"], space.machine.database.value(last));
    space
        .machine
        .database
        .run("UPDATE audit SET actor = 'x' WHERE id = 401");
    assert_eq!(space.does(get(Leaf::AuditCheck)).body["broken_at"], 401);
}

#[test]
fn writes_without_the_right_to_them_are_written_down_but_not_without_end() {
    let space = Space::new(published());
    let denied = |ask: Ask, actor: &str, denial: &str| {
        let ask = ask.with(header::ACTOR, actor).with(header::DENIED, denial);
        let answer = space.ask(ask);
        assert_eq!((answer.status, answer.body), (204, Value::Null));
    };
    denied(publish(r#"{"a":1}"#), "reader", "forbidden");
    denied(delete(Leaf::Override), "anonymous", "unauthenticated");
    assert_eq!(
        space.last_audit(2),
        ["publish refused 1>1", "end_override refused 1>1"]
    );
    let details =
        "SELECT group_concat(actor || ' ' || detail) FROM audit WHERE outcome = 'refused'";
    let told = "reader forbidden,anonymous unauthenticated";
    assert_eq!(space.machine.database.value(details), told);
    let before = space.audit().len();
    for _ in 0..1_000 {
        denied(rollback(1), "reader", "forbidden");
    }
    let admitted = DENIALS_A_MINUTE as usize - 2;
    assert_eq!(space.audit().len(), before + admitted);
    assert_eq!(
        space.counter("denied_writes", ""),
        1_002,
        "counted all the same"
    );
    space.run_for(60_000);
    denied(rollback(1), "reader", "forbidden");
    assert_eq!(space.audit().len(), before + admitted + 1);
    // Nobody's right is used up by that.
    assert_eq!(space.does(publish(r#"{"a":1}"#)).version(), 2);
    space.check_chain();
}
