//! Secrets that clients hold, and what we keep of them.
//!
//! A [`Secret`] cannot be printed, compared by `==`, copied or serialised, and is wiped when dropped. A store only ever
//! sees its [`SecretHash`]. The text form is prefix, base64url and six base62 characters of a CRC-32 over what stands
//! before them, so that secret scanners find leaked ones and typing errors cost no look-up.

use core::fmt;

use aws_lc_rs::{digest, hmac};
use doorward_verify::base64url;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKSUM: usize = 6;
/// Characters of 32 bytes in base64url.
const BODY: usize = 43;

/// 256 secret bits.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// Takes 32 drawn bytes.
    pub const fn from_bytes(drawn: [u8; 32]) -> Self {
        Self(drawn)
    }

    /// The bytes, for a key derivation or a MAC; never for a log or a column.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// What may be stored.
    pub fn hash(&self) -> SecretHash {
        SecretHash(sha256(&[&self.0]))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The SHA-256 of a [`Secret`]: finds the row, and is worth nothing to a thief of the database.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    /// Compares without telling by its time where the difference is.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// The kinds of 256-bit secrets that have a text form of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// `dws_`: what a session cookie carries.
    Session,
    /// `dwc_`: what a confidential client authenticates with.
    Client,
    /// `dwv_`: what a verifier shows to follow the feed.
    Verifier,
}

impl SecretKind {
    /// The prefix that scanners look for.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "dws_",
            Self::Client => "dwc_",
            Self::Verifier => "dwv_",
        }
    }

    /// Writes the text that the client gets to hold.
    pub fn text(self, secret: &Secret) -> String {
        write_text(self.prefix(), secret.expose())
    }

    /// Reads a text of this kind; `None` if prefix, length, alphabet or checksum is wrong.
    pub fn parse(self, text: &str) -> Option<Secret> {
        let mut bytes = [0; 32];
        let found = read_text(self.prefix(), text, BODY, &mut bytes)?;
        let secret = (found == 32).then_some(Secret(bytes));
        bytes.zeroize();
        secret
    }
}

/// Writes `prefix`, base64url and checksum.
pub(crate) fn write_text(prefix: &str, bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(prefix.len() + bytes.len() * 4 / 3 + 2 + CHECKSUM);
    text.extend_from_slice(prefix.as_bytes());
    base64url::encode_to(bytes, &mut text);
    let sum = checksum(&text);
    text.extend_from_slice(&sum);
    String::from_utf8(text).unwrap_or_default()
}

/// Reads `prefix`, `body` base64url characters and checksum into `out`; gives the number of bytes.
pub(crate) fn read_text(prefix: &str, text: &str, body: usize, out: &mut [u8]) -> Option<usize> {
    let text = text.as_bytes();
    if text.len() != prefix.len() + body + CHECKSUM || !text.starts_with(prefix.as_bytes()) {
        return None;
    }
    let (signed, sum) = text.split_at(text.len() - CHECKSUM);
    if checksum(signed) != sum {
        return None;
    }
    base64url::decode_into(&signed[prefix.len()..], out).map(|bytes| bytes.len())
}

fn checksum(text: &[u8]) -> [u8; CHECKSUM] {
    let mut rest = crc32fast::hash(text);
    let mut sum = [0; CHECKSUM];
    for slot in sum.iter_mut().rev() {
        *slot = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    sum
}

/// SHA-256 over the parts, one after the other.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let digest = match parts {
        // At once, without a context on the heap.
        [whole] => digest::digest(&digest::SHA256, whole),
        parts => {
            let mut context = digest::Context::new(&digest::SHA256);
            for part in parts {
                context.update(part);
            }
            context.finish()
        }
    };
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// HMAC-SHA-256 over the parts, each preceded by its length, so that no two lists of parts read alike.
pub(crate) fn mac(key: &Secret, parts: &[&[u8]]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
    let mut context = hmac::Context::with_key(&key);
    for part in parts {
        context.update(&(part.len() as u32).to_be_bytes());
        context.update(part);
    }
    let mut tag = [0; 32];
    tag.copy_from_slice(context.sign().as_ref());
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_survives_its_text_and_nothing_else_is_read() {
        let text = SecretKind::Session.text(&Secret([7; 32]));
        assert_eq!(text.len(), 53);
        let read = SecretKind::Session.parse(&text).expect("the text we wrote");
        assert!(read.hash().matches(&Secret([7; 32]).hash()));
        assert!(SecretKind::Client.parse(&text).is_none(), "another kind");
        for cut in 0..text.len() {
            assert!(SecretKind::Session.parse(&text[..cut]).is_none());
        }
        assert!(SecretKind::Session.parse(&format!("{text}0")).is_none());
        for place in 0..text.len() {
            let mut other = text.clone().into_bytes();
            other[place] = if other[place] == b'A' { b'B' } else { b'A' };
            assert!(SecretKind::Session.parse(core::str::from_utf8(&other).expect("ASCII")).is_none(), "{place}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret([7; 32])), "Secret(..)");
        assert_eq!(format!("{:?}", Secret([7; 32]).hash()), "SecretHash(..)");
    }

    #[test]
    fn parts_of_a_mac_do_not_run_into_each_other() {
        let key = Secret([1; 32]);
        assert_ne!(mac(&key, &[b"ab", b"c"]), mac(&key, &[b"a", b"bc"]));
    }
}
