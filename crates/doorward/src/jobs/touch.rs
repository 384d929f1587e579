//! Writes down which sessions were in use, and which sign-ins failed unheard, off the request path, in batches.

use std::time::Duration;

use doorward_core::change::SessionChange;
use tokio::sync::watch;

use crate::door::Door;

/// How long a touch waits at most. Well under the ten seconds that idle expiry allows for it.
const EVERY: Duration = Duration::from_secs(2);
/// How many go into one change: a slice of the writer's time that others hardly notice.
const BATCH: usize = 500;

/// Runs until `stop` says so; then writes what is left.
pub async fn run(door: Door, mut stop: watch::Receiver<bool>) {
    loop {
        let stopping = tokio::select! {
            () = tokio::time::sleep(EVERY) => false,
            _ = stop.wait_for(|stop| *stop) => true,
        };
        flush(&door).await;
        if stopping {
            break;
        }
    }
}

/// Writes everything that waits, and failures whose callers did not wait for their answer.
pub async fn flush(door: &Door) {
    door.throttle().settle(door.cached()).await;
    loop {
        let touched = door.take_touched(BATCH);
        if touched.is_empty() {
            break;
        }
        if let Err(error) = door.cached().commit(SessionChange::Touch(touched.clone())).await {
            tracing::warn!(%error, "the use of some sessions could not be written down, and is tried again");
            // Nobody reports these uses again for a minute, which is longer than idle expiry allows for.
            for (session, at) in touched {
                door.touch(session, at);
            }
            break;
        }
    }
}
