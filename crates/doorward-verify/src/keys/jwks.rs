//! Reads JWK sets, strictly.

use super::{Algorithm, KeyError, KeySet, LONGEST_SET, MOST_KEYS, VerifyingKey};
use crate::base64url;
use crate::json::{self, Malformed, Reader};

impl From<Malformed> for KeyError {
    fn from(_: Malformed) -> Self {
        Self::SetMalformed
    }
}

pub(super) fn parse(jwks: &[u8]) -> Result<KeySet, KeyError> {
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
            let Some(key) = jwk.settle()? else { return Ok(()) };
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
            "d" => {
                self.private = true;
                value.skip()?;
            }
            _ => value.skip()?,
        }
        Ok(())
    }

    /// `None` if the key is not for us.
    fn settle(self) -> Result<Option<VerifyingKey>, KeyError> {
        let algorithm = match (self.kty.ok_or(KeyError::SetMalformed)?, self.crv) {
            ("EC", Some("P-256")) => Algorithm::Es256,
            ("OKP", Some("Ed25519")) => Algorithm::EdDsa,
            _ => return Ok(None),
        };
        if self.private {
            return Err(KeyError::PrivateShown);
        }
        if self.cannot_verify || self.purpose.is_some_and(|purpose| purpose != "sig") {
            return Ok(None);
        }
        // A key without `alg` is for the one algorithm that its kind has here; a header cannot make it another.
        if self.alg.is_some_and(|alg| alg != algorithm.name()) {
            return Err(KeyError::AlgorithmMismatch);
        }
        let kid = self.kid.ok_or(KeyError::KidInvalid)?;
        let key = match algorithm {
            Algorithm::Es256 => {
                let mut point = [4; 65];
                point[1..33].copy_from_slice(&coordinate(self.x)?);
                point[33..].copy_from_slice(&coordinate(self.y)?);
                VerifyingKey::es256(kid, &point)
            }
            Algorithm::EdDsa => VerifyingKey::ed25519(kid, &coordinate(self.x)?),
        };
        key.map(Some)
    }
}

/// Reads exactly 32 bytes: a short coordinate is not padded (RFC 7518 section 6.2.1.2).
fn coordinate(text: Option<&str>) -> Result<[u8; 32], KeyError> {
    text.and_then(base64url::decode).and_then(|bytes| bytes.try_into().ok()).ok_or(KeyError::PublicInvalid)
}

#[cfg(test)]
mod tests;
