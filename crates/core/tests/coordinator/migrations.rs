//! Migrations of a space's database.

use std::rc::Rc;

use bellwether_core::coordinator::OpenError;
use bellwether_core::migrate::{MIGRATIONS, Migration, MigrationError, migrate};
use bellwether_core::version::{ContentHash, UnixMillis};

use crate::support::{Database, Place, Space, Strike, Traps, body, settings, soon, version};

const ONE: Migration = Migration {
    id: 1,
    name: "0001_one.sql",
    script: "CREATE TABLE one (a INTEGER);",
};
const TWO: Migration = Migration {
    id: 2,
    name: "0002_two.sql",
    script: "CREATE TABLE two (a INTEGER); INSERT INTO two VALUES (7); INSERT INTO one VALUES (8);",
};
const NOW: UnixMillis = UnixMillis(5);

fn database() -> (Database, Rc<Traps>) {
    let traps = Rc::<Traps>::default();
    (Database::new(&traps), traps)
}

fn run(database: &Database, migrations: &[Migration]) -> Result<usize, MigrationError> {
    migrate(database, migrations, NOW)
}

#[test]
fn each_is_applied_once_in_order_and_recorded_with_its_hash() {
    let (database, _) = database();
    assert_eq!(run(&database, &[]), Ok(0));
    assert_eq!(run(&database, &[ONE]), Ok(1));
    assert_eq!(run(&database, &[ONE, TWO]), Ok(1));
    let before = database.dump();
    assert_eq!(run(&database, &[ONE, TWO]), Ok(0));
    assert_eq!(database.dump(), before);
    let hash = |migration: Migration| ContentHash::of(migration.script.as_bytes()).hex();
    assert_eq!(
        database.query("SELECT * FROM applied_migrations ORDER BY id"),
        [
            vec![
                "1".to_owned(),
                ONE.name.to_owned(),
                hash(ONE),
                "5".to_owned()
            ],
            vec![
                "2".to_owned(),
                TWO.name.to_owned(),
                hash(TWO),
                "5".to_owned()
            ],
        ]
    );
}

#[test]
fn a_migration_may_be_renamed_but_not_edited() {
    let (database, _) = database();
    run(&database, &[ONE, TWO]).unwrap();
    let renamed = Migration {
        name: "0001_uno.sql",
        ..ONE
    };
    assert_eq!(run(&database, &[renamed, TWO]), Ok(0));
    let before = database.dump();
    let edited = Migration {
        script: "CREATE TABLE one (a INTEGER); ",
        ..ONE
    };
    let three = Migration {
        id: 3,
        name: "0003_three.sql",
        script: "CREATE TABLE three (a)",
    };
    let error = run(&database, &[edited, TWO, three]).unwrap_err();
    let applied = ONE.name.to_owned();
    assert_eq!(
        error,
        MigrationError::Edited {
            id: 1,
            applied,
            known: ONE.name
        }
    );
    assert!(
        error
            .to_string()
            .contains("migration 1 was edited after it was applied")
    );
    assert_eq!(database.dump(), before);
}

#[test]
fn a_database_newer_than_the_code_is_refused() {
    let (database, _) = database();
    run(&database, &[ONE, TWO]).unwrap();
    let before = database.dump();
    let error = run(&database, &[ONE]).unwrap_err();
    assert_eq!(
        error,
        MigrationError::Newer {
            database: 2,
            code: 1
        }
    );
    assert!(error.to_string().contains("deploy the newer code again"));
    assert_eq!(database.dump(), before);
}

#[test]
fn a_hole_in_the_record_is_refused() {
    for (lost, id) in [(1, 1), (2, 2)] {
        let (database, _) = database();
        let three = Migration {
            id: 3,
            name: "0003_three.sql",
            script: "CREATE TABLE three (a)",
        };
        run(&database, &[ONE, TWO, three]).unwrap();
        database.run(&format!("DELETE FROM applied_migrations WHERE id = {lost}"));
        let before = database.dump();
        assert_eq!(
            run(&database, &[ONE, TWO, three]),
            Err(MigrationError::Gap { id })
        );
        assert_eq!(database.dump(), before);
    }
}

#[test]
fn a_migration_that_breaks_off_leaves_nothing_and_is_applied_later() {
    let broken = Migration {
        script: "CREATE TABLE two (a); INSERT INTO nowhere VALUES (1);",
        ..TWO
    };
    let (database, _) = database();
    let error = run(&database, &[ONE, broken]).unwrap_err();
    assert!(matches!(error, MigrationError::Sql(_)), "{error}");
    assert_eq!(
        database.value("SELECT GROUP_CONCAT(id) FROM applied_migrations"),
        "1"
    );
    assert!(
        database
            .query("SELECT * FROM sqlite_schema WHERE name = 'two'")
            .is_empty()
    );
    assert_eq!(run(&database, &[ONE, TWO]), Ok(1));
}

#[test]
fn a_refusal_at_any_place_leaves_whole_migrations_only() {
    for place in [Place::Statement, Place::Commit, Place::AfterCommit] {
        for nth in 1.. {
            let (database, traps) = database();
            traps.set(place, nth, Strike::Once);
            let refused = run(&database, &[ONE, TWO]).is_err();
            traps.clear();
            if refused {
                let tables = "SELECT COUNT(*) FROM sqlite_schema WHERE name IN ('one', 'two')";
                let records =
                    database.query("SELECT * FROM sqlite_schema WHERE name = 'applied_migrations'");
                if !records.is_empty() {
                    let recorded = database.number("SELECT COUNT(*) FROM applied_migrations");
                    assert_eq!(database.number(tables), recorded, "{place:?} {nth}");
                }
            }
            run(&database, &[ONE, TWO]).unwrap();
            assert_eq!(
                database.query("SELECT a FROM two UNION SELECT a FROM one"),
                [["7"], ["8"]]
            );
            if !refused {
                break;
            }
        }
    }
}

#[test]
fn the_codes_own_migrations_are_numbered_without_gaps() {
    for (expected, migration) in (1..).zip(MIGRATIONS) {
        assert_eq!(migration.id, expected);
        assert!(
            migration.name.starts_with(&format!("{expected:04}_")),
            "{}",
            migration.name
        );
    }
}

#[test]
fn a_space_whose_history_does_not_fit_is_refused_and_untouched() {
    let space = Space::new(settings());
    space.machine.source.always(soon(body(r#"{"a":1}"#)));
    space.snapshot();
    for (breakage, mending) in [
        (
            "UPDATE applied_migrations SET sha256 = 'x' WHERE id = 1",
            None,
        ),
        (
            "INSERT INTO applied_migrations VALUES (3, '0003_later.sql', 'x', 0)",
            Some("DELETE FROM applied_migrations WHERE id = 3"),
        ),
    ] {
        space.kill();
        let hash = space
            .machine
            .database
            .value("SELECT sha256 FROM applied_migrations WHERE id = 1");
        space.machine.database.run(breakage);
        let before = space.machine.database.dump();
        let error = space.open().unwrap_err();
        assert!(matches!(error, OpenError::Migration(_)), "{error}");
        assert_eq!(space.machine.database.dump(), before);
        let restore = format!("UPDATE applied_migrations SET sha256 = '{hash}' WHERE id = 1");
        space.machine.database.run(mending.unwrap_or(&restore));
        assert_eq!(version(&space.snapshot()), 2, "as if nothing had been");
    }
}

#[test]
fn rows_that_were_never_written_are_an_error_and_no_panic() {
    for damage in [
        "UPDATE versions SET hash = 'zz'",
        "UPDATE versions SET version = 0 WHERE version = 1; DELETE FROM versions WHERE version > 0",
        "UPDATE versions SET version = 9007199254740992 WHERE version = 2",
        "UPDATE versions SET origin = 'elsewhere'",
        "UPDATE versions SET adopted_at_ms = -1",
        "UPDATE schedule SET unsettled = -1",
        "UPDATE schedule SET source_fingerprint = 7.5",
        "UPDATE layers SET hash = ''",
    ] {
        let space = Space::new(settings());
        space.machine.source.always(soon(body(r#"{"a":1}"#)));
        space.snapshot();
        space.kill();
        space.machine.database.run(damage);
        let opened = space.open();
        let is_text_7_5 = damage.contains("7.5");
        assert_eq!(
            opened.is_ok(),
            is_text_7_5,
            "{damage}: a number in a text column is text"
        );
    }
}

#[test]
fn a_record_of_a_refresh_that_cannot_be_read_is_no_reason_to_refuse() {
    let space = Space::new(settings());
    space.machine.source.always(soon(body(r#"{"a":1}"#)));
    space.snapshot();
    space.kill();
    space
        .machine
        .database
        .run("UPDATE schedule SET last_attempt = '{}', last_error = 'never JSON'");
    assert_eq!(space.status().source.last_attempt, None);
    assert_eq!(version(&space.snapshot()), 2);
}
