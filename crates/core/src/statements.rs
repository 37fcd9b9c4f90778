//! Every SQL statement of the coordinator. The tables stand in `migrations/`.

pub(crate) const CREATE_MIGRATIONS: &str = "CREATE TABLE IF NOT EXISTS applied_migrations (\
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at_ms INTEGER NOT NULL)";
pub(crate) const SELECT_MIGRATIONS: &str =
    "SELECT id, name, sha256 FROM applied_migrations ORDER BY id";
pub(crate) const INSERT_MIGRATION: &str =
    "INSERT INTO applied_migrations (id, name, sha256, applied_at_ms) VALUES (?, ?, ?, ?)";

pub(crate) const SELECT_HEAD: &str = "SELECT version, hash, document, origin, adopted_at_ms \
    FROM versions ORDER BY version DESC LIMIT 1";
pub(crate) const SELECT_VERSION: &str = "SELECT version, hash, document, origin, adopted_at_ms \
    FROM versions WHERE version = ?";
pub(crate) const INSERT_VERSION: &str = "INSERT INTO versions \
    (version, hash, document, origin, adopted_at_ms) VALUES (?, ?, ?, ?, ?)";

pub(crate) const SELECT_HISTORY: &str = "SELECT version, hash, bytes, origin, adopted_at_ms, actor, action, \
    reason, rollback_of FROM history WHERE version < ? ORDER BY version DESC LIMIT ?";
pub(crate) const INSERT_HISTORY: &str = "INSERT INTO history \
    (version, hash, bytes, origin, adopted_at_ms, actor, action, reason, rollback_of) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
/// Those beyond the count, and those whose successor is older than the age; never the newest, and
/// never what a pin or a pending rollback goes back to.
pub(crate) const PRUNE_HISTORY: &str = "DELETE FROM history WHERE \
    (version <= (SELECT version FROM history ORDER BY version DESC LIMIT 1 OFFSET ?) \
    OR version < (SELECT MAX(version) FROM history WHERE adopted_at_ms <= ?)) \
    AND version < (SELECT MAX(version) FROM history) \
    AND version NOT IN (SELECT pinned_to FROM control WHERE pinned_to IS NOT NULL) \
    AND version NOT IN (SELECT rollback_of FROM pending WHERE rollback_of IS NOT NULL) \
    RETURNING version";
/// Row by row: to look for what `history` lacks takes a walk over all documents. The newest one
/// stays even where `history` does not know it.
pub(crate) const PRUNE_VERSION: &str =
    "DELETE FROM versions WHERE version = ? AND version < (SELECT MAX(version) FROM versions)";

pub(crate) const SELECT_LAYER: &str = "SELECT hash, document, version FROM layers WHERE layer = ?";
pub(crate) const UPSERT_LAYER: &str = "INSERT INTO layers \
    (layer, hash, document, updated_at_ms, version) VALUES (?, ?, ?, ?, ?) \
    ON CONFLICT (layer) DO UPDATE SET hash = excluded.hash, document = excluded.document, \
    updated_at_ms = excluded.updated_at_ms, version = excluded.version";
pub(crate) const DELETE_LAYER: &str = "DELETE FROM layers WHERE layer = ?";

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

pub(crate) const SELECT_CHAIN: &str = "SELECT last_id, hash FROM audit_chain WHERE id = 1";
pub(crate) const UPSERT_CHAIN: &str =
    "INSERT OR REPLACE INTO audit_chain (id, last_id, hash) VALUES (1, ?, ?)";
pub(crate) const INSERT_AUDIT: &str = "INSERT INTO audit \
    (id, at_ms, actor, action, reason, version_before, version_after, outcome, detail, hash) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
pub(crate) const SELECT_AUDIT_BEFORE: &str = "SELECT id, at_ms, actor, action, reason, version_before, \
    version_after, outcome, detail, hash FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?";
pub(crate) const SELECT_AUDIT_AFTER: &str = "SELECT id, at_ms, actor, action, reason, version_before, \
    version_after, outcome, detail, hash FROM audit WHERE id > ? ORDER BY id LIMIT ?";
pub(crate) const SEAL_AUDIT: &str = "UPDATE audit SET hash = ? WHERE id = ?";

pub(crate) const SELECT_CONTROL: &str = "SELECT last_version, pulled_hash, pinned_to, pinned_at_ms, \
    pinned_by, pin_reason, held_hash, paused, refresh_interval_ms, override_by, override_reason, \
    override_at_ms FROM control WHERE id = 1";
pub(crate) const UPSERT_CONTROL: &str = "INSERT OR REPLACE INTO control \
    (id, last_version, pulled_hash, pinned_to, pinned_at_ms, pinned_by, pin_reason, held_hash, paused, \
    refresh_interval_ms, override_by, override_reason, override_at_ms) \
    VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

pub(crate) const INSERT_PENDING: &str = "INSERT INTO pending \
    (activate_at_ms, kind, document, rollback_of, expires_at_ms, actor, reason, created_at_ms) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id";
pub(crate) const SELECT_NEXT_PENDING: &str = "SELECT id, activate_at_ms, kind, document, rollback_of, \
    expires_at_ms, actor, reason, created_at_ms, version, hash, refused FROM pending \
    ORDER BY activate_at_ms, id LIMIT 1";
/// Without the documents, which a list must not load.
pub(crate) const SELECT_PENDINGS: &str = "SELECT id, activate_at_ms, kind, NULL, rollback_of, \
    expires_at_ms, actor, reason, created_at_ms, version, hash, refused FROM pending \
    ORDER BY activate_at_ms, id";
pub(crate) const ANNOUNCE_PENDING: &str = "UPDATE pending SET version = ?, hash = ? WHERE id = ?";
pub(crate) const COUNT_ANNOUNCED: &str = "SELECT COUNT(*) FROM pending WHERE version > ?";
pub(crate) const POSTPONE_PENDING: &str =
    "UPDATE pending SET activate_at_ms = ?, version = NULL, hash = NULL, refused = 1 WHERE id = ?";
pub(crate) const DELETE_PENDING: &str = "DELETE FROM pending WHERE id = ?";
pub(crate) const DELETE_PENDINGS_OF: &str = "DELETE FROM pending WHERE kind = ?";

pub(crate) const SELECT_ANSWER: &str =
    "SELECT fingerprint, status, answer FROM idempotency WHERE key = ? AND at_ms >= ?";
// The newest is the last one to go, also where the clock was set back.
pub(crate) const INSERT_ANSWER: &str = "INSERT OR REPLACE INTO idempotency \
    (key, fingerprint, status, answer, at_ms) \
    VALUES (?, ?, ?, ?, MAX(?, (SELECT COALESCE(MAX(at_ms) + 1, 0) FROM idempotency)))";
pub(crate) const PRUNE_ANSWERS: &str = "DELETE FROM idempotency WHERE at_ms < ? \
    OR key IN (SELECT key FROM idempotency ORDER BY at_ms DESC LIMIT -1 OFFSET ?)";
