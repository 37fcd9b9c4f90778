//! What a user may replace: distances, traffic, an object's capacity.

use std::fs;

use serde::Deserialize;

use crate::random::Quantiles;

/// Everything that the files say.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) latency: Latency,
    pub(crate) fleet: Fleet,
}

/// `latency.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Latency {
    pub(crate) colo_cache_ms: Quantiles,
    pub(crate) distance: Vec<Distance>,
}

/// Data centres that are equally far away.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Distance {
    pub(crate) name: String,
    pub(crate) colos: u16,
    pub(crate) round_trip_ms: Quantiles,
}

/// `fleet.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fleet {
    pub(crate) colo_skew: f64,
    pub(crate) mean_life_s: f64,
    pub(crate) traffic: Vec<Traffic>,
    pub(crate) object: Capacity,
    pub(crate) events: Events,
}

/// What happens to a fleet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Events {
    pub(crate) reload_s: u64,
    pub(crate) reload_asks_minimum: f64,
    pub(crate) outage_s: u64,
    pub(crate) deploy_s: u64,
}

impl Events {
    pub(crate) fn reload_ms(&self) -> u64 {
        self.reload_s * 1_000
    }

    pub(crate) fn outage_ms(&self) -> u64 {
        self.outage_s * 1_000
    }

    pub(crate) fn deploy_ms(&self) -> u64 {
        self.deploy_s * 1_000
    }
}

/// Isolates that are equally busy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Traffic {
    pub(crate) share: f64,
    pub(crate) reads_per_s: f64,
}

/// What an object serves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Capacity {
    pub(crate) serve_304_us: u64,
    pub(crate) serve_200_us: u64,
    pub(crate) longest_queue_ms: u64,
}

impl Input {
    /// Reads the two files.
    pub(crate) fn read(latency: &str, fleet: &str) -> Result<Self, String> {
        let input = Self {
            latency: read(latency)?,
            fleet: read(fleet)?,
        };
        input.check()?;
        Ok(input)
    }

    /// Data centres in all.
    pub(crate) fn colos(&self) -> u16 {
        self.latency.distance.iter().map(|group| group.colos).sum()
    }

    /// Reads a second of an average isolate.
    pub(crate) fn mean_reads_per_s(&self) -> f64 {
        let weigh = |class: &Traffic| class.share * class.reads_per_s;
        self.fleet.traffic.iter().map(weigh).sum()
    }

    /// Calls a second that one isolate makes on average while nothing is wrong and there is no colo
    /// tier: one for each TTL, or what its life leaves of it, and the wait for the first read after
    /// that. What a busy isolate asks more than once while it is cold is not in it.
    pub(crate) fn calls_per_s(&self, ttl_s: f64) -> f64 {
        let life_s = self.fleet.mean_life_s;
        let fresh_s = life_s * -(-ttl_s / life_s).exp_m1();
        let calls = |class: &Traffic| class.share / (fresh_s + 1.0 / class.reads_per_s);
        self.fleet.traffic.iter().map(calls).sum()
    }

    fn check(&self) -> Result<(), String> {
        let shares: f64 = self.fleet.traffic.iter().map(|class| class.share).sum();
        let quantiles = self.latency.distance.iter();
        let quantiles = quantiles.map(|group| &group.round_trip_ms);
        let sound = (shares - 1.0).abs() < 1e-6
            && self
                .fleet
                .traffic
                .iter()
                .all(|class| class.reads_per_s > 0.0)
            && self.fleet.mean_life_s > 0.0
            && self.colos() > 0
            && quantiles
                .chain([&self.latency.colo_cache_ms])
                .all(Quantiles::is_sound);
        sound.then_some(()).ok_or_else(|| {
            "shares make 1 in all, rates are above 0, and quantiles rise from 0 to 100 percent"
                .to_owned()
        })
    }
}

fn read<T: for<'a> Deserialize<'a>>(path: &str) -> Result<T, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    toml::from_str(&text).map_err(|error| format!("{path}: {error}"))
}
