//! The audit, row by row: what each makes of the books, and whether it had to come out like that.

use std::rc::Rc;

use bellwether_core::coordinator::{Action, Change, MAX_PENDING};
use bellwether_core::document::Object;
use bellwether_core::guard::Waivers;
use bellwether_core::refresh::Outcome;
use bellwether_core::schema::Schema;
use bellwether_core::sql::{Column, Row};

use super::books::{Books, number, object, text};
use super::model::{Version, Waiting};
use crate::host::Host;
use crate::oracle::{self, Stack};
use crate::requests::DENIAL;

const ROWS: &str = "SELECT id, actor, action, reason, version_before, version_after, outcome, detail \
    FROM audit WHERE id > ? ORDER BY id";
const VERSION: &str = "SELECT hash, document, origin FROM versions WHERE version = ?";
const HISTORY: &str = "SELECT actor, action, reason FROM history WHERE version = ?";

/// What became of a change that did not fit when its moment came is told in these words.
const UNFIT: [&str; 6] = [
    "not_an_object",
    "too_large",
    "too_deep",
    "version_gone",
    "null_lost",
    "schema",
];

/// A row of the audit.
pub(super) struct Told {
    id: u64,
    actor: String,
    pub(super) action: String,
    reason: Column,
    before: u64,
    after: u64,
    pub(super) outcome: String,
    detail: String,
}

impl Told {
    fn of(row: &Row) -> Self {
        Self {
            id: number(&row[0]),
            actor: text(&row[1]),
            action: text(&row[2]),
            reason: row[3].clone(),
            before: number(&row[4]),
            after: number(&row[5]),
            outcome: text(&row[6]),
            detail: text(&row[7]),
        }
    }

    fn adopted(&self) -> bool {
        self.outcome == "adopted"
    }

    pub(super) fn is_refresh(&self) -> bool {
        let trigger = matches!(self.action.as_str(), "alarm" | "reload" | "bootstrap");
        trigger && self.before > 0
    }

    /// The number of the pending change that it is about; 0 for none.
    fn pending(&self) -> u64 {
        let number = self.detail.strip_prefix("pending ");
        number.and_then(|id| id.parse().ok()).unwrap_or(0)
    }
}

impl Books {
    /// Rows that the books have not seen yet.
    pub(super) fn news(&self, host: &Host) -> Vec<Told> {
        let rows = host.database.query_with(ROWS, self.model.audited);
        rows.iter().map(Told::of).collect()
    }

    pub(super) fn follow(&mut self, host: &Host, row: &Told) {
        let world = &host.world;
        world.check(
            row.id == self.model.audited + 1,
            "the audit has no gap",
            || format!("row {} comes after {}", row.id, self.model.audited),
        );
        self.model.audited = row.id;
        let head = self.model.number();
        // Of one refresh, each operator who asked has a row.
        let shared = row.action == "reload" && row.after == head && row.before < head;
        let true_to = row.before == head && (row.after > head) == row.adopted();
        world.check(
            shared || true_to,
            "the audit agrees with what happened",
            || {
                format!(
                    "{} {}: from {} to {}; the head was {head}",
                    row.action, row.outcome, row.before, row.after
                )
            },
        );
        let reason = row.actor.replace("operator-", "reason-");
        let right = match row.actor.starts_with("operator-") {
            true => text(&row.reason) == reason,
            false => row.reason == Column::Null,
        };
        world.check(right, "the audit agrees with what happened", || {
            format!("{}: {:?}", row.actor, row.reason)
        });
        match row.action.as_str() {
            "alarm" | "reload" | "bootstrap" if row.before > 0 => {
                if !shared {
                    self.follow_refresh(host, row);
                }
                if row.action == "reload" {
                    self.count_row(&row.actor);
                }
            }
            "bootstrap" | "deploy" => {
                let unreadable = host.deployment.borrow().built_in.unreadable;
                world.check(
                    row.before == 0 || !unreadable,
                    "a version has its cause",
                    || format!("version {} by {}", row.after, row.action),
                );
                self.model.base = self.started_with.clone();
                let made = self.model.stack.on(&self.model.base);
                let origin = self.model.head.as_ref().map_or("base", |head| &head.origin);
                let origin = origin.to_owned();
                self.adopt(host, row, made, &origin);
            }
            "withdraw" => {
                if let Some(head) = self.model.head.clone() {
                    world.reach("announcement withdrawn");
                    self.adopt(host, row, head.document, &head.origin);
                }
            }
            _ if row.actor.starts_with("stranger-") => {
                let right = (row.outcome.as_str(), row.detail.as_str()) == ("refused", DENIAL);
                world.check(right, "a denied write has its row", || {
                    format!("{} {} {}", row.action, row.outcome, row.detail)
                });
            }
            _ => self.follow_operator(host, row),
        }
    }

    fn follow_refresh(&mut self, host: &Host, row: &Told) {
        if !row.adopted() {
            return;
        }
        let told = self.settled.as_ref().map(|settled| {
            let same = settled.trigger == row.action;
            (settled.outcome == Outcome::Adopted && same, &settled.source)
        });
        let source = match told {
            Some((true, Some(source))) => source.clone(),
            // It died before it could tell.
            None if self.trusting => match self.stored(host).source {
                Some(source) => source,
                None => return,
            },
            _ => {
                let detail = format!("version {} by {}", row.after, row.action);
                host.world.violated("a version has its cause", detail);
                return;
            }
        };
        self.model.pulled = Some(oracle::hash(&source));
        self.model.stack.source = Some(source);
        self.model.base = self.started_with.clone();
        let made = self.model.stack.on(&self.model.base);
        self.adopt(host, row, made, "source");
    }

    /// The head is another one from here on.
    fn adopt(&mut self, host: &Host, row: &Told, made: Object, origin: &str) {
        let world = &host.world;
        let reused = self.versions.contains_key(&row.after);
        world.check(!reused, "no number names two versions", || {
            format!("version {} was there before", row.after)
        });
        let found = host.database.query_with(VERSION, row.after);
        let stored = found
            .first()
            .map(|found| (text(&found[0]), text(&found[1]), text(&found[2])));
        // Of several versions in one step the first ones may be pruned already.
        let (hash, document, stored_origin) = stored.unwrap_or_else(|| {
            let document = serde_json::to_string(&made).unwrap_or_default();
            (oracle::hash(&made), document, origin.to_owned())
        });
        let parsed = object(world, &document);
        world.check(
            parsed == made && stored_origin == origin,
            "the head is what its layers make",
            || {
                format!(
                    "version {}: {document} by {stored_origin}; expected {made:?} by {origin}",
                    row.after
                )
            },
        );
        let text_now: Rc<str> = document.into();
        let told = self.told_ahead.get(&row.after);
        world.check(
            told.is_none_or(|told| **told == *text_now),
            "no number names two contents",
            || format!("version {} was announced as {told:?}", row.after),
        );
        if let Some(entry) = host.database.query_with(HISTORY, row.after).first() {
            let by = (text(&entry[0]), text(&entry[1]), text(&entry[2]));
            // Of those who asked for one refresh, the history names one.
            let asked = self.settled.as_ref().filter(|_| row.is_refresh());
            let actor = asked.map_or(&row.actor, |settled| &settled.actor);
            let reason = match actor.strip_prefix("operator-") {
                Some(number) => format!("reason-{number}"),
                None => String::new(),
            };
            let unknown = self.trusting && row.action == "reload";
            world.check(
                unknown || by == (actor.clone(), row.action.clone(), reason),
                "the audit agrees with the history",
                || format!("version {}: {by:?}, expected {actor}", row.after),
            );
        }
        self.versions.insert(row.after, Rc::clone(&text_now));
        self.head_since_ms = world.now_ms();
        self.adopted_now = true;
        self.model.last_version = self.model.last_version.max(row.after);
        self.model.head = Some(Version {
            number: row.after,
            hash,
            text: text_now,
            document: parsed,
            origin: stored_origin,
        });
    }

    fn follow_operator(&mut self, host: &Host, row: &Told) {
        let id = row.pending();
        let own = |waiting: &&Waiting| waiting.actor == row.actor && waiting.kind() == row.action;
        let due = match row.outcome.as_str() {
            "adopted" | "unchanged" if id > 0 => self
                .model
                .pendings
                .iter()
                .find(|waiting| own(waiting) && (waiting.id == id || waiting.id == 0)),
            "refused" if UNFIT.contains(&row.detail.as_str()) => {
                let mut own: Vec<_> = self.model.pendings.iter().filter(own).collect();
                own.sort_by_key(|waiting| (waiting.at_ms, waiting.id));
                own.into_iter().next()
            }
            _ => None,
        };
        match due.cloned() {
            Some(due) => self.follow_due(host, row, &due),
            None => self.follow_write(host, row),
        }
    }

    /// A change's moment has come.
    fn follow_due(&mut self, host: &Host, row: &Told, due: &Waiting) {
        let world = &host.world;
        let now_ms = host.now().0;
        world.check(
            due.at_ms <= now_ms,
            "a pending change never shows early",
            || format!("{} ms before its moment", due.at_ms - now_ms),
        );
        // One that was put off may have been put off again in this very step.
        let sure = |waiting: &&Waiting| !waiting.refused;
        let first = self.model.pendings.iter().filter(sure);
        let first = first.map(|waiting| waiting.at_ms).min();
        let first = first.unwrap_or(due.at_ms);
        world.check(due.at_ms <= first, "changes come in their order", || {
            format!("{} ms after the first", due.at_ms - first)
        });
        let weighed = self.weigh_waiting(due);
        world.check(
            weighed.is_some() == (row.outcome != "refused"),
            "a change at its moment ends as it must",
            || format!("{} {} {}", row.action, row.outcome, row.detail),
        );
        let same = |waiting: &Waiting| {
            waiting.id == due.id && waiting.at_ms == due.at_ms && waiting.kind() == due.kind()
        };
        let Some((after, merged)) = weighed else {
            if due.is_end() {
                world.reach("expiry put off");
                let own = self.model.pendings.iter_mut().filter(|it| same(it));
                own.for_each(|waiting| waiting.refused = true);
            } else {
                world.reach("activation refused");
                self.model.pendings.retain(|waiting| !same(waiting));
            }
            return;
        };
        self.model.pendings.retain(|waiting| !same(waiting));
        world.reach(if due.is_end() {
            "override ended"
        } else {
            "change activated"
        });
        self.put_in_force(host, row, &due.change, after, merged);
    }

    fn put_in_force(
        &mut self,
        host: &Host,
        row: &Told,
        change: &Change,
        after: Stack,
        merged: Object,
    ) {
        let is_new = self.model.head.as_ref().is_none_or(|head| {
            oracle::in_order(&head.document) != oracle::in_order(&merged)
                || head.origin != after.origin()
        });
        host.world
            .check(is_new == row.adopted(), "a write ends as it must", || {
                format!("{} {}; a new head: {is_new}", row.action, row.outcome)
            });
        let origin = after.origin();
        let has_source = host.deployment.borrow().has_source();
        self.model.take(change, after, &row.actor, has_source);
        self.model.base = self.started_with.clone();
        if row.adopted() {
            self.adopt(host, row, merged, origin);
        }
    }

    /// What a change that waits will make: guards are for those who ask.
    pub(super) fn weigh_waiting(&self, waiting: &Waiting) -> Option<(Stack, Object)> {
        let waivers = Waivers {
            empty_document: true,
            key_loss: true,
        };
        let readable = (!waiting.unreadable).then_some(waiting)?;
        self.weigh(&readable.change, waivers)
    }

    pub(super) fn weigh(&self, change: &Change, waivers: Waivers) -> Option<(Stack, Object)> {
        let content = match change {
            Change::Rollback { to } => self.versions.get(&to.get()),
            _ => None,
        };
        let content = content.and_then(|text| serde_json::from_str(text).ok());
        let ground = oracle::Ground {
            base: &self.started_with,
            content: content.as_ref(),
            rolled_back: self.model.pin.is_some() || self.model.pulled.is_none(),
            schema: self.model.schema.as_ref(),
        };
        oracle::weigh(change, &self.model.stack, &ground, waivers)
    }

    /// An operator's write: what it had to come to, and what it makes of the books.
    fn follow_write(&mut self, host: &Host, row: &Told) {
        let world = &host.world;
        let Some(write) = self.orders.get(&row.actor).cloned() else {
            let detail = format!("{} by {}", row.action, row.actor);
            world.violated("whoever is named wrote", detail);
            return;
        };
        let rows = self.count_row(&row.actor);
        let key = write.idempotency.as_ref();
        if row.detail == "idempotency-key-reused" {
            // Whoever came first has it, be it the neighbour who took it by mistake.
            let keyless = key.is_none();
            world.check(!keyless, "the same key is answered the same", || {
                row.actor.clone()
            });
            world.reach("key of another write");
            return;
        }
        let twice = rows > 1 && key.is_some();
        world.check(!twice, "the same key acts once", || {
            format!("{} {}", row.actor, row.action)
        });
        world.check(!write.dry_run, "a dry run writes nothing", || {
            row.actor.clone()
        });
        let expected = self.verdict(host, &write.if_match, &write.action);
        // Pruned in this very step by what came before it.
        let other = expected.0 != "refused" || expected.1 == "rejected";
        let gone = row.detail == "unknown-version" && other;
        let told = (row.outcome.as_str(), row.detail.as_str());
        let right = match expected {
            (outcome, "") => told.0 == outcome,
            expected => told == expected,
        };
        world.check(right || gone, "a write ends as it must", || {
            format!(
                "{} of {:?}: {told:?}, expected {expected:?}",
                row.actor, write.action
            )
        });
        world.reach(reached(&row.action, &row.outcome));
        match &write.action {
            _ if row.outcome == "refused" => {}
            Action::Change {
                change,
                activate_at: Some(at),
                replaces,
                ..
            } => {
                self.forget(*replaces);
                self.model.pendings.push(Waiting {
                    id: row.pending(),
                    at_ms: at.0,
                    change: Rc::new(change.clone()),
                    actor: row.actor.clone(),
                    unreadable: false,
                    refused: false,
                });
            }
            Action::Change {
                change,
                waivers,
                replaces,
                ..
            } => {
                self.forget(*replaces);
                if let Some((after, merged)) = self.weigh(change, *waivers) {
                    self.put_in_force(host, row, change, after, merged);
                }
            }
            Action::Cancel { pending } => self.forget(Some(*pending)),
            Action::Schedule {
                paused,
                refresh_interval_ms,
            } => {
                self.model.paused = paused.unwrap_or(self.model.paused);
                self.paused_ms = world.now_ms();
                let interval = refresh_interval_ms.unwrap_or(self.model.interval_ms);
                self.model.interval_ms = interval;
                self.last_settled = None;
            }
            Action::Unpin => {
                (self.model.pin, self.model.pulled) = (None, None);
                self.last_settled = None;
            }
            Action::Schema { schema, .. } => {
                let object = |schema: &Schema| schema.document().object().clone();
                self.model.schema = schema.as_ref().map(object);
            }
        }
    }

    /// Whether the head breaks a schema.
    fn breaks(&self, schema: &Schema) -> bool {
        let head = self.model.head.as_ref();
        head.is_some_and(|head| !oracle::keeps(Some(schema.document().object()), &head.document))
    }

    fn forget(&mut self, id: Option<u64>) {
        self.model.pendings.retain(|waiting| Some(waiting.id) != id);
    }

    /// How a write must end: outcome and detail; where the detail is empty, any will do.
    fn verdict(
        &self,
        host: &Host,
        if_match: &Option<String>,
        action: &Action,
    ) -> (&'static str, &'static str) {
        let refused = |slug| ("refused", slug);
        let etag = self.model.head.as_ref().map(Version::etag);
        match if_match.as_deref() {
            None => return refused("precondition-required"),
            Some("*") => {}
            held if held == etag.as_deref() => {}
            Some(_) => return refused("precondition-failed"),
        }
        let known = |id: u64| self.model.pendings.iter().any(|waiting| waiting.id == id);
        match action {
            Action::Change {
                change,
                activate_at,
                waivers,
                replaces,
            } => {
                let publishes = matches!(change, Change::Publish(_) | Change::Patch(_));
                let kept = |to: u64| self.kept.contains(&to) || to > self.kept_up_to;
                if publishes && !host.deployment.borrow().settings.is_publishable() {
                    return refused("not-publishable");
                }
                if replaces.is_some_and(|id| !known(id)) {
                    return refused("unknown-pending");
                }
                match change {
                    Change::EndOverride if self.model.stack.override_.is_none() => {
                        return refused("nothing-set");
                    }
                    Change::Rollback { to }
                        if !self.versions.contains_key(&to.get()) || !kept(to.get()) =>
                    {
                        return refused("unknown-version");
                    }
                    _ => {}
                }
                match (self.weigh(change, *waivers), activate_at) {
                    (None, _) => refused("rejected"),
                    (Some(_), Some(_))
                        if replaces.is_none() && self.model.pendings.len() >= MAX_PENDING =>
                    {
                        refused("too-many-pending")
                    }
                    (Some(_), Some(_)) => ("scheduled", ""),
                    (Some((after, merged)), None) => {
                        let is_new = self.model.head.as_ref().is_none_or(|head| {
                            oracle::in_order(&head.document) != oracle::in_order(&merged)
                                || head.origin != after.origin()
                        });
                        (if is_new { "adopted" } else { "unchanged" }, "")
                    }
                }
            }
            Action::Cancel { pending } if !known(*pending) => refused("unknown-pending"),
            Action::Cancel { .. } => ("cancelled", ""),
            Action::Schedule { .. } => ("done", ""),
            Action::Unpin if self.model.pin.is_none() => refused("nothing-set"),
            Action::Schema { schema: None, .. } if self.model.schema.is_none() => {
                refused("nothing-set")
            }
            Action::Schema {
                schema: Some(schema),
                force: false,
            } if self.breaks(schema) => refused("rejected"),
            Action::Unpin | Action::Schema { .. } => ("done", ""),
        }
    }
}

fn reached(action: &str, outcome: &str) -> &'static str {
    match (action, outcome) {
        (_, "refused") => "write refused",
        (_, "scheduled") => "write scheduled",
        ("publish", _) => "publish",
        ("patch", _) => "patch",
        ("rollback", _) => "rollback",
        ("override", _) => "override",
        ("end_override", _) => "override taken away",
        ("cancel", _) => "cancel",
        ("schedule", _) => "schedule set",
        ("schema", _) => "schema set",
        ("remove_schema", _) => "schema taken away",
        _ => "unpin",
    }
}
