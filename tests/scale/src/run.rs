//! What one run is about.

use std::ops::Range;

use bellwether_core::settings::{ReaderSettings, SourceSettings, SpaceSettings};

use crate::input::Events;
use crate::measure::Windows;

/// The simulated time at which each run begins, in milliseconds: late enough for what was before.
pub(crate) const ORIGIN_MS: u64 = 1_000_000_000;

/// What happens after the quiet part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

impl Event {
    /// In the order of tables.
    pub(crate) const ALL: [Self; 4] = [Self::Adoption, Self::Reload, Self::Outage, Self::Deploy];

    /// As tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Adoption => "adoption",
            Self::Reload => "reload",
            Self::Outage => "outage",
            Self::Deploy => "deploy",
        }
    }
}

/// What an operator sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Setup {
    /// The space's `ttl`.
    pub(crate) ttl_s: u64,
    /// The reader's `colo_cache`.
    pub(crate) colo_cache: bool,
    /// Whether each isolate shortens the TTL by up to a tenth, always by the same.
    pub(crate) jitter: bool,
}

impl Setup {
    /// The product's defaults, plain.
    pub(crate) const DEFAULT: Self = Self {
        ttl_s: 30,
        colo_cache: false,
        jitter: false,
    };

    /// The space's settings.
    pub(crate) fn space(&self) -> SpaceSettings {
        SpaceSettings {
            source: SourceSettings::None,
            ttl_ms: self.ttl_s * 1_000,
            ..SpaceSettings::default()
        }
    }

    /// The reader's settings.
    pub(crate) fn reader(&self) -> ReaderSettings {
        ReaderSettings {
            colo_cache: self.colo_cache,
            ..ReaderSettings::default()
        }
    }
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Run {
    pub(crate) isolates: u32,
    pub(crate) seed: u64,
    pub(crate) setup: Setup,
    pub(crate) event: Event,
    /// See `isolate.rs`.
    pub(crate) every_read: bool,
}

impl Run {
    /// Two TTLs until all has found its pace, then at least one to look at, then the event.
    pub(crate) fn windows(&self, events: &Events) -> Windows {
        let ttl_ms = self.setup.ttl_s * 1_000;
        let begin_ms = ORIGIN_MS + 2 * ttl_ms;
        let event_ms = begin_ms + ttl_ms.max(60_000);
        let lasts_ms = match self.event {
            Event::Adoption => ttl_ms + ttl_ms.min(60_000) + 10_000,
            Event::Reload => events.reload_ms() + 30_000,
            Event::Outage => events.outage_ms() + (2 * ttl_ms).min(120_000),
            Event::Deploy => events.deploy_ms() + (2 * ttl_ms).min(120_000),
        };
        Windows {
            begin_ms,
            event_ms,
            end_ms: event_ms + lasts_ms,
        }
    }

    /// When the object is away, in microseconds.
    pub(crate) fn outage_us(&self, events: &Events) -> Range<u64> {
        let from_us = self.windows(events).event_ms * 1_000;
        match self.event {
            Event::Outage => from_us..from_us + events.outage_ms() * 1_000,
            _ => 0..0,
        }
    }
}
