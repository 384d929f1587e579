//! Sign in: a password or a guest's nothing becomes a new session.

use std::sync::Arc;

use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{DirectoryChange, Open, Rehash, SessionChange, Upgrade};
use doorward_core::client::{Client, Strategy, Transport};
use doorward_core::feed::Draft;
use doorward_core::id::{SessionId, UserId};
use doorward_core::known_device::Device as KnownDevice;
use doorward_core::login::{MOST_SESSIONS, crowded_out};
use doorward_core::password::Typed;
use doorward_core::secret::Secret;
use doorward_core::session::{Device, Drawn, EndReason, Ended, Opening, Salt, Session};
use doorward_core::throttle::Whose;
use doorward_core::user::{Email, User};
use doorward_core::{Position, Timestamp, login};
use doorward_store::Committed;

use super::check::{self, Caller, Credentials};
use super::guess::Guess;
use super::issue::{self, Issued, Issuing, Pen};
use super::{ATTEMPTS, Refusal, Stopped, notice, password, revoke};
use crate::door::{Door, Origin, Stopwatch};
use crate::metrics::words;
use crate::throttle::Purpose;

/// A sign-in as it was asked for.
#[derive(Debug)]
pub struct Attempt {
    /// The application, authenticated.
    pub client: Arc<Client>,
    /// How the credential shall travel; by default as its strategy's do.
    pub transport: Option<Transport>,
    /// Who.
    pub who: Who,
    /// What the browser held already.
    pub held: Credentials,
    /// What makes it a known device, as it says.
    pub device: Option<String>,
}

/// Who signs in.
#[derive(Debug)]
pub enum Who {
    /// Somebody with a password. `None`s are texts that nobody's can be: the answer takes as long.
    Person {
        /// The address.
        email: Option<Email>,
        /// The password.
        password: Option<Typed>,
    },
    /// A guest.
    Guest,
}

/// Signs in.
///
/// # Errors
/// What [`login::admit`] and [`login::prove`] refuse; one answer for unknown, wrong and suspended.
/// [`Refusal::TooManyAttempts`], for guests too.
pub async fn sign_in(door: &Door, attempt: Attempt, from: &Origin) -> Result<Issued, Stopped> {
    let began = Stopwatch::start();
    let who = if matches!(attempt.who, Who::Guest) { words::Who::Guest } else { words::Who::Person };
    let entered = enter(door, attempt, from).await;
    door.metrics().signed_in(who, &entered, began.elapsed());
    entered
}

async fn enter(door: &Door, attempt: Attempt, from: &Origin) -> Result<Issued, Stopped> {
    let Attempt { client, transport, who, held, device } = attempt;
    let transport = transport.unwrap_or_else(|| client.strategy.default_transport());
    login::admit(&client, transport)?;
    let entry = Entry { door, client: &client, transport, from };
    // A secret that was replaced stands for nobody whose session could be taken over, or ended.
    let held = check::check(door, &held).await.ok().filter(|held| held.acting().is_ok());
    match who {
        Who::Guest => {
            notice::ask(door, Purpose::Guest, from).await?;
            let now = door.now_to_mint()?;
            let ((drawn, secret), pen) = (entry.draw()?, Pen::take(door, &client)?);
            if let Some(held) = &held {
                entry.replace(held.session()).await?;
            }
            let head = door.cached().head();
            let session = login::open_guest(entry.opening(head, now), drawn);
            let around = Issuing { client: &client, user: None, head, now, pen };
            entry.commit(session, secret, None, around).await
        }
        Who::Person { email, password } => entry.person(email, password, device.as_deref(), held).await,
    }
}

/// A session that a right password made, not yet written.
struct Entered {
    session: Session,
    user: User,
    secret: Option<Secret>,
    head: Position,
    now: Timestamp,
    /// The password as it is kept from now on, if it was kept in an older way.
    anew: Option<Rehash>,
}

/// What all steps of one sign-in share.
struct Entry<'a> {
    door: &'a Door,
    client: &'a Client,
    transport: Transport,
    from: &'a Origin,
}

impl Entry<'_> {
    async fn person(
        &self,
        email: Option<Email>,
        password: Option<Typed>,
        device: Option<&str>,
        held: Option<Caller>,
    ) -> Result<Issued, Stopped> {
        let door = self.door;
        let user = match &email {
            Some(email) => door.directory().user_by_email(email.key()).await?,
            None => None,
        };
        let user = user.map(|user| user.id);
        let known = device.and_then(|text| door.keys().device_of(user, text));
        let guess = Guess { email: email.as_ref(), device: known, from: self.from };
        let entered = guess.weigh(door, self.weigh(user, email.as_ref(), password, held.as_ref())).await?;
        let Entered { session, user, secret, head, now, anew } = entered;
        if let Some(anew) = anew {
            password::keep_anew(door, anew, self.from).await;
        }
        let pen = Pen::take(door, self.client)?;
        let device = match self.transport {
            Transport::Cookie => {
                let device = known.map_or_else(|| door.draw().map(KnownDevice::from_bytes), Ok)?;
                Some(door.keys().device_text(user.id, &device))
            }
            Transport::Body => None,
        };
        let around = Issuing { client: self.client, user: Some(Arc::new(user)), head, now, pen };
        let guest = held.map(|held| held.record.session.clone()).filter(Session::is_guest);
        let mut issued = self.commit(session, secret, guest, around).await?;
        if device.is_some() && known.is_none() {
            notice::new_device(door, &issued.session, self.from).await;
        }
        issued.handed.device = device;
        Ok(issued)
    }

    /// Weighs a password, and makes the session that it opens.
    async fn weigh(
        &self,
        user: Option<UserId>,
        email: Option<&Email>,
        password: Option<Typed>,
        held: Option<&Caller>,
    ) -> Result<Entered, Stopped> {
        let door = self.door;
        // The head is read before the password is: whoever changes it from here on ends what comes of this sign-in.
        let born = door.cached().head();
        let whose = email.map_or(Whose([0; 16]), |email| door.keys().whose(email, None));
        // What nobody has is read as well, under an id that stands in for his: the answer takes as many readings.
        let sought = user.unwrap_or_else(|| UserId::from_bytes(whose.0));
        let kept = door.directory().credential(sought).await?.filter(|_| user.is_some());
        let version = kept.as_ref().map_or(0, |kept| kept.version);
        let right = door.hashing().weigh(kept.map(|kept| kept.phc), password, whose, door.draw()?).await?;
        let (verdict, anew) = right.map_or((None, None), |right| (Some(right.correct), right.anew));
        let (drawn, secret) = self.draw()?;
        if verdict.is_some() {
            // Nothing is ended for somebody who then cannot be let in.
            Pen::take(door, self.client)?;
        }
        // What is ended here may be told of the whole person: what is minted is minted behind it, and all that it rests on
        // is read after that.
        let made_room = verdict.is_some() && self.make_room(sought, held).await?;
        let replaced = match held.map(Caller::session).filter(|held| verdict.is_some() && !held.is_guest()) {
            Some(held) => self.replace_by(sought, held).await?,
            None => false,
        };
        let head = if made_room || replaced { door.cached().head() } else { born };
        // Hashing takes its time; whether the account is still there is asked after it.
        let user = door.directory().user(sought).await?.filter(|_| user.is_some());
        let now = door.now_to_mint()?;
        let proven = login::prove(user.as_ref(), verdict)?;
        let session = proven.open(self.opening(born, now), drawn);
        let epochs = door.directory().epochs(session.user, &session.client).await?;
        session.check(epochs, now).map_err(|_| Refusal::InvalidCredentials)?;
        let user = user.ok_or(Refusal::InvalidCredentials)?;
        let anew = anew.map(|phc| Rehash { user: user.id, from: version, phc });
        Ok(Entered { session, user, secret, head, now, anew })
    }

    /// Ends what a person has too many of, before the new session is there. Those who sign in at once may each find room
    /// for one; the next sign-in ends what is over. Was anything ended?
    async fn make_room(&self, user: UserId, held: Option<&Caller>) -> Result<bool, Stopped> {
        let now = self.door.now();
        // Nearly everybody has a few: one reading says so.
        if self.door.sessions().sessions_of(user, now).await?.len() < MOST_SESSIONS {
            return Ok(false);
        }
        let mut alive = revoke::alive_of(self.door, user, now).await?;
        // The one that this browser holds is ended anyway.
        alive.retain(|session| held.is_none_or(|held| held.session().id != session.id));
        let over = crowded_out(&alive);
        if over.is_empty() {
            return Ok(false);
        }
        revoke::end(self.door, &over, EndReason::CrowdedOut, Actor::User(user), self.from).await?;
        Ok(true)
    }

    /// Ends the person's session that the same browser holds, theirs or somebody else's: whoever planted it gains nothing.
    /// Nothing of it is ended by somebody who is not let in. Was it ended?
    async fn replace_by(&self, user: UserId, held: &Session) -> Result<bool, Stopped> {
        let comes = self.door.directory().user(user).await?;
        if comes.is_none_or(|user| user.suspended_at.is_some()) {
            return Ok(false);
        }
        self.replace(held).await?;
        Ok(true)
    }

    async fn replace(&self, held: &Session) -> Result<(), Stopped> {
        let by = held.user.map_or(Actor::Nobody, Actor::User);
        revoke::end(self.door, &[held], EndReason::Replaced, by, self.from).await?;
        Ok(())
    }

    fn draw(&self) -> Result<(Drawn, Option<Secret>), Stopped> {
        let secret = match self.client.strategy {
            Strategy::Session => Some(Secret::from_bytes(self.door.draw()?)),
            Strategy::Jwt | Strategy::Hybrid => None,
        };
        let drawn = Drawn {
            id: SessionId::from_bytes(self.door.draw()?),
            salt: Salt(self.door.draw()?),
            secret: secret.as_ref().map(Secret::hash),
        };
        Ok((drawn, secret))
    }

    fn opening(&self, born: Position, now: Timestamp) -> Opening<'_> {
        let device = Device {
            name: self.from.agent.name(),
            address: self.from.address.map(|address| address.to_string()).unwrap_or_default(),
        };
        let refresh_key = self.door.keys().refresh_active();
        Opening { client: self.client, transport: self.transport, device, born, refresh_key, now }
    }

    /// Writes the new session; what a guest kept goes over into it.
    async fn commit(
        &self,
        session: Session,
        secret: Option<Secret>,
        guest: Option<Session>,
        around: Issuing<'_>,
    ) -> Result<Issued, Stopped> {
        let door = self.door;
        let user = around.user.clone();
        let by = user.as_ref().map_or(Actor::Nobody, |user| Actor::User(user.id));
        let mut event = door.event(Kind::SessionOpened, by, self.from)?;
        event.who = session.user;
        event.session = Some(session.id);
        event.client = Some(session.client.clone());
        match guest {
            Some(guest) => {
                let ended = Ended { at: around.now, why: EndReason::Upgraded };
                let draft = Draft::session(guest.id);
                let change = Upgrade { session: session.clone(), guest: guest.id, ended, draft };
                let change = DirectoryChange::Upgrade(Box::new(change));
                if door.cached().commit_durable(change, event.clone()).await? == Committed::Conflict {
                    // The guest was ended a moment ago: there is nothing to bring along.
                    self.open(&session, event).await?;
                }
            }
            None => self.open(&session, event).await?,
        }
        let handed = issue::hand_out(door, &session, session.strategy, secret.as_ref(), around).await?;
        Ok(Issued { session, user, handed, transport: self.transport })
    }

    async fn open(&self, session: &Session, event: doorward_core::audit::Event) -> Result<(), Stopped> {
        for _ in 0..ATTEMPTS {
            let open = Open { session: session.clone(), event: event.clone() };
            let committed = self.door.cached().commit(SessionChange::Open(Box::new(open))).await?;
            if let Committed::Done(_) = committed {
                return Ok(());
            }
        }
        // 128 drawn bits were taken: the dice are broken.
        Err(Stopped::NoEntropy)
    }
}
