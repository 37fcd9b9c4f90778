//! Databases that earlier code wrote (`tests/fixtures/`), opened by today's. The folder's README.md says what they are;
//! beside each stands what must stay true of it.

use std::path::PathBuf;
use std::rc::Rc;

use bellwether_core::coordinator::BuiltIn;
use bellwether_core::migrate::{MIGRATIONS, migrate};
use bellwether_core::routes::Leaf;
use bellwether_core::settings::{Settings, SpaceSettings};
use bellwether_core::version::{ContentHash, ETag, UnixMillis, Version};
use bellwether_core::wire::rfc3339;
use bellwether_simulation::executor::Executor;
use serde_json::{Value, json};

use crate::support::{
    Database, EPOCH_MS, Machine, Place, Space, Strike, Traps, get, object, soon, tagged, text,
    version,
};

/// Each file, by the folder of the last migration that the code of its day knew.
const FILES: [&str; 6] = [
    "0001/built_in",
    "0001/conditional",
    "0001/failing",
    "0001/no_source",
    "0001/pruned",
    "0001/pulled",
];

/// Tables whose rows stay as they were.
const KEPT: [&str; 5] = ["versions", "layers", "counters", "outcomes", "audit"];

/// The source's next document: no key of an earlier one is missing.
const NEXT: &str = r#"{"mark":100,"text":"","exact":0,"wide":0,"gone":0}"#;

/// More than opening ever comes to, of any kind.
const EVERY: u32 = 40;

/// A file's truth, and the space of which it is the database.
struct Fixture {
    name: &'static str,
    truth: Value,
    space: Rc<Space>,
}

impl Fixture {
    fn load(name: &'static str) -> Self {
        let truth = std::fs::read_to_string(path(name, "json")).unwrap();
        let truth: Value = serde_json::from_str(&truth).unwrap();
        let traps = Rc::<Traps>::default();
        let database = Database::copy_of(&path(name, "sqlite"), &traps);
        let machine = Machine::on(&Executor::in_order(), 1, database, traps);
        let saved_at_ms = truth["saved_at_ms"].as_i64().unwrap();
        machine.jump_clock(saved_at_ms - i64::try_from(EPOCH_MS).unwrap());
        let space = Space::hosted(machine, settings(&truth), built_in(&truth["vars"]));
        Self { name, truth, space }
    }

    fn database(&self) -> &Database {
        &self.space.machine.database
    }

    fn rows(&self, table: &str) -> &[Value] {
        self.truth[table].as_array().unwrap()
    }

    fn head(&self) -> u64 {
        self.truth["answer"]["version"].as_u64().unwrap()
    }

    fn has_source(&self) -> bool {
        !self.rows("schedule")[0]["refresh_due_ms"].is_null()
    }

    /// Everything that the truth says, of a space that has not been asked for anything yet.
    fn check_all(&self) {
        self.check_tables();
        self.check_schedule();
        self.check_answer();
        self.check_status();
    }

    fn check_tables(&self) {
        for table in KEPT {
            let (is, was) = self.table(table, table);
            assert_eq!(is, was, "{}: {table}", self.name);
        }
        let (is, was) = self.table("migrations", "applied_migrations");
        assert!(is.starts_with(&was), "{}: {is:?}", self.name);
        assert_eq!(is.len(), MIGRATIONS.len(), "{}", self.name);
        for row in self.rows("versions") {
            let version = Version::new(row["version"].as_u64().unwrap()).unwrap();
            let hash = ContentHash::from_hex(row["hash"].as_str().unwrap()).unwrap();
            assert_eq!(row["etag"], ETag::of(version, &hash).as_str(), "{row}");
        }
    }

    /// All as it was, but that the next refresh is due earlier where one died with its object.
    fn check_schedule(&self) {
        let due = "SELECT refresh_due_ms FROM schedule";
        let was = &self.rows("schedule")[0];
        let mut is = self.table("schedule", "schedule");
        if was["unsettled"] != 0 {
            let due = self.database().number(due);
            assert!(self.truth["saved_at_ms"].as_u64().unwrap() < due);
            assert!(due <= was["refresh_due_ms"].as_u64().unwrap());
            is.0[0].remove(0);
            is.1[0].remove(0);
        }
        assert_eq!(is.0, is.1, "{}", self.name);
    }

    fn check_answer(&self) {
        let (answer, was) = (self.space.snapshot(), &self.truth["answer"]);
        let is = json!({
            "version": version(&answer),
            "etag": answer.head.etag.as_str(),
            "state": if answer.terms.base { "base" } else { "fresh" },
            "document_sha256": ContentHash::of(text(&answer).as_bytes()).hex(),
        });
        assert_eq!(is, *was, "{}", self.name);
        let head = self.rows("versions").last().unwrap();
        assert_eq!(head["version"], was["version"], "{}", self.name);
        assert_eq!(head["hash"], answer.head.hash.hex(), "{}", self.name);
    }

    fn check_status(&self) {
        let status = self.space.status().into_json();
        let head = self.rows("versions").last().unwrap();
        let schedule = &self.rows("schedule")[0];
        let adopted_at = UnixMillis(head["adopted_at_ms"].as_u64().unwrap());
        for (shown, was) in [
            ("/head/version", &head["version"]),
            ("/head/etag", &head["etag"]),
            ("/head/hash", &head["hash"]),
            ("/head/bytes", &head["document_bytes"]),
            ("/head/origin", &head["origin"]),
            ("/head/adopted_at", &json!(rfc3339(adopted_at))),
            ("/source/last_attempt", &parsed(&schedule["last_attempt"])),
            ("/source/last_error", &parsed(&schedule["last_error"])),
            (
                "/source/last_success_at_ms",
                &schedule["last_success_at_ms"],
            ),
            (
                "/source/consecutive_failures",
                &schedule["consecutive_failures"],
            ),
        ] {
            assert_eq!(status.pointer(shown), Some(was), "{}: {shown}", self.name);
        }
        for row in self.rows("counters") {
            let [name, label] = ["name", "label"].map(|member| row[member].as_str().unwrap());
            let was = row["value"].as_u64().unwrap();
            // The answer that was checked is counted already.
            let answered = u64::from((name, label) == ("snapshot_replies_total", "200"));
            let name = name.trim_end_matches("_total");
            assert_eq!(self.space.counter(name, label), was + answered, "{row}");
        }
    }

    /// A table's rows today, in the columns that the truth has, and the truth.
    fn table(&self, named: &str, today: &str) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
        let rows = self.rows(named);
        let names: Vec<&str> = rows.first().map_or(Vec::new(), |row| {
            let names = row.as_object().unwrap().keys().map(String::as_str);
            names.filter(|name| *name != "etag").collect()
        });
        let columns: Vec<&str> = names
            .iter()
            .map(|name| {
                if name.starts_with("document_") {
                    "document"
                } else {
                    name
                }
            })
            .collect();
        // Without rows there are no columns to ask for, but no rows there must be.
        let columns = if columns.is_empty() {
            "*".to_owned()
        } else {
            columns.join(", ")
        };
        let query = format!("SELECT {columns} FROM {today} ORDER BY 1, 2");
        let mut is = self.database().query(&query);
        for row in &mut is {
            for (name, value) in names.iter().zip(row) {
                match *name {
                    "document_sha256" => *value = ContentHash::of(value.as_bytes()).hex(),
                    "document_bytes" => *value = value.len().to_string(),
                    _ => {}
                }
            }
        }
        let was = rows
            .iter()
            .map(|row| names.iter().map(|name| shown(&row[*name])).collect())
            .collect();
        (is, was)
    }
}

#[test]
fn all_is_as_it_was() {
    for name in FILES {
        let fixture = Fixture::load(name);
        fixture.space.open().unwrap();
        fixture.check_all();
        fixture.space.kill();
        fixture.space.open().unwrap();
        fixture.check_tables();
        fixture.check_schedule();
    }
}

/// Rows that had no hash get theirs, and stand as fast as any from then on.
#[test]
fn the_audit_is_sealed() {
    for name in FILES {
        let fixture = Fixture::load(name);
        fixture.space.check_chain();
        let database = fixture.database();
        database.run("UPDATE audit SET actor = 'x' WHERE id = 1");
        let checked = fixture.space.does(get(Leaf::AuditCheck)).body;
        assert_eq!(checked["broken_at"], 1, "{name}");
    }
}

#[test]
fn the_next_alarm_brings_the_next_version() {
    for name in FILES {
        let fixture = Fixture::load(name);
        let (space, head) = (&fixture.space, fixture.head());
        space.machine.source.always(soon(tagged(NEXT, "\"next\"")));
        fixture.check_answer();
        space.run_for(2 * 86_400_000);
        let answer = space.snapshot();
        if !fixture.has_source() {
            assert_eq!(space.machine.source.count(), 0);
            fixture.check_answer();
            continue;
        }
        assert_eq!(version(&answer), head + 1, "{name}");
        // The validator of the document that the space held went with the first call.
        let validator = &fixture.rows("schedule")[0]["source_etag"];
        let sent = space.machine.source.calls()[0].if_none_match.clone();
        assert_eq!(json!(sent), *validator, "{name}");
        let kept = fixture.truth["settings"]["keep_versions"].as_u64();
        let kept = kept.unwrap_or(u64::MAX).min(head + 1);
        let database = fixture.database();
        assert_eq!(database.number("SELECT COUNT(*) FROM versions"), kept);
        assert_eq!(database.number("SELECT COUNT(*) FROM audit"), head + 1);
        assert_eq!(database.number("SELECT unsettled FROM schedule"), 0);
        assert_eq!(space.status().source.consecutive_failures, 0);
    }
}

#[test]
fn a_deploy_merges_the_layers_that_were_kept() {
    for name in FILES {
        let fixture = Fixture::load(name);
        let mut vars = fixture.truth["vars"].clone();
        vars["deployed"] = json!(true);
        let settings = settings(&fixture.truth);
        fixture.space.deploy(settings, built_in(&vars));
        let answer = fixture.space.snapshot();
        assert_eq!(version(&answer), fixture.head() + 1, "{name}");
        let document = object(text(&answer));
        assert_eq!(document["deployed"], true, "{name}");
        let from_source = fixture.truth["answer"]["state"] == "fresh" && fixture.has_source();
        assert_eq!(document.contains_key("mark"), from_source, "{name}");
    }
}

/// The object dies, or its storage refuses once, at every place that opening comes to: what is left is a whole step of
/// the way, and the next time goes the rest of it.
#[test]
fn opening_survives_death_at_every_place() {
    for name in FILES {
        let steps = steps(name);
        for place in [Place::Statement, Place::Commit, Place::AfterCommit] {
            for strike in [Strike::Crash, Strike::Once] {
                let deaths = (1..EVERY)
                    .take_while(|nth| dies_on_the_way(name, place, *nth, strike, &steps))
                    .count();
                assert!(deaths < EVERY as usize - 1, "{name} {place:?}: {deaths}");
                assert!(deaths > 0 || place != Place::Statement, "{name}");
            }
        }
    }
}

fn dies_on_the_way(
    name: &'static str,
    place: Place,
    nth: u32,
    strike: Strike,
    steps: &[Vec<String>],
) -> bool {
    let fixture = Fixture::load(name);
    let traps = &fixture.space.machine.traps;
    traps.set(place, nth, strike);
    let died = fixture.space.open().is_err();
    traps.clear();
    assert_eq!(traps.take_crashed(), died && strike == Strike::Crash);
    fixture.space.kill();
    let left = fixture.database().dump();
    assert!(steps.contains(&left), "{name} {place:?} {nth}: {left:#?}");
    fixture.space.open().unwrap();
    assert_eq!(
        Some(&fixture.database().dump()),
        steps.last(),
        "{name} {place:?} {nth}"
    );
    fixture.check_all();
    died
}

/// What the database may hold on its way from that code to today's: as it was, after each migration, and opened.
fn steps(name: &'static str) -> Vec<Vec<String>> {
    let fixture = Fixture::load(name);
    let (database, now) = (fixture.database(), fixture.space.machine.now());
    let mut steps = vec![database.dump()];
    for known in fixture.rows("migrations").len()..=MIGRATIONS.len() {
        migrate(database, &MIGRATIONS[..known], now).unwrap();
        steps.push(database.dump());
    }
    fixture.space.open().unwrap();
    steps.push(database.dump());
    steps
}

fn path(name: &str, extension: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    root.join(name).with_extension(extension)
}

fn settings(truth: &Value) -> SpaceSettings {
    let var = json!({ "spaces": { "default": truth["settings"] } });
    let settings = Settings::parse(Some(&var));
    assert_eq!(settings.errors, []);
    settings.space("default").unwrap().1.clone()
}

/// The Worker that wrote the files had no defaults.
fn built_in(vars: &Value) -> BuiltIn {
    BuiltIn {
        vars: object(&vars.to_string()),
        ..BuiltIn::default()
    }
}

/// A record that is stored as text, as `status` shows it.
fn parsed(record: &Value) -> Value {
    record
        .as_str()
        .map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
}

/// A value as [`Database::query`] shows it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
