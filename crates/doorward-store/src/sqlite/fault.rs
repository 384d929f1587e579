//! What can go wrong between us and the file, and what the caller is told of it.

use rusqlite::ErrorCode;

use crate::StoreError;

/// Something went wrong.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite says so.
    Sqlite(rusqlite::Error),
    /// A row holds what we did not write.
    Unreadable(&'static str),
    /// This code did, in the middle of a change.
    Panicked,
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Fault {
    /// Does it concern one change alone? Otherwise file or disk cannot be trusted, nor anything that was not committed.
    pub(super) fn is_of_one_change(&self) -> bool {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation),
            Self::Unreadable(_) => true,
            Self::Panicked => false,
        }
    }

    /// What the caller is told.
    pub(super) fn told(&self) -> StoreError {
        let Self::Sqlite(error) = self else {
            return match self {
                Self::Unreadable(what) => StoreError::Corrupt { what },
                _ => StoreError::Unavailable,
            };
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt { what: "doorward.db" },
            Some(ErrorCode::ConstraintViolation) => StoreError::Corrupt { what: "a constraint of doorward.db" },
            _ => StoreError::Unavailable,
        }
    }
}
