//! What a space's object answers beside snapshots: from a request's parts to the coordinator and
//! back, without a platform type, so that it runs in native tests as in the object.

mod writes;

use serde_json::Value;

use crate::coordinator::{Coordinator, Reload, WriteAnswer};
use crate::json;
use crate::names::{header, media};
use crate::page::Page;
use crate::platform::Platform;
use crate::problem::{Problem, ProblemKind};
use crate::query::{query_value, refuse_unknown};
use crate::reload_request::ReloadRequest;
use crate::routes::{FROM_QUERY, Leaf, PENDING_QUERY, POINTER_QUERY, Route, TO_QUERY};
use crate::store::Head;
use crate::version::{ETag, Version};
use crate::wire::http_date;

/// Who asks where no token was needed: whoever holds the object's binding.
pub const BINDING_ACTOR: &str = "binding";

/// A request to a space's object.
pub struct ApiRequest<'a> {
    /// What of the space.
    pub leaf: Leaf,
    /// The method, in upper case.
    pub method: &'a str,
    /// The query, without its `?`.
    pub query: &'a str,
    /// Looks up a header field by its name in lower case.
    pub field: &'a dyn Fn(&str) -> Option<String>,
    /// The body.
    pub body: &'a str,
}

/// An answer, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Header fields, the media type among them.
    pub fields: Vec<(&'static str, String)>,
    /// The body; empty for 304.
    pub body: String,
}

impl ApiRequest<'_> {
    /// The name of the token that asks.
    #[must_use]
    pub fn actor(&self) -> String {
        (self.field)(header::ACTOR).unwrap_or_else(|| BINDING_ACTOR.to_owned())
    }

    fn query(&self, name: &str) -> Result<Option<String>, Problem> {
        query_value(self.query, name)
    }

    /// What the method does, as the audit names it; `None` where it reads.
    #[must_use]
    pub fn action(&self) -> Option<&'static str> {
        self.route().action(self.method)
    }

    fn query_names(&self) -> &'static [&'static str] {
        self.route().query_names(self.method)
    }

    fn route(&self) -> Route<'static> {
        Route::Space {
            space: "",
            leaf: self.leaf,
        }
    }
}

impl ApiAnswer {
    fn json(value: &Value) -> Self {
        Self::of(media::JSON, json::text(value)).with(header::CACHE_CONTROL, "no-store".to_owned())
    }

    /// What is stored as JSON, with the head that a write to it is to name.
    fn stored(text: &str, version: Version, etag: &ETag) -> Self {
        Self::of(media::JSON, text.to_owned())
            .with(header::CACHE_CONTROL, "no-store".to_owned())
            .about(version, etag)
    }

    fn of(media_type: &str, body: String) -> Self {
        Self {
            status: 200,
            fields: vec![(header::CONTENT_TYPE, media_type.to_owned())],
            body,
        }
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.fields.push((name, value));
        self
    }

    /// With the header that a read is to carry to see what was done here.
    fn with_minimum(self, version: Version) -> Self {
        self.with(header::MIN_VERSION, version.to_string())
    }

    fn about(self, version: Version, etag: &ETag) -> Self {
        self.with(header::VERSION, version.to_string())
            .with(header::ETAG, etag.as_str().to_owned())
    }
}

/// The version in the query of a snapshot that is scheduled.
///
/// # Errors
/// A 400 where it is not one.
pub fn pending_version(query: &str) -> Result<Version, Problem> {
    let asked = query_value(query, PENDING_QUERY)?;
    let number = asked.as_deref().and_then(|text| text.parse().ok());
    number.and_then(Version::new).ok_or_else(|| {
        Problem::bad_request(format!(
            "the query parameter {PENDING_QUERY:?}: expected a version"
        ))
    })
}

/// Answers a request.
///
/// # Errors
/// Why it is refused.
pub async fn respond<P: Platform>(
    coordinator: &Coordinator<P>,
    request: &ApiRequest<'_>,
) -> Result<ApiAnswer, Problem> {
    // Before anything is refused: the object may have been opened by this very request.
    coordinator.wake().await;
    if let Some(denial) = (request.field)(header::DENIED) {
        coordinator.note_denied(
            &request.actor(),
            request.action().unwrap_or("read"),
            &denial,
        );
        return Ok(ApiAnswer {
            status: 204,
            fields: Vec::new(),
            body: String::new(),
        });
    }
    if request.leaf == Leaf::Reload {
        return reload(coordinator, request).await;
    }
    if request.action().is_some() {
        // Not all of them come through the front, and one that asks for a dry run where there is
        // none must not be done in earnest.
        refuse_unknown(request.query, request.query_names())?;
        let write = writes::parse(request, coordinator.platform().now())?;
        return Ok(written(coordinator.write(write).await?));
    }
    read(coordinator, request)
}

fn read<P: Platform>(
    coordinator: &Coordinator<P>,
    request: &ApiRequest<'_>,
) -> Result<ApiAnswer, Problem> {
    Ok(match request.leaf {
        Leaf::Versions => {
            let page = Page::of_query(request.query)?;
            ApiAnswer::json(&coordinator.versions(page)?)
        }
        Leaf::Version(number) => {
            let head = coordinator.version(known(number)?)?;
            version(&head, (request.field)(header::IF_NONE_MATCH).as_deref())
        }
        Leaf::Diff => {
            let from = number(request, FROM_QUERY)?.ok_or_else(|| {
                Problem::bad_request("the query parameter \"from\" is missing: expected a version")
            })?;
            let to = number(request, TO_QUERY)?;
            let patch = coordinator.diff(known(from)?, to.map(known).transpose()?)?;
            let mut answer = ApiAnswer::json(&patch);
            if let Some((_, media_type)) = answer.fields.first_mut() {
                *media_type = media::JSON_PATCH.to_owned();
            }
            answer
        }
        Leaf::Explain => {
            let pointer = request.query(POINTER_QUERY)?.unwrap_or_default();
            ApiAnswer::json(&coordinator.explain(&pointer)?)
        }
        Leaf::Audit => {
            let page = Page::of_query(request.query)?;
            ApiAnswer::json(&coordinator.audit(page)?)
        }
        Leaf::AuditCheck => ApiAnswer::json(&coordinator.audit_check()?),
        Leaf::Pending => ApiAnswer::json(&coordinator.pending()?),
        Leaf::Override => ApiAnswer::json(&coordinator.override_()?),
        Leaf::Document => {
            let (document, version, etag) = coordinator.source_document()?;
            ApiAnswer::stored(document.text(), version, &etag)
        }
        Leaf::Schema => {
            let (schema, version, etag) = coordinator.schema()?;
            ApiAnswer::stored(schema.text(), version, &etag)
        }
        _ => return Err(Problem::bare(ProblemKind::NotFound)),
    })
}

async fn reload<P: Platform>(
    coordinator: &Coordinator<P>,
    request: &ApiRequest<'_>,
) -> Result<ApiAnswer, Problem> {
    let asked = ReloadRequest::parse(request.body.as_bytes())?;
    let reload = Reload {
        actor: request.actor(),
        reason: asked.reason,
        waivers: asked.waive,
    };
    let report = coordinator.reload(reload).await.ok_or_else(|| {
        let space = coordinator.space().as_str();
        let detail = format!("the space {space:?} has no source to reload from");
        Problem::new(ProblemKind::NoSource, detail)
    })?;
    Ok(ApiAnswer::json(&report.to_json()).with_minimum(report.version))
}

fn written(answer: WriteAnswer) -> ApiAnswer {
    let (version, etag) = answer.head;
    let mut told = ApiAnswer::json(&answer.body).about(version, &etag);
    told.status = answer.status;
    if answer.status < 400 {
        told = told.with_minimum(version);
    } else if let Some((_, media_type)) = told.fields.first_mut() {
        *media_type = media::PROBLEM_JSON.to_owned();
    }
    if answer.replayed {
        told = told.with(header::REPLAYED, "true".to_owned());
    }
    told
}

/// A version never changes, so whoever may see it may keep it.
fn version(head: &Head, held: Option<&str>) -> ApiAnswer {
    let not_modified = held.is_some_and(|held| head.etag.matches_if_none_match(held));
    let mut answer = ApiAnswer::of(media::JSON, head.text.to_string())
        .with(
            header::CACHE_CONTROL,
            "private, max-age=31536000, immutable".to_owned(),
        )
        .with(header::LAST_MODIFIED, http_date(head.adopted_at))
        .about(head.version, &head.etag);
    if not_modified {
        answer.status = 304;
        answer.body.clear();
    }
    answer
}

fn number(request: &ApiRequest<'_>, name: &str) -> Result<Option<u64>, Problem> {
    let Some(text) = request.query(name)? else {
        return Ok(None);
    };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.map(Some).ok_or_else(|| {
        Problem::bad_request(format!(
            "the query parameter {name:?}: expected a whole number"
        ))
    })
}

/// A number that no version has is one that is not kept.
fn known(number: u64) -> Result<Version, Problem> {
    Version::new(number).ok_or_else(|| {
        Problem::new(
            ProblemKind::UnknownVersion,
            format!("version {number} never was"),
        )
    })
}
