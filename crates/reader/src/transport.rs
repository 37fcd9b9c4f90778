//! How a reader reaches the coordinator: an object's binding, a service binding, or a URL.

use bellwether_core::names::header;
use bellwether_core::reading::{Answer, Ask};
use bellwether_core::settings::TransportSettings;
use bellwether_core::{routes, space_name::SpaceName};
use worker::{AbortController, AbortSignal, Env, Fetch, Response, web_sys};

use crate::env;
use crate::outgoing::Outgoing;
use crate::text::text_of;

/// The host of requests that go through a binding; never resolved.
const BINDING_ORIGIN: &str = "https://bellwether";

/// Asks the coordinator, once. Dropped before its end, it aborts the call.
///
/// # Errors
/// One line for the log. It holds no token and no document.
pub(crate) async fn fetch_snapshot(
    env: &Env,
    transport: &TransportSettings,
    space: &SpaceName,
    ask: &Ask,
) -> Result<Answer<String>, String> {
    let abort = match transport {
        // Only a call over HTTP can be aborted.
        TransportSettings::Url { .. } => Some(AbortOnDrop(Some(AbortController::default()))),
        _ => None,
    };
    let signal = abort
        .as_ref()
        .and_then(|abort| abort.0.as_ref().map(AbortController::signal));
    let response = send(env, transport, space, ask, signal.as_ref()).await?;
    read(ask, response).await
}

/// Aborting a call that has ended does nothing.
struct AbortOnDrop(Option<AbortController>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(controller) = self.0.take() {
            controller.abort();
        }
    }
}

async fn send(
    env: &Env,
    transport: &TransportSettings,
    space: &SpaceName,
    ask: &Ask,
    signal: Option<&AbortSignal>,
) -> Result<Response, String> {
    let path = match ask {
        Ask::Head { .. } => routes::snapshot_path(space),
        Ask::Pending { version } => routes::pending_path(space, *version),
    };
    let request = |origin: &str, token_secret: Option<&str>| {
        let bearer = token_secret.map(|name| bearer(env, name)).transpose()?;
        let mut fields = Vec::new();
        if let Some(bearer) = &bearer {
            fields.push((header::AUTHORIZATION, bearer.as_str()));
        }
        if let Some(etag) = ask.if_none_match() {
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
            let fetch = Fetch::Request(request);
            match signal {
                Some(signal) => fetch.send_with_signal(signal).await,
                None => fetch.send().await,
            }
        }
        TransportSettings::Unusable { reason } => return Err(reason.clone()),
    };
    sent.map_err(|error| format!("the coordinator cannot be reached: {error}"))
}

async fn read(ask: &Ask, response: Response) -> Result<Answer<String>, String> {
    let field = |name: &str| response.headers().get(name).ok().flatten();
    let answer = Answer::parse(ask, response.status_code(), field)?;
    let body = match answer {
        Answer::Snapshot { .. } => text_of(web_sys::Response::from(response).text()).await,
        Answer::NotModified { .. } | Answer::NotScheduled => Ok(String::new()),
    };
    let body = body.map_err(|_| "the answer broke off".to_owned())?;
    Ok(answer.with_body(body))
}

fn bearer(env: &Env, token_secret: &str) -> Result<String, String> {
    let token = env::secret(env, token_secret)
        .ok_or_else(|| format!("the secret {token_secret:?} is not set"))?;
    Ok(format!("Bearer {}", token.trim()))
}
