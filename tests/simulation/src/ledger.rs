//! The coordinator's books, kept a second time: what every commit, reply, refresh and counter must
//! agree with.

mod books;
mod follow;
mod lives;
mod model;
mod replies;
mod writes;

use std::cell::RefCell;

use bellwether_core::coordinator::RETRY_MS;
use bellwether_core::guard::Waivers;
use bellwether_core::log::LogRecord;
use bellwether_core::refresh::{Cause, Outcome};
use bellwether_core::schedule::REOPEN_AFTER_MS;
use bellwether_core::version::UnixMillis;

use crate::host::{Deployment, Host};
use crate::oracle;
use crate::upstream::Answered;
use books::{Books, Settled};

pub(crate) use model::{Version, Waiting};

#[derive(Default)]
pub(crate) struct Ledger(RefCell<Books>);

impl Ledger {
    /// Compares the database with the books, if something was written since.
    pub(crate) fn sync(&self, host: &Host) {
        if host.database.take_written() {
            let mut books = self.0.borrow_mut();
            books.compare(host);
            books.is_durable = false;
        }
    }

    /// Whether an alarm must stand, and how late it may be; `None` where storage may not have taken
    /// what is due.
    pub(crate) fn wanted_alarm(&self, host: &Host) -> (bool, Option<UnixMillis>) {
        let books = self.0.borrow();
        let first = books.model.first().map(|first| UnixMillis(first.at_ms));
        // What storage refused at its moment is tried again a little later.
        let first = first.map(|at| match books.put_off {
            Some(refused) => at.max(refused.plus(RETRY_MS)),
            None => at,
        });
        let refreshes = host.deployment.borrow().has_source() && !books.model.paused;
        let due = books.due(host).filter(|_| !books.due_only_in_memory);
        let latest = [due, first].into_iter().flatten().min();
        (refreshes || first.is_some(), latest)
    }

    /// Whether the built-in layers hold any key.
    pub(crate) fn has_base(&self) -> bool {
        !self.0.borrow().model.base.is_empty()
    }

    /// The interval in force: the setting's, or an operator's.
    pub(crate) fn interval_ms(&self, host: &Host) -> u64 {
        let set = self.0.borrow().model.interval_ms;
        set.unwrap_or(host.deployment.borrow().settings.refresh_interval_ms)
    }

    /// The version that is the head now; `None` before the first.
    pub(crate) fn head(&self) -> Option<Version> {
        self.0.borrow().model.head.clone()
    }

    /// How long the head has been the head, in true time.
    pub(crate) fn head_age_ms(&self, host: &Host) -> u64 {
        host.world.now_ms() - self.0.borrow().head_since_ms
    }

    /// Whether this version was adopted with this text, or announced with it, whenever that was.
    pub(crate) fn was_told(&self, version: u64, text: &str) -> bool {
        let books = self.0.borrow();
        let told = [books.versions.get(&version), books.told_ahead.get(&version)];
        told.into_iter().flatten().any(|told| **told == *text)
    }

    pub(crate) fn deployed(&self, deployment: &Deployment) {
        self.0.borrow_mut().bases.push(base_of(deployment));
    }

    /// What an earlier code left is taken as it is.
    pub(crate) fn inherit(&self, host: &Host) {
        host.database.take_written();
        let mut books = self.0.borrow_mut();
        books.inherit(host);
    }

    /// What was durable can no longer be lost.
    pub(crate) fn flushed(&self, host: &Host) {
        self.sync(host);
        let mut books = self.0.borrow_mut();
        books.make_durable();
    }

    pub(crate) fn storage_refused(&self, host: &Host) {
        let mut books = self.0.borrow_mut();
        books.storage_refused = true;
        books.due_only_in_memory = true;
        books.put_off = Some(host.now());
        books.ever_refused = true;
        books.refusals += 1;
    }

    /// The object died: whatever was acknowledged is there, the rest wholly or not at all.
    pub(crate) fn reopen(&self, host: &Host, kept: bool) {
        host.database.take_written();
        let mut books = self.0.borrow_mut();
        books.settled = None;
        books.storage_refused = false;
        books.due_only_in_memory = false;
        books.put_off = None;
        books.ever_refused = false;
        books.denied = None;
        books.last_settled = None;
        books.told.clear();
        books.counts = books.durable_counts;
        books.is_durable = false;
        books.resync(host, kept);
        if kept {
            books.make_durable();
        }
        let Some(first) = books.model.first() else {
            return;
        };
        // What was due and met a refusal, of the object to be opened even, is tried again later.
        let soon = host
            .alarm_set_at
            .get()
            .max(host.now())
            .plus(REOPEN_AFTER_MS);
        let latest = soon.max(UnixMillis(first.at_ms));
        let stands = host.alarm.get().is_some_and(|alarm| alarm <= latest);
        host.world.check(
            stands || host.alarm_excused.get(),
            "a pending change has an alarm",
            || format!("{:?} stands, {first:?} is first", host.alarm.get()),
        );
    }

    /// A life of the object begins.
    pub(crate) fn opens(&self, host: &Host) {
        let mut books = self.0.borrow_mut();
        books.start_with(host);
    }

    /// The object was opened.
    pub(crate) fn opened(&self, host: &Host) {
        self.sync(host);
        self.0.borrow_mut().begin_life(host);
    }

    /// The source is about to be asked.
    pub(crate) fn pulls(&self, host: &Host) {
        self.sync(host);
        let world = &host.world;
        let excused = host.alarm_excused.get() || host.alarm_calls.get() > 0;
        let (wanted, _) = self.wanted_alarm(host);
        world.check(
            excused || !wanted || host.alarm.get().is_some(),
            "the alarm is armed before the source is asked",
            || "no alarm stands".to_owned(),
        );
        let books = self.0.borrow();
        let begun = books.storage_refused || books.begun(host) > 0;
        world.check(
            begun,
            "a refresh is written down before the source is asked",
            || "the schedule does not tell of it".to_owned(),
        );
        world.check(
            !(books.began_paused && books.model.paused)
                || books.storage_refused
                || !host.reloads.borrow().is_empty(),
            "a pause holds",
            || "the source is asked".to_owned(),
        );
        if let Some((settled_ms, jumps)) = books.last_settled
            && jumps == host.jumps()
            && host.reloads.borrow().is_empty()
        {
            let since_ms = world.now_ms() - settled_ms;
            let (shortest_ms, _) = books.delays(host, books.failures);
            world.check(since_ms >= shortest_ms, "source calls keep their pace", || {
                format!("{since_ms} ms after the last one, after {} failures; expected {shortest_ms} or more", books.failures)
            });
        }
    }

    /// A refresh was settled, as its log line tells.
    pub(crate) fn settles(&self, host: &Host, record: &LogRecord<'_>) {
        let world = &host.world;
        let answered = host.answered.take();
        let reloads = host.reloads.borrow();
        let waived = reloads
            .iter()
            .fold(Waivers::default(), |all, reload| all.union(reload.waivers));
        let mut books = self.0.borrow_mut();
        // What became due meanwhile came first.
        for row in books.news(host) {
            if row.is_refresh() {
                break;
            }
            books.follow(host, &row);
        }
        let outcome = record
            .outcome
            .and_then(Outcome::parse)
            .unwrap_or(Outcome::Failed);
        let cause = if outcome == Outcome::Failed {
            record.cause.unwrap_or("")
        } else {
            ""
        };
        let mut endings: Vec<_> = match &answered {
            _ if host.deployment.borrow().is_unusable() => {
                vec![(Outcome::Failed, Some(Cause::Settings), None)]
            }
            None => vec![(Outcome::Failed, Some(Cause::Timeout), None)],
            Some(answered) => {
                let held = books.held();
                // A reload that was handed over may not have joined this refresh in time.
                let one_by_one = [(false, false), (true, false), (false, true), (true, true)];
                let subsets = one_by_one.map(|(empty_document, key_loss)| Waivers {
                    empty_document: empty_document && waived.empty_document,
                    key_loss: key_loss && waived.key_loss,
                });
                subsets
                    .map(|waivers| oracle::ending(answered, &held, waivers))
                    .into()
            }
        };
        endings.dedup();
        let told = |ending: &&oracle::Ending| {
            ending.0 == outcome && ending.1.map_or("", Cause::as_str) == cause
        };
        let ending = endings.iter().find(told);
        let storage = books.storage_refused && cause == Cause::Storage.as_str();
        world.check(
            ending.is_some() || storage,
            "a refresh ends as it must",
            || {
                format!(
                    "{} {cause}; expected one of {endings:?} for {answered:?}",
                    outcome.as_str()
                )
            },
        );
        let actor = record.actor.unwrap_or_default();
        let known = match record.trigger {
            Some("reload") => reloads.iter().any(|reload| actor == reload.actor),
            trigger => trigger == Some(actor),
        };
        world.check(known, "a refresh names who asked for it", || {
            format!("{actor} by {:?}", record.trigger)
        });
        world.reach(reached(outcome, cause));
        books.failures = if outcome == Outcome::Failed {
            books.failures + 1
        } else {
            0
        };
        books.count("refreshes_total", outcome.as_str());
        if !host.deployment.borrow().is_unusable() {
            books.count("source_calls_total", "");
        }
        if outcome == Outcome::Failed {
            books.count("source_errors_total", cause);
        }
        if outcome == Outcome::Adopted {
            books.count("adoptions_total", "");
        }
        books.due_only_in_memory = books.storage_refused;
        let source = ending.and_then(|ending| ending.2.clone());
        if outcome == Outcome::Unchanged
            && let Some(source) = &source
        {
            books.model.pulled = Some(oracle::hash(source));
            books.model.stack.source = Some(source.clone());
            books.model.base = books.started_with.clone();
        }
        books.refused = match &answered {
            Some(Answered::Document(document)) if outcome == Outcome::Rejected => {
                Some(oracle::hash(document))
            }
            _ => None,
        };
        let version = record.version.map_or(0, bellwether_core::Version::get);
        books.told.push((outcome, version));
        books.last_settled = Some((world.now_ms(), host.jumps()));
        books.settled = Some(Settled {
            outcome,
            source,
            actor: actor.to_owned(),
            trigger: record.trigger.unwrap_or_default().to_owned(),
            now: host.now(),
            stored: !books.storage_refused,
        });
        books.storage_refused = false;
    }
}

fn base_of(deployment: &Deployment) -> bellwether_core::Object {
    let built_in = &deployment.built_in;
    oracle::merged(&[&built_in.defaults, &built_in.vars])
}

fn reached(outcome: Outcome, cause: &str) -> &'static str {
    match (outcome, cause) {
        (Outcome::Adopted, _) => "refresh adopted",
        (Outcome::Unchanged, _) => "refresh unchanged",
        (Outcome::Held, _) => "refresh held",
        (Outcome::Rejected, _) => "refresh rejected",
        (Outcome::Missing, _) => "refresh missing",
        (Outcome::Failed, "timeout") => "refresh failed: timeout",
        (Outcome::Failed, "storage") => "refresh failed: storage",
        (Outcome::Failed, "protocol") => "refresh failed: protocol",
        (Outcome::Failed, "settings") => "refresh failed: settings",
        (Outcome::Failed, _) => "refresh failed: source",
    }
}
