//! What one run is about.

use std::ops::Range;

use bellwether_core::settings::{ReaderSettings, SpaceSettings};

use crate::measure::Windows;

/// The simulated time at which each run begins, in milliseconds: late enough for what was before.
pub(crate) const ORIGIN_MS: u64 = 1_000_000_000;

/// How long the object is away in [`Event::Outage`].
pub(crate) const OUTAGE_MS: u64 = 60_000;

/// How long it takes in [`Event::Deploy`] until every isolate is a new one.
pub(crate) const DEPLOY_MS: u64 = 30_000;

/// How long in [`Event::Reload`] requests ask for the new version.
pub(crate) const MINIMUM_MS: u64 = 60_000;

/// So many of those requests do, one in this number.
pub(crate) const ONE_IN_ASKS_MINIMUM: u64 = 100;

/// What happens after the quiet part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Another version is adopted, and nobody is told.
    Adoption,
    /// The same, and some requests ask for it as a minimum version.
    Reload,
    /// The object is away.
    Outage,
    /// All isolates are replaced by cold ones.
    Deploy,
}

/// Who varies the TTL, by a tenth up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jitter {
    /// Nobody: as the product is today.
    None,
    /// The object, in what it tells.
    Object,
    /// Each reader, in what it was told.
    Reader,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) isolates: u32,
    pub(crate) seed: u64,
    pub(crate) ttl_s: u64,
    pub(crate) colo_tier: bool,
    pub(crate) jitter: Jitter,
    pub(crate) event: Event,
    pub(crate) policy: ReaderSettings,
    /// See `isolate.rs`.
    pub(crate) every_read: bool,
}

impl Run {
    /// One as the product is by default.
    pub(crate) fn new(isolates: u32, seed: u64, event: Event) -> Self {
        Self {
            isolates,
            seed,
            ttl_s: 30,
            colo_tier: false,
            jitter: Jitter::None,
            event,
            policy: ReaderSettings::default(),
            every_read: false,
        }
    }

    /// The space's settings.
    pub(crate) fn settings(&self) -> SpaceSettings {
        SpaceSettings {
            ttl_ms: self.ttl_s * 1_000,
            ..SpaceSettings::default()
        }
    }

    /// Two TTLs until all has found its pace, then at least one to look at, then the event.
    pub(crate) fn windows(&self) -> Windows {
        let ttl_ms = self.ttl_s * 1_000;
        let begin_ms = ORIGIN_MS + 2 * ttl_ms;
        let event_ms = begin_ms + ttl_ms.max(60_000);
        let lasts_ms = match self.event {
            Event::Adoption => ttl_ms + ttl_ms.min(60_000) + 10_000,
            Event::Reload => MINIMUM_MS + 30_000,
            Event::Outage => OUTAGE_MS + 4 * ttl_ms,
            Event::Deploy => DEPLOY_MS + 4 * ttl_ms,
        };
        Windows {
            begin_ms,
            event_ms,
            end_ms: event_ms + lasts_ms,
        }
    }

    /// When the object is away, in microseconds.
    pub(crate) fn outage_us(&self) -> Range<u64> {
        let from_us = self.windows().event_ms * 1_000;
        match self.event {
            Event::Outage => from_us..from_us + OUTAGE_MS * 1_000,
            _ => 0..0,
        }
    }

    /// In a few words.
    pub(crate) fn label(&self) -> String {
        let tier = if self.colo_tier { ", colo tier" } else { "" };
        let jitter = match self.jitter {
            Jitter::None => "",
            Jitter::Object => ", the object's jitter",
            Jitter::Reader => ", readers' jitter",
        };
        let event = format!("{:?}", self.event).to_lowercase();
        format!("{event}: {} isolates, TTL {} s{tier}{jitter}", self.isolates, self.ttl_s)
    }
}
