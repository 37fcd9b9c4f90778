//! The patterns of a schema, compiled, and the budget for matching them in one validation.

use super::index::Index;
use regex_lite::{Regex, RegexBuilder};

use super::ecma::{Refusal, translate};

/// How many states a pattern may have, its repetitions counted out.
const MAX_STATES: u64 = 2_000;
const TOO_LARGE: &str =
    "at most 2000 states, all repetitions counted out, and 50 groups within each other";
/// What the engine may keep for one pattern.
const MAX_COMPILED_BYTES: usize = 1 << 20;
/// How much matching one validation may cost, in states times bytes of text: about a second.
const MAX_MATCHING: u64 = 100_000_000;

/// A pattern that was compiled.
#[derive(Debug)]
pub(super) struct Pattern {
    states: u64,
    regex: Regex,
}

impl Pattern {
    /// A pattern as JSON Schema writes it.
    ///
    /// # Errors
    /// What was found and what was expected.
    pub(super) fn new(written: &str) -> Result<Pattern, Refusal> {
        let translated = translate(written)?;
        if translated.states > MAX_STATES {
            return Err(("a pattern with too many states", TOO_LARGE));
        }
        let built = RegexBuilder::new(&translated.text)
            .size_limit(MAX_COMPILED_BYTES)
            .build();
        match built {
            Ok(regex) => Ok(Pattern {
                states: translated.states.max(1),
                regex,
            }),
            // The translation is well-formed, so it can only be the size or the nesting.
            Err(_) => Err(("a pattern with many groups within each other", TOO_LARGE)),
        }
    }
}

/// The patterns of a schema, each once.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    list: Vec<Pattern>,
    index: Index,
}

impl Patterns {
    /// Adds a pattern.
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub(super) fn add(&mut self, written: &str) -> Result<(), Refusal> {
        if self.index.get(written).is_none() {
            self.list.push(Pattern::new(written)?);
            self.index.insert(written, self.list.len() - 1);
        }
        Ok(())
    }

    fn get(&self, written: &str) -> Option<&Pattern> {
        self.list.get(self.index.get(written)?)
    }
}

/// Matches texts in one validation.
#[derive(Debug)]
pub struct Matcher<'s> {
    patterns: &'s Patterns,
    left: u64,
}

/// What came of matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matched {
    /// Nowhere in the text.
    No,
    /// Somewhere in the text.
    Yes,
    /// The budget for one validation is used up.
    Spent,
}

impl<'s> Matcher<'s> {
    pub(super) fn new(patterns: &'s Patterns) -> Self {
        Self {
            patterns,
            left: MAX_MATCHING,
        }
    }

    /// Whether a pattern of the schema matches somewhere in a text.
    pub fn matches(&mut self, pattern: &str, text: &str) -> Matched {
        let Some(pattern) = self.patterns.get(pattern) else {
            return Matched::Spent;
        };
        let cost = pattern.states.saturating_mul(text.len() as u64 + 1);
        match self.left.checked_sub(cost) {
            None => Matched::Spent,
            Some(left) => {
                self.left = left;
                if pattern.regex.is_match(text) {
                    Matched::Yes
                } else {
                    Matched::No
                }
            }
        }
    }
}
