-- The first layout. Later ones expand it, and contract it only a release after nothing reads the old form any more.
--
-- Ids, salts and hashes are blobs of their fixed length. A place of the feed is a blob of 16 bytes, generation and
-- number in big-endian order, so that memcmp orders places as the feed does. Times and lifetimes are milliseconds.
-- Lists of words are text, one word a line, each line ended.

-- One row: the database itself. `head` is the place of the newest line of the feed; a change writes it last. `openings`
-- counts: a connection that was lost is trusted again once it has counted one more.
CREATE TABLE meta (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    database       BLOB    NOT NULL,
    origin         TEXT    NOT NULL,
    made_at        INTEGER NOT NULL,
    openings       INTEGER NOT NULL,
    head           BLOB    NOT NULL,
    terminal_epoch BLOB    NOT NULL,
    refresh_epoch  BLOB    NOT NULL
) STRICT;

CREATE TABLE users (
    id                BLOB    NOT NULL PRIMARY KEY,
    org               BLOB,
    email             TEXT    NOT NULL,
    email_key         TEXT    NOT NULL,
    name              TEXT,
    email_verified_at INTEGER,
    terminal_epoch    BLOB    NOT NULL,
    refresh_epoch     BLOB    NOT NULL,
    suspended_at      INTEGER,
    deleted_at        INTEGER,
    created_at        INTEGER NOT NULL,
    version           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One address, one account, in the realm that this database is.
CREATE UNIQUE INDEX users_by_email_key ON users (email_key);

CREATE TABLE credentials (
    user    BLOB    NOT NULL PRIMARY KEY REFERENCES users (id),
    phc     TEXT    NOT NULL,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE clients (
    id                 TEXT    NOT NULL PRIMARY KEY,
    kind               TEXT    NOT NULL,
    first_party        INTEGER NOT NULL,
    strategy           TEXT    NOT NULL,
    strategy_since     INTEGER NOT NULL,
    transports         TEXT    NOT NULL,
    origins            TEXT    NOT NULL,
    redirect_uris      TEXT    NOT NULL,
    audiences          TEXT    NOT NULL,
    scopes             TEXT    NOT NULL,
    algorithm          TEXT    NOT NULL,
    access_life        INTEGER NOT NULL,
    idle_life          INTEGER NOT NULL,
    absolute_life      INTEGER NOT NULL,
    native_life        INTEGER NOT NULL,
    attempt_key        TEXT    NOT NULL,
    -- Hashes of 32 bytes, one behind the other.
    secrets            BLOB    NOT NULL,
    org                BLOB,
    disabled_at        INTEGER,
    terminal_epoch     BLOB    NOT NULL,
    refresh_epoch      BLOB    NOT NULL,
    created_at         INTEGER NOT NULL,
    version            INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- With rowid, because a row with a full ring has some 700 bytes: a fifth of a page, too wide for an index tree. Measured
-- at 100 000 rows, turning a session is 7 % quicker so than WITHOUT ROWID, and the file is a seventh smaller.
--
-- A refresh and a touch are one UPDATE of one row and must stay so: no index holds `generation`, `ring`, `last_seen_at`
-- or `idle`. `born` is compared with the epochs of user, client and realm.
--
CREATE TABLE sessions (
    id              BLOB    NOT NULL UNIQUE,
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
    strategy        TEXT    NOT NULL,
    transport       TEXT    NOT NULL,
    auth_time       INTEGER NOT NULL,
    amr             INTEGER NOT NULL,
    acr             TEXT,
    created_at      INTEGER NOT NULL,
    last_seen_at    INTEGER NOT NULL,
    idle            INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    device_name     TEXT    NOT NULL,
    device_address  TEXT    NOT NULL,
    ended_at        INTEGER,
    ended_why       TEXT,
    shelf           INTEGER NOT NULL,
    -- When a sweep has to look at it: never later than the session is over. A session in use is over later and later,
    -- and the sweep that finds it alive moves this on, so that using it does not have to.
    sweep_at        INTEGER NOT NULL,
    -- The last 16 retired generations; the first byte is the version of the form.
    ring            BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX sessions_by_secret ON sessions (secret) WHERE secret IS NOT NULL;
CREATE INDEX sessions_by_previous_secret ON sessions (previous_secret) WHERE previous_secret IS NOT NULL;
CREATE INDEX sessions_by_user ON sessions (user, created_at, id) WHERE user IS NOT NULL AND ended_at IS NULL;
CREATE INDEX sessions_by_age ON sessions (created_at, id) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_sweep ON sessions (sweep_at);

-- Ids of swept sessions, each until nothing can carry it any more: no late write brings one back.
CREATE TABLE tombstones (
    id    BLOB    NOT NULL PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tombstones_by_until ON tombstones (until);

-- With rowid, because a value has up to 16 KiB.
CREATE TABLE session_data (
    session BLOB    NOT NULL REFERENCES sessions (id),
    key     TEXT    NOT NULL,
    value   BLOB    NOT NULL,
    version INTEGER NOT NULL,
    keep    INTEGER NOT NULL,
    UNIQUE (session, key)
) STRICT;

CREATE TABLE keys (
    id         BLOB    NOT NULL PRIMARY KEY,
    purpose    TEXT    NOT NULL,
    number     INTEGER NOT NULL,
    stage      TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    since      INTEGER NOT NULL,
    version    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE feed (
    place    BLOB    NOT NULL PRIMARY KEY,
    scope    TEXT    NOT NULL,
    key      BLOB    NOT NULL,
    strength TEXT    NOT NULL,
    min_rv   BLOB,
    ttl      INTEGER NOT NULL,
    at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    number  INTEGER PRIMARY KEY,
    id      BLOB    NOT NULL,
    kind    TEXT    NOT NULL,
    actor   TEXT    NOT NULL,
    who     BLOB,
    session BLOB,
    client  TEXT,
    address TEXT,
    request TEXT,
    detail  TEXT,
    at      INTEGER NOT NULL,
    head    BLOB    NOT NULL,
    hash    BLOB    NOT NULL
) STRICT;
