//! Bodies that are text and of a bounded size, read on the JavaScript side: worker's own readers go
//! through streams, chunk by chunk.

use worker::js_sys::{Promise, Uint8Array};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;

/// The text that `body.text()` promises. Not for a source: bytes that are not UTF-8 are replaced.
///
/// # Errors
/// When the body broke off.
pub async fn text_of(promised: Result<Promise, JsValue>) -> Result<String, BrokeOff> {
    let text = JsFuture::from(promised.map_err(|_| BrokeOff)?).await;
    text.ok().and_then(|text| text.as_string()).ok_or(BrokeOff)
}

/// The bytes that `body.arrayBuffer()` promises, still on the JavaScript side.
///
/// # Errors
/// When the body broke off.
pub async fn bytes_of(promised: Result<Promise, JsValue>) -> Result<Uint8Array, BrokeOff> {
    let buffer = JsFuture::from(promised.map_err(|_| BrokeOff)?).await;
    buffer
        .map(|buffer| Uint8Array::new(&buffer))
        .map_err(|_| BrokeOff)
}

/// A body that ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokeOff;
