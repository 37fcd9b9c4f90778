CREATE TABLE history (
  version INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  origin TEXT NOT NULL,
  adopted_at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  reason TEXT,
  rollback_of INTEGER
);
INSERT INTO history (version, hash, bytes, origin, adopted_at_ms, actor, action, reason)
  SELECT v.version, v.hash, octet_length(v.document), v.origin, v.adopted_at_ms,
    coalesce(a.actor, 'unknown'), coalesce(a.action, 'unknown'), a.reason
  FROM versions v LEFT JOIN audit a ON a.version_after = v.version;
CREATE INDEX history_adopted ON history (adopted_at_ms);
ALTER TABLE layers ADD COLUMN version INTEGER;
ALTER TABLE audit ADD COLUMN outcome TEXT;
ALTER TABLE audit ADD COLUMN detail TEXT;
ALTER TABLE audit ADD COLUMN hash TEXT;
CREATE TABLE audit_chain (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  last_id INTEGER NOT NULL,
  hash TEXT NOT NULL
);
CREATE TABLE control (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  last_version INTEGER NOT NULL,
  pulled_hash TEXT,
  pinned_to INTEGER,
  pinned_at_ms INTEGER,
  pinned_by TEXT,
  pin_reason TEXT,
  held_hash TEXT,
  paused INTEGER NOT NULL,
  refresh_interval_ms INTEGER,
  override_by TEXT,
  override_reason TEXT,
  override_at_ms INTEGER
);
CREATE TABLE pending (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  activate_at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  document TEXT,
  rollback_of INTEGER,
  expires_at_ms INTEGER,
  actor TEXT NOT NULL,
  reason TEXT,
  created_at_ms INTEGER NOT NULL,
  version INTEGER,
  hash TEXT,
  refused INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX pending_due ON pending (activate_at_ms, id);
CREATE TABLE idempotency (
  key TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  status INTEGER NOT NULL,
  answer TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (at_ms);
