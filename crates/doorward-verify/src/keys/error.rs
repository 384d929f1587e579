//! Why a key was not accepted: a closed list with stable codes.

use core::fmt;

/// Why a key or a key set was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyError {
    /// The set has more than [`LONGEST_SET`](super::LONGEST_SET) bytes.
    SetTooLarge,
    /// The set is no strict JSON object with an array `keys` of objects, or a member of a key has the wrong type.
    SetMalformed,
    /// The set has more than [`MOST_KEYS`](super::MOST_KEYS) keys.
    TooManyKeys,
    /// A key has no `kid`, or one that is empty or longer than [`LONGEST_KID`](super::LONGEST_KID) bytes.
    KidInvalid,
    /// Two keys have the same `kid`.
    KidRepeated,
    /// The `alg` of a key is not one of its `kty` and `crv`.
    AlgorithmMismatch,
    /// The public part is missing, of the wrong length, not canonical, or no point of the curve.
    PublicInvalid,
    /// A key came with its private part, or is nothing else, as a shared secret is: whoever published that must replace
    /// it, not we use it.
    PrivateShown,
    /// An RSA key has no `alg`, and who reads the set has named none either (RFC 8725 section 3.1).
    AlgorithmMissing,
    /// An RSA key that can be broken: a modulus under 2048 bits, an exponent of one, or a modulus made by the library
    /// of CVE-2017-15361 (ROCA).
    PublicWeak,
    /// A shared secret that can be guessed: under 32 bytes (RFC 7518 section 3.2), of fewer than ten different bytes, or
    /// a piece repeated.
    SecretWeak,
    /// A set of shared secrets holds a key that is none.
    KindsMixed,
}

impl KeyError {
    /// Every error there is.
    pub const ALL: [Self; 12] = [
        Self::SetTooLarge,
        Self::SetMalformed,
        Self::TooManyKeys,
        Self::KidInvalid,
        Self::KidRepeated,
        Self::AlgorithmMismatch,
        Self::PublicInvalid,
        Self::PrivateShown,
        Self::AlgorithmMissing,
        Self::PublicWeak,
        Self::SecretWeak,
        Self::KindsMixed,
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
            Self::AlgorithmMissing => "key_algorithm_missing",
            Self::PublicWeak => "public_key_weak",
            Self::SecretWeak => "shared_secret_weak",
            Self::KindsMixed => "key_kinds_mixed",
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
            Self::AlgorithmMismatch => "a key's algorithm is not one of its kind",
            Self::PublicInvalid => "a public key is invalid",
            Self::PrivateShown => "a key came with its private part",
            Self::AlgorithmMissing => "an RSA key does not say which algorithm it is for",
            Self::PublicWeak => "a public key is weak",
            Self::SecretWeak => "a shared secret is weak",
            Self::KindsMixed => "a set of shared secrets holds another key",
        })
    }
}

impl core::error::Error for KeyError {}
