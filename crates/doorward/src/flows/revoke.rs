//! Ending sessions: this one, another one, the others, all; a user, a suspended one.

use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{DirectoryChange, EndUser, Resume, Suspend};
use doorward_core::feed::Draft;
use doorward_core::id::{SessionId, UserId};
use doorward_core::refresh::Presented;
use doorward_core::revoke::{self, Reach};
use doorward_core::session::{EndReason, Ended, Session};
use doorward_core::user::User;
use doorward_core::{Position, Strength, Timestamp};
use doorward_store::Committed;

use super::check::Acting;
use super::names::Names;
use super::{ATTEMPTS, Refusal, Stopped};
use crate::door::{Door, Origin};

/// What a revocation did: the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// How many sessions it ended.
    pub ended: u64,
    /// Its place in the feed: whatever has applied it refuses what was ended.
    pub place: Position,
}

/// Ends the caller's own session.
///
/// # Errors
/// Only what stops the store.
pub async fn sign_out(door: &Door, session: &Session, from: &Origin) -> Result<Receipt, Stopped> {
    let by = session.user.map_or(Actor::Nobody, Actor::User);
    end(door, &[session], EndReason::SignedOut, by, from).await
}

/// The session that a refresh token from a browser's jar names, for signing out; `None` if it is not ours.
///
/// # Errors
/// Only what stops the store.
pub async fn session_of_token(door: &Door, text: &str) -> Result<Option<Session>, Stopped> {
    let Some(presented) = Presented::parse(text) else { return Ok(None) };
    let Some(session) = door.sessions().session(presented.session).await? else { return Ok(None) };
    let keys = door.keys();
    let authentic = keys.refresh(presented.key).and_then(|secret| presented.authenticate(&session, secret));
    Ok(authentic.map(|_| session))
}

/// A user's sessions that are alive, newest first; a guest's is its own.
///
/// # Errors
/// Only what stops the store.
pub async fn alive(door: &Door, caller: Acting<'_>) -> Result<Vec<Session>, Stopped> {
    match caller.session().user {
        Some(user) => alive_of(door, user, door.now()).await,
        None => Ok(vec![caller.session().clone()]),
    }
}

/// A user's sessions that are alive at `now`, newest first.
///
/// # Errors
/// Only what stops the store.
pub async fn alive_of(door: &Door, user: UserId, now: Timestamp) -> Result<Vec<Session>, Stopped> {
    let mut sessions = Vec::new();
    for session in door.sessions().sessions_of(user, now).await? {
        let epochs = door.directory().epochs(session.user, &session.client).await?;
        if session.check(epochs, now).is_ok() {
            sessions.push(session);
        }
    }
    Ok(sessions)
}

/// Ends one of the caller's sessions.
///
/// # Errors
/// [`Refusal::NotFound`] for one that is over, unknown, or somebody else's: the three cannot be told apart.
pub async fn end_one(door: &Door, caller: Acting<'_>, id: SessionId, from: &Origin) -> Result<Receipt, Stopped> {
    let sessions = alive(door, caller).await?;
    let session = sessions.iter().find(|session| session.id == id).ok_or(Refusal::NotFound)?;
    let why = if id == caller.session().id { EndReason::SignedOut } else { EndReason::EndedByUser };
    let by = caller.session().user.map_or(Actor::Nobody, Actor::User);
    end(door, &[session], why, by, from).await
}

/// Ends the caller's other sessions one by one, or all of them by one epoch.
///
/// # Errors
/// Only what stops the store.
pub async fn end_many(door: &Door, caller: Acting<'_>, reach: Reach, from: &Origin) -> Result<Receipt, Stopped> {
    let by = caller.session().user.map_or(Actor::Nobody, Actor::User);
    match (reach, caller.session().user) {
        (Reach::All, Some(user)) => end_user(door, user, EndReason::EndedByUser, by, from).await,
        (Reach::All, None) => end(door, &[caller.session()], EndReason::SignedOut, by, from).await,
        (Reach::Others, _) => {
            let sessions = alive(door, caller).await?;
            let others: Vec<_> = sessions.iter().filter(|session| session.id != caller.session().id).collect();
            end(door, &others, EndReason::EndedByUser, by, from).await
        }
    }
}

/// Ends any session, for an operator.
///
/// # Errors
/// [`Refusal::NotFound`].
pub async fn end_by_operator(door: &Door, id: SessionId, from: &Origin) -> Result<Receipt, Stopped> {
    let session = door.sessions().session(id).await?.ok_or(Refusal::NotFound)?;
    end(door, &[&session], EndReason::EndedByOperator, Actor::Operator, from).await
}

/// Ends everything of a user, by one epoch.
///
/// # Errors
/// [`Refusal::NotFound`].
pub async fn end_user(
    door: &Door,
    user: UserId,
    why: EndReason,
    by: Actor,
    from: &Origin,
) -> Result<Receipt, Stopped> {
    let now = door.now();
    // What is alive is counted as a person would: rows that an epoch killed already are none.
    let ended = alive_of(door, user, now).await?.len() as u64;
    let mut event = door.event(Kind::SessionsEnded, by, from)?;
    event.who = Some(user);
    event.detail = Some(why.name().to_owned());
    let names = Names::hold(door).await?;
    let draft = Draft::subject(names.of(user), Strength::Terminal);
    let change = EndUser { user, draft, ended: Ended { at: now, why } };
    match names.commit(DirectoryChange::EndUser(change), event).await? {
        Committed::Done(done) => Ok(Receipt { ended, place: done.head }),
        Committed::Conflict => Err(Refusal::NotFound.into()),
    }
}

/// Ends these sessions.
///
/// # Errors
/// Only what stops the store.
pub(super) async fn end(
    door: &Door,
    sessions: &[&Session],
    why: EndReason,
    by: Actor,
    from: &Origin,
) -> Result<Receipt, Stopped> {
    let mut event = door.event(Kind::SessionsEnded, by, from)?;
    event.who = sessions.first().and_then(|session| session.user);
    event.session = sessions.first().filter(|_| sessions.len() == 1).map(|session| session.id);
    event.detail = Some(why.name().to_owned());
    let names = Names::hold(door).await?;
    let end = revoke::end(sessions, why, door.now(), |user| names.of(user));
    match names.commit(DirectoryChange::EndSessions(end), event).await? {
        Committed::Done(done) => Ok(Receipt { ended: done.count, place: done.head }),
        Committed::Conflict => Err(Stopped::Contended),
    }
}

/// Suspends an account: everything of it is over in the same step. Suspending twice changes nothing.
///
/// # Errors
/// [`Refusal::NotFound`].
pub async fn suspend(door: &Door, user: UserId, from: &Origin) -> Result<User, Stopped> {
    for _ in 0..ATTEMPTS {
        let found = door.directory().user(user).await?.ok_or(Refusal::NotFound)?;
        if found.suspended_at.is_some() {
            return Ok(found);
        }
        let mut event = door.event(Kind::UserSuspended, Actor::Operator, from)?;
        event.who = Some(user);
        let names = Names::hold(door).await?;
        let draft = Draft::subject(names.of(user), Strength::Terminal);
        let change = Suspend { user, from: found.version, draft, at: event.at };
        names.commit(DirectoryChange::Suspend(change), event).await?;
    }
    Err(Stopped::Contended)
}

/// Resumes an account. What was ended stays ended.
///
/// # Errors
/// [`Refusal::NotFound`].
pub async fn resume(door: &Door, user: UserId, from: &Origin) -> Result<User, Stopped> {
    for _ in 0..ATTEMPTS {
        let found = door.directory().user(user).await?.ok_or(Refusal::NotFound)?;
        if found.suspended_at.is_none() {
            return Ok(found);
        }
        let mut event = door.event(Kind::UserResumed, Actor::Operator, from)?;
        event.who = Some(user);
        let change = Resume { user, from: found.version };
        door.cached().commit_durable(DirectoryChange::Resume(change), event).await?;
    }
    Err(Stopped::Contended)
}
