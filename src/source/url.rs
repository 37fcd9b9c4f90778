//! An HTTP(S) URL as a source: conditional by ETag, capped, and never redirected off its origin.

use bellwether_core::names::{header, media};
use bellwether_core::refresh::{Cause, Failure, Fetched};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;
use worker::web_sys::Response;

use super::{CAP, read_body};
use crate::body::Body;
use crate::outgoing::Asked;

const MAX_REDIRECTS: usize = 3;

#[wasm_bindgen]
extern "C" {
    /// The platform's own URL parser: the crate `url` would bring tables of its own.
    #[wasm_bindgen(js_name = URL)]
    type JsUrl;
    #[wasm_bindgen(constructor, catch, js_class = "URL")]
    fn new(url: &str, base: &str) -> Result<JsUrl, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn href(this: &JsUrl) -> String;
    #[wasm_bindgen(method, getter)]
    fn origin(this: &JsUrl) -> String;
}

/// Pulls the URL. Failures never quote it: its query may hold a secret.
pub(super) async fn pull(
    env: &Env,
    url: &str,
    token_secret: Option<&str>,
    if_none_match: Option<&str>,
) -> Result<Fetched, Failure> {
    let bearer = token_secret.map(|name| bearer(env, name)).transpose()?;
    let mut fields = vec![(header::ACCEPT, media::JSON)];
    fields.extend(
        bearer
            .as_deref()
            .map(|token| (header::AUTHORIZATION, token)),
    );
    fields.extend(if_none_match.map(|etag| (header::IF_NONE_MATCH, etag)));
    let mut at = parse(url, url)?;
    let origin = at.origin();
    for _ in 0..=MAX_REDIRECTS {
        let asked = Asked::url(&at.href(), &fields);
        let response = asked.response().await;
        let unreachable = || Failure::new(Cause::Network, "the source cannot be reached");
        let response = response.ok_or_else(unreachable)?;
        match response.status() {
            301 | 302 | 303 | 307 | 308 => {
                let target = field(&response, header::LOCATION).unwrap_or_default();
                at = parse(&target, &at.href())?;
                if at.origin() != origin {
                    return Err(Failure::new(
                        Cause::Redirect,
                        "the source redirects to another origin; expected its own",
                    ));
                }
            }
            200 => return read(response).await,
            304 => return Ok(Fetched::NotModified),
            404 | 410 => return Ok(Fetched::Missing),
            status => {
                let detail = format!("the source answered {status}");
                return Err(Failure::new(Cause::Status, detail));
            }
        }
    }
    let detail = format!("the source redirects more than {MAX_REDIRECTS} times");
    Err(Failure::new(Cause::Redirect, detail))
}

async fn read(response: Response) -> Result<Fetched, Failure> {
    let announced = field(&response, header::CONTENT_LENGTH)
        .and_then(|length| length.parse::<u64>().ok())
        .filter(|length| *length > CAP as u64);
    if let Some(at_least) = announced {
        return Ok(Fetched::Oversized { at_least });
    }
    let etag = field(&response, header::ETAG);
    let Some(stream) = response.body() else {
        return Ok(Fetched::Body {
            bytes: Vec::new(),
            etag,
        });
    };
    Ok(match read_body(&stream, CAP).await? {
        Body::Whole(bytes) => Fetched::Body {
            bytes: bytes.to_vec(),
            etag,
        },
        Body::Oversized(at_least) => Fetched::Oversized { at_least },
    })
}

fn bearer(env: &Env, token_secret: &str) -> Result<String, Failure> {
    let failure = |what| Failure::new(Cause::Secret, format!("the secret {token_secret:?} {what}"));
    let token =
        bellwether_reader::secret(env, token_secret).ok_or_else(|| failure("is not set"))?;
    let token = token.trim();
    // It goes to the platform in a line, and that would quote it.
    if token.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(format!("Bearer {token}"))
    } else {
        Err(failure("is not a token"))
    }
}

fn parse(url: &str, base: &str) -> Result<JsUrl, Failure> {
    JsUrl::new(url, base).map_err(|_| {
        Failure::new(
            Cause::Redirect,
            "the source names a place that is not a URL",
        )
    })
}

fn field(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).ok().flatten()
}
