//! One page of a list, newest first.

use crate::problem::Problem;
use crate::query::query_value;
use crate::routes::{BEFORE_QUERY, LIMIT_QUERY};
use crate::version::Version;

/// Most entries on one page.
pub const MAX_LIMIT: u64 = 100;
/// How many entries a page has, if nothing else is asked for.
pub const DEFAULT_LIMIT: u64 = 20;

/// Which entries of a list are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many at most: 1 to [`MAX_LIMIT`].
    pub limit: u64,
    /// Only those with a smaller number than this, which is at least 1.
    pub before: Option<u64>,
}

impl Default for Page {
    fn default() -> Page {
        Page {
            limit: DEFAULT_LIMIT,
            before: None,
        }
    }
}

impl Page {
    /// Reads `limit` and `before` from a query.
    ///
    /// # Errors
    /// A 400 that names each wrong parameter and what was expected, or as [`query_value`].
    pub fn of_query(query: &str) -> Result<Page, Problem> {
        let mut mistakes = Vec::new();
        let mut number = |name: &str, most: u64| -> Result<Option<u64>, Problem> {
            let Some(text) = query_value(query, name)? else {
                return Ok(None);
            };
            let number = whole(&text).filter(|number| (1..=most).contains(number));
            if number.is_none() {
                mistakes.push(format!(
                    "the query parameter {name:?}: expected a whole number from 1 to {most}"
                ));
            }
            Ok(number)
        };
        let limit = number(LIMIT_QUERY, MAX_LIMIT)?;
        let before = number(BEFORE_QUERY, Version::MAX.get())?;
        if mistakes.is_empty() {
            let limit = limit.unwrap_or(DEFAULT_LIMIT);
            Ok(Page { limit, before })
        } else {
            Err(Problem::bad_request(mistakes.join("; ")))
        }
    }
}

/// Digits only: a parser of numbers takes a sign, too.
fn whole(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pages() {
        for (query, limit, before) in [
            ("", 20, None),
            ("limit=1", 1, None),
            ("limit=100", 100, None),
            ("limit=007", 7, None),
            ("before=1", 20, Some(1)),
            ("before=9007199254740991&limit=5", 5, Some((1 << 53) - 1)),
            ("x=0&before=3", 20, Some(3)),
        ] {
            assert_eq!(Page::of_query(query), Ok(Page { limit, before }), "{query}");
        }
        assert_eq!(Page::of_query(""), Ok(Page::default()));
    }

    #[test]
    fn mistakes_are_told_in_words() {
        let detail = |query: &str| {
            let problem = Page::of_query(query).unwrap_err();
            assert_eq!(problem.status(), 400, "{query}");
            problem.detail.clone().unwrap()
        };
        for text in [
            "",
            "0",
            "101",
            "-1",
            "%2B1",
            "1.0",
            "1e1",
            "x",
            "%20",
            "+1",
            "٣",
            "99999999999999999999",
        ] {
            assert_eq!(
                detail(&format!("limit={text}")),
                "the query parameter \"limit\": expected a whole number from 1 to 100",
                "{text}"
            );
        }
        for text in ["0", "9007199254740992", "-1", ""] {
            assert_eq!(
                detail(&format!("before={text}")),
                "the query parameter \"before\": expected a whole number from 1 to 9007199254740991",
                "{text}"
            );
        }
        let both = detail("limit=0&before=0");
        assert!(both.contains("\"limit\"") && both.contains("\"before\""));
        assert!(detail("limit=1&limit=2").contains("twice"));
    }

    proptest! {
        #[test]
        fn what_is_asked_for_is_read(limit in 1..=MAX_LIMIT, before in proptest::option::of(1..1u64 << 53)) {
            let rest = before.map_or(String::new(), |before| format!("&before={before}"));
            prop_assert_eq!(Page::of_query(&format!("limit={limit}{rest}")), Ok(Page { limit, before }));
        }

        #[test]
        fn no_query_panics(query in ".*", number in "[-+0-9%]{0,30}") {
            let _ = Page::of_query(&query);
            let _ = Page::of_query(&format!("limit={number}&before={number}"));
        }
    }
}
