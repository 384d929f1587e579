//! The pure index of what is revoked: which tokens and cached records are dead, which must be renewed.
//!
//! Entries come in any order and any number of times; the index is their union, so it does not matter how. A credential
//! is rejected if *any* scope that applies to it says so, never by the most specific one. Nothing leaves before its
//! expiry. Design section 5 has the reasoning.
//!
//! Memory: a terminal session, token or signing key takes 25 bytes a slot, every other entry 73; the tables grow by
//! doubling at seven eighths full, so that is 29 to 57, or 84 to 167, bytes an entry.

use core::hash::BuildHasherDefault;

use hashbrown::HashMap;

use crate::{Lifetime, Rejection, Timestamp};

mod key;
mod position;

use key::KeyHasher;
pub use key::{BUCKETS, Key};
pub use position::{Position, PositionError};

/// What kind of thing an entry revokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One session, by its id. Exact.
    Session,
    /// One token, by its id. Exact.
    Token,
    /// A person, by handle. An epoch.
    Subject,
    /// An application, by client id. An epoch.
    Client,
    /// A device, by handle. An epoch.
    Device,
    /// An organization, by handle. An epoch.
    Organization,
    /// Everything signed by one key, by key id. Exact.
    SigningKey,
    /// Everything of the realm; its key is [`Key::REALM`]. An epoch.
    Realm,
    /// One part in [`BUCKETS`] of the sessions; see [`Key::bucket_of`]. An epoch.
    Bucket,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 9] = [
        Self::Session,
        Self::Token,
        Self::Subject,
        Self::Client,
        Self::Device,
        Self::Organization,
        Self::SigningKey,
        Self::Realm,
        Self::Bucket,
    ];

    /// The word for it in the feed.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Session => "sid",
            Self::Token => "jti",
            Self::Subject => "sub",
            Self::Client => "client",
            Self::Device => "dev",
            Self::Organization => "org",
            Self::SigningKey => "kid",
            Self::Realm => "realm",
            Self::Bucket => "bucket",
        }
    }

    /// The scope of a word in the feed; `None` for an unknown one, which a follower must take as a refresh-required
    /// epoch of the realm.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.code() == code)
    }

    /// Is the thing itself dead, whatever the position? (Otherwise only what is older than an epoch.)
    pub const fn is_exact(self) -> bool {
        matches!(self, Self::Session | Self::Token | Self::SigningKey)
    }
}

/// How much an entry takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// For good: sign in again.
    Terminal,
    /// Until it is renewed: refresh and come again.
    RefreshRequired,
}

impl Strength {
    /// The letter for it in the feed.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Terminal => "T",
            Self::RefreshRequired => "R",
        }
    }

    /// The strength of a letter in the feed; `None` for an unknown one.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Terminal, Self::RefreshRequired].into_iter().find(|strength| strength.code() == code)
    }
}

/// One revocation, as the feed brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What kind of thing is revoked.
    pub scope: Scope,
    /// Which one.
    pub key: Key,
    /// How much is taken away.
    pub strength: Strength,
    /// What was minted at or after this position is spared; `None` spares nothing. Without meaning, and not looked at,
    /// in a terminal entry of an exact scope.
    pub min_rv: Option<Position>,
    /// How long the entry must be remembered from now on.
    pub ttl: Lifetime,
}

/// What a credential can be revoked by: the keys of everything it belongs to. A scope without a key does not apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Its session; this also gives its bucket.
    pub session: Option<Key>,
    /// Its own id.
    pub token: Option<Key>,
    /// The handle of its person.
    pub subject: Option<Key>,
    /// Its client.
    pub client: Option<Key>,
    /// The handle of its device.
    pub device: Option<Key>,
    /// The handle of its organization.
    pub organization: Option<Key>,
    /// The key that signed it.
    pub signing_key: Option<Key>,
    /// The position it was minted at, or a record was read at; `None` counts as before everything.
    pub at: Option<Position>,
}

impl Marks {
    /// The key by which a scope applies to this credential.
    pub const fn key(&self, scope: Scope) -> Option<Key> {
        match scope {
            Scope::Session => self.session,
            Scope::Token => self.token,
            Scope::Subject => self.subject,
            Scope::Client => self.client,
            Scope::Device => self.device,
            Scope::Organization => self.organization,
            Scope::SigningKey => self.signing_key,
            Scope::Realm => Some(Key::REALM),
            Scope::Bucket => match self.session {
                Some(session) => Some(Key::bucket_of(session)),
                None => None,
            },
        }
    }
}

/// Everything that is revoked, as far as we were told.
#[derive(Clone, Debug)]
pub struct Revocations {
    tables: [Table; Scope::ALL.len()],
    count: usize,
    /// No entry ends before this; spares [`Self::expire`] a walk over all of them.
    earliest: Timestamp,
}

impl Default for Revocations {
    fn default() -> Self {
        Self::new()
    }
}

impl Revocations {
    /// An empty index.
    pub fn new() -> Self {
        Self { tables: Default::default(), count: 0, earliest: Timestamp::MAX }
    }

    /// Takes an entry in. Idempotent, and the order of entries does not matter: epochs only rise, expiries only move
    /// away. `now` is the moment from which [`Entry::ttl`] counts.
    pub fn apply(&mut self, entry: &Entry, now: Timestamp) {
        let key = if entry.scope == Scope::Realm { Key::REALM } else { entry.key };
        let until = now + entry.ttl;
        let table = &mut self.tables[entry.scope as usize];
        let before = table.len();
        if entry.scope.is_exact() && entry.strength == Strength::Terminal {
            table.bury(key, until);
        } else {
            let reach = entry.min_rv.map_or(Reach::Everything, Reach::Before);
            table.raise(key, entry.strength, reach, until);
        }
        self.count += table.len() - before;
        self.earliest = self.earliest.min(until);
    }

    /// Says whether a credential may still be used. Expiry plays no part: an entry counts until [`Self::expire`] has
    /// taken it away.
    ///
    /// # Errors
    /// [`Rejection::TokenRevoked`] if any applicable scope has a terminal entry, else [`Rejection::TokenStale`] if any
    /// has a refresh-required one.
    pub fn check(&self, marks: &Marks) -> Result<(), Rejection> {
        self.check_lazily(marks.at, |scope| marks.key(scope))
    }

    /// The same for a credential whose keys have yet to be made: `key` is asked for those scopes alone that hold
    /// anything. Most of the time that is one, and making a key may cost a hash.
    pub(crate) fn check_lazily(
        &self,
        at: Option<Position>,
        key: impl Fn(Scope) -> Option<Key>,
    ) -> Result<(), Rejection> {
        if self.count == 0 {
            return Ok(());
        }
        let mut verdict = Ok(());
        for scope in Scope::ALL {
            let table = &self.tables[scope as usize];
            if table.is_empty() {
                continue;
            }
            match key(scope).and_then(|key| table.check(key, at)) {
                Some(Strength::Terminal) => return Err(Rejection::TokenRevoked),
                Some(Strength::RefreshRequired) => verdict = Err(Rejection::TokenStale),
                None => {}
            }
        }
        verdict
    }

    /// Forgets every entry whose expiry is not after `now`; gives how many. Walks over all entries (about 10 ms for a
    /// million), but only if one may be due; so ask once in a few seconds, not at every request.
    pub fn expire(&mut self, now: Timestamp) -> usize {
        if now < self.earliest {
            return 0;
        }
        let before = self.count;
        self.earliest = self.tables.iter_mut().map(|table| table.expire(now)).min().unwrap_or(Timestamp::MAX);
        self.count = self.tables.iter().map(Table::len).sum();
        before - self.count
    }

    /// How many entries it holds, after union.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// How far an epoch reaches; the order makes a union the maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Before(Position),
    Everything,
}

impl Reach {
    fn hits(self, at: Option<Position>) -> bool {
        match self {
            Self::Before(min_rv) => at.is_none_or(|at| at < min_rv),
            Self::Everything => true,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Epoch {
    terminal: Option<Reach>,
    refresh: Option<Reach>,
    until: Timestamp,
}

/// A map whose keys are random already.
type KeyMap<V> = HashMap<Key, V, BuildHasherDefault<KeyHasher>>;

/// The entries of one scope.
#[derive(Clone, Debug, Default)]
struct Table {
    /// Dead whatever the position, and until when to say so; only in exact scopes.
    dead: KeyMap<Timestamp>,
    epochs: KeyMap<Epoch>,
}

impl Table {
    fn len(&self) -> usize {
        self.dead.len() + self.epochs.len()
    }

    fn is_empty(&self) -> bool {
        self.dead.is_empty() && self.epochs.is_empty()
    }

    fn bury(&mut self, key: Key, until: Timestamp) {
        let known = self.dead.entry(key).or_insert(until);
        *known = until.max(*known);
    }

    fn raise(&mut self, key: Key, strength: Strength, reach: Reach, until: Timestamp) {
        let epoch = self.epochs.entry(key).or_insert(Epoch { terminal: None, refresh: None, until });
        let known = match strength {
            Strength::Terminal => &mut epoch.terminal,
            Strength::RefreshRequired => &mut epoch.refresh,
        };
        *known = Some(reach).max(*known);
        epoch.until = until.max(epoch.until);
    }

    fn check(&self, key: Key, at: Option<Position>) -> Option<Strength> {
        if self.dead.contains_key(&key) {
            return Some(Strength::Terminal);
        }
        let epoch = self.epochs.get(&key)?;
        let hit = |reach: Option<Reach>| reach.is_some_and(|reach| reach.hits(at));
        if hit(epoch.terminal) {
            Some(Strength::Terminal)
        } else {
            hit(epoch.refresh).then_some(Strength::RefreshRequired)
        }
    }

    /// Gives the earliest expiry among what stays.
    fn expire(&mut self, now: Timestamp) -> Timestamp {
        let mut earliest = Timestamp::MAX;
        let mut stays = |until: Timestamp| {
            if until > now {
                earliest = earliest.min(until);
            }
            until > now
        };
        self.dead.retain(|_, until| stays(*until));
        self.epochs.retain(|_, epoch| stays(epoch.until));
        shrink(&mut self.dead);
        shrink(&mut self.epochs);
        earliest
    }
}

/// Gives memory back after a flood, but not so eagerly that the next entry must grow the table again.
fn shrink<V>(map: &mut KeyMap<V>) {
    if map.len() < map.capacity() / 8 {
        map.shrink_to(map.len() * 2);
    }
}
