//! What an operator looks at: sessions that are alive, people page by page.

use doorward_core::id::UserId;
use doorward_core::session::Session;
use doorward_core::user::{Email, User};

use super::{Refusal, Stopped, revoke};
use crate::door::Door;

/// The newest `limit` sessions that are alive: of one user, or of everybody.
///
/// # Errors
/// [`Refusal::NotFound`] if there is no such user.
pub async fn sessions(door: &Door, of: Option<UserId>, limit: u32) -> Result<Vec<Session>, Stopped> {
    let now = door.now();
    if let Some(user) = of {
        door.directory().user(user).await?.ok_or(Refusal::NotFound)?;
        let mut sessions = revoke::alive_of(door, user, now).await?;
        sessions.truncate(limit as usize);
        return Ok(sessions);
    }
    let mut alive = Vec::new();
    for session in door.sessions().sessions_newest(limit, now).await? {
        let epochs = door.directory().epochs(session.user, &session.client).await?;
        if session.check(epochs, now).is_ok() {
            alive.push(session);
        }
    }
    Ok(alive)
}

/// Which users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one with this address.
    Email(Email),
    /// At most so many after an id, in the order of ids.
    After(Option<UserId>, u32),
}

/// Users.
///
/// # Errors
/// Only what stops the store.
pub async fn users(door: &Door, which: &Which) -> Result<Vec<User>, Stopped> {
    Ok(match which {
        Which::Email(email) => door.directory().user_by_email(email.key()).await?.into_iter().collect(),
        Which::After(id, limit) => door.directory().users_after(*id, *limit).await?,
    })
}
