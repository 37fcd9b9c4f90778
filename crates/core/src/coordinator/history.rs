//! What operators look at: versions, differences, where a value comes from, who did what, and what
//! is still to come. Whoever asks wakes the coordinator first.

use std::rc::Rc;

use serde_json::Value;

use super::Coordinator;
use super::change::Stack;
use super::write::{nothing_set, storage, unknown_version};
use crate::difference::difference;
use crate::document::Document;
use crate::explain::explain;
use crate::json::Members;
use crate::page::Page;
use crate::platform::Platform;
use crate::pointer::{self, Found};
use crate::problem::Problem;
use crate::schema::Schema;
use crate::sql::SqlError;
use crate::store::{AuditRow, ChangeKind, Head, LayerName, PastVersion, Pending, Signed, Store};
use crate::version::{ETag, Version};
use crate::wire::rfc3339;

/// How much old text is read to find out since when a value stands, in bytes.
const SINCE_BYTES: usize = 16_777_216;

impl<P: Platform> Coordinator<P> {
    /// The versions that are kept, newest first, without their documents.
    ///
    /// # Errors
    /// When storage refuses.
    pub fn versions(&self, page: Page) -> Result<Value, Problem> {
        let versions = self.store().history(before(page), page.limit);
        let versions = versions.map_err(storage)?;
        let last = versions.last().map(|version| version.version.get());
        let shown = versions.iter().map(PastVersion::to_json).collect();
        Ok(list(page, "versions", shown, last))
    }

    /// One version that is kept.
    ///
    /// # Errors
    /// When it is not kept, or storage refuses.
    pub fn version(&self, version: Version) -> Result<Head, Problem> {
        let found = self.store().version(version).map_err(storage)?;
        found.ok_or_else(|| unknown_version(version))
    }

    /// What turns one version into another, or into the head, as JSON Patch (RFC 6902).
    ///
    /// # Errors
    /// When one of them is not kept, or storage refuses.
    pub fn diff(&self, from: Version, to: Option<Version>) -> Result<Value, Problem> {
        let from = parsed(&self.version(from)?)?;
        let to = match to {
            Some(to) => self.version(to)?,
            None => self.inner.state.borrow().head.clone(),
        };
        let to = parsed(&to)?;
        Ok(difference(from.object(), to.object()))
    }

    /// Which layer gives the value at a pointer, what the others had there, and since when.
    ///
    /// # Errors
    /// When no layer ever mentions the pointer, or storage refuses.
    pub fn explain(&self, pointer: &str) -> Result<Value, Problem> {
        let store = self.store();
        let stack = Stack::load(&store).map_err(storage)?;
        let source = stack.source.as_ref().map(Document::object);
        let patch = stack.override_.as_ref().map(Document::object);
        let layers = self.inner.built_in.layers(source, patch);
        let explained = explain(&layers, pointer)?.to_json();
        let head = self.inner.state.borrow().head.clone();
        let (since, exact) = self.since(&head, pointer)?;
        let mut versions = Members::new();
        for (shown, name) in [
            ("built_in", LayerName::Base),
            ("source", LayerName::Source),
            ("override", LayerName::Override),
        ] {
            let layer = store.layer(name).map_err(storage)?;
            let version = layer.and_then(|layer| layer.version);
            versions.optional_number(shown, version.map(Version::get));
        }
        let mut members = Members::new();
        Ok(members
            .number("version", head.version.get())
            .extend(explained)
            .number("since_version", since.get())
            .flag("since_is_exact", exact)
            .value("layer_versions", versions.take())
            .take())
    }

    /// Who asked for what, newest first.
    ///
    /// # Errors
    /// When storage refuses.
    pub fn audit(&self, page: Page) -> Result<Value, Problem> {
        let rows = self.store().audit_before(before(page), page.limit);
        let rows = rows.map_err(storage)?;
        let last = rows.last().map(|row| row.id);
        let shown = rows.into_iter().map(|row: AuditRow| row.shown).collect();
        Ok(list(page, "entries", shown, last))
    }

    /// Walks along the whole audit and looks for a row that is not as it was written.
    ///
    /// # Errors
    /// When storage refuses.
    pub fn audit_check(&self) -> Result<Value, Problem> {
        let report = self.store().check_audit().map_err(storage)?;
        Ok(Members::new()
            .flag("intact", report.broken_at.is_none())
            .number("rows", report.rows)
            .optional_number("broken_at", report.broken_at)
            .text("hash", &report.hash)
            .take())
    }

    /// The changes that wait for their moment, the first one first.
    ///
    /// # Errors
    /// When storage refuses.
    pub fn pending(&self) -> Result<Value, Problem> {
        let now = self.inner.platform.now();
        let pendings = self.store().pendings().map_err(storage)?;
        let shown = pendings
            .iter()
            .map(|pending| pending.to_json(pending.at.since(now)));
        let shown = shown.collect();
        Ok(Members::new().value("pending", Value::Array(shown)).take())
    }

    /// The override in force, with who set it and when it ends.
    ///
    /// # Errors
    /// When none is in force, or storage refuses.
    pub fn override_(&self) -> Result<Value, Problem> {
        let stack = Stack::load(&self.store()).map_err(storage)?;
        let Some(patch) = stack.override_ else {
            return Err(nothing_set("no override is in force"));
        };
        let expires_at = self.expires_at().map_err(storage)?;
        let signed = self.inner.state.borrow().control.override_.clone();
        let mut members = Members::new();
        members.value("patch", Value::Object(patch.object().clone()));
        if let Some(signed) = &signed {
            signed.tell(&mut members);
        }
        Ok(members
            .optional_text("expires_at", expires_at.as_deref())
            .take())
    }

    /// The schema that every document must keep, and the head that a write to it is to name.
    ///
    /// # Errors
    /// When there is none.
    pub fn schema(&self) -> Result<(Rc<Schema>, Version, ETag), Problem> {
        let state = self.inner.state.borrow();
        let schema = state.schema.clone();
        let schema = schema.ok_or_else(|| nothing_set("the space has no schema"))?;
        Ok((schema, state.head.version, state.head.etag.clone()))
    }

    /// The document of the source layer, as it was pulled or published, and the head that a write to
    /// it is to name.
    ///
    /// # Errors
    /// When there is none yet, or storage refuses.
    pub fn source_document(&self) -> Result<(Document, Version, ETag), Problem> {
        let stack = Stack::load(&self.store()).map_err(storage)?;
        let head = self.inner.state.borrow().head.clone();
        let source = stack.source.map(|source| (source, head.version, head.etag));
        source.ok_or_else(|| nothing_set("no document was pulled or published yet"))
    }

    /// When the override in force ends.
    pub(super) fn expires_at(&self) -> Result<Option<String>, SqlError> {
        let pendings = self.store().pendings()?;
        let mut ends = pendings
            .iter()
            .filter(|pending| pending.kind == ChangeKind::EndOverride);
        Ok(ends.next().map(|pending| rfc3339(pending.at)))
    }

    /// The version since which the value at `pointer` is what it is in the head, and whether all
    /// that is kept was looked at as far as needed.
    fn since(&self, head: &Head, pointer: &str) -> Result<(Version, bool), Problem> {
        let store = self.store();
        let now = parsed(head)?;
        let value = at(&now, pointer);
        let mut read = 0_usize;
        let mut since = head.version;
        loop {
            let page = store.history(since.get(), 1).map_err(storage)?;
            let Some(older) = page.first() else {
                return Ok((since, true));
            };
            let bytes = usize::try_from(older.bytes).unwrap_or(usize::MAX);
            read = read.saturating_add(bytes);
            if read > SINCE_BYTES {
                return Ok((since, false));
            }
            let Some(older) = store.version(older.version).map_err(storage)? else {
                return Ok((since, true));
            };
            if at(&parsed(&older)?, pointer) != value {
                return Ok((since, true));
            }
            since = older.version;
        }
    }

    fn store(&self) -> Store<'_, P> {
        Store(&self.inner.platform)
    }
}

impl PastVersion {
    fn to_json(&self) -> Value {
        Members::new()
            .number("version", self.version.get())
            .text("etag", ETag::of(self.version, &self.hash).as_str())
            .text("hash", &self.hash.hex())
            .number("bytes", self.bytes)
            .text("origin", self.origin.as_str())
            .text("adopted_at", &rfc3339(self.adopted_at))
            .text("actor", &self.actor)
            .text("action", &self.action)
            .optional_text("reason", self.reason.as_deref())
            .optional_number("rollback_of", self.rollback_of.map(Version::get))
            .take()
    }
}

impl Pending {
    pub(super) fn to_json(&self, in_ms: u64) -> Value {
        let expires_at = self.expires_at.map(rfc3339);
        let mut members = Members::new();
        members
            .number("id", self.id)
            .text("kind", self.kind.as_str())
            .text("activate_at", &rfc3339(self.at))
            .number("in_ms", in_ms)
            .optional_number("version", self.announced.map(|(version, _)| version.get()))
            .optional_number("rollback_of", self.rollback_of.map(Version::get))
            .optional_text("expires_at", expires_at.as_deref());
        self.signed.tell(&mut members);
        members.flag("refused", self.refused).take()
    }
}

impl Signed {
    /// As three members of what it is told in.
    pub(super) fn tell(&self, members: &mut Members) {
        members
            .text("actor", &self.actor)
            .optional_text("reason", self.reason.as_deref())
            .text("at", &rfc3339(self.at));
    }
}

fn before(page: Page) -> u64 {
    page.before.unwrap_or(Version::MAX.get() + 1)
}

/// A list, and where the next part of it begins.
fn list(page: Page, name: &str, items: Vec<Value>, last: Option<u64>) -> Value {
    let full = items.len() as u64 >= page.limit;
    Members::new()
        .value(name, Value::Array(items))
        .optional_number("next_before", last.filter(|_| full))
        .take()
}

pub(super) fn parsed(head: &Head) -> Result<Document, Problem> {
    Document::parse(head.text.as_bytes()).map_err(|reason| {
        storage(SqlError(format!(
            "version {} cannot be read: {reason}",
            head.version
        )))
    })
}

/// The value at a pointer; `None` where there is none.
fn at(document: &Document, pointer: &str) -> Option<Value> {
    match pointer::get(document.object(), pointer).ok()? {
        Found::Whole(object) => Some(Value::Object(object.clone())),
        Found::Part(value) => Some(value.clone()),
    }
}
