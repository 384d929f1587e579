//! The one thread that writes.
//!
//! It takes whatever is queued, applies it in order inside one transaction, and answers after the commit: many changes
//! share one fsync. What fails is answered as failed and never tried again: after an error of the disk the connection
//! is dropped, the store is not writable, and only a fresh connection that has committed makes it so again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use doorward_core::audit::Event;
use doorward_core::change::{DirectoryChange, SessionChange};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::directory_changes::Written;
use super::fault::Fault;
use super::log::Tail;
use super::mark::Mark;
use super::opening::database_id;
use super::{connection, directory_changes, session_changes};
use crate::{Committed, Receipt, StoreError};

/// So many changes may wait. Who comes with one more waits with it.
pub const QUEUE: usize = 1024;
/// So many changes share a commit at most.
const BATCH: usize = 256;
/// After so many changes the writer looks how long the write-ahead log is.
const LOOK_AFTER: usize = 256;
/// So many changes a commit, on average since the last look, are few. Of many clients some are answered while the others
/// wait, so that the queue is empty now and then though it is never quiet.
const FEW: usize = 4;
/// Pages in the write-ahead log from which on it is copied into the file, if few come and nobody is waiting …
const CHECKPOINT_IDLE: i64 = 1_000;
/// … and whether or not somebody is. 64 MiB.
const CHECKPOINT_BUSY: i64 = 16_000;

/// A change, of either kind.
pub(super) enum Change {
    /// Of what is hot.
    Hot(SessionChange),
    /// Of what lasts, with its event.
    Durable(Box<(DirectoryChange, Event)>),
}

struct Job {
    change: Change,
    reply: oneshot::Sender<Result<Committed, StoreError>>,
}

/// The near end of the queue. Dropping it lets the thread finish what is queued, and waits for that.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    writable: Arc<AtomicBool>,
    commits: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread on the connection of an opened folder.
    pub(super) fn start(path: PathBuf, file: Connection, mark: Mark, database: [u8; 16]) -> Result<Self, Fault> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let writable = Arc::new(AtomicBool::new(true));
        let commits = Arc::new(AtomicU64::new(0));
        let tail = Tail::read(&file)?;
        let hand = Hand {
            path,
            database,
            file: Some(file),
            tail,
            mark,
            writable: Arc::clone(&writable),
            commits: Arc::clone(&commits),
            since_look: 0,
            commits_since_look: 0,
        };
        let thread = thread::Builder::new().name(String::from("doorward-writer")).spawn(move || hand.serve(queue));
        // Without a thread the queue has no far end, and every change is answered as unavailable.
        Ok(Self { jobs: Some(jobs), writable, commits, thread: thread.ok() })
    }

    /// Hands a change over and waits until it is durable.
    pub(super) async fn commit(&self, change: Change) -> Result<Committed, StoreError> {
        let jobs = self.jobs.as_ref().ok_or(StoreError::Unavailable)?;
        let (reply, answer) = oneshot::channel();
        jobs.send(Job { change, reply }).await.map_err(|_| StoreError::Unavailable)?;
        answer.await.unwrap_or(Err(StoreError::Unavailable))
    }

    /// How many changes wait.
    pub(super) fn queued(&self) -> u64 {
        self.jobs.as_ref().map_or(0, |jobs| (jobs.max_capacity() - jobs.capacity()) as u64)
    }

    /// How many transactions became durable.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Did the last commit succeed, and is there somebody for the next?
    pub(super) fn is_writable(&self) -> bool {
        self.writable.load(Ordering::Relaxed) && self.jobs.as_ref().is_some_and(|jobs| !jobs.is_closed())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Its panic is reported by the thread itself.
            let _ = thread.join();
        }
    }
}

/// What the thread has in its hand.
struct Hand {
    path: PathBuf,
    database: [u8; 16],
    /// None after an error that this connection must not be trusted after.
    file: Option<Connection>,
    tail: Tail,
    mark: Mark,
    writable: Arc<AtomicBool>,
    commits: Arc<AtomicU64>,
    /// Changes since the last look at the write-ahead log.
    since_look: usize,
    /// The commits they came in.
    commits_since_look: usize,
}

impl Hand {
    fn serve(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH);
        while queue.blocking_recv_many(&mut batch, BATCH) > 0 {
            let answers = self.commit(&batch);
            self.since_look += answers.len();
            self.commits_since_look += 1;
            for (job, answer) in batch.drain(..).zip(answers) {
                // Who does not wait any more has lost the reply, not the change.
                let _ = job.reply.send(answer);
            }
            if self.since_look >= LOOK_AFTER {
                let is_quiet = queue.is_empty() && self.since_look <= FEW * self.commits_since_look;
                self.checkpoint_if_due(is_quiet);
                self.since_look = 0;
                self.commits_since_look = 0;
            }
        }
        if let Some(file) = &self.file {
            // The next start finds all in one file. If not, it reads the log: nothing is lost.
            let _ = checkpoint(file, "PRAGMA wal_checkpoint(TRUNCATE)");
        }
        self.mark.leave();
    }

    /// Commits a batch, all or nothing. A change that is to blame by itself is sorted out by committing each alone.
    fn commit(&mut self, batch: &[Job]) -> Vec<Result<Committed, StoreError>> {
        let attempt = catch_unwind(AssertUnwindSafe(|| self.attempt(batch))).unwrap_or(Err(Fault::Panicked));
        match attempt {
            Ok(committed) => committed.into_iter().map(Ok).collect(),
            Err(fault) if fault.is_of_one_change() && batch.len() > 1 => {
                batch.chunks(1).flat_map(|alone| self.commit(alone)).collect()
            }
            Err(fault) => {
                if !fault.is_of_one_change() {
                    self.let_go();
                }
                vec![Err(fault.told()); batch.len()]
            }
        }
    }

    /// One transaction. Dropped before its end, it is rolled back, and the tail is as it was.
    fn attempt(&mut self, batch: &[Job]) -> Result<Vec<Committed>, Fault> {
        let file = match self.file.take() {
            Some(file) => file,
            None => self.reopen()?,
        };
        let file = self.file.insert(file);
        let mut tail = self.tail;
        let step = Transaction::new_unchecked(file, TransactionBehavior::Immediate)?;
        let apply = |job: &Job| apply(&step, &mut tail, &job.change);
        let committed = batch.iter().map(apply).collect::<Result<Vec<_>, _>>()?;
        step.commit()?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.tail = tail;
        self.mark.note(tail.head());
        Ok(committed)
    }

    /// A fresh connection that has proven that it can commit. What the lost one may have left is read from the file.
    fn reopen(&mut self) -> Result<Connection, Fault> {
        let file = connection::writing(&self.path)?;
        if database_id(&file)? != self.database {
            return Err(Fault::Unreadable("meta.database"));
        }
        file.execute("UPDATE meta SET openings = openings + 1", [])?;
        self.tail = Tail::read(&file)?;
        self.writable.store(true, Ordering::Relaxed);
        Ok(file)
    }

    /// Drops the connection. Whatever it had not committed is gone with it.
    fn let_go(&mut self) {
        self.writable.store(false, Ordering::Relaxed);
        self.file = None;
    }

    fn checkpoint_if_due(&mut self, is_quiet: bool) {
        let Some(file) = &self.file else { return };
        let due = if is_quiet { CHECKPOINT_IDLE } else { CHECKPOINT_BUSY };
        let done = checkpoint(file, "PRAGMA wal_checkpoint(NOOP)")
            .and_then(|left| if left < due { Ok(left) } else { checkpoint(file, "PRAGMA wal_checkpoint(PASSIVE)") });
        if done.is_err() {
            self.let_go();
        }
    }
}

/// Copies pages of the write-ahead log into the file, as far as `how` says; gives how many are left.
fn checkpoint(file: &Connection, how: &str) -> Result<i64, Fault> {
    let left = |row: &rusqlite::Row<'_>| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?);
    Ok(file.prepare_cached(how)?.query_row([], left)?)
}

fn apply(file: &Connection, tail: &mut Tail, change: &Change) -> Result<Committed, Fault> {
    let written = match change {
        Change::Hot(change) => session_changes::apply(file, tail, change),
        Change::Durable(both) => directory_changes::apply(file, tail, &both.0, &both.1),
    }?;
    let Some(Written { lines, count }) = written else { return Ok(Committed::Conflict) };
    if !lines.is_empty() {
        tail.write_head(file)?;
    }
    Ok(Committed::Done(Receipt { head: tail.head(), lines, count }))
}
