//! The end-to-end harness: it starts the real workerd on the built wasm and plays everything around it.
//!
//! * [`Deployment`] describes a Worker (coordinator or edge) and starts it as a [`Workerd`] process.
//! * [`FakeKv`], [`FakeR2`] and [`FakeOrigin`] are the sources, [`FakeColo`] a data centre's cache, [`Proxy`] the network between edges and coordinator;
//!   all of them count their calls and misbehave on demand ([`Fault`]).
//! * [`Wrangler`] is wrangler on a configuration of the test's own.
//! * [`Client`] talks to a Worker as an operator or a reader would.
//! * [`check_description`] and [`check_service`] hold an API against its OpenAPI description.
//! * [`until`] waits for a condition. Nothing in the tests sleeps where a condition can be awaited.
//!
//! Everything lives and dies with the test that made it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken expectation must stop the test, with its line"
)]

mod capnp;
mod client;
mod colo;
mod deployment;
mod fault;
mod kv;
mod logs;
mod message;
mod openapi;
mod origin;
mod paths;
mod prom;
mod proxy;
mod r2;
mod rng;
mod server;
mod wait;
mod workerd;
mod wrangler;

pub use client::{Answer, Client, Read};
pub use colo::{ColoCall, FakeColo};
pub use deployment::{Deployment, Token};
pub use fault::{Fault, Faults, Gate};
pub use kv::{FakeKv, KvCall};
pub use logs::Logs;
pub use message::{Request, Response};
pub use openapi::{Exchange, check_description, check_service};
pub use origin::{FakeOrigin, OriginCall};
pub use paths::Paths;
pub use prom::{Metrics, promtool_check};
pub use proxy::{Proxy, ProxyCall};
pub use r2::{FakeR2, R2Call};
pub use rng::Rng;
pub use wait::{PATIENCE, until, until_some};
pub use workerd::{Address, Workerd};
pub use wrangler::{Wrangler, WranglerDev};

#[cfg(test)]
mod selftest;
