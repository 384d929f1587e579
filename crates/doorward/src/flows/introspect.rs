//! Introspection (RFC 7662): a verifier that cannot be sure by itself asks whether a credential is good right now.

use std::sync::Arc;

use doorward_core::id::SessionId;
use doorward_core::secret::SecretKind;
use doorward_core::session::Session;
use doorward_core::user::User;
use doorward_core::verifier::VerifierRecord;
use doorward_core::{Scratch, Timestamp, TokenType, Verifier};

use super::check::{self, Credentials};
use super::{Stopped, record};
use crate::door::Door;

/// A credential that is good.
#[derive(Debug)]
pub struct Active {
    /// The session behind it.
    pub session: Session,
    /// Its user, as the account is now; `None` for a guest.
    pub user: Option<Arc<User>>,
    /// What the token says, if it is one.
    pub token: Option<Token>,
}

/// What an access token says.
#[derive(Debug)]
pub struct Token {
    /// `sub`.
    pub subject: String,
    /// `aud`.
    pub audience: Vec<String>,
    /// `client_id`.
    pub client: String,
    /// `scope`.
    pub scope: Option<String>,
    /// `jti`.
    pub id: String,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
}

/// Asks about an access token or a session secret; `None` if it is not good, or none of the verifier's business.
///
/// # Errors
/// Only what stops the store.
pub async fn introspect(door: &Door, verifier: &VerifierRecord, text: &str) -> Result<Option<Active>, Stopped> {
    let found = match SecretKind::Session.parse(text) {
        Some(secret) => {
            let shown = Credentials { secret: Some(secret.hash()), access: None };
            check::check(door, &shown).await.and_then(|caller| {
                let session = caller.acting()?.session().clone();
                Ok(Active { session, user: caller.record.user.clone(), token: None })
            })
        }
        None => by_token(door, verifier, text).await,
    };
    match found {
        Ok(active) if active.token.is_some() || record::concerns(door, verifier, &active.session) => Ok(Some(active)),
        Ok(_) | Err(Stopped::Refused(_)) => Ok(None),
        Err(stopped) => Err(stopped),
    }
}

/// By the token and by the row behind it: whoever asks wants to know more than the index does.
async fn by_token(door: &Door, verifier: &VerifierRecord, text: &str) -> Result<Active, Stopped> {
    // What the store has ended or set and the index does not know yet, nobody is told to be good.
    door.cached().current().await?;
    let now = door.now();
    let read_at = door.cached().head();
    let (token, session) = verify(door, verifier, text, now)?;
    let session = door.sessions().session(session).await?.ok_or(super::Refusal::SessionEnded)?;
    let record = check::load(door, session, read_at, now).await?;
    Ok(Active { session: record.session, user: record.user, token: Some(token) })
}

fn verify(door: &Door, verifier: &VerifierRecord, text: &str, now: Timestamp) -> Result<(Token, SessionId), Stopped> {
    let issuer = door.settings().issuer.as_str();
    let mut audiences = verifier.audiences(issuer);
    let first = Verifier::new(issuer, audiences.next().unwrap_or(issuer), TokenType::AccessToken);
    let rule = audiences.fold(first, Verifier::with_audience);
    let keys = door.keys();
    let mut scratch = Scratch::new();
    let read = door.cached().with_index(|index| {
        rule.verify(text, keys.verifying(), index, now, &mut scratch).map(|verified| {
            let claims = verified.claims;
            let token = Token {
                subject: claims.subject.to_owned(),
                audience: claims.audience.iter().map(str::to_owned).collect(),
                client: claims.client_id.to_owned(),
                scope: claims.scope.map(str::to_owned),
                id: claims.token_id.to_owned(),
                issued_at: claims.issued_at,
                expires_at: claims.expires_at,
            };
            (token, claims.session_id.and_then(SessionId::parse))
        })
    })?;
    match read {
        (token, Some(session)) => Ok((token, session)),
        (_, None) => Err(doorward_core::Rejection::ClaimsInvalid.into()),
    }
}
