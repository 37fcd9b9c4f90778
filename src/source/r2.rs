//! An R2 object as a source: conditional by its etag.

use bellwether_core::refresh::{Cause, Failure, Fetched};
use wasm_bindgen::JsCast;
use worker::Env;
use worker::web_sys::ReadableStream;

use super::binding::{self, member, options, settle};
use super::{CAP, read_body};
use crate::body::Body;

/// Pulls one object. `etag_held` is R2's own `etag`, without quotes: workerd refuses quoted ones.
pub(super) async fn pull(
    env: &Env,
    binding: &str,
    key: &str,
    etag_held: Option<&str>,
) -> Result<Fetched, Failure> {
    // KV has no `head`.
    let bucket = binding::open(env, binding, "R2 bucket", "head")?;
    let asked = match etag_held {
        None => options(&[]),
        Some(etag) => {
            let only_if = options(&[("etagDoesNotMatch", etag.into())]);
            options(&[("onlyIf", only_if.into())])
        }
    };
    let answer = settle(bucket.get(key, &asked)).await;
    let answer = answer.map_err(|message| failed(&message))?;
    if answer.is_null() {
        return Ok(Fetched::Missing);
    }
    let Ok(stream) = member(&answer, "body").dyn_into::<ReadableStream>() else {
        // Only the object's metadata: the condition was not met.
        return Ok(Fetched::NotModified);
    };
    Ok(match read_body(&stream, CAP).await? {
        Body::Oversized(at_least) => Fetched::Oversized { at_least },
        Body::Whole(bytes) => Fetched::Body {
            bytes: bytes.to_vec(),
            etag: member(&answer, "etag").as_string(),
        },
    })
}

/// workerd tells R2's own error code at the end of the message: `get: … (10001)`. An HTTP status it
/// keeps to itself.
fn failed(message: &str) -> Failure {
    let code = message
        .strip_suffix(')')
        .and_then(|message| message.rsplit('(').next())
        // A number only: all else is a stranger's text.
        .filter(|code| code.len() < 10 && code.bytes().all(|byte| byte.is_ascii_digit()));
    match code {
        Some(code) => Failure::new(Cause::Status, format!("R2 answered with error {code}")),
        None => Failure::new(Cause::Network, "R2 cannot be reached"),
    }
}
