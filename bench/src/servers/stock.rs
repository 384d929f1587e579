//! Fills a store through the door's own commits: users, and sessions that are some time old.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use doorward::door::{Door, Origin};
use doorward::flows::verifiers;
use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{AddUser, DirectoryChange, Open, SessionChange};
use doorward_core::client::{Client, Strategy, Transport};
use doorward_core::id::ClientId;
use doorward_core::password::{self, Chosen, Cost, Memory};
use doorward_core::secret::SecretKind;
use doorward_core::session::{AttemptHash, Device, Generation, Methods, Retired, Ring, Salt, Session};
use doorward_core::user::{Email, User};
use doorward_core::{Lifetime, Position, Timestamp, refresh};
use doorward_store::Committed;

use crate::Trouble;
use crate::options::Stock;
use crate::seed::{
    DEVICE, HYBRID, PASSWORD, TOKENS, VERIFIER, email, name, secret, session, short, user, user_of, users,
};

/// Changes under way at once, so that they share commits.
const TOGETHER: u64 = 256;
/// When the sessions began. None of them was used in the last minute.
const AGE: Lifetime = Lifetime::from_hours(1);
/// Each chain has turned so often: its history is full, as those of living sessions are.
const TURNS: u32 = 40;

/// Adds the users and the sessions of a check; the first so many users have a password.
pub(super) async fn fill(door: &Door, sessions: u64, people: u64) -> Result<(), Trouble> {
    let client = door.client(&ClientId::account()).ok_or("no built-in client")?;
    fill_with(door, sessions, people, &Arc::new(Around::of(door, &client, 0))).await
}

/// Adds a client of strategy hybrid, users and sessions, and writes the sessions' refresh tokens to a file.
pub(super) async fn fill_hybrid(door: &Door, wanted: &Stock) -> Result<(), Trouble> {
    let sessions = wanted.sessions;
    let turns = if wanted.fresh { 0 } else { TURNS };
    let id = ClientId::parse(HYBRID).ok_or("no client id")?;
    let mut client = Client::first_party(id, Strategy::Hybrid, door.now() - AGE);
    client.transports = Transport::ALL.into();
    let mut event = door.event(Kind::ClientCreated, Actor::Operator, &Origin::default()).map_err(stopped)?;
    event.client = Some(client.id.clone());
    let added = door.cached().commit_durable(DirectoryChange::AddClient(Box::new(client.clone())), event).await?;
    done(&added)?;
    let client = Arc::new(client);
    let around = Arc::new(Around::of(door, &client, turns));
    fill_with(door, sessions, 0, &around).await?;
    let keys = door.keys();
    let key = keys.refresh(around.refresh_key).ok_or("no refresh secret")?;
    let mut lines = String::new();
    for number in 0..sessions {
        let session = around.session(number);
        lines.push_str(&refresh::token(key, around.refresh_key, &session, session.generation));
        lines.push('\n');
    }
    Ok(fs::write(wanted.folder.join(TOKENS), lines)?)
}

/// Registers a verifier and writes its secret to a file.
pub(super) async fn register(door: &Door, folder: &Path) -> Result<(), Trouble> {
    let name = String::from("bench");
    let (_, secret) =
        verifiers::add(door, name, Vec::new(), Actor::Operator, &Origin::default()).await.map_err(stopped)?;
    Ok(fs::write(folder.join(VERIFIER), SecretKind::Verifier.text(&secret))?)
}

async fn fill_with(door: &Door, sessions: u64, people: u64, around: &Arc<Around>) -> Result<(), Trouble> {
    let phc = phc().ok_or("no password hash")?;
    each(users(sessions).max(people), door, move |door, number| {
        let phc = if number < people { phc.clone() } else { String::from("$argon2id$nobody") };
        add_user(door, number, phc)
    })
    .await?;
    let around = Arc::clone(around);
    each(sessions, door, move |door, number| {
        let around = Arc::clone(&around);
        async move { open(&door, around.session(number)).await }
    })
    .await
}

/// Does something for every number below `count`, many at once.
async fn each<F, W>(count: u64, door: &Door, work: F) -> Result<(), Trouble>
where
    F: Fn(Door, u64) -> W + Clone + Send + 'static,
    W: Future<Output = Result<(), Trouble>> + Send,
{
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TOGETHER {
        let (door, next, work) = (door.clone(), Arc::clone(&next), work.clone());
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok::<(), Trouble>(());
                }
                work(door.clone(), number).await?;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(())
}

/// Everybody's password, hashed once at the cost that the server has.
fn phc() -> Option<String> {
    let chosen = Chosen::accept(PASSWORD, &[]).ok()?;
    password::hash(&chosen, short("password", 0), Cost::FLOOR, &mut Memory::default())
}

async fn add_user(door: Door, number: u64, phc: String) -> Result<(), Trouble> {
    let email = Email::parse(&email(number)).ok_or("no address")?;
    let name = Some(name(number));
    let user = User::new(user(number), email, name, door.now() - AGE);
    let mut event = door.event(Kind::UserCreated, Actor::Nobody, &Origin::default()).map_err(stopped)?;
    event.who = Some(user.id);
    let change = DirectoryChange::AddUser(Box::new(AddUser { user, phc }));
    done(&door.cached().commit_durable(change, event).await?)
}

async fn open(door: &Door, session: Session) -> Result<(), Trouble> {
    let by = session.user.map_or(Actor::Nobody, Actor::User);
    let mut event = door.event(Kind::SessionOpened, by, &Origin::default()).map_err(stopped)?;
    event.who = session.user;
    event.session = Some(session.id);
    event.client = Some(session.client.clone());
    done(&door.cached().commit(SessionChange::Open(Box::new(Open { session, event }))).await?)
}

fn done(committed: &Committed) -> Result<(), Trouble> {
    match committed {
        Committed::Done(_) => Ok(()),
        Committed::Conflict => Err("the database is not empty".into()),
    }
}

fn stopped(stopped: doorward::flows::Stopped) -> Trouble {
    format!("stopped: {stopped:?}").into()
}

/// What all sessions of a filling share.
struct Around {
    client: Arc<Client>,
    born: Position,
    refresh_key: u8,
    began: Timestamp,
    turns: u32,
}

impl Around {
    fn of(door: &Door, client: &Arc<Client>, turns: u32) -> Self {
        Self {
            turns,
            client: Arc::clone(client),
            born: door.cached().head(),
            refresh_key: door.keys().refresh_active(),
            began: door.now() - AGE,
        }
    }

    /// The session of a number.
    fn session(&self, number: u64) -> Session {
        let times = self.client.lifetimes;
        let is_hybrid = self.client.strategy == Strategy::Hybrid;
        Session {
            id: session(number),
            secret: (!is_hybrid).then(|| secret(number).hash()),
            previous: None,
            user: Some(user_of(number)),
            client: self.client.id.clone(),
            org: None,
            born: self.born,
            salt: Salt(short("salt", number)),
            generation: Generation(self.turns),
            refresh_key: self.refresh_key,
            keyed: is_hybrid,
            ring: self.history(),
            exchange: None,
            strategy: self.client.strategy,
            transport: if is_hybrid { Transport::Body } else { Transport::Cookie },
            auth_time: self.began,
            amr: Methods::PASSWORD,
            acr: None,
            created_at: self.began,
            last_seen_at: self.began,
            idle: times.idle,
            expires_at: self.began + times.absolute,
            device: Device { name: DEVICE.0.to_owned(), address: DEVICE.1.to_owned() },
            ended: None,
            shelf: 0,
        }
    }

    fn history(&self) -> Ring {
        let turned = |turn: u32| Retired {
            generation: Generation(turn),
            attempt: Some(AttemptHash(short("attempt", u64::from(turn)))),
            at: self.began,
            displaced: false,
        };
        Ring::from_rows((0..self.turns).map(turned).collect())
    }
}
