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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Instance;
    use crate::{Cut, Entry, Key, Position, Scope, Strength};

    const SESSION: Key = Key([7; 16]);

    fn at(millis: i64) -> Moment {
        Moment { running: Lifetime::from_millis(millis), wall: Timestamp::from_millis(millis) }
    }

    /// A record that was read at 1000 and may be kept for 100 ms, of a session that lasts.
    fn kept() -> Kept {
        let end = Timestamp::from_millis(9000);
        let marks = Marks { session: Some(SESSION), ..Marks::default() };
        Kept { marks, read: at(1000), keep: Lifetime::from_millis(100), expires_at: end, idle_expires_at: end }
    }

    fn replica() -> Replica {
        Replica::new(Instance([1; 16]), Lifetime::from_secs(3), Lifetime::ZERO)
    }

    #[test]
    fn a_record_is_gone_by_until_it_is_old_or_unused_and_a_session_is_over_at_its_end() {
        let soon = Timestamp::from_millis(1050);
        let unused = Kept { idle_expires_at: soon, ..kept() };
        let ended = Kept { expires_at: soon, idle_expires_at: soon, ..kept() };
        let nobody_knows = Verdict::Judged(Judgement::Unknown);
        for (kept, millis, is_over, verdict) in [
            (kept(), 1000, false, nobody_knows),
            (kept(), 1099, false, nobody_knows),
            (kept(), 1100, true, Verdict::FetchAgain),
            (unused, 1049, false, nobody_knows),
            (unused, 1050, true, Verdict::FetchAgain),
            (ended, 1049, false, nobody_knows),
            (ended, 1050, true, Verdict::Expired),
            (ended, 1200, true, Verdict::Expired),
        ] {
            let now = at(millis);
            assert_eq!(kept.is_over(now, now.wall), is_over, "{kept:?} at {millis}");
            assert_eq!(kept.judge(&replica(), Policy::default(), None, now), verdict, "{kept:?} at {millis}");
        }
    }

    #[test]
    fn what_must_be_renewed_or_is_to_be_asked_for_is_fetched_and_what_was_ended_is_not() {
        let judged = |replica: &Replica, cut| {
            let policy = Policy { cut, ..Policy::default() };
            kept().judge(replica, policy, None, at(1000))
        };
        let mut replica = replica();
        assert_eq!(judged(&replica, Cut::Introspect), Verdict::FetchAgain);
        let mut revoke = |strength| {
            let ttl = Lifetime::from_mins(62);
            let entry = Entry { scope: Scope::Session, key: SESSION, strength, min_rv: None, ttl };
            replica.learn(&[entry], Position { generation: 1, seq: 1 });
            judged(&replica, Cut::Deny)
        };
        assert_eq!(revoke(Strength::RefreshRequired), Verdict::FetchAgain);
        assert_eq!(revoke(Strength::Terminal), Verdict::Judged(Judgement::Reject(Rejection::TokenRevoked)));
    }
}
