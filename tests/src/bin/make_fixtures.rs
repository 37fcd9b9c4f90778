//! Writes databases of the real Worker of this commit, with what must stay true of them, for the tests of later
//! migrations: `cargo run -p bellwether-tests --bin make_fixtures -- FOLDER`. See tests/fixtures/.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken expectation must stop the tool, with its line"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bellwether_core::version::{ContentHash, ETag, Version};
use bellwether_tests::{
    Client, Deployment, FakeKv, FakeOrigin, Fault, PATIENCE, Workerd, until, until_some,
};
use rusqlite::Connection;
use rusqlite::types::Value as Column;
use serde_json::{Map, Value, json};

/// What is kept of each table, in order. A document is told by its digest and its size.
const TABLES: [(&str, &str); 7] = [
    (
        "migrations",
        "SELECT id, sha256 FROM applied_migrations ORDER BY id",
    ),
    (
        "versions",
        "SELECT version, hash, document, origin, adopted_at_ms FROM versions ORDER BY version",
    ),
    (
        "layers",
        "SELECT layer, hash, document, updated_at_ms FROM layers ORDER BY layer",
    ),
    (
        "schedule",
        "SELECT refresh_due_ms, consecutive_failures, unsettled, source_fingerprint, source_etag, last_attempt, \
         last_error, last_success_at_ms FROM schedule",
    ),
    (
        "counters",
        "SELECT name, label, value FROM counters ORDER BY name, label",
    ),
    ("outcomes", "SELECT id, record FROM outcomes ORDER BY id"),
    (
        "audit",
        "SELECT id, at_ms, actor, action, reason, version_before, version_after FROM audit ORDER BY id",
    ),
];

/// Text that an encoding or an escape would spoil, and a number that a double would.
const NASTY: &str = "ü \"quoted\" \\ \u{1F600} \u{2028} \u{7f}";

/// A space and what it was deployed with; its process has been killed.
struct Made {
    workerd: Workerd,
    client: Client,
    settings: Value,
    vars: Value,
    answer: Value,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("a folder to write to"));
    fs::create_dir(&folder).expect("a new folder: fixtures are never written again");
    save(&folder, "built_in", built_in().await);
    save(&folder, "pulled", pulled().await);
    save(&folder, "pruned", pruned().await);
    save(&folder, "no_source", no_source().await);
    save(&folder, "failing", failing().await);
    save(&folder, "conditional", conditional().await);
}

/// A source that never had a document: the head is the layers that come with the Worker.
async fn built_in() -> Made {
    let kv = FakeKv::start();
    let vars = json!({ "greeting": NASTY, "limits": { "depth": 3 } });
    let made = Made::start(Some(&kv), quiet(json!({})), vars).await;
    assert_eq!(made.client.reload().await["outcome"], "missing");
    made.killed().await
}

/// Six versions: by the source, by reloads with and without reason, by deploys that changed vars; between them
/// refreshes that were rejected, missing, failed, unchanged.
async fn pulled() -> Made {
    let kv = FakeKv::start();
    kv.put("config", document(1));
    let settings = quiet(json!({ "guard": { "max_key_loss": 50 } }));
    let mut made = Made::start(Some(&kv), settings.clone(), json!({ "colour": "red" })).await;
    from_source(&made.client).await;
    kv.put("config", document(2));
    made.reload(json!({ "reason": "the second document" }), "adopted")
        .await;
    kv.put("config", r#"{"other":1}"#);
    made.reload(json!({}), "rejected").await;
    kv.put("config", r#"{"mark":2,"mark":3}"#);
    made.reload(json!({}), "rejected").await;
    kv.faults().next(Fault::status(503));
    made.reload(json!({ "reason": "while KV is down" }), "failed")
        .await;
    kv.put("config", document(2));
    made.reload(json!({}), "unchanged").await;
    let vars = json!({ "colour": "blue", "size": 7 });
    made.redeploy(&kv, settings.clone(), vars).await;
    kv.remove("config");
    made.reload(json!({}), "missing").await;
    kv.put("config", r#"{"mark":4}"#);
    made.reload(
        json!({ "waive": ["key_loss"], "reason": "fewer keys" }),
        "adopted",
    )
    .await;
    let vars = json!({ "colour": "green" });
    made.redeploy(&kv, settings, vars).await;
    made.reload(json!({}), "unchanged").await;
    made.killed().await
}

/// Twelve versions, of which three are kept.
async fn pruned() -> Made {
    let kv = FakeKv::start();
    kv.put("config", document(2));
    let made = Made::start(Some(&kv), quiet(json!({ "keep_versions": 3 })), json!({})).await;
    from_source(&made.client).await;
    for mark in 3..=12 {
        kv.put("config", document(mark));
        made.reload(json!({}), "adopted").await;
    }
    made.killed().await
}

/// Nothing is pulled.
async fn no_source() -> Made {
    let vars = json!({ "mode": "fixed", "list": [1, null, true] });
    Made::start(None, quiet(json!({ "source": "none" })), vars)
        .await
        .killed()
        .await
}

/// A source that fails, and an object that died three times while it waited for it.
async fn failing() -> Made {
    let kv = FakeKv::start();
    kv.put("config", document(1));
    let settings = quiet(json!({ "backoff_max": "1h" }));
    let mut made = Made::start(Some(&kv), settings, json!({})).await;
    from_source(&made.client).await;
    kv.faults().stand(Fault::status(503));
    for _ in 0..4 {
        made.reload(json!({}), "failed").await;
    }
    made.answer = answer(&made.client).await;
    kv.faults().stand(Fault::Hang);
    for death in 0..3 {
        let calls = kv.count();
        let client = made.client.clone();
        let reload = tokio::spawn(async move { client.try_reload().await });
        until("a call hangs", PATIENCE, async || kv.count() > calls).await;
        made.workerd.kill9();
        assert_eq!(reload.await.unwrap(), None);
        if death < 2 {
            made.workerd.start_again();
        }
    }
    made
}

/// A URL that answers with validators, one of which the space holds.
async fn conditional() -> Made {
    let origin = FakeOrigin::start();
    origin.put("/config", document(1));
    let source = json!({ "source": { "url": origin.url("/config") } });
    let made = Made::start(None, quiet(source), json!({})).await;
    from_source(&made.client).await;
    made.reload(json!({}), "unchanged").await;
    origin.put("/config", document(2));
    made.reload(json!({}), "adopted").await;
    made.killed().await
}

impl Made {
    async fn start(kv: Option<&FakeKv>, settings: Value, vars: Value) -> Self {
        let (workerd, client) = deployment(kv, &settings, &vars).start();
        client.snapshot().await;
        Self {
            workerd,
            client,
            settings,
            vars,
            answer: Value::Null,
        }
    }

    async fn reload(&self, body: Value, outcome: &str) {
        let report = self.client.reload_with(&body).await.ok().json();
        assert_eq!(report["outcome"], outcome, "{report}");
    }

    async fn redeploy(&mut self, kv: &FakeKv, settings: Value, vars: Value) {
        self.workerd
            .redeploy(&deployment(Some(kv), &settings, &vars));
        self.client.snapshot().await;
        (self.settings, self.vars) = (settings, vars);
    }

    async fn killed(mut self) -> Self {
        self.answer = answer(&self.client).await;
        self.workerd.kill9();
        self
    }
}

fn deployment(kv: Option<&FakeKv>, settings: &Value, vars: &Value) -> Deployment {
    let deployment = Deployment::coordinator()
        .settings(json!({ "spaces": { "default": settings } }))
        .vars(vars.clone());
    match kv {
        Some(kv) => deployment.kv(kv),
        None => deployment,
    }
}

/// Settings of a space that refreshes only when asked to.
fn quiet(more: Value) -> Value {
    let mut settings =
        json!({ "refresh_interval": "1d", "ttl": "1h", "stale_while_revalidate": "1h" });
    settings
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    settings
}

fn document(mark: u32) -> String {
    let nasty = json!(NASTY);
    format!(
        r#"{{"mark":{mark},"text":{nasty},"exact":1.50,"wide":18446744073709551615,"gone":null}}"#
    )
}

async fn from_source(client: &Client) {
    until_some("the head comes from the source", PATIENCE, async || {
        (client.snapshot().await.state == "fresh").then_some(())
    })
    .await;
}

/// The head as a reader gets it.
async fn answer(client: &Client) -> Value {
    let answer = client.get(&client.path("snapshot")).await;
    let head = answer.clone().read();
    json!({
        "version": head.version, "etag": head.etag, "state": head.state,
        "document_sha256": ContentHash::of(&answer.body).hex(),
    })
}

/// Writes the object's database, without free pages or log, and beside it what must stay true.
fn save(folder: &Path, name: &str, made: Made) {
    let database = made.workerd.object_database();
    let file = folder.join(format!("{name}.sqlite"));
    database.execute_batch("PRAGMA page_size = 512").unwrap();
    database
        .execute("VACUUM INTO ?1", [file.to_str().unwrap()])
        .unwrap();
    drop(database);
    let copy = Connection::open(&file).unwrap();
    let mut truth = json!({
        "saved_at_ms": now_ms(), "settings": made.settings, "vars": made.vars, "answer": made.answer,
    });
    for (table, query) in TABLES {
        truth[table] = rows(&copy, query);
    }
    let head = truth["versions"].as_array().unwrap().last().unwrap();
    assert_eq!(head["etag"], made.answer["etag"], "{name}");
    let mut text = serde_json::to_string_pretty(&truth).unwrap();
    text.push('\n');
    fs::write(folder.join(format!("{name}.json")), text).unwrap();
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

fn rows(database: &Connection, query: &str) -> Value {
    let mut query = database.prepare(query).unwrap();
    let names: Vec<String> = query
        .column_names()
        .iter()
        .map(|it| (*it).to_owned())
        .collect();
    let rows = query.query_map((), |row| {
        let mut members = Map::new();
        for (index, name) in names.iter().enumerate() {
            let value = match row.get(index)? {
                Column::Null => Value::Null,
                Column::Integer(number) => json!(number),
                Column::Text(text) => json!(text),
                other => panic!("{name} is {other:?}"),
            };
            tell(&mut members, name, value);
        }
        Ok(Value::Object(members))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn tell(members: &mut Map<String, Value>, name: &str, value: Value) {
    if name != "document" {
        members.insert(name.to_owned(), value);
        return;
    }
    let text = value.as_str().unwrap();
    let digest = ContentHash::of(text.as_bytes());
    members.insert("document_sha256".to_owned(), json!(digest.hex()));
    members.insert("document_bytes".to_owned(), json!(text.len()));
    if let Some(version) = members.get("version").and_then(Value::as_u64) {
        let etag = ETag::of(Version::new(version).unwrap(), &digest);
        members.insert("etag".to_owned(), json!(etag.as_str()));
    }
}
