//! `/openapi.json`: what every route takes and answers, in OpenAPI 3.1.
//!
//! Paths, methods, scopes and parameters come from [`crate::routes`], problems from
//! [`crate::problem`], bounds from their constants. What no table of the code has stands in two
//! texts: `openapi/operations.txt`, a line for each operation, and `openapi/document.txt`, in the
//! shorthand of `openapi/shorthand.rs`. All of it is text put together, by few functions that are
//! not generic: made of JSON values, the same was 4.7 KB larger in a bundle (gzipped).

mod shorthand;

use crate::json;
use crate::names::{header, media, spelled};
use crate::problem::{Problem, ProblemKind};
use crate::routes::{Leaf, REPLACES_QUERY, Route};
use crate::text::cut;
use crate::token::Scope;

const DOCUMENT: &str = include_str!("openapi/document.txt");
/// Method and name, summary, schema of the body, schema of the answer (`Written` without), its
/// headers, links.
const OPERATIONS: &str = include_str!("openapi/operations.txt");

/// The description, as JSON.
#[must_use]
pub fn document() -> String {
    let mut out = Out(String::new());
    out.shorthand(DOCUMENT);
    out.0
}

/// The text, as far as it is written.
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

    /// One more text of a list.
    #[inline(never)]
    fn item(&mut self, text: &str) {
        self.next();
        self.quoted(text);
    }

    /// The name of one more member.
    #[inline(never)]
    fn name(&mut self, name: &str) {
        self.item(name);
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

    /// An object of references, under their names.
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

    /// More parameters of a list.
    #[inline(never)]
    fn parameters(&mut self, names: &[&str]) {
        for name in names {
            self.next();
            self.reference("parameters", name);
        }
    }

    /// The content of a body: of one media type, or of two.
    #[inline(never)]
    fn content(&mut self, media_types: &[&str], schema: &str) {
        self.name("content");
        self.text("{");
        for media_type in media_types {
            self.name(media_type);
            self.text("{\"schema\":");
            self.reference("schemas", schema);
            self.text("}");
        }
        self.text("}");
    }

    fn paths(&mut self) {
        for route in Route::all() {
            self.name(&route.template());
            self.text("{\"parameters\":[");
            self.parameters(route.parameters());
            self.text("]");
            for method in route.methods() {
                // HEAD and OPTIONS have no line: what HTTP says of them is all that is to be said.
                let mut lines = OPERATIONS;
                while !lines.is_empty() {
                    let mut line = cut(&mut lines, b'\n');
                    let verb = cut(&mut line, b'_');
                    let name = cut(&mut line, b'|');
                    if name == route.name() && method.eq_ignore_ascii_case(verb) {
                        self.name(verb);
                        self.text("{\"operationId\":\"");
                        self.text(verb);
                        self.text("_");
                        self.text(name);
                        self.text("\"");
                        self.operation(&route, method, line);
                        self.text("}");
                    }
                }
            }
            self.text("}");
        }
    }

    fn operation(&mut self, route: &Route<'_>, method: &str, mut line: &str) {
        let summary = cut(&mut line, b'|');
        self.name("summary");
        self.quoted(summary);
        let scope = route.scope(method);
        self.text(",\"security\":[");
        if let Some(scope) = scope {
            self.text("{\"token\":[");
            self.quoted(scope.as_str());
            self.text("]}");
        }
        let writes = scope == Some(Scope::Publish);
        let leaf = match route {
            Route::Space { leaf, .. } => Some(*leaf),
            _ => None,
        };
        let headers: &[&str] = match leaf {
            _ if writes => &[spelled::IF_MATCH, spelled::IDEMPOTENCY_KEY, spelled::REASON],
            Some(Leaf::Config) => &[spelled::IF_NONE_MATCH, spelled::MIN_VERSION],
            Some(Leaf::Snapshot | Leaf::Version(_)) => &[spelled::IF_NONE_MATCH],
            _ => &[],
        };
        let queries = route.query_names(method);
        self.text("],\"parameters\":[");
        self.parameters(headers);
        self.parameters(queries);
        self.text("]");
        let body = cut(&mut line, b'|');
        if let (Some(leaf), false) = (leaf, body.is_empty()) {
            self.text(",\"requestBody\":{\"description\":\"At most ");
            self.number(leaf.max_body_bytes() as u64);
            self.text(" bytes.\"");
            if !matches!(leaf, Leaf::Reload | Leaf::Rollback(_)) {
                self.text(",\"required\":true");
            }
            let media_types = [media::JSON, media::MERGE_PATCH];
            let taken = if method == "PATCH" { 2 } else { 1 };
            self.content(media_types.get(..taken).unwrap_or_default(), body);
            self.text("}");
        }
        // What can be put off to a moment can take another change's place.
        let can_wait = queries.contains(&REPLACES_QUERY);
        self.text(",\"responses\":{");
        self.success("200", summary, line);
        if can_wait {
            self.success("202", summary, "||cancel");
        }
        if headers.contains(&spelled::IF_NONE_MATCH) {
            self.text(",\"304\":{\"description\":\"What is held is current.\"}");
        }
        let mut last = 0;
        for kind in ProblemKind::ALL {
            let status = kind.status();
            let may_be = match status {
                400 => true,
                401 | 403 => scope.is_some(),
                404 => leaf.is_some(),
                409 => can_wait || leaf == Some(Leaf::Reload),
                412 | 422 | 428 => writes,
                413 | 415 => !body.is_empty(),
                500 | 503 => leaf.is_some() || *route == Route::Readyz,
                501 => leaf.is_some() && leaf != Some(Leaf::Config),
                _ => false,
            };
            if may_be && status != last {
                last = status;
                let status = u64::from(status);
                self.text(",\"");
                self.number(status);
                self.text("\":{\"$ref\":\"#/components/responses/");
                self.number(status);
                self.text("\"}");
            }
        }
        self.text("}");
    }

    /// A response that is no problem; the rest of the operation's line says which.
    #[inline(never)]
    fn success(&mut self, status: &str, summary: &str, mut line: &str) {
        self.name(status);
        self.text("{\"description\":");
        self.quoted(summary);
        let (mut schema, mut headers) = (cut(&mut line, b'|'), cut(&mut line, b'|'));
        if schema.is_empty() {
            (schema, headers) = (
                "Written",
                "Bellwether-Version ETag Bellwether-Min-Version Bellwether-Replayed",
            );
        }
        self.references("headers", headers);
        self.references("links", line);
        let media_type = match schema {
            "Patch" => media::JSON_PATCH,
            "Text" => media::PROMETHEUS_TEXT,
            _ => media::JSON,
        };
        self.content(&[media_type], schema);
        self.text("}");
    }

    /// The responses with problems: one for each status, with all problems that have it.
    fn problems(&mut self) {
        let mut last = 0;
        for kind in ProblemKind::ALL {
            let problem = Problem::bare(kind);
            let status = kind.status();
            if status != last {
                if last > 0 {
                    self.text("}}}},");
                }
                last = status;
                self.text("\"");
                self.number(status.into());
                self.text("\":{\"description\":\"A problem; the examples tell which.\"");
                let header = match status {
                    401 => header::WWW_AUTHENTICATE,
                    405 => header::ALLOW,
                    503 => header::RETRY_AFTER,
                    _ => "",
                };
                self.references("headers", header);
                self.content(&[media::PROBLEM_JSON], "Problem");
                // Into the media type, which is closed already.
                self.0.truncate(self.0.len().saturating_sub(2));
                self.text(",\"examples\":{");
            }
            self.name(kind.slug());
            self.text("{\"value\":");
            self.text(&json::text(&problem.to_json()));
            self.text("}");
        }
        self.text("}}}}");
    }
}
