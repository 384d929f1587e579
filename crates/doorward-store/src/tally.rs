//! How often what was committed, for whoever shows it. Counted where every change goes through, and read from the change
//! itself: no flow can forget to.

use std::sync::atomic::{AtomicU64, Ordering};

use doorward_core::Scope;
use doorward_core::audit::{Event, Kind};
use doorward_core::change::{DirectoryChange, SessionChange};
use doorward_core::client::Strategy;
use doorward_core::session::{EndReason, Session};

use crate::{Committed, StoreError};

/// What a backend tells of itself. What it does not have is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Changes that wait for the writer.
    pub queued: u64,
    /// Transactions that became durable; many changes may share one.
    pub commits: u64,
    /// Reads, those that failed too.
    pub reads: u64,
    /// Reads that failed.
    pub failed_reads: u64,
    /// The size of the file, in bytes.
    pub file: u64,
    /// The size of what was written ahead of it, in bytes.
    pub log: u64,
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is durable.
    Done,
    /// Its precondition did not hold.
    Conflict,
    /// The store could not be reached.
    Unavailable,
    /// The store held something unreadable.
    Corrupt,
    /// The store was full.
    Full,
}

impl End {
    /// All ends.
    pub const ALL: [Self; 5] = [Self::Done, Self::Conflict, Self::Unavailable, Self::Corrupt, Self::Full];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
            Self::Full => "full",
        }
    }

    fn of(committed: &Result<Committed, StoreError>) -> Self {
        match committed {
            Ok(Committed::Done(_)) => Self::Done,
            Ok(Committed::Conflict) => Self::Conflict,
            Err(StoreError::Unavailable) => Self::Unavailable,
            Err(StoreError::Corrupt { .. }) => Self::Corrupt,
            Err(StoreError::Full) => Self::Full,
        }
    }
}

/// The counts since the process began.
#[derive(Debug, Default)]
pub struct Tally {
    changes: [AtomicU64; End::ALL.len()],
    opened: [AtomicU64; Strategy::ALL.len()],
    guests: [AtomicU64; Strategy::ALL.len()],
    ended: [AtomicU64; EndReason::ALL.len()],
    lines: [AtomicU64; Scope::ALL.len()],
    events: [AtomicU64; Kind::ALL.len()],
}

impl Tally {
    /// Changes that ended so.
    pub fn changes(&self, end: End) -> u64 {
        read(&self.changes[end as usize])
    }

    /// Sessions that were opened under a strategy, by people or by guests.
    pub fn opened(&self, strategy: Strategy, by_guests: bool) -> u64 {
        let counts = if by_guests { &self.guests } else { &self.opened };
        read(&counts[strategy as usize])
    }

    /// Sessions that were ended one by one, or all of a user, for a reason.
    pub fn ended(&self, why: EndReason) -> u64 {
        read(&self.ended[why as usize])
    }

    /// Lines that were written into the feed.
    pub fn lines(&self, scope: Scope) -> u64 {
        read(&self.lines[scope as usize])
    }

    /// Links that were written into the audit log.
    pub fn events(&self, kind: Kind) -> u64 {
        read(&self.events[kind as usize])
    }

    /// Counts a change by how it ended.
    pub(crate) fn count(&self, facts: Facts, committed: &Result<Committed, StoreError>) {
        add(&self.changes[End::of(committed) as usize], 1);
        let Ok(Committed::Done(receipt)) = committed else { return };
        if let Some((strategy, is_guest)) = facts.opens {
            let counts = if is_guest { &self.guests } else { &self.opened };
            add(&counts[strategy as usize], 1);
        }
        if let Some(why) = facts.ends {
            add(&self.ended[why as usize], receipt.count);
        }
        if let Some(kind) = facts.event {
            add(&self.events[kind as usize], 1);
        }
        for line in &receipt.lines {
            add(&self.lines[line.entry.scope as usize], 1);
        }
    }
}

/// What of a change is counted; taken before the store takes the change.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    opens: Option<(Strategy, bool)>,
    ends: Option<EndReason>,
    event: Option<Kind>,
}

impl Facts {
    /// Of a change of sessions.
    pub(crate) fn of(change: &SessionChange) -> Self {
        match change {
            SessionChange::Open(open) => {
                Self { opens: Some(opens(&open.session)), event: Some(open.event.kind), ..Self::default() }
            }
            SessionChange::Rotate(rotate) => {
                Self { event: rotate.event.as_ref().map(|event| event.kind), ..Self::default() }
            }
            _ => Self::default(),
        }
    }

    /// Of a durable change.
    pub(crate) fn of_durable(change: &DirectoryChange, event: &Event) -> Self {
        let (opens, ends) = match change {
            DirectoryChange::EndUser(end) => (None, Some(end.ended.why)),
            DirectoryChange::EndSessions(end) => (None, Some(end.ended.why)),
            DirectoryChange::Upgrade(upgrade) => (Some(opens(&upgrade.session)), Some(upgrade.ended.why)),
            _ => (None, None),
        };
        Self { opens, ends, event: Some(event.kind) }
    }
}

fn opens(session: &Session) -> (Strategy, bool) {
    (session.strategy, session.is_guest())
}

fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_its_own_count() {
        assert!(End::ALL.into_iter().enumerate().all(|(place, end)| end as usize == place));
        assert!(Strategy::ALL.into_iter().enumerate().all(|(place, strategy)| strategy as usize == place));
        assert!(EndReason::ALL.into_iter().enumerate().all(|(place, why)| why as usize == place));
        assert!(Scope::ALL.into_iter().enumerate().all(|(place, scope)| scope as usize == place));
        assert!(Kind::ALL.into_iter().enumerate().all(|(place, kind)| kind as usize == place));
    }
}
