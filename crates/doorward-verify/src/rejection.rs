//! What a verifier says when it says no: a closed list with stable codes, the same words in every SDK.
//!
//! A rejection never carries text from the token, so it may be logged and answered as it is.

use core::fmt;

/// Why a token was not accepted. The order is the order of the checks: a token is rejected for the first reason found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// More than [`token::LONGEST`](crate::token::LONGEST) bytes.
    TokenTooLarge,
    /// Not three non-empty segments of canonical base64url (RFC 7515 section 7.1).
    TokenMalformed,
    /// The header is no strict JSON object, is too large, lacks `alg`, or has a member that brings its own key or
    /// changes the meaning of the payload (`jku`, `jwk`, `x5u`, `x5c`, `zip`, `b64`).
    HeaderInvalid,
    /// `crit` is present; we know no critical extension (RFC 7515 section 4.1.11).
    CriticalUnknown,
    /// `typ` is absent or another one than the verifier was built for (RFC 9068 section 4).
    TypeUnexpected,
    /// `alg` is not the algorithm that the key record fixes (RFC 8725 section 3.1).
    AlgorithmUnexpected,
    /// `kid` is absent or names no key of the set.
    KeyUnknown,
    /// The signature is not one of this key over this token. The only thing ever said about a token with a bad
    /// signature: its claims are not even parsed.
    SignatureInvalid,
    /// The payload is no strict JSON object, lacks a required claim, or has a claim of the wrong type or form; also an
    /// `exp` that is not after `iat`.
    ClaimsInvalid,
    /// `iss` is not, byte for byte, the expected one.
    IssuerUnexpected,
    /// No entry of `aud` is an expected one.
    AudienceUnexpected,
    /// `exp` is over, leeway included.
    TokenExpired,
    /// `nbf` or `iat` is still to come, leeway included.
    TokenPremature,
    /// `exp` is further from `iat` than any token of ours lives; the revocation index forgets sooner than that.
    LifetimeTooLong,
    /// Revoked for good: session, token, key or everything of its owner up to an epoch.
    TokenRevoked,
    /// Older than a refresh-required epoch: the holder should refresh and come again.
    TokenStale,
}

impl Rejection {
    /// Every rejection there is, in the order of the checks.
    pub const ALL: [Self; 16] = [
        Self::TokenTooLarge,
        Self::TokenMalformed,
        Self::HeaderInvalid,
        Self::CriticalUnknown,
        Self::TypeUnexpected,
        Self::AlgorithmUnexpected,
        Self::KeyUnknown,
        Self::SignatureInvalid,
        Self::ClaimsInvalid,
        Self::IssuerUnexpected,
        Self::AudienceUnexpected,
        Self::TokenExpired,
        Self::TokenPremature,
        Self::LifetimeTooLong,
        Self::TokenRevoked,
        Self::TokenStale,
    ];

    /// The stable code, in snake case; never reused for anything else.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TokenTooLarge => "token_too_large",
            Self::TokenMalformed => "token_malformed",
            Self::HeaderInvalid => "header_invalid",
            Self::CriticalUnknown => "critical_unknown",
            Self::TypeUnexpected => "type_unexpected",
            Self::AlgorithmUnexpected => "algorithm_unexpected",
            Self::KeyUnknown => "key_unknown",
            Self::SignatureInvalid => "signature_invalid",
            Self::ClaimsInvalid => "claims_invalid",
            Self::IssuerUnexpected => "issuer_unexpected",
            Self::AudienceUnexpected => "audience_unexpected",
            Self::TokenExpired => "token_expired",
            Self::TokenPremature => "token_premature",
            Self::LifetimeTooLong => "lifetime_too_long",
            Self::TokenRevoked => "token_revoked",
            Self::TokenStale => "token_stale",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::TokenTooLarge => "the token is too large",
            Self::TokenMalformed => "the token is not in compact form",
            Self::HeaderInvalid => "the token's header is not acceptable",
            Self::CriticalUnknown => "the token asks for a critical extension",
            Self::TypeUnexpected => "the token is of another type",
            Self::AlgorithmUnexpected => "the token names another algorithm than its key's",
            Self::KeyUnknown => "the token names no known key",
            Self::SignatureInvalid => "the token's signature is wrong",
            Self::ClaimsInvalid => "the token's claims are not acceptable",
            Self::IssuerUnexpected => "the token is from another issuer",
            Self::AudienceUnexpected => "the token is for another audience",
            Self::TokenExpired => "the token has expired",
            Self::TokenPremature => "the token is not valid yet",
            Self::LifetimeTooLong => "the token lives too long",
            Self::TokenRevoked => "the token is revoked",
            Self::TokenStale => "the token must be refreshed",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl core::error::Error for Rejection {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rejection_has_its_own_code() {
        for (place, one) in Rejection::ALL.iter().enumerate() {
            assert_eq!(*one as usize, place, "ALL is in order and complete");
            assert!(one.code().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            assert!(Rejection::ALL[..place].iter().all(|other| other.code() != one.code()));
        }
    }
}
