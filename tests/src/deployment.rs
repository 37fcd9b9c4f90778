//! What is deployed: settings, bindings, tokens; for a coordinator or for an edge.
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use bellwether_core::names;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::capnp::{self, Config, Module};
use crate::client::Client;
use crate::colo::FakeColo;
use crate::kv::FakeKv;
use crate::paths::Paths;
use crate::proxy::Proxy;
use crate::r2::FakeR2;
use crate::workerd::Workerd;

/// A token: the secret is the client's, its digest the Worker's.
#[derive(Clone, Debug)]
pub struct Token {
    /// The name, for the audit.
    pub name: String,
    /// What the client sends.
    pub secret: String,
    /// What it may do.
    pub scopes: Vec<String>,
}

impl Token {
    /// A token with these scopes.
    pub fn new(name: &str, secret: &str, scopes: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            secret: secret.to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        }
    }

    /// Its entry in the Worker's secret.
    pub fn entry(&self) -> Value {
        json!({ "name": self.name, "sha256": sha256_hex(&self.secret), "scopes": self.scopes })
    }
}

/// A Worker to be started: the coordinator's script with its object, the same script at an edge, or examples/follower.
#[derive(Clone, Debug)]
pub struct Deployment {
    script: Script,
    neighbour: Option<Box<Deployment>>,
    kv: Option<SocketAddr>,
    r2: Option<SocketAddr>,
    colo: Option<SocketAddr>,
    service: Option<SocketAddr>,
    settings: Option<Value>,
    vars: Option<Value>,
    tokens: Option<String>,
    secrets: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Script {
    /// The Worker with its object.
    Coordinator,
    /// The Worker without.
    Edge,
    /// examples/follower.
    Follower(Bound),
    /// tests/panicker.
    Panicker,
    /// Its twin in TypeScript.
    TypeScriptFollower(Bound),
    /// The example of this name, bound to the object and its source's namespace.
    Example(&'static str),
}

/// What of the coordinator's script a follower in the same process is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Object,
    Service,
    Nothing,
}

/// The names that examples/follower/wrangler.toml gives to a follower's service binding and its secret.
const FOLLOWER_SERVICE: &str = "BELLWETHER_SERVICE";
const FOLLOWER_SECRET: &str = "BELLWETHER_TOKEN";

/// The service binding of an edge that has one.
const SERVICE: &str = "LEADER";

/// The secret of the token that every deployment has unless it says otherwise.
pub(crate) const OPERATOR_SECRET: &str = "operator-secret-b7f1";

impl Deployment {
    /// The binding of the bucket, where there is one.
    pub const BUCKET: &str = "CONFIG_BUCKET";

    /// A coordinator with no settings and no source, and one token that may read and reload.
    pub fn coordinator() -> Self {
        let operator = Token::new("operator", OPERATOR_SECRET, &["read", "reload"]);
        Self {
            script: Script::Coordinator,
            neighbour: None,
            kv: None,
            r2: None,
            colo: None,
            service: None,
            settings: None,
            vars: None,
            tokens: Some(json!([operator.entry()]).to_string()),
            secrets: Vec::new(),
        }
    }

    /// The same Worker with no object: it follows the coordinator at `url` by its own reader.
    pub fn edge(url: &str, reader: Value) -> Self {
        let mut reader = reader;
        reader["transport"] = json!({ "url": url, "token_secret": "EDGE_TOKEN" });
        Self {
            script: Script::Edge,
            ..Self::coordinator()
        }
        .settings(json!({ "reader": reader }))
        .secret("EDGE_TOKEN", OPERATOR_SECRET)
    }

    /// The same edge, which reaches the coordinator's Worker by a service binding instead of a URL.
    #[must_use]
    pub fn edge_by_service(proxy: &Proxy, reader: Value) -> Self {
        let mut edge = Self::edge("http://unused", reader);
        edge.service = Some(proxy.address());
        if let Some(settings) = &mut edge.settings {
            settings["reader"]["transport"] =
                json!({ "service": SERVICE, "token_secret": "EDGE_TOKEN" });
        }
        edge
    }

    /// examples/follower, bound to the object of the coordinator whose neighbour it is.
    pub fn follower(reader: Value) -> Self {
        Self {
            script: Script::Follower(Bound::Object),
            tokens: None,
            ..Self::coordinator()
        }
        .settings(json!({ "reader": reader }))
    }

    /// The same, bound to the Worker of the coordinator whose neighbour it is.
    pub fn follower_by_service(mut reader: Value, token: &Token) -> Self {
        reader["transport"] =
            json!({ "service": FOLLOWER_SERVICE, "token_secret": FOLLOWER_SECRET });
        Self {
            script: Script::Follower(Bound::Service),
            ..Self::follower(reader)
        }
        .secret(FOLLOWER_SECRET, &token.secret)
    }

    /// The same, bound to nothing: a process of its own that follows the coordinator at `url`.
    pub fn follower_by_url(url: &str, mut reader: Value, token: &Token) -> Self {
        reader["transport"] = json!({ "url": url, "token_secret": FOLLOWER_SECRET });
        Self {
            script: Script::Follower(Bound::Nothing),
            ..Self::follower(reader)
        }
        .secret(FOLLOWER_SECRET, &token.secret)
    }

    /// The Worker in examples/ of this name, bound to the object and the KV namespace of the coordinator whose neighbour
    /// it is.
    pub fn example(name: &'static str, settings: Value) -> Self {
        Self {
            script: Script::Example(name),
            tokens: None,
            ..Self::coordinator()
        }
        .settings(settings)
    }

    /// tests/panicker, with an object of its own.
    pub fn panicker() -> Self {
        Self {
            script: Script::Panicker,
            ..Self::coordinator()
        }
    }

    /// The same follower as its twin in TypeScript.
    #[must_use]
    pub fn in_typescript(mut self) -> Self {
        if let Script::Follower(bound) = self.script {
            self.script = Script::TypeScriptFollower(bound);
        }
        self
    }

    /// Another script in the same process ([`Workerd::neighbour`]).
    #[must_use]
    pub fn with_neighbour(mut self, neighbour: Self) -> Self {
        self.neighbour = Some(Box::new(neighbour));
        self
    }

    /// Binds the sample source's KV namespace.
    #[must_use]
    pub fn kv(mut self, kv: &FakeKv) -> Self {
        self.kv = Some(kv.address());
        self
    }

    /// Binds a bucket as [`Deployment::BUCKET`].
    #[must_use]
    pub fn r2(mut self, r2: &FakeR2) -> Self {
        self.r2 = Some(r2.address());
        self
    }

    /// Gives it a data centre's cache.
    #[must_use]
    pub fn colo(mut self, colo: &FakeColo) -> Self {
        self.colo = Some(colo.address());
        self
    }

    /// The settings var.
    #[must_use]
    pub fn settings(mut self, settings: Value) -> Self {
        self.settings = Some(settings);
        self
    }

    /// The layer of vars.
    #[must_use]
    pub fn vars(mut self, vars: Value) -> Self {
        self.vars = Some(vars);
        self
    }

    /// The tokens, instead of the operator's.
    #[must_use]
    pub fn tokens(self, tokens: &[Token]) -> Self {
        let entries: Vec<Value> = tokens.iter().map(Token::entry).collect();
        self.raw_tokens(Some(&Value::from(entries).to_string()))
    }

    /// The tokens' secret as it stands, or none.
    #[must_use]
    pub fn raw_tokens(mut self, text: Option<&str>) -> Self {
        self.tokens = text.map(str::to_owned);
        self
    }

    /// A secret, instead of one of that name.
    #[must_use]
    pub fn secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.retain(|(other, _)| other != name);
        self.secrets.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it and waits until it listens; sends it nothing. Gives the process and a client with the operator's token.
    pub fn start(&self) -> (Workerd, Client) {
        let folder = tempfile::Builder::new()
            .prefix("bellwether-")
            .tempdir()
            .unwrap();
        self.write(folder.path());
        let workerd = match &self.neighbour {
            None => Workerd::start(folder),
            Some(_) => Workerd::start_pair(folder),
        };
        let client = Client::operator(workerd.address());
        (workerd, client)
    }

    /// Writes the config file and the modules, over those of an earlier deployment; the disk stays.
    pub(crate) fn write(&self, folder: &Path) {
        fs::create_dir_all(folder.join(capnp::DISK)).unwrap();
        let text = self.with_config("modules", folder, |config| match &self.neighbour {
            None => config.text(),
            Some(neighbour) => {
                neighbour.with_config("neighbour", folder, |beside| config.text_with(Some(beside)))
            }
        });
        fs::write(Workerd::config_file(folder), text).unwrap();
    }

    /// Copies the script's modules to `modules` in `folder`, and hands out the config that deploys them.
    fn with_config<R>(
        &self,
        modules: &str,
        folder: &Path,
        using: impl FnOnce(&Config<'_>) -> R,
    ) -> R {
        let paths = Paths::get();
        let (build, wrangler) = match self.script {
            Script::Follower(_) => (
                paths.follower_build(),
                paths.follower().join("wrangler.toml"),
            ),
            Script::TypeScriptFollower(_) => (
                paths.typescript_follower_build(),
                paths.client("test/worker/wrangler.toml"),
            ),
            Script::Example(name) => (
                paths.example_build(name),
                paths.example(name).join("wrangler.toml"),
            ),
            Script::Coordinator | Script::Edge => (paths.build(), paths.wrangler_toml()),
            Script::Panicker => (paths.panicker_build(), paths.wrangler_toml()),
        };
        let wrangler = Wrangler::load(&wrangler);
        copy_modules(&build, &folder.join(modules));
        using(&Config {
            modules: &modules_of(&build, &wrangler.main),
            modules_folder: modules,
            compatibility_date: &wrangler.compatibility_date,
            compatibility_flags: &wrangler.compatibility_flags,
            bindings: &self.bindings(),
            externals: &self.externals(),
            colo: self.colo.is_some(),
            class: self.has_object().then_some(names::COORDINATOR_CLASS),
        })
    }

    fn has_object(&self) -> bool {
        matches!(self.script, Script::Coordinator | Script::Panicker)
    }

    fn externals(&self) -> Vec<(String, String)> {
        let named = [
            ("kv", self.kv),
            ("r2", self.r2),
            (SERVICE, self.service),
            (capnp::COLO, self.colo),
        ];
        let bound = named
            .into_iter()
            .filter_map(|(name, address)| Some((name, address?)));
        bound
            .map(|(name, address)| (name.to_owned(), address.to_string()))
            .collect()
    }

    fn bindings(&self) -> Vec<String> {
        let mut bindings = Vec::new();
        let object = (names::COORDINATOR_BINDING, names::COORDINATOR_CLASS);
        match self.script {
            Script::Coordinator | Script::Panicker => {
                bindings.push(capnp::binding(object.0, "durableObjectNamespace", object.1));
            }
            Script::Follower(Bound::Object)
            | Script::TypeScriptFollower(Bound::Object)
            | Script::Example(_) => {
                bindings.push(capnp::object_of(object.0, object.1, capnp::MAIN));
            }
            Script::Follower(Bound::Service) | Script::TypeScriptFollower(Bound::Service) => {
                bindings.push(capnp::binding(FOLLOWER_SERVICE, "service", capnp::MAIN));
            }
            Script::Follower(Bound::Nothing)
            | Script::TypeScriptFollower(Bound::Nothing)
            | Script::Edge => {}
        }
        // A neighbour's is the service that the coordinator's has.
        if self.kv.is_some() || matches!(self.script, Script::Example(_)) {
            bindings.push(capnp::binding(
                names::CONFIG_KV_BINDING,
                "kvNamespace",
                "kv",
            ));
        }
        if self.r2.is_some() {
            bindings.push(capnp::binding(Self::BUCKET, "r2Bucket", "r2"));
        }
        if self.service.is_some() {
            bindings.push(capnp::binding(SERVICE, "service", SERVICE));
        }
        for (name, json) in [
            (names::SETTINGS_VAR, &self.settings),
            (names::VARS_LAYER_VAR, &self.vars),
        ] {
            if let Some(json) = json {
                bindings.push(capnp::binding(name, "json", &json.to_string()));
            }
        }
        if let Some(tokens) = &self.tokens {
            bindings.push(capnp::binding(names::TOKENS_SECRET, "text", tokens));
        }
        bindings.extend(
            self.secrets
                .iter()
                .map(|(name, value)| capnp::binding(name, "text", value)),
        );
        bindings
    }
}

/// What the deployed Worker takes from wrangler.toml.
struct Wrangler {
    main: String,
    compatibility_date: String,
    compatibility_flags: Vec<String>,
}

impl Wrangler {
    fn load(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let text_of = |key: &str| table[key].as_str().unwrap().to_owned();
        Self {
            main: text_of("main")
                .trim_start_matches("./")
                .trim_start_matches("build/")
                .replace(".ts", ".js"),
            compatibility_date: text_of("compatibility_date"),
            compatibility_flags: table
                .get("compatibility_flags")
                .and_then(toml::Value::as_array)
                .map(|flags| {
                    flags
                        .iter()
                        .map(|flag| flag.as_str().unwrap().to_owned())
                        .collect()
                })
                .unwrap_or_default(),
        }
    }
}

/// Every module below `build`, named by its path in there; `main` first, as workerd wants the entry.
fn modules_of(build: &Path, main: &str) -> Vec<Module> {
    let mut modules: Vec<Module> = files_below(build)
        .iter()
        .filter_map(|name| Module::from_file(name))
        .collect();
    modules.sort_by_key(|module| (module.name != main, module.name.clone()));
    assert!(
        modules.first().is_some_and(|first| first.name == main),
        "{main} is not in {}",
        build.display()
    );
    modules
}

fn copy_modules(build: &Path, to: &Path) {
    for name in files_below(build) {
        let target = to.join(&name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(build.join(&name), target).unwrap();
    }
}

fn files_below(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            names.extend(
                files_below(&entry.path())
                    .into_iter()
                    .map(|below| format!("{name}/{below}")),
            );
        } else {
            names.push(name);
        }
    }
    names
}

fn sha256_hex(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
