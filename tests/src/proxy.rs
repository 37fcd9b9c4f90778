//! The network between edges and coordinator: it counts, delays and cuts.
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use crate::client::Client;
use crate::fault::Faults;
use crate::message::{Request, Response};
use crate::server::Server;
use crate::workerd::Address;

/// One call that went through.
#[derive(Clone, Debug)]
pub struct ProxyCall {
    /// The request.
    pub request: Request,
    /// The status the other end answered; 502 when it could not be reached.
    pub status: u16,
}

/// A counting reverse proxy in front of one Worker process.
#[derive(Debug)]
pub struct Proxy {
    server: Server,
    calls: Arc<Mutex<Vec<ProxyCall>>>,
    received: Arc<Mutex<usize>>,
    faults: Faults,
}

impl Proxy {
    /// A proxy on a free port; it follows the process to its new port when that restarts. Needs a tokio runtime.
    pub fn to(upstream: Address) -> Self {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let received = Arc::new(Mutex::new(0));
        let faults = Faults::default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let (recording, arriving, failing) =
            (Arc::clone(&calls), Arc::clone(&received), faults.clone());
        let server = Server::start(Ipv4Addr::LOCALHOST, move |request| {
            let (http, upstream, calls) = (http.clone(), upstream.clone(), Arc::clone(&recording));
            *arriving.lock().unwrap() += 1;
            let fault = failing.take();
            Box::pin(async move {
                let answer = forward(&http, &upstream.url(&request.target), &request)
                    .await
                    .unwrap_or_else(|_| Response::new(502));
                calls.lock().unwrap().push(ProxyCall {
                    request,
                    status: answer.status,
                });
                (answer, fault)
            })
        });
        Self {
            server,
            calls,
            received,
            faults,
        }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The base URL that stands in for the Worker's own.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// A client that goes through the proxy, with the operator's token.
    pub fn client(&self) -> Client {
        Client::operator(Address::fixed(self.address()))
    }

    /// The faults of the next calls; the call reaches the Worker all the same, only its answer suffers.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Cuts the network (connections are refused and dropped), or mends it.
    pub async fn set_open(&self, open: bool) {
        self.server.set_open(open).await;
    }

    /// Every call that was answered so far.
    pub fn calls(&self) -> Vec<ProxyCall> {
        self.calls.lock().unwrap().clone()
    }

    /// How many calls arrived so far, answered or not.
    pub fn count(&self) -> usize {
        *self.received.lock().unwrap()
    }
}

async fn forward(
    http: &reqwest::Client,
    url: &str,
    request: &Request,
) -> reqwest::Result<Response> {
    let method = reqwest::Method::from_bytes(request.method.as_bytes()).unwrap();
    let mut call = http.request(method, url).body(request.body.clone());
    for (name, value) in request.headers.iter().filter(|(name, _)| !is_framing(name)) {
        call = call.header(name, value);
    }
    let answer = call.send().await?;
    let mut response = Response::new(answer.status().as_u16());
    for (name, value) in answer
        .headers()
        .iter()
        .filter(|(name, _)| !is_framing(name.as_str()))
    {
        response = response.with_header(name.as_str(), String::from_utf8_lossy(value.as_bytes()));
    }
    Ok(response.with_body(answer.bytes().await?))
}

fn is_framing(name: &str) -> bool {
    ["host", "connection", "content-length", "transfer-encoding"].contains(&name)
}
