CREATE TABLE versions (
  version INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  document TEXT NOT NULL,
  origin TEXT NOT NULL,
  adopted_at_ms INTEGER NOT NULL
);
CREATE TABLE layers (
  layer TEXT PRIMARY KEY,
  hash TEXT NOT NULL,
  document TEXT NOT NULL,
  updated_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE schedule (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  refresh_due_ms INTEGER,
  consecutive_failures INTEGER NOT NULL,
  unsettled INTEGER NOT NULL,
  source_fingerprint TEXT NOT NULL,
  source_etag TEXT,
  last_attempt TEXT,
  last_error TEXT,
  last_success_at_ms INTEGER
);
CREATE TABLE counters (
  name TEXT NOT NULL,
  label TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (name, label)
) WITHOUT ROWID;
CREATE TABLE outcomes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record TEXT NOT NULL
);
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  reason TEXT,
  version_before INTEGER,
  version_after INTEGER NOT NULL
);
