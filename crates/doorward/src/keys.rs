//! The opened keys of a realm: what signs, what verifies, what derives.

use std::collections::BTreeMap;

use bytes::Bytes;
use doorward_core::form::FormKey;
use doorward_core::id::{KeyId, UserId};
use doorward_core::key::{self, Drawn, KeyRecord, Purpose, Stage, unseal};
use doorward_core::known_device::Device;
use doorward_core::secret::{Secret, sha256};
use doorward_core::throttle::Whose;
use doorward_core::token::SigningKey;
use doorward_core::user::Email;
use doorward_core::{Algorithm, Handles, Key, KeySet, Timestamp, base64url};

use crate::door::Dice;

/// All keys in use, opened once and held until the next change.
pub struct Keys {
    signing: Vec<SigningKey>,
    verifying: KeySet,
    refresh: BTreeMap<u8, Secret>,
    refresh_active: u8,
    handle: Secret,
    handle_number: u8,
    form: FormKey,
    jwks: Bytes,
    etag: String,
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
    /// Opens all records under the master key.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn open(records: &[KeyRecord], master: &Secret) -> Result<Self, KeysError> {
        let mut signing = Vec::new();
        let mut verifying = Vec::new();
        let mut refresh = BTreeMap::new();
        let mut active = BTreeMap::new();
        let mut handle = None;
        for record in records.iter().filter(|record| record.stage != Stage::Retired) {
            let secret = unseal(master, record).ok_or(KeysError::Sealed(record.id))?;
            if record.stage == Stage::Active {
                active.insert(record.purpose, record.number);
            }
            match record.purpose.algorithm() {
                Some(algorithm) => {
                    let key = SigningKey::from_secret(record.id, algorithm, &secret);
                    let key = key.ok_or(KeysError::Sealed(record.id))?;
                    verifying.push(key.verifying().clone());
                    if record.stage == Stage::Active {
                        signing.push(key);
                    }
                }
                None if record.purpose == Purpose::Refresh => drop(refresh.insert(record.number, secret)),
                None if record.stage == Stage::Active => handle = Some((record.number, secret)),
                None => {}
            }
        }
        let number = |purpose: Purpose| active.get(&purpose).copied().ok_or(KeysError::Missing(purpose.name()));
        number(Purpose::SignEs256)?;
        number(Purpose::SignEdDsa)?;
        let refresh_active = number(Purpose::Refresh)?;
        let (handle_number, handle) = handle.ok_or(KeysError::Missing(Purpose::Handle.name()))?;
        let verifying = KeySet::new(verifying);
        let mut jwks = Vec::new();
        verifying.write(&mut jwks);
        let etag = format!("\"{}\"", &base64url::encode(&sha256(&[&jwks]))[..22]);
        let form = FormKey::derive(&handle);
        let jwks = jwks.into();
        Ok(Self { signing, verifying, refresh, refresh_active, handle, handle_number, form, jwks, etag })
    }

    /// The key that signs with an algorithm.
    pub fn signing(&self, algorithm: Algorithm) -> Option<&SigningKey> {
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
        let device = Device::parse(&self.handle, user.unwrap_or(UserId::from_bytes([0; 16])), text);
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

    /// What the forms of our pages are proven with.
    pub const fn form(&self) -> &FormKey {
        &self.form
    }

    /// The JWK set (RFC 7517) as it is served.
    pub fn jwks(&self) -> Bytes {
        self.jwks.clone()
    }

    /// Its ETag.
    pub fn etag(&self) -> &str {
        &self.etag
    }
}

/// The records that an empty realm begins with: for both algorithms a key that is active at once and a standby, a
/// refresh secret and a handle key.
///
/// # Errors
/// [`KeysError::NoEntropy`].
pub fn first_records(master: &Secret, dice: &dyn Dice, now: Timestamp) -> Result<Vec<KeyRecord>, KeysError> {
    [
        (Purpose::SignEs256, 1, Stage::Active),
        (Purpose::SignEs256, 2, Stage::Published),
        (Purpose::SignEdDsa, 1, Stage::Active),
        (Purpose::SignEdDsa, 2, Stage::Published),
        (Purpose::Refresh, 1, Stage::Active),
        (Purpose::Handle, 1, Stage::Active),
    ]
    .into_iter()
    .map(|(purpose, number, stage)| draw_record(master, dice, (purpose, number, stage), now))
    .collect()
}

/// Draws one record.
///
/// # Errors
/// [`KeysError::NoEntropy`].
pub fn draw_record(
    master: &Secret,
    dice: &dyn Dice,
    (purpose, number, stage): (Purpose, u8, Stage),
    now: Timestamp,
) -> Result<KeyRecord, KeysError> {
    // A draw that is no scalar of P-256 has a chance of 2^-32; a second one in a row means broken dice.
    for _ in 0..4 {
        let mut bytes = [0; 16 + 32 + 12];
        if !dice.fill(&mut bytes) {
            break;
        }
        let (mut id, mut secret, mut nonce) = ([0; 16], [0; 32], [0; 12]);
        id.copy_from_slice(&bytes[..16]);
        secret.copy_from_slice(&bytes[16..48]);
        nonce.copy_from_slice(&bytes[48..]);
        let drawn = Drawn { id: KeyId::from_bytes(id), secret: Secret::from_bytes(secret), nonce };
        if key::is_usable(purpose, drawn.id, &drawn.secret)
            && let Some(record) = key::record(master, purpose, number, stage, &drawn, now)
        {
            return Ok(record);
        }
    }
    Err(KeysError::NoEntropy)
}
