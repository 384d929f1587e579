//! The store behind its caches: session records found without waiting, the revocation index, the published head.
//!
//! Every change goes through here, so that caches and index know of it before its caller is answered, and before the
//! head that tokens are minted at moves on. A record counts as a token minted at the position it was read at: it is
//! checked against the index on every use, and dropped after the longest life of an access token.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use doorward_core::audit::Event;
use doorward_core::change::{DirectoryChange, SessionChange};
use doorward_core::client::Client;
use doorward_core::id::{ClientId, SessionId, VerifierId};
use doorward_core::policy::ACCESS_LONGEST;
use doorward_core::secret::SecretHash;
use doorward_core::session::{Epochs, Session};
use doorward_core::user::User;
use doorward_core::verifier::VerifierRecord;
use doorward_core::{Key, Marks, Position, Rejection, Revocations, Timestamp};
use hashbrown::HashMap;

use self::lag::Lag;
use crate::feed::{Feed, Lines};
use crate::packed::{self, Packed, Seen};
use crate::records::{Name, Records};
use crate::tally::{Facts, Tally};
use crate::{Committed, StoreError, Stores};

/// A session with what is needed to answer for it.
#[derive(Clone, Debug)]
pub struct Record {
    /// The session as it was read, or as later changes left it.
    pub session: Session,
    /// Its user; `None` for a guest.
    pub user: Option<Arc<User>>,
    /// The epochs that applied to it then.
    pub epochs: Epochs,
    /// When it was read.
    pub read: Timestamp,
    /// What it can be revoked by, as of the head of the feed before it was read.
    marks: Marks,
}

impl Record {
    /// Of a session and its user, with the user's handle, read at `read` when the head was `read_at`.
    pub fn new(
        session: Session,
        user: Option<Arc<User>>,
        subject: Option<Key>,
        epochs: Epochs,
        (read_at, read): (Position, Timestamp),
    ) -> Self {
        let marks = session.marks(subject, read_at);
        Self { session, user, epochs, read, marks }
    }

    /// The same with the session as a commit has just left it. That the epochs still applied, the commit has found; the
    /// user was not read again, so this counts as read when the first one was.
    pub fn turned(&self, session: Session) -> Self {
        Self { session, user: self.user.clone(), ..*self }
    }

    /// What it can be revoked by.
    pub(crate) const fn marks(&self) -> &Marks {
        &self.marks
    }
}

/// A backend with its caches. Shared by all requests of a process.
pub struct Cached {
    stores: Stores,
    records: Records,
    clients: RwLock<HashMap<ClientId, Known>>,
    verifiers: RwLock<Verifiers>,
    feed: Feed,
    /// Counts the times that records were forgotten: what was loaded before such a time is not kept after it.
    fence: AtomicU64,
    lag: Lag,
    /// Who reads clients and verifiers puts them in place before the next one reads.
    reading: tokio::sync::Mutex<()>,
    tally: Tally,
}

/// A client, and the key under which the index knows it.
struct Known {
    client: Arc<Client>,
    key: Key,
}

impl Known {
    fn of(client: Client) -> Self {
        Self { key: client.id.key(), client: Arc::new(client) }
    }
}

/// When a load began; see [`Cached::fence`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence(u64);

impl std::fmt::Debug for Cached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cached({} records)", self.records.len())
    }
}

/// Verifiers by the hashes of their secrets; those that were struck off too.
type Verifiers = HashMap<SecretHash, Arc<VerifierRecord>>;

impl Cached {
    /// Wraps a backend: loads its clients and verifiers, and the whole feed log into the index. `capacity` is the most
    /// records kept, `budget` the most lines of the feed that verifiers are promised.
    ///
    /// # Errors
    /// [`StoreError`] if the backend cannot be read.
    pub async fn open(stores: Stores, capacity: usize, budget: usize) -> Result<Arc<Self>, StoreError> {
        let feed = Feed::open(&*stores.directory, budget).await?;
        let cached = Self {
            records: Records::new(capacity),
            clients: RwLock::new(HashMap::new()),
            verifiers: RwLock::new(Verifiers::new()),
            feed,
            fence: AtomicU64::new(0),
            lag: Lag::default(),
            reading: tokio::sync::Mutex::new(()),
            tally: Tally::default(),
            stores,
        };
        cached.reload_clients().await?;
        cached.reload_verifiers().await?;
        Ok(Arc::new(cached))
    }

    /// The backend, for reads.
    pub const fn stores(&self) -> &Stores {
        &self.stores
    }

    /// The published head: every line up to it is in the index. Read it *before* what a token will speak of (RT8).
    pub fn head(&self) -> Position {
        self.feed.head()
    }

    /// The feed as this process knows it.
    pub const fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The lines of the feed behind a place, at most `most`; `None` if there are more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lines(&self, after: Position, most: usize) -> Result<Option<Lines>, StoreError> {
        self.feed.lines(&*self.stores.directory, after, most).await
    }

    /// Forgets the feed up to a place: in the index and in what is counted. The store is told apart, by a change.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_feed(&self, through: Position) -> Result<(), StoreError> {
        self.feed.forget(&*self.stores.directory, through).await
    }

    /// The verifier with this secret; one that was struck off is nobody's.
    pub fn verifier(&self, secret: &SecretHash) -> Option<Arc<VerifierRecord>> {
        read(&self.verifiers).get(secret).filter(|verifier| verifier.is_registered()).cloned()
    }

    /// The verifier of an id, also one that was struck off.
    pub fn verifier_named(&self, id: VerifierId) -> Option<Arc<VerifierRecord>> {
        read(&self.verifiers).values().find(|verifier| verifier.id == id).cloned()
    }

    /// Was there ever a verifier?
    pub fn has_verifiers(&self) -> bool {
        !read(&self.verifiers).is_empty()
    }

    /// A record by the hash of its secret, without waiting. `None` if it is not here, too old, or revoked: then it has
    /// to be loaded.
    pub fn peek(&self, hash: &SecretHash, now: Timestamp) -> Option<Arc<Record>> {
        self.look(&Name::Secret(*hash), now, |record, _| packed::unpacked(record))?.map(Arc::new)
    }

    /// The same for who reads no more of it than a check does.
    pub fn glance<T>(&self, hash: &SecretHash, now: Timestamp, read: impl FnOnce(&Seen<'_>) -> T) -> Option<T> {
        self.look(&Name::Secret(*hash), now, |_, seen| read(seen))
    }

    /// The same by the session's id, of what [`Self::keep_turned`] kept. Nobody hears of changes of it that are no
    /// revocations: decide by it only what the commit's own precondition settles.
    pub fn peek_turned(&self, session: SessionId, now: Timestamp) -> Option<Record> {
        self.look(&Name::Session(session), now, |record, _| packed::unpacked(record))?
    }

    fn look<T>(&self, name: &Name, now: Timestamp, read: impl FnOnce(&[u8], &Seen<'_>) -> T) -> Option<T> {
        // The index may not know yet what the store does.
        if self.lag.is_there() {
            return None;
        }
        let found = self.records.read(name, |record| {
            let holds = |seen: &Seen<'_>| {
                now - seen.read < ACCESS_LONGEST && self.check(&seen.marks(self.key_of(seen.client))).is_ok()
            };
            let seen = packed::seen(record).filter(holds)?;
            Some(read(record, &seen))
        })?;
        if found.is_none() {
            self.records.forget(name);
        }
        found
    }

    /// The key under which the index knows a client.
    fn key_of(&self, client: &str) -> Key {
        read(&self.clients).get(client).map_or_else(|| Key::of(client), |known| known.key)
    }

    /// To be taken before a record is loaded, and shown when it is to be kept.
    pub fn fence(&self) -> Fence {
        Fence(self.fence.load(Ordering::SeqCst))
    }

    /// Keeps a record under its secret, if it was loaded since `fence`, unless a change made it stale meanwhile.
    pub fn keep(&self, record: &Record, fence: Fence) {
        let Some(hash) = record.session.secret else { return };
        if self.fence() == fence {
            let name = Name::Secret(hash);
            self.records.keep(&name, &Packed::of(record));
            if self.fence() != fence {
                self.records.forget(&name);
            }
        }
    }

    /// Keeps the record of a session whose token has turned, for its next turn.
    pub fn keep_turned(&self, record: &Record) {
        self.records.keep(&Name::Session(record.session.id), &Packed::of(record));
    }

    /// Puts a record in the place of the one it was made from; if that is gone, nothing is kept.
    pub fn renew(&self, hash: &SecretHash, record: &Record) {
        let fence = self.fence();
        if self.records.has(&Name::Secret(*hash)) {
            self.keep(record, fence);
        }
    }

    fn forget(&self, hashes: &[SecretHash]) {
        if !hashes.is_empty() {
            self.fence.fetch_add(1, Ordering::SeqCst);
        }
        for hash in hashes {
            self.records.forget(&Name::Secret(*hash));
        }
    }

    /// How many records are kept.
    pub fn kept(&self) -> usize {
        self.records.len()
    }

    /// How often what was committed.
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Asks the revocation index.
    ///
    /// # Errors
    /// The [`Rejection`] that applies.
    pub fn check(&self, marks: &Marks) -> Result<(), Rejection> {
        self.feed.check(marks)
    }

    /// Lends the revocation index to a verifier.
    pub fn with_index<T>(&self, look: impl FnOnce(&Revocations) -> T) -> T {
        self.feed.with_index(look)
    }

    /// A client, as it is set today.
    pub fn client(&self, id: &ClientId) -> Option<Arc<Client>> {
        self.client_called(id.as_str())
    }

    /// The same by the text of its id.
    pub fn client_called(&self, id: &str) -> Option<Arc<Client>> {
        read(&self.clients).get(id).map(|known| Arc::clone(&known.client))
    }

    /// All clients, as they are set today.
    pub fn clients(&self) -> Vec<Arc<Client>> {
        read(&self.clients).values().map(|known| Arc::clone(&known.client)).collect()
    }

    /// Is there a client like that?
    pub fn any_client(&self, like: impl Fn(&Client) -> bool) -> bool {
        read(&self.clients).values().any(|known| like(&known.client))
    }

    /// Commits a change of sessions. The commit goes on even if the caller is gone, so that the caches always learn of
    /// it.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is known to have changed.
    pub async fn commit(self: &Arc<Self>, change: SessionChange) -> Result<Committed, StoreError> {
        let facts = Facts::of(&change);
        if matches!(&change, SessionChange::Rotate(rotate) if rotate.secret.is_none()) {
            let committed = self.stores.sessions.commit(change).await;
            self.tally.count(facts, &committed);
            return committed;
        }
        let this = Arc::clone(self);
        finished(tokio::spawn(async move {
            let stale = stale_after(&change);
            let committed = this.stores.sessions.commit(change).await;
            this.tally.count(facts, &committed);
            // Whatever the answer was, a record that may be stale is read again.
            this.forget(&stale);
            committed
        }))
        .await
    }

    /// Commits a durable change and its event; its lines are in the index when this returns.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is known to have changed.
    pub async fn commit_durable(
        self: &Arc<Self>,
        change: DirectoryChange,
        event: Event,
    ) -> Result<Committed, StoreError> {
        self.commit_durable_and(change, event, || {}).await
    }

    /// The same, with what has to be done once it is durable and before anybody reads of it in the feed.
    ///
    /// # Errors
    /// [`StoreError`]; `then` may have been called all the same.
    pub async fn commit_durable_and(
        self: &Arc<Self>,
        mut change: DirectoryChange,
        event: Event,
        then: impl FnOnce() + Send + 'static,
    ) -> Result<Committed, StoreError> {
        let this = Arc::clone(self);
        finished(tokio::spawn(async move {
            this.feed.settle(&mut change);
            let of_verifiers = matches!(change, DirectoryChange::AddVerifier(_) | DirectoryChange::RemoveVerifier(_));
            let (stale, client) = (stale_after_durable(&change), client_of(&change));
            let facts = Facts::of_durable(&change, &event);
            let committed = this.stores.directory.commit_durable(change, event).await;
            this.tally.count(facts, &committed);
            this.forget(&stale);
            if matches!(committed, Ok(Committed::Done(_))) {
                then();
            }
            let learned = this.learn(&committed, client.as_ref(), of_verifiers).await;
            if learned.is_err() {
                this.lag.notice();
            }
            // What is done and not known here is not acknowledged either.
            committed.and_then(|committed| learned.map(|()| committed))
        }))
        .await
    }

    async fn reload(&self, id: &ClientId) -> Result<(), StoreError> {
        let _turn = self.reading.lock().await;
        if let Some(client) = self.stores.directory.client(id).await? {
            write(&self.clients).insert(id.clone(), Known::of(client));
        }
        Ok(())
    }

    async fn reload_clients(&self) -> Result<(), StoreError> {
        let _turn = self.reading.lock().await;
        let all = self.stores.directory.clients().await?;
        *write(&self.clients) = all.into_iter().map(|client| (client.id.clone(), Known::of(client))).collect();
        Ok(())
    }

    async fn reload_verifiers(&self) -> Result<(), StoreError> {
        let _turn = self.reading.lock().await;
        let all = self.stores.directory.verifiers().await?;
        *write(&self.verifiers) = all.into_iter().map(|one| (one.secret, Arc::new(one))).collect();
        Ok(())
    }
}

/// A spawned commit that panicked or was stopped with the runtime did not tell its end.
async fn finished<T>(task: tokio::task::JoinHandle<Result<T, StoreError>>) -> Result<T, StoreError> {
    task.await.unwrap_or(Err(StoreError::Unavailable))
}

/// The secrets whose records a change of sessions may make stale.
fn stale_after(change: &SessionChange) -> Vec<SecretHash> {
    match change {
        SessionChange::Rotate(rotate) => {
            let secret = rotate.secret.as_ref();
            let previous = secret.and_then(|secret| secret.previous).map(|previous| previous.hash);
            secret.map(|secret| secret.hash).into_iter().chain(previous).collect()
        }
        SessionChange::Confirm(confirm) => vec![confirm.secret],
        SessionChange::Open(_)
        | SessionChange::Touch(_)
        | SessionChange::Report(_)
        | SessionChange::Data(_)
        | SessionChange::Tally(_)
        | SessionChange::Sweep(_) => Vec::new(),
    }
}

/// The same for durable changes; ends are the index's business.
fn stale_after_durable(change: &DirectoryChange) -> Vec<SecretHash> {
    match change {
        DirectoryChange::SetPassword(set) => {
            let kept = set.keep.as_ref();
            let previous = kept.and_then(|kept| kept.previous).map(|previous| previous.hash);
            kept.and_then(|kept| kept.secret).into_iter().chain(previous).collect()
        }
        _ => Vec::new(),
    }
}

fn client_of(change: &DirectoryChange) -> Option<ClientId> {
    match change {
        DirectoryChange::AddClient(client) => Some(client.id.clone()),
        DirectoryChange::SetClient(set) => Some(set.client.id.clone()),
        _ => None,
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

mod lag;
#[cfg(test)]
mod tests;
