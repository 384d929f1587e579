//! Proof that an event was written by a server, for this verifier, at this place of this stream.
//!
//! Between verifier and server there may be proxies that end TLS, hold bytes back, or play them again. The tag binds an
//! event to the verifier's secret, to its instance, and to its number in the stream or in the answer to a ping: nothing
//! can be changed, left out in the middle, repeated, or moved to another stream.

use core::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::{constant_time, digest};

use super::{Broken, Instance, sixteen};
use crate::base64url;

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a stream, by its number from 0.
    Stream(u64),
    /// In the answer to ping `ping`, by its number from 0.
    Ping {
        /// The ping's number.
        ping: u64,
        /// The event's number.
        number: u64,
    },
}

impl Place {
    /// The next one in the same stream or answer.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Stream(number) => Self::Stream(number + 1),
            Self::Ping { ping, number } => Self::Ping { ping, number: number + 1 },
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(number) => write!(f, "stream:{number}"),
            Self::Ping { ping, number } => write!(f, "ping:{ping}:{number}"),
        }
    }
}

/// The key that one instance of a verifier shares with the servers.
#[derive(Clone)]
pub struct StreamKey(hmac::Key);

impl StreamKey {
    /// Of a verifier's secret, by the SHA-256 of its 32 bytes, which is what a server keeps of it, and of an instance.
    pub fn new(secret_hash: &[u8; 32], instance: &Instance) -> Self {
        let parent = hmac::Key::new(hmac::HMAC_SHA256, secret_hash);
        let own = hmac::sign(&parent, format!("doorward feed 1\0{instance}").as_bytes());
        Self(hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()))
    }

    /// The tag, as text, of an event whose JSON has this SHA-256. (The hash is what makes a tag cheap: an event is hashed
    /// once, however many connections it goes to.)
    pub(super) fn tag(&self, place: Place, event: &str, id: &str, digest: &[u8; 32]) -> [u8; 22] {
        let mut text = [0; 22];
        let tag = self.sign(place, event, id, digest);
        text.copy_from_slice(base64url::encode(&tag).as_bytes());
        text
    }

    /// Checks a tag.
    pub(super) fn check(&self, place: Place, event: &str, id: &str, json: &[u8], tag: &str) -> Result<(), Broken> {
        let shown = sixteen(tag).ok_or(Broken::Forged)?;
        let due = self.sign(place, event, id, &sha256(json));
        constant_time::verify_slices_are_equal(&shown, &due).map_err(|_| Broken::Forged)
    }

    fn sign(&self, place: Place, event: &str, id: &str, digest: &[u8; 32]) -> [u8; 16] {
        let mut message = Vec::with_capacity(128);
        message.extend_from_slice(format!("{place}\0{event}\0{id}\0").as_bytes());
        message.extend_from_slice(digest);
        let mut tag = [0; 16];
        tag.copy_from_slice(&hmac::sign(&self.0, &message).as_ref()[..16]);
        tag
    }
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamKey(..)")
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}
