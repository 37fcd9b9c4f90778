//! Alarms that come early, late, twice or never, and a clock that jumps.

use std::rc::Rc;

use bellwether_core::refresh::Outcome;
use bellwether_core::settings::{SourceSettings, SpaceSettings};

use crate::support::{Place, Space, Strike, after, body, settings, soon, version};

const INTERVAL_MS: u64 = 300_000;
const DAY_MS: i64 = 86_400_000;

fn settled() -> Rc<Space> {
    let space = Space::new(settings());
    space.machine.source.then(soon(body(r#"{"a":1}"#)));
    assert_eq!(version(&space.snapshot()), 2);
    space.machine.source.always(soon(body(r#"{"a":1}"#)));
    space
}

fn due_in_ms(space: &Space) -> u64 {
    let due = space
        .machine
        .database
        .number("SELECT refresh_due_ms FROM schedule");
    due.saturating_sub(space.machine.now().0)
}

#[test]
fn the_schedule_goes_on_for_days_without_a_request() {
    let space = settled();
    space.run_for(2 * 86_400_000);
    let calls = u64::try_from(space.machine.source.count()).unwrap();
    let expected = 2 * 86_400_000 / INTERVAL_MS;
    assert!(
        calls.abs_diff(expected) <= 2,
        "{calls}, expected {expected}"
    );
    assert_eq!(
        space.machine.database.number("SELECT COUNT(*) FROM audit"),
        2
    );
}

#[test]
fn an_early_alarm_asks_nobody_and_is_armed_again() {
    let space = settled();
    let armed = space.machine.alarm.get();
    for _ in 0..3 {
        space.ring();
        space.settle();
        assert_eq!(space.machine.alarm.get(), armed);
    }
    assert_eq!(space.machine.source.count(), 1);
}

#[test]
fn a_late_alarm_asks_once() {
    let space = settled();
    space.expects_alarm.set(false);
    space.machine.alarm.set(None);
    space.run_for(INTERVAL_MS + 60_000);
    assert_eq!(space.machine.source.count(), 1);
    space.ring();
    space.run_for(100);
    assert_eq!(space.machine.source.count(), 2);
    assert_eq!(due_in_ms(&space), INTERVAL_MS - 80);
}

#[test]
fn an_alarm_that_comes_twice_asks_once() {
    let space = settled();
    space
        .machine
        .source
        .always(after(1_000, body(r#"{"a":1}"#)));
    space.run_for(INTERVAL_MS + 30);
    assert_eq!(space.machine.source.count(), 2);
    space.ring();
    space.run_for(500);
    space.ring();
    space.run_for(2_000);
    space.ring();
    space.run_for(2_000);
    assert_eq!(space.machine.source.count(), 2);
    assert_eq!(space.machine.source.most_in_flight(), 1);
}

#[test]
fn an_alarm_lost_with_the_object_is_set_again_by_the_next_event() {
    let space = settled();
    space.kill();
    space.machine.alarm.set(None);
    space.run_for(10 * INTERVAL_MS);
    assert_eq!(space.machine.source.count(), 1);
    assert_eq!(version(&space.snapshot()), 2);
    space.run_for(100);
    assert_eq!(space.machine.source.count(), 2);
}

#[test]
fn an_alarm_lost_while_the_object_lives_is_made_good_by_the_next_event() {
    let space = settled();
    space.expects_alarm.set(false);
    space.machine.alarm.set(None);
    space.run_for(INTERVAL_MS + 120_000);
    assert!(
        space.open().unwrap().snapshot_now(None).is_none(),
        "something is to be set right"
    );
    let began_ms = space.machine.executor.elapsed_ms();
    assert_eq!(version(&space.snapshot()), 2);
    assert_eq!(
        space.machine.executor.elapsed_ms(),
        began_ms,
        "the reader does not wait for it"
    );
    space.expects_alarm.set(true);
    space.run_for(100);
    assert_eq!(space.machine.source.count(), 2);
    assert!(space.open().unwrap().snapshot_now(None).is_some());
}

#[test]
fn a_past_alarm_counts_as_none() {
    let space = settled();
    space.kill();
    let now = space.machine.now();
    space.machine.alarm.set(Some(now));
    space.open().unwrap();
    space.snapshot();
    assert!(space.machine.alarm.get().unwrap() > now);
}

#[test]
fn an_alarm_that_stands_too_late_is_brought_forward() {
    let space = settled();
    let armed = space.machine.alarm.get().unwrap();
    space.kill();
    space.machine.alarm.set(Some(armed.plus(1_000_000)));
    space.snapshot();
    assert_eq!(space.machine.alarm.get(), Some(armed));
}

#[test]
fn an_unreadable_alarm_is_set_again() {
    let space = settled();
    let armed = space.machine.alarm.get();
    space.kill();
    space.machine.traps.set(Place::GetAlarm, 1, Strike::Once);
    space.snapshot();
    assert_eq!(space.machine.alarm.get(), armed);
    assert!(
        space
            .machine
            .log
            .borrow()
            .iter()
            .any(|line| line.contains("alarm_unreadable"))
    );
}

#[test]
fn an_alarm_that_is_refused_before_the_call_is_set_after_it() {
    let space = settled();
    space.machine.traps.set(Place::SetAlarm, 1, Strike::Once);
    assert_eq!(space.reload().outcome, Outcome::Unchanged);
    assert!(space.machine.alarm.get().unwrap() > space.machine.now());
}

#[test]
fn an_alarm_of_a_space_without_a_source_sets_none() {
    let space = Space::new(SpaceSettings {
        source: SourceSettings::None,
        ..settings()
    });
    space.snapshot();
    space.ring();
    space.run_for(1_000);
    assert_eq!(space.machine.alarm.get(), None);
    assert_eq!(space.machine.source.count(), 0);
}

#[test]
fn a_clock_that_jumps_ahead_refreshes_once() {
    let space = settled();
    space.run_for(10_000);
    space.machine.jump_clock(30 * DAY_MS);
    space.run_for(60_000);
    assert_eq!(space.machine.source.count(), 2);
    assert_eq!(due_in_ms(&space), INTERVAL_MS - 60_000 + 20);
}

#[test]
fn a_clock_that_is_set_back_does_not_put_the_refresh_off() {
    for evicted in [false, true] {
        let space = settled();
        space.run_for(10_000);
        space.machine.jump_clock(-30 * DAY_MS);
        if evicted {
            space.kill();
        }
        assert_eq!(version(&space.snapshot()), 2);
        space.run_for(INTERVAL_MS + INTERVAL_MS / 10 + settings().source_timeout_ms + 100);
        assert_eq!(space.machine.source.count(), 2, "evicted: {evicted}");
        let status = space.status();
        assert_eq!(status.head.age_ms, 0, "adopted in what is the future now");
    }
}

#[test]
fn a_refresh_that_was_brought_forward_stays_so_after_a_death() {
    for refused in [false, true] {
        let space = settled();
        space.run_for(10_000);
        space
            .machine
            .jump_clock(10_000 - i64::try_from(INTERVAL_MS).unwrap());
        if refused {
            space.machine.traps.set(Place::Statement, 1, Strike::Once);
            space.snapshot();
        }
        space.snapshot();
        space.kill();
        space.run_for(100_000);
        space.snapshot();
        space.run_for(INTERVAL_MS + INTERVAL_MS / 10 + settings().source_timeout_ms - 99_900);
        assert_eq!(space.machine.source.count(), 2, "refused: {refused}");
    }
}

#[test]
fn a_clock_that_jumps_while_the_source_is_awaited_harms_nothing() {
    for jump_ms in [-DAY_MS, -5_000, 5_000, DAY_MS] {
        let space = settled();
        space.machine.source.then(after(8_000, body(r#"{"a":2}"#)));
        let reply = space.call_reload(Default::default());
        space.run_for(1_000);
        space.machine.jump_clock(jump_ms);
        let report = space.wait(&reply).unwrap();
        assert_eq!(report.outcome, Outcome::Adopted, "{jump_ms}");
        assert_eq!(space.machine.source.count(), 2, "{jump_ms}");
        assert_eq!(due_in_ms(&space), INTERVAL_MS, "{jump_ms}");
        assert_eq!(space.machine.source.most_in_flight(), 1);
    }
}

#[test]
fn jumps_back_and_forth_neither_stop_nor_speed_the_schedule() {
    let space = settled();
    let jumps = [
        DAY_MS,
        -2 * DAY_MS,
        100_000,
        -350_000,
        3 * DAY_MS,
        -DAY_MS,
        1,
        -1,
    ];
    for (index, jump_ms) in jumps.iter().cycle().take(40).enumerate() {
        let before = space.machine.source.count();
        space.machine.jump_clock(*jump_ms);
        space.snapshot();
        space.run_for(2 * INTERVAL_MS);
        let calls = space.machine.source.count() - before;
        assert!((1..=3).contains(&calls), "{calls} calls after jump {index}");
    }
    assert_eq!(version(&space.snapshot()), 2);
}

#[test]
fn the_jitter_is_a_tenth_either_way() {
    for (chance, expected_ms) in [(0, 270_000), (1 << 63, 300_000), (u64::MAX, 330_000)] {
        let space = settled();
        space.machine.chance.set(chance);
        space.reload();
        assert_eq!(due_in_ms(&space), expected_ms);
    }
}
