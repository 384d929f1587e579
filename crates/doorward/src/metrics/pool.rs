//! What the hash pool counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cells::{Histogram, SLOW};
use crate::door::Stopwatch;

/// The counts of a pool.
#[derive(Debug)]
pub struct Meter {
    queued: AtomicU64,
    begun: AtomicU64,
    done: AtomicU64,
    refused: AtomicU64,
    pub(crate) wait: Histogram,
    pub(crate) work: Histogram,
}

impl Default for Meter {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        let (wait, work) = (Histogram::new(SLOW), Histogram::new(SLOW));
        Self { queued: zero(), begun: zero(), done: zero(), refused: zero(), wait, work }
    }
}

impl Meter {
    /// Jobs that wait.
    pub fn waiting(&self) -> u64 {
        // Read first what can only be less.
        let begun = self.begun.load(Ordering::Relaxed);
        self.queued.load(Ordering::Relaxed).saturating_sub(begun)
    }

    /// Jobs that are being worked on.
    pub fn running(&self) -> u64 {
        let done = self.done.load(Ordering::Relaxed);
        self.begun.load(Ordering::Relaxed).saturating_sub(done)
    }

    /// Jobs that found the queue full.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// A job found the queue full.
    pub(crate) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// A job waits from now on.
    pub(crate) fn queue(self: &Arc<Self>) -> Waiting {
        self.queued.fetch_add(1, Ordering::Relaxed);
        Waiting(Arc::clone(self), Stopwatch::start())
    }
}

/// A job that waits.
pub(crate) struct Waiting(Arc<Meter>, Stopwatch);

impl Waiting {
    /// It is being worked on until what this gives is dropped: also by a panic.
    pub(crate) fn begin(self) -> Working {
        let Self(meter, waited) = self;
        meter.wait.record(waited.elapsed());
        meter.begun.fetch_add(1, Ordering::Relaxed);
        Working(meter, Stopwatch::start())
    }
}

/// A job that is being worked on.
pub(crate) struct Working(Arc<Meter>, Stopwatch);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.work.record(self.1.elapsed());
        self.0.done.fetch_add(1, Ordering::Relaxed);
    }
}
