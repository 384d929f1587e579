//! The library underneath, without us: a key pair that signs and verifies, and nothing else.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair, VerificationAlgorithm,
};
use doorward_verify::{Algorithm, VerifyingKey, base64url};

/// The seed of EdDSA, the scalar of ES256, the secret of HS256: any bytes that are all different.
pub(super) const SECRET: [u8; 32] = {
    let mut bytes = [0; 32];
    let mut place = 0;
    while place < bytes.len() {
        bytes[place] = place as u8 + 9;
        place += 1;
    }
    bytes
};
/// 2048 bits; made for the tests of the verifier.
const RSA: &[u8] = include_bytes!("../../../crates/doorward-verify/tests/corpus/keys/rsa_2048.pk8");

/// A pair of an algorithm, both halves parsed once.
pub(super) struct Raw {
    private: Private,
    public: Option<ParsedPublicKey>,
}

enum Private {
    Es256(Box<EcdsaKeyPair>),
    EdDsa(Box<Ed25519KeyPair>),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Shared(Box<hmac::Key>),
}

impl Raw {
    /// The pair of an algorithm, always the same one.
    pub(super) fn of(algorithm: Algorithm) -> Option<Self> {
        let parsed = |how: &'static dyn VerificationAlgorithm, public: &[u8]| ParsedPublicKey::new(how, public).ok();
        let rsa = || RsaKeyPair::from_pkcs8(RSA).ok().map(Box::new);
        Some(match algorithm {
            Algorithm::Es256 => {
                let pair = es256()?;
                let public = parsed(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
                Self { private: Private::Es256(Box::new(pair)), public }
            }
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_seed_unchecked(&SECRET).ok()?;
                let public = parsed(&ED25519, pair.public_key().as_ref());
                Self { private: Private::EdDsa(Box::new(pair)), public }
            }
            Algorithm::Rs256 => {
                let pair = rsa()?;
                let public = parsed(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
                Self { private: Private::Rsa(pair, &RSA_PKCS1_SHA256), public }
            }
            Algorithm::Ps256 => {
                let pair = rsa()?;
                let public = parsed(&RSA_PSS_2048_8192_SHA256, pair.public_key().as_ref());
                Self { private: Private::Rsa(pair, &RSA_PSS_SHA256), public }
            }
            Algorithm::Hs256 => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
                Self { private: Private::Shared(Box::new(key)), public: None }
            }
        })
    }

    /// The same key as our verifier has it.
    pub(super) fn verifying(&self, kid: &str, algorithm: Algorithm) -> Option<VerifyingKey> {
        let key = match &self.private {
            Private::Es256(pair) => VerifyingKey::es256(kid, pair.public_key().as_ref()),
            Private::EdDsa(pair) => VerifyingKey::ed25519(kid, pair.public_key().as_ref()),
            Private::Rsa(pair, _) => {
                // DER: it ends with the modulus, two bytes of frame and the three of 65537.
                let (front, e) = pair.public_key().as_ref().split_last_chunk::<3>()?;
                let n =
                    front.get(..front.len() - 2)?.split_at_checked(front.len() - 2 - pair.public_modulus_len())?.1;
                VerifyingKey::rsa(kid, algorithm, n, e)
            }
            Private::Shared(_) => VerifyingKey::hs256(kid, &SECRET),
        };
        key.ok()
    }

    /// The point of ES256, as other libraries take it.
    pub(super) fn point(&self) -> Option<[String; 2]> {
        let Private::Es256(pair) = &self.private else { return None };
        let (x, y) = pair.public_key().as_ref().get(1..)?.split_at_checked(32)?;
        Some([x, y].map(base64url::encode))
    }

    /// Signs, and lends the signature to `take`. Asks for no memory where the library needs none.
    pub(super) fn sign<T>(&self, message: &[u8], take: impl FnOnce(&[u8]) -> T) -> Option<T> {
        Some(match &self.private {
            Private::Es256(pair) => take(pair.sign(&SystemRandom::new(), message).ok()?.as_ref()),
            Private::EdDsa(pair) => take(pair.sign(message).as_ref()),
            Private::Rsa(pair, padding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*padding, &SystemRandom::new(), message, &mut signature).ok()?;
                take(&signature)
            }
            Private::Shared(key) => take(hmac::sign(key, message).as_ref()),
        })
    }

    /// Verifies, and nothing else.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match (&self.public, &self.private) {
            (Some(public), _) => public.verify_sig(message, signature).is_ok(),
            (None, Private::Shared(key)) => hmac::verify(key, message, signature).is_ok(),
            (None, _) => false,
        }
    }
}

/// The library takes a scalar together with its point only: ours computes that.
fn es256() -> Option<EcdsaKeyPair> {
    use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
    let point = PrivateKey::from_private_key(&ECDH_P256, &SECRET).ok()?.compute_public_key().ok()?;
    EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &SECRET, point.as_ref()).ok()
}
