//! Flags by OpenFeature, in a Worker that follows: examples/openfeature-ts, with OpenFeature's own SDK in real workerd.
use bellwether_tests::{Client, Deployment, FakeKv, PATIENCE, until};
use serde_json::{Value, json};

use crate::support::quiet;

async fn flags(visitor: &Client) -> Value {
    visitor.get("/").await.ok().json()
}

#[tokio::test]
async fn flags_follow_the_configuration() {
    let kv = FakeKv::start();
    kv.put_json(
        "config",
        &json!({ "banner": { "shown": true, "text": "new" } }),
    );
    let space = json!({ "ttl": "1s", "stale_while_revalidate": "1h" });
    let leader = Deployment::coordinator().kv(&kv).settings(quiet(space));
    let beside = Deployment::example("openfeature-ts", json!({}));
    let (workerd, operator) = leader.with_neighbour(beside).start();
    let visitor = workerd.neighbour();
    until("the flags are the source's", PATIENCE, async || {
        let told = flags(&visitor).await;
        told["version"] == 2 && told["banner"] == "new"
    })
    .await;

    kv.put_json(
        "config",
        &json!({ "banner": { "shown": false, "text": "new" } }),
    );
    assert_eq!(operator.reload().await["outcome"], "adopted");
    until("the flag is the new one", PATIENCE, async || {
        let told = flags(&visitor).await;
        told["version"] == 3 && told["banner"] == Value::Null
    })
    .await;

    // One of another type than the Worker asks for is an error to OpenFeature, and its default is used.
    kv.put_json(
        "config",
        &json!({ "banner": { "shown": "yes", "text": "new" } }),
    );
    assert_eq!(operator.reload().await["outcome"], "adopted");
    until("the default is used", PATIENCE, async || {
        let told = flags(&visitor).await;
        told["version"] == 4 && told["reason"] == "ERROR" && told["banner"] == Value::Null
    })
    .await;
}
