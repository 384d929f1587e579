//! Clients: versions, epochs, and being switched off.

use doorward_core::client::{AttemptKey, Client, ClientKind, Strategy, Transport};
use doorward_core::feed::Draft;
use doorward_core::id::OrgId;
use doorward_core::policy::Profile;
use doorward_core::session::{Epochs, Refusal};
use doorward_core::{Algorithm, Position, Strength};

use super::cast::{add_client, after, client, client_id, secret, set_client};
use super::{Change, answer, check, conflicts, done, done_of, guest_epochs, head, opened};
use crate::Stores;

/// A client with something in every column.
fn elaborate() -> Client {
    let words = |some: [&str; 2]| some.map(str::to_owned).to_vec();
    Client {
        kind: ClientKind::Confidential,
        first_party: false,
        strategy: Strategy::Hybrid,
        strategy_since: after(1),
        transports: Transport::ALL.to_vec(),
        origins: words(["https://app.example.test", "http://localhost:3000"]),
        redirect_uris: words(["https://app.example.test/back?a=1&b=\"2\"", "app:/back"]),
        audiences: words(["https://api.example.test", "https://\u{e9}.example.test"]),
        scopes: words(["read", "write"]),
        algorithm: Algorithm::EdDsa,
        lifetimes: Profile::Strict.lifetimes(),
        attempt_key: AttemptKey::Optional,
        secrets: vec![secret(1), secret(2)],
        org: Some(OrgId::from_bytes([4; 16])),
        created_at: after(2),
        ..client(2)
    }
}

/// What was added is there, whole.
pub async fn a_client_is_added_once_and_listed_in_order(stores: &Stores) {
    for fresh in [client(3), client(1), elaborate()] {
        assert!(done(stores, add_client(fresh)).await.lines.is_empty());
    }
    conflicts(stores, add_client(Client { version: 2, ..client(1) })).await;
    assert_eq!(answer(stores.directory.clients()).await, [client(1), elaborate(), client(3)]);
    assert_eq!(answer(stores.directory.client(&client_id(2))).await, Some(elaborate()));
    assert_eq!(answer(stores.directory.client(&client_id(4))).await, None);
}

/// Optimistic, and counted by the store.
pub async fn a_client_is_set_from_the_version_it_was_read_at(stores: &Stores) {
    done(stores, add_client(client(2))).await;
    done(stores, set_client(Client { version: 77, ..elaborate() }, 1, Vec::new())).await;
    assert_eq!(answer(stores.directory.client(&client_id(2))).await, Some(Client { version: 2, ..elaborate() }));
    conflicts(stores, set_client(client(2), 1, Vec::new())).await;
    conflicts(stores, set_client(client(2), 3, vec![Draft::client(&client_id(2), Strength::Terminal)])).await;
    conflicts(stores, set_client(client(4), 1, Vec::new())).await;
    let operators = (0..8).map(|_| Change::from(set_client(client(2), 2, Vec::new()))).collect();
    assert_eq!(done_of(stores, operators).await, 1);
}

/// What the caller thinks of the epochs does not matter; drafts advance them to their places.
pub async fn the_epochs_of_a_client_are_the_stores(stores: &Stores) {
    done(stores, add_client(client(1))).await;
    done(stores, add_client(client(2))).await;
    let before = head(stores).await;
    let drafts =
        [Strength::Terminal, Strength::RefreshRequired].map(|strength| Draft::client(&client_id(1), strength));
    let foreign = Draft::client(&client_id(2), Strength::Terminal);
    let receipt = done(stores, set_client(client(1), 1, vec![drafts[0], drafts[1], foreign])).await;
    let place = |steps| Position { seq: before.seq + steps, ..before };
    let places: Vec<_> = receipt.lines.iter().map(|line| line.place).collect();
    assert_eq!(places, [place(1), place(2), place(3)]);
    let stored = answer(stores.directory.client(&client_id(1))).await.expect("a client");
    assert_eq!((stored.terminal_epoch, stored.refresh_epoch), (place(1), place(2)));
    assert_eq!(guest_epochs(stores).await, Epochs { terminal: place(1), refresh: place(2) });
    let forgetful = Client { terminal_epoch: Position::START, refresh_epoch: place(9), ..client(1) };
    done(stores, set_client(forgetful, 2, Vec::new())).await;
    assert_eq!(guest_epochs(stores).await, Epochs { terminal: place(1), refresh: place(2) });
}

/// While it is off, nothing of it lives; a terminal draft makes that last.
pub async fn a_client_that_is_switched_off_ends_its_sessions(stores: &Stores) {
    done(stores, add_client(client(1))).await;
    let guest = opened(stores, 1, None).await;
    let off = || Client { disabled_at: Some(after(10)), ..client(1) };
    done(stores, set_client(off(), 1, Vec::new())).await;
    assert_eq!(check(stores, guest.id, after(11)).await, Err(Refusal::Ended));
    let while_off = opened(stores, 2, None).await;
    assert_eq!(check(stores, while_off.id, after(11)).await, Err(Refusal::Ended));
    done(stores, set_client(off(), 2, vec![Draft::client(&client_id(1), Strength::Terminal)])).await;
    done(stores, set_client(client(1), 3, Vec::new())).await;
    assert_eq!(check(stores, guest.id, after(12)).await, Err(Refusal::Ended), "cut off by the epoch");
    let again = opened(stores, 3, None).await;
    assert_eq!(check(stores, again.id, after(12)).await, Ok(()));
}
