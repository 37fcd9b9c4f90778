//! Every name that other people rely on and that is not a route: bindings, vars, secrets, headers
//! and media types. Changing one is a breaking change.

/// Durable Object class, as wrangler's `[[migrations]]` declares it.
pub const COORDINATOR_CLASS: &str = "Coordinator";
/// Durable Object binding; the object's name is the space.
pub const COORDINATOR_BINDING: &str = "COORDINATOR";
/// The space that exists when the settings name none.
pub const DEFAULT_SPACE: &str = "default";
/// KV namespace binding of the default source.
pub const CONFIG_KV_BINDING: &str = "CONFIG_KV";
/// KV key of the default source.
pub const CONFIG_KV_KEY: &str = "config";
/// Var that holds the settings, a JSON object.
pub const SETTINGS_VAR: &str = "BELLWETHER";
/// Var that holds the `vars` layer, a JSON object.
pub const VARS_LAYER_VAR: &str = "BELLWETHER_VARS";
/// Secret that holds the tokens, a JSON array of `{name, sha256, scopes}`.
pub const TOKENS_SECRET: &str = "BELLWETHER_TOKENS";

/// Header names in lower case, for lookups and comparisons.
pub mod header {
    /// Request: `Accept`.
    pub const ACCEPT: &str = "accept";
    /// Response: age of the snapshot as this reader knows it, whole seconds.
    pub const AGE: &str = "age";
    /// Response: methods a route takes.
    pub const ALLOW: &str = "allow";
    /// Request: `Bearer <token>`.
    pub const AUTHORIZATION: &str = "authorization";
    /// Response: caching rules for whoever stands between.
    pub const CACHE_CONTROL: &str = "cache-control";
    /// Both: length of the body in bytes.
    pub const CONTENT_LENGTH: &str = "content-length";
    /// Both: media type of the body.
    pub const CONTENT_TYPE: &str = "content-type";
    /// Response: the snapshot's validator.
    pub const ETAG: &str = "etag";
    /// Request: names a write, so that a repetition of it is recognised.
    pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
    /// Request: conditional write.
    pub const IF_MATCH: &str = "if-match";
    /// Request: conditional read.
    pub const IF_NONE_MATCH: &str = "if-none-match";
    /// Response: when the snapshot was adopted.
    pub const LAST_MODIFIED: &str = "last-modified";
    /// Response: where a source redirects to.
    pub const LOCATION: &str = "location";
    /// Response: seconds to wait before the next try.
    pub const RETRY_AFTER: &str = "retry-after";
    /// Response: where the time went.
    pub const SERVER_TIMING: &str = "server-timing";
    /// Response: how to authenticate; goes with every 401.
    pub const WWW_AUTHENTICATE: &str = "www-authenticate";
    /// Response: version of the snapshot, 0 before anything was received.
    pub const VERSION: &str = "bellwether-version";
    /// Response: `fresh`, `stale`, `expired` or `base`.
    pub const STATE: &str = "bellwether-state";
    /// Response of the object to readers: age and how long to keep ([`crate::wire::Freshness`]).
    pub const FRESHNESS: &str = "bellwether-freshness";
    /// Response: the answer is the one that this `Idempotency-Key` was given before.
    pub const REPLAYED: &str = "bellwether-replayed";
    /// Request, from the front Worker to the object only: a write that was refused for want of a
    /// token or a scope, to be written down.
    pub const DENIED: &str = "bellwether-denied";
    /// Response of the object to readers: what is scheduled next ([`crate::wire::Pending`]).
    pub const PENDING: &str = "bellwether-pending";
    /// Request, from the front Worker to the object only: the name of the token that asks.
    pub const ACTOR: &str = "bellwether-actor";
    /// Request: the lowest version the caller accepts. Response to a write: what to ask for to see it.
    pub const MIN_VERSION: &str = "bellwether-min-version";
    /// Request of a reader: what it tells of itself ([`crate::fleet::Report`]).
    pub const READER: &str = "bellwether-reader";
    /// Request: why, where the body is a document and has no place for it. Percent-encoded UTF-8.
    pub const REASON: &str = "bellwether-reason";
}

/// Header names as the documents spell them, for setting on responses that people read.
pub mod spelled {
    /// See [`super::header::VERSION`].
    pub const VERSION: &str = "Bellwether-Version";
    /// See [`super::header::STATE`].
    pub const STATE: &str = "Bellwether-State";
    /// See [`super::header::FRESHNESS`].
    pub const FRESHNESS: &str = "Bellwether-Freshness";
    /// See [`super::header::PENDING`].
    pub const PENDING: &str = "Bellwether-Pending";
    /// See [`super::header::MIN_VERSION`].
    pub const MIN_VERSION: &str = "Bellwether-Min-Version";
    /// See [`super::header::REASON`].
    pub const REASON: &str = "Bellwether-Reason";
    /// See [`super::header::IDEMPOTENCY_KEY`].
    pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
    /// See [`super::header::IF_MATCH`].
    pub const IF_MATCH: &str = "If-Match";
    /// See [`super::header::IF_NONE_MATCH`].
    pub const IF_NONE_MATCH: &str = "If-None-Match";
    /// See [`super::header::AGE`].
    pub const AGE: &str = "Age";
    /// See [`super::header::ETAG`].
    pub const ETAG: &str = "ETag";
    /// See [`super::header::SERVER_TIMING`].
    pub const SERVER_TIMING: &str = "Server-Timing";
}

/// Media types of bodies.
pub mod media {
    /// Documents and answers.
    pub const JSON: &str = "application/json";
    /// RFC 6902 patches.
    pub const JSON_PATCH: &str = "application/json-patch+json";
    /// RFC 7396 patches.
    pub const MERGE_PATCH: &str = "application/merge-patch+json";
    /// RFC 9457 problem documents.
    pub const PROBLEM_JSON: &str = "application/problem+json";
    /// Prometheus text, format 0.0.4.
    pub const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
}

#[cfg(test)]
mod tests {
    use super::{header, spelled};

    #[test]
    fn spellings_differ_from_lookups_in_case_only() {
        let pairs = [
            (header::VERSION, spelled::VERSION),
            (header::STATE, spelled::STATE),
            (header::FRESHNESS, spelled::FRESHNESS),
            (header::PENDING, spelled::PENDING),
            (header::MIN_VERSION, spelled::MIN_VERSION),
            (header::REASON, spelled::REASON),
            (header::IDEMPOTENCY_KEY, spelled::IDEMPOTENCY_KEY),
            (header::IF_MATCH, spelled::IF_MATCH),
            (header::IF_NONE_MATCH, spelled::IF_NONE_MATCH),
            (header::AGE, spelled::AGE),
            (header::ETAG, spelled::ETAG),
            (header::SERVER_TIMING, spelled::SERVER_TIMING),
        ];
        for (lookup, spelling) in pairs {
            assert_eq!(lookup, spelling.to_ascii_lowercase());
            assert_ne!(lookup, spelling);
        }
    }
}
