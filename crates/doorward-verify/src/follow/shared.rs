//! What the tasks of a follower and the requests of its service share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::{Notify, watch};

use super::client::Client;
use super::clock;
use super::introspect::Introspection;
use super::keyring::Keyring;
use super::metrics::Counters;
use super::sessions::Sessions;
use super::settings::{Settings, Settled};
use super::{StartError, access::Tokens};
use crate::feed::{Event, Snapshot, StreamKey};
use crate::{Moment, Position, Replica, Todo};

/// How many entries are taken in while the index is held: some tens of microseconds.
const PIECE: usize = 256;

/// What is shared.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) client: Client,
    pub(super) key: StreamKey,
    pub(super) instance: String,
    pub(super) tokens: Tokens,
    pub(super) keyring: Keyring,
    pub(super) sessions: Sessions,
    pub(super) introspection: Introspection,
    pub(super) counters: Counters,
    /// A ping is wanted.
    pub(super) ping: Notify,
    /// A snapshot is wanted.
    pub(super) snapshot: Notify,
    /// The stream is to be dropped and opened again.
    pub(super) reconnect: Notify,
    /// The furthest place that a good token was minted at beyond what we have.
    pub(super) ahead: Notify,
    /// The number of the latest ping whose echo counted.
    proven: watch::Sender<u64>,
    /// Up to where everything is in the index.
    applied: watch::Sender<Position>,
    /// Is everybody to stop?
    pub(super) stopping: watch::Sender<bool>,
    replica: RwLock<Replica>,
    /// Counts what was noticed of newer generations, so that one is not noticed again and again.
    noticed: AtomicU64,
}

impl Shared {
    pub(super) fn new(settled: Settled) -> Result<Self, StartError> {
        let Settled { settings, addresses, secret_hash, instance } = settled;
        let drawn = clock::drawn().ok_or(StartError::NoRandomness)?;
        Ok(Self {
            client: Client::new(addresses, &settings.secret, settings.authorities.as_deref())?,
            key: StreamKey::new(&secret_hash, &instance),
            instance: instance.to_string(),
            tokens: Tokens::new(&settings, drawn),
            keyring: Keyring::default(),
            sessions: Sessions::new(settings.most_sessions),
            introspection: Introspection::default(),
            counters: Counters::default(),
            ping: Notify::new(),
            snapshot: Notify::new(),
            reconnect: Notify::new(),
            ahead: Notify::new(),
            proven: watch::Sender::new(0),
            applied: watch::Sender::new(Position::START),
            stopping: watch::Sender::new(false),
            replica: RwLock::new(Replica::new(instance, settings.lease, settings.grace)),
            noticed: AtomicU64::new(0),
            settings,
        })
    }

    /// The index, to look at. Held for a look-up and no longer.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Replica> {
        self.replica.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The index, to change. Held for one short step.
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Replica> {
        self.replica.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a genuine event in; a long one piece by piece. Says whether the connection is of no more use.
    pub(super) fn take(&self, mut event: Event) -> bool {
        if let Event::Range(range) = &mut event {
            self.counters.entries.fetch_add(range.entries.len() as u64, Ordering::Relaxed);
            let entries = std::mem::take(&mut range.entries);
            for piece in entries.chunks(PIECE) {
                self.write().learn(piece, range.end());
            }
        }
        let todo = self.write().receive(&event, clock::now());
        self.publish();
        while matches!(event, Event::Range(_)) && self.write().sweep() {}
        self.wake(todo);
        todo.reconnect
    }

    /// Takes a snapshot in, piece by piece.
    pub(super) async fn restore(&self, snapshot: Snapshot) {
        for piece in snapshot.entries.chunks(PIECE) {
            self.write().learn(piece, snapshot.statement.to);
            tokio::task::yield_now().await;
        }
        let todo = self.write().finish(&snapshot.statement);
        self.publish();
        while self.write().sweep() {
            tokio::task::yield_now().await;
        }
        self.wake(todo);
    }

    /// Tells those who wait for an echo, or for what the feed brings.
    fn publish(&self) {
        let (proven, applied) = {
            let replica = self.read();
            (replica.lease().proven(), replica.applied())
        };
        self.proven.send_if_modified(|known| std::mem::replace(known, proven) != proven);
        self.applied.send_if_modified(|known| std::mem::replace(known, applied) != applied);
    }

    /// Waits until the index holds everything up to somewhere behind a place; gives up to where.
    pub(super) async fn applied_beyond(&self, place: Position) -> Position {
        let mut applied = self.applied.subscribe();
        // The sender lives as long as this does.
        applied.wait_for(|applied| *applied > place).await.map_or(place, |applied| *applied)
    }

    /// Waits until the echo of a ping has counted.
    pub(super) async fn proven(&self, n: u64) {
        let mut proven = self.proven.subscribe();
        // The sender lives as long as this does.
        drop(proven.wait_for(|proven| *proven >= n).await);
    }

    /// Wakes whoever has something to do.
    pub(super) fn wake(&self, todo: Todo) {
        if todo.ping {
            self.ping.notify_one();
        }
        if todo.snapshot {
            self.snapshot.notify_one();
        }
        if todo.keys {
            self.keyring.renew(clock::now());
        }
    }

    /// A good token was minted ahead of what we have. That is looked at apart from the request.
    pub(super) fn notice(&self, at: Position, generation: u64) {
        if at.generation <= generation {
            self.ahead.notify_one();
            return;
        }
        // One request takes the index to drop its lease; the others have been refused by the generation already.
        if self.noticed.fetch_max(at.generation, Ordering::Relaxed) < at.generation {
            let todo = self.write().notice(at);
            self.wake(todo);
            self.reconnect.notify_one();
        }
    }

    /// Is the follower at its end?
    pub(super) async fn stopped(&self) {
        drop(self.stopping.subscribe().wait_for(|stopping| *stopping).await);
    }

    /// May it be trusted now?
    pub(super) fn is_ready(&self, now: Moment) -> bool {
        self.read().lease().is_fresh(now) && !*self.stopping.borrow()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};
    use std::time::Duration;

    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::*;
    use crate::feed::{Echo, Hello, Statement, StreamId};
    use crate::{Lifetime, Timestamp, base64url};

    const PATIENCE: Duration = Duration::from_secs(20);

    /// What a follower of a server that nobody reaches shares.
    pub(in super::super) fn following() -> Shared {
        let secret = format!("dwv_{}abcdef", base64url::encode(&[7; 32]));
        let mut settings = Settings::new("http://127.0.0.1:1", "api", &secret);
        settings.lease = Lifetime::from_secs(3);
        Shared::new(Settled::of(settings).unwrap()).unwrap()
    }

    pub(in super::super) fn head() -> Position {
        Position { generation: 5, seq: 9 }
    }

    pub(in super::super) fn hello() -> Hello {
        Hello {
            version: 1,
            stream: StreamId([1; 16]),
            head: head(),
            lease: Lifetime::from_secs(3),
            grace: Lifetime::ZERO,
            retention: Lifetime::from_mins(62),
            longest_token: Lifetime::from_mins(60),
            time: clock::now().wall,
        }
    }

    pub(in super::super) fn statement() -> Statement {
        Statement {
            issuer: String::new(),
            issued_at: Timestamp::MIN,
            expires_at: Timestamp::MAX,
            to: head(),
            gc_through: Position::START,
            count: 0,
            sha256: [0; 32],
        }
    }

    fn is_told(notify: &Notify) -> bool {
        pin!(notify.notified()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[tokio::test]
    async fn who_waits_for_the_feed_or_for_an_echo_is_told_when_it_comes() {
        let shared = following();
        shared.take(Event::Hello(hello()));
        let n = shared.write().ping(clock::now(), Vec::new(), false).n;
        let comes = async {
            yield_now().await;
            shared.restore(Snapshot { statement: statement(), entries: Vec::new() }).await;
        };
        let waits = async { tokio::join!(shared.applied_beyond(Position::START), comes) };
        assert_eq!(timeout(PATIENCE, waits).await.ok().map(|told| told.0), Some(head()), "by the snapshot itself");
        let comes = async {
            yield_now().await;
            let stream = Some(StreamId([1; 16]));
            shared.take(Event::Echo(Echo { n, stream, head: head(), time: clock::now().wall }));
        };
        let waits = async { tokio::join!(shared.proven(n), comes) };
        assert!(timeout(PATIENCE, waits).await.is_ok(), "by the echo itself");
        assert!(shared.is_ready(clock::now()));
    }

    #[test]
    fn a_token_from_ahead_is_asked_about_and_one_of_a_newer_generation_starts_anew_once() {
        let shared = following();
        let place = |generation, seq| Position { generation, seq };
        shared.notice(place(5, 12), 5);
        assert!(is_told(&shared.ahead) && !is_told(&shared.reconnect));
        shared.notice(place(6, 1), 5);
        assert!(is_told(&shared.reconnect) && is_told(&shared.snapshot) && !is_told(&shared.ahead));
        assert_eq!(shared.read().generation(), 6);
        for again in [place(6, 1), place(6, 2)] {
            shared.notice(again, 5);
            assert!(!is_told(&shared.reconnect), "it is known");
        }
        shared.notice(place(7, 0), 6);
        assert!(is_told(&shared.reconnect));
    }
}
