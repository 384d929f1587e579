//! Minting access tokens (RFC 9068): the claims that are written here are the very ones verifiers read.

use core::fmt;

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use doorward_verify::token::canonical_header;
use doorward_verify::{Algorithm, Claims, TokenType, VerifyingKey, base64url};

use crate::id::KeyId;
use crate::secret::Secret;

enum Pair {
    Es256(Box<EcdsaKeyPair>),
    EdDsa(Box<Ed25519KeyPair>),
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
    /// Makes the key from its 32 private bytes: the seed of EdDSA, the scalar of ES256. The public half is computed,
    /// never taken. `None` if the bytes are no scalar, or the algorithm is one that we verify but do not sign with.
    pub fn from_secret(id: KeyId, algorithm: Algorithm, secret: &Secret) -> Option<Self> {
        let kid = id.to_string();
        let (pair, verifying) = match algorithm {
            Algorithm::Es256 => {
                let scalar = PrivateKey::from_private_key(&ECDH_P256, secret.expose()).ok()?;
                let public = scalar.compute_public_key().ok()?;
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    secret.expose(),
                    public.as_ref(),
                );
                let verifying = VerifyingKey::es256(&kid, public.as_ref()).ok()?;
                (Pair::Es256(Box::new(pair.ok()?)), verifying)
            }
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_seed_unchecked(secret.expose()).ok()?;
                let verifying = VerifyingKey::ed25519(&kid, pair.public_key().as_ref()).ok()?;
                (Pair::EdDsa(Box::new(pair)), verifying)
            }
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Hs256 => return None,
        };
        let header = canonical_header(algorithm, &kid, TokenType::AccessToken.name());
        Some(Self { id, pair, header, verifying })
    }

    /// Its name, the `kid`.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The public half.
    pub const fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Signs. The nonce inside ECDSA is the one thing this room lets be drawn elsewhere.
    fn sign(&self, message: &[u8]) -> Option<[u8; 64]> {
        let mut signature = [0; 64];
        match &self.pair {
            Pair::Es256(pair) => {
                signature.copy_from_slice(pair.sign(&SystemRandom::new(), message).ok()?.as_ref());
            }
            Pair::EdDsa(pair) => signature.copy_from_slice(pair.sign(message).as_ref()),
        }
        Some(signature)
    }
}

/// Mints an access token in compact form. `None` only if the machine has no entropy left for ECDSA.
pub fn mint(key: &SigningKey, claims: &Claims<'_>) -> Option<String> {
    let mut payload = Vec::with_capacity(512);
    claims.write(&mut payload);
    let mut token = Vec::with_capacity(key.header.len() + payload.len() * 4 / 3 + 96);
    token.extend_from_slice(key.header.as_bytes());
    token.push(b'.');
    base64url::encode_to(&payload, &mut token);
    let signature = key.sign(&token)?;
    token.push(b'.');
    base64url::encode_to(&signature, &mut token);
    String::from_utf8(token).ok()
}
