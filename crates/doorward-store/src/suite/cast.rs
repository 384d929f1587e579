//! The people, applications and sessions that the cases play with, all from small numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use doorward_core::audit::{Actor, Event, Kind};
use doorward_core::change::{DirectoryChange, SessionChange};
use doorward_core::client::{Client, Strategy, Transport};
use doorward_core::data::{DataKey, Expect, Shelf};
use doorward_core::feed::Draft;
use doorward_core::id::{ClientId, EventId, KeyId, SessionId, UserId, VerifierId};
use doorward_core::key::{self, KeyRecord, Purpose, Stage};
use doorward_core::refresh::{NewSecret, Turn};
use doorward_core::revoke;
use doorward_core::role::Roles;
use doorward_core::secret::SecretHash;
use doorward_core::session::{
    AttemptHash, Device, EndReason, Ended, Epochs, Generation, Methods, Previous, Retired, Ring, Salt, Session,
};
use doorward_core::throttle::{Failures, Whose};
use doorward_core::user::{Email, User};
use doorward_core::verifier::VerifierRecord;
use doorward_core::{Key, Lifetime, Position, Strength, Timestamp, change};

/// The moment at which every case begins.
pub const NOON: Timestamp = Timestamp::from_secs(1_900_000_000);

/// So many seconds after [`NOON`].
pub fn after(secs: i64) -> Timestamp {
    NOON + Lifetime::from_secs(secs)
}

/// The id of a session.
pub const fn session_id(number: u8) -> SessionId {
    SessionId::from_bytes([number; 16])
}

/// The id of a user.
pub const fn user_id(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

/// The id of a client.
pub fn client_id(number: u8) -> ClientId {
    ClientId::parse(&format!("app-{number}")).expect("the words of an operator")
}

/// The hash of a session secret.
pub const fn secret(number: u8) -> SecretHash {
    SecretHash([number; 32])
}

/// The name of a value.
pub fn data_key(name: &str) -> DataKey {
    DataKey::parse(name).expect("a name of a value")
}

/// The handle under which the feed speaks of a user.
pub const fn handle(user: u8) -> Key {
    Key([user ^ 0xa5; 16])
}

/// The same by the id.
pub const fn handle_of(user: UserId) -> Key {
    handle(user.bytes()[0])
}

/// A verifier with a name and a secret of its own.
pub fn verifier(number: u8) -> VerifierRecord {
    VerifierRecord {
        id: VerifierId::from_bytes([number; 16]),
        name: format!("Service {number}"),
        audiences: vec![format!("https://api-{number}.example.test"), String::from("https://\u{e9}.example.test")],
        secret: secret(100 + number),
        created_at: NOON,
        removed_at: None,
    }
}

/// A user with an address of their own.
pub fn user(number: u8) -> User {
    let email = Email::parse(&format!("Person{number}@example.test")).expect("an address");
    User::new(user_id(number), email, Some(format!("Person {number}")), NOON)
}

/// A first-party client.
pub fn client(number: u8) -> Client {
    let strategy = Strategy::ALL[usize::from(number) % Strategy::ALL.len()];
    Client::first_party(client_id(number), strategy, NOON)
}

/// A session of a user (of a guest: `None`) with client 1, born at a place, with the secret of its number.
pub fn session(number: u8, of: Option<u8>, born: Position) -> Session {
    Session {
        id: session_id(number),
        secret: Some(secret(number)),
        previous: None,
        user: of.map(user_id),
        client: client_id(1),
        org: None,
        born,
        salt: Salt([number; 16]),
        generation: Generation(0),
        refresh_key: 1,
        keyed: false,
        ring: Ring::default(),
        exchange: None,
        strategy: Strategy::Hybrid,
        transport: Transport::Cookie,
        auth_time: NOON,
        amr: if of.is_some() { Methods::PASSWORD } else { Methods::NONE },
        acr: None,
        created_at: after(i64::from(number)),
        last_seen_at: after(i64::from(number)),
        idle: Lifetime::from_hours(1),
        expires_at: NOON + Lifetime::from_hours(24),
        device: Device { name: String::from("Firefox on Linux"), address: String::from("192.0.2.1") },
        ended: None,
        shelf: 0,
    }
}

/// A key record of the first of its stages, made so many seconds after [`NOON`].
pub fn key_record(number: u8, purpose: Purpose) -> KeyRecord {
    let created_at = after(i64::from(number));
    KeyRecord {
        id: KeyId::from_bytes([number; 16]),
        purpose,
        number,
        stage: Stage::Published,
        sealed: vec![number; 60],
        created_at,
        since: created_at,
        version: 1,
    }
}

/// An event that has not happened before.
pub fn event(kind: Kind, at: Timestamp) -> Event {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = u128::from(NEXT.fetch_add(1, Ordering::Relaxed));
    Event {
        id: EventId::from_bytes(number.to_be_bytes()),
        kind,
        by: Actor::Doorward,
        who: None,
        session: None,
        client: None,
        address: Some(String::from("192.0.2.1")),
        request: None,
        detail: None,
        at,
    }
}

/// Opens a session.
pub fn open(session: Session) -> SessionChange {
    let at = session.created_at;
    SessionChange::Open(Box::new(change::Open { session, event: event(Kind::SessionOpened, at) }))
}

/// The turn of a session to its next generation, under an attempt key, as it was decided under `epochs`.
pub fn turn(session: &Session, epochs: Epochs, at: Timestamp) -> Turn {
    let attempt = Some(AttemptHash([7; 16]));
    let retired = Retired { generation: session.generation, attempt, at, displaced: false };
    Turn {
        session: session.id,
        from: session.generation,
        from_epoch: epochs.terminal,
        generation: session.generation.next(),
        refresh_key: 2,
        keyed: true,
        ring: session.ring.with(retired),
        strategy: Strategy::Hybrid,
        exchange: None,
        idle: session.idle,
        at,
        regressed: false,
    }
}

/// Rotates a session without a new secret.
pub fn rotate(session: &Session, epochs: Epochs, at: Timestamp) -> SessionChange {
    SessionChange::Rotate(Box::new(change::Rotate { turn: turn(session, epochs, at), secret: None, event: None }))
}

/// Rotates a session and hands out the secret of a number; the one before answers for a minute.
pub fn rotate_to(session: &Session, epochs: Epochs, number: u8, at: Timestamp) -> SessionChange {
    let secret = NewSecret { hash: secret(number), previous: session.superseded_secret(at) };
    let turn = turn(session, epochs, at);
    SessionChange::Rotate(Box::new(change::Rotate { turn, secret: Some(secret), event: None }))
}

/// Puts a value on a shelf, by core's rule.
///
/// # Panics
/// If core refuses it.
pub fn put(session: &Session, shelf: &Shelf, key: &str, value: &[u8], keep: bool) -> SessionChange {
    let put = doorward_core::data::put(session, shelf, data_key(key), value.to_vec(), keep, Expect::Anything);
    SessionChange::Data(put.expect("a value that fits"))
}

/// Adds a user with a password.
pub fn add_user(user: User) -> DirectoryChange {
    DirectoryChange::AddUser(Box::new(change::AddUser { user, phc: String::from("$argon2id$first") }))
}

/// Sets a user's password anew.
pub fn set_password(number: u8, from: u64, keep: Option<change::Kept>, at: Timestamp) -> DirectoryChange {
    let draft = Draft::subject(handle(number), Strength::Terminal);
    let phc = format!("$argon2id$after-{from}");
    DirectoryChange::SetPassword(Box::new(change::SetPassword { user: user_id(number), from, phc, keep, draft, at }))
}

/// Hashes a user's password anew.
pub fn rehash(number: u8, from: u64) -> DirectoryChange {
    let phc = format!("$argon2id$anew-{from}");
    DirectoryChange::Rehash(change::Rehash { user: user_id(number), from, phc })
}

/// So many wrong passwords in a row at an account; 0 forgets them.
pub fn tally(number: u8, count: u32, last: Timestamp) -> SessionChange {
    let failures = (count > 0).then_some(Failures { count, last });
    SessionChange::Tally(vec![(Whose([number; 16]), failures)])
}

/// Keeps a session through a change of password, with the secret of a number.
pub fn keep(session: &Session, number: u8, at: Timestamp) -> change::Kept {
    change::Kept {
        session: session.id,
        from: session.generation,
        generation: session.generation.next(),
        retired: Retired { generation: session.generation, attempt: None, at, displaced: false },
        refresh_key: 2,
        secret: Some(secret(number)),
        previous: session.secret.map(|hash| Previous { hash, until: at + Lifetime::from_secs(60) }),
        alone: false,
    }
}

/// Suspends a user.
pub fn suspend(number: u8, from: u64, at: Timestamp) -> DirectoryChange {
    let draft = Draft::subject(handle(number), Strength::Terminal);
    DirectoryChange::Suspend(change::Suspend { user: user_id(number), from, draft, at })
}

/// Resumes a user.
pub const fn resume(number: u8, from: u64) -> DirectoryChange {
    DirectoryChange::Resume(change::Resume { user: user_id(number), from })
}

/// Sets the roles of a user.
///
/// # Panics
/// If these are none.
pub fn set_roles(number: u8, from: u64, roles: &str) -> DirectoryChange {
    let draft = Draft::subject(handle(number), Strength::RefreshRequired);
    let roles = Roles::parse(roles).expect("roles in their one form");
    DirectoryChange::SetRoles(change::SetRoles { user: user_id(number), from, roles, draft })
}

/// Ends everything of a user.
pub fn end_user(number: u8, at: Timestamp) -> DirectoryChange {
    let draft = Draft::subject(handle(number), Strength::Terminal);
    let ended = Ended { at, why: EndReason::EndedByUser };
    DirectoryChange::EndUser(change::EndUser { user: user_id(number), draft, ended })
}

/// Ends sessions one by one.
pub fn end(sessions: &[&Session], at: Timestamp) -> DirectoryChange {
    DirectoryChange::EndSessions(revoke::end(sessions, EndReason::SignedOut, at, handle_of))
}

/// Turns a guest's session into another one.
pub fn upgrade(guest: &Session, session: Session, at: Timestamp) -> DirectoryChange {
    let ended = Ended { at, why: EndReason::Upgraded };
    let draft = Draft::session(guest.id);
    DirectoryChange::Upgrade(Box::new(change::Upgrade { session, guest: guest.id, ended, draft }))
}

/// Adds a client.
pub fn add_client(client: Client) -> DirectoryChange {
    DirectoryChange::AddClient(Box::new(client))
}

/// Sets a client anew.
pub fn set_client(client: Client, from: u64, drafts: Vec<Draft>) -> DirectoryChange {
    DirectoryChange::SetClient(Box::new(change::SetClient { client, from, drafts }))
}

/// Adds or replaces keys.
pub const fn turn_keys(keys: Vec<KeyRecord>, drafts: Vec<Draft>) -> DirectoryChange {
    DirectoryChange::TurnKeys(change::TurnKeys { keys, drafts })
}

/// A key record one step further.
pub fn moved(key: &KeyRecord, stage: key::Stage) -> KeyRecord {
    KeyRecord { stage, since: key.since + Lifetime::from_mins(1), version: key.version + 1, ..key.clone() }
}
