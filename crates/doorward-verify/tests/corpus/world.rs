//! The keys of the corpus, the same at every making, and how its tokens are put together.

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use doorward_verify::{Algorithm, KeySet, base64url};
use serde_json::{Value, json};

use crate::signer::{ED, ES, HS, PS, Pair, RS, SECRET, payload, sign_with};

pub(super) struct World {
    pub(super) es: Pair,
    pub(super) ed: Pair,
    rs: Pair,
    ps: Pair,
    hs: Pair,
    /// A key that is in no set.
    pub(super) stranger: Pair,
}

impl World {
    pub(super) fn new() -> Self {
        let rsa = |der: &[u8]| Box::new(RsaKeyPair::from_pkcs8(der).unwrap());
        let seeded = |seed| Pair::EdDsa(Box::new(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()));
        let scalar = [0x21; 32];
        let point = PrivateKey::from_private_key(&ECDH_P256, &scalar).unwrap().compute_public_key().unwrap();
        let es =
            EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &scalar, point.as_ref());
        Self {
            es: Pair::Es256(Box::new(es.unwrap())),
            ed: seeded(0x22),
            rs: Pair::Rs256(rsa(include_bytes!("keys/rsa_2048.pk8"))),
            ps: Pair::Ps256(rsa(include_bytes!("keys/rsa_3072.pk8"))),
            hs: Pair::Hs256(Box::new(hmac::Key::new(hmac::HMAC_SHA256, SECRET))),
            stranger: seeded(0x66),
        }
    }

    pub(super) fn pair(&self, algorithm: Algorithm) -> &Pair {
        match algorithm {
            Algorithm::Es256 => &self.es,
            Algorithm::EdDsa => &self.ed,
            Algorithm::Rs256 => &self.rs,
            Algorithm::Ps256 => &self.ps,
            Algorithm::Hs256 => &self.hs,
        }
    }

    /// The public set as it is served.
    pub(super) fn public(&self) -> Value {
        let set = KeySet::new(super::PUBLIC.map(|algorithm| self.pair(algorithm).verifying(kid(algorithm))).to_vec());
        let mut text = Vec::new();
        set.write(&mut text);
        serde_json::from_slice(&text).unwrap()
    }

    /// A token of these two texts, signed by the key of an algorithm, whatever the header says.
    pub(super) fn sign(&self, algorithm: Algorithm, header: &str, payload: &str) -> String {
        sign_with(self.pair(algorithm), &encode(header), &encode(payload))
    }

    /// A token with the header of ours, signed with EdDSA.
    pub(super) fn claim(&self, payload: &str) -> String {
        self.sign(Algorithm::EdDsa, &header(Algorithm::EdDsa), payload)
    }

    /// A token of ours with another header, signed with EdDSA.
    pub(super) fn head(&self, header: &str) -> String {
        self.sign(Algorithm::EdDsa, header, &good())
    }

    /// A token as the server mints it.
    pub(super) fn mint(&self, algorithm: Algorithm) -> String {
        self.sign(algorithm, &header(algorithm), &good())
    }
}

/// The set of secrets of the tokens with HS256.
pub(super) fn shared() -> Value {
    json!({ "keys": [{ "kty": "oct", "alg": "HS256", "use": "sig", "kid": HS, "k": base64url::encode(SECRET) }] })
}

pub(super) fn kid(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Es256 => ES,
        Algorithm::EdDsa => ED,
        Algorithm::Rs256 => RS,
        Algorithm::Ps256 => PS,
        Algorithm::Hs256 => HS,
    }
}

/// The header of our own tokens.
pub(super) fn header(algorithm: Algorithm) -> String {
    format!(r#"{{"alg":"{}","kid":"{}","typ":"at+jwt"}}"#, algorithm.name(), kid(algorithm))
}

/// An honest payload.
pub(super) fn good() -> String {
    payload("", "")
}

pub(super) fn encode(text: &str) -> String {
    base64url::encode(text.as_bytes())
}

/// Do signatures of this algorithm differ from making to making?
pub(super) fn is_random(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::Es256 | Algorithm::Ps256)
}
