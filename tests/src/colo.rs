//! A data centre's cache, as workerd sees one.
//!
//! `caches.default.match` becomes a GET of the key with `cache-control: only-if-cached`, whose answer says in
//! `cf-cache-status` whether it is one; `put` becomes a PUT whose body is the whole HTTP response to keep.
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use crate::fault::Faults;
use crate::message::{Request, Response};
use crate::server::Server;

/// One call that reached the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColoCall {
    /// `GET` or `PUT`.
    pub method: String,
    /// The key, without its scheme.
    pub key: String,
    /// The body, of what was put.
    pub text: String,
    /// The rule for caches, of what was put.
    pub cache_control: Option<String>,
}

/// A cache that keeps what is put there for as long as the test lasts, counts its calls and fails on demand.
#[derive(Debug)]
pub struct FakeColo {
    server: Server,
    shelf: Arc<Mutex<Shelf>>,
    faults: Faults,
}

#[derive(Debug, Default)]
struct Shelf {
    texts: BTreeMap<String, String>,
    age_s: Option<u64>,
    forgets: bool,
    calls: Vec<ColoCall>,
}

impl FakeColo {
    /// An empty cache on a free port. Needs a tokio runtime.
    pub fn start() -> Self {
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let faults = Faults::default();
        let (served, failing) = (Arc::clone(&shelf), faults.clone());
        let server = Server::start(Ipv4Addr::LOCALHOST, move |request| {
            let answer = served.lock().unwrap().answer(&request);
            let fault = failing.take();
            Box::pin(async move { (answer, fault) })
        });
        Self {
            server,
            shelf,
            faults,
        }
    }

    /// Where workerd finds it.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The faults of the next calls.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Refuses connections, or accepts them again.
    pub async fn set_open(&self, open: bool) {
        self.server.set_open(open).await;
    }

    /// Finds nothing of what is put there, as on workers.dev.
    pub fn forget(&self) {
        self.shelf.lock().unwrap().forgets = true;
    }

    /// Says of everything that it has had it for so many seconds.
    pub fn set_age_s(&self, age_s: u64) {
        self.shelf.lock().unwrap().age_s = Some(age_s);
    }

    /// Rewrites what it has.
    pub fn edit(&self, edit: impl Fn(&str) -> String) {
        for text in self.shelf.lock().unwrap().texts.values_mut() {
            *text = edit(text);
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.shelf.lock().unwrap().texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every call so far, in the order in which they came.
    pub fn calls(&self) -> Vec<ColoCall> {
        self.shelf.lock().unwrap().calls.clone()
    }
}

impl Shelf {
    fn answer(&mut self, request: &Request) -> Response {
        let target = &request.target;
        let host = request.header("host").unwrap_or_default();
        let key = match target.split_once("://") {
            Some((_, key)) => key.to_owned(),
            None => format!("{host}{target}"),
        };
        let payload = String::from_utf8_lossy(&request.body);
        let (head, text) = payload.split_once("\r\n\r\n").unwrap_or_default();
        let cache_control = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("cache-control").then_some(value)
        });
        self.calls.push(ColoCall {
            method: request.method.clone(),
            key: key.clone(),
            text: text.to_owned(),
            cache_control: cache_control.map(str::to_owned),
        });
        match (request.method.as_str(), self.texts.get(&key)) {
            ("PUT", _) => {
                if !self.forgets {
                    self.texts.insert(key, text.to_owned());
                }
                Response::new(204)
            }
            ("GET", Some(text)) => {
                let hit = Response::new(200).with_header("cf-cache-status", "HIT");
                let age_s = self.age_s.map(|age_s| age_s.to_string());
                let hit = age_s
                    .into_iter()
                    .fold(hit, |hit, age_s| hit.with_header("age", age_s));
                hit.with_body(text.clone())
            }
            _ => Response::new(504).with_header("cf-cache-status", "MISS"),
        }
    }
}
