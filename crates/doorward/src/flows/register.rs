//! Sign up: a new account. It does not sign in.

use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{AddUser, DirectoryChange};
use doorward_core::id::UserId;
use doorward_core::password::{self, Chosen};
use doorward_core::role::Roles;
use doorward_core::user::{Email, User};
use doorward_store::Committed;
use zeroize::Zeroizing;

use super::{Refusal, Stopped, notice};
use crate::door::{Door, Origin};
use crate::throttle::Purpose;

/// An account to be.
#[derive(Debug)]
pub struct Registration {
    /// Its address.
    pub email: Email,
    /// Its password, as typed.
    pub password: Zeroizing<String>,
    /// What the person wants to be called.
    pub name: Option<String>,
    /// What the person is to the applications; nobody gives themselves any.
    pub roles: Roles,
}

/// Makes an account, if anybody may or an operator does.
///
/// # Errors
/// [`Refusal::SignupClosed`], [`Refusal::PasswordWeak`], [`Refusal::PasswordKnown`], [`Refusal::EmailTaken`]. A taken address costs a hash as a free
/// one does.
pub async fn register(door: &Door, new: Registration, by: Actor, from: &Origin) -> Result<User, Stopped> {
    if by != Actor::Operator && !door.settings().signup_open {
        return Err(Refusal::SignupClosed.into());
    }
    let chosen = accept(&new.password, &new.email, new.name.as_deref())?;
    if by != Actor::Operator {
        notice::ask(door, Purpose::SignUp, from).await?;
    }
    let phc = door.hashing().hash(chosen, door.draw()?).await?;
    let user =
        User { roles: new.roles, ..User::new(UserId::from_bytes(door.draw()?), new.email, new.name, door.now()) };
    let mut event = door.event(Kind::UserCreated, by, from)?;
    event.who = Some(user.id);
    let change = DirectoryChange::AddUser(Box::new(AddUser { user: user.clone(), phc }));
    match door.cached().commit_durable(change, event).await? {
        Committed::Done(_) => Ok(user),
        Committed::Conflict => Err(Refusal::EmailTaken.into()),
    }
}

/// May this be the password of a person with this address and name?
pub(super) fn accept(password: &str, email: &Email, name: Option<&str>) -> Result<Chosen, Stopped> {
    let local = email.typed().split('@').next().unwrap_or_default();
    let words = [email.typed(), local, name.unwrap_or_default()];
    Chosen::accept(password, &words).map_err(|refusal| {
        Stopped::Refused(match refusal {
            password::Refusal::Length | password::Refusal::Guessable => Refusal::PasswordWeak,
            password::Refusal::Known => Refusal::PasswordKnown,
        })
    })
}
