//! The reader's flow over an isolate whose answers are scripted, in simulated time.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use bellwether_core::coordinator::SnapshotAnswer;
use bellwether_core::document::Document;
use bellwether_core::fleet::Colo;
use bellwether_core::log::Level;
use bellwether_core::reading::{Answer, Ask, Identity, Isolate, Misfit, Read, Reader};
use bellwether_core::settings::{ColdStart, ReaderSettings};
use bellwether_core::store::{Head, Origin};
use bellwether_core::version::{UnixMillis, Version};
use bellwether_core::wire::{Freshness, Pending};
use bellwether_simulation::executor::Executor;

const TERMS: Freshness = Freshness {
    age_ms: 0,
    ttl_ms: 1_000,
    swr_ms: 4_000,
    base: false,
};
const TIMEOUT_MS: u64 = 300;

/// An answer, and how long it takes to come.
type Scripted = (u64, Result<Answer<String>, String>);

struct Scene {
    executor: Rc<Executor>,
    reader: Rc<Reader<String, Odd>>,
    policy: ReaderSettings,
    script: RefCell<VecDeque<Scripted>>,
    /// What was asked for, and when.
    asked: RefCell<Vec<(u64, Ask)>>,
    /// The reports that went with it.
    told: RefCell<Vec<Option<String>>>,
    logged: RefCell<Vec<&'static str>>,
    tasks: Cell<u32>,
}

struct Here(Rc<Scene>);

#[derive(Clone, Debug, PartialEq)]
struct Odd;

impl std::fmt::Display for Odd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("does not fit")
    }
}

impl Misfit for Odd {
    fn pointer(&self) -> &str {
        "/video/max width"
    }

    fn message(&self) -> &str {
        "does not fit"
    }
}

impl Isolate for Here {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.executor.elapsed_ms())
    }

    async fn sleep(&self, ms: u64) {
        self.0.executor.sleep(ms).await;
    }

    fn identity(&self) -> Identity {
        Identity {
            isolate: 0xfeed,
            colo: Colo::parse("ZRH").unwrap(),
        }
    }

    async fn ask(&self, ask: &Ask, report: Option<&str>) -> Result<Answer<String>, String> {
        let scene = &self.0;
        scene.told.borrow_mut().push(report.map(str::to_owned));
        let now_ms = scene.executor.elapsed_ms();
        scene.asked.borrow_mut().push((now_ms, ask.clone()));
        let (delay_ms, answer) = scene.script.borrow_mut().pop_front().unwrap();
        scene.executor.sleep(delay_ms).await;
        answer
    }

    fn log(&self, _: Level, event: &'static str, _: &str) {
        self.0.logged.borrow_mut().push(event);
    }
}

impl Scene {
    fn new(script: Vec<Scripted>) -> Rc<Self> {
        let parse = |text: &str| match text {
            "bad" => Err(Odd),
            text => Ok(text.to_owned()),
        };
        Rc::new(Self {
            executor: Executor::in_order(),
            reader: Rc::new(Reader::new(parse)),
            policy: ReaderSettings {
                cold_start: ColdStart::Wait { deadline_ms: 200 },
                revalidate_timeout_ms: TIMEOUT_MS,
                ..ReaderSettings::default()
            },
            script: RefCell::new(script.into()),
            asked: RefCell::default(),
            told: RefCell::default(),
            logged: RefCell::default(),
            tasks: Cell::default(),
        })
    }

    /// One read: the version it saw, and how long it took. What it left behind goes on.
    fn read(self: &Rc<Self>) -> (u64, u64) {
        let (began_ms, done) = (self.executor.elapsed_ms(), Rc::new(RefCell::new(None)));
        let (scene, slot) = (Rc::clone(self), Rc::clone(&done));
        let task = async move {
            let behind = |task| {
                scene.tasks.set(scene.tasks.get() + 1);
                scene.executor.spawn(1, task);
            };
            let here = Rc::new(Here(Rc::clone(&scene)));
            let base = Rc::new("base".to_owned());
            let read = scene.reader.read(here, behind, &scene.policy, &base, None);
            *slot.borrow_mut() = Some((read.await.unwrap(), scene.executor.elapsed_ms()));
        };
        self.executor.spawn(1, Box::pin(task));
        while done.borrow().is_none() {
            self.executor.run_ready(|| {});
            if done.borrow().is_none() {
                let next_ms = self.executor.next_timer_ms().unwrap();
                self.executor.advance_to(next_ms);
            }
        }
        let (Read { version, .. }, ended_ms) = done.take().unwrap();
        (version.map_or(0, Version::get), ended_ms - began_ms)
    }

    /// Lets time pass until then.
    fn until(&self, at_ms: u64) {
        self.executor.run_ready(|| {});
        while let Some(next_ms) = self.executor.next_timer_ms().filter(|next| *next <= at_ms) {
            self.executor.advance_to(next_ms);
            self.executor.run_ready(|| {});
        }
        self.executor.advance_to(at_ms);
    }

    fn asked_ahead(&self) -> Vec<(u64, u64)> {
        let asked = self.asked.borrow();
        let ahead = asked.iter().filter_map(|(at_ms, ask)| match ask {
            Ask::Pending { version } => Some((*at_ms, version.get())),
            Ask::Head { .. } => None,
        });
        ahead.collect()
    }
}

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

/// The object's answer, over the wire.
fn answer(ask: &Ask, number: u64, pending: Option<(u64, u64)>) -> Answer<String> {
    let document = Document::parse(format!("{{\"v\":{number}}}").as_bytes()).unwrap();
    let answer = SnapshotAnswer {
        head: Head::new(version(number), &document, Origin::Source, UnixMillis(0)),
        terms: TERMS,
        pending: pending.map(|(number, in_ms)| Pending {
            version: version(number),
            in_ms,
        }),
        not_modified: false,
    };
    let fields = answer.fields();
    let field = |wanted: &str| {
        let found = fields.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.clone())
    };
    let parsed = Answer::parse(ask, answer.status(), &field).unwrap();
    parsed.with_body(answer.head.text.to_string())
}

fn head(number: u64, pending: Option<(u64, u64)>) -> Result<Answer<String>, String> {
    let ask = Ask::Head {
        if_none_match: None,
    };
    Ok(answer(&ask, number, pending))
}

fn ahead(number: u64, in_ms: u64) -> Result<Answer<String>, String> {
    let ask = Ask::Pending {
        version: version(number),
    };
    Ok(answer(&ask, number, Some((number, in_ms))))
}

#[test]
fn it_is_fetched_behind_the_response_and_nobody_waits_for_it() {
    let scene = Scene::new(vec![(10, head(1, Some((2, 900)))), (250, ahead(2, 650))]);
    assert_eq!(scene.read(), (1, 10), "the second call is still under way");
    assert_eq!(scene.asked_ahead(), [(10, 2)]);
    scene.until(909);
    assert_eq!(scene.read(), (1, 0));
    scene.until(910);
    assert_eq!(scene.read(), (2, 0));
    assert_eq!((scene.asked.borrow().len(), scene.tasks.get()), (2, 1));
    assert_eq!(scene.reader.last_failure(), None);
}

#[test]
fn a_fetch_that_fails_or_hangs_is_tried_again_at_the_next_poll_and_pauses_nothing() {
    for (trouble, delay_ms) in [
        (Err("refused".to_owned()), 5),
        (ahead(2, 0), TIMEOUT_MS + 1),
    ] {
        let scene = Scene::new(vec![
            (10, head(1, Some((2, 5_000)))),
            (delay_ms, trouble),
            (10, head(1, Some((2, 3_980)))),
            (10, ahead(2, 3_970)),
        ]);
        scene.read();
        scene.until(1_000);
        assert_eq!(*scene.logged.borrow(), ["reader_pending_failed"]);
        assert!(scene.reader.last_failure().is_some());
        assert_eq!(scene.read(), (1, 0), "stale by now, and no pause");
        scene.until(1_100);
        assert_eq!(scene.asked_ahead(), [(10, 2), (1_010, 2)]);
        assert_eq!(scene.reader.last_failure(), None);
        let pending = scene.reader.cache().pending(UnixMillis(1_100));
        assert_eq!(pending.map(|pending| pending.in_ms), Some(3_890));
    }
}

#[test]
fn nothing_is_fetched_ahead_where_the_head_could_not_be_had() {
    let scene = Scene::new(vec![
        (10, head(1, Some((2, 5_000)))),
        (5, Err("refused".to_owned())),
        (5, Err("refused".to_owned())),
    ]);
    scene.read();
    scene.until(1_000);
    scene.read();
    scene.until(1_100);
    assert_eq!(
        *scene.logged.borrow(),
        ["reader_pending_failed", "reader_call_failed"]
    );
    assert_eq!(scene.asked_ahead(), [(10, 2)]);
}

#[test]
fn what_is_not_scheduled_any_more_is_no_failure() {
    let scene = Scene::new(vec![
        (10, head(1, Some((2, 500)))),
        (10, Ok(Answer::NotScheduled)),
    ]);
    scene.read();
    scene.until(900);
    assert_eq!(scene.read(), (1, 0));
    assert!(scene.logged.borrow().is_empty());
    assert_eq!(scene.reader.last_failure(), None);
}

#[test]
fn a_misfit_is_shown_until_something_newer_is_held() {
    let bad = |answer: Result<Answer<String>, String>| answer.map(|it| it.with_body("bad".into()));
    let scene = Scene::new(vec![
        (10, bad(head(1, Some((2, 400))))),
        (10, ahead(2, 390)),
        (10, head(2, Some((3, 5_000)))),
        (10, bad(ahead(3, 4_990))),
    ]);
    assert_eq!(scene.read(), (0, 10));
    scene.until(100);
    assert!(
        scene.reader.last_rejection().is_some(),
        "2 fits, and is not held yet"
    );
    scene.until(410);
    assert_eq!(scene.read(), (2, 0));
    assert_eq!(scene.reader.last_rejection(), None);
    scene.until(2_000);
    scene.read();
    scene.until(2_100);
    assert_eq!(scene.reader.last_rejection(), Some(Odd));
    assert_eq!(
        *scene.logged.borrow(),
        ["reader_rejected", "reader_rejected"]
    );
}

#[test]
fn an_announcement_is_read_as_told_and_a_bad_one_is_none() {
    let asked = [
        Ask::Head {
            if_none_match: None,
        },
        Ask::Pending {
            version: version(8),
        },
    ];
    let parse = |ask: &Ask, status, pending: &str| {
        let field = |name: &str| match name {
            "bellwether-version" => Some("8".to_owned()),
            "etag" => Some("\"v8-0\"".to_owned()),
            "bellwether-freshness" => Some(TERMS.to_header()),
            "bellwether-pending" => Some(pending.to_owned()),
            _ => None,
        };
        Answer::parse(ask, status, &field)
    };
    let told = |answer| match answer {
        Answer::Snapshot { pending, .. } | Answer::NotModified { pending, .. } => pending,
        Answer::NotScheduled => panic!("it is an answer about a snapshot"),
    };
    for ask in &asked {
        for status in [200, 304] {
            let pending = told(parse(ask, status, "version=9, in_ms=5").unwrap()).unwrap();
            assert_eq!((pending.version, pending.in_ms), (version(9), 5));
            for bad in [
                "",
                "version=0, in_ms=5",
                "version=9",
                "\u{0}",
                "version=9, in_ms=x",
            ] {
                assert_eq!(told(parse(ask, status, bad).unwrap()), None, "{bad:?}");
            }
        }
        let below = parse(ask, 200, "version=7, in_ms=5").unwrap();
        assert_eq!(told(below), None, "a lower one is nothing to come");
        assert!(parse(ask, 503, "version=9, in_ms=5").is_err());
    }
    let [head, pending] = asked;
    assert_eq!(parse(&pending, 404, ""), Ok(Answer::NotScheduled));
    assert!(parse(&head, 404, "").is_err(), "there is always a head");
}
