//! The life of a key: *published* before it signs, so that every verifier has it; *active* while it signs; *retiring*
//! while what was made with it is about; *retired* after, when its private part is gone. One published key of every
//! purpose that signs stands by.
//!
//! A rule reads the records and answers with a [`Turn`]: the steps, without any private part, and what verifiers learn.

use doorward_verify::keys::MOST_KEYS;
use doorward_verify::{Lifetime, Strength, Timestamp};

use super::{KeyRecord, Purpose, Stage};
use crate::feed::Draft;
use crate::id::KeyId;
use crate::policy::JWKS_MAX_AGE;

/// How long a signing key is published before it signs: ten minutes, for the caches that verifiers have by default, or
/// twice as long as the key set may be kept.
pub const LEAD: Lifetime = {
    let twice = Lifetime::from_millis(2 * JWKS_MAX_AGE.millis());
    let least = Lifetime::from_mins(10);
    if twice.millis() > least.millis() { twice } else { least }
};

/// One step of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key goes on in its life.
    Move {
        /// Which.
        id: KeyId,
        /// Where to.
        to: Stage,
    },
    /// A key is made.
    Make {
        /// What for.
        purpose: Purpose,
        /// Its number.
        number: u8,
        /// Where it begins.
        stage: Stage,
    },
}

/// What happens to keys in one change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// The steps.
    pub steps: Vec<Step>,
    /// What verifiers learn.
    pub drafts: Vec<Draft>,
}

/// Why a key is not turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no published key to take over.
    NoStandby,
    /// The standby was published less than [`LEAD`] ago: some verifiers may not have it yet.
    TooSoon,
    /// All 255 numbers are in use, or as many keys are published as verifiers take in one set.
    Exhausted,
    /// It is in use, or stands by.
    InUse,
    /// What was made with it may still be about.
    StillNeeded,
    /// It is retired already.
    Retired,
}

/// When keys turn by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// So long after a key came into use; `None` is never.
    pub every: Option<Lifetime>,
    /// And so much later: drawn by each process, so that not all of them make keys in the same moment.
    pub jitter: Lifetime,
}

/// The first keys of a purpose: one in use at once and, if it signs, one that stands by.
///
/// # Errors
/// [`Refusal::Exhausted`].
pub fn begin(keys: &[KeyRecord], purpose: Purpose) -> Result<Turn, Refusal> {
    fits(keys, purpose, 2)?;
    let number = next_number(keys, purpose)?;
    let mut steps = vec![Step::Make { purpose, number, stage: Stage::Active }];
    if purpose.algorithm().is_some() {
        let second = next_free(keys, purpose, number).ok_or(Refusal::Exhausted)?;
        steps.push(Step::Make { purpose, number: second, stage: Stage::Published });
    }
    Ok(Turn { steps, drafts: Vec::new() })
}

/// Brings the standby of a purpose into use, has the key before retire, and makes the next standby. Where there are no
/// keys of the purpose yet, its first are made.
///
/// Nobody else needs a refresh secret or a handle key before it is used, so none stands by. A new handle key gives people
/// new names, under which tokens from before are not found: all of those have to be renewed.
///
/// # Errors
/// [`Refusal`]; `hurry` passes over [`Refusal::TooSoon`].
pub fn rotate(keys: &[KeyRecord], purpose: Purpose, now: Timestamp, hurry: bool) -> Result<Turn, Refusal> {
    let Some(active) = find(keys, purpose, Stage::Active) else { return begin(keys, purpose) };
    fits(keys, purpose, 1)?;
    let mut turn = succeed(keys, purpose, now, hurry)?;
    turn.steps.push(Step::Move { id: active.id, to: Stage::Retiring });
    Ok(turn)
}

/// Would so many more keys still be read by verifiers? A set with one too many is refused whole.
fn fits(keys: &[KeyRecord], purpose: Purpose, more: usize) -> Result<(), Refusal> {
    let published = |key: &&KeyRecord| key.purpose.algorithm().is_some() && key.stage != Stage::Retired;
    let is_full = keys.iter().filter(published).count() + more > MOST_KEYS;
    if purpose.algorithm().is_some() && is_full { Err(Refusal::Exhausted) } else { Ok(()) }
}

/// Ends a key whose private part somebody else may have: verifiers refuse what it signed, whenever that was. The standby
/// takes the place of a key in use.
///
/// # Errors
/// [`Refusal::Retired`]; for a key in use those of [`rotate`].
pub fn kill(keys: &[KeyRecord], key: &KeyRecord, now: Timestamp, hurry: bool) -> Result<Turn, Refusal> {
    let purpose = key.purpose;
    let mut turn = match key.stage {
        Stage::Retired => return Err(Refusal::Retired),
        Stage::Retiring => Turn::default(),
        Stage::Active => succeed(keys, purpose, now, hurry)?,
        Stage::Published => Turn { steps: vec![next(keys, purpose, Stage::Published)?], drafts: Vec::new() },
    };
    turn.steps.push(Step::Move { id: key.id, to: Stage::Retired });
    if purpose.algorithm().is_some() {
        turn.drafts.push(Draft::signing_key(key.id));
    }
    Ok(turn)
}

/// Forgets a key that is no longer used.
///
/// # Errors
/// [`Refusal::InUse`], [`Refusal::Retired`]; `hurry` passes over [`Refusal::StillNeeded`].
pub fn retire(key: &KeyRecord, now: Timestamp, hurry: bool) -> Result<Turn, Refusal> {
    match key.stage {
        Stage::Published | Stage::Active => Err(Refusal::InUse),
        Stage::Retired => Err(Refusal::Retired),
        Stage::Retiring if !hurry && !is_over(key, now) => Err(Refusal::StillNeeded),
        Stage::Retiring => {
            Ok(Turn { steps: vec![Step::Move { id: key.id, to: Stage::Retired }], drafts: Vec::new() })
        }
    }
}

/// What is due by itself: keys that nothing needs any more are retired, a standby that is missing is made, and keys that
/// were in use for long enough are turned.
///
/// A shared secret is carried to its verifier by hand, and a new handle key makes everybody renew their tokens: those turn
/// when an operator says so.
pub fn tend(keys: &[KeyRecord], schedule: Schedule, now: Timestamp) -> Turn {
    let over = keys.iter().filter(|key| key.stage == Stage::Retiring && is_over(key, now));
    let mut turn =
        Turn { steps: over.map(|key| Step::Move { id: key.id, to: Stage::Retired }).collect(), drafts: Vec::new() };
    for purpose in Purpose::ALL {
        let Some(active) = find(keys, purpose, Stage::Active) else { continue };
        let by_itself = !matches!(purpose, Purpose::SignHs256 | Purpose::Handle);
        let is_due = schedule.every.is_some_and(|every| now - active.since >= every + schedule.jitter);
        // A number that is free only once this turn is done is taken by the next one.
        let due = match rotate(keys, purpose, now, false) {
            Ok(rotated) if by_itself && is_due => rotated.steps,
            Err(Refusal::NoStandby) => next(keys, purpose, Stage::Published).into_iter().collect(),
            Ok(_) | Err(_) => Vec::new(),
        };
        turn.steps.extend(due);
    }
    turn
}

/// When a key is ready to go on in its life, if that is a matter of time.
pub fn until(key: &KeyRecord, schedule: Schedule) -> Option<Timestamp> {
    match key.stage {
        Stage::Published => Some(key.since + LEAD),
        Stage::Active if matches!(key.purpose, Purpose::SignHs256 | Purpose::Handle) => None,
        Stage::Active => schedule.every.map(|every| key.since + every),
        Stage::Retiring => Some(key.since + key.purpose.kept()),
        Stage::Retired => None,
    }
}

/// The records that change by some steps; `made` are the new ones. The private part of a retired key is gone.
pub fn applied(keys: &[KeyRecord], steps: &[Step], made: Vec<KeyRecord>, now: Timestamp) -> Vec<KeyRecord> {
    let moves = steps.iter().filter_map(|step| match *step {
        Step::Move { id, to } => keys.iter().find(|key| key.id == id).map(|key| (key, to)),
        Step::Make { .. } => None,
    });
    let moved = moves.map(|(key, to)| {
        let sealed = if to == Stage::Retired { Vec::new() } else { key.sealed.clone() };
        KeyRecord { stage: to, sealed, since: now, version: key.version + 1, ..key.clone() }
    });
    moved.chain(made).collect()
}

/// The number a new key of this purpose gets: the next one that no key carries whose private part is still there.
///
/// # Errors
/// [`Refusal::Exhausted`] if there is none.
pub fn next_number(keys: &[KeyRecord], purpose: Purpose) -> Result<u8, Refusal> {
    let of = keys.iter().filter(|key| key.purpose == purpose);
    let newest = of.max_by_key(|key| (key.created_at, key.number)).map_or(0, |key| key.number);
    next_free(keys, purpose, newest).ok_or(Refusal::Exhausted)
}

fn next_free(keys: &[KeyRecord], purpose: Purpose, after: u8) -> Option<u8> {
    let is_taken =
        |number| keys.iter().any(|key| key.purpose == purpose && key.number == number && key.stage != Stage::Retired);
    (after..u8::MAX).map(|before| before + 1).chain(1..=after).find(|number| !is_taken(*number))
}

fn next(keys: &[KeyRecord], purpose: Purpose, stage: Stage) -> Result<Step, Refusal> {
    next_number(keys, purpose).map(|number| Step::Make { purpose, number, stage })
}

/// Another key comes into use in the place of the active one, and the next stands by.
fn succeed(keys: &[KeyRecord], purpose: Purpose, now: Timestamp, hurry: bool) -> Result<Turn, Refusal> {
    if purpose.algorithm().is_none() {
        let renewed = Draft::realm(Strength::RefreshRequired);
        let drafts = if purpose == Purpose::Handle { vec![renewed] } else { Vec::new() };
        return Ok(Turn { steps: vec![next(keys, purpose, Stage::Active)?], drafts });
    }
    let standby = find(keys, purpose, Stage::Published).ok_or(Refusal::NoStandby)?;
    if !hurry && now - standby.since < LEAD {
        return Err(Refusal::TooSoon);
    }
    let steps = vec![Step::Move { id: standby.id, to: Stage::Active }, next(keys, purpose, Stage::Published)?];
    Ok(Turn { steps, drafts: Vec::new() })
}

fn find(keys: &[KeyRecord], purpose: Purpose, stage: Stage) -> Option<&KeyRecord> {
    keys.iter().find(|key| key.purpose == purpose && key.stage == stage)
}

fn is_over(key: &KeyRecord, now: Timestamp) -> bool {
    now - key.since >= key.purpose.kept()
}

#[cfg(test)]
mod tests;
