//! Data of a session: small JSON values under keys, for carts, drafts and preferences (S0-17).

use core::fmt;

use crate::id::SessionId;
use crate::session::Session;

/// The largest value, in bytes.
pub const VALUE_LARGEST: usize = 16 * 1024;
/// How deep a value may be nested.
pub const VALUE_DEEPEST: usize = 64;
/// How many keys a session has at most.
pub const KEYS_MOST: usize = 64;
/// How many bytes of values a session has at most.
pub const TOTAL_LARGEST: usize = 64 * 1024;

/// The name of a value: `[A-Za-z0-9._-]{1,64}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataKey(String);

impl DataKey {
    /// Reads a key.
    pub fn parse(text: &str) -> Option<Self> {
        let fits =
            (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
        fits.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value at its version.
#[derive(Clone, PartialEq, Eq)]
pub struct Datum {
    /// The JSON text.
    pub value: Vec<u8>,
    /// Grows with every change of the session's data; never used twice.
    pub version: u64,
    /// Does it come along when a guest signs in?
    pub keep: bool,
}

impl fmt::Debug for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Datum(v{}, {} bytes)", self.version, self.value.len())
    }
}

/// What stands on a session's shelf, without the values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shelf {
    /// The revision that was read.
    pub revision: u64,
    /// Keys with version and size in bytes.
    pub items: Vec<(DataKey, u64, usize)>,
}

/// What the request says about the value that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Anything,
    /// `If-Match: "v7"`.
    Version(u64),
    /// `If-None-Match: *`.
    Nothing,
}

/// Why data is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not there.
    NotFound,
    /// It is not as expected.
    VersionMismatch,
    /// One key or one byte too many.
    QuotaExceeded,
    /// The value is over 16 KiB.
    TooLarge,
}

/// A change of data: `value` is `None` to remove. Only if the shelf is still at revision `from`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataChange {
    /// Whose.
    pub session: SessionId,
    /// The revision it starts from.
    pub from: u64,
    /// Where.
    pub key: DataKey,
    /// What; its version is the new revision.
    pub value: Option<Datum>,
}

/// Puts a value.
///
/// # Errors
/// [`Refusal::TooLarge`], [`Refusal::VersionMismatch`], [`Refusal::QuotaExceeded`]; nothing changes.
pub fn put(
    session: &Session,
    shelf: &Shelf,
    key: DataKey,
    value: Vec<u8>,
    keep: bool,
    expect: Expect,
) -> Result<DataChange, Refusal> {
    if value.len() > VALUE_LARGEST {
        return Err(Refusal::TooLarge);
    }
    let there = shelf.items.iter().find(|(name, ..)| *name == key);
    match (expect, there) {
        (Expect::Version(version), Some((_, found, _))) if version == *found => {}
        (Expect::Anything, _) | (Expect::Nothing, None) => {}
        _ => return Err(Refusal::VersionMismatch),
    }
    let replaced = there.map_or(0, |(_, _, size)| *size);
    let total: usize = shelf.items.iter().map(|(_, _, size)| size).sum();
    let keys = shelf.items.len() + usize::from(there.is_none());
    if keys > KEYS_MOST || total - replaced + value.len() > TOTAL_LARGEST {
        return Err(Refusal::QuotaExceeded);
    }
    let version = shelf.revision + 1;
    Ok(DataChange { session: session.id, from: shelf.revision, key, value: Some(Datum { value, version, keep }) })
}

/// Removes a value.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::VersionMismatch`]; nothing changes.
pub fn remove(session: &Session, shelf: &Shelf, key: DataKey, expect: Expect) -> Result<DataChange, Refusal> {
    let there = shelf.items.iter().find(|(name, ..)| *name == key);
    match (expect, there) {
        (Expect::Anything, None) => Err(Refusal::NotFound),
        (Expect::Anything, Some(_)) => Ok(()),
        (Expect::Version(version), Some((_, found, _))) if version == *found => Ok(()),
        _ => Err(Refusal::VersionMismatch),
    }?;
    Ok(DataChange { session: session.id, from: shelf.revision, key, value: None })
}
