//! Turning keys: the next one comes into use, the one before stays good for what was made with it.

use doorward_core::Timestamp;
use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{DirectoryChange, TurnKeys};
use doorward_core::key::{self, KeyRecord, Purpose, Stage};
use doorward_core::policy::RETENTION;
use doorward_core::secret::Secret;
use doorward_store::{Committed, StoreError};

use super::{ATTEMPTS, Stopped};
use crate::door::{Dice, Door, Origin};
use crate::keys::{Keys, KeysError, draw_record};

/// What shall be turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turning {
    /// Whose key.
    pub purpose: Purpose,
    /// Even if some verifiers may not have the standby yet.
    pub hurry: bool,
}

/// Turns the key of a purpose; the door uses the new one when this returns. Gives the records that changed.
///
/// Whoever calls lets nobody else call meanwhile: the master key is lent to one at a time.
///
/// # Errors
/// [`Refusal::KeysNotReady`](super::Refusal::KeysNotReady).
pub async fn rotate(
    door: &Door,
    master: &Secret,
    turning: Turning,
    by: Actor,
    from: &Origin,
) -> Result<Vec<KeyRecord>, Stopped> {
    for _ in 0..ATTEMPTS {
        let keys = door.directory().keys().await?;
        let mut event = door.event(Kind::KeysTurned, by.clone(), from)?;
        event.detail = Some(turning.purpose.name().to_owned());
        let changed = decide(door, &keys, master, turning, event.at)?;
        // Opened before they are written: what cannot be used must not become what is there.
        let opened = Keys::open(&replaced(&keys, &changed), master)?;
        let change = TurnKeys { keys: changed.clone(), drafts: Vec::new() };
        if let Committed::Done(_) = door.cached().commit_durable(DirectoryChange::TurnKeys(change), event).await? {
            door.set_keys(opened);
            return Ok(changed);
        }
    }
    Err(Stopped::Contended)
}

fn decide(
    door: &Door,
    keys: &[KeyRecord],
    master: &Secret,
    turning: Turning,
    now: Timestamp,
) -> Result<Vec<KeyRecord>, Stopped> {
    let Turning { purpose, hurry } = turning;
    let number = key::next_number(keys, purpose)?;
    if purpose.algorithm().is_some() {
        let next = draw_record(master, &DoorDice(door), (purpose, number, Stage::Published), now)?;
        let mut changed = key::rotate(keys, purpose, next, now, hurry)?;
        changed.extend(spent(keys, purpose, now));
        return Ok(changed);
    }
    // Nobody else needs a refresh secret before it is used, so none stands by.
    let mut changed = vec![draw_record(master, &DoorDice(door), (purpose, number, Stage::Active), now)?];
    let active = keys.iter().filter(|key| key.purpose == purpose && key.stage == Stage::Active);
    changed.extend(active.map(|key| KeyRecord {
        stage: Stage::Retiring,
        since: now,
        version: key.version + 1,
        ..key.clone()
    }));
    Ok(changed)
}

/// Signing keys whose last token is long over: verifiers take no endless key set.
fn spent(keys: &[KeyRecord], purpose: Purpose, now: Timestamp) -> impl Iterator<Item = KeyRecord> {
    let of = move |key: &&KeyRecord| key.purpose == purpose && key.stage == Stage::Retiring;
    let over = keys.iter().filter(of).filter(move |key| now - key.since >= RETENTION);
    over.map(move |key| KeyRecord { stage: Stage::Retired, since: now, version: key.version + 1, ..key.clone() })
}

/// All records, as they are once `changed` is written.
fn replaced(keys: &[KeyRecord], changed: &[KeyRecord]) -> Vec<KeyRecord> {
    let stays = |key: &&KeyRecord| !changed.iter().any(|other| other.id == key.id);
    keys.iter().filter(stays).chain(changed).cloned().collect()
}

/// The door's dice, for what draws several things at once.
struct DoorDice<'a>(&'a Door);

impl Dice for DoorDice<'_> {
    fn fill(&self, bytes: &mut [u8]) -> bool {
        bytes.chunks_mut(16).all(|chunk| match self.0.draw::<16>() {
            Ok(drawn) => {
                chunk.copy_from_slice(&drawn[..chunk.len()]);
                true
            }
            Err(_) => false,
        })
    }
}

impl From<KeysError> for Stopped {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::NoEntropy => Self::NoEntropy,
            KeysError::Sealed(_) | KeysError::Missing(_) => Self::Store(StoreError::Corrupt { what: "key record" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use doorward_core::Lifetime;
    use doorward_core::id::KeyId;

    use super::*;

    fn key(number: u8, purpose: Purpose, stage: Stage) -> KeyRecord {
        let at = Timestamp::from_secs(1000);
        let id = KeyId::from_bytes([number; 16]);
        KeyRecord { id, purpose, number, stage, sealed: Vec::new(), created_at: at, since: at, version: 3 }
    }

    #[test]
    fn a_signing_key_retires_once_no_token_of_it_can_be_left() {
        let keys = [
            key(1, Purpose::SignEs256, Stage::Retiring),
            key(2, Purpose::SignEs256, Stage::Active),
            key(3, Purpose::SignEdDsa, Stage::Retiring),
        ];
        let over = Timestamp::from_secs(1000) + RETENTION;
        assert_eq!(spent(&keys, Purpose::SignEs256, over - Lifetime::from_millis(1)).count(), 0);
        let spent: Vec<_> = spent(&keys, Purpose::SignEs256, over).collect();
        let told: Vec<_> = spent.iter().map(|key| (key.number, key.stage, key.since, key.version)).collect();
        assert_eq!(told, [(1, Stage::Retired, over, 4)]);
    }

    #[test]
    fn changed_records_take_the_place_of_those_they_were() {
        let keys = [key(1, Purpose::Refresh, Stage::Active), key(2, Purpose::Handle, Stage::Active)];
        let changed = [key(3, Purpose::Refresh, Stage::Active), key(1, Purpose::Refresh, Stage::Retiring)];
        let told: Vec<_> = replaced(&keys, &changed).iter().map(|key| (key.number, key.stage)).collect();
        assert_eq!(told, [(2, Stage::Active), (3, Stage::Active), (1, Stage::Retiring)]);
    }
}
