//! Minting access tokens (RFC 9068): the claims that are written here are the very ones verifiers read.

use core::fmt;

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use doorward_verify::token::canonical_header;
use doorward_verify::{Algorithm, Claims, KeyError, TokenType, VerifyingKey, base64url};

use crate::id::KeyId;

/// Bytes of the modulus of an RSA pair of ours, and so of its signatures: 3072 bits, as strong as P-256.
pub const RSA_MODULUS: usize = 384;

enum Pair {
    Es256(Box<EcdsaKeyPair>),
    EdDsa(Box<Ed25519KeyPair>),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Hs256(Box<hmac::Key>),
}

/// A private key, parsed once and held for life.
pub struct SigningKey {
    id: KeyId,
    pair: Pair,
    header: String,
    verifying: VerifyingKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} ..)", self.id)
    }
}

impl SigningKey {
    /// Makes the key from its private part: the 32 bytes of ES256's scalar, EdDSA's seed or HS256's secret, or an RSA pair
    /// of 3072 bits with the exponent 65537 as PKCS#8. The public half is computed, never taken. `None` if it is none of
    /// these, or a secret that could be guessed.
    pub fn from_private(id: KeyId, algorithm: Algorithm, private: &[u8]) -> Option<Self> {
        let kid = id.to_string();
        let (pair, verifying) = match algorithm {
            Algorithm::Es256 => {
                let scalar = PrivateKey::from_private_key(&ECDH_P256, private).ok()?;
                let public = scalar.compute_public_key().ok()?;
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    private,
                    public.as_ref(),
                );
                let verifying = VerifyingKey::es256(&kid, public.as_ref());
                (Pair::Es256(Box::new(pair.ok()?)), verifying)
            }
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_seed_unchecked(private).ok()?;
                let verifying = VerifyingKey::ed25519(&kid, pair.public_key().as_ref());
                (Pair::EdDsa(Box::new(pair)), verifying)
            }
            Algorithm::Rs256 => rsa(&kid, algorithm, private, &RSA_PKCS1_SHA256)?,
            Algorithm::Ps256 => rsa(&kid, algorithm, private, &RSA_PSS_SHA256)?,
            Algorithm::Hs256 => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, private);
                (Pair::Hs256(Box::new(key)), VerifyingKey::hs256(&kid, private))
            }
        };
        let header = canonical_header(algorithm, &kid, TokenType::AccessToken.name());
        Some(Self { id, pair, header, verifying: verifying.ok()? })
    }

    /// Its name, the `kid`.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The public half.
    pub const fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Does a signature take so long, a thousandth of a second and more, that it has no place on a thread that serves?
    pub const fn is_slow(&self) -> bool {
        matches!(self.pair, Pair::Rsa(..))
    }

    /// Signs. The nonce inside ECDSA and the salt inside PSS are the things this room lets be drawn elsewhere.
    fn sign(&self, message: &[u8], out: &mut [u8; RSA_MODULUS]) -> Option<usize> {
        let mut put = |signature: &[u8]| {
            out[..signature.len()].copy_from_slice(signature);
            signature.len()
        };
        Some(match &self.pair {
            Pair::Es256(pair) => put(pair.sign(&SystemRandom::new(), message).ok()?.as_ref()),
            Pair::EdDsa(pair) => put(pair.sign(message).as_ref()),
            Pair::Hs256(key) => put(hmac::sign(key, message).as_ref()),
            Pair::Rsa(pair, padding) => {
                pair.sign(*padding, &SystemRandom::new(), message, out).ok()?;
                RSA_MODULUS
            }
        })
    }
}

fn rsa(
    kid: &str,
    algorithm: Algorithm,
    private: &[u8],
    padding: &'static dyn RsaEncoding,
) -> Option<(Pair, Result<VerifyingKey, KeyError>)> {
    let pair = RsaKeyPair::from_pkcs8(private).ok()?;
    let verifying = VerifyingKey::rsa(kid, algorithm, modulus(pair.public_key().as_ref())?, &EXPONENT);
    Some((Pair::Rsa(Box::new(pair), padding), verifying))
}

/// 65537.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// The modulus of a public key of ours (`RSAPublicKey` in DER, RFC 8017 appendix A.1.1). All of them have the same size and
/// the same exponent, so all but the modulus is the same in each.
fn modulus(der: &[u8]) -> Option<&[u8]> {
    let inside = der.strip_prefix(&[0x30, 0x82, 0x01, 0x8a, 0x02, 0x82, 0x01, 0x81, 0x00])?;
    inside.strip_suffix(&[0x02, 0x03, 1, 0, 1]).filter(|modulus| modulus.len() == RSA_MODULUS)
}

/// A token that only lacks its signature.
pub struct Unsigned(Vec<u8>);

impl fmt::Debug for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unsigned(..)")
    }
}

/// Writes what a key shall sign.
pub fn draft(key: &SigningKey, claims: &Claims<'_>) -> Unsigned {
    let mut payload = Vec::with_capacity(512);
    claims.write(&mut payload);
    let signature = key.verifying.signature_length() * 4 / 3 + 3;
    let mut token = Vec::with_capacity(key.header.len() + payload.len() * 4 / 3 + 4 + signature);
    token.extend_from_slice(key.header.as_bytes());
    token.push(b'.');
    base64url::encode_to(&payload, &mut token);
    Unsigned(token)
}

/// Signs what was written for this key. `None` only if the machine has no entropy left for ECDSA or PSS.
pub fn sign(key: &SigningKey, unsigned: Unsigned) -> Option<String> {
    let Unsigned(mut token) = unsigned;
    let mut signature = [0; RSA_MODULUS];
    let length = key.sign(&token, &mut signature)?;
    token.push(b'.');
    base64url::encode_to(&signature[..length], &mut token);
    String::from_utf8(token).ok()
}

/// Signs a statement of another type than an access token: a compact JWS over `payload`. `None` only if the machine has no
/// entropy left for ECDSA or PSS.
pub fn statement(key: &SigningKey, kind: TokenType, payload: &[u8]) -> Option<String> {
    let header = canonical_header(key.verifying.algorithm(), key.verifying.kid(), kind.name());
    let mut text = header.into_bytes();
    text.push(b'.');
    base64url::encode_to(payload, &mut text);
    sign(key, Unsigned(text))
}

/// Mints an access token in compact form: [`draft`] and [`sign`].
pub fn mint(key: &SigningKey, claims: &Claims<'_>) -> Option<String> {
    sign(key, draft(key, claims))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Purpose;

    const RSA_3072: &[u8] = include_bytes!("../../doorward-verify/tests/corpus/keys/rsa_3072.pk8");
    const RSA_2048: &[u8] = include_bytes!("../../doorward-verify/tests/corpus/keys/rsa_2048.pk8");

    fn key(algorithm: Algorithm, private: &[u8]) -> Option<SigningKey> {
        SigningKey::from_private(KeyId::from_bytes([1; 16]), algorithm, private)
    }

    fn drawn() -> Vec<u8> {
        (1..=32).collect()
    }

    #[test]
    fn every_algorithm_signs_what_its_public_half_verifies() {
        for algorithm in Algorithm::ALL {
            let private = if Purpose::signing(algorithm).is_rsa() { RSA_3072.to_vec() } else { drawn() };
            let signing = key(algorithm, &private).expect("a key");
            let unsigned = Unsigned(b"header.payload".to_vec());
            let token = sign(&signing, unsigned).expect("entropy");
            let signature = base64url::decode(token.rsplit_once('.').expect("a signature").1).expect("base64url");
            assert_eq!(signature.len(), signing.verifying().signature_length(), "{algorithm:?}");
            assert!(signing.verifying().verify(b"header.payload", &signature), "{algorithm:?}");
            assert!(!signing.verifying().verify(b"header.payloae", &signature), "{algorithm:?}");
            assert_eq!(signing.is_slow(), Purpose::signing(algorithm).is_rsa());
        }
    }

    #[test]
    fn a_private_part_that_is_weak_or_of_another_kind_makes_no_key() {
        for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
            assert!(key(algorithm, RSA_2048).is_none(), "2048 bits are too few");
            assert!(key(algorithm, &drawn()).is_none());
            assert!(key(algorithm, &RSA_3072[..RSA_3072.len() - 1]).is_none());
        }
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Hs256] {
            assert!(key(algorithm, &drawn()[..31]).is_none(), "{algorithm:?}");
        }
        assert!(key(Algorithm::Hs256, &[9; 32]).is_none(), "not drawn");
        assert!(key(Algorithm::Hs256, b"secretsecretsecretsecretsecretsecret").is_none(), "a word, repeated");
        assert!(key(Algorithm::Es256, &[0; 32]).is_none() && key(Algorithm::Es256, &[0xff; 32]).is_none());
    }
}
