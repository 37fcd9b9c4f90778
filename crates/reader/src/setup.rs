//! What a reader is told by its Worker, once in an isolate: vars cannot change while it lives.

use bellwether_core::names::{COORDINATOR_BINDING, SETTINGS_VAR, VARS_LAYER_VAR};
use bellwether_core::settings::{ColdStart, OnExpired, ReaderSettings, TransportSettings};
use bellwether_core::strict::Rejection;
use worker::Env;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{self, JsValue};

/// How a reader reads, and what it serves until something better is there.
#[derive(Debug)]
pub struct Setup<T> {
    /// The settings in force.
    pub settings: ReaderSettings,
    /// The built-in layers; the error says what is wrong with the Worker's own defaults.
    pub base: Result<T, String>,
    /// What is wrong with the settings or the `vars` layer, each in a line; never a value.
    pub problems: Vec<String>,
}

#[wasm_bindgen(module = "/src/setup.js")]
extern "C" {
    #[wasm_bindgen(js_name = settingsOf)]
    fn settings_of(env: &JsValue, name: &str, binding: &str) -> Option<String>;
    #[wasm_bindgen(catch)]
    fn layered(env: &JsValue, name: &str, base: &str) -> Result<Option<String>, JsValue>;
}

impl<T> Setup<T> {
    /// By the vars `BELLWETHER` and `BELLWETHER_VARS`, the latter on `defaults`, a JSON object. It is
    /// left out where the outcome does not fit, for a base there must be.
    pub(crate) fn from_vars(
        env: &Env,
        defaults: &str,
        parse: fn(&str) -> Result<T, Rejection>,
    ) -> Self {
        let mut problems = Vec::new();
        let lines = settings_of(env, SETTINGS_VAR, COORDINATOR_BINDING);
        let settings = lines.map(|lines| settings_in(&lines, &mut problems));
        let fitted = |base: &str| parse(base).map_err(|rejection| rejection.to_string());
        let base = match layered(env, VARS_LAYER_VAR, defaults) {
            Ok(None) => fitted(defaults),
            Ok(Some(layered)) => {
                let base = match layered.starts_with('{') {
                    true => fitted(&layered),
                    false => Err(layered),
                };
                base.or_else(|problem| {
                    problems.push(format!("{VARS_LAYER_VAR} is left out: {problem}"));
                    fitted(defaults)
                })
            }
            Err(_) => Err("not JSON".to_owned()),
        };
        Self {
            settings: settings.unwrap_or_default(),
            base,
            problems,
        }
    }
}

/// The settings in these lines, of which `setup.js` tells the meaning; a mistake in each that follows.
fn settings_in(lines: &str, problems: &mut Vec<String>) -> ReaderSettings {
    let mut lines = lines.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (cold_start, on_expired, revalidate_timeout) = (line(), line(), line());
    let (colo_cache, kind, named, secret) = (line(), line(), line(), line());
    let (named, token_secret) = (named.to_owned(), secret.to_owned());
    problems.extend(lines.map(str::to_owned));
    let millis = |text: &str| text.parse().ok();
    ReaderSettings {
        cold_start: match millis(cold_start) {
            Some(deadline_ms) => ColdStart::Wait { deadline_ms },
            None => ColdStart::Base,
        },
        on_expired: match (millis(on_expired), on_expired) {
            (Some(deadline_ms), _) => OnExpired::Wait { deadline_ms },
            (None, "error") => OnExpired::Error,
            _ => OnExpired::Serve,
        },
        revalidate_timeout_ms: millis(revalidate_timeout).unwrap_or_default(),
        colo_cache: colo_cache == "1",
        transport: match kind {
            "object" => TransportSettings::Object { binding: named },
            "service" => TransportSettings::Service {
                binding: named,
                token_secret,
            },
            "url" => TransportSettings::Url {
                url: named,
                token_secret,
            },
            _ => TransportSettings::Unusable { reason: named },
        },
    }
}
