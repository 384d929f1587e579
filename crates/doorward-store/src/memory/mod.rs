//! The reference backend: one lock over a plain state, nothing durable.
//!
//! It says what a change means. Every other backend passes the same suite and is compared with this one by random
//! histories. A commit can be told to fail, before it is applied or after, so that callers can be shown a lost store
//! and a lost reply.

mod directory;
mod sessions;
mod state;

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::fmt;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use doorward_core::audit::{Event, Link};
use doorward_core::change::{DirectoryChange, SessionChange};
use doorward_core::client::Client;
use doorward_core::data::{DataKey, Datum, Shelf};
use doorward_core::feed::Line;
use doorward_core::generation::{self, Begun};
use doorward_core::id::{ClientId, SessionId, UserId};
use doorward_core::key::KeyRecord;
use doorward_core::password::decoys::tally;
use doorward_core::secret::SecretHash;
use doorward_core::session::{Epochs, Session};
use doorward_core::throttle::{Failures, Whose};
use doorward_core::user::User;
use doorward_core::verifier::VerifierRecord;
use doorward_core::{Position, Timestamp};

use self::state::State;
use crate::tally::Figures;
use crate::{Committed, Credential, Directory, Opening, Realm, Receipt, Sessions, StoreError};

/// A store that lives and dies with its process.
pub struct Memory {
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    faults: VecDeque<Fault>,
    writable: bool,
    reads: u64,
    /// So many reads succeed yet, if they shall fail after that.
    reads_left: Option<u32>,
}

/// How a commit is made to fail. The caller sees [`StoreError::Unavailable`] either way and cannot tell which it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was changed.
    Lost,
    /// The change was committed; its reply was lost.
    ReplyLost,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

impl Memory {
    /// An empty store. Its feed opens at the generation that `opening` tells.
    pub fn open(opening: Opening) -> Self {
        let generation = u64::try_from(opening.now.secs()).unwrap_or(0).max(1);
        Self::of(State::new(Position { generation, seq: 0 }))
    }

    /// The same again, as it is now: what copying the file of a store in a file would give.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] after a panic inside the store.
    pub fn copied(&self) -> Result<Self, StoreError> {
        self.read(State::clone).map(Self::of)
    }

    const fn of(state: State) -> Self {
        Self {
            inner: Mutex::new(Inner { state, faults: VecDeque::new(), writable: true, reads: 0, reads_left: None }),
        }
    }

    /// Goes on from a copy as a store in a file does at its start: in a new generation of the feed; and where the feed had
    /// got further, to `marked`, everybody is signed out.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] after a panic inside the store.
    pub fn reopened(&self, now: Timestamp, marked: Position) -> Result<Self, StoreError> {
        let mut state = self.read(State::clone)?;
        let Begun { head, lost } = generation::begin(state.head, marked, now);
        state.resumed_from = state.head;
        state.head = head;
        if lost.is_some() {
            state.end_everybody(now);
        }
        Ok(Self::of(state))
    }

    /// Makes the next commits fail, one for each fault, after those that were asked for before.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] after a panic inside the store.
    pub fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) -> Result<(), StoreError> {
        self.lock()?.faults.extend(faults);
        Ok(())
    }

    /// Makes all reads fail after the next few; with `None`, none any more.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] after a panic inside the store.
    pub fn fail_reads(&self, after: Option<u32>) -> Result<(), StoreError> {
        self.lock()?.reads_left = after;
        Ok(())
    }

    /// A panic in the middle of a change may have left half of it: nothing is answered from that.
    fn lock(&self) -> Result<MutexGuard<'_, Inner>, StoreError> {
        self.inner.lock().map_err(|_| StoreError::Corrupt { what: "memory after a panic" })
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> Result<T, StoreError> {
        let mut inner = self.lock()?;
        inner.reads += 1;
        match inner.reads_left.as_mut() {
            Some(0) => return Err(StoreError::Unavailable),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(look(&inner.state))
    }

    fn write(&self, apply: impl FnOnce(&mut State) -> Option<Receipt>) -> Result<Committed, StoreError> {
        let mut inner = self.lock()?;
        let fault = inner.faults.pop_front();
        inner.writable = fault.is_none();
        if fault == Some(Fault::Lost) {
            return Err(StoreError::Unavailable);
        }
        let committed = apply(&mut inner.state).map_or(Committed::Conflict, Committed::Done);
        if fault.is_some() { Err(StoreError::Unavailable) } else { Ok(committed) }
    }
}

fn at_most(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn newest_first(mut sessions: Vec<Session>) -> Vec<Session> {
    sessions.sort_by_key(|session| Reverse((session.created_at, session.id)));
    sessions
}

#[async_trait]
impl Sessions for Memory {
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.read(|state| state.sessions.get(&id).cloned())
    }

    async fn session_by_secret(&self, hash: &SecretHash) -> Result<Option<Session>, StoreError> {
        self.read(|state| state.secrets.get(hash).and_then(|id| state.sessions.get(id)).cloned())
    }

    async fn sessions_of(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let its = |session: &&Session| session.user == Some(user) && session.check(Epochs::default(), now).is_ok();
        self.read(|state| newest_first(state.sessions.values().filter(its).cloned().collect()))
    }

    async fn sessions_newest(&self, limit: u32, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let alive = |session: &&Session| session.check(Epochs::default(), now).is_ok();
        let all = self.read(|state| newest_first(state.sessions.values().filter(alive).cloned().collect()))?;
        Ok(all.into_iter().take(at_most(limit)).collect())
    }

    async fn shelf(&self, id: SessionId) -> Result<Shelf, StoreError> {
        self.read(|state| state.shelf(id))
    }

    async fn datum(&self, id: SessionId, key: &DataKey) -> Result<Option<Datum>, StoreError> {
        self.read(|state| state.data.get(&id).and_then(|data| data.get(key)).cloned())
    }

    async fn sessions_open(&self) -> Result<u64, StoreError> {
        self.read(|state| state.sessions.values().filter(|session| session.ended.is_none()).count() as u64)
    }

    async fn failures(&self, limit: u32) -> Result<Vec<(Whose, Failures)>, StoreError> {
        self.read(|state| state.failures.iter().take(at_most(limit)).map(|(whose, kept)| (*whose, *kept)).collect())
    }

    async fn commit(&self, change: SessionChange) -> Result<Committed, StoreError> {
        self.write(|state| state.commit(change))
    }
}

#[async_trait]
impl Directory for Memory {
    async fn head(&self) -> Result<Position, StoreError> {
        self.read(|state| state.head)
    }

    async fn resumed_from(&self) -> Result<Position, StoreError> {
        self.read(|state| state.resumed_from)
    }

    async fn realm(&self) -> Result<Realm, StoreError> {
        self.read(|state| state.realm)
    }

    async fn verifiers(&self) -> Result<Vec<VerifierRecord>, StoreError> {
        self.read(|state| state.verifiers.values().cloned().collect())
    }

    async fn feed_after(&self, place: Position, limit: u32) -> Result<Vec<Line>, StoreError> {
        self.read(|state| {
            let lines = state.lines.range((Bound::Excluded(place), Bound::Unbounded));
            lines.take(at_most(limit)).map(|(_, line)| *line).collect()
        })
    }

    async fn epochs(&self, user: Option<UserId>, client: &ClientId) -> Result<Epochs, StoreError> {
        self.read(|state| state.epochs(user, client))
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.read(|state| state.users.get(&id).cloned())
    }

    async fn user_by_email(&self, key: &str) -> Result<Option<User>, StoreError> {
        self.read(|state| state.emails.get(key).and_then(|id| state.users.get(id)).cloned())
    }

    async fn users_after(&self, id: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        let after = id.map_or(Bound::Unbounded, Bound::Excluded);
        self.read(|state| {
            let users = state.users.range((after, Bound::Unbounded));
            users.take(at_most(limit)).map(|(_, user)| user.clone()).collect()
        })
    }

    async fn credential(&self, user: UserId) -> Result<Option<Credential>, StoreError> {
        self.read(|state| state.credentials.get(&user).cloned())
    }

    async fn password_schemes(&self, most: u32) -> Result<Vec<(String, u64)>, StoreError> {
        self.read(|state| {
            let credentials = state.credentials.values().take(at_most(most));
            tally(credentials.map(|credential| &credential.phc))
        })
    }

    async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        self.read(|state| state.clients.get(id).cloned())
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        self.read(|state| state.clients.values().cloned().collect())
    }

    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        let mut keys: Vec<_> = self.read(|state| state.keys.values().cloned().collect())?;
        keys.sort_by_key(|key| (key.created_at, key.id));
        Ok(keys)
    }

    async fn audit_after(&self, number: u64, limit: u32) -> Result<Vec<Link>, StoreError> {
        self.read(|state| {
            let first = state.links.partition_point(|link| link.number <= number);
            state.links[first..].iter().take(at_most(limit)).cloned().collect()
        })
    }

    async fn audit_before(&self, number: u64, limit: u32) -> Result<Vec<Link>, StoreError> {
        self.read(|state| {
            let end = state.links.partition_point(|link| link.number < number);
            state.links[..end].iter().rev().take(at_most(limit)).cloned().collect()
        })
    }

    async fn commit_durable(&self, change: DirectoryChange, event: Event) -> Result<Committed, StoreError> {
        self.write(|state| state.commit_durable(change, event))
    }

    fn is_writable(&self) -> bool {
        self.lock().is_ok_and(|inner| inner.writable)
    }

    fn figures(&self) -> Figures {
        Figures { reads: self.lock().map_or(0, |inner| inner.reads), ..Figures::default() }
    }
}

#[cfg(test)]
mod tests {
    use doorward_core::audit::Kind;

    use super::*;
    use crate::suite::cast::{NOON, add_user, event, user, user_id};
    use crate::{Origin, Stores};

    fn memory() -> Memory {
        Memory::open(Opening { now: NOON, database: [1; 16], origin: Origin::Dev })
    }

    #[tokio::test]
    async fn a_feed_opens_at_the_second_of_its_opening_and_never_at_nothing() {
        let opened_at = |now| Memory::open(Opening { now, database: [1; 16], origin: Origin::Dev });
        for (now, generation) in [(NOON, 1_900_000_000), (Timestamp::from_secs(0), 1), (Timestamp::MIN, 1)] {
            assert_eq!(opened_at(now).head().await, Ok(Position { generation, seq: 0 }));
        }
    }

    #[tokio::test]
    async fn a_copy_that_is_put_back_goes_on_in_a_new_generation_and_ends_everybody() {
        let memory = memory();
        memory.commit_durable(add_user(user(1)), event(Kind::UserCreated, NOON)).await.expect("a store");
        let (head, marked) =
            (memory.head().await.expect("a head"), Position { generation: u64::from(u32::MAX), seq: 7 });
        let again = memory.reopened(NOON, head).expect("a store");
        assert_eq!(again.head().await, Ok(Position { generation: head.generation + 1, seq: 0 }));
        assert_eq!(again.realm().await, memory.realm().await, "nothing was lost");
        let old = memory.reopened(NOON, marked).expect("a store");
        let ended = Position { generation: marked.generation + 1, seq: 1 };
        assert_eq!((old.head().await, old.realm().await.map(|realm| realm.epochs.terminal)), (Ok(ended), Ok(ended)));
        assert_eq!(old.user(user_id(1)).await, memory.user(user_id(1)).await, "who is there stays there");
        assert_eq!(memory.head().await, Ok(head), "a copy is a copy");
    }

    #[tokio::test]
    async fn a_lost_store_changed_nothing_and_a_lost_reply_changed_everything() {
        let memory = memory();
        memory.fail_next([Fault::Lost, Fault::ReplyLost]).expect("a store");
        for (fault, there) in [(Fault::Lost, false), (Fault::ReplyLost, true)] {
            let committed = memory.commit_durable(add_user(user(1)), event(Kind::UserCreated, NOON)).await;
            assert_eq!(committed, Err(StoreError::Unavailable), "{fault:?}");
            assert!(!memory.is_writable());
            assert_eq!(memory.user(user_id(1)).await.expect("an answer").is_some(), there, "{fault:?}");
            assert_eq!(memory.audit_after(0, 10).await.expect("an answer").len(), usize::from(there));
        }
        let again = memory.commit_durable(add_user(user(1)), event(Kind::UserCreated, NOON)).await;
        assert_eq!(again, Ok(Committed::Conflict), "who asks again learns that it was done");
        assert!(memory.is_writable());
    }

    #[tokio::test]
    async fn both_parts_of_a_memory_are_one_store() {
        let stores = Stores::of(memory());
        crate::suite::done(&stores, add_user(user(1))).await;
        crate::suite::done(
            &stores,
            crate::suite::cast::open(crate::suite::cast::session(1, Some(1), Position::START)),
        )
        .await;
        assert_eq!(stores.directory.audit_after(0, 10).await.expect("an answer").len(), 2);
    }
}
