//! A Worker that resizes videos; here it tells which transformation it would make. What it does by which request stands
//! in its configuration, and how that is loaded, in one of three small files.

mod after;
mod before;
mod cached;
mod config;
mod decide;
mod loader;
mod target;

use serde_json::{Value, json};
use worker::{Context, Env, Request, Response, Result, event};

use crate::decide::{Made, Refused};
use crate::target::Target;

#[event(fetch)]
async fn fetch(request: Request, env: Env, ctx: Context) -> Result<Response> {
    let loader::Loaded { config, from } = loader::load(&env, &ctx).await?;
    let url = request.inner().url();
    match decide::decide(&config, &Target::of(&url)) {
        // A Worker of yours fetches the transformation here.
        Ok(Made {
            transform,
            route,
            derivative,
            cache_control,
        }) => answer(
            200,
            &cache_control,
            &json!({ "transform": transform, "route": route, "derivative": derivative, "config": from }),
        ),
        Err(Refused { status, error }) => answer(
            status,
            "no-store",
            &json!({ "error": error, "config": from }),
        ),
    }
}

fn answer(status: u16, cache_control: &str, body: &Value) -> Result<Response> {
    let mut response = Response::from_json(body)?.with_status(status);
    response.headers_mut().set("Cache-Control", cache_control)?;
    Ok(response)
}
