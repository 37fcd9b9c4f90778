//! What a change makes of the layers, before anything is written.

use serde_json::Value;

use super::BuiltIn;
use crate::document::{Document, Object};
use crate::guard::{self, Guards, Waivers};
use crate::merge::merge_object;
use crate::platform::Platform;
use crate::reason::{Reason, ReasonCode};
use crate::refresh::Rules;
use crate::sql::SqlError;
use crate::store::{ChangeKind, LayerName, Origin, Pending, Store};
use crate::version::{UnixMillis, Version};

/// What an operator does to a space's layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Another document of the source layer.
    Publish(Document),
    /// A merge patch (RFC 7396) on the source layer.
    Patch(Document),
    /// The content of an old version, whole: it becomes the source layer, and an override ends.
    Rollback {
        /// The version gone back to.
        to: Version,
    },
    /// A merge patch on top of all layers, in place of the one before.
    Override {
        /// The patch.
        patch: Document,
        /// When it ends by itself.
        expires_at: Option<UnixMillis>,
    },
    /// The override ends.
    EndOverride,
}

impl Change {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> ChangeKind {
        match self {
            Self::Publish(_) => ChangeKind::Publish,
            Self::Patch(_) => ChangeKind::Patch,
            Self::Rollback { .. } => ChangeKind::Rollback,
            Self::Override { .. } => ChangeKind::Override,
            Self::EndOverride => ChangeKind::EndOverride,
        }
    }

    /// Whether it sets the source layer, which a pulled space leaves to its source.
    pub(super) fn is_publish(&self) -> bool {
        matches!(self, Self::Publish(_) | Self::Patch(_))
    }

    pub(super) fn rollback_of(&self) -> Option<Version> {
        match self {
            Self::Rollback { to } => Some(*to),
            _ => None,
        }
    }

    pub(super) fn expires_at(&self) -> Option<UnixMillis> {
        match self {
            Self::Override { expires_at, .. } => *expires_at,
            _ => None,
        }
    }

    /// Its document or patch.
    pub(super) fn document(&self) -> Option<&Document> {
        match self {
            Self::Publish(document) | Self::Patch(document) => Some(document),
            Self::Override { patch, .. } => Some(patch),
            Self::Rollback { .. } | Self::EndOverride => None,
        }
    }

    /// The change that a row holds.
    ///
    /// # Errors
    /// What it holds is no document any more.
    pub(super) fn of(pending: &Pending) -> Result<Self, Reason> {
        let document =
            || Document::parse(pending.document.as_deref().unwrap_or_default().as_bytes());
        Ok(match (pending.kind, pending.rollback_of) {
            (ChangeKind::Publish, _) => Self::Publish(document()?),
            (ChangeKind::Patch, _) => Self::Patch(document()?),
            (ChangeKind::Rollback, Some(to)) => Self::Rollback { to },
            (ChangeKind::Rollback, None) => {
                let message = "the pending rollback names no version";
                return Err(Reason::new(ReasonCode::VersionGone, "", message));
            }
            (ChangeKind::Override, _) => Self::Override {
                patch: document()?,
                expires_at: pending.expires_at,
            },
            (ChangeKind::EndOverride, _) => Self::EndOverride,
        })
    }
}

/// The layers that are stored, parsed.
#[derive(Clone, Debug, Default)]
pub(super) struct Stack {
    pub(super) source: Option<Document>,
    pub(super) override_: Option<Document>,
}

impl Stack {
    /// The stored layers.
    ///
    /// # Errors
    /// When the database refuses, or one of them is not a document any more: left out, it would
    /// vanish from the head.
    pub(super) fn load<P: Platform>(store: &Store<'_, P>) -> Result<Self, SqlError> {
        Self::read(store)?
            .map_err(|detail| SqlError(format!("a stored layer cannot be read: {detail}")))
    }

    /// The same; the inner error is that of a layer which is no document any more.
    pub(super) fn read<P: Platform>(
        store: &Store<'_, P>,
    ) -> Result<Result<Self, Reason>, SqlError> {
        let layer = |name: LayerName| {
            let layer = store.layer(name)?;
            let document = layer.map(|layer| Document::parse(layer.text.as_bytes()));
            Ok(document.transpose())
        };
        let (source, override_) = (layer(LayerName::Source)?, layer(LayerName::Override)?);
        Ok(source.and_then(|source| {
            Ok(Self {
                source,
                override_: override_?,
            })
        }))
    }

    /// What the layers are called together.
    pub(super) fn origin(&self) -> Origin {
        match (&self.source, &self.override_) {
            (Some(_), _) => Origin::Source,
            (None, Some(_)) => Origin::Override,
            (None, None) => Origin::Base,
        }
    }

    pub(super) fn merged(&self, built_in: &BuiltIn) -> Result<Document, Reason> {
        if let (Some(source), None, true) = (&self.source, &self.override_, built_in.is_empty()) {
            // Nothing is below it and nothing above: it is the document, hash and text included.
            return Ok(source.clone());
        }
        let source = self.source.as_ref().map(Document::object);
        let patch = self.override_.as_ref().map(Document::object);
        built_in.layers(source, patch).merged()
    }
}

/// What a change is weighed against, beside the stored layers.
pub(super) struct Ground<'a> {
    pub(super) built_in: &'a BuiltIn,
    pub(super) guards: Guards,
    pub(super) waivers: Waivers,
    pub(super) rules: &'a Rules<'a>,
    /// Whether a rollback may have left the source layer.
    pub(super) rolled_back: bool,
    /// The content that a rollback goes back to.
    pub(super) content: Option<Document>,
}

/// The layers after a change, and the document that they make.
#[derive(Clone, Debug)]
pub(super) struct Weighed {
    pub(super) stack: Stack,
    pub(super) merged: Document,
}

/// Weighs a change.
///
/// # Errors
/// Why what it makes must not become the head.
pub(super) fn weigh(
    change: &Change,
    stack: &Stack,
    ground: &Ground<'_>,
) -> Result<Weighed, Vec<Reason>> {
    let mut after = stack.clone();
    let mut exact = None;
    match change {
        Change::Publish(document) => after.source = Some(document.clone()),
        Change::Patch(patch) => {
            let mut source = match &stack.source {
                Some(source) => source.object().clone(),
                None => Object::new(),
            };
            merge_object(&mut source, patch.object());
            let source = Document::from_object(source).map_err(|reason| vec![reason])?;
            after.source = Some(source);
        }
        Change::Rollback { to } => {
            let content = ground.content.clone().ok_or_else(|| {
                let message = format!("version {to} is not kept any more, or cannot be read");
                vec![Reason::new(ReasonCode::VersionGone, "", &message)]
            })?;
            let base = ground.built_in.layers(None, None).merged();
            let source = match &base {
                Ok(base) => towards(base.object(), content.object()),
                Err(_) => content.object().clone(),
            };
            let source = Document::from_object(source).map_err(|reason| vec![reason])?;
            after = Stack {
                source: Some(source),
                override_: None,
            };
            exact = Some(content);
        }
        Change::Override { patch, .. } => after.override_ = Some(patch.clone()),
        Change::EndOverride => after.override_ = None,
    }
    if let (true, Some(candidate)) = (change.is_publish(), &after.source) {
        let held = stack.source.as_ref().map(Document::object);
        let below = ground.built_in.layers(None, None);
        guard::check_above(
            ground.rolled_back.then_some(&below),
            candidate.object(),
            held,
            ground.guards,
            ground.waivers,
        )?;
    }
    let mut merged = after
        .merged(ground.built_in)
        .map_err(|reason| vec![reason])?;
    if let Some(content) = exact {
        if merged.object() != content.object() {
            let message = "the version holds a null that the built-in layers do not have any more; a rollback cannot make it";
            return Err(vec![Reason::new(ReasonCode::NullLost, "", message)]);
        }
        // The same members; the old text has the old order as well.
        merged = content;
    }
    (ground.rules)(&merged)?;
    Ok(Weighed {
        stack: after,
        merged,
    })
}

/// The patch that makes `target` out of `base`: all of `target`, and a `null` for each key that it
/// lacks. A `null` that both have is left out, for it would delete.
fn towards(base: &Object, target: &Object) -> Object {
    let mut patch = target.clone();
    for (key, below) in base {
        match (below, patch.get_mut(key)) {
            (_, None) => _ = patch.insert(key.clone(), Value::Null),
            (Value::Null, Some(Value::Null)) => _ = patch.shift_remove(key),
            (Value::Object(below), Some(Value::Object(wanted))) => {
                *wanted = towards(below, wanted);
            }
            _ => {}
        }
    }
    patch
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn object(value: Value) -> Object {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_the_target_lacks_is_deleted() {
        let base = object(json!({"a": 1, "b": {"c": 2, "d": 3}, "e": {"f": 4}}));
        let target = object(json!({"b": {"d": 5}, "e": 6, "g": {"h": {}}}));
        let mut merged = base.clone();
        merge_object(&mut merged, &towards(&base, &target));
        assert_eq!(merged, target);
    }

    fn objects() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<u8>().prop_map(Value::from)
        ];
        let value = leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::hash_map("[a-c]", inner, 0..4)
                    .prop_map(|members| Value::from(members.into_iter().collect::<Object>())),
            ]
        });
        proptest::collection::hash_map("[a-c]", value, 0..4)
            .prop_map(|members| Value::from(members.into_iter().collect::<Object>()))
    }

    #[test]
    fn a_null_that_is_below_stays() {
        let base = object(json!({"a": null, "b": {"c": null, "d": 1}, "e": 1}));
        let target = object(json!({"a": null, "b": {"c": null}, "f": [null]}));
        let mut merged = base.clone();
        merge_object(&mut merged, &towards(&base, &target));
        assert_eq!(merged, target);
    }

    proptest! {
        #[test]
        fn a_rollback_makes_the_old_content_of_any_base(base in objects(), target in objects()) {
            let (base, target) = (object(base), object(target));
            let mut merged = base.clone();
            merge_object(&mut merged, &towards(&base, &target));
            prop_assert_eq!(merged, target);
        }
    }
}
