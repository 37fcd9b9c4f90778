-- What one space keeps. Times are Unix milliseconds; versions stay below 2^53, because the
-- platform hands integers to the Worker as doubles.

-- Every adopted snapshot, newest last; old ones are pruned by count.
CREATE TABLE versions (
  version INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  document TEXT NOT NULL,
  -- 'base' holds built-in layers only; 'source' holds a document of the source as well.
  origin TEXT NOT NULL,
  adopted_at_ms INTEGER NOT NULL
);

-- The layers in force, apart, so that one can change without the others being fetched again.
CREATE TABLE layers (
  layer TEXT PRIMARY KEY,
  hash TEXT NOT NULL,
  document TEXT NOT NULL,
  updated_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- One row: when to refresh, and how the last refreshes ended (JSON, see OutcomeRecord).
CREATE TABLE schedule (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  refresh_due_ms INTEGER,
  consecutive_failures INTEGER NOT NULL,
  -- Refreshes begun and not settled: more than none at start-up means that one died on the way.
  unsettled INTEGER NOT NULL,
  source_fingerprint TEXT NOT NULL,
  source_etag TEXT,
  last_attempt TEXT,
  last_error TEXT,
  last_success_at_ms INTEGER
);

-- Totals that survive restarts.
CREATE TABLE counters (
  name TEXT NOT NULL,
  label TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (name, label)
) WITHOUT ROWID;

-- The last refreshes, newest last; pruned by count.
CREATE TABLE outcomes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record TEXT NOT NULL
);

-- Who made which version the head, and why. Append only.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  reason TEXT,
  version_before INTEGER,
  version_after INTEGER NOT NULL
);
