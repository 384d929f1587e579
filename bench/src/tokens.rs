//! An access token as Doorward mints it, with what is needed to verify it, and its signature alone.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use doorward_core::id::{KeyId, SessionId, TokenId, UserId};
use doorward_core::secret::Secret;
use doorward_core::token::{SigningKey, mint};
use doorward_verify::{
    Algorithm, Cache, Claims, Entry, Few, Handles, Key, KeySet, Lifetime, Position, Revocations, Scope, Scratch,
    Strength, Timestamp, TokenType, Verifier, base64url,
};

/// Both, in the order of the report.
pub const ALGORITHMS: [Algorithm; 2] = [Algorithm::Es256, Algorithm::EdDsa];

const ISSUER: &str = "https://id.example.test";
const AUDIENCE: &str = "https://api.example.test";
/// When it is minted and verified.
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
/// Sessions that were ended in the last hour, in the index of the verifier.
const REVOKED: u64 = 1000;

/// A token and everything around it.
pub struct Token {
    text: String,
    signing: SigningKey,
    keys: KeySet,
    revocations: Revocations,
    verifier: Verifier,
    cache: Cache,
    raw: ParsedPublicKey,
    signature: Vec<u8>,
    signed: usize,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({} bytes)", self.text.len())
    }
}

impl Token {
    /// Mints one.
    pub fn mint(algorithm: Algorithm) -> Option<Self> {
        let signing = SigningKey::from_secret(KeyId::from_bytes([1; 16]), algorithm, &Secret::from_bytes([9; 32]))?;
        let text = with_claims(|claims| mint(&signing, claims))?;
        let signed = text.rfind('.')?;
        let signature = base64url::decode(&text[signed + 1..])?;
        let public = signing.verifying().public()?;
        let raw = match algorithm {
            Algorithm::Es256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public),
            Algorithm::EdDsa => ParsedPublicKey::new(&ED25519, public),
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Hs256 => return None,
        };
        Some(Self {
            keys: KeySet::new(vec![signing.verifying().clone()]),
            revocations: some_revocations(),
            verifier: Verifier::new(ISSUER, AUDIENCE, TokenType::AccessToken),
            cache: Cache::new([6; 16], 10_000),
            raw: raw.ok()?,
            text,
            signing,
            signature,
            signed,
        })
    }

    /// How many bytes it has.
    pub const fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The whole verification.
    pub fn verify(&self, scratch: &mut Scratch) -> bool {
        self.verifier.verify(&self.text, &self.keys, &self.revocations, NOW, scratch).is_ok()
    }

    /// The verification of a token that was shown before.
    pub fn verify_again(&self, scratch: &mut Scratch) -> bool {
        self.verifier.verify_with(&self.cache, &self.text, &self.keys, &self.revocations, NOW, scratch).is_ok()
    }

    /// The signature of the same bytes and nothing else.
    pub fn verify_raw(&self) -> bool {
        self.raw.verify_sig(&self.text.as_bytes()[..self.signed], &self.signature).is_ok()
    }

    /// What there is beside the signature, as far as it can be called alone: decoding the payload, reading its claims,
    /// asking the index. `room` is as long as the token.
    pub fn read_claims(&self, room: &mut [u8]) -> bool {
        let payload = self.text[..self.signed].split('.').nth(1).unwrap_or_default();
        let Some(json) = base64url::decode_into(payload.as_bytes(), room) else { return false };
        let Ok(claims) = Claims::parse(json) else { return false };
        self.revocations.check(&claims.marks(self.signing.verifying().kid())).is_ok()
    }

    /// Mints such a token again; gives its length.
    pub fn mint_again(&self) -> usize {
        with_claims(|claims| mint(&self.signing, claims)).map_or(0, |text| text.len())
    }
}

/// Claims as an access token of a person in a session has them.
fn with_claims<T>(take: impl FnOnce(&Claims<'_>) -> T) -> T {
    let user = UserId::from_bytes([2; 16]).to_string();
    let session = SessionId::from_bytes([3; 16]).to_string();
    let token = TokenId::from_bytes([4; 16]).to_string();
    let claims = Claims {
        issuer: ISSUER,
        subject: &user,
        audience: Few::of(&[AUDIENCE]),
        client_id: "demo-hybrid",
        expires_at: NOW + Lifetime::from_mins(15),
        issued_at: NOW,
        not_before: None,
        token_id: &token,
        session_id: Some(&session),
        scope: Some("openid profile orders:read orders:write"),
        auth_time: Some(NOW),
        acr: None,
        amr: Few::of(&["pwd"]),
        rv: Some(Position { generation: 1_799_000_000, seq: 4321 }),
        handles: Handles { epoch: 1, subject: Some(Key([5; 16])), ..Handles::default() },
    };
    take(&claims)
}

fn some_revocations() -> Revocations {
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
        revocations.apply(&entry, NOW);
    }
    revocations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_verifying_take_the_same_token() {
        for algorithm in ALGORITHMS {
            let token = Token::mint(algorithm).expect("a token");
            assert!(token.verify(&mut Scratch::new()));
            assert!(token.verify_raw());
            assert!(token.verify_again(&mut Scratch::new()) && token.verify_again(&mut Scratch::new()));
            assert!(token.read_claims(&mut vec![0; token.bytes()]));
            assert_eq!(token.mint_again(), token.bytes());
            assert!((500..800).contains(&token.bytes()), "{}", token.bytes());
        }
    }
}
