//! Rows of keys.

use doorward_core::id::KeyId;
use doorward_core::key::{KeyRecord, Purpose, Stage};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::cells::{Cells, counted};
use super::fault::Fault;

/// All keys, oldest first.
pub(super) fn all(file: &Connection) -> Result<Vec<KeyRecord>, Fault> {
    let mut statement = file.prepare_cached(
        "SELECT id, purpose, number, stage, sealed, created_at, since, version FROM keys ORDER BY created_at, id",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The version of a key; 0 of one that is not there.
pub(super) fn version(file: &Connection, id: KeyId) -> Result<u64, Fault> {
    let mut statement = file.prepare_cached("SELECT version FROM keys WHERE id = ?1")?;
    let read = |row: &Row<'_>| Ok(Cells::of(row).count("keys.version"));
    Ok(statement.query_row([id.bytes()], read).optional()?.transpose()?.unwrap_or(0))
}

/// Writes a key, in the place of its former self if there is one.
pub(super) fn write(file: &Connection, key: &KeyRecord) -> Result<(), Fault> {
    file.prepare_cached(
        "INSERT OR REPLACE INTO keys (id, purpose, number, stage, sealed, created_at, since, version) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        key.id.bytes(),
        key.purpose.name(),
        key.number,
        key.stage.name(),
        key.sealed,
        key.created_at.millis(),
        key.since.millis(),
        counted(key.version),
    ])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<KeyRecord, Fault> {
    let mut cells = Cells::of(row);
    Ok(KeyRecord {
        id: cells.id(KeyId::from_bytes, "keys.id")?,
        purpose: cells.word(Purpose::from_name, "keys.purpose")?,
        number: cells.take("keys.number")?,
        stage: cells.word(Stage::from_name, "keys.stage")?,
        sealed: cells.take("keys.sealed")?,
        created_at: cells.time("keys.created_at")?,
        since: cells.time("keys.since")?,
        version: cells.count("keys.version")?,
    })
}
