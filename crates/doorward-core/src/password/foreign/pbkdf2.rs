//! PBKDF2 (RFC 8018), in the spellings of PHC, passlib and Django.

use core::num::NonZeroU32;

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};

use super::super::{Memory, standard};
use super::{Refusal, Scheme, base64, between, number};

/// The most rounds over all blocks: some seconds, seven times what is advised today.
pub const MOST: u32 = 10_000_000;

/// The hash function inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Sha1,
    Sha256,
    Sha512,
}

impl Function {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// A hash and everything that it was made with.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pbkdf2 {
    function: Function,
    rounds: NonZeroU32,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Pbkdf2 {
    /// Reads `$pbkdf2-sha256$i=600000$salt$hash` (PHC), `$pbkdf2-sha256$600000$salt$hash` (passlib, whose `$pbkdf2$` is
    /// SHA-1) or `pbkdf2_sha256$600000$salt$hash` (Django, whose salt is plain text).
    pub(super) fn read(text: &str) -> Result<Self, Refusal> {
        let (word, rest) = text.strip_prefix('$').unwrap_or(text).split_once('$').ok_or(Refusal::Malformed)?;
        let django = !text.starts_with('$');
        let name = match word.strip_prefix("pbkdf2") {
            Some("") => "sha1",
            Some(name) => name.strip_prefix(if django { '_' } else { '-' }).ok_or(Refusal::Malformed)?,
            None => return Err(Refusal::Scheme),
        };
        let function = Function::from_name(name).ok_or(Refusal::Scheme)?;
        let mut parts = rest.split('$');
        let (Some(rounds), Some(salt), Some(tag), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::Malformed);
        };
        let tag = between(base64(tag)?, 16..=64)?;
        let rounds = if django { number(rounds)? } else { phc_rounds(rounds, tag.len())? };
        let salt = if django { salt.as_bytes().to_vec() } else { base64(salt)? };
        let blocks = tag.len().div_ceil(function.length()) as u32;
        if rounds.saturating_mul(blocks) > MOST {
            return Err(Refusal::Dear);
        }
        let rounds = NonZeroU32::new(rounds).ok_or(Refusal::Malformed)?;
        Ok(Self { function, rounds, salt: between(salt, 0..=256)?, tag })
    }
}

/// `i=600000,l=32` or the bare number. The length, where it is told, must be the hash's.
fn phc_rounds(text: &str, length: usize) -> Result<u32, Refusal> {
    let Some(params) = text.strip_prefix("i=") else { return number(text) };
    match params.split_once(",l=") {
        None => number(params),
        Some((rounds, told)) if number(told)? as usize == length => number(rounds),
        Some(_) => Err(Refusal::Malformed),
    }
}

impl Scheme for Pbkdf2 {
    fn family(&self) -> &'static str {
        "pbkdf2"
    }

    fn scheme(&self) -> String {
        // Every block of the hash costs all rounds.
        format!("$pbkdf2-{}$i={},l={}", self.function.name(), self.rounds, self.tag.len())
    }

    fn rest(&self) -> String {
        format!("${}${}", standard(&self.salt), standard(&self.tag))
    }

    fn verify(&self, password: &[u8], _: &mut Memory) -> bool {
        let function = match self.function {
            Function::Sha1 => PBKDF2_HMAC_SHA1,
            Function::Sha256 => PBKDF2_HMAC_SHA256,
            Function::Sha512 => PBKDF2_HMAC_SHA512,
        };
        pbkdf2::verify(function, self.rounds, &self.salt, password, &self.tag).is_ok()
    }
}
