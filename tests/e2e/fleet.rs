//! How far the fleet is: what isolates tell with the calls that they make anyway, as status and metrics show it.
use bellwether_core::names::header;
use bellwether_tests::{Client, Deployment, FakeKv, PATIENCE, Proxy, Workerd, until, until_some};
use serde_json::{Value, json};

use crate::follower::{Rig, Via, on};
use crate::support::{from_source, marked, on_kv, quick, quiet};

/// A report of an isolate that there is not.
const REPORT: &str = "1,00000000000000aa,FRA,1,10,0,3,0,0,1";

async fn fleet(client: &Client) -> Value {
    client.status().await["fleet"].clone()
}

fn edge(proxy: &Proxy) -> (Workerd, Client) {
    let reader = json!({ "cold_start": { "wait": "20s" } });
    Deployment::edge(&proxy.url(), reader).start()
}

#[tokio::test]
async fn isolates_count_once_each_and_their_convergence_after_an_adoption_is_measured() {
    let kv = FakeKv::start();
    let settings = quiet(json!({ "ttl": "200ms" }));
    let (coordinator, operator) = on_kv(&kv, settings).start();
    let proxy = Proxy::to(coordinator.address());
    let first = from_source(&operator).await;
    let edges = [edge(&proxy), edge(&proxy), edge(&proxy)];
    let all_on_head = async |version: u64| {
        until_some("all three are on the head", PATIENCE, async || {
            for (_, client) in &edges {
                client.read().await;
            }
            let fleet = fleet(&operator).await;
            let counts = [&fleet["isolates"], &fleet["on_head"]].map(Value::as_u64);
            let head = operator.status().await["head"]["version"].as_u64();
            (counts == [Some(3), Some(3)] && head == Some(version)).then_some(fleet)
        })
        .await
    };
    let before = all_on_head(first).await;
    assert_eq!(before["one_in"], 1, "{before}");
    // None of them was seen to come from another version.
    assert_eq!(before["converged"], 0, "{before}");
    assert_eq!(before["converged_p50_ms"], Value::Null, "{before}");

    kv.put_json("config", &marked(2));
    operator.reload().await;
    let after = all_on_head(first + 1).await;
    assert_eq!(after["converged"], 3, "{after}");
    let [p50, p99] =
        ["converged_p50_ms", "converged_p99_ms"].map(|name| after[name].as_u64().unwrap());
    assert!(p50 <= p99, "{after}");
    assert_eq!(
        (&after["rejecting"], &after["rejections"]),
        (&json!(0), &json!([])),
        "{after}"
    );
    // workerd does not say where it is.
    assert_eq!(
        after["colos"],
        json!({ "---": { "isolates": 3, "on_head": 3 } }),
        "{after}"
    );

    let metrics = operator.metrics().await;
    let space = ["space=\"default\""];
    for (name, value) in [
        ("isolates", 3.0),
        ("isolates_on_head", 3.0),
        ("isolates_rejecting", 0.0),
    ] {
        assert_eq!(
            metrics.must(&format!("bellwether_fleet_{name}"), &space),
            value,
            "{name}"
        );
    }
    assert!(metrics.must("bellwether_fleet_convergence_p99_seconds", &space) > 0.0);
    let fresh = ["space=\"default\"", "state=\"fresh\""];
    assert!(metrics.must("bellwether_fleet_reads_total", &fresh) > 0.0);
}

#[tokio::test]
async fn a_document_that_fits_no_reader_is_told_with_its_pointer_and_without_its_value() {
    for (via, why) in [
        (Via::Url, "expected struct Video"),
        (Via::TypeScriptUrl, "refused by zod"),
    ] {
        let kv = FakeKv::start();
        on(&kv, 1);
        let reader = json!({ "cold_start": { "wait": "20s" } });
        let rig = Rig::start(&kv, via, quick(json!({ "ttl": "100ms" })), reader);
        rig.read().await;
        kv.put_json("config", &json!({ "video": "s3cret", "cache": {} }));
        rig.operator
            .reload_with(&json!({ "waive": ["key_loss"] }))
            .await
            .ok();
        let told = until_some("the rejection is told", PATIENCE, async || {
            rig.read().await;
            let fleet = fleet(&rig.operator).await;
            (fleet["rejecting"] == 1).then_some(fleet)
        })
        .await;
        let rejection = &told["rejections"][0];
        assert_eq!(
            (&rejection["pointer"], &rejection["isolates"]),
            (&json!("/video"), &json!(1)),
            "{told}"
        );
        let message = rejection["message"].as_str().unwrap();
        assert!(
            message.contains(why) && !told.to_string().contains("s3cret"),
            "{told}"
        );
        assert_eq!(
            (&told["isolates"], &told["on_head"]),
            (&json!(1), &json!(0)),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_report_writes_nothing_whatever_it_is_and_the_call_is_answered_all_the_same() {
    let kv = FakeKv::start();
    let (mut coordinator, client) = on_kv(&kv, quiet(json!({}))).start();
    from_source(&client).await;
    let snapshot = client.path("snapshot");
    // What the first snapshots left to be written is written with the next refresh.
    client.reload().await;
    let began = fleet(&client).await["since"].clone();
    let before = coordinator.databases_bytes();
    assert!(before.values().any(|bytes| bytes.len() > 4_096));
    for count in 1..=20 {
        let report = REPORT.replace(",3,0,0,1", &format!(",{count},0,0,1"));
        let answer = client.get_with(&snapshot, header::READER, &report).await;
        assert_eq!(answer.status, 200);
    }
    for odd in [
        "",
        "1",
        "2,x",
        &"9,".repeat(2_000),
        &REPORT.replace("FRA", "fr/"),
    ] {
        let answer = client.get_with(&snapshot, header::READER, odd).await;
        assert_eq!(answer.status, 200, "{odd}");
    }
    let told = fleet(&client).await;
    assert_eq!(told["isolates"], 1, "{told}");
    assert_eq!(
        told["colos"],
        json!({ "FRA": { "isolates": 1, "on_head": 0 } }),
        "{told}"
    );
    assert_eq!(
        told["reports_total"],
        json!({ "taken": 20, "late": 0, "refused": 5 }),
        "{told}"
    );
    assert_eq!(told["reads_total"]["fresh"], 20, "{told}");
    assert!(
        coordinator.databases_bytes() == before,
        "something was written"
    );
    // In memory alone, and it says since when.
    coordinator.kill9();
    coordinator.start_again();
    let client = client.afresh();
    until("the object is there again", PATIENCE, async || {
        let told = fleet(&client).await;
        told["isolates"] == 0 && told["since"] != began
    })
    .await;
}
