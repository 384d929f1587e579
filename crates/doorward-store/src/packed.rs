//! A session's record as it is kept: all of it, in as few bytes as it takes.
//!
//! What a check reads stands first, and is read where it lies: a check allocates nothing. The rest is read when somebody
//! wants the whole record. Numbers are as long as they have to be, times are told from the session's beginning. This is no
//! format: it never leaves the process, and what cannot be read is a record that is not here.

use std::sync::Arc;

use doorward_core::client::{Strategy, Transport};
use doorward_core::id::{ClientId, OrgId, SessionId, UserId};
use doorward_core::role::Roles;
use doorward_core::secret::SecretHash;
use doorward_core::session::{
    AttemptHash, Device, EndReason, Ended, Epochs, Generation, Methods, Previous, Retired, Ring, Salt, Session,
    Vitals, marks,
};
use doorward_core::user::{Email, User};
use doorward_core::{Key, Lifetime, Marks, Position, Timestamp};

use crate::cached::Record;
use crate::records::Name;

/// A record, packed. Cheap to clone.
#[derive(Clone)]
pub struct Packed(Arc<[u8]>);

impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Packed({} bytes)", self.0.len())
    }
}

/// What a check reads of a record, and the answer to "who am I".
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The session's public name.
    pub session: SessionId,
    /// Its user; `None` for a guest.
    pub user: Option<SeenUser<'a>>,
    /// Through which application.
    pub client: &'a str,
    /// The form its credentials were last handed out in.
    pub strategy: Strategy,
    /// How the person proved who they are.
    pub amr: Methods,
    /// When it began.
    pub created_at: Timestamp,
    /// When the person last proved who they are.
    pub auth_time: Timestamp,
    /// What decides whether it is alive.
    pub vitals: Vitals,
    /// Where it is used from: the device's name, and its address.
    pub device: (&'a str, &'a str),
    /// Is there a secret that was replaced a moment ago?
    pub has_previous: bool,
    /// The epochs that applied to it when it was read.
    pub epochs: Epochs,
    /// When it was read.
    pub read: Timestamp,
    client_key: Key,
    subject: Option<Key>,
    read_at: Position,
}

/// What a check reads of a user.
#[derive(Clone, Copy, Debug)]
pub struct SeenUser<'a> {
    /// The user's public name.
    pub id: UserId,
    /// The address, as typed.
    pub email: &'a str,
    /// What the person wants to be called.
    pub name: Option<&'a str>,
    /// What the person is to the applications, as [`Roles::as_str`] writes it.
    pub roles: &'a str,
    /// When the account was made.
    pub created_at: Timestamp,
}

impl Seen<'_> {
    /// What the record can be revoked by.
    pub fn marks(&self) -> Marks {
        marks(self.session, self.client_key, self.subject, self.read_at)
    }
}

/// Which parts are there that may lack.
mod flag {
    pub(super) const SECRET: u64 = 1;
    pub(super) const PREVIOUS: u64 = 1 << 1;
    pub(super) const SUBJECT: u64 = 1 << 2;
    pub(super) const USER: u64 = 1 << 3;
    pub(super) const NAME: u64 = 1 << 4;
    pub(super) const ENDED: u64 = 1 << 5;
    pub(super) const KEYED: u64 = 1 << 6;
    pub(super) const BODY: u64 = 1 << 7;
    /// Two bits: the place of the strategy among all.
    pub(super) const STRATEGY: u32 = 8;
    pub(super) const ORG: u64 = 1 << 10;
    pub(super) const EXCHANGE: u64 = 1 << 11;
    pub(super) const ACR: u64 = 1 << 12;
    pub(super) const USER_ORG: u64 = 1 << 13;
    pub(super) const VERIFIED: u64 = 1 << 14;
    pub(super) const SUSPENDED: u64 = 1 << 15;
    pub(super) const DELETED: u64 = 1 << 16;
    /// The session is somebody's: of the user beside it, whose id is not written twice, or of one who is not there.
    pub(super) const OWNED: u64 = 1 << 17;
    pub(super) const ROLES: u64 = 1 << 18;
    /// How many bytes all of these take.
    pub(super) const BYTES: usize = 3;
}

impl Packed {
    /// Packs a record.
    pub fn of(record: &Record) -> Self {
        let mut pen = Pen(Vec::with_capacity(384));
        pen.write_seen(record);
        pen.write_session(&record.session, record.user.is_some());
        if let Some(user) = &record.user {
            pen.write_user(user, record.session.created_at);
        }
        Self(Arc::from(pen.0))
    }

    /// Is it the record of this name?
    pub(crate) fn is(&self, name: &Name) -> bool {
        let Some((flags, rest)) = self.0.split_first_chunk::<{ flag::BYTES }>() else { return false };
        match name {
            Name::Session(id) => rest.starts_with(&id.bytes()),
            Name::Secret(hash) => u64::from(flags[0]) & flag::SECRET != 0 && rest.get(16..48) == Some(&hash.0[..]),
        }
    }

    /// What a check reads.
    pub fn seen(&self) -> Option<Seen<'_>> {
        Eye(&self.0).read_seen().map(|(seen, _)| seen)
    }

    /// All of it.
    pub fn unpacked(&self) -> Option<Record> {
        let mut eye = Eye(&self.0);
        let (seen, (flags, secret)) = eye.read_seen()?;
        let session = eye.read_session(&seen, flags, secret)?;
        let user = match seen.user {
            Some(user) => Some(Arc::new(eye.read_user(user, flags, seen.created_at)?)),
            None => None,
        };
        Some(Record::new(session, user, seen.subject, seen.epochs, (seen.read_at, seen.read)))
    }
}

struct Pen(Vec<u8>);

impl Pen {
    fn write_seen(&mut self, record: &Record) {
        let Record { session, user, epochs, read, .. } = record;
        let marks = record.marks();
        let base = session.created_at;
        self.0.extend_from_slice(&flags(record).to_le_bytes()[..flag::BYTES]);
        self.0.extend_from_slice(&session.id.bytes());
        if let Some(secret) = &session.secret {
            self.0.extend_from_slice(&secret.0);
        }
        if let Some(subject) = marks.subject {
            self.0.extend_from_slice(&subject.0);
        }
        // A hash of the client's id: looked at by every check, so it is not made anew.
        self.0.extend_from_slice(&marks.client.unwrap_or(session.client.key()).0);
        self.int(base.millis());
        for time in [session.auth_time, session.last_seen_at, session.expires_at, *read] {
            self.time(time, base);
        }
        self.int(session.idle.millis());
        self.0.push(session.amr.0);
        for place in [session.born, epochs.terminal, epochs.refresh, marks.at.unwrap_or_default()] {
            self.place(place);
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

    fn write_user(&mut self, user: &User, base: Timestamp) {
        self.uint(user.version);
        self.place(user.terminal_epoch);
        self.place(user.refresh_epoch);
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

    fn place(&mut self, place: Position) {
        self.uint(place.generation);
        self.uint(place.seq);
    }

    fn text(&mut self, text: &str) {
        self.uint(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }
}

fn flags(record: &Record) -> u64 {
    let Record { session, user, .. } = record;
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
    ];
    let set: u64 = set.into_iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum();
    set | (strategy as u64) << flag::STRATEGY
}

/// Reads from the front.
struct Eye<'a>(&'a [u8]);

impl<'a> Eye<'a> {
    fn read_seen(&mut self) -> Option<(Seen<'a>, (u64, Option<SecretHash>))> {
        let [low, middle, high] = self.bytes()?;
        let flags = u64::from_le_bytes([low, middle, high, 0, 0, 0, 0, 0]);
        let has = |flag: u64| flags & flag != 0;
        let session = SessionId::from_bytes(self.bytes()?);
        let secret = self.when(has(flag::SECRET), |eye| eye.bytes().map(SecretHash))?;
        let subject = self.when(has(flag::SUBJECT), |eye| eye.bytes().map(Key))?;
        let client_key = Key(self.bytes()?);
        let created_at = Timestamp::from_millis(self.int()?);
        let mut time = || self.time(created_at);
        let (auth_time, last_seen_at, expires_at, read) = (time()?, time()?, time()?, time()?);
        let idle = Lifetime::from_millis(self.int()?);
        let [amr] = self.bytes()?;
        let (born, terminal, refresh, read_at) = (self.place()?, self.place()?, self.place()?, self.place()?);
        let (client, name, address) = (self.text()?, self.text()?, self.text()?);
        let user = self.when(has(flag::USER), |eye| {
            let (id, email) = (UserId::from_bytes(eye.bytes()?), eye.text()?);
            let at = eye.time(created_at)?;
            let name = eye.when(has(flag::NAME), Eye::text)?;
            let roles = eye.when(has(flag::ROLES), Eye::text)?.unwrap_or_default();
            Some(SeenUser { id, email, name, roles, created_at: at })
        })?;
        let seen = Seen {
            session,
            user,
            client,
            strategy: *Strategy::ALL.get((flags >> flag::STRATEGY & 3) as usize)?,
            amr: Methods(amr),
            created_at,
            auth_time,
            vitals: Vitals { ended: has(flag::ENDED), born, last_seen_at, idle, expires_at },
            device: (name, address),
            has_previous: has(flag::PREVIOUS),
            epochs: Epochs { terminal, refresh },
            read,
            client_key,
            subject,
            read_at,
        };
        Some((seen, (flags, secret)))
    }

    fn read_session(&mut self, seen: &Seen<'_>, flags: u64, secret: Option<SecretHash>) -> Option<Session> {
        let has = |flag: u64| flags & flag != 0;
        let base = seen.created_at;
        let Vitals { born, last_seen_at, idle, expires_at, .. } = seen.vitals;
        Some(Session {
            id: seen.session,
            secret,
            client: ClientId::parse(seen.client)?,
            born,
            keyed: has(flag::KEYED),
            strategy: seen.strategy,
            transport: if has(flag::BODY) { Transport::Body } else { Transport::Cookie },
            auth_time: seen.auth_time,
            amr: seen.amr,
            created_at: seen.created_at,
            last_seen_at,
            idle,
            expires_at,
            device: Device { name: seen.device.0.to_owned(), address: seen.device.1.to_owned() },
            // From here on in the order of their writing.
            salt: Salt(self.bytes()?),
            generation: self.generation()?,
            refresh_key: self.bytes::<1>()?[0],
            shelf: self.uint()?,
            previous: self.when(has(flag::PREVIOUS), |eye| {
                Some(Previous { hash: SecretHash(eye.bytes()?), until: eye.time(base)? })
            })?,
            user: self.when(has(flag::OWNED), |eye| match seen.user {
                Some(user) => Some(user.id),
                None => eye.bytes().map(UserId::from_bytes),
            })?,
            org: self.when(has(flag::ORG), |eye| eye.bytes().map(OrgId::from_bytes))?,
            exchange: self.when(has(flag::EXCHANGE), Self::generation)?,
            acr: self.when(has(flag::ACR), |eye| eye.text().map(str::to_owned))?,
            ended: self.when(has(flag::ENDED), |eye| {
                Some(Ended { at: eye.time(base)?, why: *EndReason::ALL.get(usize::try_from(eye.uint()?).ok()?)? })
            })?,
            ring: self.ring(base)?,
        })
    }

    fn ring(&mut self, base: Timestamp) -> Option<Ring> {
        let mut rows = Vec::with_capacity((self.uint()? as usize).min(Ring::SIZE));
        for _ in 0..rows.capacity() {
            let (generation, at) = (self.generation()?, self.time(base)?);
            let [bits] = self.bytes()?;
            let attempt = self.when(bits & 2 != 0, |eye| eye.bytes().map(AttemptHash))?;
            rows.push(Retired { generation, attempt, at, displaced: bits & 1 != 0 });
        }
        Some(Ring::from_rows(rows))
    }

    fn read_user(&mut self, seen: SeenUser<'_>, flags: u64, base: Timestamp) -> Option<User> {
        let has = |flag: u64| flags & flag != 0;
        Some(User {
            id: seen.id,
            email: Email::parse(seen.email)?,
            name: seen.name.map(str::to_owned),
            roles: Roles::parse(seen.roles)?,
            created_at: seen.created_at,
            // From here on in the order of their writing.
            version: self.uint()?,
            terminal_epoch: self.place()?,
            refresh_epoch: self.place()?,
            org: self.when(has(flag::USER_ORG), |eye| eye.bytes().map(OrgId::from_bytes))?,
            email_verified_at: self.when(has(flag::VERIFIED), |eye| eye.time(base))?,
            suspended_at: self.when(has(flag::SUSPENDED), |eye| eye.time(base))?,
            deleted_at: self.when(has(flag::DELETED), |eye| eye.time(base))?,
        })
    }

    /// Reads what is only there on a condition; `None` outside if it is not readable.
    fn when<T>(&mut self, is_there: bool, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if is_there { read(self).map(Some) } else { Some(None) }
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    fn uint(&mut self) -> Option<u64> {
        let mut number = 0;
        for place in 0..10 {
            let [byte] = self.bytes()?;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn int(&mut self) -> Option<i64> {
        let number = self.uint()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn time(&mut self, base: Timestamp) -> Option<Timestamp> {
        self.int().map(|span| Timestamp::from_millis(base.millis().wrapping_add(span)))
    }

    fn generation(&mut self) -> Option<Generation> {
        u32::try_from(self.uint()?).ok().map(Generation)
    }

    fn place(&mut self) -> Option<Position> {
        Some(Position { generation: self.uint()?, seq: self.uint()? })
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.uint()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests;
