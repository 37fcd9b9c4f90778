//! Numbers by text. `serde_json`'s map is in every bundle anyway; sorting or another map is 2 KB each
//! (gzipped).

use serde_json::Value;

use crate::document::Object;

/// Where things with a name stand in a list.
#[derive(Debug, Default)]
pub(super) struct Index(Object);

impl Index {
    /// The first one that was given this name.
    pub(super) fn get(&self, name: &str) -> Option<usize> {
        usize::try_from(self.0.get(name)?.as_u64()?).ok()
    }

    /// Names one; whether the name was new.
    pub(super) fn insert(&mut self, name: &str, at: usize) -> bool {
        let is_new = !self.0.contains_key(name);
        if is_new {
            self.0.insert(name.to_owned(), Value::from(at));
        }
        is_new
    }
}
