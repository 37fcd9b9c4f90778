//! Operators: what they write, under which conditions, and how they try again.

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use bellwether_core::coordinator::{Action, Change, Idempotency, Write};
use bellwether_core::document::{Document, Object};
use bellwether_core::guard::Waivers;
use bellwether_core::schema::Schema;
use bellwether_core::version::{UnixMillis, Version};
use serde_json::{Value, json};

use crate::chance::Fault;
use crate::deep;
use crate::network::{self, Reply};
use crate::oracle;
use crate::requests::Request;
use crate::simulation::Simulation;
use crate::upstream::MISFIT;

const HOUR_MS: u64 = 3_600_000;

/// An operator gives up after so many tries.
const TRIES: u64 = 4;

impl Simulation {
    /// Operators come and go.
    pub(crate) async fn operate(self: Rc<Self>) {
        let world = Rc::clone(&self.world);
        let pace_ms = world.desk.scaled(30_000, HOUR_MS);
        loop {
            let pause_ms = world.desk.between(0, 2 * pace_ms);
            world.executor.sleep(pause_ms).await;
            if world.strikes(Fault::Write) {
                self.submit(self.draft());
            }
            if world.strikes(Fault::WriteStorm) {
                let count = world.chance.between(Fault::WriteStorm, 2, 8);
                for _ in 0..count {
                    self.submit(self.draft());
                    let pause_ms = world.desk.between(0, 30);
                    world.executor.sleep(pause_ms).await;
                }
            }
            if world.strikes(Fault::KilledAtMoment) {
                self.kill_at_moment();
            }
            if world.strikes(Fault::PendingStorm) {
                self.pile_up().await;
            }
        }
    }

    /// The name of whoever comes next.
    pub(crate) fn next_operator(&self) -> u64 {
        self.operators.set(self.operators.get() + 1);
        self.operators.get()
    }

    /// Sends a write, and again where it was not answered and may be sent again.
    pub(crate) fn submit(self: &Rc<Self>, write: Write) {
        let write = Rc::new(write);
        self.host.ledger.ordered(&write);
        let simulation = Rc::clone(self);
        let task = async move { simulation.insist(write).await };
        self.world.executor.spawn(self.director, Box::pin(task));
    }

    async fn insist(self: &Rc<Self>, write: Rc<Write>) {
        let world = &self.world;
        for _ in 0..TRIES {
            let request = Request::Write(Rc::clone(&write));
            let reply = network::send(&self.host, self.wire, request);
            let patience_ms = world.desk.between(200, 70_000);
            match within(world.executor.sleep(patience_ms), reply).await {
                Some(Ok(Ok(reply))) if !reply.is_transient() => {
                    self.read_own_write(&reply);
                    return;
                }
                _ if write.idempotency.is_none() => return,
                _ => {}
            }
            let pause_ms = world.desk.scaled(1, HOUR_MS / 4);
            world.executor.sleep(pause_ms).await;
        }
    }

    fn read_own_write(&self, reply: &Reply) {
        if reply.about.is_some() {
            let last = self.size() as u64 - 1;
            let number = self.world.desk.between(0, last) as usize;
            let member = Rc::clone(&self.members.borrow()[number]);
            member.request(reply.about);
        }
    }

    /// The object dies about when the first change is due.
    fn kill_at_moment(&self) {
        let (world, host) = (Rc::clone(&self.world), Rc::clone(&self.host));
        let pendings = host.ledger.pendings();
        let Some(first) = pendings.first() else {
            return;
        };
        let chance = &world.chance;
        let off_ms = chance.between(Fault::KilledAtMoment, 0, 100);
        let keep = chance.between(Fault::KilledAtMoment, 0, 1) > 0;
        let due_ms = UnixMillis(first.at_ms + off_ms).since(host.now());
        let task = async move {
            host.sleep(due_ms.saturating_sub(50)).await;
            host.crash(keep);
        };
        world.executor.spawn(self.director, Box::pin(task));
    }

    /// Changes for later, until no more may wait: for one moment, or for any of the next hours.
    async fn pile_up(self: &Rc<Self>) {
        let world = &self.world;
        let draw = |low, high| world.chance.between(Fault::PendingStorm, low, high);
        let first = self.host.now().plus(HOUR_MS);
        let spread_ms = [0, 11 * HOUR_MS][draw(0, 1) as usize];
        for revision in 0..draw(60, 130) {
            let mut patch = Object::new();
            patch.insert("storm".to_owned(), revision.into());
            let at = first.plus(draw(0, spread_ms));
            self.submit(self.for_later(document(patch), at, None));
            world.executor.sleep(draw(0, 30)).await;
        }
    }

    /// An override that begins at a moment, and may end at another.
    pub(crate) fn for_later(
        &self,
        patch: Document,
        at: UnixMillis,
        expires_at: Option<UnixMillis>,
    ) -> Write {
        let number = self.next_operator();
        Write {
            action: Action::Change {
                change: Change::Override { patch, expires_at },
                activate_at: Some(at),
                waivers: Waivers::default(),
                replaces: None,
            },
            actor: format!("operator-{number}"),
            reason: Some(format!("reason-{number}")),
            if_match: Some("*".to_owned()),
            idempotency: Some(Idempotency {
                key: format!("key-{number}"),
                fingerprint: format!("write-{number}"),
            }),
            dry_run: false,
        }
    }

    fn draft(&self) -> Write {
        let world = &self.world;
        let action = self.action();
        let head = self.host.ledger.head();
        let etag = head.map(|head| head.etag());
        let number = self.next_operator();
        let desk = &world.desk;
        let if_match = match desk.below(20) {
            0 => None,
            1..=3 => Some("\"v1-0123456789abcdef\"".to_owned()),
            4..=9 => Some("*".to_owned()),
            _ => etag,
        };
        // Now and then the key of somebody else.
        let key = if number > 1 && desk.one_in(30) {
            number - 1
        } else {
            number
        };
        let idempotency = (!desk.one_in(3)).then(|| Idempotency {
            key: format!("key-{key}"),
            fingerprint: format!("write-{number}"),
        });
        let dry_run = desk.one_in(10);
        Write {
            action,
            actor: format!("operator-{number}"),
            reason: Some(format!("reason-{number}")),
            if_match,
            idempotency,
            dry_run,
        }
    }

    fn action(&self) -> Action {
        let choice = self.world.desk.below(18);
        let ledger = &self.host.ledger;
        let pending = || {
            let pendings = ledger.pendings();
            let known = (!pendings.is_empty() && !self.world.desk.one_in(12)).then(|| {
                let place = self.world.desk.below(pendings.len() as u64);
                pendings[place as usize].id
            });
            known.unwrap_or(9_999)
        };
        match choice {
            0..=10 => self.change(choice, None),
            11 => Action::Cancel { pending: pending() },
            12 => {
                let replaced = pending();
                let choice = self.world.desk.below(11);
                self.change(choice, Some(replaced))
            }
            13 | 14 => self.pace(),
            15 | 16 => self.schema(),
            _ => Action::Unpin,
        }
    }

    fn change(&self, choice: u64, replaces: Option<u64>) -> Action {
        let world = &self.world;
        let head = self.host.ledger.head().map_or(1, |head| head.number);
        let change = match choice {
            0..=2 => Change::Publish(self.document()),
            3 => {
                let mut patch = self.document().object().clone();
                if world.desk.one_in(3) && !patch.contains_key("pad") {
                    patch.insert("b".to_owned(), Value::Null);
                }
                Change::Patch(document(patch))
            }
            4 | 5 => {
                let back = world.desk.scaled(1, 12) - 1;
                let to = Version::new(head.saturating_sub(back).max(1));
                Change::Rollback {
                    to: to.unwrap_or(Version::FIRST),
                }
            }
            6..=8 => {
                let expires_at = (!world.desk.one_in(3)).then(|| self.moment());
                Change::Override {
                    patch: self.patch(),
                    expires_at,
                }
            }
            _ => Change::EndOverride,
        };
        let mut activate_at = world.desk.one_in(2).then(|| self.moment());
        if let Change::Override {
            expires_at: Some(end),
            ..
        } = &change
        {
            activate_at = activate_at.filter(|begin| begin < end);
        }
        let desk = &world.desk;
        Action::Change {
            change,
            activate_at,
            waivers: Waivers {
                empty_document: desk.one_in(6),
                key_loss: desk.one_in(3),
            },
            replaces,
        }
    }

    /// Soon or later, by the object's clock.
    fn moment(&self) -> UnixMillis {
        let desk = &self.world.desk;
        let ms = match desk.one_in(3) {
            true => desk.between(1, 3_000),
            false => desk.scaled(2_000, 12 * HOUR_MS),
        };
        self.host.now().plus(ms)
    }

    fn document(&self) -> Document {
        let world = &self.world;
        let mut object = Object::new();
        if !world.desk.one_in(12) {
            let revision = world.desk.between(0, 50);
            object.insert("rev".to_owned(), format!("desk {revision}").into());
        }
        for name in ["a", "b", "c", "mode"] {
            let desk = &world.desk;
            if !desk.one_in(4) {
                object.insert(name.to_owned(), desk.between(0, 3).into());
            }
        }
        if world.desk.one_in(6) {
            object.insert("region".to_owned(), Value::Null);
        }
        deep::deepen(world, &mut object);
        if world.strikes(Fault::WriteMisfit) {
            object.insert(MISFIT.to_owned(), Value::Bool(true));
        }
        // An override may make the room that it takes away again when it ends.
        let takes_room = world.chance.has(Fault::WriteAtLimit)
            && self.host.ledger.takes_away("pad")
            && world.desk.one_in(2);
        if world.strikes(Fault::WriteAtLimit) || takes_room {
            oracle::fill(&mut object, "pad", &Object::new());
        }
        document(object)
    }

    /// An override: it changes, adds or takes away, and may make room for what would be too large.
    fn patch(&self) -> Document {
        let desk = &self.world.desk;
        let mut patch = Object::new();
        for name in ["a", "c", "mode", "extra"] {
            match desk.below(5) {
                0 => _ = patch.insert(name.to_owned(), Value::Null),
                1 | 2 => _ = patch.insert(name.to_owned(), desk.between(0, 5).into()),
                _ => {}
            }
        }
        for name in ["pad", "region", "debug"] {
            if desk.one_in(3) {
                patch.insert(name.to_owned(), Value::Null);
            }
        }
        deep::deepen(&self.world, &mut patch);
        document(patch)
    }

    /// A schema of the kind that the oracle understands, or none.
    fn schema(&self) -> Action {
        let desk = &self.world.desk;
        let most = desk.between(1, 5);
        let mut schema = json!({ "properties": { "c": { "maximum": most } } });
        if desk.one_in(4) {
            schema["required"] = json!(["mode"]);
        }
        let schema = (!desk.one_in(4)).then(|| Schema::parse(schema.to_string().as_bytes()));
        Action::Schema {
            schema: schema.transpose().unwrap(),
            force: desk.one_in(3),
        }
    }

    fn pace(&self) -> Action {
        let desk = &self.world.desk;
        let interval_ms = match desk.below(3) {
            0 => None,
            1 => Some(None),
            _ => Some(Some(desk.scaled(30_000, 4 * HOUR_MS))),
        };
        Action::Schedule {
            // A pause is ended sooner than it is begun.
            paused: [None, Some(true), Some(false), Some(false)][desk.below(4) as usize],
            refresh_interval_ms: interval_ms,
        }
    }
}

fn document(object: Object) -> Document {
    Document::from_object(object).unwrap()
}

/// What comes before the time is up.
async fn within<T>(timer: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    let (mut timer, mut work) = (pin!(timer), pin!(work));
    std::future::poll_fn(move |context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        timer.as_mut().poll(context).map(|()| None)
    })
    .await
}
