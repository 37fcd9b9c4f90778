//! The cache of the data centre that the isolate of a trace is in.

use std::collections::BTreeMap;
use std::future::pending;

use bellwether_core::reading::colo::{CacheFailed, Shelved, key};
use bellwether_core::space_name::SpaceName;
use serde_json::Value;

/// How it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mood {
    #[default]
    Works,
    Forgets,
    Fails,
    Hangs,
}

/// What is there, by key, each with the time since which it is, in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    mood: Mood,
    entries: BTreeMap<String, (u64, String)>,
}

/// The key of the word on the space of a trace.
pub(crate) fn word_key() -> String {
    let space = SpaceName::default();
    key(space.as_str(), &space)
}

impl Shelf {
    /// From here on it does so.
    pub(crate) fn becomes(&mut self, mood: &Value) {
        self.mood = match mood.as_str() {
            Some("works") => Mood::Works,
            Some("forgets") => Mood::Forgets,
            Some("fails") => Mood::Fails,
            Some("hangs") => Mood::Hangs,
            _ => panic!("no mood: {mood}"),
        };
    }

    /// Somebody puts something there.
    pub(crate) fn put(&mut self, key: &str, text: &str, now_ms: u64) {
        if self.mood != Mood::Forgets {
            let entry = (now_ms, text.to_owned());
            self.entries.insert(key.to_owned(), entry);
        }
    }

    /// What is to be found under a key now.
    pub(crate) fn get(&self, key: &str, now_ms: u64) -> Option<Shelved> {
        let found = self.entries.get(key);
        found.map(|(since_ms, text)| Shelved {
            age_s: (now_ms - since_ms) / 1_000,
            text: text.clone(),
        })
    }

    /// Whether it answers; never, where it hangs.
    pub(crate) fn answers(&self) -> impl Future<Output = Result<(), CacheFailed>> + use<> {
        let mood = self.mood;
        async move {
            match mood {
                Mood::Works | Mood::Forgets => Ok(()),
                Mood::Fails => Err(CacheFailed),
                Mood::Hangs => pending().await,
            }
        }
    }
}
