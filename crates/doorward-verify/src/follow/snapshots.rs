//! Snapshots: fetched when one is wanted, checked whole, taken in piece by piece.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::sleep;

use super::client::Call;
use super::clock;
use super::shared::Shared;
use super::stream::Pause;
use crate::Rejection;
use crate::feed::{CONTENT_TYPE, LONGEST_SNAPSHOT, Snapshot, SnapshotError};

/// How long one may take.
const WITHIN: Duration = Duration::from_secs(60);

/// Fetches snapshots until the follower stops.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = shared.snapshot.notified() => {}
            () = shared.stopped() => return,
        }
        tokio::select! {
            () = fetch(&shared) => {}
            () = shared.stopped() => return,
        }
    }
}

/// Tries until it has one, or none is wanted any more.
async fn fetch(shared: &Shared) {
    let mut pause = Pause::default();
    // Several events may have asked for the one that has come since.
    while shared.read().wants_snapshot() {
        let server = shared.client.current();
        // Nothing can be checked before there are keys.
        shared.keyring.loaded().await;
        match once(shared).await {
            Some(snapshot) => {
                shared.restore(snapshot).await;
                shared.counters.snapshots.fetch_add(1, Ordering::Relaxed);
                return;
            }
            None => {
                shared.counters.snapshots_failed.fetch_add(1, Ordering::Relaxed);
                shared.client.rotate(server);
                sleep(pause.next()).await;
            }
        }
    }
}

async fn once(shared: &Shared) -> Option<Snapshot> {
    let call = Call::get("/v1/feed/snapshot", CONTENT_TYPE);
    let answer = shared.client.call(&call, LONGEST_SNAPSHOT, WITHIN).await.ok()?;
    if answer.head.status.as_u16() != 200 {
        return None;
    }
    let now = shared.read().time(clock::now());
    let (keys, issuer, mut body) = (shared.keyring.keys(), shared.settings.issuer.clone(), answer.body);
    // Reading a million entries takes a while.
    let read = tokio::task::spawn_blocking(move || Snapshot::read(&mut body, &keys, &issuer, now)).await.ok()?;
    if read == Err(SnapshotError::Statement(Rejection::KeyUnknown)) {
        shared.keyring.miss(clock::now());
    }
    read.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64url;
    use crate::follow::client::Client;
    use crate::follow::client::tests::server;
    use crate::follow::keyring::tests::{fetched_at, is_wanted};
    use crate::follow::shared::tests::following;

    #[tokio::test]
    async fn a_snapshot_that_an_unknown_key_signed_has_the_keys_fetched() {
        let typ = "dw-rvsnap+jwt";
        for (header, is_key_unknown) in [
            (format!(r#"{{"alg":"EdDSA","kid":"new","typ":"{typ}"}}"#), true),
            (r#"{"alg":"EdDSA","kid":"new","typ":"at+jwt"}"#.to_owned(), false),
        ] {
            let first = format!("{}.e30.{}", base64url::encode(header.as_bytes()), base64url::encode(&[9; 64]));
            let server = server((first + "\n").leak()).await;
            let mut shared = following();
            shared.client = Client::new(vec![server.address], &shared.settings.secret, None).ok().unwrap();
            shared.keyring = fetched_at(i64::MIN / 2);
            assert!(once(&shared).await.is_none());
            assert_eq!(is_wanted(&shared.keyring), is_key_unknown);
        }
    }
}
