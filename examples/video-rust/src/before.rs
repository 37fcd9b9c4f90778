//! Before: the loader that people write. Each request waits for KV, and has KV's trouble.

use std::rc::Rc;

use worker::{Env, Error, Result};

use crate::loader::Loaded;

pub(crate) async fn load(env: &Env) -> Result<Loaded> {
    let text = env.kv("CONFIG_KV")?.get("config").text().await?;
    let text = text.ok_or_else(|| Error::from("there is no configuration in KV"))?;
    Ok(Loaded {
        config: Rc::new(serde_json::from_str(&text)?),
        from: "KV".to_owned(),
    })
}
