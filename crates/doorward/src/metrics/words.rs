//! The words that labels are made of: closed sets, each with its key.

use doorward_core::audit::Kind;
use doorward_core::client::Strategy;
use doorward_core::session::EndReason;
use doorward_core::{Algorithm, Rejection, Scope};
use doorward_store::tally::End;

use crate::flows::{Refusal, Stopped};
use crate::throttle::By;

/// A closed set of words for a label.
pub trait Label: Copy + 'static {
    /// The label's key; empty if it is not shown.
    const KEY: &'static str;
    /// Every word there is, in the order of their places.
    const ALL: &'static [Self];
    /// The word.
    fn word(self) -> &'static str;
    /// Its place among all.
    fn place(self) -> usize;
}

/// No label.
impl Label for () {
    const KEY: &'static str = "";
    const ALL: &'static [Self] = &[()];

    fn word(self) -> &'static str {
        ""
    }

    fn place(self) -> usize {
        0
    }
}

/// Who signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Somebody with a password.
    Person,
    /// A guest.
    Guest,
}

impl Label for Who {
    const KEY: &'static str = "who";
    const ALL: &'static [Self] = &[Self::Person, Self::Guest];

    fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Guest => "guest",
        }
    }

    fn place(self) -> usize {
        self as usize
    }
}

/// How a sign-in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInEnd {
    /// Well.
    SignedIn,
    /// Unknown account, wrong password, suspended account.
    InvalidCredentials,
    /// A limit against guessing was met.
    TooManyAttempts,
    /// The application may not do that.
    NotAllowed,
    /// The hash queue was full.
    Overloaded,
    /// Store, clock or dice failed.
    Failed,
}

impl SignInEnd {
    /// Of what stopped it.
    pub const fn of(stopped: &Stopped) -> Self {
        match stopped {
            Stopped::Refused(Refusal::InvalidCredentials) => Self::InvalidCredentials,
            Stopped::Refused(Refusal::TooManyAttempts(_)) => Self::TooManyAttempts,
            Stopped::Refused(_) => Self::NotAllowed,
            Stopped::Overloaded => Self::Overloaded,
            Stopped::Store(_) | Stopped::Clock | Stopped::NoEntropy | Stopped::Contended => Self::Failed,
        }
    }
}

impl Label for SignInEnd {
    const KEY: &'static str = "outcome";
    const ALL: &'static [Self] = &[
        Self::SignedIn,
        Self::InvalidCredentials,
        Self::TooManyAttempts,
        Self::NotAllowed,
        Self::Overloaded,
        Self::Failed,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::InvalidCredentials => "invalid_credentials",
            Self::TooManyAttempts => "too_many_attempts",
            Self::NotAllowed => "not_allowed",
            Self::Overloaded => "overloaded",
            Self::Failed => "failed",
        }
    }

    fn place(self) -> usize {
        self as usize
    }
}

/// How a refresh ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshEnd {
    /// A token was turned, or exchanged.
    Rotated,
    /// The reply was lost and is given again.
    Repeated,
    /// A session secret was answered; nothing turned.
    Kept,
    /// A retired token was shown; its session was ended.
    Reused,
    /// An old attempt: a newer token is out.
    Superseded,
    /// The session ran out.
    Expired,
    /// The session was over.
    Ended,
    /// Too many turns in a moment, or from one network.
    Busy,
    /// None of ours, or not to be had by whoever asks.
    Invalid,
    /// Store, clock or dice failed.
    Failed,
}

impl RefreshEnd {
    /// Of what stopped it.
    pub const fn of(stopped: &Stopped) -> Self {
        match stopped {
            Stopped::Refused(Refusal::RefreshReused) => Self::Reused,
            Stopped::Refused(Refusal::RefreshSuperseded) => Self::Superseded,
            Stopped::Refused(
                Refusal::RefreshExpired | Refusal::SessionExpired | Refusal::Token(Rejection::TokenExpired),
            ) => Self::Expired,
            Stopped::Refused(
                Refusal::SessionEnded | Refusal::Token(Rejection::TokenRevoked | Rejection::TokenStale),
            ) => Self::Ended,
            Stopped::Refused(Refusal::RefreshBusy | Refusal::TooManyAttempts(_)) => Self::Busy,
            Stopped::Refused(_) => Self::Invalid,
            Stopped::Store(_) | Stopped::Overloaded | Stopped::Clock | Stopped::NoEntropy | Stopped::Contended => {
                Self::Failed
            }
        }
    }
}

impl Label for RefreshEnd {
    const KEY: &'static str = "outcome";
    const ALL: &'static [Self] = &[
        Self::Rotated,
        Self::Repeated,
        Self::Kept,
        Self::Reused,
        Self::Superseded,
        Self::Expired,
        Self::Ended,
        Self::Busy,
        Self::Invalid,
        Self::Failed,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Rotated => "rotated",
            Self::Repeated => "repeated",
            Self::Kept => "kept",
            Self::Reused => "reused",
            Self::Superseded => "superseded",
            Self::Expired => "expired",
            Self::Ended => "ended",
            Self::Busy => "busy",
            Self::Invalid => "invalid",
            Self::Failed => "failed",
        }
    }

    fn place(self) -> usize {
        self as usize
    }
}

/// What was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A session secret.
    Secret,
    /// An access token.
    AccessToken,
}

impl Label for Credential {
    const KEY: &'static str = "credential";
    const ALL: &'static [Self] = &[Self::Secret, Self::AccessToken];

    fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::AccessToken => "access_token",
        }
    }

    fn place(self) -> usize {
        self as usize
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckEnd {
    /// It is good.
    Good,
    /// No session has this secret, or the token is not good.
    Invalid,
    /// It ran out.
    Expired,
    /// It was ended or revoked.
    Revoked,
    /// Store, clock or dice failed.
    Failed,
}

impl CheckEnd {
    /// Of what stopped it.
    pub const fn of(stopped: &Stopped) -> Self {
        match stopped {
            Stopped::Refused(Refusal::SessionExpired | Refusal::Token(Rejection::TokenExpired)) => Self::Expired,
            Stopped::Refused(
                Refusal::SessionEnded | Refusal::Token(Rejection::TokenRevoked | Rejection::TokenStale),
            ) => Self::Revoked,
            Stopped::Refused(_) => Self::Invalid,
            Stopped::Store(_) | Stopped::Overloaded | Stopped::Clock | Stopped::NoEntropy | Stopped::Contended => {
                Self::Failed
            }
        }
    }
}

impl Label for CheckEnd {
    const KEY: &'static str = "outcome";
    const ALL: &'static [Self] = &[Self::Good, Self::Invalid, Self::Expired, Self::Revoked, Self::Failed];

    fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Invalid => "invalid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Failed => "failed",
        }
    }

    fn place(self) -> usize {
        self as usize
    }
}

/// Whether a session's record was at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It was.
    Hit,
    /// It was read from the store.
    Miss,
}

impl Label for Found {
    const KEY: &'static str = "outcome";
    const ALL: &'static [Self] = &[Self::Hit, Self::Miss];

    fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
        }
    }

    fn place(self) -> usize {
        self as usize
    }
}

/// A port of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// For everybody.
    Public,
    /// For the operator's instruments.
    Management,
}

impl Label for Port {
    const KEY: &'static str = "port";
    const ALL: &'static [Self] = &[Self::Public, Self::Management];

    fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Management => "management",
        }
    }

    fn place(self) -> usize {
        self as usize
    }
}

impl Label for Algorithm {
    const KEY: &'static str = "algorithm";
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.name()
    }

    fn place(self) -> usize {
        self as usize
    }
}

impl Label for Strategy {
    const KEY: &'static str = "strategy";
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.name()
    }

    fn place(self) -> usize {
        self as usize
    }
}

impl Label for EndReason {
    const KEY: &'static str = "reason";
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.name()
    }

    fn place(self) -> usize {
        self as usize
    }
}

impl Label for Scope {
    const KEY: &'static str = "scope";
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.code()
    }

    fn place(self) -> usize {
        self as usize
    }
}

impl Label for Kind {
    const KEY: &'static str = "kind";
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.name()
    }

    fn place(self) -> usize {
        self as usize
    }
}

impl Label for End {
    const KEY: &'static str = "outcome";
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.name()
    }

    fn place(self) -> usize {
        self as usize
    }
}

impl Label for By {
    const KEY: &'static str = "limit";
    const ALL: &'static [Self] = &[Self::Account, Self::Address];

    fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Address => "address",
        }
    }

    fn place(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<L: Label>() {
        for (place, label) in L::ALL.iter().enumerate() {
            assert_eq!(label.place(), place, "{}", label.word());
            assert_eq!(L::ALL.iter().filter(|other| other.word() == label.word()).count(), 1, "{}", label.word());
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            assert!(label.word().bytes().all(plain), "{}: it stands in quotes as it is", label.word());
        }
    }

    #[test]
    fn every_word_has_a_place_of_its_own() {
        check::<()>();
        check::<Who>();
        check::<SignInEnd>();
        check::<RefreshEnd>();
        check::<Credential>();
        check::<CheckEnd>();
        check::<Found>();
        check::<Port>();
        check::<Algorithm>();
        check::<Strategy>();
        check::<EndReason>();
        check::<Scope>();
        check::<Kind>();
        check::<End>();
        check::<By>();
    }
}
