//! Access tokens, keys, claims, refresh tokens.

use std::sync::LazyLock;

use doorward_core::refresh::Presented;
use doorward_verify::token::{LONGEST, decode_unverified};
use doorward_verify::{Claims, KeySet, Revocations, Scratch, Timestamp, TokenType, Verifier, base64url};

use super::text;

/// Public keys whose private halves nobody here has: RFC 8037 appendix A.2 and RFC 7515 appendix A.3.
static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let jwks = br#"{"keys":[
        {"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty":"EC","crv":"P-256","alg":"ES256","kid":"es",
         "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
    KeySet::parse(jwks).expect("two keys")
});

/// Nothing is accepted, for nobody signed it; what is decoded is no longer than what came.
pub(super) fn token(data: &[u8]) {
    let Some(token) = text(data) else { return };
    let verifier = Verifier::new("https://id.example", "https://id.example", TokenType::AccessToken);
    let now = Timestamp::from_secs(1_790_000_000);
    let mut scratch = Scratch::new();
    let verdict = verifier.verify(token, &KEYS, &Revocations::new(), now, &mut scratch);
    assert!(verdict.is_err(), "a token that nobody signed is good");
    if let Ok((header, payload)) = decode_unverified(token) {
        assert!(token.len() <= LONGEST && header.len() + payload.len() < token.len());
        // What is decoded has one spelling.
        let (first, rest) = token.split_once('.').expect("a dot");
        assert_eq!(base64url::encode(&header), first);
        assert_eq!(rest.split_once('.').map(|(second, _)| second), Some(&*base64url::encode(&payload)));
    }
}

/// What is read is written so that it reads the same.
pub(super) fn jwks(data: &[u8]) {
    let Ok(keys) = KeySet::parse(data) else { return };
    let written = |keys: &KeySet| {
        let mut out = Vec::new();
        keys.write(&mut out);
        out
    };
    let first = written(&keys);
    let again = KeySet::parse(&first).expect("what was written is read");
    assert_eq!(written(&again), first);
    for key in keys.iter() {
        assert!(keys.find(key.kid().as_bytes()).is_some(), "a key is found by its name");
        assert!(!key.verify(b"nobody signed this", &vec![0; key.signature_length()]));
    }
}

/// What is read is written so that it reads the same.
pub(super) fn claims(data: &[u8]) {
    let mut bytes = data.to_vec();
    let Ok(read) = Claims::parse(&mut bytes) else { return };
    let mut first = Vec::new();
    read.write(&mut first);
    let mut copy = first.clone();
    let again = Claims::parse(&mut copy).expect("what was written is read");
    let mut second = Vec::new();
    again.write(&mut second);
    assert_eq!(text(&first), text(&second));
}

/// Every good text has one spelling: whoever changes a character has another token, or none.
pub(super) fn refresh_token(data: &[u8]) {
    let Some(token) = text(data) else { return };
    let Some(_) = Presented::parse(token) else { return };
    assert!(token.starts_with("dwr_") && token.is_ascii() && token.len() == 4 + 72 + 6, "{} bytes", token.len());
    for place in [4, token.len() / 2, token.len() - 1] {
        let mut changed = token.as_bytes().to_vec();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        assert!(Presented::parse(text(&changed).expect("text")).is_none(), "its checksum covers character {place}");
    }
}
