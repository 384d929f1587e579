//! Which application is asking, and may it?

use std::sync::Arc;

use doorward_core::client::{Client, ClientKind};
use doorward_core::id::ClientId;
use doorward_core::secret::SecretHash;

use super::{Refusal, Stopped};
use crate::door::Door;

/// What a request says of its application.
#[derive(Debug, Default)]
pub struct Application {
    /// The name in the body.
    pub named: Option<ClientId>,
    /// Name and secret by HTTP Basic (RFC 6749 section 2.3.1).
    pub basic: Option<(ClientId, SecretHash)>,
}

/// Finds the application, and lets a confidential one prove itself. Without any name it is `otherwise`.
///
/// # Errors
/// [`Refusal::ClientUnknown`], also for one that is switched off; [`Refusal::InvalidCredentials`] for a missing or wrong
/// secret, or two different names.
pub fn authenticate(door: &Door, shown: &Application, otherwise: &ClientId) -> Result<Arc<Client>, Stopped> {
    let named = shown.named.as_ref();
    let by_secret = shown.basic.as_ref().map(|(id, _)| id);
    if let (Some(one), Some(other)) = (named, by_secret)
        && one != other
    {
        return Err(Refusal::InvalidCredentials.into());
    }
    let client = door.client(by_secret.or(named).unwrap_or(otherwise)).ok_or(Refusal::ClientUnknown)?;
    let proven = match (client.kind, &shown.basic) {
        (ClientKind::Public, None) => true,
        (ClientKind::Confidential, Some((_, secret))) => client.knows(secret),
        (ClientKind::Public, Some(_)) | (ClientKind::Confidential, None) => false,
    };
    if proven { Ok(client) } else { Err(Refusal::InvalidCredentials.into()) }
}
