//! A picture of everything that can be seen of a store, so that two stores, or one before and after, can be compared.

use std::fmt::Debug;

use doorward_core::audit::Link;
use doorward_core::client::Client;
use doorward_core::data::{Datum, Shelf};
use doorward_core::feed::Line;
use doorward_core::id::{SessionId, UserId};
use doorward_core::key::KeyRecord;
use doorward_core::session::{Epochs, Session};
use doorward_core::throttle::{Failures, Whose};
use doorward_core::user::User;
use doorward_core::verifier::VerifierRecord;
use doorward_core::{Position, Timestamp};

use super::answer;
use super::cast::{NOON, client_id, secret, session_id, user_id};
use crate::{Credential, Realm, Stores};

/// Sessions, secrets, users and clients with numbers below this are looked at.
pub const NUMBERS: u8 = 10;
/// Secrets with numbers below this are looked at.
pub const SECRETS: u8 = 24;
const ALL: u32 = 100_000;

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    head: Position,
    feed: Vec<Line>,
    audit: Vec<Link>,
    sessions: Vec<Option<Session>>,
    by_secret: Vec<Option<SessionId>>,
    shelves: Vec<(Shelf, Vec<Option<Datum>>)>,
    listed: Vec<Vec<SessionId>>,
    failures: Vec<(Whose, Failures)>,
    users: Vec<(User, Option<UserId>, Option<Credential>)>,
    clients: Vec<Client>,
    epochs: Vec<Epochs>,
    keys: Vec<KeyRecord>,
    verifiers: Vec<VerifierRecord>,
    realm: Realm,
    open: u64,
}

impl Picture {
    /// Looks at a store at [`NOON`].
    pub async fn take(stores: &Stores) -> Self {
        Self::take_at(stores, NOON).await
    }

    /// Looks at a store; `now` matters for the listings of living sessions.
    pub async fn take_at(stores: &Stores, now: Timestamp) -> Self {
        Self {
            head: answer(stores.directory.head()).await,
            feed: answer(stores.directory.feed_after(Position::START, ALL)).await,
            audit: answer(stores.directory.audit_after(0, ALL)).await,
            sessions: sessions(stores).await,
            by_secret: by_secret(stores).await,
            shelves: shelves(stores).await,
            listed: listed(stores, now).await,
            failures: answer(stores.sessions.failures(ALL)).await,
            users: users(stores).await,
            clients: answer(stores.directory.clients()).await,
            epochs: epochs(stores).await,
            keys: answer(stores.directory.keys()).await,
            verifiers: answer(stores.directory.verifiers()).await,
            realm: answer(stores.directory.realm()).await,
            open: answer(stores.sessions.sessions_open()).await,
        }
    }

    /// Compares part by part, so that a failure shows what differs and not everything.
    ///
    /// # Panics
    /// If something differs.
    pub fn assert_same(&self, other: &Self, after: &str) {
        same("head", &self.head, &other.head, after);
        same("feed", &self.feed, &other.feed, after);
        same("audit log", &self.audit, &other.audit, after);
        same("sessions", &self.sessions, &other.sessions, after);
        same("sessions by secret", &self.by_secret, &other.by_secret, after);
        same("shelves", &self.shelves, &other.shelves, after);
        same("listed sessions", &self.listed, &other.listed, after);
        same("failures", &self.failures, &other.failures, after);
        same("users", &self.users, &other.users, after);
        same("clients", &self.clients, &other.clients, after);
        same("epochs", &self.epochs, &other.epochs, after);
        same("keys", &self.keys, &other.keys, after);
        same("verifiers", &self.verifiers, &other.verifiers, after);
        same("realm", &self.realm, &other.realm, after);
        same("open sessions", &self.open, &other.open, after);
    }
}

fn same<T: PartialEq + Debug>(what: &str, one: &T, other: &T, after: &str) {
    assert!(one == other, "{what} differ after {after}\n one:   {one:#?}\n other: {other:#?}");
}

async fn sessions(stores: &Stores) -> Vec<Option<Session>> {
    let mut found = Vec::new();
    for number in 0..NUMBERS {
        found.push(answer(stores.sessions.session(session_id(number))).await);
    }
    found
}

async fn by_secret(stores: &Stores) -> Vec<Option<SessionId>> {
    let mut found = Vec::new();
    for number in 0..SECRETS {
        found.push(answer(stores.sessions.session_by_secret(&secret(number))).await.map(|session| session.id));
    }
    found
}

async fn shelves(stores: &Stores) -> Vec<(Shelf, Vec<Option<Datum>>)> {
    let mut found = Vec::new();
    for number in 0..NUMBERS {
        let id = session_id(number);
        let mut shelf = answer(stores.sessions.shelf(id)).await;
        shelf.items.sort();
        let mut data = Vec::new();
        for (key, ..) in &shelf.items {
            data.push(answer(stores.sessions.datum(id, key)).await);
        }
        found.push((shelf, data));
    }
    found
}

async fn listed(stores: &Stores, now: Timestamp) -> Vec<Vec<SessionId>> {
    let ids = |sessions: Vec<Session>| sessions.iter().map(|session| session.id).collect();
    let mut found = vec![ids(answer(stores.sessions.sessions_newest(5, now)).await)];
    for user in answer(stores.directory.users_after(None, ALL)).await {
        found.push(ids(answer(stores.sessions.sessions_of(user.id, now)).await));
    }
    found
}

async fn users(stores: &Stores) -> Vec<(User, Option<UserId>, Option<Credential>)> {
    let mut found = Vec::new();
    for user in answer(stores.directory.users_after(None, ALL)).await {
        let same = answer(stores.directory.user_by_email(user.email.key())).await.map(|user| user.id);
        let credential = answer(stores.directory.credential(user.id)).await;
        found.push((user, same, credential));
    }
    found
}

async fn epochs(stores: &Stores) -> Vec<Epochs> {
    let mut found = Vec::new();
    for client in (0..4).map(client_id) {
        for user in [None, Some(1), Some(2), Some(3), Some(NUMBERS)] {
            found.push(answer(stores.directory.epochs(user.map(user_id), &client)).await);
        }
    }
    found
}
