//! Every SQL statement of the coordinator. The tables stand in `migrations/`.

pub(crate) const CREATE_MIGRATIONS: &str = "CREATE TABLE IF NOT EXISTS applied_migrations (\
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at_ms INTEGER NOT NULL)";
pub(crate) const SELECT_MIGRATIONS: &str =
    "SELECT id, name, sha256 FROM applied_migrations ORDER BY id";
pub(crate) const INSERT_MIGRATION: &str =
    "INSERT INTO applied_migrations (id, name, sha256, applied_at_ms) VALUES (?, ?, ?, ?)";

pub(crate) const SELECT_HEAD: &str = "SELECT version, hash, document, origin, adopted_at_ms \
    FROM versions ORDER BY version DESC LIMIT 1";
pub(crate) const INSERT_VERSION: &str = "INSERT INTO versions \
    (version, hash, document, origin, adopted_at_ms) VALUES (?, ?, ?, ?, ?)";
pub(crate) const PRUNE_VERSIONS: &str = "DELETE FROM versions WHERE version <= ?";

pub(crate) const SELECT_LAYER: &str = "SELECT hash, document FROM layers WHERE layer = ?";
pub(crate) const UPSERT_LAYER: &str = "INSERT INTO layers (layer, hash, document, updated_at_ms) \
    VALUES (?, ?, ?, ?) ON CONFLICT (layer) DO UPDATE SET \
    hash = excluded.hash, document = excluded.document, updated_at_ms = excluded.updated_at_ms";

pub(crate) const SELECT_SCHEDULE: &str = "SELECT refresh_due_ms, consecutive_failures, unsettled, \
    source_fingerprint, source_etag, last_attempt, last_error, last_success_at_ms \
    FROM schedule WHERE id = 1";
pub(crate) const UPSERT_SCHEDULE: &str = "INSERT OR REPLACE INTO schedule \
    (id, refresh_due_ms, consecutive_failures, unsettled, source_fingerprint, source_etag, \
    last_attempt, last_error, last_success_at_ms) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)";

pub(crate) const SELECT_COUNTERS: &str = "SELECT name, label, value FROM counters";
pub(crate) const ADD_TO_COUNTER: &str = "INSERT INTO counters (name, label, value) VALUES (?, ?, ?) \
    ON CONFLICT (name, label) DO UPDATE SET value = value + excluded.value";

pub(crate) const INSERT_OUTCOME: &str = "INSERT INTO outcomes (record) VALUES (?)";
pub(crate) const PRUNE_OUTCOMES: &str =
    "DELETE FROM outcomes WHERE id <= (SELECT MAX(id) FROM outcomes) - ?";

pub(crate) const INSERT_AUDIT: &str = "INSERT INTO audit \
    (at_ms, actor, action, reason, version_before, version_after) VALUES (?, ?, ?, ?, ?, ?)";
