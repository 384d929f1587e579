-- The same sessions in fewer bytes. Sessions and their data are copied over, once, in the order they were made in.
--
-- A strategy is 0 (session), 1 (jwt) or 2 (hybrid), a transport 0 (cookie) or 1 (body); no number is ever given another
-- meaning. What names ends with `_after` is milliseconds after `created_at`. A column that a refresh or a touch writes
-- keeps its length, so that no row grows in a page that is full: `last_seen_at` stays a time of its own.
CREATE TABLE narrow_sessions (
    created_at      INTEGER NOT NULL,
    id              BLOB    NOT NULL,
    secret          BLOB,
    previous_secret BLOB,
    previous_until  INTEGER,
    user            BLOB,
    client          TEXT    NOT NULL,
    org             BLOB,
    born            BLOB    NOT NULL,
    salt            BLOB    NOT NULL,
    generation      INTEGER NOT NULL,
    refresh_key     INTEGER NOT NULL,
    keyed           INTEGER NOT NULL,
    exchange        INTEGER,
    strategy        INTEGER NOT NULL,
    transport       INTEGER NOT NULL,
    auth_after      INTEGER NOT NULL,
    amr             INTEGER NOT NULL,
    acr             TEXT,
    last_seen_at    INTEGER NOT NULL,
    idle            INTEGER NOT NULL,
    expires_after   INTEGER NOT NULL,
    device_name     TEXT    NOT NULL,
    -- An IP address is a blob of 4 or 16 bytes; anything else, and what was written before this layout, is its text.
    device_address  ANY     NOT NULL,
    ended_at        INTEGER,
    ended_why       TEXT,
    shelf           INTEGER NOT NULL,
    sweep_at        INTEGER NOT NULL,
    ring            BLOB    NOT NULL
) STRICT;

INSERT INTO narrow_sessions
SELECT created_at, id, secret, previous_secret, previous_until, user, client, org, born, salt, generation, refresh_key,
       keyed, exchange,
       -- What was unreadable stays unreadable.
       CASE strategy WHEN 'session' THEN 0 WHEN 'jwt' THEN 1 WHEN 'hybrid' THEN 2 ELSE 255 END,
       CASE transport WHEN 'cookie' THEN 0 WHEN 'body' THEN 1 ELSE 255 END,
       auth_time - created_at, amr, acr, last_seen_at, idle, expires_at - created_at, device_name, device_address,
       ended_at, ended_why, shelf, sweep_at, ring
FROM sessions ORDER BY rowid;

-- Before the data, which refer to it.
CREATE UNIQUE INDEX sessions_by_id ON narrow_sessions (id);

CREATE TABLE narrow_data (
    session BLOB    NOT NULL REFERENCES narrow_sessions (id),
    key     TEXT    NOT NULL,
    value   BLOB    NOT NULL,
    version INTEGER NOT NULL,
    keep    INTEGER NOT NULL,
    UNIQUE (session, key)
) STRICT;

INSERT INTO narrow_data
SELECT session, key, value, version, keep FROM session_data
WHERE session IN (SELECT id FROM narrow_sessions) ORDER BY rowid;

DROP TABLE session_data;
DROP TABLE sessions;
ALTER TABLE narrow_sessions RENAME TO sessions;
ALTER TABLE narrow_data RENAME TO session_data;

-- Four bytes of a drawn value lead to its row, and the row says whether it is the one: among ten million sessions, one
-- look-up in 400 looks at a second row. That a secret is nobody else's is the precondition of every change that writes one.
CREATE INDEX sessions_by_secret ON sessions (substr(secret, 1, 4)) WHERE secret IS NOT NULL;
CREATE INDEX sessions_by_previous_secret ON sessions (previous_secret) WHERE previous_secret IS NOT NULL;
CREATE INDEX sessions_by_user ON sessions (substr(user, 1, 4)) WHERE user IS NOT NULL AND ended_at IS NULL;
-- Whoever reads by age sorts those of one millisecond, and whoever reads a user's sorts those few.
CREATE INDEX sessions_by_age ON sessions (created_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_sweep ON sessions (sweep_at);
