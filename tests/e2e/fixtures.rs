//! Databases that an earlier Worker wrote (`tests/fixtures/`), on the disk of today's.
use std::path::{Path, PathBuf};

use bellwether_core::version::ContentHash;
use bellwether_tests::{Client, Deployment, FakeKv, PATIENCE, Paths, until};
use serde_json::{Value, json};

use crate::support::marked;

/// Every database, with what must be true of it.
fn fixtures() -> Vec<(PathBuf, Value)> {
    let mut files = Vec::new();
    for folder in std::fs::read_dir(Paths::get().root().join("tests/fixtures")).unwrap() {
        let folder = folder.unwrap().path();
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    files.retain(|file| file.extension().is_some_and(|it| it == "sqlite"));
    files.sort();
    let truth = |file: &Path| {
        let text = std::fs::read_to_string(file.with_extension("json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let with_truth = files.into_iter().map(|file| (file.clone(), truth(&file)));
    with_truth.collect()
}

/// The head as a reader gets it, as the fixtures tell it.
async fn head(client: &Client) -> Value {
    let answer = client.get(&client.path("snapshot")).await;
    let head = answer.clone().read();
    json!({
        "version": head.version, "etag": head.etag, "state": head.state,
        "document_sha256": ContentHash::of(&answer.body).hex(),
    })
}

#[tokio::test]
async fn an_earlier_database_serves_the_same_head_and_goes_on() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 6, "{fixtures:?}");
    for (file, truth) in fixtures {
        let kv = FakeKv::start();
        let deployment = Deployment::coordinator()
            .kv(&kv)
            .settings(json!({
                "spaces": { "default": truth["settings"] }, "reader": { "cold_start": { "wait": "10s" } },
            }))
            .vars(truth["vars"].clone());
        let (mut workerd, client) = deployment.start();
        client.snapshot().await;
        workerd.kill9();
        workerd.replace_object_database(&file);
        // Whatever is due by now, the source brings nothing.
        kv.set_open(false).await;
        workerd.start_again();

        let name = file.display();
        assert_eq!(head(&client).await, truth["answer"], "{name}");
        let read = client.read().await;
        assert_eq!(read.state, truth["answer"]["state"], "{name}");
        if read.state != "base" {
            assert_eq!(read.etag.unwrap(), truth["answer"]["etag"], "{name}");
        }
        let status = client.status().await;
        assert_eq!(status["head"]["hash"], truth["answer"]["document_sha256"]);
        for row in truth["counters"].as_array().unwrap() {
            let (was, label) = (row["value"].as_u64().unwrap(), &row["label"]);
            let total = &status["counters"][row["name"].as_str().unwrap()];
            let total = total
                .as_object()
                .map_or(total, |labels| &labels[label.as_str().unwrap()]);
            assert!(total.as_u64().unwrap() >= was, "{name}: {row}");
        }
        // The others are pulled from elsewhere, or not at all.
        if truth["settings"].get("source").is_none() {
            kv.set_open(true).await;
            kv.put_json("config", &marked(1000));
            let waived = json!({ "waive": ["key_loss"] });
            until("a reload adopts", PATIENCE, async || {
                client.reload_with(&waived).await.ok().json()["outcome"] == "adopted"
            })
            .await;
            let next = truth["answer"]["version"].as_u64().unwrap() + 1;
            assert_eq!(client.snapshot().await.version, next, "{name}");
        }
    }
}
