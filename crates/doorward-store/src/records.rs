//! Session records by their secrets: many readers, a bound, and no look further than one needs to.
//!
//! Parts of a hash map, each behind its own lock, with a second chance for what was used since it was last considered.
//! The hash of a secret is a SHA-256 of drawn bits, so its own bits serve as the hash of the map: whoever wants
//! collisions would have to be given secrets that collide. At a million records, a look-up is little more than waiting
//! for memory, two or three times; a general cache that keeps its entries in lists waits twice as often.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use doorward_core::secret::SecretHash;
use hashbrown::HashTable;

use crate::cached::Record;

/// As many parts; two threads meet in one of them rarely.
const PARTS: usize = 64;

/// The records.
pub(crate) struct Records {
    parts: Vec<Part>,
    /// The most records of a part.
    most: usize,
}

/// A part of the records. On cache lines of its own, so that locking one does not disturb its neighbours.
#[derive(Default)]
#[repr(align(128))]
struct Part(RwLock<Shelf>);

#[derive(Default)]
struct Shelf {
    entries: HashTable<Entry>,
    /// The marks of entries in the order they came in; some may be gone, and some may be there twice.
    order: VecDeque<u64>,
}

struct Entry {
    /// The start of the hash; the whole of it is in the record.
    mark: u64,
    /// Was it asked for since it was last considered for leaving?
    used: AtomicBool,
    record: Arc<Record>,
}

impl Records {
    /// Room for `capacity` records; taken as they come.
    pub(crate) fn new(capacity: usize) -> Self {
        let parts = (0..PARTS).map(|_| Part::default()).collect();
        Self { parts, most: capacity.div_ceil(PARTS).max(1) }
    }

    /// The record of a secret.
    pub(crate) fn find(&self, hash: &SecretHash) -> Option<Arc<Record>> {
        let shelf = self.part(hash).read();
        let entry = shelf.entries.find(mark(hash), |entry| entry.is(hash))?;
        // Written once and not at every use: the line stays shared between the cores.
        if !entry.used.load(Ordering::Relaxed) {
            entry.used.store(true, Ordering::Relaxed);
        }
        Some(Arc::clone(&entry.record))
    }

    /// Is there one?
    pub(crate) fn has(&self, hash: &SecretHash) -> bool {
        self.part(hash).read().entries.find(mark(hash), |entry| entry.is(hash)).is_some()
    }

    /// Keeps a record under the secret it has; in place of the one that was there, or of one that nobody asked for. A
    /// record without a secret cannot be found by one, and is not kept.
    pub(crate) fn keep(&self, record: Arc<Record>) {
        let Some(hash) = record.session.secret else { return };
        let mut shelf = self.part(&hash).write();
        if let Some(entry) = shelf.entries.find_mut(mark(&hash), |entry| entry.is(&hash)) {
            entry.record = record;
            return;
        }
        while shelf.entries.len() >= self.most && shelf.drop_one() {}
        shelf.add(mark(&hash), record);
    }

    /// Forgets a record.
    pub(crate) fn forget(&self, hash: &SecretHash) {
        if let Ok(entry) = self.part(hash).write().entries.find_entry(mark(hash), |entry| entry.is(hash)) {
            drop(entry.remove());
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.read().entries.len()).sum()
    }

    fn part(&self, hash: &SecretHash) -> &Part {
        // Other bits than those that place an entry in its part.
        &self.parts[usize::from(hash.0[31]) % PARTS]
    }
}

impl Part {
    fn read(&self) -> RwLockReadGuard<'_, Shelf> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shelf> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn add(&mut self, mark: u64, record: Arc<Record>) {
        self.entries.insert_unique(mark, Entry { mark, used: AtomicBool::new(false), record }, |entry| entry.mark);
        self.order.push_back(mark);
        // Records that are forgotten and come again leave their old places behind.
        if self.order.len() > 2 * self.entries.len() + PARTS {
            self.order = self.entries.iter().map(|entry| entry.mark).collect();
        }
    }

    /// Drops the oldest entry that was not used since it was last considered; `false` if there is none at all.
    fn drop_one(&mut self) -> bool {
        // Twice around at most: after the first, none counts as used.
        for _ in 0..=2 * self.order.len() {
            let Some(mark) = self.order.pop_front() else { return false };
            let Ok(mut entry) = self.entries.find_entry(mark, |entry| entry.mark == mark) else { continue };
            if !std::mem::take(entry.get_mut().used.get_mut()) {
                drop(entry.remove());
                return true;
            }
            self.order.push_back(mark);
        }
        false
    }
}

impl Entry {
    fn is(&self, hash: &SecretHash) -> bool {
        self.mark == mark(hash) && self.record.session.secret.as_ref() == Some(hash)
    }
}

fn mark(hash: &SecretHash) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = hash.0;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}
