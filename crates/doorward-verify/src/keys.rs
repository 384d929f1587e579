//! Public keys: which there are, and what their record fixes. The key's record chooses the algorithm; a token's header
//! never does (RFC 8725 section 3.1).

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, VerificationAlgorithm};
use core::fmt;

use crate::json::ObjectWriter;
use crate::verifier::TokenType;
use crate::{base64url, token};

mod jwks;

/// How many bytes a key set may have as text.
pub const LONGEST_SET: usize = 64 * 1024;
/// How many keys a set may have as text, those that are skipped included.
pub const MOST_KEYS: usize = 64;
/// How many bytes a key id may have; at least one.
pub const LONGEST_KID: usize = 128;

/// Bytes of a signature, of either algorithm.
pub(crate) const SIGNATURE: usize = 64;

/// A way of signing. Both make signatures of 64 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4).
    Es256,
    /// Ed25519 (RFC 8037 section 3.1).
    EdDsa,
}

impl Algorithm {
    /// The value of `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of a value of `alg`, compared byte for byte.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Es256, Self::EdDsa].into_iter().find(|algorithm| algorithm.name() == name)
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Es256 => &ECDSA_P256_SHA256_FIXED,
            Self::EdDsa => &ED25519,
        }
    }
}

/// Why a key or a key set was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyError {
    /// The set has more than [`LONGEST_SET`] bytes.
    SetTooLarge,
    /// The set is no strict JSON object with an array `keys` of objects, or a member of a key has the wrong type.
    SetMalformed,
    /// The set has more than [`MOST_KEYS`] keys.
    TooManyKeys,
    /// A key has no `kid`, or one that is empty or longer than [`LONGEST_KID`] bytes.
    KidInvalid,
    /// Two keys have the same `kid`.
    KidRepeated,
    /// The `alg` of a key is not the one of its `kty` and `crv`.
    AlgorithmMismatch,
    /// The public part is missing, of the wrong length, not canonical, or no point of the curve.
    PublicInvalid,
    /// A key came with its private part: whoever published that must replace it, not we use it.
    PrivateShown,
}

impl KeyError {
    /// Every error there is.
    pub const ALL: [Self; 8] = [
        Self::SetTooLarge,
        Self::SetMalformed,
        Self::TooManyKeys,
        Self::KidInvalid,
        Self::KidRepeated,
        Self::AlgorithmMismatch,
        Self::PublicInvalid,
        Self::PrivateShown,
    ];

    /// The stable code, in snake case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SetTooLarge => "key_set_too_large",
            Self::SetMalformed => "key_set_malformed",
            Self::TooManyKeys => "too_many_keys",
            Self::KidInvalid => "kid_invalid",
            Self::KidRepeated => "kid_repeated",
            Self::AlgorithmMismatch => "key_algorithm_mismatch",
            Self::PublicInvalid => "public_key_invalid",
            Self::PrivateShown => "private_key_shown",
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SetTooLarge => "the key set is too large",
            Self::SetMalformed => "the key set is no strict JWK set",
            Self::TooManyKeys => "the key set has too many keys",
            Self::KidInvalid => "a key has no usable id",
            Self::KidRepeated => "two keys have the same id",
            Self::AlgorithmMismatch => "a key's algorithm is not the one of its kind",
            Self::PublicInvalid => "a public key is invalid",
            Self::PrivateShown => "a key came with its private part",
        })
    }
}

impl core::error::Error for KeyError {}

/// A public key with its id and its one algorithm. Cheap to clone.
#[derive(Clone)]
pub struct VerifyingKey(Arc<Record>);

struct Record {
    kid: String,
    algorithm: Algorithm,
    /// Parsed once: parsing costs as much as a good part of a verification.
    public: ParsedPublicKey,
    /// The header segment of our own access tokens signed by this key.
    access_header: String,
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
        Self::parse(kid, Algorithm::Es256, point)
    }

    /// A key for EdDSA on Ed25519 from its 32 bytes (RFC 8032 section 5.1.5).
    ///
    /// # Errors
    /// [`KeyError::KidInvalid`], [`KeyError::PublicInvalid`].
    pub fn ed25519(kid: &str, public: &[u8]) -> Result<Self, KeyError> {
        if public.len() != 32 {
            return Err(KeyError::PublicInvalid);
        }
        Self::parse(kid, Algorithm::EdDsa, public)
    }

    fn parse(kid: &str, algorithm: Algorithm, public: &[u8]) -> Result<Self, KeyError> {
        if kid.is_empty() || kid.len() > LONGEST_KID {
            return Err(KeyError::KidInvalid);
        }
        let public = ParsedPublicKey::new(algorithm.verification(), public).map_err(|_| KeyError::PublicInvalid)?;
        let access_header = token::canonical_header(algorithm, kid, TokenType::AccessToken.name());
        Ok(Self(Arc::new(Record { kid: kid.to_owned(), algorithm, public, access_header })))
    }

    /// Its id: 1 to [`LONGEST_KID`] bytes.
    pub fn kid(&self) -> &str {
        &self.0.kid
    }

    /// The one algorithm it is for.
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// Its public part: 65 bytes for ES256, 32 for EdDSA.
    pub fn public(&self) -> &[u8] {
        self.0.public.as_ref()
    }

    /// The base64url of the header that our own tokens of a type, signed by this key, have.
    pub fn canonical_header(&self, kind: TokenType) -> &str {
        match kind {
            TokenType::AccessToken => &self.0.access_header,
        }
    }

    /// Is `signature` (64 bytes) one of this key over `message`?
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        signature.len() == SIGNATURE && self.0.public.verify_sig(message, signature).is_ok()
    }

    /// Appends the key to `out` as a JWK (RFC 7517, RFC 7518 section 6.2, RFC 8037 section 2).
    pub fn write_jwk(&self, out: &mut Vec<u8>) {
        let mut jwk = ObjectWriter::begin(out);
        match self.algorithm() {
            Algorithm::Es256 => {
                let (x, y) = self.public()[1..].split_at(32);
                jwk.text("kty", "EC");
                jwk.text("crv", "P-256");
                jwk.text("x", &base64url::encode(x));
                jwk.text("y", &base64url::encode(y));
            }
            Algorithm::EdDsa => {
                jwk.text("kty", "OKP");
                jwk.text("crv", "Ed25519");
                jwk.text("x", &base64url::encode(self.public()));
            }
        }
        jwk.text("alg", self.algorithm().name());
        jwk.text("use", "sig");
        jwk.text("kid", self.kid());
        jwk.end();
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({} {})", self.algorithm().name(), self.kid())
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.kid() == other.kid() && self.algorithm() == other.algorithm() && self.public() == other.public()
    }
}

impl Eq for VerifyingKey {}

/// A few public keys, found by their id.
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

    /// Reads a JWK set (RFC 7517 section 5). Skipped: keys of a `kty` or `crv` we do not know, `oct` keys among them,
    /// and keys whose `use` or `key_ops` is not for signatures. Everything else must be right.
    ///
    /// # Errors
    /// Any [`KeyError`]; then nothing of the set is used.
    pub fn parse(jwks: &[u8]) -> Result<Self, KeyError> {
        jwks::parse(jwks)
    }

    /// The key of this id, compared byte for byte.
    pub fn find(&self, kid: &[u8]) -> Option<&VerifyingKey> {
        self.keys.iter().find(|key| key.kid().as_bytes() == kid)
    }

    /// The key whose own tokens of this type have exactly this header segment.
    pub fn find_by_header(&self, segment: &[u8], kind: TokenType) -> Option<&VerifyingKey> {
        self.keys.iter().find(|key| key.canonical_header(kind).as_bytes() == segment)
    }

    /// Appends the set to `out` as a JWK set: `{"keys":[…]}`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"keys\":[");
        for (place, key) in self.keys.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            key.write_jwk(out);
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
