//! Pulls a space's source once. Deadlines and retries are the core's.

mod binding;
mod kv;
mod r2;
mod url;

use bellwether_core::document::MAX_SOURCE_BYTES;
use bellwether_core::refresh::{Cause, Failure, Fetched};
use bellwether_core::settings::SourceSettings;
use worker::Env;
use worker::web_sys::ReadableStream;

use crate::body::{self, Body};

/// Pulls the source that the settings name.
pub(crate) async fn pull(
    env: &Env,
    source: &SourceSettings,
    if_none_match: Option<&str>,
) -> Fetched {
    let pulled = match source {
        SourceSettings::Kv { binding, key } => kv::pull_key(env, binding, key).await,
        SourceSettings::KvPrefix { binding, prefix } => kv::pull_prefix(env, binding, prefix).await,
        SourceSettings::Url { url, token_secret } => {
            url::pull(env, url, token_secret.as_deref(), if_none_match).await
        }
        SourceSettings::R2 { binding, key } => r2::pull(env, binding, key, if_none_match).await,
        SourceSettings::None => Err(Failure::new(
            Cause::Settings,
            "the space has no source to pull",
        )),
        SourceSettings::Unusable { reason } => Err(Failure::new(Cause::Settings, reason.clone())),
    };
    pulled.unwrap_or_else(Fetched::Failed)
}

/// Reads a source's body under the cap of one document, or what is left of it.
async fn read_body(stream: &ReadableStream, cap: usize) -> Result<Body, Failure> {
    body::read(stream, cap)
        .await
        .map_err(|_| Failure::new(Cause::Network, "the answer broke off before its end"))
}

/// How much of a source is read, in bytes.
const CAP: usize = MAX_SOURCE_BYTES;
