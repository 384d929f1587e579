//! Forgetting sessions that are over.
//!
//! `sweep_at` is never later than the moment from which a session may be swept, and an index orders by it. Use moves
//! that moment on without touching the index; a sweep that comes upon a session in use writes the new moment down and
//! goes on. So each living session costs a sweep one look in an idle lifetime, and being used costs nothing.

use doorward_core::change::Sweep;
use doorward_core::id::SessionId;
use doorward_core::policy::RETENTION;
use doorward_core::{Lifetime, Timestamp};
use rusqlite::{Connection, params};

use super::cells::Cells;
use super::directory_changes::Written;
use super::fault::Fault;
use super::{data_rows, session_rows};

/// A sweep looks at so many sessions beyond its limit, so that it never holds up the other changes for long. What it
/// did not come to is for the next.
const LOOKS: u32 = 4096;

pub(super) const CANDIDATES: &str = "SELECT id, created_at, expires_after, last_seen_at, idle, ended_at FROM sessions \
                                     WHERE sweep_at <= ?1 ORDER BY sweep_at LIMIT ?2";

struct Candidate {
    id: SessionId,
    expires_at: Timestamp,
    over_at: Timestamp,
}

/// See [`SessionChange::Sweep`](doorward_core::change::SessionChange::Sweep).
pub(super) fn sweep(file: &Connection, sweep: Sweep) -> Result<Option<Written>, Fault> {
    file.prepare_cached("UPDATE meta SET latest = max(latest, ?1)")?.execute([sweep.latest.millis()])?;
    let looks = sweep.limit.saturating_add(LOOKS);
    file.prepare_cached(
        "DELETE FROM tombstones WHERE id IN (SELECT id FROM tombstones WHERE until <= ?1 ORDER BY until LIMIT ?2)",
    )?
    .execute(params![sweep.before.millis(), looks])?;
    let mut count = 0;
    for candidate in candidates(file, sweep.before, looks)? {
        if candidate.over_at > sweep.before {
            file.prepare_cached("UPDATE sessions SET sweep_at = ?2 WHERE id = ?1")?
                .execute(params![candidate.id.bytes(), candidate.over_at.millis()])?;
        } else if count < u64::from(sweep.limit) {
            forget(file, &candidate)?;
            count += 1;
        }
    }
    Ok(Some(Written::counting(count)))
}

fn candidates(file: &Connection, before: Timestamp, looks: u32) -> Result<Vec<Candidate>, Fault> {
    let mut statement = file.prepare_cached(CANDIDATES)?;
    let mut rows = statement.query(params![before.millis(), looks])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::of(row);
        let id = cells.id(SessionId::from_bytes, "sessions.id")?;
        let expires_at = cells.time("sessions.created_at")? + cells.lifetime("sessions.expires_after")?;
        let last_seen_at = cells.time("sessions.last_seen_at")?;
        let idle: Lifetime = cells.lifetime("sessions.idle")?;
        let ended_at = cells.time_if_any("sessions.ended_at")?;
        let over_at = session_rows::over_at(ended_at, expires_at, last_seen_at, idle);
        found.push(Candidate { id, expires_at, over_at });
    }
    Ok(found)
}

/// Takes a session and its data away and leaves a tombstone: no late write may bring the id back while a token that was
/// minted for it could still be about.
fn forget(file: &Connection, candidate: &Candidate) -> Result<(), Fault> {
    data_rows::clear(file, candidate.id)?;
    file.prepare_cached("DELETE FROM sessions WHERE id = ?1")?.execute([candidate.id.bytes()])?;
    let until = candidate.expires_at + RETENTION;
    file.prepare_cached("INSERT OR REPLACE INTO tombstones (id, until) VALUES (?1, ?2)")?
        .execute(params![candidate.id.bytes(), until.millis()])?;
    Ok(())
}
