//! Passwords from elsewhere: what other systems keep of a password is read, judged and verified, until its owner signs
//! in and it is hashed anew as ours.
//!
//! Many spellings are read, one is stored ([`Foreign::text`]). What it would cost to verify is known from the text and
//! bounded before anything is computed, so that a hostile file or row costs no more than a second or two and 256 MiB. A
//! fast digest such as MD5 is no [`Foreign`]: it is read as [`Weak`], and only stored inside Argon2id.

mod argon;
mod bcrypt;
mod digest;
mod pbkdf2;
mod scrypt;

use core::fmt;

pub(super) use self::argon::Argon2;
use self::argon::IMPORTED;
pub use self::argon::IMPORTED as ARGON2_DEAREST;
use self::bcrypt::Bcrypt;
pub use self::bcrypt::DEAREST as BCRYPT_DEAREST;
use self::digest::Wrapped;
pub use self::digest::{Digest, Place, Weak};
pub use self::pbkdf2::MOST as PBKDF2_ROUNDS;
use self::pbkdf2::Pbkdf2;
use self::scrypt::Scrypt;
pub use self::scrypt::{MOST_MEMORY as SCRYPT_MEMORY, MOST_WORK as SCRYPT_WORK};
use super::{Cost, Memory};

/// The longest text that is looked at.
pub const LONGEST: usize = 1024;

/// Why a text is not taken for somebody's password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It begins like nothing we know.
    Scheme,
    /// It is not as its scheme says, not ASCII, or too long.
    Malformed,
    /// It would cost more than we are willing to pay at a sign-in.
    Dear,
    /// It is so weak that it must come as a [`Weak`].
    Bare,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Scheme, Self::Malformed, Self::Dear, Self::Bare];

    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheme => "hash_scheme_unknown",
            Self::Malformed => "hash_malformed",
            Self::Dear => "hash_too_costly",
            Self::Bare => "hash_needs_scheme",
        }
    }
}

/// What another system kept of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Foreign(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    Argon2(Argon2),
    Bcrypt(Bcrypt),
    Pbkdf2(Pbkdf2),
    Scrypt(Scrypt),
    Wrapped(Wrapped),
}

/// What all schemes have in common.
trait Scheme {
    /// Its name in reports.
    fn family(&self) -> &'static str;
    /// The scheme and its cost, as text: what the stored text begins with. Holds nothing of a password.
    fn scheme(&self) -> String;
    /// The rest of the stored text.
    fn rest(&self) -> String;
    /// Is it made of this password?
    fn verify(&self, password: &[u8], memory: &mut Memory) -> bool;
}

impl Foreign {
    /// Reads a hash in whatever spelling.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn read(text: &str) -> Result<Self, Refusal> {
        if text.is_empty() || text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refusal::Malformed);
        }
        // Django puts its own name for the scheme in front.
        let text = ["argon2$argon2", "bcrypt$$2"].iter().find_map(|way| django(text, way)).unwrap_or(text);
        let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
        let form = if begins(&["$argon2"]) {
            Form::Argon2(Argon2::read(text, IMPORTED)?)
        } else if begins(&["$2a$", "$2b$", "$2y$", "bcrypt_sha256$"]) {
            Form::Bcrypt(Bcrypt::read(text)?)
        } else if begins(&["$pbkdf2$", "$pbkdf2-", "pbkdf2_sha"]) {
            Form::Pbkdf2(Pbkdf2::read(text)?)
        } else if begins(&["$scrypt$", "$fbscrypt$", "scrypt$"]) {
            Form::Scrypt(Scrypt::read(text)?)
        } else if begins(&Wrapped::WORDS) {
            Form::Wrapped(Wrapped::read(text)?)
        } else if begins(&["md5$", "sha1$"]) || text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Refusal::Bare);
        } else {
            return Err(Refusal::Scheme);
        };
        Ok(Self(form))
    }

    /// Hashes a fast digest with Argon2id, so that it can be stored. `None` if the cost is impossible. Costs no more than
    /// what is taken from elsewhere.
    pub fn wrap(weak: &Weak, salt: [u8; 16], cost: Cost, memory: &mut Memory) -> Option<Self> {
        let cost = Cost {
            memory_kib: cost.memory_kib.min(IMPORTED.memory_kib),
            passes: cost.passes.min(IMPORTED.passes),
            lanes: cost.lanes.min(IMPORTED.lanes),
        };
        Wrapped::make(weak, salt, cost, memory).map(|wrapped| Self(Form::Wrapped(wrapped)))
    }

    /// The one spelling that is stored.
    pub fn text(&self) -> String {
        let form = self.form();
        format!("{}{}", form.scheme(), form.rest())
    }

    /// The family of its scheme, for reports.
    pub fn family(&self) -> &'static str {
        self.form().family()
    }

    /// Its scheme and cost, as text. Holds nothing of a password.
    pub fn scheme(&self) -> String {
        self.form().scheme()
    }

    /// Is it made of this password?
    pub(super) fn verify(&self, password: &[u8], memory: &mut Memory) -> bool {
        self.form().verify(password, memory)
    }

    /// A text of this scheme that is nobody's, so that an answer about nobody takes as long.
    pub fn decoy(scheme: &str) -> Option<String> {
        let salt = "A".repeat(22);
        let of_length = |length: usize| {
            let tag = super::standard(&vec![0; length]);
            [
                format!("${salt}${tag}"),
                format!("$${salt}${tag}"),
                // A salt that stands behind the password cannot be empty.
                format!("$AA${salt}${tag}"),
                ".".repeat(53),
                format!(",ss=,sk={tag}${salt}${tag}"),
            ]
        };
        let rests = core::iter::once(super::HASH).chain(16..=64).flat_map(of_length);
        let mut read = rests.filter_map(|rest| Self::read(&format!("{scheme}{rest}")).ok());
        read.find(|decoy| decoy.scheme() == scheme).map(|decoy| decoy.text())
    }

    fn form(&self) -> &dyn Scheme {
        match &self.0 {
            Form::Argon2(form) => form,
            Form::Bcrypt(form) => form,
            Form::Pbkdf2(form) => form,
            Form::Scrypt(form) => form,
            Form::Wrapped(form) => form,
        }
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Foreign({})", self.family())
    }
}

/// The text behind the first word and dollar sign of `way`, if it begins so.
fn django<'a>(text: &'a str, way: &str) -> Option<&'a str> {
    let (word, _) = way.split_once('$')?;
    text.starts_with(way).then(|| text.get(word.len()..)).flatten().map(|rest| {
        // `argon2$argon2id$…` lacks the dollar sign that `bcrypt$$2b$…` has.
        if rest.starts_with("$$") { &rest[1..] } else { rest }
    })
}

/// A number as a scheme writes it: digits, no sign, no leading zero.
fn number(text: &str) -> Result<u32, Refusal> {
    let plain =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if !plain {
        return Err(Refusal::Malformed);
    }
    // What is plain and still does not fit is not a mistake in writing.
    text.parse().map_err(|_| Refusal::Dear)
}

/// A number behind its name and an equals sign.
fn named(text: Option<&str>, name: &str) -> Result<u32, Refusal> {
    let rest = text.and_then(|text| text.strip_prefix(name)).and_then(|rest| rest.strip_prefix('='));
    number(rest.ok_or(Refusal::Malformed)?)
}

/// base64 in any of the alphabets that schemes write it in, with or without padding.
fn base64(text: &str) -> Result<Vec<u8>, Refusal> {
    let text = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let standard: String = text
        .chars()
        .map(|letter| match letter {
            '.' | '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    base64_simd::STANDARD_NO_PAD.decode_to_vec(standard).map_err(|_| Refusal::Malformed)
}

/// What a scheme keeps in `bytes`, between these lengths.
fn between(bytes: Vec<u8>, lengths: core::ops::RangeInclusive<usize>) -> Result<Vec<u8>, Refusal> {
    if lengths.contains(&bytes.len()) { Ok(bytes) } else { Err(Refusal::Malformed) }
}

#[cfg(test)]
mod tests;
