//! A Worker as an operator or a reader sees it.
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::deployment::OPERATOR_SECRET;
use crate::prom::Metrics;
use crate::workerd::Address;

/// Any answer to any request of a test ends in this time, so that a hang is a failure with a line.
const GIVE_UP: Duration = Duration::from_secs(60);

/// Talks to one Worker process, with or without a token. It follows the process to its new port when that restarts.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    address: Address,
    token: Option<String>,
    space: String,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    headers: reqwest::header::HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// A read of the configuration.
#[derive(Clone, Debug)]
pub struct Read {
    /// `Bellwether-Version`.
    pub version: u64,
    /// `Bellwether-State`.
    pub state: String,
    /// `Age`, seconds.
    pub age_s: u64,
    /// `ETag`.
    pub etag: Option<String>,
    /// The document.
    pub document: Value,
}

impl Client {
    pub(crate) fn new(address: Address) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(GIVE_UP)
            .build()
            .unwrap();
        Self {
            http,
            address,
            token: None,
            space: "default".to_owned(),
        }
    }

    /// With the token that deployments have unless they say otherwise.
    pub(crate) fn operator(address: Address) -> Self {
        Self::new(address).with_token(OPERATOR_SECRET)
    }

    /// The same Worker with this bearer token.
    #[must_use]
    pub fn with_token(&self, secret: &str) -> Self {
        Self {
            token: Some(secret.to_owned()),
            ..self.clone()
        }
    }

    /// The same Worker without a token.
    #[must_use]
    pub fn without_token(&self) -> Self {
        Self {
            token: None,
            ..self.clone()
        }
    }

    /// The same Worker, another space.
    #[must_use]
    pub fn in_space(&self, space: &str) -> Self {
        Self {
            space: space.to_owned(),
            ..self.clone()
        }
    }

    /// The same Worker on a connection of its own, as another visitor would have it.
    #[must_use]
    pub fn afresh(&self) -> Self {
        let fresh = Self::new(self.address.clone());
        Self {
            http: fresh.http,
            ..self.clone()
        }
    }

    /// The path of this space's `config`, `snapshot`, `status` or `reload`.
    pub fn path(&self, leaf: &str) -> String {
        format!("/v1/spaces/{}/{leaf}", self.space)
    }

    /// A request to build on; the token is on it.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, self.address.url(path));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends what [`Client::request`] made.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let answer = request.send().await?;
        Ok(Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.bytes().await?.to_vec(),
        })
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path))
            .await
            .unwrap_or_else(|error| panic!("GET {path}: {error:?}"))
    }

    /// `GET path` with one more header.
    pub async fn get_with(&self, path: &str, header: &str, value: &str) -> Answer {
        self.send(self.request(Method::GET, path).header(header, value))
            .await
            .unwrap_or_else(|error| panic!("GET {path}: {error:?}"))
    }

    /// The configuration as this isolate's reader sees it; must be answered with 200.
    pub async fn read(&self) -> Read {
        self.get(&self.path("config")).await.read()
    }

    /// The head, from the object; must be answered with 200.
    pub async fn snapshot(&self) -> Read {
        self.get(&self.path("snapshot")).await.read()
    }

    /// The status document; must be answered with 200.
    pub async fn status(&self) -> Value {
        self.get(&self.path("status")).await.ok().json()
    }

    /// Reloads without a body; must be answered with 200.
    pub async fn reload(&self) -> Value {
        let request = self.request(Method::POST, &self.path("reload"));
        self.send(request)
            .await
            .unwrap_or_else(|error| panic!("reload: {error:?}"))
            .ok()
            .json()
    }

    /// Reloads and tells what happened, if an answer came at all.
    pub async fn try_reload(&self) -> Option<Value> {
        let request = self.request(Method::POST, &self.path("reload"));
        let answer = self.send(request).await.ok()?;
        (answer.status == 200).then(|| answer.json())
    }

    /// Reloads with a JSON body.
    pub async fn reload_with(&self, body: &Value) -> Answer {
        let request = self
            .request(Method::POST, &self.path("reload"))
            .header("content-type", "application/json")
            .body(body.to_string());
        self.send(request)
            .await
            .unwrap_or_else(|error| panic!("reload: {error:?}"))
    }

    /// Writes to this space: `If-Match: *` unless `fields` say otherwise.
    pub async fn write(
        &self,
        method: Method,
        leaf: &str,
        fields: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let mut request = self.request(method, &self.path(leaf));
        if !fields.iter().any(|(name, _)| *name == "if-match") {
            request = request.header("if-match", "*");
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        self.send(request)
            .await
            .unwrap_or_else(|error| panic!("writing {leaf}: {error:?}"))
    }

    /// The metrics; must be answered with 200.
    pub async fn metrics(&self) -> Metrics {
        Metrics::parse(&self.get("/metrics").await.ok().text())
    }
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// All headers, for looking for what must not be there.
    pub fn headers_text(&self) -> String {
        format!("{:?}", self.headers)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {} {}", self.status, self.text()))
    }

    /// Itself, when the status is 200.
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.text());
        self
    }

    /// Itself as a read of the configuration; the status and the headers must be those of one.
    pub fn read(self) -> Read {
        let answer = self.ok();
        let header = |name: &str| {
            answer
                .header(name)
                .unwrap_or_else(|| panic!("no {name} header: {}", answer.headers_text()))
                .to_owned()
        };
        Read {
            version: header("bellwether-version").parse().unwrap(),
            state: header("bellwether-state"),
            age_s: header("age").parse().unwrap(),
            etag: answer.header("etag").map(str::to_owned),
            document: answer.json(),
        }
    }

    /// Itself as a problem document with this status; gives its JSON.
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{}",
            self.text()
        );
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        for field in ["type", "title"] {
            assert!(
                problem[field].as_str().is_some_and(|text| !text.is_empty()),
                "no {field}: {problem}"
            );
        }
        problem
    }
}
