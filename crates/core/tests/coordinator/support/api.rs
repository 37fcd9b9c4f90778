//! The object's API as an operator sees it: requests in, answers out, over the core's own `respond`.

use std::rc::Rc;

use bellwether_core::api::{ApiAnswer, ApiRequest, respond};
use bellwether_core::names::header;
use bellwether_core::problem::Problem;
use bellwether_core::routes::Leaf;
use serde_json::Value;

use super::space::{Reply, Space};

/// Who asks, unless it is said otherwise.
pub(crate) const ACTOR: &str = "ops";

/// One request.
#[derive(Clone)]
pub(crate) struct Ask {
    leaf: Leaf,
    method: &'static str,
    query: String,
    fields: Vec<(&'static str, String)>,
    body: String,
}

/// An answer or a problem, whichever it was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `null` for an answer without a body.
    pub(crate) body: Value,
    fields: Vec<(&'static str, String)>,
}

pub(crate) fn get(leaf: Leaf) -> Ask {
    Ask::new("GET", leaf, "")
}

pub(crate) fn put(leaf: Leaf, body: &str) -> Ask {
    Ask::new("PUT", leaf, body).if_match("*")
}

pub(crate) fn patch(body: &str) -> Ask {
    Ask::new("PATCH", Leaf::Document, body).if_match("*")
}

pub(crate) fn post(leaf: Leaf, body: &str) -> Ask {
    Ask::new("POST", leaf, body).if_match("*")
}

pub(crate) fn delete(leaf: Leaf) -> Ask {
    Ask::new("DELETE", leaf, "").if_match("*")
}

/// A document for the source layer.
pub(crate) fn publish(body: &str) -> Ask {
    put(Leaf::Document, body)
}

pub(crate) fn rollback(to: u64) -> Ask {
    post(Leaf::Rollback(to), "")
}

impl Ask {
    fn new(method: &'static str, leaf: Leaf, body: &str) -> Self {
        Self {
            leaf,
            method,
            query: String::new(),
            fields: vec![(header::ACTOR, ACTOR.to_owned())],
            body: body.to_owned(),
        }
    }

    pub(crate) fn query(mut self, query: &str) -> Self {
        self.query = query.to_owned();
        self
    }

    /// In place of a field of that name.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.fields.retain(|(known, _)| *known != name);
        self.fields.push((name, value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.fields.retain(|(known, _)| *known != name);
        self
    }

    pub(crate) fn if_match(self, held: &str) -> Self {
        self.with(header::IF_MATCH, held)
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.with(header::IDEMPOTENCY_KEY, key)
    }
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(known, _)| *known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// The last part of a problem's type.
    pub(crate) fn slug(&self) -> &str {
        let kind = self.body["type"].as_str().unwrap_or_default();
        kind.rsplit(':').next().unwrap_or_default()
    }

    pub(crate) fn outcome(&self) -> &str {
        self.body["outcome"].as_str().unwrap_or_default()
    }

    pub(crate) fn version(&self) -> u64 {
        self.body["version"].as_u64().unwrap_or_default()
    }
}

impl Space {
    pub(crate) fn call_api(self: &Rc<Self>, ask: Ask) -> Reply<Answer> {
        self.call(move |object| async move {
            let field = |name: &str| {
                let mut found = ask.fields.iter().filter(|(known, _)| *known == name);
                found.next().map(|(_, value)| value.clone())
            };
            let request = ApiRequest {
                leaf: ask.leaf,
                method: ask.method,
                query: &ask.query,
                field: &field,
                body: &ask.body,
            };
            told(respond(&object, &request).await)
        })
    }

    pub(crate) fn ask(self: &Rc<Self>, ask: Ask) -> Answer {
        self.wait(&self.call_api(ask))
    }

    /// Asks, and expects it to be done.
    pub(crate) fn does(self: &Rc<Self>, ask: Ask) -> Answer {
        let answer = self.ask(ask);
        assert!(answer.status < 300, "{answer:?}");
        answer
    }

    /// Asks, and expects it to be refused so.
    pub(crate) fn refuses(self: &Rc<Self>, ask: Ask, slug: &str) -> Answer {
        let answer = self.ask(ask);
        assert_eq!(answer.slug(), slug, "{answer:?}");
        answer
    }

    /// The audit, oldest first: `action outcome before>after`.
    pub(crate) fn audit(&self) -> Vec<String> {
        let rows = self.machine.database.query(
            "SELECT action, coalesce(outcome, 'adopted'), coalesce(version_before, 0), version_after \
            FROM audit ORDER BY id",
        );
        let shown = |row: Vec<String>| format!("{} {} {}>{}", row[0], row[1], row[2], row[3]);
        rows.into_iter().map(shown).collect()
    }

    /// The last rows of [`Space::audit`].
    pub(crate) fn last_audit(&self, count: usize) -> Vec<String> {
        let mut rows = self.audit();
        rows.split_off(rows.len().saturating_sub(count))
    }

    /// Invariant: the audit is as it was written.
    pub(crate) fn check_chain(self: &Rc<Self>) {
        let checked = self.does(get(Leaf::AuditCheck));
        assert_eq!(checked.body["intact"], true, "{checked:?}");
        let rows = self.machine.database.number("SELECT COUNT(*) FROM audit");
        assert_eq!(checked.body["rows"], rows);
    }
}

fn told(answer: Result<ApiAnswer, Problem>) -> Answer {
    match answer {
        Ok(answer) => Answer {
            status: answer.status,
            body: serde_json::from_str(&answer.body).unwrap_or_default(),
            fields: answer.fields,
        },
        Err(problem) => Answer {
            status: problem.status(),
            body: problem.to_json(),
            fields: Vec::new(),
        },
    }
}
