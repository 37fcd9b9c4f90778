//! Random traces: a coordinator that adopts, schedules, takes back and lies, a network that delays, reorders and loses, a
//! clock that jumps, and reads in between. What the Rust reader does in them is what the TypeScript reader must do.

use std::time::{SystemTime, UNIX_EPOCH};

use bellwether_core::reading::colo::{COLO_DEADLINE_MS, document_key};
use bellwether_core::version::ETag;
use bellwether_simulation::rng::Rng;
use serde_json::{Map, Value, json};

use crate::scene::Scene;
use crate::shelf::word_key;

/// Of `READER_SEED`, or another one each time.
pub(crate) fn seed() -> u64 {
    let set = std::env::var("READER_SEED").ok();
    set.map_or_else(
        || {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs())
        },
        |seed| seed.parse().expect("READER_SEED is a number"),
    )
}

/// So many traces, as vectors.
pub(crate) fn traces(seed: u64, count: u64) -> Vec<Value> {
    (0..count).map(|number| trace(seed, number)).collect()
}

#[test]
fn a_seed_gives_the_same_traces_and_they_reach_every_state() {
    let text = |seed| crate::vectors::written(&traces(seed, 200));
    let first = text(7);
    assert_eq!(first, text(7));
    for reached in [
        "\"state\":\"fresh\"",
        "\"state\":\"stale\"",
        "\"state\":\"expired\"",
        "\"state\":\"base\"",
        "\"error\":\"expired\"",
        "snapshot?pending=",
        "\"rejected\":\"/b\"",
        "\"pending\":{\"version\"",
        "\"put\":",
        "\"colo_hits\":1",
        "\"log\":\"colo_cache_off\"",
    ] {
        assert!(first.contains(reached), "{reached}");
    }
}

fn trace(seed: u64, number: u64) -> Value {
    let mut rng = Rng::stream(seed, number);
    let reader = reader(&mut rng);
    let scene = Scene::new(&reader);
    let mut coordinator = Coordinator {
        head: 1,
        scheduled: None,
    };
    let mut steps = Vec::new();
    for nth in 0..rng.between(20, 60) {
        let colo = reader["colo_cache"] == true && rng.one_in(6);
        let step = if colo {
            colo_step(&mut rng, &scene, &coordinator)
        } else {
            step(&mut rng, &scene.open_calls(), &mut coordinator, nth)
        };
        let came = scene.step(&step);
        steps.push(json!({ "do": step, "then": came }));
    }
    let step = json!({ "status": true });
    let came = scene.step(&step);
    steps.push(json!({ "do": step, "then": came }));
    json!({ "name": format!("seed {seed}, trace {number}"), "reader": reader, "steps": steps })
}

fn reader(rng: &mut Rng) -> Value {
    // No read waits exactly as long as its look into the cache may take: the call that follows would tell of the read in one
    // reader and not in the other, and which of two things of one moment is first means nothing.
    let wait = |rng: &mut Rng| {
        let wait_ms = rng.between(1, 200);
        let wait_ms = wait_ms + u64::from(wait_ms == COLO_DEADLINE_MS);
        json!({ "wait": format!("{wait_ms}ms") })
    };
    let cold_start = if rng.one_in(3) {
        json!("base")
    } else {
        wait(rng)
    };
    let on_expired = match rng.below(3) {
        0 => json!("serve"),
        1 => json!("error"),
        _ => wait(rng),
    };
    let timeout = format!("{}ms", rng.between(50, 500));
    json!({
        "cold_start": cold_start,
        "on_expired": on_expired,
        "revalidate_timeout": timeout,
        "colo_cache": rng.one_in(2),
    })
}

/// What the traces' coordinator would say now.
struct Coordinator {
    head: u64,
    scheduled: Option<u64>,
}

fn step(rng: &mut Rng, open: &[u64], coordinator: &mut Coordinator, nth: u64) -> Value {
    if !open.is_empty() && rng.one_in(2) {
        let call = open[rng.below(open.len() as u64) as usize];
        return match rng.below(12) {
            0 => json!({ "fail": call }),
            1 => json!({ "cut": call }),
            _ => answer(rng, call, coordinator),
        };
    }
    match rng.below(20) {
        0 => json!({ "peek": true }),
        1 => json!({ "status": true }),
        2 => json!({ "clock": rng.scaled(1, 5_000) }),
        3 => json!({ "clock": -(rng.scaled(1, 2_000_000) as i64) }),
        4..=9 => json!({ "pass": rng.scaled(1, 3_000) }),
        10..=16 => json!({ "read": nth }),
        _ => json!({ "read": nth, "at_least": minimum(rng, coordinator) }),
    }
}

/// One that is there, that will be soon, or never.
fn minimum(rng: &mut Rng, coordinator: &Coordinator) -> u64 {
    match rng.below(8) {
        0 => 1 << 50,
        _ => rng.between(1, coordinator.head + 2),
    }
}

/// What the data centre's cache does, and what other isolates or nobody knows who put there.
fn colo_step(rng: &mut Rng, scene: &Scene, coordinator: &Coordinator) -> Value {
    let version = match rng.below(4) {
        0 => coordinator.head.saturating_sub(1).max(1),
        1 => coordinator.head + 1,
        _ => coordinator.head,
    };
    let etag = format!("\"v{version}\"");
    match rng.below(8) {
        0 => {
            let moods = ["works", "works", "works", "forgets", "fails", "hangs"];
            json!({ "cache": moods[rng.below(moods.len() as u64) as usize] })
        }
        1..=3 => {
            let bodies = [
                format!("{{\"a\":{version},\"b\":{version}}}"),
                format!("{{\"a\":{version},\"b\":\"x\"}}"),
                String::new(),
            ];
            let body = bodies[rng.below(4).saturating_sub(1) as usize].clone();
            let key = document_key(&word_key(), &ETag::from_header(&etag).expect("an ETag"));
            json!({ "shelve": key, "text": body })
        }
        _ => {
            let (ttl_ms, swr_ms) = (rng.scaled(50, 4_000), rng.scaled(1, 4_000));
            let age_ms = rng.scaled(1, 500);
            let base = if rng.one_in(20) { ", base" } else { "" };
            let terms = format!("age_ms={age_ms}, ttl_ms={ttl_ms}, swr_ms={swr_ms}{base}");
            let pending = coordinator
                .scheduled
                .map(|next| format!("version={next}, in_ms={}", rng.scaled(1, 2_000)))
                .unwrap_or_default();
            // By a clock a little ahead or behind, or far from this one.
            let clock = (scene.now().0 + 200).saturating_sub(rng.scaled(1, 1_000));
            let mut text = format!("{version}\n{etag}\n{terms}\n{pending}\n{clock}");
            if rng.one_in(20) {
                text.truncate(rng.below(text.len() as u64) as usize);
            }
            json!({ "shelve": word_key(), "text": text })
        }
    }
}

/// Anything that such a call may be answered with.
fn answer(rng: &mut Rng, call: u64, coordinator: &mut Coordinator) -> Value {
    if rng.one_in(3) {
        coordinator.head = coordinator.scheduled.take().unwrap_or(coordinator.head + 1);
    }
    if rng.one_in(4) {
        let next = coordinator.head + rng.between(1, 2);
        coordinator.scheduled = (!rng.one_in(3)).then_some(next);
    }
    let status = match rng.below(12) {
        0 => 503,
        1 => 404,
        2..=5 => 304,
        _ => 200,
    };
    let version = match rng.below(8) {
        0 => coordinator.head.saturating_sub(1).max(1),
        1 => coordinator.scheduled.unwrap_or(coordinator.head),
        _ => coordinator.head,
    };
    let mut headers = Map::new();
    headers.insert("bellwether-version".to_owned(), version.to_string().into());
    headers.insert("etag".to_owned(), format!("\"v{version}\"").into());
    let age_ms = if rng.one_in(3) {
        rng.scaled(1, 2_000)
    } else {
        0
    };
    let (ttl_ms, swr_ms) = (rng.scaled(50, 1_000), rng.scaled(1, 4_000));
    let base = if rng.one_in(12) { ", base" } else { "" };
    let terms = format!("age_ms={age_ms}, ttl_ms={ttl_ms}, swr_ms={swr_ms}{base}");
    headers.insert("bellwether-freshness".to_owned(), terms.into());
    if let Some(next) = coordinator.scheduled {
        let pending = format!("version={next}, in_ms={}", rng.scaled(1, 2_000));
        headers.insert("bellwether-pending".to_owned(), pending.into());
    }
    if rng.one_in(30) {
        headers.remove("bellwether-freshness");
    }
    let body = match rng.below(12) {
        0 => json!(format!("{{\"a\":{version},\"b\":\"x\"}}")),
        1 => json!(format!("{{\"a\":{version},\"b\":")),
        2 => Value::Null,
        _ => json!(format!("{{\"a\":{version},\"b\":{version}}}")),
    };
    json!({ "answer": call, "status": status, "headers": headers, "body": body })
}
