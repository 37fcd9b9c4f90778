//! The Worker's own settings, layers and tokens, read once in an isolate: they change by deploys
//! only, and a deploy starts new isolates.

use std::cell::OnceCell;
use std::rc::Rc;

use bellwether_core::coordinator::BuiltIn;
use bellwether_core::document::{Document, Object};
use bellwether_core::json;
use bellwether_core::log::{Level, LogRecord};
use bellwether_core::names::{SETTINGS_VAR, TOKENS_SECRET, VARS_LAYER_VAR};
use bellwether_core::settings::Settings;
use bellwether_core::token::Tokens;
use bellwether_reader::{json_text, json_var};
use worker::Env;

use crate::host::write_log;

/// The `defaults` layer of this Worker. An operator's own defaults go into `BELLWETHER_VARS`; a
/// Worker that embeds the reader brings its own.
pub(crate) const DEFAULTS: &str = "{}";

/// What the environment says.
pub(crate) struct WorkerEnv {
    pub(crate) settings: Settings,
    pub(crate) tokens: Tokens,
    pub(crate) built_in: BuiltIn,
    /// What is wrong with any of it, for status and the log; never a value.
    pub(crate) problems: Vec<String>,
}

thread_local! {
    static WORKER_ENV: OnceCell<Rc<WorkerEnv>> = const { OnceCell::new() };
}

/// The environment, read on first use.
pub(crate) fn worker_env(env: &Env) -> Rc<WorkerEnv> {
    WORKER_ENV.with(|cell| Rc::clone(cell.get_or_init(|| Rc::new(read(env)))))
}

fn read(env: &Env) -> WorkerEnv {
    let mut problems = Vec::new();
    let settings = match json_var(env, SETTINGS_VAR) {
        Ok(var) => Settings::parse(var.as_ref()),
        // Not even JSON: parsed as the wrong kind, so that every space says so.
        Err(problem) => {
            problems.push(problem);
            Settings::parse(Some(&serde_json::Value::Null))
        }
    };
    for error in &settings.errors {
        problems.push(format!("{SETTINGS_VAR} {error}"));
    }
    let tokens = match json_text(env, TOKENS_SECRET) {
        Ok(text) => Tokens::parse(text.as_deref()),
        // No token at all, and a problem that says so.
        Err(_) => Tokens::parse(Some("")),
    };
    problems.extend(tokens.problem.clone());
    let vars = vars_layer(env);
    let unreadable = vars.is_err();
    let vars = vars.unwrap_or_else(|problem| {
        problems.push(problem);
        Object::new()
    });
    let defaults = Document::parse(DEFAULTS.as_bytes()).unwrap_or_else(|_| Document::empty());
    for problem in &problems {
        write_log(&LogRecord {
            detail: Some(problem),
            ..LogRecord::new(Level::Warn, "worker_env")
        });
    }
    WorkerEnv {
        settings,
        tokens,
        built_in: BuiltIn {
            defaults: defaults.object().clone(),
            vars,
            unreadable,
        },
        problems,
    }
}

/// The `vars` layer, under the limits of any document.
fn vars_layer(env: &Env) -> Result<Object, String> {
    let Some(var) = json_var(env, VARS_LAYER_VAR)? else {
        return Ok(Object::new());
    };
    let document = Document::parse(json::text(&var).as_bytes());
    let document =
        document.map_err(|reason| format!("{VARS_LAYER_VAR} cannot be read: {reason}"))?;
    Ok(document.object().clone())
}
