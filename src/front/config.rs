//! `GET config`: the value as this isolate's reader sees it.

use bellwether_core::document::Document;
use bellwether_core::json;
use bellwether_core::names::header;
use bellwether_core::pointer::{self, Found};
use bellwether_core::problem::{Problem, ProblemKind};
use bellwether_core::query::query_value;
use bellwether_core::routes::POINTER_QUERY;
use bellwether_core::space_name::SpaceName;
use bellwether_core::wire::server_timing;
use bellwether_reader::hot::Lines;
use bellwether_reader::{Read, ReadError, Version};
use worker::{Context, Env};

use super::{readers, warm};
use crate::http::Answer;

/// Reads one space, or one value of it.
pub(super) async fn config(
    asked: &Lines,
    query: &str,
    env: &Env,
    context: &Context,
    space: &SpaceName,
) -> Result<Answer, Problem> {
    let pointer = query_value(query, POINTER_QUERY)?;
    let minimum = asked.min_version().map(minimum_version).transpose()?;
    let reader = readers::reader(space);
    let read = reader.read_at_least(env, context, minimum).await;
    let read = read.map_err(unreadable)?;
    let held = read
        .etag
        .as_ref()
        .zip(asked.if_none_match())
        .is_some_and(|(etag, held)| etag.matches_if_none_match(held));
    let document = &read.value;
    let found = pointer::get(document.object(), pointer.as_deref().unwrap_or_default())?;
    let answer = match found {
        _ if held => Answer::empty(304),
        Found::Whole(_) => Answer::json_text(document.text().as_bytes()),
        Found::Part(value) => Answer::json_text(json::text(value)),
    };
    let answer = describe(answer, &read);
    warm::keep(asked, minimum, &reader, &read, &answer);
    Ok(answer)
}

/// Why the reader gave nothing.
pub(super) fn unreadable(error: ReadError) -> Problem {
    let detail = error.to_string();
    match error {
        ReadError::Defaults(_) => Problem::new(ProblemKind::Misconfigured, detail),
        ReadError::Expired => Problem::new(ProblemKind::Expired, detail).with_retry_after_s(1),
    }
}

/// As `Age` tells it.
pub(super) fn age_s(age_ms: u64) -> u64 {
    age_ms / 1_000
}

fn describe(mut answer: Answer, read: &Read<Document>) -> Answer {
    let version = read.version.map_or(0, Version::get);
    answer.add(header::VERSION, &version.to_string());
    answer.add(header::STATE, read.state.as_str());
    answer.add(header::AGE, &age_s(read.age_ms).to_string());
    answer.add(header::SERVER_TIMING, &server_timing("reader", read.state));
    // Whoever keeps it must ask again: only the reader knows how old it is.
    answer.add(header::CACHE_CONTROL, "private, no-cache");
    if let Some(etag) = &read.etag {
        answer.add(header::ETAG, etag.as_str());
    }
    answer
}

fn minimum_version(asked: &str) -> Result<Version, Problem> {
    let version = asked.trim().parse().ok().and_then(Version::new);
    version.ok_or_else(|| {
        Problem::bad_request(format!(
            "the header {} is not a version: expected a whole number from 1",
            header::MIN_VERSION
        ))
    })
}
