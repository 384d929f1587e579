//! Data of a session: read, put, remove.

use doorward_core::change::SessionChange;
use doorward_core::data::{self, DataKey, Datum, Expect};
use doorward_store::Committed;

use super::check::Caller;
use super::{ATTEMPTS, Refusal, Stopped};
use crate::door::Door;

/// Reads a value.
///
/// # Errors
/// [`Refusal::NotFound`].
pub async fn read(door: &Door, caller: &Caller, key: &DataKey) -> Result<Datum, Stopped> {
    Ok(door.sessions().datum(caller.session().id, key).await?.ok_or(Refusal::NotFound)?)
}

/// A value as it was put.
#[derive(Debug)]
pub struct Put {
    /// Where.
    pub key: DataKey,
    /// The JSON text.
    pub value: Vec<u8>,
    /// Shall it come along when a guest signs in?
    pub keep: bool,
    /// What is expected to be there.
    pub expect: Expect,
}

/// Puts a value; gives its version, and whether it is new.
///
/// # Errors
/// [`Refusal::TooLarge`], [`Refusal::QuotaExceeded`], [`Refusal::VersionMismatch`].
pub async fn put(door: &Door, caller: &Caller, put: Put) -> Result<(u64, bool), Stopped> {
    let session = caller.acting()?.session();
    for _ in 0..ATTEMPTS {
        let shelf = door.sessions().shelf(session.id).await?;
        let new = !shelf.items.iter().any(|(key, ..)| *key == put.key);
        let change = data::put(session, &shelf, put.key.clone(), put.value.clone(), put.keep, put.expect)?;
        let version = change.from + 1;
        if let Committed::Done(_) = door.cached().commit(SessionChange::Data(change)).await? {
            return Ok((version, new));
        }
        still_there(door, caller).await?;
    }
    Err(Stopped::Contended)
}

/// Removes a value.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::VersionMismatch`].
pub async fn remove(door: &Door, caller: &Caller, key: DataKey, expect: Expect) -> Result<(), Stopped> {
    let session = caller.acting()?.session();
    for _ in 0..ATTEMPTS {
        let shelf = door.sessions().shelf(session.id).await?;
        let change = data::remove(session, &shelf, key.clone(), expect)?;
        if let Committed::Done(_) = door.cached().commit(SessionChange::Data(change)).await? {
            return Ok(());
        }
        still_there(door, caller).await?;
    }
    Err(Stopped::Contended)
}

/// A conflict may mean that the session was ended meanwhile.
async fn still_there(door: &Door, caller: &Caller) -> Result<(), Stopped> {
    let session = door.sessions().session(caller.session().id).await?.ok_or(Refusal::SessionEnded)?;
    let epochs = door.directory().epochs(session.user, &session.client).await?;
    Ok(session.check(epochs, door.now())?)
}
