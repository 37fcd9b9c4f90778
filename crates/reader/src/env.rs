//! The Worker's environment, read as JSON.

use bellwether_core::{UnixMillis, strict};
use serde_json::Value;
use worker::wasm_bindgen::JsValue;
use worker::{Env, js_sys};

/// The machine's clock. In production it stands still between I/O.
#[must_use]
pub fn now() -> UnixMillis {
    // Not the crate worker's `Date`: an object more in each read.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of whole milliseconds"
    )]
    UnixMillis(js_sys::Date::now() as u64)
}

/// A var that holds JSON: an object binding, or its text. `None` when there is no such var.
///
/// # Errors
/// A line that names the var when it is neither. It never quotes the var.
pub fn json_var(env: &Env, name: &str) -> Result<Option<Value>, String> {
    let Some(text) = json_text(env, name)? else {
        return Ok(None);
    };
    let value = strict::parse(&text);
    value
        .map(Some)
        .map_err(|reason| format!("{name}: {reason}"))
}

/// The text of a var or secret that holds JSON, bound as text or as JSON. `None` when it is not set.
///
/// # Errors
/// A line that names the var when it is neither.
pub fn json_text(env: &Env, name: &str) -> Result<Option<String>, String> {
    let var = match js_sys::Reflect::get(env, &JsValue::from_str(name)) {
        Ok(var) if !var.is_undefined() => var,
        _ => return Ok(None),
    };
    // By way of text and not of serde_wasm_bindgen: smaller, and the order of keys is kept.
    let text = match var.as_string() {
        Some(text) => Some(text),
        None => js_sys::JSON::stringify(&var)
            .ok()
            .and_then(|text| text.as_string()),
    };
    text.map(Some)
        .ok_or_else(|| format!("{name} is neither JSON nor JSON text"))
}

/// A secret's text; `None` when it is not set or not text.
#[must_use]
pub fn secret(env: &Env, name: &str) -> Option<String> {
    js_sys::Reflect::get(env, &JsValue::from_str(name))
        .ok()
        .and_then(|secret| secret.as_string())
}
