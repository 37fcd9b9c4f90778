//! An edge Worker that follows a Bellwether coordinator. Its sections `video` and `cache` are always of one version.

use std::collections::BTreeMap;

use bellwether_reader::Reader;
use serde::Deserialize;
use serde_json::json;
use worker::{Context, Env, Request, Response, Result, event};

/// One field a section. What this Worker does not name, it ignores.
#[derive(Deserialize)]
struct AppConfig {
    video: Video,
    cache: Cache,
}

#[derive(Deserialize)]
struct Video {
    accounts: Accounts,
    limits: Limits,
}

#[derive(Deserialize)]
struct Accounts {
    default_tier: String,
}

#[derive(Deserialize)]
struct Limits {
    width: Width,
}

#[derive(Deserialize)]
struct Width {
    max: u32,
}

#[derive(Deserialize)]
struct Cache {
    key: Key,
    profiles: BTreeMap<String, Profile>,
}

#[derive(Deserialize)]
struct Key {
    version: u32,
}

#[derive(Deserialize)]
struct Profile {
    edge_ttl_s: u32,
}

thread_local! {
    // One reader an isolate. The built-in configuration must fit the types: it is served until something better is there.
    static CONFIG: Reader<AppConfig> = Reader::typed("default", include_str!("../defaults.json"));
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, ctx: Context) -> Result<Response> {
    let reader = CONFIG.with(Reader::clone);
    match request.path().as_str() {
        "/" => {
            // Read once in a request, and use the value as often as you like. It fails only under on_expired = "error".
            let config = reader.read(&env, &ctx).await?;
            let AppConfig { video, cache } = &*config.value;
            Response::from_json(&json!({
                "version": config.version,
                "state": config.state,
                "age_ms": config.age_ms,
                "video": { "default_tier": video.accounts.default_tier, "max_width": video.limits.width.max },
                "cache": {
                    "key_version": cache.key.version,
                    "long_edge_ttl_s": cache.profiles.get("long").map(|long| long.edge_ttl_s),
                },
            }))
        }
        // How this isolate's reader does. Keep it from strangers in a Worker of yours.
        "/report" => Response::from_json(&reader.report()),
        _ => Response::error("not found", 404),
    }
}
