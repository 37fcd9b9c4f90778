//! The log: one JSON object a line, and never what a document holds.

use std::collections::BTreeSet;

use bellwether_core::refresh::{Cause, Fetched, Part};
use serde_json::Value;

use crate::support::{Place, Space, Strike, body, failed, hang, soon, tagged, url_settings};

const SECRET: &str = "hunter2-in-a-value";

#[test]
fn no_line_holds_a_value_of_a_document() {
    let space = Space::new(url_settings(
        "https://user.example/?token=hunter2-in-a-value",
    ));
    let source = &space.machine.source;
    let long = format!(r#"{{"a":"{SECRET}","b":"{SECRET}","c":1}}"#);
    for answer in [
        tagged(&long, "\"one\""),
        Fetched::NotModified,
        body(&format!(r#"{{"a":"{SECRET}""#)),
        body(&format!(r#"{{"a":"{SECRET}","a":"{SECRET}"}}"#)),
        body(&format!(r#"["{SECRET}"]"#)),
        body(&format!(r#""{SECRET}""#)),
        body(&format!(r#"{{"c":"{SECRET}"}}"#)),
        body(SECRET),
        Fetched::Oversized {
            at_least: 3_000_000,
        },
        Fetched::Missing,
        Fetched::Parts(vec![
            Part {
                path: vec!["a".to_owned()],
                bytes: format!(r#"{{"a":"{SECRET}"}}"#).into_bytes(),
            },
            Part {
                path: vec![],
                bytes: format!(r#"{{"a":"{SECRET}"}}"#).into_bytes(),
            },
        ]),
        failed(Cause::Status),
    ] {
        source.then(soon(answer));
    }
    source.always(hang());
    space.snapshot();
    for _ in 0..12 {
        space.reload();
    }
    space.machine.traps.set(Place::Commit, 1, Strike::Once);
    source.always(soon(body(&format!(
        r#"{{"a":"{SECRET}","b":"{SECRET}2","c":1}}"#
    ))));
    space.reload();
    space.reload();
    let log = space.machine.log.borrow().clone();
    let outcomes: BTreeSet<String> = log
        .iter()
        .filter_map(|line| field(line, "outcome"))
        .collect();
    let all = ["adopted", "failed", "missing", "rejected", "unchanged"];
    assert!(outcomes.iter().eq(all.iter()), "{outcomes:?}");
    let status = space.status().into_json().to_string();
    let reasons = space
        .machine
        .database
        .query("SELECT record FROM outcomes")
        .concat();
    for line in log.iter().chain([&status]).chain(&reasons) {
        assert!(!line.contains(SECRET), "{line}");
    }
    for line in &log {
        assert!(!line.contains('\n'));
        for name in ["level", "event", "space"] {
            assert!(field(line, name).is_some(), "{name} in {line}");
        }
    }
}

#[test]
fn a_refresh_is_one_line_with_its_outcome_duration_and_cause() {
    let space = Space::new(url_settings("https://origin.example/"));
    space.machine.source.then(soon(failed(Cause::Redirect)));
    space.snapshot();
    let log = space.machine.log.borrow();
    assert_eq!(log.len(), 1, "{log:?}");
    let line: Value = serde_json::from_str(&log[0]).unwrap();
    assert_eq!(
        line,
        serde_json::json!({
            "level": "warn", "event": "refresh", "space": "default", "version": 1,
            "trigger": "bootstrap", "actor": "bootstrap", "outcome": "failed", "duration_ms": 20,
            "cause": "redirect", "detail": "as scripted",
        })
    );
}

fn field(line: &str, name: &str) -> Option<String> {
    let value: Value = serde_json::from_str(line).unwrap();
    Some(value.get(name)?.as_str()?.to_owned())
}
