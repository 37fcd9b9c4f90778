//! The settings of one space.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::duration::format_duration_ms;
use super::section::Section;
use super::source::SourceSettings;
use crate::guard::{Guards, KeyLoss};
use crate::json::Members;

pub(super) const FIELDS: &[&str] = &[
    "source",
    "refresh_interval",
    "backoff_max",
    "ttl",
    "stale_while_revalidate",
    "source_timeout",
    "guard",
    "keep_versions",
    "keep_for",
    "publish",
];
const GUARD_FIELDS: &[&str] = &["empty", "max_key_loss"];

const DAY_MS: u64 = 86_400_000;
pub(crate) const REFRESH_INTERVAL_MS: RangeInclusive<u64> = 1_000..=30 * DAY_MS;
const BACKOFF_MAX_MS: RangeInclusive<u64> = 1_000..=DAY_MS;
const TTL_MS: RangeInclusive<u64> = 100..=DAY_MS;
const STALE_WHILE_REVALIDATE_MS: RangeInclusive<u64> = 0..=30 * DAY_MS;
/// Up to 25 s: the platform cancels what a `wait_until` runs after 30 s.
const SOURCE_TIMEOUT_MS: RangeInclusive<u64> = 100..=25_000;
const KEEP_VERSIONS: RangeInclusive<u64> = 1..=1_000;
const KEEP_FOR_MS: RangeInclusive<u64> = 60_000..=3_650 * DAY_MS;

/// How one space is refreshed, guarded and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaceSettings {
    /// Where the `source` layer comes from.
    pub source: SourceSettings,
    /// Time between refreshes, before jitter.
    pub refresh_interval_ms: u64,
    /// Longest time between tries while the source fails.
    pub backoff_max_ms: u64,
    /// How long readers take a snapshot for fresh.
    pub ttl_ms: u64,
    /// How much longer readers serve it while they fetch a newer one.
    pub stale_while_revalidate_ms: u64,
    /// Deadline of one source call.
    pub source_timeout_ms: u64,
    /// What a candidate may not do to the head.
    pub guard: Guards,
    /// How many versions are kept, the head included.
    pub keep_versions: u32,
    /// How long a version is kept after something else became the head, in milliseconds; `None`
    /// for as long as the count allows.
    pub keep_for_ms: Option<u64>,
    /// Whether operators may publish although the space is pulled from a source.
    pub publish: bool,
}

impl SpaceSettings {
    /// Whether operators may publish: where nothing is pulled, or where the space allows both.
    pub fn is_publishable(&self) -> bool {
        self.publish || matches!(self.source, SourceSettings::None)
    }

    /// The settings in force, spelled as the settings var spells them.
    pub fn describe(&self) -> Value {
        let mut members = Members::new();
        members.value("source", self.source.describe());
        for (name, ms) in [
            ("refresh_interval", self.refresh_interval_ms),
            ("backoff_max", self.backoff_max_ms),
            ("ttl", self.ttl_ms),
            ("stale_while_revalidate", self.stale_while_revalidate_ms),
            ("source_timeout", self.source_timeout_ms),
        ] {
            members.text(name, &format_duration_ms(ms));
        }
        let Guards {
            empty,
            max_key_loss,
        } = self.guard;
        let mut guard = Members::new();
        guard
            .flag("empty", empty)
            .number("max_key_loss", max_key_loss.percent().into());
        members.value("guard", guard.take());
        let keep_for = self.keep_for_ms.map(format_duration_ms);
        members
            .number("keep_versions", self.keep_versions.into())
            .optional_text("keep_for", keep_for.as_deref())
            .flag("publish", self.publish)
            .take()
    }

    pub(super) fn parse(mut space: Section<'_, '_>) -> SpaceSettings {
        let mut settings = SpaceSettings {
            source: SourceSettings::parse(&mut space),
            ..SpaceSettings::default()
        };
        for (name, range, field) in [
            (
                "refresh_interval",
                REFRESH_INTERVAL_MS,
                &mut settings.refresh_interval_ms,
            ),
            ("backoff_max", BACKOFF_MAX_MS, &mut settings.backoff_max_ms),
            ("ttl", TTL_MS, &mut settings.ttl_ms),
            (
                "stale_while_revalidate",
                STALE_WHILE_REVALIDATE_MS,
                &mut settings.stale_while_revalidate_ms,
            ),
            (
                "source_timeout",
                SOURCE_TIMEOUT_MS,
                &mut settings.source_timeout_ms,
            ),
        ] {
            *field = space.duration(name, range, *field);
        }
        if let Some(guard) = space.child("guard", Some(GUARD_FIELDS)) {
            settings.guard = parse_guard(guard);
        }
        let keep = space.whole(
            "keep_versions",
            KEEP_VERSIONS,
            settings.keep_versions.into(),
        );
        settings.keep_versions = u32::try_from(keep).unwrap_or(settings.keep_versions);
        if space.has("keep_for") {
            settings.keep_for_ms =
                Some(space.duration("keep_for", KEEP_FOR_MS, *KEEP_FOR_MS.end()));
        }
        settings.publish = space.flag("publish", false);
        settings
    }
}

impl Default for SpaceSettings {
    fn default() -> SpaceSettings {
        SpaceSettings {
            source: SourceSettings::default(),
            refresh_interval_ms: 300_000,
            backoff_max_ms: 1_800_000,
            ttl_ms: 30_000,
            stale_while_revalidate_ms: 300_000,
            source_timeout_ms: 10_000,
            guard: Guards::default(),
            keep_versions: 100,
            keep_for_ms: None,
            publish: false,
        }
    }
}

fn parse_guard(mut guard: Section<'_, '_>) -> Guards {
    let default = Guards::default();
    let percent = guard.whole(
        "max_key_loss",
        0..=100,
        default.max_key_loss.percent().into(),
    );
    Guards {
        empty: guard.flag("empty", default.empty),
        max_key_loss: KeyLoss::new(percent).unwrap_or(default.max_key_loss),
    }
}
