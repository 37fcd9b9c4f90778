//! What ought to come out, said a second time and more simply than the core says it: documents here
//! are shallow, so a merge calls itself, and a delay is a doubling.

use bellwether_core::coordinator::Change;
use bellwether_core::document::{MAX_DOCUMENT_BYTES, Object};
use bellwether_core::guard::Waivers;
use bellwether_core::refresh::{Cause, Outcome};
use bellwether_core::settings::SpaceSettings;
use bellwether_core::version::ContentHash;
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
        patch(&mut merged, layer);
    }
    merged
}

/// A merge patch.
pub(crate) fn patch(target: &mut Object, patch: &Object) {
    for (key, value) in patch {
        match value {
            Value::Null => _ = target.shift_remove(key),
            Value::Object(inner) => {
                let below = target.get(key).and_then(Value::as_object);
                let mut below = below.cloned().unwrap_or_default();
                self::patch(&mut below, inner);
                target.insert(key.clone(), below.into());
            }
            _ => _ = target.insert(key.clone(), value.clone()),
        }
    }
}

/// What makes `content` when it is laid on `base`. A null that both have is left out, for it would
/// take that away.
fn above(base: &Object, content: &Object) -> Object {
    let mut above = content.clone();
    for (key, below) in base {
        match (below, content.get(key)) {
            (Value::Null, Some(Value::Null)) => _ = above.shift_remove(key),
            (_, None) => _ = above.insert(key.clone(), Value::Null),
            (Value::Object(below), Some(Value::Object(inner))) => {
                above.insert(key.clone(), self::above(below, inner).into());
            }
            _ => {}
        }
    }
    above
}

/// Fills a layer's key until it and the one below it are a document of the largest size that may be.
pub(crate) fn fill(layer: &mut Object, key: &str, below: &Object) {
    layer.insert(key.to_owned(), "".into());
    let room = MAX_DOCUMENT_BYTES.saturating_sub(size(&merged(&[below, layer])));
    layer.insert(key.to_owned(), "x".repeat(room).into());
}

pub(crate) fn is_too_large(document: &Object) -> bool {
    size(document) > MAX_DOCUMENT_BYTES
}

fn size(document: &Object) -> usize {
    let mut written = Counted(0);
    serde_json::to_writer(&mut written, document).map_or(0, |()| written.0)
}

/// Counts what is written, and keeps none of it: documents of the largest size are weighed often.
struct Counted(usize);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The hash of a document, as it is stored.
pub(crate) fn hash(document: &Object) -> String {
    hash_of(&in_order(document))
}

/// The same of its text.
pub(crate) fn hash_of(text: &str) -> String {
    ContentHash::of(text.as_bytes()).hex()
}

/// The layers that are not built in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stack {
    pub(crate) source: Option<Object>,
    pub(crate) override_: Option<Object>,
}

impl Stack {
    /// On top of the built-in ones. An override is a patch even where nothing lies below it.
    pub(crate) fn on(&self, base: &Object) -> Object {
        let mut all = merged(&[base, self.source.as_ref().unwrap_or(&Object::new())]);
        if let Some(over) = &self.override_ {
            patch(&mut all, over);
        }
        all
    }

    pub(crate) fn origin(&self) -> &'static str {
        match (&self.source, &self.override_) {
            (Some(_), _) => "source",
            (None, Some(_)) => "override",
            (None, None) => "base",
        }
    }
}

/// What a refresh is weighed against.
pub(crate) struct Held<'a> {
    /// The built-in layers that the object was started with.
    pub(crate) base: &'a Object,
    pub(crate) stack: &'a Stack,
    /// The hash of what the source itself last brought.
    pub(crate) pulled: Option<&'a str>,
    pub(crate) pinned: bool,
    pub(crate) schema: Option<&'a Object>,
    pub(crate) head: &'a Object,
    pub(crate) head_origin: &'a str,
}

/// How a refresh must end: the outcome, the cause of a failure, and the new source layer.
pub(crate) type Ending = (Outcome, Option<Cause>, Option<Object>);

pub(crate) fn ending(answered: &Answered, held: &Held<'_>, waivers: Waivers) -> Ending {
    let document = match answered {
        Answered::Document(document) => document,
        Answered::NoDocument => return (Outcome::Rejected, None, None),
        Answered::Missing => return (Outcome::Missing, None, None),
        Answered::Failed(cause) => return (Outcome::Failed, Some(*cause), None),
        Answered::NotModified { asked } if *asked && held.pulled.is_some() => {
            return (Outcome::Unchanged, None, None);
        }
        Answered::NotModified { .. } => return (Outcome::Failed, Some(Cause::Protocol), None),
    };
    if held.pulled.is_some_and(|pulled| pulled == hash(document)) {
        return (Outcome::Unchanged, None, None);
    }
    let source = held.stack.source.as_ref();
    let rolled_back = held.pinned || held.pulled.is_none();
    if !passes_above(document, source, rolled_back.then_some(held.base), waivers) {
        return (Outcome::Rejected, None, None);
    }
    let after = Stack {
        source: Some(document.clone()),
        ..held.stack.clone()
    };
    let merged = after.on(held.base);
    if is_too_large(&merged) || !keeps(held.schema, &merged) {
        return (Outcome::Rejected, None, None);
    }
    if held.pinned {
        return (Outcome::Held, None, None);
    }
    if in_order(&merged) == in_order(held.head) && held.head_origin == "source" {
        return (Outcome::Unchanged, None, after.source);
    }
    (Outcome::Adopted, None, after.source)
}

fn passes_guards(document: &Object, source: Option<&Object>, waivers: Waivers) -> bool {
    let keys = |object: &Object| object.values().filter(|value| !value.is_null()).count();
    let empty = keys(document) == 0 && !waivers.empty_document;
    let loses = source.is_some_and(|source| {
        let lost = source.iter().filter(|(key, value)| {
            !value.is_null() && document.get(*key).is_none_or(Value::is_null)
        });
        lost.count() * 100 > keys(source) * 50
    });
    !empty && (!loses || waivers.key_loss)
}

/// The same. Where a rollback may have left the source layer, keys that are as in the `base` below do
/// not count as the source's.
fn passes_above(
    document: &Object,
    source: Option<&Object>,
    base: Option<&Object>,
    waivers: Waivers,
) -> bool {
    let (Some(source), Some(base)) = (source, base) else {
        return passes_guards(document, source, waivers);
    };
    let mut own = source.clone();
    own.retain(|key, value| base.get(key) != Some(value));
    passes_guards(document, Some(source), waivers) || passes_guards(document, Some(&own), waivers)
}

/// Whether a document keeps a schema of the kind that operators of these worlds set: a largest value
/// of `c`, and perhaps that `mode` is there.
pub(crate) fn keeps(schema: Option<&Object>, document: &Object) -> bool {
    let Some(schema) = schema else {
        return true;
    };
    let schema = Value::Object(schema.clone());
    let most = schema
        .pointer("/properties/c/maximum")
        .and_then(Value::as_u64);
    let c = document.get("c").and_then(Value::as_u64);
    let fits = most.is_none_or(|most| c.is_none_or(|c| c <= most));
    fits && (schema.get("required").is_none() || document.contains_key("mode"))
}

/// What an operator's change is weighed against, beside the layers.
pub(crate) struct Ground<'a> {
    pub(crate) base: &'a Object,
    /// That of the version that a rollback goes back to.
    pub(crate) content: Option<&'a Object>,
    /// Whether a rollback may have left the source layer.
    pub(crate) rolled_back: bool,
    pub(crate) schema: Option<&'a Object>,
}

/// What an operator's change makes of the layers, and the head that they make; `None` where it must
/// not become the head.
pub(crate) fn weigh(
    change: &Change,
    before: &Stack,
    ground: &Ground<'_>,
    waivers: Waivers,
) -> Option<(Stack, Object)> {
    let (base, content) = (ground.base, ground.content);
    let mut after = before.clone();
    let mut exact = None;
    match change {
        Change::Publish(document) => after.source = Some(document.object().clone()),
        Change::Patch(document) => {
            let mut source = after.source.unwrap_or_default();
            patch(&mut source, document.object());
            after.source = Some(source);
        }
        Change::Rollback { .. } => {
            after = Stack {
                source: Some(above(base, content?)),
                override_: None,
            };
            exact = content.cloned();
        }
        Change::Override { patch, .. } => after.override_ = Some(patch.object().clone()),
        Change::EndOverride => after.override_ = None,
    }
    let source = after.source.as_ref();
    let below = ground.rolled_back.then_some(base);
    if matches!(change, Change::Publish(_) | Change::Patch(_))
        && !source.is_some_and(|after| passes_above(after, before.source.as_ref(), below, waivers))
    {
        return None;
    }
    let mut merged = after.on(base);
    if source.is_some_and(is_too_large) || is_too_large(&merged) {
        return None;
    }
    if let Some(exact) = exact {
        if exact != merged {
            return None;
        }
        // A rollback has the old order as well.
        merged = exact;
    }
    keeps(ground.schema, &merged).then_some((after, merged))
}

/// The order of keys is part of a document's text, and so of its hash.
pub(crate) fn in_order(object: &Object) -> String {
    serde_json::to_string(object).unwrap_or_default()
}

/// The shortest and the longest delay after so many failures, in milliseconds. Operators may have set
/// another interval.
pub(crate) fn delays(
    settings: &SpaceSettings,
    interval_ms: Option<u64>,
    failures: u64,
) -> (u64, u64) {
    let mut plain = interval_ms.unwrap_or(settings.refresh_interval_ms);
    if failures > 0 {
        plain = plain.min(5_000);
        for _ in 1..failures {
            plain = (plain * 2).min(settings.backoff_max_ms);
        }
        plain = plain.min(settings.backoff_max_ms);
    }
    (plain - plain / 10, plain + plain / 10)
}
