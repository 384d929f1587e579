//! Many verifiers in one process: real followers, each with connections, an index and an opinion of its own.
//!
//! What is measured is a decision and not the arrival of an event: a verifier has refused a token when `verify` has said
//! so. Whoever waits for that is woken when the feed has brought something, and looks now and then by itself too.

mod cost;
mod hole;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use doorward_verify::follow::{Follower, Settings};
use doorward_verify::{Lifetime, Position};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::servers::ISSUER;
use crate::{Trouble, child};

pub(crate) use cost::Cost;
pub(crate) use hole::Silenced;
pub(crate) use watch::Heard;

/// Threads of the process: as many as the server has.
const WORKERS: usize = 2;
/// Whoever is not ready by then will not be.
const PATIENCE: Duration = Duration::from_secs(60);
/// Verified tokens that each remembers.
const REMEMBERED: usize = 4096;

/// Where verifiers find their server, and how they identify themselves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) secret: String,
}

/// What the fleet is told to do. Each order has one answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Start so many, and wait until all are ready: [`Done`].
    Gather { server: Server, verifiers: usize, lease_ms: i64 },
    /// Have all accept these tokens, and from then on watch for the refusal of one after the other, looking every so
    /// often: [`Done`].
    Watch { tokens: Vec<String>, look_ms: u64 },
    /// Have all judge the token of this number now: [`Judged`].
    Judge { token: usize },
    /// Wait until all watched tokens are refused by all: [`Heard`].
    Hear,
    /// Wait until all hold a place: [`Kept`].
    Keep { place: String },
    /// Start one more, behind a wire that can be cut, unless there is one; wait until it is ready: [`Done`].
    Wire { server: Server, lease_ms: i64 },
    /// Have that one accept these tokens, cut its wire, and have it judge them again and again: [`Done`].
    Cut { tokens: Vec<String> },
    /// Mend the wire, and tell what was accepted meanwhile: [`Silenced`].
    Mend,
    /// Verify these tokens again and again on one thread: [`Cost`].
    Cost { tokens: Vec<String>, seconds: f64 },
    /// All leave: [`Done`].
    Scatter,
}

/// It is done.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    /// When, by the clock that all processes share, in nanoseconds.
    pub(crate) at: u64,
}

/// All hold what was asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// When, by the clock that all processes share, in nanoseconds.
    pub(crate) at: u64,
    /// How often the feed has brought something to the first of them.
    pub(crate) events: u64,
    /// How many entries that were.
    pub(crate) entries: u64,
}

/// What all said to one token.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Judged {
    pub(crate) accepted: u64,
    pub(crate) revoked: u64,
    pub(crate) other: u64,
}

/// Nanoseconds of the clock that all processes of a machine share.
pub(crate) fn ticks() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// The fleet.
#[derive(Default)]
struct Fleet {
    followers: Vec<Follower>,
    watch: Option<watch::Watch>,
    wire: Option<hole::Wired>,
    /// Counts what the feed brings to the first.
    counter: Option<JoinHandle<()>>,
    events: Arc<AtomicU64>,
}

/// Does what the parent says, until it says no more.
pub(crate) fn run() -> Result<(), Trouble> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    let mut fleet = Fleet::default();
    for order in child::questions::<Order>() {
        runtime.block_on(fleet.obey(order?))?;
    }
    Ok(())
}

impl Fleet {
    async fn obey(&mut self, order: Order) -> Result<(), Trouble> {
        match order {
            Order::Gather { server, verifiers, lease_ms } => self.gather(&server, verifiers, lease_ms).await?,
            Order::Watch { tokens, look_ms } => {
                let look = Duration::from_millis(look_ms);
                self.watch = Some(watch::Watch::begin(&self.followers, tokens, look).await?);
            }
            Order::Judge { token } => {
                let token = self.watch.as_ref().and_then(|watch| watch.token(token)).ok_or("no such token")?;
                return child::say(&self.judge(&token).await);
            }
            Order::Hear => {
                let watch = self.watch.take().ok_or("nothing is watched")?;
                return child::say(&watch.end().await?);
            }
            Order::Keep { place } => return child::say(&self.keep(place.parse()?).await?),
            Order::Wire { server, lease_ms } => {
                if self.wire.is_none() {
                    self.wire = Some(hole::Wired::start(&server, lease_ms).await?);
                }
                self.wire.as_ref().ok_or("no wire")?.ready().await?;
            }
            Order::Cut { tokens } => self.wire.as_mut().ok_or("no wire")?.cut(tokens).await?,
            Order::Mend => return child::say(&self.wire.as_mut().ok_or("no wire")?.mend().await?),
            Order::Cost { tokens, seconds } => {
                let follower = self.followers.first().ok_or("no verifier")?;
                return child::say(&cost::measure(follower, &tokens, seconds).await?);
            }
            Order::Scatter => {
                self.wire = None;
                self.counter.take().inspect(JoinHandle::abort);
                for follower in self.followers.drain(..) {
                    follower.leave().await;
                }
            }
        }
        child::say(&Done { at: ticks() })
    }

    async fn gather(&mut self, server: &Server, verifiers: usize, lease_ms: i64) -> Result<(), Trouble> {
        let until = Instant::now() + PATIENCE;
        let address = format!("http://127.0.0.1:{}", server.port);
        for _ in 0..verifiers {
            self.followers.push(Follower::start(settings(server, address.clone(), lease_ms))?);
            // A thousand at once would all be slow, and some would give up.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.counter =
            self.followers.first().map(|first| tokio::spawn(count(first.clone(), Arc::clone(&self.events))));
        for follower in &self.followers {
            if !follower.ready(until.saturating_duration_since(Instant::now())).await {
                return Err(format!("a verifier does not become ready: {:?}", follower.metrics().trouble).into());
            }
        }
        Ok(())
    }

    async fn judge(&self, token: &str) -> Judged {
        let mut judged = Judged::default();
        for follower in &self.followers {
            match follower.verify(token).await {
                Ok(_) => judged.accepted += 1,
                Err(refused) if refused == watch::REVOKED => judged.revoked += 1,
                Err(_) => judged.other += 1,
            }
        }
        judged
    }

    async fn keep(&self, place: Position) -> Result<Kept, Trouble> {
        let keep = async {
            for follower in &self.followers {
                let mut holds = follower.metrics().applied;
                while holds < place {
                    holds = follower.beyond(holds).await;
                }
            }
        };
        tokio::time::timeout(PATIENCE, keep).await.map_err(|_| "a verifier does not keep up")?;
        let at = ticks();
        let first = self.followers.first().ok_or("no verifier")?;
        Ok(Kept {
            at,
            events: self.events.load(Ordering::Relaxed),
            entries: first.metrics().count("feed_entries", None),
        })
    }
}

async fn count(follower: Follower, events: Arc<AtomicU64>) {
    let mut place = Position::START;
    loop {
        place = follower.beyond(place).await;
        events.fetch_add(1, Ordering::Relaxed);
    }
}

fn settings(server: &Server, address: String, lease_ms: i64) -> Settings {
    let mut settings = Settings::new(ISSUER, ISSUER, &server.secret);
    settings.servers = vec![address];
    settings.lease = Lifetime::from_millis(lease_ms);
    settings.most_tokens = REMEMBERED;
    settings
}
