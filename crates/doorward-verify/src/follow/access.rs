//! What a credential that was accepted says, and how a token is judged without anybody waiting.

use super::clock;
use super::settings::Settings;
use super::shared::Shared;
use crate::{
    Cache, Claims, Judgement, Lifetime, Marks, Policy, Position, Rejection, Revocations, Scratch, Timestamp,
    TokenType, Verified, Verifier,
};

/// The longest life of a token that is looked at at all; what the server says is shorter.
const LONGEST_LIFE: Lifetime = Lifetime::from_hours(24);

/// What was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shown {
    /// An access token.
    Token,
    /// The secret of an opaque session, which comes in a cookie.
    Session,
}

/// A credential that was accepted: the proof, and what it says. Only a [`Follower`](super::Follower) makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// What was shown.
    pub shown: Shown,
    /// Whom it speaks for; `None` for a guest's session.
    pub subject: Option<String>,
    /// The application.
    pub client_id: String,
    /// The session.
    pub session_id: Option<String>,
    /// The token's own id.
    pub token_id: Option<String>,
    /// What it allows, separated by spaces.
    pub scope: String,
    /// What the person is to the applications, as it was when the token was minted or the session read.
    pub roles: Vec<String>,
    /// For whom it is.
    pub audience: Vec<String>,
    /// Until when.
    pub expires_at: Timestamp,
    /// When the person last proved who they are.
    pub auth_time: Option<Timestamp>,
    /// How well.
    pub acr: Option<String>,
    /// By what means.
    pub amr: Vec<String>,
    /// Where in the feed it was minted or read.
    pub rv: Option<Position>,
    pub(super) marks: Marks,
}

impl Access {
    fn of(verified: &Verified<'_>) -> Self {
        let claims: &Claims<'_> = &verified.claims;
        let owned = |text: &str| text.to_owned();
        Self {
            shown: Shown::Token,
            subject: Some(owned(claims.subject)),
            client_id: owned(claims.client_id),
            session_id: claims.session_id.map(owned),
            token_id: Some(owned(claims.token_id)),
            scope: claims.scope.map(owned).unwrap_or_default(),
            roles: claims.roles.iter().map(owned).collect(),
            audience: claims.audience.iter().map(owned).collect(),
            expires_at: claims.expires_at,
            auth_time: claims.auth_time,
            acr: claims.acr.map(owned),
            amr: claims.amr.iter().map(owned).collect(),
            rv: claims.rv,
            marks: verified.marks(),
        }
    }

    /// Does it allow this?
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|word| word == scope)
    }

    /// Does the person have this role?
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|one| one == role)
    }
}

/// How tokens are verified.
pub(super) struct Tokens {
    verifier: Verifier,
    cache: Cache,
    /// Signature and claims are looked at before the index is: it is not held for arithmetic.
    nothing_revoked: Revocations,
}

impl Tokens {
    pub(super) fn new(settings: &Settings, drawn: [u8; 16]) -> Self {
        let verifier = Verifier::new(&settings.issuer, &settings.audience, TokenType::AccessToken)
            .with_leeway(settings.leeway)
            .with_longest_life(LONGEST_LIFE);
        let cache = Cache::new(drawn, settings.most_tokens);
        Self { verifier, cache, nothing_revoked: Revocations::new() }
    }

    /// Judges a token. Waits for nothing but a look into the index.
    pub(super) fn judge(
        &self,
        shared: &Shared,
        token: &str,
        policy: Policy,
    ) -> Result<(Judgement, Access), Rejection> {
        let keys = shared.keyring.keys();
        let now = clock::now();
        let time = shared.read().time(now);
        let mut scratch = Scratch::new();
        let verified =
            self.verifier.verify_with(&self.cache, token, &keys, &self.nothing_revoked, time, &mut scratch)?;
        let claims = &verified.claims;
        let (judgement, is_ahead, generation) = {
            let replica = shared.read();
            let life = claims.expires_at - claims.issued_at;
            if replica.longest_token().is_some_and(|longest| life > longest) {
                return Err(Rejection::LifetimeTooLong);
            }
            let key = |scope| claims.key(verified.kid(), scope);
            let judgement = replica.judge_lazily(claims.rv, key, policy, None, now);
            (judgement, replica.lags(claims.rv), replica.generation())
        };
        if let Some(at) = claims.rv.filter(|_| is_ahead) {
            shared.notice(at, generation);
        }
        Ok((judgement, Access::of(&verified)))
    }
}
