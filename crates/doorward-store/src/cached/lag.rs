//! What was committed and could not be read back: until it can, nothing is answered from what is kept here.

use std::sync::atomic::{AtomicU64, Ordering};

use doorward_core::id::ClientId;

use super::Cached;
use crate::{Committed, StoreError};

/// How often what was committed could not be read back, and how many of these times have been made good.
#[derive(Debug, Default)]
pub(super) struct Lag {
    failed: AtomicU64,
    mended: AtomicU64,
    mending: tokio::sync::Mutex<()>,
}

impl Lag {
    /// Once more it could not.
    pub(super) fn notice(&self) {
        self.failed.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn is_there(&self) -> bool {
        self.failed.load(Ordering::Acquire) > self.mended.load(Ordering::Acquire)
    }
}

impl Cached {
    /// Takes in what a commit has changed: ends first.
    pub(super) async fn learn(
        &self,
        committed: &Result<Committed, StoreError>,
        client: Option<&ClientId>,
        of_verifiers: bool,
    ) -> Result<(), StoreError> {
        let directory = &*self.stores.directory;
        match committed {
            Ok(Committed::Done(receipt)) => self.feed.publish(directory, receipt).await?,
            Ok(Committed::Conflict) => {}
            // It may have been committed all the same: what the feed says counts.
            Err(_) => self.feed.catch_up_and_publish(directory).await?,
        }
        if let Some(id) = client {
            self.reload(id).await?;
        }
        if of_verifiers {
            self.reload_verifiers().await?;
        }
        Ok(())
    }

    /// Is something committed that could not be read back yet? Then records are not answered from, and no lease is
    /// granted: see [`Self::current`].
    pub fn is_behind(&self) -> bool {
        self.lag.is_there()
    }

    /// Makes sure that what is known here is what the store has, by reading again what could not be read after a commit.
    ///
    /// # Errors
    /// [`StoreError`]: it still cannot be read.
    pub async fn current(&self) -> Result<(), StoreError> {
        if !self.lag.is_there() {
            return Ok(());
        }
        // One reads for all who wait.
        let _turn = self.lag.mending.lock().await;
        let failed = self.lag.failed.load(Ordering::Acquire);
        if failed == self.lag.mended.load(Ordering::Acquire) {
            return Ok(());
        }
        self.feed.catch_up_and_publish(&*self.stores.directory).await?;
        self.reload_clients().await?;
        self.reload_verifiers().await?;
        self.lag.mended.fetch_max(failed, Ordering::AcqRel);
        Ok(())
    }
}
