//! The coordinator's books, kept a second time: what every commit, reply, refresh and counter must
//! agree with.

mod books;
mod replies;

use std::cell::RefCell;

use bellwether_core::guard::Waivers;
use bellwether_core::log::LogRecord;
use bellwether_core::refresh::{Cause, Outcome};
use bellwether_core::version::UnixMillis;

use crate::host::{Deployment, Host};
use crate::oracle;
use books::{Books, Settled};

pub(crate) use books::Version;

#[derive(Default)]
pub(crate) struct Ledger(RefCell<Books>);

impl Ledger {
    /// Compares the database with the books, if something was written since.
    pub(crate) fn sync(&self, host: &Host) {
        if host.database.take_written() {
            self.0.borrow_mut().compare(host);
        }
    }

    /// When the next refresh is due; `None` where storage may not have taken that.
    pub(crate) fn due(&self, host: &Host) -> Option<UnixMillis> {
        let books = self.0.borrow();
        books.due(host).filter(|_| !books.due_only_in_memory)
    }

    /// Whether the built-in layers hold any key.
    pub(crate) fn has_base(&self) -> bool {
        !self.0.borrow().base.is_empty()
    }

    /// The version that is the head now; `None` before the first.
    pub(crate) fn head(&self) -> Option<Version> {
        self.0.borrow().head.clone()
    }

    /// Whether this version was adopted with this text, whenever that was.
    pub(crate) fn was_adopted(&self, version: u64, text: &str) -> bool {
        let books = self.0.borrow();
        books
            .versions
            .get(&version)
            .is_some_and(|adopted| **adopted == *text)
    }

    pub(crate) fn deployed(&self, deployment: &Deployment) {
        self.0.borrow_mut().bases.push(base_of(deployment));
    }

    /// What was durable can no longer be lost.
    pub(crate) fn flushed(&self, host: &Host) {
        self.sync(host);
        let mut books = self.0.borrow_mut();
        books.acknowledged = books.head.as_ref().map_or(0, |head| head.number);
        books.durable_counts = books.counts;
    }

    pub(crate) fn storage_refused(&self) {
        let mut books = self.0.borrow_mut();
        books.storage_refused = true;
        books.due_only_in_memory = true;
    }

    /// The object died: whatever was acknowledged is there, the rest wholly or not at all.
    pub(crate) fn reopen(&self, host: &Host) {
        host.database.take_written();
        let mut books = self.0.borrow_mut();
        if books.bases.is_empty() {
            books.bases.push(base_of(&host.deployment.borrow()));
        }
        books.settled = None;
        books.storage_refused = false;
        books.due_only_in_memory = false;
        books.last_settled = None;
        books.told.clear();
        books.counts = books.durable_counts;
        books.resync(host);
    }

    /// A life of the object begins.
    pub(crate) fn opened(&self, host: &Host) {
        let mut books = self.0.borrow_mut();
        if books.bases.is_empty() {
            books.bases.push(base_of(&host.deployment.borrow()));
        }
        drop(books);
        self.sync(host);
        self.0.borrow_mut().begin_life(host);
    }

    /// The source is about to be asked.
    pub(crate) fn pulls(&self, host: &Host) {
        self.sync(host);
        let world = &host.world;
        let excused = host.alarm_excused.get() || host.alarm_calls.get() > 0;
        world.check(
            excused || host.alarm.get().is_some(),
            "the alarm is armed before the source is asked",
            || "no alarm stands".to_owned(),
        );
        let books = self.0.borrow();
        let begun = books.storage_refused || books.is_begun(host);
        world.check(
            begun,
            "a refresh is written down before the source is asked",
            || "the schedule does not tell of it".to_owned(),
        );
        if let Some((settled_ms, jumps)) = books.last_settled
            && jumps == host.jumps()
            && host.reloads.borrow().is_empty()
        {
            let since_ms = world.now_ms() - settled_ms;
            let (shortest_ms, _) =
                oracle::delays(&host.deployment.borrow().settings, books.failures);
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
            .fold(Waivers::default(), |all, (_, waivers)| all.union(*waivers));
        let mut books = self.0.borrow_mut();
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
            Some("reload") => reloads
                .iter()
                .any(|(operator, _)| actor == format!("operator-{operator}")),
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
        let version = record.version.map_or(0, bellwether_core::Version::get);
        books.told.push((outcome, version));
        books.last_settled = Some((world.now_ms(), host.jumps()));
        books.settled = Some(Settled {
            outcome,
            source: ending.and_then(|ending| ending.2.clone()),
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
