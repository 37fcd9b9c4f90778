//! Every route: its path, methods, scope and query. The one place of route names.

use std::mem::discriminant;

use crate::document::MAX_SOURCE_BYTES;
use crate::space_name::SpaceName;
use crate::token::Scope;
use crate::version::Version;
use crate::write_request::MAX_SMALL_BODY_BYTES;

/// A path that names something served. Spaces in it are valid names, not known to exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'p> {
    /// `/v1/spaces/{space}/…`: something of a space.
    Space {
        /// The space's name.
        space: &'p str,
        /// What of it.
        leaf: Leaf,
    },
    /// `/v1/spaces`: the spaces that are configured.
    Spaces,
    /// `/metrics`: Prometheus text.
    Metrics,
    /// `/healthz`: alive.
    Healthz,
    /// `/readyz`: a valid snapshot or base can be served.
    Readyz,
    /// `/openapi.json`: the description of all this.
    OpenApi,
}

/// What of a space a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// `config`: the value as this isolate's reader sees it.
    Config,
    /// `snapshot`: the head, from the object.
    Snapshot,
    /// `status`: head, source health, schedule, settings, counters.
    Status,
    /// `reload`: refresh now.
    Reload,
    /// `document`: the source layer.
    Document,
    /// `override`: an operator's patch on top.
    Override,
    /// `schema`: what every document must keep.
    Schema,
    /// `schedule`: the pace of refreshes.
    Schedule,
    /// `pin`: a rollback that holds against the source.
    Pin,
    /// `versions`: the history.
    Versions,
    /// `versions/{n}`: a version that is kept.
    Version(u64),
    /// `versions/{n}/rollback`: its content once more.
    Rollback(u64),
    /// `diff`: what turns one version into another.
    Diff,
    /// `explain`: where a value comes from.
    Explain,
    /// `audit`: who asked for what.
    Audit,
    /// `audit/check`: whether a row of it was tampered with.
    AuditCheck,
    /// `pending`: changes for later.
    Pending,
    /// `pending/{id}`: one of them.
    PendingChange(u64),
}

/// Every leaf, with its path; where that has a parameter, the number in the leaf stands for any.
const LEAVES: [(&str, Leaf); 18] = [
    ("config", Leaf::Config),
    ("snapshot", Leaf::Snapshot),
    ("status", Leaf::Status),
    ("reload", Leaf::Reload),
    ("document", Leaf::Document),
    ("override", Leaf::Override),
    ("schema", Leaf::Schema),
    ("schedule", Leaf::Schedule),
    ("pin", Leaf::Pin),
    ("versions", Leaf::Versions),
    ("versions/{version}", Leaf::Version(1)),
    ("versions/{version}/rollback", Leaf::Rollback(1)),
    ("diff", Leaf::Diff),
    ("explain", Leaf::Explain),
    ("audit", Leaf::Audit),
    ("audit/check", Leaf::AuditCheck),
    ("pending", Leaf::Pending),
    ("pending/{id}", Leaf::PendingChange(1)),
];
const VERSIONS_BELOW: &str = "versions/";
const ROLLBACK_BELOW: &str = "/rollback";
const PENDING_BELOW: &str = "pending/";

const SPACES: &str = "/v1/spaces";
const METRICS: &str = "/metrics";
const HEALTHZ: &str = "/healthz";
const READYZ: &str = "/readyz";
const OPENAPI: &str = "/openapi.json";

/// The query name of `config` and `explain` that picks one value, an RFC 6901 pointer.
pub const POINTER_QUERY: &str = "pointer";
/// The query name of `snapshot` that asks for the scheduled snapshot of that version.
pub const PENDING_QUERY: &str = "pending";
/// The query name of lists: how many entries at most.
pub const LIMIT_QUERY: &str = "limit";
/// The query name of lists: only entries with a smaller number.
pub const BEFORE_QUERY: &str = "before";
/// The query name of `document`: when it shall be adopted, an RFC 3339 time.
pub const ACTIVATE_AT_QUERY: &str = "activate_at";
/// The query name of `document`: after what time it shall be adopted, a duration.
pub const ACTIVATE_IN_QUERY: &str = "activate_in";
/// The query name of writes: tell what would be, and write nothing.
pub const DRY_RUN_QUERY: &str = "dry_run";
/// The query name of changes: the pending change that this one takes the place of.
pub const REPLACES_QUERY: &str = "replaces";
/// The query name of `document`: guards that do not hold this time, separated by commas.
pub const WAIVE_QUERY: &str = "waive";
/// The query name of `schema`: store it although the head breaks it.
pub const FORCE_QUERY: &str = "force";
/// The query name of `diff`: the version to begin with.
pub const FROM_QUERY: &str = "from";
/// The query name of `diff`: the version to end with; the head without.
pub const TO_QUERY: &str = "to";

/// The largest body of a schema, in bytes.
pub const MAX_SCHEMA_BODY_BYTES: usize = 262_144;

const READ: &[&str] = &["GET", "HEAD", "OPTIONS"];

impl<'p> Route<'p> {
    /// The route of a path, exactly as spelled: no trailing slash, no percent-encoding, no other
    /// case. Allocates nothing.
    pub fn parse(path: &'p str) -> Option<Route<'p>> {
        match path {
            METRICS => return Some(Route::Metrics),
            HEALTHZ => return Some(Route::Healthz),
            READYZ => return Some(Route::Readyz),
            OPENAPI => return Some(Route::OpenApi),
            SPACES => return Some(Route::Spaces),
            _ => {}
        }
        let below = path.strip_prefix(SPACES)?.strip_prefix('/')?;
        let (space, leaf) = below.split_once('/')?;
        if !SpaceName::is_valid(space) {
            return None;
        }
        let leaf = Leaf::parse(leaf)?;
        Some(Route::Space { space, leaf })
    }

    /// The route's name in logs and metrics; never holds anything from the request.
    pub const fn name(&self) -> &'static str {
        match self {
            Route::Space { leaf, .. } => leaf.name(),
            Route::Spaces => "spaces",
            Route::Metrics => "metrics",
            Route::Healthz => "healthz",
            Route::Readyz => "readyz",
            Route::OpenApi => "openapi",
        }
    }

    /// The space in the path.
    pub const fn space(&self) -> Option<&'p str> {
        match self {
            Route::Space { space, .. } => Some(space),
            _ => None,
        }
    }

    /// The methods it takes.
    pub const fn methods(&self) -> &'static [&'static str] {
        match self {
            Route::Space { leaf, .. } => leaf.methods(),
            _ => READ,
        }
    }

    /// The value of `Allow`: [`Route::methods`] as one text.
    pub fn allow(&self) -> String {
        self.methods().join(", ")
    }

    /// Whether it takes the method, spelled in upper case as HTTP has it.
    pub fn allows(&self, method: &str) -> bool {
        self.methods().contains(&method)
    }

    /// The scope that a token needs for a method; `None` where no token is.
    pub fn scope(&self, method: &str) -> Option<Scope> {
        match self {
            Route::Healthz | Route::Readyz | Route::OpenApi => None,
            Route::Space {
                leaf: Leaf::Reload, ..
            } => Some(Scope::Reload),
            _ if is_read(method) => Some(Scope::Read),
            _ => Some(Scope::Publish),
        }
    }

    /// What a method that changes something is called in the audit; `None` for one that reads.
    pub fn action(&self, method: &str) -> Option<&'static str> {
        match self {
            Route::Space { leaf, .. } if !is_read(method) => leaf.action(method),
            _ => None,
        }
    }

    /// The query names it knows with a method, for [`crate::query::refuse_unknown`].
    pub fn query_names(&self, method: &str) -> &'static [&'static str] {
        match self {
            Route::Space { leaf, .. } => leaf.query_names(method),
            _ => &[],
        }
    }

    /// The path that [`Route::parse`] takes back.
    pub fn path(&self) -> String {
        match self {
            Route::Space { space, leaf } => format!("{SPACES}/{space}/{}", leaf.path()),
            Route::Spaces => SPACES.to_owned(),
            Route::Metrics => METRICS.to_owned(),
            Route::Healthz => HEALTHZ.to_owned(),
            Route::Readyz => READYZ.to_owned(),
            Route::OpenApi => OPENAPI.to_owned(),
        }
    }

    /// Every route, once. The space and the numbers in it stand for any.
    pub fn all() -> impl Iterator<Item = Route<'static>> {
        let space = "default";
        let inside = LEAVES
            .iter()
            .map(move |(_, leaf)| Route::Space { space, leaf: *leaf });
        inside.chain([
            Route::Spaces,
            Route::Metrics,
            Route::Healthz,
            Route::Readyz,
            Route::OpenApi,
        ])
    }

    /// The path with the names of its parameters in braces.
    pub fn template(&self) -> String {
        match self {
            Route::Space { leaf, .. } => format!("{SPACES}/{{space}}/{}", leaf.template()),
            _ => self.path(),
        }
    }

    /// The names of the parameters in [`Route::template`].
    pub const fn parameters(&self) -> &'static [&'static str] {
        match self {
            Route::Space { leaf, .. } => match leaf {
                Leaf::Version(_) | Leaf::Rollback(_) => &["space", "version"],
                Leaf::PendingChange(_) => &["space", "id"],
                _ => &["space"],
            },
            _ => &[],
        }
    }
}

impl Leaf {
    fn parse(path: &str) -> Option<Leaf> {
        if let Some((_, leaf)) = LEAVES.iter().find(|(template, _)| *template == path) {
            return (!path.contains('{')).then_some(*leaf);
        }
        if let Some(id) = path.strip_prefix(PENDING_BELOW) {
            return number(id).map(Leaf::PendingChange);
        }
        let version = path.strip_prefix(VERSIONS_BELOW)?;
        match version.strip_suffix(ROLLBACK_BELOW) {
            Some(version) => number(version).map(Leaf::Rollback),
            None => number(version).map(Leaf::Version),
        }
    }

    pub(crate) fn path(self) -> String {
        match self {
            Leaf::Version(version) => format!("{VERSIONS_BELOW}{version}"),
            Leaf::Rollback(version) => format!("{VERSIONS_BELOW}{version}{ROLLBACK_BELOW}"),
            Leaf::PendingChange(id) => format!("{PENDING_BELOW}{id}"),
            fixed => fixed.template().to_owned(),
        }
    }

    fn template(self) -> &'static str {
        let mut leaves = LEAVES.iter();
        let found = leaves.find(|(_, leaf)| discriminant(leaf) == discriminant(&self));
        found.map_or("", |(template, _)| *template)
    }

    const fn name(self) -> &'static str {
        match self {
            Leaf::Config => "config",
            Leaf::Snapshot => "snapshot",
            Leaf::Status => "status",
            Leaf::Reload => "reload",
            Leaf::Document => "document",
            Leaf::Override => "override",
            Leaf::Schema => "schema",
            Leaf::Schedule => "schedule",
            Leaf::Pin => "pin",
            Leaf::Versions => "versions",
            Leaf::Version(_) => "version",
            Leaf::Rollback(_) => "rollback",
            Leaf::Diff => "diff",
            Leaf::Explain => "explain",
            Leaf::Audit => "audit",
            Leaf::AuditCheck => "audit_check",
            Leaf::Pending => "pending",
            Leaf::PendingChange(_) => "pending_change",
        }
    }

    const fn methods(self) -> &'static [&'static str] {
        match self {
            Leaf::Reload | Leaf::Rollback(_) => &["POST", "OPTIONS"],
            Leaf::Document => &["GET", "HEAD", "PUT", "PATCH", "OPTIONS"],
            Leaf::Override | Leaf::Schema => &["GET", "HEAD", "PUT", "DELETE", "OPTIONS"],
            Leaf::Schedule => &["PUT", "OPTIONS"],
            Leaf::Pin | Leaf::PendingChange(_) => &["DELETE", "OPTIONS"],
            _ => READ,
        }
    }

    /// The largest body that it takes, in bytes.
    pub const fn max_body_bytes(self) -> usize {
        match self {
            Leaf::Document | Leaf::Override => MAX_SOURCE_BYTES,
            Leaf::Schema => MAX_SCHEMA_BODY_BYTES,
            _ => MAX_SMALL_BODY_BYTES,
        }
    }

    fn action(self, method: &str) -> Option<&'static str> {
        Some(match (self, method) {
            (Leaf::Reload, _) => "reload",
            (Leaf::Document, "PATCH") => "patch",
            (Leaf::Document, _) => "publish",
            (Leaf::Override, "DELETE") => "end_override",
            (Leaf::Override, _) => "override",
            (Leaf::Schema, "DELETE") => "remove_schema",
            (Leaf::Schema, _) => "schema",
            (Leaf::Schedule, _) => "schedule",
            (Leaf::Pin, _) => "unpin",
            (Leaf::Rollback(_), _) => "rollback",
            (Leaf::PendingChange(_), _) => "cancel",
            _ => return None,
        })
    }

    fn query_names(self, method: &str) -> &'static [&'static str] {
        let reads = is_read(method);
        match self {
            Leaf::Config | Leaf::Explain => &[POINTER_QUERY],
            Leaf::Snapshot => &[PENDING_QUERY],
            Leaf::Document if !reads => &[
                DRY_RUN_QUERY,
                ACTIVATE_AT_QUERY,
                ACTIVATE_IN_QUERY,
                REPLACES_QUERY,
                WAIVE_QUERY,
            ],
            Leaf::Override if method == "PUT" => &[DRY_RUN_QUERY, REPLACES_QUERY],
            Leaf::Override if method == "DELETE" => &[DRY_RUN_QUERY],
            Leaf::Rollback(_) => &[DRY_RUN_QUERY, REPLACES_QUERY],
            Leaf::Schema if method == "PUT" => &[DRY_RUN_QUERY, FORCE_QUERY],
            Leaf::Versions | Leaf::Audit => &[LIMIT_QUERY, BEFORE_QUERY],
            Leaf::Diff => &[FROM_QUERY, TO_QUERY],
            _ => &[],
        }
    }
}

fn is_read(method: &str) -> bool {
    READ.contains(&method)
}

/// Digits as a path spells a number: no sign, no leading zeros.
fn number(digits: &str) -> Option<u64> {
    let plain = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// The path of a space's snapshot, which readers fetch.
pub fn snapshot_path(space: &SpaceName) -> String {
    leaf_path(space, Leaf::Snapshot)
}

/// The path of the snapshot that is scheduled under a version, with its query.
pub fn pending_path(space: &SpaceName, version: Version) -> String {
    format!("{}?{PENDING_QUERY}={version}", snapshot_path(space))
}

/// The path of something of a space.
pub fn leaf_path(space: &SpaceName, leaf: Leaf) -> String {
    let space = space.as_str();
    Route::Space { space, leaf }.path()
}

#[cfg(test)]
mod tests;
