//! The two logs, feed and audit, and where they end.

use doorward_core::audit::{Actor, Event, Kind, Link};
use doorward_core::feed::{Draft, Line, Register};
use doorward_core::id::{ClientId, EventId, SessionId, UserId};
use doorward_core::{Entry, Key, Position, Scope, Strength, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Rows, params};

use super::cells::{Cells, ordered, placed};
use super::fault::Fault;

/// Where the logs end after the last change that was applied. The writer keeps it, so that a change need not ask.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    head: Position,
    number: u64,
    hash: [u8; 32],
}

impl Tail {
    /// Reads where they end.
    pub(super) fn read(file: &Connection) -> Result<Self, Fault> {
        let last = file
            .prepare_cached("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")?
            .query_row([], |row| {
                let mut cells = Cells::of(row);
                Ok(cells.count("audit.number").and_then(|number| Ok((number, cells.take("audit.hash")?))))
            })
            .optional()?
            .transpose()?;
        let (number, hash) = last.unwrap_or((0, [0; 32]));
        Ok(Self { head: head(file)?, number, hash })
    }

    /// The place of the newest line of the feed.
    pub(super) const fn head(&self) -> Position {
        self.head
    }

    /// The place that the next line of the feed will have.
    pub(super) const fn next_place(&self) -> Position {
        Position { generation: self.head.generation, seq: self.head.seq + 1 }
    }

    /// Writes a line of the feed.
    pub(super) fn append(&mut self, file: &Connection, draft: &Draft, at: Timestamp) -> Result<Line, Fault> {
        let place = self.next_place();
        let line = Line::written(*draft, place, at);
        if let Some(Register { scope, key, strength }) = line.register() {
            file.prepare_cached(
                "DELETE FROM feed WHERE scope = ?1 AND key = ?2 AND strength = ?3 AND min_rv IS NOT NULL",
            )?
            .execute(params![scope.code(), key.0, strength.code()])?;
        }
        file.prepare_cached(
            "INSERT INTO feed (place, scope, key, strength, min_rv, ttl, at, subject) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            placed(place),
            line.entry.scope.code(),
            line.entry.key.0,
            line.entry.strength.code(),
            line.entry.min_rv.map(placed),
            line.entry.ttl.millis(),
            at.millis(),
            line.of.map(|key| key.0),
        ])?;
        self.head = place;
        Ok(line)
    }

    /// Writes a link of the audit log, behind the lines of the same change.
    pub(super) fn link(&mut self, file: &Connection, event: &Event) -> Result<(), Fault> {
        let link = Link::forge(&self.hash, self.number + 1, self.head, event.clone());
        file.prepare_cached(
            "INSERT INTO audit (number, id, kind, actor, who, session, client, address, request, detail, at, head, \
             hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            ordered(link.number),
            event.id.bytes(),
            event.kind.name(),
            event.by.text(),
            event.who.map(UserId::bytes),
            event.session.map(SessionId::bytes),
            event.client.as_ref().map(ClientId::as_str),
            event.address,
            event.request,
            event.detail,
            event.at.millis(),
            placed(link.head),
            link.hash,
        ])?;
        self.number = link.number;
        self.hash = link.hash;
        Ok(())
    }

    /// Writes the head: the last thing that a change which wrote lines does.
    pub(super) fn write_head(&self, file: &Connection) -> Result<(), Fault> {
        file.prepare_cached("UPDATE meta SET head = ?1")?.execute([placed(self.head)])?;
        Ok(())
    }
}

/// Forgets the oldest lines up to a place; gives how many.
pub(super) fn trim(file: &Connection, through: Position, limit: u32) -> Result<u64, Fault> {
    let forgotten = file
        .prepare_cached(
            "DELETE FROM feed WHERE place IN (SELECT place FROM feed WHERE place <= ?1 ORDER BY place LIMIT ?2)",
        )?
        .execute(params![placed(through), limit])?;
    Ok(forgotten as u64)
}

/// The place of the newest line of the feed.
pub(super) fn head(file: &Connection) -> Result<Position, Fault> {
    let mut statement = file.prepare_cached("SELECT head FROM meta")?;
    statement.query_row([], |row| Ok(Cells::of(row).position("meta.head")))?
}

/// Lines of the feed after a place, oldest first.
pub(super) fn lines_after(file: &Connection, place: Position, limit: u32) -> Result<Vec<Line>, Fault> {
    let mut statement = file.prepare_cached(
        "SELECT place, scope, key, strength, min_rv, ttl, at, subject FROM feed WHERE place > ?1 ORDER BY place LIMIT ?2",
    )?;
    let mut rows = statement.query(params![placed(place), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read_line(row)?);
    }
    Ok(found)
}

/// Links of the audit log after a number, in order.
pub(super) fn links_after(file: &Connection, number: u64, limit: u32) -> Result<Vec<Link>, Fault> {
    let mut statement = file.prepare_cached(
        "SELECT number, head, hash, id, kind, actor, who, session, client, address, request, detail, at FROM audit \
         WHERE number > ?1 ORDER BY number LIMIT ?2",
    )?;
    links(statement.query(params![ordered(number), limit])?)
}

/// Links of the audit log before a number, newest first.
pub(super) fn links_before(file: &Connection, number: u64, limit: u32) -> Result<Vec<Link>, Fault> {
    let mut statement = file.prepare_cached(
        "SELECT number, head, hash, id, kind, actor, who, session, client, address, request, detail, at FROM audit \
         WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
    )?;
    links(statement.query(params![ordered(number), limit])?)
}

fn links(mut rows: Rows<'_>) -> Result<Vec<Link>, Fault> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read_link(row)?);
    }
    Ok(found)
}

fn read_line(row: &Row<'_>) -> Result<Line, Fault> {
    let mut cells = Cells::of(row);
    Ok(Line {
        place: cells.position("feed.place")?,
        entry: Entry {
            scope: cells.word(Scope::from_code, "feed.scope")?,
            key: cells.id(Key, "feed.key")?,
            strength: cells.word(Strength::from_code, "feed.strength")?,
            min_rv: cells.position_if_any("feed.min_rv")?,
            ttl: cells.lifetime("feed.ttl")?,
        },
        at: cells.time("feed.at")?,
        of: cells.id_if_any(Key, "feed.subject")?,
    })
}

fn read_link(row: &Row<'_>) -> Result<Link, Fault> {
    let mut cells = Cells::of(row);
    Ok(Link {
        number: cells.count("audit.number")?,
        head: cells.position("audit.head")?,
        hash: cells.take("audit.hash")?,
        event: Event {
            id: cells.id(EventId::from_bytes, "audit.id")?,
            kind: cells.word(Kind::from_name, "audit.kind")?,
            by: cells.word(Actor::parse, "audit.actor")?,
            who: cells.id_if_any(UserId::from_bytes, "audit.who")?,
            session: cells.id_if_any(SessionId::from_bytes, "audit.session")?,
            client: cells.word_if_any(ClientId::parse, "audit.client")?,
            address: cells.take("audit.address")?,
            request: cells.take("audit.request")?,
            detail: cells.take("audit.detail")?,
            at: cells.time("audit.at")?,
        },
    })
}
