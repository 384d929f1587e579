//! What the index is keyed by: 128 bits, whatever the text of the thing is.

use core::{
    fmt,
    hash::{Hash, Hasher},
};

use aws_lc_rs::digest::{SHA256, digest};

/// How many buckets the sessions of a realm fall into, for revoking a part of them.
pub const BUCKETS: u16 = 4096;

/// The 128 bits that stand for a session, token, client, key or a person's handle.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub [u8; 16]);

impl Key {
    /// The one key of [`Scope::Realm`](super::Scope::Realm).
    pub const REALM: Self = Self([0; 16]);

    /// The key of a text. Our own ids (three letters, `_`, 26 characters of lower-case Crockford base32 whose two spare
    /// bits are zero) give the 128 bits they spell; any other text gives the first 16 bytes of its SHA-256.
    pub fn of(text: &str) -> Self {
        Self(spelled(text.as_bytes()).unwrap_or_else(|| hashed(text.as_bytes())))
    }

    /// The key of the bucket that a session falls into: the first two bytes of the session's key, big-endian, modulo
    /// [`BUCKETS`].
    pub const fn bucket_of(session: Self) -> Self {
        Self::bucket(u16::from_be_bytes([session.0[0], session.0[1]]))
    }

    /// The key of a bucket by number: the number modulo [`BUCKETS`], big-endian, in the last two bytes.
    pub const fn bucket(number: u16) -> Self {
        let [high, low] = (number % BUCKETS).to_be_bytes();
        let mut bytes = [0; 16];
        bytes[14] = high;
        bytes[15] = low;
        Self(bytes)
    }

    /// The number of the bucket that this is the key of.
    pub(super) const fn bucket_number(self) -> usize {
        (u16::from_be_bytes([self.0[14], self.0[15]]) % BUCKETS) as usize
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(u128::from_le_bytes(self.0));
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:032x})", u128::from_be_bytes(self.0))
    }
}

/// Hashes a [`Key`] with one multiplication. Enough, because keys are random or hashed before they come here, and only
/// the server puts any in: nobody can choose keys that collide.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u128(u128::from(byte));
        }
    }

    fn write_u128(&mut self, number: u128) {
        let folded = self.0 ^ (number as u64) ^ (number >> 64) as u64;
        // hashbrown takes its tag from the top bits and its place from the low ones; both halves of the product feed both.
        let product = u128::from(folded) * 0x9e37_79b9_7f4a_7c15_u128;
        self.0 = (product as u64) ^ (product >> 64) as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Value of each letter of Crockford's base32 in lower case; 255 for everything else.
const LETTERS: [u8; 256] = {
    let alphabet = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut table = [255; 256];
    let mut value = 0;
    while value < alphabet.len() {
        table[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    table
};

fn spelled(text: &[u8]) -> Option<[u8; 16]> {
    let (prefix, body) = text.split_first_chunk::<4>()?;
    let body: &[u8; 26] = body.try_into().ok()?;
    if prefix[3] != b'_' || !prefix[..3].iter().all(u8::is_ascii_lowercase) {
        return None;
    }
    let (mut number, mut seen) = (0_u128, 0);
    for &letter in body {
        let value = LETTERS[usize::from(letter)];
        seen |= value;
        number = number << 5 | u128::from(value & 31);
    }
    // 26 letters carry 130 bits; an id has 128.
    (seen < 32 && LETTERS[usize::from(body[0])] < 8).then(|| number.to_be_bytes())
}

fn hashed(text: &[u8]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest(&SHA256, text).as_ref()[..16]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn our_ids_are_their_own_keys() {
        assert_eq!(Key::of("ses_7zzzzzzzzzzzzzzzzzzzzzzzzz"), Key([0xff; 16]));
        assert_eq!(Key::of("tok_00000000000000000000000001").0[15], 1);
        assert_eq!(Key::of("ses_0000000000000000000000000g"), Key::of("usr_0000000000000000000000000g"));
    }

    #[test]
    fn every_other_text_is_hashed() {
        // SHA-256("abc"), FIPS 180-4.
        let abc = [0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23];
        assert_eq!(Key::of("abc"), Key(abc));
        let almost = [
            "ses_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "ses_7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
            "ses-7zzzzzzzzzzzzzzzzzzzzzzzzz",
            "Ses_7zzzzzzzzzzzzzzzzzzzzzzzzz",
            "ses_7zzzzzzzzzzzzzzzzzzzzzzzz",
            "ses_7zzzzzzzzzzzzzzzzzzzzzzzzzz",
            "ses_7zzzzzzzzzzzzzzzzzzzzzzzzu",
            "",
        ];
        for text in almost {
            assert_eq!(Key::of(text).0, hashed(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_bucket_is_two_bytes_modulo_4096() {
        let mut session = [7; 16];
        session[..2].copy_from_slice(&0xf123_u16.to_be_bytes());
        assert_eq!(Key::bucket_of(Key(session)), Key::bucket(0x123));
        assert_eq!(Key::bucket(0x123).0[14..], [0x01, 0x23]);
        assert_eq!(Key::bucket(4096), Key::REALM, "number nought, in its own scope");
    }

    #[test]
    fn every_bit_of_a_key_counts_for_its_place() {
        let hash = |bytes: [u8; 16]| {
            let mut hasher = KeyHasher::default();
            Key(bytes).hash(&mut hasher);
            hasher.finish()
        };
        for start in [[0; 16], [0xff; 16], [0x5a; 16], core::array::from_fn(|place| (place * 41) as u8)] {
            for bit in 0..128 {
                let mut other = start;
                other[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(hash(start), hash(other), "bit {bit}");
                // hashbrown takes its tag from the top bits and its place from the low ones.
                assert_ne!(hash(start) >> 40, hash(other) >> 40, "bit {bit}, at the top");
                assert_ne!(hash(start) & 0xff_ffff, hash(other) & 0xff_ffff, "bit {bit}, below");
            }
        }
    }

    #[test]
    fn what_is_hashed_in_pieces_depends_on_each() {
        let hash = |pieces: &[&[u8]]| {
            let mut hasher = KeyHasher::default();
            pieces.iter().for_each(|piece| hasher.write(piece));
            hasher.finish()
        };
        assert_eq!(hash(&[&[7, 8], &[9]]), hash(&[&[7, 8, 9]]));
        for other in [&[6, 8, 9][..], &[7, 0, 9], &[7, 8, 1], &[7, 8, 8], &[7, 8], &[8, 7, 9]] {
            assert_ne!(hash(&[&[7, 8, 9]]), hash(&[other]), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_key(text: String) {
            prop_assert_eq!(Key::of(&text), Key::of(&text));
        }
    }
}
