//! The room that remembers.
//!
//! Two traits: [`Sessions`] for what is hot and short-lived, [`Directory`] for what lasts. Both change only through the
//! named changes of [`doorward_core::change`], each atomic with its precondition. [`Memory`](memory::Memory) is the
//! reference; every other backend passes the same [`suite`] and is compared with it by random histories.

pub mod cached;
pub mod feed;
pub mod memory;
pub mod packed;
mod records;
mod slots;
pub mod sqlite;
pub mod suite;
pub mod tally;

use std::sync::Arc;

use async_trait::async_trait;
use doorward_core::audit::{Event, Link};
use doorward_core::change::{DirectoryChange, SessionChange};
use doorward_core::client::Client;
use doorward_core::data::{DataKey, Datum, Shelf};
use doorward_core::feed::Line;
use doorward_core::id::{ClientId, SessionId, UserId};
use doorward_core::key::KeyRecord;
use doorward_core::secret::SecretHash;
use doorward_core::session::{Epochs, Session};
use doorward_core::spread::Spread;
use doorward_core::throttle::{Failures, Whose};
use doorward_core::user::User;
use doorward_core::verifier::VerifierRecord;
use doorward_core::{Lifetime, Position, Timestamp};

use crate::tally::Figures;

/// Why a store could not do what it was asked. Not the caller's doing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or was lost; nothing is known to have changed.
    #[error("the store is unavailable")]
    Unavailable,
    /// It holds something that we did not write.
    #[error("the store holds something unreadable: {what}")]
    Corrupt {
        /// Which row or column; no value.
        what: &'static str,
    },
    /// There is no room left.
    #[error("the store is full")]
    Full,
}

/// What a committed change did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The head of the feed with this change.
    pub head: Position,
    /// The lines it wrote, in order.
    pub lines: Vec<Line>,
    /// How many sessions it ended, swept or touched.
    pub count: u64,
}

/// How a commit went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is durable.
    Done(Receipt),
    /// Its precondition did not hold; nothing changed. Load again, decide again.
    Conflict,
}

/// A password as it rests.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The hash, as a PHC string.
    pub phc: String,
    /// Counts its changes.
    pub version: u64,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential(v{})", self.version)
    }
}

/// Sessions, their secrets and their data.
///
/// Reads see every change committed before they began. A lookup gives ended and expired sessions too: what they mean
/// is decided in core.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// The session of this id.
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// The session whose secret, current or previous, has this hash.
    async fn session_by_secret(&self, hash: &SecretHash) -> Result<Option<Session>, StoreError>;

    /// A user's sessions that are neither ended nor past their absolute or idle lifetime (with what `last_seen` may
    /// lag, as [`Session::check`] allows) at `now`, newest first. Those under a terminal epoch are given too.
    async fn sessions_of(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError>;

    /// The newest `limit` sessions of everybody, for an operator; as alive as in [`sessions_of`](Self::sessions_of).
    async fn sessions_newest(&self, limit: u32, now: Timestamp) -> Result<Vec<Session>, StoreError>;

    /// What stands on a session's shelf.
    async fn shelf(&self, id: SessionId) -> Result<Shelf, StoreError>;

    /// One value.
    async fn datum(&self, id: SessionId, key: &DataKey) -> Result<Option<Datum>, StoreError>;

    /// How many sessions were not ended. Some of them may have run out.
    async fn sessions_open(&self) -> Result<u64, StoreError>;

    /// At most `limit` accounts that passwords failed at, in order of their names.
    async fn failures(&self, limit: u32) -> Result<Vec<(Whose, Failures)>, StoreError>;

    /// Commits a change.
    async fn commit(&self, change: SessionChange) -> Result<Committed, StoreError>;
}

/// What is true of a whole realm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Realm {
    /// Its epochs.
    pub epochs: Epochs,
    /// The longest lease and grace together that any verifier may have been granted.
    pub terms: Lifetime,
    /// Everybody's turn, if one is under way.
    pub spread: Option<Spread>,
    /// The latest time that was ever told, as the last sweep knew it.
    pub latest: Timestamp,
}

/// Users, clients, keys, the feed and the audit log.
#[async_trait]
pub trait Directory: Send + Sync {
    /// The place of the newest line of the feed.
    async fn head(&self) -> Result<Position, StoreError>;

    /// How far the feed had got when this was opened, before the generation that began then. Where nothing is known of
    /// before, the beginning of that generation.
    async fn resumed_from(&self) -> Result<Position, StoreError>;

    /// What is true of the whole realm.
    async fn realm(&self) -> Result<Realm, StoreError>;

    /// All verifiers, those that were struck off too, in order of ids.
    async fn verifiers(&self) -> Result<Vec<VerifierRecord>, StoreError>;

    /// At most `limit` lines after a place, oldest first. Read until there are no more: a line that a later one stands for
    /// is not there, and the later one may have come while this was read.
    async fn feed_after(&self, place: Position, limit: u32) -> Result<Vec<Line>, StoreError>;

    /// The latest epochs that apply to a session of this user and client: of the user, the client and the realm.
    /// A deleted or unknown user or client has the epoch of the end of time: nothing of it lives.
    async fn epochs(&self, user: Option<UserId>, client: &ClientId) -> Result<Epochs, StoreError>;

    /// The user of this id.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user of this e-mail key.
    async fn user_by_email(&self, key: &str) -> Result<Option<User>, StoreError>;

    /// At most `limit` users after an id, in order of ids.
    async fn users_after(&self, id: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError>;

    /// A user's password.
    async fn credential(&self, user: UserId) -> Result<Option<Credential>, StoreError>;

    /// How many passwords rest under each scheme, as [`scheme`](doorward_core::password::scheme) names them, in order of
    /// their names. At most `most` passwords are looked at, in order of the ids of their users; ids are drawn, so this
    /// is a fair sample.
    async fn password_schemes(&self, most: u32) -> Result<Vec<(String, u64)>, StoreError>;

    /// The client of this id.
    async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError>;

    /// All clients, in order of ids.
    async fn clients(&self) -> Result<Vec<Client>, StoreError>;

    /// All key records, oldest first.
    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError>;

    /// At most `limit` links of the audit log after a number, in order.
    async fn audit_after(&self, number: u64, limit: u32) -> Result<Vec<Link>, StoreError>;

    /// At most `limit` links of the audit log before a number, newest first.
    async fn audit_before(&self, number: u64, limit: u32) -> Result<Vec<Link>, StoreError>;

    /// Commits a change and its event.
    async fn commit_durable(&self, change: DirectoryChange, event: Event) -> Result<Committed, StoreError>;

    /// Can it write? Answers from what the last commits showed; costs nothing.
    fn is_writable(&self) -> bool;

    /// What it tells of itself; costs next to nothing.
    fn figures(&self) -> Figures {
        Figures::default()
    }
}

/// An opened backend.
#[derive(Clone)]
pub struct Stores {
    /// The hot part.
    pub sessions: Arc<dyn Sessions>,
    /// The durable part.
    pub directory: Arc<dyn Directory>,
}

impl Stores {
    /// Both parts from one engine.
    pub fn of<S: Sessions + Directory + 'static>(store: S) -> Self {
        let store = Arc::new(store);
        Self { sessions: Arc::clone(&store) as Arc<dyn Sessions>, directory: store }
    }
}

impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stores")
    }
}

/// What an embedded store is told when it is opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// The time. The feed's new generation is the larger of this in seconds and the stored one plus one.
    pub now: Timestamp,
    /// The id of the database, if it is to be made: 16 drawn bytes.
    pub database: [u8; 16],
    /// Who makes or opens it.
    pub origin: Origin,
}

/// Which command made a database. `serve` does not touch what `dev` has filled with demo accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `doorward dev`.
    Dev,
    /// `doorward serve` and the commands that prepare it.
    Serve,
}
