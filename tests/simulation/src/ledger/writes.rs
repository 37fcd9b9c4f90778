//! What operators are told of their writes, and readers of what is to come.

use std::rc::Rc;

use bellwether_core::coordinator::{SnapshotAnswer, Write, WriteAnswer};
use bellwether_core::problem::{Problem, ProblemKind};
use bellwether_core::throttle::DENIALS_A_MINUTE;
use bellwether_core::version::UnixMillis;

use super::books::{Books, number, text};
use super::{Ledger, Waiting};
use crate::host::Host;
use crate::oracle;

const WAITS_AS: &str = "SELECT COUNT(*) FROM pending WHERE version = ?";
const ABOVE: &str = "SELECT COUNT(*) FROM pending WHERE version > ?";
const ANNOUNCED: &str = "SELECT version, hash FROM pending ORDER BY activate_at_ms, id LIMIT 1";

impl Ledger {
    /// A write is sent, maybe more than once.
    pub(crate) fn ordered(&self, write: &Rc<Write>) {
        let mut books = self.0.borrow_mut();
        books.orders.insert(write.actor.clone(), Rc::clone(write));
    }

    /// The changes that wait, the first one first.
    pub(crate) fn pendings(&self) -> Vec<Waiting> {
        let mut pendings = self.0.borrow().model.pendings.clone();
        pendings.sort_by_key(|waiting| (waiting.at_ms, waiting.id));
        pendings
    }

    /// Whether the override in force takes this key away.
    pub(crate) fn takes_away(&self, key: &str) -> bool {
        let books = self.0.borrow();
        let patch = books.model.stack.override_.as_ref();
        patch.is_some_and(|patch| patch.get(key).is_some_and(serde_json::Value::is_null))
    }

    /// Whether a change waits under this number.
    pub(crate) fn waits_as(&self, host: &Host, version: u64) -> bool {
        number(&host.database.query_with(WAITS_AS, version)[0][0]) > 0
    }

    /// A key that the override in force sets or takes away.
    pub(crate) fn overridden(&self) -> Option<String> {
        let books = self.0.borrow();
        let patch = books.model.stack.override_.as_ref()?;
        patch.keys().next().cloned()
    }

    /// The number that readers are told of what comes next.
    pub(crate) fn announced(&self, host: &Host) -> Option<u64> {
        let row = host.database.query(ANNOUNCED);
        row.first().map(|row| number(&row[0]))
    }

    /// An operator is answered.
    pub(crate) fn wrote(&self, host: &Host, write: &Write, answer: &Result<WriteAnswer, Problem>) {
        self.sync(host);
        let world = &host.world;
        let mut books = self.0.borrow_mut();
        let rows = books.rows.get(&write.actor).copied().unwrap_or(0);
        match answer {
            Err(problem) if problem.kind == ProblemKind::StorageRefused => {
                world.check(
                    books.ever_refused,
                    "no write is refused without need",
                    || format!("{problem:?}"),
                );
            }
            _ if write.dry_run => {}
            Err(problem) => {
                world.check(rows > 0, "a refused write has its row", || {
                    format!("{problem:?}")
                });
            }
            Ok(answer) => {
                world.check(rows > 0, "an acknowledged write is there", || {
                    format!("{answer:?}")
                });
                let told = (answer.status, answer.body.to_string());
                let first = books.answers.get(&write.actor);
                let same = first.is_none_or(|first| *first == told);
                let keyed = write.idempotency.is_some();
                world.check(!keyed || same, "the same key is answered the same", || {
                    format!("{told:?}, {first:?} at first")
                });
                if answer.replayed {
                    world.reach("write answered again");
                }
                if keyed {
                    books.answers.entry(write.actor.clone()).or_insert(told);
                }
            }
        }
    }

    /// A write that was turned away is written down, but no more than so many in a minute.
    pub(crate) fn denies(&self, host: &Host, note: impl FnOnce()) {
        self.sync(host);
        let (admitted, rows, refusals) = {
            let mut books = self.0.borrow_mut();
            let admitted = books.admits_denial(host.now());
            (admitted, books.model.audited, books.refusals)
        };
        note();
        if host.doomed.get() {
            return;
        }
        self.sync(host);
        let mut books = self.0.borrow_mut();
        let written = books.model.audited - rows;
        let excused = books.refusals > refusals && written == 0;
        let expected = u64::from(admitted);
        host.world.check(
            excused || written == expected,
            "so many denied writes a minute have their row",
            || format!("{written} rows, expected {expected}"),
        );
        books.count("denied_writes_total", "");
        host.world.reach(if admitted {
            "denied write noted"
        } else {
            "denied write counted"
        });
    }

    /// A version that was asked for ahead of its moment is answered.
    pub(crate) fn answered_ahead(&self, host: &Host, asked: u64, answer: Option<&SnapshotAnswer>) {
        self.sync(host);
        let mut books = self.0.borrow_mut();
        let Some(answer) = answer else {
            host.world.reach("reply: not scheduled");
            return;
        };
        let (version, text) = (answer.head.version.get(), &answer.head.text);
        books.check_announced(host, answer);
        if version == books.model.number() {
            host.world.check(
                version >= asked,
                "an answer ahead is what was asked for",
                || format!("version {version} for {asked}"),
            );
            books.count("snapshot_replies_total", "200");
            return;
        }
        host.world.reach("reply ahead");
        let right = version == asked && books.next_made().is_some_and(|made| *made == **text);
        host.world
            .check(right, "an answer ahead is what was asked for", || {
                format!("version {version} for {asked}: {text}")
            });
        let told = books
            .told_ahead
            .entry(version)
            .or_insert_with(|| Rc::clone(text));
        host.world
            .check(**told == **text, "no number names two contents", || {
                format!("version {version} was announced before")
            });
        books.count("snapshot_replies_total", "200");
    }
}

impl Books {
    fn admits_denial(&mut self, now: UnixMillis) -> bool {
        let minute = self.denied.filter(|(since, _)| {
            // One that a clock left ahead when it was set back is over.
            *since <= now && now.since(*since) < 60_000
        });
        let (since, before) = minute.unwrap_or((now, 0));
        self.denied = Some((since, before + 1));
        before < DENIALS_A_MINUTE
    }

    /// The text that the change whose moment comes first will make, where readers are told of it.
    fn next_made(&self) -> Option<String> {
        let (after, merged) = self.weigh_waiting(self.model.first()?)?;
        let head = self.model.head.as_ref()?;
        let made = oracle::in_order(&merged);
        let tells = made != oracle::in_order(&head.document);
        (tells && after.origin() != "base").then_some(made)
    }

    /// What is written down of what comes next is what it will be.
    pub(super) fn agree_on_announcement(&self, host: &Host) {
        // What storage refuses to write down is made up for at the next event.
        if self.put_off.is_some() || self.trusting || host.doomed.get() {
            return;
        }
        let rows = host.database.query(ANNOUNCED);
        let written = rows.first().filter(|row| number(&row[0]) > 0);
        let written = written.map(|row| text(&row[1]));
        let made = self.next_made().map(|made| oracle::hash_of(&made));
        host.world
            .check(written == made, "what comes next is prepared", || {
                format!("{written:?} is written down, expected {made:?}")
            });
        // Who was told of a number that nothing has any more, and switches, is above the head for good.
        let head = self.model.number();
        let above = number(&host.database.query_with(ABOVE, head)[0][0]);
        let given = self.model.last_version - head;
        host.world
            .check(above == given, "a number that is lost is passed", || {
                format!("{given} were given above version {head}, {above} wait")
            });
    }

    /// What an answer announces is what comes next, and is announced whenever it can be.
    pub(super) fn check_announced(&mut self, host: &Host, answer: &SnapshotAnswer) {
        let next = self.next_made().and(self.model.first());
        let expected = next.map(|next| next.at_ms.saturating_sub(host.now().0));
        let told = answer.pending.map(|pending| pending.in_ms);
        if told != expected && self.put_off.is_some() {
            return;
        }
        if told.is_some() {
            self.put_off = None;
        }
        host.world
            .check(told == expected, "what comes next is announced", || {
                format!("{told:?}, expected {expected:?}")
            });
        let Some(pending) = answer.pending else {
            return;
        };
        let row = host.database.query(ANNOUNCED);
        let stored = row.first().map_or(0, |row| number(&row[0]));
        host.world.check(
            pending.version.get() == stored && stored > self.model.number(),
            "a number is written down before it is announced",
            || format!("{pending:?}, {stored} is written down"),
        );
    }
}
