//! A door for trial: the wiring of production over a SQLite file in a folder that is gone afterwards, with a client for
//! each strategy and one person.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{AddUser, DirectoryChange};
use doorward_core::client::{Client, Strategy, Transport};
use doorward_core::id::{ClientId, UserId};
use doorward_core::key::Masters;
use doorward_core::password::{Cost, Typed};
use doorward_core::policy::RefreshPolicy;
use doorward_core::role::Roles;
use doorward_core::secret::{Secret, SecretHash, SecretKind};
use doorward_core::throttle::Rate;
use doorward_core::user::{Email, User};
use doorward_core::{Algorithm, Lifetime};
use doorward_store::sqlite::Sqlite;
use doorward_store::{Opening, Stores};
use zeroize::Zeroizing;

use super::Trouble;
use crate::door::{Clock, Dice, Door, Origin, Settings, SystemClock, SystemDice};
use crate::flows::check::Credentials;
use crate::flows::issue::Issued;
use crate::flows::login::{Attempt, Who, sign_in};
use crate::flows::register::{Registration, register};
use crate::flows::{Stopped, clients};
use crate::hashing::Hashing;
use crate::throttle::Limits;
use crate::wiring::{Wiring, wire};

/// What a trial costs and keeps.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// What a password hash costs.
    pub cost: Cost,
    /// How many passwords are hashed at a time.
    pub threads: usize,
    /// How many sessions are kept at hand.
    pub records: usize,
}

/// The door, and the folder that it stands in.
pub struct Trial {
    /// The door.
    pub door: Door,
    password: Zeroizing<String>,
    /// Who signed in last, of how many.
    turn: AtomicUsize,
    people: usize,
    // Dropped last: the store is closed by then.
    _folder: Folder,
}

impl std::fmt::Debug for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trial")
    }
}

impl Trial {
    /// Opens one.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn open(terms: Terms, issuer: &str) -> Result<Self, Trouble> {
        let folder = Folder::make()?;
        let now = SystemClock.now();
        let opening = Opening { now, database: drawn()?, origin: doorward_store::Origin::Serve };
        let wiring = Wiring {
            stores: Stores::of(Sqlite::open(&folder.0, opening)?),
            settings: settings(issuer, terms.records),
            masters: Masters::only(Secret::from_bytes(drawn()?)),
            hashing: Hashing::start(terms.threads, terms.cost)?,
            clock: Arc::new(SystemClock),
            dice: Arc::new(SystemDice),
        };
        let door = wire(wiring).await?;
        for (name, strategy, algorithm) in [
            ("trial-session", Strategy::Session, Algorithm::Es256),
            ("trial-hybrid", Strategy::Hybrid, Algorithm::Es256),
            ("trial-eddsa", Strategy::Jwt, Algorithm::EdDsa),
        ] {
            let client = Client { algorithm, ..Client::first_party(client(name)?, strategy, now) };
            let client = Client { transports: Transport::ALL.to_vec(), ..client };
            clients::add(&door, client, Actor::Operator, &Origin::default()).await?;
        }
        let password = Zeroizing::new(SecretKind::Session.text(&Secret::from_bytes(drawn()?)));
        let new = Registration { email: email(0)?, password: password.clone(), name: None, roles: Roles::NONE };
        register(&door, new, Actor::Operator, &Origin::default()).await?;
        Ok(Self { door, password, turn: AtomicUsize::new(0), people: 1, _folder: folder })
    }

    /// So many people have the password from now on, and sign in by turns: one alone would soon have as many sessions as may
    /// be, and each sign-in would end one.
    ///
    /// # Errors
    /// What stops the store.
    pub async fn invite(mut self, people: usize) -> Result<Self, Trouble> {
        let found = self.door.directory().user_by_email(email(0)?.key()).await.map_err(Stopped::from)?;
        let first = found.ok_or(Trouble::Wrong("the person is not there"))?;
        let kept = self.door.directory().credential(first.id).await.map_err(Stopped::from)?;
        let phc = kept.ok_or(Trouble::Wrong("the person has no password"))?.phc;
        for number in self.people..people {
            let user = User::new(UserId::from_bytes(self.door.draw()?), email(number)?, None, self.door.now());
            let event = self.door.event(Kind::UserCreated, Actor::Operator, &Origin::default())?;
            let add = DirectoryChange::AddUser(Box::new(AddUser { user, phc: phc.clone() }));
            self.door.cached().commit_durable(add, event).await.map_err(Stopped::from)?;
        }
        self.people = people;
        Ok(self)
    }

    /// A person signs in through a client.
    ///
    /// # Errors
    /// What stops a sign-in.
    pub async fn sign_in(&self, through: &str) -> Result<Issued, Trouble> {
        let number = self.turn.fetch_add(1, Ordering::Relaxed) % self.people;
        let who = Who::Person { email: Some(email(number)?), password: Typed::read(&self.password) };
        self.enter(through, who).await
    }

    /// A guest does, which hashes nothing.
    ///
    /// # Errors
    /// What stops a sign-in.
    pub async fn guest(&self) -> Result<Issued, Trouble> {
        self.enter("trial-session", Who::Guest).await
    }

    async fn enter(&self, through: &str, who: Who) -> Result<Issued, Trouble> {
        let client = self.door.client(&client(through)?).ok_or(Trouble::Wrong("the client is not there"))?;
        let held = Credentials::default();
        let attempt = Attempt { client, transport: Some(Transport::Body), who, held, device: None };
        Ok(sign_in(&self.door, attempt, &Origin::default()).await?)
    }
}

/// The hash of a session's secret, as its holder shows it.
///
/// # Errors
/// If it was given none.
pub fn shown(issued: &Issued) -> Result<SecretHash, Trouble> {
    let secret = issued.handed.session_secret.as_deref().and_then(|text| SecretKind::Session.parse(text));
    secret.map(|secret| secret.hash()).ok_or(Trouble::Wrong("no session secret was handed out"))
}

/// The access token that was handed out.
///
/// # Errors
/// If none was.
pub fn access(issued: Issued) -> Result<Zeroizing<String>, Trouble> {
    let access = issued.handed.access.ok_or(Trouble::Wrong("no access token was handed out"))?;
    Ok(access.0.to_string().into())
}

fn client(name: &str) -> Result<ClientId, Trouble> {
    ClientId::parse(name).ok_or(Trouble::Wrong("no client has such an id"))
}

fn email(number: usize) -> Result<Email, Trouble> {
    Email::parse(&format!("person-{number}@example.test")).ok_or(Trouble::Wrong("the address is none"))
}

fn drawn<const N: usize>() -> Result<[u8; N], Trouble> {
    let mut bytes = [0; N];
    if SystemDice.fill(&mut bytes) { Ok(bytes) } else { Err(crate::flows::Stopped::NoEntropy.into()) }
}

/// As `serve` has it, but for limits on guessing, which would end the measurement.
fn settings(issuer: &str, records: usize) -> Settings {
    let untiring = Rate { burst: 100_000_000, every: Lifetime::from_millis(1) };
    Settings {
        issuer: issuer.to_owned(),
        signup_open: false,
        refresh: RefreshPolicy::default(),
        cache_records: records,
        throttle: Limits { rate: untiring, ..Limits::default() },
        trusted_proxies: Vec::new(),
        feed: Default::default(),
        rotate_every: None,
        feed_only: Vec::new(),
    }
}

/// A folder of this process alone, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, Trouble> {
        let name: String = drawn::<12>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = std::env::temp_dir().join(format!("doorward-trial-{name}"));
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(remove(&self.0));
    }
}

fn remove(folder: &Path) -> std::io::Result<()> {
    fs::remove_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn a_trial_stands_in_a_folder_of_its_own_and_leaves_nothing_behind() {
        let terms = Terms { cost: Cost { memory_kib: 8, passes: 1, lanes: 1 }, threads: 1, records: 8 };
        let trial = Trial::open(terms, "https://id.example.com").await.expect("a trial");
        let folder = trial._folder.0.clone();
        assert!(folder.join("doorward.db").exists());
        assert_eq!(fs::metadata(&folder).expect("a folder").permissions().mode() & 0o777, 0o700);
        shown(&trial.guest().await.expect("a guest")).expect("a secret");
        drop(trial);
        assert!(!folder.exists());
    }
}
