//! What the changes of sessions do. Each function looks at everything first and writes after that: `None` is a
//! conflict, and then nothing was written.

use std::sync::LazyLock;

use doorward_core::Timestamp;
use doorward_core::change::{Confirm, Open, Report, Rotate, SessionChange};
use doorward_core::data::DataChange;
use doorward_core::id::SessionId;
use doorward_core::policy::IDLE_ALLOWANCE;
use doorward_core::refresh::Turn;
use rusqlite::{Connection, params};

use super::cells::{counted, placed};
use super::directory_changes::Written;
use super::fault::Fault;
use super::log::Tail;
use super::sweep::sweep;
use super::{data_rows, failure_rows, ring, session_rows};

/// The hot path of every refresh: one UPDATE of one row that holds its whole precondition and touches no index. An epoch
/// of somebody who is gone or switched off is NULL here, which equals nothing.
pub(super) static TURN: LazyLock<String> = LazyLock::new(|| turning("", "AND idle = ?10 AND ?12 IS NOT NULL"));
pub(super) static TURN_TO_ANOTHER_IDLE: LazyLock<String> =
    LazyLock::new(|| turning(", idle = ?10, sweep_at = min(sweep_at, ?12)", ""));

fn turning(more: &str, precondition: &str) -> String {
    format!(
        "UPDATE sessions SET generation = ?3, refresh_key = ?4, keyed = ?5, ring = ?6, strategy = ?7, exchange = ?8, \
         last_seen_at = max(last_seen_at, ?9){more} \
         WHERE id = ?1 AND generation = ?2 AND ended_at IS NULL AND born >= ?11 {precondition} AND ?11 = max( \
         (SELECT terminal_epoch FROM meta), \
         (SELECT terminal_epoch FROM clients WHERE clients.id = sessions.client AND disabled_at IS NULL), \
         iif(user IS NULL, zeroblob(16), \
         (SELECT terminal_epoch FROM users WHERE users.id = sessions.user AND deleted_at IS NULL)))"
    )
}

/// Applies a change inside the transaction of its batch.
pub(super) fn apply(file: &Connection, tail: &mut Tail, change: &SessionChange) -> Result<Option<Written>, Fault> {
    match change {
        SessionChange::Open(change) => open(file, tail, change),
        SessionChange::Rotate(change) => rotate(file, tail, change),
        SessionChange::Touch(seen) => touch(file, seen),
        SessionChange::Report(change) => report(file, change),
        SessionChange::Confirm(change) => confirm(file, *change),
        SessionChange::Data(change) => data(file, change),
        SessionChange::Tally(tallies) => failure_rows::write(file, tallies),
        SessionChange::Sweep(change) => sweep(file, *change),
    }
}

fn open(file: &Connection, tail: &mut Tail, open: &Open) -> Result<Option<Written>, Fault> {
    if !session_rows::may_begin(file, &open.session)? {
        return Ok(None);
    }
    session_rows::insert(file, &open.session)?;
    tail.link(file, &open.event)?;
    Ok(Some(Written::default()))
}

fn rotate(file: &Connection, tail: &mut Tail, rotate: &Rotate) -> Result<Option<Written>, Fault> {
    let Rotate { turn, secret, event } = rotate;
    if let Some(new) = secret
        && !session_rows::has_secrets_of_its_own(file, turn.session, Some(new.hash), new.previous)?
    {
        return Ok(None);
    }
    // Only a turn that brings another idle lifetime may bring the end of the session nearer; only that one writes when
    // a sweep has to look, which an index holds.
    if !turned(file, &TURN, turn)? && !turned(file, &TURN_TO_ANOTHER_IDLE, turn)? {
        return Ok(None);
    }
    if let Some(new) = secret {
        file.prepare_cached(
            "UPDATE sessions SET secret = ?2, previous_secret = ?3, previous_until = ?4 WHERE id = ?1",
        )?
        .execute(params![
            turn.session.bytes(),
            new.hash.0,
            new.previous.map(|previous| previous.hash.0),
            new.previous.map(|previous| previous.until.millis()),
        ])?;
    }
    if let Some(event) = event {
        tail.link(file, event)?;
    }
    Ok(Some(Written::default()))
}

fn turned(file: &Connection, statement: &str, turn: &Turn) -> Result<bool, Fault> {
    let written = file.prepare_cached(statement)?.execute(params![
        turn.session.bytes(),
        turn.from.0,
        turn.generation.0,
        turn.refresh_key,
        turn.keyed,
        ring::ringed(&turn.ring),
        session_rows::strategy_number(turn.strategy),
        turn.exchange.map(|generation| generation.0),
        turn.at.millis(),
        turn.idle.millis(),
        placed(turn.from_epoch),
        (turn.at + turn.idle + IDLE_ALLOWANCE).millis(),
    ])?;
    Ok(written == 1)
}

fn touch(file: &Connection, seen: &[(SessionId, Timestamp)]) -> Result<Option<Written>, Fault> {
    let mut statement = file.prepare_cached(
        "UPDATE sessions SET last_seen_at = ?2 WHERE id = ?1 AND last_seen_at < ?2 AND ended_at IS NULL",
    )?;
    let mut count = 0;
    for (id, at) in seen {
        count += statement.execute(params![id.bytes(), at.millis()])? as u64;
    }
    Ok(Some(Written::counting(count)))
}

/// Whose session it is, is asked in the same step: no verifier's word costs a look-up of its own.
fn report(file: &Connection, report: &Report) -> Result<Option<Written>, Fault> {
    // No id of a client has a blank in it.
    let of: String = report.of.iter().flat_map(|client| [" ", client.as_str()]).chain([" "]).collect();
    let mut statement = file.prepare_cached(
        "UPDATE sessions SET last_seen_at = ?2 WHERE id = ?1 AND last_seen_at < ?2 AND ended_at IS NULL \
         AND instr(?3, ' ' || client || ' ') > 0",
    )?;
    let mut count = 0;
    for (id, at) in &report.seen {
        count += statement.execute(params![id.bytes(), at.millis(), of])? as u64;
    }
    Ok(Some(Written::counting(count)))
}

fn confirm(file: &Connection, confirm: Confirm) -> Result<Option<Written>, Fault> {
    let confirmed = file
        .prepare_cached(
            "UPDATE sessions SET previous_secret = NULL, previous_until = NULL \
             WHERE id = ?1 AND secret = ?2 AND ended_at IS NULL",
        )?
        .execute(params![confirm.session.bytes(), confirm.secret.0])?;
    Ok((confirmed == 1).then(Written::default))
}

fn data(file: &Connection, change: &DataChange) -> Result<Option<Written>, Fault> {
    let moved_on = file
        .prepare_cached("UPDATE sessions SET shelf = shelf + 1 WHERE id = ?1 AND shelf = ?2 AND ended_at IS NULL")?
        .execute(params![change.session.bytes(), counted(change.from)])?;
    if moved_on == 0 {
        return Ok(None);
    }
    match &change.value {
        Some(datum) => data_rows::put(file, change.session, &change.key, datum)?,
        None => data_rows::remove(file, change.session, &change.key)?,
    }
    Ok(Some(Written::default()))
}
