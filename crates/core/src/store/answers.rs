//! The first answers to writes that carried an `Idempotency-Key`.

use super::Store;
use crate::sql::{Columns, Param, Sql, SqlError};
use crate::statements;
use crate::version::UnixMillis;

/// How long an answer is kept, in milliseconds: a day.
pub const KEEP_ANSWERS_MS: u64 = 86_400_000;
/// How many answers are kept.
pub const KEEP_ANSWERS: u64 = 1_000;

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// What tells the request from others under the same key.
    pub fingerprint: String,
    /// The HTTP status.
    pub status: u16,
    /// The body, JSON.
    pub body: String,
}

impl<S: Sql> Store<'_, S> {
    /// The answer kept under a key, unless its day is over.
    ///
    /// # Errors
    /// When the database refuses, or the row is not as it was written.
    pub fn kept_answer(&self, key: &str, now: UnixMillis) -> Result<Option<KeptAnswer>, SqlError> {
        let params = [Param::Text(key), Param::unsigned(oldest(now))];
        let row = self.first(statements::SELECT_ANSWER, &params)?;
        row.map(|row| {
            let mut columns = Columns::of(row);
            Columns::end(
                KeptAnswer {
                    fingerprint: columns.text(),
                    status: u16::try_from(columns.unsigned()).unwrap_or(500),
                    body: columns.text(),
                },
                columns,
            )
        })
        .transpose()
    }

    /// Keeps an answer, and drops old ones. To be called inside [`atomically`](Self::atomically).
    ///
    /// # Errors
    /// When the database refuses.
    pub fn keep_answer(
        &self,
        key: &str,
        answer: &KeptAnswer,
        now: UnixMillis,
    ) -> Result<(), SqlError> {
        self.0.exec(
            statements::INSERT_ANSWER,
            &[
                Param::Text(key),
                Param::Text(&answer.fingerprint),
                Param::unsigned(answer.status.into()),
                Param::Text(&answer.body),
                Param::unsigned(now.0),
            ],
        )?;
        let params = [Param::unsigned(oldest(now)), Param::unsigned(KEEP_ANSWERS)];
        self.0.exec(statements::PRUNE_ANSWERS, &params).map(drop)
    }
}

/// The moment of the oldest answer that is still told.
fn oldest(now: UnixMillis) -> u64 {
    now.0.saturating_sub(KEEP_ANSWERS_MS)
}
