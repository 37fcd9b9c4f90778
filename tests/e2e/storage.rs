//! What an object keeps on its disk: bounded history, guarded migrations, an alarm that is never lost.
use bellwether_tests::{Client, FakeKv, PATIENCE, Workerd, until};
use rusqlite::Connection;
use serde_json::json;

use crate::support::{first_document, from_source, marked, on_kv, quick, quiet};

/// A coordinator with the first document, killed.
async fn killed(kv: &FakeKv) -> (Workerd, Client) {
    let (mut workerd, client) = on_kv(kv, quiet(json!({}))).start();
    from_source(&client).await;
    workerd.kill9();
    (workerd, client)
}

fn count(database: &Connection, query: &str) -> i64 {
    database.query_row(query, (), |row| row.get(0)).unwrap()
}

/// The alarm that stands, Unix milliseconds.
fn alarm_ms(workerd: &Workerd) -> Option<i64> {
    let alarms = workerd.alarm_database();
    let mut query = alarms
        .prepare("SELECT scheduled_time FROM _cf_ALARM")
        .unwrap();
    let times: Vec<i64> = query
        .query_map((), |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(times.len() <= 1, "{times:?}");
    times.first().map(|ns| ns / 1_000_000)
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

#[tokio::test]
async fn history_is_bounded() {
    let kv = FakeKv::start();
    let (mut workerd, client) = on_kv(&kv, quiet(json!({ "keep_versions": 5 }))).start();
    from_source(&client).await;
    for mark in 2..20 {
        kv.put_json("config", &marked(mark));
        assert_eq!(client.reload().await["outcome"], "adopted");
    }
    let head = client.snapshot().await;
    workerd.kill9();
    let database = workerd.object_database();
    assert_eq!(count(&database, "SELECT count(*) FROM versions"), 5);
    assert_eq!(
        count(&database, "SELECT max(version) FROM versions"),
        i64::try_from(head.version).unwrap()
    );
    drop(database);
    workerd.start_again();
    assert_eq!(client.snapshot().await.document, head.document);
}

#[tokio::test]
async fn every_adoption_and_every_reload_has_its_audit_row() {
    let kv = FakeKv::start();
    let (mut workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    from_source(&client).await;
    kv.put_json("config", &marked(2));
    let report = client
        .reload_with(&json!({ "reason": "a test of the audit" }))
        .await
        .ok()
        .json();
    assert_eq!(report["outcome"], "adopted", "{report}");
    kv.put("config", "null");
    assert_eq!(client.reload().await["outcome"], "rejected");
    workerd.kill9();
    let database = workerd.object_database();
    let mut query = database
        .prepare("SELECT version_after, actor, reason, outcome FROM audit ORDER BY id")
        .unwrap();
    let rows: Vec<(i64, String, Option<String>, String)> = query
        .query_map((), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.0, row.1.as_str(), row.2.as_deref(), row.3.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (1, "bootstrap", None, "adopted"),
            (2, "bootstrap", None, "adopted"),
            (3, "operator", Some("a test of the audit"), "adopted"),
            (3, "operator", None, "rejected"),
        ]
    );
}

/// A database this code must not touch: no answer comes from it, and once it is mended all is as before.
async fn refused(tamper: &str, mend: &str, named: &str) {
    let kv = FakeKv::start();
    let (mut workerd, client) = killed(&kv).await;
    workerd.object_database().execute_batch(tamper).unwrap();
    workerd.start_again();
    let problem = client.get(&client.path("snapshot")).await.problem(500);
    assert_eq!(
        problem["type"], "urn:bellwether:problem:storage-refused",
        "{problem}"
    );
    assert!(
        problem["detail"].as_str().unwrap().contains(named),
        "{problem}"
    );
    // Readers fall back on their base: configuration fails no request.
    assert_eq!(client.read().await.state, "base");
    assert_eq!(client.get("/readyz").await.status, 200);
    assert_eq!(client.metrics().await.must("bellwether_up", &[]), 0.0);

    workerd.kill9();
    workerd.object_database().execute_batch(mend).unwrap();
    workerd.start_again();
    let head = client.snapshot().await;
    assert_eq!((head.version, head.document), (2, first_document()));
}

#[tokio::test]
async fn an_edited_migration_is_refused() {
    refused(
        "ALTER TABLE applied_migrations ADD COLUMN kept TEXT; UPDATE applied_migrations SET kept = sha256, sha256 = 'edited' WHERE id = 1",
        "UPDATE applied_migrations SET sha256 = kept WHERE id = 1",
        "edited",
    )
    .await;
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    refused(
        "INSERT INTO applied_migrations (id, name, sha256, applied_at_ms) SELECT max(id) + 1, 'future.sql', 'x', 0 FROM applied_migrations",
        "DELETE FROM applied_migrations WHERE name = 'future.sql'",
        "deploy the newer code",
    )
    .await;
}

/// The object's own record of its alarm, and workerd's list of alarms that will ring.
fn set_alarm(workerd: &Workerd, recorded_ms: Option<i64>, rings: bool) {
    let ns = recorded_ms.map(|ms| ms * 1_000_000);
    workerd
        .object_database()
        .execute("UPDATE _cf_METADATA SET value = ?1 WHERE key = 1", [ns])
        .unwrap();
    let change = if rings {
        "UPDATE _cf_ALARM SET scheduled_time = ?1"
    } else {
        "DELETE FROM _cf_ALARM WHERE ?1 IS ?1"
    };
    let changed = workerd.alarm_database().execute(change, [ns]).unwrap();
    assert_eq!(changed, 1, "there was an alarm to change");
}

/// An alarm that will not ring in time is set again at the next event of any kind.
async fn repaired(recorded_ms: Option<i64>, rings: bool) {
    let kv = FakeKv::start();
    let (mut workerd, client) = on_kv(&kv, quick(json!({}))).start();
    from_source(&client).await;
    workerd.kill9();
    set_alarm(&workerd, recorded_ms, rings);
    workerd.start_again();
    let calls = kv.count();
    client.snapshot().await;
    until("alarms ring again", PATIENCE, async || {
        kv.count() >= calls + 2
    })
    .await;
}

#[tokio::test]
async fn a_missing_alarm_is_repaired() {
    repaired(None, false).await;
}

/// Platform: so it stands after a handler that threw too often.
#[tokio::test]
async fn a_past_alarm_that_will_not_ring_is_repaired() {
    repaired(Some(now_ms() - 60_000), false).await;
}

#[tokio::test]
async fn an_alarm_far_too_late_is_repaired() {
    repaired(Some(now_ms() + 365 * 86_400_000), true).await;
}

/// An alarm that finds its database refused must not be the last one: the deploy that mends it sends no request.
#[tokio::test]
async fn an_alarm_that_meets_a_refused_database_leaves_a_successor() {
    let kv = FakeKv::start();
    let (mut workerd, client) = on_kv(&kv, quick(json!({}))).start();
    from_source(&client).await;
    workerd.kill9();
    workerd
        .object_database()
        .execute_batch("UPDATE applied_migrations SET sha256 = 'edited'")
        .unwrap();
    workerd.start_again();
    until("an alarm finds it", PATIENCE, async || {
        !workerd.logs().events_named("open_refused").is_empty()
    })
    .await;
    until("the handler leaves an alarm ahead", PATIENCE, async || {
        alarm_ms(&workerd).is_some_and(|at| at > now_ms())
    })
    .await;
}
