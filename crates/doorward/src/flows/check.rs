//! Who is this? A session secret by the cached record, an access token by its signature; both by the revocation index.

use std::sync::Arc;

use doorward_core::change::{Confirm, SessionChange};
use doorward_core::id::SessionId;
use doorward_core::secret::SecretHash;
use doorward_core::session::{Epochs, Session, Shown};
use doorward_core::{Position, Rejection, Revocations, Scratch, Timestamp};
use doorward_store::cached::Record;
use doorward_store::packed::Seen;

use super::{Refusal, Stopped};
use crate::door::{Door, Stopwatch};
use crate::metrics::words::{self, Found};

/// What a request shows of itself.
#[derive(Debug, Default)]
pub struct Credentials {
    /// A session secret, from the cookie or as Bearer.
    pub secret: Option<SecretHash>,
    /// An access token, as Bearer.
    pub access: Option<String>,
}

/// Who it is.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Their session, with its user.
    pub record: Arc<Record>,
    /// How they showed it.
    pub by: By,
}

/// How a caller showed their session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By its secret.
    Secret(Shown),
    /// By an access token minted at this second.
    Access(Timestamp),
}

impl Caller {
    /// The session.
    pub fn session(&self) -> &Session {
        &self.record.session
    }

    /// The caller as somebody who may do more than ask who they are.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] to whoever shows a secret that was replaced: until its successor is seen it may look on, for
    /// the reply may be lost, and whoever copied it gains nothing by it.
    pub fn acting(&self) -> Result<Acting<'_>, Refusal> {
        match self.by {
            By::Secret(Shown::Previous) => Err(Refusal::Forbidden),
            By::Secret(Shown::Current) | By::Access(_) => Ok(Acting(self)),
        }
    }
}

/// Somebody who may act in the name of their session.
#[derive(Clone, Copy, Debug)]
pub struct Acting<'a>(&'a Caller);

impl<'a> Acting<'a> {
    /// The session.
    pub fn session(self) -> &'a Session {
        self.0.session()
    }
}

/// Checks whatever was shown. Two credentials must name the same session; a secret whose session is over or unknown is
/// passed over if the token is good: a browser sends what lies in its jar.
///
/// # Errors
/// [`Refusal::NoCredentials`], [`Refusal::AmbiguousCredentials`], or what is wrong with the credential.
pub async fn check(door: &Door, shown: &Credentials) -> Result<Caller, Stopped> {
    check_with(door, shown, Stale::Refused).await
}

/// The same for somebody who comes to renew or to sign out: a token that has to be renewed will do for that.
///
/// # Errors
/// As [`check`], but never [`Rejection::TokenStale`].
pub async fn check_taking_stale(door: &Door, shown: &Credentials) -> Result<Caller, Stopped> {
    check_with(door, shown, Stale::Taken).await
}

/// What becomes of a token that has to be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stale {
    Refused,
    Taken,
}

async fn check_with(door: &Door, shown: &Credentials, stale: Stale) -> Result<Caller, Stopped> {
    let by_access = match &shown.access {
        Some(token) => Some(timed(door, words::Credential::AccessToken, check_access(door, token, stale)).await),
        None => None,
    };
    let by_secret = match &shown.secret {
        Some(hash) => Some(timed(door, words::Credential::Secret, check_secret(door, hash)).await),
        None => None,
    };
    match (by_access, by_secret) {
        (None, None) => Err(Refusal::NoCredentials.into()),
        (Some(one), None) | (None, Some(one)) => one,
        (Some(Ok(one)), Some(Ok(other))) if one.session().id != other.session().id => {
            Err(Refusal::AmbiguousCredentials.into())
        }
        // It was the session of another application: the token's own is alive.
        (
            Some(Ok(one)),
            Some(
                Ok(_)
                | Err(Stopped::Refused(Refusal::SessionUnknown | Refusal::SessionEnded | Refusal::SessionExpired)),
            ),
        ) => Ok(one),
        (Some(Ok(_)), Some(Err(Stopped::Refused(_)))) => Err(Refusal::AmbiguousCredentials.into()),
        (Some(Ok(_)), Some(Err(stopped))) | (Some(Err(stopped)), Some(_)) => Err(stopped),
    }
}

async fn timed(
    door: &Door,
    credential: words::Credential,
    check: impl Future<Output = Result<Caller, Stopped>>,
) -> Result<Caller, Stopped> {
    let began = Stopwatch::start();
    let checked = check.await;
    door.metrics().checked(credential, &checked, began.elapsed());
    checked
}

/// Checks a secret whose record is at hand and that asks for nothing else: its session is alive, no older secret of it
/// is still good, and its use need not be written down yet. `None` in every other case.
pub fn glance<T>(door: &Door, hash: &SecretHash, now: Timestamp, read: impl FnOnce(&Seen<'_>) -> T) -> Option<T> {
    let plain = |seen: &Seen<'_>| {
        let is_alive = seen.vitals.check(Epochs::default(), now).is_ok();
        is_alive && !seen.has_previous && !seen.vitals.wants_touch(now)
    };
    door.cached().glance(hash, now, |seen| plain(seen).then(|| read(seen)))?
}

/// Checks a secret whose record is at hand, without waiting; `None` if it has to be loaded or written to.
pub fn check_kept(door: &Door, hash: &SecretHash, now: Timestamp) -> Option<Result<Caller, Stopped>> {
    let record = door.cached().peek(hash, now)?;
    if let Err(refusal) = record.session.check(Epochs::default(), now) {
        return Some(Err(refusal.into()));
    }
    let shown = record.session.recognise(hash, now)?;
    if shown == Shown::Current && record.session.previous.is_some() {
        return None;
    }
    let record = note_use(door, hash, record, now);
    Some(Ok(Caller { record, by: By::Secret(shown) }))
}

async fn check_secret(door: &Door, hash: &SecretHash) -> Result<Caller, Stopped> {
    let now = door.now();
    if let Some(checked) = check_kept(door, hash, now) {
        door.metrics().looked(Found::Hit);
        return checked;
    }
    door.metrics().looked(Found::Miss);
    door.cached().current().await?;
    let fence = door.cached().fence();
    let read_at = door.cached().head();
    let session = door.sessions().session_by_secret(hash).await?.ok_or(Refusal::SessionUnknown)?;
    let mut record = load(door, session, read_at, now).await?;
    let shown = record.session.recognise(hash, now).ok_or(Refusal::SessionUnknown)?;
    if shown == Shown::Current && record.session.previous.is_some() {
        // The new secret has arrived: from here on the old one is worth nothing.
        let confirm = Confirm { session: record.session.id, secret: *hash };
        door.cached().commit(SessionChange::Confirm(confirm)).await?;
        record.session.previous = None;
        return Ok(Caller { record: Arc::new(record), by: By::Secret(shown) });
    }
    let record = Arc::new(record);
    if shown == Shown::Current {
        door.cached().keep(&record, fence);
    }
    let record = note_use(door, hash, record, now);
    Ok(Caller { record, by: By::Secret(shown) })
}

async fn check_access(door: &Door, token: &str, stale: Stale) -> Result<Caller, Stopped> {
    door.cached().current().await?;
    let now = door.now();
    let read_at = door.cached().head();
    let verified = match verify(door, token, now) {
        // Nothing of it is over for good, or the verdict were another; what its session says comes next.
        Err(Stopped::Refused(Refusal::Token(Rejection::TokenStale))) if stale == Stale::Taken => {
            verify_by(door, token, &Revocations::new(), now)
        }
        verified => verified,
    };
    let (id, issued_at) = verified?;
    let session = door.sessions().session(id).await?.ok_or(Refusal::SessionEnded)?;
    let record = Arc::new(load(door, session, read_at, now).await?);
    if record.session.wants_touch(now) {
        door.touch(record.session.id, now);
    }
    Ok(Caller { record, by: By::Access(issued_at) })
}

/// Verifies an access token of ours for us; gives its session and when it was minted.
fn verify(door: &Door, token: &str, now: Timestamp) -> Result<(SessionId, Timestamp), Stopped> {
    door.cached().with_index(|index| verify_by(door, token, index, now))
}

fn verify_by(
    door: &Door,
    token: &str,
    index: &Revocations,
    now: Timestamp,
) -> Result<(SessionId, Timestamp), Stopped> {
    let keys = door.keys();
    let mut scratch = Scratch::new();
    let verified = door.verifier().verify(token, keys.verifying(), index, now, &mut scratch)?;
    match verified.claims.session_id.and_then(SessionId::parse) {
        Some(session) => Ok((session, verified.claims.issued_at)),
        None => Err(Rejection::ClaimsInvalid.into()),
    }
}

/// A session with its user, alive.
pub(super) async fn load(
    door: &Door,
    session: Session,
    read_at: Position,
    now: Timestamp,
) -> Result<Record, Stopped> {
    let epochs = door.directory().epochs(session.user, &session.client).await?;
    session.check(epochs, now)?;
    let user = match session.user {
        Some(id) => Some(Arc::new(door.directory().user(id).await?.ok_or(Refusal::SessionEnded)?)),
        None => None,
    };
    let subject = session.user.map(|id| door.keys().handle_of(id));
    Ok(Record::new(session, user, subject, epochs, (read_at, now)))
}

/// Notes the use of a session, at most once a minute, without waiting.
fn note_use(door: &Door, hash: &SecretHash, record: Arc<Record>, now: Timestamp) -> Arc<Record> {
    if !record.session.wants_touch(now) || !door.touch(record.session.id, now) {
        return record;
    }
    let mut used = Record::clone(&record);
    used.session.last_seen_at = now;
    let used = Arc::new(used);
    door.cached().renew(hash, &used);
    used
}
