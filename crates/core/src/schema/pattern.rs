//! The patterns of a schema, compiled, and the budget for matching them in one validation.

use super::ecma::{Refusal, compile};
use super::engine::Program;
use super::index::Index;

/// How much matching one validation may cost, in a pattern's size times bytes of text: about a
/// second.
const MAX_MATCHING: usize = 100_000_000;

/// The patterns of a schema, each once.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    list: Vec<Program>,
    index: Index,
}

impl Patterns {
    /// Adds a pattern.
    ///
    /// # Errors
    /// As [`compile`].
    pub(super) fn add(&mut self, written: &str) -> Result<(), Refusal> {
        if self.index.get(written).is_none() {
            self.list.push(compile(written)?);
            self.index.insert(written, self.list.len() - 1);
        }
        Ok(())
    }

    fn get(&self, written: &str) -> Option<&Program> {
        self.list.get(self.index.get(written)?)
    }
}

/// Matches texts in one validation.
#[derive(Debug)]
pub struct Matcher<'s> {
    patterns: &'s Patterns,
    left: usize,
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
        let cost = pattern.size().saturating_mul(text.len() + 1);
        match self.left.checked_sub(cost) {
            None => Matched::Spent,
            Some(left) => {
                self.left = left;
                if pattern.is_match(text) {
                    Matched::Yes
                } else {
                    Matched::No
                }
            }
        }
    }
}
