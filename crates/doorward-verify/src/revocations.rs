//! The pure index of what is revoked: which tokens and cached records are dead, which must be renewed.
//!
//! Entries come in any order and any number of times; the index is their union, so it does not matter how. A credential
//! is rejected if *any* scope that applies to it says so, never by the most specific one. Nothing leaves before the
//! server has said that nobody needs it any more: no clock of the reader's plays a part. Design section 5 has the
//! reasoning.
//!
//! Memory: a terminal session or token takes 19 bytes a slot, about 32 an entry; everything else 73 a slot.

use core::hash::BuildHasherDefault;

use hashbrown::HashMap;

use crate::{Lifetime, Rejection, Timestamp};

mod epochs;
mod graves;
mod key;
mod position;
mod slices;

use epochs::{Epoch, FewEpochs, Reach};
use graves::Graves;
use key::KeyHasher;
pub use key::{BUCKETS, Key};
pub use position::{Position, PositionError};
use slices::Slices;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    /// Terminal sessions and tokens: almost all entries there ever are.
    sessions: Graves,
    tokens: Graves,
    /// Epochs of sessions, tokens, people, clients, devices, organizations. The keys are random already. (`None` is only
    /// ever there while a new one is made.)
    epochs: [HashMap<Key, Option<Epoch>, BuildHasherDefault<KeyHasher>>; 6],
    /// Of signing keys.
    keys: FewEpochs,
    realm: Option<Epoch>,
    /// By number; empty until there is one.
    buckets: Vec<Option<Epoch>>,
    bucket_count: usize,
    count: usize,
    slices: Slices,
    /// The part that a walk over all entries comes to next, while there is one.
    walk: Option<usize>,
}

impl Revocations {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in an entry that the feed has brought in a range or snapshot that ends at `place`. Idempotent, and the
    /// order of entries does not matter: epochs only rise, and an entry only stays longer. One that
    /// [`Self::forget`] has been told of already stays forgotten.
    pub fn learn(&mut self, entry: &Entry, place: Position) {
        if place > self.slices.passed() {
            self.take(entry, place, Timestamp::MIN);
        }
    }

    /// Takes in an entry that is to be kept until a time: [`Entry::ttl`] from `now` on, as [`Self::expire`] counts it.
    /// For whoever is the source of time; verifiers [`Self::learn`].
    pub fn apply(&mut self, entry: &Entry, now: Timestamp) {
        self.take(entry, Position::START, now + entry.ttl);
    }

    fn take(&mut self, entry: &Entry, place: Position, until: Timestamp) {
        let live = self.count;
        let slices = &mut self.slices;
        let buried = entry.scope.is_exact() && entry.strength == Strength::Terminal;
        let reach = if buried { Reach::Everything } else { entry.min_rv.map_or(Reach::Everything, Reach::Before) };
        let raise = |epoch: &mut Option<Epoch>, slices: &mut Slices| {
            let is_new = epoch.is_none();
            let slice = slices.enter(epoch.as_ref().map(Epoch::slice), place, until, live);
            Epoch::raise(epoch, entry.strength, reach, slice);
            is_new
        };
        let is_new = match entry.scope {
            Scope::Session if buried => self.sessions.bury(entry.key, |old| slices.enter(old, place, until, live)),
            Scope::Token if buried => self.tokens.bury(entry.key, |old| slices.enter(old, place, until, live)),
            Scope::SigningKey => self.keys.change(entry.key, |epoch| raise(epoch, slices)),
            Scope::Realm => raise(&mut self.realm, slices),
            Scope::Bucket => {
                self.buckets.resize(BUCKETS.into(), None);
                let is_new = raise(&mut self.buckets[entry.key.bucket_number()], slices);
                self.bucket_count += usize::from(is_new);
                is_new
            }
            Scope::Session | Scope::Token | Scope::Subject | Scope::Client | Scope::Device | Scope::Organization => {
                let known = self.epochs[hashed(entry.scope)].entry(entry.key).or_default();
                raise(known, slices)
            }
        };
        self.count += usize::from(is_new);
    }

    /// Says whether a credential may still be used.
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
            if self.holds_none(scope) {
                continue;
            }
            match key(scope).and_then(|key| self.strength(scope, key, at)) {
                Some(Strength::Terminal) => return Err(Rejection::TokenRevoked),
                Some(Strength::RefreshRequired) => verdict = Err(Rejection::TokenStale),
                None => {}
            }
        }
        verdict
    }

    fn holds_none(&self, scope: Scope) -> bool {
        match scope {
            Scope::Session => self.sessions.is_empty() && self.epochs[hashed(scope)].is_empty(),
            Scope::Token => self.tokens.is_empty() && self.epochs[hashed(scope)].is_empty(),
            Scope::Subject | Scope::Client | Scope::Device | Scope::Organization => {
                self.epochs[hashed(scope)].is_empty()
            }
            Scope::SigningKey => self.keys.is_empty(),
            Scope::Realm => self.realm.is_none(),
            Scope::Bucket => self.bucket_count == 0,
        }
    }

    /// How hard a scope hits what has this key and was minted there.
    fn strength(&self, scope: Scope, key: Key, at: Option<Position>) -> Option<Strength> {
        let epoch = match scope {
            Scope::Session if self.sessions.contains(key) => return Some(Strength::Terminal),
            Scope::Token if self.tokens.contains(key) => return Some(Strength::Terminal),
            Scope::SigningKey => self.keys.find(key),
            Scope::Realm => self.realm.as_ref(),
            Scope::Bucket => self.buckets[key.bucket_number()].as_ref(),
            Scope::Session | Scope::Token | Scope::Subject | Scope::Client | Scope::Device | Scope::Organization => {
                self.epochs[hashed(scope)].get(&key)?.as_ref()
            }
        };
        epoch?.check(at)
    }

    /// Forgets every entry up to a place, as the feed's `gc_through` says; gives how many. They leave by the slice, so
    /// some stay a little longer. Walks over all entries when any may leave; see [`Self::pass`] for doing that piecemeal.
    pub fn forget(&mut self, gc_through: Position) -> usize {
        self.pass(gc_through);
        self.walk_on()
    }

    /// Forgets every entry of [`Self::apply`] whose time is over at `now`; gives how many.
    pub fn expire(&mut self, now: Timestamp) -> usize {
        self.slices.tick(now);
        self.walk_on()
    }

    /// Hears that everything up to a place may be forgotten. Nothing is, until [`Self::sweep`] is called.
    pub fn pass(&mut self, gc_through: Position) {
        self.slices.pass(gc_through);
    }

    /// Walks over a part of the entries (under a tenth) and forgets what may be; `false` if nothing can be due. So that
    /// whoever shares the index behind a lock holds that only for a moment at a time.
    pub fn sweep(&mut self) -> bool {
        let part = match self.walk {
            Some(part) => part,
            None if self.slices.mark() => 0,
            None => return false,
        };
        if part < graves::SHARDS {
            self.count -= self.sessions.sweep(part, &self.slices) + self.tokens.sweep(part, &self.slices);
            self.walk = Some(part + 1);
        } else {
            self.count -= self.sweep_epochs();
            self.slices.free();
            self.walk = None;
        }
        true
    }

    fn sweep_epochs(&mut self) -> usize {
        let slices = &self.slices;
        let mut left = self.keys.sweep(slices);
        for map in &mut self.epochs {
            let before = map.len();
            map.retain(|_, epoch| epoch.as_ref().is_some_and(|epoch| !slices.is_due(epoch.slice())));
            left += before - map.len();
            if map.len() < map.capacity() / 8 {
                map.shrink_to(map.len() * 2);
            }
        }
        let mut drop_due = |epoch: &mut Option<Epoch>| {
            let gone = epoch.take_if(|epoch| slices.is_due(epoch.slice())).is_some();
            left += usize::from(gone);
            usize::from(gone)
        };
        drop_due(&mut self.realm);
        let gone: usize = self.buckets.iter_mut().map(&mut drop_due).sum();
        self.bucket_count -= gone;
        left
    }

    fn walk_on(&mut self) -> usize {
        let before = self.count;
        while self.sweep() {}
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

/// Where the epochs of a scope that are found by hash lie.
const fn hashed(scope: Scope) -> usize {
    match scope {
        Scope::Session => 0,
        Scope::Token => 1,
        Scope::Subject => 2,
        Scope::Client => 3,
        Scope::Device => 4,
        Scope::Organization | Scope::SigningKey | Scope::Realm | Scope::Bucket => 5,
    }
}

#[cfg(test)]
mod tests;
