//! The object dies, is evicted, or is refused by its storage, at every place that it comes to.

use std::rc::Rc;

use bellwether_core::refresh::{Cause, Outcome};

use crate::support::{Place, Space, Strike, Traps, after, body, settings, soon, version};

/// More than a refresh ever comes to, of any kind.
const EVERY: u32 = 80;

fn settled() -> Rc<Space> {
    let space = Space::new(settings());
    space
        .machine
        .source
        .then(soon(body(r#"{"a":1,"b":2,"c":3}"#)));
    assert_eq!(version(&space.snapshot()), 2);
    space
        .machine
        .source
        .always(soon(body(r#"{"a":1,"b":2,"c":4}"#)));
    space
}

/// What must agree in the database, whatever happened: head, layer, audit, counters, outcomes.
fn check_whole(space: &Space) -> u64 {
    let database = &space.machine.database;
    let head = database.number("SELECT MAX(version) FROM versions");
    assert_eq!(database.number("SELECT COUNT(*) FROM versions"), head);
    assert_eq!(database.number("SELECT COUNT(*) FROM history"), head);
    let adopted = "SELECT COUNT(DISTINCT version_after) FROM audit WHERE outcome = 'adopted'";
    assert_eq!(database.number(adopted), head);
    assert_eq!(
        database.number("SELECT MAX(version_after) FROM audit"),
        head
    );
    assert_eq!(database.number("SELECT last_version FROM control"), head);
    let total = |name| {
        database.number(&format!(
            "SELECT COALESCE(SUM(value), 0) FROM counters WHERE name = '{name}_total'"
        ))
    };
    assert_eq!(total("adoptions"), head - 1);
    let outcomes = database.number("SELECT COUNT(*) FROM outcomes");
    assert_eq!(total("refreshes"), outcomes);
    let adopted = "SELECT COUNT(*) FROM outcomes WHERE record LIKE '%\"adopted\"%'";
    assert_eq!(database.number(adopted), head - 1);
    let layer = database.query("SELECT document FROM layers WHERE layer = 'source'");
    let document = database.value("SELECT document FROM versions ORDER BY version DESC LIMIT 1");
    match layer.first() {
        None => assert_eq!(head, 1),
        Some(layer) => assert!(
            document.ends_with(layer[0].trim_start_matches('{')),
            "{document}"
        ),
    }
    head
}

/// Memory says what the database says.
fn check_memory(space: &Rc<Space>) {
    let database = &space.machine.database;
    let status = space.status();
    let version = database.number("SELECT MAX(version) FROM versions");
    assert_eq!(status.head.version.get(), version);
    let text = database.value("SELECT document FROM versions ORDER BY version DESC LIMIT 1");
    assert_eq!(space.snapshot().head.text.as_ref(), text);
    let failures = database.number("SELECT consecutive_failures FROM schedule");
    assert_eq!(u64::from(status.source.consecutive_failures), failures);
}

fn kill_at(place: Place, nth: u32, start: impl Fn() -> Rc<Space>) -> bool {
    let space = start();
    let before = space
        .machine
        .database
        .query("SELECT name FROM sqlite_schema WHERE name = 'versions'");
    let before = if before.is_empty() {
        0
    } else {
        check_whole(&space)
    };
    let life = space.machine.life.get();
    space.machine.traps.set(place, nth, Strike::Crash);
    let reply = space.call_reload(Default::default());
    space.run_for(12_000);
    let died = space.machine.life.get() > life;
    let acknowledged = reply.take().flatten();
    assert_eq!(acknowledged.is_some(), !died, "{place:?} {nth}");
    space.machine.traps.clear();

    let answer = space.snapshot();
    assert!(version(&answer) >= before, "{place:?} {nth}");
    let now = space.machine.now();
    assert!(space.machine.alarm.get().unwrap() > now);
    assert!(
        space
            .machine
            .database
            .number("SELECT refresh_due_ms FROM schedule")
            > now.0
    );
    check_whole(&space);
    check_memory(&space);
    // Without any request, the space goes on.
    space.run_for(400_000);
    assert_eq!(
        version(&space.snapshot()),
        before.max(1) + 1,
        "{place:?} {nth}"
    );
    check_whole(&space);
    assert_eq!(
        space
            .machine
            .database
            .number("SELECT unsettled FROM schedule"),
        0
    );
    died
}

#[test]
fn a_refresh_survives_death_at_every_place() {
    for place in [
        Place::Statement,
        Place::Commit,
        Place::AfterCommit,
        Place::SetAlarm,
        Place::AfterSetAlarm,
        Place::Pull,
        Place::AfterPull,
    ] {
        let deaths = (1..EVERY)
            .take_while(|nth| kill_at(place, *nth, settled))
            .count();
        assert!(
            (1..EVERY as usize - 1).contains(&deaths),
            "{place:?}: {deaths}"
        );
    }
}

#[test]
fn a_first_use_survives_death_at_every_place() {
    let new = || {
        let space = Space::new(settings());
        space
            .machine
            .source
            .always(soon(body(r#"{"a":1,"b":2,"c":3}"#)));
        space
    };
    for place in [
        Place::Statement,
        Place::Commit,
        Place::AfterCommit,
        Place::GetAlarm,
        Place::SetAlarm,
        Place::AfterSetAlarm,
        Place::Pull,
        Place::AfterPull,
    ] {
        let deaths = (1..EVERY)
            .take_while(|nth| kill_at(place, *nth, new))
            .count();
        assert!(
            (1..EVERY as usize - 1).contains(&deaths),
            "{place:?}: {deaths}"
        );
    }
}

#[test]
fn a_death_in_the_alarms_handler_is_made_good_without_a_request() {
    for place in [
        Place::Statement,
        Place::SetAlarm,
        Place::AfterSetAlarm,
        Place::Pull,
        Place::Commit,
    ] {
        let space = settled();
        space.machine.traps.set(place, 1, Strike::Crash);
        space.run_for(400_000);
        assert!(!space.machine.traps.any_left());
        assert_eq!(version(&space.snapshot()), 3, "{place:?}");
        check_whole(&space);
    }
}

#[test]
fn a_refused_statement_leaves_all_or_nothing() {
    // The statements before the first commit of a reload: begin, and reading two layers.
    for nth in 1..EVERY {
        let space = settled();
        space.machine.traps.set(Place::Statement, nth, Strike::Once);
        let report = space.reload();
        let sprung = !space.machine.traps.any_left();
        space.machine.traps.clear();
        let head = check_whole(&space);
        if report.outcome == Outcome::Adopted {
            assert_eq!(head, 3, "statement {nth}");
        } else {
            assert_eq!(head, 2, "statement {nth}");
            assert_eq!(report.failure.unwrap().cause, Cause::Storage);
            assert_eq!(space.counter("source_errors", "storage"), 1);
            assert_eq!(
                space
                    .machine
                    .database
                    .number("SELECT consecutive_failures FROM schedule"),
                1
            );
        }
        check_memory(&space);
        space.run_for(10_000);
        assert_eq!(
            version(&space.snapshot()),
            3,
            "retried soon after statement {nth}"
        );
        check_whole(&space);
        if !sprung {
            assert!(nth > 5, "an adoption takes several statements");
            return;
        }
    }
    panic!("a reload takes more than {EVERY} statements");
}

#[test]
fn a_refused_commit_leaves_nothing() {
    let space = settled();
    space.machine.traps.set(Place::Commit, 1, Strike::Once);
    let report = space.reload();
    assert_eq!(report.failure.unwrap().cause, Cause::Storage);
    assert_eq!(report.version.get(), 2);
    assert_eq!(check_whole(&space), 2);
    check_memory(&space);
    let audit_and_outcomes = space
        .machine
        .database
        .number("SELECT COUNT(*) FROM outcomes");
    assert_eq!(audit_and_outcomes, 2, "the failure itself is recorded");
    assert_eq!(space.reload().version.get(), 3);
}

#[test]
fn storage_that_takes_nothing_neither_stops_the_schedule_nor_loses_counts() {
    let space = settled();
    space.machine.traps.set(Place::Commit, 1, Strike::Always);
    let report = space.reload();
    assert_eq!(report.failure.unwrap().cause, Cause::Storage);
    assert_eq!(version(&space.snapshot()), 2);
    assert_eq!(space.counter("refreshes", "failed"), 1);
    space.run_for(60_000);
    let failed = space.counter("refreshes", "failed");
    assert!((4..=6).contains(&failed), "backing off: {failed}");
    space.machine.traps.clear();
    space.run_for(60_000);
    assert_eq!(version(&space.snapshot()), 3);
    space.kill();
    assert!(
        space.counter("refreshes", "failed") >= failed,
        "committed with the first that worked"
    );
    assert_eq!(space.counter("adoptions", ""), 2);
}

#[test]
fn refreshes_that_kill_the_object_back_off() {
    let space = settled();
    for nth in 1..=8 {
        space
            .machine
            .traps
            .set(Place::AfterPull, nth, Strike::Crash);
    }
    space.run_for(1_800_000);
    let calls = space.machine.source.calls();
    let gaps: Vec<u64> = calls[1..]
        .windows(2)
        .map(|pair| pair[1].at.since(pair[0].at))
        .collect();
    // The alarm armed before the call: its deadline, and then the backoff.
    let doubled: Vec<u64> = (0..8).map(|n| 10_000 + (5_000 << n)).collect();
    assert_eq!(gaps, doubled);
    assert_eq!(version(&space.snapshot()), 3, "the ninth lived");
    assert_eq!(
        space
            .machine
            .database
            .number("SELECT unsettled FROM schedule"),
        0
    );
}

#[test]
fn an_eviction_between_events_changes_nothing() {
    let space = settled();
    space.reload();
    let before = space.machine.database.dump();
    let due = space.machine.alarm.get();
    for _ in 0..5 {
        space.kill();
        assert_eq!(version(&space.snapshot()), 3);
        assert_eq!(space.machine.alarm.get(), due);
    }
    assert_eq!(space.machine.database.dump(), before);
}

#[test]
fn no_acknowledged_version_is_lost_over_many_deaths() {
    let space = settled();
    let mut acknowledged = 2;
    for round in 0_u32..50 {
        space.machine.source.then(after(
            30,
            body(&format!(r#"{{"a":1,"b":2,"c":{}}}"#, round + 10)),
        ));
        let place = [
            Place::Statement,
            Place::Commit,
            Place::AfterCommit,
            Place::SetAlarm,
        ][round as usize % 4];
        space
            .machine
            .traps
            .set(place, 1 + round % 13, Strike::Crash);
        let reply = space.call_reload(Default::default());
        space.run_for(100);
        space.machine.traps.clear();
        space.kill();
        let head = version(&space.snapshot());
        if let Some(report) = reply.take().flatten() {
            acknowledged = report.version.get();
        }
        assert!(
            head >= acknowledged,
            "round {round}: {head} after {acknowledged}"
        );
        check_whole_but_counters(&space);
        acknowledged = head;
    }
    assert!(acknowledged > 20, "{acknowledged}");
}

fn check_whole_but_counters(space: &Space) {
    let database = &space.machine.database;
    let head = database.number("SELECT MAX(version) FROM versions");
    assert_eq!(database.number("SELECT COUNT(*) FROM audit"), head);
}

#[test]
fn traps_count_places() {
    let traps = Traps::default();
    traps.set(Place::Pull, 2, Strike::Once);
    let sprung = [Place::Pull, Place::Commit, Place::Pull, Place::Pull]
        .map(|place| traps.spring(place).is_err());
    assert_eq!(sprung, [false, false, true, false]);
}
