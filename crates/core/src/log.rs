//! The structured log: one JSON object a line. It never holds a document's values or a token.

use serde::Serialize;

use crate::version::Version;

/// How loud a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The normal course.
    Info,
    /// Something that heals by itself, or that an operator should look at.
    Warn,
    /// Something that does not heal by itself.
    Error,
}

/// One line of log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogRecord<'a> {
    /// How loud.
    pub level: Level,
    /// What happened, in one snake_case word group: `refresh`, `adopted_base`, `alarm_failed`, …
    pub event: &'static str,
    /// The space concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub space: Option<&'a str>,
    /// The head's version afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// What asked for it: `alarm`, `bootstrap`, `reload`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<&'a str>,
    /// Who asked for it: a token's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<&'a str>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'a str>,
    /// Milliseconds that it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The kind of failure, or the code of the first reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'a str>,
    /// One line for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
}

impl<'a> LogRecord<'a> {
    /// A record of `event`, to be filled in by struct update.
    #[must_use]
    pub fn new(level: Level, event: &'static str) -> Self {
        Self {
            level,
            event,
            space: None,
            version: None,
            trigger: None,
            actor: None,
            outcome: None,
            duration_ms: None,
            cause: None,
            detail: None,
        }
    }

    /// A failure that is told in `detail`.
    #[must_use]
    pub fn failure(event: &'static str, space: &'a str, detail: &'a str) -> Self {
        Self {
            space: Some(space),
            detail: Some(detail),
            ..Self::new(Level::Error, event)
        }
    }
}
