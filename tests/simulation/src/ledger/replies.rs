//! What the object tells: snapshots, reports, status, and how all is when nothing is broken.

use bellwether_core::coordinator::{RefreshReport, Reload, SnapshotAnswer, Status};
use bellwether_core::refresh::{Cause, Outcome};

use super::Ledger;
use crate::host::Host;
use crate::oracle;
use crate::upstream::Upstream;

/// How late a change may be while nothing is broken.
const LATE_MS: u64 = 2_000;

impl Ledger {
    /// The object answers a snapshot request.
    pub(crate) fn answered(&self, host: &Host, answer: &SnapshotAnswer, asked: Option<&str>) {
        self.sync(host);
        let world = &host.world;
        let mut books = self.0.borrow_mut();
        books.check_announced(host, answer);
        let Some(head) = books.model.head.clone() else {
            world.violated(
                "only what was adopted is served",
                "nothing was ever adopted".to_owned(),
            );
            return;
        };
        let number = answer.head.version.get();
        world.check(
            number == head.number,
            "the object answers with its head",
            || {
                format!(
                    "it answered version {number}; the database's head is {}",
                    head.number
                )
            },
        );
        world.check(
            *answer.head.text == *head.text,
            "only what was adopted is served",
            || format!("version {number} was answered with another document"),
        );
        let etag = answer.head.etag.as_str();
        world.check(
            etag == head.etag(),
            "a snapshot's ETag derives from version and content",
            || format!("version {number} was answered with {etag}"),
        );
        let held = asked == Some(etag);
        world.check(
            answer.not_modified == held,
            "304 exactly for the head's ETag",
            || {
                format!(
                    "asked with {asked:?}, the head is {etag}, not modified: {}",
                    answer.not_modified
                )
            },
        );
        let deployment = host.deployment.borrow();
        let mut ttl_ms = deployment.settings.ttl_ms;
        if head.is_base() && deployment.has_source() {
            ttl_ms = ttl_ms.min(1_000);
        }
        let terms = answer.terms;
        let true_terms = terms.ttl_ms == ttl_ms
            && terms.swr_ms == deployment.settings.stale_while_revalidate_ms
            && terms.age_ms == 0
            && terms.base == head.is_base();
        world.check(true_terms, "a reply's declared terms are true", || {
            format!("{terms:?}")
        });
        books.count("snapshot_replies_total", if held { "304" } else { "200" });
        world.reach(if held { "reply 304" } else { "reply 200" });
    }

    /// What an operator was told of a reload.
    pub(crate) fn reported(&self, host: &Host, reload: &Reload, report: Option<&RefreshReport>) {
        let world = &host.world;
        let has_source = host.deployment.borrow().has_source();
        let Some(report) = report else {
            // A refresh whose object dies tells nobody.
            world.check(
                !has_source || host.doomed.get(),
                "a reload is answered",
                || "no report".to_owned(),
            );
            return;
        };
        self.sync(host);
        let books = self.0.borrow();
        let told = report.to_json();
        let outcome = told.get("outcome").and_then(|outcome| outcome.as_str());
        let failed = told.get("cause").is_some();
        world.check(
            outcome == Some(report.outcome.as_str())
                && failed == (report.outcome == Outcome::Failed),
            "a reload's report is true",
            || told.to_string(),
        );
        let unwritten = report
            .failure
            .as_ref()
            .is_some_and(|failure| failure.cause == Cause::Storage);
        world.check(
            unwritten || books.rows.contains_key(&reload.actor),
            "a forced reload has its row",
            || format!("{reload:?}"),
        );
        let settled = (report.outcome, report.version.get());
        world.check(
            books.told.contains(&settled),
            "concurrent reloads share an outcome",
            || format!("{settled:?}; there were {:?}", books.told),
        );
        let adopted = report.outcome == Outcome::Adopted;
        // Numbers that were announced are left out.
        world.check(
            (report.version > report.previous_version) == adopted,
            "a reload's report is true",
            || format!("{report:?}"),
        );
        let head = books.model.number();
        world.check(
            report.version.get() <= head,
            "an acknowledged write is there",
            || {
                format!(
                    "version {} was reported, the head is {head}",
                    report.version
                )
            },
        );
    }

    /// All is well: what the source holds is what the head shows, and the schedule has its pace.
    pub(crate) fn check_schedule(&self, host: &Host, upstream: &Upstream) {
        let books = self.0.borrow();
        let world = &host.world;
        if books.model.paused {
            let due = books.due(host);
            world.check(due.is_none(), "a pause holds", || format!("{due:?}"));
            return;
        }
        world.check(
            books.failures == 0,
            "the schedule is back to its interval",
            || format!("{} failures in a row", books.failures),
        );
        let (_, longest_ms) = books.delays(host, 0);
        let due_ms = books
            .due(host)
            .map_or(u64::MAX, |due| due.since(host.now()));
        world.check(
            due_ms <= longest_ms,
            "the schedule is back to its interval",
            || format!("the next refresh is due in {due_ms} ms, expected at most {longest_ms}"),
        );
        let document = upstream.document();
        // What was published since stands, as long as the source says what it said before.
        let hash = Some(oracle::hash(&document));
        let refused = books.refused == hash || books.is_refused(&document);
        world.check(
            books.model.pulled == hash || books.model.pin.is_some() || refused,
            "the head follows the source",
            || {
                format!(
                    "the source holds {document:?}, adopted is {:?}",
                    books.model.stack.source
                )
            },
        );
    }

    /// All is well: what was due happened, and every row of the audit is as it was written.
    pub(crate) fn check_operators(&self, host: &Host) {
        let books = self.0.borrow();
        books.check_chain(host);
        let Some(first) = books.model.first() else {
            return;
        };
        let late_ms = host.now().0.saturating_sub(first.at_ms);
        host.world
            .check(late_ms <= LATE_MS, "what is due happens", || {
                format!("{first:?} is {late_ms} ms late")
            });
    }

    pub(crate) fn status(&self, host: &Host, status: &Status) {
        self.sync(host);
        let books = self.0.borrow();
        let world = &host.world;
        let head = books.model.number();
        world.check(
            status.head.version.get() == head,
            "status tells the head",
            || format!("version {}, the head is {head}", status.head.version),
        );
        let failures = u64::from(status.source.consecutive_failures);
        world.check(
            failures == books.failures,
            "status counts the failures in a row",
            || format!("{failures}; there were {}", books.failures),
        );
        books.compare_counters(host, &status.counters);
        let model = &books.model;
        let operator = &status.operator;
        let shown = (
            operator.pin.as_ref().map(|pin| pin.to.get()),
            operator.override_.is_some(),
            operator.pending,
            status.schedule.paused,
        );
        let expected = (
            model.pin,
            model.stack.override_.is_some(),
            model.pendings.len() as u64,
            model.paused,
        );
        world.check(shown == expected, "status tells what operators set", || {
            format!("{shown:?}, expected {expected:?}")
        });
        let told = status.clone().into_json();
        let state = told
            .pointer("/source/state")
            .and_then(|state| state.as_str());
        let deployment = host.deployment.borrow();
        let expected = match books.told.last().map(|(outcome, _)| *outcome) {
            _ if !deployment.has_source() => "none",
            _ if deployment.is_unusable() => "unusable",
            // Of an earlier life, or of another source: not known here.
            None => return,
            Some(Outcome::Adopted | Outcome::Unchanged | Outcome::Held) => "ok",
            Some(Outcome::Rejected) => "rejected",
            Some(Outcome::Missing) => "missing",
            Some(Outcome::Failed) => "failing",
        };
        world.check(
            state == Some(expected),
            "status tells how the source does",
            || format!("{state:?}, expected {expected}"),
        );
    }
}
