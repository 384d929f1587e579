//! Form tokens: the proof that a form was written by us, for this browser and this session.
//!
//! A page sets a cookie of drawn bytes and puts a MAC over them into its forms. Another site can make a browser send the
//! cookie, and cannot know the MAC. The session is part of it, so that a form from one sign-in is nothing to another.

use subtle::ConstantTimeEq;

use crate::id::SessionId;
use crate::secret::{Secret, mac};

/// What the cookie of a form carries: 128 drawn bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub [u8; 16]);

/// Who a form was written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Whoever opens it: signing in and up.
    Anybody,
    /// The holder of a session.
    Session(SessionId),
}

/// The MAC in a form.
#[derive(Clone, Copy)]
pub struct FormToken(pub [u8; 32]);

/// The key behind all forms of a realm.
#[derive(Debug)]
pub struct FormKey(Secret);

impl FormKey {
    /// Derives it from a sealed secret of the realm, whose other uses begin with other words.
    pub fn derive(from: &Secret) -> Self {
        Self(Secret::from_bytes(mac(from, &[b"doorward form key 1"])))
    }

    /// The token of a form for this browser and this reader.
    pub fn token(&self, seed: Seed, reader: Reader) -> FormToken {
        FormToken(match reader {
            Reader::Anybody => mac(&self.0, &[b"anybody", &seed.0]),
            Reader::Session(id) => mac(&self.0, &[b"session", &seed.0, &id.bytes()]),
        })
    }

    /// Is this the token of a form for this browser and this reader? Takes the same time for every answer.
    pub fn accepts(&self, shown: FormToken, seed: Seed, reader: Reader) -> bool {
        self.token(seed, reader).0.ct_eq(&shown.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_one_key_one_browser_and_one_reader() {
        let keys = [1, 2].map(|byte| FormKey::derive(&Secret::from_bytes([byte; 32])));
        let seeds = [Seed([1; 16]), Seed([2; 16])];
        let session = |byte| Reader::Session(SessionId::from_bytes([byte; 16]));
        let readers = [Reader::Anybody, session(1), session(2)];
        let mut forms = Vec::new();
        for key in &keys {
            for seed in seeds {
                forms.extend(readers.map(|reader| (key, seed, reader)));
            }
        }
        for (made, (key, seed, reader)) in forms.iter().enumerate() {
            let token = key.token(*seed, *reader);
            for (asked, (key, seed, reader)) in forms.iter().enumerate() {
                assert_eq!(key.accepts(token, *seed, *reader), made == asked, "{made} {asked}");
            }
        }
    }

    #[test]
    fn the_key_is_not_the_secret_it_comes_from() {
        let secret = Secret::from_bytes([7; 32]);
        assert_ne!(FormKey::derive(&secret).0.expose(), secret.expose());
    }
}
