//! The feed as this process knows it: the revocation index, the published head, and the newest lines.
//!
//! Index first, then the head: whoever has read the head finds every line up to it in the index. Lines leave the index
//! by the watermark that the door keeps, as they leave the store, and never by a clock.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use doorward_core::budget::Budget;
use doorward_core::change::DirectoryChange;
use doorward_core::feed::Line;
use doorward_core::{Marks, Position, Rejection, Revocations, Timestamp};
use tokio::sync::watch;

use crate::{Directory, Receipt, StoreError};

/// How many lines are read at once.
const PAGE: u32 = 1000;
/// So many of the newest lines are kept at hand, for whoever is a little behind.
const RECENT: usize = 8192;

/// See the head of this file.
pub struct Feed {
    index: RwLock<Revocations>,
    head: watch::Sender<Position>,
    publishing: tokio::sync::Mutex<()>,
    ledger: Mutex<Ledger>,
}

/// What is counted and kept beside the index.
struct Ledger {
    budget: Budget,
    recent: VecDeque<Line>,
    /// Every line behind this place is among the recent ones.
    recent_from: Position,
    /// Everything up to here is forgotten.
    passed: Position,
    /// The latest time at which any line was written, as far as we have read.
    latest: Timestamp,
}

/// The lines behind a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// All that are live; perhaps some that stand behind `to` already.
    pub lines: Vec<Line>,
    /// Up to where they are all there are.
    pub to: Position,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Feed({})", self.head())
    }
}

impl Feed {
    /// Reads the whole log. `most` is what the budget promises.
    pub(crate) async fn open(directory: &dyn Directory, most: usize) -> Result<Self, StoreError> {
        let ledger = Ledger {
            budget: Budget::new(most),
            recent: VecDeque::new(),
            recent_from: Position::START,
            passed: Position::START,
            latest: Timestamp::MIN,
        };
        let feed = Self {
            index: RwLock::new(Revocations::new()),
            head: watch::Sender::new(Position::START),
            publishing: tokio::sync::Mutex::new(()),
            ledger: Mutex::new(ledger),
        };
        feed.catch_up(directory).await?;
        let head = directory.head().await?;
        feed.head.send_replace(head);
        Ok(feed)
    }

    /// The published head: every line up to it is in the index. Read it *before* what a token will speak of (RT8).
    pub fn head(&self) -> Position {
        *self.head.borrow()
    }

    /// The head as it moves.
    pub fn heads(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }

    /// Asks the revocation index.
    ///
    /// # Errors
    /// The [`Rejection`] that applies.
    pub fn check(&self, marks: &Marks) -> Result<(), Rejection> {
        self.read().check(marks)
    }

    /// Lends the revocation index to a verifier.
    pub fn with_index<T>(&self, look: impl FnOnce(&Revocations) -> T) -> T {
        look(&self.read())
    }

    /// How many lines are live.
    pub fn live(&self) -> usize {
        self.ledger().budget.lines()
    }

    /// The latest time at which a line was written.
    pub fn latest(&self) -> Timestamp {
        self.ledger().latest
    }

    /// The lines behind a place, if that is among the recent ones.
    pub fn recent(&self, after: Position) -> Option<Lines> {
        let to = self.head();
        let ledger = self.ledger();
        if after < ledger.recent_from || after > to {
            return None;
        }
        let first = ledger.recent.partition_point(|line| line.place <= after);
        Some(Lines { lines: ledger.recent.range(first..).copied().collect(), to })
    }

    /// The lines behind a place, at most `most`; `None` if there are more.
    pub(crate) async fn lines(
        &self,
        directory: &dyn Directory,
        after: Position,
        most: usize,
    ) -> Result<Option<Lines>, StoreError> {
        if let Some(recent) = self.recent(after) {
            return Ok(Some(recent).filter(|recent| recent.lines.len() <= most));
        }
        // The head before the lines, and the lines to their end: one that was replaced meanwhile is found again as what
        // replaced it.
        let to = self.head();
        let mut lines: Vec<Line> = Vec::new();
        loop {
            let at = lines.last().map_or(after, |line| line.place);
            let page = directory.feed_after(at, PAGE).await?;
            if page.is_empty() {
                return Ok(Some(Lines { lines, to }));
            }
            lines.extend(page);
            if lines.len() > most {
                return Ok(None);
            }
        }
    }

    /// Makes the drafts of a change as coarse as the budget wants.
    pub(crate) fn settle(&self, change: &mut DirectoryChange) {
        let drafts = change.drafts_mut();
        if !drafts.is_empty() {
            self.ledger().budget.settle(drafts);
        }
    }

    /// Index first, then the head, and no line left out: if another commit's lines come between, the feed is read. So it
    /// is for a change that wrote none: it may have found what another one did, and that must be in the index, too.
    pub(crate) async fn publish(&self, directory: &dyn Directory, receipt: &Receipt) -> Result<(), StoreError> {
        if receipt.head <= self.head() {
            return Ok(());
        }
        let turn = self.publishing.lock().await;
        if receipt.head <= self.head() {
            // Whoever had the turn before has read it with their own.
            return Ok(());
        }
        if receipt.lines.first().is_some_and(|first| first.place.seq == self.head().seq + 1) {
            self.apply(&receipt.lines);
            self.head.send_replace(receipt.head);
            return Ok(());
        }
        drop(turn);
        self.catch_up_and_publish(directory).await
    }

    /// Reads what the log has and we have not.
    pub(crate) async fn catch_up_and_publish(&self, directory: &dyn Directory) -> Result<(), StoreError> {
        let _turn = self.publishing.lock().await;
        self.catch_up(directory).await
    }

    /// The head moves with every page: a page that cannot be read has those before it neither lost nor counted twice.
    async fn catch_up(&self, directory: &dyn Directory) -> Result<(), StoreError> {
        loop {
            let lines = directory.feed_after(self.head(), PAGE).await?;
            self.apply(&lines);
            match lines.last() {
                Some(last) => drop(self.head.send_replace(last.place)),
                None => return Ok(()),
            }
        }
    }

    fn apply(&self, lines: &[Line]) {
        let mut index = self.write();
        for line in lines {
            index.learn(&line.entry, line.place);
        }
        drop(index);
        let mut ledger = self.ledger();
        for line in lines {
            ledger.budget.written(line);
            ledger.latest = ledger.latest.max(line.at);
            ledger.recent.push_back(*line);
            if ledger.recent.len() > RECENT
                && let Some(oldest) = ledger.recent.pop_front()
            {
                ledger.recent_from = oldest.place;
            }
        }
    }

    /// Forgets everything up to a place: in the index, and in what is counted. The store is told of it apart.
    pub(crate) async fn forget(&self, directory: &dyn Directory, through: Position) -> Result<(), StoreError> {
        let mut at = self.ledger().passed;
        while at < through {
            let page = directory.feed_after(at, PAGE).await?;
            let mut ledger = self.ledger();
            for line in page.iter().take_while(|line| line.place <= through) {
                ledger.budget.forgotten(line);
            }
            at = page.last().map_or(through, |line| line.place.min(through));
            ledger.passed = at;
        }
        self.write().pass(through);
        while self.sweep() {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// One stretch of the walk over the index, so that nobody waits for all of it.
    fn sweep(&self) -> bool {
        self.write().sweep()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, Revocations> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Revocations> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}
