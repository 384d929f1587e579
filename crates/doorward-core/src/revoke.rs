//! Ending sessions: what is recorded, and what verifiers are told.

use doorward_verify::{Key, Timestamp};

use crate::feed::Draft;
use crate::id::{SessionId, UserId};
use crate::session::{EndReason, Ended, Session};

/// Whom a person may end from one of their sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All but this one.
    Others,
    /// All.
    All,
}

/// The end of some sessions, one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndSessions {
    /// Which; those that are gone or ended already stay as they are.
    pub sessions: Vec<SessionId>,
    /// When and why.
    pub ended: Ended,
    /// One line of the feed for each session.
    pub drafts: Vec<Draft>,
}

/// Ends exactly these sessions. `handle` gives the handle of a person.
pub fn end(sessions: &[&Session], why: EndReason, now: Timestamp, handle: impl Fn(UserId) -> Key) -> EndSessions {
    EndSessions {
        sessions: sessions.iter().map(|session| session.id).collect(),
        ended: Ended { at: now, why },
        drafts: sessions.iter().map(|session| Draft::session(session.id).of(session.user.map(&handle))).collect(),
    }
}
