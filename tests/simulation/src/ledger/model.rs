//! What a space is, as the second set of books has it: layers, and all that operators set.

use std::rc::Rc;

use bellwether_core::coordinator::Change;
use bellwether_core::document::Object;
use bellwether_core::store::ChangeKind;

use crate::oracle::Stack;

/// An adopted version.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) number: u64,
    pub(crate) hash: String,
    pub(crate) text: Rc<str>,
    pub(crate) document: Object,
    pub(crate) origin: String,
}

impl Version {
    pub(crate) fn is_base(&self) -> bool {
        self.origin == "base"
    }

    pub(crate) fn etag(&self) -> String {
        format!("\"v{}-{}\"", self.number, &self.hash[..16])
    }
}

/// A change that waits for its moment.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// Its number; 0 until the database was seen, for the end of an override has none in the audit.
    pub(crate) id: u64,
    pub(crate) at_ms: u64,
    pub(crate) change: Rc<Change>,
    pub(crate) actor: String,
    /// What is stored of it is a document no more.
    pub(crate) unreadable: bool,
    /// Its moment came, and it did not fit.
    pub(crate) refused: bool,
}

impl Waiting {
    pub(super) fn kind(&self) -> &'static str {
        self.change.kind().as_str()
    }

    pub(super) fn is_end(&self) -> bool {
        self.change.kind() == ChangeKind::EndOverride
    }

    pub(super) fn rollback_of(&self) -> u64 {
        match &*self.change {
            Change::Rollback { to } => to.get(),
            _ => 0,
        }
    }
}

#[derive(Clone, Default)]
pub(super) struct Model {
    pub(super) head: Option<Version>,
    pub(super) base: Object,
    pub(super) stack: Stack,
    pub(super) schema: Option<Object>,
    pub(super) pin: Option<u64>,
    /// The hash of what the source itself last brought and that passed.
    pub(super) pulled: Option<String>,
    pub(super) paused: bool,
    pub(super) interval_ms: Option<u64>,
    pub(super) pendings: Vec<Waiting>,
    /// The highest number that any version was given.
    pub(super) last_version: u64,
    /// The last row of the audit.
    pub(super) audited: u64,
}

impl Model {
    pub(super) fn number(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.number)
    }

    /// The change whose moment comes first.
    pub(super) fn first(&self) -> Option<&Waiting> {
        self.pendings
            .iter()
            .min_by_key(|waiting| (waiting.at_ms, waiting.id))
    }

    /// An operator's change takes force: the layers are others, and so are pin and expiry.
    pub(super) fn take(&mut self, change: &Change, after: Stack, actor: &str, has_source: bool) {
        self.stack = after;
        match change {
            Change::Publish(_) | Change::Patch(_) => return,
            Change::Rollback { to } => self.pin = has_source.then(|| to.get()),
            Change::Override { .. } | Change::EndOverride => {}
        }
        self.pendings.retain(|waiting| !waiting.is_end());
        if let Change::Override {
            expires_at: Some(at),
            ..
        } = change
        {
            self.pendings.push(Waiting {
                id: 0,
                at_ms: at.0,
                change: Rc::new(Change::EndOverride),
                actor: actor.to_owned(),
                unreadable: false,
                refused: false,
            });
        }
    }

    /// What must be kept of old versions.
    pub(super) fn kept(&self) -> Vec<u64> {
        let pendings = self.pendings.iter().map(Waiting::rollback_of);
        pendings.chain(self.pin).filter(|kept| *kept > 0).collect()
    }
}
