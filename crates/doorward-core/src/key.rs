//! Keys: their life, and how they rest.
//!
//! A key is *published* before it signs (so that every verifier has it), *active* while it signs, *retiring* while
//! tokens of it are about, and *retired* after. One published key per algorithm stands by. Private parts are sealed
//! under the master key; a record that was moved to another id or purpose does not open.

use core::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use doorward_verify::{Algorithm, Key, Lifetime, Timestamp, VerifyingKey};
use zeroize::Zeroize;

use crate::id::{KeyId, UserId};
use crate::secret::{Secret, mac};
use crate::token::SigningKey;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Signs access tokens with ES256.
    SignEs256,
    /// Signs access tokens with EdDSA.
    SignEdDsa,
    /// Derives refresh tokens.
    Refresh,
    /// Derives the handles under which the feed speaks of people.
    Handle,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::SignEs256, Self::SignEdDsa, Self::Refresh, Self::Handle];

    /// The word in rows and listings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignEs256 => "sign-es256",
            Self::SignEdDsa => "sign-eddsa",
            Self::Refresh => "refresh",
            Self::Handle => "handle",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }

    /// The purpose of signing with an algorithm; `None` for those that we verify but do not sign with.
    pub const fn signing(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::Es256 => Some(Self::SignEs256),
            Algorithm::EdDsa => Some(Self::SignEdDsa),
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Hs256 => None,
        }
    }

    /// The algorithm, if it signs.
    pub const fn algorithm(self) -> Option<Algorithm> {
        match self {
            Self::SignEs256 => Some(Algorithm::Es256),
            Self::SignEdDsa => Some(Algorithm::EdDsa),
            Self::Refresh | Self::Handle => None,
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
    /// The private part under the master key.
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

/// How long a signing key is published before it signs: twice the five minutes that the JWKS may be cached.
pub const LEAD: Lifetime = Lifetime::from_mins(10);

/// Seals 32 secret bytes; `nonce` must be drawn for this call alone.
pub fn seal(master: &Secret, id: KeyId, purpose: Purpose, secret: &Secret, nonce: [u8; 12]) -> Option<Vec<u8>> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, master.expose()).ok()?);
    let mut text = secret.expose().to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place(id, purpose)), &mut text)
        .ok()?;
    let mut sealed = nonce.to_vec();
    sealed.append(&mut text);
    Some(sealed)
}

/// Opens a record's private part; `None` if it was made under another master key, or was changed or moved.
pub fn unseal(master: &Secret, record: &KeyRecord) -> Option<Secret> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, master.expose()).ok()?);
    let (nonce, text) = record.sealed.split_first_chunk::<12>()?;
    let mut text = text.to_vec();
    let place = Aad::from(place(record.id, record.purpose));
    let plain = key.open_in_place(Nonce::assume_unique_for_key(*nonce), place, &mut text).ok()?;
    let secret = <[u8; 32]>::try_from(&*plain).ok().map(Secret::from_bytes);
    text.zeroize();
    secret
}

fn place(id: KeyId, purpose: Purpose) -> Vec<u8> {
    [b"doorward key 1 ", id.to_string().as_bytes(), b" ", purpose.name().as_bytes()].concat()
}

/// Key material drawn for one new record.
#[derive(Debug)]
pub struct Drawn {
    /// Its name.
    pub id: KeyId,
    /// Its private bytes. For ES256 they must be a valid scalar: ask [`is_usable`] and draw again if not.
    pub secret: Secret,
    /// For sealing.
    pub nonce: [u8; 12],
}

/// Can these bytes be a private key for this purpose? All but 2^-32 of the draws can.
pub fn is_usable(purpose: Purpose, id: KeyId, secret: &Secret) -> bool {
    purpose.algorithm().is_none_or(|algorithm| SigningKey::from_secret(id, algorithm, secret).is_some())
}

/// A new record at a stage.
pub fn record(
    master: &Secret,
    purpose: Purpose,
    number: u8,
    stage: Stage,
    drawn: &Drawn,
    now: Timestamp,
) -> Option<KeyRecord> {
    let sealed = seal(master, drawn.id, purpose, &drawn.secret, drawn.nonce)?;
    Some(KeyRecord { id: drawn.id, purpose, number, stage, sealed, created_at: now, since: now, version: 1 })
}

/// Why a key is not turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no published key to take over.
    NoStandby,
    /// The standby was published less than [`LEAD`] ago: some verifiers may not have it yet.
    TooSoon,
    /// All 255 numbers are used.
    Exhausted,
}

/// Makes the standby of a purpose the active key, the active one retiring, and `next` the standby.
///
/// Gives the records that change; `next` must carry [`next_number`].
///
/// # Errors
/// [`Refusal`]; `hurry` passes over [`Refusal::TooSoon`].
pub fn rotate(
    keys: &[KeyRecord],
    purpose: Purpose,
    next: KeyRecord,
    now: Timestamp,
    hurry: bool,
) -> Result<Vec<KeyRecord>, Refusal> {
    let of = |stage| keys.iter().find(move |key| key.purpose == purpose && key.stage == stage);
    let standby = of(Stage::Published).ok_or(Refusal::NoStandby)?;
    if !hurry && now - standby.since < LEAD {
        return Err(Refusal::TooSoon);
    }
    let moved = |key: &KeyRecord, stage| KeyRecord { stage, since: now, version: key.version + 1, ..key.clone() };
    let mut changed = vec![moved(standby, Stage::Active), next];
    changed.extend(of(Stage::Active).map(|active| moved(active, Stage::Retiring)));
    Ok(changed)
}

/// The number a new key of this purpose gets.
///
/// # Errors
/// [`Refusal::Exhausted`] after 255.
pub fn next_number(keys: &[KeyRecord], purpose: Purpose) -> Result<u8, Refusal> {
    let last = keys.iter().filter(|key| key.purpose == purpose).map(|key| key.number).max().unwrap_or(0);
    last.checked_add(1).ok_or(Refusal::Exhausted)
}

/// The public half of a signing key.
pub fn verifying(signing: &SigningKey) -> &VerifyingKey {
    signing.verifying()
}

/// The handle of a user: what tokens and the feed call them. Nobody without the handle key can tell whose it is.
pub fn subject_handle(secret: &Secret, user: UserId) -> Key {
    let mut handle = [0; 16];
    handle.copy_from_slice(&mac(secret, &[b"sub", &user.bytes()])[..16]);
    Key(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(number: u8, stage: Stage, since: i64) -> KeyRecord {
        let master = Secret::from_bytes([9; 32]);
        let drawn = Drawn {
            id: KeyId::from_bytes([number; 16]),
            secret: Secret::from_bytes([number; 32]),
            nonce: [number; 12],
        };
        record(&master, Purpose::SignEs256, number, stage, &drawn, Timestamp::from_secs(since)).expect("a record")
    }

    #[test]
    fn a_sealed_key_opens_only_in_its_place_under_its_master_key() {
        let master = Secret::from_bytes([9; 32]);
        let kept = made(1, Stage::Active, 0);
        assert_eq!(unseal(&master, &kept).expect("ours").expose(), &[1; 32]);
        assert!(unseal(&Secret::from_bytes([8; 32]), &kept).is_none(), "another master key");
        let moved = KeyRecord { purpose: Purpose::Refresh, ..kept.clone() };
        assert!(unseal(&master, &moved).is_none(), "another purpose");
        let moved = KeyRecord { id: KeyId::from_bytes([2; 16]), ..kept.clone() };
        assert!(unseal(&master, &moved).is_none(), "another id");
        for place in 0..kept.sealed.len() {
            let mut changed = kept.clone();
            changed.sealed[place] ^= 1;
            assert!(unseal(&master, &changed).is_none(), "byte {place}");
        }
    }

    #[test]
    fn a_standby_takes_over_once_everybody_can_have_it() {
        let keys = [made(1, Stage::Active, 0), made(2, Stage::Published, 100)];
        let soon = Timestamp::from_secs(100) + LEAD - Lifetime::from_millis(1);
        let next = || made(3, Stage::Published, 700);
        assert_eq!(rotate(&keys, Purpose::SignEs256, next(), soon, false), Err(Refusal::TooSoon));
        let turned =
            rotate(&keys, Purpose::SignEs256, next(), soon + Lifetime::from_millis(1), false).expect("turned");
        let stages: Vec<_> = turned.iter().map(|key| (key.number, key.stage, key.version)).collect();
        assert_eq!(stages, [(2, Stage::Active, 2), (3, Stage::Published, 1), (1, Stage::Retiring, 2)]);
        assert_eq!(rotate(&keys[..1], Purpose::SignEs256, next(), soon, true), Err(Refusal::NoStandby));
    }
}
