//! What people are called in the feed, while something is said of them.

use std::sync::Arc;

use doorward_core::Key;
use doorward_core::audit::{Actor, Event};
use doorward_core::change::DirectoryChange;
use doorward_core::id::UserId;
use doorward_store::{Committed, StoreError};

use super::{Stopped, everybody};
use crate::door::{Door, Origin};
use crate::keys::Keys;
use crate::ring::Still;

/// The names in use. The handle key does not turn while this is held, and [`Names::commit`] holds it until what it says is
/// durable: a token that carries another name was minted after it.
pub(super) struct Names<'a> {
    door: &'a Door,
    keys: Arc<Keys>,
    still: Still,
}

impl std::fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names(..)")
    }
}

impl<'a> Names<'a> {
    /// Waits for a handle key that is being turned.
    ///
    /// # Errors
    /// See [`settle`].
    pub(super) async fn hold(door: &'a Door) -> Result<Self, Stopped> {
        let still = loop {
            let still = door.ring().still().await;
            if !still.owes_renewal {
                break still;
            }
            drop(still);
            settle(door).await?;
        };
        Ok(Self { door, keys: door.keys(), still })
    }

    /// The name of a user.
    pub(super) fn of(&self, user: UserId) -> Key {
        self.keys.handle_of(user)
    }

    /// Commits what was said under these names, and lets them go when it is durable, also where nobody waits for it any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn commit(self, change: DirectoryChange, event: Event) -> Result<Committed, StoreError> {
        let Self { door, still, .. } = self;
        door.cached().commit_durable_and(change, event, move || drop(still)).await
    }
}

/// Tells everybody to renew what carries old names, where that was not done when the names changed.
///
/// # Errors
/// What stops the store from telling them; whoever speaks of people next tries again.
pub(super) async fn settle(door: &Door) -> Result<(), Stopped> {
    if !door.ring().still().await.owes_renewal {
        return Ok(());
    }
    let mut renaming = door.ring().renaming().await;
    if renaming.owes_renewal {
        everybody::renew(door, Actor::Doorward, &Origin::default()).await?;
        renaming.owes_renewal = false;
    }
    Ok(())
}
