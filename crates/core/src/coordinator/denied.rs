//! Writes that were refused before they came here, for want of a token or a scope.

use super::{Coordinator, status};
use crate::platform::Platform;
use crate::store::{AuditEntry, Increments, Store};

impl<P: Platform> Coordinator<P> {
    /// Writes down that somebody asked for a write without the right to it, but no more than a few
    /// in a minute: whoever has no token must not fill the space's storage.
    pub fn note_denied(&self, actor: &str, action: &str, denial: &str) {
        let now = self.inner.platform.now();
        let mut state = self.inner.state.borrow_mut();
        let mut denied = Increments::default();
        denied.add(status::DENIED_WRITES, "", 1);
        if !state.denials.admits(now) {
            state.uncommitted.add_all(&denied);
            return;
        }
        let version = state.head.version;
        let noted = Store(&self.inner.platform).atomically(|store| {
            store.add(&denied)?;
            store.append_audit(&AuditEntry {
                at: now,
                actor,
                action,
                reason: None,
                before: Some(version),
                after: version,
                outcome: "refused",
                detail: Some(denial),
            })
        });
        if let Err(error) = noted {
            state.uncommitted.add_all(&denied);
            drop(state);
            self.log_failure("audit_not_written", &error.0);
        }
    }
}
