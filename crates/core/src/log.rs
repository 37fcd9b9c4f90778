//! The structured log: one JSON object a line. It never holds a document's values or a token.

use crate::json;
use crate::version::Version;

/// How loud a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The normal course.
    Info,
    /// Something that heals by itself, or that an operator should look at.
    Warn,
    /// Something that does not heal by itself.
    Error,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line of log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord<'a> {
    /// How loud.
    pub level: Level,
    /// What happened, in one snake_case word group: `refresh`, `adopted_base`, `alarm_failed`, …
    pub event: &'static str,
    /// The space concerned.
    pub space: Option<&'a str>,
    /// The head's version afterwards.
    pub version: Option<Version>,
    /// What asked for it: `alarm`, `bootstrap`, `reload`, …
    pub trigger: Option<&'a str>,
    /// Who asked for it: a token's name.
    pub actor: Option<&'a str>,
    /// How it ended.
    pub outcome: Option<&'a str>,
    /// Milliseconds that it took.
    pub duration_ms: Option<u64>,
    /// The kind of failure, or the code of the first reason.
    pub cause: Option<&'a str>,
    /// One line for people.
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

    /// One JSON object; what is not told is left out.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = "{".to_owned();
        let numbers = [self.version.map(Version::get), self.duration_ms];
        let [version, duration_ms] = numbers.map(|number| number.map(|number| number.to_string()));
        for (name, told, is_text) in [
            ("level", Some(self.level.as_str()), true),
            ("event", Some(self.event), true),
            ("space", self.space, true),
            ("version", version.as_deref(), false),
            ("trigger", self.trigger, true),
            ("actor", self.actor, true),
            ("outcome", self.outcome, true),
            ("duration_ms", duration_ms.as_deref(), false),
            ("cause", self.cause, true),
            ("detail", self.detail, true),
        ] {
            let Some(told) = told else { continue };
            if line.len() > 1 {
                line.push(',');
            }
            json::push_string(&mut line, name);
            line.push(':');
            if is_text {
                json::push_string(&mut line, told);
            } else {
                line.push_str(told);
            }
        }
        line.push('}');
        line
    }
}
