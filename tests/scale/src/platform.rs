//! What the reader's flow stands on in an isolate: a network with distances, and a cache next door.

use std::rc::Rc;

use bellwether_core::fleet;
use bellwether_core::log::Level;
use bellwether_core::reading::colo::{CacheFailed, Entry, Shelved};
use bellwether_core::reading::{Answer, Ask, Identity, Isolate};
use bellwether_core::version::UnixMillis;
use bellwether_core::wire::Freshness;

use crate::isolate::with_ttl;
use crate::object::Admission;
use crate::world::World;

/// An isolate, as one of its requests sees it.
pub(crate) struct Here {
    pub(crate) world: Rc<World>,
    pub(crate) number: u32,
    pub(crate) colo: u16,
    /// The TTL that it keeps.
    pub(crate) ttl_ms: u32,
}

impl Isolate for Here {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.world.engine.now_us() / 1_000)
    }

    async fn sleep(&self, ms: u64) {
        self.pass(ms * 1_000).await;
    }

    fn identity(&self) -> Identity {
        Identity {
            isolate: u64::from(self.number) + 1,
            colo: fleet::Colo::UNKNOWN,
        }
    }

    async fn ask(&self, ask: &Ask, _: Option<&str>) -> Result<Answer<String>, String> {
        let world = &self.world;
        let half_us = world.draw_round_trip_us(self.colo) / 2;
        self.pass(half_us).await;
        let answer = match world.arrive(ask) {
            Admission::ServedAt(at_us) => {
                world.engine.until(at_us).await;
                Ok(world.serve(ask))
            }
            Admission::Overloaded => Err("the object is overloaded"),
            Admission::Down => Err("the object is away"),
        };
        self.pass(half_us).await;
        world.settle(self.number);
        answer
            .map(|answer| self.keep(answer))
            .map_err(str::to_owned)
    }

    fn colo_key(&self) -> Option<String> {
        self.world.colo_key.clone()
    }

    async fn look_up(&self, key: &str) -> Result<Option<Shelved>, CacheFailed> {
        let world = &self.world;
        self.pass(world.draw_colo_cache_us()).await;
        world.settle(self.number);
        let now_us = world.engine.now_us();
        let found = world.colos.borrow().list[usize::from(self.colo)].look_up(key, now_us);
        Ok(found.map(|shelved| self.keep_word(shelved)))
    }

    async fn shelve(&self, entry: &Entry) -> Result<(), CacheFailed> {
        let world = &self.world;
        self.pass(world.draw_colo_cache_us()).await;
        let now_us = world.engine.now_us();
        world.colos.borrow_mut().list[usize::from(self.colo)].shelve(entry, now_us);
        Ok(())
    }

    fn log(&self, _: Level, _: &'static str, _: &str) {}
}

impl Here {
    async fn pass(&self, us: u64) {
        let engine = &self.world.engine;
        engine.until(engine.now_us() + us).await;
    }

    /// The TTL with the isolate's jitter: what a reader with one would make of what it is told.
    pub(crate) fn keep(&self, mut answer: Answer<String>) -> Answer<String> {
        if let Answer::Snapshot { terms, .. } | Answer::NotModified { terms, .. } = &mut answer {
            *terms = with_ttl(*terms, self.ttl_ms);
        }
        answer
    }

    /// The same for a word from the cache; documents have no such line.
    fn keep_word(&self, word: Shelved) -> Shelved {
        let mut lines = word.text.split('\n').map(str::to_owned);
        let keep = |line: String| match Freshness::parse(&line) {
            Some(terms) => with_ttl(terms, self.ttl_ms).to_header(),
            None => line,
        };
        if self.world.run.setup.jitter {
            let lines: Vec<String> = lines.by_ref().map(keep).collect();
            let text = lines.join("\n");
            return Shelved { text, ..word };
        }
        word
    }
}
