//! The record of an opaque session that a verifier keeps for a while: how long it may go by it, and what it is looked up by.
//!
//! A record counts as a token that was minted where it was read. It is looked up in the index on every use, fetched again
//! when that asks for a renewal, and not gone by once it is older than the longest token: what would have ended it may have
//! been forgotten by then.

use crate::{Judgement, Lifetime, Marks, Moment, Policy, Rejection, Replica, Timestamp};

/// What is known of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What it can be revoked by.
    pub marks: Marks,
    /// When it was asked for: *before* the question was sent.
    pub read: Moment,
    /// How long it may be gone by from then on.
    pub keep: Lifetime,
    /// When the session runs out, whatever happens.
    pub expires_at: Timestamp,
    /// When it runs out if nobody uses it; the server may know of a later use.
    pub idle_expires_at: Timestamp,
}

/// What a kept record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The session has run out.
    Expired,
    /// Only the server can say: the record is too old, or must be renewed.
    FetchAgain,
    /// What the index says.
    Judged(Judgement),
}

impl Kept {
    /// Has the session run out as far as is known, or is the record too old to go by?
    pub fn is_over(&self, now: Moment, time: Timestamp) -> bool {
        time >= self.idle_expires_at || now.since(self.read) >= self.keep
    }

    /// Judges a use of the session; `asked` as for [`Replica::judge`].
    pub fn judge(&self, replica: &Replica, policy: Policy, asked: Option<u64>, now: Moment) -> Verdict {
        let time = replica.time(now);
        if time >= self.expires_at {
            return Verdict::Expired;
        }
        if self.is_over(now, time) {
            return Verdict::FetchAgain;
        }
        match replica.judge(&self.marks, policy, asked, now) {
            Judgement::Reject(Rejection::TokenStale) | Judgement::Introspect => Verdict::FetchAgain,
            judgement => Verdict::Judged(judgement),
        }
    }
}
