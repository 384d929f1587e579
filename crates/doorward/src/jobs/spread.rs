//! Gives everybody their turn, bucket after bucket, where an operator asked for that; goes on after a restart where it was.

use std::time::Duration;

use tokio::sync::watch;

use crate::door::Door;
use crate::flows::everybody;

/// How often it is asked whether a bucket is due.
const EVERY: Duration = Duration::from_millis(250);

/// Runs until `stop` says so.
pub async fn run(door: Door, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(stopped) = everybody::go_on(&door).await {
            tracing::warn!(?stopped, "a bucket could not be given its turn");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
}
