//! What is known of one isolate from outside: which answers reached it, and so which reads are honest.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use bellwether_core::reading::Read;
use bellwether_core::settings::ReaderSettings;
use bellwether_core::version::Version;
use bellwether_core::wire::{Freshness, ReadState};

use crate::fleet::Parsed;
use crate::ledger::Ledger;
use crate::world::{Clock, Jumps, World};

/// How many answers of a version are remembered. A reader holds the youngest of the last few.
const REMEMBERED: usize = 16;

/// The object's word for a version, as it reached the isolate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vouched {
    pub(crate) version: u64,
    /// It was announced only: the word counts once the reader has switched to it.
    pub(crate) ahead: bool,
    /// It is an announcement's word for what was switched to since, not one about the head.
    pub(crate) announced: bool,
    /// When the object made the answer, in true time.
    pub(crate) made_ms: u64,
    /// When it was asked, in true time.
    pub(crate) sent_ms: u64,
    /// The clock's jumps until then.
    pub(crate) jumps: Jumps,
    pub(crate) terms: Freshness,
    /// By so much its age may be counted too low or too high besides: it came through a cache.
    pub(crate) slack: Slack,
}

/// How far an age may be off.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slack {
    pub(crate) younger_ms: u64,
    pub(crate) older_ms: u64,
}

impl Vouched {
    /// The lowest and the highest age that this clock may give it by now.
    fn ages(&self, world: &World, clock: &Clock) -> (u64, u64) {
        let jumps = clock.jumps().since(self.jumps);
        let now_ms = world.now_ms();
        let behind_ms = jumps.behind_ms + self.slack.younger_ms;
        let youngest_ms = (now_ms - self.made_ms).saturating_sub(behind_ms);
        (youngest_ms, self.oldest_ms(world, clock))
    }

    fn oldest_ms(&self, world: &World, clock: &Clock) -> u64 {
        let ahead_ms = clock.jumps().since(self.jumps).ahead_ms;
        world.now_ms() - self.sent_ms + ahead_ms + self.slack.older_ms
    }
}

/// A call under way.
pub(crate) struct Calling {
    open: Rc<Cell<u32>>,
    ended: Rc<Cell<u64>>,
    sent_ms: u64,
    counted: bool,
}

impl Drop for Calling {
    fn drop(&mut self) {
        self.open.set(self.open.get() - u32::from(self.counted));
        self.ended.set(self.sent_ms);
    }
}

#[derive(Default)]
pub(crate) struct Watch {
    vouched: RefCell<Vec<Vouched>>,
    /// For each version that was announced, the earliest that an answer had it, in true time and as
    /// if this machine's clock had never been set ahead.
    moments: RefCell<BTreeMap<u64, u64>>,
    version: Cell<u64>,
    /// Calls under way that the lease ought to keep to one.
    open: Rc<Cell<u32>>,
    opened_ms: Cell<u64>,
    /// When the call that ended last was sent.
    ended: Rc<Cell<u64>>,
    /// Whether the call that ended last was answered.
    heard_last: Cell<bool>,
    /// When a call last ended, well or badly.
    news_ms: Cell<u64>,
    /// When a call failed, and the pause began that nothing has ended since.
    failed: Cell<Option<(u64, Jumps)>>,
    /// When the latest call was planned that was answered, and the clock's jumps until then.
    told: Cell<(u64, Jumps)>,
    /// A cache's word looked other than it was, for clocks were further apart than they may be.
    misled: Cell<bool>,
}

impl Watch {
    pub(crate) fn begin_call(
        &self,
        world: &World,
        clock: &Clock,
        policy: &ReaderSettings,
        for_itself: bool,
        planned_ms: u64,
    ) -> Calling {
        // The data centre's cache may have been looked into since.
        let now_ms = planned_ms;
        let jumps = clock.jumps();
        if let Some((failed_ms, before)) = self.failed.get()
            && before == jumps
        {
            let ttl_ms = self
                .vouched
                .borrow()
                .iter()
                .map(|vouched| vouched.terms.ttl_ms)
                .min();
            let pause_ms = ttl_ms.unwrap_or(250).min(250);
            // A read of this very moment may have decided before the failure.
            let decided_before = now_ms <= failed_ms;
            world.check(
                decided_before || now_ms >= failed_ms + pause_ms,
                "a failing coordinator is not pressed",
                || format!("asked {} ms after a failure", now_ms - failed_ms),
            );
        }
        let counted = !for_itself;
        if counted {
            // A holder that was cancelled is waited for until its term ends.
            let stolen = world.now_ms() >= self.opened_ms.get() + policy.revalidate_timeout_ms
                || jumps != Jumps::default();
            world.check(
                self.open.get() == 0 || stolen,
                "an isolate asks once at a time",
                || format!("{} calls are under way", self.open.get()),
            );
            self.open.set(self.open.get() + 1);
            self.opened_ms.set(now_ms);
        }
        Calling {
            open: Rc::clone(&self.open),
            ended: Rc::clone(&self.ended),
            sent_ms: now_ms,
            counted,
        }
    }

    /// An answer about the head, and what it announced.
    pub(crate) fn heard(&self, world: &World, vouched: Vouched, announced: Option<Version>) {
        // A version below the one read last is never read again.
        let held = self.version.get();
        self.vouched
            .borrow_mut()
            .retain(|word| word.version >= held);
        self.remember(vouched);
        if let Some(version) = announced.map(Version::get) {
            self.remember(Vouched {
                version,
                // Unless the reader switched to it before.
                ahead: version > held,
                announced: true,
                terms: Freshness {
                    base: false,
                    ..vouched.terms
                },
                ..vouched
            });
        }
        self.failed.set(None);
        self.heard_last.set(true);
        self.news_ms.set(world.now_ms());
    }

    /// The object itself answered a call that was planned then.
    pub(crate) fn told_itself(&self, planned_ms: u64, jumps: Jumps) {
        if planned_ms >= self.told.get().0 {
            self.told.set((planned_ms, jumps));
        }
    }

    /// Whether a word that was asked for then is news, as far as this clock can tell.
    pub(crate) fn is_news(&self, clock: &Clock, vouched: &Vouched) -> bool {
        let (told_ms, before) = self.told.get();
        let Slack { younger_ms, .. } = vouched.slack;
        let off_ms = clock.jumps().since(before).ahead_ms + younger_ms;
        told_ms == 0 || vouched.sent_ms + off_ms > told_ms
    }

    pub(crate) fn mislead(&self) {
        self.misled.set(true);
    }

    /// Whether clocks that were further apart than they may be ever told it something untrue.
    pub(crate) fn is_misled(&self) -> bool {
        self.misled.get()
    }

    fn remember(&self, vouched: Vouched) {
        let mut all = self.vouched.borrow_mut();
        let mut same = (0..all.len()).filter(|place| all[*place].version == vouched.version);
        if let Some(oldest) = same.next()
            && same.count() + 1 >= REMEMBERED
        {
            all.remove(oldest);
        }
        all.push(vouched);
    }

    /// An answer told what comes next, and so that it comes no earlier than then, in true time.
    pub(crate) fn announced(&self, clock: &Clock, version: Version, earliest_ms: u64) {
        let moment = earliest_ms + clock.jumps().ahead_ms;
        let mut moments = self.moments.borrow_mut();
        let earliest = moments.entry(version.get()).or_insert(moment);
        *earliest = moment.min(*earliest);
    }

    /// What the reader may have switched to by `now_ms`: the words of the version before count for it.
    fn switch(&self, world: &World, clock: &Clock, version: u64) {
        let mut all = self.vouched.borrow_mut();
        if all
            .iter()
            .any(|word| word.version == version && !word.ahead)
        {
            return;
        }
        let moment = self.moments.borrow().get(&version).copied();
        let Some(moment) = moment else { return };
        let now_ms = world.now_ms() + clock.jumps().ahead_ms;
        world.check(
            now_ms >= moment,
            "a pending version never shows early",
            || {
                format!(
                    "version {version} is read {} ms before its moment",
                    moment - now_ms
                )
            },
        );
        world.reach("reader switched by itself");
        // The version before may have been one that it refused: it pauses then.
        self.heard_last.set(false);
        let before: Vec<_> = all
            .iter()
            .filter(|word| word.version < version || word.ahead)
            .copied()
            .collect();
        all.retain(|word| !word.ahead);
        all.extend(before.into_iter().map(|word| Vouched {
            version,
            ahead: false,
            announced: true,
            terms: Freshness {
                base: false,
                ..word.terms
            },
            ..word
        }));
    }

    /// Whether it may hold a version unread that it switched to by itself.
    fn may_have_switched(&self, world: &World, clock: &Clock) -> bool {
        let now_ms = world.now_ms() + clock.jumps().ahead_ms;
        let moments = self.moments.borrow();
        let mut unread = moments.range(self.version.get() + 1..);
        unread.any(|(_, moment)| *moment <= now_ms)
    }

    /// What counts for the version held.
    fn words(&self) -> Vec<Vouched> {
        let all = self.vouched.borrow();
        all.iter().filter(|word| !word.ahead).copied().collect()
    }

    pub(crate) fn failed(&self, world: &World, clock: &Clock) {
        self.heard_last.set(false);
        // Calls that were out together meet one trouble, or were overtaken by its end.
        let last_ms = self.news_ms.replace(world.now_ms());
        if last_ms < self.ended.get() {
            self.failed.set(Some((world.now_ms(), clock.jumps())));
        }
    }

    /// Whether what it holds is fresh however its clock behaved: under the answer that came last, and
    /// under the youngest one should they have overtaken each other.
    pub(crate) fn is_surely_fresh(&self, world: &World, clock: &Clock) -> bool {
        let vouched = self.words();
        let fresh = |word: &Vouched| {
            let oldest_ms = word.oldest_ms(world, clock);
            // Read since: so it was taken in, and the version held is the one it vouches for.
            word.version == self.version.get()
                && !word.announced
                && !word.terms.base
                && oldest_ms < word.terms.ttl_ms
        };
        // Of a newer version that it holds unread, the answer may have been an older one.
        let newer = vouched.iter().any(|word| word.version > self.version.get());
        let youngest = vouched.iter().max_by_key(|word| word.sent_ms);
        !newer
            && !self.may_have_switched(world, clock)
            && youngest.is_some_and(fresh)
            && vouched.last().is_some_and(fresh)
    }

    /// Whether the last call worked, and was not overtaken by a newer answer: no pause is kept then.
    pub(crate) fn is_undisturbed(&self, world: &World, clock: &Clock) -> bool {
        if self.may_have_switched(world, clock) {
            return false;
        }
        let vouched = self.words();
        let newest = vouched.iter().map(|word| word.version).max();
        let last = vouched.last().map(|word| word.version);
        self.heard_last.get() && last == newest && newest == Some(self.version.get())
    }

    /// What it heard, for people.
    pub(crate) fn told(&self) -> String {
        format!("it heard {:?}", self.vouched.borrow())
    }

    /// The TTL that the last answer told; 0 where none came.
    pub(crate) fn told_ttl_ms(&self) -> u64 {
        let last = self.vouched.borrow().last().map(|word| word.terms.ttl_ms);
        last.unwrap_or(0)
    }

    /// Whether what it holds can be expired as its clock shows it. It holds what it last read, or
    /// something newer that it heard of since.
    pub(crate) fn may_be_expired(&self, world: &World, clock: &Clock) -> bool {
        let vouched = self.vouched.borrow();
        let expired = |vouched: &Vouched| {
            let oldest_ms = vouched.oldest_ms(world, clock);
            oldest_ms >= vouched.terms.ttl_ms + vouched.terms.swr_ms
        };
        // Under the terms of any answer: a later one may have brought shorter ones.
        let mut newer = vouched
            .iter()
            .filter(|vouched| vouched.version >= self.version.get());
        newer.any(expired)
    }

    /// Version, content, age and state of a read are true.
    pub(crate) fn check_read(
        &self,
        world: &World,
        ledger: &Ledger,
        clock: &Clock,
        read: &Read<Parsed>,
    ) {
        let mut version = read.version.map_or(0, |version| version.get());
        let is_base = version == 0;
        if is_base && self.version.get() > 0 {
            // The head may hold built-in layers only once more: a newer version, of which each Worker
            // has its own text.
            let words = self.words();
            let based = words.iter().filter(|word| word.terms.base);
            version = based.map(|word| word.version).max().unwrap_or(0);
        }
        let last = self.version.replace(version);
        world.check(
            version >= last,
            "a reader's version never goes down",
            || format!("from {last} to {version}"),
        );
        world.reach(match read.state {
            ReadState::Fresh => "read fresh",
            ReadState::Stale => "read stale",
            ReadState::Expired => "read expired",
            ReadState::Base => "read base",
        });
        if is_base {
            let honest = read.state == ReadState::Base && *read.value == "base";
            world.check(honest, "a base is named as one", || format!("{read:?}"));
            return;
        }
        self.switch(world, clock, version);
        world.check(
            ledger.was_told(version, &read.value),
            "only what was adopted is served",
            || format!("version {version}: {}", read.value),
        );
        let now_ms = world.now_ms();
        let vouched = self.vouched.borrow();
        let honest = vouched.iter().any(|vouched| {
            let (youngest_ms, oldest_ms) = vouched.ages(world, clock);
            vouched.version == version
                && (youngest_ms..=oldest_ms).contains(&read.age_ms)
                && state_of(&vouched.terms, read.age_ms) == read.state
        });
        world.check(honest, "a read's age and state are true", || {
            format!(
                "version {version}, {} ms, {:?}; at {now_ms} it had heard {vouched:?}",
                read.age_ms, read.state
            )
        });
    }
}

fn state_of(terms: &Freshness, age_ms: u64) -> ReadState {
    if terms.base {
        ReadState::Base
    } else if age_ms < terms.ttl_ms {
        ReadState::Fresh
    } else if age_ms < terms.ttl_ms + terms.swr_ms {
        ReadState::Stale
    } else {
        ReadState::Expired
    }
}
