//! Waiting for refusals: each verifier for itself, one token after the other.

use std::sync::Arc;
use std::time::Duration;

use doorward_verify::Rejection;
use doorward_verify::follow::{Follower, Refused};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{PATIENCE, ticks};
use crate::Trouble;

/// The refusal that is waited for.
pub(super) const REVOKED: Refused = Refused::Rejected(Rejection::TokenRevoked);

/// So many verifiers at a time accept the tokens at first, each trying so often, with a pause between.
const TOGETHER: usize = 16;
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// What came of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Heard {
    /// When each verifier first refused each token: a list for each token, in nanoseconds of the shared clock.
    pub(crate) refused: Vec<Vec<u64>>,
    /// When the last verifier that still accepted a token began to judge it.
    pub(crate) accepted: Vec<u64>,
    /// How often the feed brought something to anybody.
    pub(crate) woken: u64,
    /// How often a token was judged.
    pub(crate) judged: u64,
    /// How often it could not be said whether a token is revoked.
    pub(crate) unknown: u64,
}

/// All watchers at work.
pub(super) struct Watch {
    tokens: Arc<[String]>,
    watchers: JoinSet<Result<Watched, Trouble>>,
}

/// What one verifier saw.
struct Watched {
    refused: Vec<u64>,
    accepted: Vec<u64>,
    woken: u64,
    judged: u64,
    unknown: u64,
}

impl Watch {
    /// Has all accept all tokens, and begins.
    pub(super) async fn begin(followers: &[Follower], tokens: Vec<String>, look: Duration) -> Result<Self, Trouble> {
        let tokens: Arc<[String]> = tokens.into();
        // Some at a time: what keeps the leases runs on the same threads.
        for some in followers.chunks(TOGETHER) {
            let mut accepting = JoinSet::new();
            for follower in some {
                accepting.spawn(accept_all(follower.clone(), Arc::clone(&tokens)));
            }
            while let Some(accepted) = accepting.join_next().await {
                accepted??;
            }
        }
        let mut watchers = JoinSet::new();
        for follower in followers {
            watchers.spawn(watch(follower.clone(), Arc::clone(&tokens), look));
        }
        Ok(Self { tokens, watchers })
    }

    /// A token.
    pub(super) fn token(&self, number: usize) -> Option<String> {
        self.tokens.get(number).cloned()
    }

    /// Waits for all.
    pub(super) async fn end(mut self) -> Result<Heard, Trouble> {
        let count = self.tokens.len();
        let mut heard = Heard { refused: vec![Vec::new(); count], accepted: vec![0; count], ..Heard::default() };
        let all = async {
            while let Some(watched) = self.watchers.join_next().await {
                let watched = watched??;
                for (times, time) in heard.refused.iter_mut().zip(watched.refused) {
                    times.push(time);
                }
                for (latest, time) in heard.accepted.iter_mut().zip(watched.accepted) {
                    *latest = time.max(*latest);
                }
                heard.woken += watched.woken;
                heard.judged += watched.judged;
                heard.unknown += watched.unknown;
            }
            Ok::<(), Trouble>(())
        };
        timeout(PATIENCE, all).await.map_err(|_| "some verifiers never refused what was revoked")??;
        Ok(heard)
    }
}

/// Has a verifier accept all tokens, so that the refusal of each is its revocation's doing.
async fn accept_all(follower: Follower, tokens: Arc<[String]>) -> Result<(), Trouble> {
    for token in tokens.iter() {
        let mut tries = 0;
        while let Err(refused) = follower.verify(token).await {
            // On a busy machine a lease may run out.
            if refused != Refused::Unknown || tries == TRIES {
                return Err(format!("a good token is refused: {refused}").into());
            }
            tries += 1;
            tokio::time::sleep(PAUSE).await;
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn watch(follower: Follower, tokens: Arc<[String]>, look: Duration) -> Result<Watched, Trouble> {
    let mut watched =
        Watched { refused: Vec::new(), accepted: vec![0; tokens.len()], woken: 0, judged: 0, unknown: 0 };
    let mut place = follower.metrics().applied;
    for (number, token) in tokens.iter().enumerate() {
        loop {
            let began = ticks();
            watched.judged += 1;
            match follower.verify(token).await {
                Ok(_) => watched.accepted[number] = began,
                Err(refused) if refused == REVOKED => break,
                Err(Refused::Unknown) => watched.unknown += 1,
                Err(other) => return Err(format!("a good token is refused: {other}").into()),
            }
            if let Ok(moved) = timeout(look, follower.beyond(place)).await {
                watched.woken += 1;
                place = moved;
            }
        }
        watched.refused.push(ticks());
    }
    Ok(watched)
}
