//! Rows of verifiers.

use doorward_core::Timestamp;
use doorward_core::change::RemoveVerifier;
use doorward_core::id::VerifierId;
use doorward_core::secret::SecretHash;
use doorward_core::verifier::VerifierRecord;
use rusqlite::{Connection, Row, params};

use super::cells::{Cells, listed};
use super::directory_changes::Written;
use super::fault::Fault;

/// All of them, in order of ids.
pub(super) fn all(file: &Connection) -> Result<Vec<VerifierRecord>, Fault> {
    let mut statement =
        file.prepare_cached("SELECT id, name, audiences, secret, created_at, removed_at FROM verifiers ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Adds one, unless its id, its secret or its name is taken.
pub(super) fn add(file: &Connection, verifier: &VerifierRecord) -> Result<Option<Written>, Fault> {
    let written = file
        .prepare_cached(
            "INSERT INTO verifiers (id, name, audiences, secret, created_at, removed_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            verifier.id.bytes(),
            verifier.name,
            listed(verifier.audiences.iter().map(String::as_str)),
            verifier.secret.0,
            verifier.created_at.millis(),
            verifier.removed_at.map(Timestamp::millis),
        ])?;
    Ok((written == 1).then(Written::default))
}

/// Strikes one off.
pub(super) fn remove(file: &Connection, remove: RemoveVerifier) -> Result<Option<Written>, Fault> {
    let written = file
        .prepare_cached("UPDATE verifiers SET removed_at = ?2 WHERE id = ?1 AND removed_at IS NULL")?
        .execute(params![remove.verifier.bytes(), remove.at.millis()])?;
    Ok((written == 1).then(Written::default))
}

fn read(row: &Row<'_>) -> Result<VerifierRecord, Fault> {
    let mut cells = Cells::of(row);
    Ok(VerifierRecord {
        id: cells.id(VerifierId::from_bytes, "verifiers.id")?,
        name: cells.take("verifiers.name")?,
        audiences: cells.list("verifiers.audiences")?,
        secret: cells.take("verifiers.secret").map(SecretHash)?,
        created_at: cells.time("verifiers.created_at")?,
        removed_at: cells.time_if_any("verifiers.removed_at")?,
    })
}
