//! Clients: adding one, changing one, switching one off and on.

use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{DirectoryChange, SetClient};
use doorward_core::client::{AttemptKey, Client, Strategy, Transport};
use doorward_core::feed::Draft;
use doorward_core::id::ClientId;
use doorward_core::policy::Profile;
use doorward_core::{Algorithm, Lifetime, Strength, Timestamp};
use doorward_store::Committed;

use super::{ATTEMPTS, Refusal, Stopped};
use crate::door::{Door, Origin};

/// Adds a client.
///
/// # Errors
/// [`Refusal::ClientUnfit`], [`Refusal::ClientTaken`].
pub async fn add(door: &Door, client: Client, by: Actor, from: &Origin) -> Result<Client, Stopped> {
    client.check()?;
    let mut event = door.event(Kind::ClientCreated, by, from)?;
    event.client = Some(client.id.clone());
    let change = DirectoryChange::AddClient(Box::new(client.clone()));
    match door.cached().commit_durable(change, event).await? {
        Committed::Done(_) => Ok(client),
        Committed::Conflict => Err(Refusal::ClientTaken.into()),
    }
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
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::ClientUnfit`].
pub async fn set(door: &Door, id: &ClientId, edit: &Edit, by: Actor, from: &Origin) -> Result<Client, Stopped> {
    for _ in 0..ATTEMPTS {
        let found = door.directory().client(id).await?.ok_or(Refusal::NotFound)?;
        let mut event = door.event(Kind::ClientChanged, by.clone(), from)?;
        event.client = Some(id.clone());
        let client = edit.apply_to(&found, event.at);
        client.check()?;
        if client == found {
            return Ok(found);
        }
        let off = client.disabled_at.is_some() && found.disabled_at.is_none();
        let drafts = off.then(|| Draft::client(id, Strength::Terminal)).into_iter().collect();
        let set = SetClient { client, from: found.version, drafts };
        let change = DirectoryChange::SetClient(Box::new(set));
        if let Committed::Done(_) = door.cached().commit_durable(change, event).await? {
            return Ok(door.directory().client(id).await?.ok_or(Refusal::NotFound)?);
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
