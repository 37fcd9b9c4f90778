//! The one commit of a change to the layers.

use super::change::Change;
use super::pending::Ready;
use super::{Coordinator, State};
use crate::platform::Platform;
use crate::sql::SqlError;
use crate::store::{Adoption, AuditEntry, ChangeKind, Head, LayerName, Pending, Pin, Store};

impl<P: Platform> Coordinator<P> {
    /// Commits a change with its version, layers, pin, expiry and audit row, and whatever `also`
    /// writes; then, and only then, changes memory. Tells whether there is a new head.
    pub(super) fn commit_change(
        &self,
        state: &mut State,
        ready: &Ready<'_>,
        also: impl Fn(&Store<'_, P>, &Head) -> Result<(), SqlError>,
    ) -> Result<bool, SqlError> {
        let (signed, change) = (ready.signed, ready.change);
        let (stack, merged) = (&ready.weighed.stack, &ready.weighed.merged);
        let is_new = ready.is_new(&state.head);
        let mut control = state.control.clone();
        let head = if is_new {
            let told = ready.announced.filter(|told| *told > state.head.version);
            let version = told
                .or(control.last_version.next())
                .ok_or_else(|| SqlError("no version is left".to_owned()))?;
            control.last_version = control.last_version.max(version);
            Head::new(version, merged, stack.origin(), signed.at)
        } else {
            state.head.clone()
        };
        match change {
            Change::Publish(_) | Change::Patch(_) => {}
            Change::Override { .. } => control.override_ = Some(signed.clone()),
            Change::EndOverride => control.override_ = None,
            Change::Rollback { to } => {
                control.override_ = None;
                control.held = None;
                control.pin = self.has_source().then(|| Pin {
                    to: *to,
                    signed: signed.clone(),
                });
            }
        }
        let mut layers = Vec::new();
        if let Some(base) = &state.base_owed {
            layers.push((LayerName::Base, base));
        }
        if let (Change::Publish(_) | Change::Patch(_) | Change::Rollback { .. }, Some(source)) =
            (change, &stack.source)
        {
            layers.push((LayerName::Source, source));
        }
        if let (Change::Override { .. }, Some(patch)) = (change, &stack.override_) {
            layers.push((LayerName::Override, patch));
        }
        let touches_override = !change.is_publish();
        let expiry = change.expires_at().map(|at| Pending {
            id: 0,
            at,
            kind: ChangeKind::EndOverride,
            document: None,
            rollback_of: None,
            expires_at: None,
            signed: signed.clone(),
            announced: None,
            refused: false,
        });
        let detail = ready.was.map(|id| format!("pending {id}"));
        let retention = self.retention();
        Store(&self.inner.platform).atomically(|store| {
            if is_new {
                store.put_head(&Adoption {
                    head: &head,
                    layers: &layers,
                    actor: &signed.actor,
                    action: ready.action,
                    reason: signed.reason.as_deref(),
                    rollback_of: change.rollback_of(),
                })?;
            } else {
                for (name, layer) in &layers {
                    store.put_layer(*name, layer, signed.at, head.version)?;
                }
            }
            if touches_override && stack.override_.is_none() {
                store.delete_layer(LayerName::Override)?;
            }
            if let Some(id) = ready.was {
                store.delete_pending(id)?;
            }
            if touches_override {
                store.delete_pendings_of(ChangeKind::EndOverride)?;
            }
            if let Some(expiry) = &expiry {
                store.insert_pending(expiry)?;
            }
            store.put_control(&control)?;
            store.append_audit(&AuditEntry {
                at: signed.at,
                actor: &signed.actor,
                action: ready.action,
                reason: signed.reason.as_deref(),
                before: Some(state.head.version),
                after: head.version,
                outcome: if is_new { "adopted" } else { "unchanged" },
                detail: detail.as_deref(),
            })?;
            store.prune(retention, signed.at)?;
            also(store, &head)
        })?;
        state.head = head;
        state.control = control;
        state.base_owed = None;
        state.stack = Some(stack.clone());
        Ok(is_new)
    }
}
