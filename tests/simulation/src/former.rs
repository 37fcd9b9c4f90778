//! A database as the code before left it: its one migration, and rows that it wrote.

use bellwether_core::migrate::MIGRATIONS;
use bellwether_core::sql::Param;
use bellwether_core::version::{ContentHash, UnixMillis};
use serde_json::{Map, json};

use crate::host::Host;
use crate::oracle;

const INSERTS: [&str; 5] = [
    "INSERT INTO versions (version, hash, document, origin, adopted_at_ms) VALUES (?, ?, ?, ?, ?)",
    "INSERT INTO layers (layer, hash, document, updated_at_ms) VALUES (?, ?, ?, ?)",
    "INSERT INTO audit (at_ms, actor, action, reason, version_before, version_after) VALUES (?, ?, ?, ?, ?, ?)",
    "INSERT INTO schedule (id, refresh_due_ms, consecutive_failures, unsettled, source_fingerprint) \
     VALUES (1, ?, ?, ?, ?)",
    "INSERT INTO counters (name, label, value) VALUES ('adoptions_total', '', ?)",
];

/// Leaves such a database on the machine: some versions, of which the oldest may be pruned.
pub(crate) fn leave(host: &Host) {
    let world = &host.world;
    world.reach("old database");
    let database = &host.database;
    let put = |statement: &str, params: &[Param<'_>]| {
        database.exec(statement, params).unwrap();
    };
    database
        .exec_script(
            "CREATE TABLE applied_migrations (id INTEGER PRIMARY KEY, name TEXT NOT NULL, \
             sha256 TEXT NOT NULL, applied_at_ms INTEGER NOT NULL)",
        )
        .unwrap();
    let first = MIGRATIONS[0];
    database.exec_script(first.script).unwrap();
    let hash = ContentHash::of(first.script.as_bytes()).hex();
    put(
        "INSERT INTO applied_migrations VALUES (1, ?, ?, 0)",
        &[Param::Text(first.name), Param::Text(&hash)],
    );
    let deployment = host.deployment.borrow();
    let built_in = &deployment.built_in;
    let base = oracle::merged(&[&built_in.defaults, &built_in.vars]);
    let now = host.now();
    let (oldest, versions) = (world.desk.between(1, 3), world.desk.between(1, 6));
    let mut source = None;
    for number in 1..=versions {
        if number > 1 {
            let document = json!({"rev": number, "a": number % 3, "mode": 1});
            source = document.as_object().cloned();
        }
        let stack = oracle::Stack {
            source: source.clone(),
            override_: None,
        };
        let document = stack.on(&base);
        let at = UnixMillis(now.0 - (versions - number + 1) * 60_000);
        let action = if number == 1 { "bootstrap" } else { "reload" };
        let actor = if number == 1 { action } else { "somebody" };
        if number >= oldest.min(versions) {
            put(
                INSERTS[0],
                &[
                    Param::unsigned(number),
                    Param::Text(&oracle::hash(&document)),
                    Param::Text(&text(&document)),
                    Param::Text(stack.origin()),
                    Param::unsigned(at.0),
                ],
            );
        }
        let before = match number {
            1 => Param::Null,
            number => Param::unsigned(number - 1),
        };
        put(
            INSERTS[2],
            &[
                Param::unsigned(at.0),
                Param::Text(actor),
                Param::Text(action),
                Param::Null,
                before,
                Param::unsigned(number),
            ],
        );
    }
    let layers = [("base", Some(base)), ("source", source)];
    for (layer, document) in layers {
        let Some(document) = document else { continue };
        put(
            INSERTS[1],
            &[
                Param::Text(layer),
                Param::Text(&oracle::hash(&document)),
                Param::Text(&text(&document)),
                Param::unsigned(now.0),
            ],
        );
    }
    let due = match deployment.has_source() {
        true => Param::unsigned(now.0 + 60_000),
        false => Param::Null,
    };
    let fingerprint = deployment.settings.source.fingerprint();
    let failures = [0, 3][world.desk.below(2) as usize];
    let unsettled = world.desk.below(2);
    put(
        INSERTS[3],
        &[
            due,
            Param::unsigned(failures),
            Param::unsigned(unsettled),
            Param::Text(&fingerprint),
        ],
    );
    put(INSERTS[4], &[Param::unsigned(versions - 1)]);
    drop(deployment);
    database.flush();
    host.ledger.inherit(host);
}

fn text(document: &Map<String, serde_json::Value>) -> String {
    serde_json::to_string(document).unwrap()
}
