//! Refresh: whatever the holder has becomes today's form. The one place where strategies meet (design section 3).

use std::sync::Arc;

use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{DirectoryChange, Rotate, SessionChange};
use doorward_core::client::{Client, Strategy, Transport};
use doorward_core::id::SessionId;
use doorward_core::policy::REPLACED_SECRET;
use doorward_core::refresh::{
    self, Attempt, Circumstances, Credential, Decision, NewSecret, Presented, Turn, session_secret,
};
use doorward_core::secret::{Secret, SecretKind};
use doorward_core::session::{EndReason, Epochs, Previous, Session, Shown};
use doorward_core::user::User;
use doorward_core::{Position, Timestamp, revoke};
use doorward_store::Committed;
use doorward_store::cached::Record;
use zeroize::Zeroizing;

use super::authenticate::{Application, authenticate};
use super::check::{self, By, Caller, Credentials};
use super::issue::{self, Handed, Issued, Issuing, Pen};
use super::names::Names;
use super::{ATTEMPTS, Refusal, Stopped, notice};
use crate::door::{Door, Origin, Stopwatch};
use crate::metrics::words::RefreshEnd;
use crate::throttle::Purpose;

/// What a request for a refresh shows.
#[derive(Debug, Default)]
pub struct Request {
    /// A refresh token, from the body or the jar.
    pub token: Option<String>,
    /// Did it come from the jar?
    pub from_jar: bool,
    /// The attempt key.
    pub attempt: Option<Attempt>,
    /// The text of a session secret, to be handed back where it stays good.
    pub secret: Option<Zeroizing<String>>,
    /// An access token.
    pub access: Option<String>,
    /// The application that asks.
    pub application: Application,
}

/// Refreshes.
///
/// A refresh token turns by [`refresh::decide`]. A session secret is answered without a turn, with the token that is good
/// now: nothing is retired, and asking twice gives the same. An access token alone is exchanged, once.
///
/// # Errors
/// What the rule refuses; [`Refusal::AmbiguousCredentials`] where two credentials name two sessions. Tokens that are none
/// of ours use up the allowance of the network they come from; those that are ours are never refused for it.
pub async fn refresh(door: &Door, asked: Request, from: &Origin) -> Result<Issued, Stopped> {
    let began = Stopwatch::start();
    let mut refreshed = attempt(door, asked, from).await;
    if let Err(Stopped::Refused(Refusal::RefreshInvalid)) = refreshed
        && let Err(stopped) = notice::ask(door, Purpose::Refresh, from).await
    {
        refreshed = Err(stopped);
    }
    door.metrics().refresh_ended(&refreshed, began.elapsed());
    refreshed
}

async fn attempt(door: &Door, asked: Request, from: &Origin) -> Result<Issued, Stopped> {
    door.cached().current().await?;
    let Some(text) = &asked.token else { return without_token(door, asked, from).await };
    let presented = Presented::parse(text).ok_or(Refusal::RefreshInvalid)?;
    if let Some(secret) = asked.secret.as_deref().and_then(|text| SecretKind::Session.parse(text)) {
        let held = Credentials { secret: Some(secret.hash()), access: None };
        let another = |caller: &Caller| caller.session().id != presented.session;
        // A browser sends all its cookies. Where the application says who it is, another one's session is not meant.
        let named = asked.application.named.as_ref().filter(|_| asked.from_jar);
        let meant = |caller: &Caller| named.is_none_or(|named| *named == caller.session().client);
        match check::check(door, &held).await {
            Ok(caller) if another(&caller) && meant(&caller) => {
                return Err(Refusal::AmbiguousCredentials.into());
            }
            Ok(_) | Err(Stopped::Refused(_)) => {}
            Err(stopped) => return Err(stopped),
        }
    }
    let asking = Asking { door, asked: &asked, from };
    asking
        .turn(presented.session, |session| {
            let keys = door.keys();
            let secret = keys.refresh(presented.key)?;
            presented.authenticate(session, secret).map(Credential::Token)
        })
        .await
}

async fn without_token(door: &Door, asked: Request, from: &Origin) -> Result<Issued, Stopped> {
    let secret = asked.secret.as_deref().and_then(|text| SecretKind::Session.parse(text));
    if secret.is_none() && asked.secret.is_some() && asked.access.is_none() {
        return Err(Refusal::SessionUnknown.into());
    }
    let now = door.now_to_mint()?;
    let head = door.cached().head();
    let held = Credentials { secret: secret.as_ref().map(Secret::hash), access: asked.access.clone() };
    let caller = check::check_taking_stale(door, &held).await?;
    let asking = Asking { door, asked: &asked, from };
    match caller.by {
        By::Secret(_) => asking.by_secret(&caller, secret, head, now).await,
        // A secret that is none of this session's is a dead one, or the check had not let both pass.
        By::Access(issued_at) => match secret.filter(|it| caller.session().recognise(&it.hash(), now).is_some()) {
            Some(secret) => asking.by_secret(&caller, Some(secret), head, now).await,
            None => asking.turn(caller.session().id, |_| Some(Credential::Access { issued_at })).await,
        },
    }
}

/// One request for a refresh, at work.
struct Asking<'a> {
    door: &'a Door,
    asked: &'a Request,
    from: &'a Origin,
}

impl Asking<'_> {
    /// The session's own application, as it is set today, if it is the one that asks.
    fn client_of(&self, session: &Session) -> Result<Arc<Client>, Stopped> {
        let client = authenticate(self.door, &self.asked.application, &session.client)?;
        if client.id == session.client { Ok(client) } else { Err(Refusal::RefreshInvalid.into()) }
    }

    /// Turns a generation: load, decide, commit, and again after a lost race.
    async fn turn(
        &self,
        id: SessionId,
        authentic: impl Fn(&Session) -> Option<Credential>,
    ) -> Result<Issued, Stopped> {
        let door = self.door;
        if let Some(issued) = self.turn_remembered(id, &authentic).await? {
            return Ok(issued);
        }
        for _ in 0..ATTEMPTS {
            let now = door.now_to_mint()?;
            // RT8: the head before the session, the session before the epochs.
            let head = door.cached().head();
            let session = door.sessions().session(id).await?.ok_or(Refusal::RefreshInvalid)?;
            let credential = authentic(&session).ok_or(Refusal::RefreshInvalid)?;
            let client = self.client_of(&session)?;
            let epochs = door.directory().epochs(session.user, &session.client).await?;
            let pen = Pen::take(door, &client)?;
            let decision = self.decide(&session, credential, epochs, &client, now);
            // Whoever gets nothing costs no reading of a user.
            let user = match &decision {
                Decision::Repeat | Decision::Rotate(_) => self.user_of(&session).await?,
                Decision::Refuse(_) | Decision::End => None,
            };
            let issuing = Issuing { client: &client, user: user.clone(), head, now, pen };
            match decision {
                Decision::Refuse(why) => return Err(why.into()),
                Decision::Repeat => {
                    let handed = self.repeat(&session, issuing).await?;
                    let repeated = self.issued(session, user, handed);
                    door.metrics().refreshed(RefreshEnd::Repeated);
                    return Ok(repeated);
                }
                Decision::End => {
                    self.end_reused(&session, now).await?;
                    return Err(Refusal::RefreshReused.into());
                }
                Decision::Rotate(turn) => {
                    if let Some((turned, handed)) = self.rotate(&session, *turn, issuing).await? {
                        let subject = turned.user.map(|user| door.keys().handle_of(user));
                        let record = Record::new(turned, user, subject, epochs, (head, now));
                        return Ok(self.remember(record, handed));
                    }
                }
            }
        }
        Err(Stopped::Contended)
    }

    /// Turns a generation by what is remembered of the session, and reads nothing. `None` if nothing is, if the rule
    /// says anything but a turn whose precondition settles it, or if the commit finds that something has changed: then
    /// nothing has happened, and the store is asked.
    async fn turn_remembered(
        &self,
        id: SessionId,
        authentic: impl Fn(&Session) -> Option<Credential>,
    ) -> Result<Option<Issued>, Stopped> {
        let door = self.door;
        let now = door.now_to_mint()?;
        // RT8: the head before the record, which is none any more if anything up to the head revokes it.
        let head = door.cached().head();
        let Some(record) = door.cached().peek_turned(id, now) else { return Ok(None) };
        let session = &record.session;
        let Some(credential) = authentic(session) else { return Ok(None) };
        let client = self.client_of(session)?;
        let pen = Pen::take(door, &client)?;
        let issuing = Issuing { client: &client, user: record.user.clone(), head, now, pen };
        let turn = match self.decide(session, credential, record.epochs, &client, now) {
            Decision::Rotate(turn) if turn.stands_alone() => *turn,
            _ => return Ok(None),
        };
        let turned = self.rotate(session, turn, issuing).await?;
        Ok(turned.map(|(turned, handed)| self.remember(record.turned(turned), handed)))
    }

    fn decide(
        &self,
        session: &Session,
        shown: Credential,
        epochs: Epochs,
        client: &Client,
        now: Timestamp,
    ) -> Decision {
        let around = Circumstances {
            client,
            epochs,
            refresh_key: self.door.keys().refresh_active(),
            policy: self.door.settings().refresh,
            now,
        };
        refresh::decide(session, shown, self.asked.attempt, around)
    }

    /// Commits a turn; `None` if somebody else was quicker.
    async fn rotate(
        &self,
        session: &Session,
        turn: Turn,
        around: Issuing<'_>,
    ) -> Result<Option<(Session, Handed)>, Stopped> {
        let door = self.door;
        let keys = door.keys();
        let handed_secret = match turn.strategy {
            Strategy::Session => {
                let key = keys.refresh(turn.refresh_key).ok_or(Refusal::RefreshInvalid)?;
                Some(session_secret(key, session, turn.generation))
            }
            Strategy::Jwt | Strategy::Hybrid => None,
        };
        let secret = handed_secret.as_ref().map(|secret| NewSecret {
            hash: secret.hash(),
            previous: session.secret.map(|hash| Previous { hash, until: around.now + REPLACED_SECRET }),
        });
        let event = match turn.regressed {
            true => {
                let mut event = door.event(Kind::StoreRegressed, Actor::Doorward, self.from)?;
                event.session = Some(session.id);
                Some(event)
            }
            false => None,
        };
        let turned = turn.applied_to(session, secret.as_ref());
        let change = SessionChange::Rotate(Box::new(Rotate { turn, secret, event }));
        // Signing takes about as long as the disk, and goes on meanwhile. Nobody is given anything before the commit.
        let (committed, handed) = tokio::join!(biased;
            door.cached().commit(change),
            self.hand_out(&turned, handed_secret.as_ref(), around),
        );
        match committed? {
            Committed::Done(_) => Ok(Some((turned, handed?))),
            Committed::Conflict => Ok(None),
        }
    }

    /// Remembers what has turned, if it can turn again, and answers with it.
    fn remember(&self, record: Record, handed: Handed) -> Issued {
        self.door.metrics().refreshed(RefreshEnd::Rotated);
        if handed.refresh.is_some() {
            self.door.cached().keep_turned(&record);
        }
        self.issued(record.session, record.user, handed)
    }

    /// Hands out the current generation again, in the form it was handed out in.
    async fn repeat(&self, session: &Session, around: Issuing<'_>) -> Result<Handed, Stopped> {
        let secret = match session.strategy {
            Strategy::Session => {
                let keys = self.door.keys();
                let key = keys.refresh(session.refresh_key).ok_or(Refusal::RefreshInvalid)?;
                let secret = session_secret(key, session, session.generation);
                if !session.secret.is_some_and(|kept| kept.matches(&secret.hash())) {
                    return Err(Refusal::RefreshSuperseded.into());
                }
                Some(secret)
            }
            Strategy::Jwt | Strategy::Hybrid => None,
        };
        self.hand_out(session, secret.as_ref(), around).await
    }

    async fn hand_out(
        &self,
        session: &Session,
        secret: Option<&Secret>,
        around: Issuing<'_>,
    ) -> Result<Handed, Stopped> {
        let now = around.now;
        let mut handed = issue::hand_out(self.door, session, session.strategy, secret, around).await?;
        self.keep_jar_current(session, &mut handed, now)?;
        Ok(handed)
    }

    /// A refresh cookie that was shown is answered by its successor whatever the strategy: left in the jar, the retired
    /// one would look stolen the next time it is sent.
    fn keep_jar_current(&self, session: &Session, handed: &mut Handed, now: Timestamp) -> Result<(), Stopped> {
        if self.asked.from_jar && handed.refresh.is_none() {
            handed.refresh = Some(issue::refresh_token(self.door, session, now)?);
            handed.refresh_for_jar_only = true;
        }
        Ok(())
    }

    /// Converts what a session secret stands for, without retiring it.
    async fn by_secret(
        &self,
        caller: &Caller,
        secret: Option<Secret>,
        head: Position,
        now: Timestamp,
    ) -> Result<Issued, Stopped> {
        // Read anew: a turn of its token leaves the record alone that is kept under the secret, and whoever were handed the
        // token that it names would be taken for a thief.
        let session = self.door.sessions().session(caller.session().id).await?.ok_or(Refusal::SessionEnded)?;
        let client = self.client_of(&session)?;
        let known = |secret: &Secret| session.recognise(&secret.hash(), now) == Some(Shown::Current);
        if !secret.as_ref().is_none_or(known) {
            // It was replaced: it may look, but gains nothing new.
            return Err(Refusal::SessionUnknown.into());
        }
        let Record { session, user, .. } = check::load(self.door, session, head, now).await?;
        let pen = Pen::take(self.door, &client)?;
        let around = Issuing { client: &client, user: user.clone(), head, now, pen };
        let handed = issue::hand_out(self.door, &session, client.strategy, secret.as_ref(), around).await?;
        let kept = self.issued(session, user, handed);
        self.door.metrics().refreshed(RefreshEnd::Kept);
        Ok(kept)
    }

    async fn user_of(&self, session: &Session) -> Result<Option<Arc<User>>, Stopped> {
        match session.user {
            Some(id) => Ok(self.door.directory().user(id).await?.map(Arc::new)),
            None => Ok(None),
        }
    }

    fn issued(&self, session: Session, user: Option<Arc<User>>, handed: Handed) -> Issued {
        let transport = if self.asked.from_jar { Transport::Cookie } else { session.transport };
        Issued { session, user, handed, transport }
    }

    /// Two hands held one token: the session is over for both, and verifiers know before the answer goes out (RT5).
    async fn end_reused(&self, session: &Session, now: Timestamp) -> Result<(), Stopped> {
        let door = self.door;
        let mut event = door.event(Kind::RefreshReused, Actor::Nobody, self.from)?;
        event.who = session.user;
        event.session = Some(session.id);
        event.client = Some(session.client.clone());
        let names = Names::hold(door).await?;
        let end = revoke::end(&[session], EndReason::RefreshReused, now, |user| names.of(user));
        names.commit(DirectoryChange::EndSessions(end), event).await?;
        tracing::warn!(session = %session.id, client = %session.client, "a retired refresh token was shown; its session is ended");
        Ok(())
    }
}
