//! What decides whether a session is alive: its end, its age, its last use, and the epochs that apply to it.

use doorward_verify::{Lifetime, Position, Timestamp};

use crate::policy::{IDLE_ALLOWANCE, TOUCH_EVERY};

/// The epochs that apply to a session: of its user, its client and the realm, whichever is latest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epochs {
    /// Born before: dead.
    pub terminal: Position,
    /// Read or minted before: read or mint again.
    pub refresh: Position,
}

impl Epochs {
    /// The later of each.
    pub fn latest(self, other: Self) -> Self {
        Self { terminal: self.terminal.max(other.terminal), refresh: self.refresh.max(other.refresh) }
    }
}

/// Why a session is not there for its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody knows this secret.
    Unknown,
    /// It was ended.
    Ended,
    /// It ran out, unused or used.
    Expired,
}

/// What decides whether a session is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// Was it ended?
    pub ended: bool,
    /// The head of the feed when the person last proved who they are.
    pub born: Position,
    /// When it was last used, as far as that is written down.
    pub last_seen_at: Timestamp,
    /// Unused for so long, it is over.
    pub idle: Lifetime,
    /// Used or not, it is over then.
    pub expires_at: Timestamp,
}

impl Vitals {
    /// Is it alive?
    ///
    /// # Errors
    /// As [`crate::session::Session::check`].
    pub fn check(&self, epochs: Epochs, now: Timestamp) -> Result<(), Refusal> {
        if self.ended || self.born < epochs.terminal {
            return Err(Refusal::Ended);
        }
        // What is written of the last use may lag behind the truth, and idle expiry is never early.
        if now >= self.expires_at || now >= self.idle_expires_at() + IDLE_ALLOWANCE {
            return Err(Refusal::Expired);
        }
        Ok(())
    }

    /// When it is over if it is not used again.
    pub fn idle_expires_at(&self) -> Timestamp {
        (self.last_seen_at + self.idle).min(self.expires_at)
    }

    /// Is it time to write down that it is in use?
    pub fn wants_touch(&self, now: Timestamp) -> bool {
        now >= self.last_seen_at + TOUCH_EVERY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_epochs_each_strength_keeps_its_later_one() {
        let place = |seq| Position { generation: 1, seq };
        let user = Epochs { terminal: place(5), refresh: place(2) };
        let client = Epochs { terminal: place(3), refresh: place(7) };
        let both = Epochs { terminal: place(5), refresh: place(7) };
        assert_eq!((user.latest(client), client.latest(user)), (both, both));
        assert_eq!(user.latest(Epochs::default()), user);
    }

    #[test]
    fn its_use_is_written_down_once_a_minute() {
        let used = Timestamp::from_secs(1_000_000);
        let vitals = Vitals {
            ended: false,
            born: Position::START,
            last_seen_at: used,
            idle: Lifetime::from_days(14),
            expires_at: used + Lifetime::from_days(30),
        };
        assert!(!vitals.wants_touch(used));
        assert!(!vitals.wants_touch(used + TOUCH_EVERY - Lifetime::from_millis(1)));
        assert!(vitals.wants_touch(used + TOUCH_EVERY));
    }
}
