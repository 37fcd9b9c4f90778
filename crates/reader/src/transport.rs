//! How a reader reaches the coordinator: an object's binding, a service binding, or a URL.

use std::time::Duration;

use bellwether_core::names::header;
use bellwether_core::reading::Answer;
use bellwether_core::settings::TransportSettings;
use bellwether_core::wire::Freshness;
use bellwether_core::{ETag, Version, routes, space_name::SpaceName};
use futures_util::future::{Either, select};
use worker::{AbortController, Delay, Env, Fetch, Response, web_sys};

use crate::env;
use crate::outgoing::Outgoing;
use crate::text::text_of;

/// The host of requests that go through a binding; never resolved.
const BINDING_ORIGIN: &str = "https://bellwether";

/// Asks the coordinator for the head, once, within `timeout_ms`.
///
/// # Errors
/// One line for the log. It holds no token and no document.
pub(crate) async fn fetch_snapshot(
    env: &Env,
    transport: &TransportSettings,
    space: &SpaceName,
    if_none_match: Option<&ETag>,
    timeout_ms: u64,
) -> Result<Answer<String>, String> {
    let abort = AbortController::default();
    let signal = abort.signal();
    let call = std::pin::pin!(async {
        let response = send(env, transport, space, if_none_match, &signal).await?;
        read(response).await
    });
    let deadline = std::pin::pin!(Delay::from(Duration::from_millis(timeout_ms)));
    match select(call, deadline).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => {
            abort.abort();
            Err(format!("no answer within {timeout_ms} ms"))
        }
    }
}

async fn send(
    env: &Env,
    transport: &TransportSettings,
    space: &SpaceName,
    if_none_match: Option<&ETag>,
    signal: &worker::AbortSignal,
) -> Result<Response, String> {
    let path = routes::snapshot_path(space);
    let request = |origin: &str, token_secret: Option<&str>| {
        let bearer = token_secret.map(|name| bearer(env, name)).transpose()?;
        let mut fields = Vec::new();
        if let Some(bearer) = &bearer {
            fields.push((header::AUTHORIZATION, bearer.as_str()));
        }
        if let Some(etag) = if_none_match {
            fields.push((header::IF_NONE_MATCH, etag.as_str()));
        }
        let outgoing = Outgoing {
            method: "GET",
            url: &format!("{origin}{path}"),
            fields: &fields,
            body: None,
            uncached: false,
        };
        outgoing.request().map_err(|error| error.to_string())
    };
    let sent = match transport {
        TransportSettings::Object { binding } => {
            let stub = env
                .durable_object(binding)
                .and_then(|namespace| namespace.get_by_name(space.as_str()))
                .map_err(|_| format!("there is no Durable Object binding {binding:?}"))?;
            stub.fetch_with_request(request(BINDING_ORIGIN, None)?)
                .await
        }
        TransportSettings::Service {
            binding,
            token_secret,
        } => {
            let service = env
                .service(binding)
                .map_err(|_| format!("there is no service binding {binding:?}"))?;
            let request = request(BINDING_ORIGIN, Some(token_secret))?;
            service.fetch_request(request).await
        }
        TransportSettings::Url { url, token_secret } => {
            let request = request(url, Some(token_secret))?;
            Fetch::Request(request).send_with_signal(signal).await
        }
        TransportSettings::Unusable { reason } => return Err(reason.clone()),
    };
    sent.map_err(|error| format!("the coordinator cannot be reached: {error}"))
}

/// Reads an answer, and trusts none of it.
async fn read(response: Response) -> Result<Answer<String>, String> {
    let status = response.status_code();
    let field = |name| response.headers().get(name).ok().flatten();
    let terms = field(header::FRESHNESS).and_then(|terms| Freshness::parse(&terms));
    match (status, terms) {
        (304, Some(terms)) => Ok(Answer::NotModified { terms }),
        (200, Some(terms)) => {
            let version = field(header::VERSION)
                .and_then(|version| version.parse().ok())
                .and_then(Version::new);
            let etag = field(header::ETAG).and_then(|etag| ETag::from_header(&etag));
            let (Some(version), Some(etag)) = (version, etag) else {
                return Err("the answer carries no version or no ETag".to_owned());
            };
            let body = text_of(web_sys::Response::from(response).text()).await;
            let body = body.map_err(|_| "the answer broke off".to_owned())?;
            Ok(Answer::Snapshot {
                version,
                etag,
                terms,
                body,
            })
        }
        (200 | 304, None) => Err("the answer does not say how long to keep it".to_owned()),
        (status, _) => Err(format!("the coordinator answered {status}")),
    }
}

fn bearer(env: &Env, token_secret: &str) -> Result<String, String> {
    let token = env::secret(env, token_secret)
        .ok_or_else(|| format!("the secret {token_secret:?} is not set"))?;
    Ok(format!("Bearer {}", token.trim()))
}
