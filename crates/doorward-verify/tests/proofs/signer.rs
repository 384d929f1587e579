//! A small world to verify in: a key for each algorithm, one issuer, one audience, one moment.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair,
};
use doorward_verify::token::canonical_header;
use doorward_verify::{
    Algorithm, Claims, Few, Handles, Key, KeySet, Lifetime, Position, Rejection, Revocations, Scratch, Timestamp,
    TokenType, Verifier, VerifyingKey, base64url,
};

pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const AUDIENCE: &str = "https://api.example";
pub(crate) const ES: &str = "key_00000000000000000000000001";
pub(crate) const ED: &str = "key_00000000000000000000000002";
pub(crate) const RS: &str = "key_00000000000000000000000006";
pub(crate) const PS: &str = "key_00000000000000000000000007";
pub(crate) const HS: &str = "key_00000000000000000000000008";
pub(crate) const SECRET: &[u8; 32] = b"\x8f\x13 a secret that is long enough!";
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

pub(crate) enum Pair {
    Es256(Box<EcdsaKeyPair>),
    EdDsa(Box<Ed25519KeyPair>),
    Rs256(Box<RsaKeyPair>),
    Ps256(Box<RsaKeyPair>),
    Hs256(Box<hmac::Key>),
}

impl Pair {
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let rsa = |pair: &RsaKeyPair, padding| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &SystemRandom::new(), message, &mut signature).unwrap();
            signature
        };
        match self {
            Self::Es256(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Self::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rs256(pair) => rsa(pair, &RSA_PKCS1_SHA256),
            Self::Ps256(pair) => rsa(pair, &RSA_PSS_SHA256),
            Self::Hs256(key) => hmac::sign(key, message).as_ref().to_vec(),
        }
    }

    /// The key as verifiers have it.
    pub(crate) fn verifying(&self, kid: &str) -> VerifyingKey {
        let rsa = |pair: &RsaKeyPair, algorithm| {
            // DER: it ends with the modulus and the five bytes of 65537.
            let der = pair.public_key().as_ref();
            let e_from = der.len() - 3;
            let n = &der[e_from - 2 - pair.public_modulus_len()..e_from - 2];
            VerifyingKey::rsa(kid, algorithm, n, &der[e_from..])
        };
        match self {
            Self::Es256(pair) => VerifyingKey::es256(kid, pair.public_key().as_ref()),
            Self::EdDsa(pair) => VerifyingKey::ed25519(kid, pair.public_key().as_ref()),
            Self::Rs256(pair) => rsa(pair, Algorithm::Rs256),
            Self::Ps256(pair) => rsa(pair, Algorithm::Ps256),
            Self::Hs256(_) => VerifyingKey::hs256(kid, SECRET),
        }
        .unwrap()
    }
}

pub(crate) struct World {
    pub(crate) es: Pair,
    pub(crate) ed: Pair,
    pub(crate) rs: Pair,
    pub(crate) ps: Pair,
    pub(crate) hs: Pair,
    pub(crate) keys: KeySet,
    pub(crate) verifier: Verifier,
    pub(crate) revocations: Revocations,
}

impl World {
    pub(crate) fn new() -> Self {
        let rsa = |der: &[u8]| Box::new(RsaKeyPair::from_pkcs8(der).unwrap());
        let es = Pair::Es256(Box::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()));
        let ed = Pair::EdDsa(Box::new(Ed25519KeyPair::generate().unwrap()));
        let rs = Pair::Rs256(rsa(include_bytes!("../corpus/keys/rsa_2048.pk8")));
        let ps = Pair::Ps256(rsa(include_bytes!("../corpus/keys/rsa_3072.pk8")));
        let hs = Pair::Hs256(Box::new(hmac::Key::new(hmac::HMAC_SHA256, SECRET)));
        let pairs = [(&es, ES), (&ed, ED), (&rs, RS), (&ps, PS), (&hs, HS)];
        let keys = KeySet::new(pairs.map(|(pair, kid)| pair.verifying(kid)).to_vec());
        let verifier = Verifier::new(ISSUER, AUDIENCE, TokenType::AccessToken);
        Self { es, ed, rs, ps, hs, keys, verifier, revocations: Revocations::new() }
    }

    /// The pair of an algorithm, and its key's id.
    pub(crate) fn pair(&self, algorithm: Algorithm) -> (&Pair, &'static str) {
        match algorithm {
            Algorithm::Es256 => (&self.es, ES),
            Algorithm::EdDsa => (&self.ed, ED),
            Algorithm::Rs256 => (&self.rs, RS),
            Algorithm::Ps256 => (&self.ps, PS),
            Algorithm::Hs256 => (&self.hs, HS),
        }
    }

    /// Signs any header and payload, honest or not, with the ES256 key.
    pub(crate) fn sign(&self, header: &str, payload: &str) -> String {
        sign_with(&self.es, &base64url::encode(header.as_bytes()), &base64url::encode(payload.as_bytes()))
    }

    /// Mints as the server does.
    pub(crate) fn mint(&self, algorithm: Algorithm, claims: &Claims<'_>) -> String {
        let (pair, kid) = self.pair(algorithm);
        let mut payload = Vec::new();
        claims.write(&mut payload);
        sign_with(pair, &canonical_header(algorithm, kid, "at+jwt"), &base64url::encode(&payload))
    }

    /// Signs the payload as a token of ours.
    pub(crate) fn mint_text(&self, payload: &str) -> String {
        self.sign(&header(ES), payload)
    }

    pub(crate) fn verdict(&self, token: &str) -> Result<(), Rejection> {
        self.verdict_at(token, NOW)
    }

    pub(crate) fn verdict_at(&self, token: &str, now: Timestamp) -> Result<(), Rejection> {
        self.verifier.verify(token, &self.keys, &self.revocations, now, &mut Scratch::new()).map(drop)
    }
}

/// The header of our own ES256 tokens.
pub(crate) fn header(kid: &str) -> String {
    format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"at+jwt"}}"#)
}

/// Signs two segments as they are.
pub(crate) fn sign_with(pair: &Pair, header: &str, payload: &str) -> String {
    let signed = format!("{header}.{payload}");
    let signature = pair.sign(signed.as_bytes());
    format!("{signed}.{}", base64url::encode(&signature))
}

/// Claims of everything, good for ten minutes from [`NOW`].
pub(crate) fn claims() -> Claims<'static> {
    Claims {
        issuer: ISSUER,
        subject: "usr_00000000000000000000000003",
        audience: Few::of(&[AUDIENCE]),
        client_id: "web",
        expires_at: NOW + Lifetime::from_mins(10),
        issued_at: NOW,
        not_before: None,
        token_id: "tok_00000000000000000000000004",
        session_id: Some("ses_00000000000000000000000005"),
        scope: Some("read write"),
        roles: Few::default(),
        auth_time: Some(NOW - Lifetime::from_hours(1)),
        acr: Some("1"),
        amr: Few::of(&["pwd"]),
        rv: Some(Position { generation: 3, seq: 100 }),
        handles: Handles { epoch: 1, subject: Some(Key([6; 16])), ..Handles::default() },
    }
}

/// The payload of [`claims`] with some text replaced.
pub(crate) fn payload(from: &str, to: &str) -> String {
    let mut bytes = Vec::new();
    claims().write(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1)
}
