//! The configuration, as far as this Worker needs it. It ignores the rest, and refuses what does not fit.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Deserialize)]
pub(crate) struct Config {
    pub(crate) video: Video,
    pub(crate) cache: Cache,
}

#[derive(Deserialize)]
pub(crate) struct Video {
    pub(crate) enabled: bool,
    pub(crate) sources: BTreeMap<String, Source>,
    pub(crate) routes: Vec<Route>,
    pub(crate) presets: BTreeMap<String, Preset>,
    pub(crate) renditions: BTreeMap<String, Rendition>,
    pub(crate) limits: Limits,
    pub(crate) accounts: Accounts,
}

#[derive(Deserialize)]
pub(crate) struct Source {
    #[serde(default)]
    pub(crate) prefix: String,
    pub(crate) base_url: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Route {
    pub(crate) name: String,
    #[serde(rename = "match")]
    pub(crate) pattern: String,
    pub(crate) sources: Vec<String>,
    pub(crate) presets: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) default_preset: String,
    pub(crate) cache_profile: String,
    pub(crate) signed: Option<IgnoredAny>,
    pub(crate) access: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(crate) struct Preset {
    pub(crate) ladder: Vec<String>,
    pub(crate) fit: String,
    pub(crate) muted: bool,
}

#[derive(Clone, Copy, Deserialize)]
pub(crate) struct Rendition {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

#[derive(Deserialize)]
pub(crate) struct Limits {
    pub(crate) width: Bounds,
    pub(crate) height: Bounds,
}

#[derive(Clone, Copy, Deserialize)]
pub(crate) struct Bounds {
    pub(crate) min: u32,
    pub(crate) max: u32,
}

#[derive(Deserialize)]
pub(crate) struct Accounts {
    pub(crate) tiers: BTreeMap<String, Tier>,
    pub(crate) default_tier: String,
}

#[derive(Deserialize)]
pub(crate) struct Tier {
    pub(crate) height_max: u32,
}

#[derive(Deserialize)]
pub(crate) struct Cache {
    pub(crate) profiles: BTreeMap<String, Profile>,
}

#[derive(Deserialize)]
pub(crate) struct Profile {
    pub(crate) edge_ttl_s: u32,
    pub(crate) browser_ttl_s: u32,
    pub(crate) stale_while_revalidate_s: u32,
}
