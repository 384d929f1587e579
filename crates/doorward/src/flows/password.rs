//! Password change: everything of the user is over but the session it is changed in, which gets new secrets.

use std::sync::Arc;

use doorward_core::audit::{Actor, Event, Kind};
use doorward_core::change::{DirectoryChange, Kept, Rehash, SetPassword};
use doorward_core::client::Transport;
use doorward_core::feed::Draft;
use doorward_core::id::UserId;
use doorward_core::password::Typed;
use doorward_core::refresh::Attempt;
use doorward_core::secret::Secret;
use doorward_core::session::{Retired, Session};
use doorward_core::user::User;
use doorward_core::{Position, Strength, Timestamp};
use doorward_store::{Committed, Credential};
use zeroize::Zeroizing;

use super::check::Caller;
use super::guess::Guess;
use super::issue::{self, Issued, Issuing, Pen};
use super::names::Names;
use super::{ATTEMPTS, Refusal, Stopped, notice, register};
use crate::door::{Door, Origin};

/// A password change as it was asked for.
#[derive(Debug)]
pub struct Change {
    /// The password so far; `None` if what was typed can be nobody's.
    pub current: Option<Typed>,
    /// What makes the browser a known device, as it says.
    pub device: Option<String>,
    /// The password from now on, as typed.
    pub new: Zeroizing<String>,
    /// The attempt key: with it, the refresh token from before gets the same new one should the reply be lost.
    pub attempt: Option<Attempt>,
}

/// Changes the caller's password.
///
/// # Errors
/// [`Refusal::Forbidden`] for guests and replaced secrets, [`Refusal::InvalidCredentials`], [`Refusal::PasswordWeak`].
pub async fn change(door: &Door, caller: &Caller, asked: Change, from: &Origin) -> Result<Issued, Stopped> {
    let user = caller.record.user.as_ref().ok_or(Refusal::Forbidden)?;
    caller.acting()?;
    let chosen = register::accept(&asked.new, &user.email, user.name.as_deref())?;
    let mut kept = door.directory().credential(user.id).await?.ok_or(Refusal::Forbidden)?;
    let typed = Arc::new(asked.current.ok_or(Refusal::InvalidCredentials)?);
    let known = asked.device.as_deref().and_then(|text| door.keys().device_of(Some(user.id), text));
    let guess = Guess { email: Some(&user.email), device: known, from };
    guess.weigh(door, verify(door, &kept, &typed)).await?;
    let phc = door.hashing().hash(chosen, door.draw()?).await?;
    let setting = Setting { door, user, phc, from, attempt: asked.attempt };
    for _ in 0..ATTEMPTS {
        if let Some(issued) = setting.commit(caller, &kept).await? {
            return Ok(issued);
        }
        // The session turned meanwhile, or a sign-in kept the same password in today's way: load again, decide again. It
        // is no new guess, since it was right a moment ago; if it is wrong by now, somebody decided otherwise.
        let now = door.directory().credential(user.id).await?.ok_or(Refusal::InvalidCredentials)?;
        if now != kept {
            verify(door, &now, &typed).await?;
            kept = now;
        }
    }
    Err(Stopped::Contended)
}

async fn verify(door: &Door, kept: &Credential, typed: &Arc<Typed>) -> Result<(), Stopped> {
    let verdict = door.hashing().verify(kept.phc.clone(), Arc::clone(typed)).await?;
    verdict.map(drop).ok_or_else(|| Refusal::InvalidCredentials.into())
}

struct Setting<'a> {
    door: &'a Door,
    user: &'a User,
    phc: String,
    from: &'a Origin,
    attempt: Option<Attempt>,
}

impl Setting<'_> {
    async fn commit(&self, caller: &Caller, kept: &Credential) -> Result<Option<Issued>, Stopped> {
        let door = self.door;
        let now = door.now_to_mint()?;
        let session = door.sessions().session(caller.session().id).await?.ok_or(Refusal::SessionEnded)?;
        let epochs = door.directory().epochs(session.user, &session.client).await?;
        session.check(epochs, now)?;
        let client = door.client(&session.client).ok_or(Refusal::ClientUnknown)?;
        let secret = match session.secret {
            Some(_) => Some(Secret::from_bytes(door.draw()?)),
            None => None,
        };
        let keep = self.keep(&session, secret.as_ref(), now);
        let pen = Pen::take(door, &client)?;
        let mut event = door.event(Kind::PasswordChanged, Actor::User(self.user.id), self.from)?;
        event.session = Some(session.id);
        let place = set(door, self.user.id, kept.version, self.phc.clone(), Some(keep.clone()), event).await?;
        let Some(place) = place else { return Ok(None) };
        let session = keep.applied_to(&session, place, now);
        // Read after the place that its token will be minted at: whoever changes the user from here on is heard of.
        let user = Some(Arc::new(door.directory().user(self.user.id).await?.ok_or(Refusal::SessionEnded)?));
        let around = Issuing { client: &client, user, head: place, now, pen };
        self.issue(session, secret, around).await.map(Some)
    }

    fn keep(&self, session: &Session, secret: Option<&Secret>, now: Timestamp) -> Kept {
        let attempt = self.attempt.map(Attempt::hash);
        Kept {
            session: session.id,
            from: session.generation,
            generation: session.generation.next(),
            retired: Retired { generation: session.generation, attempt, at: now, displaced: false },
            refresh_key: self.door.keys().refresh_active(),
            secret: secret.map(Secret::hash),
            previous: session.superseded_secret(now),
            alone: session.exchange == Some(session.generation),
        }
    }

    /// The session is handed out anew in the form it has: a change of strategy is for the refresh to make.
    async fn issue(&self, session: Session, secret: Option<Secret>, around: Issuing<'_>) -> Result<Issued, Stopped> {
        let (now, user) = (around.now, around.user.clone());
        let mut handed = issue::hand_out(self.door, &session, session.strategy, secret.as_ref(), around).await?;
        // A session that holds both a secret and a jar gets both anew: each of the old ones is dead.
        if handed.session_secret.is_none() {
            handed.session_secret = secret.map(|secret| doorward_core::secret::SecretKind::Session.text(&secret));
        }
        // A jar that may hold a refresh token of this session from another strategy's days gets its successor: the old
        // one would look stolen the next time it is sent. Only keyed sessions ever had one there.
        if handed.refresh.is_none() && session.transport == Transport::Cookie && session.keyed {
            handed.refresh = Some(issue::refresh_token(self.door, &session, now)?);
            handed.refresh_for_jar_only = true;
        }
        let transport = session.transport;
        Ok(Issued { session, user, handed, transport })
    }
}

/// Sets a user's password, for an operator: everything of the user is over, and the guesses at the old one are forgotten. Gives
/// the place in the feed.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::PasswordWeak`].
pub async fn set_by_operator(door: &Door, user: UserId, new: &str, from: &Origin) -> Result<Position, Stopped> {
    let found = door.directory().user(user).await?.ok_or(Refusal::NotFound)?;
    let chosen = register::accept(new, &found.email, found.name.as_deref())?;
    let phc = door.hashing().hash(chosen, door.draw()?).await?;
    for _ in 0..ATTEMPTS {
        let version = door.directory().credential(user).await?.ok_or(Refusal::NotFound)?.version;
        let event = door.event(Kind::PasswordChanged, Actor::Operator, from)?;
        if let Some(place) = set(door, user, version, phc.clone(), None, event).await? {
            door.throttle().forgive(door.keys().whose(&found.email, None));
            notice::settle(door).await;
            return Ok(place);
        }
    }
    Err(Stopped::Contended)
}

/// Keeps a password that was just right in today's way. Nothing ends by it. Who loses the race lost nothing, and what the
/// store cannot do now it can at the next sign-in.
pub(super) async fn keep_anew(door: &Door, rehash: Rehash, from: &Origin) {
    let Ok(mut event) = door.event(Kind::PasswordRehashed, Actor::Doorward, from) else { return };
    event.who = Some(rehash.user);
    if let Err(error) = door.cached().commit_durable(DirectoryChange::Rehash(rehash), event).await {
        tracing::warn!(%error, "a password could not be kept anew");
    }
}

async fn set(
    door: &Door,
    user: UserId,
    from: u64,
    phc: String,
    keep: Option<Kept>,
    mut event: Event,
) -> Result<Option<Position>, Stopped> {
    event.who = Some(user);
    let names = Names::hold(door).await?;
    let draft = Draft::subject(names.of(user), Strength::Terminal);
    let change = SetPassword { user, from, phc, keep, draft, at: event.at };
    match names.commit(DirectoryChange::SetPassword(Box::new(change)), event).await? {
        Committed::Done(done) => Ok(done.lines.last().map(|line| line.place)),
        Committed::Conflict => Ok(None),
    }
}
