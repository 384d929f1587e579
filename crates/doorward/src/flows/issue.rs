//! Handing out credentials: the one place where a session becomes something to hold.

use std::sync::Arc;

use doorward_core::client::{Client, Strategy, Transport};
use doorward_core::id::TokenId;
use doorward_core::secret::{Secret, SecretKind};
use doorward_core::session::Session;
use doorward_core::token::SigningKey;
use doorward_core::user::User;
use doorward_core::{Claims, Few, Lifetime, Position, Timestamp, refresh, token};
use doorward_store::StoreError;

use super::{Refusal, Stopped};
use crate::door::{Door, Stopwatch};
use crate::hashing::Place;

/// A session and what its holder gets.
#[derive(Debug)]
pub struct Issued {
    /// The session.
    pub session: Session,
    /// Its user; `None` for a guest.
    pub user: Option<Arc<User>>,
    /// What to hold.
    pub handed: Handed,
    /// How it travels.
    pub transport: Transport,
}

/// What a holder gets to hold.
#[derive(Default)]
pub struct Handed {
    /// `dws_…`
    pub session_secret: Option<String>,
    /// A JWT, and how long it lives.
    pub access: Option<(String, Lifetime)>,
    /// `dwr_…`, and how long it may lie unused.
    pub refresh: Option<(String, Lifetime)>,
    /// The refresh token is for the browser's jar alone: the answer's shape has none.
    pub refresh_for_jar_only: bool,
    /// `dwd_…`: makes this browser a known device of the user.
    pub device: Option<String>,
}

impl std::fmt::Debug for Handed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handed(..)")
    }
}

/// What surrounds an issue.
#[derive(Debug)]
pub struct Issuing<'a> {
    /// The application.
    pub client: &'a Client,
    /// The session's user, read after the head; `None` for a guest.
    pub user: Option<Arc<User>>,
    /// The head, read before the session was.
    pub head: Position,
    /// The time.
    pub now: Timestamp,
    /// What its tokens are signed with.
    pub pen: Pen,
}

/// A signing key, and where it is slow a place on the hash pool. It is taken before anything is committed: a full pool
/// says no while nothing has happened yet.
#[derive(Debug)]
pub struct Pen {
    key: Arc<SigningKey>,
    place: Option<Place>,
}

impl Pen {
    /// Takes the pen that a client's tokens are signed with.
    ///
    /// # Errors
    /// [`Stopped::Overloaded`] if the pool is needed and full.
    pub fn take(door: &Door, client: &Client) -> Result<Self, Stopped> {
        // Clients get an algorithm only together with its keys.
        let key = door.keys().signing(client.algorithm).cloned();
        let key = key.ok_or(StoreError::Corrupt { what: "signing key" })?;
        let place = if key.is_slow() { Some(door.hashing().place()?) } else { None };
        Ok(Self { key, place })
    }

    async fn sign(self, door: &Door, claims: &Claims<'_>) -> Result<String, Stopped> {
        let Self { key, place } = self;
        let unsigned = token::draft(&key, claims);
        let signed = match place {
            Some(place) => door.hashing().work(place, move || token::sign(&key, unsigned)).await?,
            None => token::sign(&key, unsigned),
        };
        signed.ok_or(Stopped::NoEntropy)
    }
}

/// Makes what the holder of a session of this strategy gets.
///
/// # Errors
/// [`Stopped::NoEntropy`]; [`Refusal::RefreshInvalid`] if the refresh secret behind the session is gone.
pub async fn hand_out(
    door: &Door,
    session: &Session,
    strategy: Strategy,
    secret: Option<&Secret>,
    around: Issuing<'_>,
) -> Result<Handed, Stopped> {
    let mut handed = Handed::default();
    match strategy {
        Strategy::Session => handed.session_secret = secret.map(|secret| SecretKind::Session.text(secret)),
        Strategy::Jwt => handed.access = Some(mint(door, session, around).await?),
        Strategy::Hybrid => {
            handed.refresh = Some(refresh_token(door, session, around.now)?);
            handed.access = Some(mint(door, session, around).await?);
        }
    }
    Ok(handed)
}

/// The refresh token of the session's current generation, under the secret that generation was made with.
///
/// # Errors
/// [`Refusal::RefreshInvalid`] if that secret is gone.
pub fn refresh_token(door: &Door, session: &Session, now: Timestamp) -> Result<(String, Lifetime), Stopped> {
    let keys = door.keys();
    let secret = keys.refresh(session.refresh_key).ok_or(Refusal::RefreshInvalid)?;
    let text = refresh::token(secret, session.refresh_key, session, session.generation);
    Ok((text, session.idle_expires_at() - now))
}

/// Mints an access token (RFC 9068) for a session, at a head that was read before it.
///
/// # Errors
/// [`Stopped::NoEntropy`].
pub async fn mint(door: &Door, session: &Session, around: Issuing<'_>) -> Result<(String, Lifetime), Stopped> {
    let began = Stopwatch::start();
    let Issuing { client, user, head, now, pen } = around;
    let issuer = door.settings().issuer.as_str();
    let subject = session.user.map_or_else(|| session.id.to_string(), |user| user.to_string());
    let token_id = TokenId::from_bytes(door.draw()?).to_string();
    let session_id = session.id.to_string();
    let scope = client.scopes.join(" ");
    let mut audience = Few::default();
    for entry in &client.audiences {
        audience.push(entry);
    }
    if client.audiences.is_empty() {
        audience.push(issuer);
    }
    let mut amr = Few::default();
    for name in session.amr.names() {
        amr.push(name);
    }
    let mut roles = Few::default();
    for role in user.iter().flat_map(|user| user.roles.iter()) {
        roles.push(role);
    }
    // Never past the end of the session: a token must not outlive its root.
    let issued_at = Timestamp::from_secs(now.secs());
    let expires_at = (issued_at + client.lifetimes.access).min(Timestamp::from_secs(session.expires_at.secs()));
    let claims = Claims {
        issuer,
        subject: &subject,
        audience,
        client_id: client.id.as_str(),
        expires_at,
        issued_at,
        not_before: None,
        token_id: &token_id,
        session_id: Some(&session_id),
        scope: (!scope.is_empty()).then_some(scope.as_str()),
        roles,
        auth_time: Some(session.auth_time),
        acr: session.acr.as_deref(),
        amr,
        rv: Some(head),
        handles: door.keys().handles(session.user),
    };
    let text = pen.sign(door, &claims).await?;
    door.metrics().minted(client.algorithm, began.elapsed());
    Ok((text, expires_at - issued_at))
}
