//! The events of one run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use bellwether_core::reading::{Answer, Call, Plan};
use bellwether_core::settings::OnExpired;
use bellwether_core::version::{UnixMillis, Version};
use bellwether_core::wire::Freshness;
use bellwether_simulation::rng::Rng;

use crate::colo::Colos;
use crate::input::Input;
use crate::isolate::{Isolate, terms_of, with_terms};
use crate::measure::{Measures, Windows};
use crate::object::{Admission, Object};
use crate::random::{unit, wait_us};
use crate::run::{DEPLOY_MS, Event, Jitter, MINIMUM_MS, ONE_IN_ASKS_MINIMUM, ORIGIN_MS, Run};

/// What happens at a time. The order of two at once is that of their kinds and numbers: the same
/// seed gives the same run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// Another version is adopted.
    Publish,
    /// A read of an isolate that is to be an event.
    Read(u32),
    /// One that asks for the new version.
    MinimumRead(u32),
    /// A call looks into its data centre's cache.
    Look(u32),
    /// It arrives at the object,
    Arrive(u32),
    /// is answered,
    Served(u32),
    /// and comes back, with an answer or without.
    Back(u32),
    /// Its read waits no longer.
    Deadline(u32),
}

/// A call under way.
struct Flight {
    isolate: u32,
    life: u16,
    call: Call,
    minimum: Option<Version>,
    sent_us: u64,
    round_trip_us: u64,
    /// Until then a read waits for it.
    waits_until_us: Option<u64>,
    answer: Option<Answer<()>>,
    from_colo: bool,
}

/// One run's world.
pub(crate) struct World<'a> {
    run: &'a Run,
    input: &'a Input,
    windows: Windows,
    rng: Rng,
    heap: BinaryHeap<Reverse<(u64, What)>>,
    isolates: Vec<Isolate>,
    colos: Colos,
    object: Object,
    flights: Vec<Option<Flight>>,
    idle_flights: Vec<u32>,
    /// The version that the event adopts.
    next: Version,
    base: Rc<()>,
    measures: Measures,
}

/// Runs it to its end.
pub(crate) fn simulate(run: &Run, input: &Input) -> Measures {
    let mut world = World::new(run, input);
    let end_us = world.windows.end_ms * 1_000;
    while let Some(Reverse((at_us, what))) = world.heap.pop() {
        if at_us >= end_us {
            break;
        }
        world.measures.events += 1;
        world.happens(at_us, what);
    }
    for isolate in &mut world.isolates {
        isolate.settle(end_us, world.next, &mut world.measures);
    }
    world.measures
}

impl<'a> World<'a> {
    fn new(run: &'a Run, input: &'a Input) -> Self {
        let mut rng = Rng::stream(run.seed, run.isolates.into());
        let windows = run.windows();
        let settings = run.settings();
        let origin_us = ORIGIN_MS * 1_000;
        let capacity = &input.fleet.object;
        let object = Object::new(&settings, capacity, run.outage_us(), origin_us);
        let mut world = Self {
            run,
            input,
            windows,
            heap: BinaryHeap::with_capacity(run.isolates as usize * 2),
            isolates: Vec::with_capacity(run.isolates as usize),
            colos: Colos::new(input, &mut rng),
            rng,
            next: object.version().next().unwrap(),
            object,
            flights: Vec::new(),
            idle_flights: Vec::new(),
            base: Rc::new(()),
            measures: Measures::new(windows, &settings),
        };
        for number in 0..run.isolates {
            world.settle_in(number, origin_us);
        }
        if matches!(run.event, Event::Adoption | Event::Reload) {
            world.push(windows.event_ms * 1_000, What::Publish);
        }
        world
    }

    /// Puts an isolate where it would be, had it run for ever: fresh, with an age between nought and the
    /// TTL, or past that and not asked since. How likely which is, is how long it is so in one cycle.
    fn settle_in(&mut self, number: u32, now_us: u64) {
        let mut drawn = unit(&mut self.rng);
        let traffic = &self.input.fleet.traffic;
        let class = traffic.iter().find(|class| {
            drawn -= class.share;
            drawn < 0.0
        });
        let reads_per_s = class.unwrap_or(&traffic[0]).reads_per_s;
        let colo = self.colos.draw(&mut self.rng);
        let dies_at_us = self.end_of_life_us(now_us);
        let mut isolate = Isolate::new(reads_per_s as f32, colo, dies_at_us);

        let (ttl_s, wait_s) = (self.run.ttl_s as f64, 1.0 / reads_per_s);
        let drawn = unit(&mut self.rng) * (ttl_s + wait_s);
        let idle_us = if drawn < ttl_s {
            (drawn * 1e6) as u64
        } else {
            self.run.ttl_s * 1_000_000 + wait_us(&mut self.rng, reads_per_s)
        };
        let then_ms = (now_us - idle_us.min(now_us / 2)) / 1_000;
        let plan = isolate.cache.plan(UnixMillis(then_ms), &self.run.policy, None);
        let (Plan::Wait { call, .. } | Plan::ServeAndCall(call)) = plan else {
            unreachable!("a cold isolate asks");
        };
        let answer = self.object.answer(&call.ask, now_us);
        let answer = self.kept(self.told(answer));
        isolate.take(&call, answer, then_ms);
        isolate.asked_ms = then_ms;
        self.isolates.push(isolate);
        self.plan_reads(number, now_us);
    }

    fn happens(&mut self, now_us: u64, what: What) {
        match what {
            What::Publish => self.publish(now_us),
            What::Read(number) => {
                if self.isolates[number as usize].next_read_us == now_us {
                    self.touch(number, now_us);
                    if self.read(number, now_us, None) {
                        self.plan_reads(number, now_us);
                    }
                }
            }
            What::MinimumRead(number) => {
                self.touch(number, now_us);
                self.read(number, now_us, Some(self.next));
                self.plan_minimum(number, now_us);
            }
            What::Look(id) => self.look(id, now_us),
            What::Arrive(id) => self.arrive(id, now_us),
            What::Served(id) => self.served(id, now_us),
            What::Back(id) => self.back(id, now_us),
            What::Deadline(id) => {
                let flight = self.flights[id as usize].as_mut();
                let flight = flight.filter(|flight| flight.waits_until_us == Some(now_us));
                if let Some(flight) = flight {
                    flight.waits_until_us = None;
                    let (number, life, minimum) = (flight.isolate, flight.life, flight.minimum);
                    self.answer_read(number, life, minimum, now_us);
                }
            }
        }
    }

    fn publish(&mut self, now_us: u64) {
        self.object.publish(now_us);
        assert_eq!(self.object.version(), self.next);
        if self.run.event == Event::Reload {
            for number in 0..self.run.isolates {
                self.plan_minimum(number, now_us);
            }
        }
    }

    /// Counts what was read since the last time, and makes another isolate of one that is gone.
    fn touch(&mut self, number: u32, now_us: u64) {
        let isolate = &mut self.isolates[number as usize];
        isolate.settle(now_us, self.next, &mut self.measures);
        if now_us >= isolate.dies_at_us {
            let dies_at_us = self.end_of_life_us(now_us);
            self.isolates[number as usize].replace(dies_at_us);
        }
    }

    /// One read, as the reader's flow has it. `false` where no further one is to be an event until
    /// its call is back.
    fn read(&mut self, number: u32, now_us: u64, minimum: Option<Version>) -> bool {
        let now_ms = now_us / 1_000;
        let now = UnixMillis(now_ms);
        let isolate = &mut self.isolates[number as usize];
        let life = isolate.life;
        if let Some(held) = isolate.cache.version()
            && minimum <= Some(held)
            && isolate.cache.read_fresh(now, held).is_some()
        {
            self.count_read(number, minimum, now_ms);
            return true;
        }
        match isolate.cache.plan(now, &self.run.policy, minimum) {
            Plan::Serve => {}
            Plan::ServeAndCall(call) => {
                self.send(number, call, minimum, None, now_us);
                self.show(number, minimum, now_us);
                let quiet = self.run.policy.on_expired == OnExpired::Serve
                    && self.isolates[number as usize].cache.version().is_some();
                if quiet && minimum.is_none() && !self.run.every_read {
                    let isolate = &mut self.isolates[number as usize];
                    (isolate.quiet_until_us, isolate.next_read_us) = (u64::MAX, u64::MAX);
                    return false;
                }
                return true;
            }
            Plan::Wait { call, deadline_ms } => {
                let waits_until_us = now_us + deadline_ms * 1_000;
                let id = self.send(number, call, minimum, Some(waits_until_us), now_us);
                self.push(waits_until_us, What::Deadline(id));
                return true;
            }
            Plan::Refuse => {
                isolate.cache.count_refusal();
                return true;
            }
        }
        self.answer_read(number, life, minimum, now_us);
        true
    }

    /// Answers a read that waited or need not, unless its isolate is gone.
    fn answer_read(&mut self, number: u32, life: u16, minimum: Option<Version>, now_us: u64) {
        let isolate = &mut self.isolates[number as usize];
        if isolate.life != life || now_us >= isolate.dies_at_us {
            return;
        }
        if isolate.cache.may_serve(UnixMillis(now_us / 1_000), &self.run.policy) {
            self.show(number, minimum, now_us);
        } else {
            isolate.cache.count_refusal();
        }
    }

    fn show(&mut self, number: u32, minimum: Option<Version>, now_us: u64) {
        let now_ms = now_us / 1_000;
        let isolate = &mut self.isolates[number as usize];
        let read = isolate.cache.read(UnixMillis(now_ms), &self.base);
        let settings = self.run.settings();
        let timeout_ms = self.run.policy.revalidate_timeout_ms;
        let bound_ms = settings.ttl_ms * 11 / 10 + settings.stale_while_revalidate_ms;
        let asked = isolate.asked_ms > isolate.told_ms && now_ms - isolate.asked_ms > timeout_ms;
        assert!(
            read.age_ms <= bound_ms + timeout_ms || self.measures.failed_calls > 0 || !asked,
            "{} ms old, and the object answers",
            read.age_ms
        );
        assert_eq!(now_ms - read.age_ms, if read.version.is_some() { isolate.told_ms } else { now_ms });
        self.count_read(number, minimum, now_ms);
    }

    fn count_read(&mut self, number: u32, minimum: Option<Version>, now_ms: u64) {
        let isolate = &mut self.isolates[number as usize];
        isolate.show(now_ms, self.next, &mut self.measures);
        if minimum.is_some() {
            self.measures.minimum.0 += 1;
            self.measures.minimum.1 += u64::from(isolate.cache.version() >= minimum);
        }
    }

    fn send(
        &mut self,
        number: u32,
        call: Call,
        minimum: Option<Version>,
        waits_until_us: Option<u64>,
        now_us: u64,
    ) -> u32 {
        let isolate = &mut self.isolates[number as usize];
        isolate.asked_ms = now_us / 1_000;
        let distance = self.colos.list[usize::from(isolate.colo)].distance;
        let round_trip = &self.input.latency.distance[distance].round_trip_ms;
        let flight = Flight {
            isolate: number,
            life: isolate.life,
            call,
            minimum,
            sent_us: now_us,
            round_trip_us: round_trip.draw_us(&mut self.rng),
            waits_until_us,
            answer: None,
            from_colo: false,
        };
        let there_us = now_us + flight.round_trip_us / 2;
        let id = self.idle_flights.pop().unwrap_or_else(|| {
            self.flights.push(None);
            self.flights.len() as u32 - 1
        });
        self.flights[id as usize] = Some(flight);
        if self.run.colo_tier && minimum.is_none() {
            let looked_us = now_us + self.input.latency.colo_cache_ms.draw_us(&mut self.rng);
            self.push(looked_us, What::Look(id));
        } else {
            self.push(there_us, What::Arrive(id));
        }
        id
    }

    fn look(&mut self, id: u32, now_us: u64) {
        let jitter = self.draw_jitter(Jitter::Reader);
        let flight = self.flights[id as usize].as_mut().unwrap();
        let isolate = &self.isolates[flight.isolate as usize];
        let colo = &self.colos.list[usize::from(isolate.colo)];
        let (sent_ms, now_ms) = (flight.sent_us / 1_000, now_us / 1_000);
        let keep = |terms| vary(terms, jitter);
        flight.answer = colo.look(isolate, &flight.call, sent_ms, now_ms, keep);
        if flight.answer.is_none() {
            let there_us = now_us + flight.round_trip_us / 2;
            return self.push(there_us, What::Arrive(id));
        }
        flight.from_colo = true;
        self.measures.colo_hits += 1;
        let document = matches!(flight.answer, Some(Answer::Snapshot { .. }));
        let back_us = if document {
            now_us + self.input.latency.colo_cache_ms.draw_us(&mut self.rng)
        } else {
            now_us
        };
        self.push(back_us, What::Back(id));
    }

    fn arrive(&mut self, id: u32, now_us: u64) {
        self.measures.request(now_us / 1_000);
        let flight = self.flights[id as usize].as_ref().unwrap();
        match self.object.arrive(&flight.call.ask, now_us) {
            Admission::ServedAt(at_us) => self.push(at_us, What::Served(id)),
            Admission::Overloaded => {
                self.measures.refused += 1;
                self.send_back(id, now_us);
            }
            Admission::Down => self.send_back(id, now_us),
        }
    }

    fn served(&mut self, id: u32, now_us: u64) {
        let flight = self.flights[id as usize].as_ref().unwrap();
        let answer = self.object.answer(&flight.call.ask, now_us);
        let answer = self.told(answer);
        self.flights[id as usize].as_mut().unwrap().answer = Some(answer);
        self.send_back(id, now_us);
    }

    /// Whoever waits for it gives up at its deadline.
    fn send_back(&mut self, id: u32, now_us: u64) {
        let flight = self.flights[id as usize].as_mut().unwrap();
        let mut back_us = now_us + flight.round_trip_us / 2;
        let given_up_us = flight.sent_us + self.run.policy.revalidate_timeout_ms * 1_000;
        if back_us > given_up_us {
            flight.answer = None;
            back_us = given_up_us.max(now_us);
        }
        self.push(back_us, What::Back(id));
    }

    fn back(&mut self, id: u32, now_us: u64) {
        let flight = self.flights[id as usize].take().unwrap();
        self.idle_flights.push(id);
        let number = flight.isolate;
        if self.isolates[number as usize].life != flight.life {
            return;
        }
        self.touch(number, now_us);
        if self.isolates[number as usize].life != flight.life {
            // Its last call came back too late. The next read is the next one's first.
            return self.plan_reads(number, now_us);
        }
        let now_ms = now_us / 1_000;
        match flight.answer {
            None => {
                self.measures.failed_calls += 1;
                let isolate = &mut self.isolates[number as usize];
                isolate.cache.fail(&flight.call, UnixMillis(now_ms));
            }
            Some(answer) if flight.from_colo => {
                self.isolates[number as usize].take(&flight.call, answer, now_ms);
            }
            Some(answer) => {
                let kept = self.kept(answer.clone());
                let isolate = &mut self.isolates[number as usize];
                if self.run.colo_tier {
                    let colo = &mut self.colos.list[usize::from(isolate.colo)];
                    let sent_ms = flight.sent_us / 1_000;
                    colo.share(isolate, &flight.call, &answer, sent_ms, now_ms);
                }
                isolate.take(&flight.call, kept, now_ms);
            }
        }
        if flight.waits_until_us.is_some() {
            self.answer_read(number, flight.life, flight.minimum, now_us);
        }
        self.plan_reads(number, now_us);
    }

    /// When the isolate's next read is that is to be an event.
    fn plan_reads(&mut self, number: u32, now_us: u64) {
        let isolate = &mut self.isolates[number as usize];
        let rate = f64::from(isolate.reads_per_s);
        let fresh_until_us = isolate.fresh_until_us();
        let fresh = isolate.cache.version().is_some() && now_us < fresh_until_us;
        let from_us = if fresh && !self.run.every_read {
            fresh_until_us.min(isolate.dies_at_us).max(now_us)
        } else {
            now_us
        };
        isolate.quiet_until_us = from_us;
        isolate.skip_to(now_us);
        let at_us = from_us + wait_us(&mut self.rng, rate);
        isolate.next_read_us = at_us;
        self.push(at_us, What::Read(number));
    }

    fn plan_minimum(&mut self, number: u32, now_us: u64) {
        let rate = f64::from(self.isolates[number as usize].reads_per_s);
        let at_us = now_us + wait_us(&mut self.rng, rate / ONE_IN_ASKS_MINIMUM as f64);
        if at_us < (self.windows.event_ms + MINIMUM_MS) * 1_000 {
            self.push(at_us, What::MinimumRead(number));
        }
    }

    fn end_of_life_us(&mut self, born_us: u64) -> u64 {
        let dies_us = born_us + wait_us(&mut self.rng, 1.0 / self.input.fleet.mean_life_s);
        let deploy_us = self.windows.event_ms * 1_000;
        if self.run.event != Event::Deploy || born_us >= deploy_us {
            return dies_us;
        }
        dies_us.min(deploy_us + self.rng.below(DEPLOY_MS * 1_000))
    }

    /// What the object says, with its jitter.
    fn told(&mut self, answer: Answer<()>) -> Answer<()> {
        let jitter = self.draw_jitter(Jitter::Object);
        let terms = vary(terms_of(&answer), jitter);
        with_terms(answer, terms)
    }

    /// What the reader makes of it, with its jitter.
    fn kept(&mut self, answer: Answer<()>) -> Answer<()> {
        let jitter = self.draw_jitter(Jitter::Reader);
        let terms = vary(terms_of(&answer), jitter);
        with_terms(answer, terms)
    }

    fn draw_jitter(&mut self, whose: Jitter) -> Option<f64> {
        (self.run.jitter == whose).then(|| 0.9 + 0.2 * unit(&mut self.rng))
    }

    fn push(&mut self, at_us: u64, what: What) {
        self.heap.push(Reverse((at_us, what)));
    }
}

fn vary(terms: Freshness, by: Option<f64>) -> Freshness {
    let ttl_ms = by.map_or(terms.ttl_ms, |by| (terms.ttl_ms as f64 * by) as u64);
    Freshness { ttl_ms, ..terms }
}
