//! A source that fails, is gone, or answers nonsense.

use bellwether_core::coordinator::SourceState;
use bellwether_core::document::MAX_SOURCE_BYTES;
use bellwether_core::refresh::{Cause, Fetched, Outcome};
use bellwether_core::settings::{SourceSettings, SpaceSettings};

use crate::support::{Space, after, body, failed, hang, settings, soon, text, version};

const INTERVAL_MS: u64 = 300_000;

/// A space that holds a document of the source as version 2.
fn settled() -> std::rc::Rc<Space> {
    let space = Space::new(settings());
    space
        .machine
        .source
        .then(soon(body(r#"{"a":1,"b":2,"c":3}"#)));
    assert_eq!(version(&space.snapshot()), 2);
    space
}

/// Milliseconds from now to the next refresh.
fn until_refresh_ms(space: &Space) -> u64 {
    let due = space
        .machine
        .database
        .number("SELECT refresh_due_ms FROM schedule");
    due - space.machine.now().0
}

#[test]
fn every_kind_of_failure_keeps_the_head_and_backs_off() {
    for cause in [
        Cause::Timeout,
        Cause::Network,
        Cause::Status,
        Cause::Redirect,
        Cause::Binding,
        Cause::Secret,
        Cause::Settings,
        Cause::Protocol,
        Cause::Storage,
    ] {
        let space = settled();
        space.machine.source.then(soon(failed(cause)));
        let report = space.reload();
        assert_eq!(report.outcome, Outcome::Failed);
        assert_eq!(report.failure.unwrap().cause, cause);
        assert_eq!(
            (report.version, report.previous_version),
            (report.previous_version, report.version)
        );
        assert_eq!(version(&space.snapshot()), 2);
        assert_eq!(until_refresh_ms(&space), 5_000);
        assert_eq!(space.counter("source_errors", cause.as_str()), 1);
        let source = space.status().source;
        assert_eq!(
            (source.state, source.consecutive_failures),
            (SourceState::Failing, 1)
        );
        assert!(source.last_success_at_ms.is_some());
    }
}

#[test]
fn a_failing_source_is_asked_ever_more_slowly_and_a_mended_one_at_its_pace() {
    let space = settled();
    space.machine.source.always(soon(failed(Cause::Network)));
    let mut delays = vec![];
    space.reload();
    for _ in 0..12 {
        delays.push(until_refresh_ms(&space));
        let calls = space.machine.source.count();
        space.run_for(delays[delays.len() - 1] + 20);
        assert_eq!(space.machine.source.count(), calls + 1, "after {delays:?}");
    }
    let doubled: Vec<u64> = (0..9).map(|n| 5_000 << n).chain([1_800_000; 3]).collect();
    assert_eq!(delays, doubled);
    assert_eq!(space.status().source.consecutive_failures, 13);
    space
        .machine
        .source
        .always(soon(body(r#"{"a":1,"b":2,"c":3}"#)));
    assert_eq!(space.reload().outcome, Outcome::Unchanged);
    assert_eq!(until_refresh_ms(&space), INTERVAL_MS);
    assert_eq!(space.status().source.consecutive_failures, 0);
    assert_eq!(space.status().source.state, SourceState::Ok);
    space.machine.source.always(soon(failed(Cause::Network)));
    space.reload();
    assert_eq!(until_refresh_ms(&space), 5_000, "the backoff began anew");
}

#[test]
fn a_hanging_source_is_given_up_at_the_deadline() {
    let space = settled();
    space.machine.source.then(hang());
    let began_ms = space.machine.executor.elapsed_ms();
    let report = space.reload();
    assert_eq!(
        space.machine.executor.elapsed_ms() - began_ms,
        settings().source_timeout_ms
    );
    assert_eq!(report.failure.unwrap().cause, Cause::Timeout);
    assert_eq!(report.duration_ms, settings().source_timeout_ms);
    space.machine.source.then(soon(body(r#"{"a":2}"#)));
    assert_eq!(space.machine.source.most_in_flight(), 1);
}

#[test]
fn the_deadline_is_met_at_its_very_bound() {
    for (late_ms, outcome) in [(-1, Outcome::Unchanged), (1, Outcome::Failed)] {
        let space = settled();
        let delay_ms = settings()
            .source_timeout_ms
            .checked_add_signed(late_ms)
            .unwrap();
        space
            .machine
            .source
            .then(after(delay_ms, body(r#"{"a":1,"b":2,"c":3}"#)));
        assert_eq!(
            space.reload().outcome,
            outcome,
            "{late_ms} ms from the deadline"
        );
    }
}

#[test]
fn nonsense_keeps_the_head_and_the_pace() {
    let huge = " ".repeat(MAX_SOURCE_BYTES + 1);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for (json, code) in [
        ("", "empty"),
        ("  \n", "empty"),
        ("null", "not_an_object"),
        ("[1]", "not_an_object"),
        ("{\"a\":1", "syntax"),
        ("{\"a\":1,\"a\":2}", "duplicate_key"),
        ("\u{feff}{}", "byte_order_mark"),
        ("{\"a\":1e999}", "number_out_of_range"),
        (&deep, "too_deep"),
        (&huge, "too_large"),
        ("{}", "empty_document"),
        ("{\"a\":1}", "key_loss"),
    ] {
        let space = settled();
        space.machine.source.then(soon(body(json)));
        let report = space.reload();
        assert_eq!(report.outcome, Outcome::Rejected, "{code}");
        assert!(
            report
                .reasons
                .iter()
                .any(|reason| reason.code.as_str() == code),
            "{report:?}"
        );
        assert_eq!(report.failure, None);
        assert_eq!(version(&space.snapshot()), 2);
        assert_eq!(until_refresh_ms(&space), INTERVAL_MS);
        assert_eq!(space.counter("rejections", code), 1);
        assert_eq!(space.counter("refreshes", "rejected"), 1);
        let source = space.status().source;
        assert_eq!(source.state, SourceState::Rejected);
        assert_eq!(source.consecutive_failures, 0);
        assert_eq!(source.last_error, source.last_attempt);
    }
}

#[test]
fn a_body_over_the_cap_and_bytes_that_are_no_text_are_rejected() {
    for fetched in [
        Fetched::Oversized {
            at_least: 2_097_152,
        },
        Fetched::Body {
            bytes: vec![b'{', 0xff, b'}'],
            etag: None,
        },
    ] {
        let space = settled();
        space.machine.source.then(soon(fetched));
        assert_eq!(space.reload().outcome, Outcome::Rejected);
        assert_eq!(version(&space.snapshot()), 2);
    }
}

#[test]
fn a_missing_document_keeps_the_head_and_the_pace() {
    for fetched in [Fetched::Missing, Fetched::Parts(vec![])] {
        let space = settled();
        space.machine.source.then(soon(failed(Cause::Network)));
        space.reload();
        space.machine.source.then(soon(fetched));
        assert_eq!(space.reload().outcome, Outcome::Missing);
        assert_eq!(version(&space.snapshot()), 2);
        assert_eq!(until_refresh_ms(&space), INTERVAL_MS);
        let source = space.status().source;
        assert_eq!(
            (source.state, source.consecutive_failures),
            (SourceState::Missing, 0)
        );
    }
}

#[test]
fn a_mended_source_is_seen_without_any_request() {
    let space = settled();
    space.machine.source.then(soon(failed(Cause::Status)));
    space.machine.source.then(soon(Fetched::Missing));
    space.machine.source.then(soon(body("null")));
    space.machine.source.then(soon(body(r#"{"a":1,"b":5}"#)));
    space.run_for(3 * INTERVAL_MS + 10_000);
    assert_eq!(space.machine.source.count(), 5);
    assert_eq!(
        text(&space.snapshot()),
        r#"{"debug":true,"cache":{"ttl":60},"a":1,"b":5}"#
    );
}

#[test]
fn settings_that_name_no_usable_source_ask_none() {
    let space = Space::new(SpaceSettings {
        source: SourceSettings::Unusable {
            reason: "a mistake at /source".to_owned(),
        },
        ..settings()
    });
    assert_eq!(version(&space.snapshot()), 1);
    let report = space.reload();
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(report.failure.unwrap().cause, Cause::Settings);
    assert_eq!(space.machine.source.count(), 0);
    assert_eq!(space.counter("source_calls", ""), 0);
    assert_eq!(space.status().source.state, SourceState::Unusable);
}
