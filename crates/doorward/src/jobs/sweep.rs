//! Forgets what is over: expired and ended sessions in small batches, and of the feed what its watermark has passed.

use std::time::Duration;

use doorward_core::Lifetime;
use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{DirectoryChange, SessionChange, Sweep, TrimFeed};
use doorward_store::Committed;
use tokio::sync::watch;

use crate::door::{Door, Origin, SCHEMES_SAMPLE, SWEPT_EVERY};
use crate::flows::feed;

const EVERY: Duration = Duration::from_millis(SWEPT_EVERY.millis().unsigned_abs());
/// A batch small enough that nobody waits for it.
const BATCH: u32 = 200;
/// As many lines at a time.
const LINES_BATCH: u32 = 5_000;
/// How long a session that is over is kept, so that its holder is told "ended" and not "unknown".
const KEPT: Lifetime = Lifetime::from_hours(24);
/// Lines are due by the hour, so that the audit log hears of it once an hour; so are answers about nobody.
const TRIM_EVERY: Lifetime = Lifetime::from_hours(1);

/// Runs until `stop` says so. The first sweep is at once: it writes down what time it is (see [`Door::latest`]).
pub async fn run(door: Door, mut stop: watch::Receiver<bool>) {
    sweep(&door).await;
    let mut trimmed = door.now() - TRIM_EVERY;
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = async { drop(stop.wait_for(|stop| *stop).await) } => break,
        }
        sweep(&door).await;
        if door.now() - trimmed >= TRIM_EVERY {
            trimmed = door.now();
            trim(&door).await;
            if let Err(stopped) = feed::lower_terms(&door).await {
                tracing::warn!(?stopped, "the terms of verifiers could not be written down");
            }
            resemble(&door).await;
        }
    }
}

/// Forgets everything that is over; gives how many sessions.
pub async fn sweep(door: &Door) -> u64 {
    let now = door.now();
    if let Err(error) = door.cached().current().await {
        tracing::error!(%error, "what was committed cannot be read back: nothing is answered from memory until it can");
    }
    if let Err(error) = door.cached().forget_feed(door.move_watermark()).await {
        tracing::warn!(%error, "old entries of the feed could not be forgotten");
    }
    door.throttle().forget(now);
    let mut swept = 0;
    loop {
        let change = SessionChange::Sweep(Sweep { before: now - KEPT, limit: BATCH, latest: door.latest() });
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

/// Fits the answers about nobody to the accounts there are: fewer of them come from elsewhere every day.
pub async fn resemble(door: &Door) {
    match door.directory().password_schemes(SCHEMES_SAMPLE).await {
        Ok(schemes) => door.hashing().resemble(&schemes),
        Err(error) => tracing::warn!(%error, "the schemes of passwords could not be counted"),
    }
}

/// Forgets the lines of the feed that no verifier needs any more; gives how many.
pub async fn trim(door: &Door) -> u64 {
    let mut trimmed = 0;
    loop {
        let change = TrimFeed { through: door.watermark(), limit: LINES_BATCH };
        let Ok(event) = door.event(Kind::FeedTrimmed, Actor::Doorward, &Origin::default()) else { return trimmed };
        match door.cached().commit_durable(DirectoryChange::TrimFeed(change), event).await {
            Ok(Committed::Done(receipt)) => trimmed += receipt.count,
            Ok(Committed::Conflict) => return trimmed,
            Err(error) => {
                tracing::warn!(%error, "old lines of the feed could not be forgotten");
                return trimmed;
            }
        }
    }
}
