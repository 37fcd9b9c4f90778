//! Reloads that an operator forces.

use bellwether_core::coordinator::Reload;
use bellwether_core::guard::Waivers;
use bellwether_core::refresh::Outcome;
use bellwether_core::settings::{SourceSettings, SpaceSettings};

use crate::support::{Space, after, body, settings, soon, version};

const KEY_LOSS: Waivers = Waivers {
    empty_document: false,
    key_loss: true,
};

fn settled() -> std::rc::Rc<Space> {
    let space = Space::new(settings());
    space
        .machine
        .source
        .then(soon(body(r#"{"a":1,"b":2,"c":3}"#)));
    assert_eq!(version(&space.snapshot()), 2);
    space
}

#[test]
fn a_reload_adopts_and_is_audited_under_its_name() {
    let space = settled();
    space
        .machine
        .source
        .then(after(70, body(r#"{"a":1,"b":2,"c":4}"#)));
    let report = space.reload();
    assert_eq!(report.outcome, Outcome::Adopted);
    assert_eq!(
        (report.version.get(), report.previous_version.get()),
        (3, 2)
    );
    assert_eq!(report.duration_ms, 70);
    assert!(!report.joined);
    let audit = space.machine.database.query(
        "SELECT actor, reason, version_before, version_after FROM audit ORDER BY id DESC LIMIT 1",
    );
    assert_eq!(audit, [["operator", "because", "2", "3"]]);
}

#[test]
fn fifty_reloads_make_one_call_and_share_its_outcome() {
    let space = settled();
    space
        .machine
        .source
        .then(after(500, body(r#"{"a":1,"b":2,"c":4}"#)));
    let replies: Vec<_> = (0..50)
        .map(|_| {
            space.run_for(5);
            space.call_reload(Waivers::default())
        })
        .collect();
    let reports: Vec<_> = replies
        .iter()
        .map(|reply| space.wait(reply).unwrap())
        .collect();
    assert_eq!(
        space.machine.source.count(),
        2,
        "the bootstrap and one more"
    );
    assert_eq!(space.machine.source.most_in_flight(), 1);
    for (index, report) in reports.iter().enumerate() {
        assert_eq!(report.outcome, Outcome::Adopted);
        assert_eq!(
            (report.version.get(), report.previous_version.get()),
            (3, 2)
        );
        assert_eq!(report.joined, index > 0);
    }
    assert_eq!(space.counter("refreshes", "adopted"), 2);
    // The first use, and a row for each operator who asked.
    assert_eq!(
        space.machine.database.number("SELECT COUNT(*) FROM audit"),
        52
    );
}

#[test]
fn a_reload_after_the_outcome_asks_again() {
    let space = settled();
    space
        .machine
        .source
        .always(soon(body(r#"{"a":1,"b":2,"c":3}"#)));
    for calls in 2..6 {
        assert_eq!(space.reload().outcome, Outcome::Unchanged);
        assert_eq!(space.machine.source.count(), calls);
    }
}

#[test]
fn a_reload_joins_the_alarms_refresh_and_the_alarm_joins_a_reload() {
    let space = settled();
    space
        .machine
        .source
        .always(after(1_000, body(r#"{"a":1,"b":2,"c":3}"#)));
    space.run_for(300_500);
    assert_eq!(
        space.machine.source.count(),
        2,
        "the alarm's call is under way"
    );
    let joined = space.reload();
    assert!(joined.joined);
    assert_eq!(space.machine.source.count(), 2);

    let reply = space.call_reload(Waivers::default());
    space.run_for(500);
    space.ring();
    space.wait(&reply);
    space.run_for(2_000);
    assert_eq!(space.machine.source.count(), 3);
    assert_eq!(space.machine.source.most_in_flight(), 1);
}

#[test]
fn a_waiver_lets_one_candidate_pass() {
    let space = settled();
    space.machine.source.always(soon(body(r#"{"a":1}"#)));
    assert_eq!(space.reload().outcome, Outcome::Rejected);
    let report = space.wait(&space.call_reload(KEY_LOSS)).unwrap();
    assert_eq!(report.outcome, Outcome::Adopted);
    space.machine.source.always(soon(body("{}")));
    assert_eq!(
        space.reload().outcome,
        Outcome::Rejected,
        "the waiver held once"
    );
}

#[test]
fn a_joiners_waiver_counts_when_it_comes_before_the_answer() {
    let space = settled();
    space.machine.source.then(after(500, body(r#"{"a":1}"#)));
    let first = space.call_reload(Waivers::default());
    space.run_for(100);
    let second = space.call_reload(KEY_LOSS);
    for (reply, joined) in [(&first, false), (&second, true)] {
        let report = space.wait(reply).unwrap();
        assert_eq!((report.outcome, report.joined), (Outcome::Adopted, joined));
    }
}

#[test]
fn who_waived_a_guard_stands_in_the_audit_though_the_alarm_began() {
    let space = settled();
    space.machine.source.then(after(500, body(r#"{"a":1}"#)));
    space.run_for(300_100);
    let report = space.wait(&space.call_reload(KEY_LOSS)).unwrap();
    assert!(report.joined);
    assert_eq!(report.outcome, Outcome::Adopted);
    let audit = space
        .machine
        .database
        .query("SELECT actor, reason FROM audit ORDER BY id DESC LIMIT 1");
    assert_eq!(audit, [["operator", "because"]]);
}

#[test]
fn of_two_operators_the_one_who_waived_is_named() {
    for (first, second, named) in [
        (Waivers::default(), KEY_LOSS, "second"),
        (KEY_LOSS, Waivers::default(), "first"),
        (KEY_LOSS, KEY_LOSS, "first"),
    ] {
        let space = settled();
        space.machine.source.then(after(500, body(r#"{"a":1}"#)));
        let reload = |actor: &'static str, waivers| {
            let reload = Reload {
                actor: actor.to_owned(),
                reason: None,
                waivers,
            };
            space.call(|object| async move { object.reload(reload).await })
        };
        let replies = [reload("first", first), reload("second", second)];
        for reply in &replies {
            assert_eq!(space.wait(reply).unwrap().outcome, Outcome::Adopted);
        }
        let actor = "SELECT actor FROM history ORDER BY version DESC LIMIT 1";
        assert_eq!(space.machine.database.value(actor), named);
        let asked = "SELECT GROUP_CONCAT(actor) FROM audit WHERE action = 'reload'";
        assert_eq!(space.machine.database.value(asked), "first,second");
    }
}

#[test]
fn a_waiter_that_gives_up_does_not_stop_the_refresh() {
    let space = settled();
    space
        .machine
        .source
        .then(after(500, body(r#"{"a":1,"b":2,"c":4}"#)));
    let patient = space.call_reload(Waivers::default());
    space.run_for(10);
    let hasty = space.call(|object| async move {
        let reload = object.reload(Reload {
            actor: "hasty".to_owned(),
            reason: None,
            waivers: Waivers::default(),
        });
        // Polled once, then dropped, as a request that was cancelled.
        let mut reload = std::pin::pin!(reload);
        std::future::poll_fn(|context| {
            assert!(reload.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
    });
    space.wait(&hasty);
    assert_eq!(space.wait(&patient).unwrap().outcome, Outcome::Adopted);
}

#[test]
fn a_cancelled_initiator_does_not_stop_the_refresh() {
    let space = settled();
    space
        .machine
        .source
        .then(after(500, body(r#"{"a":1,"b":2,"c":4}"#)));
    let object = space.open().unwrap();
    let reload = Reload {
        actor: "hasty".to_owned(),
        reason: None,
        waivers: Waivers::default(),
    };
    let mut future = Box::pin(async move { object.reload(reload).await });
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    drop(future);
    space.run_for(1_000);
    assert_eq!(version(&space.snapshot()), 3);
}

#[test]
fn a_space_without_a_source_cannot_be_reloaded() {
    let space = Space::new(SpaceSettings {
        source: SourceSettings::None,
        ..settings()
    });
    let snapshot = space.snapshot();
    assert_eq!(version(&snapshot), 1);
    assert_eq!(
        snapshot.terms.ttl_ms,
        settings().ttl_ms,
        "no document is expected"
    );
    assert_eq!(space.wait(&space.call_reload(Waivers::default())), None);
    assert_eq!(space.machine.alarm.get(), None);
    assert_eq!(space.machine.source.count(), 0);
}
