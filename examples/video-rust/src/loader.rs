//! What a loader is to the rest of the Worker: whichever it is, the Worker stays the same.

use std::rc::Rc;

use worker::{Context, Env, Result};

use crate::config::Config;
use crate::{after, before, cached};

pub(crate) struct Loaded {
    pub(crate) config: Rc<Config>,
    /// Where it comes from, for the answer to tell.
    pub(crate) from: String,
}

/// By the one of them that the var `LOADER` names.
pub(crate) async fn load(env: &Env, ctx: &Context) -> Result<Loaded> {
    match env.var("LOADER")?.to_string().as_str() {
        "before" => before::load(env).await,
        "cached" => cached::load(env).await,
        _ => after::load(env, ctx).await,
    }
}
