//! Rows of sessions: how one is written, read and found.

use std::sync::LazyLock;

use doorward_core::client::{Strategy, Transport};
use doorward_core::id::{ClientId, OrgId, SessionId, UserId};
use doorward_core::policy::IDLE_ALLOWANCE;
use doorward_core::secret::SecretHash;
use doorward_core::session::{Device, EndReason, Ended, Epochs, Generation, Methods, Previous, Salt, Session};
use doorward_core::{Lifetime, Position, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::cells::{Cells, counted, placed};
use super::fault::Fault;
use super::{addresses, epochs, ring};

/// In the order in which [`read`] and [`insert`] have them.
const COLUMNS: &str = "created_at, id, secret, previous_secret, previous_until, user, client, org, born, salt, \
                       generation, refresh_key, keyed, exchange, strategy, transport, auth_after, amr, acr, \
                       last_seen_at, idle, expires_after, device_name, device_address, ended_at, ended_why, shelf, ring";
pub(super) static BY_ID: LazyLock<String> = LazyLock::new(|| select("id = ?1"));
/// An index leads to rows by the first four bytes of a drawn value; the rows say whose they are.
pub(super) static BY_SECRET: LazyLock<String> =
    LazyLock::new(|| select("substr(secret, 1, 4) = substr(?1, 1, 4) AND secret = ?1"));
pub(super) static BY_PREVIOUS: LazyLock<String> = LazyLock::new(|| select("previous_secret = ?1"));
pub(super) static OF_USER: LazyLock<String> = LazyLock::new(|| {
    select(
        "substr(user, 1, 4) = substr(?1, 1, 4) AND user = ?1 AND ended_at IS NULL ORDER BY created_at DESC, id DESC",
    )
});
pub(super) static NEWEST: LazyLock<String> =
    LazyLock::new(|| select("ended_at IS NULL ORDER BY created_at DESC, id DESC"));
static INSERT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO sessions ({COLUMNS}, sweep_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, \
         ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29)"
    )
});
pub(super) const OPEN_OF_USER: &str = "SELECT id FROM sessions \
                            WHERE substr(user, 1, 4) = substr(?1, 1, 4) AND user = ?1 AND ended_at IS NULL";
pub(super) const OPEN_OF_BUCKET: &str =
    "SELECT id FROM sessions WHERE id >= ?1 AND id < ?2 AND ended_at IS NULL AND born < ?3 ORDER BY id";
pub(super) const ALL_OPEN: &str = "SELECT count(*) FROM sessions WHERE ended_at IS NULL";
pub(super) const OF_ANOTHER: &str = "SELECT EXISTS (SELECT 1 FROM sessions \
                          WHERE substr(secret, 1, 4) = substr(?1, 1, 4) AND secret = ?1 AND id <> ?2) \
                          OR EXISTS (SELECT 1 FROM sessions WHERE previous_secret = ?1 AND id <> ?2)";

fn select(which: &str) -> String {
    format!("SELECT {COLUMNS} FROM sessions WHERE {which}")
}

/// The session of an id.
pub(super) fn find(file: &Connection, id: SessionId) -> Result<Option<Session>, Fault> {
    one(file, &BY_ID, [id.bytes()])
}

/// The session that a secret opens, or opened a moment ago.
pub(super) fn find_by_secret(file: &Connection, hash: &SecretHash) -> Result<Option<Session>, Fault> {
    match one(file, &BY_SECRET, [hash.0])? {
        None => one(file, &BY_PREVIOUS, [hash.0]),
        found => Ok(found),
    }
}

/// A user's living sessions, newest first.
pub(super) fn of_user(file: &Connection, user: UserId, now: Timestamp) -> Result<Vec<Session>, Fault> {
    living(file, &OF_USER, [user.bytes()], usize::MAX, now)
}

/// The newest living sessions.
pub(super) fn newest(file: &Connection, limit: u32, now: Timestamp) -> Result<Vec<Session>, Fault> {
    living(file, &NEWEST, [], limit as usize, now)
}

/// A user's sessions that were not ended, dead ones too.
pub(super) fn open_of_user(file: &Connection, user: UserId) -> Result<Vec<SessionId>, Fault> {
    let mut statement = file.prepare_cached(OPEN_OF_USER)?;
    let mut rows = statement.query([user.bytes()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Cells::of(row).id(SessionId::from_bytes, "sessions.id")?);
    }
    Ok(found)
}

/// How many were not ended.
pub(super) fn open(file: &Connection) -> Result<u64, Fault> {
    let mut statement = file.prepare_cached(ALL_OPEN)?;
    statement.query_row([], |row| Ok(Cells::of(row).count("sessions")))?
}

/// The sessions of a bucket that were born before a place and were not ended.
pub(super) fn open_of_bucket(file: &Connection, bucket: u16, born: Position) -> Result<Vec<SessionId>, Fault> {
    let mut statement = file.prepare_cached(OPEN_OF_BUCKET)?;
    let mut found = Vec::new();
    // A bucket takes the first two bytes of an id modulo 4,096: in the order of ids that is sixteen stretches.
    for high in 0..16_u16 {
        let start = high << 12 | bucket;
        let first = |number: u16| [&number.to_be_bytes()[..], &[0; 14]].concat();
        // Behind the last stretch comes what is above all ids.
        let end = start.checked_add(1).map_or_else(|| vec![0xff; 17], first);
        let mut rows = statement.query(params![first(start), end, placed(born)])?;
        while let Some(row) = rows.next()? {
            found.push(Cells::of(row).id(SessionId::from_bytes, "sessions.id")?);
        }
    }
    Ok(found)
}

/// May a session begin under this id and these secrets?
pub(super) fn may_begin(file: &Connection, session: &Session) -> Result<bool, Fault> {
    let used = file
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?1) OR EXISTS (SELECT 1 FROM tombstones WHERE id = ?1)",
        )?
        .query_row([session.id.bytes()], |row| row.get::<_, bool>(0))?;
    Ok(!used && has_secrets_of_its_own(file, session.id, session.secret, session.previous)?)
}

/// Is neither of these secrets another session's?
pub(super) fn has_secrets_of_its_own(
    file: &Connection,
    id: SessionId,
    secret: Option<SecretHash>,
    previous: Option<Previous>,
) -> Result<bool, Fault> {
    let mut statement = file.prepare_cached(OF_ANOTHER)?;
    for hash in secret.into_iter().chain(previous.map(|previous| previous.hash)) {
        if statement.query_row(params![hash.0, id.bytes()], |row| row.get(0))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes a new session that [`may_begin`].
pub(super) fn insert(file: &Connection, session: &Session) -> Result<(), Fault> {
    let Session { previous, ended, device, .. } = session;
    let over_at = over_at(ended.map(|ended| ended.at), session.expires_at, session.last_seen_at, session.idle);
    file.prepare_cached(&INSERT)?.execute(params![
        session.created_at.millis(),
        session.id.bytes(),
        session.secret.map(|hash| hash.0),
        previous.map(|previous| previous.hash.0),
        previous.map(|previous| previous.until.millis()),
        session.user.map(UserId::bytes),
        session.client.as_str(),
        session.org.map(OrgId::bytes),
        placed(session.born),
        session.salt.0,
        session.generation.0,
        session.refresh_key,
        session.keyed,
        session.exchange.map(|generation| generation.0),
        strategy_number(session.strategy),
        transport_number(session.transport),
        (session.auth_time - session.created_at).millis(),
        session.amr.0,
        session.acr,
        session.last_seen_at.millis(),
        session.idle.millis(),
        (session.expires_at - session.created_at).millis(),
        device.name,
        addresses::cell(&device.address),
        ended.map(|ended| ended.at.millis()),
        ended.map(|ended| ended.why.name()),
        counted(session.shelf),
        ring::ringed(&session.ring),
        over_at.millis(),
    ])?;
    Ok(())
}

/// Writes what a change of password leaves of a session: born anew, under new secrets.
pub(super) fn keep(file: &Connection, session: &Session) -> Result<(), Fault> {
    file.prepare_cached(
        "UPDATE sessions SET secret = ?2, previous_secret = ?3, previous_until = ?4, born = ?5, generation = ?6, \
         refresh_key = ?7, keyed = ?8, exchange = ?9, auth_after = ?10 - created_at, last_seen_at = ?11, ring = ?12 WHERE id = ?1",
    )?
    .execute(params![
        session.id.bytes(),
        session.secret.map(|hash| hash.0),
        session.previous.map(|previous| previous.hash.0),
        session.previous.map(|previous| previous.until.millis()),
        placed(session.born),
        session.generation.0,
        session.refresh_key,
        session.keyed,
        session.exchange.map(|generation| generation.0),
        session.auth_time.millis(),
        session.last_seen_at.millis(),
        ring::ringed(&session.ring),
    ])?;
    Ok(())
}

/// Ends a session that was not ended, and says whether it was alive until then; `None` if it is gone or was ended.
///
/// Looks at no more of the row than it needs, so that a row with an unreadable cell can still be ended.
pub(super) fn end(file: &Connection, id: SessionId, ended: Ended) -> Result<Option<bool>, Fault> {
    let mut statement = file.prepare_cached(
        "SELECT user, client, born, created_at, expires_after, last_seen_at, idle FROM sessions WHERE id = ?1 AND ended_at IS NULL",
    )?;
    let mut rows = statement.query([id.bytes()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut cells = Cells::of(row);
    let user = cells.id_if_any(UserId::from_bytes, "sessions.user")?;
    let client = cells.word(ClientId::parse, "sessions.client")?;
    let born = cells.position("sessions.born")?;
    let expires_at = cells.time("sessions.created_at")? + cells.lifetime("sessions.expires_after")?;
    let last_seen_at = cells.time("sessions.last_seen_at")?;
    let idle = cells.lifetime("sessions.idle")?;
    drop(rows);
    let was_alive = born >= epochs::latest(file, user, &client)?.terminal
        && ended.at < over_at(None, expires_at, last_seen_at, idle);
    let over_at = over_at(Some(ended.at), expires_at, last_seen_at, idle);
    file.prepare_cached(
        "UPDATE sessions SET ended_at = ?2, ended_why = ?3, sweep_at = min(sweep_at, ?4) WHERE id = ?1",
    )?
    .execute(params![id.bytes(), ended.at.millis(), ended.why.name(), over_at.millis()])?;
    Ok(Some(was_alive))
}

/// From when on a sweep may take it, if nothing more happens to it.
pub(super) fn over_at(
    ended_at: Option<Timestamp>,
    expires_at: Timestamp,
    last_seen_at: Timestamp,
    idle: Lifetime,
) -> Timestamp {
    let unused = expires_at.min(last_seen_at + idle + IDLE_ALLOWANCE);
    // An end is over *since before* a moment only in the millisecond after it.
    ended_at.map_or(unused, |at| unused.min(at + Lifetime::from_millis(1)))
}

fn one(file: &Connection, query: &str, key: impl Params) -> Result<Option<Session>, Fault> {
    let mut statement = file.prepare_cached(query)?;
    statement.query_row(key, |row| Ok(read(row))).optional()?.transpose()
}

/// Is asked of core and not of SQL, so that there is one meaning of being alive.
fn living(
    file: &Connection,
    query: &str,
    key: impl Params,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<Session>, Fault> {
    let mut statement = file.prepare_cached(query)?;
    let mut rows = statement.query(key)?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let session = read(row)?;
        if session.check(Epochs::default(), now).is_ok() {
            found.push(session);
        }
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<Session, Fault> {
    let mut cells = Cells::of(row);
    let created_at = cells.time("sessions.created_at")?;
    Ok(Session {
        created_at,
        id: cells.id(SessionId::from_bytes, "sessions.id")?,
        secret: cells.take::<Option<[u8; 32]>>("sessions.secret")?.map(SecretHash),
        previous: read_previous(&mut cells)?,
        user: cells.id_if_any(UserId::from_bytes, "sessions.user")?,
        client: cells.word(ClientId::parse, "sessions.client")?,
        org: cells.id_if_any(OrgId::from_bytes, "sessions.org")?,
        born: cells.position("sessions.born")?,
        salt: cells.id(Salt, "sessions.salt")?,
        generation: cells.take("sessions.generation").map(Generation)?,
        refresh_key: cells.take("sessions.refresh_key")?,
        keyed: cells.take("sessions.keyed")?,
        exchange: cells.take::<Option<u32>>("sessions.exchange")?.map(Generation),
        strategy: number(&mut cells, Strategy::ALL, strategy_number, "sessions.strategy")?,
        transport: number(&mut cells, Transport::ALL, transport_number, "sessions.transport")?,
        auth_time: created_at + cells.lifetime("sessions.auth_after")?,
        amr: cells.take("sessions.amr").map(Methods)?,
        acr: cells.take("sessions.acr")?,
        last_seen_at: cells.time("sessions.last_seen_at")?,
        idle: cells.lifetime("sessions.idle")?,
        expires_at: created_at + cells.lifetime("sessions.expires_after")?,
        device: Device {
            name: cells.take("sessions.device_name")?,
            address: addresses::read(&mut cells, "sessions.device_address")?,
        },
        ended: read_ended(&mut cells)?,
        shelf: cells.count("sessions.shelf")?,
        ring: cells.blob(ring::read, "sessions.ring")?,
    })
}

/// The number that a strategy is written as.
pub(super) const fn strategy_number(strategy: Strategy) -> u8 {
    match strategy {
        Strategy::Session => 0,
        Strategy::Jwt => 1,
        Strategy::Hybrid => 2,
    }
}

const fn transport_number(transport: Transport) -> u8 {
    match transport {
        Transport::Cookie => 0,
        Transport::Body => 1,
    }
}

/// What is written as the number in the next cell.
fn number<T: Copy, const N: usize>(
    cells: &mut Cells<'_>,
    all: [T; N],
    number: impl Fn(T) -> u8,
    what: &'static str,
) -> Result<T, Fault> {
    let found: u8 = cells.take(what)?;
    all.into_iter().find(|one| number(*one) == found).ok_or(Fault::Unreadable(what))
}

fn read_previous(cells: &mut Cells<'_>) -> Result<Option<Previous>, Fault> {
    let hash = cells.take::<Option<[u8; 32]>>("sessions.previous_secret")?;
    match (hash, cells.time_if_any("sessions.previous_until")?) {
        (Some(hash), Some(until)) => Ok(Some(Previous { hash: SecretHash(hash), until })),
        (None, None) => Ok(None),
        _ => Err(Fault::Unreadable("sessions.previous_until")),
    }
}

fn read_ended(cells: &mut Cells<'_>) -> Result<Option<Ended>, Fault> {
    let at = cells.time_if_any("sessions.ended_at")?;
    match (at, cells.word_if_any(EndReason::from_name, "sessions.ended_why")?) {
        (Some(at), Some(why)) => Ok(Some(Ended { at, why })),
        (None, None) => Ok(None),
        _ => Err(Fault::Unreadable("sessions.ended_why")),
    }
}
