//! Clients: adding one, changing one, switching one off and on.

use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{DirectoryChange, SetClient};
use doorward_core::client::{AttemptKey, Client, Strategy, Transport, Warning};
use doorward_core::feed::Draft;
use doorward_core::id::ClientId;
use doorward_core::policy::Profile;
use doorward_core::{Algorithm, Lifetime, Strength, Timestamp};
use doorward_store::Committed;

use super::{ATTEMPTS, Refusal, Stopped, keys};
use crate::door::{Door, Origin};

/// A client as it is now, and what is dangerous about it.
#[derive(Debug)]
pub struct Settled {
    /// The client.
    pub client: Client,
    /// Told to whoever set it.
    pub warnings: Vec<Warning>,
}

/// Adds a client; the first that wants an algorithm has its keys made.
///
/// # Errors
/// [`Refusal::ClientUnfit`], [`Refusal::ClientTaken`], [`Stopped::Overloaded`].
pub async fn add(door: &Door, client: Client, by: Actor, from: &Origin) -> Result<Settled, Stopped> {
    client.check()?;
    if door.directory().client(&client.id).await?.is_some() {
        return Err(Refusal::ClientTaken.into());
    }
    keys::ensure(door, client.algorithm, by.clone(), from).await?;
    let mut event = door.event(Kind::ClientCreated, by.clone(), from)?;
    event.client = Some(client.id.clone());
    let change = DirectoryChange::AddClient(Box::new(client.clone()));
    match door.cached().commit_durable(change, event).await? {
        Committed::Done(_) => {
            let warnings = warn(door, &client, by, from).await?;
            Ok(Settled { client, warnings })
        }
        Committed::Conflict => Err(Refusal::ClientTaken.into()),
    }
}

/// What is dangerous about a client goes to the log and, as a shared secret, into the audit log.
async fn warn(door: &Door, client: &Client, by: Actor, from: &Origin) -> Result<Vec<Warning>, Stopped> {
    let all = door.directory().clients().await?;
    let warnings = Warning::of(client, &all, &door.settings().issuer);
    for warning in &warnings {
        tracing::warn!(client = %client.id, "{}", warning.sentence());
    }
    if !warnings.is_empty() {
        let mut event = door.event(Kind::SecretShared, by, from)?;
        event.client = Some(client.id.clone());
        event.detail = Some(String::from(if warnings.len() > 1 { "second verifier" } else { "client" }));
        door.cached().commit_durable(DirectoryChange::Note, event).await?;
    }
    Ok(warnings)
}

/// What shall be different about a client; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// What its users hold.
    pub strategy: Option<Strategy>,
    /// How credentials may travel.
    pub transports: Option<Vec<Transport>>,
    /// Exact origins of its pages.
    pub origins: Option<Vec<String>>,
    /// Who its access tokens are for.
    pub audiences: Option<Vec<String>>,
    /// Scopes its tokens may carry.
    pub scopes: Option<Vec<String>>,
    /// How long an access token lives.
    pub access: Option<Lifetime>,
    /// How long its sessions live.
    pub profile: Option<Profile>,
    /// Whether attempt keys are expected.
    pub attempt_key: Option<AttemptKey>,
    /// What its tokens are signed with.
    pub algorithm: Option<Algorithm>,
    /// Whether it is switched off.
    pub disabled: Option<bool>,
}

impl Edit {
    /// The client with the edit applied. A strategy that changes does so now: tokens from before may be exchanged.
    pub fn apply_to(&self, client: &Client, now: Timestamp) -> Client {
        let mut edited = client.clone();
        if let Some(strategy) = self.strategy.filter(|strategy| *strategy != client.strategy) {
            edited.strategy = strategy;
            edited.strategy_since = now;
        }
        if let Some(profile) = self.profile {
            let access = edited.lifetimes.access;
            edited.lifetimes = profile.lifetimes();
            edited.lifetimes.access = access;
        }
        if let Some(disabled) = self.disabled {
            edited.disabled_at = disabled.then(|| client.disabled_at.unwrap_or(now));
        }
        edited.lifetimes.access = self.access.unwrap_or(edited.lifetimes.access);
        edited.attempt_key = self.attempt_key.unwrap_or(edited.attempt_key);
        edited.algorithm = self.algorithm.unwrap_or(edited.algorithm);
        put(&mut edited.transports, self.transports.as_ref());
        put(&mut edited.origins, self.origins.as_ref());
        put(&mut edited.audiences, self.audiences.as_ref());
        put(&mut edited.scopes, self.scopes.as_ref());
        edited
    }
}

fn put<T: Clone>(place: &mut Vec<T>, new: Option<&Vec<T>>) {
    if let Some(new) = new {
        place.clone_from(new);
    }
}

/// Changes a client. Switching it off ends everything that came through it; switching it on brings nothing of that back.
/// The first that wants an algorithm has its keys made.
/// What tokens say no longer truly has to be renewed.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::ClientUnfit`], [`Stopped::Overloaded`].
pub async fn set(door: &Door, id: &ClientId, edit: &Edit, by: Actor, from: &Origin) -> Result<Settled, Stopped> {
    let mut keys_are_new = false;
    for _ in 0..ATTEMPTS {
        let found = door.directory().client(id).await?.ok_or(Refusal::NotFound)?;
        let mut event = door.event(Kind::ClientChanged, by.clone(), from)?;
        event.client = Some(id.clone());
        let client = edit.apply_to(&found, event.at);
        client.check()?;
        if client == found {
            return Ok(Settled { client: found, warnings: Vec::new() });
        }
        keys_are_new |= !keys::ensure(door, client.algorithm, by.clone(), from).await?.is_empty();
        let off = client.disabled_at.is_some() && found.disabled_at.is_none();
        let strength = match (off, client.outdates_tokens_of(&found)) {
            (true, _) => Some(Strength::Terminal),
            (false, true) => Some(Strength::RefreshRequired),
            (false, false) => None,
        };
        let drafts = strength.map(|strength| Draft::client(id, strength)).into_iter().collect();
        let set = SetClient { client, from: found.version, drafts };
        let change = DirectoryChange::SetClient(Box::new(set));
        if let Committed::Done(_) = door.cached().commit_durable(change, event).await? {
            let client = door.directory().client(id).await?.ok_or(Refusal::NotFound)?;
            let mut warnings = warn(door, &client, by, from).await?;
            warnings.extend(keys_are_new.then_some(Warning::NewKeys));
            return Ok(Settled { client, warnings });
        }
    }
    Err(Stopped::Contended)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web() -> Client {
        let id = ClientId::parse("web").expect("a client id");
        Client::first_party(id, Strategy::Session, Timestamp::from_secs(100))
    }

    #[test]
    fn only_a_strategy_that_changes_starts_anew() {
        let now = Timestamp::from_secs(200);
        let same = Edit { strategy: Some(Strategy::Session), ..Edit::default() };
        assert_eq!(same.apply_to(&web(), now), web());
        let other = Edit { strategy: Some(Strategy::Hybrid), ..Edit::default() };
        let changed = other.apply_to(&web(), now);
        assert_eq!((changed.strategy, changed.strategy_since), (Strategy::Hybrid, now));
    }

    #[test]
    fn a_profile_leaves_the_access_token_alone_unless_both_are_set() {
        let now = Timestamp::from_secs(200);
        let mut client = web();
        client.lifetimes.access = Lifetime::from_mins(5);
        let strict = Edit { profile: Some(Profile::Strict), ..Edit::default() };
        let times = strict.apply_to(&client, now).lifetimes;
        assert_eq!((times.access, times.idle), (Lifetime::from_mins(5), Lifetime::from_mins(15)));
        let both = Edit { access: Some(Lifetime::from_mins(1)), ..strict };
        assert_eq!(both.apply_to(&client, now).lifetimes.access, Lifetime::from_mins(1));
    }

    #[test]
    fn switching_off_twice_keeps_the_first_time() {
        let off = Edit { disabled: Some(true), ..Edit::default() };
        let once = off.apply_to(&web(), Timestamp::from_secs(200));
        assert_eq!(off.apply_to(&once, Timestamp::from_secs(300)), once);
        let on = Edit { disabled: Some(false), ..Edit::default() };
        assert_eq!(on.apply_to(&once, Timestamp::from_secs(400)), web());
    }
}
