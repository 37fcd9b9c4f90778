//! Changes for a moment: every edge holds them beforehand, and they all switch together, by themselves.
use std::time::{SystemTime, UNIX_EPOCH};

use bellwether_core::wire::parse_rfc3339;
use bellwether_tests::{Client, Deployment, PATIENCE, Proxy, Workerd, until};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{published, publisher, publishing};

/// How far apart edges may switch.
const TOGETHER_MS: u128 = 100;

/// What one edge showed around the moment, in milliseconds of this machine's clock.
#[derive(Debug)]
struct Switch {
    /// When the last read was sent that still showed the old version.
    last_old_sent: u128,
    /// When the first answer was there that showed the new one.
    first_new_seen: u128,
}

pub(crate) fn now_ms() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis()
}

fn moment_of(answer: &Value) -> u128 {
    let at = answer["pending"]["activate_at"].as_str().unwrap();
    u128::from(parse_rfc3339(at).unwrap().0)
}

/// An edge that waits for its first answer and then goes by its own phase.
fn edge(proxy: &Proxy) -> (Workerd, Client) {
    let reader = json!({ "cold_start": { "wait": "20s" }, "revalidate_timeout": "2s" });
    Deployment::edge(&proxy.url(), reader)
        .secret("EDGE_TOKEN", &publisher().secret)
        .start()
}

/// Reads again and again until `version` is there; every read shows it or `before`.
async fn watch(client: Client, before: u64, version: u64) -> Switch {
    let mut last_old_sent = now_ms();
    loop {
        let sent = now_ms();
        let read = client.read().await;
        if read.version == version {
            assert_eq!(read.document, json!({ "mark": 2 }));
            return Switch {
                last_old_sent,
                first_new_seen: now_ms(),
            };
        }
        assert_eq!(
            (read.version, &read.document),
            (before, &json!({ "mark": 1 }))
        );
        last_old_sent = sent;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_edges_switch_together_and_none_shows_it_early() {
    let settings = publishing(json!({ "ttl": "700ms", "stale_while_revalidate": "1h" }));
    let (coordinator, client) = settings.start();
    published(&client, &json!({ "mark": 1 })).await;
    let before = client.snapshot().await.version;
    let proxy = Proxy::to(coordinator.address());
    let mut edges = Vec::new();
    for _ in 0..8 {
        // Each starts when the one before has read: their polls are out of step.
        let (process, client) = edge(&proxy);
        assert_eq!(client.read().await.version, before);
        edges.push((process, client));
    }
    let scheduled = client
        .write(
            Method::PUT,
            "document?activate_in=8s",
            &[],
            Some(&json!({ "mark": 2 })),
        )
        .await;
    assert_eq!(scheduled.status, 202, "{}", scheduled.text());
    let scheduled = scheduled.json();
    let at = moment_of(&scheduled);
    // Sooner than the longest staleness, which is told.
    assert_eq!(
        scheduled["warnings"].as_array().map(Vec::len),
        Some(1),
        "{scheduled}"
    );
    // Every edge hears of it at its own next poll.
    for (_, client) in &edges {
        until("the edge holds what is to come", PATIENCE, async || {
            client.read().await;
            proxy.calls().iter().any(|call| call.status == 304)
                && held_pending(client).await == Some(before + 1)
        })
        .await;
    }
    assert!(now_ms() < at, "the edges heard of it in time");
    // From here on nobody can call anybody.
    proxy.set_open(false).await;
    let calls = proxy.count();
    let watches = edges
        .iter()
        .map(|(_, client)| tokio::spawn(watch(client.afresh(), before, before + 1)));
    let mut switches = Vec::new();
    for watch in watches.collect::<Vec<_>>() {
        switches.push(watch.await.unwrap());
    }
    assert_eq!(proxy.count(), calls, "no call went through");
    for switch in &switches {
        assert!(switch.first_new_seen >= at, "early: {switch:?}, at {at}");
    }
    let first_new = switches.iter().map(|it| it.first_new_seen).min().unwrap();
    let last_old = switches.iter().map(|it| it.last_old_sent).max().unwrap();
    assert!(
        last_old.saturating_sub(first_new) <= TOGETHER_MS,
        "one edge showed the old version {} ms after another had shown the new one: {switches:?}",
        last_old - first_new
    );
    // The coordinator switched as well, to the number that it had told.
    let snapshot = client.snapshot().await;
    assert_eq!(
        (snapshot.version, snapshot.document),
        (before + 1, json!({ "mark": 2 }))
    );
}

/// The version that the edge's reader holds beside the one it serves.
async fn held_pending(client: &Client) -> Option<u64> {
    let metrics = client.metrics().await;
    let held = metrics.must("bellwether_isolate_pending_version", &[]);
    (held > 0.0).then_some(held as u64)
}

#[tokio::test]
async fn the_coordinators_own_switch_survives_kill_9_and_needs_no_request() {
    let (mut coordinator, client) = publishing(json!({})).start();
    published(&client, &json!({ "mark": 1 })).await;
    let before = client.snapshot().await.version;
    let fields = [("bellwether-reason", "the%20launch")];
    let body = json!({ "mark": 2 });
    let path = "document?activate_in=2s";
    let scheduled = client.write(Method::PUT, path, &fields, Some(&body)).await;
    assert_eq!(scheduled.status, 202, "{}", scheduled.text());
    coordinator.kill9();
    coordinator.start_again();
    // Its alarm alone makes it the head: nobody asks before the log tells.
    activated(&coordinator, "publish").await;
    let snapshot = client.snapshot().await;
    assert_eq!((snapshot.version, snapshot.document), (before + 1, body));
    let versions = client.get(&client.path("versions")).await.ok().json();
    assert_eq!(versions["versions"][0]["reason"], "the launch");
}

#[tokio::test]
async fn an_override_expires_by_its_alarm_after_kill_9() {
    let (mut coordinator, client) = publishing(json!({})).start();
    published(&client, &json!({ "mark": 1, "limit": 5 })).await;
    let body = json!({ "patch": { "limit": 1 }, "expires_in": "2s", "reason": "incident 7" });
    let set = client
        .write(Method::PUT, "override", &[], Some(&body))
        .await
        .ok();
    assert_eq!(
        client.snapshot().await.document["limit"],
        1,
        "{}",
        set.text()
    );
    coordinator.kill9();
    coordinator.start_again();
    activated(&coordinator, "end_override").await;
    assert_eq!(client.snapshot().await.document["limit"], 5);
}

/// Waits until the log tells that a change became the head at its moment; sends nothing.
async fn activated(coordinator: &Workerd, kind: &str) {
    until("the log tells of the activation", PATIENCE, async || {
        let events = coordinator.logs().events_named("activated");
        events.into_iter().any(|event| event["trigger"] == kind)
    })
    .await;
}
