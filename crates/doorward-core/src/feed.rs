//! The feed log: what verifiers must learn, in the order in which it happened.
//!
//! A change that ends something carries [`Draft`]s; the store gives each its place in the log in the same atomic step.
//! The place of an epoch is its `min_rv`: whatever was minted or read before it is dead. A later epoch over the same thing
//! stands for the earlier ones, so a store keeps the latest alone: the numbers of places have no gaps, the lines that are
//! left may.

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
    /// Whose it is, where that is somebody's: by this handle it can be made coarser, and that is all it is for.
    pub of: Option<Key>,
}

impl Draft {
    /// One session, for good.
    pub const fn session(id: SessionId) -> Self {
        Self {
            scope: Scope::Session,
            key: id.key(),
            strength: Strength::Terminal,
            epoch: false,
            ttl: RETENTION,
            of: None,
        }
    }

    /// The same of a person whose handle this is.
    #[must_use]
    pub const fn of(self, subject: Option<Key>) -> Self {
        Self { of: subject, ..self }
    }

    /// Everything of a user up to now, by the user's handle.
    pub const fn subject(handle: Key, strength: Strength) -> Self {
        Self::epoch(Scope::Subject, handle, strength)
    }

    /// Everything of a client up to now.
    pub fn client(id: &ClientId, strength: Strength) -> Self {
        Self::epoch(Scope::Client, id.key(), strength)
    }

    /// Everything signed by a key, for good.
    pub const fn signing_key(id: KeyId) -> Self {
        Self {
            scope: Scope::SigningKey,
            key: id.key(),
            strength: Strength::Terminal,
            epoch: false,
            ttl: RETENTION,
            of: None,
        }
    }

    /// Everything of one part in 4,096 of the sessions up to now; see [`Key::bucket`].
    pub const fn bucket(bucket: Key, strength: Strength) -> Self {
        Self::epoch(Scope::Bucket, bucket, strength)
    }

    /// Everything of everybody up to now.
    pub const fn realm(strength: Strength) -> Self {
        Self::epoch(Scope::Realm, Key::REALM, strength)
    }

    const fn epoch(scope: Scope, key: Key, strength: Strength) -> Self {
        Self { scope, key, strength, epoch: true, ttl: RETENTION, of: None }
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
    /// Whose it is; see [`Draft::of`].
    pub of: Option<Key>,
}

impl Line {
    /// A draft at its place.
    pub fn written(draft: Draft, place: Position, at: Timestamp) -> Self {
        Self { place, entry: draft.at(place), at, of: draft.of }
    }

    /// What a later epoch over the same thing stands for, so that this line need not be kept beside it. `None` for a line
    /// that says something of one thing for good.
    pub fn register(&self) -> Option<Register> {
        self.entry.min_rv.map(|_| Register {
            scope: self.entry.scope,
            key: self.entry.key,
            strength: self.entry.strength,
        })
    }
}

/// A thing with an epoch: of all lines about it the latest says everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Register {
    /// What kind of thing.
    pub scope: Scope,
    /// Which one.
    pub key: Key,
    /// Of which strength the epoch is.
    pub strength: Strength,
}
