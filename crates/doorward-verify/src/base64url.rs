//! base64url without padding (RFC 4648 section 5, RFC 7515 section 2), canonical: one byte string has one spelling.
//!
//! Padding, whitespace, foreign characters, a length of 4n+1 and non-zero trailing bits are refused. Were they not, one
//! token would have many texts.

use base64_simd::{AsOut as _, URL_SAFE_NO_PAD};

/// Decodes `text` into the front of `out`; gives that front. `None` if `text` is not canonical or `out` is too small.
pub fn decode_into<'a>(text: &[u8], out: &'a mut [u8]) -> Option<&'a mut [u8]> {
    let needed = URL_SAFE_NO_PAD.decoded_length(text).ok()?;
    let room = out.get_mut(..needed)?;
    URL_SAFE_NO_PAD.decode(text, room.as_out()).ok()
}

/// Decodes `text` into fresh memory; `None` if it is not canonical.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode_to_vec(text).ok()
}

/// Says whether `text` is canonical, without decoding it.
pub fn is_canonical(text: &[u8]) -> bool {
    URL_SAFE_NO_PAD.check(text).is_ok()
}

/// Encodes `bytes` into fresh text.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// Encodes `bytes` and appends the text to `out`.
pub fn encode_to(bytes: &[u8], out: &mut Vec<u8>) {
    URL_SAFE_NO_PAD.encode_append(bytes, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// The slow, plain way, to compare with.
    fn decode_bit_by_bit(text: &[u8]) -> Option<Vec<u8>> {
        let (mut held, mut bits, mut out) = (0_u32, 0, Vec::new());
        for letter in text {
            held = held << 6 | u32::try_from(ALPHABET.iter().position(|known| known == letter)?).ok()?;
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                out.push((held >> bits) as u8);
                held &= (1 << bits) - 1;
            }
        }
        (bits < 6 && held == 0).then_some(out)
    }

    #[test]
    fn only_the_canonical_spelling_is_read() {
        for good in ["", "AA", "AAA", "AAAA", "-_-_", "Zm9vYmE"] {
            assert!(decode(good).is_some(), "{good}");
            assert!(is_canonical(good.as_bytes()), "{good}");
        }
        let bad =
            ["A", "AAAAA", "AA==", "AAA=", "AA\n", " AA", "A A", "AB", "AAB", "+/+/", "AA.", "Zm9vYmF", "AA\u{e9}"];
        for text in bad {
            assert_eq!(decode(text), None, "{text:?}");
            assert!(!is_canonical(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn too_little_room_is_no_panic() {
        assert_eq!(decode_into(b"AAAA", &mut [0; 2]), None);
        assert_eq!(decode_into(b"AAAA", &mut [9; 4]), Some(&mut [0, 0, 0][..]));
    }

    proptest! {
        #[test]
        fn bytes_survive_their_text(bytes: Vec<u8>) {
            let text = encode(&bytes);
            prop_assert_eq!(decode(&text), Some(bytes.clone()));
            let mut appended = b"x".to_vec();
            encode_to(&bytes, &mut appended);
            prop_assert_eq!(&appended[1..], text.as_bytes());
        }

        #[test]
        fn any_text_is_read_as_the_plain_way_reads_it(text in "[A-Za-z0-9_=+/\\- -]{0,90}") {
            prop_assert_eq!(decode(&text), decode_bit_by_bit(text.as_bytes()));
            prop_assert_eq!(is_canonical(text.as_bytes()), decode(&text).is_some());
        }

        #[test]
        fn one_strange_character_anywhere_is_seen(mut text in "[A-Za-z0-9_-]{64}", at in 0..64_usize, strange: u8) {
            let fits = ALPHABET.contains(&strange);
            if strange.is_ascii() {
                text.replace_range(at..=at, &char::from(strange).to_string());
                prop_assert_eq!(is_canonical(text.as_bytes()), fits);
            }
        }
    }
}
