//! What a verifier is told of a session cookie: the session's record, to be kept for a while.

use std::sync::Arc;

use doorward_core::client::{Client, Strategy};
use doorward_core::id::ClientId;
use doorward_core::policy::{ACCESS_LONGEST, REPLACED_SECRET};
use doorward_core::secret::SecretHash;
use doorward_core::session::{Session, Shown};
use doorward_core::user::User;
use doorward_core::verifier::VerifierRecord;
use doorward_core::{Handles, Lifetime, Position};

use super::check::{self, Credentials};
use super::{Refusal, Stopped};
use crate::door::Door;

/// A session as a verifier may keep it.
#[derive(Debug)]
pub struct Kept {
    /// The session.
    pub session: Session,
    /// Its user; `None` for a guest.
    pub user: Option<Arc<User>>,
    /// It counts as a token that was minted here.
    pub rv: Position,
    /// What verifiers know its person by.
    pub handles: Handles,
    /// How long it may be kept.
    pub keep: Lifetime,
}

/// The record behind a cookie, by the hash of its secret.
///
/// # Errors
/// [`Refusal::NotFound`] for one that is over or unknown, and for one of an application that is none of the verifier's
/// business: they cannot be told apart.
pub async fn by_secret(door: &Door, verifier: &VerifierRecord, hash: SecretHash) -> Result<Kept, Stopped> {
    let now = door.now();
    let shown = Credentials { secret: Some(hash), access: None };
    let caller = check::check(door, &shown).await.map_err(nobody)?;
    // Our door lets a secret that was replaced look on. A service would take it for more, and for a minute.
    let id = caller.acting().map_err(|_| Refusal::NotFound)?.session().id;
    if !concerns(door, verifier, caller.session()) {
        return Err(Refusal::NotFound.into());
    }
    // Read anew: what is kept elsewhere shall be as young as can be. The head before the session (RT8).
    let rv = door.cached().head();
    let session = door.sessions().session(id).await?.ok_or(Refusal::NotFound)?;
    if session.recognise(&hash, now) != Some(Shown::Current) {
        return Err(Refusal::NotFound.into());
    }
    // Not longer than a token could live; and where the application holds something else today, the next turn may replace
    // this secret without a word in the feed.
    let stays = door.client(&session.client).is_some_and(|client| client.strategy == Strategy::Session);
    let longest = if stays { ACCESS_LONGEST } else { REPLACED_SECRET };
    let keep = longest.min(session.expires_at - now);
    let record = check::load(door, session, rv, now).await.map_err(nobody)?;
    let handles = door.keys().handles(record.session.user);
    Ok(Kept { session: record.session.clone(), user: record.user.clone(), rv, handles, keep })
}

/// Is the session one of an application whose credentials are for this verifier?
pub(super) fn concerns(door: &Door, verifier: &VerifierRecord, session: &Session) -> bool {
    door.client(&session.client).is_some_and(|client| is_for(door, verifier, &client))
}

/// All applications whose credentials are for this verifier, as they are set now.
pub fn business(door: &Door, verifier: &VerifierRecord) -> Vec<ClientId> {
    let clients = door.cached().clients().into_iter();
    let own = clients.filter(|client| client.disabled_at.is_none() && is_for(door, verifier, client));
    own.map(|client| client.id.clone()).collect()
}

fn is_for(door: &Door, verifier: &VerifierRecord, client: &Client) -> bool {
    let issuer = door.settings().issuer.as_str();
    verifier.audiences(issuer).any(|own| match client.audiences.as_slice() {
        [] => own == issuer,
        audiences => audiences.iter().any(|audience| audience == own),
    })
}

/// All of our noes are one to a verifier.
fn nobody(stopped: Stopped) -> Stopped {
    match stopped {
        Stopped::Refused(_) => Refusal::NotFound.into(),
        other => other,
    }
}
