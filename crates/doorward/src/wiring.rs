//! From an opened store to a door: the first keys and the built-in client are made if they are missing, the keys are
//! opened, and everything is put together. Server, command line, tests and measurements all come through here.

use std::sync::Arc;

use doorward_core::audit::{Actor, Event, Kind};
use doorward_core::change::{DirectoryChange, SetTerms, TurnKeys};
use doorward_core::client::{Client, Strategy};
use doorward_core::id::{ClientId, EventId};
use doorward_core::key::{KeyRecord, Masters};
use doorward_core::{Lifetime, Timestamp};
use doorward_store::{StoreError, Stores};

use crate::door::{Clock, Dice, Door, Parts, Settings};
use crate::hashing::Hashing;
use crate::keys::{self, Keys, KeysError};

/// Why a store does not become a door.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys cannot be opened or made.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

/// What a door is wired from.
pub struct Wiring {
    /// The backend.
    pub stores: Stores,
    /// Settings.
    pub settings: Settings,
    /// The keys that seal all others.
    pub masters: Masters,
    /// The hash pool.
    pub hashing: Hashing,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The dice.
    pub dice: Arc<dyn Dice>,
}

impl std::fmt::Debug for Wiring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wiring")
    }
}

/// Wires a door over a store, and prepares the store if it is empty.
///
/// # Errors
/// [`WireError::Keys`] if the master key is another one than the store's keys were sealed under; [`WireError::Store`].
pub async fn wire(wiring: Wiring) -> Result<Door, WireError> {
    let Wiring { stores, settings, masters, hashing, clock, dice } = wiring;
    let now = clock.now();
    make_first_keys(&stores, &masters, &*dice, now).await?;
    make_account_client(&stores, &*dice, now).await?;
    raise_terms(&stores, &*dice, settings.feed.terms(), now).await?;
    let records = stores.directory.keys().await?;
    let keys = Keys::open(&records, &masters)?;
    seal_anew(&stores, &records, &masters, &*dice, now).await?;
    Ok(Door::open(Parts { stores, settings, keys, masters, hashing, clock, dice }).await?)
}

async fn make_first_keys(
    stores: &Stores,
    masters: &Masters,
    dice: &dyn Dice,
    now: Timestamp,
) -> Result<(), WireError> {
    if !stores.directory.keys().await?.is_empty() {
        return Ok(());
    }
    let keys = keys::first_records(masters, dice, now)?;
    let event = event(Kind::KeysTurned, dice, now)?;
    let change = DirectoryChange::TurnKeys(TurnKeys { keys, drafts: Vec::new() });
    // A conflict means that somebody else made them a moment ago; what is there is read either way.
    stores.directory.commit_durable(change, event).await?;
    Ok(())
}

/// Ends the replacement of a master key: what another one opens too, or alone, is sealed under ours and no other.
async fn seal_anew(
    stores: &Stores,
    records: &[KeyRecord],
    masters: &Masters,
    dice: &dyn Dice,
    now: Timestamp,
) -> Result<(), WireError> {
    if records.iter().any(|record| masters.is_superseded(record)) {
        tracing::warn!("the keys are sealed under a newer master key too: start with that one next time");
    }
    let stale = records.iter().filter(|record| masters.would_reseal(record));
    let keys: Vec<_> = stale.map(|record| keys::reseal(masters, masters, record, dice)).collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Ok(());
    }
    let mut event = event(Kind::KeysTurned, dice, now)?;
    event.detail = Some(String::from("reseal"));
    tracing::info!(keys = keys.len(), "the keys are sealed under this master key alone from now on");
    let change = DirectoryChange::TurnKeys(TurnKeys { keys, drafts: Vec::new() });
    // A conflict means that another process does the same, or turns a key: then the next start looks again.
    stores.directory.commit_durable(change, event).await?;
    Ok(())
}

async fn make_account_client(stores: &Stores, dice: &dyn Dice, now: Timestamp) -> Result<(), WireError> {
    let account = ClientId::account();
    if stores.directory.client(&account).await?.is_some() {
        return Ok(());
    }
    let mut event = event(Kind::ClientCreated, dice, now)?;
    event.client = Some(account.clone());
    let client = Client::first_party(account, Strategy::Session, now);
    stores.directory.commit_durable(DirectoryChange::AddClient(Box::new(client)), event).await?;
    Ok(())
}

/// Longer terms are written down before anybody is granted them: the next start has to know how long to wait.
async fn raise_terms(stores: &Stores, dice: &dyn Dice, most: Lifetime, now: Timestamp) -> Result<(), WireError> {
    let from = stores.directory.realm().await?.terms;
    if most > from {
        let event = event(Kind::TermsSet, dice, now)?;
        stores.directory.commit_durable(DirectoryChange::SetTerms(SetTerms { from, most }), event).await?;
    }
    Ok(())
}

/// An event of the time before there is a door.
fn event(kind: Kind, dice: &dyn Dice, now: Timestamp) -> Result<Event, KeysError> {
    let mut id = [0; 16];
    if !dice.fill(&mut id) {
        return Err(KeysError::NoEntropy);
    }
    Ok(Event {
        id: EventId::from_bytes(id),
        kind,
        by: Actor::Doorward,
        who: None,
        session: None,
        client: None,
        address: None,
        request: None,
        detail: None,
        at: now,
    })
}

#[cfg(test)]
mod tests {
    use doorward_core::key::Stage;
    use doorward_core::password::Cost;
    use doorward_core::policy::RefreshPolicy;
    use doorward_core::secret::Secret;
    use doorward_store::memory::Memory;
    use doorward_store::{Opening, Origin};

    use super::*;
    use crate::door::{ManualClock, SystemDice};

    fn wiring(stores: &Stores, master: u8) -> Wiring {
        let now = Timestamp::from_secs(1_790_000_000);
        Wiring {
            stores: Stores { sessions: Arc::clone(&stores.sessions), directory: Arc::clone(&stores.directory) },
            settings: Settings {
                issuer: String::from("http://localhost:8420"),
                signup_open: false,
                refresh: RefreshPolicy::default(),
                cache_records: 10,
                throttle: Default::default(),
                trusted_proxies: Vec::new(),
                feed: Default::default(),
                rotate_every: None,
                feed_only: Vec::new(),
            },
            masters: Masters::only(Secret::from_bytes([master; 32])),
            hashing: Hashing::start(1, Cost { memory_kib: 8, passes: 1, lanes: 1 }).expect("a thread"),
            clock: Arc::new(ManualClock::starting_at(now)),
            dice: Arc::new(SystemDice),
        }
    }

    #[tokio::test]
    async fn an_empty_store_gets_keys_and_a_client_once() {
        let opening = Opening { now: Timestamp::from_secs(0), database: [1; 16], origin: Origin::Serve };
        let stores = Stores::of(Memory::open(opening));
        wire(wiring(&stores, 1)).await.expect("a door");
        let keys = stores.directory.keys().await.expect("keys");
        assert_eq!(keys.iter().filter(|key| key.stage == Stage::Active).count(), 4);
        assert!(stores.directory.client(&ClientId::account()).await.expect("a look").is_some());
        wire(wiring(&stores, 1)).await.expect("a door");
        assert!(stores.directory.keys().await.expect("keys") == keys, "nothing is made twice");
        let links = stores.directory.audit_after(0, 10).await.expect("links");
        assert_eq!(
            links.iter().map(|link| link.event.kind).collect::<Vec<_>>(),
            [Kind::KeysTurned, Kind::ClientCreated, Kind::TermsSet]
        );
    }

    #[tokio::test]
    async fn another_master_key_opens_nothing_and_changes_nothing() {
        let opening = Opening { now: Timestamp::from_secs(0), database: [1; 16], origin: Origin::Serve };
        let stores = Stores::of(Memory::open(opening));
        wire(wiring(&stores, 1)).await.expect("a door");
        let refused = wire(wiring(&stores, 2)).await.expect_err("another master key");
        assert!(matches!(refused, WireError::Keys(KeysError::Sealed(_))), "{refused}");
        assert_eq!(stores.directory.audit_after(0, 10).await.expect("links").len(), 3);
    }
}
