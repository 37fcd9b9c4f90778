//! A data centre's cache: what isolates put there, what is true of it, and all that can go wrong.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use bellwether_core::reading::colo::{COLO_DEADLINE_MS, COLO_TRIES, CacheFailed, Entry, Shelved};
use bellwether_core::version::UnixMillis;
use bellwether_core::wire::{Freshness, Pending};

use crate::chance::Fault;
use crate::simulation::Simulation;
use crate::world::{Jumps, World};

/// How long it hoards, in milliseconds.
const HOARD_MS: u64 = 3_600_000;

/// What the object told an isolate, as it was in truth. Times are true ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) version: u64,
    pub(crate) made_ms: u64,
    pub(crate) sent_ms: u64,
    /// When it arrived.
    pub(crate) told_ms: u64,
    /// What the isolate's clock said then, and how it had jumped since the call was planned.
    pub(crate) clock: UnixMillis,
    pub(crate) jumps: Jumps,
    pub(crate) terms: Freshness,
    pub(crate) pending: Option<Pending>,
}

/// What was found there.
pub(crate) struct Found {
    pub(crate) shelved: Shelved,
    /// `None` where it is no more what was put there.
    pub(crate) told: Option<Told>,
}

struct Kept {
    text: String,
    told: Told,
    put_ms: u64,
    until_ms: u64,
}

pub(crate) struct Shelf {
    world: Rc<World>,
    kept: RefCell<BTreeMap<String, Kept>>,
    tells_age: bool,
}

impl Shelf {
    pub(crate) fn new(world: &Rc<World>) -> Rc<Self> {
        world.reach("data centre with a cache");
        Rc::new(Self {
            world: Rc::clone(world),
            kept: RefCell::default(),
            tells_age: world.shelves.one_in(2),
        })
    }

    pub(crate) async fn look_up(&self, key: &str) -> Result<Option<Found>, CacheFailed> {
        let world = &self.world;
        self.work().await?;
        if world.strikes(Fault::CacheEvicts) {
            self.kept.borrow_mut().remove(key);
        }
        let kept = self.kept.borrow();
        let now_ms = world.now_ms();
        let found = kept
            .get(key)
            .filter(|kept| now_ms < kept.until_ms || world.strikes(Fault::CacheHoards));
        let Some(kept) = found else { return Ok(None) };
        let is_rubbish = world.strikes(Fault::CacheRubbish);
        let age_s = (now_ms - kept.put_ms) / 1_000;
        Ok(Some(Found {
            shelved: Shelved {
                age_s: if self.tells_age { age_s } else { 0 },
                text: if is_rubbish {
                    self.rubbish(&kept.text)
                } else {
                    kept.text.clone()
                },
            },
            told: (!is_rubbish).then_some(kept.told),
        }))
    }

    pub(crate) async fn shelve(&self, entry: &Entry, told: Told) -> Result<(), CacheFailed> {
        let world = &self.world;
        self.check(entry, &told);
        self.work().await?;
        if world.strikes(Fault::CacheForgets) {
            return Ok(());
        }
        let put_ms = world.now_ms();
        let kept = Kept {
            text: entry.text.clone(),
            told,
            put_ms,
            until_ms: put_ms + entry.max_age_s * 1_000,
        };
        let mut all = self.kept.borrow_mut();
        all.retain(|_, kept| put_ms < kept.until_ms + HOARD_MS);
        all.insert(entry.key.clone(), kept);
        Ok(())
    }

    /// What may be put there at all.
    fn check(&self, entry: &Entry, told: &Told) {
        let world = &self.world;
        world.check(!told.terms.base, "built-in layers are not shared", || {
            format!("{entry:?}")
        });
        let age_ms = (told.told_ms - told.made_ms).saturating_sub(told.jumps.behind_ms);
        let left_ms = told.terms.ttl_ms.saturating_sub(age_ms);
        let due_ms = told.pending.map_or(u64::MAX, |pending| pending.in_ms);
        world.check(
            (1_000..=left_ms.min(due_ms)).contains(&(entry.max_age_s * 1_000)),
            "nothing is shared for longer than it holds",
            || format!("{entry:?} of {told:?}"),
        );
    }

    async fn work(&self) -> Result<(), CacheFailed> {
        let world = &self.world;
        let mut ms = world.shelves.between(1, 8);
        if world.strikes(Fault::CacheSlow) {
            let draw = |low, high| world.chance.between(Fault::CacheSlow, low, high);
            ms = match draw(0, 3) {
                0 => u64::MAX,
                1 => draw(1, 30_000),
                _ => draw(1, 2 * COLO_DEADLINE_MS),
            };
        }
        world.executor.sleep(ms).await;
        if world.strikes(Fault::CacheFails) {
            return Err(CacheFailed);
        }
        Ok(())
    }

    fn rubbish(&self, text: &str) -> String {
        let draw = |high| self.world.chance.between(Fault::CacheRubbish, 0, high);
        match draw(4) {
            0 => String::new(),
            1 => "<html>not found</html>".to_owned(),
            2 => text.replace([':', '='], "\n"),
            _ => {
                // Of ASCII characters all, but for what operators wrote.
                let mut end = draw(text.len() as u64 - 1) as usize;
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                text[..end].to_owned()
            }
        }
    }
}

impl Simulation {
    /// One clock steps, by less than words last.
    pub(crate) fn set_apart(&self) {
        let ttl_ms = self.host.deployment.borrow().settings.ttl_ms;
        let draw = |low, high| self.world.chance.between(Fault::ClocksApart, low, high);
        let clock = &self.clocks[draw(0, self.clocks.len() as u64 - 1) as usize];
        if draw(0, 1) == 0 {
            clock.jump_ahead(draw(1, ttl_ms));
        } else {
            clock.set_back(draw(1, ttl_ms));
        }
    }

    /// One isolate after the other reads, so that each may find what the one before was told.
    pub(crate) fn queue(self: &Rc<Self>) {
        let simulation = Rc::clone(self);
        let task = async move {
            let world = &simulation.world;
            let ttl_ms = simulation.host.deployment.borrow().settings.ttl_ms;
            let gap_ms = world.shelves.scaled(1, 100 + ttl_ms / 4);
            for number in 0..simulation.size() {
                let member = Rc::clone(&simulation.members.borrow()[number]);
                member.request(None);
                world.executor.sleep(world.shelves.between(0, gap_ms)).await;
            }
        };
        self.world.executor.spawn(self.director, Box::pin(task));
    }
}

/// How often in a row the cache certainly disappointed an isolate.
#[derive(Default)]
pub(crate) struct Tries {
    in_a_row: Cell<u8>,
    last_ms: Cell<u64>,
}

impl Tries {
    /// What was under way is not known to have ended.
    pub(crate) fn forget(&self) {
        self.in_a_row.set(0);
    }

    pub(crate) fn found(&self) {
        self.in_a_row.set(0);
    }

    pub(crate) fn disappointed(&self, world: &World) {
        self.in_a_row.set(self.in_a_row.get().saturating_add(1));
        self.last_ms.set(world.now_ms());
    }

    /// A call that was planned then asks the cache.
    pub(crate) fn check(&self, world: &World, planned_ms: u64) {
        let is_off = self.in_a_row.get() >= COLO_TRIES && planned_ms > self.last_ms.get();
        world.check(!is_off, "a broken cache is left alone", || {
            format!("it disappointed {} times in a row", self.in_a_row.get())
        });
    }
}

/// A look into the cache that is dropped when its time is up.
pub(crate) struct Waiting<'a> {
    world: &'a World,
    tries: &'a Tries,
    until_ms: u64,
}

impl<'a> Waiting<'a> {
    pub(crate) fn begin(world: &'a World, tries: &'a Tries, ms: u64) -> Self {
        Self {
            world,
            tries,
            until_ms: world.now_ms() + ms,
        }
    }

    pub(crate) fn end(self) {
        let late = self.world.now_ms() > self.until_ms;
        self.world
            .check(!late, "nothing waits for a cache for long", || {
                format!("until {} ms", self.until_ms)
            });
        std::mem::forget(self);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.world.now_ms() >= self.until_ms {
            self.world.reach("cache given up waiting for");
            self.tries.disappointed(self.world);
        }
    }
}
