-- Wrong passwords in a row, so that a restart forgives nobody. `whose` is a MAC of an address: nobody can tell whose. At
-- most as many rows as the process remembers accounts; it forgets them after a day, and writes that here too.
CREATE TABLE failures (
    whose BLOB    NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL,
    last  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
