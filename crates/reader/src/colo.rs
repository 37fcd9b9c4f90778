//! The data centre's cache, `caches.default`. What is in it, and whether it is of use, core decides.

use bellwether_core::reading::colo::{self, CacheFailed, Entry, Shelved};
use bellwether_core::settings::{ReaderSettings, TransportSettings};
use bellwether_core::space_name::SpaceName;
use worker::js_sys::Promise;
use worker::wasm_bindgen;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(module = "/src/colo.js")]
extern "C" {
    #[wasm_bindgen(js_name = objectId)]
    fn object_id(env: &JsValue, binding: &str, space: &str) -> Option<String>;
    #[wasm_bindgen(js_name = lookUp)]
    fn looked_up(key: &str) -> Promise;
    #[wasm_bindgen(js_name = shelve)]
    fn shelved(key: &str, seconds: u32, text: &str) -> Promise;
}

/// Where the word on this space stands; `None` where the tier is off, or the coordinator has no name
/// that no other has.
pub(crate) fn key(env: &JsValue, settings: &ReaderSettings, space: &SpaceName) -> Option<String> {
    let coordinator = match &settings.transport {
        _ if !settings.colo_cache => None,
        TransportSettings::Object { binding } => object_id(env, binding, space.as_str()),
        TransportSettings::Url { url, .. } => Some(url.clone()),
        TransportSettings::Service { .. } | TransportSettings::Unusable { .. } => None,
    };
    coordinator.map(|coordinator| colo::key(&coordinator, space))
}

/// What the cache has under this key.
pub(crate) async fn look_up(key: &str) -> Result<Option<Shelved>, CacheFailed> {
    let found = JsFuture::from(looked_up(key)).await;
    let found = found.map_err(|_| CacheFailed)?.as_string();
    let shelved = found.as_deref().and_then(|found| found.split_once('\n'));
    Ok(shelved.map(|(age_s, text)| Shelved {
        age_s: age_s.parse().unwrap_or(0),
        text: text.to_owned(),
    }))
}

/// Puts it there.
pub(crate) async fn shelve(entry: &Entry) -> Result<(), CacheFailed> {
    let seconds = u32::try_from(entry.max_age_s).unwrap_or(u32::MAX);
    let put = JsFuture::from(shelved(&entry.key, seconds, &entry.text)).await;
    put.map(|_| ()).map_err(|_| CacheFailed)
}
