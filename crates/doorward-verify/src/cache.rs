//! A bounded memory of signatures that have held, so that the same token shown again costs no public-key arithmetic.
//!
//! An entry is sixteen bytes and says one thing: this very text was signed by this very key. Form, header, key, claims,
//! issuer, audience, times and revocations are looked at again every time, so a hit can say nothing but what the whole
//! verification says, and nobody is ever given another token's claims (GHSA-rp9m-7r4c-75qg). A key that has left
//! the set, or another key under its id, is no hit.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::VerifyingKey;

mod sip;

/// How many places an entry can have.
const WAYS: usize = 4;
/// The most entries: 256 MiB.
const MOST: usize = 1 << 24;

/// Remembers which tokens have been verified. One is enough for all threads; nothing in it ever waits.
///
/// It pays for ES256, EdDSA, RS256 and PS256. Tokens with HS256 are as quickly verified as found, and are not kept.
pub struct Cache {
    secret: [u64; 2],
    /// `WAYS` places for each set of names; their number is a power of two.
    places: Box<[Place]>,
}

/// The two halves of a name. They are read and written one after the other: that a reader sees halves of two names which
/// together are the name of a third token is as likely as that two names are equal.
#[derive(Default)]
struct Place([AtomicU64; 2]);

impl Cache {
    /// An empty memory for about `entries` tokens of 16 bytes each (rounded up to a power of two, at most 2^24). `secret`
    /// must be drawn at random and known to nobody: with it one could make two tokens of one name.
    pub fn new(secret: [u8; 16], entries: usize) -> Self {
        let count = entries.clamp(WAYS, MOST).next_power_of_two();
        let [low, high] = sip::halves(secret);
        Self { secret: [low, high], places: (0..count).map(|_| Place::default()).collect() }
    }

    /// How many tokens it can remember; never more.
    pub const fn capacity(&self) -> usize {
        self.places.len()
    }

    /// How many it remembers. Walks over all places.
    pub fn len(&self) -> usize {
        self.places.iter().filter(|place| place.read() != [0, 0]).count()
    }

    /// Whether it remembers none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What stands for this text under this key.
    pub(crate) fn name(&self, key: &VerifyingKey, token: &str) -> Name {
        let [low, high] = sip::hash(self.secret, key.fingerprint(), token.as_bytes());
        // Two zeros are an empty place.
        Name([low | 1, high])
    }

    pub(crate) fn has(&self, name: &Name) -> bool {
        self.set(name).iter().any(|place| place.read() == name.0)
    }

    /// Remembers a name, in an empty place of its set or else in one that the name itself picks.
    pub(crate) fn keep(&self, name: &Name) {
        let set = self.set(name);
        let empty = set.iter().find(|place| place.read() == [0, 0]);
        let place = empty.unwrap_or(&set[(name.0[0] >> 1) as usize % WAYS]);
        place.0[0].store(name.0[0], Ordering::Relaxed);
        place.0[1].store(name.0[1], Ordering::Relaxed);
    }

    fn set(&self, name: &Name) -> &[Place] {
        let sets = self.places.len() / WAYS;
        let from = (name.0[1] as usize & (sets - 1)) * WAYS;
        &self.places[from..from + WAYS]
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache({} places)", self.places.len())
    }
}

impl Place {
    fn read(&self) -> [u64; 2] {
        [self.0[0].load(Ordering::Relaxed), self.0[1].load(Ordering::Relaxed)]
    }
}

/// 127 bits that stand for a token and the key that signed it.
pub(crate) struct Name([u64; 2]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{canonical_header, decode_unverified};
    use crate::{Algorithm, KeySet, Rejection, Revocations, Scratch, Timestamp, TokenType, Verifier, base64url};

    /// RFC 8037 appendix A.2.
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    /// RFC 8032 section 7.1, test 2.
    const OTHER: &str = "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw";

    fn key(kid: &str) -> VerifyingKey {
        VerifyingKey::ed25519(kid, &base64url::decode(X).unwrap()).unwrap()
    }

    #[test]
    fn a_name_is_of_one_text_and_one_key() {
        let cache = Cache::new([7; 16], 100);
        let name = |key: &VerifyingKey, text: &str| cache.name(key, text).0;
        assert_eq!(name(&key("a"), "x.y.z"), name(&key("a"), "x.y.z"));
        assert_ne!(name(&key("a"), "x.y.z"), name(&key("b"), "x.y.z"));
        assert_ne!(name(&key("a"), "x.y.z"), name(&key("a"), "x.y.Z"));
        assert_ne!(name(&key("a"), "x.y.z"), name(&key("a"), "x.y.z\0"));
        assert_ne!(name(&key("a"), "x.y.z"), Cache::new([8; 16], 100).name(&key("a"), "x.y.z").0);
    }

    #[test]
    fn it_never_grows() {
        for (asked, places) in [(0, 4), (1, 4), (5, 8), (100, 128), (128, 128)] {
            let cache = Cache::new([7; 16], asked);
            assert_eq!((cache.capacity(), cache.len(), cache.is_empty()), (places, 0, true));
            for number in 0..1000 {
                let name = cache.name(&key("a"), &number.to_string());
                assert!(!cache.has(&name));
                cache.keep(&name);
                assert!(cache.has(&name));
            }
            assert_eq!((cache.len(), cache.is_empty()), (places, false));
        }
        assert_eq!(format!("{:?}", Cache::new([7; 16], 4)), "Cache(4 places)");
    }

    #[test]
    fn no_two_texts_share_half_a_name_and_none_is_an_empty_place() {
        let cache = Cache::new([7; 16], 4);
        let names: Vec<[u64; 2]> = (0..500).map(|number| cache.name(&key("a"), &format!("{number}")).0).collect();
        for (place, name) in names.iter().enumerate() {
            assert_eq!(name[0] & 1, 1, "two zeros are an empty place");
            assert!(names[..place].iter().all(|other| other[0] != name[0] && other[1] != name[1]));
        }
    }

    #[test]
    fn what_comes_into_a_full_set_may_take_any_of_its_places() {
        let cache = Cache::new([7; 16], WAYS);
        let mut taken = [0; WAYS];
        for number in 0..100 {
            let before: Vec<_> = cache.places.iter().map(Place::read).collect();
            cache.keep(&cache.name(&key("a"), &format!("{number}")));
            let changed = cache.places.iter().zip(&before).position(|(place, before)| place.read() != *before);
            taken[changed.unwrap()] += 1;
        }
        assert!(taken.iter().all(|times| (10..50).contains(times)), "{taken:?}");
    }

    #[test]
    fn what_is_remembered_spares_the_signature_and_nothing_else() {
        let keys = KeySet::new(vec![key("a")]);
        let claims = br#"{"iss":"i","sub":"s","aud":"a","client_id":"c","exp":2000,"iat":1000,"jti":"j"}"#;
        let head = canonical_header(Algorithm::EdDsa, "a", "at+jwt");
        let forged = format!("{head}.{}.{}", base64url::encode(claims), base64url::encode(&[9; 64]));
        assert_eq!(decode_unverified(&forged).unwrap().1, claims);
        let cache = Cache::new([7; 16], 100);
        let check = |keys: &KeySet, issuer: &str, now| {
            Verifier::new(issuer, "a", TokenType::AccessToken)
                .verify_with(
                    &cache,
                    &forged,
                    keys,
                    &Revocations::new(),
                    Timestamp::from_secs(now),
                    &mut Scratch::new(),
                )
                .map(drop)
        };
        assert_eq!(check(&keys, "i", 1500), Err(Rejection::SignatureInvalid));
        assert!(cache.is_empty(), "what is refused is not kept");
        // As if it had been verified.
        cache.keep(&cache.name(keys.find(b"a").unwrap(), &forged));
        assert_eq!(check(&keys, "i", 1500), Ok(()));
        assert_eq!(check(&keys, "x", 1500), Err(Rejection::IssuerUnexpected));
        assert_eq!(check(&keys, "i", 9000), Err(Rejection::TokenExpired));
        assert_eq!(check(&KeySet::default(), "i", 1500), Err(Rejection::KeyUnknown));
        let other = VerifyingKey::ed25519("a", &base64url::decode(OTHER).unwrap()).unwrap();
        assert_eq!(check(&KeySet::new(vec![other]), "i", 1500), Err(Rejection::SignatureInvalid));
    }
}
