//! A KV namespace, as workerd sees one.
//!
//! workerd turns a `kvNamespace` binding into HTTP calls: `GET /KEY?urlencoded=true[&cache_ttl=S]` (404 is a missing
//! key), `GET /?prefix=P[&cursor=C][&key_count_limit=N]` for a list, `POST /bulk/get` for many keys at once.
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::fault::Faults;
use crate::message::{Request, Response, percent_decode};
use crate::server::Server;

/// One call that reached the namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KvCall {
    /// One key read.
    Get {
        /// The key.
        key: String,
        /// The cacheTtl asked for, seconds.
        cache_ttl: Option<u32>,
    },
    /// Keys listed.
    List {
        /// The prefix asked for.
        prefix: String,
    },
    /// Many keys read at once.
    Bulk {
        /// The keys.
        keys: Vec<String>,
    },
    /// Anything else: the coordinator only ever reads.
    Other(String),
}

/// A KV namespace that counts its calls and fails on demand.
#[derive(Debug)]
pub struct FakeKv {
    server: Server,
    store: Arc<Mutex<Store>>,
    faults: Faults,
}

#[derive(Debug)]
struct Store {
    values: BTreeMap<String, Vec<u8>>,
    calls: Vec<KvCall>,
    page: usize,
}

impl FakeKv {
    /// An empty namespace on a free port. Needs a tokio runtime.
    pub fn start() -> Self {
        let store = Arc::new(Mutex::new(Store {
            values: BTreeMap::new(),
            calls: Vec::new(),
            page: 1000,
        }));
        let faults = Faults::default();
        let (stored, failing) = (Arc::clone(&store), faults.clone());
        let server = Server::start(Ipv4Addr::LOCALHOST, move |request| {
            let answer = stored.lock().unwrap().answer(&request);
            let fault = failing.take();
            Box::pin(async move { (answer, fault) })
        });
        Self {
            server,
            store,
            faults,
        }
    }

    /// Where workerd finds it.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Stores bytes under a key.
    pub fn put(&self, key: &str, value: impl Into<Vec<u8>>) {
        self.store
            .lock()
            .unwrap()
            .values
            .insert(key.to_owned(), value.into());
    }

    /// Stores JSON under a key.
    pub fn put_json(&self, key: &str, value: &Value) {
        self.put(key, value.to_string());
    }

    /// Removes a key.
    pub fn remove(&self, key: &str) {
        self.store.lock().unwrap().values.remove(key);
    }

    /// Keys a list answers with at most, so that it has to be asked again with a cursor.
    pub fn set_page(&self, keys: usize) {
        self.store.lock().unwrap().page = keys;
    }

    /// The faults of the next calls.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Refuses connections, or accepts them again.
    pub async fn set_open(&self, open: bool) {
        self.server.set_open(open).await;
    }

    /// Every call so far, in the order in which they came.
    pub fn calls(&self) -> Vec<KvCall> {
        self.store.lock().unwrap().calls.clone()
    }

    /// How many calls came so far.
    pub fn count(&self) -> usize {
        self.store.lock().unwrap().calls.len()
    }

    /// The most calls that were ever in progress at one time.
    pub fn most_at_once(&self) -> usize {
        self.server.most_at_once()
    }

    /// Calls in progress now.
    pub fn in_progress(&self) -> usize {
        self.server.in_progress()
    }
}

impl Store {
    fn answer(&mut self, request: &Request) -> Response {
        let path = request.path().trim_start_matches('/');
        if request.method == "GET" && path.is_empty() {
            let prefix = request.query("prefix").unwrap_or_default();
            self.calls.push(KvCall::List {
                prefix: prefix.clone(),
            });
            return self.list(&prefix, request);
        }
        if request.method == "GET" {
            let key = percent_decode(path);
            let cache_ttl = request.query("cache_ttl").map(|text| text.parse().unwrap());
            self.calls.push(KvCall::Get {
                key: key.clone(),
                cache_ttl,
            });
            let value = self.values.get(&key);
            return value.map_or_else(
                || Response::new(404),
                |bytes| Response::new(200).with_body(bytes.clone()),
            );
        }
        if request.method == "POST" && path == "bulk/get" {
            return self.bulk(&request.body);
        }
        self.calls.push(KvCall::Other(format!(
            "{} {}",
            request.method, request.target
        )));
        Response::new(405)
    }

    fn list(&self, prefix: &str, request: &Request) -> Response {
        let limit: usize = request
            .query("key_count_limit")
            .map_or(self.page, |text| text.parse().unwrap());
        let after = request.query("cursor").unwrap_or_default();
        let mut names: Vec<&String> = self
            .values
            .keys()
            .filter(|key| key.starts_with(prefix) && key.as_str() > after.as_str())
            .collect();
        let complete = names.len() <= limit.min(self.page);
        names.truncate(limit.min(self.page));
        let mut answer = json!({
            "keys": names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
            "list_complete": complete,
        });
        if let (false, Some(last)) = (complete, names.last()) {
            answer["cursor"] = json!(last);
        }
        Response::new(200).with_body(answer.to_string())
    }

    fn bulk(&mut self, body: &[u8]) -> Response {
        let asked: Value = serde_json::from_slice(body).unwrap();
        let keys: Vec<String> = asked["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key.as_str().unwrap().to_owned())
            .collect();
        self.calls.push(KvCall::Bulk { keys: keys.clone() });
        let found: serde_json::Map<String, Value> = keys
            .into_iter()
            .map(|key| {
                let value = self
                    .values
                    .get(&key)
                    .map(|bytes| String::from_utf8_lossy(bytes).into_owned());
                (key, json!(value))
            })
            .collect();
        Response::new(200).with_body(Value::Object(found).to_string())
    }
}
