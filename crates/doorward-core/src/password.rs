//! Passwords: what may be one, and Argon2id over it (RFC 9106; S1-33, S1-34).
//!
//! The functions here are slow on purpose and take their memory from the caller: they run on the bounded hash pool of
//! the server, never anywhere else.

pub mod decoys;
pub mod foreign;

use core::fmt;
use std::sync::LazyLock;

use argon2::{Block, Params};
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use self::foreign::{Argon2, Foreign};

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

    /// What is weighed in place of such a thing.
    pub const fn nothing() -> Self {
        Self(String::new())
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
/// The dearest hash of our own that is verified; what comes from elsewhere has limits of its own ([`foreign`]).
const DEAREST: Cost = Cost { memory_kib: 1024 * 1024, passes: 16, lanes: 16 };

/// Memory for one hash at a time, kept between hashes and wiped by whoever keeps it.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    /// So many blocks; `None` if the machine has no more.
    fn of(&mut self, blocks: usize) -> Option<&mut [Block]> {
        if let Some(missing) = blocks.checked_sub(self.0.len()) {
            self.0.try_reserve_exact(missing).ok()?;
            self.0.resize(blocks, Block::default());
        }
        self.0.get_mut(..blocks)
    }

    /// Gives back what is beyond so many blocks: one dear hash from elsewhere must not keep its memory for ever.
    pub fn shrink(&mut self, blocks: usize) {
        if self.0.len() > blocks {
            self.0.truncate(blocks);
            self.0.shrink_to_fit();
        }
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
    Argon2::make(password.0.0.as_bytes(), salt, cost, memory).map(|made| made.text())
}

/// Hashes a password anew that was just proven right against an older text. It was chosen long ago, so what is asked of
/// new passwords is not asked of it.
pub fn rehash(typed: &Typed, _: &Correct, salt: [u8; 16], cost: Cost, memory: &mut Memory) -> Option<String> {
    Argon2::make(typed.0.as_bytes(), salt, cost, memory).map(|made| made.text())
}

/// Is a stored text as [`hash`] would make it today?
pub fn is_current(stored: &str, cost: Cost) -> bool {
    Argon2::read(stored, DEAREST).is_ok_and(|read| read.is_ours(cost))
}

/// Verifies a password against a stored text, ours or [`foreign`], over its whole length and in constant time.
///
/// `None` if it is wrong, or the text says nothing to us. A text that nobody's password can match ([`decoy`]) costs as
/// much as a real one.
pub fn verify(stored: &str, typed: &Typed, memory: &mut Memory) -> Option<Correct> {
    let password = typed.0.as_bytes();
    let right = match Argon2::read(stored, DEAREST) {
        Ok(ours) => ours.verify(password, memory),
        Err(_) => Foreign::read(stored).ok()?.verify(password, memory),
    };
    right.then_some(Correct(()))
}

/// What a stored text costs to verify, as text without salt or hash: equal for all that cost the same.
pub fn scheme(stored: &str) -> String {
    match Argon2::read(stored, DEAREST) {
        Ok(ours) => ours.scheme(),
        Err(_) => Foreign::read(stored).map(|foreign| foreign.scheme()).unwrap_or_default(),
    }
}

/// A text to verify against where there is no account, so that the answer takes as long. Also the text of an account
/// that has no password yet.
pub fn decoy(cost: Cost) -> String {
    Argon2::nobodys(cost, [0; 16]).text()
}

/// A [`decoy`] of any scheme of ours.
fn decoy_of(scheme: &str) -> Option<String> {
    let text = format!("{scheme}{}", Argon2::nobodys(Cost::FLOOR, [0; 16]).rest());
    Argon2::read(&text, DEAREST).is_ok().then_some(text)
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
