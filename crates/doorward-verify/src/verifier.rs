//! The one place in the whole product where a token is verified.
//!
//! A verifier cannot be built without saying whose tokens, for whom, and of which type; there is no default to forget.
//! The checks run in a fixed order and end at the first failure, and nothing of a token is given back, nor even parsed
//! beyond its header, before its signature has held.

use crate::keys::LONGEST_SIGNATURE;
use crate::token::{Compact, LONGEST_HEADER, LONGEST_PAYLOAD};
use crate::{Cache, Claims, KeySet, Lifetime, Marks, Rejection, Revocations, Timestamp};

/// The default leeway between our clock and the minting one.
const LEEWAY: Lifetime = Lifetime::from_secs(30);
/// More leeway than this hides a broken clock, and the revocation index would forget too early.
const MOST_LEEWAY: Lifetime = Lifetime::from_secs(120);
/// The default for the longest life of a token.
const LONGEST_LIFE: Lifetime = Lifetime::from_mins(60);

/// What kind of token a verifier takes; tokens of another kind are refused whatever they say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenType {
    /// An access token (RFC 9068): `at+jwt`.
    AccessToken,
    /// The statement at the head of a revocation snapshot: `dw-rvsnap+jwt`. Its claims are none of a person.
    RevocationSnapshot,
}

impl TokenType {
    /// The value of `typ` that we write.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "at+jwt",
            Self::RevocationSnapshot => "dw-rvsnap+jwt",
        }
    }

    /// Is this a name of the type? With or without `application/`, in any case (RFC 9068 sections 2.1 and 4, RFC 7515
    /// section 4.1.9).
    pub fn is_named(self, typ: &str) -> bool {
        const PREFIX: &[u8] = b"application/";
        let short = match typ.as_bytes().split_at_checked(PREFIX.len()) {
            Some((prefix, short)) if prefix.eq_ignore_ascii_case(PREFIX) => short,
            _ => typ.as_bytes(),
        };
        short.eq_ignore_ascii_case(self.name().as_bytes())
    }
}

/// Memory for one verification at a time: about 8 KiB, made once and used again, so that verifying allocates nothing.
/// Its content between calls means nothing.
#[derive(Clone)]
pub struct Scratch(Box<Room>);

#[derive(Clone)]
struct Room {
    header: [u8; LONGEST_HEADER],
    payload: [u8; LONGEST_PAYLOAD],
    signature: [u8; LONGEST_SIGNATURE],
}

impl Scratch {
    /// Fresh memory.
    pub fn new() -> Self {
        Self(Box::new(Room {
            header: [0; LONGEST_HEADER],
            payload: [0; LONGEST_PAYLOAD],
            signature: [0; LONGEST_SIGNATURE],
        }))
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // It holds the claims of whoever was verified last.
        f.write_str("Scratch(..)")
    }
}

/// Verifies tokens of one issuer, for some audiences, of one type. None of the three can be left out:
///
/// ```compile_fail,E0061
/// use doorward_verify::{TokenType, Verifier};
/// let without_issuer = Verifier::new("https://api.example", TokenType::AccessToken);
/// ```
/// ```compile_fail,E0061
/// use doorward_verify::Verifier;
/// let without_type = Verifier::new("https://id.example", "https://api.example");
/// ```
/// ```compile_fail,E0599
/// let with_nothing = doorward_verify::Verifier::default();
/// ```
/// Nor can a token be verified without keys, revocations and the time:
///
/// ```compile_fail,E0061
/// use doorward_verify::{KeySet, Scratch, Timestamp, TokenType, Verifier};
/// let verifier = Verifier::new("https://id.example", "https://api.example", TokenType::AccessToken);
/// let unrevoked = verifier.verify("a.b.c", &KeySet::default(), Timestamp::from_secs(0), &mut Scratch::new());
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    issuer: String,
    audiences: Vec<String>,
    kind: TokenType,
    leeway: Lifetime,
    longest_life: Lifetime,
}

impl Verifier {
    /// A verifier of tokens that `issuer` minted, that are for `audience`, and that are of this type. Issuer and
    /// audience are compared byte for byte. Leeway is 30 seconds, the longest life 60 minutes.
    pub fn new(issuer: &str, audience: &str, kind: TokenType) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audiences: vec![audience.to_owned()],
            kind,
            leeway: LEEWAY,
            longest_life: LONGEST_LIFE,
        }
    }

    /// Takes tokens for this audience too.
    #[must_use]
    pub fn with_audience(mut self, audience: &str) -> Self {
        self.audiences.push(audience.to_owned());
        self
    }

    /// Sets by how much the clocks may differ: 0 to 120 seconds; what is beyond is cut.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Lifetime) -> Self {
        self.leeway = leeway.clamp(Lifetime::ZERO, MOST_LEEWAY);
        self
    }

    /// Sets how far `exp` may be from `iat`. It must not be more than the issuer's longest access token: the revocation
    /// feed forgets entries after that.
    #[must_use]
    pub const fn with_longest_life(mut self, longest_life: Lifetime) -> Self {
        self.longest_life = longest_life;
        self
    }

    /// Verifies a token at the time `now`: size, form, header, algorithm, signature, claims, issuer, audience, times,
    /// revocations, in this order. Allocates nothing.
    ///
    /// # Errors
    /// The [`Rejection`] of the first check that fails.
    pub fn verify<'s>(
        &self,
        token: &str,
        keys: &'s KeySet,
        revocations: &Revocations,
        now: Timestamp,
        scratch: &'s mut Scratch,
    ) -> Result<Verified<'s>, Rejection> {
        self.run(None, token, keys, revocations, now, scratch)
    }

    /// The same, without the arithmetic of the signature where `cache` remembers that this text was verified under this
    /// key. The verdict is that of [`Self::verify`], always; a hit allocates nothing either.
    ///
    /// # Errors
    /// The [`Rejection`] of the first check that fails.
    pub fn verify_with<'s>(
        &self,
        cache: &Cache,
        token: &str,
        keys: &'s KeySet,
        revocations: &Revocations,
        now: Timestamp,
        scratch: &'s mut Scratch,
    ) -> Result<Verified<'s>, Rejection> {
        self.run(Some(cache), token, keys, revocations, now, scratch)
    }

    fn run<'s>(
        &self,
        cache: Option<&Cache>,
        token: &str,
        keys: &'s KeySet,
        revocations: &Revocations,
        now: Timestamp,
        scratch: &'s mut Scratch,
    ) -> Result<Verified<'s>, Rejection> {
        let Room { header, payload, signature } = &mut *scratch.0;
        let compact = Compact::split(token)?;
        let payload = compact.payload(payload)?;
        let signature = compact.signature(signature)?;
        let key = compact.key(keys, self.kind, header)?;
        let cache = cache.filter(|_| !key.algorithm().is_shared());
        let named = cache.map(|cache| (cache, cache.name(key, token)));
        let known = named.as_ref().is_some_and(|(cache, name)| cache.has(name));
        if !known && !signature.is_some_and(|signature| key.verify(compact.signed, signature)) {
            return Err(Rejection::SignatureInvalid);
        }
        let verified = Verified { claims: Claims::parse(payload)?, kid: key.kid() };
        self.check_parties(&verified.claims)?;
        self.check_times(&verified.claims, now)?;
        revocations.check_lazily(verified.claims.rv, |scope| verified.claims.key(verified.kid, scope))?;
        if let Some((cache, name)) = named.filter(|_| !known) {
            cache.keep(&name);
        }
        Ok(verified)
    }

    fn check_parties(&self, claims: &Claims<'_>) -> Result<(), Rejection> {
        if claims.issuer != self.issuer {
            return Err(Rejection::IssuerUnexpected);
        }
        if !self.audiences.iter().any(|audience| claims.audience.contains(audience)) {
            return Err(Rejection::AudienceUnexpected);
        }
        Ok(())
    }

    fn check_times(&self, claims: &Claims<'_>, now: Timestamp) -> Result<(), Rejection> {
        if now >= claims.expires_at + self.leeway {
            return Err(Rejection::TokenExpired);
        }
        let soon = now + self.leeway;
        if claims.issued_at > soon || claims.not_before.is_some_and(|not_before| not_before > soon) {
            return Err(Rejection::TokenPremature);
        }
        if claims.expires_at <= claims.issued_at {
            return Err(Rejection::ClaimsInvalid);
        }
        if claims.expires_at - claims.issued_at > self.longest_life {
            return Err(Rejection::LifetimeTooLong);
        }
        Ok(())
    }
}

/// A token that has passed every check; only [`Verifier::verify`] makes one, so holding it is the proof.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'s> {
    /// What the token says.
    pub claims: Claims<'s>,
    kid: &'s str,
}

impl<'s> Verified<'s> {
    /// The id of the key that signed it.
    pub const fn kid(&self) -> &'s str {
        self.kid
    }

    /// What it can be revoked by; for checking it again while it is held.
    pub fn marks(&self) -> Marks {
        self.claims.marks(self.kid)
    }
}
