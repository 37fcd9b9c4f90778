//! A Rust Worker over `bellwether-reader`: as many lookups as the request asks for.

use bellwether_reader::Reader;
use serde::Deserialize;
use worker::Env;
#[cfg(feature = "own_entry")]
use worker::{
    wasm_bindgen::{self, JsValue, prelude::wasm_bindgen},
    web_sys::Request,
};

#[derive(Deserialize)]
struct Config {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    width: u64,
}

thread_local! {
    static CONFIG: Reader<Config> = Reader::typed("default", r#"{"items":[]}"#);
}

#[cfg(not(feature = "own_entry"))]
#[worker::event(fetch)]
async fn fetch(
    request: worker::Request,
    env: Env,
    context: worker::Context,
) -> worker::Result<worker::Response> {
    let reader = CONFIG.with(Reader::clone);
    let read = reader.read(&env, &context).await?;
    worker::Response::ok(looked_up(&request.inner().url(), &read.value))
}

/// The whole entry.
///
/// # Errors
/// None.
#[cfg(feature = "own_entry")]
#[wasm_bindgen]
pub fn fetch(
    request: Request,
    env: Env,
    context: worker::worker_sys::Context,
) -> Result<JsValue, JsValue> {
    let reader = CONFIG.with(Reader::clone);
    reader.answer(env, context, move |read| {
        let text = looked_up(&request.url(), &read?.value);
        Ok(bellwether_reader::hot::respond(&text))
    })
}

fn looked_up(url: &str, config: &Config) -> String {
    let lookups = url.rsplit('=').next().and_then(|count| count.parse().ok());
    let looked_up = config.items.iter().take(lookups.unwrap_or(0));
    let width: u64 = looked_up.map(|item| item.width).sum();
    width.to_string()
}
