//! Instants and spans of time, in whole milliseconds.
//!
//! Both types wrap an `i64` and saturate instead of overflowing, so that a hostile `exp` can never wrap around into the
//! past. Seconds exist only at the edge: in the NumericDate members of a token (RFC 7519 section 2).

use core::ops::{Add, Sub};

/// An instant: milliseconds since the Unix epoch, UTC. Who calls brings it; nothing in this crate reads a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A span of time in milliseconds. May be negative as the difference of two instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lifetime(i64);

impl Timestamp {
    /// The earliest instant there is; useful as "never seen".
    pub const MIN: Self = Self(i64::MIN);
    /// The latest instant there is; useful as "never ends".
    pub const MAX: Self = Self(i64::MAX);

    /// Takes milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Takes seconds since the Unix epoch, as a NumericDate counts them; saturates.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Gives milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Gives whole seconds since the Unix epoch, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl Lifetime {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Takes milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Takes seconds; saturates.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Takes minutes; saturates.
    pub const fn from_mins(mins: i64) -> Self {
        Self(mins.saturating_mul(60_000))
    }

    /// Takes hours; saturates.
    pub const fn from_hours(hours: i64) -> Self {
        Self(hours.saturating_mul(3_600_000))
    }

    /// Takes days of 24 hours; saturates.
    pub const fn from_days(days: i64) -> Self {
        Self(days.saturating_mul(86_400_000))
    }

    /// Gives milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Gives whole seconds, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl Add<Lifetime> for Timestamp {
    type Output = Self;
    fn add(self, span: Lifetime) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Lifetime> for Timestamp {
    type Output = Self;
    fn sub(self, span: Lifetime) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Sub for Timestamp {
    type Output = Lifetime;
    fn sub(self, earlier: Self) -> Lifetime {
        Lifetime(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Lifetime {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Timestamp::MAX + Lifetime::from_days(1), Timestamp::MAX);
        assert_eq!(Timestamp::MIN - Lifetime::from_days(1), Timestamp::MIN);
        assert_eq!(Timestamp::from_secs(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX - Timestamp::MIN, Lifetime(i64::MAX));
    }

    #[test]
    fn spans_are_in_milliseconds() {
        let spans = [Lifetime::from_secs(2), Lifetime::from_mins(2), Lifetime::from_hours(2), Lifetime::from_days(2)];
        assert_eq!(spans.map(Lifetime::millis), [2_000, 120_000, 7_200_000, 172_800_000]);
    }

    #[test]
    fn seconds_round_towards_the_past() {
        assert_eq!(Timestamp::from_millis(1_999).secs(), 1);
        assert_eq!(Timestamp::from_millis(-1).secs(), -1);
    }
}
