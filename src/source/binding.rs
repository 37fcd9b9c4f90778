//! KV namespaces and R2 buckets, as little of them as is needed. worker's own wrappers pass options,
//! lists and metadata by serde_wasm_bindgen, which costs the bundle 8 KB gzipped for KV alone.

use bellwether_core::refresh::{Cause, Failure};
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::Env;

#[wasm_bindgen]
extern "C" {
    /// A namespace or a bucket.
    #[wasm_bindgen(js_name = Object)]
    pub(super) type Binding;
    #[wasm_bindgen(method, catch)]
    pub(super) fn get(this: &Binding, key: &str, options: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn list(this: &Binding, options: &Object) -> Result<Promise, JsValue>;
}

/// The binding `name`, if it has the method that tells its kind; `kind` is for people.
///
/// # Errors
/// When it is missing or of another kind.
pub(super) fn open(env: &Env, name: &str, kind: &str, method: &str) -> Result<Binding, Failure> {
    let bound = member(env, name);
    if member(&bound, method).is_instance_of::<Function>() {
        return Ok(bound.unchecked_into());
    }
    Err(Failure::new(
        Cause::Binding,
        format!("there is no {kind} bound as {name:?}"),
    ))
}

/// A member; undefined where there is none.
pub(super) fn member(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// A plain object.
pub(super) fn options(members: &[(&str, JsValue)]) -> Object {
    let options = Object::new();
    for (name, value) in members {
        // A plain object takes any member.
        let _ = Reflect::set(&options, &(*name).into(), value);
    }
    options
}

/// Waits for what a method promised.
///
/// # Errors
/// With the message of what was thrown.
pub(super) async fn settle(called: Result<Promise, JsValue>) -> Result<JsValue, String> {
    let settled = match called {
        Ok(promise) => JsFuture::from(promise).await,
        Err(thrown) => Err(thrown),
    };
    settled.map_err(|thrown| member(&thrown, "message").as_string().unwrap_or_default())
}
