//! A Worker's answer by an entry of its own, in place of the crate worker's `#[event(fetch)]`, whose
//! class for each request, and the proxies around it, take longer than all that a warm read does.

use std::future::Future;

use bellwether_core::reading::Read;
use worker::js_sys::Promise;
use worker::wasm_bindgen;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::Response;
use worker::{Context, Env, worker_sys};

use crate::reader::{ReadError, Reader};
use crate::tasks;

#[wasm_bindgen(module = "/src/entry.js")]
extern "C" {
    type Deferred;
    fn deferred(context: Option<&worker_sys::Context>) -> Deferred;
    #[wasm_bindgen(method, getter)]
    fn promise(this: &Deferred) -> JsValue;
    fn settle(deferred: &Deferred, value: JsValue, is_error: bool);
    type Timer;
    fn timer(ms: f64) -> Timer;
    #[wasm_bindgen(method, getter, js_name = promise)]
    fn over(this: &Timer) -> Promise;
    fn stop(timer: &Timer);
}

#[wasm_bindgen]
extern "C" {
    /// Writes a line of log.
    #[wasm_bindgen(js_namespace = console)]
    pub(crate) fn log(line: &str);
}

impl<T: 'static> Reader<T> {
    /// What a `fetch` of your own gives back to the platform: `answer`'s response to a read. Where what
    /// is held is fresh, that is made at once, without a promise. Everything else is as by
    /// [`read`](Self::read).
    ///
    /// ```no_run
    /// # mod worker_of_yours {
    /// use bellwether_reader::{Reader, hot::respond};
    /// use worker::wasm_bindgen::{self, JsValue, prelude::wasm_bindgen};
    /// use worker::{Env, web_sys::Request, worker_sys::Context};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct AppConfig { greeting: String }
    ///
    /// thread_local! {
    ///     static CONFIG: Reader<AppConfig> = Reader::typed("default", r#"{"greeting":"hello"}"#);
    /// }
    ///
    /// #[wasm_bindgen]
    /// pub fn fetch(request: Request, env: Env, context: Context) -> Result<JsValue, JsValue> {
    ///     CONFIG.with(Reader::clone).answer(env, context, move |read| {
    ///         Ok(respond(&format!("{}, {}", read?.value.greeting, request.url())))
    ///     })
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// What `answer` gives as its error; behind a promise, that is rejected with it.
    pub fn answer(
        &self,
        env: Env,
        context: worker_sys::Context,
        answer: impl FnOnce(Result<Read<T>, ReadError>) -> Result<Response, JsValue> + 'static,
    ) -> Result<JsValue, JsValue> {
        if let Some(read) = self.read_at_once() {
            return answer(Ok(read)).map(JsValue::from);
        }
        let reader = self.clone();
        Ok(promised(async move {
            let read = reader.read(&env, &Context::new(context)).await;
            answer(read).map(JsValue::from)
        }))
    }
}

/// A promise of what a future gives, which runs at once as far as it comes by itself. Like all that
/// [`tasks::start`] runs, that must not wait for the crate worker's `Delay`: [`sleep`] stands for it.
pub fn promised(future: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> JsValue {
    let ends = deferred(None);
    let promise = ends.promise();
    tasks::start(async move {
        let outcome = future.await;
        let is_error = outcome.is_err();
        settle(&ends, outcome.unwrap_or_else(|error| error), is_error);
    });
    promise
}

/// Ends after so many milliseconds. The timer goes with it.
pub async fn sleep(ms: u64) {
    #[allow(clippy::cast_precision_loss, reason = "waits are short")]
    let timed = Timed(timer(ms as f64));
    // A timer does not fail.
    let _ = JsFuture::from(timed.0.over()).await;
}

struct Timed(Timer);

impl Drop for Timed {
    fn drop(&mut self) {
        stop(&self.0);
    }
}

/// Runs a task behind the response.
pub(crate) fn behind(context: &Context, task: impl Future<Output = ()> + 'static) {
    let ends = deferred(Some(context.as_ref()));
    tasks::start(async move {
        task.await;
        settle(&ends, JsValue::UNDEFINED, false);
    });
}
