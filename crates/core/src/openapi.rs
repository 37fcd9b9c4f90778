//! `/openapi.json`: what every route takes and answers, in OpenAPI 3.1.
//!
//! Paths, methods, scopes and parameters come from [`crate::routes`], problems from
//! [`crate::problem`], bounds from their constants. What no table of the code has stands in two
//! texts: `openapi/operations.txt`, a line for each operation, and `openapi/components.txt`, in the
//! shorthand of `openapi/shorthand.rs`. All of it is text put together: made of JSON values, the
//! same was 6 KB larger in a bundle (gzipped).

mod shorthand;

use std::slice;

use crate::json;
use crate::names::{header, media, spelled};
use crate::problem::{Problem, ProblemKind};
use crate::routes::{Leaf, REPLACES_QUERY, Route};
use crate::token::Scope;

/// Name, summary, schema of the answer (`Written` without), schema of the body, headers of the
/// answer, problems of its own, links.
const OPERATIONS: &str = include_str!("openapi/operations.txt");
const COMPONENTS: &str = include_str!("openapi/components.txt");

/// The description, as JSON.
#[must_use]
pub fn document() -> String {
    let mut out = Out::default();
    out.text("{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Bellwether\",\"version\":");
    out.quoted(env!("CARGO_PKG_VERSION"));
    out.text("},\"paths\":{");
    for route in Route::all() {
        out.path(&route);
    }
    out.text("},");
    out.shorthand(COMPONENTS);
    out.text(",\"responses\":{");
    for kind in &ProblemKind::ALL {
        out.name(kind.slug());
        out.problems(slice::from_ref(kind));
    }
    out.text("},\"examples\":{");
    for kind in ProblemKind::ALL {
        out.name(kind.slug());
        out.text("{\"value\":");
        out.text(&json::text(&Problem::bare(kind).to_json()));
        out.text("}");
    }
    out.text("}}}");
    out.0
}

/// What is known of an operation.
struct Operation<'a> {
    leaf: Option<Leaf>,
    scope: Option<Scope>,
    query_names: &'static [&'static str],
    columns: [&'a str; 7],
}

impl Operation<'_> {
    fn new(route: &Route<'_>, method: &str) -> Self {
        // What it does, as the audit has it.
        let (prefix, name) = match route.action(method) {
            Some(action) => ("", action),
            None => ("get_", route.name()),
        };
        let mut lines = OPERATIONS;
        let mut columns = [""; 7];
        while !lines.is_empty() {
            let mut line = cut(&mut lines, b'\n');
            let mut rest = line;
            let id = cut(&mut rest, b'|');
            if id.strip_prefix(prefix) == Some(name) {
                for column in &mut columns {
                    *column = cut(&mut line, b'|');
                }
                break;
            }
        }
        Self {
            leaf: match route {
                Route::Space { leaf, .. } => Some(*leaf),
                _ => None,
            },
            scope: route.scope(method),
            query_names: route.query_names(method),
            columns,
        }
    }

    /// Whether it writes, and so takes what goes with a write.
    fn publishes(&self) -> bool {
        self.scope == Some(Scope::Publish)
    }

    /// Whether it can be put off to a moment.
    fn can_wait(&self) -> bool {
        self.query_names.contains(&REPLACES_QUERY)
    }

    /// Whether it answers 304 to whoever holds the document already.
    fn is_conditional(&self) -> bool {
        matches!(
            self.leaf,
            Some(Leaf::Config | Leaf::Snapshot | Leaf::Version(_))
        )
    }

    fn may_meet(&self, kind: ProblemKind) -> bool {
        let [.., body, _, problems, _] = self.columns;
        let in_space = self.leaf.is_some();
        let by_nature = match kind {
            ProblemKind::BadRequest => true,
            ProblemKind::Unauthenticated | ProblemKind::Forbidden => self.scope.is_some(),
            ProblemKind::UnknownSpace | ProblemKind::Misconfigured => in_space,
            // A reader needs no object to answer.
            ProblemKind::StorageRefused | ProblemKind::NotServedHere | ProblemKind::Unavailable => {
                in_space && self.leaf != Some(Leaf::Config)
            }
            ProblemKind::ContentTooLarge | ProblemKind::UnsupportedMediaType => !body.is_empty(),
            ProblemKind::PreconditionFailed
            | ProblemKind::PreconditionRequired
            | ProblemKind::IdempotencyKeyReused => self.publishes(),
            ProblemKind::TooManyPending | ProblemKind::UnknownPending => self.can_wait(),
            _ => false,
        };
        by_nature || has_word(problems, kind.slug())
    }
}

/// The text, as far as it is written.
#[derive(Default)]
struct Out(String);

impl Out {
    #[inline(never)]
    fn text(&mut self, text: &str) {
        self.0.push_str(text);
    }

    /// A text in which nothing is to be escaped.
    #[inline(never)]
    fn quoted(&mut self, text: &str) {
        self.text("\"");
        self.text(text);
        self.text("\"");
    }

    #[inline(never)]
    fn number(&mut self, number: u64) {
        self.text(&number.to_string());
    }

    /// The comma before what is not the first one.
    #[inline(never)]
    fn next(&mut self) {
        if !matches!(self.0.as_bytes().last(), Some(b'{' | b'[')) {
            self.text(",");
        }
    }

    /// The name of one more member.
    #[inline(never)]
    fn name(&mut self, name: &str) {
        self.next();
        self.quoted(name);
        self.text(":");
    }

    #[inline(never)]
    fn reference(&mut self, section: &str, name: &str) {
        self.text("{\"$ref\":\"#/components/");
        self.text(section);
        self.text("/");
        self.text(name);
        self.text("\"}");
    }

    /// One more parameter of a list.
    #[inline(never)]
    fn parameter(&mut self, name: &str) {
        self.next();
        self.reference("parameters", name);
    }

    /// An object of references under their names.
    #[inline(never)]
    fn references(&mut self, section: &str, mut names: &str) {
        self.name(section);
        self.text("{");
        while !names.is_empty() {
            let name = cut(&mut names, b' ');
            self.name(name);
            self.reference(section, name);
        }
        self.text("}");
    }

    fn path(&mut self, route: &Route<'_>) {
        self.name(&route.template());
        self.text("{\"parameters\":[");
        for name in route.parameters() {
            self.parameter(name);
        }
        self.text("]");
        for method in route.methods() {
            // What HTTP says of these two is all that there is to say.
            if !matches!(*method, "HEAD" | "OPTIONS") {
                self.name(&method.to_ascii_lowercase());
                self.operation(&Operation::new(route, method), *method == "PATCH");
            }
        }
        self.text("}");
    }

    fn operation(&mut self, operation: &Operation<'_>, is_patch: bool) {
        let [id, summary, _, body, ..] = operation.columns;
        self.text("{\"operationId\":");
        self.quoted(id);
        self.name("summary");
        self.quoted(summary);
        self.text(",\"security\":[");
        if let Some(scope) = operation.scope {
            self.text("{\"token\":[");
            self.quoted(scope.as_str());
            self.text("]}");
        }
        self.text("],\"parameters\":[");
        if operation.publishes() {
            self.parameter("If-Match");
            self.parameter(spelled::IDEMPOTENCY_KEY);
            self.parameter(spelled::REASON);
        }
        if operation.is_conditional() {
            self.parameter("If-None-Match");
        }
        if operation.leaf == Some(Leaf::Config) {
            self.parameter(spelled::MIN_VERSION);
        }
        for name in operation.query_names {
            self.parameter(name);
        }
        self.text("]");
        if let (Some(leaf), false) = (operation.leaf, body.is_empty()) {
            self.body(leaf, body, is_patch);
        }
        self.responses(operation);
        self.text("}");
    }

    fn body(&mut self, leaf: Leaf, schema: &str, is_patch: bool) {
        self.text(",\"requestBody\":{\"description\":\"At most ");
        self.number(leaf.max_body_bytes() as u64);
        self.text(" bytes.\"");
        if !matches!(leaf, Leaf::Reload | Leaf::Rollback(_)) {
            self.text(",\"required\":true");
        }
        self.text(",\"content\":{");
        self.content(media::JSON, schema);
        if is_patch {
            self.content(media::MERGE_PATCH, schema);
        }
        self.text("}}");
    }

    /// One more media type.
    #[inline(never)]
    fn content(&mut self, media_type: &str, schema: &str) {
        self.name(media_type);
        self.text("{\"schema\":");
        self.reference("schemas", schema);
        self.text("}");
    }

    fn responses(&mut self, operation: &Operation<'_>) {
        let [_, _, _, _, headers, _, links] = operation.columns;
        self.text(",\"responses\":{");
        self.success(operation, "200", links);
        if operation.can_wait() {
            self.success(operation, "202", "cancel");
        }
        if operation.is_conditional() {
            self.text(",\"304\":{\"description\":\"What is held is current.\"");
            self.references("headers", headers);
            self.text("}");
        }
        let mut kinds = ProblemKind::ALL.to_vec();
        kinds.retain(|kind| operation.may_meet(*kind));
        for same in kinds.chunk_by(|one, next| one.status() == next.status()) {
            if let [first, rest @ ..] = same {
                self.next();
                self.text("\"");
                self.number(first.status().into());
                self.text("\":");
                if rest.is_empty() {
                    self.reference("responses", first.slug());
                } else {
                    self.problems(same);
                }
            }
        }
        self.text("}");
    }

    fn success(&mut self, operation: &Operation<'_>, status: &str, links: &str) {
        let [_, summary, answer, _, headers, ..] = operation.columns;
        self.name(status);
        self.text("{\"description\":");
        self.quoted(summary);
        let (answer, headers) = match answer {
            "" => ("Written", "Bellwether-Version ETag Bellwether-Replayed"),
            answer => (answer, headers),
        };
        self.references("headers", headers);
        self.text(",\"content\":{");
        let media_type = match answer {
            "Patch" => media::JSON_PATCH,
            "Text" => media::PROMETHEUS_TEXT,
            _ => media::JSON,
        };
        self.content(media_type, answer);
        self.text("}");
        self.references("links", links);
        self.text("}");
    }

    /// A response that is of one of these kinds, which have one status.
    fn problems(&mut self, kinds: &[ProblemKind]) {
        let mut slugs = Out::default();
        self.text("{\"description\":\"");
        for kind in kinds {
            if !slugs.0.is_empty() {
                self.text("; or: ");
                slugs.text(" ");
            }
            self.text(kind.title());
            slugs.text(kind.slug());
        }
        self.text("\",\"headers\":{");
        if let Some(name) = kinds.first().and_then(|kind| header_of(*kind)) {
            self.name(name);
            self.text("{\"required\":true,\"schema\":{\"type\":\"string\"}}");
        }
        self.text("},\"content\":{");
        self.content(media::PROBLEM_JSON, "Problem");
        // Into the media type, which is closed already.
        self.0.pop();
        self.references("examples", &slugs.0);
        self.text("}}}");
    }
}

/// The header that goes with every problem of this kind, beside those of all.
fn header_of(kind: ProblemKind) -> Option<&'static str> {
    match kind {
        ProblemKind::Unauthenticated => Some(header::WWW_AUTHENTICATE),
        ProblemKind::MethodNotAllowed => Some(header::ALLOW),
        ProblemKind::Unavailable | ProblemKind::Expired => Some(header::RETRY_AFTER),
        _ => None,
    }
}

fn has_word(mut text: &str, word: &str) -> bool {
    while !text.is_empty() {
        if cut(&mut text, b' ') == word {
            return true;
        }
    }
    false
}

/// Takes what stands before the first `end` off a text, and `end` with it. By hand and not generic:
/// the iterators of `str` are 1 KB larger.
#[inline(never)]
fn cut<'t>(text: &mut &'t str, end: u8) -> &'t str {
    let at = text.bytes().position(|byte| byte == end);
    let (part, rest) = text
        .split_at_checked(at.unwrap_or(text.len()))
        .unwrap_or_default();
    *text = rest.get(1..).unwrap_or_default();
    part
}
