//! What server and load both know without telling each other: sessions are numbered, and everything drawn for one is a
//! hash of its number.

use doorward_core::id::{SessionId, UserId};
use doorward_core::secret::{Secret, SecretKind, sha256};

/// How many sessions share a user.
const SESSIONS_PER_USER: u64 = 4;

/// The client that the sessions of strategy hybrid belong to.
pub(crate) const HYBRID: &str = "bench-hybrid";
/// The file with their refresh tokens, a line each.
pub(crate) const TOKENS: &str = "refresh-tokens.txt";
/// The file with access tokens, a line each.
pub(crate) const ACCESS: &str = "access-tokens.txt";
/// The file with the secret of the verifier that is registered.
pub(crate) const VERIFIER: &str = "verifier.txt";
/// The password of everybody who has one.
pub(crate) const PASSWORD: &str = "copper-lantern-41";
/// The database.
pub(crate) const DATABASE: &str = "doorward.db";

fn drawn(what: &str, number: u64) -> [u8; 32] {
    sha256(&[b"doorward bench", what.as_bytes(), &number.to_be_bytes()])
}

/// 16 bytes drawn for something.
pub(crate) fn short(what: &str, number: u64) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&drawn(what, number)[..16]);
    short
}

/// A session's id.
pub(crate) fn session(number: u64) -> SessionId {
    SessionId::from_bytes(short("session", number))
}

/// A session's user.
pub(crate) fn user_of(number: u64) -> UserId {
    user(number / SESSIONS_PER_USER)
}

/// A user's id.
pub(crate) fn user(number: u64) -> UserId {
    UserId::from_bytes(short("user", number))
}

/// A user's address.
pub(crate) fn email(number: u64) -> String {
    format!("person-{number}@example.test")
}

/// A user's name.
pub(crate) fn name(number: u64) -> String {
    format!("Person {number}")
}

/// How a session's device is called, and from where it is used.
pub(crate) const DEVICE: (&str, &str) = ("Chrome on Linux", "203.0.113.77");

/// How many bytes of text a session's record has that are only told, on average: device, address, e-mail address, name.
pub(crate) fn told(sessions: u64) -> f64 {
    let people = (0..users(sessions)).map(|number| email(number).len() + name(number).len()).sum::<usize>();
    (DEVICE.0.len() + DEVICE.1.len()) as f64 + people as f64 / users(sessions) as f64
}

/// How many users so many sessions have.
pub(crate) const fn users(sessions: u64) -> u64 {
    sessions.div_ceil(SESSIONS_PER_USER)
}

/// A session's secret.
pub(crate) fn secret(number: u64) -> Secret {
    Secret::from_bytes(drawn("secret", number))
}

/// The text of a session's secret, as the cookie carries it.
pub(crate) fn secret_text(number: u64) -> String {
    SecretKind::Session.text(&secret(number))
}

/// Walks over all numbers below `count`, each once, far from the order they were made in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shuffle {
    count: u64,
    stride: u64,
}

impl Shuffle {
    /// Of `count` numbers.
    pub(crate) fn of(count: u64) -> Self {
        let count = count.max(1);
        let golden = (count as f64 * 0.618_033_988) as u64;
        let stride = (golden.max(1)..).find(|stride| coprime(*stride, count)).unwrap_or(1);
        Self { count, stride }
    }

    /// The number at a place.
    pub(crate) const fn at(self, place: u64) -> u64 {
        (((place % self.count) as u128 * self.stride as u128) % self.count as u128) as u64
    }
}

const fn coprime(mut one: u64, mut other: u64) -> bool {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one == 1
}

/// Numbers that look random (SplitMix64), for choosing whom to ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice(u64);

impl Choice {
    /// From a seed.
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `count`.
    pub(crate) const fn below(&mut self, count: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((mixed as u128 * count as u128) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_visits_every_number_once() {
        for count in [1, 2, 64, 100, 997, 10_000] {
            let shuffle = Shuffle::of(count);
            let mut seen: Vec<u64> = (0..count).map(|place| shuffle.at(place)).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..count).collect::<Vec<_>>(), "{count}");
        }
    }

    #[test]
    fn choices_stay_below_their_bound_and_reach_it() {
        let mut choice = Choice::seeded(1);
        let mut seen = [false; 7];
        for _ in 0..1000 {
            seen[choice.below(7) as usize] = true;
        }
        assert_eq!(seen, [true; 7]);
    }
}
