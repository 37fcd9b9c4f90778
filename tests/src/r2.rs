//! An R2 bucket, as workerd sees one.
//!
//! workerd turns a method of an `r2Bucket` binding that only reads into `GET /` with the call as JSON in the header
//! `cf-r2-request`: `{"version":1,"method":"get","object":KEY,"onlyIf":{"etagDoesNotMatch":[{"type":"strong","value":ETAG}]}}`.
//! An answer's body is the object's metadata as JSON, so many bytes as the header `cf-r2-metadata-size` says, and then
//! the value. A refusal has R2's own error code in the header `cf-r2-error`: 10007 is a missing object, 10031 with status
//! 412 a condition that was not met, and that one carries the metadata too.
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::fault::Faults;
use crate::message::{Request, Response};
use crate::server::Server;

/// One call that reached the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct R2Call {
    /// The method: the coordinator only ever gets.
    pub method: String,
    /// The object's key.
    pub key: String,
    /// The etag that the object must not have.
    pub unless: Option<String>,
    /// How many bytes of the value the true answer had; none where it had no value (a fault may have replaced it).
    pub sent: Option<usize>,
}

/// An R2 bucket that counts its calls and fails on demand.
#[derive(Debug)]
pub struct FakeR2 {
    server: Server,
    bucket: Arc<Mutex<Bucket>>,
    faults: Faults,
}

#[derive(Debug, Default)]
struct Bucket {
    objects: BTreeMap<String, Vec<u8>>,
    calls: Vec<R2Call>,
}

impl FakeR2 {
    /// The text of every refusal.
    pub const REFUSED: &str = "refused as played";

    /// An empty bucket on a free port. Needs a tokio runtime.
    pub fn start() -> Self {
        let bucket = Arc::new(Mutex::new(Bucket::default()));
        let faults = Faults::default();
        let (served, failing) = (Arc::clone(&bucket), faults.clone());
        let server = Server::start(Ipv4Addr::LOCALHOST, move |request| {
            let answer = served.lock().unwrap().answer(&request);
            let fault = failing.take();
            Box::pin(async move { (answer, fault) })
        });
        Self {
            server,
            bucket,
            faults,
        }
    }

    /// R2's way of refusing a call.
    pub fn refusal(status: u16, code: u32) -> Response {
        let error = json!({ "version": 1, "v4code": code, "message": Self::REFUSED });
        Response::new(status).with_header("cf-r2-error", error.to_string())
    }

    /// Where workerd finds it.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Stores bytes under a key.
    pub fn put(&self, key: &str, value: impl Into<Vec<u8>>) {
        let mut bucket = self.bucket.lock().unwrap();
        bucket.objects.insert(key.to_owned(), value.into());
    }

    /// Stores JSON under a key.
    pub fn put_json(&self, key: &str, value: &Value) {
        self.put(key, value.to_string());
    }

    /// Removes an object.
    pub fn remove(&self, key: &str) {
        self.bucket.lock().unwrap().objects.remove(key);
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
    pub fn calls(&self) -> Vec<R2Call> {
        self.bucket.lock().unwrap().calls.clone()
    }

    /// The most calls that were ever in progress at one time.
    pub fn most_at_once(&self) -> usize {
        self.server.most_at_once()
    }
}

impl Bucket {
    fn answer(&mut self, request: &Request) -> Response {
        let call = request.header("cf-r2-request").unwrap_or("null");
        let call: Value = serde_json::from_str(call).unwrap();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let method = text(&call["method"]).unwrap_or_else(|| request.method.clone());
        let key = text(&call["object"]).unwrap_or_default();
        let unless = text(&call["onlyIf"]["etagDoesNotMatch"][0]["value"]);
        let (answer, sent) = match self.objects.get(&key) {
            _ if method != "get" => (FakeR2::refusal(405, NOT_PLAYED), None),
            None => (FakeR2::refusal(404, NO_SUCH_KEY), None),
            Some(value) => get(&key, value, unless.as_deref()),
        };
        self.calls.push(R2Call {
            method,
            key,
            unless,
            sent,
        });
        answer
    }
}

/// R2's codes.
const NO_SUCH_KEY: u32 = 10007;
const PRECONDITION_FAILED: u32 = 10031;
const NOT_PLAYED: u32 = 10000;

fn get(key: &str, value: &[u8], unless: Option<&str>) -> (Response, Option<usize>) {
    let etag = etag(value);
    // Cap'n Proto writes 64-bit numbers as text.
    let metadata = json!({
        "name": key, "version": format!("v-{etag}"), "etag": etag, "storageClass": "Standard",
        "size": value.len().to_string(), "uploaded": "1724767257918",
    })
    .to_string();
    let (answer, value) = if unless == Some(etag.as_str()) {
        (FakeR2::refusal(412, PRECONDITION_FAILED), None)
    } else {
        (Response::new(200), Some(value))
    };
    let answer = answer.with_header("cf-r2-metadata-size", metadata.len().to_string());
    let body = [metadata.as_bytes(), value.unwrap_or_default()].concat();
    (answer.with_body(body), value.map(<[u8]>::len))
}

fn etag(value: &[u8]) -> String {
    let digest = Sha256::digest(value);
    digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
