//! The life of keys, step by step: turning, retiring and killing them, making those that are wanted, sealing them anew.
//!
//! Whoever turns keys holds the vault, so that in one process they are turned one after the other; between processes the
//! versions of the records decide.

use doorward_core::audit::{Actor, Event, Kind};
use doorward_core::change::{DirectoryChange, TurnKeys};
use doorward_core::feed::Draft;
use doorward_core::id::KeyId;
use doorward_core::key::{self, KeyRecord, Masters, Purpose, Schedule, Stage, Step, Turn};
use doorward_core::secret::Secret;
use doorward_core::{Algorithm, Lifetime, Timestamp, base64url};
use doorward_store::{Committed, StoreError};
use zeroize::Zeroizing;

use super::{ATTEMPTS, Refusal, Stopped, lead, names};
use crate::door::{Door, Origin};
use crate::keys::{self, Keys, KeysError};

/// Brings the next key of a purpose into use; the door uses it when this returns. Gives the records that changed. Where all
/// audiences are declared `feed_only`, a standby that is too young is waited for until every verifier has it.
///
/// # Errors
/// [`Refusal::KeysNotReady`]; `hurry` passes over a standby that some verifiers may not have yet.
pub async fn rotate(
    door: &Door,
    purpose: Purpose,
    hurry: bool,
    by: Actor,
    from: &Origin,
) -> Result<Vec<KeyRecord>, Stopped> {
    if !hurry {
        lead::wait(door, purpose).await?;
    }
    let masters = door.ring().vault().await;
    let turning = Turning { door, masters: &masters, by, from, what: format!("rotate {}", purpose.name()) };
    turning.turn(|keys, now| Ok(key::rotate(keys, purpose, now, hurry || lead::is_over(door, purpose))?)).await
}

/// Forgets a key that is no longer used.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::KeysNotReady`]; `hurry` passes over what may still be about.
pub async fn retire(
    door: &Door,
    id: KeyId,
    hurry: bool,
    by: Actor,
    from: &Origin,
) -> Result<Vec<KeyRecord>, Stopped> {
    let masters = door.ring().vault().await;
    let turning = Turning { door, masters: &masters, by, from, what: format!("retire {id}") };
    turning.turn(|keys, now| Ok(key::retire(find(keys, id)?, now, hurry)?)).await
}

/// Ends a key that somebody else may have: its tokens are refused at once, here and at every verifier that follows the
/// feed, and another key takes its place.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::KeysNotReady`].
pub async fn kill(door: &Door, id: KeyId, hurry: bool, by: Actor, from: &Origin) -> Result<Vec<KeyRecord>, Stopped> {
    let found = door.directory().keys().await?;
    let active = found.iter().find(|key| key.id == id && key.stage == Stage::Active);
    if let Some(key) = active.filter(|_| !hurry) {
        lead::wait(door, key.purpose).await?;
    }
    let masters = door.ring().vault().await;
    let turning = Turning { door, masters: &masters, by: by.clone(), from, what: format!("kill {id}") };
    // An RSA pair takes a second to make, and may not be had at all while passwords are hashed: the end does not wait for
    // the next standby.
    let later = |step: &Step| matches!(step, Step::Make { purpose, .. } if purpose.is_rsa());
    let decide = |keys: &[KeyRecord], now| {
        let key = find(keys, id)?;
        let Turn { mut steps, drafts } = key::kill(keys, key, now, hurry || lead::is_over(door, key.purpose))?;
        steps.retain(|step| !later(step));
        Ok(Turn { steps, drafts })
    };
    let mut changed = turning.turn(decide).await?;
    tracing::warn!(key = %id, "a key was killed");
    let filling = Turning { what: String::from("standby"), ..turning };
    match filling.turn(|keys, now| Ok(key::tend(keys, NEVER, now))).await {
        Ok(filled) => changed.extend(filled),
        Err(stopped) => tracing::warn!(?stopped, "no standby could be made; it is tried again every minute"),
    }
    Ok(changed)
}

const NEVER: Schedule = Schedule { every: None, jitter: Lifetime::ZERO };

/// Sees to it that there are keys to sign with; gives the records that had to be made.
///
/// # Errors
/// [`Stopped::Overloaded`] if an RSA pair is needed and the hash pool is full.
pub async fn ensure(door: &Door, algorithm: Algorithm, by: Actor, from: &Origin) -> Result<Vec<KeyRecord>, Stopped> {
    if door.keys().signing(algorithm).is_some() {
        return Ok(Vec::new());
    }
    let purpose = Purpose::signing(algorithm);
    let masters = door.ring().vault().await;
    let turning = Turning { door, masters: &masters, by, from, what: format!("begin {}", purpose.name()) };
    let begin = |keys: &[KeyRecord], _| {
        let is_there = keys.iter().any(|key| key.purpose == purpose && key.stage == Stage::Active);
        if is_there { Ok(Turn::default()) } else { Ok(key::begin(keys, purpose)?) }
    };
    turning.turn(begin).await
}

/// What is due by itself; see [`key::tend`]. Also learns of what another process turned. Gives the records that changed.
///
/// # Errors
/// [`Stopped`] by the store, the dice or a full pool; it is tried again soon.
pub async fn tend(door: &Door, jitter: Lifetime) -> Result<Vec<KeyRecord>, Stopped> {
    let masters = door.ring().vault().await;
    let from = Origin::default();
    let turning =
        Turning { door, masters: &masters, by: Actor::Doorward, from: &from, what: String::from("by itself") };
    let schedule = Schedule { every: door.settings().rotate_every, jitter };
    let changed = turning.turn(|keys, now| Ok(key::tend(keys, schedule, now))).await?;
    for key in &changed {
        tracing::info!(key = %key.id, purpose = key.purpose.name(), stage = key.stage.name(), "a key went on in its life");
    }
    Ok(changed)
}

/// Seals everything under a new master key too: from then on the old one and the new one open it, and the next start with
/// the new one ends the old one. The server goes on meanwhile. Gives the records that were sealed.
///
/// # Errors
/// [`Stopped::Store`] if a record is broken.
pub async fn reseal(door: &Door, new: &Secret, by: Actor, from: &Origin) -> Result<Vec<KeyRecord>, Stopped> {
    let mut masters = door.ring().vault().await;
    let next = masters.with_next(new);
    for _ in 0..ATTEMPTS {
        let keys = door.directory().keys().await?;
        let mut event = door.event(Kind::KeysTurned, by.clone(), from)?;
        event.detail = Some(String::from("reseal"));
        let sealed = keys.iter().filter(|key| key.stage != Stage::Retired);
        let sealed = sealed.map(|key| keys::reseal(&masters, &next, key, &**door.dice()));
        let changed: Vec<_> = sealed.collect::<Result<_, _>>()?;
        if commit(door, &next, &keys, (changed.clone(), Vec::new()), event).await? {
            *masters = next;
            return Ok(changed);
        }
    }
    Err(Stopped::Contended)
}

/// A secret that is shared with the verifiers of HS256.
#[derive(Debug)]
pub struct Shared {
    /// The `kid`.
    pub id: KeyId,
    /// The secret in base64url.
    pub secret: Zeroizing<String>,
}

/// The shared secrets of HS256 that are not retired, for an operator to carry to the one verifier. The audit log knows.
///
/// # Errors
/// [`Refusal::NotFound`] if nobody uses HS256.
pub async fn share(door: &Door, by: Actor, from: &Origin) -> Result<Vec<Shared>, Stopped> {
    let masters = door.ring().vault().await;
    let keys = door.directory().keys().await?;
    let shared = keys.iter().filter(|key| key.purpose == Purpose::SignHs256 && key.stage != Stage::Retired);
    let shared = shared.map(|key| {
        let private = masters.open(key).ok_or(KeysError::Sealed(key.id))?;
        Ok(Shared { id: key.id, secret: Zeroizing::new(base64url::encode(private.expose())) })
    });
    let shared = shared.collect::<Result<Vec<_>, KeysError>>()?;
    if shared.is_empty() {
        return Err(Refusal::NotFound.into());
    }
    let mut event = door.event(Kind::SecretShared, by, from)?;
    event.detail = Some(String::from("told to an operator"));
    door.cached().commit_durable(DirectoryChange::Note, event).await?;
    Ok(shared)
}

/// One turn of keys, at work.
struct Turning<'a> {
    door: &'a Door,
    masters: &'a Masters,
    by: Actor,
    from: &'a Origin,
    /// For the audit log.
    what: String,
}

impl Turning<'_> {
    async fn turn(
        &self,
        decide: impl Fn(&[KeyRecord], Timestamp) -> Result<Turn, Stopped>,
    ) -> Result<Vec<KeyRecord>, Stopped> {
        let door = self.door;
        for _ in 0..ATTEMPTS {
            let keys = door.directory().keys().await?;
            learn(door, self.masters, &keys).await?;
            let mut event = door.event(Kind::KeysTurned, self.by.clone(), self.from)?;
            event.detail = Some(self.what.clone());
            let now = event.at;
            let Turn { steps, drafts } = decide(&keys, now)?;
            if steps.is_empty() {
                return Ok(Vec::new());
            }
            let made = self.make(&steps, now).await?;
            let changed = key::applied(&keys, &steps, made, now);
            if commit(door, self.masters, &keys, (changed.clone(), drafts), event).await? {
                return Ok(changed);
            }
        }
        Err(Stopped::Contended)
    }

    async fn make(&self, steps: &[Step], now: Timestamp) -> Result<Vec<KeyRecord>, Stopped> {
        let dice = self.door.dice();
        let mut made = Vec::new();
        for step in steps {
            let Step::Make { purpose, number, stage } = *step else { continue };
            let drawn = match purpose.is_rsa() {
                true => {
                    let (pool, dice) = (self.door.hashing(), dice.clone());
                    pool.work(pool.place()?, move || keys::draw(&*dice, purpose)).await??
                }
                false => keys::draw(&**dice, purpose)?,
            };
            made.push(keys::record(self.masters, &**dice, (purpose, number, stage), drawn, now)?);
        }
        Ok(made)
    }
}

/// Writes records and lines in one step, and uses the keys from then on. `false` if somebody else was quicker. Nobody speaks
/// of people meanwhile where their names change by it.
async fn commit(
    door: &Door,
    masters: &Masters,
    keys: &[KeyRecord],
    (changed, drafts): (Vec<KeyRecord>, Vec<Draft>),
    event: Event,
) -> Result<bool, Stopped> {
    // Opened before they are written: what cannot be used must not become what is there.
    let opened = Keys::open(&replaced(keys, &changed), masters)?;
    let change = DirectoryChange::TurnKeys(TurnKeys { keys: changed, drafts });
    let renaming = match door.keys().names_as(&opened) {
        true => None,
        false => Some(door.ring().renaming().await),
    };
    let here = door.clone();
    // Before anybody reads in the feed that the old names are out of date: whoever has read that mints under the new.
    let used = move || {
        here.ring().set(opened);
        drop(renaming);
    };
    match door.cached().commit_durable_and(change, event, used).await {
        Ok(committed) => Ok(committed != Committed::Conflict),
        Err(error) => {
            // It may be done all the same. What is there is what is used; if that cannot be read, it is tried every minute.
            if let Ok(keys) = door.directory().keys().await {
                learn(door, masters, &keys).await?;
            }
            Err(error.into())
        }
    }
}

/// Uses the keys that are there, where another process turned some or a turn of ours did not hear of its end. What was
/// minted under an old handle key after everybody knew of the new one is not found by its new names: it has to be renewed,
/// before anything else is said of anybody.
async fn learn(door: &Door, masters: &Masters, keys: &[KeyRecord]) -> Result<(), Stopped> {
    let before = door.keys();
    if !before.are_of(keys) {
        let now = Keys::open(keys, masters)?;
        let mut renaming = door.ring().renaming().await;
        renaming.owes_renewal |= !before.names_as(&now);
        door.ring().set(now);
    }
    names::settle(door).await
}

fn find(keys: &[KeyRecord], id: KeyId) -> Result<&KeyRecord, Stopped> {
    keys.iter().find(|key| key.id == id).ok_or_else(|| Refusal::NotFound.into())
}

/// All records, as they are once `changed` is written.
fn replaced(keys: &[KeyRecord], changed: &[KeyRecord]) -> Vec<KeyRecord> {
    let stays = |key: &&KeyRecord| !changed.iter().any(|other| other.id == key.id);
    keys.iter().filter(stays).chain(changed).cloned().collect()
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
    use super::*;

    fn key(number: u8, purpose: Purpose, stage: Stage) -> KeyRecord {
        let at = Timestamp::from_secs(1000);
        let id = KeyId::from_bytes([number; 16]);
        KeyRecord { id, purpose, number, stage, sealed: Vec::new(), created_at: at, since: at, version: 3 }
    }

    #[test]
    fn changed_records_take_the_place_of_those_they_were() {
        let keys = [key(1, Purpose::Refresh, Stage::Active), key(2, Purpose::Handle, Stage::Active)];
        let changed = [key(3, Purpose::Refresh, Stage::Active), key(1, Purpose::Refresh, Stage::Retiring)];
        let told: Vec<_> = replaced(&keys, &changed).iter().map(|key| (key.number, key.stage)).collect();
        assert_eq!(told, [(2, Stage::Active), (3, Stage::Active), (1, Stage::Retiring)]);
    }
}
