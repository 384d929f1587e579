//! The order of steps, one verb a file: load, ask a rule, commit one change.
//!
//! Flows know nothing of HTTP. What stops one is a [`Stopped`]: our no, or the environment's.

pub mod acknowledge;
pub mod audit;
pub mod authenticate;
pub mod check;
pub mod checks;
pub mod clients;
pub mod data;
pub mod everybody;
pub mod feed;
mod guess;
pub mod import;
pub mod introspect;
pub mod issue;
pub mod keys;
mod lead;
pub mod list;
pub mod login;
mod names;
mod notice;
pub mod password;
pub mod patience;
pub mod record;
pub mod refresh;
pub mod register;
pub mod revoke;
pub mod roles;
pub mod verifiers;

use doorward_core::client::Unfit;
use doorward_core::key;
use doorward_core::{Rejection, data as shelf, login as signing_in, refresh as turning, session};
use doorward_store::StoreError;

use crate::throttle::Throttled;

/// How often a flow loads and decides again after losing a race, before it gives up.
const ATTEMPTS: usize = 8;

/// What stops a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// We said no.
    Refused(Refusal),
    /// The store could not.
    Store(StoreError),
    /// The queue of the hash pool is full.
    Overloaded,
    /// The clock went back by more than a minute: nothing is minted.
    Clock,
    /// The machine gives no random bytes.
    NoEntropy,
    /// Lost every race; nothing changed.
    Contended,
}

/// Our no. Each has its code, status and sentence in `http/problem.rs`, and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing was shown.
    NoCredentials,
    /// Unknown account, wrong password, suspended account, or wrong client secret.
    InvalidCredentials,
    /// No session has this secret.
    SessionUnknown,
    /// The session ran out.
    SessionExpired,
    /// The session was ended.
    SessionEnded,
    /// The access token is not good.
    Token(Rejection),
    /// The refresh token is not ours, or not this client's, or there is nothing to exchange.
    RefreshInvalid,
    /// The refresh token was used before by another attempt; its session is ended.
    RefreshReused,
    /// An old attempt: the client has a newer token already.
    RefreshSuperseded,
    /// The session behind the refresh token ran out.
    RefreshExpired,
    /// Too many turns in a moment.
    RefreshBusy,
    /// Two credentials, two sessions.
    AmbiguousCredentials,
    /// Known, but not allowed.
    Forbidden,
    /// No such client, or it may not do this.
    ClientUnknown,
    /// The client does not allow this transport.
    TransportNotAllowed,
    /// This realm does not let anybody sign up.
    SignupClosed,
    /// There is an account with this address.
    EmailTaken,
    /// The password is too short, too long or guessable.
    PasswordWeak,
    /// The password is one that everybody tries.
    PasswordKnown,
    /// The value is at another version.
    VersionMismatch,
    /// One key or byte too many.
    QuotaExceeded,
    /// The value is too large.
    TooLarge,
    /// It is not there, or not yours.
    NotFound,
    /// There is a client with this id.
    ClientTaken,
    /// No client can be like that.
    ClientUnfit(Unfit),
    /// Guessed too often, or from where too many come.
    TooManyAttempts(Throttled),
    /// The keys cannot be turned now.
    KeysNotReady(key::Refusal),
    /// There is a verifier with this name.
    VerifierTaken,
    /// Everybody's turn over a time is not over yet.
    SpreadUnderWay,
    /// A verifier asks for a longer lease or grace than the realm grants.
    LeaseTooLong,
    /// A verifier claims to hold what was never sent.
    AppliedAhead,
}

impl From<Refusal> for Stopped {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Rejection> for Stopped {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(Refusal::Token(rejection))
    }
}

impl From<session::Refusal> for Stopped {
    fn from(refusal: session::Refusal) -> Self {
        Self::Refused(match refusal {
            session::Refusal::Unknown => Refusal::SessionUnknown,
            session::Refusal::Ended => Refusal::SessionEnded,
            session::Refusal::Expired => Refusal::SessionExpired,
        })
    }
}

impl From<Unfit> for Stopped {
    fn from(unfit: Unfit) -> Self {
        Self::Refused(Refusal::ClientUnfit(unfit))
    }
}

impl From<key::Refusal> for Stopped {
    fn from(refusal: key::Refusal) -> Self {
        Self::Refused(Refusal::KeysNotReady(refusal))
    }
}

impl From<signing_in::Refusal> for Stopped {
    fn from(refusal: signing_in::Refusal) -> Self {
        Self::Refused(match refusal {
            signing_in::Refusal::InvalidCredentials => Refusal::InvalidCredentials,
            signing_in::Refusal::ClientUnknown => Refusal::ClientUnknown,
            signing_in::Refusal::TransportNotAllowed => Refusal::TransportNotAllowed,
        })
    }
}

impl From<turning::Refusal> for Stopped {
    fn from(refusal: turning::Refusal) -> Self {
        Self::Refused(match refusal {
            turning::Refusal::Invalid => Refusal::RefreshInvalid,
            turning::Refusal::Ended => Refusal::SessionEnded,
            turning::Refusal::Expired => Refusal::RefreshExpired,
            turning::Refusal::Superseded => Refusal::RefreshSuperseded,
            turning::Refusal::Busy => Refusal::RefreshBusy,
            turning::Refusal::Reused => Refusal::RefreshReused,
        })
    }
}

impl From<shelf::Refusal> for Stopped {
    fn from(refusal: shelf::Refusal) -> Self {
        Self::Refused(match refusal {
            shelf::Refusal::NotFound => Refusal::NotFound,
            shelf::Refusal::VersionMismatch => Refusal::VersionMismatch,
            shelf::Refusal::QuotaExceeded => Refusal::QuotaExceeded,
            shelf::Refusal::TooLarge => Refusal::TooLarge,
        })
    }
}
