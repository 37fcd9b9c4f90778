//! RFC 9457 problem documents: the one mapping from errors to HTTP answers.

use serde_json::Value;

use crate::json::Members;
use crate::names::{header, media};
use crate::pointer::PointerError;
use crate::reason::Reason;
use crate::token::Denied;

/// What went wrong, as far as HTTP is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// 400: the request cannot be understood.
    BadRequest,
    /// 401: no token, a malformed header or an unknown token.
    Unauthenticated,
    /// 403: a known token without the scope.
    Forbidden,
    /// 404: no such route.
    NotFound,
    /// 404: the settings name no such space.
    UnknownSpace,
    /// 404: the document has nothing at the pointer.
    PointerNotFound,
    /// 404: the version is not kept, or never was.
    UnknownVersion,
    /// 404: no pending change has this number.
    UnknownPending,
    /// 404: what is to be taken away or shown is not set.
    NothingSet,
    /// 405: the route exists, with other methods.
    MethodNotAllowed,
    /// 409: the space has no source to reload from.
    NoSource,
    /// 409: the space is pulled from a source and does not allow publishing.
    NotPublishable,
    /// 409: too many changes are pending.
    TooManyPending,
    /// 412: the head moved on, or is below the least version asked for.
    PreconditionFailed,
    /// 413: the body is over its limit.
    ContentTooLarge,
    /// 415: the body is not what the route takes.
    UnsupportedMediaType,
    /// 422: the document must not become the head.
    Rejected,
    /// 422: the key came with another request before.
    IdempotencyKeyReused,
    /// 428: a write without `If-Match`.
    PreconditionRequired,
    /// 500: bindings, settings or secrets are wrong or missing.
    Misconfigured,
    /// 500: the object's database was edited, or is newer than this code.
    StorageRefused,
    /// 501: this Worker only follows; the coordinator's Worker serves the route.
    NotServedHere,
    /// 503: the coordinator cannot be reached, and there is nothing to serve instead.
    Unavailable,
    /// 503: what is held is too old, and the settings say to fail then.
    Expired,
}

impl ProblemKind {
    /// Every kind, for documents and tests.
    pub const ALL: [ProblemKind; 24] = [
        ProblemKind::BadRequest,
        ProblemKind::Unauthenticated,
        ProblemKind::Forbidden,
        ProblemKind::NotFound,
        ProblemKind::UnknownSpace,
        ProblemKind::PointerNotFound,
        ProblemKind::UnknownVersion,
        ProblemKind::UnknownPending,
        ProblemKind::NothingSet,
        ProblemKind::MethodNotAllowed,
        ProblemKind::NoSource,
        ProblemKind::NotPublishable,
        ProblemKind::TooManyPending,
        ProblemKind::PreconditionFailed,
        ProblemKind::ContentTooLarge,
        ProblemKind::UnsupportedMediaType,
        ProblemKind::Rejected,
        ProblemKind::IdempotencyKeyReused,
        ProblemKind::PreconditionRequired,
        ProblemKind::Misconfigured,
        ProblemKind::StorageRefused,
        ProblemKind::NotServedHere,
        ProblemKind::Unavailable,
        ProblemKind::Expired,
    ];

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.row().0
    }

    /// The `type` member, a URN that never changes.
    pub fn type_uri(self) -> String {
        format!("urn:bellwether:problem:{}", self.slug())
    }

    /// The last part of [`ProblemKind::type_uri`]; also the kind's name in logs.
    pub const fn slug(self) -> &'static str {
        self.row().1
    }

    /// The `title` member.
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    const fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            ProblemKind::BadRequest => (400, "bad-request", "The request is not valid"),
            ProblemKind::Unauthenticated => (401, "unauthenticated", "A valid token is needed"),
            ProblemKind::Forbidden => (403, "forbidden", "The token does not allow this"),
            ProblemKind::NotFound => (404, "not-found", "There is nothing here"),
            ProblemKind::UnknownSpace => (404, "unknown-space", "There is no such space"),
            ProblemKind::PointerNotFound => (
                404,
                "pointer-not-found",
                "The document has no value at the pointer",
            ),
            ProblemKind::UnknownVersion => (404, "unknown-version", "There is no such version"),
            ProblemKind::UnknownPending => {
                (404, "unknown-pending", "There is no such pending change")
            }
            ProblemKind::NothingSet => (404, "nothing-set", "Nothing of the kind is set"),
            ProblemKind::NoSource => (409, "no-source", "The space has no source"),
            ProblemKind::NotPublishable => (
                409,
                "not-publishable",
                "The space takes its document from its source",
            ),
            ProblemKind::TooManyPending => {
                (409, "too-many-pending", "Too many changes are pending")
            }
            ProblemKind::Rejected => (422, "rejected", "The document is not acceptable"),
            ProblemKind::IdempotencyKeyReused => (
                422,
                "idempotency-key-reused",
                "The key belongs to another request",
            ),
            ProblemKind::PreconditionRequired => {
                (428, "precondition-required", "The write needs If-Match")
            }
            ProblemKind::MethodNotAllowed => {
                (405, "method-not-allowed", "The method is not allowed here")
            }
            ProblemKind::PreconditionFailed => (
                412,
                "precondition-failed",
                "The version is not the one asked for",
            ),
            ProblemKind::ContentTooLarge => (413, "content-too-large", "The body is too large"),
            ProblemKind::UnsupportedMediaType => (
                415,
                "unsupported-media-type",
                "The body's media type is not supported",
            ),
            ProblemKind::Misconfigured => {
                (500, "misconfigured", "The Worker's configuration is wrong")
            }
            ProblemKind::StorageRefused => (
                500,
                "storage-refused",
                "The object's database does not fit this code",
            ),
            ProblemKind::NotServedHere => (
                501,
                "not-served-here",
                "The coordinator's Worker serves this, not this one",
            ),
            ProblemKind::Unavailable => (503, "unavailable", "The coordinator cannot be reached"),
            ProblemKind::Expired => (503, "expired", "The configuration held here is too old"),
        }
    }
}

/// One offending value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemError {
    /// RFC 6901 pointer into the body.
    pub pointer: String,
    /// What was found and what was expected; never the value.
    pub message: String,
    /// The same for machines, where a document was refused.
    pub reason: Option<Reason>,
}

/// An error to people. Neither `detail` nor `errors` may hold a secret or a document's value.
///
/// Boxed: it stands in the result of nearly every call of the API, and each of them would copy it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(Box<Occurrence>);

/// What a [`Problem`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// What went wrong.
    pub kind: ProblemKind,
    /// This occurrence, in a sentence. Never sent with 401 and 403.
    pub detail: Option<String>,
    /// The offending values.
    pub errors: Vec<ProblemError>,
    /// The methods of the route, for 405.
    pub allow: Option<String>,
    /// When to try again, in seconds.
    pub retry_after_s: Option<u64>,
}

impl std::ops::Deref for Problem {
    type Target = Occurrence;

    fn deref(&self) -> &Occurrence {
        &self.0
    }
}

impl std::ops::DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Occurrence {
        &mut self.0
    }
}

impl Problem {
    /// A problem with a detail.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Problem {
        Problem::of(kind, Some(detail.into()))
    }

    /// A problem that its kind says all about.
    pub fn bare(kind: ProblemKind) -> Problem {
        Problem::of(kind, None)
    }

    #[inline(never)]
    fn of(kind: ProblemKind, detail: Option<String>) -> Problem {
        Problem(Box::new(Occurrence {
            kind,
            detail,
            errors: Vec::new(),
            allow: None,
            retry_after_s: None,
        }))
    }

    /// A 400.
    pub fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(ProblemKind::BadRequest, detail)
    }

    /// A 405 with the methods that the route takes.
    pub fn method_not_allowed(allow: String) -> Problem {
        let detail = format!("this route takes {allow}");
        let mut problem = Problem::new(ProblemKind::MethodNotAllowed, detail);
        problem.allow = Some(allow);
        problem
    }

    /// The same, with one more reason why a document was refused.
    pub fn with_reason(mut self, reason: &Reason) -> Problem {
        self.errors.push(ProblemError {
            pointer: reason.pointer.clone(),
            message: reason.message.clone(),
            reason: Some(reason.clone()),
        });
        self
    }

    /// The same, naming one more offending value.
    pub fn with_error(mut self, pointer: impl Into<String>, message: impl Into<String>) -> Problem {
        self.errors.push(ProblemError {
            pointer: pointer.into(),
            message: message.into(),
            reason: None,
        });
        self
    }

    /// The same, telling the client when to try again.
    pub fn with_retry_after_s(mut self, seconds: u64) -> Problem {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.kind.status()
    }

    /// The document.
    pub fn to_json(&self) -> Value {
        let mut members = Members::new();
        members
            .text("type", &self.kind.type_uri())
            .text("title", self.kind.title())
            .number("status", self.status().into());
        let silent = matches!(
            self.kind,
            ProblemKind::Unauthenticated | ProblemKind::Forbidden
        );
        if silent {
            return members.take();
        }
        members.text_if_any("detail", self.detail.as_deref());
        if !self.errors.is_empty() {
            let error = |error: &ProblemError| {
                if let Some(reason) = &error.reason {
                    return reason.to_json();
                }
                let mut members = Members::new();
                members
                    .text("pointer", &error.pointer)
                    .text("message", &error.message)
                    .take()
            };
            members.value("errors", self.errors.iter().map(error).collect());
        }
        members.take()
    }

    /// The headers that go with the document.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            (header::CONTENT_TYPE, media::PROBLEM_JSON.to_owned()),
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ];
        if self.kind == ProblemKind::Unauthenticated {
            headers.push((
                header::WWW_AUTHENTICATE,
                "Bearer realm=\"bellwether\"".to_owned(),
            ));
        }
        if let Some(allow) = &self.allow {
            headers.push((header::ALLOW, allow.clone()));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.push((header::RETRY_AFTER, seconds.to_string()));
        }
        headers
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Problem {
        Problem::bare(match denied {
            Denied::Unauthenticated => ProblemKind::Unauthenticated,
            Denied::Forbidden => ProblemKind::Forbidden,
        })
    }
}

impl From<PointerError> for Problem {
    fn from(error: PointerError) -> Problem {
        let kind = match error {
            PointerError::Syntax(_) => ProblemKind::BadRequest,
            PointerError::NotFound(_) => ProblemKind::PointerNotFound,
        };
        Problem::new(kind, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn kinds_are_distinct_and_errors() {
        let slugs: BTreeSet<_> = ProblemKind::ALL
            .into_iter()
            .map(ProblemKind::slug)
            .collect();
        assert_eq!(slugs.len(), ProblemKind::ALL.len());
        for kind in ProblemKind::ALL {
            assert!((400..600).contains(&kind.status()), "{kind:?}");
            let urn_safe = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
            assert!(kind.slug().bytes().all(urn_safe), "{kind:?}");
        }
    }

    #[test]
    fn document_and_headers() {
        let problem = Problem::bad_request("two things are wrong")
            .with_error("/a/b", "found a number, expected a string")
            .with_error("", "found an array, expected an object")
            .with_retry_after_s(3);
        assert_eq!(
            problem.to_json().to_string(),
            r#"{"type":"urn:bellwether:problem:bad-request","title":"The request is not valid","status":400,"detail":"two things are wrong","errors":[{"pointer":"/a/b","message":"found a number, expected a string"},{"pointer":"","message":"found an array, expected an object"}]}"#
        );
        assert_eq!(
            problem.headers(),
            [
                ("content-type", "application/problem+json".to_owned()),
                ("cache-control", "no-store".to_owned()),
                ("retry-after", "3".to_owned()),
            ]
        );
    }

    #[test]
    fn a_denial_tells_nothing() {
        for (denied, status) in [(Denied::Unauthenticated, 401), (Denied::Forbidden, 403)] {
            let mut problem = Problem::from(denied).with_error("/x", "y");
            problem.detail = Some("secret".to_owned());
            let members: Vec<_> = problem
                .to_json()
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.clone())
                .collect();
            assert_eq!(members, ["type", "title", "status"]);
            assert_eq!(problem.status(), status);
            let asks = problem
                .headers()
                .iter()
                .any(|(name, _)| *name == "www-authenticate");
            assert_eq!(asks, status == 401);
        }
    }

    #[test]
    fn method_not_allowed_has_allow() {
        let problem = Problem::method_not_allowed("GET, HEAD, OPTIONS".to_owned());
        assert_eq!(problem.status(), 405);
        assert!(
            problem
                .headers()
                .contains(&("allow", "GET, HEAD, OPTIONS".to_owned()))
        );
    }
}
