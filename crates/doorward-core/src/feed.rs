//! The feed log: what verifiers must learn, in the order in which it happened.
//!
//! A change that ends something carries [`Draft`]s; the store gives each its place in the log in the same atomic step.
//! The place of an epoch is its `min_rv`: whatever was minted or read before it is dead.

use doorward_verify::{Entry, Key, Lifetime, Position, Scope, Strength, Timestamp};

use crate::id::{ClientId, KeyId, SessionId};
use crate::policy::RETENTION;

/// An entry that has no place in the log yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What kind of thing is revoked.
    pub scope: Scope,
    /// Which one.
    pub key: Key,
    /// For good, or until it is renewed.
    pub strength: Strength,
    /// Does it hit only what is older than its place in the log?
    pub epoch: bool,
    /// How long verifiers must remember it.
    pub ttl: Lifetime,
}

impl Draft {
    /// One session, for good.
    pub const fn session(id: SessionId) -> Self {
        Self { scope: Scope::Session, key: id.key(), strength: Strength::Terminal, epoch: false, ttl: RETENTION }
    }

    /// Everything of a user up to now, by the user's handle.
    pub const fn subject(handle: Key, strength: Strength) -> Self {
        Self { scope: Scope::Subject, key: handle, strength, epoch: true, ttl: RETENTION }
    }

    /// Everything of a client up to now.
    pub fn client(id: &ClientId, strength: Strength) -> Self {
        Self { scope: Scope::Client, key: id.key(), strength, epoch: true, ttl: RETENTION }
    }

    /// Everything signed by a key, for good.
    pub const fn signing_key(id: KeyId) -> Self {
        Self { scope: Scope::SigningKey, key: id.key(), strength: Strength::Terminal, epoch: false, ttl: RETENTION }
    }

    /// The entry at its place.
    pub fn at(self, place: Position) -> Entry {
        Entry {
            scope: self.scope,
            key: self.key,
            strength: self.strength,
            min_rv: self.epoch.then_some(place),
            ttl: self.ttl,
        }
    }
}

/// A line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its place; places have no gaps within a generation.
    pub place: Position,
    /// What it says.
    pub entry: Entry,
    /// When it was written.
    pub at: Timestamp,
}
