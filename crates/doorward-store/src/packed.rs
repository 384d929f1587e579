//! A session's record as it is kept: all of it, in as few bytes as it takes.
//!
//! What a check reads stands first, and is read where it lies: a check allocates nothing. The rest is read when somebody
//! wants the whole record. Numbers are as long as they have to be, times are told from the session's beginning. This is no
//! format: it never leaves the process, and what cannot be read is a record that is not here.

mod pen;

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

/// A record, packed.
pub struct Packed(Vec<u8>);

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
    /// What the record can be revoked by, given the key of its client: a hash of the client's id, which every check
    /// looks at and no record needs to have.
    pub fn marks(&self, client: Key) -> Marks {
        marks(self.session, client, self.subject, self.read_at)
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
    /// Epochs that are not the start.
    pub(super) const TERMINAL: u64 = 1 << 19;
    pub(super) const REFRESH: u64 = 1 << 20;
    pub(super) const USER_TERMINAL: u64 = 1 << 21;
    pub(super) const USER_REFRESH: u64 = 1 << 22;
    /// The lifetimes are whole minutes, and told in them.
    pub(super) const MINUTES: u64 = 1 << 23;
    /// How many bytes all of these take.
    pub(super) const BYTES: usize = 3;
}

impl Packed {
    /// Packs a record.
    pub fn of(record: &Record) -> Self {
        Self(pen::written(record))
    }

    /// What a check reads.
    pub fn seen(&self) -> Option<Seen<'_>> {
        seen(&self.0)
    }

    /// All of it.
    pub fn unpacked(&self) -> Option<Record> {
        unpacked(&self.0)
    }

    /// As it is kept.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The bytes of a record's session id.
pub(crate) fn session(record: &[u8]) -> &[u8] {
    record.get(flag::BYTES..flag::BYTES + 16).unwrap_or_default()
}

/// The bytes of the hash of its secret; of a record without one, others.
pub(crate) fn secret(record: &[u8]) -> &[u8] {
    record.get(flag::BYTES + 16..flag::BYTES + 48).unwrap_or_default()
}

/// Is it the record of this name?
pub(crate) fn is(record: &[u8], name: &Name) -> bool {
    match name {
        Name::Session(id) => session(record) == id.bytes(),
        Name::Secret(hash) => {
            let has_secret = record.first().is_some_and(|flags| u64::from(*flags) & flag::SECRET != 0);
            has_secret && secret(record) == hash.0
        }
    }
}

/// What a check reads of a record.
pub(crate) fn seen(record: &[u8]) -> Option<Seen<'_>> {
    Eye(record).read_seen().map(|(seen, _)| seen)
}

/// All of a record.
pub(crate) fn unpacked(record: &[u8]) -> Option<Record> {
    let mut eye = Eye(record);
    let (seen, (flags, secret)) = eye.read_seen()?;
    let session = eye.read_session(&seen, flags, secret)?;
    let user = match seen.user {
        Some(user) => Some(Arc::new(eye.read_user(user, flags, &seen)?)),
        None => None,
    };
    Some(Record::new(session, user, seen.subject, seen.epochs, (seen.read_at, seen.read)))
}

/// What lifetimes are told in, if they are made of it.
const MINUTE: i64 = 60_000;

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
        let created_at = Timestamp::from_millis(self.int()?);
        let mut time = || self.time(created_at);
        let (auth_time, last_seen_at, read) = (time()?, time()?, time()?);
        let unit = if has(flag::MINUTES) { MINUTE } else { 1 };
        let mut span = || self.int().map(|span| span.wrapping_mul(unit));
        let (idle, whole) = (Lifetime::from_millis(span()?), span()?);
        let expires_at = Timestamp::from_millis(created_at.millis().wrapping_add(whole));
        let [amr] = self.bytes()?;
        let read_at = self.place(Position::START)?;
        let born = self.place(read_at)?;
        let terminal = self.epoch(has(flag::TERMINAL), read_at)?;
        let refresh = self.epoch(has(flag::REFRESH), read_at)?;
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

    fn read_user(&mut self, user: SeenUser<'_>, flags: u64, seen: &Seen<'_>) -> Option<User> {
        let has = |flag: u64| flags & flag != 0;
        let (base, read_at) = (seen.created_at, seen.read_at);
        Some(User {
            id: user.id,
            email: Email::parse(user.email)?,
            name: user.name.map(str::to_owned),
            roles: Roles::parse(user.roles)?,
            created_at: user.created_at,
            // From here on in the order of their writing.
            version: self.uint()?,
            terminal_epoch: self.epoch(has(flag::USER_TERMINAL), read_at)?,
            refresh_epoch: self.epoch(has(flag::USER_REFRESH), read_at)?,
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

    fn place(&mut self, near: Position) -> Option<Position> {
        let generation = near.generation.wrapping_add(self.int()?.cast_unsigned());
        Some(Position { generation, seq: self.uint()? })
    }

    fn epoch(&mut self, is_there: bool, near: Position) -> Option<Position> {
        self.when(is_there, |eye| eye.place(near)).map(|epoch| epoch.unwrap_or(Position::START))
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
