//! What ought to come out, said a second time and more simply than the core says it: documents here
//! are flat, so a merge is a loop, and a delay is a doubling.

use bellwether_core::document::{MAX_DOCUMENT_BYTES, Object};
use bellwether_core::guard::Waivers;
use bellwether_core::refresh::{Cause, Outcome};
use bellwether_core::settings::SpaceSettings;
use serde_json::Value;

use crate::upstream::Answered;

/// Layers, weakest first, as one document.
pub(crate) fn merged(layers: &[&Object]) -> Object {
    let mut layers = layers.iter().filter(|layer| !layer.is_empty());
    let mut merged = layers
        .next()
        .map(|layer| (*layer).clone())
        .unwrap_or_default();
    for layer in layers {
        for (key, value) in *layer {
            if value.is_null() {
                merged.shift_remove(key);
            } else {
                merged.insert(key.clone(), value.clone());
            }
        }
    }
    merged
}

/// Fills a layer's key until it and the one below it are a document of the largest size that may be.
pub(crate) fn fill(layer: &mut Object, key: &str, below: &Object) {
    layer.insert(key.to_owned(), "".into());
    let room = MAX_DOCUMENT_BYTES.saturating_sub(size(&merged(&[below, layer])));
    layer.insert(key.to_owned(), "x".repeat(room).into());
}

fn size(document: &Object) -> usize {
    serde_json::to_string(document).map_or(0, |text| text.len())
}

/// What a refresh is weighed against.
pub(crate) struct Held<'a> {
    /// The built-in layers that the object was started with.
    pub(crate) base: &'a Object,
    pub(crate) source: Option<&'a Object>,
    pub(crate) head: &'a Object,
    pub(crate) head_is_base: bool,
}

/// How a refresh must end: the outcome, the cause of a failure, and the new source layer.
pub(crate) type Ending = (Outcome, Option<Cause>, Option<Object>);

pub(crate) fn ending(answered: &Answered, held: &Held<'_>, waivers: Waivers) -> Ending {
    let document = match answered {
        Answered::Document(document) => document,
        Answered::NoDocument => return (Outcome::Rejected, None, None),
        Answered::Missing => return (Outcome::Missing, None, None),
        Answered::Failed(cause) => return (Outcome::Failed, Some(*cause), None),
        Answered::NotModified { asked } if *asked && held.source.is_some() => {
            return (Outcome::Unchanged, None, None);
        }
        Answered::NotModified { .. } => return (Outcome::Failed, Some(Cause::Protocol), None),
    };
    if held
        .source
        .is_some_and(|source| in_order(source) == in_order(document))
    {
        return (Outcome::Unchanged, None, None);
    }
    let keys = |object: &Object| object.values().filter(|value| !value.is_null()).count();
    let empty = keys(document) == 0 && !waivers.empty_document;
    let loses = held.source.is_some_and(|source| {
        let lost = source.iter().filter(|(key, value)| {
            !value.is_null() && document.get(*key).is_none_or(Value::is_null)
        });
        lost.count() * 100 > keys(source) * 50
    });
    if empty || (loses && !waivers.key_loss) {
        return (Outcome::Rejected, None, None);
    }
    let merged = merged(&[held.base, document]);
    if size(&merged) > MAX_DOCUMENT_BYTES {
        return (Outcome::Rejected, None, None);
    }
    if in_order(&merged) == in_order(held.head) && !held.head_is_base {
        return (Outcome::Unchanged, None, Some(document.clone()));
    }
    (Outcome::Adopted, None, Some(document.clone()))
}

/// The order of keys is part of a document's text, and so of its hash.
fn in_order(object: &Object) -> Vec<(&String, &Value)> {
    object.iter().collect()
}

/// The shortest and the longest delay after so many failures, in milliseconds.
pub(crate) fn delays(settings: &SpaceSettings, failures: u64) -> (u64, u64) {
    let mut plain = settings.refresh_interval_ms;
    if failures > 0 {
        plain = plain.min(5_000);
        for _ in 1..failures {
            plain = (plain * 2).min(settings.backoff_max_ms);
        }
        plain = plain.min(settings.backoff_max_ms);
    }
    (plain - plain / 10, plain + plain / 10)
}
