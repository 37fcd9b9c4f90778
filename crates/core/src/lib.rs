//! Bellwether's decisions, and the coordinator's flows over small traits.
//!
//! No clock, no I/O and no platform type stands in this crate: time, randomness and environment
//! come in as arguments or through the traits of [`platform`] and [`sql`], so that the same code
//! runs in a Durable Object, in native tests and in a simulator.

pub mod api;
pub mod coordinator;
pub mod difference;
pub mod document;
pub mod explain;
pub mod fleet;
pub mod freshness;
pub mod guard;
pub mod json;
pub mod lease;
pub mod log;
pub mod merge;
pub mod metrics_text;
pub mod migrate;
pub mod moment;
pub mod names;
pub mod openapi;
pub mod page;
pub mod platform;
pub mod pointer;
pub mod prefix;
pub mod problem;
pub mod query;
pub mod reading;
pub mod reason;
pub mod refresh;
pub mod reload_request;
mod request_body;
pub mod request_header;
pub mod routes;
pub mod schedule;
pub mod schema;
pub mod settings;
pub mod space_name;
pub mod sql;
mod statements;
pub mod steady;
pub mod store;
pub mod strict;
mod text;
pub mod throttle;
pub mod token;
pub mod version;
pub mod wire;
pub mod write_request;

pub use document::{Document, Object};
pub use reason::{Reason, ReasonCode};
pub use version::{ContentHash, ETag, UnixMillis, Version};
