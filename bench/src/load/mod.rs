//! The load: one thread, keep-alive connections, one request on each at a time. It must cost little, because it shares
//! the machine with what it measures.

mod chains;
mod checks;
mod drive;
mod held;
mod introspections;
mod lookups;
mod refreshes;
mod sign_ins;
mod sign_outs;
mod steady;

use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::figures::quantile;
use crate::{Trouble, child, process};

pub(crate) use drive::Answer;
pub(crate) use held::{EXPECTED, HELD, HOLE, LENGTH, REQUEST};
pub(crate) use sign_ins::Guessed;

/// One errand of the load process.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Errand {
    /// Whom to ask, on loopback.
    pub(crate) port: u16,
    /// The process whose CPU time counts.
    pub(crate) process: u32,
    /// How many connections.
    pub(crate) connections: usize,
    /// For how long, in seconds; a walk ends sooner when it is through.
    pub(crate) seconds: f64,
    /// What to ask.
    pub(crate) asks: Asks,
}

/// What to ask.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Asks {
    /// `GET /v1/session` of random sessions.
    Random {
        /// How many there are.
        sessions: u64,
        /// Of so many of them, which lie anywhere among all.
        busy: u64,
        /// Another seed, another choice.
        seed: u64,
    },
    /// `GET /v1/session` of each busy session once, in a shuffled order.
    Each {
        /// How many there are.
        sessions: u64,
        /// So many of them are busy, and lie anywhere among all.
        busy: u64,
    },
    /// `POST /v1/sessions` with the right password, each connection in turn over people of its own.
    SignIn {
        /// How many have a password.
        people: u64,
    },
    /// `GET /v1/session` of random sessions at fixed times, whether or not earlier ones were answered.
    Steady {
        /// How many there are.
        sessions: u64,
        /// How many a second.
        per_second: u32,
    },
    /// `POST /v1/sessions` one after the other: a wrong password for people who are known and for people who are not.
    Guess {
        /// How many of each.
        each: u64,
    },
    /// `POST /v1/session/refresh`, each connection in turn over chains of its own.
    Refresh {
        /// Each chain once, and no more?
        once: bool,
    },
    /// `DELETE /v1/session` of each session from a number on.
    SignOut {
        /// The first.
        first: u64,
        /// How many there are.
        count: u64,
    },
    /// `POST /oauth2/introspect` about the tokens of a file.
    Introspect,
    /// `GET` from Redis, by one connection.
    LookUp,
    /// The request of a folder, for random ones of the sessions that its file lists.
    Held {
        /// Another seed, another choice.
        seed: u64,
        /// The process of the store that is asked besides.
        store: Option<u32>,
    },
    /// The request of a folder, with a refresh token that its answer replaces.
    Turn,
}

impl Asks {
    /// The process of the store that is asked besides.
    const fn store(&self) -> Option<u32> {
        match self {
            Self::Held { store, .. } => *store,
            _ => None,
        }
    }
}

/// How an errand went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Good answers in the measured time.
    pub(crate) requests: u64,
    /// The measured time in seconds.
    pub(crate) seconds: f64,
    /// CPU time of the asked process in the measured time, in microseconds.
    pub(crate) cpu: u64,
    /// The same of the load process.
    pub(crate) own_cpu: u64,
    /// The same of the store's process, where one is asked besides.
    pub(crate) store_cpu: Option<u64>,
    /// Latency in microseconds: half of all answers took at most this.
    pub(crate) p50: f64,
    /// 99 of 100.
    pub(crate) p99: f64,
    /// Other answers.
    pub(crate) failures: u64,
    /// The first of them.
    pub(crate) failure: Option<String>,
}

impl Outcome {
    /// CPU time per request in microseconds.
    pub(crate) fn cpu_each(&self) -> f64 {
        self.cpu as f64 / self.requests.max(1) as f64
    }

    /// The same with what good answers took, in microseconds each.
    fn with(self, latencies: &[f64]) -> Self {
        Self {
            requests: latencies.len() as u64,
            p50: quantile(latencies, 0.5),
            p99: quantile(latencies, 0.99),
            ..self
        }
    }

    /// Requests per second.
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

/// The measured time of an errand, under way.
struct Window {
    process: u32,
    store: Option<u32>,
    since: Instant,
    cpu: u64,
    own_cpu: u64,
    store_cpu: Option<u64>,
}

impl Window {
    /// Begins now.
    fn open(errand: &Errand) -> Result<Self, Trouble> {
        let (cpu, own_cpu) = (process::cpu(errand.process)?, process::cpu(std::process::id())?);
        let store = errand.asks.store();
        let store_cpu = store.map(process::cpu).transpose()?;
        Ok(Self { process: errand.process, store, since: Instant::now(), cpu, own_cpu, store_cpu })
    }

    /// Is an errand's time over?
    fn is_over(&self, errand: &Errand) -> bool {
        self.since.elapsed().as_secs_f64() >= errand.seconds
    }

    /// Ends now; what was answered in it is told by [`Outcome::with`].
    fn close(self) -> Result<Outcome, Trouble> {
        Ok(Outcome {
            requests: 0,
            seconds: self.since.elapsed().as_secs_f64(),
            cpu: process::cpu(self.process)? - self.cpu,
            own_cpu: process::cpu(std::process::id())? - self.own_cpu,
            store_cpu: match (self.store, self.store_cpu) {
                (Some(store), Some(before)) => Some(process::cpu(store)? - before),
                _ => None,
            },
            p50: f64::NAN,
            p99: f64::NAN,
            failures: 0,
            failure: None,
        })
    }
}

/// A file's lines, as they are shown.
fn lines(text: &str) -> Vec<Box<[u8]>> {
    text.lines().map(|line| line.as_bytes().into()).collect()
}

/// Does what the parent asks for, errand by errand.
pub(crate) fn run(folder: &Path) -> Result<(), Trouble> {
    let (mut refreshes, mut turns) = (None, None);
    for errand in child::questions::<Errand>() {
        let errand = errand?;
        let outcome = match errand.asks {
            Asks::Random { sessions, busy, seed } => {
                drive::drive(errand, &mut checks::Random::new(errand.port, (sessions, busy), seed))
            }
            Asks::Each { sessions, busy } => {
                drive::drive(errand, &mut checks::Each::new(errand.port, (sessions, busy)))
            }
            Asks::SignIn { people } => drive::drive(errand, &mut sign_ins::SignIns::new(errand, people)),
            Asks::Steady { sessions, per_second } => steady::run(errand, sessions, per_second),
            Asks::Guess { each } => {
                child::say(&sign_ins::guess(errand.port, each)?)?;
                continue;
            }
            Asks::SignOut { first, count } => {
                drive::drive(errand, &mut sign_outs::SignOuts::new(errand.port, first, count))
            }
            Asks::Introspect => drive::drive(errand, &mut introspections::Introspections::read(errand.port, folder)?),
            Asks::LookUp => lookups::run(errand),
            Asks::Held { seed, .. } => drive::drive(errand, &mut held::Held::read(folder, seed)?),
            Asks::Turn => {
                let turns = match &mut turns {
                    Some(turns) => turns,
                    none => none.insert(held::Turns::read(folder, errand.connections)?),
                };
                drive::drive(errand, turns)
            }
            Asks::Refresh { once } => {
                let refreshes = match &mut refreshes {
                    Some(refreshes) => refreshes,
                    none => none.insert(refreshes::Refreshes::read(folder, errand.connections)?),
                };
                refreshes.aim(errand.port, once);
                drive::drive(errand, refreshes)
            }
        }?;
        child::say(&outcome)?;
    }
    Ok(())
}
