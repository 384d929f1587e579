//! bcrypt, which knows only the first 72 bytes of a password.
//!
//! What stands after them was never part of the hash, so a longer password is compared as the other house compared it:
//! by its first 72 bytes. It is hashed anew at that very sign-in, and from then on all of it counts.

use aws_lc_rs::digest::{SHA256, digest};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::super::Memory;
use super::{Refusal, Scheme, number};

const ALPHABET: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// The dearest that is taken: four times the time of what is usual.
pub const DEAREST: u32 = 14;
const CHEAPEST: u32 = 4;
/// A password and its closing NUL, cut.
const KNOWN: usize = 72;
/// Django hashes before, so that all of a long password counts.
const BEHIND_SHA256: &str = "bcrypt_sha256$";

/// A hash and everything that it was made with.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Bcrypt {
    behind_sha256: bool,
    cost: u32,
    salt: [u8; 16],
    tag: [u8; 23],
}

impl Bcrypt {
    /// Reads `$2b$12$…` and the like; `2a`, `2b` and `2y` are the same for every password without a NUL.
    pub(super) fn read(text: &str) -> Result<Self, Refusal> {
        let (behind_sha256, text) = match text.strip_prefix(BEHIND_SHA256) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut parts = text.split('$');
        if parts.next() != Some("") || !matches!(parts.next(), Some("2a" | "2b" | "2y")) {
            return Err(Refusal::Malformed);
        }
        let (Some(cost), Some(both), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Refusal::Malformed);
        };
        if cost.len() != 2 {
            return Err(Refusal::Malformed);
        }
        let cost = number(cost.strip_prefix('0').unwrap_or(cost))?;
        if cost > DEAREST {
            return Err(Refusal::Dear);
        }
        let (salt, tag) = both.split_at_checked(22).ok_or(Refusal::Malformed)?;
        if cost < CHEAPEST || tag.len() != 31 {
            return Err(Refusal::Malformed);
        }
        Ok(Self { behind_sha256, cost, salt: decode(salt)?, tag: decode(tag)? })
    }
}

impl Scheme for Bcrypt {
    fn family(&self) -> &'static str {
        "bcrypt"
    }

    fn scheme(&self) -> String {
        let before = if self.behind_sha256 { BEHIND_SHA256 } else { "" };
        format!("{before}$2b${:02}$", self.cost)
    }

    fn rest(&self) -> String {
        encode(&self.salt) + &encode(&self.tag)
    }

    fn verify(&self, password: &[u8], _: &mut Memory) -> bool {
        let mut key = Zeroizing::new(Vec::with_capacity(KNOWN + 1));
        if self.behind_sha256 {
            let digits = digest(&SHA256, password);
            key.extend(digits.as_ref().iter().flat_map(|byte| [hex(byte >> 4), hex(byte & 15)]));
        } else {
            key.extend(password.iter().take(KNOWN));
        }
        key.push(0);
        key.truncate(KNOWN);
        let made = bcrypt::bcrypt(self.cost, self.salt, &key);
        made[..self.tag.len()].ct_eq(&self.tag).into()
    }
}

const fn hex(half: u8) -> u8 {
    if half < 10 { b'0' + half } else { b'a' + half - 10 }
}

/// Reads bcrypt's own base64. Bits behind the last byte say nothing and are left out.
fn decode<const N: usize>(text: &str) -> Result<[u8; N], Refusal> {
    let (mut bytes, mut place, mut held, mut bits) = ([0; N], 0, 0_u32, 0_u32);
    for letter in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter).ok_or(Refusal::Malformed)?;
        held = (held << 6 | value as u32) & 0xffff;
        bits += 6;
        if bits >= 8 && place < N {
            bits -= 8;
            bytes[place] = (held >> bits) as u8;
            place += 1;
        }
    }
    if place == N { Ok(bytes) } else { Err(Refusal::Malformed) }
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 1);
    for three in bytes.chunks(3) {
        let held = three.iter().enumerate().fold(0_u32, |held, (at, byte)| held | u32::from(*byte) << (16 - 8 * at));
        text.extend((0..=three.len()).map(|at| char::from(ALPHABET[(held >> (18 - 6 * at)) as usize & 63])));
    }
    text
}
