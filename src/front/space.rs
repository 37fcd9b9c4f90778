//! What is asked of a space's object: snapshot, status, reload.

use bellwether_core::json::Members;
use bellwether_core::names::{header, media};
use bellwether_core::problem::{Problem, ProblemKind};
use bellwether_core::reload_request::{MAX_RELOAD_BODY_BYTES, ReloadRequest};
use bellwether_core::routes::{reload_path, snapshot_path, status_path};
use bellwether_core::settings::TransportSettings;
use bellwether_core::space_name::SpaceName;
use bellwether_core::strict;
use bellwether_reader::{Outgoing, text_of};
use serde_json::Value;
use worker::{Env, Request, Response, web_sys};

use super::readers;
use crate::body::{self, Body};
use crate::http::{Answer, request_header};
use crate::worker_env::WorkerEnv;

/// Headers of a snapshot that go on to the client.
const SNAPSHOT_HEADERS: [&str; 9] = [
    header::CONTENT_TYPE,
    header::VERSION,
    header::ETAG,
    header::STATE,
    header::FRESHNESS,
    header::AGE,
    header::LAST_MODIFIED,
    header::CACHE_CONTROL,
    header::SERVER_TIMING,
];

/// The head, from the object.
pub(super) async fn snapshot(
    request: &Request,
    env: &Env,
    worker_env: &WorkerEnv,
    space: &SpaceName,
) -> Result<Answer, Problem> {
    let held = request_header(request, header::IF_NONE_MATCH);
    let held = held.as_deref().map(|held| (header::IF_NONE_MATCH, held));
    let path = snapshot_path(space);
    let reply = call(env, worker_env, space, "GET", &path, held.as_slice(), None).await?;
    answer(reply, &SNAPSHOT_HEADERS).await
}

/// The object's status, and this isolate's beside it.
pub(super) async fn status(
    env: &Env,
    worker_env: &WorkerEnv,
    space: &SpaceName,
) -> Result<Answer, Answer> {
    let mut status = object_status(env, worker_env, space).await?;
    if let Some(members) = status.as_object_mut() {
        let reader = Members::new()
            .text("id", &readers::isolate())
            .value("settings", worker_env.settings.reader.describe())
            .value("reader", readers::reader(space).report().to_json())
            .take();
        members.insert("isolate".to_owned(), reader);
    }
    Ok(Answer::json(&status))
}

/// The object's status. Its problems are passed on as they are.
pub(super) async fn object_status(
    env: &Env,
    worker_env: &WorkerEnv,
    space: &SpaceName,
) -> Result<Value, Answer> {
    let path = status_path(space);
    let reply = call(env, worker_env, space, "GET", &path, &[], None).await?;
    let reply = answer(reply, &[header::CONTENT_TYPE]).await?;
    if reply.status != 200 {
        return Err(reply);
    }
    let text = String::from_utf8(reply.body.unwrap_or_default()).unwrap_or_default();
    let status = strict::parse(&text);
    status.map_err(|_| unavailable("the object's status is not understood").into())
}

/// Asks the object to refresh now.
pub(super) async fn reload(
    mut request: Request,
    env: &Env,
    worker_env: &WorkerEnv,
    space: &SpaceName,
    actor: &str,
) -> Result<Answer, Problem> {
    let body = request_body(&mut request).await?;
    // Refused here, before the object is bothered with it.
    ReloadRequest::parse(&body)?;
    let text = String::from_utf8(body).unwrap_or_default();
    let fields = [(header::ACTOR, actor)];
    let path = reload_path(space);
    let reply = call(env, worker_env, space, "POST", &path, &fields, Some(&text)).await?;
    let reply = answer(reply, &[header::CONTENT_TYPE]).await?;
    Ok(reply.with(header::CACHE_CONTROL, "no-store"))
}

async fn call(
    env: &Env,
    worker_env: &WorkerEnv,
    space: &SpaceName,
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
    body: Option<&str>,
) -> Result<Response, Problem> {
    let TransportSettings::Object { binding } = &worker_env.settings.reader.transport else {
        return Err(Problem::new(
            ProblemKind::NotServedHere,
            "this Worker follows a coordinator elsewhere; ask the Worker that BELLWETHER.reader.transport names",
        ));
    };
    let outgoing = Outgoing {
        method,
        url: &format!("https://object{path}"),
        fields,
        body,
        uncached: false,
    };
    let request = outgoing
        .request()
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let stub = env
        .durable_object(binding)
        .and_then(|namespace| namespace.get_by_name(space.as_str()))
        .map_err(|_| {
            Problem::new(
                ProblemKind::Misconfigured,
                format!("there is no Durable Object binding {binding:?}"),
            )
        })?;
    // Never retried here: what is overloaded would be loaded more.
    stub.fetch_with_request(request)
        .await
        .map_err(|_| unavailable("the space's object does not answer"))
}

async fn answer(reply: Response, pass_on: &[&'static str]) -> Result<Answer, Problem> {
    let status = reply.status_code();
    let mut answer = Answer::empty(status);
    for name in pass_on {
        if let Ok(Some(value)) = reply.headers().get(name) {
            answer.add(name, &value);
        }
    }
    if status != 304 {
        let body = text_of(web_sys::Response::from(reply).text()).await;
        let body = body.map_err(|_| unavailable("the object's answer broke off"))?;
        answer.body = Some(body.into_bytes());
    }
    Ok(answer)
}

/// The body, within its limit and of the media type that it must have.
async fn request_body(request: &mut Request) -> Result<Vec<u8>, Problem> {
    let media_type = request_header(request, header::CONTENT_TYPE);
    let body = match request.stream() {
        // Without a body there is no stream.
        Err(_) => return Ok(Vec::new()),
        Ok(stream) => body::read(stream, MAX_RELOAD_BODY_BYTES).await,
    };
    match body {
        Err(_) => Err(Problem::bad_request("the body broke off before its end")),
        Ok(Body::Oversized(_)) => Err(Problem::new(
            ProblemKind::ContentTooLarge,
            format!("expected a body of at most {MAX_RELOAD_BODY_BYTES} bytes"),
        )),
        Ok(Body::Whole(body)) if body.is_empty() => Ok(body),
        Ok(Body::Whole(body)) if is_json(media_type.as_deref()) => Ok(body),
        Ok(Body::Whole(_)) => Err(Problem::new(
            ProblemKind::UnsupportedMediaType,
            format!("expected a body of the media type {}", media::JSON),
        )),
    }
}

fn is_json(media_type: Option<&str>) -> bool {
    let essence = media_type.and_then(|text| text.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media::JSON))
}

fn unavailable(detail: &str) -> Problem {
    Problem::new(ProblemKind::Unavailable, detail).with_retry_after_s(1)
}
