//! What a deploy changes: settings and built-in layers.

use std::rc::Rc;

use bellwether_core::coordinator::{BuiltIn, SourceState};
use bellwether_core::document::MAX_DOCUMENT_BYTES;
use bellwether_core::refresh::{Cause, Fetched, Outcome};
use bellwether_core::settings::{SourceSettings, SpaceSettings};
use bellwether_core::store::Origin;

use crate::support::{
    EPOCH_MS, Place, Space, Strike, body, built_in, failed, object, settings, soon, tagged, text,
    url_settings, version,
};

const URL: &str = "https://origin.example/config.json";

fn with_url() -> Rc<Space> {
    let space = Space::new(url_settings(URL));
    space
        .machine
        .source
        .then(soon(tagged(r#"{"a":1}"#, "\"one\"")));
    assert_eq!(version(&space.snapshot()), 2);
    space
}

fn due_ms(space: &Space) -> u64 {
    space
        .machine
        .database
        .number("SELECT refresh_due_ms FROM schedule")
        - EPOCH_MS
}

#[test]
fn the_sources_validator_is_sent_and_kept_over_a_restart() {
    let space = with_url();
    space.machine.source.then(soon(Fetched::NotModified));
    assert_eq!(space.reload().outcome, Outcome::Unchanged);
    space.kill();
    space
        .machine
        .source
        .then(soon(tagged(r#"{"a":1}"#, "\"two\"")));
    assert_eq!(space.reload().outcome, Outcome::Unchanged);
    space
        .machine
        .source
        .then(soon(tagged(r#"{"a":2}"#, "\"three\"")));
    assert_eq!(space.reload().outcome, Outcome::Adopted);
    space.machine.source.then(soon(body(r#"{"a":3}"#)));
    assert_eq!(space.reload().outcome, Outcome::Adopted);
    space.machine.source.then(soon(body(r#"{"a":3}"#)));
    assert_eq!(space.reload().outcome, Outcome::Unchanged);
    let sent: Vec<_> = space
        .machine
        .source
        .calls()
        .into_iter()
        .map(|call| call.if_none_match)
        .collect();
    let some = |etag: &str| Some(etag.to_owned());
    assert_eq!(
        sent,
        [
            None,
            some("\"one\""),
            some("\"one\""),
            some("\"two\""),
            some("\"three\""),
            None
        ]
    );
}

#[test]
fn a_rejected_candidates_validator_is_not_kept() {
    let space = with_url();
    space.machine.source.then(soon(tagged("null", "\"bad\"")));
    assert_eq!(space.reload().outcome, Outcome::Rejected);
    space.reload();
    assert_eq!(
        space.machine.source.calls()[2].if_none_match.as_deref(),
        Some("\"one\"")
    );
}

#[test]
fn a_layer_that_shows_through_to_nothing_does_not_keep_the_old_validator() {
    let space = with_url();
    // `debug` is what the built-in layers say already.
    space
        .machine
        .source
        .then(soon(body(r#"{"a":1,"debug":true}"#)));
    assert_eq!(space.reload().outcome, Outcome::Unchanged);
    let layer = "SELECT document FROM layers WHERE layer = 'source'";
    assert_eq!(
        space.machine.database.value(layer),
        r#"{"a":1,"debug":true}"#
    );
    space.reload();
    let sent = space.machine.source.calls()[2].if_none_match.clone();
    assert_eq!(
        sent, None,
        "a 304 to the old validator would confirm what is no longer held"
    );
}

#[test]
fn another_source_is_asked_at_once_and_unconditionally() {
    let space = with_url();
    space.machine.source.then(soon(failed(Cause::Network)));
    space.reload();
    space.deploy(url_settings("https://elsewhere.example/"), built_in());
    space
        .machine
        .source
        .then(soon(tagged(r#"{"a":9}"#, "\"nine\"")));
    assert_eq!(version(&space.snapshot()), 2, "the head stays until then");
    assert_eq!(space.status().source.consecutive_failures, 0);
    space.run_for(100);
    assert_eq!(version(&space.snapshot()), 3);
    assert_eq!(space.machine.source.calls()[2].if_none_match, None);
}

#[test]
fn a_source_that_says_304_unasked_is_not_believed() {
    let space = with_url();
    space.deploy(url_settings("https://elsewhere.example/"), built_in());
    space.machine.source.then(soon(Fetched::NotModified));
    let report = space.reload();
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(report.failure.unwrap().cause, Cause::Protocol);
}

#[test]
fn a_shorter_interval_counts_at_once() {
    let space = with_url();
    assert_eq!(due_ms(&space), 20 + 300_000);
    let shorter = SpaceSettings {
        refresh_interval_ms: 10_000,
        ..url_settings(URL)
    };
    space.deploy(shorter, built_in());
    space.machine.source.always(soon(Fetched::NotModified));
    space.snapshot();
    assert!(due_ms(&space) <= 20 + 11_000, "{}", due_ms(&space));
    space.run_for(60_000);
    assert!(
        (6..=8).contains(&space.machine.source.count()),
        "{}",
        space.machine.source.count()
    );
}

#[test]
fn a_longer_interval_keeps_the_due_time() {
    let space = with_url();
    let longer = SpaceSettings {
        refresh_interval_ms: 3_600_000,
        ..url_settings(URL)
    };
    space.deploy(longer, built_in());
    space.snapshot();
    assert_eq!(due_ms(&space), 20 + 300_000);
}

#[test]
fn a_deploy_does_not_shorten_a_backoff() {
    let space = with_url();
    space.machine.source.always(soon(failed(Cause::Network)));
    space.run_for(2_000_000);
    let due = due_ms(&space);
    space.deploy(url_settings(URL), built_in());
    space.snapshot();
    assert_eq!(due_ms(&space), due);
}

#[test]
fn without_a_source_nothing_is_scheduled_and_with_one_again_at_once() {
    let space = with_url();
    let none = SpaceSettings {
        source: SourceSettings::None,
        ..settings()
    };
    space.deploy(none, built_in());
    assert_eq!(version(&space.snapshot()), 2, "the head stays");
    assert_eq!(space.wait(&space.call_reload(Default::default())), None);
    assert_eq!(space.status().source.state, SourceState::None);
    space.run_for(1_000_000);
    assert_eq!(
        space.machine.alarm.get(),
        None,
        "the alarm that stood went off once"
    );
    assert_eq!((space.alarms.get(), space.machine.source.count()), (1, 1));
    space.deploy(url_settings(URL), built_in());
    space
        .machine
        .source
        .then(soon(tagged(r#"{"a":1}"#, "\"one\"")));
    space.snapshot();
    space.run_for(100);
    assert_eq!(space.machine.source.count(), 2);
    assert_eq!(version(&space.snapshot()), 2, "the same document");
}

#[test]
fn other_built_in_layers_make_a_new_version_with_the_sources_document() {
    let space = with_url();
    let new = BuiltIn {
        defaults: object(r#"{"cache":{"ttl":90},"a":0}"#),
        vars: object("{}"),
        unreadable: false,
    };
    space.deploy(url_settings(URL), new.clone());
    let answer = space.snapshot();
    assert_eq!(version(&answer), 3);
    assert_eq!(text(&answer), r#"{"cache":{"ttl":90},"a":1}"#);
    assert_eq!(answer.head.origin, Origin::Source);
    assert_eq!(
        space.machine.source.count(),
        1,
        "nothing was fetched for it"
    );
    let audit =
        "SELECT actor, action, version_before, version_after FROM audit ORDER BY id DESC LIMIT 1";
    assert_eq!(
        space.machine.database.query(audit),
        [["deploy", "deploy", "2", "3"]]
    );
    space.kill();
    assert_eq!(version(&space.snapshot()), 3, "once");
    space.machine.source.then(soon(Fetched::NotModified));
    assert_eq!(space.reload().outcome, Outcome::Unchanged);
}

#[test]
fn a_built_in_layer_that_shows_through_to_nothing_makes_no_version() {
    let space = with_url();
    let hidden = BuiltIn {
        defaults: object(r#"{"debug":0,"cache":{"ttl":60}}"#),
        ..built_in()
    };
    space.deploy(url_settings(URL), hidden);
    assert_eq!(version(&space.snapshot()), 2);
    let hidden = BuiltIn {
        defaults: object(r#"{"debug":false,"cache":{"ttl":60},"a":0}"#),
        ..built_in()
    };
    space.deploy(url_settings(URL), hidden);
    let answer = space.snapshot();
    assert_eq!(answer.head.text.matches("\"a\":1").count(), 1);
}

#[test]
fn a_base_head_follows_a_deploy_too() {
    let space = Space::new(settings());
    space.machine.source.always(soon(failed(Cause::Network)));
    assert_eq!(version(&space.snapshot()), 1);
    let new = BuiltIn {
        defaults: object(r#"{"new":1}"#),
        vars: object("{}"),
        unreadable: false,
    };
    space.deploy(settings(), new);
    let answer = space.snapshot();
    assert_eq!((version(&answer), text(&answer)), (2, r#"{"new":1}"#));
    assert_eq!(answer.head.origin, Origin::Base);
    assert!(answer.terms.base);
}

#[test]
fn built_in_layers_that_do_not_fit_leave_the_head_until_they_do() {
    let space = with_url();
    let filler = "x".repeat(MAX_DOCUMENT_BYTES - 20);
    let huge = BuiltIn {
        defaults: object(&format!(r#"{{"big":"{filler}"}}"#)),
        vars: object(r#"{"c":123456789}"#),
        unreadable: false,
    };
    space.deploy(url_settings(URL), huge.clone());
    assert_eq!(version(&space.snapshot()), 2);
    space.kill();
    assert_eq!(version(&space.snapshot()), 2);
    // The source's document deletes what is too much: now all fits together.
    let fits = BuiltIn {
        vars: object("{}"),
        unreadable: false,
        ..huge
    };
    space.deploy(url_settings(URL), fits);
    assert_eq!(version(&space.snapshot()), 3);
}

#[test]
fn a_merge_that_did_not_fit_is_tried_again_at_the_next_start() {
    let space = with_url();
    // Fits alone, but not with the source's document; then the head was never made of it.
    let filler = "x".repeat(MAX_DOCUMENT_BYTES - 10);
    let large = BuiltIn {
        defaults: object(&format!(r#"{{"b":"{filler}"}}"#)),
        vars: object("{}"),
        unreadable: false,
    };
    space.deploy(url_settings(URL), large);
    assert_eq!(version(&space.snapshot()), 2);
    let stored = space
        .machine
        .database
        .number("SELECT LENGTH(document) FROM layers WHERE layer = 'base'");
    assert!(
        stored < 100,
        "the base layer is what the head was made of: {stored} bytes"
    );
}

#[test]
fn a_base_that_a_refresh_made_the_head_of_is_on_record() {
    let space = with_url();
    let filler = "x".repeat(MAX_DOCUMENT_BYTES - 10);
    let large = BuiltIn {
        defaults: object(&format!(r#"{{"b":"{filler}"}}"#)),
        vars: object("{}"),
        unreadable: false,
    };
    space.deploy(url_settings(URL), large);
    let takes_it_away = tagged(r#"{"a":2,"b":null}"#, "\"two\"");
    space.machine.source.then(soon(takes_it_away));
    assert_eq!(space.reload().version.get(), 3);
    // Back to the layers before: had they stayed on record, nothing would seem to have changed.
    space.deploy(url_settings(URL), built_in());
    let answer = space.snapshot();
    assert_eq!(version(&answer), 4);
    assert!(text(&answer).contains("\"debug\""), "{}", text(&answer));
}

#[test]
fn a_stored_source_that_no_longer_parses_is_not_dropped_from_the_head() {
    let space = with_url();
    let database = &space.machine.database;
    database.run(r#"UPDATE layers SET document = '{"a":1,"a":1}' WHERE layer = 'source'"#);
    let new = BuiltIn {
        defaults: object(r#"{"new":1}"#),
        vars: object("{}"),
        unreadable: false,
    };
    space.deploy(url_settings(URL), new);
    let answer = space.snapshot();
    assert!(text(&answer).contains("\"a\":1"), "{}", text(&answer));
}

#[test]
fn the_last_version_stays_for_ever() {
    let space = with_url();
    let last = (1_u64 << 53) - 1;
    space.kill();
    space.machine.database.run(&format!(
        "UPDATE versions SET version = {last} WHERE version = 2"
    ));
    space.machine.source.then(soon(body(r#"{"a":2}"#)));
    let report = space.reload();
    assert_eq!(
        (report.outcome, report.version.get()),
        (Outcome::Failed, last)
    );
    space.deploy(url_settings(URL), BuiltIn::default());
    assert_eq!(version(&space.snapshot()), last);
}

#[test]
fn a_start_that_storage_refuses_is_an_error_and_the_next_start_is_whole() {
    for place in [Place::Statement, Place::Commit] {
        for nth in 1.. {
            let space = with_url();
            let new = BuiltIn {
                defaults: object(r#"{"new":1}"#),
                vars: object("{}"),
                unreadable: false,
            };
            space.deploy(url_settings(URL), new);
            space.machine.traps.set(place, nth, Strike::Once);
            let refused = space.open().is_err();
            space.machine.traps.clear();
            let database = &space.machine.database;
            let version_rows = database.number("SELECT COUNT(*) FROM versions");
            assert_eq!(database.number("SELECT COUNT(*) FROM audit"), version_rows);
            let answer = space.snapshot();
            assert_eq!((version(&answer), text(&answer)), (3, r#"{"new":1,"a":1}"#));
            assert_eq!(
                database.number("SELECT COUNT(*) FROM audit"),
                3,
                "adopted once"
            );
            if !refused {
                break;
            }
        }
    }
}

#[test]
fn a_vars_layer_that_cannot_be_read_takes_nothing_away() {
    let space = with_url();
    let before = space.snapshot();
    space.deploy(
        url_settings(URL),
        BuiltIn {
            unreadable: true,
            ..BuiltIn::default()
        },
    );
    let after = space.snapshot();
    assert_eq!(after.head.version, before.head.version);
    assert_eq!(after.head.text, before.head.text);
}
