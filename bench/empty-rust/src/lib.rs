//! A worker-rs Worker that answers a constant.

use worker::{Context, Env, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(_: Request, _: Env, _: Context) -> Result<Response> {
    Response::ok("ok")
}
