//! Session records by the name they are asked for: many readers, a bound, and no look further than one needs to.
//!
//! Parts of a hash map, each behind its own lock, with a second chance for what was used since it was last considered.
//! The hash of a secret is a SHA-256 of drawn bits, and a session's id is drawn, so their own bits serve as the hash of
//! the map: whoever wants collisions would have to be given names that collide. At a million records, a look-up is little more than waiting
//! for memory, two or three times; a general cache that keeps its entries in lists waits twice as often.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use doorward_core::id::SessionId;
use doorward_core::secret::SecretHash;
use hashbrown::HashTable;

use crate::packed::Packed;

/// As many parts; two threads meet in one of them rarely.
const PARTS: usize = 64;

/// What a record is kept under and asked for by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// The hash of the session's secret.
    Secret(SecretHash),
    /// The session's id, which a refresh token names.
    Session(SessionId),
}

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
    /// The start of its name; the whole of it is in the record.
    mark: u64,
    /// Was it asked for since it was last considered for leaving?
    used: AtomicBool,
    /// Is it kept under the session's id, and not under its secret?
    by_session: bool,
    record: Packed,
}

impl Records {
    /// Room for `capacity` records; taken as they come.
    pub(crate) fn new(capacity: usize) -> Self {
        let parts = (0..PARTS).map(|_| Part::default()).collect();
        Self { parts, most: capacity.div_ceil(PARTS).max(1) }
    }

    /// The record of a name.
    pub(crate) fn find(&self, name: &Name) -> Option<Packed> {
        let shelf = self.part(name).read();
        let entry = shelf.entries.find(name.mark(), |entry| entry.is(name))?;
        // Written once and not at every use: the line stays shared between the cores.
        if !entry.used.load(Ordering::Relaxed) {
            entry.used.store(true, Ordering::Relaxed);
        }
        Some(entry.record.clone())
    }

    /// Is there one?
    pub(crate) fn has(&self, name: &Name) -> bool {
        self.part(name).read().entries.find(name.mark(), |entry| entry.is(name)).is_some()
    }

    /// Keeps a record under its name; in place of the one that was there, or of one that nobody asked for.
    pub(crate) fn keep(&self, name: &Name, record: Packed) {
        let mut shelf = self.part(name).write();
        if let Some(entry) = shelf.entries.find_mut(name.mark(), |entry| entry.is(name)) {
            entry.record = record;
            return;
        }
        while shelf.entries.len() >= self.most && shelf.drop_one() {}
        shelf.add(name, record);
    }

    /// Forgets a record.
    pub(crate) fn forget(&self, name: &Name) {
        if let Ok(entry) = self.part(name).write().entries.find_entry(name.mark(), |entry| entry.is(name)) {
            drop(entry.remove());
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.read().entries.len()).sum()
    }

    fn part(&self, name: &Name) -> &Part {
        // Other bits than those that place an entry in its part.
        let last = match name {
            Name::Secret(hash) => hash.0[31],
            Name::Session(id) => id.bytes()[15],
        };
        &self.parts[usize::from(last) % PARTS]
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
    fn add(&mut self, name: &Name, record: Packed) {
        let mark = name.mark();
        let by_session = matches!(name, Name::Session(_));
        let entry = Entry { mark, used: AtomicBool::new(false), by_session, record };
        self.entries.insert_unique(mark, entry, |entry| entry.mark);
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
    fn is(&self, name: &Name) -> bool {
        self.by_session == matches!(name, Name::Session(_)) && self.record.is(name)
    }
}

impl Name {
    fn mark(&self) -> u64 {
        match self {
            Self::Secret(hash) => mark(&hash.0),
            Self::Session(id) => mark(&id.bytes()),
        }
    }
}

fn mark<const N: usize>(bytes: &[u8; N]) -> u64 {
    bytes.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}
