//! Session records by the hash of their secret: many readers, a bound, and no look further than one needs to.
//!
//! Parts of a hash map, each behind its own lock, with a second chance for what was used since it was last considered.
//! The hash of a secret is a SHA-256 of drawn bits, so its own bits serve as the hash of the map: whoever wants collisions
//! would have to be given secrets that collide. At a million records, a look-up waits for memory two or three times, which
//! is most of what it costs; a general cache that keeps its entries in lists waits twice as often.

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
    parts: Vec<RwLock<Part>>,
}

/// A part of the records. On cache lines of its own, so that locking one does not disturb its neighbours.
#[derive(Default)]
#[repr(align(128))]
struct Part {
    entries: HashTable<Entry>,
    /// The starts of the hashes in the order they came in; some may be gone, and some may be there twice.
    order: VecDeque<u64>,
    most: usize,
}

struct Entry {
    start: u64,
    used: AtomicBool,
    hash: Box<SecretHash>,
    record: Arc<Record>,
}
