//! Made by the laboratory: switches of deliberate defects, and counts of the branches reached.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static DEFECT: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Switches one defect on for this thread, or none.
pub fn switch(defect: Option<&'static str>) {
    DEFECT.set(defect);
}

/// Whether a defect is on.
#[must_use]
pub fn on(defect: &str) -> bool {
    DEFECT.get() == Some(defect)
}

/// A branch was reached.
pub fn hit(branch: usize) {
    if let Some(count) = HITS.get(branch) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// How often a branch was reached.
#[must_use]
pub fn hits(branch: usize) -> u64 {
    HITS.get(branch).map_or(0, |count| count.load(Ordering::Relaxed))
}
