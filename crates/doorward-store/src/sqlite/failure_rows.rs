//! Rows of failures: how many wrong passwords in a row were weighed at an account.

use doorward_core::throttle::{Failures, Whose};
use rusqlite::{Connection, params};

use super::cells::Cells;
use super::directory_changes::Written;
use super::fault::Fault;

/// The first accounts that passwords failed at.
pub(super) fn all(file: &Connection, limit: u32) -> Result<Vec<(Whose, Failures)>, Fault> {
    let mut statement = file.prepare_cached("SELECT whose, count, last FROM failures ORDER BY whose LIMIT ?1")?;
    let mut rows = statement.query([limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::of(row);
        let whose = Whose(cells.take("failures.whose")?);
        let count = cells.take("failures.count")?;
        found.push((whose, Failures { count, last: cells.time("failures.last")? }));
    }
    Ok(found)
}

/// Writes and forgets.
pub(super) fn write(file: &Connection, tallies: &[(Whose, Option<Failures>)]) -> Result<Option<Written>, Fault> {
    let mut keep = file.prepare_cached(
        "INSERT INTO failures (whose, count, last) VALUES (?1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET count = excluded.count, last = excluded.last",
    )?;
    let mut forget = file.prepare_cached("DELETE FROM failures WHERE whose = ?1")?;
    for (whose, failures) in tallies {
        match failures {
            Some(kept) => keep.execute(params![whose.0, kept.count, kept.last.millis()])?,
            None => forget.execute([whose.0])?,
        };
    }
    Ok(Some(Written::default()))
}
