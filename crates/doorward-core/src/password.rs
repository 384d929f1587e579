//! Passwords: what may be one, and Argon2id over it (RFC 9106; S1-33, S1-34).
//!
//! The functions here are slow on purpose and take their memory from the caller: they run on the bounded hash pool of
//! the server, never anywhere else.

use core::fmt;
use std::sync::LazyLock;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The fewest characters of a new password.
pub const SHORTEST: usize = 8;
/// The most characters of any password.
pub const LONGEST: usize = 256;

/// A password as somebody typed it, in NFC. Not printed, wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Typed(String);

impl Typed {
    /// Takes what was typed. `None` if it is longer than any password may be or holds a NUL: such a thing can be
    /// nobody's password, and is not hashed.
    pub fn read(text: &str) -> Option<Self> {
        let mut typed = Self(text.nfc().collect());
        let fits = typed.0.chars().count() <= LONGEST && !typed.0.contains('\0');
        if !fits {
            typed.0.zeroize();
        }
        fits.then_some(typed)
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(..)")
    }
}

/// A password that may be set.
#[derive(Debug)]
pub struct Chosen(Typed);

/// Why a password may not be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Under 8 or over 256 characters.
    Length,
    /// It is the person's own address or name.
    Guessable,
    /// Everybody tries it first.
    Known,
}

impl Chosen {
    /// Accepts a password of 8 to 256 characters that is none of `words` (the person's address, its local part, their
    /// name) and none of the 3,000 commonest, in whatever case. Nothing else is asked of it (ASVS 6.2.4, 6.2.5).
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn accept(text: &str, words: &[&str]) -> Result<Self, Refusal> {
        let typed = Typed::read(text).ok_or(Refusal::Length)?;
        if typed.0.chars().count() < SHORTEST {
            return Err(Refusal::Length);
        }
        let folded = Zeroizing::new(typed.0.to_lowercase());
        if words.iter().any(|word| word.to_lowercase() == *folded) {
            return Err(Refusal::Guessable);
        }
        if is_known(&folded) {
            return Err(Refusal::Known);
        }
        Ok(Self(typed))
    }
}

/// Is it one of the commonest, in lower case?
fn is_known(folded: &str) -> bool {
    KNOWN.binary_search(&folded).is_ok()
}

/// The commonest passwords of at least [`SHORTEST`] characters, sorted (`docs/decisions/0007-known-passwords.md`).
static KNOWN: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("../assets/known-passwords.txt").lines().collect());

/// The cost of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// 19 MiB, two passes, one lane: the floor (OWASP), and the default.
    pub const FLOOR: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    fn params(self) -> Option<Params> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(HASH)).ok()
    }

    /// How many blocks of [`Memory`] a hash at this cost takes.
    pub fn blocks(self) -> usize {
        self.params().map_or(0, |params| params.block_count())
    }
}

const HASH: usize = 32;
/// The dearest hash that is verified: what a hostile row may cost us.
const DEAREST: Cost = Cost { memory_kib: 1024 * 1024, passes: 16, lanes: 16 };

/// Memory for one hash at a time, kept between hashes and wiped by whoever keeps it.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    fn of(&mut self, blocks: usize) -> &mut [Block] {
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::default());
        }
        &mut self.0[..blocks]
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({} KiB)", self.0.len())
    }
}

/// The proof that a password was right; only [`verify`] makes one.
#[derive(Debug)]
pub struct Correct(());

/// Hashes a password with a drawn salt into a PHC string. `None` if the cost is impossible.
pub fn hash(password: &Chosen, salt: [u8; 16], cost: Cost, memory: &mut Memory) -> Option<String> {
    let tag = derive(password.0.0.as_bytes(), &salt, cost, memory)?;
    let Cost { memory_kib, passes, lanes } = cost;
    let (salt, tag) = (standard(&salt), standard(&tag));
    Some(format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${tag}"))
}

/// Verifies a password against a PHC string, over its whole length and in constant time.
///
/// `None` if it is wrong, or the string is not one of ours. A string that nobody's password can match
/// ([`decoy`]) costs as much as a real one.
pub fn verify(phc: &str, typed: &Typed, memory: &mut Memory) -> Option<Correct> {
    let (cost, salt, expected) = parse(phc)?;
    let tag = derive(typed.0.as_bytes(), &salt, cost, memory)?;
    bool::from(tag.ct_eq(&expected)).then_some(Correct(()))
}

/// A string to verify against where there is no account, so that the answer takes as long.
pub fn decoy(cost: Cost) -> String {
    let Cost { memory_kib, passes, lanes } = cost;
    let (salt, tag) = (standard(&[0; 16]), standard(&[0; HASH]));
    format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${tag}")
}

fn derive(password: &[u8], salt: &[u8], cost: Cost, memory: &mut Memory) -> Option<[u8; HASH]> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params()?);
    let mut tag = [0; HASH];
    argon2.hash_password_into_with_memory(password, salt, &mut tag, memory.of(cost.blocks())).ok()?;
    Some(tag)
}

fn parse(phc: &str) -> Option<(Cost, Vec<u8>, [u8; HASH])> {
    let mut parts = phc.strip_prefix("$argon2id$v=19$")?.split('$');
    let (params, salt, tag) = (parts.next()?, parts.next()?, parts.next()?);
    let mut numbers = params.split(',');
    let mut number = |name: &str| numbers.next()?.strip_prefix(name)?.parse::<u32>().ok();
    let cost = Cost { memory_kib: number("m=")?, passes: number("t=")?, lanes: number("p=")? };
    let dear = cost.memory_kib > DEAREST.memory_kib || cost.passes > DEAREST.passes || cost.lanes > DEAREST.lanes;
    if dear || parts.next().is_some() {
        return None;
    }
    let salt = base64_simd::STANDARD_NO_PAD.decode_to_vec(salt).ok()?;
    let tag = base64_simd::STANDARD_NO_PAD.decode_to_vec(tag).ok()?;
    Some((cost, salt, tag.try_into().ok()?))
}

fn standard(bytes: &[u8]) -> String {
    base64_simd::STANDARD_NO_PAD.encode_to_string(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cheap, for these tests alone.
    const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

    #[test]
    fn only_the_very_password_is_correct() {
        let mut memory = Memory::default();
        let chosen = Chosen::accept("copper-lantern-41", &[]).expect("a fine password");
        let phc = hash(&chosen, [7; 16], CHEAP, &mut memory).expect("a hash");
        for (typed, right) in [
            ("copper-lantern-41", true),
            ("copper-lantern-4", false),
            ("copper-lantern-411", false),
            ("Copper-lantern-41", false),
            ("", false),
        ] {
            let typed_in = Typed::read(typed).expect("readable");
            assert_eq!(verify(&phc, &typed_in, &mut memory).is_some(), right, "{typed}");
        }
    }

    #[test]
    fn the_whole_of_a_long_password_counts() {
        let mut memory = Memory::default();
        let long = "x".repeat(LONGEST);
        let phc = hash(&Chosen::accept(&long, &[]).expect("256"), [7; 16], CHEAP, &mut memory).expect("a hash");
        let other = format!("{}y", "x".repeat(LONGEST - 1));
        assert!(verify(&phc, &Typed::read(&long).expect("256"), &mut memory).is_some());
        assert!(verify(&phc, &Typed::read(&other).expect("256"), &mut memory).is_none());
        assert!(Typed::read(&"x".repeat(LONGEST + 1)).is_none());
    }

    #[test]
    fn the_same_password_in_another_composition_is_the_same() {
        let mut memory = Memory::default();
        let phc = hash(&Chosen::accept("Zoe\u{301}-lantern", &[]).expect("fine"), [7; 16], CHEAP, &mut memory);
        let typed = Typed::read("Zo\u{e9}-lantern").expect("readable");
        assert!(verify(&phc.expect("a hash"), &typed, &mut memory).is_some());
    }

    #[test]
    fn length_counts_characters_and_own_words_are_refused() {
        assert_eq!(Chosen::accept("ééééééé", &[]).err(), Some(Refusal::Length));
        assert!(Chosen::accept("éééééééé", &[]).is_ok());
        assert_eq!(Chosen::accept("Ada@Example.Test", &["ada@example.test"]).err(), Some(Refusal::Guessable));
        assert_eq!(Chosen::accept("long\0enough", &[]).err(), Some(Refusal::Length));
    }

    #[test]
    fn the_commonest_passwords_are_refused_in_whatever_case() {
        for known in ["password", "12345678", "PassWord", "iLoveYou", "trustno1", "1234567890", "QWERTYUIOP"] {
            assert_eq!(Chosen::accept(known, &[]).err(), Some(Refusal::Known), "{known}");
        }
        for fine in ["password-of-mine", "copper-lantern-41", "trustno1!", " password"] {
            assert!(Chosen::accept(fine, &[]).is_ok(), "{fine}");
        }
        assert_eq!(Chosen::accept("1234", &[]).err(), Some(Refusal::Length));
    }

    #[test]
    fn the_list_is_sorted_folded_and_holds_three_thousand_that_are_long_enough() {
        assert_eq!(KNOWN.len(), 3000);
        assert!(KNOWN.is_sorted() && KNOWN.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(KNOWN.iter().all(|known| known.chars().count() >= SHORTEST && known.to_lowercase() == *known));
        assert!(KNOWN.iter().all(|known| is_known(known)));
    }

    #[test]
    fn hostile_rows_cost_nothing_and_match_nothing() {
        let mut memory = Memory::default();
        let typed = Typed::read("whatever-it-is").expect("readable");
        let salt = standard(&[0; 16]);
        let tag = standard(&[0; 32]);
        for phc in [
            format!("$argon2id$v=19$m=4294967295,t=1,p=1${salt}${tag}"),
            format!("$argon2id$v=19$m=8,t=4000000000,p=1${salt}${tag}"),
            format!("$argon2i$v=19$m=8,t=1,p=1${salt}${tag}"),
            format!("$argon2id$v=19$m=8,t=1,p=1${salt}"),
            format!("$argon2id$v=19$m=8,t=1,p=1${salt}${tag}$more"),
            String::from("plain"),
        ] {
            assert!(verify(&phc, &typed, &mut memory).is_none(), "{phc}");
        }
        assert!(verify(&decoy(CHEAP), &typed, &mut memory).is_none());
    }
}
