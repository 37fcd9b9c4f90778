//! The calls that minimum versions caused in an isolate.

use std::cell::RefCell;

use bellwether_core::reading::{MINIMUM_BURST, MINIMUM_PAUSE_MS};
use bellwether_core::version::Version;

use crate::world::{Clock, Jumps, World};

/// Longer than it takes until every token that was spent is there again.
const WINDOW_MS: u64 = (MINIMUM_BURST + 1) * MINIMUM_PAUSE_MS;
/// So many calls at most in that time that reach nothing: what there is, what comes, and what calls from
/// before that did reach theirs give back.
const AT_MOST: u64 = 2 * MINIMUM_BURST + WINDOW_MS / MINIMUM_PAUSE_MS;
/// A version that there will never be.
const ABSURD: u64 = 1 << 50;

/// What somebody asks for who means to flood the object.
pub(crate) fn absurd() -> Option<Version> {
    Version::new(ABSURD)
}

/// The last ones.
#[derive(Default)]
pub(crate) struct Minimums {
    made: RefCell<Vec<Made>>,
}

struct Made {
    /// In true time.
    at_ms: u64,
    absurd: bool,
    jumps: Jumps,
}

impl Minimums {
    /// One more is made; `because` of a minimum alone, where what is held is fresh.
    pub(crate) fn called(&self, world: &World, clock: &Clock, because: Option<Version>) {
        let at_ms = world.now_ms();
        let mut made = self.made.borrow_mut();
        let kept = made.len().saturating_sub(2 * AT_MOST as usize);
        made.drain(..kept);
        made.push(Made {
            at_ms,
            absurd: because == absurd(),
            jumps: clock.jumps(),
        });
        let lately = || made.iter().filter(|made| at_ms - made.at_ms < WINDOW_MS);
        // A clock that jumps ahead makes tokens.
        let steady = lately().all(|made| made.jumps == clock.jumps());
        let absurd = lately().filter(|made| made.absurd).count() as u64;
        world.check(
            !steady || absurd <= AT_MOST,
            "absurd minimums flood nothing",
            || format!("{absurd} calls within {WINDOW_MS} ms"),
        );
        if absurd > MINIMUM_BURST {
            world.reach("absurd minimums held back");
        }
    }

    /// Whether so many were made that there may be none left. A clock that was set back meanwhile makes
    /// the tokens come later.
    pub(crate) fn may_be_spent(&self, world: &World, clock: &Clock) -> bool {
        let made = self.made.borrow();
        let burst_ago = made.iter().rev().nth(MINIMUM_BURST as usize - 1);
        burst_ago.is_some_and(|made| {
            world.now_ms() - made.at_ms < WINDOW_MS || made.jumps != clock.jumps()
        })
    }
}
