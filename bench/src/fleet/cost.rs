//! What a verifier spends on one request: the whole of `verify`, the look into the index within.

use std::time::{Duration, Instant};

use doorward_verify::follow::Follower;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::Trouble;

/// CPU time of this thread for one verification, in microseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// Of a token that was seen before: its signature is remembered.
    pub(crate) again: f64,
    /// How many entries the index held.
    pub(crate) entries: usize,
}

/// Verifies tokens in turn.
pub(super) async fn measure(follower: &Follower, tokens: &[String], seconds: f64) -> Result<Cost, Trouble> {
    for token in tokens {
        follower.verify(token).await.map_err(|refused| format!("a good token is refused: {refused}"))?;
    }
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let (mut count, before) = (0_u64, own());
    while Instant::now() < until {
        for token in tokens {
            // Never waits: it runs through on this thread.
            if follower.verify(token).await.is_err() {
                return Err("a good token is refused".into());
            }
            count += 1;
        }
    }
    let again = (own() - before) * 1e6 / count as f64;
    Ok(Cost { again, entries: follower.metrics().entries })
}

/// Seconds of CPU time of this thread.
fn own() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
