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
/// Rounds before that, which warm the machine up.
const WARM_UP: usize = 50;
const PUBLISH_BYTES: usize = 20_000;
const SMALL_BYTES: usize = 100;
const LARGE_BYTES: usize = 1_040_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let token = Token::new("bench", "bench-secret-8d01", &["read", "reload", "publish"]);
    let space = json!({ "source": "none", "guard": { "max_key_loss": 100 } });
    let settings = json!({ "spaces": {
        "small": space, "plain": space, "kept": space, "few": space, "many": space,
    } });
    let deployment = Deployment::coordinator()
        .settings(settings)
        .tokens(std::slice::from_ref(&token));
    let (_workerd, client) = deployment.start();
    let client = client.with_token(&token.secret);
    publishes(
        &client.in_space("small"),
        &client.in_space("plain"),
        &client.in_space("kept"),
    )
    .await;
    pages(&client.in_space("few"), &client.in_space("many")).await;
}

/// A document of this size with a schema to keep, adopted and durable, beside a read that is answered 304; and beside
/// it what the parts of that cost: a small document, and one without a schema.
async fn publishes(small: &Client, plain: &Client, kept: &Client) {
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
    publish(kept, PUBLISH_BYTES, 0).await;
    kept.write(Method::PUT, "schema", &[], Some(&schema))
        .await
        .ok();
    let peers = [
        (small, SMALL_BYTES),
        (plain, PUBLISH_BYTES),
        (kept, PUBLISH_BYTES),
    ];
    let mut reads = Vec::new();
    let mut writes = [Vec::new(), Vec::new(), Vec::new()];
    for round in 1..=ROUNDS + WARM_UP {
        let etag = kept.snapshot().await.etag.unwrap();
        let path = kept.path("snapshot");
        let started = Instant::now();
        let read = kept.get_with(&path, "if-none-match", &etag).await;
        let read_us = us(started);
        assert_eq!(read.status, 304);
        if round > WARM_UP {
            reads.push(read_us);
        }
        for ((client, bytes), times) in peers.into_iter().zip(&mut writes) {
            let write_us = publish(client, bytes, round).await;
            if round > WARM_UP {
                times.push(write_us);
            }
        }
    }
    println!("publish of {PUBLISH_BYTES} bytes that keep a schema, {ROUNDS} rounds");
    println!("  conditional read, 304        {}", told(&mut reads));
    let [small, plain, kept] = &mut writes;
    println!("  publish, adopted and durable {}", told(kept));
    println!("  the same without a schema    {}", told(plain));
    println!("  the same of {SMALL_BYTES} bytes        {}", told(small));
    println!(
        "  ratios of medians            {:.2} (at most 3), {:.2}, {:.2}",
        ratio(kept, &reads),
        ratio(plain, &reads),
        ratio(small, &reads)
    );
}

async fn publish(client: &Client, bytes: usize, mark: usize) -> f64 {
    let document = items(bytes, mark);
    let started = Instant::now();
    let written = client
        .write(Method::PUT, "document", &[], Some(&document))
        .await
        .ok();
    let took_us = us(started);
    assert_eq!(written.json()["outcome"], "adopted");
    took_us
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
