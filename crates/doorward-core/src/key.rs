//! Keys: what they are for, and what the store keeps of them. Their life is in [`life`], how they rest in [`sealing`].

use core::fmt;

use doorward_verify::{Algorithm, Key, Lifetime, Timestamp};

use crate::id::{KeyId, UserId};
use crate::policy::{ABSOLUTE_LONGEST, DEVICE_LIFE, RETENTION};
use crate::secret::{Secret, mac};
use crate::token::SigningKey;

pub mod lead;
mod life;
mod sealing;

pub use life::{LEAD, Refusal, Schedule, Step, Turn, applied, begin, kill, next_number, retire, rotate, tend, until};
pub use sealing::{Masters, Private, reseal};

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Signs access tokens with ES256.
    SignEs256,
    /// Signs access tokens with EdDSA.
    SignEdDsa,
    /// Signs access tokens with RS256.
    SignRs256,
    /// Signs access tokens with PS256.
    SignPs256,
    /// Signs access tokens with HS256; who verifies them could also sign.
    SignHs256,
    /// Derives refresh tokens.
    Refresh,
    /// Derives the handles under which the feed speaks of people.
    Handle,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::SignEs256,
        Self::SignEdDsa,
        Self::SignRs256,
        Self::SignPs256,
        Self::SignHs256,
        Self::Refresh,
        Self::Handle,
    ];

    /// The word in rows and listings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignEs256 => "sign-es256",
            Self::SignEdDsa => "sign-eddsa",
            Self::SignRs256 => "sign-rs256",
            Self::SignPs256 => "sign-ps256",
            Self::SignHs256 => "sign-hs256",
            Self::Refresh => "refresh",
            Self::Handle => "handle",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }

    /// The purpose of signing with an algorithm.
    pub const fn signing(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Es256 => Self::SignEs256,
            Algorithm::EdDsa => Self::SignEdDsa,
            Algorithm::Rs256 => Self::SignRs256,
            Algorithm::Ps256 => Self::SignPs256,
            Algorithm::Hs256 => Self::SignHs256,
        }
    }

    /// The algorithm, if it signs.
    pub const fn algorithm(self) -> Option<Algorithm> {
        match self {
            Self::SignEs256 => Some(Algorithm::Es256),
            Self::SignEdDsa => Some(Algorithm::EdDsa),
            Self::SignRs256 => Some(Algorithm::Rs256),
            Self::SignPs256 => Some(Algorithm::Ps256),
            Self::SignHs256 => Some(Algorithm::Hs256),
            Self::Refresh | Self::Handle => None,
        }
    }

    /// Is its private part an RSA pair, which takes a second to make, and not 32 drawn bytes?
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::SignRs256 | Self::SignPs256)
    }

    /// How long what was made with a key that is no longer used may still be shown: an access token, a refresh token of
    /// the longest session, a known device.
    const fn kept(self) -> Lifetime {
        match self {
            Self::SignEs256 | Self::SignEdDsa | Self::SignRs256 | Self::SignPs256 | Self::SignHs256 => RETENTION,
            // An hour more than the longest session, for whoever used it a moment longer.
            Self::Refresh => Lifetime::from_millis(ABSOLUTE_LONGEST.millis() + Lifetime::from_hours(1).millis()),
            Self::Handle => DEVICE_LIFE,
        }
    }
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Verifiers get it; nothing is made with it yet.
    Published,
    /// In use.
    Active,
    /// No longer used for new things; what was made with it is still good.
    Retiring,
    /// Gone.
    Retired,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Self; 4] = [Self::Published, Self::Active, Self::Retiring, Self::Retired];

    /// The word in rows and listings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }
}

/// A key as it rests in the store.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its name; the `kid` of a signing key.
    pub id: KeyId,
    /// What for.
    pub purpose: Purpose,
    /// Its number among those of its purpose, from 1: what refresh tokens and handles name it by.
    pub number: u8,
    /// Where in its life.
    pub stage: Stage,
    /// The private part under the master key; nothing once it is retired.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it came to its present stage.
    pub since: Timestamp,
    /// Counts its changes.
    pub version: u64,
}

impl fmt::Debug for KeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRecord({} {} {})", self.id, self.purpose.name(), self.stage.name())
    }
}

/// Can this be the private part of such a key? Of 32 drawn bytes all but 2^-32 can.
pub fn is_usable(purpose: Purpose, id: KeyId, private: &Private) -> bool {
    match purpose.algorithm() {
        Some(algorithm) => SigningKey::from_private(id, algorithm, private.expose()).is_some(),
        None => private.secret().is_some(),
    }
}

/// The handle of a user: what tokens and the feed call them. Nobody without the handle key can tell whose it is.
pub fn subject_handle(secret: &Secret, user: UserId) -> Key {
    let mut handle = [0; 16];
    handle.copy_from_slice(&mac(secret, &[b"sub", &user.bytes()])[..16]);
    Key(handle)
}

/// The mark by which servers of a realm know a range of the feed for one of theirs, under the realm's handle key.
pub fn range_mark(handle: &Secret, range: &[u8]) -> [u8; 32] {
    mac(handle, &[b"feed range", range])
}
