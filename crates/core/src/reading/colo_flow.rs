//! A call that looks into the data centre's cache first, and what is put there afterwards.

use std::fmt::Display;
use std::pin::pin;

use futures_util::future::{Either, select};

use super::colo::{COLO_DEADLINE_MS, CacheFailed, Entry, Shelved, document_key};
use super::{Answer, Call, Isolate, Misfit, Reader};
use crate::log::Level;

/// What the object's answer gives the others.
pub(super) type ToShare = Vec<Entry>;

impl<T: 'static, R: Clone + Display + Misfit + 'static> Reader<T, R> {
    /// Takes what the cache has for the answer to a call, and tells whether that would do. One that wants
    /// a minimum version is always for the object.
    pub(super) async fn take_shared<I: Isolate>(&self, isolate: &I, call: &mut Call) -> bool {
        if call.minimum.is_some() {
            return false;
        }
        let Some(key) = self.colo_key(isolate) else {
            return false;
        };
        let taken = self.find_shared(isolate, call, &key).await.is_some();
        if taken {
            self.trust(|trust| trust.hits += 1);
        }
        taken
    }

    /// What the object's answer gives the others. Before this isolate takes it itself.
    pub(super) fn to_share<I: Isolate>(
        &self,
        isolate: &I,
        call: &Call,
        answer: &Answer<String>,
    ) -> ToShare {
        let entries = |key: String| {
            let now = isolate.now();
            self.cache().entries(&key, call, answer, now)
        };
        self.colo_key(isolate).map(entries).unwrap_or_default()
    }

    /// Puts it into the cache. Until something was found there once, it looks whether that can be.
    pub(super) async fn share<I: Isolate>(&self, isolate: &I, entries: ToShare, timeout_ms: u64) {
        for entry in &entries {
            let put = pin!(isolate.shelve(entry));
            match select(put, pin!(isolate.sleep(timeout_ms))).await {
                Either::Left((Ok(()), _)) => {}
                _ => return self.disappointed(isolate, "it takes nothing"),
            }
        }
        if let Some(word) = entries.last()
            && self.trust(|trust| trust.is_unproved())
            && let Ok(None) = self.look_up(isolate, &word.key).await
        {
            self.disappointed(isolate, "what is put there is not found");
        }
    }

    fn colo_key<I: Isolate>(&self, isolate: &I) -> Option<String> {
        let on = self.trust(|trust| trust.is_on());
        on.then(|| isolate.colo_key()).flatten()
    }

    async fn find_shared<I: Isolate>(&self, isolate: &I, call: &mut Call, key: &str) -> Option<()> {
        let word = self.look_up(isolate, key).await.ok()??;
        let now = isolate.now();
        let (answer, _) = self.cache().weigh(&call.ask, &word, now)?;
        let parsed = match &answer {
            Answer::Snapshot { etag, .. } => {
                let key = document_key(key, etag);
                let document = self.look_up(isolate, &key).await.ok()??;
                // What does not fit may be no document at all: let the object say so.
                Some((self.parse)(&document.text).ok()?)
            }
            _ => None,
        };
        // Once more: meanwhile there may have been another answer.
        let now = isolate.now();
        let (answer, sent) = self.cache().weigh(&call.ask, &word, now)?;
        call.sent = sent;
        self.take(isolate, call, answer.with_body(String::new()), parsed);
        Some(())
    }

    async fn look_up<I: Isolate>(
        &self,
        isolate: &I,
        key: &str,
    ) -> Result<Option<Shelved>, CacheFailed> {
        let looked = pin!(isolate.look_up(key));
        let looked = match select(looked, pin!(isolate.sleep(COLO_DEADLINE_MS))).await {
            Either::Left((looked, _)) => looked,
            Either::Right(_) => Err(CacheFailed),
        };
        match &looked {
            Ok(Some(_)) => self.trust(|trust| trust.found()),
            Ok(None) => {}
            Err(CacheFailed) => self.disappointed(isolate, "it fails, or takes too long"),
        }
        looked
    }

    fn disappointed<I: Isolate>(&self, isolate: &I, why: &str) {
        if self.trust(|trust| trust.disappointed()) {
            isolate.log(Level::Warn, "colo_cache_off", why);
        }
    }
}
