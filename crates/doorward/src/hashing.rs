//! The bounded pool on which passwords are hashed.
//!
//! Each thread keeps its own memory between hashes, so that a hash costs Argon2 and not the page faults of 19 fresh
//! MiB. The queue is bounded: beyond it a request is told to come back, and session and token checks never notice. A
//! job belongs to the pool: a caller that goes away leaves its place taken until the hash is done.

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use doorward_core::password::{Chosen, Correct, Cost, Memory, Typed, decoy, hash, verify};
use tokio::sync::oneshot;

use crate::flows::Stopped;

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The pool. Cheap to clone.
#[derive(Clone)]
pub struct Hashing {
    queue: mpsc::SyncSender<Job>,
    cost: Cost,
    decoy: Arc<str>,
}

impl std::fmt::Debug for Hashing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hashing({:?})", self.cost)
    }
}

/// How many hashes may wait for each thread: two seconds' worth at the floor's cost.
const WAITING_PER_THREAD: usize = 64;

impl Hashing {
    /// Starts the pool's threads.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(threads: usize, cost: Cost) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::sync_channel::<Job>(threads.max(1) * WAITING_PER_THREAD);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads.max(1) {
            let jobs = Arc::clone(&jobs);
            std::thread::Builder::new().name(format!("hash-{number}")).spawn(move || {
                let mut memory = Memory::default();
                loop {
                    let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = next else { break };
                    // A panic in one hash must not take the thread from the next.
                    drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&mut memory))));
                }
            })?;
        }
        Ok(Self { queue, cost, decoy: decoy(cost).into() })
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`Stopped::Overloaded`] if the queue is full.
    pub async fn hash(&self, password: Chosen, salt: [u8; 16]) -> Result<String, Stopped> {
        let cost = self.cost;
        self.run(move |memory| hash(&password, salt, cost, memory)).await?.ok_or(Stopped::Overloaded)
    }

    /// Verifies a password; where there is no account (`phc` is `None`) it takes as long, and fails.
    ///
    /// # Errors
    /// [`Stopped::Overloaded`] if the queue is full.
    pub async fn verify(&self, phc: Option<String>, typed: Typed) -> Result<Option<Correct>, Stopped> {
        let known = phc.is_some();
        let phc = phc.unwrap_or_else(|| String::from(&*self.decoy));
        let verdict = self.run(move |memory| verify(&phc, &typed, memory)).await?;
        Ok(verdict.filter(|_| known))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (reply, done) = oneshot::channel();
        let job: Job = Box::new(move |memory| drop(reply.send(work(memory))));
        self.queue.try_send(job).map_err(|_| Stopped::Overloaded)?;
        done.await.map_err(|_| Stopped::Overloaded)
    }
}
