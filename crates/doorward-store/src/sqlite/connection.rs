//! How a connection is made: for the writer and for readers.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// More statements than this code has, so that none is ever prepared twice.
const STATEMENTS: usize = 128;

/// A connection that writes.
///
/// `synchronous = FULL`: in WAL mode less would lose the last commits with the power, and a lost end of a session is a
/// session that lives. Group commit wins the time back. Checkpoints are the writer's, after it has answered, and not a
/// part of whichever commit comes along.
pub(super) fn writing(path: &Path) -> Result<Connection, rusqlite::Error> {
    let file = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, Duration::from_secs(5))?;
    file.pragma_update(None, "journal_mode", "WAL")?;
    file.pragma_update(None, "synchronous", "FULL")?;
    file.pragma_update(None, "foreign_keys", true)?;
    file.pragma_update(None, "wal_autocheckpoint", 0)?;
    file.pragma_update(None, "journal_size_limit", 64 << 20)?;
    file.pragma_update(None, "cache_size", -64 * 1024)?;
    Ok(file)
}

/// A connection that reads.
///
/// With a small cache, because each commit of the writer empties it. Not mapped into memory: SQLite unmaps the file at
/// every such moment, and mapping it again costs a refresh 15 µs of CPU more than reading pages does (of 54, measured).
pub(super) fn reading(path: &Path) -> Result<Connection, rusqlite::Error> {
    let file = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY, Duration::from_secs(1))?;
    file.pragma_update(None, "cache_size", -4 * 1024)?;
    Ok(file)
}

/// The time to wait comes first: without it, the first statement that meets another connection fails at once.
fn open(path: &Path, how: OpenFlags, patience: Duration) -> Result<Connection, rusqlite::Error> {
    let file = Connection::open_with_flags(path, how | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    file.busy_timeout(patience)?;
    file.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    file.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Otherwise a statement is planned anew for each value bound to it, because a partial index might fit that value
    // better. That is 20 µs of CPU for a refresh.
    file.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    file.pragma_update(None, "cell_size_check", true)?;
    file.pragma_update(None, "temp_store", "MEMORY")?;
    file.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(file)
}
