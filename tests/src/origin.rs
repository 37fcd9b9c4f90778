//! An HTTP origin with entity tags, redirects and a bearer check.
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::fault::Faults;
use crate::message::{Request, Response};
use crate::server::Server;

/// One call that reached the origin.
#[derive(Clone, Debug)]
pub struct OriginCall {
    /// The request.
    pub request: Request,
    /// The status of the true answer (a fault may have replaced it).
    pub status: u16,
}

/// An HTTP origin that counts its calls and fails on demand.
#[derive(Debug)]
pub struct FakeOrigin {
    server: Server,
    site: Arc<Mutex<Site>>,
    faults: Faults,
}

#[derive(Debug, Default)]
struct Site {
    pages: BTreeMap<String, Vec<u8>>,
    redirects: BTreeMap<String, (u16, String)>,
    bearer: Option<String>,
    etags: bool,
    calls: Vec<OriginCall>,
}

impl FakeOrigin {
    /// An empty origin on a free port of 127.0.0.1. Needs a tokio runtime.
    pub fn start() -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST)
    }

    /// An empty origin on another loopback address: another host to whoever calls it.
    pub fn start_at(ip: Ipv4Addr) -> Self {
        let site = Arc::new(Mutex::new(Site {
            etags: true,
            ..Site::default()
        }));
        let faults = Faults::default();
        let (served, failing) = (Arc::clone(&site), faults.clone());
        let server = Server::start(ip, move |request| {
            let answer = served.lock().unwrap().answer(request);
            let fault = failing.take();
            Box::pin(async move { (answer, fault) })
        });
        Self {
            server,
            site,
            faults,
        }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The URL of a path on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// Serves bytes at a path.
    pub fn put(&self, path: &str, body: impl Into<Vec<u8>>) {
        self.site
            .lock()
            .unwrap()
            .pages
            .insert(path.to_owned(), body.into());
    }

    /// Serves JSON at a path.
    pub fn put_json(&self, path: &str, value: &Value) {
        self.put(path, value.to_string());
    }

    /// Redirects a path.
    pub fn redirect(&self, path: &str, status: u16, location: &str) {
        self.site
            .lock()
            .unwrap()
            .redirects
            .insert(path.to_owned(), (status, location.to_owned()));
    }

    /// Answers 401 to calls without this bearer token.
    pub fn require_bearer(&self, token: &str) {
        self.site.lock().unwrap().bearer = Some(token.to_owned());
    }

    /// Sends entity tags (as it does at first), or none.
    pub fn set_etags(&self, etags: bool) {
        self.site.lock().unwrap().etags = etags;
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
    pub fn calls(&self) -> Vec<OriginCall> {
        self.site.lock().unwrap().calls.clone()
    }

    /// How many calls came so far.
    pub fn count(&self) -> usize {
        self.site.lock().unwrap().calls.len()
    }

    /// The most calls that were ever in progress at one time.
    pub fn most_at_once(&self) -> usize {
        self.server.most_at_once()
    }
}

impl Site {
    fn answer(&mut self, request: Request) -> Response {
        let answer = self.respond(&request);
        self.calls.push(OriginCall {
            request,
            status: answer.status,
        });
        answer
    }

    fn respond(&self, request: &Request) -> Response {
        if let Some(token) = &self.bearer
            && request.header("authorization") != Some(format!("Bearer {token}").as_str())
        {
            return Response::new(401);
        }
        if let Some((status, location)) = self.redirects.get(request.path()) {
            return Response::new(*status).with_header("location", location.clone());
        }
        let Some(body) = self.pages.get(request.path()) else {
            return Response::new(404);
        };
        if !self.etags {
            return Response::new(200)
                .with_header("content-type", "application/json")
                .with_body(body.clone());
        }
        let digest = Sha256::digest(body);
        let etag = format!(
            "\"{:02x}{:02x}{:02x}{:02x}\"",
            digest[0], digest[1], digest[2], digest[3]
        );
        if request.header("if-none-match") == Some(etag.as_str()) {
            return Response::new(304).with_header("etag", etag);
        }
        Response::new(200)
            .with_header("content-type", "application/json")
            .with_header("etag", etag)
            .with_body(body.clone())
    }
}
