//! Key sets, good and bad.

use proptest::prelude::*;

use super::super::LONGEST_KID;
use super::*;

// RFC 7515 appendix A.3 and RFC 8037 appendix A.2.
const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
const OKP: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

/// The ids of the keys in a set of these JWKs (each without its braces), or why there are none.
fn check(jwks: &[&str], expect: Result<&[&str], KeyError>) {
    let text =
        format!("{{\"keys\":[{}]}}", jwks.iter().map(|jwk| format!("{{{jwk}}}")).collect::<Vec<_>>().join(","));
    let set = KeySet::parse(text.as_bytes());
    let kids = set.as_ref().map(|set| set.iter().map(VerifyingKey::kid).collect::<Vec<_>>());
    assert_eq!(kids.as_deref().map_err(|why| **why), expect, "{text}");
}

#[test]
fn a_key_is_read_with_and_without_alg_and_use() {
    for rest in
        ["", r#","alg":"ES256""#, r#","use":"sig""#, r#","key_ops":["verify"]"#, r#","x5c":["ignored"],"ext":true"#]
    {
        check(&[&format!(r#"{EC},"kid":"a"{rest}"#)], Ok(&["a"]));
    }
    check(&[&format!(r#"{EC},"kid":"a""#), &format!(r#"{OKP},"kid":"b","alg":"EdDSA""#)], Ok(&["a", "b"]));
    check(&[], Ok(&[]));
}

#[test]
fn keys_that_are_not_for_us_are_skipped() {
    for other in [
        r#""kty":"RSA","n":"AAAA","e":"AQAB","kid":"a","alg":"RS512""#,
        r#""kty":"RSA","n":"AAAA","e":"AQAB","kid":"a","alg":"RSA-OAEP""#,
        r#""kty":"RSA","n":"AAAA","e":"AQAB","kid":"a","use":"enc""#,
        r#""kty":"EC","crv":"P-384","x":"AA","y":"AA","kid":"a""#,
        r#""kty":"EC","crv":"secp256k1","x":"AA","y":"AA""#,
        r#""kty":"OKP","crv":"X25519","x":"AA","kid":"a""#,
        r#""kty":"OKP""#,
        r#""kty":"Quantum""#,
    ] {
        check(&[other, &format!(r#"{OKP},"kid":"a""#)], Ok(&["a"]));
    }
    check(&[&format!(r#"{EC},"kid":"a","use":"enc""#)], Ok(&[]));
    check(&[&format!(r#"{EC},"kid":"a","key_ops":["sign"]"#)], Ok(&[]));
    check(&[&format!(r#"{EC},"kid":"a","key_ops":[]"#)], Ok(&[]));
}

#[test]
fn an_algorithm_of_another_kind_is_refused() {
    for alg in ["EdDSA", "HS256", "none", "es256", "RS256", "RS384", "RSA-OAEP", ""] {
        check(&[&format!(r#"{EC},"kid":"a","alg":"{alg}""#)], Err(KeyError::AlgorithmMismatch));
    }
    check(&[&format!(r#"{OKP},"kid":"a","alg":"ES256""#)], Err(KeyError::AlgorithmMismatch));
}

#[test]
fn a_key_needs_an_id_of_its_own() {
    check(&[EC], Err(KeyError::KidInvalid));
    check(&[&format!(r#"{EC},"kid":"""#)], Err(KeyError::KidInvalid));
    check(&[&format!(r#"{EC},"kid":"{}""#, "k".repeat(LONGEST_KID + 1))], Err(KeyError::KidInvalid));
    let longest = "k".repeat(LONGEST_KID);
    check(&[&format!(r#"{EC},"kid":"{longest}""#)], Ok(&[&longest]));
    check(&[&format!(r#"{EC},"kid":"a""#), &format!(r#"{OKP},"kid":"\u0061""#)], Err(KeyError::KidRepeated));
}

#[test]
fn a_private_key_is_not_a_public_one() {
    check(&[&format!(r#"{OKP},"kid":"a","d":"AAAA""#)], Err(KeyError::PrivateShown));
    check(&[&format!(r#"{EC},"kid":"a","d":null"#)], Err(KeyError::PrivateShown));
    check(&[&format!(r#"{},"p":"AAAA""#, rsa(r#","alg":"RS256""#))], Err(KeyError::PrivateShown));
    check(&[r#""kty":"oct","k":"AAAA","kid":"a""#, &format!(r#"{EC},"kid":"b""#)], Err(KeyError::PrivateShown));
}

/// An RSA key of 2048 bits (RFC 7517 appendix A.1) with more members.
fn rsa(more: &str) -> String {
    format!(r#""kty":"RSA","n":"{N}","e":"AQAB","kid":"a"{more}"#)
}

#[test]
fn an_rsa_key_is_for_one_algorithm_and_says_which() {
    for alg in ["RS256", "PS256"] {
        check(&[&rsa(&format!(r#","alg":"{alg}""#))], Ok(&["a"]));
    }
    check(&[&rsa("")], Err(KeyError::AlgorithmMissing));
    for alg in ["HS256", "ES256", "EdDSA", "none", "rs256", "", "RS1"] {
        check(&[&rsa(&format!(r#","alg":"{alg}""#))], Err(KeyError::AlgorithmMismatch));
    }
    let text = format!("{{\"keys\":[{{{}}}]}}", rsa(""));
    for assumed in Algorithm::ALL {
        let set = KeySet::parse_assuming(text.as_bytes(), assumed);
        match assumed {
            Algorithm::Rs256 | Algorithm::Ps256 => assert_eq!(set.unwrap().find(b"a").unwrap().algorithm(), assumed),
            _ => assert_eq!(set, Err(KeyError::AlgorithmMismatch)),
        }
    }
}

#[test]
fn an_rsa_key_that_can_be_broken_is_refused() {
    let n = base64url::decode(N).unwrap();
    let e = [1, 0, 1];
    let check = |n: &[u8], e: &[u8], expect| {
        assert_eq!(VerifyingKey::rsa("a", Algorithm::Rs256, n, e).map(drop), expect);
    };
    check(&n, &e, Ok(()));
    check(&n, &[3], Ok(()));
    check(&n, &[1], Err(KeyError::PublicWeak));
    check(&n[..128], &e, Err(KeyError::PublicInvalid));
    let mut odd = n[..128].to_vec();
    odd[127] |= 1;
    check(&odd, &e, Err(KeyError::PublicWeak));
    let mut short = n.clone();
    short[0] &= 0x7f;
    check(&short, &e, Err(KeyError::PublicWeak));
    let mut even = n.clone();
    even[255] &= 0xfe;
    let zero_before = [&[0], &n[..]].concat();
    for (n, e) in [
        (&even[..], &e[..]),
        (&zero_before, &e),
        (&n, &[0, 1, 0, 1]),
        (&n, &[]),
        (&[], &e),
        (&n, &[2]),
        (&n, &[0]),
        (&n, &[1, 0, 0, 0, 1]),
        (&[0xff; 1025], &e),
    ] {
        check(n, e, Err(KeyError::PublicInvalid));
    }
    assert!(VerifyingKey::rsa("a", Algorithm::Ps256, &[0xff; 1024], &e).is_ok(), "8192 bits");
    for other in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Hs256] {
        assert_eq!(VerifyingKey::rsa("a", other, &n, &e), Err(KeyError::AlgorithmMismatch));
    }
}

#[test]
fn a_guessable_secret_is_refused() {
    let drawn = *b"\x8f\x13 a secret that is long enough!";
    let check = |secret: &[u8], expect| assert_eq!(VerifyingKey::hs256("a", secret).map(drop), expect, "{secret:?}");
    check(&drawn, Ok(()));
    check(b"3f9a0c5be1d2774886aa10f35c99e0b1", Ok(()));
    check(&[&drawn[..], &[0; 40]].concat(), Ok(()));
    check(b"01234567899876543210012345678998", Ok(()));
    for weak in [
        &b""[..],
        &drawn[..31],
        &[0; 32],
        &[0xff; 64],
        b"secretsecretsecretsecretsecretsecret",
        b"change-me-now!change-me-now!change-me-now!chan",
        b"aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb",
        b"01234567012345670123456701234567",
        b"01234567888876543210012345678888",
        &[&drawn[..], &drawn[..]].concat(),
    ] {
        check(weak, Err(KeyError::SecretWeak));
    }
    assert_eq!(VerifyingKey::hs256("", &drawn), Err(KeyError::KidInvalid));
}

#[test]
fn shared_secrets_come_in_a_set_of_their_own() {
    let k = base64url::encode(b"\x8f\x13 a secret that is long enough!");
    let oct = |more: &str| format!(r#"{{"kty":"oct","k":"{k}"{more}}}"#);
    let read = |keys: &[String]| KeySet::parse_secrets(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes());
    let good = oct(r#","alg":"HS256","kid":"a""#);
    let set = read(std::slice::from_ref(&good)).unwrap();
    let key = set.find(b"a").unwrap();
    assert_eq!((key.algorithm(), key.public(), key.signature_length()), (Algorithm::Hs256, None, 32));
    let mut written = Vec::new();
    assert!(!key.write_jwk(&mut written));
    set.write(&mut written);
    assert_eq!(written, br#"{"keys":[]}"#);
    assert!(!format!("{set:?}").contains(&k));
    assert_eq!(*key, VerifyingKey::hs256("a", b"\x8f\x13 a secret that is long enough!").unwrap());
    assert_ne!(*key, VerifyingKey::hs256("a", b"\x8f\x13 a secret that is long enough?").unwrap());
    for (keys, expect) in [
        (vec![good.clone(), good.clone()], KeyError::KidRepeated),
        (vec![good.clone(), format!(r#"{{{EC},"kid":"b"}}"#)], KeyError::KindsMixed),
        (vec![oct(r#","kid":"a""#)], KeyError::AlgorithmMismatch),
        (vec![oct(r#","alg":"A256GCM","kid":"a""#)], KeyError::AlgorithmMismatch),
        (vec![oct(r#","alg":"HS256","use":"enc","kid":"a""#)], KeyError::AlgorithmMismatch),
        (vec![oct(r#","alg":"HS256""#)], KeyError::KidInvalid),
        (vec![good.replace(&k, "")], KeyError::SecretWeak),
        (vec![good.replace("\"k\"", "\"x\"")], KeyError::SecretWeak),
    ] {
        assert_eq!(read(&keys), Err(expect), "{keys:?}");
    }
}

#[test]
fn a_public_part_must_be_right_to_the_byte() {
    let zeros = "A".repeat(43);
    let ec = |x: &str, y: &str| format!(r#""kty":"EC","crv":"P-256","x":"{x}","y":"{y}","kid":"a""#);
    for (x, y) in [
        (zeros.as_str(), zeros.as_str()),
        ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", zeros.as_str()),
        ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU=", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
        ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEV", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
        ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVA", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
        ("", ""),
    ] {
        check(&[&ec(x, y)], Err(KeyError::PublicInvalid));
    }
    check(&[r#""kty":"EC","crv":"P-256","kid":"a""#], Err(KeyError::PublicInvalid));
    check(&[r#""kty":"OKP","crv":"Ed25519","x":"AAAA","kid":"a""#], Err(KeyError::PublicInvalid));
}

#[test]
fn a_malformed_set_is_refused_whole() {
    for bad in [
        "",
        "{}",
        "[]",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        r#"{"keys":[1]}"#,
        r#"{"keys":[{}]}"#,
        r#"{"keys":[{"kty":1}]}"#,
        r#"{"keys":[{"kty":"oct","kty":"EC"}]}"#,
        r#"{"keys":[{"kty":"EC","use":["sig"]}]}"#,
        r#"{"keys":[{"kty":"EC","key_ops":"verify"}]}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[]}x"#,
    ] {
        assert_eq!(KeySet::parse(bad.as_bytes()), Err(KeyError::SetMalformed), "{bad}");
    }
    assert_eq!(KeySet::parse(br#"{"keys":[],"more":{"a":[1]}}"#), Ok(KeySet::default()));
}

#[test]
fn a_set_is_bounded() {
    let others = |count| format!("{{\"keys\":[{}]}}", vec![r#"{"kty":"new"}"#; count].join(","));
    assert_eq!(KeySet::parse(others(MOST_KEYS).as_bytes()), Ok(KeySet::default()));
    assert_eq!(KeySet::parse(others(MOST_KEYS + 1).as_bytes()), Err(KeyError::TooManyKeys));
    let spaced = |length: usize| format!("{{\"keys\":[]}}{}", " ".repeat(length - 11));
    assert!(KeySet::parse(spaced(LONGEST_SET).as_bytes()).is_ok());
    assert_eq!(KeySet::parse(spaced(LONGEST_SET + 1).as_bytes()), Err(KeyError::SetTooLarge));
}

#[test]
fn what_is_written_is_what_is_read() {
    let rsa = format!(r#"{{"kty":"RSA","n":"{N}","e":"AQAB","alg":"PS256","use":"sig","kid":"key_2"}}"#);
    let text = format!(r#"{{"keys":[{{{EC},"kid":"a\"b"}},{{{OKP},"kid":"key_1"}},{rsa}]}}"#);
    let set = KeySet::parse(text.as_bytes()).unwrap();
    let mut written = Vec::new();
    set.write(&mut written);
    assert_eq!(KeySet::parse(&written), Ok(set));
    let expect = format!(
        r#"{{"keys":[{{{EC},"alg":"ES256","use":"sig","kid":"a\"b"}},{{{OKP},"alg":"EdDSA","use":"sig","kid":"key_1"}},{rsa}]}}"#
    );
    assert_eq!(String::from_utf8(written).unwrap(), expect);
    let mut none = Vec::new();
    KeySet::default().write(&mut none);
    assert_eq!(none, br#"{"keys":[]}"#);
}

#[test]
fn a_set_made_of_keys_keeps_the_first_of_an_id() {
    let set = KeySet::parse(format!(r#"{{"keys":[{{{EC},"kid":"a"}}]}}"#).as_bytes()).unwrap();
    let ec = set.find(b"a").unwrap().clone();
    let okp = VerifyingKey::ed25519("a", &coordinate(Some("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")).unwrap());
    let made = KeySet::new(vec![ec.clone(), okp.unwrap()]);
    assert_eq!((made.len(), made.is_empty(), made.find(b"a")), (1, false, Some(&ec)));
    assert_eq!((made.find(b"A"), made.find(b"")), (None, None));
    let other = VerifyingKey::ed25519("b", &coordinate(Some("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")).unwrap());
    let both = KeySet::new(vec![ec, other.unwrap()]);
    assert_eq!((both.len(), both.is_empty()), (2, false));
    assert_eq!((KeySet::default().len(), KeySet::default().is_empty()), (0, true));
}

#[test]
fn a_point_has_one_spelling() {
    let set = KeySet::parse(format!(r#"{{"keys":[{{{EC},"kid":"a"}}]}}"#).as_bytes()).unwrap();
    let point = set.find(b"a").unwrap().public().unwrap().to_vec();
    assert!(VerifyingKey::es256("a", &point).is_ok());
    let parity = 2 + (point[64] & 1);
    let compressed = [&[parity][..], &point[1..33]].concat();
    let hybrid = [&[parity + 4][..], &point[1..]].concat();
    for other in [&compressed[..], &hybrid, &point[1..], &[&point[..], &[0]].concat(), &[0; 65], &[0], &[]] {
        assert_eq!(VerifyingKey::es256("a", other), Err(KeyError::PublicInvalid));
        if other.len() != 32 {
            assert_eq!(VerifyingKey::ed25519("a", other), Err(KeyError::PublicInvalid));
        }
    }
}

#[test]
fn every_error_has_its_own_code() {
    for (place, one) in KeyError::ALL.iter().enumerate() {
        assert_eq!(*one as usize, place, "ALL is in order and complete");
        assert!(KeyError::ALL[..place].iter().all(|other| other.code() != one.code()));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        drop(KeySet::parse(&bytes));
        drop(KeySet::parse(&[b"{\"keys\":[{", &bytes[..], b"}]}"].concat()));
        drop(VerifyingKey::es256("a", &[&[4][..], &bytes].concat()));
        drop(VerifyingKey::ed25519("a", &bytes));
    }
}
