//! How a record is packed.

use doorward_core::client::{Strategy, Transport};
use doorward_core::session::{EndReason, Session};
use doorward_core::user::User;
use doorward_core::{Position, Timestamp};

use super::{MINUTE, flag};
use crate::cached::Record;

/// The bytes of a record.
pub(super) fn written(record: &Record) -> Vec<u8> {
    let mut pen = Pen(Vec::with_capacity(384));
    let flags = flags(record);
    pen.write_seen(record, flags);
    pen.write_session(&record.session, record.user.is_some());
    if let Some(user) = &record.user {
        pen.write_user(user, record.session.created_at, record.marks().at.unwrap_or_default());
    }
    pen.0
}

struct Pen(Vec<u8>);

impl Pen {
    fn write_seen(&mut self, record: &Record, flags: u64) {
        let Record { session, user, epochs, read, .. } = record;
        let marks = record.marks();
        let read_at = marks.at.unwrap_or_default();
        let base = session.created_at;
        self.0.extend_from_slice(&flags.to_le_bytes()[..flag::BYTES]);
        self.0.extend_from_slice(&session.id.bytes());
        if let Some(secret) = &session.secret {
            self.0.extend_from_slice(&secret.0);
        }
        if let Some(subject) = marks.subject {
            self.0.extend_from_slice(&subject.0);
        }
        self.int(base.millis());
        for time in [session.auth_time, session.last_seen_at, *read] {
            self.time(time, base);
        }
        let unit = if flags & flag::MINUTES == 0 { 1 } else { MINUTE };
        for span in lifetimes(session) {
            self.int(span / unit);
        }
        self.0.push(session.amr.0);
        self.place(read_at, Position::START);
        self.place(session.born, read_at);
        for epoch in [epochs.terminal, epochs.refresh].into_iter().filter(|epoch| *epoch != Position::START) {
            self.place(epoch, read_at);
        }
        for text in [session.client.as_str(), &session.device.name, &session.device.address] {
            self.text(text);
        }
        if let Some(user) = user {
            self.0.extend_from_slice(&user.id.bytes());
            self.text(user.email.typed());
            self.time(user.created_at, base);
            if let Some(name) = &user.name {
                self.text(name);
            }
            if !user.roles.is_empty() {
                self.text(user.roles.as_str());
            }
        }
    }

    fn write_session(&mut self, session: &Session, has_user: bool) {
        let base = session.created_at;
        self.0.extend_from_slice(&session.salt.0);
        self.uint(session.generation.0.into());
        self.0.push(session.refresh_key);
        self.uint(session.shelf);
        if let Some(previous) = &session.previous {
            self.0.extend_from_slice(&previous.hash.0);
            self.time(previous.until, base);
        }
        if let (Some(user), false) = (session.user, has_user) {
            self.0.extend_from_slice(&user.bytes());
        }
        if let Some(org) = session.org {
            self.0.extend_from_slice(&org.bytes());
        }
        if let Some(exchange) = session.exchange {
            self.uint(exchange.0.into());
        }
        if let Some(acr) = &session.acr {
            self.text(acr);
        }
        if let Some(ended) = session.ended {
            self.time(ended.at, base);
            self.uint(EndReason::ALL.iter().position(|reason| *reason == ended.why).unwrap_or_default() as u64);
        }
        self.uint(session.ring.rows().len() as u64);
        for retired in session.ring.rows() {
            self.uint(retired.generation.0.into());
            self.time(retired.at, base);
            self.0.push(u8::from(retired.displaced) | u8::from(retired.attempt.is_some()) << 1);
            if let Some(attempt) = &retired.attempt {
                self.0.extend_from_slice(&attempt.0);
            }
        }
    }

    fn write_user(&mut self, user: &User, base: Timestamp, read_at: Position) {
        self.uint(user.version);
        for epoch in [user.terminal_epoch, user.refresh_epoch].into_iter().filter(|epoch| *epoch != Position::START) {
            self.place(epoch, read_at);
        }
        if let Some(org) = user.org {
            self.0.extend_from_slice(&org.bytes());
        }
        for time in [user.email_verified_at, user.suspended_at, user.deleted_at].into_iter().flatten() {
            self.time(time, base);
        }
    }

    /// Seven bits a byte, the lowest first (LEB128).
    fn uint(&mut self, mut number: u64) {
        while number > 0x7f {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// Small numbers short, whatever their sign.
    fn int(&mut self, number: i64) {
        self.uint(((number << 1) ^ (number >> 63)) as u64);
    }

    fn time(&mut self, time: Timestamp, base: Timestamp) {
        self.int(time.millis().wrapping_sub(base.millis()));
    }

    /// Most places are of one generation, or of a few that follow each other.
    fn place(&mut self, place: Position, near: Position) {
        self.int(place.generation.wrapping_sub(near.generation).cast_signed());
        self.uint(place.seq);
    }

    fn text(&mut self, text: &str) {
        self.uint(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }
}

/// How long it lives unused and at all.
fn lifetimes(session: &Session) -> [i64; 2] {
    [session.idle.millis(), session.expires_at.millis().wrapping_sub(session.created_at.millis())]
}

fn flags(record: &Record) -> u64 {
    let Record { session, user, epochs, .. } = record;
    let user = user.as_deref();
    let strategy = Strategy::ALL.iter().position(|one| *one == session.strategy).unwrap_or_default();
    let set = [
        (session.secret.is_some(), flag::SECRET),
        (session.previous.is_some(), flag::PREVIOUS),
        (record.marks().subject.is_some(), flag::SUBJECT),
        (user.is_some(), flag::USER),
        (session.user.is_some(), flag::OWNED),
        (user.is_some_and(|user| user.name.is_some()), flag::NAME),
        (user.is_some_and(|user| !user.roles.is_empty()), flag::ROLES),
        (session.ended.is_some(), flag::ENDED),
        (session.keyed, flag::KEYED),
        (session.transport == Transport::Body, flag::BODY),
        (session.org.is_some(), flag::ORG),
        (session.exchange.is_some(), flag::EXCHANGE),
        (session.acr.is_some(), flag::ACR),
        (user.is_some_and(|user| user.org.is_some()), flag::USER_ORG),
        (user.is_some_and(|user| user.email_verified_at.is_some()), flag::VERIFIED),
        (user.is_some_and(|user| user.suspended_at.is_some()), flag::SUSPENDED),
        (user.is_some_and(|user| user.deleted_at.is_some()), flag::DELETED),
        (epochs.terminal != Position::START, flag::TERMINAL),
        (epochs.refresh != Position::START, flag::REFRESH),
        (user.is_some_and(|user| user.terminal_epoch != Position::START), flag::USER_TERMINAL),
        (user.is_some_and(|user| user.refresh_epoch != Position::START), flag::USER_REFRESH),
        (lifetimes(session).iter().all(|span| span % MINUTE == 0), flag::MINUTES),
    ];
    let set: u64 = set.into_iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum();
    set | (strategy as u64) << flag::STRATEGY
}
