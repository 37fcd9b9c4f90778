//! A Rust Worker over `bellwether-reader`: as many lookups as the request asks for.

use bellwether_reader::Reader;
use serde::Deserialize;
use worker::{Context, Env, Request, Response, Result, event};

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

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let url = request.inner().url();
    let lookups = url.rsplit('=').next().and_then(|count| count.parse().ok());
    let read = CONFIG.with(Reader::clone).read(&env, &context).await?;
    let looked_up = read.value.items.iter().take(lookups.unwrap_or(0));
    let width: u64 = looked_up.map(|item| item.width).sum();
    Response::ok(width.to_string())
}
