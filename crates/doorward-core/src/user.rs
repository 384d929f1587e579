//! A user: a person with an account.

use core::fmt;

use doorward_verify::{Position, Timestamp};
use unicode_normalization::UnicodeNormalization;

use crate::id::{OrgId, UserId};
use crate::role::Roles;

/// The longest e-mail address (RFC 5321 section 4.5.3.1.3 less the angle brackets).
pub const EMAIL_LONGEST: usize = 254;
/// The longest name of a person, in characters.
pub const NAME_LONGEST: usize = 128;

/// An e-mail address as typed, and the key under which it is unique.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    typed: String,
    key: String,
}

impl Email {
    /// Reads an address: one `@`, something on both sides, no spaces, quotes or control characters, at most 254 bytes.
    /// The key is its NFC form in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let typed: String = text.nfc().collect();
        let (local, domain) = typed.split_once('@')?;
        let plain = |part: &str| {
            !part.is_empty()
                && !part.contains("..")
                && !part.starts_with('.')
                && !part.ends_with('.')
                && !part.chars().any(|c| c.is_whitespace() || c.is_control() || "@<>()[]\\,;:\"".contains(c))
        };
        if typed.len() > EMAIL_LONGEST || local.len() > 64 || !plain(local) || !plain(domain) {
            return None;
        }
        let key = typed.to_lowercase().nfc().collect();
        Some(Self { typed, key })
    }

    /// As the person typed it.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// What makes it unique in the realm.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(..)")
    }
}

/// Reads a person's name: 1 to 128 characters, no control characters.
pub fn parse_name(text: &str) -> Option<String> {
    let name: String = text.trim().nfc().collect();
    let fits = (1..=NAME_LONGEST).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    fits.then_some(name)
}

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Names the person in URLs and tokens (`sub`).
    pub id: UserId,
    /// The organization, if any.
    pub org: Option<OrgId>,
    /// The address; unique in the realm.
    pub email: Email,
    /// What the person wants to be called.
    pub name: Option<String>,
    /// What the person is to the applications.
    pub roles: Roles,
    /// When the address was proven to be theirs.
    pub email_verified_at: Option<Timestamp>,
    /// Sessions born before are dead.
    pub terminal_epoch: Position,
    /// Records and tokens from before have to be read or minted again.
    pub refresh_epoch: Position,
    /// When the account was suspended.
    pub suspended_at: Option<Timestamp>,
    /// When the account was deleted; the id is never given to anybody else.
    pub deleted_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Counts its changes.
    pub version: u64,
}

impl User {
    /// A new account.
    pub const fn new(id: UserId, email: Email, name: Option<String>, now: Timestamp) -> Self {
        Self {
            id,
            org: None,
            email,
            name,
            roles: Roles::NONE,
            email_verified_at: None,
            terminal_epoch: Position::START,
            refresh_epoch: Position::START,
            suspended_at: None,
            deleted_at: None,
            created_at: now,
            version: 1,
        }
    }

    /// May this person sign in and stay signed in?
    pub const fn is_active(&self) -> bool {
        self.suspended_at.is_none() && self.deleted_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_one_whatever_their_case_and_composition() {
        let one = Email::parse("Zoe\u{301}@Example.Test").expect("an address");
        let two = Email::parse("zo\u{e9}@example.test").expect("an address");
        assert_eq!(one.key(), two.key());
        assert_eq!(one.typed(), "Zo\u{e9}@Example.Test");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.test", "a".repeat(65));
        for bad in
            ["", "ada", "@x.test", "ada@", "a@b@c", "a b@c.test", "a\0@c.test", ".a@c.test", "a..b@c.test", &long]
        {
            assert!(Email::parse(bad).is_none(), "{bad}");
        }
    }
}
