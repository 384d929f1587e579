//! A session: one sign-in on one device, the root of every credential that came from it.

mod vitals;

use doorward_verify::{Key, Lifetime, Marks, Position, Timestamp};

pub use self::vitals::{Epochs, Refusal, Vitals};

use crate::client::{Client, Strategy, Transport};
use crate::id::{ClientId, OrgId, SessionId, UserId};
use crate::policy::REPLACED_SECRET;
use crate::secret::SecretHash;
use crate::user::User;

/// How often a refresh token has turned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u32);

impl Generation {
    /// The one after; the last one is its own successor, which no session lives to see.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// 128 drawn bits that tie a refresh token to its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt(pub [u8; 16]);

/// What is kept of an attempt key: enough to recognise it, useless to a reader of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptHash(pub [u8; 16]);

/// One retired generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retired {
    /// Which.
    pub generation: Generation,
    /// The key of the attempt that retired it; `None` if there was none.
    pub attempt: Option<AttemptHash>,
    /// When.
    pub at: Timestamp,
    /// Its token was handed out, and then its parent was answered with another one instead (a keyless client's lost
    /// reply). Seeing it again is reuse.
    pub displaced: bool,
}

/// The last 16 retired generations, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ring(Vec<Retired>);

impl Ring {
    /// How many it holds.
    pub const SIZE: usize = 16;

    /// Restores a ring from a row; keeps the newest 16.
    pub fn from_rows(mut rows: Vec<Retired>) -> Self {
        let surplus = rows.len().saturating_sub(Self::SIZE);
        rows.drain(..surplus);
        Self(rows)
    }

    /// The entries, oldest first.
    pub fn rows(&self) -> &[Retired] {
        &self.0
    }

    /// The entry of a generation.
    pub fn find(&self, generation: Generation) -> Option<&Retired> {
        self.0.iter().find(|retired| retired.generation == generation)
    }

    /// The newest entry whose token is the parent of the current one.
    pub fn parent(&self) -> Option<&Retired> {
        self.0.iter().rev().find(|retired| !retired.displaced)
    }

    /// The entry that one more would push out.
    pub fn oldest_if_full(&self) -> Option<&Retired> {
        if self.0.len() < Self::SIZE { None } else { self.0.first() }
    }

    /// This ring with one more entry.
    pub fn with(&self, retired: Retired) -> Self {
        let surplus = (self.0.len() + 1).saturating_sub(Self::SIZE);
        // As large as it has to be: thousands of these are remembered.
        let mut rows = Vec::with_capacity(self.0.len() + 1 - surplus);
        rows.extend_from_slice(&self.0[surplus..]);
        rows.push(retired);
        Self(rows)
    }

    /// This ring without the entry of a generation.
    pub(crate) fn without(&self, generation: Generation) -> Self {
        Self(self.0.iter().filter(|row| row.generation != generation).copied().collect())
    }
}

/// How a person proved who they are (RFC 8176), as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Methods(pub u8);

impl Methods {
    /// Nothing: a guest.
    pub const NONE: Self = Self(0);
    /// `pwd`.
    pub const PASSWORD: Self = Self(1);
    const NAMES: [(u8, &'static str); 1] = [(1, "pwd")];

    /// The names, as `amr` lists them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(bit, _)| self.0 & bit != 0).map(|(_, name)| name)
    }
}

/// Where a session is used from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Such as `Chrome on Linux`.
    pub name: String,
    /// The address of the last sign-in or refresh.
    pub address: String,
}

/// A session secret that was replaced a moment ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Previous {
    /// Its hash.
    pub hash: SecretHash,
    /// It answers until then, or until the new one is seen.
    pub until: Timestamp,
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The person signed out here.
    SignedOut,
    /// The person ended it from another device.
    EndedByUser,
    /// An operator ended it.
    EndedByOperator,
    /// A retired refresh token was shown.
    RefreshReused,
    /// A guest signed in: another session took over.
    Upgraded,
    /// The same browser signed in anew.
    Replaced,
    /// The person had as many as may be, signed in once more, and used this one longest ago.
    CrowdedOut,
}

impl EndReason {
    /// All reasons.
    pub const ALL: [Self; 7] = [
        Self::SignedOut,
        Self::EndedByUser,
        Self::EndedByOperator,
        Self::RefreshReused,
        Self::Upgraded,
        Self::Replaced,
        Self::CrowdedOut,
    ];

    /// The word in rows and in the audit log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::EndedByUser => "ended_by_user",
            Self::EndedByOperator => "ended_by_operator",
            Self::RefreshReused => "refresh_reused",
            Self::Upgraded => "upgraded",
            Self::Replaced => "replaced",
            Self::CrowdedOut => "crowded_out",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// An end, with its facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: EndReason,
}

/// One sign-in on one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its public name.
    pub id: SessionId,
    /// Finds it, where a session secret was handed out.
    pub secret: Option<SecretHash>,
    /// The secret before that.
    pub previous: Option<Previous>,
    /// Who; `None` for a guest.
    pub user: Option<UserId>,
    /// Through which application.
    pub client: ClientId,
    /// The organization it was opened for.
    pub org: Option<OrgId>,
    /// The head of the feed when the person last proved who they are.
    pub born: Position,
    /// Ties refresh tokens to this row.
    pub salt: Salt,
    /// The current one.
    pub generation: Generation,
    /// The refresh secret behind the current generation's token.
    pub refresh_key: u8,
    /// Has it ever carried an attempt key? Never cleared.
    pub keyed: bool,
    /// The generations before.
    pub ring: Ring,
    /// The generation that an access token alone stands for: its refresh token was handed to nobody.
    pub exchange: Option<Generation>,
    /// The form its credentials were last handed out in.
    pub strategy: Strategy,
    /// The way they travel.
    pub transport: Transport,
    /// When the person last proved who they are.
    pub auth_time: Timestamp,
    /// How.
    pub amr: Methods,
    /// The assurance class, if one was asked for.
    pub acr: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used; may lag by [`crate::policy::TOUCH_EVERY`].
    pub last_seen_at: Timestamp,
    /// Unused for so long, it is over.
    pub idle: Lifetime,
    /// Used or not, it is over then. Never extended.
    pub expires_at: Timestamp,
    /// Where it is used from.
    pub device: Device,
    /// Its end, if it came before expiry.
    pub ended: Option<Ended>,
    /// Counts changes of its data; a change of data states the one it starts from.
    pub shelf: u64,
}

/// Everything drawn for a new session.
#[derive(Debug)]
pub struct Drawn {
    /// Its id.
    pub id: SessionId,
    /// Its salt.
    pub salt: Salt,
    /// The hash of its secret, for strategy `session`.
    pub secret: Option<SecretHash>,
}

/// What surrounds a new session.
#[derive(Debug)]
pub struct Opening<'a> {
    /// The application.
    pub client: &'a Client,
    /// How its credentials will travel.
    pub transport: Transport,
    /// From where.
    pub device: Device,
    /// The head of the feed, read before the user and the client were.
    pub born: Position,
    /// The refresh secret in use.
    pub refresh_key: u8,
    /// The time.
    pub now: Timestamp,
}

/// A new session of somebody who proved who they are, or of a guest (`None`).
///
/// Private to this crate's rules: [`crate::login`] asks for the proof.
pub(crate) fn open(user: Option<&User>, amr: Methods, opening: Opening<'_>, drawn: Drawn) -> Session {
    let Opening { client, transport, device, born, refresh_key, now } = opening;
    let times = client.lifetimes;
    let absolute = match transport {
        Transport::Cookie => times.absolute,
        Transport::Body => times.absolute_native,
    };
    let strategy = client.strategy;
    Session {
        id: drawn.id,
        secret: drawn.secret,
        previous: None,
        user: user.map(|user| user.id),
        client: client.id.clone(),
        org: user.and_then(|user| user.org),
        born,
        salt: drawn.salt,
        generation: Generation(0),
        refresh_key,
        keyed: false,
        ring: Ring::default(),
        exchange: (strategy == Strategy::Jwt).then_some(Generation(0)),
        strategy,
        transport,
        auth_time: now,
        amr,
        acr: None,
        created_at: now,
        last_seen_at: now,
        idle: idle_of(client, strategy),
        expires_at: now + absolute,
        device,
        ended: None,
        shelf: 0,
    }
}

/// How long a session of this client may lie unused. One that holds nothing but an access token cannot come back once
/// that has expired.
pub(crate) const fn idle_of(client: &Client, strategy: Strategy) -> Lifetime {
    match strategy {
        Strategy::Jwt => client.lifetimes.access,
        Strategy::Session | Strategy::Hybrid => client.lifetimes.idle,
    }
}

impl Session {
    /// What decides whether it is alive.
    pub const fn vitals(&self) -> Vitals {
        let Self { born, last_seen_at, idle, expires_at, .. } = *self;
        Vitals { ended: self.ended.is_some(), born, last_seen_at, idle, expires_at }
    }

    /// Is it alive?
    ///
    /// # Errors
    /// [`Refusal::Ended`] by its own end, by the end of its user or client, or because it was born before a terminal
    /// epoch that applies; [`Refusal::Expired`] past its idle or absolute lifetime.
    pub fn check(&self, epochs: Epochs, now: Timestamp) -> Result<(), Refusal> {
        self.vitals().check(epochs, now)
    }

    /// When it is over if it is not used again.
    pub fn idle_expires_at(&self) -> Timestamp {
        self.vitals().idle_expires_at()
    }

    /// Is it time to write down that it is in use?
    pub fn wants_touch(&self, now: Timestamp) -> bool {
        self.vitals().wants_touch(now)
    }

    /// Which of its secrets is this, if any?
    pub fn recognise(&self, shown: &SecretHash, now: Timestamp) -> Option<Shown> {
        if self.secret.is_some_and(|secret| secret.matches(shown)) {
            return Some(Shown::Current);
        }
        let previous = self.previous?;
        (previous.hash.matches(shown) && now < previous.until).then_some(Shown::Previous)
    }

    /// The secret it would have before, were it replaced now.
    pub fn superseded_secret(&self, now: Timestamp) -> Option<Previous> {
        self.secret.map(|hash| Previous { hash, until: now + REPLACED_SECRET })
    }

    /// Is there no user behind it?
    pub const fn is_guest(&self) -> bool {
        self.user.is_none()
    }

    /// What a record of it, read at `read_at`, can be revoked by.
    pub fn marks(&self, subject: Option<Key>, read_at: Position) -> Marks {
        marks(self.id, self.client.key(), subject, read_at)
    }
}

/// What a record of a session of this client, read at `read_at`, can be revoked by. `subject` is its user's handle.
pub fn marks(session: SessionId, client: Key, subject: Option<Key>, read_at: Position) -> Marks {
    Marks { session: Some(session.key()), subject, client: Some(client), at: Some(read_at), ..Marks::default() }
}

/// Which secret of a session was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The one it has.
    Current,
    /// The one before: a reply was lost. It answers reads, and gains no new right.
    Previous,
}

#[cfg(test)]
mod tests;
