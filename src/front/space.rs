//! What is asked of a space's object.

use std::cell::RefCell;

use bellwether_core::json::Members;
use bellwether_core::names::{header, media};
use bellwether_core::problem::{Problem, ProblemKind};
use bellwether_core::routes::{Leaf, Route, leaf_path, snapshot_path};
use bellwether_core::settings::TransportSettings;
use bellwether_core::space_name::SpaceName;
use bellwether_core::strict;
use bellwether_core::throttle::Throttle;
use bellwether_core::token::Denied;
use bellwether_reader::hot::{Lines, PreparedCall};
use bellwether_reader::now;
use serde_json::Value;
use wasm_bindgen::JsValue;
use worker::{Env, web_sys};

use super::readers;
use crate::body::{self, Body, BrokeOff};
use crate::http::{Answer, request_header};
use crate::outgoing::{NoAnswer, Outgoing};
use crate::worker_env::WorkerEnv;

/// The host of requests to the object; never resolved.
const ORIGIN: &str = "https://object";

/// Headers of a request that go on to the object.
const PASSED_ON: [&str; 4] = [
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::REASON,
    header::IDEMPOTENCY_KEY,
];

/// Headers of its other answers that go on to the client.
const ANSWER_HEADERS: [&str; 7] = [
    header::CONTENT_TYPE,
    header::CACHE_CONTROL,
    header::VERSION,
    header::MIN_VERSION,
    header::ETAG,
    header::LAST_MODIFIED,
    header::REPLAYED,
];

/// The call for the head, which is answered by the object's own response, untouched. Prepared, for
/// this is what every reader elsewhere asks for.
pub(super) fn snapshot(
    asked: &Lines,
    query: &str,
    worker_env: &WorkerEnv,
    space: &SpaceName,
) -> Result<PreparedCall, Problem> {
    let binding = object_binding(worker_env)?;
    let url = format!("{ORIGIN}{}", with_query(snapshot_path(space), query));
    let held = asked.if_none_match();
    let held = held.map(|held| (header::IF_NONE_MATCH, held));
    let stand_in = Answer::from(unanswered());
    let body = stand_in.prepared_body();
    Ok(PreparedCall::new(
        (binding, space.as_str(), &url),
        held,
        (&stand_in.prepared(), &body),
    ))
}

/// There is no such binding.
pub(super) fn unbound(worker_env: &WorkerEnv) -> Problem {
    object_binding(worker_env).map_or_else(|problem| problem, no_binding)
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
    let path = leaf_path(space, Leaf::Status);
    let outgoing = Outgoing {
        method: "GET",
        url: &format!("{ORIGIN}{path}"),
        fields: &[],
        body: None,
        wanted: &[header::CONTENT_TYPE],
    };
    let reply = call(env, worker_env, space, outgoing).await?;
    if reply.status != 200 {
        return Err(reply);
    }
    let text = String::from_utf8(reply.body.unwrap_or_default()).unwrap_or_default();
    let status = strict::parse(&text);
    status.map_err(|_| unavailable("the object's status is not understood").into())
}

/// A request that goes to the object as it came.
pub(super) struct Asked<'a> {
    pub(super) space: &'a SpaceName,
    pub(super) leaf: Leaf,
    pub(super) query: &'a str,
    pub(super) actor: &'a str,
}

/// Passes a request on, with the name of the token that it came with.
pub(super) async fn pass_on(
    request: web_sys::Request,
    env: &Env,
    worker_env: &WorkerEnv,
    asked: &Asked<'_>,
) -> Result<Answer, Problem> {
    let method = match &*request.method() {
        "HEAD" => "GET".to_owned(),
        method => method.to_owned(),
    };
    let body = request_body(&request, asked.leaf, &method).await?;
    let given: Vec<(&str, String)> = PASSED_ON
        .into_iter()
        .filter_map(|name| Some((name, request_header(&request, name)?)))
        .collect();
    let mut fields: Vec<(&str, &str)> = given
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    fields.push((header::ACTOR, asked.actor));
    let path = with_query(leaf_path(asked.space, asked.leaf), asked.query);
    let outgoing = Outgoing {
        method: &method,
        url: &format!("{ORIGIN}{path}"),
        fields: &fields,
        body: body.as_ref(),
        wanted: &ANSWER_HEADERS,
    };
    call(env, worker_env, asked.space, outgoing).await
}

/// Has a write written down that was refused for want of a token or a scope. Nobody waits for more
/// than that, and nobody is told if it fails.
pub(super) async fn note_denied(
    env: &Env,
    worker_env: &WorkerEnv,
    route: &Route<'_>,
    method: &str,
    actor: Option<&str>,
    denied: Denied,
) {
    let Route::Space { space, leaf } = route else {
        return;
    };
    let Some((space, _)) = worker_env.settings.space(space) else {
        return;
    };
    // Without any token nobody could read of it either, and the object is left in peace.
    if worker_env.tokens.is_empty() {
        return;
    }
    if route.action(method).is_none() || !DENIALS.with_borrow_mut(|denials| denials.admits(now())) {
        return;
    }
    let fields = [
        (header::ACTOR, actor.unwrap_or("anonymous")),
        (header::DENIED, denied.as_str()),
    ];
    let path = leaf_path(space, *leaf);
    let outgoing = Outgoing {
        method,
        url: &format!("{ORIGIN}{path}"),
        fields: &fields,
        body: None,
        wanted: &[],
    };
    let _ = call(env, worker_env, space, outgoing).await;
}

thread_local! {
    /// This isolate's share: a flood of them must not reach the object.
    static DENIALS: RefCell<Throttle> = RefCell::new(Throttle::default());
}

fn with_query(path: String, query: &str) -> String {
    if query.is_empty() {
        path
    } else {
        format!("{path}?{query}")
    }
}

async fn call(
    env: &Env,
    worker_env: &WorkerEnv,
    space: &SpaceName,
    outgoing: Outgoing<'_>,
) -> Result<Answer, Problem> {
    let binding = object_binding(worker_env)?;
    let answer = outgoing.ask(env, binding, space.as_str()).await;
    answer.map_err(|none| match none {
        NoAnswer::Unbound => no_binding(binding),
        NoAnswer::Invalid => Problem::bad_request(
            "the request cannot be made: its URL or one of its header fields is not valid",
        ),
        NoAnswer::Unanswered => unanswered(),
        NoAnswer::BrokeOff => unavailable("the object's answer broke off"),
    })
}

/// The binding of the spaces' objects, where they are this Worker's.
fn object_binding(worker_env: &WorkerEnv) -> Result<&str, Problem> {
    match &worker_env.settings.reader.transport {
        TransportSettings::Object { binding } => Ok(binding),
        _ => Err(Problem::new(
            ProblemKind::NotServedHere,
            "this Worker follows a coordinator elsewhere; ask the Worker that BELLWETHER.reader.transport names",
        )),
    }
}

fn no_binding(binding: &str) -> Problem {
    let detail = format!("there is no Durable Object binding {binding:?}");
    Problem::new(ProblemKind::Misconfigured, detail)
}

fn unanswered() -> Problem {
    unavailable("the space's object does not answer")
}

/// The body, within its limit and of the media type that it must have. It stays on the JavaScript
/// side: a copy here and a text made of it would cost more than all else that is done for a write.
async fn request_body(
    request: &web_sys::Request,
    leaf: Leaf,
    method: &str,
) -> Result<Option<JsValue>, Problem> {
    let Some(stream) = request.body() else {
        return Ok(None);
    };
    let limit = leaf.max_body_bytes();
    let bytes = match body::read(&stream, limit).await {
        Err(BrokeOff) => {
            return Err(Problem::bad_request("the body broke off before its end"));
        }
        Ok(Body::Oversized(_)) => {
            return Err(Problem::new(
                ProblemKind::ContentTooLarge,
                format!("expected a body of at most {limit} bytes"),
            ));
        }
        Ok(Body::Whole(bytes)) => bytes,
    };
    if bytes.length() == 0 {
        return Ok(None);
    }
    check_media_type(request, method)?;
    Ok(Some(bytes.into()))
}

fn check_media_type(request: &web_sys::Request, method: &str) -> Result<(), Problem> {
    let media_type = request_header(request, header::CONTENT_TYPE);
    let essence = media_type
        .as_deref()
        .and_then(|text| text.split(';').next());
    let essence = essence.unwrap_or_default().trim().to_ascii_lowercase();
    let is_patch = method == "PATCH";
    if essence == media::JSON || (is_patch && essence == media::MERGE_PATCH) {
        return Ok(());
    }
    let or = if is_patch {
        " or application/merge-patch+json"
    } else {
        ""
    };
    Err(Problem::new(
        ProblemKind::UnsupportedMediaType,
        format!("expected a body of the media type {}{or}", media::JSON),
    ))
}

fn unavailable(detail: &str) -> Problem {
    Problem::new(ProblemKind::Unavailable, detail).with_retry_after_s(1)
}
