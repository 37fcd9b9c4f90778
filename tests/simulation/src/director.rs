//! Who makes things happen: the director, who breaks and heals, operators, and visitors of the isolates.

use std::rc::Rc;

use bellwether_core::coordinator::{BuiltIn, Reload};
use bellwether_core::document::Object;
use bellwether_core::guard::Waivers;
use bellwether_core::reading::MINIMUM_BURST;
use bellwether_core::settings::{SourceSettings, SpaceSettings};

use crate::chance::Fault;
use crate::deep;
use crate::executor::Owner;
use crate::fleet::{self, Member};
use crate::host::Deployment;
use crate::minimums;
use crate::network;
use crate::oracle;
use crate::requests::Request;
use crate::simulation::Simulation;
use crate::world::{Clock, World};

const HOUR_MS: u64 = 3_600_000;

/// A little more than any read of these worlds may wait.
const LONGEST_WAIT_MS: u64 = 1_001;

/// A key of the vars that takes up all room.
const VARS_PAD: &str = "vars_pad";

impl Simulation {
    /// Chaos and calm by turns.
    pub(crate) async fn direct(self: Rc<Self>) {
        let world = Rc::clone(&self.world);
        let pace_ms = world.between(60_000, HOUR_MS);
        loop {
            let chaos_until_ms = world.now_ms() + world.between(HOUR_MS, 24 * HOUR_MS);
            while world.now_ms() < chaos_until_ms {
                world.executor.sleep(world.between(0, pace_ms * 2)).await;
                self.act().await;
            }
            self.calm().await;
        }
    }

    /// Isolate number so-and-so is asked in bursts.
    pub(crate) async fn visit(self: Rc<Self>, number: usize) {
        let world = Rc::clone(&self.world);
        loop {
            world.executor.sleep(world.between(0, 3 * HOUR_MS)).await;
            let ttl_ms = self.host.deployment.borrow().settings.ttl_ms;
            let gap_ms = world.between(0, ttl_ms * 3);
            for _ in 0..world.between(1, 10) {
                let member = Rc::clone(&self.members.borrow()[number]);
                for _ in 0..world.between(1, 3) {
                    member.request(None);
                }
                if world.one_in(50) {
                    for _ in 0..4 * MINIMUM_BURST {
                        member.request(minimums::absurd());
                    }
                }
                world.executor.sleep(world.between(0, gap_ms)).await;
            }
        }
    }

    /// One turn of the director.
    async fn act(self: &Rc<Self>) {
        let (world, host) = (&self.world, &self.host);
        if world.one_in(3) {
            self.upstream.change();
        }
        if world.one_in(12) {
            self.upstream.change_unseen();
        }
        if world.strikes(Fault::SourceHidden)
            && let Some(key) = host.ledger.overridden()
        {
            self.upstream.change_at(&key);
            self.reload(Waivers::default(), None);
        }
        if world.strikes(Fault::SourceFlaps) {
            self.upstream
                .go_down(world.chance.between(Fault::SourceFlaps, 1_000, 2 * HOUR_MS));
        }
        if world.strikes(Fault::ClockForward) {
            // In the middle of calls, and with reads that find what is held much older.
            self.everyone_reads();
            world.executor.sleep(world.between(0, 60)).await;
            self.any_clock(|clock| {
                clock.jump_ahead(world.chance.between(Fault::ClockForward, 1, 2 * HOUR_MS));
            });
            self.everyone_reads();
        }
        if world.strikes(Fault::ClockBack) {
            self.any_clock(|clock| {
                clock.set_back(world.chance.between(Fault::ClockBack, 1, 2 * HOUR_MS))
            });
        }
        if self.has_shelves && world.strikes(Fault::ClocksApart) {
            self.set_apart();
        }
        if world.strikes(Fault::StorageFull) {
            host.storage_full.set(true);
            let storage = Rc::clone(host);
            let ms = world.chance.between(Fault::StorageFull, 1_000, HOUR_MS);
            let task = async move {
                storage.sleep(ms).await;
                storage.storage_full.set(false);
            };
            world.executor.spawn(self.director, Box::pin(task));
        }
        if world.strikes(Fault::Evicted) {
            host.evict();
        }
        if world.strikes(Fault::Killed) {
            host.crash(world.one_in(2));
        }
        if world.strikes(Fault::Deploy) {
            self.deploy();
        }
        if world.strikes(Fault::Lies) {
            self.lie();
        }
        if world.strikes(Fault::ManyLies) {
            self.lie_of_many();
        }
        if self.has_shelves && world.shelves.one_in(2) {
            self.queue();
        }
        self.act_on_isolates();
        self.act_as_operator();
        if world.strikes(Fault::Denied) {
            self.knock();
        }
        if world.one_in(10) {
            self.rush().await;
        }
    }

    /// Versions made faster than answers travel, and one isolate that asks for each: its calls overlap.
    async fn rush(self: &Rc<Self>) {
        let world = Rc::clone(&self.world);
        let number = world.between(0, self.size() as u64 - 1) as usize;
        for _ in 0..world.between(2, 12) {
            self.upstream.change();
            self.reload(Waivers::default(), Some(number));
            let member = Rc::clone(&self.members.borrow()[number]);
            member.request(None);
            world.executor.sleep(world.between(1, 300)).await;
        }
    }

    fn act_on_isolates(self: &Rc<Self>) {
        let world = &self.world;
        let count = self.size() as u64;
        if world.strikes(Fault::IsolateKilled) {
            self.replace(world.chance.between(Fault::IsolateKilled, 0, count - 1) as usize);
        }
        if world.strikes(Fault::IsolateFrozen) {
            let number = world.chance.between(Fault::IsolateFrozen, 0, count - 1) as usize;
            let member = Rc::clone(&self.members.borrow()[number]);
            let after_ms = world.chance.between(Fault::IsolateFrozen, 0, 100);
            member.request(None);
            let executor = Rc::clone(&world.executor);
            let task = async move {
                executor.sleep(after_ms).await;
                member.freeze();
            };
            world.executor.spawn(self.director, Box::pin(task));
        }
    }

    fn act_as_operator(self: &Rc<Self>) {
        let world = &self.world;
        if world.one_in(4) {
            drop(network::send(&self.host, self.wire, Request::Status));
        }
        let waivers = if world.strikes(Fault::ReloadWaiving) {
            Waivers {
                empty_document: true,
                key_loss: world.one_in(2),
            }
        } else if world.strikes(Fault::Reload) {
            Waivers::default()
        } else {
            return;
        };
        for _ in 0..world.between(1, 3) {
            self.reload(waivers, None);
        }
    }

    /// Somebody writes with a token that does not suffice.
    fn knock(self: &Rc<Self>) {
        let simulation = Rc::clone(self);
        let task = async move {
            let world = &simulation.world;
            let draw = |low, high| world.chance.between(Fault::Denied, low, high);
            let pause_ms = [10, 4_000][draw(0, 1) as usize];
            for _ in 0..draw(1, 60) {
                let actor = format!("stranger-{}", draw(1, 9));
                let request = Request::Denied { actor };
                drop(network::send(&simulation.host, simulation.wire, request));
                world.executor.sleep(draw(0, pause_ms)).await;
            }
        };
        self.world.executor.spawn(self.director, Box::pin(task));
    }

    /// An operator reloads, and reads that write from the isolate told, or from any.
    fn reload(self: &Rc<Self>, waivers: Waivers, from: Option<usize>) {
        let world = &self.world;
        let operator = self.next_operator();
        let request = Request::Reload(Reload {
            actor: format!("operator-{operator}"),
            reason: Some(format!("reason-{operator}")),
            waivers,
        });
        let reply = network::send(&self.host, self.wire, request);
        let simulation = Rc::clone(self);
        let task = async move {
            if let Ok(Ok(reply)) = reply.await
                && reply.about.is_some()
            {
                let last = simulation.size() as u64 - 1;
                let number = from.unwrap_or_else(|| simulation.world.between(0, last) as usize);
                let member = Rc::clone(&simulation.members.borrow()[number]);
                member.request(reply.about);
            }
        };
        world.executor.spawn(self.director, Box::pin(task));
    }

    /// New code everywhere, in any order: the object first, or the isolates.
    fn deploy(self: &Rc<Self>) {
        let world = &self.world;
        let mut next = deployment(world);
        if !next.built_in.unreadable && world.strikes(Fault::VarsAtLimit) {
            let built_in = &mut next.built_in;
            oracle::fill(&mut built_in.vars, VARS_PAD, &built_in.defaults);
            if world.one_in(2) {
                // Then a document that makes room again.
                self.upstream.take_away(VARS_PAD);
            }
        }
        self.host.deploy(next);
        if world.strikes(Fault::LimitLowered) {
            self.host.ledger.spoil(&self.host);
        }
        self.policy.replace(fleet::policy(world));
        for number in 0..self.size() {
            if !world.one_in(4) {
                self.replace(number);
            }
        }
    }

    fn replace(&self, number: usize) {
        let mut members = self.members.borrow_mut();
        members[number].die();
        let (clock, shelf) = members[number].place();
        let policy = self.policy.borrow();
        members[number] = Member::born(&self.host, clock, shelf, &policy, self.wire);
    }

    pub(crate) fn size(&self) -> usize {
        self.members.borrow().len()
    }

    fn any_clock(&self, jump: impl FnOnce(&Clock)) {
        match self.world.between(0, self.clocks.len() as u64) as usize {
            0 => jump(&self.host.clock),
            number => jump(&self.clocks[number - 1]),
        }
    }

    /// Faults off: within bounds that are known everything is as if nothing had happened.
    async fn calm(self: &Rc<Self>) {
        let (world, host) = (Rc::clone(&self.world), &self.host);
        let drills = world.strikes(Fault::Drill);
        world.chance.set_quiet(true);
        self.upstream.recover();
        if world.one_in(2) {
            // Something for everybody to catch up with.
            self.upstream.change();
        }
        host.storage_full.set(false);
        let settings = host.deployment.borrow().settings.clone();
        // A message may be a minute under way, and an alarm a minute late; what then fails is tried
        // again within one backoff cap.
        let slowest_ms = host.ledger.interval_ms(host).max(settings.backoff_max_ms);
        let bound_ms = slowest_ms + slowest_ms / 10 + settings.source_timeout_ms + 4 * 60_000;
        let healed_at_ms = world.now_ms() + bound_ms;
        let life = host.life.get();
        // A clock that was set back stands still for a reader until it reads.
        self.everyone_reads();
        while world.now_ms() < healed_at_ms {
            drop(network::send(
                host,
                self.wire,
                Request::Snapshot {
                    if_none_match: None,
                    report: None,
                },
            ));
            world
                .executor
                .sleep((bound_ms / 20).clamp(1_000, 60_000))
                .await;
        }
        // Within TTL + one call every isolate is on the head.
        let reads = 6;
        for _ in 0..reads {
            self.everyone_reads();
            world
                .executor
                .sleep(settings.ttl_ms / (reads - 1) + 1)
                .await;
        }
        // A stale read is answered before its call; the read after that call is fresh.
        for pause_ms in [100, LONGEST_WAIT_MS] {
            self.everyone_reads();
            world.executor.sleep(pause_ms).await;
        }
        self.check_healed(life);
        drop(network::send(host, self.wire, Request::Status));
        world.executor.sleep(100).await;
        world.reach("healed");
        if drills {
            self.drill().await;
        }
        world.chance.set_quiet(false);
    }

    pub(crate) fn everyone_reads(&self) {
        for member in self.members.borrow().iter() {
            member.request(None);
        }
    }

    fn check_healed(&self, life: Owner) {
        let (world, host) = (&self.world, &self.host);
        let Some(head) = host.ledger.head() else {
            world.violated("the head is never lost", "there is none".to_owned());
            return;
        };
        let deployment = host.deployment.borrow();
        // A refresh that dies with the object counts as a failure: the last kill of the storm may come
        // in the calm, and puts off the next one.
        let is_alive = host.life.get() == life;
        if is_alive && deployment.has_source() && !deployment.is_unusable() {
            host.ledger.check_schedule(host, &self.upstream);
        }
        host.ledger.check_operators(host);
        // What became the head just now is heard of within a TTL and one call.
        if host.ledger.head_age_ms(host) <= deployment.settings.ttl_ms + LONGEST_WAIT_MS {
            return;
        }
        for member in self.members.borrow().iter() {
            let version = member.last_read().map(|(version, _)| version);
            // One whose clock jumped, or the object's, may be ahead by what was announced and still
            // waits, be it behind a change that was asked for since.
            let ahead = version.is_some_and(|version| host.ledger.waits_as(host, version));
            let on_head = version == Some(head.number) || head.is_base() || ahead;
            // A deploy that shortened the TTL is heard of when the longer one, told before, is over.
            let told_longer = member.watch.told_ttl_ms() > deployment.settings.ttl_ms;
            // A document that does not fit is refused for good; the version before stays.
            let refused = head.text.contains(crate::upstream::MISFIT);
            // To clocks too far apart a cache's word may look younger than it is.
            let misled = member.watch.is_misled();
            world.check(
                on_head || refused || told_longer || misled,
                "every isolate is on the head",
                || format!("one is on version {version:?}; the head is {}", head.number),
            );
        }
    }
}

/// Settings and built-in layers, as a deploy may bring them.
pub(crate) fn deployment(world: &World) -> Deployment {
    let source = match world.between(0, 20) {
        0 => SourceSettings::None,
        1 => SourceSettings::Unusable {
            reason: "as simulated".to_owned(),
        },
        2..=8 => SourceSettings::Url {
            url: "https://source".to_owned(),
            token_secret: None,
        },
        9..=11 => SourceSettings::KvPrefix {
            binding: "CONFIG_KV".to_owned(),
            prefix: String::new(),
        },
        _ => SourceSettings::Kv {
            binding: "CONFIG_KV".to_owned(),
            key: "config".to_owned(),
        },
    };
    let mut settings = SpaceSettings {
        source,
        refresh_interval_ms: world.scaled(60_000, 6 * HOUR_MS),
        backoff_max_ms: world.scaled(60_000, 2 * HOUR_MS),
        ttl_ms: world.scaled(200, 600_000),
        stale_while_revalidate_ms: if world.one_in(5) {
            0
        } else {
            world.scaled(1_000, HOUR_MS)
        },
        source_timeout_ms: world.scaled(100, 25_000),
        keep_versions: world.scaled(1, 100) as u32,
        ..SpaceSettings::default()
    };
    if world.chance.has(Fault::Write) {
        let desk = &world.desk;
        if desk.one_in(4) {
            settings.source = SourceSettings::None;
        }
        settings.publish = desk.one_in(2);
        settings.keep_for_ms = desk.one_in(4).then(|| desk.scaled(60_000, 24 * HOUR_MS));
    }
    let layer = |name: &str| {
        let mut layer = Object::new();
        if !world.one_in(3) {
            layer.insert(name.to_owned(), world.between(0, 2).into());
            layer.insert("mode".to_owned(), world.between(0, 3).into());
        }
        if deep::deepen(world, &mut layer) {
            // What is left of the two is never nothing: that would count as no layer below the source's.
            layer.entry(name).or_insert(0.into());
        }
        layer
    };
    let (defaults, vars) = (layer("region"), layer("debug"));
    let unreadable = world.strikes(Fault::BadVars);
    let built_in = BuiltIn {
        defaults,
        vars: if unreadable { Object::new() } else { vars },
        unreadable,
    };
    Deployment { settings, built_in }
}
