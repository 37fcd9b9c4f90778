//! The harness itself, and the platform facts it and the design rest on, on a Worker of a few lines of JavaScript.
use std::fs;
use std::time::Duration;

use crate::capnp::{self, Config, Module};
use crate::{FakeKv, FakeOrigin, Fault, Gate, KvCall, PATIENCE, Proxy, Workerd, until};

const WORKER: &str = r#"
export class Coordinator {
  constructor(state, env) { this.state = state; this.env = env; }
  async fetch(request) {
    const path = new URL(request.url).pathname;
    const attempt = async (call) => { try { return await call(); } catch (error) { return `threw ${error}`; } };
    if (path === "/arm") { await this.state.storage.setAlarm(Date.now() + 100); return new Response("armed"); }
    if (path === "/list") {
      let [names, cursor] = [[], undefined];
      for (;;) {
        const page = await this.env.CONFIG_KV.list({ prefix: "a/", cursor });
        names.push(...page.keys.map((key) => key.name));
        if (page.list_complete) return Response.json(names);
        cursor = page.cursor;
      }
    }
    if (path === "/bulk") return Response.json(await this.env.CONFIG_KV.get(["a/x", "b"]).then((found) => [...found]));
    return new Response(await attempt(async () => String(await this.env.CONFIG_KV.get("config", { cacheTtl: 30 }))));
  }
  async alarm() {
    await this.state.storage.setAlarm(Date.now() + 100);
    await this.env.CONFIG_KV.get("from-alarm");
  }
}
export default { fetch(request, env) {
  console.log(JSON.stringify({ event: "request", path: new URL(request.url).pathname }));
  if (new URL(request.url).pathname === "/healthz") return new Response("ok");
  return env.COORDINATOR.get(env.COORDINATOR.idFromName("default")).fetch(request);
} };
"#;

fn start(kv: &FakeKv) -> Workerd {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("modules")).unwrap();
    fs::create_dir(folder.path().join(capnp::DISK)).unwrap();
    fs::write(folder.path().join("modules/worker.js"), WORKER).unwrap();
    let config = Config {
        modules: &[Module::from_file("worker.js").unwrap()],
        modules_folder: "modules",
        compatibility_date: "2026-01-01",
        compatibility_flags: &[],
        bindings: &[
            capnp::binding("COORDINATOR", "durableObjectNamespace", "Coordinator"),
            capnp::binding("CONFIG_KV", "kvNamespace", "kv"),
            capnp::binding("QUOTES", "text", "\"\\\u{7}\n{}é"),
        ],
        externals: &[("kv".to_owned(), kv.address().to_string())],
        colo: false,
        class: Some("Coordinator"),
    };
    fs::write(Workerd::config_file(folder.path()), config.text()).unwrap();
    Workerd::start(folder)
}

#[tokio::test]
async fn kv_calls_arrive_and_are_told_apart() {
    let kv = FakeKv::start();
    for key in ["a/x", "a/y", "a/z", "b"] {
        kv.put(key, "1");
    }
    kv.put("config", "{}");
    kv.set_page(2);
    let workerd = start(&kv);
    workerd.healthy().await;
    let client = workerd.client();
    assert_eq!(client.get("/").await.text(), "{}");
    assert_eq!(client.get("/list").await.text(), r#"["a/x","a/y","a/z"]"#);
    assert_eq!(
        client.get("/bulk").await.text(),
        r#"[["a/x","1"],["b","1"]]"#
    );
    let list = || KvCall::List {
        prefix: "a/".to_owned(),
    };
    let expected = vec![
        KvCall::Get {
            key: "config".to_owned(),
            cache_ttl: Some(30),
        },
        list(),
        list(),
        KvCall::Bulk {
            keys: vec!["a/x".to_owned(), "b".to_owned()],
        },
    ];
    assert_eq!(kv.calls(), expected);
    until("the log is captured", PATIENCE, async || {
        workerd.logs().events_named("request").len() >= 4
    })
    .await;
}

#[tokio::test]
async fn faults_reach_the_worker() {
    let kv = FakeKv::start();
    kv.put("config", "0123456789");
    let workerd = start(&kv);
    let client = workerd.client();
    // Standing, because workerd tries again by itself when a connection that it had used before closes.
    for fault in [
        Fault::status(503),
        Fault::Close,
        Fault::CutLength,
        Fault::CutChunked,
    ] {
        kv.faults().stand(fault.clone());
        let answer = client.get("/").await.text();
        assert!(answer.starts_with("threw "), "{fault:?}: {answer}");
    }
    kv.faults().clear();
    kv.faults().next(Fault::status(404));
    assert_eq!(client.get("/").await.text(), "null");
    kv.faults().next(Fault::Drip {
        bytes: 3,
        every: Duration::from_millis(1),
    });
    assert_eq!(client.get("/").await.text(), "0123456789");
    kv.set_open(false).await;
    assert!(client.get("/").await.text().starts_with("threw "));
    kv.set_open(true).await;
    assert_eq!(client.get("/").await.text(), "0123456789");

    let gate = Gate::closed();
    kv.faults().next(Fault::Hold(gate.clone()));
    let held = tokio::spawn({
        let client = client.clone();
        async move { client.get("/").await.text() }
    });
    until("the call is held", PATIENCE, async || kv.in_progress() == 1).await;
    assert!(!held.is_finished());
    gate.open();
    assert_eq!(held.await.unwrap(), "0123456789");
}

#[tokio::test]
async fn the_proxy_counts_cuts_and_follows_a_restart() {
    let kv = FakeKv::start();
    kv.put("config", "{}");
    let mut workerd = start(&kv);
    let proxy = Proxy::to(workerd.address());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let through =
        async || Ok::<_, reqwest::Error>(http.get(proxy.url()).send().await?.status().as_u16());
    assert_eq!(through().await.unwrap(), 200);
    proxy.set_open(false).await;
    assert!(through().await.unwrap_err().is_connect());
    proxy.set_open(true).await;
    workerd.kill9();
    assert_eq!(through().await.unwrap(), 502);
    workerd.start_again();
    assert_eq!(through().await.unwrap(), 200);
    assert_eq!(
        proxy
            .calls()
            .iter()
            .map(|call| call.status)
            .collect::<Vec<_>>(),
        [200, 502, 200]
    );
    assert_eq!(proxy.count(), 3);
}

#[tokio::test]
async fn the_origin_answers_conditionally_and_redirects() {
    let origin = FakeOrigin::start();
    origin.put("/config", "{}");
    origin.redirect("/old", 302, "/config");
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let first = http.get(origin.url("/config")).send().await.unwrap();
    let etag = first.headers()["etag"].clone();
    let again = http
        .get(origin.url("/config"))
        .header("if-none-match", etag)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 304);
    let moved = http.get(origin.url("/old")).send().await.unwrap();
    assert_eq!(
        (
            moved.status().as_u16(),
            moved.headers()["location"].to_str().unwrap()
        ),
        (302, "/config")
    );
    origin.require_bearer("secret");
    assert_eq!(
        http.get(origin.url("/config"))
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    let with = http
        .get(origin.url("/config"))
        .bearer_auth("secret")
        .send()
        .await
        .unwrap();
    assert_eq!(with.status(), 200);
    assert_eq!(
        origin
            .calls()
            .iter()
            .map(|call| call.status)
            .collect::<Vec<_>>(),
        [200, 304, 302, 401, 200]
    );
}

/// Platform: after `kill -9` and a restart alarms go on, though no request wakes the object.
#[tokio::test]
async fn alarms_go_on_after_a_crash_without_a_request() {
    let kv = FakeKv::start();
    let mut workerd = start(&kv);
    assert_eq!(workerd.client().get("/arm").await.text(), "armed");
    until("the alarm rings", PATIENCE, async || kv.count() >= 2).await;
    workerd.kill9();
    let before = kv.count();
    workerd.start_again();
    until("the alarm rings again", PATIENCE, async || {
        kv.count() >= before + 2
    })
    .await;
    let requests = workerd.logs().events_named("request");
    assert_eq!(requests.len(), 1, "{requests:?}");
}
