//! Tokens made to deceive, most of them rightly signed, and the one thing to say about each.

use doorward_verify::{Algorithm, Rejection, base64url};

use crate::signer::{ED, ES, World, claims, header, payload, sign_with};

const MALFORMED: Rejection = Rejection::TokenMalformed;
const BAD_SIGNATURE: Rejection = Rejection::SignatureInvalid;
const BAD_CLAIMS: Rejection = Rejection::ClaimsInvalid;

fn check(world: &World, token: &str, expect: Rejection) {
    assert_eq!(world.verdict(token), Err(expect), "{}", &token[..token.len().min(300)]);
}

#[test]
fn a_token_is_three_segments_of_base64url() {
    let world = World::new();
    let token = world.mint(Algorithm::Es256, &claims());
    let (head, rest) = token.split_once('.').unwrap();
    let (body, seal) = rest.split_once('.').unwrap();
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        head.to_owned(),
        format!("{head}.{body}"),
        format!("{head}.{body}."),
        format!(".{body}.{seal}"),
        format!("{head}..{seal}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{seal}"),
        format!("{head}.{body}.{seal}.{seal}.{seal}"),
        format!(" {token}"),
        format!("{token} "),
        format!("{token}\n"),
        format!("{token}\0"),
        format!("{head} .{body}.{seal}"),
        format!("{head}.\t{body}.{seal}"),
        format!("{head}.{body}\n.{seal}"),
        format!("{head}=.{body}.{seal}"),
        format!("{head}.{body}=.{seal}"),
        format!("{head}.{body}.{seal}="),
        format!("{head}.{body}.{seal}=="),
        format!("{head}.{body}.{}+", &seal[1..]),
        format!("{head}.{body}.{}/", &seal[1..]),
        format!("{head}.{body}.{}%", &seal[1..]),
        format!("{head}.{body}.{}\u{e9}", &seal[2..]),
        format!("Bearer {token}"),
        ".".repeat(8192),
        "..".to_owned() + &"A".repeat(8000),
    ] {
        check(&world, &bad, MALFORMED);
    }
}

#[test]
fn the_json_serializations_are_no_tokens() {
    let world = World::new();
    let token = world.mint(Algorithm::Es256, &claims());
    let parts: Vec<_> = token.split('.').collect();
    let flat = format!(r#"{{"protected":"{}","payload":"{}","signature":"{}"}}"#, parts[0], parts[1], parts[2]);
    check(&world, &flat, MALFORMED);
    // Compact form hidden in JSON, and JSON hidden around the compact form (CVE-2022-39227).
    check(&world, &format!(r#"{{"  {}.{}.":"","protected":"{}"}}"#, parts[0], parts[1], parts[0]), MALFORMED);
    check(&world, &format!("[\"{token}\"]"), MALFORMED);
}

#[test]
fn size_is_looked_at_first() {
    let world = World::new();
    let fill = |length: usize| {
        let filler = "x".repeat(length);
        world.sign(&header(ES), &payload("read write", &filler))
    };
    let room = 8192 - fill(0).len();
    let largest = fill(room * 3 / 4 - 2);
    assert!((8180..=8192).contains(&largest.len()), "{}", largest.len());
    assert_eq!(world.verdict(&largest), Ok(()));
    for large in [fill(room * 3 / 4 + 3), ".".repeat(8193), ".".repeat(1_000_000), "A".repeat(10_000_000)] {
        check(&world, &large, Rejection::TokenTooLarge);
    }
}

#[test]
fn a_token_cut_or_lengthened_anywhere_is_refused() {
    let world = World::new();
    for algorithm in Algorithm::ALL {
        let token = world.mint(algorithm, &claims());
        for length in 0..token.len() {
            assert!(world.verdict(&token[..length]).is_err(), "first {length} of {token}");
            assert!(world.verdict(&token[token.len() - length..]).is_err(), "last {length} of {token}");
        }
        for more in ["A", "AA", "AAA", "AAAA", "_", "=", ".", " ", "AAAAAAAA"] {
            assert!(world.verdict(&format!("{token}{more}")).is_err());
            assert!(world.verdict(&format!("{more}{token}")).is_err());
        }
    }
}

#[test]
fn a_signature_has_exactly_one_length() {
    let world = World::new();
    let token = world.mint(Algorithm::Es256, &claims());
    let (signed, seal) = token.rsplit_once('.').unwrap();
    let seal = base64url::decode(seal).unwrap();
    let with = |seal: &[u8]| format!("{signed}.{}", base64url::encode(seal));
    assert_eq!(world.verdict(&with(&seal)), Ok(()));
    let (r, s) = seal.split_at(32);
    // The same two numbers in DER, as other protocols write them; r is shown positive.
    let der = [&[0x30, 70, 2, 33, 0], r, &[2, 33, 0], s].concat();
    let padded = [&[0], r, &[0], s].concat();
    for bad in [
        &seal[..63],
        &seal[1..],
        &[&seal[..], &[0]].concat(),
        &[&[0], &seal[..]].concat(),
        &der,
        &padded,
        &[0],
        &[1; 4000],
    ] {
        check(&world, &with(bad), BAD_SIGNATURE);
    }
    for (algorithm, length) in [(Algorithm::Rs256, 256), (Algorithm::Ps256, 384), (Algorithm::Hs256, 32)] {
        let token = world.mint(algorithm, &claims());
        let (signed, seal) = token.rsplit_once('.').unwrap();
        let seal = base64url::decode(seal).unwrap();
        let with = |seal: &[u8]| format!("{signed}.{}", base64url::encode(seal));
        assert_eq!(seal.len(), length, "{}", algorithm.name());
        let zero_before = [&[0], &seal[..]].concat();
        for bad in
            [&seal[1..], &seal[..length - 1], &seal[..16], &zero_before, &[&seal[..], &[0]].concat(), &[7; 1024]]
        {
            check(&world, &with(bad), BAD_SIGNATURE);
        }
    }
}

#[test]
fn psychic_signatures_are_refused() {
    let world = World::new();
    // The order of P-256 (SEC 2): r and s must be from 1 to one less.
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (mut one, zero) = ([0; 32], [0; 32]);
    one[31] = 1;
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let token = world.mint(algorithm, &claims());
        let (signed, _) = token.rsplit_once('.').unwrap();
        for r in [zero, one, order, [0xff; 32]] {
            for s in [zero, one, order, [0xff; 32]] {
                check(&world, &format!("{signed}.{}", base64url::encode(&[r, s].concat())), BAD_SIGNATURE);
            }
        }
    }
}

#[test]
fn one_changed_character_is_never_accepted() {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=. ";
    let world = World::new();
    for algorithm in Algorithm::ALL {
        let token = world.mint(algorithm, &claims());
        let seal_from = token.rfind('.').unwrap();
        for at in 0..token.len() {
            // Every other character in the signature, whose last one also holds spare bits; some elsewhere.
            let step = if at > seal_from { 1 } else { 13 };
            for letter in ALPHABET.chars().skip(at % step).step_by(step) {
                let mut changed = token.clone();
                changed.replace_range(at..=at, letter.encode_utf8(&mut [0; 4]));
                if changed != token {
                    assert!(world.verdict(&changed).is_err(), "{letter:?} at {at} of {token}");
                }
            }
        }
    }
}

#[test]
fn spare_bits_do_not_make_a_second_spelling() {
    let world = World::new();
    // 64 bytes end in a character with four spare bits, all zero in the canonical spelling.
    let token = world.mint(Algorithm::EdDsa, &claims());
    let last = token.chars().last().unwrap();
    assert!("AQgw".contains(last));
    for next in 1..16 {
        let letter = char::from(u8::try_from(last).unwrap() + next);
        // The alphabet runs on for sixteen from each of them, but for `w`, where the digits follow `z`.
        if letter.is_ascii_alphabetic() {
            check(&world, &format!("{}{letter}", &token[..token.len() - 1]), MALFORMED);
        }
    }
    // The same in a rightly signed payload: the signature holds, the spelling does not.
    assert_eq!(base64url::encode(b"{}"), "e30");
    let token = sign_with(&world.es, &base64url::encode(header(ES).as_bytes()), "e31");
    check(&world, &token, MALFORMED);
}

#[test]
fn nothing_is_said_about_claims_before_the_signature_holds() {
    let world = World::new();
    let strangers = World::new();
    let long_over = payload("1800000600", "1000000600");
    for body in ["{", " ", "null", &long_over, &payload("id.example", "evil.example"), &payload("api.", "evil.")] {
        check(&world, &strangers.sign(&header(ES), body), BAD_SIGNATURE);
        assert_ne!(world.verdict(&world.sign(&header(ES), body)), Err(BAD_SIGNATURE), "{body}");
    }
}

#[test]
fn another_partys_token_is_refused() {
    let world = World::new();
    for (from, to, expect) in [
        (r#""aud":"https://api.example""#, r#""aud":"https://evil.example""#, Rejection::AudienceUnexpected),
        (r#""aud":"https://api.example""#, r#""aud":"https://api.example.evil""#, Rejection::AudienceUnexpected),
        (r#""aud":"https://api.example""#, r#""aud":"https://api""#, Rejection::AudienceUnexpected),
        (r#""aud":"https://api.example""#, r#""aud":"HTTPS://API.EXAMPLE""#, Rejection::AudienceUnexpected),
        (r#""aud":"https://api.example""#, r#""aud":["https://api.example "]"#, Rejection::AudienceUnexpected),
        (r#""aud":"https://api.example""#, r#""aud":"https://api.example\u0000""#, Rejection::AudienceUnexpected),
        (r#""aud":"https://api.example""#, r#""aud":["a","b,https://api.example"]"#, Rejection::AudienceUnexpected),
        (r#""aud":"https://api.example""#, r#""aud":[]"#, BAD_CLAIMS),
        (r#""aud":"https://api.example""#, r#""aud":[["https://api.example"]]"#, BAD_CLAIMS),
        (r#""aud":"https://api.example""#, r#""aud":{"https://api.example":true}"#, BAD_CLAIMS),
        (r#""aud":"https://api.example""#, r#""aud":"*""#, Rejection::AudienceUnexpected),
        (r#""iss":"https://id.example""#, r#""iss":"https://evil.example""#, Rejection::IssuerUnexpected),
        (r#""iss":"https://id.example""#, r#""iss":["https://id.example"]"#, BAD_CLAIMS),
        (r#""iss":"https://id.example""#, r#""iss":["https://evil.example","https://id.example"]"#, BAD_CLAIMS),
        (r#""iss":"https://id.example""#, r#""Iss":"https://id.example""#, BAD_CLAIMS),
    ] {
        check(&world, &world.mint_text(&payload(from, to)), expect);
    }
}

#[test]
fn times_are_integers_and_in_order() {
    let world = World::new();
    for (to, expect) in [
        ("\"1800000600\"", BAD_CLAIMS),
        ("1800000600.0", BAD_CLAIMS),
        ("1.8e9", BAD_CLAIMS),
        ("1e400", BAD_CLAIMS),
        ("1e-400", BAD_CLAIMS),
        ("null", BAD_CLAIMS),
        ("true", BAD_CLAIMS),
        ("[1800000600]", BAD_CLAIMS),
        ("{\"$numberLong\":1800000600}", BAD_CLAIMS),
        ("NaN", BAD_CLAIMS),
        ("Infinity", BAD_CLAIMS),
        ("0x7fffffff", BAD_CLAIMS),
        ("01800000600", BAD_CLAIMS),
        ("+1800000600", BAD_CLAIMS),
        ("9223372036854775808", BAD_CLAIMS),
        ("9223372036854775807", Rejection::LifetimeTooLong),
        ("1800000600000", Rejection::LifetimeTooLong),
        ("0", Rejection::TokenExpired),
        ("-1", Rejection::TokenExpired),
        ("-9223372036854775808", Rejection::TokenExpired),
        // Within the leeway, and yet never alive.
        ("1800000000", BAD_CLAIMS),
        ("1799999999", BAD_CLAIMS),
    ] {
        check(&world, &world.mint_text(&payload("1800000600", to)), expect);
    }
    for name in ["iat", "nbf"] {
        for (value, expect) in [
            ("\"1800000000\"", BAD_CLAIMS),
            ("null", BAD_CLAIMS),
            ("1e400", BAD_CLAIMS),
            ("1800000031", Rejection::TokenPremature),
            ("9223372036854775807", Rejection::TokenPremature),
        ] {
            let body = match name {
                "iat" => payload("\"iat\":1800000000", &format!("\"iat\":{value}")),
                _ => payload("\"jti\"", &format!("\"nbf\":{value},\"jti\"")),
            };
            check(&world, &world.mint_text(&body), expect);
        }
    }
    check(&world, &world.mint_text(&payload("\"exp\":1800000600,", "")), BAD_CLAIMS);
}

#[test]
fn a_payload_is_one_strict_object() {
    let world = World::new();
    let good = payload("", "");
    for bad in [
        "x".to_owned(),
        "null".to_owned(),
        "\"{}\"".to_owned(),
        "{}".to_owned(),
        format!("[{good}]"),
        format!("{good}{good}"),
        format!("{good}\0"),
        format!("{good},"),
        format!("\u{feff}{good}"),
        good[..good.len() - 1].to_owned(),
        payload("\"sub\"", "\"iss\":\"https://id.example\",\"sub\""),
        payload("\"sub\"", "\"is\\u0073\":\"https://evil.example\",\"sub\""),
        payload("\"sub\"", "\"x\":{\"a\":1,\"a\":1},\"sub\""),
        payload("\"sub\"", &format!("\"x\":{}{},\"sub\"", "[".repeat(1000), "]".repeat(1000))),
        payload("\"sub\"", &format!("\"x\":{}1{},\"sub\"", "{\"a\":".repeat(500), "}".repeat(500))),
        payload("read write", "\\ud800"),
        payload("read write", "a\nb"),
        payload("read write", "\\x41"),
        payload("3:100", "3:0100"),
        payload("1.AQ", "9.AQ"),
    ] {
        check(&world, &world.mint_text(&bad), BAD_CLAIMS);
    }
    let mut latin = good.into_bytes();
    let at = latin.iter().position(|&byte| byte == b'w').unwrap();
    latin[at] = 0xe9;
    let token = sign_with(&world.es, &base64url::encode(header(ES).as_bytes()), &base64url::encode(&latin));
    check(&world, &token, BAD_CLAIMS);
}

#[test]
fn encrypted_tokens_are_not_ours_to_open() {
    let world = World::new();
    let jwe = base64url::encode(br#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"zip":"DEF"}"#);
    check(&world, &format!("{jwe}.AAAA.AAAA.AAAA.AAAA"), MALFORMED);
    check(&world, &format!("{jwe}.AAAA.AAAA"), Rejection::HeaderInvalid);
    let nested = base64url::encode(world.mint(Algorithm::EdDsa, &claims()).as_bytes());
    let head = base64url::encode(format!(r#"{{"alg":"EdDSA","kid":"{ED}","typ":"at+jwt","cty":"JWT"}}"#).as_bytes());
    check(&world, &sign_with(&world.ed, &head, &nested), BAD_CLAIMS);
}

#[test]
fn a_public_key_is_no_shared_secret() {
    use aws_lc_rs::hmac;
    let world = World::new();
    let mut jwk = Vec::new();
    let key = world.keys.find(ES.as_bytes()).unwrap();
    assert!(key.write_jwk(&mut jwk));
    let public = key.public().unwrap();
    for alg in ["HS256", "ES256"] {
        let head = base64url::encode(format!(r#"{{"alg":"{alg}","kid":"{ES}","typ":"at+jwt"}}"#).as_bytes());
        let signed = format!("{head}.{}", base64url::encode(payload("", "").as_bytes()));
        for secret in [public, &public[1..], &jwk, b"", ES.as_bytes()] {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
            let token = format!("{signed}.{}", base64url::encode(tag.as_ref()));
            check(&world, &token, if alg == "HS256" { Rejection::AlgorithmUnexpected } else { BAD_SIGNATURE });
        }
    }
}
