//! The books themselves, and how they compare with the database.

use std::collections::BTreeMap;
use std::rc::Rc;

use bellwether_core::document::Object;
use bellwether_core::guard::Waivers;
use bellwether_core::refresh::Outcome;
use bellwether_core::sql::Column;
use bellwether_core::version::UnixMillis;
use serde_json::{Map, Value};

use crate::host::Host;
use crate::oracle::{self, Held};
use crate::upstream::Answered;
use crate::world::{Jumps, World};

const HEAD: &str =
    "SELECT version, hash, document, origin FROM versions ORDER BY version DESC LIMIT 1";
const BASE: &str = "SELECT document FROM layers WHERE layer = 'base'";
const SOURCE: &str = "SELECT document FROM layers WHERE layer = 'source'";
const AUDIT: &str = "SELECT h.version, h.actor, h.action, h.reason, a.version_before, a.version_after \
    FROM (SELECT * FROM audit WHERE outcome = 'adopted' ORDER BY id DESC LIMIT 1) a \
    JOIN history h ON h.version = a.version_after";
const SCHEDULE: &str = "SELECT refresh_due_ms, consecutive_failures, unsettled FROM schedule";
const COUNTERS: &str = "SELECT name, label, value FROM counters";
const COUNTED: &str = "SELECT COALESCE(SUM(value), 0) FROM counters";
const TABLES: &str = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'control'";

/// An adopted version.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) number: u64,
    pub(crate) hash: String,
    pub(crate) text: Rc<str>,
    pub(crate) document: Object,
    pub(crate) is_base: bool,
}

/// A refresh as it was told, to be found in the database.
pub(super) struct Settled {
    pub(super) outcome: Outcome,
    pub(super) source: Option<Object>,
    pub(super) actor: String,
    pub(super) trigger: String,
    pub(super) now: UnixMillis,
    /// Whether storage took everything.
    pub(super) stored: bool,
}

#[derive(Default)]
pub(super) struct Books {
    pub(super) head: Option<Version>,
    pub(super) base: Object,
    pub(super) source: Option<Object>,
    pub(super) versions: BTreeMap<u64, Rc<str>>,
    /// What the built-in layers were, deploy by deploy.
    pub(super) bases: Vec<Object>,
    /// The built-in layers that this life of the object began with.
    started_with: Object,
    pub(super) acknowledged: u64,
    audited: u64,
    /// The sum of all counters, now and when it was last durable.
    pub(super) counts: u64,
    pub(super) durable_counts: u64,
    pub(super) settled: Option<Settled>,
    pub(super) failures: u64,
    /// Since the last refresh was settled.
    pub(super) storage_refused: bool,
    pub(super) due_only_in_memory: bool,
    /// How refreshes of this life ended, and with which version.
    pub(super) told: Vec<(Outcome, u64)>,
    /// When the last refresh of this life was settled, in true time, and the clock's jumps until then.
    pub(super) last_settled: Option<(u64, Jumps)>,
    counted_before: BTreeMap<(String, String), u64>,
    counted: BTreeMap<(&'static str, String), u64>,
}

impl Books {
    pub(super) fn count(&mut self, name: &'static str, label: &str) {
        *self.counted.entry((name, label.to_owned())).or_insert(0) += 1;
    }

    /// Every commit of a living object: at most one step of the version, with its audit row, and
    /// the head is what its layers make.
    pub(super) fn compare(&mut self, host: &Host) {
        let world = &host.world;
        if number(&host.database.query(TABLES)[0][0]) == 0 {
            return;
        }
        let before = self.head.as_ref().map_or(0, |head| head.number);
        self.read(host);
        let Some(head) = self.head.clone() else {
            world.check(before == 0, "the head is never lost", || {
                "there is none".to_owned()
            });
            return;
        };
        world.check(head.number >= before, "versions only grow", || {
            format!("from {before} to {}", head.number)
        });
        world.check(
            head.number <= before + 1,
            "a commit makes one version",
            || format!("from {before} to {}", head.number),
        );
        self.check_audit(host, before, head.number);
        let settled = self.settled.take();
        if let Some(settled) = &settled {
            self.check_settled(host, settled, before, head.number);
        } else {
            let unreadable = host.deployment.borrow().built_in.unreadable;
            let explained = match self.audit_action(host).as_str() {
                _ if head.number == before => true,
                "bootstrap" => before == 0,
                "deploy" => !unreadable,
                _ => false,
            };
            world.check(explained, "a version has its cause", || {
                format!("version {}", head.number)
            });
        }
        let counts = number(&host.database.query(COUNTED)[0][0]);
        world.check(counts >= self.counts, "counters never shrink", || {
            format!("from {} to {counts}", self.counts)
        });
        self.counts = counts;
        let made = oracle::merged(&[&self.base, self.source.as_ref().unwrap_or(&Object::new())]);
        world.check(
            made == head.document,
            "the head is what its layers make",
            || format!("{} of {:?} and {:?}", head.text, self.base, self.source),
        );
        let known = self.bases.contains(&self.base) || self.base.is_empty();
        world.check(known, "the base is the built-in layers", || {
            format!("{:?}", self.base)
        });
    }

    /// After a death: everything acknowledged is there.
    pub(super) fn resync(&mut self, host: &Host) {
        let world = &host.world;
        if number(&host.database.query(TABLES)[0][0]) == 0 {
            *self = Self {
                bases: std::mem::take(&mut self.bases),
                ..Self::default()
            };
            return;
        }
        self.read(host);
        let number_now = self.head.as_ref().map_or(0, |head| head.number);
        world.check(
            number_now >= self.acknowledged,
            "an acknowledged write survives",
            || {
                format!(
                    "version {} was acknowledged, the head is {number_now}",
                    self.acknowledged
                )
            },
        );
        // What nobody saw never was.
        self.versions.split_off(&(number_now + 1));
        self.audited = host
            .database
            .query(AUDIT)
            .first()
            .map_or(0, |row| number(&row[0]));
        self.counts = number(&host.database.query(COUNTED)[0][0]);
        world.check(
            self.counts >= self.durable_counts,
            "counters survive",
            || format!("from {} to {}", self.durable_counts, self.counts),
        );
    }

    pub(super) fn begin_life(&mut self, host: &Host) {
        let unreadable = host.deployment.borrow().built_in.unreadable;
        let deployed = self.bases.last().filter(|_| !unreadable);
        self.started_with = deployed.unwrap_or(&self.base).clone();
        self.failures = host
            .database
            .query(SCHEDULE)
            .first()
            .map_or(0, |row| number(&row[1]));
        self.counted.clear();
        let rows = host.database.query(COUNTERS).into_iter();
        self.counted_before = rows
            .map(|row| ((text(&row[0]), text(&row[1])), number(&row[2])))
            .collect();
    }

    /// What status tells is what was stored before this life and what happened in it.
    pub(super) fn compare_counters(&self, host: &Host, told: &Map<String, Value>) {
        let labels = [
            (
                "refreshes_total",
                &["adopted", "unchanged", "rejected", "missing", "failed"][..],
            ),
            ("snapshot_replies_total", &["200", "304"]),
            (
                "source_errors_total",
                &[
                    "timeout", "network", "status", "protocol", "storage", "settings",
                ],
            ),
            ("source_calls_total", &[""]),
            ("adoptions_total", &[""]),
        ];
        for (name, labels) in labels {
            for label in labels {
                let total = told.get(name);
                let total = if label.is_empty() {
                    total
                } else {
                    total.and_then(|all| all.get(*label))
                };
                let total = total.and_then(Value::as_u64).unwrap_or(0);
                let before = self
                    .counted_before
                    .get(&(name.to_owned(), (*label).to_owned()));
                let since = self.counted.get(&(name, (*label).to_owned()));
                let sum = before.unwrap_or(&0) + since.unwrap_or(&0);
                host.world
                    .check(total == sum, "counters agree with events", || {
                        format!("{name} {label}: {total} told, {sum} counted")
                    });
            }
        }
    }

    /// When the next refresh is due, as it is stored.
    pub(super) fn due(&self, host: &Host) -> Option<UnixMillis> {
        let row = host.database.query(SCHEDULE).into_iter().next()?;
        Some(UnixMillis(number(&row[0])))
    }

    /// Whether the schedule tells of a refresh that is not settled.
    pub(super) fn is_begun(&self, host: &Host) -> bool {
        let row = host.database.query(SCHEDULE).into_iter().next();
        row.is_some_and(|row| number(&row[2]) > 0)
    }

    /// What a refresh is weighed against.
    pub(super) fn held(&self) -> Held<'_> {
        Held {
            base: &self.started_with,
            source: self.source.as_ref(),
            head: self.head.as_ref().map_or(&self.base, |head| &head.document),
            head_is_base: self.head.as_ref().is_none_or(|head| head.is_base),
        }
    }

    /// Whether the document is refused, rightly: the head stays then.
    pub(super) fn is_refused(&self, document: &Object) -> bool {
        let held = self.held();
        let answered = Answered::Document(document.clone());
        oracle::ending(&answered, &held, Waivers::default()).0 == Outcome::Rejected
    }

    fn read(&mut self, host: &Host) {
        let database = &host.database;
        self.head = database.query(HEAD).into_iter().next().map(|row| {
            let text_now: Rc<str> = text(&row[2]).into();
            Version {
                number: number(&row[0]),
                hash: text(&row[1]),
                document: object(&host.world, &text_now),
                text: text_now,
                is_base: text(&row[3]) == "base",
            }
        });
        if let Some(head) = &self.head {
            let known = self
                .versions
                .entry(head.number)
                .or_insert_with(|| Rc::clone(&head.text));
            if **known != *head.text {
                host.world.violated(
                    "a snapshot is immutable",
                    format!("version {}", head.number),
                );
            }
        }
        let layer = |statement| {
            let row = database.query(statement).into_iter().next();
            row.map(|row| object(&host.world, &text(&row[0])))
        };
        self.base = layer(BASE).unwrap_or_default();
        self.source = layer(SOURCE);
    }

    fn audit_action(&self, host: &Host) -> String {
        host.database
            .query(AUDIT)
            .first()
            .map_or_else(String::new, |row| text(&row[2]))
    }

    fn check_audit(&mut self, host: &Host, before: u64, after: u64) {
        let row = host.database.query(AUDIT).into_iter().next();
        let id = row.as_ref().map_or(0, |row| number(&row[0]));
        let expected = self.audited + u64::from(after > before);
        host.world
            .check(id == expected, "every adoption has one audit row", || {
                format!("{id} rows, expected {expected}")
            });
        self.audited = id;
        if let Some(row) = row.filter(|_| after > before) {
            let told = (number(&row[4]), number(&row[5]));
            host.world.check(
                told == (before, after),
                "the audit agrees with what happened",
                || {
                    format!(
                        "from {} to {}; it was from {before} to {after}",
                        told.0, told.1
                    )
                },
            );
            let actor = text(&row[1]);
            let reason = actor.replace("operator-", "reason-");
            let right = if actor.starts_with("operator-") {
                text(&row[3]) == reason
            } else {
                row[3] == Column::Null
            };
            host.world
                .check(right, "the audit agrees with what happened", || {
                    format!("{actor}: {:?}", row[3])
                });
        }
    }

    fn check_settled(&self, host: &Host, settled: &Settled, before: u64, after: u64) {
        let world = &host.world;
        let adopted = settled.outcome == Outcome::Adopted;
        world.check(
            after == before + u64::from(adopted),
            "a refresh is stored as it ended",
            || {
                format!(
                    "{} led from version {before} to {after}",
                    settled.outcome.as_str()
                )
            },
        );
        if let Some(source) = &settled.source {
            world.check(
                self.source.as_ref() == Some(source),
                "a refresh is stored as it ended",
                || format!("the source layer is {:?}, expected {source:?}", self.source),
            );
        }
        if adopted {
            let row = &host.database.query(AUDIT)[0];
            let told = (text(&row[1]), text(&row[2]));
            world.check(
                told.0 == settled.actor && told.1 == settled.trigger,
                "the audit agrees with what happened",
                || format!("{told:?}; it was {} by {}", settled.actor, settled.trigger),
            );
        }
        if !settled.stored {
            return;
        }
        let row = &host.database.query(SCHEDULE)[0];
        let (due, failures, unsettled) = (number(&row[0]), number(&row[1]), number(&row[2]));
        world.check(
            (failures, unsettled) == (self.failures, 0),
            "the schedule counts the failures",
            || {
                format!(
                    "{failures} failures and {unsettled} unsettled; there were {}",
                    self.failures
                )
            },
        );
        let (shortest, longest) = oracle::delays(&host.deployment.borrow().settings, failures);
        let delay = due.saturating_sub(settled.now.0);
        world.check(
            (shortest..=longest).contains(&delay),
            "the next refresh is due in time",
            || format!("in {delay} ms after {failures} failures; expected {shortest} to {longest}"),
        );
    }
}

fn number(column: &Column) -> u64 {
    match column {
        Column::Integer(value) => u64::try_from(*value).unwrap_or(0),
        _ => 0,
    }
}

fn text(column: &Column) -> String {
    match column {
        Column::Text(text) => text.clone(),
        _ => String::new(),
    }
}

fn object(world: &World, text: &str) -> Object {
    serde_json::from_str(text).unwrap_or_else(|_| {
        world.violated("nothing invalid is ever stored", text.to_owned());
        Object::new()
    })
}
