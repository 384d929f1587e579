//! Forgets what is over: expired and ended sessions in small batches, entries of the revocation index past their time.

use std::time::Duration;

use doorward_core::Lifetime;
use doorward_core::change::{SessionChange, Sweep};
use doorward_store::Committed;
use tokio::sync::watch;

use crate::door::Door;

const EVERY: Duration = Duration::from_secs(60);
/// A batch small enough that nobody waits for it.
const BATCH: u32 = 200;
/// How long a session that is over is kept, so that its holder is told "ended" and not "unknown".
const KEPT: Lifetime = Lifetime::from_hours(24);

/// Runs until `stop` says so.
pub async fn run(door: Door, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => drop(sweep(&door).await),
            () = async { drop(stop.wait_for(|stop| *stop).await) } => break,
        }
    }
}

/// Forgets everything that is over; gives how many sessions.
pub async fn sweep(door: &Door) -> u64 {
    let now = door.now();
    door.cached().expire(now);
    door.throttle().forget(now);
    let mut swept = 0;
    loop {
        let change = SessionChange::Sweep(Sweep { before: now - KEPT, limit: BATCH });
        match door.cached().commit(change).await {
            Ok(Committed::Done(receipt)) => {
                swept += receipt.count;
                if receipt.count < u64::from(BATCH) {
                    return swept;
                }
            }
            Ok(Committed::Conflict) => return swept,
            Err(error) => {
                tracing::warn!(%error, "sessions that are over could not be forgotten");
                return swept;
            }
        }
        tokio::task::yield_now().await;
    }
}
