//! One session, one client and one refresh secret, out of which every test of the refresh rule is made.

use doorward_core::client::{AttemptKey, Client, Strategy, Transport};
use doorward_core::id::{ClientId, SessionId, UserId};
use doorward_core::refresh::{self, Attempt, Authentic, Presented};
use doorward_core::secret::Secret;
use doorward_core::session::{Device, Generation, Methods, Ring, Salt, Session};
use doorward_core::{Lifetime, Position, Timestamp};

/// The number of the refresh secret in use.
pub(crate) const REFRESH_KEY: u8 = 1;
/// The time in every test that does not move it.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// The refresh secret number [`REFRESH_KEY`].
pub(crate) fn secret() -> Secret {
    Secret::from_bytes([9; 32])
}

/// A client of strategy `hybrid`.
pub(crate) fn client(attempt_key: AttemptKey) -> Client {
    let id = ClientId::parse("web").expect("a client id");
    Client { attempt_key, ..Client::first_party(id, Strategy::Hybrid, NOW - Lifetime::from_days(100)) }
}

/// A session of that client at generation 0, opened a moment ago, born at position 1:1.
pub(crate) fn session() -> Session {
    Session {
        id: SessionId::from_bytes([3; 16]),
        secret: None,
        previous: None,
        user: Some(UserId::from_bytes([4; 16])),
        client: ClientId::parse("web").expect("a client id"),
        org: None,
        born: Position { generation: 1, seq: 1 },
        salt: Salt([5; 16]),
        generation: Generation(0),
        refresh_key: REFRESH_KEY,
        keyed: false,
        ring: Ring::default(),
        exchange: None,
        strategy: Strategy::Hybrid,
        transport: Transport::Body,
        auth_time: NOW,
        amr: Methods::PASSWORD,
        acr: None,
        created_at: NOW,
        last_seen_at: NOW,
        idle: Lifetime::from_days(14),
        expires_at: NOW + Lifetime::from_days(90),
        device: Device::default(),
        ended: None,
        shelf: 0,
    }
}

/// The proof that somebody holds the token of this generation, got the only way there is: by showing its text.
pub(crate) fn authentic(session: &Session, generation: u32) -> Authentic {
    let text = refresh::token(&secret(), REFRESH_KEY, session, Generation(generation));
    let presented = Presented::parse(&text).expect("a token we wrote");
    presented.authenticate(session, &secret()).expect("a token of this session")
}

/// The attempt key with this number.
pub(crate) fn attempt(number: u8) -> Attempt {
    Attempt::parse(&format!("attempt-key-number-{number:03}")).expect("an attempt key")
}
