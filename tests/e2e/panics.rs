//! What comes after a panic, behind the product's own entry (`src/shim.mjs`): tests/panicker, which panics when asked to.
use bellwether_tests::{Client, Deployment, PATIENCE, Workerd, until};

fn started() -> (Workerd, Client) {
    Deployment::panicker().start()
}

async fn count(client: &Client, of: &str) -> String {
    let answer = client.get(&format!("{of}/count")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

/// The request fails, and the next one is served by an instance of which nothing was used yet.
async fn fails_alone(of: &str, how: &str) {
    let (workerd, client) = started();
    assert_eq!(count(&client, of).await, "1");
    assert_eq!(count(&client, of).await, "2");
    for _ in 0..3 {
        let failed = client.get(&format!("{of}/{how}")).await;
        assert_eq!(failed.status, 500, "{}", failed.text());
        assert_eq!(count(&client, of).await, "1");
        assert_eq!(count(&client, of).await, "2");
    }
    // The log comes by another way than the answers.
    until("each is logged, once", PATIENCE, async || {
        let told = workerd.logs().text();
        told.matches(r#""event":"panic""#).count() == 3
    })
    .await;
}

#[tokio::test]
async fn in_the_front() {
    fails_alone("", "panic").await;
}

#[tokio::test]
async fn in_the_object() {
    fails_alone("/object", "panic").await;
}

#[tokio::test]
async fn in_the_front_after_an_await() {
    fails_alone("", "panic-later").await;
}

#[tokio::test]
async fn in_the_object_after_an_await() {
    fails_alone("/object", "panic-later").await;
}

/// An error of JavaScript that goes through wasm ends the instance, too: what it went through was not left in order.
#[tokio::test]
async fn an_error_of_javascript_in_the_front() {
    fails_alone("", "throw").await;
}

#[tokio::test]
async fn an_error_of_javascript_in_the_front_after_an_await() {
    fails_alone("", "throw-later").await;
}

#[tokio::test]
async fn an_error_of_javascript_in_the_object() {
    fails_alone("/object", "throw").await;
}

#[tokio::test]
async fn an_error_of_javascript_in_the_object_after_an_await() {
    fails_alone("/object", "throw-later").await;
}

/// Many at once, some of which panic: those that do not are served as soon as the instance is a new one.
#[tokio::test]
async fn among_many() {
    let (_workerd, client) = started();
    let asked = (0..200).map(|number| {
        let client = client.afresh();
        let path = if number % 10 == 3 { "/panic" } else { "/count" };
        tokio::spawn(async move { (path, client.get(path).await.status) })
    });
    let asked: Vec<_> = asked.collect();
    for answer in asked {
        let (path, status) = answer.await.unwrap();
        let expected = if path == "/panic" { 500 } else { 200 };
        assert_eq!(status, expected, "{path}");
    }
    until("all is well", PATIENCE, async || {
        client.get("/object/count").await.status == 200
    })
    .await;
}
