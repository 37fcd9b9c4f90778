//! Faults to be met at a chosen place: an error that the platform returns, or the object's death.

use std::cell::{Cell, RefCell};

/// Where a flow touches the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before a statement.
    Statement,
    /// After a transaction's work, before its commit.
    Commit,
    /// After a commit.
    AfterCommit,
    /// Before an alarm is set.
    SetAlarm,
    /// After an alarm was set.
    AfterSetAlarm,
    /// When the alarm is read.
    GetAlarm,
    /// Before the source is asked.
    Pull,
    /// When the source has answered.
    AfterPull,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strike {
    /// The platform refuses, this once.
    Once,
    /// The platform refuses from here on.
    Always,
    /// The object dies here.
    Crash,
}

#[derive(Default)]
pub(crate) struct Traps {
    set: RefCell<Vec<(Place, u32, Strike)>>,
    crashed: Cell<bool>,
}

impl Traps {
    /// Sets a trap at the `nth` time (from 1) that `place` is come to from now on.
    pub(crate) fn set(&self, place: Place, nth: u32, strike: Strike) {
        self.set.borrow_mut().push((place, nth, strike));
    }

    pub(crate) fn clear(&self) {
        self.set.borrow_mut().clear();
    }

    /// Whether a trap has not been sprung yet, or springs always.
    pub(crate) fn any_left(&self) -> bool {
        !self.set.borrow().is_empty()
    }

    /// Whether a crash was sprung since this was last asked.
    pub(crate) fn take_crashed(&self) -> bool {
        self.crashed.take()
    }

    /// Comes to a place. After a crash nothing works any more.
    pub(crate) fn spring(&self, place: Place) -> Result<(), String> {
        if self.crashed.get() {
            return Err("the object is gone".to_owned());
        }
        let mut struck = None;
        self.set.borrow_mut().retain_mut(|(at, countdown, strike)| {
            if *at != place {
                return true;
            }
            *countdown = countdown.saturating_sub(1);
            if *countdown > 0 {
                return true;
            }
            struck = Some(*strike);
            *strike == Strike::Always
        });
        match struck {
            None => Ok(()),
            Some(Strike::Crash) => {
                self.crashed.set(true);
                Err(format!("the object died at {place:?}"))
            }
            Some(_) => Err(format!("refused at {place:?}")),
        }
    }
}
