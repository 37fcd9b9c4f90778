//! The isolates: born, reading in bursts, cancelled behind their responses, killed.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use bellwether_core::fleet::Colo;
use bellwether_core::platform::Task;
use bellwether_core::reading::{Expired, Identity, Misfit as Rejection, Read, Reader};
use bellwether_core::settings::{ColdStart, OnExpired, ReaderSettings};
use bellwether_core::version::{ETag, Version};
use bellwether_core::wire::ReadState;

use crate::executor::Owner;
use crate::here::Here;
use crate::host::Host;
use crate::minimums::Minimums;
use crate::shelf::{Shelf, Tries};
use crate::upstream::MISFIT;
use crate::watch::Watch;
use crate::world::{Clock, World};

/// A document in the Worker's own type: here, its text.
pub(crate) type Parsed = String;

#[derive(Clone, Debug)]
pub(crate) struct Misfit;

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("/misfit: does not fit")
    }
}

impl Rejection for Misfit {
    fn pointer(&self) -> &str {
        "/misfit"
    }

    fn message(&self) -> &str {
        "does not fit"
    }
}

fn parse(document: &str) -> Result<Parsed, Misfit> {
    // A cache may have a part of it.
    let whole = serde_json::from_str::<serde::de::IgnoredAny>(document).is_ok();
    if document.contains(MISFIT) || !whole {
        return Err(Misfit);
    }
    Ok(document.to_owned())
}

/// One isolate in one data centre.
pub(crate) struct Member {
    pub(crate) world: Rc<World>,
    pub(crate) host: Rc<Host>,
    pub(crate) clock: Rc<Clock>,
    /// What it shares with others of its data centre.
    pub(crate) shelf: Option<Rc<Shelf>>,
    pub(crate) reader: Rc<Reader<Parsed, Misfit>>,
    pub(crate) policy: ReaderSettings,
    base: Rc<Parsed>,
    pub(crate) watch: Watch,
    /// As it reports.
    pub(crate) identity: Identity,
    /// How the data centre's cache behaves to it.
    pub(crate) tries: Tries,
    /// Its requests; they go with it.
    pub(crate) requests: Owner,
    /// What it does behind its responses; that may be cancelled alone.
    behind: Cell<Owner>,
    pub(crate) wire: Owner,
    last_read: Cell<Option<(u64, u64)>>,
    minimums: Minimums,
    /// What it answered last that was fresh.
    kept: RefCell<Option<(Version, Rc<Parsed>, ETag)>>,
}

/// How this world's Workers read.
pub(crate) fn policy(world: &World) -> ReaderSettings {
    let wait_ms = world.between(1, 1_000);
    let mut settings = ReaderSettings {
        revalidate_timeout_ms: world.between(100, 20_000),
        ..ReaderSettings::default()
    };
    settings.cold_start = if world.one_in(2) {
        ColdStart::Base
    } else {
        ColdStart::Wait {
            deadline_ms: wait_ms,
        }
    };
    settings.on_expired = match world.between(0, 2) {
        0 => OnExpired::Serve,
        1 => OnExpired::Wait {
            deadline_ms: wait_ms,
        },
        _ => OnExpired::Error,
    };
    settings
}

impl Member {
    pub(crate) fn born(
        host: &Rc<Host>,
        clock: Rc<Clock>,
        shelf: Option<Rc<Shelf>>,
        policy: &ReaderSettings,
        wire: Owner,
    ) -> Rc<Self> {
        let world = &host.world;
        world.reach("isolate born");
        Rc::new(Self {
            world: Rc::clone(world),
            host: Rc::clone(host),
            clock,
            reader: Rc::new(Reader::new(parse)),
            policy: ReaderSettings {
                colo_cache: shelf.is_some(),
                ..policy.clone()
            },
            shelf,
            base: Rc::new("base".to_owned()),
            watch: Watch::default(),
            // Of a stream of its own, so that other numbers stay what they were.
            identity: Identity {
                isolate: world.identities.next(),
                colo: Colo::UNKNOWN,
            },
            tries: Tries::default(),
            requests: world.executor.new_owner(),
            behind: Cell::new(world.executor.new_owner()),
            wire,
            last_read: Cell::new(None),
            minimums: Minimums::default(),
            kept: RefCell::new(None),
        })
    }

    /// Where another one may be born in its stead.
    pub(crate) fn place(&self) -> (Rc<Clock>, Option<Rc<Shelf>>) {
        (Rc::clone(&self.clock), self.shelf.clone())
    }

    pub(crate) fn die(&self) {
        self.world.executor.kill(self.requests);
        self.freeze();
    }

    /// What it does behind its responses never ends.
    pub(crate) fn freeze(&self) {
        self.world.executor.kill(self.behind.get());
        self.behind.set(self.world.executor.new_owner());
        self.tries.forget();
    }

    /// Starts a request, on a task of its own.
    pub(crate) fn request(self: &Rc<Self>, at_least: Option<Version>) {
        let member = Rc::clone(self);
        let task = async move { member.read(at_least).await };
        self.world.executor.spawn(self.requests, Box::pin(task));
    }

    /// The version of the last read that ended, 0 for the base, and when that was in true time.
    pub(crate) fn last_read(&self) -> Option<(u64, u64)> {
        self.last_read.get()
    }

    async fn read(self: Rc<Self>, at_least: Option<Version>) {
        let world = Rc::clone(&self.world);
        let began_ms = world.now_ms();
        let is_fresh = self.watch.is_surely_fresh(&world, &self.clock);
        let surely_fresh = at_least.is_none() && is_fresh;
        let undisturbed = self.watch.is_undisturbed(&world, &self.clock);
        let calls = Rc::new(Cell::new(0));
        let for_itself = at_least.is_some()
            || self.policy.on_expired == OnExpired::Error
            || self.reader.cache().version().is_none();
        // Held too old, no pause, and a token left.
        let held = self.reader.cache().version();
        let for_object = held.is_some()
            && at_least > held
            && undisturbed
            && !self.minimums.may_be_spent(&world, &self.clock);
        let here = Here::new(&self, for_itself, for_object);
        let behind = {
            let (member, calls) = (Rc::clone(&self), Rc::clone(&calls));
            let here = Rc::clone(&here);
            move |task: Task| {
                calls.set(calls.get() + 1);
                if let Some(minimum) = at_least {
                    let because = is_fresh.then_some(minimum);
                    member
                        .minimums
                        .called(&member.world, &member.clock, because);
                }
                member
                    .world
                    .executor
                    .spawn(member.behind.get(), here.witnessed(task));
            }
        };
        let at_once = || self.read_at_once(at_least);
        let read = match self.read_kept(at_least).or_else(at_once) {
            Some(read) => Ok(read),
            None => {
                let (policy, base) = (&self.policy, &self.base);
                let reader = &self.reader;
                reader.read(here, behind, policy, base, at_least).await
            }
        };
        if let (Some(minimum), Ok(read)) = (at_least, &read) {
            let asked = calls.get() > 0
                || !undisturbed
                || read.version >= Some(minimum)
                || self.minimums.may_be_spent(&world, &self.clock);
            // The base stands for a head that holds nothing else, of whatever version.
            let base = read.version.is_none();
            world.check(asked || base, "a minimum version is asked for", || {
                let heard = self.watch.told();
                format!(
                    "{:?} was served, {minimum} was wanted; {heard}",
                    read.version
                )
            });
        }
        world.check(calls.get() <= 1, "a read makes at most one call", || {
            format!("{} calls", calls.get())
        });
        world.check(
            calls.get() == 0 || !surely_fresh,
            "a warm fresh read makes no call",
            || format!("{} calls", calls.get()),
        );
        let waited_ms = world.now_ms() - began_ms;
        let allowed_ms = self.longest_wait_ms();
        world.check(
            waited_ms <= allowed_ms,
            "no read outlives its deadline",
            || format!("{waited_ms} ms, expected at most {allowed_ms}"),
        );
        world.note(|| match &read {
            Ok(read) => format!(
                "isolate {}: {:?} {:?}, {} ms old",
                self.requests, read.version, read.state, read.age_ms
            ),
            Err(Expired) => format!("isolate {}: refused", self.requests),
        });
        match read {
            Ok(read) => {
                self.watch
                    .check_read(&world, &self.host.ledger, &self.clock, &read);
                let version = read.version.map_or(0, Version::get);
                self.last_read.set(Some((version, world.now_ms())));
                self.keep(&read, at_least);
                let refuses = self.policy.on_expired == OnExpired::Error;
                let expired = read.state == ReadState::Expired;
                world.check(
                    !(refuses && expired),
                    "the policy error keeps the bound",
                    || format!("{read:?}"),
                );
            }
            Err(Expired) => {
                world.reach("read refused");
                let may = self.policy.on_expired == OnExpired::Error
                    && self.watch.may_be_expired(&world, &self.clock);
                world.check(may, "no request is failed without need", || {
                    format!("{:?}", self.policy)
                });
            }
        }
    }

    /// What a front does that keeps its answers: the last one, where the reader says that it holds.
    fn read_kept(&self, at_least: Option<Version>) -> Option<Read<String>> {
        let kept = self.kept.borrow();
        let (version, value, etag) = kept.as_ref().filter(|(held, ..)| at_least <= Some(*held))?;
        if self.world.one_in(2) {
            return None;
        }
        let age_ms = self
            .reader
            .cache()
            .read_fresh(self.clock.now(&self.world), *version)?;
        self.world.reach("read from a kept answer");
        Some(Read {
            value: Rc::clone(value),
            version: Some(*version),
            etag: Some(etag.clone()),
            age_ms,
            state: ReadState::Fresh,
        })
    }

    /// What every second one does, whose entry does not wait where it need not: nothing else may come of it.
    fn read_at_once(&self, at_least: Option<Version>) -> Option<Read<String>> {
        if at_least.is_some() || self.identity.isolate.is_multiple_of(2) {
            return None;
        }
        let now = self.clock.now(&self.world);
        let read = self.reader.cache().read_at_once(now)?;
        self.world.reach("read at once");
        Some(read)
    }

    fn keep(&self, read: &Read<String>, wanted: Option<Version>) {
        if let (Some(version), Some(etag), ReadState::Fresh) =
            (read.version, &read.etag, read.state)
            && wanted <= Some(version)
        {
            let kept = (version, Rc::clone(&read.value), etag.clone());
            self.kept.replace(Some(kept));
        }
    }

    fn longest_wait_ms(&self) -> u64 {
        let cold_ms = match self.policy.cold_start {
            ColdStart::Base => 0,
            ColdStart::Wait { deadline_ms } => deadline_ms,
        };
        let expired_ms = match self.policy.on_expired {
            OnExpired::Wait { deadline_ms } => deadline_ms,
            OnExpired::Serve | OnExpired::Error => 0,
        };
        // Where nothing else is said, a minimum version and the policy "error" wait so long.
        cold_ms
            .max(expired_ms)
            .max(bellwether_core::settings::DEFAULT_WAIT_MS)
    }
}
