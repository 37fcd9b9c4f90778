//! A simulated platform under the coordinator's flows: real SQLite, simulated time, a scripted
//! source, and traps. Single-threaded and deterministic.

mod api;
mod database;
mod machine;
mod source;
mod space;
mod traps;
mod witness;

use bellwether_core::coordinator::{BuiltIn, SnapshotAnswer};
use bellwether_core::document::Object;
use bellwether_core::settings::{SourceSettings, SpaceSettings};
use serde_json::Value;

pub(crate) use api::{Answer, Ask, delete, get, patch, post, publish, put, rollback};
pub(crate) use database::Database;
pub(crate) use machine::{EPOCH_MS, Machine};
pub(crate) use source::{after, body, failed, hang, soon, tagged};
pub(crate) use space::{Reply, Space};
pub(crate) use traps::{Place, Strike, Traps};
pub(crate) use witness::Witness;

/// What the tests' Worker is built with, unless it says otherwise.
pub(crate) fn built_in() -> BuiltIn {
    BuiltIn {
        defaults: object(r#"{"debug":false,"cache":{"ttl":60}}"#),
        vars: object(r#"{"debug":true}"#),
        unreadable: false,
    }
}

/// [`built_in`] merged.
pub(crate) const BASE: &str = r#"{"debug":true,"cache":{"ttl":60}}"#;

/// [`BASE`] with these members.
pub(crate) fn with_base(members: Value) -> Value {
    let mut base: Value = serde_json::from_str(BASE).unwrap();
    for (key, value) in members.as_object().unwrap() {
        base[key] = value.clone();
    }
    base
}

/// An answer's document.
pub(crate) fn document(answer: &SnapshotAnswer) -> Value {
    serde_json::from_str(text(answer)).unwrap()
}

pub(crate) fn object(json: &str) -> Object {
    serde_json::from_str(json).unwrap()
}

pub(crate) fn settings() -> SpaceSettings {
    SpaceSettings::default()
}

/// A space that lives by publishing.
pub(crate) fn published() -> SpaceSettings {
    SpaceSettings {
        source: SourceSettings::None,
        ..settings()
    }
}

/// A space that is pulled, and that operators may publish to as well.
pub(crate) fn pulled_and_published() -> SpaceSettings {
    SpaceSettings {
        publish: true,
        ..settings()
    }
}

pub(crate) fn url_settings(url: &str) -> SpaceSettings {
    SpaceSettings {
        source: SourceSettings::Url {
            url: url.to_owned(),
            token_secret: None,
        },
        ..settings()
    }
}

pub(crate) fn version(answer: &SnapshotAnswer) -> u64 {
    answer.head.version.get()
}

pub(crate) fn text(answer: &SnapshotAnswer) -> &str {
    &answer.head.text
}
