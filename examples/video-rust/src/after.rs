//! After: the same interface over Bellwether's reader. No request waits for KV, or has its trouble.

use bellwether_reader::Reader;
use worker::{Context, Env, Result};

use crate::config::Config;
use crate::loader::Loaded;

thread_local! {
    static CONFIG: Reader<Config> = Reader::typed("default", include_str!("../../video-base.json"));
}

pub(crate) async fn load(env: &Env, ctx: &Context) -> Result<Loaded> {
    let read = CONFIG.with(Reader::clone).read(env, ctx).await?;
    let version = read
        .version
        .map_or_else(|| "none".to_owned(), |version| version.to_string());
    Ok(Loaded {
        config: read.value,
        from: format!("Bellwether, version {version}, {}", read.state.as_str()),
    })
}
