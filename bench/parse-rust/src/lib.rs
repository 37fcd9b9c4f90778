//! Parses the configuration in `CONFIG` as often as it is asked to: `/?way=value&count=10`.

use std::collections::BTreeMap;

use bellwether_core::document::Document;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use worker::{Context, Env, Request, Response, Result, event};

#[derive(Deserialize)]
struct Config {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    name: String,
    width: u64,
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, _: Context) -> Result<Response> {
    let url = request.inner().url();
    let count = url.rsplit('=').next().and_then(|count| count.parse().ok());
    let config = env.var("CONFIG")?.to_string();
    let parse: fn(&str) -> Option<usize> = match url.split(['=', '&']).nth(1) {
        Some("value") => |text| Some(serde_json::from_str::<Value>(text).ok()?.as_object()?.len()),
        Some("sections") => |text| {
            let sections: BTreeMap<&str, &RawValue> = serde_json::from_str(text).ok()?;
            Some(sections.len())
        },
        Some("typed") => |text| {
            let config: Config = serde_json::from_str(text).ok()?;
            let last = config.items.last()?;
            Some(last.name.len().min(usize::try_from(last.width).ok()?))
        },
        Some("document") => |text| Some(Document::parse(text.as_bytes()).ok()?.text().len()),
        _ => return Response::error("no such way", 404),
    };
    let mut parsed = 0;
    for _ in 0..count.unwrap_or(0) {
        parsed += usize::from(parse(&config).is_some_and(|size| size > 0));
    }
    Response::ok(parsed.to_string())
}
