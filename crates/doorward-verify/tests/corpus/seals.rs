//! Signatures that are numbers out of range, of another length, or of something else.

use doorward_verify::{Algorithm, base64url};

use super::world::{encode, good, header, is_random};
use super::{Corpus, PUBLIC};
use crate::signer::payload;

const INVALID: &str = "signature_invalid";

/// The order of P-256 (SEC 2): r and s are from 1 to one less.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
/// The order of the base point of Ed25519, little-endian (RFC 8032 section 5.1).
const EDWARDS: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) fn add(corpus: &mut Corpus) {
    psychic(corpus);
    malleable(corpus);
    rsa(corpus);
    lengths(corpus);
    moved(corpus);
}

fn seal(corpus: &Corpus, algorithm: Algorithm) -> (String, Vec<u8>) {
    let token = corpus.world.mint(algorithm);
    let (signed, seal) = token.rsplit_once('.').unwrap();
    (signed.to_owned(), base64url::decode(seal).unwrap())
}

fn signed_as(signed: &str, seal: &[u8]) -> String {
    format!("{signed}.{}", base64url::encode(seal))
}

fn psychic(corpus: &mut Corpus) {
    let mut one = [0; 32];
    one[31] = 1;
    let values = [("0", [0; 32]), ("1", one), ("n", ORDER), ("max", [0xff; 32])];
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let (signed, _) = seal(corpus, algorithm);
        let word = if algorithm == Algorithm::Es256 { "es256" } else { "eddsa" };
        for (r_name, r) in values {
            for (s_name, s) in values {
                let token = signed_as(&signed, &[r, s].concat());
                corpus.add("sig/psychic", format!("{word} r={r_name} s={s_name}"), token, INVALID);
            }
        }
    }
}

/// The other spelling of a signature, where the algorithm's rules leave one.
fn malleable(corpus: &mut Corpus) {
    let (signed, mut s_plus) = seal(corpus, Algorithm::EdDsa);
    let mut carry = 0;
    for (byte, more) in s_plus[32..].iter_mut().zip(EDWARDS) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    corpus.add("sig/malleable", "eddsa s+L", signed_as(&signed, &s_plus), INVALID);
    let (signed, mut flipped) = seal(corpus, Algorithm::EdDsa);
    flipped[31] ^= 0x80;
    corpus.add("sig/malleable", "eddsa sign of R", signed_as(&signed, &flipped), INVALID);
    let (signed, raw) = seal(corpus, Algorithm::Es256);
    let der = [&[0x30, 70, 2, 33, 0], &raw[..32], &[2, 33, 0], &raw[32..]].concat();
    corpus.add("sig/malleable", "es256 in DER", signed_as(&signed, &der), INVALID).stable = false;
    let swapped = [&raw[32..], &raw[..32]].concat();
    corpus.add("sig/malleable", "es256 s before r", signed_as(&signed, &swapped), INVALID).stable = false;
}

fn rsa(corpus: &mut Corpus) {
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        let (signed, good) = seal(corpus, algorithm);
        let length = good.len();
        let mut one = vec![0; length];
        one[length - 1] = 1;
        for (name, bad) in
            [("zeros", vec![0; length]), ("one", one), ("ones", vec![0xff; length]), ("1024 bytes", vec![1; 1024])]
        {
            let name = format!("{} {name}", algorithm.name());
            corpus.add("sig/rsa", name, signed_as(&signed, &bad), INVALID);
        }
        let reversed: Vec<_> = good.iter().rev().copied().collect();
        let case =
            corpus.add("sig/rsa", format!("{} reversed", algorithm.name()), signed_as(&signed, &reversed), INVALID);
        case.stable = !is_random(algorithm);
    }
}

fn lengths(corpus: &mut Corpus) {
    for algorithm in PUBLIC {
        let (signed, good) = seal(corpus, algorithm);
        for (name, bad) in [
            ("without its last byte", good[..good.len() - 1].to_vec()),
            ("without its first byte", good[1..].to_vec()),
            ("with a zero before", [&[0], &good[..]].concat()),
            ("with a zero behind", [&good[..], &[0]].concat()),
            ("twice", good.repeat(2)),
            ("half", good[..good.len() / 2].to_vec()),
            ("one byte", vec![0]),
            ("4000 bytes", vec![1; 4000]),
        ] {
            let name = format!("{} {name}", algorithm.name());
            corpus.add("sig/length", name, signed_as(&signed, &bad), INVALID).stable = !is_random(algorithm);
        }
    }
}

/// A good signature over something else.
fn moved(corpus: &mut Corpus) {
    for algorithm in PUBLIC {
        let (signed, good_seal) = seal(corpus, algorithm);
        let other = format!("{}.{}", encode(&header(algorithm)), encode(&payload("usr_", "adm_")));
        let spaced = format!("{}.{}", encode(&header(algorithm).replace(',', ", ")), encode(&good()));
        let mut flipped = good_seal.clone();
        flipped[5] ^= 1;
        for (name, text, seal) in [
            ("over another payload", &other, &good_seal),
            ("over another spelling of the header", &spaced, &good_seal),
            ("with one bit changed", &signed, &flipped),
        ] {
            let name = format!("{} {name}", algorithm.name());
            corpus.add("sig/moved", name, signed_as(text, seal), INVALID).stable = !is_random(algorithm);
        }
        // Row 22: what is said of a bad signature is that, though the token has expired too.
        let expired = format!("{}.{}", encode(&header(algorithm)), encode(&payload("1800000600", "1")));
        let name = format!("{} expired and badly signed", algorithm.name());
        corpus.add("sig/moved", name, signed_as(&expired, &good_seal), INVALID).stable = !is_random(algorithm);
    }
}
