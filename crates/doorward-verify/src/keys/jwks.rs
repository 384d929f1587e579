//! Reads JWK sets, strictly.

use super::{Algorithm, KeyError, KeySet, LONGEST_SET, MOST_KEYS, VerifyingKey};
use crate::base64url;
use crate::json::{self, Malformed, Reader};

impl From<Malformed> for KeyError {
    fn from(_: Malformed) -> Self {
        Self::SetMalformed
    }
}

/// What kind of set is read.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    /// For everybody to read; RSA keys without `alg` are for this algorithm.
    Public { rsa: Option<Algorithm> },
    /// Shared secrets, from a place that nobody else reads.
    Secret,
}

/// The algorithms of RSA keys that are not for us (RFC 7518 sections 3.1 and 4.1).
const OTHER_RSA: [&str; 9] =
    ["RS384", "RS512", "PS384", "PS512", "RSA1_5", "RSA-OAEP", "RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512"];

pub(super) fn parse(jwks: &[u8], reading: Reading) -> Result<KeySet, KeyError> {
    if jwks.len() > LONGEST_SET {
        return Err(KeyError::SetTooLarge);
    }
    let mut bytes = jwks.to_vec();
    let mut keys: Option<Vec<VerifyingKey>> = None;
    let mut seen = 0;
    json::read_object(&mut bytes, |name, value| {
        if name != "keys" {
            return Ok(value.skip()?);
        }
        let keys = keys.insert(Vec::new());
        value.array(|element| {
            seen += 1;
            if seen > MOST_KEYS {
                return Err(KeyError::TooManyKeys);
            }
            let mut jwk = Jwk::default();
            element.object(|name, value| jwk.read(name, value))?;
            let Some(key) = jwk.settle(reading)? else { return Ok(()) };
            if keys.iter().any(|known| known.kid() == key.kid()) {
                return Err(KeyError::KidRepeated);
            }
            keys.push(key);
            Ok(())
        })
    })?;
    keys.map(|keys| KeySet { keys }).ok_or(KeyError::SetMalformed)
}

/// The members of one key that mean something to us.
#[derive(Default)]
struct Jwk<'a> {
    kty: Option<&'a str>,
    crv: Option<&'a str>,
    x: Option<&'a str>,
    y: Option<&'a str>,
    n: Option<&'a str>,
    e: Option<&'a str>,
    k: Option<&'a str>,
    alg: Option<&'a str>,
    purpose: Option<&'a str>,
    kid: Option<&'a str>,
    /// `key_ops` is there and does not list `verify`.
    cannot_verify: bool,
    private: bool,
}

impl<'a> Jwk<'a> {
    fn read(&mut self, name: &str, value: &mut Reader<'a>) -> Result<(), Malformed> {
        match name {
            "kty" => self.kty = Some(value.string()?),
            "crv" => self.crv = Some(value.string()?),
            "x" => self.x = Some(value.string()?),
            "y" => self.y = Some(value.string()?),
            "n" => self.n = Some(value.string()?),
            "e" => self.e = Some(value.string()?),
            "k" => self.k = Some(value.string()?),
            "alg" => self.alg = Some(value.string()?),
            "use" => self.purpose = Some(value.string()?),
            "kid" => self.kid = Some(value.string()?),
            "key_ops" => {
                let mut listed = false;
                value.array(|operation| {
                    listed |= operation.string()? == "verify";
                    Ok::<_, Malformed>(())
                })?;
                self.cannot_verify = !listed;
            }
            // Private parts (RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section 2).
            "d" | "p" | "q" | "dp" | "dq" | "qi" | "oth" => {
                self.private = true;
                value.skip()?;
            }
            _ => value.skip()?,
        }
        Ok(())
    }

    /// `None` if the key is not for us.
    fn settle(self, reading: Reading) -> Result<Option<VerifyingKey>, KeyError> {
        let kty = self.kty.ok_or(KeyError::SetMalformed)?;
        let rsa = match reading {
            Reading::Secret => return self.secret(kty).map(Some),
            Reading::Public { rsa } => rsa,
        };
        if kty == "oct" {
            return Err(KeyError::PrivateShown);
        }
        let Some(implied) = implied(kty, self.crv) else { return Ok(None) };
        if self.private {
            return Err(KeyError::PrivateShown);
        }
        if !self.is_for_signatures() {
            return Ok(None);
        }
        let Some(algorithm) = self.algorithm(implied, rsa)? else { return Ok(None) };
        let kid = self.kid.ok_or(KeyError::KidInvalid)?;
        let key = match algorithm {
            Algorithm::Es256 => {
                let mut point = [4; 65];
                point[1..33].copy_from_slice(&coordinate(self.x)?);
                point[33..].copy_from_slice(&coordinate(self.y)?);
                VerifyingKey::es256(kid, &point)
            }
            Algorithm::EdDsa => VerifyingKey::ed25519(kid, &coordinate(self.x)?),
            Algorithm::Rs256 | Algorithm::Ps256 => {
                VerifyingKey::rsa(kid, algorithm, &number(self.n)?, &number(self.e)?)
            }
            Algorithm::Hs256 => Err(KeyError::AlgorithmMismatch),
        };
        key.map(Some)
    }

    fn is_for_signatures(&self) -> bool {
        !self.cannot_verify && self.purpose.is_none_or(|purpose| purpose == "sig")
    }

    /// The algorithm of a key whose kind has these; `None` if it is one we do not have. A header cannot make it another.
    fn algorithm(&self, implied: &[Algorithm], rsa: Option<Algorithm>) -> Result<Option<Algorithm>, KeyError> {
        match (self.alg, implied) {
            (Some(alg), _) => match implied.iter().find(|algorithm| algorithm.name() == alg) {
                None if implied.len() > 1 && OTHER_RSA.contains(&alg) => Ok(None),
                None => Err(KeyError::AlgorithmMismatch),
                found => Ok(found.copied()),
            },
            (None, [only]) => Ok(Some(*only)),
            (None, _) => match rsa.ok_or(KeyError::AlgorithmMissing)? {
                assumed if implied.contains(&assumed) => Ok(Some(assumed)),
                _ => Err(KeyError::AlgorithmMismatch),
            },
        }
    }

    fn secret(&self, kty: &str) -> Result<VerifyingKey, KeyError> {
        if kty != "oct" {
            return Err(KeyError::KindsMixed);
        }
        if self.alg != Some(Algorithm::Hs256.name()) || !self.is_for_signatures() {
            return Err(KeyError::AlgorithmMismatch);
        }
        let kid = self.kid.ok_or(KeyError::KidInvalid)?;
        VerifyingKey::hs256(kid, &self.k.and_then(base64url::decode).ok_or(KeyError::SecretWeak)?)
    }
}

/// The algorithms that a kind of key can be for; `None` for a kind we do not know.
fn implied(kty: &str, crv: Option<&str>) -> Option<&'static [Algorithm]> {
    match (kty, crv) {
        ("EC", Some("P-256")) => Some(&[Algorithm::Es256]),
        ("OKP", Some("Ed25519")) => Some(&[Algorithm::EdDsa]),
        ("RSA", _) => Some(&[Algorithm::Rs256, Algorithm::Ps256]),
        _ => None,
    }
}

/// Reads a number of an RSA key.
fn number(text: Option<&str>) -> Result<Vec<u8>, KeyError> {
    text.and_then(base64url::decode).ok_or(KeyError::PublicInvalid)
}

/// Reads exactly 32 bytes: a short coordinate is not padded (RFC 7518 section 6.2.1.2).
fn coordinate(text: Option<&str>) -> Result<[u8; 32], KeyError> {
    text.and_then(base64url::decode).and_then(|bytes| bytes.try_into().ok()).ok_or(KeyError::PublicInvalid)
}

#[cfg(test)]
mod tests;
