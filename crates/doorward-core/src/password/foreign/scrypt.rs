//! scrypt (RFC 7914), plain and as Firebase has it: there the key that comes out encrypts the project's signer key, and
//! the hash is the ciphertext.

use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use scrypt::Params;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::super::{Memory, standard};
use super::{Refusal, Scheme, base64, between, named, number};

/// The most memory, in bytes.
pub const MOST_MEMORY: u64 = 256 << 20;
/// The most work, as N·r·p: two seconds or so.
pub const MOST_WORK: u64 = 1 << 22;

/// A hash and everything that it was made with.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Scrypt {
    cost: Cost,
    salt: Vec<u8>,
    tag: Vec<u8>,
    firebase: Option<Firebase>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    log_n: u8,
    r: u32,
    p: u32,
}

/// What all accounts of a Firebase project share.
#[derive(Clone, PartialEq, Eq)]
struct Firebase {
    separator: Vec<u8>,
    signer: Vec<u8>,
}

impl Scrypt {
    /// Reads `$scrypt$ln=17,r=8,p=1$salt$hash` (PHC, passlib), `scrypt$131072$salt$8$1$hash` (Django, whose salt is
    /// plain text) or `$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=…$salt$hash` (Firebase, as Supabase writes it).
    pub(super) fn read(text: &str) -> Result<Self, Refusal> {
        let parts: Vec<&str> = text.split('$').collect();
        match parts[..] {
            ["scrypt", n, salt, r, p, tag] => {
                let n = number(n)?;
                if n < 2 || !n.is_power_of_two() {
                    return Err(Refusal::Malformed);
                }
                let cost = Cost { log_n: n.trailing_zeros() as u8, r: number(r)?, p: number(p)? }.bounded()?;
                Self::judge(cost, salt.as_bytes().to_vec(), base64(tag)?, None)
            }
            ["", "scrypt", params, salt, tag] => {
                let mut numbers = params.split(',');
                let cost = Cost::read(&mut numbers, "ln")?;
                if numbers.next().is_some() {
                    return Err(Refusal::Malformed);
                }
                Self::judge(cost, base64(salt)?, base64(tag)?, None)
            }
            ["", "fbscrypt", params, salt, tag] => {
                let mut numbers = params.splitn(6, ',');
                if numbers.next() != Some("v=1") {
                    return Err(Refusal::Malformed);
                }
                let cost = Cost::read(&mut numbers, "n")?;
                let mut bytes = |name: &str| {
                    base64(numbers.next().and_then(|text| text.strip_prefix(name)).ok_or(Refusal::Malformed)?)
                };
                let separator = between(bytes("ss=")?, 0..=64)?;
                let signer = between(bytes("sk=")?, 16..=128)?;
                let tag = base64(tag)?;
                if tag.len() != signer.len() {
                    return Err(Refusal::Malformed);
                }
                Self::judge(cost, base64(salt)?, tag, Some(Firebase { separator, signer }))
            }
            _ => Err(Refusal::Malformed),
        }
    }

    fn judge(cost: Cost, salt: Vec<u8>, tag: Vec<u8>, firebase: Option<Firebase>) -> Result<Self, Refusal> {
        let longest = if firebase.is_some() { 128 } else { 64 };
        let (salt, tag) = (between(salt, 0..=256)?, between(tag, 16..=longest)?);
        Ok(Self { cost, salt, tag, firebase })
    }

    /// The first bytes that scrypt gives.
    fn derive(&self, password: &[u8], salt: &[u8], out: &mut [u8]) -> bool {
        let Cost { log_n, r, p } = self.cost;
        Params::new(log_n, r, p).is_ok_and(|params| scrypt::scrypt(password, salt, &params, out).is_ok())
    }
}

impl Cost {
    fn read<'a>(numbers: &mut impl Iterator<Item = &'a str>, log_n: &str) -> Result<Self, Refusal> {
        let log_n = named(numbers.next(), log_n)?;
        let (r, p) = (named(numbers.next(), "r")?, named(numbers.next(), "p")?);
        Self { log_n: u8::try_from(log_n).map_err(|_| Refusal::Dear)?, r, p }.bounded()
    }

    fn bounded(self) -> Result<Self, Refusal> {
        if self.log_n == 0 || self.r == 0 || self.p == 0 {
            return Err(Refusal::Malformed);
        }
        let n = 1_u64.checked_shl(self.log_n.into()).ok_or(Refusal::Dear)?;
        let memory = n.saturating_mul(self.r.into()).min(u64::MAX / 128);
        // Its other buffer has p blocks.
        let more = u64::from(self.r).saturating_mul(self.p.into()).min(u64::MAX / 128);
        if 128 * memory > MOST_MEMORY || 128 * more > MOST_MEMORY || memory.saturating_mul(self.p.into()) > MOST_WORK
        {
            return Err(Refusal::Dear);
        }
        Ok(self)
    }
}

impl Scheme for Scrypt {
    fn family(&self) -> &'static str {
        if self.firebase.is_some() { "firebase-scrypt" } else { "scrypt" }
    }

    fn scheme(&self) -> String {
        let Cost { log_n, r, p } = self.cost;
        match self.firebase {
            Some(_) => format!("$fbscrypt$v=1,n={log_n},r={r},p={p}"),
            None => format!("$scrypt$ln={log_n},r={r},p={p}"),
        }
    }

    fn rest(&self) -> String {
        let shared = self.firebase.as_ref().map_or_else(String::new, |firebase| {
            format!(",ss={},sk={}", standard(&firebase.separator), standard(&firebase.signer))
        });
        format!("{shared}${}${}", standard(&self.salt), standard(&self.tag))
    }

    fn verify(&self, password: &[u8], _: &mut Memory) -> bool {
        let Some(Firebase { separator, signer }) = &self.firebase else {
            let mut made = vec![0; self.tag.len()];
            return self.derive(password, &self.salt, &mut made) && made.ct_eq(&self.tag).into();
        };
        let mut key = Zeroizing::new([0; 32]);
        let salt = [&self.salt[..], separator].concat();
        self.derive(password, &salt, &mut *key)
            && encrypted(&key, signer).is_some_and(|made| made.ct_eq(&self.tag).into())
    }
}

/// AES-256 in counter mode from zero: each key is used for one text.
fn encrypted(key: &[u8; 32], text: &[u8]) -> Option<Vec<u8>> {
    let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_256, key).ok()?).ok()?;
    let mut text = text.to_vec();
    key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(FixedLength::from([0; 16]))).ok()?;
    Some(text)
}
