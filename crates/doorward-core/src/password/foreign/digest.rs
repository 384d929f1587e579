//! Digests that were never meant for passwords. A thief tries billions of passwords a second against one, so it is
//! never stored as it is: at import it is hashed once more, with Argon2id.

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest};
use md5::Digest as _;
use zeroize::Zeroize;

use super::super::{Cost, Memory, standard};
use super::argon::{Argon2, IMPORTED};
use super::{Refusal, Scheme, base64, between};

/// A digest function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// Where the salt stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before the password.
    Prefix,
    /// After it.
    Suffix,
}

impl Place {
    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "prefix" => Some(Self::Prefix),
            "suffix" => Some(Self::Suffix),
            _ => None,
        }
    }
}

impl Digest {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Md5, Self::Sha1, Self::Sha256, Self::Sha512];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Reads the name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|digest| digest.name() == name)
    }

    const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    pub(super) fn of(self, text: &[u8]) -> Vec<u8> {
        let algorithm: &'static Algorithm = match self {
            Self::Md5 => return md5::Md5::digest(text).to_vec(),
            Self::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &SHA256,
            Self::Sha512 => &SHA512,
        };
        digest(algorithm, text).as_ref().to_vec()
    }
}

/// A digest as another system kept it. Only its way into [`Foreign::wrap`](super::Foreign::wrap) leads to a row.
#[derive(Clone)]
pub struct Weak {
    kind: Kind,
    value: Vec<u8>,
}

/// How a digest was made.
#[derive(Clone, PartialEq, Eq)]
struct Kind {
    digest: Digest,
    place: Place,
    salt: Vec<u8>,
}

impl Weak {
    /// Reads a digest of a known function in hexadecimal, with the salt as it stood beside the password.
    ///
    /// # Errors
    /// [`Refusal::Malformed`].
    pub fn read(digest: Digest, text: &str, salt: &str, place: Place) -> Result<Self, Refusal> {
        let salt = between(salt.as_bytes().to_vec(), 0..=256)?;
        let value = unhex(text).filter(|value| value.len() == digest.length()).ok_or(Refusal::Malformed)?;
        let place = if salt.is_empty() { Place::Prefix } else { place };
        Ok(Self { kind: Kind { digest, place, salt }, value })
    }

    /// Reads `md5$salt$digest` or `sha1$salt$digest`, as old Django wrote them.
    ///
    /// # Errors
    /// [`Refusal::Scheme`] if it is nothing of the kind, [`Refusal::Malformed`].
    pub fn read_django(text: &str) -> Result<Self, Refusal> {
        let mut parts = text.split('$');
        let (Some(name @ ("md5" | "sha1")), Some(salt), Some(value), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::Scheme);
        };
        Self::read(Digest::from_name(name).ok_or(Refusal::Scheme)?, value, salt, Place::Prefix)
    }

    /// The name of its function.
    pub const fn family(&self) -> &'static str {
        self.kind.digest.name()
    }
}

impl core::fmt::Debug for Weak {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Weak({})", self.family())
    }
}

impl Drop for Weak {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

/// A digest inside Argon2id.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Wrapped {
    kind: Kind,
    outer: Argon2,
}

impl Wrapped {
    /// What stored texts begin with.
    pub(super) const WORDS: [&'static str; 4] = ["$md5-", "$sha1-", "$sha256-", "$sha512-"];

    /// Reads the text of [`Scheme::scheme`] and [`Scheme::rest`].
    pub(super) fn read(text: &str) -> Result<Self, Refusal> {
        let parts: Vec<&str> = text.split('$').collect();
        let ["", word, "argon2id", version, params, inner, salt, tag] = parts[..] else {
            return Err(Refusal::Malformed);
        };
        let (name, place) = word.split_once('-').ok_or(Refusal::Malformed)?;
        let digest = Digest::from_name(name).ok_or(Refusal::Malformed)?;
        let place = Place::from_name(place).ok_or(Refusal::Malformed)?;
        let inner = between(base64(inner)?, 0..=256)?;
        if inner.is_empty() && place == Place::Suffix {
            return Err(Refusal::Malformed);
        }
        let outer = Argon2::read(&format!("$argon2id${version}${params}${salt}${tag}"), IMPORTED)?;
        Ok(Self { kind: Kind { digest, place, salt: inner }, outer })
    }

    pub(super) fn make(weak: &Weak, salt: [u8; 16], cost: Cost, memory: &mut Memory) -> Option<Self> {
        let outer = Argon2::make(&weak.value, salt, cost, memory)?;
        Some(Self { kind: weak.kind.clone(), outer })
    }
}

impl Scheme for Wrapped {
    fn family(&self) -> &'static str {
        self.kind.digest.name()
    }

    fn scheme(&self) -> String {
        let place = match self.kind.place {
            Place::Prefix => "prefix",
            Place::Suffix => "suffix",
        };
        format!("${}-{place}{}", self.kind.digest.name(), self.outer.scheme())
    }

    fn rest(&self) -> String {
        format!("${}{}", standard(&self.kind.salt), self.outer.rest())
    }

    fn verify(&self, password: &[u8], memory: &mut Memory) -> bool {
        let Kind { digest, place, salt } = &self.kind;
        let mut text = match place {
            Place::Prefix => [&salt[..], password].concat(),
            Place::Suffix => [password, &salt[..]].concat(),
        };
        let mut value = digest.of(&text);
        text.zeroize();
        let right = self.outer.verify(&value, memory);
        value.zeroize();
        right
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16).map(|value| value as u8)).collect::<Option<_>>()?;
    let (pairs, left) = digits.as_chunks::<2>();
    left.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}
