//! Follows a server's revocation feed, and verifies by what it hears: everything of this crate that does IO.
//!
//! ```no_run
//! # async fn serve() -> Result<(), doorward_verify::follow::StartError> {
//! use doorward_verify::follow::{Follower, Settings};
//!
//! let follower = Follower::start(Settings::new("https://id.example", "https://api.example", "dwv_…"))?;
//! match follower.verify("eyJ…").await {
//!     Ok(access) => println!("{:?} may come in", access.subject),
//!     Err(refused) => println!("no: {}", refused.code()),
//! }
//! # Ok(()) }
//! ```
//!
//! A follower keeps a stream open and pings beside it; each echo lets it trust its index for a lease from when the ping
//! was sent. A request looks into memory and waits for nobody, with three exceptions: a strict route waits for one echo,
//! a route that wants [`Cut::Introspect`](crate::Cut::Introspect) asks the server while the lease has run out, and the
//! record of a session that was not seen before is fetched.

use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::{Judgement, Lifetime, Policy, Position, Rejection, Timestamp};

mod access;
mod address;
mod client;
mod clock;
mod flight;
mod introspect;
mod keyring;
mod metrics;
mod pings;
mod record;
mod sessions;
mod settings;
mod shared;
mod snapshots;
mod stream;

pub use access::{Access, Shown};
pub use metrics::Metrics;
pub use settings::{Settings, StartError};

use settings::Settled;
use shared::Shared;

/// How often whoever waits at the start looks whether it is ready.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Why a credential was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// A token is not good, or no longer.
    Rejected(Rejection),
    /// It cannot be said now whether the credential is revoked. Not the holder's doing: 503, and never 401.
    Unknown,
    /// No session has this secret.
    SessionUnknown,
    /// The session has run out.
    SessionExpired,
    /// The session was ended.
    SessionEnded,
}

impl Refused {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejection.code(),
            Self::Unknown => "revocation_unknown",
            Self::SessionUnknown => "session_unknown",
            Self::SessionExpired => "session_expired",
            Self::SessionEnded => "session_ended",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::Unknown => f.write_str("it cannot be said now whether the credential is revoked"),
            Self::SessionUnknown => f.write_str("no session has this secret"),
            Self::SessionExpired => f.write_str("the session has run out"),
            Self::SessionEnded => f.write_str("the session was ended"),
        }
    }
}

impl core::error::Error for Refused {}

/// Follows a server. Cheap to clone; when the last clone is dropped, it stops.
#[derive(Clone)]
pub struct Follower(Arc<Running>);

struct Running {
    shared: Arc<Shared>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stopping.send_replace(true);
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Follower({}, {:?})", self.0.shared.settings.issuer, *self.0.shared.read().lease())
    }
}

impl Follower {
    /// Begins to follow, within a tokio runtime. Gives it at once; it refuses everything by each route's cut policy until
    /// it [`is_ready`](Self::is_ready).
    ///
    /// # Errors
    /// [`StartError`], where no time can help.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let shared = Arc::new(Shared::new(Settled::of(settings)?)?);
        let tasks = vec![
            tokio::spawn(keyring::run(Arc::clone(&shared))),
            tokio::spawn(stream::run(Arc::clone(&shared))),
            tokio::spawn(pings::run(Arc::clone(&shared))),
            tokio::spawn(snapshots::run(Arc::clone(&shared))),
        ];
        Ok(Self(Arc::new(Running { shared, tasks: Mutex::new(tasks) })))
    }

    /// Verifies an access token by the policy of the settings.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn verify(&self, token: &str) -> Result<Access, Refused> {
        self.verify_with(token, self.0.shared.settings.policy).await
    }

    /// Verifies an access token.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn verify_with(&self, token: &str, policy: Policy) -> Result<Access, Refused> {
        let verdict = self.token(token, policy).await;
        self.0.shared.counters.decide(&verdict);
        verdict
    }

    async fn token(&self, token: &str, policy: Policy) -> Result<Access, Refused> {
        let shared = &self.0.shared;
        let (mut judgement, access) = match shared.tokens.judge(shared, token, policy) {
            Ok(judged) => judged,
            Err(Rejection::KeyUnknown) if shared.keyring.miss(clock::now()) => return Err(Refused::Unknown),
            Err(rejection) => return Err(Refused::Rejected(rejection)),
        };
        if judgement == Judgement::Wait {
            let asked = strictly(shared).await;
            judgement = shared.read().judge(&access.marks, policy, Some(asked), clock::now());
        }
        self.stay()?;
        match judgement {
            Judgement::Accept => Ok(access),
            Judgement::Reject(rejection) => Err(Refused::Rejected(rejection)),
            Judgement::Unknown | Judgement::Wait => Err(Refused::Unknown),
            Judgement::Introspect => {
                shared.counters.introspected.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                match introspect::is_active(shared, token).await {
                    // What has come by the feed meanwhile is younger than the answer.
                    Some(true) => shared
                        .read()
                        .index()
                        .check(&access.marks)
                        .map_or_else(|rejection| Err(Refused::Rejected(rejection)), |()| Ok(access.clone())),
                    Some(false) => Err(Refused::Rejected(Rejection::TokenRevoked)),
                    None => Err(Refused::Unknown),
                }
            }
        }
    }

    /// Checks the secret of an opaque session, `dws_…`, as it comes in a cookie, by the policy of the settings.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn session(&self, secret: &str) -> Result<Access, Refused> {
        self.session_with(secret, self.0.shared.settings.policy).await
    }

    /// Checks the secret of an opaque session.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn session_with(&self, secret: &str, policy: Policy) -> Result<Access, Refused> {
        let verdict = match self.stay() {
            Ok(()) => sessions::judge(&self.0.shared, secret, policy).await,
            Err(refused) => Err(refused),
        };
        self.0.shared.counters.decide(&verdict);
        verdict
    }

    /// Who leaves, trusts nothing any more: the server has been told so.
    fn stay(&self) -> Result<(), Refused> {
        if *self.0.shared.stopping.borrow() { Err(Refused::Unknown) } else { Ok(()) }
    }

    /// What the settings say.
    pub fn policy(&self) -> Policy {
        self.0.shared.settings.policy
    }

    /// The time to judge by: the wall clock, but never before what the server's must show by now.
    pub fn now(&self) -> Timestamp {
        self.0.shared.read().time(clock::now())
    }

    /// May the index be trusted now? For the service's own `/readyz`.
    pub fn is_ready(&self) -> bool {
        self.0.shared.is_ready(clock::now())
    }

    /// Waits until it is ready, at most so long; says whether it is.
    pub async fn ready(&self, within: Duration) -> bool {
        let wait = async {
            while !self.is_ready() {
                sleep(LOOK_AGAIN).await;
            }
        };
        timeout(within, wait).await.is_ok()
    }

    /// Waits until the feed has brought something behind a place; gives up to where the index now holds everything. For
    /// whoever wants to act on a revocation when it arrives, or has a receipt and waits for its `position`.
    pub async fn beyond(&self, place: Position) -> Position {
        self.0.shared.applied_beyond(place).await
    }

    /// How it is.
    pub fn metrics(&self) -> Metrics {
        let (shared, now) = (&self.0.shared, clock::now());
        let is_ready = self.is_ready();
        let round_trip = shared.counters.round_trip.load(std::sync::atomic::Ordering::Relaxed);
        let replica = shared.read();
        Metrics {
            is_ready,
            applied: replica.applied(),
            behind: replica.behind(),
            lease_margin: (replica.lease().proven() > 0).then(|| replica.lease().margin(now, Lifetime::ZERO)),
            entries: replica.index().len(),
            sessions: shared.sessions.len(),
            round_trip: Lifetime::from_millis(i64::try_from(round_trip).unwrap_or(i64::MAX)),
            trouble: shared.counters.trouble(),
            counts: Metrics::counts(&shared.counters),
        }
    }

    /// Stops: from now on nothing is accepted, and the server is told that nobody has to wait for this verifier.
    pub async fn leave(self) {
        self.0.shared.stopping.send_replace(true);
        let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            drop(task.await);
        }
    }
}

/// Has a ping sent now, and waits for its echo; gives its number. One echo serves all who wait. Whether it came or not, the
/// index says what that means.
async fn strictly(shared: &Shared) -> u64 {
    let asked = shared.read().lease().last() + 1;
    shared.ping.notify_one();
    let lease = Duration::from_millis(shared.settings.lease.millis().unsigned_abs());
    drop(timeout(lease, shared.proven(asked)).await);
    asked
}
