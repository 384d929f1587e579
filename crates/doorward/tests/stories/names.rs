//! Names of people in the feed: none is out of date when something is said under it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use doorward::door::Origin;
use doorward::flows::{Stopped, keys, revoke};
use doorward_core::audit::{Actor, Event, Link};
use doorward_core::change::DirectoryChange;
use doorward_core::client::Client;
use doorward_core::feed::Line;
use doorward_core::id::{ClientId, UserId};
use doorward_core::key::{KeyRecord, Purpose};
use doorward_core::session::Epochs;
use doorward_core::user::User;
use doorward_core::verifier::VerifierRecord;
use doorward_core::{Lifetime, Position, Strength};
use doorward_store::{Committed, Credential, Directory, Realm, StoreError, Stores};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::house::{Ask, House};

/// A store that keeps a suspension waiting, and may refuse to tell everybody to renew.
struct Slow {
    directory: Arc<dyn Directory>,
    hand: Arc<Hand>,
}

#[derive(Debug)]
struct Hand {
    asked: Semaphore,
    go: Semaphore,
    refuses_renewal: AtomicBool,
}

#[async_trait]
impl Directory for Slow {
    async fn head(&self) -> Result<Position, StoreError> {
        self.directory.head().await
    }
    async fn resumed_from(&self) -> Result<Position, StoreError> {
        self.directory.resumed_from().await
    }
    async fn realm(&self) -> Result<Realm, StoreError> {
        self.directory.realm().await
    }
    async fn verifiers(&self) -> Result<Vec<VerifierRecord>, StoreError> {
        self.directory.verifiers().await
    }
    async fn feed_after(&self, place: Position, limit: u32) -> Result<Vec<Line>, StoreError> {
        self.directory.feed_after(place, limit).await
    }
    async fn epochs(&self, user: Option<UserId>, client: &ClientId) -> Result<Epochs, StoreError> {
        self.directory.epochs(user, client).await
    }
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.directory.user(id).await
    }
    async fn user_by_email(&self, key: &str) -> Result<Option<User>, StoreError> {
        self.directory.user_by_email(key).await
    }
    async fn users_after(&self, id: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        self.directory.users_after(id, limit).await
    }
    async fn credential(&self, user: UserId) -> Result<Option<Credential>, StoreError> {
        self.directory.credential(user).await
    }
    async fn password_schemes(&self, most: u32) -> Result<Vec<(String, u64)>, StoreError> {
        self.directory.password_schemes(most).await
    }
    async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        self.directory.client(id).await
    }
    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        self.directory.clients().await
    }
    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        self.directory.keys().await
    }
    async fn audit_after(&self, number: u64, limit: u32) -> Result<Vec<Link>, StoreError> {
        self.directory.audit_after(number, limit).await
    }
    async fn audit_before(&self, number: u64, limit: u32) -> Result<Vec<Link>, StoreError> {
        self.directory.audit_before(number, limit).await
    }
    async fn commit_durable(&self, change: DirectoryChange, event: Event) -> Result<Committed, StoreError> {
        match &change {
            DirectoryChange::Suspend(_) => {
                self.hand.asked.add_permits(1);
                self.hand.go.acquire().await.expect("open").forget();
            }
            DirectoryChange::MoveRealm(_) if self.hand.refuses_renewal.load(Ordering::SeqCst) => {
                return Err(StoreError::Unavailable);
            }
            _ => {}
        }
        self.directory.commit_durable(change, event).await
    }
    fn is_writable(&self) -> bool {
        self.directory.is_writable()
    }
}

async fn slow(house: &House) -> (House, Arc<Hand>) {
    let hand = Hand { asked: Semaphore::new(0), go: Semaphore::new(0), refuses_renewal: AtomicBool::new(false) };
    let hand = Arc::new(hand);
    let seen = |stores: Stores| Stores {
        directory: Arc::new(Slow { directory: stores.directory, hand: Arc::clone(&hand) }),
        ..stores
    };
    (house.beside(seen).await, hand)
}

async fn turn(house: &House) -> Result<(), Stopped> {
    keys::rotate(&house.door, Purpose::Handle, true, Actor::Operator, &Origin::default()).await.map(drop)
}

async fn status(house: &House, token: &str) -> u16 {
    house.send(Ask::get("/v1/session").bearer(token)).await.status.as_u16()
}

/// What the feed says, in order.
async fn said(house: &House) -> Vec<(Strength, bool)> {
    let lines = house.door.directory().feed_after(Position::default(), 1000).await.expect("a feed");
    let is_of = |line: &Line| line.entry.key == house.door.keys().handle_of(house.ada);
    lines.iter().map(|line| (line.entry.strength, is_of(line))).collect()
}

#[tokio::test]
async fn a_handle_key_does_not_turn_while_something_is_being_said_of_a_person() {
    let (house, hand) = slow(&House::memory().await).await;
    let before = house.door.keys().handles(Some(house.ada));
    let (door, ada) = (house.door.clone(), house.ada);
    let suspension = tokio::spawn(async move { revoke::suspend(&door, ada, &Origin::default()).await });
    hand.asked.acquire().await.expect("open").forget();
    let door = house.door.clone();
    let mut turning = tokio::spawn(async move {
        keys::rotate(&door, Purpose::Handle, true, Actor::Operator, &Origin::default()).await.map(drop)
    });
    // If it turned here, who signs in now would have a token with the new name, and is suspended under the old one.
    assert!(timeout(Duration::from_millis(200), &mut turning).await.is_err(), "it waits");
    let token = house.sign_in("demo-jwt", "body").await.text("access_token");
    assert_eq!(house.door.keys().handles(Some(house.ada)), before);
    hand.go.add_permits(1);
    suspension.await.expect("no panic").expect("suspended");
    turning.await.expect("no panic").expect("turned");
    assert_ne!(house.door.keys().handles(Some(house.ada)), before);
    assert_eq!(status(&house, &token).await, 401);
}

#[tokio::test]
async fn nobody_who_leaves_lets_a_handle_key_turn_before_what_they_said_is_kept() {
    let (house, hand) = slow(&House::memory().await).await;
    let (door, ada) = (house.door.clone(), house.ada);
    let suspension = tokio::spawn(async move { revoke::suspend(&door, ada, &Origin::default()).await });
    hand.asked.acquire().await.expect("open").forget();
    suspension.abort();
    assert!(suspension.await.expect_err("it was told to stop").is_cancelled());
    assert!(timeout(Duration::from_millis(200), turn(&house)).await.is_err(), "it waits");
    hand.go.add_permits(1);
    turn(&house).await.expect("turned");
    assert!(house.door.directory().user(house.ada).await.expect("read").expect("ada").suspended_at.is_some());
}

/// Another process turned the handle key, and nobody here could be told to renew: that is made good before anything is said
/// under the new names, which tokens with the old ones do not carry.
#[tokio::test]
async fn a_renewal_that_is_owed_comes_before_what_is_said_of_a_person_next() {
    let first = House::memory().await;
    let (house, hand) = slow(&first).await;
    let before = house.door.keys().handles(Some(house.ada)).epoch;
    turn(&first).await.expect("turned");
    // This server reads of the turn with what it commits itself; the token after that is minted under the old name.
    house.sign_in("demo-jwt", "body").await;
    let token = house.sign_in("demo-jwt", "body").await.text("access_token");
    assert_eq!(status(&house, &token).await, 200);
    hand.refuses_renewal.store(true, Ordering::SeqCst);
    keys::tend(&house.door, Lifetime::ZERO).await.expect_err("nobody can be told");
    assert_ne!(house.door.keys().handles(Some(house.ada)).epoch, before, "the keys that are there are used");
    hand.go.add_permits(2);
    revoke::suspend(&house.door, house.ada, &Origin::default()).await.expect_err("nor now");
    assert!(house.door.directory().user(house.ada).await.expect("read").expect("ada").suspended_at.is_none());
    hand.refuses_renewal.store(false, Ordering::SeqCst);
    revoke::suspend(&house.door, house.ada, &Origin::default()).await.expect("suspended");
    let of_ada = (Strength::Terminal, true);
    let renewal = (Strength::RefreshRequired, false);
    assert_eq!(said(&house).await, [renewal, of_ada], "the second line about everybody stands for the first");
    assert_eq!(status(&house, &token).await, 401);
}
