//! What the checks find in the database: load what they look at, and let them look.

use doorward_core::advice::Answers;
use doorward_core::user::Email;

use super::Stopped;
use crate::checks::{DEMO_EMAIL, Finding, asked, clients, table};
use crate::door::Door;

/// Looks at the clients, also by what was asked of them, and for what a demo leaves behind.
///
/// # Errors
/// Only what stops the store.
pub async fn database(door: &Door, answers: &Answers) -> Result<Vec<Finding>, Stopped> {
    let issuer = &door.settings().issuer;
    let (all, verifiers) = (door.directory().clients().await?, door.directory().verifiers().await?);
    let listening = verifiers.iter().filter(|verifier| verifier.removed_at.is_none());
    let followed: Vec<&str> = listening.flat_map(|verifier| verifier.audiences(issuer)).collect();
    let mut found = clients::look(&all, issuer);
    found.extend(asked::clients(answers, &all, &followed, issuer));
    if let Some(email) = Email::parse(DEMO_EMAIL)
        && let Some(user) = door.directory().user_by_email(email.key()).await?
        && user.suspended_at.is_none()
    {
        found.push(Finding::new(&table::DEMO_ACCOUNT, DEMO_EMAIL));
    }
    Ok(found)
}
