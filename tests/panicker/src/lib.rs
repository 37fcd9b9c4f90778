//! Behind `src/shim.mjs`: a front and an object that count what they have answered since their instance began, and
//! panic where the path says so.

use std::cell::Cell;

use bellwether_reader::{promised, sleep};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::Promise;
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Env, Stub, web_sys};

#[wasm_bindgen(inline_js = "export const fail = () => { throw new Error('asked to') }")]
extern "C" {
    /// An error of JavaScript that nobody here expects, so that it goes through all of wasm.
    fn fail();
}

thread_local! {
    static INSTANCE: JsValue = worker::js_sys::Object::new().into();
    static FRONT: Cell<u32> = const { Cell::new(0) };
}

/// As the product's.
#[wasm_bindgen]
#[must_use]
pub fn instance() -> JsValue {
    INSTANCE.with(JsValue::clone)
}

/// `/…` for the front, `/object/…` for the object: `count`, `panic`, `throw`, which is an error of
/// JavaScript through all of wasm, and `panic-later` and `throw-later`, after something was awaited.
#[wasm_bindgen]
#[must_use]
pub fn fetch(request: web_sys::Request, env: Env, _context: JsValue) -> JsValue {
    let url = request.url();
    if url.contains("/object/") {
        return promised(async move {
            let stub = env
                .durable_object("COORDINATOR")
                .and_then(|objects| objects.get_by_name("one"));
            let answer = stub.map_err(JsValue::from)?;
            ask(&answer, &url).await
        });
    }
    FRONT.with(|count| answer(&url, count))
}

async fn ask(stub: &Stub, url: &str) -> Result<JsValue, JsValue> {
    let answer = stub.fetch_with_str(&url.replace("/object/", "/")).await;
    answer
        .map(|answer| web_sys::Response::from(answer).into())
        .map_err(JsValue::from)
}

/// The object.
#[wasm_bindgen]
pub struct Coordinator {
    count: Cell<u32>,
}

#[wasm_bindgen]
impl Coordinator {
    /// Made by the platform.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(_state: JsValue, _env: JsValue) -> Self {
        Self {
            count: Cell::new(0),
        }
    }

    /// As the front's.
    #[must_use]
    pub fn fetch(&self, request: web_sys::Request) -> JsValue {
        answer(&request.url(), &self.count)
    }
}

#[allow(clippy::panic, reason = "what it is there for")]
fn answer(url: &str, count: &Cell<u32>) -> JsValue {
    if url.ends_with("/panic") {
        panic!("asked to");
    }
    if url.ends_with("/panic-later") {
        return later(async { panic!("asked to, later") });
    }
    if url.ends_with("/throw") {
        fail();
    }
    if url.ends_with("/throw-later") {
        return later(async {
            fail();
            Ok(JsValue::UNDEFINED)
        });
    }
    count.set(count.get() + 1);
    let text = count.get().to_string();
    web_sys::Response::new_with_opt_str(Some(&text)).map_or_else(|error| error, JsValue::from)
}

fn later(then: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> JsValue {
    promised(async move {
        JsFuture::from(Promise::resolve(&JsValue::NULL)).await?;
        sleep(1).await;
        then.await
    })
}
