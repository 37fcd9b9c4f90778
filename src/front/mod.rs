//! The front Worker: routes, tokens, methods; then the reader, or the object.

mod config;
mod metrics;
mod readers;
mod space;
mod warm;

use bellwether_core::json::Members;
use bellwether_core::names::header;
use bellwether_core::openapi;
use bellwether_core::problem::{Problem, ProblemKind};
use bellwether_core::query::refuse_unknown;
use bellwether_core::routes::{Leaf, Route};
use bellwether_core::settings::suggest;
use bellwether_core::space_name::SpaceName;
use bellwether_reader::hot::Lines;
use bellwether_reader::note_colo;
use serde_json::Value;
use wasm_bindgen::JsValue;
use worker::{Context, Env, web_sys};

use crate::http::{Answer, path_and_query};
use crate::worker_env::{WorkerEnv, worker_env};

pub(crate) use warm::at_once;

/// Answers one request, of which `asked` tells the most.
pub(crate) async fn handle(
    request: web_sys::Request,
    asked: &Lines,
    env: &Env,
    context: &Context,
) -> std::result::Result<JsValue, JsValue> {
    let reply = respond(request, asked, env, context).await;
    let mut answer = match reply.unwrap_or_else(Reply::Ours) {
        Reply::Objects(promise) => return Ok(promise),
        Reply::Ours(answer) => answer,
    };
    if asked.method_and_url().0 == "HEAD" {
        answer.body = None;
    }
    answer.into_response().map(JsValue::from)
}

/// Who made an answer.
enum Reply {
    /// The front, perhaps of what the object said.
    Ours(Answer),
    /// The object; the promise of it. What a HEAD does not want, the platform leaves out.
    Objects(JsValue),
}

async fn respond(
    request: web_sys::Request,
    asked: &Lines,
    env: &Env,
    context: &Context,
) -> std::result::Result<Reply, Answer> {
    let (method, url) = asked.method_and_url();
    let (path, query) = path_and_query(url);
    let route = Route::parse(path).ok_or_else(|| Problem::bare(ProblemKind::NotFound))?;
    if !route.allows(method) {
        return Err(Problem::method_not_allowed(route.allow()).into());
    }
    if method == "OPTIONS" {
        let answer = Answer::empty(204).with(header::ALLOW, &route.allow());
        return Ok(Reply::Ours(answer));
    }
    let worker_env = worker_env(env);
    let actor = match route.scope(method) {
        None => "",
        Some(scope) => {
            let (_, presented) = asked.question_and_authorization();
            match worker_env.tokens.authorise(presented, scope) {
                Ok(actor) => actor,
                Err(denied) => {
                    let name = worker_env.tokens.name_of(presented);
                    space::note_denied(env, &worker_env, &route, method, name, denied).await;
                    return Err(Problem::from(denied).into());
                }
            }
        }
    };
    refuse_unknown(query, route.query_names(method))?;
    let answer = match route {
        Route::Space { space, leaf } => {
            let space = configured(&worker_env, space)?;
            match leaf {
                Leaf::Config => {
                    note_colo(&request);
                    config::config(asked, query, env, context, space).await?
                }
                Leaf::Snapshot => {
                    let call = space::snapshot(asked, query, &worker_env, space)?;
                    let promise = call.make(env, &request);
                    let promise = promise.map_err(|_| space::unbound(&worker_env))?;
                    if query.is_empty() {
                        warm::keep_call(asked, call);
                    }
                    return Ok(Reply::Objects(promise));
                }
                Leaf::Status => space::status(env, &worker_env, space).await?,
                leaf => {
                    let asked = space::Asked {
                        space,
                        leaf,
                        query,
                        actor,
                    };
                    space::pass_on(request, env, &worker_env, &asked).await?
                }
            }
        }
        Route::Spaces => spaces(&worker_env),
        Route::Metrics => metrics::metrics(env, &worker_env).await?,
        Route::Healthz => state("ok"),
        Route::Readyz => ready(env, &worker_env)?,
        Route::OpenApi => {
            Answer::json_text(openapi::document()).with(header::CACHE_CONTROL, "no-store")
        }
    };
    Ok(Reply::Ours(answer))
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
