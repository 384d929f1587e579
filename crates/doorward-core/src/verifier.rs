//! A verifier: a service that checks credentials by itself and follows the revocation feed.

use core::fmt;

use doorward_verify::Timestamp;
use unicode_normalization::UnicodeNormalization;

use crate::client::LIST_MOST;
use crate::id::VerifierId;
use crate::secret::SecretHash;

/// The longest name, in characters.
const NAME_LONGEST: usize = 64;
/// The longest audience, in bytes.
pub const AUDIENCE_LONGEST: usize = 256;

/// A verifier as it is registered. Its id is never used for another one.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierRecord {
    /// Its name here.
    pub id: VerifierId,
    /// What its operator calls it.
    pub name: String,
    /// For whom the credentials are that it may ask about; if there is none, the issuer.
    pub audiences: Vec<String>,
    /// What it shows.
    pub secret: SecretHash,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Since when it may not listen any more. Its last lease still counts.
    pub removed_at: Option<Timestamp>,
}

impl fmt::Debug for VerifierRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierRecord({} {:?})", self.id, self.name)
    }
}

/// Why no verifier can be like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The name.
    Name,
    /// The audiences.
    Audiences,
}

impl Unfit {
    /// Which member is wrong.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Audiences => "audiences",
        }
    }
}

/// Reads a name: 1 to 64 characters, none of them a control character.
///
/// # Errors
/// [`Unfit::Name`].
pub fn name(text: &str) -> Result<String, Unfit> {
    let name: String = text.trim().nfc().collect();
    let fits = (1..=NAME_LONGEST).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(name) } else { Err(Unfit::Name) }
}

/// Reads audiences: at most eight, as they stand in tokens.
///
/// # Errors
/// [`Unfit::Audiences`].
pub fn audiences(texts: Vec<String>) -> Result<Vec<String>, Unfit> {
    if are_audiences(&texts) { Ok(texts) } else { Err(Unfit::Audiences) }
}

/// Can a token carry these audiences?
pub(crate) fn are_audiences(texts: &[String]) -> bool {
    let plain = |text: &String| {
        (1..=AUDIENCE_LONGEST).contains(&text.len()) && !text.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    texts.len() <= LIST_MOST && texts.iter().all(plain)
}

impl VerifierRecord {
    /// May it listen?
    pub const fn is_registered(&self) -> bool {
        self.removed_at.is_none()
    }

    /// For whom the credentials are that it may ask about, in a realm of this issuer.
    pub fn audiences<'a>(&'a self, issuer: &'a str) -> impl Iterator<Item = &'a str> {
        let otherwise = Some(issuer).filter(|_| self.audiences.is_empty());
        self.audiences.iter().map(String::as_str).chain(otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_audiences_hold_at_the_edge_and_one_past_it() {
        assert_eq!(name(" Shop api "), Ok(String::from("Shop api")));
        assert_eq!(name(&"\u{e9}".repeat(64)).map(|name| name.chars().count()), Ok(64));
        for bad in ["", "  ", "a\nb", &"a".repeat(65)] {
            assert_eq!(name(bad), Err(Unfit::Name), "{bad:?}");
        }
        let many = |count: usize| vec![String::from("https://api.example"); count];
        assert!(audiences(many(8)).is_ok() && audiences(many(0)).is_ok());
        for bad in [many(9), vec![String::new()], vec![String::from("a b")], vec!["a".repeat(257)]] {
            assert_eq!(audiences(bad.clone()), Err(Unfit::Audiences), "{bad:?}");
        }
    }
}
