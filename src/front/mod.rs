//! The front Worker: routes, tokens, methods; then the reader, or the object.

mod config;
mod metrics;
mod readers;
mod space;

use bellwether_core::json::Members;
use bellwether_core::names::header;
use bellwether_core::openapi;
use bellwether_core::problem::{Problem, ProblemKind};
use bellwether_core::query::refuse_unknown;
use bellwether_core::routes::{Leaf, Route};
use bellwether_core::settings::suggest;
use bellwether_core::space_name::SpaceName;
use serde_json::Value;
use worker::{Context, Env, Request, Response, Result};

use crate::http::{Answer, path_and_query, request_header};
use crate::worker_env::{WorkerEnv, worker_env};

/// Answers one request.
pub(crate) async fn handle(request: Request, env: Env, context: Context) -> Result<Response> {
    let without_body = request.inner().method() == "HEAD";
    let answer = respond(request, &env, &context).await;
    let mut answer = answer.unwrap_or_else(|refusal| refusal);
    if without_body {
        answer.body = None;
    }
    answer.into_response()
}

async fn respond(
    request: Request,
    env: &Env,
    context: &Context,
) -> std::result::Result<Answer, Answer> {
    let url = request.inner().url();
    let (path, query) = path_and_query(&url);
    let route = Route::parse(path).ok_or_else(|| Problem::bare(ProblemKind::NotFound))?;
    let method = request.inner().method();
    if !route.allows(&method) {
        return Err(Problem::method_not_allowed(route.allow()).into());
    }
    if method == "OPTIONS" {
        return Ok(Answer::empty(204).with(header::ALLOW, &route.allow()));
    }
    let worker_env = worker_env(env);
    let actor = match route.scope(&method) {
        None => "",
        Some(scope) => {
            let presented = request_header(&request, header::AUTHORIZATION);
            match worker_env.tokens.authorise(presented.as_deref(), scope) {
                Ok(actor) => actor,
                Err(denied) => {
                    let name = worker_env.tokens.name_of(presented.as_deref());
                    space::note_denied(env, &worker_env, &route, &method, name, denied).await;
                    return Err(Problem::from(denied).into());
                }
            }
        }
    };
    refuse_unknown(query, route.query_names(&method))?;
    match route {
        Route::Space { space, leaf } => {
            let space = configured(&worker_env, space)?;
            match leaf {
                Leaf::Config => Ok(config::config(&request, query, env, context, space).await?),
                Leaf::Snapshot => {
                    Ok(space::snapshot(&request, query, env, &worker_env, space).await?)
                }
                Leaf::Status => space::status(env, &worker_env, space).await,
                leaf => {
                    let asked = space::Asked {
                        space,
                        leaf,
                        query,
                        actor,
                    };
                    Ok(space::pass_on(request, env, &worker_env, &asked).await?)
                }
            }
        }
        Route::Spaces => Ok(spaces(&worker_env)),
        Route::Metrics => Ok(metrics::metrics(env, &worker_env).await?),
        Route::Healthz => Ok(state("ok")),
        Route::Readyz => Ok(ready(env, &worker_env)?),
        Route::OpenApi => {
            Ok(Answer::json_text(openapi::document()).with(header::CACHE_CONTROL, "no-store"))
        }
    }
}

/// The spaces that the settings name.
fn spaces(worker_env: &WorkerEnv) -> Answer {
    let shown = worker_env.settings.spaces.iter().map(|(name, settings)| {
        let mut members = Members::new();
        members
            .text("space", name.as_str())
            .value("source", settings.source.describe())
            .flag("publish", settings.is_publishable())
            .take()
    });
    let shown = shown.collect();
    Answer::json(&Members::new().value("spaces", Value::Array(shown)).take())
}

/// The space, if the settings name it. Told only to those who have shown a token.
fn configured<'a>(
    worker_env: &'a WorkerEnv,
    name: &str,
) -> std::result::Result<&'a SpaceName, Problem> {
    let settings = &worker_env.settings;
    match settings.space(name) {
        Some((space, _)) => Ok(space),
        None => {
            let known: Vec<&str> = settings.spaces.keys().map(SpaceName::as_str).collect();
            let detail = suggest::unknown("space", name, &known);
            Err(Problem::new(ProblemKind::UnknownSpace, detail))
        }
    }
}

/// Ready when every space can be served from a snapshot or from its base, however old.
fn ready(env: &Env, worker_env: &WorkerEnv) -> std::result::Result<Answer, Problem> {
    for space in worker_env.settings.spaces.keys() {
        readers::reader(space)
            .peek(env)
            .map_err(config::unreadable)?;
    }
    Ok(state("ready"))
}

fn state(state: &str) -> Answer {
    Answer::json(&Members::new().text("status", state).take())
}
