//! An access token as Doorward mints it, with what is needed to verify it, and its signature alone.

use std::hint::black_box;

use doorward_core::id::{KeyId, SessionId, TokenId, UserId};
use doorward_core::token::{SigningKey, mint};
use doorward_verify::token::canonical_header;
use doorward_verify::{
    Algorithm, Cache, Claims, Entry, Few, Handles, Key, KeySet, Lifetime, Position, Revocations, Scope, Scratch,
    Strength, Timestamp, TokenType, Verifier, base64url,
};

mod raw;

use raw::{Raw, SECRET};

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "https://api.example";
/// When it is minted and verified.
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
/// Sessions that were ended in the last hour, in the index of the verifier.
const REVOKED: u64 = 1000;

/// A token and everything around it.
pub struct Token {
    text: String,
    /// `None` for RSA: Doorward mints with 3072 bits, and this key has 2048.
    signing: Option<SigningKey>,
    keys: KeySet,
    kid: String,
    revocations: Revocations,
    nothing: Revocations,
    verifier: Verifier,
    cache: Cache,
    raw: Raw,
    signature: Vec<u8>,
    signed: usize,
    now: Timestamp,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({} bytes)", self.text.len())
    }
}

impl Token {
    /// Mints one: what a server mints for a person in a session, of a client without scopes.
    pub fn mint(algorithm: Algorithm) -> Option<Self> {
        Self::mint_at(algorithm, NOW)
    }

    /// The same at another time, at which it is verified as well.
    pub fn mint_at(algorithm: Algorithm, now: Timestamp) -> Option<Self> {
        let id = KeyId::from_bytes([1; 16]);
        let kid = id.to_string();
        let raw = Raw::of(algorithm)?;
        let mut text = canonical_header(algorithm, &kid, TokenType::AccessToken.name());
        text.push('.');
        let mut payload = Vec::new();
        with_claims(now, |claims| claims.write(&mut payload));
        text.push_str(&base64url::encode(&payload));
        let signed = text.len();
        let signature = raw.sign(text.as_bytes(), <[u8]>::to_vec)?;
        text.push('.');
        text.push_str(&base64url::encode(&signature));
        Some(Self {
            keys: KeySet::new(vec![raw.verifying(&kid, algorithm)?]),
            kid,
            revocations: some_revocations(now),
            nothing: Revocations::new(),
            verifier: Verifier::new(ISSUER, AUDIENCE, TokenType::AccessToken),
            cache: Cache::new([6; 16], 10_000),
            signing: SigningKey::from_private(id, algorithm, &SECRET),
            raw,
            text,
            signature,
            signed,
            now,
        })
    }

    /// How many bytes it has.
    pub const fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The token itself.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Who issues it, and for whom.
    pub const fn names() -> [&'static str; 2] {
        [ISSUER, AUDIENCE]
    }

    /// What another library verifies it with: the two coordinates of a point, or a shared secret.
    pub fn key(&self) -> (Option<[String; 2]>, &'static [u8]) {
        (self.raw.point(), &SECRET)
    }

    /// The whole verification.
    pub fn verify(&self, scratch: &mut Scratch) -> bool {
        self.verifier.verify(&self.text, &self.keys, &self.revocations, self.now, scratch).is_ok()
    }

    /// The same with nothing in the index.
    pub fn verify_unrevoked(&self, scratch: &mut Scratch) -> bool {
        self.verifier.verify(&self.text, &self.keys, &self.nothing, self.now, scratch).is_ok()
    }

    /// The verification of a token that was shown before.
    pub fn verify_again(&self, scratch: &mut Scratch) -> bool {
        self.verifier.verify_with(&self.cache, &self.text, &self.keys, &self.revocations, self.now, scratch).is_ok()
    }

    /// The signature of the same bytes and nothing else.
    pub fn verify_raw(&self) -> bool {
        self.raw.verify(&self.text.as_bytes()[..self.signed], &self.signature)
    }

    /// What there is beside the signature, as far as it can be called alone: decoding the payload, reading its claims,
    /// asking the index. `room` is as long as the token.
    pub fn read_claims(&self, room: &mut [u8]) -> bool {
        let payload = self.text[..self.signed].split('.').nth(1).unwrap_or_default();
        let Some(json) = base64url::decode_into(payload.as_bytes(), room) else { return false };
        let Ok(claims) = Claims::parse(json) else { return false };
        self.revocations.check(&claims.marks(&self.kid)).is_ok()
    }

    /// Mints such a token again; gives its length, or `None` where Doorward does not mint with such a key.
    pub fn mint_again(&self) -> Option<usize> {
        let signing = self.signing.as_ref()?;
        with_claims(self.now, |claims| mint(signing, claims)).map(|text| text.len())
    }

    /// Signs the same bytes and nothing else.
    pub fn sign_raw(&self) -> bool {
        self.raw.sign(&self.text.as_bytes()[..self.signed], |signature| !black_box(signature).is_empty())
            == Some(true)
    }
}

/// Claims as an access token of a person in a session has them.
fn with_claims<T>(now: Timestamp, take: impl FnOnce(&Claims<'_>) -> T) -> T {
    let user = UserId::from_bytes([2; 16]).to_string();
    let session = SessionId::from_bytes([3; 16]).to_string();
    let token = TokenId::from_bytes([4; 16]).to_string();
    let claims = Claims {
        issuer: ISSUER,
        subject: &user,
        audience: Few::of(&[AUDIENCE]),
        client_id: "demo-hybrid",
        expires_at: now + Lifetime::from_mins(15),
        issued_at: now,
        not_before: None,
        token_id: &token,
        session_id: Some(&session),
        scope: None,
        roles: Few::default(),
        auth_time: Some(now),
        acr: None,
        amr: Few::of(&["pwd"]),
        rv: Some(Position { generation: 1_799_000_000, seq: 4321 }),
        handles: Handles { epoch: 1, subject: Some(Key([5; 16])), ..Handles::default() },
    };
    take(&claims)
}

fn some_revocations(now: Timestamp) -> Revocations {
    let mut revocations = Revocations::new();
    for number in 0..REVOKED {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&number.to_be_bytes());
        let entry = Entry {
            scope: Scope::Session,
            key: Key(key),
            strength: Strength::Terminal,
            min_rv: None,
            ttl: Lifetime::from_mins(62),
        };
        revocations.apply(&entry, now);
    }
    revocations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_verifying_take_the_same_token() {
        for algorithm in Algorithm::ALL {
            let token = Token::mint(algorithm).expect("a token");
            assert!(token.verify(&mut Scratch::new()) && token.verify_unrevoked(&mut Scratch::new()));
            assert!(token.verify_raw() && token.sign_raw());
            assert!(token.verify_again(&mut Scratch::new()) && token.verify_again(&mut Scratch::new()));
            assert!(token.read_claims(&mut vec![0; token.bytes()]));
        }
    }

    #[test]
    fn a_minted_token_has_about_600_bytes() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let token = Token::mint(algorithm).expect("a token");
            assert_eq!(token.mint_again(), Some(token.bytes()));
            assert!((580..=620).contains(&token.bytes()), "{}", token.bytes());
        }
    }
}
