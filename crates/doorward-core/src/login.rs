//! Signing in: who may open a session, and with which proof.

use crate::client::{Client, Transport};
use crate::password::Correct;
use crate::session::{self, Drawn, Methods, Opening, Session};
use crate::user::User;

/// The most sessions of one person that are alive.
pub const MOST_SESSIONS: usize = 100;

/// Which of a person's living sessions make room for one more: of those beyond the most there may be, the ones used longest
/// ago.
pub fn crowded_out(alive: &[Session]) -> Vec<&Session> {
    let mut by_use: Vec<_> = alive.iter().collect();
    by_use.sort_by_key(|session| (session.last_seen_at, session.created_at));
    by_use.truncate((alive.len() + 1).saturating_sub(MOST_SESSIONS));
    by_use
}

/// Why nobody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such account, or a wrong password, or a suspended account: the answer is the same.
    InvalidCredentials,
    /// The client is not first-party, or is switched off: it may not be handed a password.
    ClientUnknown,
    /// The client does not allow this transport.
    TransportNotAllowed,
}

/// May this client take a password and hand out credentials so?
///
/// # Errors
/// [`Refusal::ClientUnknown`] or [`Refusal::TransportNotAllowed`].
pub fn admit(client: &Client, transport: Transport) -> Result<(), Refusal> {
    if !client.first_party || client.disabled_at.is_some() {
        return Err(Refusal::ClientUnknown);
    }
    if !client.allows(transport) {
        return Err(Refusal::TransportNotAllowed);
    }
    Ok(())
}

/// Somebody who proved who they are.
#[derive(Debug)]
pub struct Proven<'a> {
    user: &'a User,
    amr: Methods,
}

/// Weighs a password's verdict and the account's state.
///
/// # Errors
/// [`Refusal::InvalidCredentials`], whatever was wrong.
pub fn prove(user: Option<&User>, verdict: Option<Correct>) -> Result<Proven<'_>, Refusal> {
    match (user, verdict) {
        (Some(user), Some(Correct { .. })) if user.is_active() => Ok(Proven { user, amr: Methods::PASSWORD }),
        _ => Err(Refusal::InvalidCredentials),
    }
}

impl Proven<'_> {
    /// Opens a session. Always a new one: an id or a secret from before the sign-in is never kept (ASVS 7.2.4).
    pub fn open(self, opening: Opening<'_>, drawn: Drawn) -> Session {
        session::open(Some(self.user), self.amr, opening, drawn)
    }
}

/// Opens a session for a guest.
pub fn open_guest(opening: Opening<'_>, drawn: Drawn) -> Session {
    session::open(None, Methods::NONE, opening, drawn)
}
