//! A coordinator and examples/follower beside it, by each transport, and what its answers show.
use std::fs;

use bellwether_tests::{
    Answer, Client, Deployment, FakeKv, Logs, PATIENCE, Paths, Proxy, Token, Workerd, until_some,
};
use serde_json::{Value, json};

/// Which follower it is, and how it reaches the coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// The object's binding, from another script in the same process.
    Object,
    /// A service binding, in the same process.
    Service,
    /// A URL, from another process, through a proxy that counts.
    Url,
    /// [`Via::Object`] by the reader for TypeScript, and so on.
    TypeScriptObject,
    TypeScriptService,
    TypeScriptUrl,
}

pub(crate) const EVERY_WAY: [Via; 6] = [
    Via::Object,
    Via::Service,
    Via::Url,
    Via::TypeScriptObject,
    Via::TypeScriptService,
    Via::TypeScriptUrl,
];

pub(crate) const BY_OBJECT: [Via; 2] = [Via::Object, Via::TypeScriptObject];

pub(crate) const BY_URL: [Via; 2] = [Via::Url, Via::TypeScriptUrl];

impl Via {
    pub(crate) fn is_typescript(self) -> bool {
        matches!(
            self,
            Self::TypeScriptObject | Self::TypeScriptService | Self::TypeScriptUrl
        )
    }

    /// The follower in its language.
    pub(crate) fn written(self, follower: Deployment) -> Deployment {
        if self.is_typescript() {
            follower.in_typescript()
        } else {
            follower
        }
    }
}

/// A coordinator and a follower that nobody asked anything yet.
pub(crate) struct Rig {
    pub(crate) operator: Client,
    pub(crate) follower: Client,
    pub(crate) proxy: Proxy,
    pub(crate) coordinator: Workerd,
    pub(crate) elsewhere: Option<Workerd>,
}

impl Rig {
    pub(crate) fn start(kv: &FakeKv, via: Via, settings: Value, reader: Value) -> Self {
        Self::start_with(kv, via, settings, reader, |follower| follower)
    }

    /// `change` has the last word on the follower's deployment.
    pub(crate) fn start_with(
        kv: &FakeKv,
        via: Via,
        settings: Value,
        reader: Value,
        change: impl FnOnce(Deployment) -> Deployment,
    ) -> Self {
        let operator = Token::new(
            "operator",
            "operator-secret-93ce",
            &["read", "reload", "publish"],
        );
        let token = Token::new("follower", "follower-secret-41d8", &["read"]);
        let leader = Deployment::coordinator()
            .kv(kv)
            .settings(settings)
            .tokens(&[operator.clone(), token.clone()]);
        let beside = match via {
            Via::Object | Via::TypeScriptObject => Some(Deployment::follower(reader.clone())),
            Via::Service | Via::TypeScriptService => {
                Some(Deployment::follower_by_service(reader.clone(), &token))
            }
            Via::Url | Via::TypeScriptUrl => None,
        };
        let change = |follower| change(via.written(follower));
        let (coordinator, follower, elsewhere, proxy);
        match beside {
            Some(beside) => {
                coordinator = leader.with_neighbour(change(beside)).start().0;
                follower = coordinator.neighbour();
                elsewhere = None;
                proxy = Proxy::to(coordinator.address());
            }
            None => {
                coordinator = leader.start().0;
                proxy = Proxy::to(coordinator.address());
                let deployment = Deployment::follower_by_url(&proxy.url(), reader, &token);
                let process = change(deployment).start().0;
                follower = process.client();
                elsewhere = Some(process);
            }
        }
        Self {
            operator: coordinator.client().with_token(&operator.secret),
            follower,
            proxy,
            coordinator,
            elsewhere,
        }
    }

    /// What the follower printed; beside the coordinator, what both did.
    pub(crate) fn logs(&self) -> &Logs {
        self.elsewhere.as_ref().unwrap_or(&self.coordinator).logs()
    }

    pub(crate) async fn get(&self) -> Answer {
        self.follower.get("/").await
    }

    /// The follower's view; must be answered with 200.
    pub(crate) async fn read(&self) -> Value {
        self.get().await.ok().json()
    }

    pub(crate) async fn report(&self) -> Value {
        self.follower.get("/report").await.ok().json()
    }

    /// Reloads, and gives the version adopted.
    pub(crate) async fn adopt(&self) -> u64 {
        let reload = self.operator.reload().await;
        assert_eq!(reload["outcome"], "adopted", "{reload}");
        reload["version"].as_u64().unwrap()
    }

    /// Waits until the follower is on this version; every read until then must be one that `allowed` allows.
    pub(crate) async fn reaches(&self, version: u64, allowed: impl Fn(&Value) -> bool) -> Value {
        until_some("the follower is on the version", PATIENCE, async || {
            let read = self.read().await;
            assert!(allowed(&read), "{read}");
            (read["version"] == version).then_some(read)
        })
        .await
    }
}

/// The project's sample document, with the revision in both sections.
pub(crate) fn revision(number: u64) -> Value {
    let path = Paths::get().root().join("examples/video-config.json");
    let mut document: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    document["video"]["limits"]["width"]["max"] = json!(WIDTH + number);
    document["cache"]["key"]["version"] = json!(number);
    document
}

pub(crate) const WIDTH: u64 = 1000;

/// Whether a read shows this revision in each section.
pub(crate) fn shows(read: &Value, number: u64) -> bool {
    read["video"] == json!({ "default_tier": "free", "max_width": WIDTH + number })
        && read["cache"] == json!({ "key_version": number, "long_edge_ttl_s": 604_800 })
}

/// Whether a read shows the follower's own built-in configuration, nothing having been received.
pub(crate) fn shows_base(read: &Value) -> bool {
    read["version"] == Value::Null
        && read["state"] == "base"
        && read["age_ms"] == 0
        && read["video"] == json!({ "default_tier": "free", "max_width": 1280 })
        && read["cache"] == json!({ "key_version": 0, "long_edge_ttl_s": 60 })
}

pub(crate) fn on(kv: &FakeKv, number: u64) {
    kv.put_json("config", &revision(number));
}

/// What must be in no log and no report, wherever the source puts it.
pub(crate) const SECRET: &str = "s3cret-5d1f";
