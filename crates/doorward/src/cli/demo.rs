//! What a demo starts with: one account, one client for each strategy, and whatever its seed file asks for.

use doorward_core::Timestamp;
use doorward_core::audit::Actor;
use doorward_core::client::{Client, ClientKind, Strategy, Transport};
use doorward_core::id::ClientId;
use doorward_core::role::Roles;
use doorward_core::secret::{Secret, SecretKind};
use doorward_core::user::Email;
use zeroize::Zeroizing;

use super::stop::{Exit, Stop};
use crate::config::seed::{Seed, SeedClient, SeedUser};
use crate::door::{Door, Origin};
use crate::flows::clients;
use crate::flows::register::{Registration, register};
use crate::flows::{Refusal, Stopped};

/// The demo's account.
pub(super) const EMAIL: &str = crate::checks::DEMO_EMAIL;
/// Its password, known to everybody: the reason why a demo binds loopback only.
pub(super) const PASSWORD: &str = "copper-lantern-41";

/// What stands in the database now.
#[derive(Debug, Default)]
pub(super) struct Planted {
    /// Is the demo's account there?
    pub(super) has_ada: bool,
    /// The demo's clients, with their strategies of today.
    pub(super) demo_clients: Vec<String>,
    /// Secrets that were drawn a moment ago.
    pub(super) secrets: Vec<(ClientId, Zeroizing<String>)>,
}

/// Plants the demo into a database that has nobody in it, and then the seed: only what is missing.
pub(super) async fn plant(door: &Door, seed: &Seed) -> Result<Planted, Stop> {
    match planted(door, seed).await {
        Ok(planted) => Ok(planted),
        Err(stopped) => Err(Stop::new(Exit::Configuration, format!("the demo could not be planted: {stopped:?}"))),
    }
}

async fn planted(door: &Door, seed: &Seed) -> Result<Planted, Stopped> {
    let mut planted = Planted::default();
    // The account comes last: if it is there, so is everything else, even if a process was killed in between.
    if door.directory().users_after(None, 1).await?.is_empty() {
        for client in demo_clients(door.now()) {
            add_if_missing(door, client).await?;
        }
        if let Some(email) = Email::parse(EMAIL) {
            let password = Zeroizing::new(PASSWORD.to_owned());
            make_if_missing(door, Registration { email, password, name: None, roles: Roles::NONE }).await?;
        }
    }
    for user in &seed.users {
        let SeedUser { email, password, name, roles } = user.clone();
        make_if_missing(door, Registration { email, password, name, roles }).await?;
    }
    for client in &seed.clients {
        planted.secrets.extend(add_seeded(door, client).await?);
    }
    if let Some(email) = Email::parse(EMAIL) {
        planted.has_ada = door.directory().user_by_email(email.key()).await?.is_some();
    }
    for client in demo_clients(door.now()) {
        if let Some(client) = door.client(&client.id) {
            planted.demo_clients.push(format!("{} ({})", client.id, client.strategy.name()));
        }
    }
    Ok(planted)
}

/// `demo-session`, `demo-jwt`, `demo-hybrid`: public, both transports.
fn demo_clients(now: Timestamp) -> impl Iterator<Item = Client> {
    Strategy::ALL.into_iter().filter_map(move |strategy| {
        let id = ClientId::parse(&format!("demo-{}", strategy.name()))?;
        Some(Client { transports: Transport::ALL.to_vec(), ..Client::first_party(id, strategy, now) })
    })
}

async fn add_if_missing(door: &Door, client: Client) -> Result<bool, Stopped> {
    match clients::add(door, client, Actor::Operator, &Origin::default()).await {
        Ok(_) => Ok(true),
        Err(Stopped::Refused(Refusal::ClientTaken)) => Ok(false),
        Err(stopped) => Err(stopped),
    }
}

/// Adds a client of the seed; gives its secret if one was drawn.
async fn add_seeded(door: &Door, seeded: &SeedClient) -> Result<Option<(ClientId, Zeroizing<String>)>, Stopped> {
    let mut client = seeded.new.client(doorward_core::policy::Profile::Relaxed, door.now());
    let id = client.id.clone();
    let mut drawn = None;
    if client.kind == ClientKind::Confidential {
        let hash = match &seeded.secret {
            Some(secret) => secret.hash(),
            None => {
                let secret = Secret::from_bytes(door.draw()?);
                drawn = Some(Zeroizing::new(SecretKind::Client.text(&secret)));
                secret.hash()
            }
        };
        client.secrets.push(hash);
    }
    let added = add_if_missing(door, client).await?;
    Ok(drawn.filter(|_| added).map(|secret| (id, secret)))
}

async fn make_if_missing(door: &Door, new: Registration) -> Result<(), Stopped> {
    // Asked first, because finding out by registering costs a hash at every start.
    if door.directory().user_by_email(new.email.key()).await?.is_some() {
        return Ok(());
    }
    match register(door, new, Actor::Operator, &Origin::default()).await {
        Ok(_) | Err(Stopped::Refused(Refusal::EmailTaken)) => Ok(()),
        Err(stopped) => Err(stopped),
    }
}
