//! What the checks find in the database: load what they look at, and let them look.

use doorward_core::user::Email;

use super::Stopped;
use crate::checks::{DEMO_EMAIL, Finding, clients, table};
use crate::door::Door;

/// Looks at the clients, and for what a demo leaves behind.
///
/// # Errors
/// Only what stops the store.
pub async fn database(door: &Door) -> Result<Vec<Finding>, Stopped> {
    let mut found = clients::look(&door.directory().clients().await?, &door.settings().issuer);
    if let Some(email) = Email::parse(DEMO_EMAIL)
        && let Some(user) = door.directory().user_by_email(email.key()).await?
        && user.suspended_at.is_none()
    {
        found.push(Finding::new(&table::DEMO_ACCOUNT, DEMO_EMAIL));
    }
    Ok(found)
}
