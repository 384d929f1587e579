//! Everybody's turn, in parts: sessions end, or have to renew, one bucket of 4,096 after the other.
//!
//! Ten million people who sign in again in the same second are an attack. Spread over ten minutes they are a busy day.
//! What has its turn was born before the turn began; who signs in meanwhile stays, and at most renews a token once.

use doorward_verify::{Key, Lifetime, Position, Strength, Timestamp};

use crate::feed::Draft;

/// How many parts there are.
pub const BUCKETS: u16 = doorward_verify::revocations::BUCKETS;

/// What happens to a session when its turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is over.
    End,
    /// Its tokens have to be renewed.
    Renew,
}

impl Turn {
    /// The word in rows and requests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Renew => "renew",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::End, Self::Renew].into_iter().find(|turn| turn.name() == name)
    }
}

/// A turn that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// What happens.
    pub turn: Turn,
    /// To whatever was born before this place.
    pub cut: Position,
    /// The bucket that is next.
    pub next: u16,
    /// When it began.
    pub began: Timestamp,
    /// How long it takes.
    pub over: Lifetime,
}

impl Spread {
    /// Is the next bucket due? Spans of the wall clock are good enough here: too early or too late is a matter of load.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let passed = (now - self.began).millis().max(0);
        passed.saturating_mul(i64::from(BUCKETS)) >= self.over.millis().saturating_mul(i64::from(self.next))
    }

    /// What verifiers learn of the next bucket: to come again with something newer. Whoever's session is over is told so
    /// when they try; whoever signed in meanwhile goes on.
    pub const fn draft(&self) -> Draft {
        Draft::bucket(Key::bucket(self.next), Strength::RefreshRequired)
    }
}

/// How many come again in a second, at most, if so many sessions have their turn over a span.
pub fn storm(sessions: u64, over: Lifetime) -> u64 {
    let secs = u64::try_from(over.secs()).unwrap_or(0).max(1);
    sessions.div_ceil(secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_come_one_by_one_and_the_last_before_the_end() {
        let began = Timestamp::from_secs(1_000);
        let over = Lifetime::from_secs(600);
        let spread = |next| Spread { turn: Turn::End, cut: Position::START, next, began, over };
        assert!(spread(0).is_due(began));
        assert!(!spread(1).is_due(began));
        let half = began + Lifetime::from_secs(300);
        assert!(spread(BUCKETS / 2).is_due(half) && !spread(BUCKETS / 2 + 1).is_due(half));
        assert!(spread(BUCKETS - 1).is_due(began + over));
        assert!(spread(BUCKETS - 1).is_due(began + Lifetime::from_days(9)), "what was missed is made up for");
        assert!(!spread(1).is_due(began - Lifetime::from_days(1)), "a clock that went back is waited for");
    }

    #[test]
    fn the_storm_is_told_before_it_breaks() {
        assert_eq!(storm(10_000_000, Lifetime::from_mins(10)), 16_667);
        assert_eq!(storm(5, Lifetime::ZERO), 5, "all in one second");
        assert_eq!(storm(0, Lifetime::from_mins(10)), 0);
    }
}
