//! Writes down which sessions were in use, and which sign-ins failed unheard, off the request path, in batches.

use std::time::Duration;

use doorward_core::change::{Report, SessionChange};
use tokio::sync::watch;

use crate::door::Door;
use crate::flows::record;
use crate::uses::Batch;

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
    while let Some(batch) = door.uses().take(BATCH) {
        let Some(change) = change(door, &batch) else { continue };
        if let Err(error) = door.cached().commit(change).await {
            tracing::warn!(%error, "the use of some sessions could not be written down, and is tried again");
            // Nobody reports these uses again for a minute, which is longer than idle expiry allows for.
            door.uses().put_back(batch);
            break;
        }
    }
}

/// `None` for the word of a verifier that has no say about anybody.
fn change(door: &Door, Batch { seen, by }: &Batch) -> Option<SessionChange> {
    let Some(by) = *by else { return Some(SessionChange::Touch(seen.clone())) };
    let verifier = door.cached().verifier_named(by).filter(|verifier| verifier.is_registered())?;
    let of = record::business(door, &verifier);
    (!of.is_empty()).then(|| SessionChange::Report(Report { seen: seen.clone(), of }))
}
