//! The API keeps to its own description, `/openapi.json`.
use std::collections::BTreeSet;

use bellwether_core::routes::Route;
use bellwether_tests::{
    Client, Deployment, Exchange, FakeKv, Token, Workerd, check_description, check_service,
};
use serde_json::{Value, json};

use crate::support::{first_document, from_source, quiet};

const SECRET: &str = "token-of-every-scope-51c7";
const PATH: &str = "/openapi.json";

/// One operation of the description.
struct Operation {
    path: String,
    method: String,
    needs_token: bool,
}

async fn started(kv: &FakeKv) -> (Workerd, Client) {
    kv.put_json("config", &first_document());
    let all = Token::new("everything", SECRET, &["read", "reload", "publish"]);
    let deployment = Deployment::coordinator()
        .kv(kv)
        .tokens(&[all])
        .settings(quiet(json!({
            "publish": true, "guard": { "empty": false, "max_key_loss": 100 }, "keep_versions": 1000,
        })));
    let (workerd, client) = deployment.start();
    let client = client.with_token(SECRET);
    assert_eq!(from_source(&client).await, 2);
    (workerd, client)
}

async fn description(client: &Client) -> (String, Value) {
    let answer = client.without_token().get(PATH).await.ok();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    (answer.text(), answer.json())
}

/// All operations. Security that an operation does not speak of is that of the whole.
fn operations(description: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        // What stands beside the operations of a path are its parameters and texts.
        for (method, operation) in item.as_object().unwrap() {
            if operation.get("responses").is_none() {
                continue;
            }
            let security = operation
                .get("security")
                .unwrap_or(&description["security"]);
            operations.push(Operation {
                path: path.clone(),
                method: method.to_uppercase(),
                needs_token: security.as_array().is_some_and(|any| !any.is_empty()),
            });
        }
    }
    operations
}

#[tokio::test]
async fn the_description_names_what_is_routed() {
    let kv = FakeKv::start();
    let (_workerd, client) = started(&kv).await;
    let (text, parsed) = description(&client).await;
    check_description(&text).unwrap_or_else(|said| panic!("{said}"));
    let operations = operations(&parsed);
    assert!(operations.iter().any(|operation| operation.path == PATH));
    for Operation {
        path,
        method,
        needs_token,
    } in &operations
    {
        let a_path = path.replace("{space}", "default");
        let a_path = a_path.replace("{version}", "1").replace("{id}", "1");
        let route = Route::parse(&a_path).unwrap_or_else(|| panic!("{path} is no route"));
        assert_eq!(route.scope(method).is_some(), *needs_token, "{path}");
        let described: BTreeSet<&str> = operations
            .iter()
            .filter(|other| other.path == *path)
            .map(|other| other.method.as_str())
            .collect();
        let implied = ["HEAD", "OPTIONS"];
        let routed = route
            .methods()
            .iter()
            .copied()
            .filter(|it| !implied.contains(it));
        assert_eq!(described, routed.collect(), "{path}");
        assert!(route.allows(method), "{path}");
    }
}

#[tokio::test]
async fn the_worker_keeps_to_its_description() {
    let kv = FakeKv::start();
    let (workerd, client) = started(&kv).await;
    let (_, parsed) = description(&client).await;
    let text = parsed.to_string();
    let asked = check_service(&text, &workerd.address(), SECRET).await;
    let asked = asked.unwrap_or_else(|said| panic!("{said}"));
    // What only ever met refusals was not tried.
    for Operation {
        path,
        method,
        needs_token,
    } in operations(&parsed)
    {
        let statuses: Vec<u16> = asked
            .iter()
            .filter(|exchange: &&Exchange| exchange.is_of(&method, &path))
            .map(|exchange| exchange.status)
            .collect();
        let succeeded = statuses.iter().any(|status| (200..300).contains(status));
        assert!(succeeded, "{method} {path}: {statuses:?}");
        assert_eq!(statuses.contains(&401), needs_token, "{method} {path}");
    }
}
