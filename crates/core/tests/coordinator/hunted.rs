//! What the simulator found in the flows of operators' writes, each on its own.

use std::rc::Rc;

use bellwether_core::api::{ApiRequest, respond};
use bellwether_core::coordinator::{Action, Change, Idempotency, Write, WriteAnswer};
use bellwether_core::document::Document;
use bellwether_core::guard::Waivers;
use bellwether_core::problem::{Problem, ProblemKind};
use bellwether_core::refresh::Outcome;
use bellwether_core::routes::Leaf;
use bellwether_core::settings::{SourceSettings, SpaceSettings};
use bellwether_core::store::KEEP_ANSWERS;
use bellwether_core::version::UnixMillis;

use crate::support::{Place, Space, Strike, body, settings, soon, version};

fn published() -> Rc<Space> {
    let space = Space::new(SpaceSettings {
        source: SourceSettings::None,
        ..settings()
    });
    space.snapshot();
    space
}

fn write(space: &Rc<Space>, action: Action) -> Write {
    let number = space.machine.executor.polls();
    Write {
        action,
        actor: "operator".to_owned(),
        reason: None,
        if_match: Some("*".to_owned()),
        idempotency: Some(Idempotency {
            key: format!("key-{number}"),
            fingerprint: format!("write-{number}"),
        }),
        dry_run: false,
    }
}

fn send(space: &Rc<Space>, write: &Write) -> Result<WriteAnswer, Problem> {
    let write = write.clone();
    space.wait(&space.call(|object| async move { object.write(write).await }))
}

fn publish(text: &str, activate_at: Option<UnixMillis>) -> Action {
    Action::Change {
        change: Change::Publish(Document::parse(text.as_bytes()).unwrap()),
        activate_at,
        waivers: Waivers::default(),
        replaces: None,
    }
}

fn in_seconds(space: &Rc<Space>, seconds: u64) -> Option<UnixMillis> {
    Some(space.machine.now().plus(seconds * 1_000))
}

/// The version that is announced.
fn announced(space: &Rc<Space>) -> Option<u64> {
    let pending = space.snapshot().pending;
    pending.map(|pending| pending.version.get())
}

fn rows(space: &Rc<Space>, table: &str) -> u64 {
    let count = format!("SELECT COUNT(*) FROM {table}");
    space.machine.database.number(&count)
}

#[test]
fn a_dry_run_of_what_changes_no_document_is_refused_and_writes_nothing() {
    let space = Space::new(settings());
    space.machine.source.then(soon(body(r#"{"a":1}"#)));
    space.snapshot();
    let audited = rows(&space, "audit");
    let pause = Action::Schedule {
        paused: Some(true),
        refresh_interval_ms: None,
    };
    for action in [pause, Action::Unpin, Action::Cancel { pending: 1 }] {
        let tried = Write {
            dry_run: true,
            if_match: None,
            ..write(&space, action)
        };
        let problem = send(&space, &tried).unwrap_err();
        assert_eq!(problem.kind, ProblemKind::BadRequest, "{tried:?}");
    }
    assert!(!space.status().schedule.paused);
    assert_eq!(rows(&space, "audit"), audited);
}

#[test]
fn storage_that_refuses_at_any_place_makes_no_key_act_twice() {
    for place in [Place::Statement, Place::Commit] {
        for nth in 1..40 {
            let space = published();
            send(&space, &write(&space, publish(r#"{"a":1}"#, None))).unwrap();
            let later = publish(r#"{"a":2}"#, in_seconds(&space, 600));
            let write = write(&space, later);
            space.machine.traps.set(place, nth, Strike::Once);
            let first = send(&space, &write);
            space.machine.traps.clear();
            let again = send(&space, &write).unwrap();
            assert_eq!(rows(&space, "pending"), 1, "{place:?} {nth}");
            if let Ok(first) = first {
                assert_eq!(first.body, again.body, "{place:?} {nth}");
            }
        }
    }
}

#[test]
fn a_replayed_answer_is_the_first_one_where_a_withdrawn_number_moved_the_head() {
    let space = published();
    send(&space, &write(&space, publish(r#"{"a":1}"#, None))).unwrap();
    let later = publish(r#"{"a":2}"#, in_seconds(&space, 600));
    send(&space, &write(&space, later)).unwrap();
    assert_eq!(announced(&space), Some(3));
    // Now what waits would change nothing.
    let write = write(&space, publish(r#"{"a":2}"#, None));
    let first = send(&space, &write).unwrap();
    let again = send(&space, &write).unwrap();
    assert!(again.replayed);
    assert_eq!(first.body, again.body);
}

#[test]
fn a_number_that_is_cancelled_is_passed_by_the_head_though_another_change_waits() {
    let space = published();
    send(&space, &write(&space, publish(r#"{"a":1}"#, None))).unwrap();
    let later = publish(r#"{"a":2}"#, in_seconds(&space, 86_400));
    send(&space, &write(&space, later)).unwrap();
    let sooner = publish(r#"{"a":3}"#, in_seconds(&space, 600));
    let scheduled = send(&space, &write(&space, sooner)).unwrap();
    let told = announced(&space).unwrap();
    let pending = scheduled.body["pending"]["id"].as_u64().unwrap();
    send(&space, &write(&space, Action::Cancel { pending })).unwrap();
    let head = version(&space.snapshot());
    assert!(head > told, "the head is {head}, {told} was announced");
    assert!(announced(&space).unwrap() > head);
}

#[test]
fn a_layer_that_shows_through_to_nothing_prepares_anew_what_waits() {
    let space = Space::new(SpaceSettings {
        publish: true,
        ..settings()
    });
    space.machine.source.then(soon(body(r#"{"a":1,"b":1}"#)));
    space.snapshot();
    let override_ = |text: &str, activate_at| Action::Change {
        change: Change::Override {
            patch: Document::parse(text.as_bytes()).unwrap(),
            expires_at: None,
        },
        activate_at,
        waivers: Waivers::default(),
        replaces: None,
    };
    send(&space, &write(&space, override_(r#"{"a":5}"#, None))).unwrap();
    let later = override_(r#"{"b":7}"#, in_seconds(&space, 600));
    send(&space, &write(&space, later)).unwrap();
    // The override hides what is new.
    space.machine.source.then(soon(body(r#"{"a":2,"b":1}"#)));
    assert_eq!(space.reload().outcome, Outcome::Unchanged);
    let told = space.snapshot().pending.unwrap().version;
    let ahead =
        space.wait(&space.call(move |object| async move { object.pending_snapshot(told).await }));
    let text = ahead.unwrap().head.text;
    assert!(text.ends_with(r#""a":2,"b":7}"#), "{text}");
}

#[test]
fn a_clock_that_is_set_back_lets_no_new_answer_go() {
    let space = published();
    for _ in 0..KEEP_ANSWERS {
        let nothing = write(&space, Action::Cancel { pending: 9 });
        send(&space, &nothing).unwrap_err();
    }
    assert_eq!(rows(&space, "idempotency"), KEEP_ANSWERS);
    space.machine.jump_clock(-3_600_000);
    let write = write(&space, publish(r#"{"a":1}"#, None));
    let first = send(&space, &write).unwrap();
    let again = send(&space, &write).unwrap();
    assert!(again.replayed);
    assert_eq!(first.body, again.body);
    assert_eq!(rows(&space, "idempotency"), KEEP_ANSWERS);
}

#[test]
fn a_refused_request_leaves_an_alarm_in_the_object_that_it_opened() {
    let space = Space::new(settings());
    let refused = space.wait(&space.call(|object| async move {
        let request = ApiRequest {
            leaf: Leaf::Document,
            method: "PUT",
            query: "",
            field: &|_| None,
            body: "no document",
        };
        respond(&object, &request).await.is_err()
    }));
    assert!(refused);
    assert!(space.machine.alarm.get().is_some());
}
