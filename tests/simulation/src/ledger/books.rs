//! The books themselves, and how they compare with the database.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use bellwether_core::coordinator::{Change, POSTPONE_MS, Write};
use bellwether_core::document::Object;
use bellwether_core::guard::Waivers;
use bellwether_core::refresh::Outcome;
use bellwether_core::sql::Column;
use bellwether_core::version::UnixMillis;
use serde_json::{Map, Value};

use super::model::Model;
use crate::host::{Host, SLOWEST_STORAGE_MS};
use crate::oracle::{self, Held};
use crate::upstream::Answered;
use crate::world::{Jumps, World};

pub(super) const LAYERS: &str = "SELECT layer, document FROM layers";
pub(super) const HEAD: &str =
    "SELECT version, hash, document, origin FROM versions ORDER BY version DESC LIMIT 1";
const CONTROL: &str = "SELECT last_version, pulled_hash, pinned_to, paused, refresh_interval_ms, \
    override_by FROM control";
const PENDINGS: &str = "SELECT id, activate_at_ms, kind, actor, rollback_of, refused FROM pending";
const KEPT: &str = "SELECT version, adopted_at_ms FROM history ORDER BY version";
const KEPT_DOCUMENTS: &str = "SELECT version FROM versions ORDER BY version";
pub(super) const SCHEDULE: &str =
    "SELECT refresh_due_ms, consecutive_failures, unsettled FROM schedule";
pub(super) const COUNTERS: &str = "SELECT name, label, value FROM counters";
pub(super) const COUNTED: &str = "SELECT COALESCE(SUM(value), 0) FROM counters";
pub(super) const TABLES: &str = "SELECT COUNT(*) FROM sqlite_schema WHERE name = ";

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

/// Layers and control as they are stored.
pub(super) struct Stored {
    pub(super) base: Object,
    pub(super) source: Option<Object>,
    override_: Option<Object>,
    pulled: Option<String>,
}

#[derive(Default)]
pub(super) struct Books {
    pub(super) model: Model,
    /// The same when it was last durable.
    pub(super) durable: Model,
    /// Nothing was written since.
    pub(super) is_durable: bool,
    /// Every version that was adopted.
    pub(super) versions: BTreeMap<u64, Rc<str>>,
    /// What readers were told of versions ahead of their moment.
    pub(super) told_ahead: BTreeMap<u64, Rc<str>>,
    /// The versions in the database, as of the last step, and the newest of them.
    pub(super) kept: BTreeSet<u64>,
    pub(super) kept_up_to: u64,
    /// Every write that was sent, by its actor, and how many rows of the audit tell of it.
    pub(super) orders: BTreeMap<String, Rc<Write>>,
    pub(super) rows: BTreeMap<String, u64>,
    /// Whose rows may still be lost.
    fresh_rows: Vec<String>,
    /// What the first answer to a key was.
    pub(super) answers: BTreeMap<String, (u16, String)>,
    /// What the built-in layers were, deploy by deploy.
    pub(super) bases: Vec<Object>,
    /// The built-in layers that this life of the object began with.
    pub(super) started_with: Object,
    /// The sum of all counters, now and when it was last durable.
    pub(super) counts: u64,
    pub(super) durable_counts: u64,
    pub(super) settled: Option<Settled>,
    pub(super) failures: u64,
    /// The document that the last refresh refused, beside what was held then.
    pub(super) refused: Option<String>,
    /// Since the last refresh was settled.
    pub(super) storage_refused: bool,
    pub(super) due_only_in_memory: bool,
    /// When storage last refused: what was due then is tried again a little later.
    pub(super) put_off: Option<UnixMillis>,
    /// Whether it ever did in this life, and how often it did in all.
    pub(super) ever_refused: bool,
    pub(super) refusals: u64,
    /// The minute of this life in which writes were last turned away, and how many were.
    pub(super) denied: Option<(UnixMillis, u32)>,
    /// After a death: some of what is there was never told.
    pub(super) trusting: bool,
    /// A version was adopted in this step.
    pub(super) adopted_now: bool,
    /// Since when the head is the head, in true time.
    pub(super) head_since_ms: u64,
    /// The refresh under way began while the schedule stood still.
    pub(super) began_paused: bool,
    /// When the pause was set, in true time.
    pub(super) paused_ms: u64,
    pub(super) unsettled: u64,
    pub(super) deaths: u64,
    /// The tables of today are there.
    pub(super) migrated: bool,
    /// How refreshes of this life ended, and with which version.
    pub(super) told: Vec<(Outcome, u64)>,
    /// When the last refresh of this life was settled, in true time, and the clock's jumps until then.
    pub(super) last_settled: Option<(u64, Jumps)>,
    pub(super) counted_before: BTreeMap<(String, String), u64>,
    pub(super) counted: BTreeMap<(&'static str, String), u64>,
}

impl Books {
    pub(super) fn count(&mut self, name: &'static str, label: &str) {
        *self.counted.entry((name, label.to_owned())).or_insert(0) += 1;
    }

    /// One more row of the audit tells of this actor; how many do.
    pub(super) fn count_row(&mut self, actor: &str) -> u64 {
        self.fresh_rows.push(actor.to_owned());
        let rows = self.rows.entry(actor.to_owned()).or_insert(0);
        *rows += 1;
        *rows
    }

    /// What was not durable never was.
    pub(super) fn lose_rows(&mut self) {
        for actor in std::mem::take(&mut self.fresh_rows) {
            if let Some(rows) = self.rows.get_mut(&actor) {
                *rows -= 1;
            }
        }
        self.rows.retain(|_, rows| *rows > 0);
    }

    /// What is there now can no longer be lost.
    pub(super) fn make_durable(&mut self) {
        if !self.is_durable {
            self.durable = self.model.clone();
            self.fresh_rows.clear();
            self.is_durable = true;
        }
        self.durable_counts = self.counts;
    }

    /// Every commit of a living object: each row of the audit makes what it must make, and all that
    /// is stored is what they made together.
    pub(super) fn compare(&mut self, host: &Host) {
        self.migrated = self.migrated || has(host, "control");
        if !self.migrated {
            return;
        }
        self.adopted_now = false;
        let rows = self.news(host);
        let quiet = rows.is_empty();
        for row in rows {
            self.follow(host, &row);
        }
        let settled = self.settled.take();
        self.agree(host, quiet);
        if let Some(settled) = &settled {
            self.check_settled(host, settled);
        }
        // A refresh drops what is old even where it tells nothing new, and a death brings it back.
        if !quiet || settled.is_some() || self.trusting {
            self.check_kept(host);
        }
        let counts = number(&host.database.query(COUNTED)[0][0]);
        host.world
            .check(counts >= self.counts, "counters never shrink", || {
                format!("from {} to {counts}", self.counts)
            });
        self.counts = counts;
        let begun = self.begun(host);
        if begun > self.unsettled {
            // One that was started just before the pause goes on.
            let since_ms = host.world.now_ms() - self.paused_ms;
            let long_ago = since_ms > 2 * SLOWEST_STORAGE_MS;
            self.began_paused = self.model.paused && long_ago && !self.trusting;
        }
        self.unsettled = begun;
    }

    /// The books and the database say the same.
    fn agree(&mut self, host: &Host, quiet: bool) {
        let world = &host.world;
        let head = host.database.query(HEAD);
        let Some(head) = head.first() else {
            world.check(self.model.number() == 0, "the head is never lost", || {
                "there is none".to_owned()
            });
            return;
        };
        let told = self.model.head.as_ref();
        world.check(
            told.is_some_and(|told| {
                told.number == number(&head[0]) && *told.text == *text(&head[2])
            }),
            "a version has its cause",
            || {
                format!(
                    "version {} is there; the audit tells of {told:?}",
                    number(&head[0])
                )
            },
        );
        let stored = self.stored(host);
        if self.trusting {
            self.model.stack.source = stored.source.clone();
            // What an earlier code left has none until it is opened.
            if !host.database.query(CONTROL).is_empty() {
                self.model.pulled = stored.pulled.clone();
            }
        }
        if stored.base != self.model.base {
            let known = stored.base == self.started_with || self.trusting;
            world.check(known, "the base is the built-in layers", || {
                format!("{:?}", stored.base)
            });
            self.model.base = stored.base;
        }
        let known = self.bases.contains(&self.model.base) || self.model.base.is_empty();
        world.check(known, "the base is the built-in layers", || {
            format!("{:?}", self.model.base)
        });
        let model = &self.model;
        let layers = (&stored.source, &stored.override_);
        let expected = (&model.stack.source, &model.stack.override_);
        world.check(
            layers == expected,
            "the layers are what was written",
            || format!("{layers:?}, expected {expected:?}"),
        );
        let made = model.stack.on(&model.base);
        world.check(
            told.is_none_or(|head| made == head.document),
            "the head is what its layers make",
            || {
                format!(
                    "{:?} of {:?} and {:?}",
                    told.map(|head| &head.text),
                    model.base,
                    model.stack
                )
            },
        );
        self.agree_on_control(host, &stored.pulled);
        self.agree_on_pendings(host, quiet);
        self.agree_on_announcement(host);
    }

    fn agree_on_control(&mut self, host: &Host, pulled: &Option<String>) {
        let rows = host.database.query(CONTROL);
        let Some(row) = rows.first() else { return };
        let model = &self.model;
        let optional = |column: &Column| (*column != Column::Null).then(|| number(column));
        let is = (optional(&row[2]), number(&row[3]) > 0, optional(&row[4]));
        let expected = (model.pin, model.paused, model.interval_ms);
        host.world
            .check(is == expected, "what operators set stands", || {
                format!("pin, pause and interval {is:?}, expected {expected:?}")
            });
        host.world.check(
            *pulled == model.pulled,
            "what the source last brought is written down",
            || format!("{pulled:?}, expected {:?}", model.pulled),
        );
        let signed = row[5] != Column::Null;
        host.world.check(
            signed == model.stack.override_.is_some(),
            "an override has its author",
            || format!("{:?}", row[5]),
        );
        let last = number(&row[0]);
        host.world.check(
            last >= model.last_version,
            "no number is given twice",
            || format!("the last is {last}, {} was given", model.last_version),
        );
        self.model.last_version = last;
    }

    fn agree_on_pendings(&mut self, host: &Host, quiet: bool) {
        let world = &host.world;
        let rows = host.database.query(PENDINGS);
        let (mut known, now_ms) = (0, host.now().0);
        for row in &rows {
            let (id, at_ms, kind) = (number(&row[0]), number(&row[1]), text(&row[2]));
            let (actor, to, refused) = (text(&row[3]), number(&row[4]), number(&row[5]) > 0);
            let found = self.model.pendings.iter().position(|waiting| {
                (waiting.id == id || (waiting.id == 0 && (waiting.at_ms == at_ms || refused)))
                    && waiting.kind() == kind
                    && waiting.actor == actor
                    && waiting.rollback_of() == to
            });
            let Some(place) = found else {
                world.violated(
                    "what waits was asked for",
                    format!("{kind} {id} by {actor}"),
                );
                continue;
            };
            known += 1;
            let waiting = &self.model.pendings[place];
            if at_ms != waiting.at_ms || refused != waiting.refused {
                let put_off = waiting.is_end()
                    && refused
                    && waiting.at_ms <= now_ms
                    && at_ms <= now_ms + POSTPONE_MS
                    && (!quiet || self.weigh(&Change::EndOverride, ALL).is_none());
                world.check(put_off, "a moment stands", || {
                    format!("{kind} {id} from {} to {at_ms}", waiting.at_ms)
                });
            }
            let waiting = &mut self.model.pendings[place];
            (waiting.id, waiting.at_ms, waiting.refused) = (id, at_ms, refused);
        }
        let waiting = self.model.pendings.len();
        world.check(known == waiting, "what waits is never lost", || {
            format!("{known} of {:?}", self.model.pendings)
        });
    }

    /// Old versions go, but not what somebody may still go back to.
    fn check_kept(&mut self, host: &Host) {
        let world = &host.world;
        let history: Vec<_> = host
            .database
            .query(KEPT)
            .iter()
            .map(|row| (number(&row[0]), number(&row[1])))
            .collect();
        let documents: Vec<_> = host
            .database
            .query(KEPT_DOCUMENTS)
            .iter()
            .map(|row| number(&row[0]))
            .collect();
        self.kept_up_to = documents.last().copied().unwrap_or(0);
        let gone = |version: &u64| !documents.contains(version);
        let kept = self.model.kept();
        world.check(
            !kept.iter().any(gone),
            "what is gone back to is kept",
            || format!("{kept:?} of {documents:?}"),
        );
        world.check(
            history
                .iter()
                .map(|(version, _)| *version)
                .eq(documents.iter().copied()),
            "history and documents go together",
            || format!("{history:?} and {documents:?}"),
        );
        if self.adopted_now {
            let settings = &host.deployment.borrow().settings;
            let old = history.len() - (settings.keep_versions as usize).min(history.len());
            let now_ms = host.now().0;
            let aged = |at: usize| {
                let next = history.get(at + 1).map(|(_, adopted_ms)| *adopted_ms);
                settings
                    .keep_for_ms
                    .zip(next)
                    .is_some_and(|(keep_ms, next_ms)| next_ms <= now_ms.saturating_sub(keep_ms))
            };
            let over = history
                .iter()
                .enumerate()
                .find(|(at, (version, _))| !kept.contains(version) && (*at < old || aged(*at)));
            world.check(over.is_none(), "old versions are pruned", || {
                format!("{over:?} of {history:?}")
            });
        }
        self.kept = documents.into_iter().collect();
    }

    /// What status tells is what was stored before this life and what happened in it.
    pub(super) fn compare_counters(&self, host: &Host, told: &Map<String, Value>) {
        let labels = [
            (
                "refreshes_total",
                &[
                    "adopted",
                    "unchanged",
                    "held",
                    "rejected",
                    "missing",
                    "failed",
                ][..],
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
            ("denied_writes_total", &[""]),
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
        self.model.head.as_ref()?;
        let row = host.database.query(SCHEDULE).into_iter().next()?;
        (row[0] != Column::Null).then(|| UnixMillis(number(&row[0])))
    }

    /// How many refreshes the schedule tells of that are not settled.
    pub(super) fn begun(&self, host: &Host) -> u64 {
        let row = host.database.query(SCHEDULE).into_iter().next();
        row.map_or(0, |row| number(&row[2]))
    }

    /// What a refresh is weighed against.
    pub(super) fn held(&self) -> Held<'_> {
        let head = self.model.head.as_ref();
        Held {
            base: &self.started_with,
            stack: &self.model.stack,
            pulled: self.model.pulled.as_deref(),
            pinned: self.model.pin.is_some(),
            schema: self.model.schema.as_ref(),
            head: head.map_or(&self.model.base, |head| &head.document),
            head_origin: head.map_or("base", |head| &head.origin),
        }
    }

    /// Whether the document is refused, rightly: the head stays then.
    pub(super) fn is_refused(&self, document: &Object) -> bool {
        let held = self.held();
        let answered = Answered::Document(document.clone());
        oracle::ending(&answered, &held, Waivers::default()).0 == Outcome::Rejected
    }

    pub(super) fn stored(&self, host: &Host) -> Stored {
        let rows = host.database.query(LAYERS);
        let layer = |name: &str| {
            let row = rows.iter().find(|row| text(&row[0]) == name);
            row.map(|row| object(&host.world, &text(&row[1])))
        };
        let control = host.database.query(CONTROL);
        let pulled = control.first().filter(|row| row[1] != Column::Null);
        Stored {
            base: layer("base").unwrap_or_default(),
            source: layer("source"),
            override_: layer("override"),
            pulled: pulled.map(|row| text(&row[1])),
        }
    }

    fn check_settled(&self, host: &Host, settled: &Settled) {
        if !settled.stored {
            return;
        }
        let world = &host.world;
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
        if self.model.paused {
            world.check(row[0] == Column::Null, "a pause holds", || {
                format!("the next refresh is due at {due}")
            });
            return;
        }
        let (shortest, longest) = self.delays(host, failures);
        let delay = due.saturating_sub(settled.now.0);
        world.check(
            (shortest..=longest).contains(&delay),
            "the next refresh is due in time",
            || format!("in {delay} ms after {failures} failures; expected {shortest} to {longest}"),
        );
    }

    pub(super) fn delays(&self, host: &Host, failures: u64) -> (u64, u64) {
        let settings = &host.deployment.borrow().settings;
        oracle::delays(settings, self.model.interval_ms, failures)
    }
}

const ALL: Waivers = Waivers {
    empty_document: true,
    key_loss: true,
};

pub(super) fn has(host: &Host, table: &str) -> bool {
    let found = host.database.query(&format!("{TABLES}'{table}'"));
    number(&found[0][0]) > 0
}

pub(super) fn number(column: &Column) -> u64 {
    match column {
        Column::Integer(value) => u64::try_from(*value).unwrap_or(0),
        _ => 0,
    }
}

pub(super) fn text(column: &Column) -> String {
    match column {
        Column::Text(text) => text.clone(),
        _ => String::new(),
    }
}

pub(super) fn object(world: &World, text: &str) -> Object {
    serde_json::from_str(text).unwrap_or_else(|_| {
        world.violated("nothing invalid is ever stored", text.to_owned());
        Object::new()
    })
}
