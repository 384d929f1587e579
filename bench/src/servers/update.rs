//! The bare limit of a refresh: the store's own UPDATE, on a database that the store has made, in transactions of 64,
//! each on the disk before the next begins. One thread, nothing else.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, params};
use serde::{Deserialize, Serialize};

use crate::seed::{self, DATABASE, Shuffle};
use crate::{Trouble, child, process};

/// `TURN` of `crates/doorward-store/src/sqlite/session_changes.rs`; a test compares them.
const TURN: &str = "UPDATE sessions SET generation = ?3, refresh_key = ?4, keyed = ?5, ring = ?6, strategy = ?7, \
                    exchange = ?8, last_seen_at = max(last_seen_at, ?9) \
                    WHERE id = ?1 AND generation = ?2 AND ended_at IS NULL AND born >= ?11 \
                    AND idle = ?10 AND ?12 IS NOT NULL AND ?11 = max( \
                    (SELECT terminal_epoch FROM meta), \
                    (SELECT terminal_epoch FROM clients WHERE clients.id = sessions.client AND disabled_at IS NULL), \
                    iif(user IS NULL, zeroblob(16), \
                    (SELECT terminal_epoch FROM users WHERE users.id = sessions.user AND deleted_at IS NULL)))";
/// Changes in a transaction: as many as there are clients.
const TOGETHER: u64 = 64;
/// Pages in the write-ahead log from which on it is copied into the file, as the store does under load.
const CHECKPOINT: u64 = 16_000;

/// For how long, in seconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Spell(pub(crate) f64);

/// What was done in a spell.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Turned {
    /// Rows.
    pub(crate) turns: u64,
    /// Seconds.
    pub(crate) seconds: f64,
    /// CPU time in microseconds.
    pub(crate) cpu: u64,
}

/// Updates for as long as the parent says, spell by spell.
pub(crate) fn bare_update(folder: &Path) -> Result<(), Trouble> {
    let mut chains = Chains::open(folder)?;
    for spell in child::questions::<Spell>() {
        let (since, cpu) = (Instant::now(), process::cpu(std::process::id())?);
        let until = since + Duration::from_secs_f64(spell?.0);
        let mut turns = 0;
        while Instant::now() < until {
            chains.turn(TOGETHER)?;
            turns += TOGETHER;
        }
        let cpu = process::cpu(std::process::id())? - cpu;
        child::say(&Turned { turns, seconds: since.elapsed().as_secs_f64(), cpu })?;
    }
    Ok(())
}

/// The rows, and what is known of them, so that nothing has to be read.
pub(super) struct Chains {
    file: Connection,
    generations: Vec<u32>,
    shuffle: Shuffle,
    ring: Vec<u8>,
    idle: i64,
    epoch: Vec<u8>,
    next: u64,
    pages: u64,
}

impl Chains {
    /// Opens the database as the store's writer does.
    pub(super) fn open(folder: &Path) -> Result<Self, Trouble> {
        let file = Connection::open_with_flags(
            folder.join(DATABASE),
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        file.pragma_update(None, "journal_mode", "WAL")?;
        file.pragma_update(None, "synchronous", "FULL")?;
        file.pragma_update(None, "foreign_keys", true)?;
        file.pragma_update(None, "wal_autocheckpoint", 0)?;
        file.pragma_update(None, "cache_size", -64 * 1024)?;
        let count = file.query_row("SELECT count(*) FROM sessions", [], |row| row.get::<_, i64>(0))?.unsigned_abs();
        let same = "SELECT generation, ring, idle FROM sessions LIMIT 1";
        let (generation, ring, idle) = file.query_row(same, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let epoch = file.query_row("SELECT terminal_epoch FROM meta", [], |row| row.get(0))?;
        let generations = vec![generation; usize::try_from(count)?];
        Ok(Self { file, generations, shuffle: Shuffle::of(count), ring, idle, epoch, next: 0, pages: 0 })
    }

    /// Turns so many rows in one transaction.
    pub(super) fn turn(&mut self, count: u64) -> Result<(), Trouble> {
        let file = &self.file;
        let step = rusqlite::Transaction::new_unchecked(file, rusqlite::TransactionBehavior::Immediate)?;
        let mut statement = step.prepare_cached(TURN)?;
        for _ in 0..count {
            let number = self.shuffle.at(self.next);
            self.next += 1;
            let generation = &mut self.generations[number as usize];
            let id = seed::session(number).bytes();
            let next = *generation + 1;
            let now = 2_000_000_000_000_i64 + i64::from(next);
            // The number that the store writes for hybrid.
            let (key, keyed, strategy, exchange) = (1, true, 2, None::<u32>);
            let changed = statement.execute(params![
                id,
                *generation,
                next,
                key,
                keyed,
                self.ring,
                strategy,
                exchange,
                now,
                self.idle,
                self.epoch,
                now
            ])?;
            if changed != 1 {
                return Err("the UPDATE found no row: it is not the store's any more".into());
            }
            *generation = next;
        }
        drop(statement);
        step.commit()?;
        // Every row is on a page of its own, as good as.
        self.pages += count;
        if self.pages >= CHECKPOINT {
            file.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
            self.pages = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_update_is_the_stores_own() {
        let source = include_str!("../../../crates/doorward-store/src/sqlite/session_changes.rs");
        let lines: Vec<&str> = source.lines().map(|line| line.trim().trim_end_matches('\\')).collect();
        let source = lines.concat();
        let own = TURN.replace("AND idle = ?10 AND ?12 IS NOT NULL", "{precondition}");
        let own = own.replace("max(last_seen_at, ?9) ", "max(last_seen_at, ?9){more} ");
        assert!(source.contains(&own), "the store's UPDATE is another one now: {own}");
        assert!(source.contains(r#"turning("", "AND idle = ?10 AND ?12 IS NOT NULL")"#));
    }
}
