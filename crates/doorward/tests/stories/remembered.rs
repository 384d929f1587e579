//! Refresh by what a server remembers of the session: nothing is read, and nothing that has changed is missed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use doorward_core::Lifetime;
use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{DirectoryChange, SessionChange, SetClient, Suspend};
use doorward_core::client::{Client, Strategy, Transport};
use doorward_core::data::{DataKey, Datum, Shelf};
use doorward_core::feed::Draft;
use doorward_core::id::{ClientId, SessionId, UserId};
use doorward_core::secret::SecretHash;
use doorward_core::session::Session;
use doorward_core::throttle::{Failures, Whose};
use doorward_core::{Strength, Timestamp};
use doorward_store::{Committed, Sessions, StoreError, Stores};
use serde_json::json;

use super::house::{Ask, Ground, House, PASSWORD, add_client};

fn ask(token: &str, key: usize) -> Ask {
    let key = format!("attempt-key-number-{key:04}");
    Ask::post("/v1/session/refresh").json(&json!({ "refresh_token": token, "attempt": key }))
}

/// Turns a token that must be good.
async fn turned(house: &House, token: &str, key: usize) -> String {
    house.send(ask(token, key)).await.ok().text("refresh_token")
}

/// Counts how often a session is read by its id.
struct Counted {
    sessions: Arc<dyn Sessions>,
    reads: Arc<AtomicUsize>,
}

#[async_trait]
impl Sessions for Counted {
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.sessions.session(id).await
    }
    async fn session_by_secret(&self, hash: &SecretHash) -> Result<Option<Session>, StoreError> {
        self.sessions.session_by_secret(hash).await
    }
    async fn sessions_of(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        self.sessions.sessions_of(user, now).await
    }
    async fn sessions_newest(&self, limit: u32, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        self.sessions.sessions_newest(limit, now).await
    }
    async fn shelf(&self, id: SessionId) -> Result<Shelf, StoreError> {
        self.sessions.shelf(id).await
    }
    async fn datum(&self, id: SessionId, key: &DataKey) -> Result<Option<Datum>, StoreError> {
        self.sessions.datum(id, key).await
    }
    async fn failures(&self, limit: u32) -> Result<Vec<(Whose, Failures)>, StoreError> {
        self.sessions.failures(limit).await
    }
    async fn sessions_open(&self) -> Result<u64, StoreError> {
        self.sessions.sessions_open().await
    }
    async fn commit(&self, change: SessionChange) -> Result<Committed, StoreError> {
        self.sessions.commit(change).await
    }
}

/// A server over the same store that counts its reads of sessions.
async fn counting(house: &House) -> (House, Arc<AtomicUsize>) {
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = |stores: Stores| Stores {
        sessions: Arc::new(Counted { sessions: stores.sessions, reads: Arc::clone(&reads) }),
        directory: stores.directory,
    };
    (house.beside(counted).await, reads)
}

/// How often an event of a kind is in the audit log.
async fn noted(house: &House, kind: Kind) -> usize {
    let links = house.door.directory().audit_after(0, 1000).await.expect("the log");
    links.iter().filter(|link| link.event.kind == kind).count()
}

#[tokio::test]
async fn only_the_first_turn_reads_the_session_and_a_turn_after_an_hour() {
    let (house, reads) = counting(&House::memory().await).await;
    let mut token = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
    for number in 0..10 {
        token = turned(&house, &token, number).await;
        assert_eq!(reads.load(Ordering::SeqCst), 1, "turn {number}");
        house.advance(Lifetime::from_mins(5));
    }
    house.advance(Lifetime::from_mins(10));
    token = turned(&house, &token, 10).await;
    assert_eq!(reads.load(Ordering::SeqCst), 2, "a record is as old as an access token at most");
    // Whatever is no turn is decided by the store: here a lost reply.
    assert_eq!(house.send(ask(&token, 11)).await.ok().text("refresh_token"), turned(&house, &token, 11).await);
    assert_eq!(reads.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn turns_at_another_server_are_seen_by_one_that_remembers_an_older_one() {
    for ground in [Ground::Memory, Ground::Sqlite] {
        let here = House::on(ground).await;
        let there = here.beside(|stores| stores).await;
        let first = here.sign_in("demo-hybrid", "body").await.text("refresh_token");
        let second = turned(&here, &first, 1).await;
        let third = turned(&there, &second, 2).await;
        // The same attempt again, here: the record of before the turn must not turn it a second time.
        assert_eq!(turned(&here, &second, 2).await, third, "{ground:?}");
        let fourth = turned(&there, &third, 3).await;
        let fifth = turned(&here, &fourth, 4).await;
        assert_eq!(noted(&here, Kind::StoreRegressed).await, 0, "the record was old, and not the store");
        let sixth = turned(&there, &fifth, 5).await;
        // A thief with the token that this server remembers as the current one.
        here.send(ask(&fifth, 99)).await.expect(401, "refresh_reused");
        there.send(ask(&sixth, 6)).await.expect(401, "session_ended");
    }
}

#[tokio::test]
async fn a_use_at_another_server_keeps_a_session_from_expiring_here() {
    let here = House::memory().await;
    let id = ClientId::parse("demo-brief").expect("an id");
    let mut client = Client::first_party(id, Strategy::Hybrid, here.door.now());
    client.transports = Transport::ALL.to_vec();
    client.lifetimes.idle = Lifetime::from_mins(15);
    add_client(&here.door, client).await;
    let there = here.beside(|stores| stores).await;
    let token = here.sign_in("demo-brief", "body").await.text("refresh_token");
    let token = turned(&here, &token, 1).await;
    here.advance(Lifetime::from_mins(14));
    let token = turned(&there, &token, 2).await;
    here.advance(Lifetime::from_mins(10));
    let token = turned(&here, &token, 3).await;
    here.advance(Lifetime::from_mins(17));
    here.send(ask(&token, 4)).await.expect(401, "refresh_expired");
}

#[tokio::test]
async fn what_another_server_ended_is_not_turned_by_one_that_remembers_it() {
    for ground in [Ground::Memory, Ground::Sqlite] {
        for end in [End::SignOut, End::Password, End::Suspension, End::ClientEnds, End::ClientOff] {
            let here = House::on(ground).await;
            let there = here.beside(|stores| stores).await;
            let signed_in = here.sign_in("demo-hybrid", "body").await;
            let token = turned(&here, &signed_in.text("refresh_token"), 1).await;
            end.comes(&there, &signed_in.text("access_token")).await;
            for key in [2, 3] {
                let answer = here.send(ask(&token, key)).await;
                assert_eq!((answer.status.as_u16(), answer.code()), (401, "session_ended"), "{ground:?} {end:?}");
            }
        }
    }
}

/// What ends a session.
#[derive(Clone, Copy, Debug)]
enum End {
    SignOut,
    Password,
    Suspension,
    ClientEnds,
    ClientOff,
}

impl End {
    /// Comes at a server.
    async fn comes(self, house: &House, access: &str) {
        let door = &house.door;
        let now = door.now();
        let (change, kind) = match self {
            Self::SignOut => {
                house.send(Ask::delete("/v1/session").bearer(access)).await.ok();
                return;
            }
            Self::Password => {
                let other = house.sign_in("demo-session", "body").await.text("session_token");
                let body = json!({ "current_password": PASSWORD, "new_password": "another-lantern-42" });
                house.send(Ask::put("/v1/user/password").bearer(&other).json(&body)).await.ok();
                return;
            }
            Self::Suspension => {
                let from = door.directory().user(house.ada).await.expect("a store").expect("Ada").version;
                let draft = Draft::subject(door.keys().handle_of(house.ada), Strength::Terminal);
                let change = Suspend { user: house.ada, from, draft, at: now };
                (DirectoryChange::Suspend(change), Kind::SessionsEnded)
            }
            Self::ClientEnds | Self::ClientOff => {
                let id = ClientId::parse("demo-hybrid").expect("an id");
                let client = Client::clone(&door.client(&id).expect("a client"));
                let from = client.version;
                let (drafts, disabled_at) = match self {
                    Self::ClientEnds => (vec![Draft::client(&id, Strength::Terminal)], None),
                    _ => (Vec::new(), Some(now)),
                };
                let change = SetClient { client: Client { disabled_at, ..client }, from, drafts };
                (DirectoryChange::SetClient(Box::new(change)), Kind::ClientChanged)
            }
        };
        let event = door.event(kind, Actor::Operator, &Default::default()).expect("an event");
        let committed = door.cached().commit_durable(change, event).await.expect("a store");
        assert!(matches!(committed, Committed::Done(_)), "{self:?}");
    }
}

#[tokio::test]
async fn a_new_strategy_is_handed_out_whatever_is_remembered() {
    for (strategy, member) in [(Strategy::Session, "session_token"), (Strategy::Jwt, "access_token")] {
        let (house, reads) = counting(&House::memory().await).await;
        let token = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
        let token = turned(&house, &token, 1).await;
        house.set_strategy("demo-hybrid", strategy).await;
        let answer = house.send(ask(&token, 2)).await.ok();
        assert!(answer.body[member].is_string() && answer.body["refresh_token"].is_null(), "{answer:?}");
        // What replaces a secret is decided by the store; what does not is not.
        assert_eq!(reads.load(Ordering::SeqCst), if strategy == Strategy::Session { 2 } else { 1 });
    }
}
