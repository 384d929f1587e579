//! What the feed counts, for whoever shows it.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often what happened since the process began, and how much there is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Streams that are open.
    pub streams: u64,
    /// Instances that may have a lease.
    pub instances: u64,
    /// Live lines of the feed.
    pub live: u64,
    /// Entries that were sent, to everybody together.
    pub entries: u64,
    /// Events that were sent.
    pub events: u64,
    /// Events that were written for one alone, who was slower than the others.
    pub conflated: u64,
    /// Snapshots that were sent.
    pub snapshots: u64,
    /// Pings that were answered.
    pub pings: u64,
    /// Callers who were no verifier.
    pub strangers: u64,
    /// Verifiers that asked for more than they may have: a longer lease, one stream more.
    pub refused: u64,
    /// Verifiers that claimed to know what was never said.
    pub ahead: u64,
    /// Waits for all verifiers that are over.
    pub waits: u64,
    /// Verifiers that were waited for and did not answer.
    pub expired: u64,
}

/// The counters.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) entries: Counter,
    pub(crate) events: Counter,
    pub(crate) conflated: Counter,
    pub(crate) snapshots: Counter,
    pub(crate) pings: Counter,
    pub(crate) strangers: Counter,
    pub(crate) refused: Counter,
    pub(crate) ahead: Counter,
    pub(crate) waits: Counter,
    pub(crate) expired: Counter,
}

/// One of them.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn one(&self) {
        self.more(1);
    }

    pub(crate) fn more(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
