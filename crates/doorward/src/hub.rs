//! The server's side of the feed: who listens, who may have a lease, and the events that everybody is sent.
//!
//! Each event is written once, by one task, and kept for a while; a connection has no queue but its cursor. It takes the
//! next event behind that when its socket has room, and adds the tag that is its own. Who is so slow that the event is
//! gone gets one range over all of it, and who is slower still is asked to get the snapshot.

mod counts;
mod frames;
mod pump;
mod snapshot;
pub mod stream;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorward_core::barrier::{Barrier, Pinged, Wait, Who};
use doorward_core::relay::{Frames, Note, Notes};
use doorward_core::{Lifetime, Position};
use doorward_verify::feed::{Event, Need, SetId, StreamId};
use tokio::sync::{Notify, watch};

use self::counts::Counters;
pub use self::counts::Counts;
use self::frames::Sent;
pub(crate) use self::frames::range;
use self::snapshot::Shelf;
pub(crate) use self::snapshot::snapshot;

/// The most running copies of one verifier.
pub const COPIES: usize = 10_000;

/// What verifiers are granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedSettings {
    /// The most lines they have to hold.
    pub budget: usize,
    /// The longest time they may trust what they know.
    pub lease_most: Lifetime,
    /// How much longer any of their routes may.
    pub grace_most: Lifetime,
    /// The most streams at a time.
    pub connections: usize,
}

impl Default for FeedSettings {
    fn default() -> Self {
        Self { budget: 1_000_000, lease_most: Lifetime::from_secs(3), grace_most: Lifetime::ZERO, connections: 2_000 }
    }
}

impl FeedSettings {
    /// The longest time for which anything may be accepted that is not known any better.
    pub fn terms(&self) -> Lifetime {
        self.lease_most + self.grace_most
    }

    /// The most streams of one verifier: whoever has its secret leaves some to the others.
    pub const fn of_one(&self) -> usize {
        self.connections - self.connections / 4
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct Hub {
    began: Lifetime,
    barrier: Mutex<Barrier>,
    /// Moves when somebody acknowledged or left.
    heard: watch::Sender<u64>,
    streams: Mutex<Streams>,
    frames: Mutex<Frames<Sent>>,
    /// Up to where events are written.
    written: watch::Sender<Position>,
    closing: watch::Sender<bool>,
    shelf: Shelf,
    pub(crate) counters: Counters,
}

#[derive(Debug, Default)]
struct Streams {
    open: HashMap<StreamId, Arc<Mailbox>>,
    /// Is there somebody who writes events?
    pumped: bool,
}

/// What one stream is told beside the feed.
#[derive(Debug)]
pub(crate) struct Mailbox {
    who: Who,
    notes: Mutex<Notes>,
    bell: Notify,
}

impl Hub {
    /// Of a server that starts now. `most`: see [`Barrier::begin`].
    pub(crate) fn begin(now: Lifetime, most: Option<Lifetime>) -> Self {
        Self {
            began: now,
            barrier: Mutex::new(Barrier::begin(now, most)),
            heard: watch::Sender::new(0),
            streams: Mutex::default(),
            frames: Mutex::new(frames::none()),
            written: watch::Sender::new(Position::START),
            closing: watch::Sender::new(false),
            shelf: Shelf::default(),
            counters: Counters::default(),
        }
    }

    /// A ping arrived. To be called before the head is read that its echo will speak of. `false` if the verifier has too
    /// many copies.
    pub(crate) fn hear(&self, ping: Pinged, now: Lifetime) -> bool {
        let mut barrier = lock(&self.barrier);
        if !barrier.knows(ping.who) && barrier.copies(ping.who.verifier) >= COPIES {
            barrier.forget(now);
            if barrier.copies(ping.who.verifier) >= COPIES {
                return false;
            }
        }
        barrier.ping(ping, now);
        drop(barrier);
        self.heard.send_modify(|heard| *heard += 1);
        true
    }

    /// Begins to wait until a place is everywhere, and asks those who have not said so. To be called after the place was
    /// published.
    pub(crate) fn wait(&self, place: Position, now: Lifetime) -> Wait {
        let mut barrier = lock(&self.barrier);
        barrier.forget(now);
        let wait = barrier.wait(place, now);
        drop(barrier);
        for mailbox in lock(&self.streams).open.values() {
            if wait.is_for(mailbox.who) {
                mailbox.tell(Note { behind: place, event: Event::Need(Need::Ping) });
            }
        }
        wait
    }

    /// Asks those who listen and hold another set of signing keys to get this one.
    pub(crate) fn ask_for_keys(&self, keys: SetId, now: Lifetime) {
        let without: Vec<_> = lock(&self.barrier).without(keys, now).collect();
        for mailbox in lock(&self.streams).open.values().filter(|mailbox| without.contains(&mailbox.who)) {
            mailbox.tell(Note { behind: Position::START, event: Event::Need(Need::Keys) });
        }
    }

    /// Does everybody who may have a lease hold this set of signing keys?
    pub(crate) fn all_hold(&self, keys: SetId, now: Lifetime) -> bool {
        lock(&self.barrier).all_hold(keys, now)
    }

    /// The next moment at which that may be so even if nobody says anything.
    pub(crate) fn next_holding(&self, keys: SetId, now: Lifetime) -> Option<Lifetime> {
        lock(&self.barrier).next_holding(keys, now)
    }

    /// Has so much time passed since the start, and some more for clocks that drift?
    pub(crate) fn runs_for(&self, span: Lifetime, now: Lifetime) -> bool {
        now.millis() - self.began.millis() > span.millis() + span.millis() / 1000 + 1
    }

    /// Looks again at what is waited for.
    pub(crate) fn look(&self, wait: &mut Wait, now: Lifetime) {
        wait.look(&lock(&self.barrier), now);
    }

    /// Moves whenever it is worth looking again.
    pub(crate) fn heard(&self) -> watch::Receiver<u64> {
        self.heard.subscribe()
    }

    /// Says something to a stream that is open here and is this instance's.
    pub(crate) fn tell(&self, stream: StreamId, who: Who, note: Note, now: Lifetime) {
        let mailbox = lock(&self.streams).open.get(&stream).filter(|mailbox| mailbox.who == who).cloned();
        if let Some(mailbox) = mailbox {
            lock(&mailbox.notes).pinged = now;
            mailbox.tell(note);
        }
    }

    /// Ends the streams of an instance, or of all copies of a verifier.
    pub(crate) fn hang_up(&self, of: impl Fn(Who) -> bool) {
        for mailbox in lock(&self.streams).open.values().filter(|mailbox| of(mailbox.who)) {
            lock(&mailbox.notes).over = true;
            mailbox.bell.notify_one();
        }
    }

    /// The process is on its way out: every stream ends in good order.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// What it counted, and what there is; `live` are the lines of the feed.
    pub(crate) fn counts(&self, live: usize, now: Lifetime) -> Counts {
        let counters = &self.counters;
        Counts {
            streams: lock(&self.streams).open.len() as u64,
            instances: lock(&self.barrier).forget(now) as u64,
            live: live as u64,
            entries: counters.entries.read(),
            events: counters.events.read(),
            conflated: counters.conflated.read(),
            snapshots: counters.snapshots.read(),
            pings: counters.pings.read(),
            strangers: counters.strangers.read(),
            refused: counters.refused.read(),
            ahead: counters.ahead.read(),
            waits: counters.waits.read(),
            expired: counters.expired.read(),
        }
    }
}

impl Mailbox {
    fn tell(&self, note: Note) {
        lock(&self.notes).add(note);
        self.bell.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
