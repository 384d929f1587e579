//! What a realm's operator may choose, with its defaults and its limits.

use doorward_verify::Lifetime;

/// How long things of one client live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Of an access token; 15 minutes by default, at most 60.
    pub access: Lifetime,
    /// A session unused for so long is over.
    pub idle: Lifetime,
    /// A session of a browser is over after so long, used or not.
    pub absolute: Lifetime,
    /// The same for a native application (transport `body`).
    pub absolute_native: Lifetime,
}

/// Named pairs of idle and absolute lifetimes (NIST SP 800-63B AAL1, AAL2, AAL3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// 14 days idle, 30 days in all (90 for native applications). The default.
    Relaxed,
    /// 1 hour idle, 24 hours in all.
    Standard,
    /// 15 minutes idle, 12 hours in all.
    Strict,
}

impl Profile {
    /// All profiles, in order of strictness.
    pub const ALL: [Self; 3] = [Self::Relaxed, Self::Standard, Self::Strict];

    /// The word in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Relaxed => "relaxed",
            Self::Standard => "standard",
            Self::Strict => "strict",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// The lifetimes behind the name, with access tokens of 15 minutes.
    pub const fn lifetimes(self) -> Lifetimes {
        let (idle, absolute, absolute_native) = match self {
            Self::Relaxed => (Lifetime::from_days(14), Lifetime::from_days(30), ABSOLUTE_LONGEST),
            Self::Standard => (Lifetime::from_hours(1), Lifetime::from_hours(24), Lifetime::from_hours(24)),
            Self::Strict => (Lifetime::from_mins(15), Lifetime::from_hours(12), Lifetime::from_hours(12)),
        };
        Lifetimes { access: ACCESS_DEFAULT, idle, absolute, absolute_native }
    }
}

/// How long an access token lives unless its client says otherwise (S3-09, S4-21).
pub const ACCESS_DEFAULT: Lifetime = Lifetime::from_mins(15);
/// The longest life an access token may be given; verifiers refuse longer ones.
pub const ACCESS_LONGEST: Lifetime = Lifetime::from_mins(60);
/// How much two clocks may differ.
pub const SKEW: Lifetime = Lifetime::from_secs(60);
/// How long a feed entry is kept: the longest access token, the skew, and a minute to mint and deliver.
pub const RETENTION: Lifetime = Lifetime::from_mins(62);
/// The longest life of a session: that of a native application under the loosest profile.
pub const ABSOLUTE_LONGEST: Lifetime = Lifetime::from_days(90);
/// How long anybody may keep our public keys without asking again.
pub const JWKS_MAX_AGE: Lifetime = Lifetime::from_mins(5);
/// How long a browser is a known device of whoever signed in there.
pub const DEVICE_LIFE: Lifetime = Lifetime::from_days(365);
/// `last_seen` is written at most so often.
pub const TOUCH_EVERY: Lifetime = Lifetime::from_secs(60);
/// How far what is written of the last use may lag behind it: a minute, and ten seconds on its way to the store, which a
/// crash may lose.
pub const IDLE_ALLOWANCE: Lifetime = Lifetime::from_secs(70);
/// A replaced session secret answers for so long, unless its successor is seen before.
pub const REPLACED_SECRET: Lifetime = Lifetime::from_secs(60);

/// The rule for refresh tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// W: how long a retired token is answered with the current one.
    pub leeway: Lifetime,
    /// How long after its retirement a keyless client's token may still displace an unused successor.
    pub displace: Lifetime,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self { leeway: Lifetime::from_secs(10), displace: Lifetime::from_hours(24) }
    }
}
