//! What can be asked of the object, and how the machine has it answered.

use std::rc::Rc;

use bellwether_core::coordinator::{Action, BOOTSTRAP_JOIN_MS, Coordinator, Reload, Write};
use bellwether_core::version::{UnixMillis, Version};

use crate::host::{Host, SLOWEST_STORAGE_MS};
use crate::network::Reply;
use crate::platform::Platform;
use crate::reports::UNTRUE;

/// Why somebody may not write, as the audit tells it.
pub(crate) const DENIAL: &str = "forbidden";

/// One request.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Snapshot {
        if_none_match: Option<String>,
        /// What the reader tells of itself.
        report: Option<String>,
    },
    Ahead {
        version: Version,
    },
    Reload(Reload),
    Write(Rc<Write>),
    /// The front tells of a write that it turned away.
    Denied {
        actor: String,
    },
    Status,
}

impl Host {
    pub(crate) async fn answer(
        self: &Rc<Self>,
        object: Coordinator<Platform>,
        request: Request,
    ) -> Reply {
        match request {
            Request::Snapshot {
                if_none_match,
                report,
            } => {
                let asked = if_none_match.as_deref();
                let answer = match object.snapshot_now(asked) {
                    Some(answer) => answer,
                    None => object.snapshot(asked).await,
                };
                if !self.doomed.get() {
                    self.ledger.answered(self, &answer, asked);
                    if let Some(report) = report.as_deref() {
                        let untrue = report.strip_prefix(UNTRUE);
                        let report = untrue.unwrap_or(report);
                        object.hear(report);
                        self.reports.heard(self, report, untrue.is_some());
                    }
                }
                Reply::snapshot(&self.world, &answer)
            }
            Request::Ahead { version } => {
                let answer = object.pending_snapshot(version).await;
                if !self.doomed.get() {
                    let asked = version.get();
                    self.ledger.answered_ahead(self, asked, answer.as_ref());
                }
                match answer {
                    Some(answer) => Reply::snapshot(&self.world, &answer),
                    None => Reply::error(404),
                }
            }
            Request::Reload(reload) => {
                self.reloads.borrow_mut().push(reload.clone());
                let report = object.reload(reload.clone()).await;
                // One of them: the request may have arrived twice.
                let mut reloads = self.reloads.borrow_mut();
                if let Some(place) = reloads.iter().position(|other| *other == reload) {
                    reloads.remove(place);
                }
                drop(reloads);
                self.ledger.reported(self, &reload, report.as_ref());
                match report {
                    Some(report) => Reply::version(report.version),
                    None => Reply::error(409),
                }
            }
            Request::Write(write) => {
                // As the routes do it: they wake first, and refuse a moment that has passed.
                object.wake().await;
                if moments(&write).any(|at| at <= self.now()) {
                    return Reply::error(400);
                }
                let answer = object.write((*write).clone()).await;
                if !self.doomed.get() {
                    self.ledger.wrote(self, &write, &answer);
                }
                match answer {
                    Ok(answer) if answer.status < 400 => Reply::version(answer.head.0),
                    Ok(answer) => Reply::error(answer.status),
                    Err(problem) => Reply::error(problem.status()),
                }
            }
            Request::Denied { actor } => {
                object.wake().await;
                let note = || object.note_denied(&actor, "publish", DENIAL);
                self.ledger.denies(self, note);
                Reply::error(204)
            }
            Request::Status => match object.status(Vec::new()).await {
                Ok(status) if !self.doomed.get() => {
                    self.ledger.status(self, &status);
                    self.reports
                        .check(self, &status.fleet, object.fleet_bytes());
                    Reply::version(status.head.version)
                }
                _ => Reply::error(500),
            },
        }
    }

    /// The longest that a request may take: storage's slowest calls included.
    pub(crate) fn longest_answer_ms(&self, request: &Request) -> u64 {
        let storage_ms = 6 * SLOWEST_STORAGE_MS;
        storage_ms
            + match request {
                Request::Snapshot { .. } => BOOTSTRAP_JOIN_MS,
                Request::Reload(_) => self.deployment.borrow().settings.source_timeout_ms,
                Request::Status
                | Request::Write(_)
                | Request::Ahead { .. }
                | Request::Denied { .. } => 0,
            }
    }
}

/// The times that a write names.
fn moments(write: &Write) -> impl Iterator<Item = UnixMillis> {
    use bellwether_core::coordinator::Change;
    let (activate_at, expires_at) = match &write.action {
        Action::Change {
            change: Change::Override { expires_at, .. },
            activate_at,
            ..
        } => (*activate_at, *expires_at),
        Action::Change { activate_at, .. } => (*activate_at, None),
        _ => (None, None),
    };
    activate_at.into_iter().chain(expires_at)
}
