//! What is wrong in a request is told by its place, and changes nothing.

use std::rc::Rc;

use bellwether_core::document::MAX_DOCUMENT_BYTES;
use bellwether_core::names::header;
use bellwether_core::routes::Leaf;

use crate::support::{
    Ask, Space, delete, get, patch, post, publish, published, put, rollback, text,
};

/// A space with a few versions, an override and something pending.
fn lived_in() -> Rc<Space> {
    let space = Space::new(published());
    space.does(publish(r#"{"a":1,"b":{"c":[1]}}"#));
    space.does(put(
        Leaf::Override,
        r#"{"patch":{"x":1},"expires_in":"2h"}"#,
    ));
    space.does(publish(r#"{"a":2}"#).query("activate_in=1h"));
    space
}

fn deep(levels: usize) -> String {
    format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels))
}

fn large(bytes: usize) -> String {
    let frame = r#"{"a":""}"#.len();
    format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - frame))
}

#[test]
fn what_cannot_be_understood_changes_nothing() {
    let space = lived_in();
    let before = space.machine.database.dump();
    let long = "r".repeat(501);
    let pages: Vec<(Ask, u16, &str)> = vec![
        (publish(""), 400, "nothing there"),
        (publish("{"), 400, ""),
        (publish("[]"), 400, "expected an object"),
        (publish("null"), 400, "expected an object"),
        (publish("\u{feff}{}"), 400, "byte order mark"),
        (publish(r#"{"a":1,"a":2}"#), 400, "\"/a\""),
        (publish(r#"{"a":1e999}"#), 400, "\"/a\""),
        (publish(&deep(10_000)), 400, "deep"),
        (patch(&deep(10_000)), 400, "deep"),
        (publish(&large(MAX_DOCUMENT_BYTES + 1)), 413, "1048576"),
        (patch(&large(MAX_DOCUMENT_BYTES + 1)), 413, "1048576"),
        (
            publish("{}").query("activate_at=yesterday"),
            400,
            "RFC 3339",
        ),
        (
            publish("{}").query("activate_at=2020-01-01T00:00:00Z"),
            400,
            "has passed",
        ),
        (publish("{}").query("activate_in=0s"), 400, "activate_in"),
        (publish("{}").query("activate_in=400d"), 400, "activate_in"),
        (
            publish("{}").query("activate_in=1h&activate_at=2030-01-01T00:00:00Z"),
            400,
            "only one",
        ),
        (publish("{}").query("replaces=x"), 400, "whole number"),
        (publish("{}").query("replaces=-1"), 400, "whole number"),
        (
            publish("{}").with(header::REASON, "a%0Ab"),
            400,
            "control character",
        ),
        (
            publish("{}").with(header::REASON, &long),
            400,
            "at most 500",
        ),
        (publish("{}").key("a b"), 400, "Idempotency-Key"),
        (put(Leaf::Override, "{}"), 400, "\"/patch\""),
        (put(Leaf::Override, r#"{"patch":[]}"#), 400, "\"/patch\""),
        (
            put(Leaf::Override, r#"{"patch":{},"reasonn":"x"}"#),
            400,
            "did you mean \\\"reason\\\"",
        ),
        (
            put(
                Leaf::Override,
                r#"{"patch":{},"expires_at":"2020-01-01T00:00:00Z"}"#,
            ),
            400,
            "\"/expires_at\"",
        ),
        (
            put(
                Leaf::Override,
                r#"{"patch":{},"expires_in":"1h","activate_in":"2h"}"#,
            ),
            400,
            "\"/expires_in\"",
        ),
        (
            put(Leaf::Override, r#"{"patch":{},"expires_in":3600}"#),
            400,
            "\"/expires_in\"",
        ),
        (
            put(Leaf::Override, &format!(r#"{{"patch":{}}}"#, deep(10_000))),
            400,
            "deep",
        ),
        (
            put(
                Leaf::Override,
                &format!(r#"{{"patch":{}}}"#, large(MAX_DOCUMENT_BYTES + 1)),
            ),
            413,
            "1048576",
        ),
        (
            put(Leaf::Schedule, r#"{"refresh_interval":"1ms"}"#),
            400,
            "\"/refresh_interval\"",
        ),
        (
            put(Leaf::Schedule, r#"{"refresh_interval":"1000d"}"#),
            400,
            "\"/refresh_interval\"",
        ),
        (
            put(Leaf::Schedule, r#"{"refresh_interval":5}"#),
            400,
            "\"/refresh_interval\"",
        ),
        (
            put(Leaf::Schedule, r#"{"paused":"yes"}"#),
            400,
            "\"/paused\"",
        ),
        (
            put(Leaf::Schedule, r#"{"pausd":true}"#),
            400,
            "did you mean \\\"paused\\\"",
        ),
        (
            put(Leaf::Schedule, r#"{"__proto__":{"paused":true}}"#),
            400,
            "__proto__",
        ),
        (
            post(Leaf::Rollback(1), r#"{"activate_in":true}"#),
            400,
            "\"/activate_in\"",
        ),
        (post(Leaf::Rollback(1), r#"{"to":1}"#), 400, "\"/to\""),
        (rollback(0), 404, "never was"),
        (rollback(1 << 53), 404, "never was"),
        (get(Leaf::Explain).query("pointer=a"), 400, ""),
        (get(Leaf::Explain).query("pointer=/~2"), 400, ""),
        (get(Leaf::Explain).query("pointer=/nowhere"), 404, ""),
        (get(Leaf::Diff), 400, "from"),
        (get(Leaf::Diff).query("from=x"), 400, "whole number"),
        (get(Leaf::Diff).query("from=99"), 404, "version 99"),
        (get(Leaf::Diff).query("from=1&to=0"), 404, "never was"),
        (get(Leaf::Version(99)), 404, "version 99"),
        (get(Leaf::Version(u64::MAX)), 404, ""),
        (get(Leaf::Versions).query("limit=101"), 400, "limit"),
        (get(Leaf::Audit).query("before=0"), 400, "before"),
    ];
    for (ask, status, part) in pages {
        let answer = space.ask(ask);
        let told = answer.body.to_string();
        assert_eq!(answer.status, status, "{told}");
        assert!(told.contains(part), "{part}: {told}");
        assert!(!answer.slug().is_empty() && told.len() < 2_000, "{told}");
        assert_eq!(space.machine.database.dump(), before, "{told}");
    }
}

#[test]
fn what_is_understood_and_refused_leaves_one_row() {
    let space = lived_in();
    let others = || {
        let mut dump = space.machine.database.dump();
        dump.retain(|row| !row.starts_with("audit") && !row.starts_with("sqlite_sequence: audit"));
        dump
    };
    let before = others();
    for (ask, slug) in [
        (
            publish(r#"{"a":1}"#).if_match("\"stale\""),
            "precondition-failed",
        ),
        (
            publish(r#"{"a":1}"#).without(header::IF_MATCH),
            "precondition-required",
        ),
        (publish("{}"), "rejected"),
        (rollback(99), "unknown-version"),
        (
            publish(r#"{"a":1}"#).query("replaces=99"),
            "unknown-pending",
        ),
        (delete(Leaf::PendingChange(99)), "unknown-pending"),
        (delete(Leaf::Pin), "nothing-set"),
        (
            delete(Leaf::Override).without(header::IF_MATCH),
            "precondition-required",
        ),
    ] {
        let rows = space.audit().len();
        space.refuses(ask, slug);
        assert_eq!(others(), before, "{slug}");
        assert_eq!(space.audit().len(), rows + 1, "{slug}");
        let detail = "SELECT detail FROM audit ORDER BY id DESC LIMIT 1";
        assert_eq!(space.machine.database.value(detail), slug);
    }
    space.check_chain();
}

#[test]
fn keys_that_other_languages_trip_over_are_keys_like_others() {
    let space = Space::new(published());
    let odd = r#"{"__proto__":{"polluted":true},"constructor":{"prototype":{}},"toString":1,"":2,"a/b~":3}"#;
    space.does(publish(odd));
    assert!(text(&space.snapshot()).ends_with(&odd[1..]));
    space.does(put(
        Leaf::Override,
        r#"{"patch":{"__proto__":{"polluted":null,"x":1}}}"#,
    ));
    let explained = space.does(get(Leaf::Explain).query("pointer=/__proto__"));
    assert_eq!(explained.body["value"].to_string(), r#"{"x":1}"#);
    let explained = space.does(get(Leaf::Explain).query("pointer=/a~1b~0"));
    assert_eq!(explained.body["value"], 3);
    let diff = space.does(get(Leaf::Diff).query("from=2"));
    assert!(diff.body.to_string().contains("/__proto__/x"), "{diff:?}");
    space.kill();
    assert!(text(&space.snapshot()).contains(r#""__proto__":{"x":1}"#));
}
