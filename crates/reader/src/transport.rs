//! How a reader reaches the coordinator: an object's binding, a service binding, or a URL.

use bellwether_core::ETag;
use bellwether_core::names::header;
use bellwether_core::reading::{Answer, Ask};
use bellwether_core::settings::TransportSettings;
use bellwether_core::{routes, space_name::SpaceName};
use worker::wasm_bindgen::JsCast as _;
use worker::wasm_bindgen_futures::JsFuture;
use worker::{AbortController, Env, Fetch, Request, web_sys};

use crate::env;
use crate::hot::{self, Told};
use crate::outgoing::Outgoing;
use crate::text::text_of;

/// The host of requests that go through a binding; never resolved.
const BINDING_ORIGIN: &str = "https://bellwether";

/// Asks the coordinator, once. Dropped before its end, it aborts the call where that can be.
///
/// # Errors
/// One line for the log. It holds no token and no document.
pub(crate) async fn fetch_snapshot(
    env: &Env,
    transport: &TransportSettings,
    space: &SpaceName,
    ask: &Ask,
    report: Option<&str>,
) -> Result<Answer<String>, String> {
    let path = match ask {
        Ask::Head { .. } => routes::snapshot_path(space),
        Ask::Pending { version } => routes::pending_path(space, *version),
    };
    let bearer = match transport {
        TransportSettings::Service { token_secret, .. }
        | TransportSettings::Url { token_secret, .. } => Some(bearer(env, token_secret)?),
        _ => None,
    };
    let held = ask.if_none_match().map(ETag::as_str);
    let mut fields = Vec::new();
    for (name, value) in [
        (header::IF_NONE_MATCH, held),
        (header::READER, report),
        (header::AUTHORIZATION, bearer.as_deref()),
    ] {
        fields.extend(value.map(|value| (name, value)));
    }
    match transport {
        TransportSettings::Object { binding } => {
            let url = format!("{BINDING_ORIGIN}{path}");
            let asked = hot::ask(env, binding, space.as_str(), &url, fields)
                .map_err(|_| format!("there is no Durable Object binding {binding:?}"))?;
            let response = JsFuture::from(asked).await.map_err(unreachable)?;
            read(ask, response.unchecked_into()).await
        }
        TransportSettings::Service { binding, .. } => {
            let service = env
                .service(binding)
                .map_err(|_| format!("there is no service binding {binding:?}"))?;
            let request = request(&format!("{BINDING_ORIGIN}{path}"), &fields)?;
            let response = service.fetch_request(request).await.map_err(unreachable)?;
            read(ask, response.into()).await
        }
        TransportSettings::Url { url, .. } => {
            // Only a call over HTTP can be aborted.
            let controller = AbortController::default();
            let signal = controller.signal();
            let _abort = AbortOnDrop(Some(controller));
            let request = request(&format!("{url}{path}"), &fields)?;
            let fetch = Fetch::Request(request);
            let response = fetch.send_with_signal(&signal).await.map_err(unreachable)?;
            read(ask, response.into()).await
        }
        TransportSettings::Unusable { reason } => Err(reason.clone()),
    }
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

fn request(url: &str, fields: &[(&str, &str)]) -> Result<Request, String> {
    let outgoing = Outgoing {
        method: "GET",
        url,
        fields,
        body: None,
        uncached: false,
    };
    outgoing.request().map_err(|error| error.to_string())
}

fn unreachable(error: impl Into<worker::Error>) -> String {
    format!("the coordinator cannot be reached: {}", error.into())
}

async fn read(ask: &Ask, response: web_sys::Response) -> Result<Answer<String>, String> {
    let told = Told::by(&response);
    let field = |name: &str| told.header(name).map(str::to_owned);
    let answer = Answer::parse(ask, told.status(), &field)?;
    let body = match answer {
        Answer::Snapshot { .. } => text_of(response.text()).await,
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
