//! A Worker with an entry of its own: a warm request takes no promise, no task, and none of the crate
//! worker's wrappers.

use bellwether_reader::{Reader, hot::respond};
use serde::Deserialize;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{self, JsValue};
use worker::web_sys::Request;
use worker::{Env, worker_sys};

#[derive(Deserialize)]
struct AppConfig {
    video: Video,
}

#[derive(Deserialize)]
struct Video {
    max_width: u32,
}

thread_local! {
    static CONFIG: Reader<AppConfig> = Reader::typed("default", r#"{"video":{"max_width":1280}}"#);
}

/// In place of the function with `#[event(fetch)]`.
///
/// # Errors
/// The platform makes a 500 of it.
#[wasm_bindgen]
pub fn fetch(request: Request, env: Env, context: worker_sys::Context) -> Result<JsValue, JsValue> {
    let reader = CONFIG.with(Reader::clone);
    reader.answer(env, context, move |read| {
        let read = read?;
        let (width, state) = (read.value.video.max_width, read.state.as_str());
        let url = request.url();
        Ok(respond(&format!("{width} wide at most, {state}: {url}")))
    })
}
