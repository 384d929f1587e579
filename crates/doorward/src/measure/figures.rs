//! What is measured, once: names, units and sentences; and the figures as they are printed, saved and read again.

use doorward_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::machine::Machine;

/// A thing that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// The session's secret, as the cookie's value.
    CookieBytes,
    /// An access token.
    AccessBytes,
    /// A refresh token.
    RefreshBytes,
    /// A session that is at hand.
    LookUpKept,
    /// A session that has to be read.
    LookUpStored,
    /// The whole check of a session that is at hand.
    CheckKept,
    /// The whole check of one that has to be read.
    CheckStored,
    /// Verifying a token, ES256.
    VerifyEs256,
    /// Verifying a token, EdDSA.
    VerifyEdDsa,
    /// Sign-ins a second.
    SignIns,
    /// Revocations a second.
    Revocations,
    /// From the answer to a revocation until a service refuses: half of them take less.
    WindowMedian,
    /// Ninety-nine of a hundred take less.
    WindowP99,
    /// None takes more.
    WindowBound,
    /// A session at hand, in memory.
    SessionWeight,
    /// Reads of the store: a sign-in.
    ReadsSignIn,
    /// Reads of the store: the check of a session that is at hand.
    ReadsCheckKept,
    /// Reads of the store: the check of one that is not.
    ReadsCheckStored,
    /// Reads of the store: an access token at a service.
    ReadsVerify,
    /// Reads of the store: an access token at the door.
    ReadsToken,
    /// Reads of the store: the first refresh of a session.
    ReadsRefreshFirst,
    /// Reads of the store: a refresh after it.
    ReadsRefresh,
}

impl Figure {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 22] = [
        Self::CookieBytes,
        Self::AccessBytes,
        Self::RefreshBytes,
        Self::LookUpKept,
        Self::LookUpStored,
        Self::CheckKept,
        Self::CheckStored,
        Self::VerifyEs256,
        Self::VerifyEdDsa,
        Self::SignIns,
        Self::Revocations,
        Self::WindowMedian,
        Self::WindowP99,
        Self::WindowBound,
        Self::SessionWeight,
        Self::ReadsSignIn,
        Self::ReadsCheckKept,
        Self::ReadsCheckStored,
        Self::ReadsVerify,
        Self::ReadsToken,
        Self::ReadsRefreshFirst,
        Self::ReadsRefresh,
    ];

    /// Its name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CookieBytes => "cookie_bytes",
            Self::AccessBytes => "access_token_bytes",
            Self::RefreshBytes => "refresh_token_bytes",
            Self::LookUpKept => "look_up_kept_us",
            Self::LookUpStored => "look_up_stored_us",
            Self::CheckKept => "check_kept_us",
            Self::CheckStored => "check_stored_us",
            Self::VerifyEs256 => "verify_es256_us",
            Self::VerifyEdDsa => "verify_eddsa_us",
            Self::SignIns => "sign_ins_per_second",
            Self::Revocations => "revocations_per_second",
            Self::WindowMedian => "revocation_window_p50_ms",
            Self::WindowP99 => "revocation_window_p99_ms",
            Self::WindowBound => "revocation_window_bound_ms",
            Self::SessionWeight => "session_memory_bytes",
            Self::ReadsSignIn => "reads_sign_in",
            Self::ReadsCheckKept => "reads_check_kept",
            Self::ReadsCheckStored => "reads_check_stored",
            Self::ReadsVerify => "reads_verify",
            Self::ReadsToken => "reads_token",
            Self::ReadsRefreshFirst => "reads_refresh_first",
            Self::ReadsRefresh => "reads_refresh",
        }
    }

    /// In words.
    pub const fn about(self) -> &'static str {
        match self {
            Self::CookieBytes => "session: the secret in the cookie",
            Self::AccessBytes => "access token, ES256, without scopes",
            Self::RefreshBytes => "refresh token",
            Self::LookUpKept => "look-up of a session at hand",
            Self::LookUpStored => "look-up of a session in SQLite",
            Self::CheckKept => "whole check of a session at hand",
            Self::CheckStored => "whole check of a session that is not at hand",
            Self::VerifyEs256 => "verification of an access token, ES256",
            Self::VerifyEdDsa => "verification of an access token, EdDSA",
            Self::SignIns => "sign-ins, with their password hash",
            Self::Revocations => "sessions opened and revoked, both on the disk",
            Self::WindowMedian => "from a revocation's answer to its refusal at a service, p50",
            Self::WindowP99 => "from a revocation's answer to its refusal at a service, p99",
            Self::WindowBound => "the same, never more than lease and grace",
            Self::SessionWeight => "memory of a session at hand",
            Self::ReadsSignIn => "reads of the store: sign-in",
            Self::ReadsCheckKept => "reads of the store: check of a session at hand",
            Self::ReadsCheckStored => "reads of the store: check of a session that is not at hand",
            Self::ReadsVerify => "reads of the store: access token at a service",
            Self::ReadsToken => "reads of the store: access token at Doorward itself",
            Self::ReadsRefreshFirst => "reads of the store: first refresh of a session",
            Self::ReadsRefresh => "reads of the store: refresh soon after another",
        }
    }

    /// What it is counted in.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::CookieBytes | Self::AccessBytes | Self::RefreshBytes | Self::SessionWeight => "bytes",
            Self::LookUpKept | Self::LookUpStored | Self::CheckKept | Self::CheckStored => "µs",
            Self::VerifyEs256 | Self::VerifyEdDsa => "µs",
            Self::SignIns | Self::Revocations => "a second",
            Self::WindowMedian | Self::WindowP99 | Self::WindowBound => "ms",
            Self::ReadsSignIn | Self::ReadsCheckKept | Self::ReadsCheckStored | Self::ReadsVerify => "reads",
            Self::ReadsToken | Self::ReadsRefreshFirst | Self::ReadsRefresh => "reads",
        }
    }
}

/// A figure as it was measured: the median of repeats, with the least and the most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Its name.
    pub name: String,
    /// In words.
    pub about: String,
    /// What it is counted in.
    pub unit: String,
    /// The median.
    pub median: f64,
    /// The least of the repeats.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// How many repeats.
    pub repeats: usize,
}

impl Reading {
    /// Of repeats.
    pub fn of(figure: Figure, mut repeats: Vec<f64>) -> Self {
        repeats.sort_by(f64::total_cmp);
        let at = |place: usize| repeats.get(place).copied().unwrap_or_default();
        Self {
            name: figure.name().to_owned(),
            about: figure.about().to_owned(),
            unit: figure.unit().to_owned(),
            median: at(repeats.len() / 2),
            least: at(0),
            most: at(repeats.len().saturating_sub(1)),
            repeats: repeats.len(),
        }
    }

    /// A reading that sums so many repeats up in another way.
    #[must_use]
    pub fn out_of(self, repeats: usize) -> Self {
        Self { repeats, ..self }
    }

    /// The median, with as many places as tell something.
    pub fn in_words(&self) -> String {
        format!("{} {}", number(self.median), self.unit)
    }
}

/// A number with three places that tell something.
pub fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// The form of the file.
pub const VERSION: u32 = 1;

/// Figures of one machine at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The form of the file.
    pub version: u32,
    /// When.
    pub measured_at: String,
    /// Where.
    pub machine: Machine,
    /// What.
    pub figures: Vec<Reading>,
    /// How, and what to know before comparing.
    pub notes: Vec<String>,
}

impl Figures {
    /// Of readings.
    pub fn of(now: Timestamp, machine: Machine, figures: Vec<Reading>, notes: Vec<String>) -> Self {
        let measured_at = jiff::Timestamp::from_millisecond(now.secs() * 1000).unwrap_or_default().to_string();
        Self { version: VERSION, measured_at, machine, figures, notes }
    }

    /// The reading of a figure.
    pub fn reading(&self, figure: Figure) -> Option<&Reading> {
        self.figures.iter().find(|reading| reading.name == figure.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_the_median_of_its_repeats_with_the_spread() {
        let reading = Reading::of(Figure::VerifyEs256, vec![3.0, 1.0, 250.0, 2.0, 2.5]);
        assert_eq!((reading.median, reading.least, reading.most, reading.repeats), (2.5, 1.0, 250.0, 5));
        assert_eq!(reading.in_words(), "2.50 µs");
        assert_eq!(Reading::of(Figure::CookieBytes, Vec::new()).median, 0.0);
    }

    #[test]
    fn numbers_have_as_many_places_as_tell_something() {
        for (value, text) in [(53.0, "53"), (0.123, "0.12"), (34.56, "34.6"), (1234.5, "1234"), (9.999, "10.00")] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn names_stand_once() {
        for (place, figure) in Figure::ALL.into_iter().enumerate() {
            assert!(Figure::ALL[..place].iter().all(|other| other.name() != figure.name()), "{figure:?}");
        }
    }
}
