//! The books over deaths, deploys and migrations: what was acknowledged is there, the rest wholly or
//! not at all.

use std::rc::Rc;

use bellwether_core::coordinator::Change;
use bellwether_core::sql::{Column, Param};
use bellwether_core::store::Store;

use super::Ledger;
use super::books::{Books, COUNTED, COUNTERS, HEAD, LAYERS, SCHEDULE, has, number, object, text};
use super::model::Version;
use crate::host::Host;
use crate::oracle;

const VERSIONS: &str = "SELECT version, hash, document, origin FROM versions ORDER BY version";
const SPOIL: &str = "UPDATE pending SET document = '[]' WHERE id = ?";
const UNSEALED_BEFORE: &str = "SELECT COUNT(*) FROM audit";
const UNSEALED: &str = "SELECT COUNT(*), COUNT(hash) FROM audit";

/// The whole audit is walked at every so many deaths: it is long.
const DEATHS_PER_CHECK: u64 = 16;

impl Ledger {
    /// The code that is deployed now takes what is stored of a change for a document no more.
    pub(crate) fn spoil(&self, host: &Host) {
        let pendings = self.pendings();
        let found = pendings.iter().find(|waiting| {
            let change = &*waiting.change;
            let holds = matches!(
                change,
                Change::Publish(_) | Change::Patch(_) | Change::Override { .. }
            );
            holds && waiting.id > 0
        });
        let Some(id) = found.map(|waiting| waiting.id) else {
            return;
        };
        host.database.exec(SPOIL, &[Param::unsigned(id)]).unwrap();
        let mut books = self.0.borrow_mut();
        for waiting in &mut books.model.pendings {
            waiting.unreadable |= waiting.id == id;
        }
        drop(books);
        host.database.flush();
        self.reopen(host, true);
        host.world.reach("change unreadable");
    }
}

impl Books {
    /// Begins with what an earlier code left.
    pub(super) fn inherit(&mut self, host: &Host) {
        let database = &host.database;
        for row in database.query(VERSIONS) {
            let (number, text): (_, Rc<str>) = (number(&row[0]), text(&row[2]).into());
            self.versions.insert(number, Rc::clone(&text));
            self.kept.insert(number);
            self.kept_up_to = number;
            self.model.head = Some(Version {
                number,
                hash: self::text(&row[1]),
                document: object(&host.world, &text),
                text,
                origin: self::text(&row[3]),
            });
        }
        let rows = database.query(LAYERS);
        let layer = |name: &str| {
            let row = rows.iter().find(|row| text(&row[0]) == name);
            row.map(|row| object(&host.world, &text(&row[1])))
        };
        self.model.base = layer("base").unwrap_or_default();
        self.model.stack.source = layer("source");
        self.model.pulled = self.model.stack.source.as_ref().map(oracle::hash);
        self.model.last_version = self.model.number();
        self.model.audited = number(&database.query(UNSEALED_BEFORE)[0][0]);
        self.counts = number(&database.query(COUNTED)[0][0]);
        self.durable_counts = self.counts;
        self.durable = self.model.clone();
        self.is_durable = true;
    }

    /// After a death: everything acknowledged is there, and no step was taken by halves.
    pub(super) fn resync(&mut self, host: &Host, kept: bool) {
        let world = &host.world;
        self.migrated = false;
        if !kept {
            self.model = self.durable.clone();
            self.lose_rows();
        }
        // What nobody saw never was.
        self.versions.split_off(&(self.model.number() + 1));
        if !has(host, "control") {
            self.check_unopened(host);
            return;
        }
        self.trusting = true;
        self.compare(host);
        self.trusting = false;
        let (model, durable) = (self.model.number(), self.durable.number());
        world.check(
            model >= durable && self.model.audited >= self.durable.audited,
            "an acknowledged write survives",
            || format!("version {durable} was acknowledged, the head is {model}"),
        );
        let counts = number(&host.database.query(COUNTED)[0][0]);
        self.counts = counts;
        world.check(counts >= self.durable_counts, "counters survive", || {
            format!("from {} to {counts}", self.durable_counts)
        });
        let rows = &host.database.query(UNSEALED)[0];
        world.check(
            rows[1] == Column::Integer(0) || rows[0] == rows[1],
            "the audit is sealed in one step",
            || format!("{rows:?}"),
        );
        self.deaths += 1;
        if rows[1] != Column::Integer(0) && self.deaths.is_multiple_of(DEATHS_PER_CHECK) {
            self.check_chain(host);
        }
    }

    /// A database in which no object was ever opened by this code: empty, or as the code before left
    /// it.
    fn check_unopened(&mut self, host: &Host) {
        let torn = has(host, "history") || has(host, "pending");
        let held = match has(host, "versions") {
            true => host
                .database
                .query(HEAD)
                .first()
                .map_or(0, |row| number(&row[0])),
            false => 0,
        };
        let inherited = self.durable.number();
        host.world.check(
            !torn && held == inherited,
            "a migration is whole or absent",
            || format!("version {held} is there, {inherited} was"),
        );
        self.model = self.durable.clone();
        self.versions.split_off(&(inherited + 1));
        self.counts = self.durable_counts;
    }

    /// The whole audit, from its first row.
    pub(super) fn check_chain(&self, host: &Host) {
        let report = Store(&host.database).check_audit();
        let intact = report
            .as_ref()
            .is_ok_and(|report| report.broken_at.is_none() && report.rows == self.model.audited);
        host.world
            .check(intact, "the audit's chain is unbroken", || {
                format!("{report:?}; {} rows were written", self.model.audited)
            });
    }

    pub(super) fn begin_life(&mut self, host: &Host) {
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

    /// The built-in layers under which the next life begins.
    pub(super) fn start_with(&mut self, host: &Host) {
        let unreadable = host.deployment.borrow().built_in.unreadable;
        let deployed = self.bases.last().filter(|_| !unreadable);
        let fresh = self.model.head.is_none();
        let before = if fresh { None } else { Some(&self.model.base) };
        self.started_with = deployed
            .or(before)
            .or(self.bases.last())
            .cloned()
            .unwrap_or_default();
    }
}
