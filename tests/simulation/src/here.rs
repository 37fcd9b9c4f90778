//! An isolate as one request sees it: the core's trait, over the simulated network and data centre.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bellwether_core::log::Level;
use bellwether_core::platform::Task;
use bellwether_core::reading::colo::{
    self, COLO_CLOCKS_APART_MS, COLO_DEADLINE_MS, CacheFailed, Entry, Shelved,
};
use bellwether_core::reading::{Answer, Ask, Identity, Isolate};
use bellwether_core::space_name::SpaceName;
use bellwether_core::version::{UnixMillis, Version};

use crate::fleet::Member;
use crate::network;
use crate::reports::UNTRUE;
use crate::requests::Request;
use crate::shelf::{Found, Told, Waiting};
use crate::watch::{Slack, Vouched};
use crate::world::Jumps;

pub(crate) struct Here {
    member: Rc<Member>,
    /// When the read was planned, and the clock's jumps until then: an age is counted from then.
    planned_ms: u64,
    jumps: Jumps,
    /// A read calls for itself, whoever else calls: a cold one, one that would rather fail than serve,
    /// and one that wants a minimum version (another may have asked too early).
    for_itself: bool,
    /// It wants a minimum version, which only the object can be asked for.
    for_object: bool,
    /// How often the object was asked for its head.
    asked: Cell<u32>,
    told: Cell<Option<Told>>,
    /// The word that the data centre's cache had.
    found: RefCell<Option<Found>>,
}

impl Here {
    pub(crate) fn new(member: &Rc<Member>, for_itself: bool, for_object: bool) -> Rc<Self> {
        Rc::new(Self {
            member: Rc::clone(member),
            planned_ms: member.world.now_ms(),
            jumps: member.clock.jumps(),
            for_itself,
            for_object,
            asked: Cell::new(0),
            told: Cell::new(None),
            found: RefCell::new(None),
        })
    }

    /// What is done behind the response, seen from outside: whether a word out of the cache was taken.
    pub(crate) fn witnessed(self: Rc<Self>, task: Task) -> Task {
        Box::pin(Witnessed { here: self, task })
    }

    fn hits(&self) -> u64 {
        self.member.reader.trust(|trust| trust.hits)
    }

    fn key(&self) -> String {
        colo::key("object", &SpaceName::default())
    }

    /// The word that was found was taken for an answer.
    fn took(&self) {
        let member = &*self.member;
        let (world, clock, watch) = (&*member.world, &*member.clock, &member.watch);
        world.reach("word taken from the cache");
        world.check(
            self.asked.get() == 0,
            "what the cache answers is not asked",
            || format!("{} calls", self.asked.get()),
        );
        world.check(
            !self.for_object,
            "a minimum version is for the object",
            || "the cache answered".to_owned(),
        );
        let found = self.found.take();
        let Some((told, age_s)) = found.and_then(|found| Some((found.told?, found.shelved.age_s)))
        else {
            world.violated("rubbish is no word", "it was taken".to_owned());
            return;
        };
        // In truth, and by the two clocks.
        let since_ms = world.now_ms() - told.told_ms;
        let by_clocks_ms = clock.now(world).0 as i64 - told.clock.0 as i64;
        let apart_ms = by_clocks_ms - since_ms as i64;
        let trusted_ms = COLO_CLOCKS_APART_MS as i64;
        let at_least_ms = by_clocks_ms + trusted_ms;
        let counted_ms = at_least_ms.max(age_s as i64 * 1_000) as u64;
        let too_low_ms = (-apart_ms - trusted_ms).max(0) as u64;
        let too_high_ms = (apart_ms - trusted_ms).max(0) as u64;
        if too_low_ms + too_high_ms > 0 {
            world.reach("word taken with clocks too far apart");
            watch.mislead();
        }
        let least_age_ms = (told.told_ms - told.made_ms).saturating_sub(told.jumps.behind_ms);
        let pending = told
            .pending
            .filter(|pending| pending.version.get() >= told.version);
        let holds = at_least_ms >= 0
            && least_age_ms + counted_ms < told.terms.ttl_ms
            && told
                .pending
                .is_none_or(|pending| pending.in_ms > counted_ms);
        world.check(holds, "a word is used while it holds", || {
            format!("after {counted_ms} ms by the clocks, {since_ms} ms in truth: {told:?}")
        });
        let word = Vouched {
            version: told.version,
            ahead: false,
            announced: false,
            made_ms: told.made_ms,
            sent_ms: told.sent_ms,
            jumps: clock.jumps(),
            terms: told.terms,
            slack: Slack {
                younger_ms: too_low_ms.min(since_ms - age_s * 1_000) + told.jumps.behind_ms,
                older_ms: (apart_ms + trusted_ms).max(0) as u64 + told.jumps.ahead_ms,
            },
        };
        world.check(
            watch.is_news(clock, &word),
            "a word through the cache is news",
            || format!("{word:?}; {}", watch.told()),
        );
        if let Some(pending) = pending {
            let moment_ms = told.made_ms.saturating_add(pending.in_ms);
            let earliest_ms = moment_ms.saturating_sub(too_high_ms).max(world.now_ms());
            watch.announced(clock, pending.version, earliest_ms);
            world.reach("announcement taken from the cache");
        }
        let isolate = member.identity.isolate;
        let reports = &member.host.reports;
        reports.may_hold(isolate, told.version, world.now_ms());
        watch.heard(world, word, pending.map(|pending| pending.version));
    }
}

struct Witnessed {
    here: Rc<Here>,
    task: Task,
}

impl Future for Witnessed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let before = self.here.hits();
        let polled = self.task.as_mut().poll(context);
        if self.here.hits() > before {
            self.here.took();
        }
        polled
    }
}

impl Isolate for Here {
    fn now(&self) -> UnixMillis {
        self.member.clock.now(&self.member.world)
    }

    async fn sleep(&self, ms: u64) {
        self.member.world.executor.sleep(ms).await;
    }

    fn identity(&self) -> Identity {
        self.member.identity
    }

    async fn ask(&self, ask: &Ask, report: Option<&str>) -> Result<Answer<String>, String> {
        let member = &self.member;
        let world = &member.world;
        let sent_ms = world.now_ms();
        let (request, _calling) = match ask {
            Ask::Head { if_none_match } => {
                let if_none_match = if_none_match.as_ref().map(|etag| etag.as_str().to_owned());
                let (clock, policy) = (&member.clock, &member.policy);
                let calling =
                    member
                        .watch
                        .begin_call(world, clock, policy, self.for_itself, self.planned_ms);
                self.asked.set(self.asked.get() + 1);
                world.check(
                    self.asked.get() == 1,
                    "a read asks the object at most once",
                    || format!("{} times", self.asked.get()),
                );
                // A clock that is set forward has it that a version was held for longer.
                let honest = member.clock.jumps().ahead_ms == 0;
                let mark = if honest { "" } else { UNTRUE };
                let report = report.map(|report| format!("{mark}{report}"));
                let request = Request::Snapshot {
                    if_none_match,
                    report,
                };
                (request, Some(calling))
            }
            // Under a lease of its own, behind a call that was answered.
            Ask::Pending { version } => (Request::Ahead { version: *version }, None),
        };
        let reply = network::send(&member.host, member.wire, request).await;
        let reply = reply.unwrap_or_else(|_| Err("the connection broke".to_owned()));
        let answer = reply.and_then(|reply| Ok((reply.read(ask)?, reply)));
        let (answer, reply) = answer.inspect_err(|_| world.reach("reader call failed"))?;
        world.reach("reader heard the object");
        let (Answer::Snapshot { terms, pending, .. } | Answer::NotModified { terms, pending }) =
            &answer
        else {
            return Ok(answer);
        };
        let version = reply.about.map_or(0, Version::get);
        if matches!(answer, Answer::Snapshot { .. }) {
            let isolate = member.identity.isolate;
            let reports = &member.host.reports;
            reports.may_hold(isolate, version, world.now_ms());
        }
        let word = Vouched {
            version,
            ahead: false,
            announced: false,
            made_ms: reply.made_at_ms,
            // From its planning on: the cache may have been looked into between.
            sent_ms: if matches!(ask, Ask::Head { .. }) {
                self.planned_ms
            } else {
                sent_ms
            },
            jumps: self.jumps,
            terms: *terms,
            slack: Slack::default(),
        };
        let pending = pending.filter(|pending| pending.version.get() >= version);
        if let Some(pending) = pending {
            // A reader counts from the answer's arrival, which is no earlier.
            let moment_ms = reply.made_at_ms.saturating_add(pending.in_ms);
            member
                .watch
                .announced(&member.clock, pending.version, moment_ms);
        }
        if matches!(ask, Ask::Head { .. }) {
            member.watch.told_itself(self.planned_ms, self.jumps);
            self.told.set(Some(Told {
                version,
                made_ms: word.made_ms,
                sent_ms: word.sent_ms,
                told_ms: world.now_ms(),
                clock: self.now(),
                jumps: member.clock.jumps().since(self.jumps),
                terms: word.terms,
                pending,
            }));
        }
        // What is fetched ahead is no word about the head.
        if *ask
            != (Ask::Pending {
                version: Version::new(version).unwrap_or(Version::FIRST),
            })
        {
            let announced = pending.map(|pending| pending.version);
            member.watch.heard(world, word, announced);
        }
        Ok(answer)
    }

    fn colo_key(&self) -> Option<String> {
        self.member.shelf.as_ref().map(|_| self.key())
    }

    async fn look_up(&self, key: &str) -> Result<Option<Shelved>, CacheFailed> {
        let member = &*self.member;
        let Some(shelf) = &member.shelf else {
            return Ok(None);
        };
        member.tries.check(&member.world, self.planned_ms);
        let waiting = Waiting::begin(&member.world, &member.tries, COLO_DEADLINE_MS);
        let looked = shelf.look_up(key).await;
        waiting.end();
        match looked {
            Ok(Some(found)) => {
                member.tries.found();
                let shelved = found.shelved.clone();
                if key == self.key() {
                    self.found.replace(Some(found));
                }
                Ok(Some(shelved))
            }
            Ok(None) => Ok(None),
            Err(CacheFailed) => {
                member.tries.disappointed(&member.world);
                Err(CacheFailed)
            }
        }
    }

    async fn shelve(&self, entry: &Entry) -> Result<(), CacheFailed> {
        let member = &*self.member;
        let (Some(shelf), Some(told)) = (&member.shelf, self.told.get()) else {
            let put = format!("{entry:?}");
            member.world.violated("only what was told is shared", put);
            return Ok(());
        };
        let timeout_ms = member.policy.revalidate_timeout_ms;
        let waiting = Waiting::begin(&member.world, &member.tries, timeout_ms);
        let put = shelf.shelve(entry, told).await;
        waiting.end();
        if put.is_err() {
            member.tries.disappointed(&member.world);
        }
        put
    }

    fn log(&self, _: Level, event: &'static str, detail: &str) {
        let member = &self.member;
        member
            .world
            .note(|| format!("isolate {}: {event}: {detail}", member.requests));
        match event {
            "reader_rejected" => member.world.reach("reader refused a document"),
            "reader_call_failed" => member.watch.failed(&member.world, &member.clock),
            "colo_cache_off" => member.world.reach("cache left alone"),
            _ => {}
        }
    }
}
