//! The revocation feed on the wire: its events and requests, how they are written, read, and known to be genuine.
//!
//! Pure: bytes in, typed values out, and the other way round; both ends use it, so neither can mean something else.
//! `docs/flows/feed.md` is the contract. A server writes an event once ([`Written`]) and adds a tag for each connection; a
//! verifier cuts the stream ([`Cutter`]), opens what it cut under its [`StreamKey`], and gets an [`Event`].

use core::{fmt, str::FromStr};

use crate::base64url;

mod entry;
mod event;
mod ping;
mod snapshot;
mod tag;
mod value;
mod wire;

pub use entry::{read_entry, write_entry};
pub use event::{Bump, Echo, Event, Hello, Need, Range, VERSION};
pub use ping::{LONGEST_PING, MOST_SEEN, Ping};
pub use snapshot::{CONTENT_TYPE, LONGEST_SNAPSHOT, Snapshot, SnapshotError, Statement};
#[cfg(feature = "follow")]
pub(crate) use tag::sha256;
pub use tag::{Place, StreamKey};
pub use wire::{Cutter, LONGEST_EVENT, Sealed, Written};

/// One running copy of a verifier; drawn at its start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance(pub [u8; 16]);

/// One stream of one connection; drawn by the server when it opens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub [u8; 16]);

/// A set of signing keys as it is served: the first 16 bytes of the SHA-256 of its text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetId(pub [u8; 16]);

impl SetId {
    /// Of the text of a set.
    pub fn of(text: &[u8]) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&tag::sha256(text)[..16]);
        Self(id)
    }
}

/// Why what came was not one of our events. Whoever sees one drops the connection and applies nothing of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    /// More bytes than any event has.
    TooLarge,
    /// Not the form of an event, or not the JSON that belongs to its name.
    Malformed,
    /// The tag is wrong, or the event is not the one that is due: nobody with our key wrote it here.
    Forged,
}

impl Broken {
    /// Every reason there is.
    pub const ALL: [Self; 3] = [Self::TooLarge, Self::Malformed, Self::Forged];

    /// The stable code, in snake case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "event_too_large",
            Self::Malformed => "event_malformed",
            Self::Forged => "event_forged",
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "an event of the feed is too large",
            Self::Malformed => "an event of the feed cannot be read",
            Self::Forged => "an event of the feed is not genuine",
        })
    }
}

impl core::error::Error for Broken {}

/// The text is not 22 characters of canonical base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameError;

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not 22 characters of canonical base64url")
    }
}

impl core::error::Error for NameError {}

/// Reads 16 bytes in base64url, in their one spelling.
fn sixteen(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    let found = base64url::decode_into(text.as_bytes(), &mut bytes)?.len();
    (found == 16).then_some(bytes)
}

/// Declares how a name of 16 bytes is written and read: in base64url, in its one spelling.
macro_rules! name {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base64url::encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                sixteen(text).map(Self).ok_or(NameError)
            }
        }
    };
}

name!(Instance);
name!(StreamId);
name!(SetId);

#[cfg(test)]
mod tests;
