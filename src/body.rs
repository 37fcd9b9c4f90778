//! Reads a body up to the size cap, and no further; in JavaScript, for worker's own streams bring
//! 3 KB gzipped along, and copy each chunk twice.

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;
use worker::web_sys::{ReadableStream, Request};

// From the folder in which worker-build has esbuild bundle it, build/.tmp.
#[wasm_bindgen(raw_module = "../../src/body.mjs")]
extern "C" {
    #[wasm_bindgen(js_name = readUpTo)]
    fn read_up_to(stream: &ReadableStream, cap: f64) -> Promise;
}

/// A body, or the fact that it is too large.
pub(crate) enum Body {
    /// All of it.
    Whole(Uint8Array),
    /// Over the cap; so many bytes at least.
    Oversized(u64),
}

/// The body ended before its end.
pub(crate) struct BrokeOff;

/// Reads `stream` to its end or to the cap.
///
/// # Errors
/// When it breaks off.
pub(crate) async fn read(stream: &ReadableStream, cap: usize) -> Result<Body, BrokeOff> {
    #[allow(clippy::cast_precision_loss, reason = "caps are small")]
    let read = JsFuture::from(read_up_to(stream, cap as f64)).await;
    let read = read.map_err(|_| BrokeOff)?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of bytes"
    )]
    Ok(match read.as_f64() {
        Some(size) => Body::Oversized(size as u64),
        None => Body::Whole(read.unchecked_into()),
    })
}

/// All of a request's body, which this Worker's own front has bounded.
///
/// # Errors
/// When it breaks off.
pub(crate) async fn whole(request: &Request) -> Result<Uint8Array, BrokeOff> {
    let buffer = request.array_buffer().map_err(|_| BrokeOff)?;
    let buffer = JsFuture::from(buffer).await.map_err(|_| BrokeOff)?;
    Ok(Uint8Array::new(&buffer))
}
