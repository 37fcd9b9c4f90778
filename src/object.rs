//! The Durable Object of a space: platform events in, the core's flows out.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bellwether_core::ETag;
use bellwether_core::api::{ApiRequest, pending_version, respond};
use bellwether_core::coordinator::{Coordinator as Core, OpenError, SnapshotAnswer};
use bellwether_core::log::LogRecord;
use bellwether_core::names::header;
use bellwether_core::problem::{Problem, ProblemKind};
use bellwether_core::routes::{Leaf, Route, snapshot_path};
use bellwether_core::schedule::REOPEN_AFTER_MS;
use bellwether_core::wire::Freshness;
use bellwether_reader::hot::{Lines, Prepared, PreparedBody};
use bellwether_reader::promised;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::DurableObjectState;
use worker::{Env, Result, State, web_sys};

use crate::body::{self, BrokeOff};
use crate::host::{Host, write_log};
use crate::http::{Answer, path_and_query, request_header};
use crate::worker_env::worker_env;

/// Leads one space. Its name is the space's. Exported by hand and not by worker's macro, so that a
/// reader's call can be answered at once.
#[wasm_bindgen]
pub struct Coordinator {
    object: Rc<Object>,
}

#[wasm_bindgen]
impl Coordinator {
    /// Made by the platform, for each object that lives.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(state: DurableObjectState, env: Env) -> Self {
        Self {
            object: Rc::new(Object {
                state: State::from(state),
                env,
                core: RefCell::new(None),
                prepared: RefCell::new(None),
            }),
        }
    }

    /// A response, or a promise of one.
    #[must_use]
    pub fn fetch(&self, request: web_sys::Request) -> JsValue {
        let object = Rc::clone(&self.object);
        let at_once = object.at_once(&request);
        match at_once {
            Some(response) => response.into(),
            None => promised(async move {
                let answer = object.respond(&request).await;
                answer.into_response().map(JsValue::from)
            }),
        }
    }

    /// The alarm's handler; a promise that is kept when the alarm need not be repeated.
    #[must_use]
    pub fn alarm(&self) -> JsValue {
        let object = Rc::clone(&self.object);
        promised(async move {
            object.ring().await.map_err(JsValue::from)?;
            Ok(JsValue::UNDEFINED)
        })
    }
}

struct Object {
    state: State,
    env: Env,
    core: RefCell<Option<Core<Host>>>,
    prepared: RefCell<Option<PreparedSnapshot>>,
}

/// What a snapshot's answers are made of, as long as they stay the same.
struct PreparedSnapshot {
    etag: ETag,
    terms: Freshness,
    not_modified: Prepared,
    whole: Prepared,
    body: PreparedBody,
}

impl PreparedSnapshot {
    fn of(answer: &SnapshotAnswer) -> Self {
        let fields = answer.fields();
        let with = |mut empty: Answer| {
            empty.headers.extend(fields.iter().cloned());
            empty.prepared()
        };
        Self {
            etag: answer.head.etag.clone(),
            terms: answer.terms,
            not_modified: with(Answer::empty(304)),
            whole: with(Answer::json_text("")),
            body: PreparedBody::new(answer.head.text.as_bytes()),
        }
    }
}

impl Object {
    /// A reader's call, where it can be answered from memory.
    fn at_once(&self, request: &web_sys::Request) -> Option<web_sys::Response> {
        let core = self.core.borrow();
        let core = core.as_ref()?;
        let wanted = Lines::wanted(request);
        let (method, url) = wanted.method_and_url();
        if method != "GET" || path_and_query(url) != (&*snapshot_path(core.space()), "") {
            return None;
        }
        let answer = core.snapshot_now(wanted.if_none_match())?;
        if let Some(report) = wanted.report() {
            core.hear(report);
        }
        // What is announced comes nearer with each answer.
        if answer.pending.is_some() {
            return snapshot(answer).into_response().ok();
        }
        let mut prepared = self.prepared.borrow_mut();
        let is_same =
            |it: &PreparedSnapshot| it.etag == answer.head.etag && it.terms == answer.terms;
        if !prepared.as_ref().is_some_and(is_same) {
            *prepared = Some(PreparedSnapshot::of(&answer));
        }
        let prepared = prepared.as_ref()?;
        if answer.not_modified {
            prepared.not_modified.answer(&PreparedBody::NONE)
        } else {
            prepared.whole.answer(&prepared.body)
        }
    }

    async fn respond(&self, request: &web_sys::Request) -> Answer {
        let answer = match self.core() {
            Ok(core) => self.answer(&core, request).await,
            Err(problem) => Err(problem),
        };
        answer.unwrap_or_else(Answer::from)
    }

    /// Fails only when no successor stands: a handler that throws is retried a few times, and then
    /// the object has no alarm.
    async fn ring(&self) -> Result<()> {
        match self.core() {
            Ok(core) => {
                if !core.alarm().await {
                    // The one case for the platform's own retries: without them the space would be
                    // left without an alarm until its next request.
                    return Err("storage refused the next alarm".into());
                }
            }
            // No longer configured: nothing is to be refreshed until a deploy names it again, and
            // its first request then sets the alarm.
            Err(problem) if problem.kind == ProblemKind::UnknownSpace => {}
            Err(_) => self.try_again_later().await?,
        }
        Ok(())
    }

    /// Opened at the first event that can. A failure is not kept: the next event tries again.
    fn core(&self) -> std::result::Result<Core<Host>, Problem> {
        if let Some(core) = &*self.core.borrow() {
            return Ok(core.clone());
        }
        let core = self.open()?;
        self.core.replace(Some(core.clone()));
        Ok(core)
    }

    fn open(&self) -> std::result::Result<Core<Host>, Problem> {
        let worker_env = worker_env(&self.env);
        let name = self.state.id().name().unwrap_or_default();
        let (space, settings) = worker_env.settings.space(&name).ok_or_else(|| {
            Problem::new(
                ProblemKind::UnknownSpace,
                format!("no space {name:?} is configured"),
            )
        })?;
        let host = Host::new(&self.state, self.env.clone(), settings.source.clone());
        let built_in = worker_env.built_in.clone();
        Core::open(host, space.clone(), settings.clone(), built_in).map_err(|error: OpenError| {
            let detail = error.to_string();
            write_log(&LogRecord::failure("open_refused", &name, &detail));
            Problem::new(ProblemKind::StorageRefused, detail)
        })
    }

    /// The alarm is used up, and the space must not be left without one.
    async fn try_again_later(&self) -> Result<()> {
        let delay = Duration::from_millis(REOPEN_AFTER_MS);
        let set = self.state.storage().set_alarm(delay).await;
        if let Err(error) = &set {
            let name = self.state.id().name().unwrap_or_default();
            let detail = error.to_string();
            write_log(&LogRecord::failure("alarm_failed", &name, &detail));
        }
        set
    }

    async fn answer(
        &self,
        core: &Core<Host>,
        request: &web_sys::Request,
    ) -> std::result::Result<Answer, Problem> {
        let url = request.url();
        let (path, query) = path_and_query(&url);
        let Some(Route::Space { leaf, .. }) = Route::parse(path) else {
            return Err(Problem::bare(ProblemKind::NotFound));
        };
        match leaf {
            Leaf::Snapshot if !query.is_empty() => pending_snapshot(core, query).await,
            Leaf::Snapshot => {
                if let Some(report) = request_header(request, header::READER) {
                    core.hear(&report);
                }
                let if_none_match = request_header(request, header::IF_NONE_MATCH);
                let if_none_match = if_none_match.as_deref();
                let answer = match core.snapshot_now(if_none_match) {
                    Some(answer) => answer,
                    None => core.snapshot(if_none_match).await,
                };
                Ok(snapshot(answer))
            }
            Leaf::Status => {
                let problems = worker_env(&self.env).problems.clone();
                let status = core.status(problems).await;
                let status = status.map_err(|error| {
                    Problem::new(ProblemKind::StorageRefused, error.to_string())
                })?;
                Ok(Answer::json(&status.into_json()))
            }
            leaf => {
                let method = request.method();
                let body = body_text(request).await?;
                let field = |name: &str| request_header(request, name);
                let asked = ApiRequest {
                    leaf,
                    method: &method,
                    query,
                    field: &field,
                    body: &body,
                };
                respond(core, &asked).await.map(Answer::from)
            }
        }
    }
}

/// Bytes first: `text()` would replace what is not UTF-8.
async fn body_text(request: &web_sys::Request) -> std::result::Result<String, Problem> {
    if request.body().is_none() {
        return Ok(String::new());
    }
    let bytes = body::whole(request).await;
    let bytes =
        bytes.map_err(|BrokeOff| Problem::bad_request("the body broke off before its end"))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| Problem::bad_request("the body is not UTF-8"))
}

async fn pending_snapshot(core: &Core<Host>, query: &str) -> std::result::Result<Answer, Problem> {
    let version = pending_version(query)?;
    let answer = core.pending_snapshot(version).await;
    answer.map(snapshot).ok_or_else(|| {
        let detail = format!("nothing is scheduled as version {version}");
        Problem::new(ProblemKind::UnknownPending, detail)
    })
}

fn snapshot(snapshot: SnapshotAnswer) -> Answer {
    let mut answer = if snapshot.not_modified {
        Answer::empty(304)
    } else {
        Answer::json_text(snapshot.head.text.as_bytes())
    };
    answer.headers.extend(snapshot.fields());
    answer
}
