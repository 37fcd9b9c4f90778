//! What operators set, beside the layers: one row.

use super::{Store, optional_text, optional_time, parse_hash};
use crate::sql::{Columns, Param, Sql, SqlError};
use crate::statements;
use crate::version::{ContentHash, UnixMillis, Version};

/// What operators set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// The highest number that was ever given to a version, adopted or announced: no number names
    /// two contents.
    pub last_version: Version,
    /// The last document that the source itself brought and that passed. A source that still says
    /// the same does not undo what was published since.
    pub pulled: Option<ContentHash>,
    /// A rollback that holds against the source.
    pub pin: Option<Pin>,
    /// A candidate that would have been adopted but for the pin.
    pub held: Option<ContentHash>,
    /// Whether the schedule stands still.
    pub paused: bool,
    /// An interval in place of the setting's, in milliseconds.
    pub refresh_interval_ms: Option<u64>,
    /// Who stands behind the override in force.
    pub override_: Option<Signed>,
}

/// A rollback of a pulled space: refreshes are checked, and not adopted, until it is taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The version that was gone back to; it is kept while the pin stands.
    pub to: Version,
    /// Who pinned, when and why.
    pub signed: Signed,
}

/// Who did something, when, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// A token's name.
    pub actor: String,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// When.
    pub at: UnixMillis,
}

impl Control {
    /// That of a space in which nobody has set anything yet.
    #[must_use]
    pub fn new(last_version: Version, pulled: Option<ContentHash>) -> Self {
        Self {
            last_version,
            pulled,
            pin: None,
            held: None,
            paused: false,
            refresh_interval_ms: None,
            override_: None,
        }
    }
}

impl<S: Sql> Store<'_, S> {
    /// What operators set; `None` in a database that an older code wrote.
    ///
    /// # Errors
    /// When the database refuses, or the row is not as it was written.
    pub fn control(&self) -> Result<Option<Control>, SqlError> {
        let Some(row) = self.first(statements::SELECT_CONTROL, &[])? else {
            return Ok(None);
        };
        let mut columns = Columns::of(row);
        let last_version = super::parse_version(columns.unsigned())?;
        let pulled = parse_optional_hash(columns.optional_text())?;
        let pinned_to = columns.optional_unsigned();
        let pinned_at = columns.optional_unsigned().map(UnixMillis);
        let (pinned_by, pin_reason) = (columns.optional_text(), columns.optional_text());
        let pin = match (pinned_to, signed(pinned_by, pin_reason, pinned_at)) {
            (Some(to), Some(signed)) => Some(Pin {
                to: super::parse_version(to)?,
                signed,
            }),
            _ => None,
        };
        let held = parse_optional_hash(columns.optional_text())?;
        let paused = columns.unsigned() > 0;
        let refresh_interval_ms = columns.optional_unsigned();
        let (actor, reason) = (columns.optional_text(), columns.optional_text());
        let at = columns.optional_unsigned().map(UnixMillis);
        Columns::end(
            Some(Control {
                last_version,
                pulled,
                pin,
                held,
                paused,
                refresh_interval_ms,
                override_: signed(actor, reason, at),
            }),
            columns,
        )
    }

    /// Writes what operators set.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_control(&self, control: &Control) -> Result<(), SqlError> {
        let pulled = control.pulled.map(|hash| hash.hex());
        let held = control.held.map(|hash| hash.hex());
        let pin = control.pin.as_ref();
        let signed = [pin.map(|pin| &pin.signed), control.override_.as_ref()];
        let [pinned, overridden] = signed.map(|signed| {
            [
                optional_text(signed.map(|signed| &*signed.actor)),
                optional_text(signed.and_then(|signed| signed.reason.as_deref())),
                optional_time(signed.map(|signed| signed.at)),
            ]
        });
        let [pinned_by, pin_reason, pinned_at] = pinned;
        let [override_by, override_reason, override_at] = overridden;
        self.0
            .exec(
                statements::UPSERT_CONTROL,
                &[
                    Param::unsigned(control.last_version.get()),
                    optional_text(pulled.as_deref()),
                    pin.map_or(Param::Null, |pin| Param::unsigned(pin.to.get())),
                    pinned_at,
                    pinned_by,
                    pin_reason,
                    optional_text(held.as_deref()),
                    Param::unsigned(control.paused.into()),
                    control
                        .refresh_interval_ms
                        .map_or(Param::Null, Param::unsigned),
                    override_by,
                    override_reason,
                    override_at,
                ],
            )
            .map(drop)
    }
}

fn signed(actor: Option<String>, reason: Option<String>, at: Option<UnixMillis>) -> Option<Signed> {
    Some(Signed {
        actor: actor?,
        reason,
        at: at?,
    })
}

fn parse_optional_hash(hex: Option<String>) -> Result<Option<ContentHash>, SqlError> {
    hex.as_deref().map(parse_hash).transpose()
}
