//! Argon2 of any kind and cost, as a PHC string (RFC 9106).

use argon2::{Algorithm, Params, Version};
use subtle::ConstantTimeEq;

use super::super::{Cost, Memory, standard};
use super::{Refusal, Scheme, base64, between, named};

/// The dearest that is taken from elsewhere.
pub const IMPORTED: Cost = Cost { memory_kib: 256 * 1024, passes: 10, lanes: 16 };

/// A hash and everything that it was made with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Argon2 {
    algorithm: Algorithm,
    version: Version,
    cost: Cost,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Argon2 {
    /// Reads a PHC string that costs no more than `dearest`. Without `v=` it is of the first version, as its authors
    /// have it.
    pub(crate) fn read(text: &str, dearest: Cost) -> Result<Self, Refusal> {
        let mut parts = text.strip_prefix('$').ok_or(Refusal::Malformed)?.split('$');
        let algorithm = match parts.next() {
            Some("argon2id") => Algorithm::Argon2id,
            Some("argon2i") => Algorithm::Argon2i,
            Some("argon2d") => Algorithm::Argon2d,
            _ => return Err(Refusal::Scheme),
        };
        let mut params = parts.next().ok_or(Refusal::Malformed)?;
        let version = match params.strip_prefix("v=") {
            Some(version) => {
                params = parts.next().ok_or(Refusal::Malformed)?;
                match version {
                    "19" => Version::V0x13,
                    "16" => Version::V0x10,
                    _ => return Err(Refusal::Malformed),
                }
            }
            None => Version::V0x10,
        };
        let mut numbers = params.split(',');
        let memory_kib = named(numbers.next(), "m")?;
        let passes = named(numbers.next(), "t")?;
        let lanes = named(numbers.next(), "p")?;
        let cost = Cost { memory_kib, passes, lanes };
        if memory_kib > dearest.memory_kib || passes > dearest.passes || lanes > dearest.lanes {
            return Err(Refusal::Dear);
        }
        let salt = between(base64(parts.next().ok_or(Refusal::Malformed)?)?, 8..=64)?;
        let tag = between(base64(parts.next().ok_or(Refusal::Malformed)?)?, 12..=64)?;
        let read = Self { algorithm, version, cost, salt, tag };
        // A secret key or associated data would stand among the numbers; we could not verify such a hash.
        if parts.next().is_some() || numbers.next().is_some() || read.params().is_none() {
            return Err(Refusal::Malformed);
        }
        Ok(read)
    }

    /// Hashes with a drawn salt, as we do it. `None` if the cost is impossible or there is no memory.
    pub(crate) fn make(password: &[u8], salt: [u8; 16], cost: Cost, memory: &mut Memory) -> Option<Self> {
        let mut made = Self::nobodys(cost, salt);
        made.tag = made.derive(password, memory)?;
        Some(made)
    }

    /// One that no password matches.
    pub(crate) fn nobodys(cost: Cost, salt: [u8; 16]) -> Self {
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        Self { algorithm, version, cost, salt: salt.to_vec(), tag: vec![0; super::super::HASH] }
    }

    /// Is it as we would make it today, at this cost?
    pub(crate) fn is_ours(&self, cost: Cost) -> bool {
        let ours = Self::nobodys(cost, [0; 16]);
        self.scheme() == ours.scheme() && (self.salt.len(), self.tag.len()) == (ours.salt.len(), ours.tag.len())
    }

    /// The text that is stored.
    pub(crate) fn text(&self) -> String {
        self.scheme() + &self.rest()
    }

    /// The scheme and its cost, as text.
    pub(crate) fn scheme(&self) -> String {
        Scheme::scheme(self)
    }

    /// Salt and hash, as text.
    pub(crate) fn rest(&self) -> String {
        Scheme::rest(self)
    }

    /// Is it made of this password?
    pub(crate) fn verify(&self, password: &[u8], memory: &mut Memory) -> bool {
        Scheme::verify(self, password, memory)
    }

    fn params(&self) -> Option<Params> {
        let Cost { memory_kib, passes, lanes } = self.cost;
        Params::new(memory_kib, passes, lanes, Some(self.tag.len())).ok()
    }

    fn derive(&self, password: &[u8], memory: &mut Memory) -> Option<Vec<u8>> {
        let params = self.params()?;
        let blocks = memory.of(params.block_count())?;
        let argon2 = argon2::Argon2::new(self.algorithm, self.version, params);
        let mut tag = vec![0; self.tag.len()];
        argon2.hash_password_into_with_memory(password, &self.salt, &mut tag, blocks).ok()?;
        Some(tag)
    }
}

impl Scheme for Argon2 {
    fn family(&self) -> &'static str {
        "argon2"
    }

    fn scheme(&self) -> String {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let version = u32::from(self.version);
        format!("${}$v={version}$m={memory_kib},t={passes},p={lanes}", self.algorithm)
    }

    fn rest(&self) -> String {
        format!("${}${}", standard(&self.salt), standard(&self.tag))
    }

    fn verify(&self, password: &[u8], memory: &mut Memory) -> bool {
        self.derive(password, memory).is_some_and(|tag| tag.ct_eq(&self.tag).into())
    }
}
