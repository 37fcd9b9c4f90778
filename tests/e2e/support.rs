//! What several themes share.
use bellwether_tests::{Client, Deployment, FakeKv, Logs, PATIENCE, Token, Workerd, until_some};
use reqwest::Method;
use serde_json::{Value, json};

/// A first document, with several keys so that changing one loses few.
pub(crate) fn first_document() -> Value {
    json!({ "video": { "max_width": 1280, "codecs": ["h264"] }, "cache": { "ttl": 60 }, "mark": 1 })
}

/// The first document with another mark.
pub(crate) fn marked(mark: u64) -> Value {
    let mut document = first_document();
    document["mark"] = json!(mark);
    document
}

/// Settings of the `default` space that refresh every second and retry as fast: `more` adds to or replaces them.
pub(crate) fn quick(more: Value) -> Value {
    let space = json!({
        "refresh_interval": "1s", "backoff_max": "1s", "source_timeout": "2s", "ttl": "1s",
        "stale_while_revalidate": "1h",
    });
    settings(space, more)
}

/// Settings of the `default` space that refresh only when asked to: `more` adds to or replaces them.
pub(crate) fn quiet(more: Value) -> Value {
    let space = json!({
        "refresh_interval": "1d", "source_timeout": "10s", "ttl": "1h", "stale_while_revalidate": "1h",
    });
    settings(space, more)
}

/// A coordinator on `kv`, which holds the first document under the sample source's key.
pub(crate) fn on_kv(kv: &FakeKv, settings: Value) -> Deployment {
    kv.put_json("config", &first_document());
    Deployment::coordinator().kv(kv).settings(settings)
}

/// Waits until the log tells of a refresh with this outcome after the first `skip` refreshes; sends nothing.
pub(crate) async fn refreshed(logs: &Logs, skip: usize, outcome: &str) -> Value {
    until_some(
        &format!("a refresh logged as {outcome}"),
        PATIENCE,
        async || {
            let found = logs.events_named("refresh").into_iter().skip(skip);
            found.clone().find(|event| event["outcome"] == outcome)
        },
    )
    .await
}

/// How many refreshes the log tells of, once it tells of the first: the log comes by another way than the answers, and
/// may be behind a head that a client has seen.
pub(crate) async fn refreshes(logs: &Logs) -> usize {
    until_some("a refresh is logged", PATIENCE, async || {
        let count = logs.events_named("refresh").len();
        (count > 0).then_some(count)
    })
    .await
}

/// Waits until the source's document is the head, and gives its version.
pub(crate) async fn from_source(client: &Client) -> u64 {
    until_some("the head comes from the source", PATIENCE, async || {
        let head = client.snapshot().await;
        (head.state == "fresh").then_some(head.version)
    })
    .await
}

fn settings(mut space: Value, more: Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        space[key] = value.clone();
    }
    json!({ "spaces": { "default": space }, "reader": { "cold_start": { "wait": "10s" } } })
}

/// A token that may do everything.
pub(crate) fn publisher() -> Token {
    Token::new(
        "publisher",
        "publisher-secret-20c4",
        &["read", "reload", "publish"],
    )
}

/// A coordinator whose space lives by publishing; its client is the publisher.
pub(crate) struct Publishing(Deployment);

pub(crate) fn publishing(more: Value) -> Publishing {
    let mut space = json!({ "source": "none" });
    for (key, value) in more.as_object().unwrap() {
        space[key] = value.clone();
    }
    let deployment = Deployment::coordinator().settings(quiet(space));
    Publishing(deployment.tokens(&[publisher()]))
}

impl Publishing {
    pub(crate) fn tokens(self, tokens: &[Token]) -> Self {
        Self(self.0.tokens(tokens))
    }

    pub(crate) fn start(self) -> (Workerd, Client) {
        let (workerd, client) = self.0.start();
        (workerd, client.with_token(&publisher().secret))
    }
}

/// Publishes a document whatever the head is; returns the new version.
pub(crate) async fn published(client: &Client, document: &Value) -> u64 {
    let answer = client.write(Method::PUT, "document?waive=key_loss", &[], Some(document));
    let answer = answer.await.ok().json();
    assert_eq!(answer["outcome"], "adopted", "{answer}");
    answer["version"].as_u64().unwrap()
}
