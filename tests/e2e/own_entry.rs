//! A Rust Worker with an entry of its own: examples/lean-rust, beside the coordinator that it follows.
use bellwether_tests::{Client, Deployment, FakeKv, PATIENCE, Proxy, Token, Workerd, until};
use serde_json::{Value, json};

use crate::support::quiet;

struct Scene {
    workerd: Workerd,
    operator: Client,
    visitor: Client,
}

impl Scene {
    /// `space` is the space's settings, `reader` the Worker's.
    fn start(kv: &FakeKv, space: Value, reader: Value) -> Self {
        Self::start_with(kv, space, reader, |lean| lean)
    }

    /// `change` has the last word on the Worker's deployment.
    fn start_with(
        kv: &FakeKv,
        space: Value,
        reader: Value,
        change: impl FnOnce(Deployment) -> Deployment,
    ) -> Self {
        let lean = change(Deployment::example(
            "lean-rust",
            json!({ "reader": reader }),
        ));
        let leader = Deployment::coordinator().kv(kv).settings(quiet(space));
        let (workerd, operator) = leader.with_neighbour(lean).start();
        Self {
            visitor: workerd.neighbour(),
            workerd,
            operator,
        }
    }

    async fn seen(&self) -> String {
        self.visitor.get("/a?b=c").await.ok().text()
    }

    async fn publish(&self, kv: &FakeKv, width: u64) {
        kv.put_json("config", &wide(width));
        assert_eq!(self.operator.reload().await["outcome"], "adopted");
    }

    /// How often the object was asked for a snapshot.
    async fn calls(&self) -> u64 {
        let status = self.operator.status().await;
        let replies = status["counters"]["snapshot_replies_total"].as_object();
        replies
            .unwrap()
            .values()
            .map(|count| count.as_u64().unwrap())
            .sum()
    }
}

fn wide(width: u64) -> Value {
    json!({ "video": { "max_width": width }, "mark": 1 })
}

fn on(width: u64) -> FakeKv {
    let kv = FakeKv::start();
    kv.put_json("config", &wide(width));
    kv
}

#[tokio::test]
async fn it_waits_once_and_then_answers_from_memory() {
    let kv = on(1920);
    let scene = Scene::start(&kv, json!({}), json!({ "cold_start": { "wait": "20s" } }));
    let first = scene.seen().await;
    assert!(
        first.starts_with("1920 wide at most, fresh: http://") && first.ends_with("/a?b=c"),
        "{first}"
    );
    let calls = scene.calls().await;
    for _ in 0..50 {
        assert_eq!(scene.seen().await, first);
    }
    assert_eq!(scene.calls().await, calls);
}

#[tokio::test]
async fn what_is_stale_is_answered_at_once_and_refreshed_behind_the_response() {
    let kv = on(1920);
    let space = json!({ "ttl": "1s", "stale_while_revalidate": "1h" });
    let scene = Scene::start(&kv, space, json!({ "cold_start": { "wait": "20s" } }));
    assert!(scene.seen().await.starts_with("1920 wide"));
    scene.publish(&kv, 2560).await;
    until("the Worker has the new version", PATIENCE, async || {
        scene.seen().await.starts_with("2560 wide")
    })
    .await;
}

#[tokio::test]
async fn many_cold_requests_at_once_are_each_answered() {
    let kv = on(1920);
    let scene = Scene::start(&kv, json!({}), json!({ "cold_start": { "wait": "20s" } }));
    let asked = (0..40).map(|_| {
        let client = scene.visitor.afresh();
        tokio::spawn(async move { client.get("/").await.ok().text() })
    });
    for answer in asked.collect::<Vec<_>>() {
        assert!(
            answer
                .await
                .unwrap()
                .starts_with("1920 wide at most, fresh")
        );
    }
}

#[tokio::test]
async fn without_a_coordinator_that_answers_it_serves_what_is_built_in() {
    let kv = on(1920);
    let reader = json!({ "cold_start": { "wait": "200ms" }, "transport": { "url": "http://127.0.0.1:9", "token_secret": "NONE" } });
    let scene = Scene::start(&kv, json!({}), reader);
    assert!(scene.seen().await.starts_with("1280 wide at most, base"));
    let told = scene.workerd.logs();
    until("the failed call is logged", PATIENCE, async || {
        told.text().contains("reader_call_failed")
    })
    .await;
}

/// The closure's error rejects the promise, which is the platform's 500; the next request is served again.
#[tokio::test]
async fn a_read_that_the_policy_fails_is_an_error_of_the_worker() {
    let kv = on(1920);
    let token = Token::new("lean", "lean-secret-7a31", &["read"]);
    let space = json!({ "ttl": "1s", "stale_while_revalidate": "1s" });
    let far = Deployment::coordinator().kv(&kv).settings(quiet(space));
    let (far, _) = far.tokens(std::slice::from_ref(&token)).start();
    let proxy = Proxy::to(far.address());
    let reader = json!({
        "cold_start": { "wait": "20s" },
        "on_expired": "error",
        "transport": { "url": proxy.url(), "token_secret": "LEAN_TOKEN" },
    });
    let scene = Scene::start_with(&kv, json!({}), reader, |lean| {
        lean.secret("LEAN_TOKEN", &token.secret)
    });
    assert!(scene.seen().await.starts_with("1920 wide"));
    proxy.set_open(false).await;
    until("expired reads fail", PATIENCE, async || {
        scene.visitor.get("/").await.status == 500
    })
    .await;
    proxy.set_open(true).await;
    until("reads are served again", PATIENCE, async || {
        scene.visitor.get("/").await.status == 200
    })
    .await;
    assert!(scene.seen().await.starts_with("1920 wide"));
}
