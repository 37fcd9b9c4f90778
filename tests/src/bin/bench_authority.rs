//! What the authority costs on this machine: a publish beside an empty conditional read, and an operator's pages with
//! few and with many versions. Peers take turns in one run; medians with the range of the middle eight tenths.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Instant;

use bellwether_tests::{Client, Deployment, Token};
use reqwest::Method;
use serde_json::{Value, json};

/// How often each peer is measured.
const ROUNDS: usize = 300;
const PUBLISH_BYTES: usize = 20_000;
const LARGE_BYTES: usize = 1_040_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let token = Token::new("bench", "bench-secret-8d01", &["read", "reload", "publish"]);
    let space = json!({ "source": "none", "guard": { "max_key_loss": 100 } });
    let settings = json!({ "spaces": { "publish": space, "few": space, "many": space } });
    let deployment = Deployment::coordinator()
        .settings(settings)
        .tokens(std::slice::from_ref(&token));
    let (_workerd, client) = deployment.start();
    let client = client.with_token(&token.secret);
    publishes(&client.in_space("publish")).await;
    pages(&client.in_space("few"), &client.in_space("many")).await;
}

/// A document of this size with a schema to keep, adopted and durable, beside a read that is answered 304.
async fn publishes(client: &Client) {
    let schema = json!({
        "type": "object",
        "required": ["mark", "items"],
        "properties": {
            "mark": { "type": "integer", "minimum": 0 },
            "items": { "type": "array", "items": {
                "type": "object",
                "required": ["name", "width"],
                "properties": {
                    "name": { "type": "string", "pattern": "^[a-z]+-[0-9]+$" },
                    "width": { "type": "integer", "minimum": 1, "maximum": 10000 },
                },
            } },
        },
    });
    client
        .write(Method::PUT, "document", &[], Some(&items(PUBLISH_BYTES, 0)))
        .await
        .ok();
    client
        .write(Method::PUT, "schema", &[], Some(&schema))
        .await
        .ok();
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS + 20 {
        let etag = client.snapshot().await.etag.unwrap();
        let path = client.path("snapshot");
        let started = Instant::now();
        let read = client.get_with(&path, "if-none-match", &etag).await;
        let read_us = us(started);
        assert_eq!(read.status, 304);
        let document = items(PUBLISH_BYTES, round + 1);
        let started = Instant::now();
        let written = client
            .write(Method::PUT, "document", &[], Some(&document))
            .await
            .ok();
        let write_us = us(started);
        assert_eq!(written.json()["outcome"], "adopted");
        // The first ones warm the machine up.
        if round >= 20 {
            reads.push(read_us);
            writes.push(write_us);
        }
    }
    println!("publish of {PUBLISH_BYTES} bytes that keep a schema, {ROUNDS} rounds");
    println!("  conditional read, 304        {}", told(&mut reads));
    println!("  publish, adopted and durable {}", told(&mut writes));
    println!(
        "  ratio of medians             {:.2} (at most 3)",
        ratio(&writes, &reads)
    );
}

/// Status and a page of versions: a space with 3 versions of 1 MiB beside one with 100.
async fn pages(few: &Client, many: &Client) {
    for (client, versions) in [(few, 2), (many, 99)] {
        for mark in 0..versions {
            let document = json!({ "mark": mark, "text": "x".repeat(LARGE_BYTES) });
            client
                .write(Method::PUT, "document", &[], Some(&document))
                .await
                .ok();
        }
        let page = client
            .get(&client.path("versions?limit=100"))
            .await
            .ok()
            .json();
        assert_eq!(
            page["versions"].as_array().map(Vec::len),
            Some(versions + 1)
        );
    }
    println!("pages of a space with 3 versions of 1 MiB beside one with 100, {ROUNDS} rounds");
    // A page of as many entries in both.
    for leaf in ["status", "versions?limit=3"] {
        let (mut small, mut large) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            for (client, times) in [(few, &mut small), (many, &mut large)] {
                let started = Instant::now();
                client.get(&client.path(leaf)).await.ok();
                times.push(us(started));
            }
        }
        println!("  {leaf:<18} 3 versions   {}", told(&mut small));
        println!("  {leaf:<18} 100 versions {}", told(&mut large));
        println!("  {leaf:<18} ratio        {:.2}", ratio(&large, &small));
    }
}

fn items(bytes: usize, mark: usize) -> Value {
    let one = json!({ "name": "thumbnail-100", "width": 640 });
    let count = bytes / (one.to_string().len() + 1);
    let items: Vec<Value> = (0..count)
        .map(|index| json!({ "name": format!("thumbnail-{}", 100 + index % 900), "width": 1 + (index + mark) % 900 }))
        .collect();
    json!({ "mark": mark, "items": items })
}

fn us(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e6
}

/// Sorts, and tells the median and the range of the middle eight tenths.
fn told(times: &mut [f64]) -> String {
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    format!("{:>7.0} us ({:.0} to {:.0})", at(50), at(10), at(90))
}

fn ratio(one: &[f64], other: &[f64]) -> f64 {
    one[one.len() / 2] / other[other.len() / 2]
}
