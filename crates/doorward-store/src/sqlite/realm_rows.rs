//! What is true of the whole realm: its epochs, everybody's turn, the terms of verifiers.

use doorward_core::change::{MoveRealm, SetTerms, StepSpread};
use doorward_core::session::Epochs;
use doorward_core::spread::{BUCKETS, Spread, Turn};
use doorward_core::{Strength, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::cells::{Cells, placed};
use super::directory_changes::Written;
use super::fault::Fault;
use super::log::Tail;
use super::session_rows;
use crate::Realm;

/// Reads it.
pub(super) fn read(file: &Connection) -> Result<Realm, Fault> {
    let mut statement = file.prepare_cached("SELECT terminal_epoch, refresh_epoch, terms, latest FROM meta")?;
    let realm = statement.query_row([], |row| Ok(read_meta(row)))??;
    Ok(Realm { spread: spread(file)?, ..realm })
}

fn read_meta(row: &Row<'_>) -> Result<Realm, Fault> {
    let mut cells = Cells::of(row);
    let epochs =
        Epochs { terminal: cells.position("meta.terminal_epoch")?, refresh: cells.position("meta.refresh_epoch")? };
    let (terms, latest) = (cells.lifetime("meta.terms")?, cells.time("meta.latest")?);
    Ok(Realm { epochs, terms, spread: None, latest })
}

fn spread(file: &Connection) -> Result<Option<Spread>, Fault> {
    let mut statement = file.prepare_cached("SELECT turn, cut, next, began, over_ms FROM spread")?;
    statement.query_row([], |row| Ok(read_spread(row))).optional()?.transpose()
}

fn read_spread(row: &Row<'_>) -> Result<Spread, Fault> {
    let mut cells = Cells::of(row);
    Ok(Spread {
        turn: cells.word(Turn::from_name, "spread.turn")?,
        cut: cells.position("spread.cut")?,
        next: cells.take("spread.next")?,
        began: cells.time("spread.began")?,
        over: cells.lifetime("spread.over_ms")?,
    })
}

/// Writes the line that is about everybody; its place becomes the epoch of its strength.
pub(super) fn move_epoch(
    file: &Connection,
    tail: &mut Tail,
    step: MoveRealm,
    at: Timestamp,
) -> Result<Option<Written>, Fault> {
    let line = tail.append(file, &step.draft, at)?;
    let statement = match line.entry.strength {
        Strength::Terminal => "UPDATE meta SET terminal_epoch = ?1",
        Strength::RefreshRequired => "UPDATE meta SET refresh_epoch = ?1",
    };
    file.prepare_cached(statement)?.execute([placed(line.place)])?;
    Ok(Some(Written::one(line)))
}

/// Begins everybody's turn, if none is under way.
pub(super) fn begin_spread(file: &Connection, spread: &Spread) -> Result<Option<Written>, Fault> {
    let written = file
        .prepare_cached(
            "INSERT INTO spread (one, turn, cut, next, began, over_ms) VALUES (1, ?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            spread.turn.name(),
            placed(spread.cut),
            spread.next,
            spread.began.millis(),
            spread.over.millis(),
        ])?;
    Ok((written == 1).then(Written::default))
}

/// The next bucket's turn.
pub(super) fn step_spread(
    file: &Connection,
    tail: &mut Tail,
    step: StepSpread,
    at: Timestamp,
) -> Result<Option<Written>, Fault> {
    let Some(spread) = spread(file)?.filter(|spread| spread.next == step.bucket) else { return Ok(None) };
    let next = step.bucket + 1;
    if next < BUCKETS {
        file.prepare_cached("UPDATE spread SET next = ?1")?.execute([next])?;
    } else {
        file.prepare_cached("DELETE FROM spread")?.execute([])?;
    }
    let mut count = 0;
    if spread.turn == Turn::End {
        for id in session_rows::open_of_bucket(file, step.bucket, spread.cut)? {
            count += u64::from(session_rows::end(file, id, step.ended)? == Some(true));
        }
        if next == BUCKETS {
            // Whoever read the head before the turn began and opened a session after it had come: over, too.
            file.prepare_cached("UPDATE meta SET terminal_epoch = max(terminal_epoch, ?1)")?
                .execute([placed(spread.cut)])?;
        }
    }
    let line = tail.append(file, &step.draft, at)?;
    Ok(Some(Written { count, ..Written::one(line) }))
}

/// Sets the longest lease and grace.
pub(super) fn set_terms(file: &Connection, set: SetTerms) -> Result<Option<Written>, Fault> {
    let mut statement = file.prepare_cached("UPDATE meta SET terms = ?2 WHERE terms = ?1")?;
    let written = statement.execute(params![set.from.millis(), set.most.millis()])?;
    Ok((written == 1).then(Written::default))
}
