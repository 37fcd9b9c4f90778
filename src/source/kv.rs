//! KV as a source: one key, or every key below a prefix.

use bellwether_core::refresh::{Cause, Failure, Fetched, Part};
use bellwether_core::strict;
use serde_json::Value;
use wasm_bindgen::{JsCast, JsValue};
use worker::Env;
use worker::web_sys::ReadableStream;

use super::binding::{self, Binding, options, settle};
use super::{CAP, read_body};
use crate::body::Body;

/// The smallest `cacheTtl` that KV takes, in seconds: how stale a data centre's copy may be.
const CACHE_TTL_S: f64 = 30.0;

/// How many keys a prefix may hold. A Worker on the free plan makes 50 calls an event, and the list
/// is one of them.
const MAX_KEYS: usize = 48;

/// Pulls one key.
pub(super) async fn pull_key(env: &Env, binding: &str, key: &str) -> Result<Fetched, Failure> {
    let kv = open(env, binding)?;
    Ok(match get(&kv, key, CAP).await? {
        None => Fetched::Missing,
        Some(Body::Oversized(at_least)) => Fetched::Oversized { at_least },
        Some(Body::Whole(bytes)) => Fetched::Body {
            bytes: bytes.to_vec(),
            etag: None,
        },
    })
}

/// Pulls every key below a prefix. KV lists and reads are not one snapshot: keys that change while
/// they are read may be seen half old, half new, until the next refresh.
pub(super) async fn pull_prefix(
    env: &Env,
    binding: &str,
    prefix: &str,
) -> Result<Fetched, Failure> {
    let kv = open(env, binding)?;
    let keys = list(&kv, prefix).await?;
    let (mut parts, mut left) = (Vec::new(), CAP);
    for key in keys {
        let path = key.strip_prefix(prefix).unwrap_or(&key);
        let path = path.split('/').filter(|step| !step.is_empty());
        let path = path.map(str::to_owned).collect();
        match get(&kv, &key, left).await? {
            // Deleted since it was listed.
            None => {}
            Some(Body::Oversized(bytes)) => {
                let before = CAP.saturating_sub(left) as u64;
                let at_least = before.saturating_add(bytes);
                return Ok(Fetched::Oversized { at_least });
            }
            Some(Body::Whole(bytes)) => {
                let bytes = bytes.to_vec();
                left = left.saturating_sub(bytes.len());
                parts.push(Part { path, bytes });
            }
        }
    }
    Ok(Fetched::Parts(parts))
}

/// The names of the keys below a prefix, in KV's order.
async fn list(kv: &Binding, prefix: &str) -> Result<Vec<String>, Failure> {
    let options = options(&[
        ("prefix", prefix.into()),
        ("limit", JsValue::from_f64(MAX_KEYS as f64 + 1.0)),
    ]);
    let listed = settle(kv.list(&options)).await;
    let listed = listed.map_err(|message| failed(&message))?;
    let listed = js_sys::JSON::stringify(&listed)
        .ok()
        .and_then(|text| text.as_string())
        .and_then(|text| strict::parse(&text).ok())
        .unwrap_or_default();
    let keys = listed.get("keys").and_then(Value::as_array);
    let complete = listed.get("list_complete").and_then(Value::as_bool);
    let (Some(keys), Some(complete)) = (keys, complete) else {
        return Err(Failure::new(Cause::Network, "KV's list is not understood"));
    };
    if keys.len() > MAX_KEYS || !complete {
        return Err(Failure::new(
            Cause::Settings,
            format!(
                "the prefix holds more than {MAX_KEYS} keys: put several documents into one key"
            ),
        ));
    }
    let name = |key: &Value| Some(key.get("name")?.as_str()?.to_owned());
    Ok(keys.iter().filter_map(name).collect())
}

/// As a stream, for a text would have bytes that are not UTF-8 replaced in silence, and a buffer
/// would hold all of KV's 25 MiB at most.
async fn get(kv: &Binding, key: &str, cap: usize) -> Result<Option<Body>, Failure> {
    let options = options(&[
        ("type", "stream".into()),
        ("cacheTtl", JsValue::from_f64(CACHE_TTL_S)),
    ]);
    let value = settle(kv.get(key, &options)).await;
    let value = value.map_err(|message| failed(&message))?;
    match value.dyn_into::<ReadableStream>() {
        // A key that does not exist is null.
        Err(_) => Ok(None),
        Ok(stream) => read_body(&stream, cap).await.map(Some),
    }
}

fn open(env: &Env, binding: &str) -> Result<Binding, Failure> {
    // An R2 bucket has `get` and `list` too.
    binding::open(env, binding, "KV namespace", "getWithMetadata")
}

/// workerd tells a status within the message: `KV GET failed: 503 Service Unavailable`.
fn failed(message: &str) -> Failure {
    let status = message
        .split(':')
        .nth(1)
        .map(str::trim_start)
        // Its number only: the phrase after it is a stranger's text.
        .and_then(|status| status.get(..3))
        .filter(|status| status.bytes().all(|byte| byte.is_ascii_digit()));
    match status {
        Some(status) => Failure::new(Cause::Status, format!("KV answered {status}")),
        None => Failure::new(Cause::Network, "KV cannot be reached"),
    }
}
