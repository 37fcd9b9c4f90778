//! KV as a source: one key, or every key below a prefix.

use bellwether_core::refresh::{Cause, Failure, Fetched, Part};
use bellwether_core::strict;
use js_sys::{Function, Object, Promise, Reflect};
use serde_json::Value;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::web_sys::ReadableStream;
use worker::{ByteStream, Env};

use super::{CAP, read_body};
use crate::body::Body;

#[wasm_bindgen]
extern "C" {
    /// A KV namespace. worker's own wrapper passes options and lists by serde_wasm_bindgen, which
    /// costs the bundle 8 KB gzipped; two methods are all that is needed.
    #[wasm_bindgen(js_name = Object)]
    type Namespace;
    #[wasm_bindgen(method, catch)]
    fn get(this: &Namespace, key: &str, options: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn list(this: &Namespace, options: &Object) -> Result<Promise, JsValue>;
}

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
        Some(Body::Whole(bytes)) => Fetched::Body { bytes, etag: None },
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
                left = left.saturating_sub(bytes.len());
                parts.push(Part { path, bytes });
            }
        }
    }
    Ok(Fetched::Parts(parts))
}

/// The names of the keys below a prefix, in KV's order.
async fn list(kv: &Namespace, prefix: &str) -> Result<Vec<String>, Failure> {
    let options = options(&[
        ("prefix", prefix.into()),
        ("limit", JsValue::from_f64(MAX_KEYS as f64 + 1.0)),
    ]);
    let listed = settle(kv.list(&options)).await?;
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
async fn get(kv: &Namespace, key: &str, cap: usize) -> Result<Option<Body>, Failure> {
    let options = options(&[
        ("type", "stream".into()),
        ("cacheTtl", JsValue::from_f64(CACHE_TTL_S)),
    ]);
    let value = settle(kv.get(key, &options)).await?;
    match value.dyn_into::<ReadableStream>() {
        // A key that does not exist is null.
        Err(_) => Ok(None),
        Ok(stream) => read_body(ByteStream::from(stream), cap).await.map(Some),
    }
}

fn open(env: &Env, binding: &str) -> Result<Namespace, Failure> {
    let bound = Reflect::get(env, &binding.into()).unwrap_or(JsValue::UNDEFINED);
    let is_namespace = ["get", "list"].iter().all(|method| {
        Reflect::get(&bound, &(*method).into())
            .is_ok_and(|method| method.is_instance_of::<Function>())
    });
    if is_namespace {
        return Ok(bound.unchecked_into());
    }
    Err(Failure::new(
        Cause::Binding,
        format!("there is no KV namespace bound as {binding:?}"),
    ))
}

fn options(members: &[(&str, JsValue)]) -> Object {
    let options = Object::new();
    for (name, value) in members {
        // A plain object takes any member.
        let _ = Reflect::set(&options, &(*name).into(), value);
    }
    options
}

async fn settle(called: Result<Promise, JsValue>) -> Result<JsValue, Failure> {
    let settled = match called {
        Ok(promise) => JsFuture::from(promise).await,
        Err(thrown) => Err(thrown),
    };
    settled.map_err(|thrown| failed(&thrown))
}

/// workerd tells a status within the message: `KV GET failed: 503 Service Unavailable`.
fn failed(thrown: &JsValue) -> Failure {
    let message = thrown
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .unwrap_or_default();
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
