//! People move in from another system: each row is judged, and what is fit becomes an account by itself. A row that is
//! there already is left as it is, so that an import which broke off is simply run again.

use std::collections::HashSet;
use std::time::Duration;

use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{AddUser, DirectoryChange};
use doorward_core::id::UserId;
use doorward_core::password::decoy;
use doorward_core::password::foreign::Weak;
use doorward_core::user::User;
use doorward_store::Committed;
use tokio::task::JoinSet;

use super::Stopped;
use crate::door::{Door, Origin};
use crate::import::judge::{Kept, Newcomer, judge};
use crate::import::{Row, Unfit};
use crate::jobs::sweep;

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is an account now.
    Imported(UserId, &'static str),
    /// There would be one, were this not a rehearsal.
    WouldImport(&'static str),
    /// There was one with this address; it stays as it is. `None` in a rehearsal, of one that an earlier row would make.
    There(Option<UserId>),
    /// It is not taken.
    Refused(Unfit),
}

/// A hash queue that is full is asked again after so long,
const QUEUE_AGAIN: Duration = Duration::from_millis(100);
/// and so often: people who sign in go first.
const QUEUE_LOOKS: u32 = 200;

/// Imports rows, all of which are in memory. What became of each is told in their order.
///
/// # Errors
/// If the store or the hash pool could not; rows that became accounts before stay, and are found there the next time.
pub async fn import(door: &Door, rows: &[Row], dry_run: bool, from: &Origin) -> Result<Vec<Outcome>, Stopped> {
    let mut outcomes = Vec::with_capacity(rows.len());
    let mut fit = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        outcomes.push(match judge(row, door.now()) {
            Ok(newcomer) => match door.directory().user_by_email(newcomer.email.key()).await? {
                Some(user) => Outcome::There(Some(user.id)),
                None => {
                    let outcome = Outcome::WouldImport(newcomer.password.family());
                    fit.push((place, newcomer));
                    outcome
                }
            },
            Err(unfit) => Outcome::Refused(unfit),
        });
    }
    if dry_run {
        rehearse(&fit, &mut outcomes);
        return Ok(outcomes);
    }
    // Side by side, so that they share a transaction; each is whole by itself.
    let mut moving = JoinSet::new();
    for (place, newcomer) in fit {
        let family = newcomer.password.family();
        let add = prepare(door, newcomer).await?;
        let (door, from) = (door.clone(), from.clone());
        moving.spawn(async move { (place, move_in(&door, add, family, &from).await) });
    }
    while let Some(moved) = moving.join_next().await {
        // A task that panicked said so itself; its row is answered as one that the store could not take.
        let (place, outcome) = moved.map_err(|_| doorward_store::StoreError::Unavailable)?;
        outcomes[place] = outcome?;
    }
    Ok(outcomes)
}

/// After the last row: answers about nobody take from now on as long as those about the newcomers.
pub async fn finish(door: &Door) {
    sweep::resemble(door).await;
}

/// An address that is there twice would be found there the second time.
fn rehearse(fit: &[(usize, Newcomer)], outcomes: &mut [Outcome]) {
    let mut seen = HashSet::new();
    for (place, newcomer) in fit {
        if !seen.insert(newcomer.email.key()) {
            outcomes[*place] = Outcome::There(None);
        }
    }
}

async fn prepare(door: &Door, newcomer: Newcomer) -> Result<AddUser, Stopped> {
    let Newcomer { email, name, password, email_verified, created_at, suspended } = newcomer;
    let now = door.now();
    let phc = match password {
        Kept::Hash(foreign) => foreign.text(),
        Kept::Digest(weak) => wrap(door, &weak).await?,
        Kept::Nothing => decoy(door.hashing().cost()),
    };
    let user = User {
        email_verified_at: email_verified.then_some(now),
        suspended_at: suspended.then_some(now),
        ..User::new(UserId::from_bytes(door.draw()?), email, name, created_at.unwrap_or(now))
    };
    Ok(AddUser { user, phc })
}

async fn wrap(door: &Door, weak: &Weak) -> Result<String, Stopped> {
    for _ in 0..QUEUE_LOOKS {
        match door.hashing().wrap(weak.clone(), door.draw()?).await {
            Err(Stopped::Overloaded) => tokio::time::sleep(QUEUE_AGAIN).await,
            told => return told,
        }
    }
    Err(Stopped::Overloaded)
}

async fn move_in(door: &Door, add: AddUser, family: &'static str, from: &Origin) -> Result<Outcome, Stopped> {
    let id = add.user.id;
    let key = add.user.email.key().to_owned();
    let mut event = door.event(Kind::UserImported, Actor::Operator, from)?;
    event.who = Some(id);
    event.detail = Some(family.to_owned());
    match door.cached().commit_durable(DirectoryChange::AddUser(Box::new(add)), event).await? {
        Committed::Done(_) => Ok(Outcome::Imported(id, family)),
        // Somebody signed up with this address a moment ago, or it is there twice.
        Committed::Conflict => Ok(Outcome::There(door.directory().user_by_email(&key).await?.map(|user| user.id))),
    }
}
