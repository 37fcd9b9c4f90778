//! Requests that this Worker makes.

use worker::js_sys::Object;
use worker::wasm_bindgen::JsValue;
use worker::web_sys::{self, RequestInit, RequestRedirect};
use worker::{Headers, Request};

/// A request to make.
#[derive(Debug)]
pub struct Outgoing<'a> {
    /// In upper case.
    pub method: &'a str,
    /// Where to.
    pub url: &'a str,
    /// Header fields.
    pub fields: &'a [(&'a str, &'a str)],
    /// A body, as the platform takes it: a text, or bytes.
    pub body: Option<&'a JsValue>,
    /// Whether to ask past every HTTP cache on the way.
    pub uncached: bool,
}

impl Outgoing<'_> {
    /// The platform's request. Redirects are never followed: a token would be carried elsewhere.
    ///
    /// By way of web_sys: worker's own `RequestInit` brings all of Cloudflare's image options along.
    ///
    /// # Errors
    /// When the URL or a field is not one. The error names neither: both may hold a secret.
    pub fn request(&self) -> Result<Request, InvalidRequest> {
        let headers = Headers::new();
        for (name, value) in self.fields {
            headers.set(name, value).map_err(|_| InvalidRequest)?;
        }
        let init = RequestInit::new();
        init.set_method(self.method);
        init.set_headers(headers.0.as_ref());
        init.set_redirect(RequestRedirect::Manual);
        if let Some(body) = self.body {
            init.set_body(body);
        }
        if self.uncached {
            let object: &Object = init.as_ref();
            let set = worker::js_sys::Reflect::set(object, &"cache".into(), &"no-store".into());
            set.map_err(|_| InvalidRequest)?;
        }
        let request = web_sys::Request::new_with_str_and_init(self.url, &init);
        request.map(Request::from).map_err(|_| InvalidRequest)
    }
}

/// A URL or a header field that is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidRequest;

impl std::fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the request cannot be made: its URL or one of its header fields is not valid")
    }
}

impl std::error::Error for InvalidRequest {}
