//! Layers, merged as JSON Merge Patch (RFC 7396) says, with the order of keys kept.

use serde_json::Value;

use crate::document::{Document, Object};
use crate::reason::Reason;

/// What a document is made of, weakest first. The weakest layer that holds anything is the document
/// that RFC 7396 calls the target, kept as it is, its `null`s included; each stronger layer patches
/// it, and a `null` in that deletes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layers<'a> {
    /// Built into the Worker.
    pub defaults: Option<&'a Object>,
    /// From wrangler's `vars`.
    pub vars: Option<&'a Object>,
    /// Pulled from the source, or published.
    pub source: Option<&'a Object>,
    /// An operator's patch.
    pub override_: Option<&'a Object>,
}

/// One of the [`Layers`]; the order is theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Built into the Worker.
    Defaults,
    /// From wrangler's `vars`.
    Vars,
    /// Pulled from the source, or published.
    Source,
    /// An operator's patch.
    Override,
}

impl Layer {
    /// The name that people read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Layer::Defaults => "defaults",
            Layer::Vars => "vars",
            Layer::Source => "source",
            Layer::Override => "override",
        }
    }
}

impl<'a> Layers<'a> {
    /// Every layer and what it holds, weakest first.
    pub const fn weakest_first(&self) -> [(Layer, Option<&'a Object>); 4] {
        [
            (Layer::Defaults, self.defaults),
            (Layer::Vars, self.vars),
            (Layer::Source, self.source),
            (Layer::Override, self.override_),
        ]
    }

    /// The document that all layers make together.
    ///
    /// # Errors
    /// The reason when layers that are each within the limits make a document that is not.
    pub fn merged(&self) -> Result<Document, Reason> {
        let mut merged = None;
        for (layer, object) in self.weakest_first() {
            lay(&mut merged, layer, object);
        }
        Document::from_object(merged.unwrap_or_default()).map_err(|reason| {
            Reason::new(
                reason.code,
                &reason.pointer,
                &format!("all layers merged: {}", reason.message),
            )
        })
    }
}

/// Lays one layer on what the weaker ones made, which is `None` while none of them holds anything.
/// The override is a patch even then.
pub(crate) fn lay(below: &mut Option<Object>, layer: Layer, object: Option<&Object>) {
    let Some(object) = object.filter(|object| !object.is_empty()) else {
        return;
    };
    match below {
        None if layer != Layer::Override => *below = Some(object.clone()),
        _ => merge_object(below.get_or_insert_default(), object),
    }
}

/// Applies a merge patch (RFC 7396). Keys keep their place; new ones come last, in the patch's
/// order.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    apply(vec![(target, patch)]);
}

/// [`merge_patch`] for two objects.
pub fn merge_object(target: &mut Object, patch: &Object) {
    apply(patch_members(target, patch));
}

/// Works through the pairs of a value and its patch: a list and no recursion, so that no nesting
/// overflows the stack.
fn apply(mut pairs: Vec<(&mut Value, &Value)>) {
    while let Some((target, patch)) = pairs.pop() {
        let Value::Object(patch) = patch else {
            *target = patch.clone();
            continue;
        };
        if !target.is_object() {
            *target = Value::Object(Object::new());
        }
        if let Value::Object(object) = target {
            pairs.append(&mut patch_members(object, patch));
        }
    }
}

/// Deletes and adds keys as `patch` says; what is left to do are the pairs of a member and its
/// patch.
fn patch_members<'t, 'p>(
    target: &'t mut Object,
    patch: &'p Object,
) -> Vec<(&'t mut Value, &'p Value)> {
    if patch.values().any(Value::is_null) {
        // One sweep: a removal that keeps the order costs as much as all of it.
        target.retain(|key, _| !matches!(patch.get(key), Some(Value::Null)));
    }
    for (key, value) in patch {
        if !value.is_null() && !target.contains_key(key) {
            target.insert(key.clone(), Value::Null);
        }
    }
    target
        .iter_mut()
        .filter_map(|(key, member)| patch.get(key).map(|value| (member, value)))
        .collect()
}
