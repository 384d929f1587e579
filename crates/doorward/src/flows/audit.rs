//! The audit log as an operator reads it: a page of it, and whether it is whole.

use doorward_core::Timestamp;
use doorward_core::audit::{Actor, Break, Kind, Link, Walk};
use doorward_core::id::{SessionId, UserId};
use doorward_store::StoreError;

use super::Stopped;
use crate::door::Door;

/// What is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only what this user did, or what was done to them.
    pub user: Option<UserId>,
    /// Only of this session.
    pub session: Option<SessionId>,
    /// Only since then.
    pub since: Option<Timestamp>,
    /// Only before the link of this number.
    pub before: Option<u64>,
}

impl Wanted {
    fn holds(&self, link: &Link) -> bool {
        let event = &link.event;
        let of_user = |user: UserId| event.who == Some(user) || event.by == Actor::User(user);
        self.kind.is_none_or(|kind| event.kind == kind)
            && self.user.is_none_or(of_user)
            && self.session.is_none_or(|session| event.session == Some(session))
            && self.since.is_none_or(|since| event.at >= since)
    }
}

/// So many links are read at once.
const PAGE: u32 = 1000;

/// At most `limit` links, newest first.
///
/// # Errors
/// Only what stops the store.
pub async fn list(door: &Door, wanted: Wanted, limit: usize) -> Result<Vec<Link>, Stopped> {
    let mut found = Vec::new();
    let mut before = wanted.before.unwrap_or(u64::MAX);
    while found.len() < limit {
        let page = door.directory().audit_before(before, PAGE).await?;
        let Some(oldest) = page.last() else { break };
        before = oldest.number;
        // Links are in the order in which they were written, whatever the clock said: all of them are looked at.
        found.extend(page.into_iter().filter(|link| wanted.holds(link)));
        tokio::task::yield_now().await;
    }
    found.truncate(limit);
    Ok(found)
}

/// A link that was noted down earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noted {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What became of a link that was noted down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is there.
    Kept,
    /// Another one has its number: the log was written anew.
    Replaced,
    /// The log ends before it: the newest links were cut off.
    CutOff,
}

impl Fate {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Replaced => "replaced",
            Self::CutOff => "cut_off",
        }
    }
}

/// What a walk along the whole log found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How far the chain holds.
    pub walk: Walk,
    /// How it is broken behind that.
    pub broken: Option<Break>,
    /// What became of the link that was noted down, as far as the chain holds.
    pub noted: Option<Fate>,
}

impl Verdict {
    /// Is all well?
    pub fn is_well(&self) -> bool {
        self.broken.is_none() && self.noted.is_none_or(|fate| fate == Fate::Kept)
    }
}

/// Walks along the whole log.
///
/// # Errors
/// What stops the store; a row that cannot be read is part of the verdict.
pub async fn verify(door: &Door, noted: Option<Noted>) -> Result<Verdict, Stopped> {
    let mut walk = Walk::default();
    let mut kept = noted.is_some_and(|noted| noted.number == 0 && noted.hash == walk.hash);
    let mut limit = PAGE;
    let broken = 'walk: loop {
        let page = match door.directory().audit_after(walk.number, limit).await {
            Ok(page) => page,
            // One of these cannot be read; one after the other it will be found.
            Err(StoreError::Corrupt { .. }) if limit > 1 => {
                limit = 1;
                continue;
            }
            Err(StoreError::Corrupt { .. }) => break Some(Break::Unreadable),
            Err(error) => return Err(error.into()),
        };
        if page.is_empty() {
            break None;
        }
        for link in &page {
            if let Err(broken) = walk.step(link) {
                break 'walk Some(broken);
            }
            kept |= noted == Some(Noted { number: link.number, hash: link.hash });
        }
        tokio::task::yield_now().await;
    };
    let noted = noted.map(|noted| match kept {
        true => Fate::Kept,
        false if noted.number <= walk.number => Fate::Replaced,
        false => Fate::CutOff,
    });
    // Behind a break nothing is known of what was noted down.
    let noted = noted.filter(|fate| broken.is_none() || *fate != Fate::CutOff);
    Ok(Verdict { walk, broken, noted })
}
