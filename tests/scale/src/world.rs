//! The events of one run.

use std::cell::RefCell;
use std::rc::Rc;

use bellwether_core::platform::Task;
use bellwether_core::reading::colo::key;
use bellwether_core::reading::{Answer, Ask, Plan};
use bellwether_core::settings::ReaderSettings;
use bellwether_core::space_name::SpaceName;
use bellwether_core::version::{UnixMillis, Version};
use bellwether_simulation::rng::Rng;

use crate::colo::Colos;
use crate::engine::Engine;
use crate::input::Input;
use crate::isolate::Member;
use crate::measure::{Measures, Windows};
use crate::object::{Admission, Object};
use crate::platform::Here;
use crate::random::{unit, wait_us};
use crate::run::{Event, ORIGIN_MS, Run};

/// What happens at a time, but for tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// Another version is adopted.
    Publish,
    /// A read of an isolate that is to be an event.
    Read(u32),
    /// One that asks for the new version.
    MinimumRead(u32),
}

/// One run's world.
pub(crate) struct World {
    pub(crate) run: Run,
    pub(crate) engine: Engine<What>,
    pub(crate) colos: RefCell<Colos>,
    /// Where data centres share what they are told; `None` where they do not.
    pub(crate) colo_key: Option<String>,
    input: Input,
    policy: ReaderSettings,
    windows: Windows,
    rng: RefCell<Rng>,
    members: RefCell<Vec<Member>>,
    object: RefCell<Object>,
    /// The version that the event adopts.
    next: Version,
    base: Rc<()>,
    measures: RefCell<Measures>,
}

/// Runs it to its end.
pub(crate) fn simulate(run: &Run, input: &Input) -> Measures {
    let world = World::new(run, input);
    world.begin();
    while let Some(what) = world.engine.next() {
        world.happens(what);
    }
    world.end()
}

impl World {
    fn new(run: &Run, input: &Input) -> Rc<Self> {
        let mut rng = Rng::stream(run.seed, run.isolates.into());
        let windows = run.windows(&input.fleet.events);
        let settings = run.setup.space();
        let (begin_us, end_us) = (ORIGIN_MS * 1_000, windows.end_ms * 1_000);
        let outage_us = run.outage_us(&input.fleet.events);
        let object = Object::new(&settings, &input.fleet.object, outage_us, begin_us);
        let space = SpaceName::parse("default").unwrap();
        Rc::new(Self {
            run: *run,
            engine: Engine::new(begin_us, end_us),
            colos: RefCell::new(Colos::new(input, &mut rng)),
            colo_key: run.setup.colo_cache.then(|| key("object", &space)),
            input: input.clone(),
            policy: run.setup.reader(),
            windows,
            rng: RefCell::new(rng),
            members: RefCell::new(Vec::with_capacity(run.isolates as usize)),
            next: object.version().next().unwrap(),
            object: RefCell::new(object),
            base: Rc::new(()),
            measures: RefCell::new(Measures::new(windows, &settings)),
        })
    }

    fn begin(self: &Rc<Self>) {
        for number in 0..self.run.isolates {
            self.settle_in(number);
        }
        self.measures.borrow_mut().told_before = self.object.borrow().told();
        if matches!(self.run.event, Event::Adoption | Event::Reload) {
            self.engine
                .plan(self.windows.event_ms * 1_000, What::Publish);
        }
    }

    fn end(&self) -> Measures {
        let end_us = self.windows.end_ms * 1_000;
        let mut measures = self.measures.borrow_mut();
        for member in &mut *self.members.borrow_mut() {
            member.settle(end_us, &self.base, self.next, &mut measures);
            measures.colo_hits += member.reader.trust(|trust| trust.hits);
        }
        measures.events = self.engine.events();
        measures.told = self.object.borrow().told() - measures.told_before;
        // They hold this world.
        self.engine.clear();
        measures.clone()
    }

    /// Puts an isolate where it would be, had it run for ever: fresh, with an age between nought and the
    /// TTL, or past that and not asked since. How likely which is, is how long it is so in one cycle. Those
    /// that share a cache are as old as the word in it.
    fn settle_in(self: &Rc<Self>, number: u32) {
        let now_us = self.engine.now_us();
        let mut drawn = self.unit();
        let traffic = &self.input.fleet.traffic;
        let class = traffic.iter().find(|class| {
            drawn -= class.share;
            drawn < 0.0
        });
        let reads_per_s = class.unwrap_or(&traffic[0]).reads_per_s;
        let colo = self.colos.borrow().draw(&mut self.rng.borrow_mut());
        let (ttl_ms, dies_at_us) = (self.draw_ttl_ms(), self.end_of_life_us(now_us));
        let member = Member::new(reads_per_s as f32, colo, ttl_ms, dies_at_us);

        let (ttl_s, wait_s) = (f64::from(ttl_ms) / 1e3, 1.0 / reads_per_s);
        let place = self.unit() * (ttl_s + wait_s);
        let idle_us = if place >= ttl_s {
            u64::from(ttl_ms) * 1_000 + wait_us(&mut self.rng.borrow_mut(), reads_per_s)
        } else if self.colo_key.is_some() {
            let phase = self.colos.borrow().list[usize::from(colo)].phase;
            (phase * ttl_s * 1e6) as u64
        } else {
            (place * 1e6) as u64
        };
        let then_us = now_us - idle_us.min(now_us / 2);
        let then = UnixMillis(then_us / 1_000);
        let mut cache = member.reader.cache();
        let plan = cache.plan(then, &self.policy, None);
        let (Plan::Wait { call, .. } | Plan::ServeAndCall(call)) = plan else {
            unreachable!("a cold isolate asks");
        };
        let here = self.here(number, &member);
        let answer = here.keep(self.object.borrow().answer(&call.ask, now_us));
        if let Some(key) = &self.colo_key {
            for entry in cache.entries(key, &call, &answer, then) {
                self.colos.borrow_mut().list[usize::from(colo)].seed(&entry, then_us);
            }
        }
        cache.receive(&call, answer, then, |_| Ok::<(), ()>(()));
        drop(cache);
        self.members.borrow_mut().push(member);
        self.plan_reads(number);
    }

    fn happens(self: &Rc<Self>, what: What) {
        let now_us = self.engine.now_us();
        match what {
            What::Publish => self.publish(),
            What::Read(number) => {
                let is_due =
                    |world: &Self| world.members.borrow()[number as usize].next_read_us == now_us;
                if is_due(self) {
                    self.touch(number);
                    self.read(number, None);
                    if is_due(self) {
                        self.plan_reads(number);
                    }
                }
            }
            What::MinimumRead(number) => {
                self.touch(number);
                self.read(number, Some(self.next));
                self.plan_minimum(number);
            }
        }
    }

    fn publish(&self) {
        self.object.borrow_mut().publish(self.engine.now_us());
        assert_eq!(self.object.borrow().version(), self.next);
        if self.run.event == Event::Reload {
            for number in 0..self.run.isolates {
                self.plan_minimum(number);
            }
        }
    }

    /// Counts what an isolate's reads were up to now. Before it takes anything.
    pub(crate) fn settle(&self, number: u32) {
        let member = &mut self.members.borrow_mut()[number as usize];
        let mut measures = self.measures.borrow_mut();
        member.settle(self.engine.now_us(), &self.base, self.next, &mut measures);
    }

    /// The same, and makes another isolate of one that is gone.
    fn touch(&self, number: u32) {
        self.settle(number);
        let now_us = self.engine.now_us();
        let member = &mut self.members.borrow_mut()[number as usize];
        if now_us >= member.dies_at_us {
            self.measures.borrow_mut().colo_hits += member.reader.trust(|trust| trust.hits);
            member.replace(self.draw_ttl_ms(), self.end_of_life_us(now_us));
        }
    }

    /// One read, by the product's own flow.
    fn read(self: &Rc<Self>, number: u32, minimum: Option<Version>) {
        let (reader, life, here) = {
            let member = &self.members.borrow()[number as usize];
            let here = self.here(number, member);
            (Rc::clone(&member.reader), member.life, here)
        };
        let world = Rc::clone(self);
        self.engine.spawn(Box::pin(async move {
            let behind = |task| world.go_behind(number, life, minimum, task);
            let (policy, base) = (&world.policy, &world.base);
            let read = reader.read(Rc::new(here), behind, policy, base, minimum);
            if read.await.is_ok() {
                world.answer(number, life, minimum);
            }
        }));
    }

    /// A call goes out. Reads decide nothing until it is back, where there is something to serve.
    fn go_behind(self: &Rc<Self>, number: u32, life: u16, minimum: Option<Version>, task: Task) {
        let now_us = self.engine.now_us();
        let member = &mut self.members.borrow_mut()[number as usize];
        if minimum.is_none() && member.reader.cache().version().is_some() && !self.run.every_read {
            member.be_quiet(now_us, u64::MAX);
            member.next_read_us = u64::MAX;
        }
        self.measures.borrow_mut().calls += 1;
        let world = Rc::clone(self);
        self.engine.spawn(Box::pin(async move {
            task.await;
            world.come_back(number, life);
        }));
    }

    fn come_back(&self, number: u32, life: u16) {
        let is_there = || self.members.borrow()[number as usize].life == life;
        if is_there() {
            // Where it died meanwhile, its call came too late. The next read is another one's first.
            self.touch(number);
            self.plan_reads(number);
        }
    }

    /// A read has its answer, unless its isolate is gone.
    fn answer(&self, number: u32, life: u16, minimum: Option<Version>) {
        let now_us = self.engine.now_us();
        let member = &mut self.members.borrow_mut()[number as usize];
        if member.life != life || now_us >= member.dies_at_us {
            return;
        }
        let mut measures = self.measures.borrow_mut();
        member.show(now_us, &self.base, self.next, &mut measures);
        if minimum.is_some() {
            measures.minimum.0 += 1;
            measures.minimum.1 += u64::from(member.reader.cache().version() >= minimum);
        }
    }

    /// A request arrives at the object.
    pub(crate) fn arrive(&self, ask: &Ask) -> Admission {
        let now_us = self.engine.now_us();
        let admission = self.object.borrow_mut().arrive(ask, now_us);
        self.measures.borrow_mut().arrive(now_us / 1_000, admission);
        admission
    }

    /// Its turn has come.
    pub(crate) fn serve(&self, ask: &Ask) -> Answer<String> {
        self.object.borrow().answer(ask, self.engine.now_us())
    }

    pub(crate) fn draw_round_trip_us(&self, colo: u16) -> u64 {
        let distance = self.colos.borrow().list[usize::from(colo)].distance;
        let round_trip = &self.input.latency.distance[distance].round_trip_ms;
        round_trip.draw_us(&mut self.rng.borrow_mut())
    }

    pub(crate) fn draw_colo_cache_us(&self) -> u64 {
        let colo_cache = &self.input.latency.colo_cache_ms;
        colo_cache.draw_us(&mut self.rng.borrow_mut())
    }

    /// When the isolate's next read is that is to be an event.
    fn plan_reads(&self, number: u32) {
        let now_us = self.engine.now_us();
        let member = &mut self.members.borrow_mut()[number as usize];
        let from_us = if self.run.every_read {
            now_us
        } else {
            member.nothing_until_us(now_us, &self.base)
        };
        member.be_quiet(now_us, from_us);
        let wait_us = wait_us(&mut self.rng.borrow_mut(), member.reads_per_s.into());
        member.next_read_us = from_us + wait_us;
        self.engine.plan(member.next_read_us, What::Read(number));
    }

    fn plan_minimum(&self, number: u32) {
        let events = &self.input.fleet.events;
        let reads_per_s = f64::from(self.members.borrow()[number as usize].reads_per_s);
        let per_s = reads_per_s * events.reload_asks_minimum;
        let at_us = self.engine.now_us() + wait_us(&mut self.rng.borrow_mut(), per_s);
        if at_us < (self.windows.event_ms + events.reload_ms()) * 1_000 {
            self.engine.plan(at_us, What::MinimumRead(number));
        }
    }

    fn here(self: &Rc<Self>, number: u32, member: &Member) -> Here {
        Here {
            world: Rc::clone(self),
            number,
            colo: member.colo,
            ttl_ms: member.ttl_ms,
        }
    }

    fn end_of_life_us(&self, born_us: u64) -> u64 {
        let per_s = 1.0 / self.input.fleet.mean_life_s;
        let dies_us = born_us + wait_us(&mut self.rng.borrow_mut(), per_s);
        let deploy_us = self.windows.event_ms * 1_000;
        if self.run.event != Event::Deploy || born_us >= deploy_us {
            return dies_us;
        }
        let takes_us = self.input.fleet.events.deploy_ms() * 1_000;
        dies_us.min(deploy_us + self.rng.borrow_mut().below(takes_us))
    }

    fn draw_ttl_ms(&self) -> u32 {
        let ttl_ms = self.run.setup.ttl_s as f64 * 1e3;
        let kept = if self.run.setup.jitter {
            1.0 - 0.1 * self.unit()
        } else {
            1.0
        };
        (ttl_ms * kept) as u32
    }

    fn unit(&self) -> f64 {
        unit(&mut self.rng.borrow_mut())
    }
}
