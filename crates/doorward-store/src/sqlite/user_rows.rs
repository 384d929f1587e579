//! Rows of users and of their passwords.

use doorward_core::id::{OrgId, UserId};
use doorward_core::password::decoys::tally;
use doorward_core::role::Roles;
use doorward_core::user::{Email, User};
use doorward_core::{Position, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::cells::{Cells, counted, placed};
use super::fault::Fault;
use crate::Credential;

/// The user of an id.
pub(super) fn find(file: &Connection, id: UserId) -> Result<Option<User>, Fault> {
    one(
        file,
        "SELECT id, org, email, name, roles, email_verified_at, terminal_epoch, refresh_epoch, suspended_at, deleted_at, \
         created_at, version FROM users WHERE id = ?1",
        [id.bytes()],
    )
}

/// The user of an e-mail key.
pub(super) fn find_by_email(file: &Connection, key: &str) -> Result<Option<User>, Fault> {
    one(
        file,
        "SELECT id, org, email, name, roles, email_verified_at, terminal_epoch, refresh_epoch, suspended_at, deleted_at, \
         created_at, version FROM users WHERE email_key = ?1",
        [key],
    )
}

/// Users after an id, in order of ids.
pub(super) fn after(file: &Connection, id: Option<UserId>, limit: u32) -> Result<Vec<User>, Fault> {
    let mut statement = file.prepare_cached(
        "SELECT id, org, email, name, roles, email_verified_at, terminal_epoch, refresh_epoch, suspended_at, deleted_at, \
         created_at, version FROM users WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    // Every id is after the empty blob.
    let place = id.map(UserId::bytes);
    let mut rows = statement.query(params![place.as_ref().map_or(&[][..], |bytes| &bytes[..]), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// A user's password.
pub(super) fn credential(file: &Connection, user: UserId) -> Result<Option<Credential>, Fault> {
    let mut statement = file.prepare_cached("SELECT phc, version FROM credentials WHERE user = ?1")?;
    let read = |cells: &mut Cells<'_>| {
        Ok(Credential { phc: cells.take("credentials.phc")?, version: cells.count("credentials.version")? })
    };
    statement.query_row([user.bytes()], |row| Ok(read(&mut Cells::of(row)))).optional()?.transpose()
}

/// Writes a new user; `false` if the id or the e-mail key is taken.
pub(super) fn insert(file: &Connection, user: &User) -> Result<bool, Fault> {
    let written = file
        .prepare_cached(
            "INSERT INTO users (id, org, email, email_key, name, roles, email_verified_at, terminal_epoch, \
             refresh_epoch, suspended_at, deleted_at, created_at, version) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            user.id.bytes(),
            user.org.map(OrgId::bytes),
            user.email.typed(),
            user.email.key(),
            user.name,
            user.roles.as_str(),
            user.email_verified_at.map(Timestamp::millis),
            placed(user.terminal_epoch),
            placed(user.refresh_epoch),
            user.suspended_at.map(Timestamp::millis),
            user.deleted_at.map(Timestamp::millis),
            user.created_at.millis(),
            counted(user.version),
        ])?;
    Ok(written == 1)
}

/// Writes a new user's password.
pub(super) fn insert_credential(file: &Connection, user: UserId, credential: &Credential) -> Result<(), Fault> {
    file.prepare_cached("INSERT INTO credentials (user, phc, version) VALUES (?1, ?2, ?3)")?.execute(params![
        user.bytes(),
        credential.phc,
        counted(credential.version)
    ])?;
    Ok(())
}

/// Replaces a password that is still at version `from`; `false` if it is not.
pub(super) fn replace_credential(file: &Connection, user: UserId, from: u64, phc: &str) -> Result<bool, Fault> {
    let written = file
        .prepare_cached("UPDATE credentials SET phc = ?3, version = version + 1 WHERE user = ?1 AND version = ?2")?
        .execute(params![user.bytes(), counted(from), phc])?;
    Ok(written == 1)
}

/// How many of the first passwords rest under each scheme.
pub(super) fn schemes(file: &Connection, most: u32) -> Result<Vec<(String, u64)>, Fault> {
    let mut statement = file.prepare_cached("SELECT phc FROM credentials ORDER BY user LIMIT ?1")?;
    let mut rows = statement.query([most])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Cells::of(row).take::<String>("credentials.phc")?);
    }
    Ok(tally(found.into_iter()))
}

/// Suspends or resumes a user that is still at version `from`; `false` if it is not.
pub(super) fn set_suspended(
    file: &Connection,
    user: UserId,
    from: u64,
    at: Option<Timestamp>,
) -> Result<bool, Fault> {
    let written = file
        .prepare_cached("UPDATE users SET suspended_at = ?3, version = version + 1 WHERE id = ?1 AND version = ?2")?
        .execute(params![user.bytes(), counted(from), at.map(Timestamp::millis)])?;
    Ok(written == 1)
}

/// Sets the roles of a user that is still at version `from`; `false` if it is not.
pub(super) fn set_roles(file: &Connection, user: UserId, from: u64, roles: &Roles) -> Result<bool, Fault> {
    let written = file
        .prepare_cached("UPDATE users SET roles = ?3, version = version + 1 WHERE id = ?1 AND version = ?2")?
        .execute(params![user.bytes(), counted(from), roles.as_str()])?;
    Ok(written == 1)
}

/// What was minted or read of a user before a place has to be renewed.
pub(super) fn set_refresh_epoch(file: &Connection, user: UserId, place: Position) -> Result<(), Fault> {
    file.prepare_cached("UPDATE users SET refresh_epoch = ?2 WHERE id = ?1")?
        .execute(params![user.bytes(), placed(place)])?;
    Ok(())
}

/// Ends everything of a user that was born before a place.
pub(super) fn set_terminal_epoch(file: &Connection, user: UserId, place: Position) -> Result<(), Fault> {
    file.prepare_cached("UPDATE users SET terminal_epoch = ?2 WHERE id = ?1")?
        .execute(params![user.bytes(), placed(place)])?;
    Ok(())
}

fn one(file: &Connection, query: &str, key: impl Params) -> Result<Option<User>, Fault> {
    file.prepare_cached(query)?.query_row(key, |row| Ok(read(row))).optional()?.transpose()
}

fn read(row: &Row<'_>) -> Result<User, Fault> {
    let mut cells = Cells::of(row);
    Ok(User {
        id: cells.id(UserId::from_bytes, "users.id")?,
        org: cells.id_if_any(OrgId::from_bytes, "users.org")?,
        email: cells.word(Email::parse, "users.email")?,
        name: cells.take("users.name")?,
        roles: cells.word(Roles::parse, "users.roles")?,
        email_verified_at: cells.time_if_any("users.email_verified_at")?,
        terminal_epoch: cells.position("users.terminal_epoch")?,
        refresh_epoch: cells.position("users.refresh_epoch")?,
        suspended_at: cells.time_if_any("users.suspended_at")?,
        deleted_at: cells.time_if_any("users.deleted_at")?,
        created_at: cells.time("users.created_at")?,
        version: cells.count("users.version")?,
    })
}
