//! How a reader reaches the coordinator: an object's binding, a service binding, or a URL.

use bellwether_core::ETag;
use bellwether_core::names::header;
use bellwether_core::reading::{Answer, Ask};
use bellwether_core::settings::TransportSettings;
use bellwether_core::{routes, space_name::SpaceName};
use worker::js_sys::{Promise, Uint8Array};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{self, JsCast as _, JsValue};
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
        timeout_ms: f64,
    ) -> Promise;
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

/// Asks the coordinator, once, for so many milliseconds at most.
///
/// # Errors
/// One line for the log. It holds no token and no document.
pub(crate) async fn fetch_snapshot(
    env: &Env,
    transport: &TransportSettings,
    space: &SpaceName,
    wanted: &Ask,
    report: Option<&str>,
    timeout_ms: u64,
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
    #[allow(clippy::cast_precision_loss, reason = "timeouts are short")]
    let asked = ask(
        env,
        kind,
        named,
        secret,
        space.as_str(),
        &path,
        etag,
        report,
        timeout_ms as f64,
    );
    let answer = JsFuture::from(asked).await;
    let answer =
        answer.map_err(|error| error.as_string().unwrap_or_else(|| UNREACHED.to_owned()))?;
    read(wanted, &answer.unchecked_into::<Uint8Array>().to_vec())
}

fn read(wanted: &Ask, answer: &[u8]) -> Result<Answer<String>, String> {
    let mut lines = answer.splitn(TOLD.len() + 2, |byte| *byte == b'\n');
    let mut line = || str::from_utf8(lines.next().unwrap_or_default());
    let mut line = || line().map_err(|_| "the answer is not UTF-8".to_owned());
    let status = line()?.parse().unwrap_or(0);
    let mut told = [""; TOLD.len()];
    for told in &mut told {
        *told = line()?;
    }
    let body = line()?;
    let field = |name: &str| {
        let number = TOLD.iter().position(|told| *told == name)?;
        let told = told.get(number).filter(|told| !told.is_empty());
        told.map(|told| (*told).to_owned())
    };
    Ok(Answer::parse(wanted, status, &field)?.with_body(body.to_owned()))
}
