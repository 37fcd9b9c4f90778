//! What one run is about.

use std::ops::Range;

use bellwether_core::settings::{ReaderSettings, SourceSettings, SpaceSettings};

use crate::input::Events;
use crate::measure::Windows;

/// The simulated time at which each run begins, in milliseconds: late enough for what was before.
pub(crate) const ORIGIN_MS: u64 = 1_000_000_000;

/// Up to so many isolates it is looked for long how a version spreads.
pub(crate) const LONG_LOOK: u32 = 10_000;

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

    /// As a headline.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Adoption => "After an adoption",
            Self::Reload => "After a reload",
            Self::Outage => "After an outage of the coordinator",
            Self::Deploy => "After a global deploy",
        }
    }

    /// As files and tables call it.
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

    /// As tables call it: the product's settings by their names, as they stand in wrangler.toml.
    pub(crate) fn name(&self) -> String {
        let ttl = if self.ttl_s.is_multiple_of(60) {
            format!("{}m", self.ttl_s / 60)
        } else {
            format!("{}s", self.ttl_s)
        };
        let colo_cache = if self.colo_cache { ", colo_cache" } else { "" };
        let jitter = if self.jitter { ", jitter" } else { "" };
        format!("ttl {ttl}{colo_cache}{jitter}")
    }

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
    /// In a few words.
    pub(crate) fn label(&self) -> String {
        format!(
            "{} isolates, {}, {}",
            self.isolates,
            self.setup.name(),
            self.event.name()
        )
    }

    /// A minute until all has found its pace, then a TTL at least to look at, then the event. Where that is
    /// what counts, nothing is looked at before.
    pub(crate) fn windows(&self, events: &Events) -> Windows {
        let ttl_ms = self.setup.ttl_s * 1_000;
        let begin_ms = ORIGIN_MS + 60_000;
        let quiet_ms = match self.event {
            Event::Adoption => ttl_ms.max(60_000),
            _ => 0,
        };
        let event_ms = begin_ms + quiet_ms;
        let takes_ms = match self.event {
            // Where the last ones are to be seen, and it does not take for ever.
            Event::Adoption if self.isolates <= LONG_LOOK => 3 * ttl_ms + 600_000,
            Event::Adoption => ttl_ms,
            Event::Reload => events.reload_ms(),
            Event::Outage => events.outage_ms(),
            Event::Deploy => events.deploy_ms(),
        };
        let herd_ms = match self.event {
            Event::Outage => event_ms + takes_ms,
            _ => event_ms,
        };
        Windows {
            begin_ms,
            event_ms,
            herd_ms,
            end_ms: event_ms + takes_ms + ttl_ms.min(60_000) + 10_000,
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
