//! The platform by hand, for the three paths that everything else waits for: an answer from memory,
//! a reader's call to the object, and the object's answer to it. The worker crate's wrappers take
//! 54 calls between wasm and JavaScript for a call to the object, where these take a handful, and
//! such calls are most of the cost. Everywhere else the worker crate is used.

use worker::js_sys::{Function, Uint8Array};
use worker::wasm_bindgen;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::{Request, Response};

#[wasm_bindgen(module = "/src/hot.js")]
extern "C" {
    /// The platform's response with a text, status 200.
    pub fn respond(text: &str) -> Response;
    fn asked(request: &Request) -> String;
    fn wanted(request: &Request) -> String;
    #[wasm_bindgen(js_name = initOf)]
    fn init_of(status: u16, fields: &str) -> JsValue;
    fn answer(body: &JsValue, init: &JsValue) -> Option<Response>;
    #[wasm_bindgen(js_name = callOf)]
    fn call_of(
        binding: &str,
        space: &str,
        url: &str,
        fields: &str,
        body: &JsValue,
        init: &JsValue,
    ) -> Function;
}

/// A request's parts, each a line: its method and URL, then header fields, which are empty where
/// they are not set and begin with `=` where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines(String);

impl Lines {
    /// What a read of an edge is decided by: method and URL, `If-None-Match`,
    /// `Bellwether-Min-Version`, `Authorization`.
    #[must_use]
    pub fn asked(request: &Request) -> Self {
        Self(asked(request))
    }

    /// What a reader's call to the object is decided by, method and URL, `If-None-Match`, and its
    /// report.
    #[must_use]
    pub fn wanted(request: &Request) -> Self {
        Self(wanted(request))
    }

    /// The method and the URL.
    #[must_use]
    pub fn method_and_url(&self) -> (&str, &str) {
        let first = self.0.split('\n').next().unwrap_or_default();
        first.split_once(' ').unwrap_or((first, ""))
    }

    /// The validator that the caller holds.
    #[must_use]
    pub fn if_none_match(&self) -> Option<&str> {
        self.field(0)
    }

    /// The lowest version that the caller accepts; only of what an edge was asked.
    #[must_use]
    pub fn min_version(&self) -> Option<&str> {
        self.field(1)
    }

    /// What the reader tells of itself; only of what the object was asked.
    #[must_use]
    pub fn report(&self) -> Option<&str> {
        self.field(1)
    }

    /// The last field of what an edge was asked, and all that stands before it: what the answer
    /// depends on, once the caller may have it.
    #[must_use]
    pub fn question_and_authorization(&self) -> (&str, Option<&str>) {
        match self.0.rsplit_once('\n') {
            Some((question, last)) => (question, last.strip_prefix('=')),
            None => (&self.0, None),
        }
    }

    fn field(&self, number: usize) -> Option<&str> {
        self.0.split('\n').nth(number + 1)?.strip_prefix('=')
    }
}

/// What a response is made of, but for its body: made once, used as often as one likes. It is a
/// plain object, which belongs to no request.
#[derive(Clone, Debug)]
pub struct Prepared(JsValue);

impl Prepared {
    /// A status and header fields.
    #[must_use]
    pub fn new<'f>(status: u16, fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        Self(init_of(status, &packed(fields)))
    }

    /// The platform's response, with this body; `None` where a field is not one.
    #[must_use]
    pub fn answer(&self, body: &PreparedBody) -> Option<Response> {
        answer(&body.0, &self.0)
    }
}

/// A body on the JavaScript side.
#[derive(Clone, Debug)]
pub struct PreparedBody(JsValue);

impl PreparedBody {
    /// None at all, for a 304.
    pub const NONE: Self = Self(JsValue::NULL);

    /// These bytes, copied once.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(Uint8Array::from(bytes).into())
    }
}

/// A call to a space's object, to be made as often as one likes.
#[derive(Clone, Debug)]
pub struct PreparedCall(Function);

impl PreparedCall {
    /// A GET with these header fields; where the object does not answer, `stand_in` does.
    #[must_use]
    pub fn new<'f>(
        (binding, space, url): (&str, &str, &str),
        fields: impl IntoIterator<Item = (&'f str, &'f str)>,
        (stand_in, body): (&Prepared, &PreparedBody),
    ) -> Self {
        Self(call_of(
            binding,
            space,
            url,
            &packed(fields),
            &body.0,
            &stand_in.0,
        ))
    }

    /// Makes the call for a request, with the report that it carries: the promise of a response.
    ///
    /// # Errors
    /// There is no such binding.
    pub fn make(&self, env: &JsValue, request: &Request) -> Result<JsValue, JsValue> {
        self.0.call2(&JsValue::NULL, env, request)
    }
}

fn packed<'f>(fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> String {
    let mut packed = String::new();
    for (name, value) in fields {
        packed.push_str(name);
        packed.push('\n');
        packed.push_str(value);
        packed.push('\n');
    }
    packed
}
