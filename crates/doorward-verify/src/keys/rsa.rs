//! RSA public keys: two numbers, and what makes them too weak to be believed.

use super::KeyError;

/// Bytes of the largest modulus, and so of the longest signature: 8192 bits.
pub(crate) const LONGEST_MODULUS: usize = 1024;
/// Bits of the smallest modulus (RFC 7518 section 3.3).
const SHORTEST_MODULUS_BITS: usize = 2048;
/// Bytes of the longest exponent; nobody uses more than the three of 65537.
const LONGEST_EXPONENT: usize = 4;

/// The primes whose products the library of CVE-2017-15361 multiplied by; for keys of every size it made, 3 to 167 are
/// among them.
const ROCA_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// The key as DER (`RSAPublicKey`, RFC 8017 appendix A.1.1), if its numbers are fit: big-endian, as short as can be
/// (RFC 7518 section 6.3.1), odd, of 2048 to 8192 bits and 3 to 2^32.
pub(super) fn der(n: &[u8], e: &[u8]) -> Result<Vec<u8>, KeyError> {
    for number in [n, e] {
        // A leading zero would be a second spelling of the number; an even number is no modulus and no exponent.
        if number.first().is_none_or(|&byte| byte == 0) || number.last().is_none_or(|byte| byte % 2 == 0) {
            return Err(KeyError::PublicInvalid);
        }
    }
    if n.len() > LONGEST_MODULUS || e.len() > LONGEST_EXPONENT {
        return Err(KeyError::PublicInvalid);
    }
    let bits = n.len() * 8 - n[0].leading_zeros() as usize;
    if bits < SHORTEST_MODULUS_BITS || e == [1] || is_roca(n) {
        return Err(KeyError::PublicWeak);
    }
    let numbers = [integer(n), integer(e)].concat();
    Ok(element(0x30, &numbers))
}

/// How many bytes a signature of this modulus has.
pub(super) const fn signature_length(n: &[u8]) -> usize {
    n.len()
}

fn integer(number: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if number[0] & 0x80 == 0 { &[] } else { &[0] };
    element(2, &[sign, number].concat())
}

/// One element of DER (X.690 section 8.1), of at most 65535 bytes.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = (content.len() as u16).to_be_bytes();
    let head: &[u8] = match content.len() {
        0..0x80 => &[tag, low],
        0x80..0x100 => &[tag, 0x81, low],
        _ => &[tag, 0x82, high, low],
    };
    [head, content].concat()
}

/// Does the modulus look as if made by the library of CVE-2017-15361? Its primes were powers of 65537 modulo the small
/// primes, so their product is one too, modulo each of them; of other keys not one in 2^27 is (Nemec et al., "The Return
/// of Coppersmith's Attack", section 2.3).
fn is_roca(n: &[u8]) -> bool {
    ROCA_PRIMES.iter().all(|&prime| {
        let remainder = n.iter().fold(0, |held, &byte| (held << 8 | u32::from(byte)) % prime);
        let mut power = 1;
        (0..prime).any(|_| {
            power = power * 65537 % prime;
            power == remainder
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A power of 65537, as long as a modulus, with some bits more or less in its last byte.
    fn power_of_65537(change: u8) -> Vec<u8> {
        let mut number = vec![1_u8];
        for _ in 0..128 {
            // Times 65537: the number itself, and once more two bytes further up.
            let shifted = [&number[..], &[0, 0]].concat();
            let mut carry = 0;
            let summed = shifted.iter().rev().enumerate().map(|(place, &byte)| {
                let own = if place < number.len() { number[number.len() - 1 - place] } else { 0 };
                let sum = u16::from(byte) + u16::from(own) + carry;
                carry = sum >> 8;
                sum as u8
            });
            let mut bytes: Vec<u8> = summed.collect();
            bytes.reverse();
            number = bytes;
        }
        let last = number.len() - 1;
        number[last] ^= change;
        number
    }

    #[test]
    fn a_modulus_that_is_a_power_of_65537_modulo_every_small_prime_is_weak() {
        let e = [1, 0, 1];
        assert_eq!(der(&power_of_65537(0), &e), Err(KeyError::PublicWeak), "CVE-2017-15361");
        for change in [2, 4, 6, 8, 0x10, 0x20, 0x40, 0x80] {
            assert!(der(&power_of_65537(change), &e).is_ok(), "{change}");
        }
        for place in 1..256 {
            let mut other = power_of_65537(0);
            other[place] ^= 0x10;
            assert!(der(&other, &e).is_ok(), "byte {place}");
        }
    }

    #[test]
    fn an_exponent_has_four_bytes_at_most() {
        let n = power_of_65537(2);
        assert!(der(&n, &[0xff, 0xff, 0xff, 0xff]).is_ok());
        assert_eq!(der(&n, &[1, 0, 0, 0, 1]), Err(KeyError::PublicInvalid));
    }

    #[test]
    fn a_length_is_written_in_as_few_bytes_as_can_be() {
        let head = |length: usize| {
            let whole = element(4, &vec![7; length]);
            whole[..whole.len() - length].to_vec()
        };
        assert_eq!(head(0), [4, 0]);
        assert_eq!(head(0x7f), [4, 0x7f]);
        assert_eq!(head(0x80), [4, 0x81, 0x80]);
        assert_eq!(head(0xff), [4, 0x81, 0xff]);
        assert_eq!(head(0x100), [4, 0x82, 1, 0]);
        assert_eq!(head(0x1234), [4, 0x82, 0x12, 0x34]);
    }
}
