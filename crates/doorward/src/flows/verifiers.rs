//! Verifiers: registering one, striking one off.

use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{DirectoryChange, RemoveVerifier};
use doorward_core::id::VerifierId;
use doorward_core::secret::Secret;
use doorward_core::verifier::VerifierRecord;
use doorward_store::Committed;

use super::{Refusal, Stopped};
use crate::door::{Door, Origin};

/// Registers a verifier; gives it and the secret that it shows from now on, which is kept nowhere.
///
/// # Errors
/// [`Refusal::VerifierTaken`].
pub async fn add(
    door: &Door,
    name: String,
    audiences: Vec<String>,
    by: Actor,
    from: &Origin,
) -> Result<(VerifierRecord, Secret), Stopped> {
    let mut event = door.event(Kind::VerifierAdded, by, from)?;
    let secret = Secret::from_bytes(door.draw()?);
    let verifier = VerifierRecord {
        id: VerifierId::from_bytes(door.draw()?),
        name,
        audiences,
        secret: secret.hash(),
        created_at: event.at,
        removed_at: None,
    };
    event.detail = Some(verifier.id.to_string());
    let change = DirectoryChange::AddVerifier(Box::new(verifier.clone()));
    match door.cached().commit_durable(change, event).await? {
        Committed::Done(_) => Ok((verifier, secret)),
        Committed::Conflict => Err(Refusal::VerifierTaken.into()),
    }
}

/// Strikes a verifier off: it is told nothing more. What it knows it may trust until its lease ends, and whoever waits for
/// all verifiers waits for that.
///
/// # Errors
/// [`Refusal::NotFound`].
pub async fn remove(door: &Door, id: VerifierId, by: Actor, from: &Origin) -> Result<(), Stopped> {
    let mut event = door.event(Kind::VerifierRemoved, by, from)?;
    event.detail = Some(id.to_string());
    let change = RemoveVerifier { verifier: id, at: event.at };
    match door.cached().commit_durable(DirectoryChange::RemoveVerifier(change), event).await? {
        Committed::Done(_) => {
            door.hub().hang_up(|who| who.verifier == id);
            Ok(())
        }
        Committed::Conflict => Err(Refusal::NotFound.into()),
    }
}
