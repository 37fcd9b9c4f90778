//! The deployable Bellwether Worker: the platform's shell around `bellwether-core`.
//!
//! `front` answers HTTP and reads through `bellwether-reader`; `object` is the Durable Object
//! that leads a space. Decisions stand in the core; here they are only executed.

mod body;
mod front;
mod host;
mod http;
mod object;
mod schema;
mod source;
mod sql;
mod worker_env;

pub use object::Coordinator;

use worker::{Context, Env, Request, Response, Result, event};

/// The Worker's entry.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    front::handle(request, env, context).await
}
