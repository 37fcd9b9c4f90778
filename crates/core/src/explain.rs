//! Which layer a value comes from, and what every other layer had there.

use serde_json::Value;

use crate::document::Object;
use crate::json::Members;
use crate::merge::{Layer, Layers, lay};
use crate::pointer::{self, Found, PointerError};

/// Why the merged document has what it has at a pointer.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The pointer that was asked for.
    pub pointer: String,
    /// The value in force; `None` where a layer deleted it.
    pub value: Option<Value>,
    /// The strongest layer that has a say: it gives the value, adds to it, or deletes it. `None`
    /// for the whole of a document of which no layer holds anything.
    pub layer: Option<Layer>,
    /// What each layer does there, weakest first.
    pub layers: Vec<LayerEffect>,
}

/// What one layer does at a pointer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerEffect {
    /// The layer.
    pub layer: Layer,
    /// What it does.
    pub effect: Effect,
    /// Whether a stronger layer replaces or deletes all of that. What is merged with is not
    /// overridden, even if every member of it is.
    pub overridden: bool,
}

/// What a layer does at a pointer to what the weaker ones have there.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Nothing: it does not mention the place.
    Absent,
    /// Gives this value in place of theirs, if they have one. In an array that the layer gives it
    /// is a part of that, since arrays are replaced as a whole.
    Value(Value),
    /// Gives this object, whose members are merged into the object that they have.
    Merges(Value),
    /// Deletes what they have: by a `null` at the place (which counts where there is nothing to
    /// delete, too), or by a value further up that leaves nothing here.
    Deletes,
}

/// Explains what the layers make of the value at `pointer`. A value that one layer gives and a
/// stronger one deletes is explained as well.
///
/// # Errors
/// [`PointerError::Syntax`] for what is no pointer; [`PointerError::NotFound`] where no layer
/// mentions the place.
pub fn explain(layers: &Layers<'_>, pointer: &str) -> Result<Explanation, PointerError> {
    let mut merged = None;
    let mut effects = layers.weakest_first().map(|(layer, object)| LayerEffect {
        layer,
        effect: effect(&mut merged, layer, object, pointer),
        overridden: false,
    });
    let mut replaced = false;
    let mut strongest = None;
    for one in effects.iter_mut().rev() {
        if one.effect != Effect::Absent {
            one.overridden = replaced;
            strongest = strongest.or(Some(one.layer));
        }
        replaced |= matches!(one.effect, Effect::Value(_) | Effect::Deletes);
    }
    let merged = merged.unwrap_or_default();
    let value = match pointer::get(&merged, pointer) {
        Ok(found) => Some(found.to_value()),
        Err(PointerError::NotFound(_)) if strongest.is_some() => None,
        Err(error) => return Err(error),
    };
    Ok(Explanation {
        pointer: pointer.to_owned(),
        value,
        layer: strongest,
        layers: effects.into(),
    })
}

impl Explanation {
    /// `{pointer, found, value?, layer, layers: [{layer, effect, overridden, value?}, …]}`; the
    /// effects are `absent`, `value`, `merges` and `deletes`.
    pub fn to_json(&self) -> Value {
        let mut members = Members::new();
        members
            .text("pointer", &self.pointer)
            .flag("found", self.value.is_some());
        if let Some(value) = &self.value {
            members.value("value", value.clone());
        }
        members.optional_text("layer", self.layer.map(Layer::as_str));
        let layers = self.layers.iter().map(LayerEffect::to_json);
        members.value("layers", layers.collect()).take()
    }
}

impl LayerEffect {
    fn to_json(&self) -> Value {
        let (effect, value) = match &self.effect {
            Effect::Absent => ("absent", None),
            Effect::Value(value) => ("value", Some(value)),
            Effect::Merges(value) => ("merges", Some(value)),
            Effect::Deletes => ("deletes", None),
        };
        let mut members = Members::new();
        members
            .text("layer", self.layer.as_str())
            .text("effect", effect)
            .flag("overridden", self.overridden);
        if let Some(value) = value {
            members.value("value", value.clone());
        }
        members.take()
    }
}

/// Lays one more layer on `merged`, and tells what it does at `pointer`: the merge itself decides,
/// so that an explanation cannot differ from it.
fn effect(
    merged: &mut Option<Object>,
    layer: Layer,
    object: Option<&Object>,
    pointer: &str,
) -> Effect {
    let Some(object) = object.filter(|object| !object.is_empty()) else {
        return Effect::Absent;
    };
    let said = pointer::get(object, pointer).ok();
    let below = merged.as_ref();
    let before = below.and_then(|below| pointer::get(below, pointer).ok());
    let was_there = before.is_some();
    let both_objects = said.is_some_and(Found::is_object) && before.is_some_and(Found::is_object);
    let merges = both_objects
        && below.is_some_and(|below| is_in_objects(below, pointer))
        && is_in_objects(object, pointer);
    lay(merged, layer, Some(object));
    let is_there = merged
        .as_ref()
        .is_some_and(|merged| pointer::get(merged, pointer).is_ok());
    match said {
        Some(said) if is_there && merges => Effect::Merges(said.to_value()),
        Some(said) if is_there => Effect::Value(said.to_value()),
        None if is_there || !was_there => Effect::Absent,
        _ => Effect::Deletes,
    }
}

/// Whether only objects stand above the place, and no array: a merge goes through objects only.
fn is_in_objects(object: &Object, pointer: &str) -> bool {
    // The first "/" stands below the document, which is an object.
    pointer.match_indices('/').skip(1).all(|(end, _)| {
        let above = pointer.get(..end).unwrap_or_default();
        pointer::get(object, above).is_ok_and(Found::is_object)
    })
}
