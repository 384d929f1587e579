//! Roles of a person: set by an operator, seen by everybody who checks.

use doorward_core::Strength;
use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{DirectoryChange, SetRoles};
use doorward_core::feed::Draft;
use doorward_core::id::UserId;
use doorward_core::role::Roles;
use doorward_core::user::User;
use doorward_store::Committed;

use super::names::Names;
use super::{ATTEMPTS, Refusal, Stopped};
use crate::door::{Door, Origin};

/// Sets all roles of a person. In the same step verifiers are told that what they know of this person is out of date:
/// records are read again, access tokens are renewed, and nobody is signed out. Setting what is set changes nothing.
///
/// # Errors
/// [`Refusal::NotFound`].
pub async fn set(door: &Door, user: UserId, roles: Roles, from: &Origin) -> Result<User, Stopped> {
    for _ in 0..ATTEMPTS {
        let found = door.directory().user(user).await?.ok_or(Refusal::NotFound)?;
        if found.roles == roles {
            return Ok(found);
        }
        let mut event = door.event(Kind::RolesSet, Actor::Operator, from)?;
        event.who = Some(user);
        event.detail = Some(roles.as_str().to_owned());
        let names = Names::hold(door).await?;
        let draft = Draft::subject(names.of(user), Strength::RefreshRequired);
        let change = SetRoles { user, from: found.version, roles: roles.clone(), draft };
        if let Committed::Done(_) = names.commit(DirectoryChange::SetRoles(change), event).await? {
            // Whoever sets them next has the last word.
            return Ok(door.directory().user(user).await?.ok_or(Refusal::NotFound)?);
        }
    }
    Err(Stopped::Contended)
}
