//! SQLite: one file in a data folder, one writer, readers beside it.
//!
//! Every change goes through one thread that commits what is queued together ([`writer`]); reads run where they are
//! asked for ([`readers`]). The layout is in `migrations/sqlite/`; only this module knows it.

mod addresses;
mod cells;
mod client_rows;
mod connection;
mod data_rows;
mod directory_changes;
mod epochs;
mod failure_rows;
mod fault;
mod key_rows;
mod lock;
mod log;
#[cfg(test)]
mod look_ups;
mod mark;
mod migrations;
mod opening;
mod readers;
mod realm_rows;
mod ring;
mod scratch;
mod session_changes;
mod session_rows;
mod sweep;
mod user_rows;
mod verifier_rows;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use doorward_core::audit::{Event, Link};
use doorward_core::change::{DirectoryChange, SessionChange};
use doorward_core::client::Client;
use doorward_core::data::{DataKey, Datum, Shelf};
use doorward_core::feed::Line;
use doorward_core::id::{ClientId, SessionId, UserId};
use doorward_core::key::KeyRecord;
use doorward_core::secret::SecretHash;
use doorward_core::session::{Epochs, Session};
use doorward_core::throttle::{Failures, Whose};
use doorward_core::user::User;
use doorward_core::verifier::VerifierRecord;
use doorward_core::{Position, Timestamp};

use self::lock::Lock;
pub use self::mark::Unproven;
use self::opening::OldCopy;
pub use self::opening::{IF_OLD, OpenError, TO_DO_AGAIN};
use self::readers::Readers;
use self::scratch::Scratch;
pub use self::writer::QUEUE as WRITER_QUEUE;
use self::writer::{Change, Writer};
use crate::tally::Figures;
use crate::{Committed, Credential, Directory, Opening, Realm, Sessions, StoreError};

/// A store in one file.
///
/// Dropping it commits what is queued, copies the write-ahead log into the file and frees the folder; that takes some
/// milliseconds and blocks the thread.
pub struct Sqlite {
    // In the order in which they are dropped: the folder is freed when nothing of it is open any more.
    readers: Readers,
    writer: Writer,
    database: [u8; 16],
    path: PathBuf,
    resumed_from: Position,
    regressed: Option<Position>,
    unproven: Option<Unproven>,
    _lock: Lock,
    _scratch: Option<Scratch>,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sqlite")
    }
}

impl Sqlite {
    /// Opens the database in a data folder; makes folder and database if they are missing. Blocks the thread.
    ///
    /// # Errors
    /// [`OpenError`]: each names the file, the reason and what to do. Then nothing was changed.
    pub fn open(folder: &Path, opening: Opening) -> Result<Self, OpenError> {
        Self::open_as(folder, opening, OldCopy::EndsEverybody)
    }

    /// The same for somebody who has put an old copy back and means it: nobody is signed out for that.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_restored(folder: &Path, opening: Opening) -> Result<Self, OpenError> {
        Self::open_as(folder, opening, OldCopy::IsMeant)
    }

    /// The same for somebody who has no say in what becomes of an old copy: a look at it must not settle that.
    ///
    /// # Errors
    /// As [`Self::open`], and [`OpenError::OldCopy`].
    pub fn open_unless_old(folder: &Path, opening: Opening) -> Result<Self, OpenError> {
        Self::open_as(folder, opening, OldCopy::IsRefused)
    }

    fn open_as(folder: &Path, opening: Opening, old_copy: OldCopy) -> Result<Self, OpenError> {
        let opening::Opened { lock, path, file, mark, database, resumed_from, regressed, unproven } =
            opening::open(folder, opening, old_copy)?;
        let readers = Readers::open(&path).map_err(|error| opening::refused(&path, error.into()))?;
        let writer =
            Writer::start(path.clone(), file, mark, database).map_err(|fault| opening::refused(&path, fault))?;
        Ok(Self { readers, writer, database, path, resumed_from, regressed, unproven, _lock: lock, _scratch: None })
    }

    /// How far the feed had got before somebody put an old copy of the database back, if somebody did.
    pub const fn regressed(&self) -> Option<Position> {
        self.regressed
    }

    /// Why nobody can tell whether this is an old copy, if nobody can.
    pub const fn unproven(&self) -> Option<Unproven> {
        self.unproven
    }

    /// Opens an empty database that is gone when it is dropped, for tests: in memory where the system has a file system
    /// there, so that it is the same code as for a real one.
    ///
    /// # Errors
    /// [`OpenError::Io`].
    pub fn open_in_memory(opening: Opening) -> Result<Self, OpenError> {
        let scratch = Scratch::make()?;
        let opened = Self::open(scratch.folder(), opening)?;
        Ok(Self { _scratch: Some(scratch), ..opened })
    }

    /// The process that has a data folder open, if one has. It can be asked through its socket.
    pub fn holder(folder: &Path) -> Option<u32> {
        lock::holder(folder)
    }

    /// The id that the database was made with.
    pub const fn database(&self) -> [u8; 16] {
        self.database
    }
}

#[async_trait]
impl Sessions for Sqlite {
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.readers.ask(|file| session_rows::find(file, id))
    }

    async fn session_by_secret(&self, hash: &SecretHash) -> Result<Option<Session>, StoreError> {
        self.readers.ask(|file| session_rows::find_by_secret(file, hash))
    }

    async fn sessions_of(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        self.readers.ask(|file| session_rows::of_user(file, user, now))
    }

    async fn sessions_newest(&self, limit: u32, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        self.readers.ask(|file| session_rows::newest(file, limit, now))
    }

    async fn shelf(&self, id: SessionId) -> Result<Shelf, StoreError> {
        self.readers.ask(|file| data_rows::shelf(file, id))
    }

    async fn datum(&self, id: SessionId, key: &DataKey) -> Result<Option<Datum>, StoreError> {
        self.readers.ask(|file| data_rows::datum(file, id, key))
    }

    async fn sessions_open(&self) -> Result<u64, StoreError> {
        self.readers.ask(session_rows::open)
    }

    async fn failures(&self, limit: u32) -> Result<Vec<(Whose, Failures)>, StoreError> {
        self.readers.ask(|file| failure_rows::all(file, limit))
    }

    async fn commit(&self, change: SessionChange) -> Result<Committed, StoreError> {
        self.writer.commit(Change::Hot(change)).await
    }
}

#[async_trait]
impl Directory for Sqlite {
    async fn head(&self) -> Result<Position, StoreError> {
        self.readers.ask(log::head)
    }

    async fn resumed_from(&self) -> Result<Position, StoreError> {
        Ok(self.resumed_from)
    }

    async fn realm(&self) -> Result<Realm, StoreError> {
        self.readers.ask(realm_rows::read)
    }

    async fn verifiers(&self) -> Result<Vec<VerifierRecord>, StoreError> {
        self.readers.ask(verifier_rows::all)
    }

    async fn feed_after(&self, place: Position, limit: u32) -> Result<Vec<Line>, StoreError> {
        self.readers.ask(|file| log::lines_after(file, place, limit))
    }

    async fn epochs(&self, user: Option<UserId>, client: &ClientId) -> Result<Epochs, StoreError> {
        self.readers.ask(|file| epochs::latest(file, user, client))
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.readers.ask(|file| user_rows::find(file, id))
    }

    async fn user_by_email(&self, key: &str) -> Result<Option<User>, StoreError> {
        self.readers.ask(|file| user_rows::find_by_email(file, key))
    }

    async fn users_after(&self, id: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        self.readers.ask(|file| user_rows::after(file, id, limit))
    }

    async fn credential(&self, user: UserId) -> Result<Option<Credential>, StoreError> {
        self.readers.ask(|file| user_rows::credential(file, user))
    }

    async fn password_schemes(&self, most: u32) -> Result<Vec<(String, u64)>, StoreError> {
        self.readers.ask(|file| user_rows::schemes(file, most))
    }

    async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        self.readers.ask(|file| client_rows::find(file, id))
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        self.readers.ask(client_rows::all)
    }

    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        self.readers.ask(key_rows::all)
    }

    async fn audit_after(&self, number: u64, limit: u32) -> Result<Vec<Link>, StoreError> {
        self.readers.ask(|file| log::links_after(file, number, limit))
    }

    async fn audit_before(&self, number: u64, limit: u32) -> Result<Vec<Link>, StoreError> {
        self.readers.ask(|file| log::links_before(file, number, limit))
    }

    async fn commit_durable(&self, change: DirectoryChange, event: Event) -> Result<Committed, StoreError> {
        self.writer.commit(Change::Durable(Box::new((change, event)))).await
    }

    fn is_writable(&self) -> bool {
        self.writer.is_writable()
    }

    fn figures(&self) -> Figures {
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        Figures {
            queued: self.writer.queued(),
            commits: self.writer.commits(),
            reads: self.readers.asked(),
            failed_reads: self.readers.failed(),
            file: size(&self.path),
            log: size(&self.path.with_extension("db-wal")),
        }
    }
}
