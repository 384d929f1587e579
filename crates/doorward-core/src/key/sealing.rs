//! How private parts rest: sealed under the master key (AES-256-GCM), each in its place. A record that was moved to
//! another id or purpose does not open.
//!
//! While the master key is being replaced a record holds two envelopes of the same length, the older first: either master
//! key opens everything, so a process may be killed and started with either. Whoever starts with the newer one takes the
//! older envelope away.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use core::fmt;
use zeroize::{Zeroize, Zeroizing};

use super::{KeyRecord, Purpose, Stage};
use crate::id::KeyId;
use crate::secret::Secret;

/// The private part of a key: 32 bytes, or an RSA pair as PKCS#8. Wiped when dropped.
pub struct Private(Zeroizing<Vec<u8>>);

impl Private {
    /// Takes the bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for a key's parser; never for a log or a column.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// As 256 secret bits, if that is what it is.
    pub fn secret(&self) -> Option<Secret> {
        <[u8; 32]>::try_from(self.expose()).ok().map(Secret::from_bytes)
    }
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Private(..)")
    }
}

/// The master keys of a process.
#[derive(Debug)]
pub struct Masters {
    current: Secret,
    other: Option<Other>,
}

#[derive(Debug)]
enum Other {
    /// The one before: it opens what is not sealed anew yet, and seals nothing.
    Before(Secret),
    /// The one that takes over: all is sealed under both.
    After(Secret),
}

/// Which of a record's envelopes was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Envelope {
    Only,
    Older,
    Newer,
}

impl Masters {
    /// One master key and no other.
    pub const fn only(current: Secret) -> Self {
        Self { current, other: None }
    }

    /// A master key, and the one that it has replaced.
    pub const fn replacing(current: Secret, before: Secret) -> Self {
        Self { current, other: Some(Other::Before(before)) }
    }

    /// The same, and a master key that takes over at the next start. If it is the current one, nothing takes over.
    #[must_use]
    pub fn with_next(&self, next: &Secret) -> Self {
        let copy = |secret: &Secret| Secret::from_bytes(*secret.expose());
        let is_another = !next.hash().matches(&self.current.hash());
        Self { current: copy(&self.current), other: is_another.then(|| Other::After(copy(next))) }
    }

    /// Seals a private part in its place. `nonces` must be drawn for this call alone.
    pub fn seal(&self, id: KeyId, purpose: Purpose, private: &Private, nonces: [[u8; 12]; 2]) -> Option<Vec<u8>> {
        let mut sealed = envelope(&self.current, id, purpose, private, nonces[0])?;
        if let Some(Other::After(next)) = &self.other {
            sealed.extend(envelope(next, id, purpose, private, nonces[1])?);
        }
        Some(sealed)
    }

    /// Opens a record's private part; `None` if it was sealed under another master key, or was changed or moved.
    pub fn open(&self, record: &KeyRecord) -> Option<Private> {
        self.opened(record).map(|(private, _)| private)
    }

    /// Is this record not sealed as these masters would? Then it should be sealed anew. A replacement under way, seen by a
    /// process that has the older key alone, stays as it is: who comes with the newer one needs its envelope.
    pub fn would_reseal(&self, record: &KeyRecord) -> bool {
        if record.stage == Stage::Retired {
            return false;
        }
        match (self.opened(record), &self.other) {
            (Some((_, Envelope::Only)), None | Some(Other::Before(_))) => open_with(&self.current, record).is_none(),
            (Some((_, Envelope::Older)), None) => false,
            (Some((_, Envelope::Older)), Some(Other::After(next))) => open_with(next, record).is_none(),
            (Some(_), _) => true,
            (None, _) => false,
        }
    }

    /// Does this record wait for a process with a newer master key than ours?
    pub fn is_superseded(&self, record: &KeyRecord) -> bool {
        self.other.is_none() && matches!(self.opened(record), Some((_, Envelope::Older)))
    }

    fn opened(&self, record: &KeyRecord) -> Option<(Private, Envelope)> {
        open_with(&self.current, record).or_else(|| match &self.other {
            Some(Other::Before(other) | Other::After(other)) => open_with(other, record),
            None => None,
        })
    }
}

/// The record sealed anew under these masters; `None` if it cannot be opened.
pub fn reseal(from: &Masters, to: &Masters, record: &KeyRecord, nonces: [[u8; 12]; 2]) -> Option<KeyRecord> {
    let sealed = to.seal(record.id, record.purpose, &from.open(record)?, nonces)?;
    Some(KeyRecord { sealed, version: record.version + 1, ..record.clone() })
}

fn envelope(master: &Secret, id: KeyId, purpose: Purpose, private: &Private, nonce: [u8; 12]) -> Option<Vec<u8>> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, master.expose()).ok()?);
    // Room for the tag, so that growing leaves no copy of the private part behind.
    let mut text = Vec::with_capacity(private.expose().len() + AES_256_GCM.tag_len());
    text.extend_from_slice(private.expose());
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place(id, purpose)), &mut text)
        .ok()?;
    Some([&nonce, &text[..]].concat())
}

/// What a master key opens of a record: all of it, or one of its halves. Only the right one passes for authentic.
fn open_with(master: &Secret, record: &KeyRecord) -> Option<(Private, Envelope)> {
    let sealed = &record.sealed[..];
    let (older, newer) = sealed.split_at(sealed.len() / 2);
    [(sealed, Envelope::Only), (older, Envelope::Older), (newer, Envelope::Newer)]
        .into_iter()
        .find_map(|(text, which)| Some((open_envelope(master, record, text)?, which)))
}

fn open_envelope(master: &Secret, record: &KeyRecord, sealed: &[u8]) -> Option<Private> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, master.expose()).ok()?);
    let (nonce, text) = sealed.split_first_chunk::<12>()?;
    let mut text = Zeroizing::new(text.to_vec());
    let place = Aad::from(place(record.id, record.purpose));
    let plain = key.open_in_place(Nonce::assume_unique_for_key(*nonce), place, &mut text).ok()?;
    let private = Private::new(plain.to_vec());
    plain.zeroize();
    Some(private)
}

fn place(id: KeyId, purpose: Purpose) -> Vec<u8> {
    [b"doorward key 1 ", id.to_string().as_bytes(), b" ", purpose.name().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use doorward_verify::Timestamp;

    use super::*;

    fn secret(byte: u8) -> Secret {
        Secret::from_bytes([byte; 32])
    }

    fn only(byte: u8) -> Masters {
        Masters::only(secret(byte))
    }

    fn record(masters: &Masters, private: &[u8]) -> KeyRecord {
        let (id, purpose) = (KeyId::from_bytes([1; 16]), Purpose::SignEs256);
        let sealed = masters.seal(id, purpose, &Private::new(private.to_vec()), [[1; 12], [2; 12]]);
        let at = Timestamp::from_secs(0);
        KeyRecord {
            id,
            purpose,
            number: 1,
            stage: Stage::Active,
            sealed: sealed.expect("sealed"),
            created_at: at,
            since: at,
            version: 1,
        }
    }

    fn opens(masters: &Masters, record: &KeyRecord) -> bool {
        masters.open(record).is_some()
    }

    #[test]
    fn a_sealed_key_opens_only_in_its_place_under_its_master_key() {
        for length in [32, 33, 1793] {
            let kept = record(&only(9), &vec![1; length]);
            assert_eq!(only(9).open(&kept).expect("ours").expose(), vec![1; length]);
            assert!(!opens(&only(8), &kept), "another master key");
            assert!(!opens(&only(9), &KeyRecord { purpose: Purpose::Refresh, ..kept.clone() }), "another purpose");
            assert!(!opens(&only(9), &KeyRecord { id: KeyId::from_bytes([2; 16]), ..kept.clone() }), "another id");
            for place in 0..kept.sealed.len() {
                let mut changed = kept.clone();
                changed.sealed[place] ^= 1;
                assert!(!opens(&only(9), &changed), "byte {place}");
            }
        }
    }

    #[test]
    fn while_a_master_key_is_replaced_either_opens_and_the_newer_one_ends_it() {
        for length in [32, 1793] {
            let kept = record(&only(1), &vec![7; length]);
            let both = only(1).with_next(&secret(2));
            assert!(both.would_reseal(&kept));
            let turned = reseal(&only(1), &both, &kept, [[3; 12], [4; 12]]).expect("sealed anew");
            assert_eq!(turned.version, 2);
            assert!(opens(&only(1), &turned) && opens(&only(2), &turned) && !opens(&only(3), &turned));
            assert!(!both.would_reseal(&turned), "once is enough");
            assert!(!only(1).would_reseal(&turned), "the older one must not take the newer one's envelope away");
            assert!(only(1).is_superseded(&turned) && !only(2).is_superseded(&turned));
            assert!(only(2).would_reseal(&turned));
            let ended = reseal(&only(2), &only(2), &turned, [[5; 12], [6; 12]]).expect("sealed anew");
            assert!(!opens(&only(1), &ended) && opens(&only(2), &ended) && !only(2).would_reseal(&ended));
        }
    }

    #[test]
    fn with_the_one_before_at_hand_everything_is_sealed_under_the_new_one() {
        let kept = record(&only(1), &[7; 32]);
        let masters = Masters::replacing(secret(2), secret(1));
        assert!(opens(&masters, &kept) && masters.would_reseal(&kept));
        let turned = reseal(&masters, &masters, &kept, [[3; 12], [4; 12]]).expect("sealed anew");
        assert!(opens(&only(2), &turned) && !opens(&only(1), &turned) && !masters.would_reseal(&turned));
        // A replacement that is taken back: the new one is before, the old one current again.
        let both = record(&only(1).with_next(&secret(2)), &[7; 32]);
        assert!(Masters::replacing(secret(1), secret(2)).would_reseal(&both));
        assert!(only(1).with_next(&secret(1)).would_reseal(&both) == only(1).would_reseal(&both));
    }

    #[test]
    fn debug_shows_nothing() {
        let told = format!("{:?} {:?}", Private::new(vec![7; 32]), Masters::replacing(secret(7), secret(8)));
        assert!(!told.contains('7'), "{told}");
    }
}
