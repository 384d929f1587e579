//! A million revocations of every kind, and credentials that none of them hits: what a verifier has to look through for
//! everybody who may come in.

use std::hint::black_box;

use doorward_core::id::{KeyId, SessionId, TokenId};
use doorward_verify::{Claims, Entry, Few, Handles, Key, Lifetime, Marks, Position, Revocations, Scope, Strength};

use crate::seed::Choice;

/// How many entries there are of each kind, of a million; what is left are sessions. People sign out and are signed out;
/// a password change, a lost device, a tenant, an application are rarer.
const KINDS: [(Scope, u64); 8] = [
    (Scope::Token, 60_000),
    (Scope::Subject, 30_000),
    (Scope::Device, 3_000),
    (Scope::Organization, 500),
    (Scope::Client, 100),
    (Scope::Bucket, 64),
    (Scope::SigningKey, 4),
    (Scope::Realm, 1),
];
/// Where what is looked up was minted: behind every epoch, so that each is compared and none hits.
const MINTED: Position = Position { generation: 1_799_000_000, seq: 1_000_000_000 };

/// The index.
pub struct Index {
    revocations: Revocations,
    choice: Choice,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Index({} entries)", self.revocations.len())
    }
}

impl Index {
    /// Of so many entries, as the feed would bring them. No scope is empty: each has to be looked at.
    pub fn of(entries: u64) -> Self {
        let (mut revocations, mut choice) = (Revocations::new(), Choice::seeded(33));
        let mut place = Position { generation: MINTED.generation, seq: 0 };
        for number in 0..entries {
            let scope = kind(number, entries);
            let key = match scope {
                Scope::Realm => Key::REALM,
                Scope::Bucket => Key::bucket(number as u16),
                _ => drawn(&mut choice),
            };
            place.seq += 1;
            let min_rv = (!scope.is_exact()).then_some(place);
            let ttl = Lifetime::from_mins(62);
            revocations.learn(&Entry { scope, key, strength: Strength::Terminal, min_rv, ttl }, place);
        }
        Self { revocations, choice }
    }

    /// How many entries it holds.
    pub const fn len(&self) -> usize {
        self.revocations.len()
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.revocations.is_empty()
    }

    /// Looks a credential up that nobody has looked up before: its place in every table is far from the last one's.
    pub fn check(&mut self) -> bool {
        let marks = Marks {
            session: Some(drawn(&mut self.choice)),
            token: Some(drawn(&mut self.choice)),
            subject: Some(drawn(&mut self.choice)),
            client: Some(drawn(&mut self.choice)),
            device: Some(drawn(&mut self.choice)),
            organization: Some(drawn(&mut self.choice)),
            signing_key: Some(drawn(&mut self.choice)),
            at: Some(MINTED),
        };
        self.revocations.check(black_box(&marks)).is_ok()
    }

    /// The same without the index: what drawing such a credential costs.
    pub fn draw(&mut self) -> Key {
        let mut all = [0; 16];
        for _ in 0..7 {
            let Key(next) = drawn(&mut self.choice);
            all.iter_mut().zip(next).for_each(|(byte, more)| *byte ^= more);
        }
        Key(all)
    }

    /// Looks up what a token's claims say, its keys made from their texts: the sixteen bytes of our ids, a hash of the
    /// client's name.
    pub fn check_claims(&self, named: &Named) -> bool {
        let claims = Claims {
            issuer: "https://id.example",
            subject: "usr_00000000000000000000000001",
            audience: Few::of(&["https://api.example"]),
            client_id: "demo-hybrid",
            expires_at: doorward_verify::Timestamp::from_secs(1_800_000_900),
            issued_at: doorward_verify::Timestamp::from_secs(1_800_000_000),
            not_before: None,
            token_id: &named.token,
            session_id: Some(&named.session),
            scope: None,
            roles: Few::default(),
            auth_time: None,
            acr: None,
            amr: Few::of(&["pwd"]),
            rv: Some(MINTED),
            handles: Handles { epoch: 1, subject: Some(named.person), device: None, organization: None },
        };
        self.revocations.check(black_box(&claims.marks(&named.kid))).is_ok()
    }

    /// Names of tokens, to be looked up.
    pub fn named(&mut self, count: usize) -> Vec<Named> {
        let kid = KeyId::from_bytes([1; 16]).to_string();
        let mut named = || {
            let Key(session) = drawn(&mut self.choice);
            let Key(token) = drawn(&mut self.choice);
            Named {
                session: SessionId::from_bytes(session).to_string(),
                token: TokenId::from_bytes(token).to_string(),
                kid: kid.clone(),
                person: drawn(&mut self.choice),
            }
        };
        (0..count).map(|_| named()).collect()
    }
}

/// What a token is called by.
#[derive(Debug)]
pub struct Named {
    session: String,
    token: String,
    kid: String,
    person: Key,
}

/// The kind of an entry. Kinds are mixed evenly.
fn kind(number: u64, entries: u64) -> Scope {
    // The multiplier has no divisor in common with a power of ten: every place is met once.
    let mut place = (number as u128 * 0x9e37_79b9_7f4a_7c17_u128 % entries.max(1) as u128) as u64;
    for (scope, share) in KINDS {
        let share = (share * entries).div_ceil(1_000_000);
        if place < share {
            return scope;
        }
        place -= share;
    }
    Scope::Session
}

fn drawn(choice: &mut Choice) -> Key {
    let mut key = [0; 16];
    let (high, low) = key.split_at_mut(8);
    high.copy_from_slice(&choice.below(u64::MAX).to_le_bytes());
    low.copy_from_slice(&choice.below(u64::MAX).to_le_bytes());
    Key(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_in_it_and_none_hits_what_is_looked_up() {
        let mut index = Index::of(20_000);
        for scope in Scope::ALL {
            assert!((0..20_000).any(|number| kind(number, 20_000) == scope), "{scope:?}");
        }
        assert!((19_900..=20_000).contains(&index.len()), "{index:?}");
        assert!((0..1000).all(|_| index.check()));
        let named = index.named(100);
        assert!(named.iter().all(|named| index.check_claims(named)));
    }
}
