//! How a reader reaches the coordinator: an object's binding, a service binding, or a URL.

use bellwether_core::ETag;
use bellwether_core::names::header;
use bellwether_core::reading::{Answer, Ask};
use bellwether_core::settings::TransportSettings;
use bellwether_core::{routes, space_name::SpaceName};
use worker::js_sys::Promise;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{self, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Env, web_sys};

#[wasm_bindgen(module = "/src/transport.js")]
extern "C" {
    #[wasm_bindgen(js_name = noteColo)]
    fn note(request: &web_sys::Request);
    #[wasm_bindgen(js_name = colo)]
    fn noted() -> String;
    #[allow(
        clippy::too_many_arguments,
        reason = "one call for all of it; not all targets mind"
    )]
    fn ask(
        env: &JsValue,
        kind: &str,
        named: &str,
        secret: &str,
        space: &str,
        path: &str,
        etag: &str,
        report: &str,
    ) -> Promise;
    fn abort(answer: &Promise);
}

const UNREACHED: &str = "the coordinator cannot be reached";

/// In the order in which they stand in an answer, behind its status.
const TOLD: [&str; 4] = [
    header::ETAG,
    header::VERSION,
    header::FRESHNESS,
    header::PENDING,
];

/// Looks in which data centre this isolate is: `request.cf.colo` of a request that it serves. Readers
/// tell it to the coordinator. Any request will do, as often as you like; of a [`worker::Request`]
/// this takes the `inner()`.
pub fn note_colo(request: &web_sys::Request) {
    note(request);
}

/// The data centre that was noted; empty before, and where the platform does not tell.
pub(crate) fn colo() -> String {
    noted()
}

/// Asks the coordinator, once. Dropped before its end, it aborts the call where that can be.
///
/// # Errors
/// One line for the log. It holds no token and no document.
pub(crate) async fn fetch_snapshot(
    env: &Env,
    transport: &TransportSettings,
    space: &SpaceName,
    wanted: &Ask,
    report: Option<&str>,
) -> Result<Answer<String>, String> {
    let path = match wanted {
        Ask::Head { .. } => routes::snapshot_path(space),
        Ask::Pending { version } => routes::pending_path(space, *version),
    };
    let (kind, named, secret) = match transport {
        TransportSettings::Object { binding } => ("object", binding, ""),
        TransportSettings::Service {
            binding,
            token_secret,
        } => ("service", binding, token_secret.as_str()),
        TransportSettings::Url { url, token_secret } => ("url", url, token_secret.as_str()),
        TransportSettings::Unusable { reason } => return Err(reason.clone()),
    };
    let etag = wanted.if_none_match().map_or("", ETag::as_str);
    let report = report.unwrap_or_default();
    let asked = ask(
        env,
        kind,
        named,
        secret,
        space.as_str(),
        &path,
        etag,
        report,
    );
    // Only a call over HTTP can be aborted.
    let _abort = (kind == "url").then(|| AbortOnDrop(asked.clone()));
    let answer = JsFuture::from(asked).await;
    let answer =
        answer.map_err(|error| error.as_string().unwrap_or_else(|| UNREACHED.to_owned()))?;
    read(wanted, answer.as_string().unwrap_or_default())
}

struct AbortOnDrop(Promise);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        abort(&self.0);
    }
}

fn read(wanted: &Ask, mut answer: String) -> Result<Answer<String>, String> {
    let mut lines = answer.splitn(TOLD.len() + 2, '\n');
    let status = lines.next().and_then(|status| status.parse().ok());
    let told = TOLD.map(|_| lines.next().unwrap_or_default());
    let body_bytes = lines.next().map_or(0, str::len);
    let field = |name: &str| {
        let number = TOLD.iter().position(|told| *told == name)?;
        let told = told.get(number).filter(|told| !told.is_empty());
        told.map(|told| (*told).to_owned())
    };
    let parsed = Answer::parse(wanted, status.unwrap_or(0), &field)?;
    let body = answer.split_off(answer.len() - body_bytes);
    Ok(parsed.with_body(body))
}
