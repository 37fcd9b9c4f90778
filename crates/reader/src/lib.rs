//! Follow a Bellwether coordinator from a Rust Worker.
//!
//! A [`Reader`] keeps one space's configuration in the isolate's memory, parsed once per version
//! into your own type. A warm fresh read makes no call; a stale one is answered at once and
//! refreshed behind the response; a cold one waits no longer than you allow.
//!
//! ```no_run
//! # mod worker_of_yours {
//! use bellwether_reader::Reader;
//! use worker::{Context, Env, Request, Response, Result, event};
//!
//! #[derive(serde::Deserialize)]
//! struct AppConfig { video: Video }
//! #[derive(serde::Deserialize)]
//! struct Video { max_width: u32 }
//!
//! thread_local! {
//!     static CONFIG: Reader<AppConfig> = Reader::typed("default", r#"{"video":{"max_width":1280}}"#);
//! }
//!
//! #[event(fetch)]
//! async fn fetch(_: Request, env: Env, ctx: Context) -> Result<Response> {
//!     let config = CONFIG.with(Reader::clone).read(&env, &ctx).await?;
//!     Response::ok(format!("{} wide at most", config.value.video.max_width))
//! }
//! # }
//! ```
//!
//! This crate declares no event and no object, so it adds nothing to your Worker's exports.

#[cfg(feature = "colo_cache")]
mod colo;
mod entry;
mod env;
pub mod hot;
mod identity;
mod reader;
mod setup;
pub mod tasks;
mod transport;
mod typed;

pub use bellwether_core::reading::{Counts, Read};
pub use bellwether_core::strict::Rejection;
pub use bellwether_core::wire::ReadState;
pub use bellwether_core::{ETag, Version};
pub use entry::{promised, sleep};
pub use env::{json_text, json_var, now, secret};
pub use identity::random_id;
pub use reader::{ReadError, Reader, Report};
pub use setup::Setup;
pub use transport::note_colo;
pub use typed::Lazy;
