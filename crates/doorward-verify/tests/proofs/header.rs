//! Which headers are taken, and what is said about the others.

use doorward_verify::token::{canonical_header, header_json};
use doorward_verify::{Algorithm, Rejection, TokenType, base64url};
use proptest::prelude::*;

use crate::signer::{ED, ES, World, header, payload, sign_with};

fn check(world: &World, header: &str, expect: Result<(), Rejection>) {
    assert_eq!(world.verdict(&world.sign(header, &payload("", ""))), expect, "{header}");
}

#[test]
fn our_own_header_has_one_spelling() {
    let json = header_json(Algorithm::Es256, ES, TokenType::AccessToken.name());
    assert_eq!(String::from_utf8(json.clone()).unwrap(), header(ES));
    assert_eq!(canonical_header(Algorithm::Es256, ES, "at+jwt"), base64url::encode(&json));
    let world = World::new();
    let key = world.keys.find(ES.as_bytes()).unwrap();
    let segment = key.canonical_header(TokenType::AccessToken);
    assert_eq!(segment, base64url::encode(&json));
    assert_eq!(world.keys.find_by_header(segment.as_bytes(), TokenType::AccessToken), Some(key));
    assert_eq!(world.keys.find_by_header(b"", TokenType::AccessToken), None);
    assert_eq!(world.keys.find_by_header(&segment.as_bytes()[1..], TokenType::AccessToken), None);
}

#[test]
fn other_spellings_of_a_good_header_are_good() {
    let world = World::new();
    for good in [
        format!(r#"{{"typ":"at+jwt","kid":"{ES}","alg":"ES256"}}"#),
        format!(r#" {{ "alg" : "ES256" , "kid" : "{ES}" , "typ" : "AT+jwt" }} "#),
        format!(r#"{{"alg":"\u0045S256","kid":"{ES}","typ":"application\/at+jwt"}}"#),
        format!(r#"{{"alg":"ES256","kid":"{ES}","typ":"at+jwt","cty":"x","x5t":"AA","more":[1,{{"a":2}}]}}"#),
    ] {
        check(&world, &good, Ok(()));
    }
}

#[test]
fn a_header_that_asks_for_more_is_refused() {
    let world = World::new();
    let with = |more: &str| format!(r#"{{"alg":"ES256","kid":"{ES}","typ":"at+jwt",{more}}}"#);
    for crit in [
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""crit":null"#,
        r#""crit":["b64"],"b64":false"#,
        r#""c\u0072it":["x"]"#,
    ] {
        check(&world, &with(crit), Err(Rejection::CriticalUnknown));
    }
    for more in [
        r#""jku":"https://evil.example/jwks.json""#,
        r#""x5u":"https://evil.example/cert""#,
        r#""x5c":["AAAA"]"#,
        r#""jwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#,
        r#""jwk":null"#,
        r#""zip":"DEF""#,
        r#""b64":true"#,
        r#""b64":false"#,
        r#""alg":"ES256""#,
        r#""kid":"x""#,
        r#""a":1,"a":2"#,
        r#""a":{"b":1,"b":1}"#,
        r#""a":[[[[[[[[1]]]]]]]]"#,
        r#""a""#,
    ] {
        check(&world, &with(more), Err(Rejection::HeaderInvalid));
    }
}

#[test]
fn the_key_decides_the_algorithm() {
    let world = World::new();
    for alg in [
        "none", "None", "NONE", "nOnE", "", "HS256", "HS384", "RS256", "PS256", "ES384", "ES256K", "es256", "ES256 ",
        "Ed25519", "EdDSA",
    ] {
        let header = format!(r#"{{"alg":"{alg}","kid":"{ES}","typ":"at+jwt"}}"#);
        check(&world, &header, Err(Rejection::AlgorithmUnexpected));
        let unsigned =
            format!("{}.{}.", base64url::encode(header.as_bytes()), base64url::encode(payload("", "").as_bytes()));
        assert_eq!(world.verdict(&unsigned), Err(Rejection::TokenMalformed), "{alg}");
    }
    // Each key's name with the other's algorithm, and rightly signed by either.
    for (kid, alg) in [(ES, "EdDSA"), (ED, "ES256")] {
        let segment = base64url::encode(format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"at+jwt"}}"#).as_bytes());
        for pair in [&world.es, &world.ed] {
            let token = sign_with(pair, &segment, &base64url::encode(payload("", "").as_bytes()));
            assert_eq!(world.verdict(&token), Err(Rejection::AlgorithmUnexpected));
        }
    }
    // The right name and algorithm, signed by the other key.
    let segment = canonical_header(Algorithm::EdDsa, ED, "at+jwt");
    let token = sign_with(&world.es, &segment, &base64url::encode(payload("", "").as_bytes()));
    assert_eq!(world.verdict(&token), Err(Rejection::SignatureInvalid));
    let strangers = World::new();
    assert_eq!(world.verdict(&strangers.mint_text(&payload("", ""))), Err(Rejection::SignatureInvalid));
}

#[test]
fn a_header_names_its_key_and_type() {
    let world = World::new();
    for kid in [
        r#""kid":"key_00000000000000000000000009","#,
        r#""kid":"","#,
        "",
        r#""kid":"KEY_00000000000000000000000001","#,
    ] {
        check(&world, &format!(r#"{{"alg":"ES256",{kid}"typ":"at+jwt"}}"#), Err(Rejection::KeyUnknown));
    }
    for typ in
        ["", r#","typ":"JWT""#, r#","typ":"""#, r#","typ":"id+jwt""#, r#","typ":"logout+jwt""#, r#","typ":"at+jwt ""#]
    {
        check(&world, &format!(r#"{{"alg":"ES256","kid":"{ES}"{typ}}}"#), Err(Rejection::TypeUnexpected));
    }
    for bad in [
        format!(r#"{{"kid":"{ES}","typ":"at+jwt"}}"#),
        format!(r#"{{"alg":null,"kid":"{ES}","typ":"at+jwt"}}"#),
        format!(r#"{{"alg":["ES256"],"kid":"{ES}","typ":"at+jwt"}}"#),
        r#"{"alg":"ES256","kid":1,"typ":"at+jwt"}"#.to_owned(),
        format!(r#"{{"alg":"ES256","kid":"{ES}","typ":["at+jwt"]}}"#),
        "{}".to_owned(),
        "[]".to_owned(),
        "x".to_owned(),
        format!("{}{{}}", header(ES)),
        format!("{}\0", header(ES)),
        format!("\u{feff}{}", header(ES)),
    ] {
        check(&world, &bad, Err(Rejection::HeaderInvalid));
    }
}

#[test]
fn a_header_is_bounded() {
    let world = World::new();
    let sized = |length: usize| {
        let mut header = header(ES);
        header.insert_str(header.len() - 1, &" ".repeat(length - header.len()));
        header
    };
    check(&world, &sized(1024), Ok(()));
    check(&world, &sized(1025), Err(Rejection::HeaderInvalid));
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(header: Vec<u8>) {
        let world = World::new();
        let token = sign_with(&world.ed, &base64url::encode(&header), "e30");
        prop_assert!(world.verdict(&token).is_err());
    }
}
