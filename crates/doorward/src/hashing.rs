//! The bounded pool for what takes long: passwords are hashed on it, RSA pairs made, tokens signed with them.
//!
//! Each thread keeps its own memory between hashes, so that a hash costs Argon2 and not the page faults of 19 fresh
//! MiB. The queue is bounded: beyond it a request is told to come back, and session and token checks never notice. A
//! job belongs to the pool: a caller that goes away leaves its place taken until the hash is done. What a hash from
//! elsewhere needs beyond that memory (256 MiB at most) is given back when it is done.

use std::sync::{Arc, Mutex, PoisonError, RwLock, mpsc};

use doorward_core::password::decoys::Decoys;
use doorward_core::password::foreign::{Foreign, Weak};
use doorward_core::password::{Chosen, Correct, Cost, Memory, Typed, hash, is_current, rehash, verify};
use doorward_core::throttle::Whose;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::flows::Stopped;
use crate::metrics::pool::Meter;

/// A password that was right.
#[derive(Debug)]
pub struct Right {
    /// The proof.
    pub correct: Correct,
    /// Its hash as we make it today, if the stored one is another.
    pub anew: Option<String>,
}

/// Both sides of a weighing.
#[derive(Debug)]
struct Scales {
    stored: String,
    typed: Typed,
    /// Does the verdict count?
    counts: bool,
}

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The pool. Cheap to clone.
#[derive(Clone)]
pub struct Hashing {
    queue: mpsc::Sender<Job>,
    places: Arc<Semaphore>,
    cost: Cost,
    decoys: Arc<RwLock<Arc<Decoys>>>,
    meter: Arc<Meter>,
}

impl std::fmt::Debug for Hashing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hashing({:?})", self.cost)
    }
}

/// A place in the queue. Who has to be sure of it takes it before doing what cannot be undone.
#[derive(Debug)]
pub struct Place {
    /// Given back when the place is.
    _permit: OwnedSemaphorePermit,
}

/// How many hashes may wait for each thread: two seconds' worth at the floor's cost.
pub const WAITING_PER_THREAD: usize = 64;

impl Hashing {
    /// Starts the pool's threads.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(threads: usize, cost: Cost) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel::<Job>();
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
                    memory.shrink(cost.blocks());
                }
            })?;
        }
        // As many as wait, and one at work for each thread.
        let places = Arc::new(Semaphore::new(threads.max(1) * (WAITING_PER_THREAD + 1)));
        let decoys = Arc::new(RwLock::new(Arc::new(Decoys::ours(cost))));
        Ok(Self { queue, places, cost, decoys, meter: Arc::default() })
    }

    /// What it counts.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`Stopped::Overloaded`] if the queue is full.
    pub async fn hash(&self, password: Chosen, salt: [u8; 16]) -> Result<String, Stopped> {
        let cost = self.cost;
        self.run(move |memory| hash(&password, salt, cost, memory)).await?.ok_or(Stopped::Overloaded)
    }

    /// Verifies a password of an account.
    ///
    /// # Errors
    /// [`Stopped::Overloaded`] if the queue is full.
    pub async fn verify(&self, stored: String, typed: Arc<Typed>) -> Result<Option<Correct>, Stopped> {
        self.run(move |memory| verify(&stored, &typed, memory)).await
    }

    /// Verifies a password at a sign-in. Where there is no account (`stored` is `None`) it takes as long as at some
    /// account, and where nothing was typed that can be anybody's (`typed` is `None`) as long as at this account; both
    /// fail. One that was right and is kept in an older way is hashed anew, with the salt.
    ///
    /// # Errors
    /// [`Stopped::Overloaded`] if the queue is full.
    pub async fn weigh(
        &self,
        stored: Option<String>,
        typed: Option<Typed>,
        whose: Whose,
        salt: [u8; 16],
    ) -> Result<Option<Right>, Stopped> {
        let Scales { stored, typed, counts } = self.load(stored, typed, whose);
        let cost = self.cost;
        self.run(move |memory| {
            let correct = verify(&stored, &typed, memory).filter(|_| counts)?;
            let older = !is_current(&stored, cost);
            let anew = older.then(|| rehash(&typed, &correct, salt, cost, memory)).flatten();
            Some(Right { correct, anew })
        })
        .await
    }

    /// What is weighed depends on the address alone, and never on what was typed: two tries at one address that take
    /// unlike times would tell whether there is an account. What stands in for either side is never right, even where
    /// the two fit: a hash from elsewhere may be of nothing.
    fn load(&self, stored: Option<String>, typed: Option<Typed>, whose: Whose) -> Scales {
        let counts = stored.is_some() && typed.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy_of(whose));
        Scales { stored, typed: typed.unwrap_or_else(Typed::nothing), counts }
    }

    /// Hashes a fast digest of another system, so that it can be stored.
    ///
    /// # Errors
    /// [`Stopped::Overloaded`] if the queue is full.
    pub async fn wrap(&self, weak: Weak, salt: [u8; 16]) -> Result<String, Stopped> {
        let cost = self.cost;
        let wrapped = self.run(move |memory| Foreign::wrap(&weak, salt, cost, memory)).await?;
        Ok(wrapped.ok_or(Stopped::Overloaded)?.text())
    }

    /// Answers about nobody take from now on as long as those about these accounts.
    pub fn resemble(&self, schemes: &[(String, u64)]) {
        let decoys = Arc::new(Decoys::like(schemes, self.cost));
        *self.decoys.write().unwrap_or_else(PoisonError::into_inner) = decoys;
    }

    /// What a new hash costs.
    pub const fn cost(&self) -> Cost {
        self.cost
    }

    /// What is verified for an address that has no account: always the same, until the accounts are others.
    pub fn decoy_of(&self, whose: Whose) -> String {
        let decoys = Arc::clone(&self.decoys.read().unwrap_or_else(PoisonError::into_inner));
        decoys.of(whose.0).to_owned()
    }

    /// Takes a place in the queue.
    ///
    /// # Errors
    /// [`Stopped::Overloaded`] if the queue is full.
    pub fn place(&self) -> Result<Place, Stopped> {
        Arc::clone(&self.places).try_acquire_owned().map(|permit| Place { _permit: permit }).map_err(|_| {
            self.meter.refuse();
            Stopped::Overloaded
        })
    }

    /// Does something that takes long, in a place that was taken for it.
    ///
    /// # Errors
    /// [`Stopped::Overloaded`] if it panicked.
    pub async fn work<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        self.run_in(place, move |_| work()).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        self.run_in(self.place()?, work).await
    }

    async fn run_in<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (reply, done) = oneshot::channel();
        let waiting = self.meter.queue();
        let job: Job = Box::new(move |memory| {
            // The place is given back before the caller goes on, even if the work panics.
            let reply = reply;
            let place = place;
            let working = waiting.begin();
            let done = work(memory);
            drop((place, working));
            drop(reply.send(done));
        });
        self.queue.send(job).map_err(|_| Stopped::Overloaded)?;
        done.await.map_err(|_| Stopped::Overloaded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_says_no_and_a_place_that_was_taken_stays_good() {
        let pool = Hashing::start(1, Cost { memory_kib: 8, passes: 1, lanes: 1 }).expect("a thread");
        let taken = pool.place().expect("a place");
        let rest: Vec<_> = std::iter::from_fn(|| pool.place().ok()).collect();
        assert_eq!(rest.len(), WAITING_PER_THREAD);
        assert_eq!(pool.hash(chosen(), [1; 16]).await, Err(Stopped::Overloaded));
        assert_eq!(pool.work(taken, || 7).await, Ok(7));
        drop(rest);
        assert!(pool.hash(chosen(), [1; 16]).await.is_ok());
        let broken = pool.work(pool.place().expect("a place"), || panic!("in a job")).await;
        assert_eq!(broken, Err::<(), _>(Stopped::Overloaded));
        let again: Vec<_> = std::iter::from_fn(|| pool.place().ok()).collect();
        assert_eq!(again.len(), WAITING_PER_THREAD + 1, "no place is lost");
    }

    #[tokio::test]
    async fn what_is_weighed_depends_on_the_address_and_not_on_what_was_typed() {
        let pool = Hashing::start(1, Cost { memory_kib: 8, passes: 1, lanes: 1 }).expect("a thread");
        pool.resemble(&[(String::from("$2b$12$"), 500), (String::from("$2b$11$"), 500)]);
        let kept = String::from("$2b$10$kept");
        for whose in [Whose([0; 16]), Whose([0xff; 16])] {
            for text in ["copper-lantern-41", "", "a\0b", &"x".repeat(257)] {
                let known = pool.load(Some(kept.clone()), Typed::read(text), whose);
                assert_eq!(known.stored, kept, "{} characters", text.len());
                let unknown = pool.load(None, Typed::read(text), whose);
                assert_eq!(unknown.stored, pool.decoy_of(whose), "{} characters", text.len());
                assert_eq!((known.counts, unknown.counts), (Typed::read(text).is_some(), false));
            }
        }
    }

    #[tokio::test]
    async fn what_can_be_nobodys_is_not_right_even_where_the_hash_is_of_nothing() {
        let pool = Hashing::start(1, Cost { memory_kib: 8, passes: 1, lanes: 1 }).expect("a thread");
        // PBKDF2 of the empty text, as Django writes it.
        let of_nothing = "pbkdf2_sha256$1000$a-salt-of-16-byt$9MPLpejNFywhFG3FZe2Z2i5F0N5L4ajaHGQOva16yAU=";
        let weigh = async |typed: Option<Typed>| {
            let weighed = pool.weigh(Some(of_nothing.to_owned()), typed, Whose([0; 16]), [1; 16]).await;
            weighed.expect("a place").is_some()
        };
        assert!(weigh(Typed::read("")).await, "the hash is of nothing");
        assert!(!weigh(Typed::read("a\0b")).await);
    }

    fn chosen() -> Chosen {
        Chosen::accept("copper-lantern-41", &[]).expect("a password")
    }
}
