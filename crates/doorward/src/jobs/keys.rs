//! Moves keys on in their lives: retires what nothing needs any more, makes missing standbys, turns what was in use for
//! long enough, and learns of what other processes turned.

use std::time::Duration;

use doorward_core::Lifetime;
use tokio::sync::watch;

use crate::door::Door;
use crate::flows::keys;

const EVERY: Duration = Duration::from_secs(60);
/// By how much processes differ at most in when they turn keys.
const JITTER_MOST: i64 = Lifetime::from_hours(1).millis();

/// Runs until `stop` says so.
pub async fn run(door: Door, mut stop: watch::Receiver<bool>) {
    // Without dice nobody turns anything, so there is nothing to be apart from.
    let drawn = door.draw().map_or(0, u32::from_be_bytes);
    let jitter = Lifetime::from_millis(i64::from(drawn) % JITTER_MOST);
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = async { drop(stop.wait_for(|stop| *stop).await) } => break,
        }
        if let Err(stopped) = keys::tend(&door, jitter).await {
            tracing::warn!(?stopped, "keys could not be moved on; it is tried again in a minute");
        }
    }
}
