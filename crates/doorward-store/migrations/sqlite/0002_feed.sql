-- Who follows the feed, and what it takes to keep the feed small and its followers in time.

-- Rows stay when a verifier is struck off: an id is never used twice, and the last lease still counts.
CREATE TABLE verifiers (
    id         BLOB    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    audiences  TEXT    NOT NULL,
    secret     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    removed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX verifiers_by_secret ON verifiers (secret);
CREATE UNIQUE INDEX verifiers_by_name ON verifiers (name) WHERE removed_at IS NULL;

-- Whose a line is, by the handle: what it can be made coarser by.
ALTER TABLE feed ADD COLUMN subject BLOB;

-- A later epoch over the same thing replaces the earlier. Lines of one session or token, the many, are not in here.
CREATE INDEX feed_epochs ON feed (scope, key, strength) WHERE min_rv IS NOT NULL;

-- The longest lease and grace together that any verifier may have been granted.
ALTER TABLE meta ADD COLUMN terms INTEGER NOT NULL DEFAULT 0;

-- One row while everybody has their turn, bucket after bucket.
CREATE TABLE spread (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    turn    TEXT    NOT NULL,
    cut     BLOB    NOT NULL,
    next    INTEGER NOT NULL,
    began   INTEGER NOT NULL,
    over_ms INTEGER NOT NULL
) STRICT;
