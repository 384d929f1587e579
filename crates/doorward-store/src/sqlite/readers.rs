//! Reading beside the writer.
//!
//! A read runs on the task that asks for it: a warm look-up by key takes a few microseconds, less than the way to another
//! thread and back. In WAL mode it neither waits for the writer nor holds it up, and sees whatever was committed before
//! it began. Every query is one statement, so that what it gives is of one moment.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use rusqlite::Connection;

use super::connection;
use super::fault::Fault;
use crate::StoreError;

/// As many reads at once. More would hardly run at once, for each is that short.
const READERS: usize = 4;

/// The connections for reading.
pub(super) struct Readers {
    files: Vec<Mutex<Connection>>,
    next: AtomicUsize,
    failed: AtomicU64,
}

impl Readers {
    /// Opens them.
    pub(super) fn open(path: &Path) -> Result<Self, rusqlite::Error> {
        let files = (0..READERS).map(|_| connection::reading(path).map(Mutex::new)).collect::<Result<_, _>>()?;
        Ok(Self { files, next: AtomicUsize::new(0), failed: AtomicU64::new(0) })
    }

    /// Runs a query. Holds a connection for as long as that takes, and never across an await.
    pub(super) fn ask<T>(&self, query: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        query(&self.free()).map_err(|fault| {
            self.failed.fetch_add(1, Ordering::Relaxed);
            fault.told()
        })
    }

    /// How many queries there were.
    pub(super) fn asked(&self) -> u64 {
        self.next.load(Ordering::Relaxed) as u64
    }

    /// How many queries failed.
    pub(super) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// A connection that nobody uses; where all are in use, the one whose turn it is.
    fn free(&self) -> MutexGuard<'_, Connection> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let in_turn = |step: usize| &self.files[(turn + step) % READERS];
        for step in 0..READERS {
            match in_turn(step).try_lock() {
                Ok(file) => return file,
                // A query that panicked has dropped its statement, and with it its snapshot.
                Err(TryLockError::Poisoned(left)) => return left.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        in_turn(0).lock().unwrap_or_else(PoisonError::into_inner)
    }
}
