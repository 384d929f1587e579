//! The keys in use, who may turn them, and who speaks of people by names that are made with them.

use std::sync::{Arc, PoisonError, RwLock};

use doorward_core::key::Masters;

use crate::keys::Keys;

/// The keys of a door.
pub(crate) struct Ring {
    keys: RwLock<Arc<Keys>>,
    /// Lent to one at a time, so that keys are turned one after the other.
    vault: tokio::sync::Mutex<Masters>,
    naming: Arc<tokio::sync::RwLock<Naming>>,
}

/// Shared by all who say something of a person in the feed, from when they make the name until it is said; held alone by
/// whoever turns the handle key. So nothing is said under a name that the tokens of the meantime do not carry.
#[derive(Debug, Default)]
pub(crate) struct Naming {
    /// Names changed and not everybody was told to renew what carries the old ones: that comes before anything else.
    pub(crate) owes_renewal: bool,
}

/// Names stay as they are while this is held.
pub(crate) type Still = tokio::sync::OwnedRwLockReadGuard<Naming>;
/// Nobody else makes a name while this is held.
pub(crate) type Renaming = tokio::sync::OwnedRwLockWriteGuard<Naming>;

impl Ring {
    pub(crate) fn new(keys: Keys, masters: Masters) -> Self {
        let (keys, vault) = (RwLock::new(Arc::new(keys)), tokio::sync::Mutex::new(masters));
        Self { keys, vault, naming: Arc::default() }
    }

    pub(crate) fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    pub(crate) async fn vault(&self) -> tokio::sync::MutexGuard<'_, Masters> {
        self.vault.lock().await
    }

    pub(crate) async fn still(&self) -> Still {
        Arc::clone(&self.naming).read_owned().await
    }

    pub(crate) async fn renaming(&self) -> Renaming {
        Arc::clone(&self.naming).write_owned().await
    }
}
