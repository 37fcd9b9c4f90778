//! Guards: what a well-formed candidate may not do to the head, unless an operator waives it by
//! name.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use crate::document::Object;
use crate::merge::Layers;
use crate::reason::{Reason, ReasonCode, clip};

/// How many lost keys a reason names.
const KEYS_NAMED: usize = 5;
/// The longest key that a reason shows, in characters.
const KEY_CHARS: usize = 40;

/// The largest share of its top-level keys that a document may lose in one refresh, in percent,
/// `0..=100`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct KeyLoss(u8);

impl KeyLoss {
    /// This many percent; `None` above 100.
    pub const fn new(percent: u64) -> Option<KeyLoss> {
        if percent <= 100 {
            Some(KeyLoss(percent as u8))
        } else {
            None
        }
    }

    /// The share in percent. 0 allows no loss, 100 any.
    pub const fn percent(self) -> u8 {
        self.0
    }

    /// Whether losing `lost` keys of `total` is more than this share.
    pub const fn is_exceeded_by(self, lost: usize, total: usize) -> bool {
        lost as u128 * 100 > total as u128 * self.0 as u128
    }
}

/// The guards of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Guards {
    /// Refuse a candidate without any key.
    pub empty: bool,
    /// Refuse a candidate that loses more than this share of the current keys.
    pub max_key_loss: KeyLoss,
}

impl Default for Guards {
    fn default() -> Guards {
        Guards {
            empty: true,
            max_key_loss: KeyLoss(50),
        }
    }
}

/// The guards that an operator lets a candidate pass, this once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Waivers {
    /// Let a document without keys pass.
    pub empty_document: bool,
    /// Let a document pass that loses too many keys.
    pub key_loss: bool,
}

impl Waivers {
    /// The names that [`Waivers::parse_name`] knows: the codes of the reasons that they waive.
    pub const NAMES: [&str; 2] = [
        ReasonCode::EmptyDocument.as_str(),
        ReasonCode::KeyLoss.as_str(),
    ];

    /// Every guard waived: for what passed them before.
    pub(crate) const ALL: Waivers = Waivers {
        empty_document: true,
        key_loss: true,
    };

    /// The waiver of this name; `None` for a name that is not in [`Waivers::NAMES`].
    pub fn parse_name(name: &str) -> Option<Waivers> {
        let [empty_document, key_loss] = Waivers::NAMES.map(|known| known == name);
        (empty_document || key_loss).then_some(Waivers {
            empty_document,
            key_loss,
        })
    }

    /// All that either of the two waives.
    pub const fn union(self, other: Waivers) -> Waivers {
        Waivers {
            empty_document: self.empty_document || other.empty_document,
            key_loss: self.key_loss || other.key_loss,
        }
    }
}

/// Whether a candidate may replace the current content. A key whose value is `null` counts as
/// absent on both sides, as a merge sees it.
///
/// # Errors
/// Every guard that refuses, so that an operator learns at once what to waive.
pub fn check(
    candidate: &Object,
    current: Option<&Object>,
    guards: Guards,
    waivers: Waivers,
) -> Result<(), Vec<Reason>> {
    let mut reasons = Vec::new();
    if guards.empty && !waivers.empty_document && candidate.values().all(Value::is_null) {
        let message = "the document has no keys; expected at least one (guard empty_document)";
        reasons.push(Reason::new(ReasonCode::EmptyDocument, "", message));
    }
    if let Some(current) = current.filter(|_| !waivers.key_loss) {
        reasons.extend(key_loss(candidate, current, guards.max_key_loss));
    }
    if reasons.is_empty() {
        Ok(())
    } else {
        Err(reasons)
    }
}

/// The same where a rollback may have left `current`, with all of the old document in it: a key that
/// the layers below give the same value is not lost with it then.
///
/// # Errors
/// As [`check`].
pub fn check_above(
    below: Option<&Layers<'_>>,
    candidate: &Object,
    current: Option<&Object>,
    guards: Guards,
    waivers: Waivers,
) -> Result<(), Vec<Reason>> {
    let Err(reasons) = check(candidate, current, guards, waivers) else {
        return Ok(());
    };
    // Looked at only now, for they are seldom needed.
    let below = below.and_then(|below| below.merged().ok());
    let (Some(current), Some(below)) = (current, below) else {
        return Err(reasons);
    };
    let mut own = current.clone();
    own.retain(|key, value| below.object().get(key) != Some(value));
    check(candidate, Some(&own), guards, waivers)
}

fn key_loss(candidate: &Object, current: &Object, max: KeyLoss) -> Option<Reason> {
    let present =
        |object: &Object, key: &str| object.get(key).is_some_and(|value| !value.is_null());
    let total = current.values().filter(|value| !value.is_null()).count();
    let lost: Vec<&String> = current
        .keys()
        .filter(|key| present(current, key) && !present(candidate, key))
        .collect();
    if !max.is_exceeded_by(lost.len(), total) {
        return None;
    }
    let mut named = String::new();
    for (index, key) in lost.iter().take(KEYS_NAMED).enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(named, "{comma}\"{}\"", clip(key, KEY_CHARS));
    }
    let more = match lost.len().saturating_sub(KEYS_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "{} of {total} top-level keys are gone: {named}{more}; expected at most {} % (guard key_loss)",
        lost.len(),
        max.percent()
    );
    Some(Reason::new(ReasonCode::KeyLoss, "", &message))
}
