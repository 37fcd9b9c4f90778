//! What readers tell of themselves.

use serde_json::Value;

use super::{Coordinator, State};
use crate::fleet::Moment;
use crate::platform::Platform;

impl<P: Platform> Coordinator<P> {
    /// Takes a reader's report, the value of the header that came with its call. In memory only, and
    /// whatever it is, the call is answered all the same.
    pub fn hear(&self, report: &str) {
        let mut state = self.inner.state.borrow_mut();
        let moment = self.moment(&state);
        state.fleet.record(report, &moment);
    }

    /// How many bytes of memory the view of the readers takes.
    #[must_use]
    pub fn fleet_bytes(&self) -> usize {
        self.inner.state.borrow().fleet.bytes()
    }

    /// The readers, as status shows them.
    pub(super) fn fleet(&self) -> Value {
        let mut state = self.inner.state.borrow_mut();
        let moment = self.moment(&state);
        state.fleet.to_json(&moment)
    }

    fn moment(&self, state: &State) -> Moment {
        Moment {
            now: self.inner.platform.now(),
            head: state.head.version,
            adopted_at: state.head.adopted_at,
            ttl_ms: self.inner.settings.ttl_ms,
        }
    }
}
