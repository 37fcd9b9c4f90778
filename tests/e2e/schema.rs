//! A JSON Schema per space, by the validator that the Worker bundles.
use bellwether_tests::{Answer, Client, Deployment, FakeKv, Logs, Token, Workerd, until};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{first_document, from_source, marked, on_kv, quiet};

/// A space that lives by publishing, and its operator.
fn published() -> (Workerd, Client) {
    with_publisher(Deployment::coordinator().settings(quiet(json!({ "source": "none" }))))
}

fn with_publisher(deployment: Deployment) -> (Workerd, Client) {
    let token = Token::new(
        "publisher",
        "publisher-secret",
        &["read", "reload", "publish"],
    );
    let (workerd, client) = deployment.tokens(&[token]).start();
    (workerd, client.with_token("publisher-secret"))
}

async fn write(client: &Client, method: Method, leaf: &str, body: &str) -> Answer {
    let request = client.request(method, &client.path(leaf));
    let request = request.header("if-match", "*");
    let request = request
        .header("content-type", "application/json")
        .body(body.to_owned());
    client.send(request).await.expect("it is answered")
}

async fn put(client: &Client, leaf: &str, value: &Value) -> Answer {
    write(client, Method::PUT, leaf, &value.to_string()).await
}

/// The same, which must be taken.
async fn set(client: &Client, leaf: &str, value: &Value) {
    take(put(client, leaf, value).await);
}

fn take(answer: Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// `pointer: message` of each error.
fn errors(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().expect("it has errors");
    let text = |error: &Value, name: &str| error[name].as_str().expect("it has one").to_owned();
    let line = |error: &Value| format!("{}: {}", text(error, "pointer"), text(error, "message"));
    errors.iter().map(line).collect()
}

#[tokio::test]
async fn what_is_published_keeps_the_schema() {
    let (_workerd, client) = published();
    let schema = json!({
        "type": "object",
        "required": ["port"],
        "properties": { "port": { "type": "integer", "maximum": 65535 } },
        "additionalProperties": false,
    });
    // The head is empty: it has no port.
    let refused = put(&client, "schema", &schema).await.problem(422);
    assert_eq!(
        errors(&refused),
        [": found an object without \"port\"; expected the key \"port\""]
    );
    let dry = put(&client, "schema?dry_run", &schema).await.ok().json();
    assert_eq!(dry["head_is_valid"], false, "{dry}");
    assert_eq!(client.get(&client.path("schema")).await.status, 404);
    set(&client, "schema?force", &schema).await;
    assert_eq!(client.get(&client.path("schema")).await.ok().json(), schema);

    let wrong = json!({ "port": "80", "prot": 1 });
    let refused = put(&client, "document", &wrong).await.problem(422);
    assert_eq!(
        errors(&refused),
        [
            "/port: found a string; expected an integer",
            "/prot: found a number; expected a known key: did you mean \"port\"?",
        ]
    );
    let dry = put(&client, "document?dry_run", &wrong).await.ok().json();
    assert_eq!(dry["outcome"], "rejected");
    let expected = json!({
        "pointer": "/port", "code": "schema", "message": "found a string; expected an integer",
        "expected": "an integer", "found": "a string",
    });
    assert_eq!(dry["reasons"][0], expected);
    set(&client, "document", &json!({ "port": 80 })).await;

    take(write(&client, Method::DELETE, "schema", "").await);
    assert_eq!(client.get(&client.path("schema")).await.status, 404);
    set(&client, "document", &wrong).await;
    assert_eq!(client.snapshot().await.document, wrong);
}

#[tokio::test]
async fn what_is_pulled_keeps_the_schema() {
    let kv = FakeKv::start();
    let (mut workerd, client) = with_publisher(on_kv(&kv, quiet(json!({}))));
    let version = from_source(&client).await;
    let schema = json!({ "properties": { "mark": { "maximum": 5 } } });
    set(&client, "schema", &schema).await;
    // It is read again from storage.
    workerd.kill9();
    workerd.start_again();

    kv.put_json("config", &marked(6));
    assert_eq!(client.reload().await["outcome"], "rejected");
    let status = client.status().await;
    let reason = json!({
        "pointer": "/mark", "code": "schema", "message": "found a number; expected a number of at most 5",
        "expected": "a number of at most 5", "found": "a number",
    });
    assert!(status.to_string().contains(&reason.to_string()), "{status}");
    let head = client.snapshot().await;
    assert_eq!((head.version, head.document), (version, first_document()));
    kv.put_json("config", &marked(5));
    assert_eq!(client.reload().await["outcome"], "adopted");
}

#[tokio::test]
async fn schemas_that_cannot_be_used_are_refused() {
    let (_workerd, client) = published();
    for (schema, expected) in [
        (
            json!({ "type": "strng" }),
            "/type: found an unknown type name; expected a type: did you mean \"string\"?",
        ),
        (
            json!({ "items": { "$ref": "https://example.org/s" } }),
            "/items/$ref: found the reference \"https://example.org/s\"; expected one that leads to an \"$id\" in this document: schemas elsewhere are not fetched",
        ),
        (
            json!({ "pattern": "(?=a)" }),
            "/pattern: found a pattern that looks ahead or behind; expected a pattern without \"(?=\", \"(?!\", \"(?<=\" and \"(?<!\", which take more than linear time",
        ),
    ] {
        let refused = put(&client, "schema", &schema).await.problem(422);
        assert_eq!(errors(&refused), [expected]);
    }
    for body in ["", "[]", "true", "{\"a\":1,\"a\":2}"] {
        let refused = write(&client, Method::PUT, "schema", body).await;
        refused.problem(400);
    }
    assert_eq!(client.get(&client.path("schema")).await.status, 404);
}

#[tokio::test]
async fn secrets_and_values_are_not_shown() {
    const CANARY: &str = "CANARY";
    let kv = FakeKv::start();
    let (workerd, client) = with_publisher(on_kv(
        &kv,
        quiet(json!({ "source": { "kv": "CONFIG_KV", "key": "config" }, "publish": true })),
    ));
    from_source(&client).await;
    let listed = json!({ "enum": ["CANARY-listed"], "pattern": "CANARY-pattern", "maxLength": 3 });
    let mut marked = listed.clone();
    marked["writeOnly"] = json!(true);
    let schema = json!({
        "properties": { "db_password": listed, "keys": { "items": marked }, "plain": { "type": "null" } }
    });
    set(&client, "schema", &schema).await;

    // With the head's keys: too many lost ones would be refused first.
    let mut document = first_document();
    document["db_password"] = json!("CANARY-a");
    document["keys"] = json!(["CANARY-b"]);
    document["plain"] = json!("CANARY-c");
    let refused = put(&client, "document", &document).await;
    assert!(!refused.text().contains(CANARY), "{}", refused.text());
    assert_eq!(errors(&refused.problem(422)).len(), 7);
    kv.put_json("config", &document);
    assert_eq!(client.reload().await["outcome"], "rejected");
    let status = client.status().await.to_string();
    assert!(status.contains("expected null"), "{status}");
    assert!(!status.contains(CANARY), "{status}");
    let audit = client.get(&client.path("audit")).await.ok().text();
    assert!(!audit.contains(CANARY), "{audit}");
    rejection_is_logged(workerd.logs()).await;
    assert!(!workerd.logs().text().contains(CANARY));
}

async fn rejection_is_logged(logs: &Logs) {
    until(
        "the rejection is logged",
        bellwether_tests::PATIENCE,
        async || {
            let mut events = logs.events_named("refresh").into_iter();
            events.any(|event| event["outcome"] == "rejected")
        },
    )
    .await;
}

/// Each of these would hold the object for hours, or kill it, and no other request would be answered.
#[tokio::test]
async fn nothing_runs_away() {
    let (_workerd, client) = published();
    let mut levels = serde_json::Map::new();
    for level in 0..40 {
        let next = json!({ "$ref": format!("#/$defs/d{}", level + 1) });
        levels.insert(format!("d{level}"), json!({ "anyOf": [next, next] }));
    }
    levels.insert("d40".to_owned(), json!({ "type": "string" }));
    let numbers: Vec<u32> = (0..140_000).collect();
    let of_v = |schema: Value| json!({ "properties": { "v": schema } });
    for (schema, document, expected) in [
        (
            of_v(json!({ "pattern": "^(a+)+$" })),
            json!({ "w": 1, "v": "a".repeat(100_000) + "!" }),
            "found a string; expected a text that matches",
        ),
        (
            json!({ "$defs": levels, "properties": { "v": { "$ref": "#/$defs/d0" } } }),
            json!({ "w": 1, "v": 1 }),
            "so the document counts as refused",
        ),
        (
            of_v(json!({ "uniqueItems": true })),
            json!({ "w": 1, "v": numbers }),
            "so the document counts as refused",
        ),
    ] {
        set(&client, "schema", &schema).await;
        let refused = put(&client, "document", &document).await.problem(422);
        let said = errors(&refused).remove(0);
        assert!(said.contains(expected), "{said}");
        // The object lives, and its memory is in order.
        set(&client, "document", &json!({ "w": 1 })).await;
        take(write(&client, Method::DELETE, "schema", "").await);
    }
}

#[tokio::test]
async fn keys_that_objects_have_by_themselves_are_keys_like_others() {
    let (_workerd, client) = published();
    let schema = r#"{
        "properties": { "__proto__": { "type": "string" }, "constructor": { "type": "string" } },
        "propertyNames": { "enum": ["__proto__", "constructor"] }
    }"#;
    take(write(&client, Method::PUT, "schema", schema).await);
    let document = r#"{"__proto__":{"polluted":1},"constructor":5,"toString":1}"#;
    let refused = write(&client, Method::PUT, "document", document).await;
    assert_eq!(
        errors(&refused.problem(422)),
        [
            "/toString: found a key; expected one of \"__proto__\", \"constructor\"",
            "/__proto__: found an object; expected a string",
            "/constructor: found a number; expected a string",
        ]
    );
    let fits = r#"{"__proto__":"x","constructor":"y"}"#;
    take(write(&client, Method::PUT, "document", fits).await);
    let head = client.get(&client.path("snapshot")).await.ok().text();
    assert_eq!(head, fits);
}
