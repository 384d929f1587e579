//! Known devices: a browser that somebody once signed in with may try their password without waiting for strangers.
//!
//! What it holds is `dwd_` + base64url(random 16 ‖ MAC 32) + checksum. The MAC is HMAC-SHA-256 under the handle key, over
//! words that no other use of that key has, the user and the random; nothing is stored. It proves no sign-in and opens
//! nothing: it only chooses by which tally a wrong password is counted (`throttle`).

use core::fmt;

use subtle::ConstantTimeEq;

use crate::id::UserId;
use crate::secret::{Secret, mac, read_text, write_text};

const PREFIX: &str = "dwd_";
/// Characters of 48 bytes in base64url.
const BODY: usize = 64;

/// A known device: the random that names it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Device([u8; 16]);

impl Device {
    /// Takes 16 drawn bytes.
    pub const fn from_bytes(drawn: [u8; 16]) -> Self {
        Self(drawn)
    }

    /// Gives them.
    pub const fn bytes(&self) -> [u8; 16] {
        self.0
    }

    /// The text that the device of a user holds.
    pub fn text(&self, handle: &Secret, user: UserId) -> String {
        let mut bytes = self.0.to_vec();
        bytes.extend_from_slice(&self.tag(handle, user));
        write_text(PREFIX, &bytes)
    }

    /// Reads a text; `None` if it is no device of this user. Compares in constant time.
    pub fn parse(handle: &Secret, user: UserId, text: &str) -> Option<Self> {
        let mut bytes = [0; 48];
        let read = read_text(PREFIX, text, BODY, &mut bytes)?;
        let (random, tag) = bytes.split_first_chunk::<16>()?;
        let device = Self(*random);
        let is_theirs = bool::from(device.tag(handle, user).ct_eq(tag));
        (read == 48 && is_theirs).then_some(device)
    }

    fn tag(&self, handle: &Secret, user: UserId) -> [u8; 32] {
        mac(handle, &[b"known device 1", &user.bytes(), &self.0])
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Device(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [3; 32];

    #[test]
    fn a_device_is_known_to_its_user_under_its_key_and_to_nobody_else() {
        let (key, ada, bea) = (Secret::from_bytes(KEY), UserId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
        let device = Device::from_bytes([7; 16]);
        let text = device.text(&key, ada);
        assert!(text.starts_with(PREFIX) && text.len() == PREFIX.len() + BODY + 6);
        assert_eq!(Device::parse(&key, ada, &text), Some(device));
        assert_eq!(Device::parse(&key, bea, &text), None, "another user");
        assert_eq!(Device::parse(&Secret::from_bytes([4; 32]), ada, &text), None, "another key");
    }

    #[test]
    fn a_forged_device_with_a_good_checksum_is_none() {
        let (key, ada) = (Secret::from_bytes(KEY), UserId::from_bytes([1; 16]));
        let genuine = Device::from_bytes([7; 16]);
        for place in 0..48 {
            let mut bytes = [genuine.bytes().as_slice(), &genuine.tag(&key, ada)].concat();
            bytes[place] ^= 1;
            assert_eq!(Device::parse(&key, ada, &write_text(PREFIX, &bytes)), None, "byte {place}");
        }
        let text = genuine.text(&key, ada);
        for cut in 0..text.len() {
            assert_eq!(Device::parse(&key, ada, &text[..cut]), None);
        }
    }
}
