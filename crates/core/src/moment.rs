//! When something shall happen, as requests say it: a time, or a duration from now.

use serde_json::Value;

use crate::problem::Problem;
use crate::query::query_value;
use crate::reason::kind_of;
use crate::routes::{ACTIVATE_AT_QUERY, ACTIVATE_IN_QUERY};
use crate::settings::duration::duration_within;
use crate::settings::section::Section;
use crate::version::UnixMillis;
use crate::wire::parse_rfc3339;

/// The furthest moment, in days from now.
pub const MAX_DAYS_AHEAD: u64 = 366;
const MAX_AHEAD_MS: u64 = MAX_DAYS_AHEAD * 86_400_000;

/// A moment that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// At this time.
    At(UnixMillis),
    /// So many milliseconds from now.
    In(u64),
}

/// The two names that a moment goes by, of which a request gives one, and where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MomentNames {
    /// The one with a time.
    pub at: &'static str,
    /// The one with a duration.
    pub within: &'static str,
    /// Whether they are query parameters, and not fields of the body.
    pub in_query: bool,
}

/// In a body: when to adopt.
pub const ACTIVATE: MomentNames = MomentNames {
    at: "activate_at",
    within: "activate_in",
    in_query: false,
};
/// In a body: when an override ends.
pub const EXPIRE: MomentNames = MomentNames {
    at: "expires_at",
    within: "expires_in",
    in_query: false,
};
/// In the query of a request whose body is a document: when to adopt it.
pub const ACTIVATE_IN_QUERIES: MomentNames = MomentNames {
    at: ACTIVATE_AT_QUERY,
    within: ACTIVATE_IN_QUERY,
    in_query: true,
};

impl Moment {
    /// The time that is meant, counted from `now`.
    ///
    /// # Errors
    /// A 400 that names the place, for a moment that is not after `now` or more than
    /// [`MAX_DAYS_AHEAD`] ahead.
    pub fn resolve(self, now: UnixMillis, names: &MomentNames) -> Result<UnixMillis, Problem> {
        let at = match self {
            Moment::At(at) => at,
            Moment::In(ms) => now.plus(ms),
        };
        let found = match at.since(now) {
            0 => "a time that has passed",
            1..=MAX_AHEAD_MS => return Ok(at),
            _ => "a later time",
        };
        let message = format!("found {found}, expected one within the next {MAX_DAYS_AHEAD} days");
        Err(names.problem(self.name(names), &message))
    }

    /// The moment in a query, if one is asked for.
    ///
    /// # Errors
    /// A 400 that names the parameter and what was expected, or as [`query_value`].
    pub fn of_query(query: &str, names: &MomentNames) -> Result<Option<Moment>, Problem> {
        let at = query_value(query, names.at)?.map(Value::String);
        let within = query_value(query, names.within)?.map(Value::String);
        let moment = one_of_two(at.as_ref(), within.as_ref(), names);
        moment.map_err(|(name, message)| names.problem(name, &message))
    }

    /// The moment in a body, if one is asked for; `null` asks for none. Notes what is wrong.
    pub(crate) fn of_fields(fields: &mut Section<'_, '_>, names: &MomentNames) -> Option<Moment> {
        let [at, within] =
            [names.at, names.within].map(|name| fields.get(name).filter(|value| !value.is_null()));
        one_of_two(at, within, names).unwrap_or_else(|(name, message)| {
            fields.wrong(name, message);
            None
        })
    }

    /// Which of the two names it was asked for by.
    pub(crate) const fn name(self, names: &MomentNames) -> &'static str {
        match self {
            Moment::At(_) => names.at,
            Moment::In(_) => names.within,
        }
    }
}

impl MomentNames {
    /// A 400 about one of the two: a field by its pointer, a parameter in words.
    pub(crate) fn problem(&self, name: &str, message: &str) -> Problem {
        if self.in_query {
            Problem::bad_request(format!("the query parameter {name:?}: {message}"))
        } else {
            Problem::bad_request("a time in the body cannot be kept")
                .with_error(format!("/{name}"), message)
        }
    }
}

/// The error is the name of what is wrong, and what that is.
fn one_of_two(
    at: Option<&Value>,
    within: Option<&Value>,
    names: &MomentNames,
) -> Result<Option<Moment>, (&'static str, String)> {
    match (at, within) {
        (None, None) => Ok(None),
        (Some(at), None) => parse_at(at, names.in_query)
            .map(Some)
            .map_err(|error| (names.at, error)),
        (None, Some(within)) => duration_within(within, &(1..=MAX_AHEAD_MS))
            .map(|ms| Some(Moment::In(ms)))
            .map_err(|error| (names.within, error)),
        (Some(_), Some(_)) => {
            let message = format!("found beside {:?}, expected only one of the two", names.at);
            Err((names.within, message))
        }
    }
}

fn parse_at(value: &Value, in_query: bool) -> Result<Moment, String> {
    let at = value.as_str().map(parse_rfc3339);
    if let Some(Some(at)) = at {
        return Ok(Moment::At(at));
    }
    let found = match at {
        Some(_) => "a string that is not a time",
        None => kind_of(value),
    };
    // An unescaped "+" in a query is a space.
    let hint = if in_query {
        ", in which \"+\" is written \"%2B\""
    } else {
        ""
    };
    Err(format!(
        "found {found}, expected an RFC 3339 time such as \"2026-11-25T10:00:00Z\"{hint}"
    ))
}
