//! Changes that wait for their moment.

use super::control::Signed;
use super::{Store, optional_text, optional_time, parse_hash, parse_version};
use crate::sql::{Columns, Param, Row, Sql, SqlError};
use crate::statements;
use crate::version::{ContentHash, UnixMillis, Version};

/// What kind of change waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A whole document of the source layer.
    Publish,
    /// A merge patch on the source layer.
    Patch,
    /// Old content, whole.
    Rollback,
    /// An operator's patch.
    Override,
    /// The end of an operator's patch.
    EndOverride,
}

impl ChangeKind {
    const ALL: [Self; 5] = [
        Self::Publish,
        Self::Patch,
        Self::Rollback,
        Self::Override,
        Self::EndOverride,
    ];

    /// The name used in the audit, in lists and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Patch => "patch",
            Self::Rollback => "rollback",
            Self::Override => "override",
            Self::EndOverride => "end_override",
        }
    }

    fn parse(name: &str) -> Result<Self, SqlError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| SqlError(format!("a pending change has the unknown kind {name:?}")))
    }
}

/// A change that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number.
    pub id: u64,
    /// When it becomes the head.
    pub at: UnixMillis,
    /// What it does.
    pub kind: ChangeKind,
    /// Its document or patch; not read for lists.
    pub document: Option<String>,
    /// The version that a rollback goes back to.
    pub rollback_of: Option<Version>,
    /// When the override that it sets ends.
    pub expires_at: Option<UnixMillis>,
    /// Who asked for it, when and why.
    pub signed: Signed,
    /// What readers were told: the version it will be, and the hash of the document.
    pub announced: Option<(Version, ContentHash)>,
    /// Whether its moment came and it did not fit; tried again.
    pub refused: bool,
}

impl<S: Sql> Store<'_, S> {
    /// Adds a pending change and returns its number; the one given is not used.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_pending(&self, pending: &Pending) -> Result<u64, SqlError> {
        let rollback_of = pending.rollback_of.map(Version::get);
        let rows = self.0.exec(
            statements::INSERT_PENDING,
            &[
                Param::unsigned(pending.at.0),
                Param::Text(pending.kind.as_str()),
                optional_text(pending.document.as_deref()),
                rollback_of.map_or(Param::Null, Param::unsigned),
                optional_time(pending.expires_at),
                Param::Text(&pending.signed.actor),
                optional_text(pending.signed.reason.as_deref()),
                Param::unsigned(pending.signed.at.0),
            ],
        )?;
        let row = rows.into_iter().next().unwrap_or_default();
        number_of(row)
    }

    /// The one whose moment comes first.
    ///
    /// # Errors
    /// When the database refuses, or the row is not as it was written.
    pub fn next_pending(&self) -> Result<Option<Pending>, SqlError> {
        self.first(statements::SELECT_NEXT_PENDING, &[])?
            .map(pending)
            .transpose()
    }

    /// All of them, the first one first, without their documents.
    ///
    /// # Errors
    /// When the database refuses, or a row is not as it was written.
    pub fn pendings(&self) -> Result<Vec<Pending>, SqlError> {
        let rows = self.0.exec(statements::SELECT_PENDINGS, &[])?;
        rows.into_iter().map(pending).collect()
    }

    /// Writes down what readers are told of a pending change; `None` for nothing.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn announce_pending(
        &self,
        id: u64,
        announced: Option<(Version, ContentHash)>,
    ) -> Result<(), SqlError> {
        let hash = announced.map(|(_, hash)| hash.hex());
        let params = [
            announced.map_or(Param::Null, |(version, _)| Param::unsigned(version.get())),
            optional_text(hash.as_deref()),
            Param::unsigned(id),
        ];
        self.0.exec(statements::ANNOUNCE_PENDING, &params).map(drop)
    }

    /// How many pending changes were announced under a number above this one.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn announced_above(&self, version: Version) -> Result<u64, SqlError> {
        let params = [Param::unsigned(version.get())];
        let row = self.first(statements::COUNT_ANNOUNCED, &params)?;
        number_of(row.unwrap_or_default())
    }

    /// Puts off a change that did not fit when its moment came.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn postpone_pending(&self, id: u64, at: UnixMillis) -> Result<(), SqlError> {
        let params = [Param::unsigned(at.0), Param::unsigned(id)];
        self.0.exec(statements::POSTPONE_PENDING, &params).map(drop)
    }

    /// Takes a pending change away.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_pending(&self, id: u64) -> Result<(), SqlError> {
        self.0
            .exec(statements::DELETE_PENDING, &[Param::unsigned(id)])
            .map(drop)
    }

    /// Takes all pending changes of a kind away.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_pendings_of(&self, kind: ChangeKind) -> Result<(), SqlError> {
        self.0
            .exec(
                statements::DELETE_PENDINGS_OF,
                &[Param::Text(kind.as_str())],
            )
            .map(drop)
    }
}

fn number_of(row: Row) -> Result<u64, SqlError> {
    let mut columns = Columns::of(row);
    Columns::end(columns.unsigned(), columns)
}

fn pending(row: Row) -> Result<Pending, SqlError> {
    let mut columns = Columns::of(row);
    let (id, at) = (columns.unsigned(), UnixMillis(columns.unsigned()));
    let kind = ChangeKind::parse(&columns.text())?;
    let document = columns.optional_text();
    let rollback_of = columns.optional_unsigned();
    let rollback_of = rollback_of.map(parse_version).transpose()?;
    let expires_at = columns.optional_unsigned().map(UnixMillis);
    let signed = Signed {
        actor: columns.text(),
        reason: columns.optional_text(),
        at: UnixMillis(columns.unsigned()),
    };
    let version = columns.optional_unsigned();
    let announced = match (version, columns.optional_text()) {
        (Some(version), Some(hash)) => Some((parse_version(version)?, parse_hash(&hash)?)),
        _ => None,
    };
    Columns::end(
        Pending {
            id,
            at,
            kind,
            document,
            rollback_of,
            expires_at,
            signed,
            announced,
            refused: columns.unsigned() > 0,
        },
        columns,
    )
}
