//! Requests that this Worker makes: to a space's object, and to a source by its URL.

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::js_sys::{Promise, Uint8Array};
use worker::{Env, web_sys};

use crate::http::Answer;

// From the folder in which worker-build has esbuild bundle it, build/.tmp.
#[wasm_bindgen(raw_module = "../../src/outgoing.mjs")]
extern "C" {
    #[wasm_bindgen(js_name = askObject)]
    #[allow(
        clippy::too_many_arguments,
        reason = "one call for all of it; not all targets mind"
    )]
    fn ask_object(
        env: &JsValue,
        binding: &str,
        space: &str,
        method: &str,
        url: &str,
        fields: &str,
        body: &JsValue,
        wanted: &str,
    ) -> Promise;
    #[wasm_bindgen(js_name = askUrl)]
    fn ask_url(url: &str, fields: &str) -> Promise;
    fn abort(answer: &Promise);
}

/// What is asked of a space's object.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    pub(crate) fields: &'a [(&'a str, &'a str)],
    /// A text, or bytes.
    pub(crate) body: Option<&'a JsValue>,
    /// Header fields that are wanted of the answer.
    pub(crate) wanted: &'a [&'static str],
}

/// Why an object gave no answer.
pub(crate) enum NoAnswer {
    /// There is no such binding.
    Unbound,
    /// The URL or a field is not one. The error names neither: both may hold a secret.
    Invalid,
    /// It does not answer. Never retried here: what is overloaded would be loaded more.
    Unanswered,
    /// The answer broke off.
    BrokeOff,
}

impl Outgoing<'_> {
    pub(crate) async fn ask(
        &self,
        env: &Env,
        binding: &str,
        space: &str,
    ) -> Result<Answer, NoAnswer> {
        let (fields, wanted) = (packed(self.fields), self.wanted.join("\n"));
        let body = self.body.cloned().unwrap_or_default();
        let (method, url) = (self.method, self.url);
        let asked = ask_object(env, binding, space, method, url, &fields, &body, &wanted);
        let answer = JsFuture::from(asked).await;
        let answer = answer.map_err(|word| match word.as_string().as_deref() {
            Some("unbound") => NoAnswer::Unbound,
            Some("invalid") => NoAnswer::Invalid,
            Some("broke off") => NoAnswer::BrokeOff,
            _ => NoAnswer::Unanswered,
        })?;
        let bytes = answer.unchecked_into::<Uint8Array>().to_vec();
        let mut lines = bytes.splitn(self.wanted.len() + 2, |byte| *byte == b'\n');
        let mut line = || str::from_utf8(lines.next()?).ok();
        let status = line().and_then(|status| status.parse().ok());
        let mut answer = Answer::empty(status.unwrap_or(502));
        for name in self.wanted {
            if let Some(value) = line().and_then(|line| line.strip_prefix('=')) {
                answer.add(name, value);
            }
        }
        if answer.status != 304 {
            answer.body = lines.next().map(<[u8]>::to_vec);
        }
        Ok(answer)
    }
}

/// A GET of a URL that is under way. Dropped, it is aborted: dropping a Rust future alone leaves the
/// request open.
pub(crate) struct Asked(Promise);

impl Asked {
    pub(crate) fn url(url: &str, fields: &[(&str, &str)]) -> Self {
        Self(ask_url(url, &packed(fields)))
    }

    /// The response; nothing where there is none. Its body is aborted with this.
    pub(crate) async fn response(&self) -> Option<web_sys::Response> {
        let response = JsFuture::from(self.0.clone()).await.ok()?;
        Some(response.unchecked_into())
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        abort(&self.0);
    }
}

/// Values hold no line ends: they are the platform's own, or were looked at.
fn packed(fields: &[(&str, &str)]) -> String {
    let mut packed = String::new();
    for (name, value) in fields {
        for part in [name, value] {
            packed.push_str(part);
            packed.push('\n');
        }
    }
    packed
}
