//! Telling the audit log what the watch noticed. Nothing here stops a flow: what cannot be told is logged.

use doorward_core::Position;
use doorward_core::audit::{Actor, Event, Kind};
use doorward_core::change::DirectoryChange;
use doorward_core::session::Session;
use doorward_core::verifier::VerifierRecord;

use super::Stopped;
use crate::door::{Door, Origin};
use crate::throttle::{By, Purpose, Throttled};

/// One more call from a network; a refusal is noticed.
pub(super) async fn ask(door: &Door, purpose: Purpose, from: &Origin) -> Result<(), Stopped> {
    match door.throttle().ask(purpose, from.address, door.now()) {
        Ok(()) => Ok(()),
        Err(throttled) => Err(refused(door, throttled, from).await),
    }
}

/// Writes down how sign-ins failed. Goes on even if the caller is gone.
pub(super) async fn settle(door: &Door) {
    if door.throttle().is_settled() {
        return;
    }
    let door = door.clone();
    let settling = tokio::spawn(async move { door.throttle().settle(door.cached()).await });
    // One that panicked said so itself; what it did not write is written by the next.
    drop(settling.await);
}

/// A limit refused somebody.
pub(super) async fn refused(door: &Door, throttled: Throttled, from: &Origin) -> Stopped {
    if let Some(count) = door.watch().refused(throttled.by, door.now()) {
        let limit = match throttled.by {
            By::Account => "account",
            By::Address => "address",
        };
        tracing::warn!(limit, count, "attempts are refused");
        tell(door, door.event(Kind::AttemptsRefused, Actor::Nobody, from), |event| {
            event.detail = Some(format!("{limit}, {count} since the start"));
        })
        .await;
    }
    throttled.into()
}

/// A password was wrong.
pub(super) async fn failed(door: &Door, from: &Origin) {
    if let Some(count) = door.watch().failed(door.now()) {
        tracing::warn!(count, "many sign-ins fail");
        tell(door, door.event(Kind::SignInsFailing, Actor::Doorward, from), |event| {
            event.detail = Some(format!("{count} within a minute"));
        })
        .await;
    }
}

/// A person signed in on a browser that was not known to be theirs.
pub(super) async fn new_device(door: &Door, session: &Session, from: &Origin) {
    let Some(user) = session.user else { return };
    if door.watch().new_device(user, door.now()) {
        tell(door, door.event(Kind::NewDevice, Actor::User(user), from), |event| {
            event.who = Some(user);
            event.session = Some(session.id);
            event.client = Some(session.client.clone());
            event.detail = Some(session.device.name.clone());
        })
        .await;
    }
}

/// A verifier says that it knows more than there is, or what this file never held: it makes that up, or our file went
/// backwards and whoever was ended since is alive again.
pub(super) async fn ahead(door: &Door, verifier: &VerifierRecord, cursor: Position, head: Position, from: &Origin) {
    if door.watch().ahead(verifier.id, door.now()) {
        tracing::error!(verifier = %verifier.id, %cursor, %head, "a verifier knows more of the feed than the database: if that is an old copy, whoever was ended since is alive again");
        tell(door, door.event(Kind::VerifierAhead, Actor::Nobody, from), |event| {
            event.detail = Some(format!("{} at {cursor}, the head is {head}", verifier.id));
        })
        .await;
    }
}

async fn tell(door: &Door, event: Result<Event, Stopped>, with: impl FnOnce(&mut Event)) {
    let told = match event {
        Ok(mut event) => {
            with(&mut event);
            door.cached().commit_durable(DirectoryChange::Note, event).await.map(drop).map_err(Stopped::from)
        }
        Err(stopped) => Err(stopped),
    };
    if let Err(stopped) = told {
        tracing::warn!(?stopped, "what was noticed could not be written to the audit log");
    }
}
