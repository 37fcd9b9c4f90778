//! End-to-end tests on the real workerd: the built Worker, real SQLite, real alarms, a network to cut.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken expectation must stop the test, with its line"
)]

mod activation;
mod authority;
mod cold;
mod colo;
mod crash;
mod edge_answers;
mod edges;
mod faults;
mod fixtures;
mod fleet;
mod flow;
mod follower;
mod guards;
mod http;
mod http_reads;
mod limits;
mod logs;
mod metrics;
mod minimum;
mod openapi;
mod openfeature;
mod own_entry;
mod panics;
mod prefix_source;
mod r2_source;
mod reload;
mod schema;
mod section_policies;
mod sections;
mod spaces;
mod storage;
mod support;
mod tokens;
mod typescript;
mod url_faults;
mod url_source;
mod video;
mod wrangler_toml;
