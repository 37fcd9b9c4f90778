//! The examples that resize videos: what they answer before and after, and what becomes of that in trouble.
use std::fs;

use bellwether_tests::{Answer, Client, Deployment, FakeKv, PATIENCE, Paths, Workerd, until};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{from_source, quiet};

const EXAMPLES: [&str; 2] = ["video-rust", "video-ts"];
const VIDEO: &str = "/v/alps/day-1.mp4?width=640&height=360&derivative=tablet";

#[tokio::test]
async fn they_answer_as_documented_before_and_after() {
    let cases: Vec<Value> = serde_json::from_value(json_of("video-cases.json")).unwrap();
    for (example, loader) in every("before", "after") {
        let kv = on(&json_of("video-config.json"));
        let scene = Scene::start(example, loader, &kv);
        if loader == "after" {
            follows(&scene).await;
        }
        for case in &cases {
            let answer = scene.visitor.get(case["get"].as_str().unwrap()).await;
            let mut told = answer.json();
            assert!(loader == "before" || shows_source(&told), "{told}");
            let config = told.as_object_mut().unwrap().remove("config");
            assert!(loader == "after" || config == Some(json!("KV")));
            assert_eq!(told, case["answer"], "{example}: {case}");
            assert_eq!(answer.status, case["status"], "{example}: {case}");
            let cache_control = case["cache_control"].as_str().unwrap_or("no-store");
            assert_eq!(answer.header("cache-control"), Some(cache_control));
        }
    }
}

#[tokio::test]
async fn without_kv_before_fails_and_after_answers_from_what_is_built_in() {
    for (example, loader) in every("before", "after") {
        let kv = on(&json_of("video-config.json"));
        kv.set_open(false).await;
        let scene = Scene::start(example, loader, &kv);
        let answer = attempt(&scene).await;
        if loader == "before" {
            assert!(answer.is_none_or(|answer| answer.status == 500));
            continue;
        }
        let answer = answer.unwrap();
        assert_eq!(answer.header("cache-control"), Some(BASE_CACHE_CONTROL));
        assert_eq!(answer.ok().json()["config"], NOTHING_RECEIVED);
    }
}

/// Short: soon a better one is there.
const BASE_CACHE_CONTROL: &str = "public, max-age=0, s-maxage=60, stale-while-revalidate=0";
const NOTHING_RECEIVED: &str = "Bellwether, version none, base";

#[tokio::test]
async fn an_isolate_that_follows_outlives_kv() {
    for example in EXAMPLES {
        let kv = on(&json_of("video-config.json"));
        let scene = Scene::start(example, "after", &kv);
        follows(&scene).await;
        kv.set_open(false).await;
        assert_eq!(scene.operator.reload().await["outcome"], "failed");
        let answer = scene.visitor.get(VIDEO).await.ok().json();
        assert!(shows_source(&answer), "{answer}");
    }
}

#[tokio::test]
async fn a_document_that_does_not_fit_breaks_before_and_is_refused_after() {
    for (example, loader) in every("before", "after") {
        let kv = on(&json_of("video-config.json"));
        let scene = Scene::start(example, loader, &kv);
        if loader == "after" {
            follows(&scene).await;
        }
        let mut broken = json_of("video-config.json");
        broken["video"].as_object_mut().unwrap().remove("limits");
        kv.put_json("config", &broken);
        if loader == "before" {
            assert_eq!(attempt(&scene).await.map(|answer| answer.status), Some(500));
            continue;
        }
        assert_eq!(scene.operator.reload().await["outcome"], "adopted");
        until("the reader refuses it", PATIENCE, async || {
            let answer = scene.visitor.get(VIDEO).await.ok().json();
            assert!(shows_source(&answer), "{answer}");
            !scene
                .workerd
                .logs()
                .events_named("reader_rejected")
                .is_empty()
        })
        .await;
        let answer = scene.visitor.get(VIDEO).await.ok().json();
        assert!(shows_source(&answer), "{answer}");
    }
}

#[tokio::test]
async fn memory_over_kv_reads_it_once() {
    for example in EXAMPLES {
        let kv = on(&json_of("video-config.json"));
        let scene = Scene::start(example, "cached", &kv);
        for _ in 0..3 {
            let answer = scene.visitor.get(VIDEO).await.ok().json();
            assert_eq!(answer["config"], "memory over KV");
        }
        assert_eq!(kv.count(), 1);
    }
}

#[tokio::test]
async fn a_first_read_that_waits_has_the_sources_document() {
    let kv = on(&json_of("video-config.json"));
    let scene = Scene::start("video-ts", "after-wait", &kv);
    from_source(&scene.operator).await;
    // Beyond its 50 ms it is answered from the base, and the next one is better.
    until("it has it", PATIENCE, async || {
        let answer = scene.visitor.get(VIDEO).await.ok().json();
        assert!(
            shows_source(&answer) || answer["config"] == NOTHING_RECEIVED,
            "{answer}"
        );
        shows_source(&answer)
    })
    .await;
}

/// Each example with each of the loaders.
fn every(one: &'static str, other: &'static str) -> [(&'static str, &'static str); 4] {
    let [first, second] = EXAMPLES;
    [(first, one), (first, other), (second, one), (second, other)]
}

/// A coordinator, and beside it an example that nobody asked anything yet.
struct Scene {
    workerd: Workerd,
    operator: Client,
    visitor: Client,
}

impl Scene {
    fn start(example: &'static str, loader: &str, kv: &FakeKv) -> Self {
        let reader = json!({ "reader": { "cold_start": "base" } });
        let example = Deployment::example(example, reader);
        let settings = quiet(json!({ "ttl": "1s", "stale_while_revalidate": "1h" }));
        let leader = Deployment::coordinator().kv(kv).settings(settings);
        let beside = example.secret("LOADER", loader);
        let (workerd, operator) = leader.with_neighbour(beside).start();
        let visitor = workerd.neighbour();
        Self {
            workerd,
            operator,
            visitor,
        }
    }
}

fn on(config: &Value) -> FakeKv {
    let kv = FakeKv::start();
    kv.put_json("config", config);
    kv
}

/// Waits until the reader shows the source's first document.
async fn follows(scene: &Scene) {
    until("the example follows", PATIENCE, async || {
        shows_source(&scene.visitor.get(VIDEO).await.ok().json())
    })
    .await;
}

/// Version 1 is the coordinator's own base.
fn shows_source(answer: &Value) -> bool {
    let config = answer["config"].as_str().unwrap();
    config.starts_with("Bellwether, version 2, ")
}

/// An answer, unless the connection is closed without one.
async fn attempt(scene: &Scene) -> Option<Answer> {
    let request = scene.visitor.request(Method::GET, VIDEO);
    scene.visitor.send(request).await.ok()
}

fn json_of(file: &str) -> Value {
    let path = Paths::get().root().join("examples").join(file);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}
