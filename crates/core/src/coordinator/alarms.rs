//! The one alarm of a space: set to the earliest due time, and due times that went astray.

use super::{AlarmCheck, Coordinator, Trigger, Wait};
use crate::platform::Platform;
use crate::schedule;
use crate::store::Store;
use crate::version::UnixMillis;

/// How a due time can be wrong while the object lives.
pub(super) enum Stray {
    /// Its alarm was lost.
    Overdue,
    /// The clock was set back.
    TooFar {
        /// The latest time that makes sense.
        latest: UnixMillis,
    },
}

impl<P: Platform> Coordinator<P> {
    /// An object that is asked all the time is never evicted, so its schedule is set right while it
    /// lives as well.
    pub(super) fn mend_schedule(&self) {
        match self.stray() {
            None => {}
            Some(Stray::Overdue) => drop(self.start_or_join(Trigger::Alarm)),
            Some(Stray::TooFar { latest }) => self.bring_forward(latest),
        }
    }

    /// Stored first: what only memory knew would be later again after a death. Refused, it is tried
    /// again at the next event.
    fn bring_forward(&self, latest: UnixMillis) {
        let mut state = self.inner.state.borrow_mut();
        let later = state.schedule.refresh_due.replace(latest);
        if let Err(error) = Store(&self.inner.platform).put_schedule(&state.schedule) {
            state.schedule.refresh_due = later;
            drop(state);
            return self.log_failure("schedule_not_written", &error.0);
        }
        drop(state);
        self.inner.alarm_check.set(AlarmCheck::Due);
    }

    pub(super) fn stray(&self) -> Option<Stray> {
        let now = self.inner.platform.now();
        let state = self.inner.state.borrow();
        let due = state.schedule.refresh_due?;
        let schedule = &state.schedule;
        let failures = schedule
            .consecutive_failures
            .saturating_add(schedule.unsettled);
        // While a refresh is under way, its deadline comes before the delay.
        let latest = now
            .plus(self.inner.settings.source_timeout_ms)
            .plus(self.pace_of(&state.control).longest_delay_ms(failures));
        if due > latest {
            Some(Stray::TooFar { latest })
        } else if state.flight.is_none() && due.plus(schedule::ALARM_LOST_MS) <= now {
            Some(Stray::Overdue)
        } else {
            None
        }
    }

    pub(super) fn wanted_alarm(&self, now: UnixMillis) -> Option<UnixMillis> {
        let state = self.inner.state.borrow();
        let change_due = state.next.as_ref().map(|next| next.at);
        schedule::next_alarm(&[state.schedule.refresh_due, change_due], now)
    }

    /// Sets the alarm to the earliest due time, or to `due` if that comes first.
    pub(super) async fn arm_by(&self, due: UnixMillis) {
        let now = self.inner.platform.now();
        let dues = [self.wanted_alarm(now), Some(due)];
        if let Some(at) = schedule::next_alarm(&dues, now) {
            self.set_alarm(at).await;
        }
    }

    /// Sets the alarm to the earliest due time.
    pub(super) async fn arm(&self) {
        if let Some(at) = self.wanted_alarm(self.inner.platform.now()) {
            self.set_alarm(at).await;
        }
    }

    pub(super) fn set_alarm(&self, at: UnixMillis) -> Wait<'_> {
        Box::pin(async move {
            if let Err(detail) = self.inner.platform.set_alarm(at).await {
                // Looked at again at the next event, whatever that is.
                self.inner.alarm_check.set(AlarmCheck::Due);
                self.log_failure("alarm_failed", &detail);
            }
        })
    }
}
