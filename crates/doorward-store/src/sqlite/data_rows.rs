//! Rows of session data.

use doorward_core::data::{DataKey, Datum, Shelf};
use doorward_core::id::SessionId;
use rusqlite::{Connection, OptionalExtension, params};

use super::cells::{Cells, counted};
use super::fault::Fault;

/// What stands on a session's shelf. One statement, so that revision and items are of one moment.
pub(super) fn shelf(file: &Connection, id: SessionId) -> Result<Shelf, Fault> {
    let mut statement = file.prepare_cached(
        "SELECT sessions.shelf, session_data.key, session_data.version, length(session_data.value) FROM sessions \
         LEFT JOIN session_data ON session_data.session = sessions.id WHERE sessions.id = ?1 ORDER BY session_data.key",
    )?;
    let mut rows = statement.query([id.bytes()])?;
    let mut shelf = Shelf::default();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::of(row);
        shelf.revision = cells.count("sessions.shelf")?;
        if let Some(key) = cells.word_if_any(DataKey::parse, "session_data.key")? {
            let version = cells.count("session_data.version")?;
            let size = cells.take::<u32>("session_data.value")?;
            shelf.items.push((key, version, size as usize));
        }
    }
    Ok(shelf)
}

/// One value.
pub(super) fn datum(file: &Connection, id: SessionId, key: &DataKey) -> Result<Option<Datum>, Fault> {
    let mut statement =
        file.prepare_cached("SELECT value, version, keep FROM session_data WHERE session = ?1 AND key = ?2")?;
    let read = |cells: &mut Cells<'_>| {
        Ok(Datum {
            value: cells.take("session_data.value")?,
            version: cells.count("session_data.version")?,
            keep: cells.take("session_data.keep")?,
        })
    };
    statement
        .query_row(params![id.bytes(), key.as_str()], |row| Ok(read(&mut Cells::of(row))))
        .optional()?
        .transpose()
}

/// Puts a value in its place.
pub(super) fn put(file: &Connection, id: SessionId, key: &DataKey, datum: &Datum) -> Result<(), Fault> {
    file.prepare_cached(
        "INSERT INTO session_data (session, key, value, version, keep) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT DO UPDATE SET value = excluded.value, version = excluded.version, keep = excluded.keep",
    )?
    .execute(params![id.bytes(), key.as_str(), datum.value, counted(datum.version), datum.keep])?;
    Ok(())
}

/// Takes a value away.
pub(super) fn remove(file: &Connection, id: SessionId, key: &DataKey) -> Result<(), Fault> {
    file.prepare_cached("DELETE FROM session_data WHERE session = ?1 AND key = ?2")?
        .execute(params![id.bytes(), key.as_str()])?;
    Ok(())
}

/// Takes all of a session's values away.
pub(super) fn clear(file: &Connection, id: SessionId) -> Result<(), Fault> {
    file.prepare_cached("DELETE FROM session_data WHERE session = ?1")?.execute([id.bytes()])?;
    Ok(())
}

/// Hands the values that are to be kept from one session to another.
pub(super) fn hand_over(file: &Connection, from: SessionId, to: SessionId) -> Result<(), Fault> {
    file.prepare_cached("UPDATE session_data SET session = ?2 WHERE session = ?1 AND keep = 1")?
        .execute([from.bytes(), to.bytes()])?;
    Ok(())
}
