//! Isolates of one data centre over the reader's own flow, in simulated time: who asks the object, and whether a read is
//! as old as it says, whatever the cache, the clocks and the network do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use bellwether_core::fleet;
use bellwether_core::log::Level;
use bellwether_core::reading::colo::{
    COLO_CLOCKS_APART_MS, COLO_DEADLINE_MS, CacheFailed, Entry, Shelved,
};
use bellwether_core::reading::{Answer, Ask, Identity, Isolate, Misfit, Read, Reader};
use bellwether_core::settings::{ColdStart, ReaderSettings};
use bellwether_core::version::{ContentHash, ETag, UnixMillis, Version};
use bellwether_core::wire::{Freshness, ReadState};
use bellwether_simulation::executor::{Executor, Owner};
use proptest::prelude::*;

const BEGIN_MS: u64 = 1_764_000_000_000;
const TTL_MS: u64 = 10_000;
const WAIT_MS: u64 = 20_000;
const TERMS: Freshness = Freshness {
    age_ms: 0,
    ttl_ms: TTL_MS,
    swr_ms: 60_000,
    base: false,
};

/// What the cache does with the next calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Works,
    Slow,
    Fails,
    /// Takes everything and keeps nothing.
    Forgets,
    /// Keeps things beyond their time.
    Hoards,
    /// Has nothing but documents of its own.
    Rubbish,
}

/// One coordinator, one data centre.
struct Colo {
    executor: Rc<Executor>,
    /// Text, when it was put, when it is over.
    shelf: RefCell<BTreeMap<String, (String, u64, u64)>>,
    mood: Cell<Mood>,
    tells_age: Cell<bool>,
    looked: RefCell<Vec<String>>,
    asked: Cell<u32>,
    travel_ms: Cell<u64>,
    /// When each version became the head, from 1 on.
    heads: RefCell<Vec<u64>>,
}

struct Here {
    colo: Rc<Colo>,
    shares: bool,
    ahead_ms: u64,
    logged: Rc<RefCell<Vec<&'static str>>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Odd;

impl std::fmt::Display for Odd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message())
    }
}

impl Misfit for Odd {
    fn pointer(&self) -> &str {
        ""
    }

    fn message(&self) -> &str {
        "does not fit"
    }
}

impl Isolate for Here {
    fn now(&self) -> UnixMillis {
        UnixMillis(BEGIN_MS + self.ahead_ms + self.colo.now_ms())
    }

    async fn sleep(&self, ms: u64) {
        self.colo.executor.sleep(ms).await;
    }

    fn identity(&self) -> Identity {
        Identity {
            isolate: 1 + self.ahead_ms,
            colo: fleet::Colo::UNKNOWN,
        }
    }

    async fn ask(&self, ask: &Ask, _: Option<&str>) -> Result<Answer<String>, String> {
        let colo = &self.colo;
        let travel_ms = colo.travel_ms.get();
        colo.asked.set(colo.asked.get() + 1);
        colo.executor.sleep(travel_ms).await;
        let number = colo.heads.borrow().len() as u64;
        colo.executor.sleep(travel_ms).await;
        let version = Version::new(number).unwrap();
        let body = format!("version {number}");
        let etag = ETag::of(version, &ContentHash::of(body.as_bytes()));
        if ask.if_none_match() == Some(&etag) {
            return Ok(Answer::NotModified {
                terms: TERMS,
                pending: None,
            });
        }
        Ok(Answer::Snapshot {
            version,
            etag,
            terms: TERMS,
            pending: None,
            body,
        })
    }

    fn colo_key(&self) -> Option<String> {
        self.shares.then(|| "key".to_owned())
    }

    async fn look_up(&self, key: &str) -> Result<Option<Shelved>, CacheFailed> {
        let colo = &self.colo;
        colo.looked.borrow_mut().push(key.to_owned());
        match colo.mood.get() {
            Mood::Slow => colo.executor.sleep(5_000).await,
            Mood::Fails => return Err(CacheFailed),
            _ => colo.executor.sleep(2).await,
        }
        let shelf = colo.shelf.borrow();
        let hoards = colo.mood.get() == Mood::Hoards;
        let kept = shelf
            .get(key)
            .filter(|(.., over_ms)| hoards || colo.now_ms() < *over_ms);
        Ok(kept.map(|(text, put_ms, _)| Shelved {
            age_s: if colo.tells_age.get() {
                (colo.now_ms() - put_ms) / 1_000
            } else {
                0
            },
            text: match colo.mood.get() {
                Mood::Rubbish => "rubbish".to_owned(),
                _ => text.clone(),
            },
        }))
    }

    async fn shelve(&self, entry: &Entry) -> Result<(), CacheFailed> {
        let colo = &self.colo;
        match colo.mood.get() {
            Mood::Fails => return Err(CacheFailed),
            Mood::Forgets => return Ok(()),
            _ => colo.executor.sleep(2).await,
        }
        let now_ms = colo.now_ms();
        let kept = (entry.text.clone(), now_ms, now_ms + entry.max_age_s * 1_000);
        colo.shelf.borrow_mut().insert(entry.key.clone(), kept);
        Ok(())
    }

    fn log(&self, _: Level, event: &'static str, _: &str) {
        self.logged.borrow_mut().push(event);
    }
}

impl Colo {
    fn new() -> Rc<Self> {
        Rc::new(Self {
            executor: Executor::in_order(),
            shelf: RefCell::default(),
            mood: Cell::new(Mood::Works),
            tells_age: Cell::new(true),
            looked: RefCell::default(),
            asked: Cell::new(0),
            travel_ms: Cell::new(20),
            heads: RefCell::new(vec![0]),
        })
    }

    fn now_ms(&self) -> u64 {
        self.executor.elapsed_ms()
    }

    fn adopt(&self) {
        self.heads.borrow_mut().push(self.now_ms());
    }

    /// Lets time pass, and everything that falls into it happen.
    fn pass(&self, ms: u64) {
        let until_ms = self.now_ms() + ms;
        self.executor.run_ready(|| {});
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
}

/// One isolate.
struct Member {
    colo: Rc<Colo>,
    reader: Rc<Reader<String, Odd>>,
    owner: Owner,
    shares: bool,
    ahead_ms: u64,
    logged: Rc<RefCell<Vec<&'static str>>>,
}

impl Member {
    fn new(colo: &Rc<Colo>, shares: bool, ahead_ms: u64) -> Self {
        let parse = |text: &str| match text.strip_prefix("version ") {
            Some(_) => Ok(text.to_owned()),
            None => Err(Odd),
        };
        Self {
            colo: Rc::clone(colo),
            reader: Rc::new(Reader::new(parse)),
            owner: colo.executor.new_owner(),
            shares,
            ahead_ms,
            logged: Rc::default(),
        }
    }

    /// One read, and how long it took.
    fn read(&self, at_least: Option<u64>) -> (Read<String>, u64) {
        let colo = &self.colo;
        let (began_ms, done) = (colo.now_ms(), Rc::new(RefCell::new(None)));
        let here = Rc::new(Here {
            colo: Rc::clone(colo),
            shares: self.shares,
            ahead_ms: self.ahead_ms,
            logged: Rc::clone(&self.logged),
        });
        let (reader, slot) = (Rc::clone(&self.reader), Rc::clone(&done));
        let (executor, owner) = (Rc::clone(&colo.executor), self.owner);
        let task = async move {
            let behind = |task| executor.spawn(owner, task);
            let policy = ReaderSettings {
                cold_start: ColdStart::Wait {
                    deadline_ms: WAIT_MS,
                },
                ..ReaderSettings::default()
            };
            let at_least = at_least.and_then(Version::new);
            let base = Rc::new("base".to_owned());
            let read = reader.read(here, behind, &policy, &base, at_least).await;
            *slot.borrow_mut() = Some(read.unwrap());
        };
        colo.executor.spawn(self.owner, Box::pin(task));
        loop {
            colo.executor.run_ready(|| {});
            if let Some(read) = done.take() {
                return (read, colo.now_ms() - began_ms);
            }
            let next_ms = colo.executor.next_timer_ms().unwrap();
            colo.executor.advance_to(next_ms);
        }
    }

    fn hits(&self) -> u64 {
        self.reader.trust(|trust| trust.hits)
    }
}

#[test]
fn one_call_serves_a_data_centre() {
    let colo = Colo::new();
    let first = Member::new(&colo, true, 0);
    assert_eq!(first.read(None).1, 42, "a look, and a call");
    colo.pass(1_000);
    for ahead_ms in [0, COLO_CLOCKS_APART_MS, 50] {
        let other = Member::new(&colo, true, ahead_ms);
        let (read, took_ms) = other.read(None);
        assert_eq!(
            (&**read.value, read.state, took_ms),
            ("version 1", ReadState::Fresh, 4)
        );
        assert!(read.age_ms >= 1_040, "{}", read.age_ms);
        assert_eq!(other.hits(), 1);
    }
    assert_eq!(colo.asked.get(), 1);
}

#[test]
fn a_confirmation_is_shared_and_needs_no_document() {
    let colo = Colo::new();
    let (first, second) = (Member::new(&colo, true, 0), Member::new(&colo, true, 0));
    first.read(None);
    colo.pass(5_000);
    second.read(None);
    colo.pass(TTL_MS);
    assert_eq!(first.read(None).0.state, ReadState::Stale);
    colo.pass(100);
    let asked = colo.asked.get();
    colo.looked.take();
    assert_eq!(second.read(None).0.state, ReadState::Stale);
    colo.pass(100);
    assert_eq!(second.read(None).0.state, ReadState::Fresh);
    assert_eq!(colo.asked.get(), asked, "the first one's 304 did");
    assert_eq!(colo.looked.take(), ["key"]);
}

#[test]
fn a_minimum_version_is_for_the_object() {
    let colo = Colo::new();
    Member::new(&colo, true, 0).read(None);
    colo.pass(100);
    colo.adopt();
    let wants = Member::new(&colo, true, 0);
    assert_eq!(&**wants.read(Some(2)).0.value, "version 2");
    assert_eq!(wants.hits(), 0);
    colo.pass(100);
    let (read, _) = Member::new(&colo, true, 0).read(None);
    assert_eq!(&**read.value, "version 2", "and what it was told is shared");
    assert_eq!(colo.asked.get(), 2);
}

#[test]
fn trouble_costs_a_moment_and_then_nothing() {
    for (mood, longest_ms) in [
        (Mood::Slow, COLO_DEADLINE_MS),
        (Mood::Fails, 0),
        (Mood::Rubbish, 2),
        (Mood::Forgets, 2),
    ] {
        let colo = Colo::new();
        Member::new(&colo, true, 0).read(None);
        colo.pass(100);
        colo.mood.set(mood);
        if mood == Mood::Forgets {
            colo.shelf.take();
        }
        let member = Member::new(&colo, true, 0);
        let (read, took_ms) = member.read(None);
        assert_eq!(
            (read.state, took_ms),
            (ReadState::Fresh, 40 + longest_ms),
            "{mood:?}"
        );
        for _ in 0..10 {
            colo.pass(TTL_MS + 1_000);
            member.read(None);
        }
        colo.pass(1_000);
        assert_eq!(member.reader.last_rejection(), None);
        let off = usize::from(mood != Mood::Rubbish);
        assert_eq!(member.logged.borrow().len(), off, "{mood:?}");
        assert!(
            member
                .logged
                .borrow()
                .iter()
                .all(|event| *event == "colo_cache_off")
        );
        if off == 1 {
            colo.looked.take();
            colo.pass(TTL_MS);
            member.read(None);
            assert!(colo.looked.take().is_empty());
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Read(usize),
    Pass(u64),
    Adopt,
    Mood(Mood),
    Travel(u64),
    Age(bool),
    /// The isolate is gone; another stands in its place.
    Die(usize),
}

const ISOLATES: usize = 4;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let mood = prop::sample::select(vec![
        Mood::Works,
        Mood::Works,
        Mood::Slow,
        Mood::Fails,
        Mood::Forgets,
        Mood::Hoards,
        Mood::Rubbish,
    ]);
    let step = prop_oneof![
        8 => (0..ISOLATES).prop_map(Step::Read),
        6 => (0..4_000_u64).prop_map(Step::Pass),
        1 => (0..30_000_u64).prop_map(Step::Pass),
        2 => Just(Step::Adopt),
        1 => mood.prop_map(Step::Mood),
        1 => (0..2_000_u64).prop_map(Step::Travel),
        1 => any::<bool>().prop_map(Step::Age),
        1 => (0..ISOLATES).prop_map(Step::Die),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    /// With clocks as far apart as they may be: what a read shows was the head no longer ago than it says, versions do
    /// not go down, and what says that it is fresh is.
    #[test]
    fn reads_are_as_old_as_they_say(
        steps in steps(),
        ahead_ms in prop::collection::vec(0..=COLO_CLOCKS_APART_MS, ISOLATES),
    ) {
        let colo = Colo::new();
        let born = |place: usize| Member::new(&colo, true, ahead_ms[place]);
        let mut members: Vec<(Member, u64)> = (0..ISOLATES).map(|place| (born(place), 0)).collect();
        for step in steps {
            match step {
                Step::Read(place) => {
                    let (member, last) = &mut members[place];
                    let (read, _) = member.read(None);
                    let number = read.version.map_or(0, Version::get);
                    prop_assert!(number >= *last, "from {last} to {number}");
                    *last = number;
                    if number > 0 {
                        prop_assert_eq!(&**read.value, &*format!("version {number}"));
                        let heads = colo.heads.borrow();
                        let then_ms = colo.now_ms().saturating_sub(read.age_ms);
                        let superseded_ms = heads.get(number as usize).copied().unwrap_or(u64::MAX);
                        prop_assert!(superseded_ms >= then_ms, "{read:?} was over at {superseded_ms}");
                        prop_assert_eq!(read.state == ReadState::Fresh, read.age_ms < TTL_MS);
                    }
                }
                Step::Pass(ms) => colo.pass(ms),
                Step::Adopt => colo.adopt(),
                Step::Mood(mood) => colo.mood.set(mood),
                Step::Travel(ms) => colo.travel_ms.set(ms),
                Step::Age(tells) => colo.tells_age.set(tells),
                Step::Die(place) => {
                    colo.executor.kill(members[place].0.owner);
                    members[place] = (born(place), 0);
                }
            }
        }
    }
}
