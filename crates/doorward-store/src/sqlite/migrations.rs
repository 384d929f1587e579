//! Bringing a database to the form that this program knows.
//!
//! The files of `migrations/sqlite/` are part of the program. Each is applied once, in one transaction with the note
//! that it was, under a lock on the database. The note holds the file's SHA-256: a file that was changed after it had
//! been applied somewhere is an error here, and not a riddle later.

use aws_lc_rs::digest::{SHA256, digest};
use doorward_core::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::cells::Cells;
use super::fault::Fault;

/// What marks a file as a database of Doorward: `door`, as the header of an SQLite file carries it.
pub(super) const APPLICATION: i32 = i32::from_be_bytes(*b"door");

struct Migration {
    number: u32,
    name: &'static str,
    text: &'static str,
}

const ALL: [Migration; 6] = [
    Migration { number: 1, name: "0001_house.sql", text: include_str!("../../migrations/sqlite/0001_house.sql") },
    Migration { number: 2, name: "0002_feed.sql", text: include_str!("../../migrations/sqlite/0002_feed.sql") },
    Migration {
        number: 3,
        name: "0003_failures.sql",
        text: include_str!("../../migrations/sqlite/0003_failures.sql"),
    },
    Migration { number: 4, name: "0004_latest.sql", text: include_str!("../../migrations/sqlite/0004_latest.sql") },
    Migration { number: 5, name: "0005_roles.sql", text: include_str!("../../migrations/sqlite/0005_roles.sql") },
    Migration { number: 6, name: "0006_narrow.sql", text: include_str!("../../migrations/sqlite/0006_narrow.sql") },
];

/// Why a database cannot be brought to today's form.
#[derive(Debug)]
pub(super) enum Refused {
    /// It has a migration that this program does not know.
    Newer {
        /// The highest there.
        found: u32,
        /// The highest here.
        known: u32,
    },
    /// A migration that was applied there is another text here.
    Changed(&'static str),
    /// SQLite says no.
    Fault(Fault),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Fault(Fault::Sqlite(error))
    }
}

/// Applies what is missing, and marks the file as ours.
pub(super) fn run(file: &mut Connection, now: Timestamp) -> Result<(), Refused> {
    run_through(file, &ALL, now)
}

fn run_through(file: &mut Connection, all: &[Migration], now: Timestamp) -> Result<(), Refused> {
    let step = file.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    step.pragma_update(None, "application_id", APPLICATION)?;
    step.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum BLOB NOT NULL, \
         applied_at INTEGER NOT NULL) STRICT",
    )?;
    let applied = applied(&step)?;
    let known = all.last().map_or(0, |last| last.number);
    if let Some((found, _)) = applied.last().filter(|(number, _)| *number > known) {
        return Err(Refused::Newer { found: *found, known });
    }
    for migration in all {
        let checksum = checksum(migration.text);
        match applied.iter().find(|(number, _)| *number == migration.number) {
            Some((_, noted)) if *noted == checksum => {}
            Some(_) => return Err(Refused::Changed(migration.name)),
            None => apply(&step, migration, checksum, now)?,
        }
    }
    step.commit()?;
    Ok(())
}

fn apply(
    step: &Transaction<'_>,
    migration: &Migration,
    checksum: [u8; 32],
    now: Timestamp,
) -> Result<(), rusqlite::Error> {
    step.execute_batch(migration.text)?;
    step.execute(
        "INSERT INTO migrations (number, name, checksum, applied_at) VALUES (?1, ?2, ?3, ?4)",
        params![migration.number, migration.name, checksum, now.millis()],
    )?;
    Ok(())
}

fn applied(step: &Transaction<'_>) -> Result<Vec<(u32, [u8; 32])>, Fault> {
    let mut statement = step.prepare("SELECT number, checksum FROM migrations ORDER BY number")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::of(row);
        found.push((cells.take("migrations.number")?, cells.take("migrations.checksum")?));
    }
    Ok(found)
}

fn checksum(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

/// Today's layout, for tests of what is asked of it.
#[cfg(test)]
pub(super) fn layout() -> String {
    ALL.map(|migration| migration.text).concat()
}

#[cfg(test)]
mod tests;
