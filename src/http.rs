//! Requests in, answers out: the only place where answers are built.

use bellwether_core::api::ApiAnswer;
use bellwether_core::json;
use bellwether_core::names::{header, media};
use bellwether_core::problem::Problem;
use bellwether_reader::hot::{Prepared, PreparedBody};
use serde_json::Value;
use wasm_bindgen::JsValue;
use worker::web_sys;

/// An answer before it is one of the platform's.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

impl Answer {
    /// 200 with a JSON body that is ready.
    pub(crate) fn json_text(text: impl Into<Vec<u8>>) -> Self {
        Self::text(media::JSON, text)
    }

    /// 200 with a body of this media type.
    pub(crate) fn text(media_type: &str, text: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            headers: vec![(header::CONTENT_TYPE, media_type.to_owned())],
            body: Some(text.into()),
        }
    }

    /// 200 with a value as JSON, never to be stored.
    pub(crate) fn json(value: &Value) -> Self {
        Self::json_text(json::text(value)).with(header::CACHE_CONTROL, "no-store")
    }

    /// No body.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: None,
        }
    }

    /// One more header. Stays a call: answers have many.
    #[inline(never)]
    pub(crate) fn add(&mut self, name: &'static str, value: &str) {
        self.headers.push((name, value.to_owned()));
    }

    /// With one more header.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.add(name, value);
        self
    }

    /// Its status and headers, to be used again.
    pub(crate) fn prepared(&self) -> Prepared {
        let fields = self.headers.iter();
        Prepared::new(
            self.status,
            fields.map(|(name, value)| (*name, value.as_str())),
        )
    }

    /// Its body, to be used again.
    pub(crate) fn prepared_body(&self) -> PreparedBody {
        let body = self.body.as_deref();
        body.map_or(PreparedBody::NONE, PreparedBody::new)
    }

    /// As the platform's response.
    pub(crate) fn into_response(self) -> std::result::Result<web_sys::Response, JsValue> {
        let response = self.prepared().answer(&self.prepared_body());
        response.ok_or_else(|| JsValue::from_str("an answer has a header that is not one"))
    }
}

impl From<ApiAnswer> for Answer {
    fn from(answer: ApiAnswer) -> Self {
        let bodyless = matches!(answer.status, 204 | 304);
        Self {
            status: answer.status,
            headers: answer.fields,
            body: (!bodyless).then(|| answer.body.into_bytes()),
        }
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Self {
            status: problem.status(),
            headers: problem.headers(),
            body: Some(json::text(&problem.to_json()).into_bytes()),
        }
    }
}

/// The path and the query of a request, as they were sent. By hand, since parsing a URL costs more
/// than answering from memory.
pub(crate) fn path_and_query(url: &str) -> (&str, &str) {
    let after_scheme = url.split_once(':').map_or(url, |(_, rest)| rest);
    let after_scheme = after_scheme.trim_start_matches('/');
    let path = after_scheme
        .find('/')
        .and_then(|slash| after_scheme.get(slash..))
        .unwrap_or("/");
    let path = path.split('#').next().unwrap_or(path);
    path.split_once('?').unwrap_or((path, ""))
}

/// A request header.
pub(crate) fn request_header(request: &web_sys::Request, name: &str) -> Option<String> {
    request.headers().get(name).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::path_and_query;

    #[test]
    fn a_url_is_taken_apart() {
        for (url, path, query) in [
            ("https://host/a/b?c=d", "/a/b", "c=d"),
            ("https://host:1/a?x=/y?z", "/a", "x=/y?z"),
            ("https://host", "/", ""),
            ("https://host/", "/", ""),
            ("https://host/a#b?c", "/a", ""),
        ] {
            assert_eq!(path_and_query(url), (path, query), "{url}");
        }
    }
}
