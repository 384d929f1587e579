//! A new key that may sign before its lead is over: every verifier is asked for the key set, and waited for.

use doorward_core::key::{Purpose, lead};

use super::Stopped;
use super::patience::{LONGEST, rest};
use crate::door::Door;

/// Waits until every verifier holds the key set or has no lease any more, if that lets the standby of a purpose sign now:
/// where it is young, and all audiences are declared `feed_only`. Whether it does, [`is_over`] says.
///
/// # Errors
/// Only what stops the store.
pub(super) async fn wait(door: &Door, purpose: Purpose) -> Result<(), Stopped> {
    let keys = door.directory().keys().await?;
    if !lead::is_waiting(&keys, purpose, door.now()) || !all_follow(door, purpose) {
        return Ok(());
    }
    let (hub, began) = (door.hub(), door.up());
    let mut heard = hub.heard();
    hub.ask_for_keys(door.keys().set(), began);
    loop {
        let (set, now) = (door.keys().set(), door.up());
        if hub.all_hold(set, now) || now.millis() - began.millis() >= LONGEST.millis() {
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(rest(hub.next_holding(set, now), began, now)) => {}
            moved = heard.changed() => if moved.is_err() { return Ok(()) },
        }
    }
}

/// Does everybody who checks tokens under keys of a purpose hold the key set that is published now?
pub(super) fn is_over(door: &Door, purpose: Purpose) -> bool {
    all_follow(door, purpose) && door.hub().all_hold(door.keys().set(), door.up())
}

fn all_follow(door: &Door, purpose: Purpose) -> bool {
    let (clients, settings) = (door.cached().clients(), door.settings());
    lead::all_follow(clients.iter().map(|client| &**client), purpose, &settings.issuer, &settings.feed_only)
}
