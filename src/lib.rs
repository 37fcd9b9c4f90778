//! The deployable Bellwether Worker: the platform's shell around `bellwether-core`.
//!
//! `front` answers HTTP and reads through `bellwether-reader`; `object` is the Durable Object
//! that leads a space. Decisions stand in the core; here they are only executed.

mod body;
mod front;
mod host;
mod http;
mod object;
mod outgoing;
mod schema;
mod source;
mod sql;
mod worker_env;

pub use object::Coordinator;

use bellwether_reader::hot::Lines;
use bellwether_reader::promised;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Context, Env, web_sys};

thread_local! {
    static INSTANCE: JsValue = worker::js_sys::Object::new().into();
}

/// What tells this instance of the module from those after a panic: the entry has promises of its
/// object to fail then.
#[wasm_bindgen]
#[must_use]
pub fn instance() -> JsValue {
    INSTANCE.with(JsValue::clone)
}

/// The Worker's entry: a response, or a promise of one. Exported by hand and not by worker's macro,
/// so that an answer from memory needs no promise.
#[wasm_bindgen]
#[must_use]
pub fn fetch(request: web_sys::Request, env: Env, context: worker::worker_sys::Context) -> JsValue {
    let asked = Lines::asked(&request);
    match front::at_once(&request, &asked, &env) {
        Some(response) => response,
        None => {
            promised(
                async move { front::handle(request, &asked, &env, &Context::new(context)).await },
            )
        }
    }
}
