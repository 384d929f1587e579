//! Public names of things: a prefix that says what it is, and 128 random bits.
//!
//! One id has exactly one spelling: prefix, then 26 characters of Crockford base32 in lower case (requirement: the
//! formats of design section 8). Ids are not secrets; whoever knows one may do nothing with it.

use core::borrow::Borrow;
use core::fmt;
use std::sync::Arc;

use doorward_verify::Key;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Length of the part behind the prefix.
const BODY: usize = 26;

/// Declares a newtype id over 128 bits with its prefix.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What every such id begins with.
            pub const PREFIX: &'static str = $prefix;

            /// Makes the id from 16 drawn bytes.
            pub const fn from_bytes(drawn: [u8; 16]) -> Self {
                Self(drawn)
            }

            /// Gives the 16 bytes behind the text.
            pub const fn bytes(self) -> [u8; 16] {
                self.0
            }

            /// Reads the one canonical spelling; `None` for everything else.
            pub fn parse(text: &str) -> Option<Self> {
                text.strip_prefix($prefix).and_then(decode).map(Self)
            }

            /// The key under which verifiers index revocations of this id.
            pub const fn key(self) -> Key {
                Key(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let body = encode(self.0);
                f.write_str($prefix)?;
                f.write_str(core::str::from_utf8(&body).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id!(
    /// A person with an account.
    UserId, "usr_"
);
id!(
    /// One sign-in on one device; the `sid` of its tokens.
    SessionId, "ses_"
);
id!(
    /// A signing key, a refresh secret or a handle key; the `kid` of tokens.
    KeyId, "key_"
);
id!(
    /// An organization.
    OrgId, "org_"
);
id!(
    /// A row of the audit log.
    EventId, "evt_"
);
id!(
    /// One access token; its `jti`.
    TokenId, "tok_"
);
id!(
    /// A service that follows the revocation feed.
    VerifierId, "ver_"
);

/// An application's id: `cli_…`, or the operator's own words `[a-z0-9-]{3,64}`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// The built-in first-party client that a sign-in without `client_id` belongs to.
    pub fn account() -> Self {
        Self(Arc::from("account"))
    }

    /// Reads a client id; `None` if it is neither `cli_…` nor `[a-z0-9-]{3,64}`.
    pub fn parse(text: &str) -> Option<Self> {
        let words = (3..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let drawn = text.strip_prefix("cli_").is_some_and(|body| decode(body).is_some());
        (words || drawn).then(|| Self(Arc::from(text)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key under which verifiers index revocations of this client.
    pub fn key(&self) -> Key {
        Key::of(&self.0)
    }
}

impl Borrow<str> for ClientId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn encode(bytes: [u8; 16]) -> [u8; BODY] {
    let number = u128::from_be_bytes(bytes);
    let mut body = [0; BODY];
    for (place, slot) in body.iter_mut().rev().enumerate() {
        *slot = ALPHABET[(number >> (5 * place)) as usize & 31];
    }
    body
}

fn decode(body: &str) -> Option<[u8; 16]> {
    let body: &[u8; BODY] = body.as_bytes().try_into().ok()?;
    let mut number: u128 = 0;
    for (place, letter) in body.iter().enumerate() {
        let value = ALPHABET.iter().position(|known| known == letter)?;
        // 26 characters carry 130 bits: the first may only use its lower three.
        if place == 0 && value > 7 {
            return None;
        }
        number = number << 5 | value as u128;
    }
    Some(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = SessionId::from_bytes([0xff; 16]);
        let text = id.to_string();
        assert_eq!(text, "ses_7zzzzzzzzzzzzzzzzzzzzzzzzz");
        assert_eq!(SessionId::parse(&text), Some(id));
        assert_eq!(SessionId::parse(&text.to_uppercase()), None);
        assert_eq!(SessionId::parse("ses_8zzzzzzzzzzzzzzzzzzzzzzzzz"), None, "a 129th bit");
        assert_eq!(UserId::parse(&text), None, "another thing's prefix");
        assert_eq!(SessionId::parse("ses_7zzzzzzzzzzzzzzzzzzzzzzzz"), None, "cut");
    }

    #[test]
    fn a_client_may_have_the_operators_words() {
        for good in ["web", "demo-session", "a-1", "cli_00000000000000000000000000"] {
            assert!(ClientId::parse(good).is_some(), "{good}");
        }
        for bad in ["ab", "Web", "a_b", "cli_0", "", "a b c", &"x".repeat(65)] {
            assert!(ClientId::parse(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_id_survives_its_text(bytes: [u8; 16]) {
            let id = UserId::from_bytes(bytes);
            prop_assert_eq!(UserId::parse(&id.to_string()), Some(id));
            prop_assert_eq!(Key::of(&id.to_string()), id.key());
        }
    }
}
