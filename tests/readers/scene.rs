//! One isolate with the real reader, in simulated time, moved on step by step: what happens, and what came of it.

use std::cell::RefCell;
use std::rc::Rc;

use bellwether_core::fleet::Colo;
use bellwether_core::log::Level;
use bellwether_core::reading::colo::{CacheFailed, Entry, Shelved};
use bellwether_core::reading::{Answer, Ask, Expired, Identity, Isolate, Read, Reader};
use bellwether_core::routes::{pending_path, snapshot_path};
use bellwether_core::settings::{ReaderSettings, Settings};
use bellwether_core::space_name::SpaceName;
use bellwether_core::version::{UnixMillis, Version};
use bellwether_simulation::executor::{Executor, Owner};
use futures_channel::oneshot;
use serde_json::{Map, Value, json};

use crate::fit::{Misfit, fitted};
use crate::shelf::{Shelf, word_key};

/// Where the machine's clock stands when a trace begins.
const BEGIN_MS: i64 = 1_000_000;

/// What a call is answered with; nothing where it cannot be made.
type Outcome = Option<Told>;

struct Told {
    status: u16,
    headers: Map<String, Value>,
    /// Nothing where it breaks off.
    body: Option<String>,
}

struct OpenCall {
    number: u64,
    owner: Owner,
    answer: oneshot::Sender<Outcome>,
}

/// The isolate and everything that is under way in it.
pub(crate) struct Scene {
    executor: Rc<Executor>,
    reader: Rc<Reader<Value, Misfit>>,
    policy: ReaderSettings,
    base: Rc<Value>,
    /// How far the machine's clock is from true time.
    offset_ms: RefCell<i64>,
    calls: RefCell<Vec<OpenCall>>,
    last_call: RefCell<u64>,
    shelf: RefCell<Shelf>,
    came: RefCell<Vec<Value>>,
}

struct Here {
    scene: Rc<Scene>,
    owner: Owner,
}

impl Scene {
    /// One that holds nothing yet. `reader` is spelled as in the settings var.
    pub(crate) fn new(reader: &Value) -> Rc<Self> {
        let settings = Settings::parse(Some(&json!({ "reader": reader })));
        assert!(settings.errors.is_empty(), "{:?}", settings.errors);
        Rc::new(Self {
            executor: Executor::in_order(),
            reader: Rc::new(Reader::new(fitted)),
            policy: settings.reader,
            base: Rc::new(json!({ "base": true })),
            offset_ms: RefCell::new(BEGIN_MS),
            calls: RefCell::default(),
            last_call: RefCell::default(),
            shelf: RefCell::default(),
            came: RefCell::default(),
        })
    }

    /// Takes one step, to its end; gives what came of it: calls made and reads answered.
    pub(crate) fn step(self: &Rc<Self>, step: &Value) -> Vec<Value> {
        let (what, argument) = verb_of(step);
        let number = || argument.as_u64().expect("a number");
        match what {
            "read" => self.read(number(), step["at_least"].as_u64().and_then(Version::new)),
            "peek" => {
                let peeked = self.reader.cache().peek(self.now(), &self.base);
                self.came
                    .borrow_mut()
                    .push(json!({ "peek": seen(&peeked) }));
            }
            "status" => self.came.borrow_mut().push(self.status()),
            "pass" => self.pass(number()),
            "clock" => *self.offset_ms.borrow_mut() += argument.as_i64().expect("milliseconds"),
            "answer" => self.answer(number(), Some(told(step))),
            "fail" => self.answer(number(), None),
            "cut" => self.cut(number()),
            "cache" => self.shelf.borrow_mut().becomes(argument),
            "shelve" => {
                let key = argument.as_str().expect("a key");
                let text = step["text"].as_str().expect("a text");
                let now_ms = self.executor.elapsed_ms();
                self.shelf.borrow_mut().put(key, text, now_ms);
            }
            other => panic!("no step: {other}"),
        }
        self.executor.run_ready(|| {});
        // Calls first: in which order two things of one moment are told says nothing.
        let mut came = self.came.take();
        came.sort_by_key(|it| {
            let kinds = ["call", "look", "put", "log"];
            let kind = kinds.iter().position(|kind| it.get(kind).is_some());
            kind.unwrap_or(kinds.len())
        });
        came
    }

    /// The calls that wait for an answer.
    pub(crate) fn open_calls(&self) -> Vec<u64> {
        self.calls.borrow().iter().map(|call| call.number).collect()
    }

    /// The machine's clock.
    pub(crate) fn now(&self) -> UnixMillis {
        let now = self
            .offset_ms
            .borrow()
            .saturating_add_unsigned(self.executor.elapsed_ms());
        UnixMillis(now.try_into().unwrap_or(0))
    }

    fn read(self: &Rc<Self>, number: u64, at_least: Option<Version>) {
        let (scene, owner) = (Rc::clone(self), self.executor.new_owner());
        let task = async move {
            let here = Rc::new(Here {
                scene: Rc::clone(&scene),
                owner,
            });
            let behind = |task| scene.executor.spawn(owner, task);
            let read = scene
                .reader
                .read(here, behind, &scene.policy, &scene.base, at_least);
            let mut came = match read.await {
                Ok(read) => seen(&read),
                Err(Expired) => json!({ "error": "expired" }),
            };
            came["read"] = number.into();
            scene.came.borrow_mut().push(came);
        };
        self.executor.spawn(owner, Box::pin(task));
    }

    fn pass(&self, ms: u64) {
        let until_ms = self.executor.elapsed_ms() + ms;
        while let Some(next_ms) = self
            .executor
            .next_timer_ms()
            .filter(|next| *next <= until_ms)
        {
            self.executor.advance_to(next_ms);
            self.executor.run_ready(|| {});
        }
        self.executor.advance_to(until_ms);
    }

    fn answer(&self, number: u64, outcome: Outcome) {
        // One that came too late finds nobody.
        let _ = self.take(number).answer.send(outcome);
    }

    /// The platform drops the request that made this call, and all that it left behind.
    fn cut(&self, number: u64) {
        let owner = self.take(number).owner;
        self.calls.borrow_mut().retain(|call| call.owner != owner);
        self.executor.kill(owner);
    }

    fn take(&self, number: u64) -> OpenCall {
        let mut calls = self.calls.borrow_mut();
        let place = calls.iter().position(|call| call.number == number);
        calls.remove(place.unwrap_or_else(|| panic!("call {number} is not open")))
    }

    fn status(&self) -> Value {
        let (version, pending, counts) = {
            let mut cache = self.reader.cache();
            let pending = cache.pending(self.now());
            (cache.version(), pending, cache.counts().to_json())
        };
        let mut counts = counts;
        counts
            .as_object_mut()
            .expect("an object")
            .remove("cold_start_ms");
        let mut status = json!({
            "version": version,
            "pending": pending.map(|it| json!({ "version": it.version, "in_ms": it.in_ms })),
            "counts": counts,
            "rejected": self.reader.last_rejection().map(|misfit| misfit.0),
            "failed": self.reader.last_failure().is_some(),
        });
        if self.policy.colo_cache {
            let hits = self
                .reader
                .trust(|trust| trust.is_on().then_some(trust.hits));
            status["colo_hits"] = hits.into();
        }
        json!({ "status": status })
    }
}

impl Isolate for Here {
    fn now(&self) -> UnixMillis {
        self.scene.now()
    }

    async fn sleep(&self, ms: u64) {
        self.scene.executor.sleep(ms).await;
    }

    fn identity(&self) -> Identity {
        Identity {
            isolate: 1,
            colo: Colo::UNKNOWN,
        }
    }

    async fn ask(&self, ask: &Ask, report: Option<&str>) -> Result<Answer<String>, String> {
        let scene = &self.scene;
        *scene.last_call.borrow_mut() += 1;
        let number = *scene.last_call.borrow();
        let space = SpaceName::default();
        let path = match ask {
            Ask::Head { .. } => snapshot_path(&space),
            Ask::Pending { version } => pending_path(&space, *version),
        };
        let mut call = json!({ "call": number, "get": path });
        if let Some(etag) = ask.if_none_match() {
            call["if_none_match"] = etag.as_str().into();
        }
        if let Some(report) = report {
            call["report"] = report.into();
        }
        scene.came.borrow_mut().push(call);
        let (answer, answered) = oneshot::channel();
        scene.calls.borrow_mut().push(OpenCall {
            number,
            owner: self.owner,
            answer,
        });
        // Dropped at its deadline, it is still there to be answered: nobody hears.
        let told = answered.await.ok().flatten().ok_or("cannot be reached")?;
        let field = |name: &str| Some(told.headers.get(name)?.as_str()?.trim().to_owned());
        let answer = Answer::parse(ask, told.status, &field)?;
        let body = match answer {
            Answer::Snapshot { .. } => told.body.ok_or("broke off")?,
            Answer::NotModified { .. } | Answer::NotScheduled => String::new(),
        };
        Ok(answer.with_body(body))
    }

    fn colo_key(&self) -> Option<String> {
        self.scene.policy.colo_cache.then(word_key)
    }

    async fn look_up(&self, key: &str) -> Result<Option<Shelved>, CacheFailed> {
        let scene = &self.scene;
        scene.came.borrow_mut().push(json!({ "look": key }));
        let answers = scene.shelf.borrow().answers();
        answers.await?;
        Ok(scene.shelf.borrow().get(key, scene.executor.elapsed_ms()))
    }

    async fn shelve(&self, entry: &Entry) -> Result<(), CacheFailed> {
        let scene = &self.scene;
        let Entry {
            key,
            text,
            max_age_s,
        } = entry;
        let put = json!({ "put": key, "max_age_s": max_age_s, "text": text });
        scene.came.borrow_mut().push(put);
        let answers = scene.shelf.borrow().answers();
        answers.await?;
        let now_ms = scene.executor.elapsed_ms();
        scene.shelf.borrow_mut().put(key, text, now_ms);
        Ok(())
    }

    fn log(&self, _: Level, event: &'static str, _: &str) {
        if event == "colo_cache_off" {
            self.scene.came.borrow_mut().push(json!({ "log": event }));
        }
    }
}

fn seen(read: &Read<Value>) -> Value {
    json!({
        "version": read.version.map(Version::get),
        "etag": read.etag,
        "state": read.state,
        "age_ms": read.age_ms,
        "value": *read.value,
    })
}

/// A step's first member names it.
fn verb_of(step: &Value) -> (&str, &Value) {
    let members = step.as_object().expect("a step is an object");
    let (what, argument) = members.iter().next().expect("a step has a name");
    (what, argument)
}

fn told(step: &Value) -> Told {
    Told {
        status: step["status"]
            .as_u64()
            .and_then(|status| status.try_into().ok())
            .expect("a status"),
        headers: step["headers"].as_object().cloned().unwrap_or_default(),
        body: step["body"].as_str().map(str::to_owned),
    }
}
