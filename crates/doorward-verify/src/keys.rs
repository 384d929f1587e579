//! Keys to check tokens with: which there are, and what their record fixes. The key's record chooses the algorithm; a
//! token's header never does (RFC 8725 section 3.1).

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::ParsedPublicKey;
use core::fmt;

use crate::json::ObjectWriter;
use crate::verifier::TokenType;
use crate::{base64url, token};

mod algorithm;
mod error;
mod jwks;
mod rsa;
mod shared;

pub use algorithm::Algorithm;
pub use error::KeyError;
pub(crate) use rsa::LONGEST_MODULUS as LONGEST_SIGNATURE;

/// How many bytes a key set may have as text.
pub const LONGEST_SET: usize = 64 * 1024;
/// How many keys a set may have as text, those that are skipped included.
pub const MOST_KEYS: usize = 64;
/// How many bytes a key id may have; at least one.
pub const LONGEST_KID: usize = 128;

/// A key with its id and its one algorithm. Cheap to clone.
#[derive(Clone)]
pub struct VerifyingKey(Arc<Record>);

struct Record {
    kid: String,
    algorithm: Algorithm,
    /// Parsed once: parsing costs as much as a good part of a verification.
    part: Part,
    /// The header segment of our own access tokens signed by this key.
    access_header: String,
    /// The same of our own statements over snapshots.
    snapshot_header: String,
    /// 128 bits that no other key has.
    fingerprint: [u8; 16],
}

enum Part {
    /// A point: 65 bytes for ES256, 32 for EdDSA.
    Point(ParsedPublicKey),
    Rsa {
        parsed: ParsedPublicKey,
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// The hash state behind the secret; the secret itself is not kept.
    Shared(Box<hmac::Key>),
}

impl VerifyingKey {
    /// A key for ES256 from its point: 65 bytes, uncompressed (SEC 1 section 2.3.3).
    ///
    /// # Errors
    /// [`KeyError::KidInvalid`], [`KeyError::PublicInvalid`].
    pub fn es256(kid: &str, point: &[u8]) -> Result<Self, KeyError> {
        // aws-lc would take a compressed point or a whole certificate's key too; one key has one spelling here.
        if point.len() != 65 || point[0] != 4 {
            return Err(KeyError::PublicInvalid);
        }
        Self::new(kid, Algorithm::Es256, Part::Point(parse(Algorithm::Es256, point)?))
    }

    /// A key for EdDSA on Ed25519 from its 32 bytes (RFC 8032 section 5.1.5).
    ///
    /// # Errors
    /// [`KeyError::KidInvalid`], [`KeyError::PublicInvalid`].
    pub fn ed25519(kid: &str, public: &[u8]) -> Result<Self, KeyError> {
        if public.len() != 32 {
            return Err(KeyError::PublicInvalid);
        }
        Self::new(kid, Algorithm::EdDsa, Part::Point(parse(Algorithm::EdDsa, public)?))
    }

    /// A key for RS256 or PS256 from its modulus, of 2048 to 8192 bits, and its exponent, both big-endian without
    /// leading zeros (RFC 7518 section 6.3.1). One key is for one of the two algorithms only.
    ///
    /// # Errors
    /// [`KeyError::KidInvalid`], [`KeyError::PublicInvalid`], [`KeyError::PublicWeak`], and
    /// [`KeyError::AlgorithmMismatch`] for an algorithm that is not of RSA.
    pub fn rsa(kid: &str, algorithm: Algorithm, n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        if !matches!(algorithm, Algorithm::Rs256 | Algorithm::Ps256) {
            return Err(KeyError::AlgorithmMismatch);
        }
        let parsed = parse(algorithm, &rsa::der(n, e)?)?;
        Self::new(kid, algorithm, Part::Rsa { parsed, n: n.to_vec(), e: e.to_vec() })
    }

    /// A key for HS256 from its secret: at least 32 bytes, drawn at random. Whoever holds this key could also sign, so it
    /// belongs into one verifier only, and no set is ever written with it.
    ///
    /// # Errors
    /// [`KeyError::KidInvalid`], [`KeyError::SecretWeak`].
    pub fn hs256(kid: &str, secret: &[u8]) -> Result<Self, KeyError> {
        shared::check(secret)?;
        Self::new(kid, Algorithm::Hs256, Part::Shared(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret))))
    }

    fn new(kid: &str, algorithm: Algorithm, part: Part) -> Result<Self, KeyError> {
        if kid.is_empty() || kid.len() > LONGEST_KID {
            return Err(KeyError::KidInvalid);
        }
        let header = |kind: TokenType| token::canonical_header(algorithm, kid, kind.name());
        Ok(Self(Arc::new(Record {
            access_header: header(TokenType::AccessToken),
            snapshot_header: header(TokenType::RevocationSnapshot),
            fingerprint: fingerprint(kid, algorithm, &part),
            kid: kid.to_owned(),
            algorithm,
            part,
        })))
    }

    /// Its id: 1 to [`LONGEST_KID`] bytes.
    pub fn kid(&self) -> &str {
        &self.0.kid
    }

    /// The one algorithm it is for.
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// Its public part: 65 bytes for ES256, 32 for EdDSA, DER (`RSAPublicKey`) for RSA; `None` for a shared secret.
    pub fn public(&self) -> Option<&[u8]> {
        match &self.0.part {
            Part::Point(parsed) | Part::Rsa { parsed, .. } => Some(parsed.as_ref()),
            Part::Shared(_) => None,
        }
    }

    /// 128 bits that stand for id, algorithm and key: another key has others. They tell nothing of a secret.
    pub(crate) fn fingerprint(&self) -> [u8; 16] {
        self.0.fingerprint
    }

    /// The base64url of the header that our own tokens of a type, signed by this key, have.
    pub fn canonical_header(&self, kind: TokenType) -> &str {
        match kind {
            TokenType::AccessToken => &self.0.access_header,
            TokenType::RevocationSnapshot => &self.0.snapshot_header,
        }
    }

    /// How many bytes its signatures have.
    pub fn signature_length(&self) -> usize {
        match &self.0.part {
            Part::Point(_) => 64,
            Part::Rsa { n, .. } => rsa::signature_length(n),
            Part::Shared(_) => 32,
        }
    }

    /// Is `signature` one of this key over `message`?
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        if signature.len() != self.signature_length() {
            return false;
        }
        match &self.0.part {
            Part::Point(parsed) | Part::Rsa { parsed, .. } => parsed.verify_sig(message, signature).is_ok(),
            Part::Shared(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }

    /// Appends the key to `out` as a JWK (RFC 7517, RFC 7518 sections 6.2 and 6.3, RFC 8037 section 2). A shared secret
    /// is never written: then it says `false`, and `out` is as it was.
    pub fn write_jwk(&self, out: &mut Vec<u8>) -> bool {
        let mut members: Vec<(&str, String)> = Vec::with_capacity(4);
        match &self.0.part {
            Part::Point(point) if self.algorithm() == Algorithm::Es256 => {
                let (x, y) = point.as_ref()[1..].split_at(32);
                members.extend([("kty", "EC".to_owned()), ("crv", "P-256".to_owned())]);
                members.extend([("x", base64url::encode(x)), ("y", base64url::encode(y))]);
            }
            Part::Point(point) => {
                members.extend([("kty", "OKP".to_owned()), ("crv", "Ed25519".to_owned())]);
                members.push(("x", base64url::encode(point.as_ref())));
            }
            Part::Rsa { n, e, .. } => {
                members.push(("kty", "RSA".to_owned()));
                members.extend([("n", base64url::encode(n)), ("e", base64url::encode(e))]);
            }
            Part::Shared(_) => return false,
        }
        let mut jwk = ObjectWriter::begin(out);
        for (name, value) in &members {
            jwk.text(name, value);
        }
        jwk.text("alg", self.algorithm().name());
        jwk.text("use", "sig");
        jwk.text("kid", self.kid());
        jwk.end();
        true
    }
}

fn parse(algorithm: Algorithm, public: &[u8]) -> Result<ParsedPublicKey, KeyError> {
    let verification = algorithm.verification().ok_or(KeyError::AlgorithmMismatch)?;
    ParsedPublicKey::new(verification, public).map_err(|_| KeyError::PublicInvalid)
}

fn fingerprint(kid: &str, algorithm: Algorithm, part: &Part) -> [u8; 16] {
    let text = match part {
        Part::Point(parsed) | Part::Rsa { parsed, .. } => parsed.as_ref().to_vec(),
        // What the secret says to one fixed text stands for it.
        Part::Shared(key) => hmac::sign(key, b"doorward fingerprint of a shared secret").as_ref().to_vec(),
    };
    // The name of the algorithm has no space, and the hash of the text has a fixed length: no two keys read alike.
    let whole = [algorithm.name().as_bytes(), b" ", digest(&SHA256, &text).as_ref(), kid.as_bytes()].concat();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest(&SHA256, &whole).as_ref()[..16]);
    bytes
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({} {})", self.algorithm().name(), self.kid())
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint() == other.fingerprint()
    }
}

impl Eq for VerifyingKey {}

/// A few keys, found by their id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
}

impl KeySet {
    /// A set of these keys, in this order. Of keys with the same id the first stays.
    pub fn new(keys: Vec<VerifyingKey>) -> Self {
        let mut set = Self { keys: Vec::with_capacity(keys.len()) };
        for key in keys {
            if set.find(key.kid().as_bytes()).is_none() {
                set.keys.push(key);
            }
        }
        set
    }

    /// Reads a public JWK set (RFC 7517 section 5). Skipped: keys of a `kty` or `crv` we do not know, RSA keys of other
    /// algorithms, and keys whose `use` or `key_ops` is not for signatures. Everything else must be right. An `oct` key is
    /// a secret and has no place in a public set ([`KeyError::PrivateShown`]); an RSA key must say its `alg`, because two
    /// algorithms are possible ([`KeyError::AlgorithmMissing`]).
    ///
    /// # Errors
    /// Any [`KeyError`]; then nothing of the set is used.
    pub fn parse(jwks: &[u8]) -> Result<Self, KeyError> {
        jwks::parse(jwks, jwks::Reading::Public { rsa: None })
    }

    /// The same for a set of an issuer whose RSA keys lack `alg` but are known to be for `rsa`. An `alg` that is there
    /// still counts.
    ///
    /// # Errors
    /// Any [`KeyError`]; then nothing of the set is used.
    pub fn parse_assuming(jwks: &[u8], rsa: Algorithm) -> Result<Self, KeyError> {
        jwks::parse(jwks, jwks::Reading::Public { rsa: Some(rsa) })
    }

    /// Reads a JWK set of shared secrets (RFC 7518 section 6.4), from a place that only this verifier and the issuer can
    /// read. Each key must be `oct` with `alg` HS256, and not `use` other than `sig`.
    ///
    /// # Errors
    /// Any [`KeyError`]; then nothing of the set is used.
    pub fn parse_secrets(jwks: &[u8]) -> Result<Self, KeyError> {
        jwks::parse(jwks, jwks::Reading::Secret)
    }

    /// The key of this id, compared byte for byte.
    pub fn find(&self, kid: &[u8]) -> Option<&VerifyingKey> {
        self.keys.iter().find(|key| key.kid().as_bytes() == kid)
    }

    /// The key whose own tokens of this type have exactly this header segment.
    pub fn find_by_header(&self, segment: &[u8], kind: TokenType) -> Option<&VerifyingKey> {
        self.keys.iter().find(|key| key.canonical_header(kind).as_bytes() == segment)
    }

    /// Appends the set to `out` as a JWK set: `{"keys":[…]}`. Shared secrets are left out.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"keys\":[");
        for key in &self.keys {
            if key.write_jwk(out) {
                out.push(b',');
            }
        }
        if out.last() == Some(&b',') {
            out.pop();
        }
        out.extend_from_slice(b"]}");
    }

    /// Walks over the keys, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &VerifyingKey> {
        self.keys.iter()
    }

    /// How many keys there are.
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}
