//! The opened keys of a realm: what signs, what verifies, what derives.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use doorward_core::form::FormKey;
use doorward_core::id::{KeyId, UserId};
use doorward_core::key::{self, KeyRecord, Masters, Private, Purpose, Stage};
use doorward_core::known_device::Device;
use doorward_core::secret::{Secret, sha256};
use doorward_core::throttle::Whose;
use doorward_core::token::SigningKey;
use doorward_core::user::Email;
use doorward_core::{Algorithm, Handles, Key, KeySet, Timestamp, VerifyingKey, base64url};
use doorward_verify::feed::SetId;

use crate::door::Dice;

/// All keys in use, opened once and held until the next change.
pub struct Keys {
    signing: Vec<Arc<SigningKey>>,
    verifying: KeySet,
    refresh: BTreeMap<u8, Secret>,
    refresh_active: u8,
    handle: Secret,
    handle_number: u8,
    /// Handle keys of before: devices that were made known under them still are.
    handles_before: Vec<Secret>,
    form: FormKey,
    jwks: Bytes,
    etag: String,
    set: SetId,
    /// What it was opened from.
    versions: BTreeMap<KeyId, u64>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

/// Why keys cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// The master key does not open this record.
    #[error("the master key does not open {0}: it is another one, or the record was changed")]
    Sealed(KeyId),
    /// There is no active key for a purpose.
    #[error("there is no active key for {0}")]
    Missing(&'static str),
    /// No entropy.
    #[error("the machine gives no random bytes")]
    NoEntropy,
}

impl Keys {
    /// Opens all records that are not retired.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn open(records: &[KeyRecord], masters: &Masters) -> Result<Self, KeysError> {
        let mut opened = Opened::default();
        for record in records.iter().filter(|record| record.stage != Stage::Retired) {
            opened.take(record, &masters.open(record).ok_or(KeysError::Sealed(record.id))?)?;
        }
        let missing = |purpose: Purpose| KeysError::Missing(purpose.name());
        // What clients sign with that say nothing; other algorithms have keys once somebody wants them.
        if opened.signing.iter().all(|key| key.verifying().algorithm() != Algorithm::Es256) {
            return Err(missing(Purpose::SignEs256));
        }
        let refresh_active = opened.refresh_active.ok_or_else(|| missing(Purpose::Refresh))?;
        let (handle_number, handle) = opened.handle.ok_or_else(|| missing(Purpose::Handle))?;
        let verifying = KeySet::new(opened.verifying);
        let mut jwks = Vec::new();
        verifying.write(&mut jwks);
        Ok(Self {
            signing: opened.signing,
            verifying,
            refresh: opened.refresh,
            refresh_active,
            form: FormKey::derive(&handle),
            handle,
            handle_number,
            handles_before: opened.handles_before,
            etag: format!("\"{}\"", &base64url::encode(&sha256(&[&jwks]))[..22]),
            set: SetId::of(&jwks),
            jwks: jwks.into(),
            versions: versions(records),
        })
    }

    /// Are these the records it was opened from?
    pub fn are_of(&self, records: &[KeyRecord]) -> bool {
        self.versions == versions(records)
    }

    /// The key that signs with an algorithm.
    pub fn signing(&self, algorithm: Algorithm) -> Option<&Arc<SigningKey>> {
        self.signing.iter().find(|key| key.verifying().algorithm() == algorithm)
    }

    /// Everything that a token may be verified with.
    pub const fn verifying(&self) -> &KeySet {
        &self.verifying
    }

    /// The refresh secret of a number.
    pub fn refresh(&self, number: u8) -> Option<&Secret> {
        self.refresh.get(&number)
    }

    /// The number of the refresh secret in use.
    pub const fn refresh_active(&self) -> u8 {
        self.refresh_active
    }

    /// The handle of a user.
    pub fn handle_of(&self, user: UserId) -> Key {
        key::subject_handle(&self.handle, user)
    }

    /// Under which name the failures at an address are counted; a known device's apart.
    pub fn whose(&self, email: &Email, device: Option<&Device>) -> Whose {
        Whose::of(&self.handle, email, device.map(Device::bytes))
    }

    /// The text that makes a browser a known device of a user.
    pub fn device_text(&self, user: UserId, device: &Device) -> String {
        device.text(&self.handle, user)
    }

    /// The known device of a user that a browser says it is. Where there is no user the answer takes as long.
    pub fn device_of(&self, user: Option<UserId>, text: &str) -> Option<Device> {
        let asked = user.unwrap_or(UserId::from_bytes([0; 16]));
        let handles = std::iter::once(&self.handle).chain(&self.handles_before);
        let device = handles.map(|handle| Device::parse(handle, asked, text)).fold(None, Option::or);
        device.filter(|_| user.is_some())
    }

    /// The handles that a token of a user carries; a guest's has none.
    pub fn handles(&self, user: Option<UserId>) -> Handles {
        user.map_or_else(Handles::default, |user| Handles {
            epoch: self.handle_number,
            subject: Some(self.handle_of(user)),
            ..Handles::default()
        })
    }

    /// Does everybody have the same name under the other keys?
    pub(crate) const fn names_as(&self, other: &Self) -> bool {
        self.handle_number == other.handle_number
    }

    /// The mark of a range of the feed, as text.
    pub fn range_mac(&self, range: &[u8]) -> String {
        base64url::encode(&key::range_mark(&self.handle, range))
    }

    /// What the forms of our pages are proven with.
    pub const fn form(&self) -> &FormKey {
        &self.form
    }

    /// The JWK set (RFC 7517) as it is served.
    pub fn jwks(&self) -> Bytes {
        self.jwks.clone()
    }

    /// What verifiers call it that hold it.
    pub const fn set(&self) -> SetId {
        self.set
    }

    /// Its ETag.
    pub fn etag(&self) -> &str {
        &self.etag
    }
}

/// Records as they are opened, one after the other.
#[derive(Default)]
struct Opened {
    signing: Vec<Arc<SigningKey>>,
    verifying: Vec<VerifyingKey>,
    refresh: BTreeMap<u8, Secret>,
    refresh_active: Option<u8>,
    handle: Option<(u8, Secret)>,
    handles_before: Vec<Secret>,
}

impl Opened {
    fn take(&mut self, record: &KeyRecord, private: &Private) -> Result<(), KeysError> {
        let broken = KeysError::Sealed(record.id);
        let is_active = record.stage == Stage::Active;
        if let Some(algorithm) = record.purpose.algorithm() {
            let key = SigningKey::from_private(record.id, algorithm, private.expose()).ok_or(broken)?;
            self.verifying.push(key.verifying().clone());
            if is_active {
                self.signing.push(Arc::new(key));
            }
            return Ok(());
        }
        let secret = private.secret().ok_or(broken)?;
        match (record.purpose, is_active) {
            (Purpose::Refresh, _) => {
                self.refresh_active = if is_active { Some(record.number) } else { self.refresh_active };
                self.refresh.insert(record.number, secret);
            }
            (_, true) => self.handle = Some((record.number, secret)),
            (_, false) => self.handles_before.push(secret),
        }
        Ok(())
    }
}

fn versions(records: &[KeyRecord]) -> BTreeMap<KeyId, u64> {
    records.iter().map(|record| (record.id, record.version)).collect()
}

/// The records that an empty realm begins with: for the two algorithms whose keys are drawn in no time a key that is
/// active at once and a standby, a refresh secret and a handle key.
///
/// # Errors
/// [`KeysError::NoEntropy`].
pub fn first_records(masters: &Masters, dice: &dyn Dice, now: Timestamp) -> Result<Vec<KeyRecord>, KeysError> {
    [
        (Purpose::SignEs256, 1, Stage::Active),
        (Purpose::SignEs256, 2, Stage::Published),
        (Purpose::SignEdDsa, 1, Stage::Active),
        (Purpose::SignEdDsa, 2, Stage::Published),
        (Purpose::Refresh, 1, Stage::Active),
        (Purpose::Handle, 1, Stage::Active),
    ]
    .into_iter()
    .map(|made| record(masters, dice, made, draw(dice, made.0)?, now))
    .collect()
}

/// Draws a name and a private part. For RSA it takes about a second.
///
/// # Errors
/// [`KeysError::NoEntropy`].
pub fn draw(dice: &dyn Dice, purpose: Purpose) -> Result<(KeyId, Private), KeysError> {
    // A draw that is no scalar of P-256 has a chance of 2^-32; a second one in a row means broken dice.
    for _ in 0..4 {
        let id = KeyId::from_bytes(drawn(dice)?);
        let private = match purpose.is_rsa() {
            true => dice.rsa_pair().ok_or(KeysError::NoEntropy)?,
            false => {
                let mut bytes = vec![0; 32];
                if !dice.fill(&mut bytes) {
                    break;
                }
                Private::new(bytes)
            }
        };
        if key::is_usable(purpose, id, &private) {
            return Ok((id, private));
        }
    }
    Err(KeysError::NoEntropy)
}

/// A new record of what was drawn.
///
/// # Errors
/// [`KeysError::NoEntropy`].
pub fn record(
    masters: &Masters,
    dice: &dyn Dice,
    (purpose, number, stage): (Purpose, u8, Stage),
    (id, private): (KeyId, Private),
    now: Timestamp,
) -> Result<KeyRecord, KeysError> {
    let nonces = [drawn(dice)?, drawn(dice)?];
    let sealed = masters.seal(id, purpose, &private, nonces).ok_or(KeysError::NoEntropy)?;
    Ok(KeyRecord { id, purpose, number, stage, sealed, created_at: now, since: now, version: 1 })
}

/// A record sealed anew.
///
/// # Errors
/// [`KeysError`].
pub fn reseal(from: &Masters, to: &Masters, record: &KeyRecord, dice: &dyn Dice) -> Result<KeyRecord, KeysError> {
    let nonces = [drawn(dice)?, drawn(dice)?];
    key::reseal(from, to, record, nonces).ok_or(KeysError::Sealed(record.id))
}

fn drawn<const N: usize>(dice: &dyn Dice) -> Result<[u8; N], KeysError> {
    let mut bytes = [0; N];
    if dice.fill(&mut bytes) { Ok(bytes) } else { Err(KeysError::NoEntropy) }
}
