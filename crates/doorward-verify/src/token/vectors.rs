//! Whole tokens of the RFCs and of Wycheproof, where they are at hand. They are no access tokens, so only the stages that
//! every JWS passes are run: form, header, key, algorithm, signature.

use serde_json::{Value, json};

use super::*;
use crate::data::{hex, read};
use crate::{KeyError, Lifetime, Revocations, Scratch, Timestamp, Verifier};

/// Valid by the letter of Wycheproof, refused by us, and why.
const REFUSED: [(&str, u64, &str); 13] = [
    (SIGNATURES, 346, "the key is for PS256, the header says PS384"),
    (SIGNATURES, 350, "the key is for PS256, the header says PS384"),
    (SIGNATURES, 347, "the key is for \"ES521\", which is no algorithm, and the header says ES512"),
    (SIGNATURES, 351, "the key is for \"ES521\", which is no algorithm, and the header says ES512"),
    (SIGNATURES, 357, ZEROS),
    (SIGNATURES, 358, ZEROS),
    (SIGNATURES, 359, ZEROS),
    (SIGNATURES, 372, "a character that is not of base64url stands in the header; also, the secret is all zeros"),
    (SIGNATURES, 373, "a character that is not of base64url stands in the payload; also, the secret is all zeros"),
    (SIGNATURES, 376, ZEROS),
    (SIGNATURES, 377, ZEROS),
    (SIGNATURES, 259, "the payload is empty; no token of ours says nothing"),
    (SIGNATURES, 272, "the payload is empty; no token of ours says nothing"),
];

const ZEROS: &str = "the shared secret is all zeros";

/// Valid, but of algorithms that we do not have: not a word of them is believed.
const UNKNOWN: [&str; 6] = ["RS384", "RS512", "PS384", "PS512", "HS384", "HS512"];

const SIGNATURES: &str = "wycheproof/json_web_signature_test.json";

/// What every JWS passes.
fn check(token: &str, keys: &KeySet) -> Result<(), Rejection> {
    let compact = Compact::split(token)?;
    compact.payload(&mut [0; LONGEST_PAYLOAD])?;
    let mut room = [0; LONGEST_SIGNATURE];
    let signature = compact.signature(&mut room)?;
    let mut room = [0; LONGEST_HEADER];
    let key = compact.header(&mut room)?.key(keys)?;
    if signature.is_some_and(|signature| key.verify(compact.signed, signature)) {
        Ok(())
    } else {
        Err(Rejection::SignatureInvalid)
    }
}

/// Is it cut and read as three segments, as every token is before anything else is looked at?
fn is_compact(token: &str) -> bool {
    Compact::split(token).and_then(|compact| compact.payload(&mut [0; LONGEST_PAYLOAD]).map(drop)).is_ok()
}

fn set(keys: &Value) -> Vec<u8> {
    let set = if keys.get("keys").is_some() { keys.clone() } else { json!({ "keys": [keys] }) };
    serde_json::to_vec(&set).unwrap()
}

/// The keys of a group: the public ones, or the shared secrets where nothing is public.
fn keys_of(group: &Value) -> Result<KeySet, KeyError> {
    match group.get("public") {
        Some(public) => KeySet::parse(&set(public)),
        None => KeySet::parse_secrets(&set(&group["private"])),
    }
}

/// Runs a file of tokens; gives how many were accepted and refused.
fn check_file(path: &str) -> Option<(usize, usize)> {
    let file = read(path)?;
    let (mut accepted, mut refused) = (0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        let keys = keys_of(group);
        for test in group["tests"].as_array().unwrap() {
            let Some(token) = test.get("jws") else {
                // An encrypted token is no token here, whatever is in it.
                let jwe = test["jwe"].as_str().map_or_else(|| test["jwe"].to_string(), str::to_owned);
                assert!(!is_compact(&jwe), "{path} {}", test["tcId"]);
                refused += 1;
                continue;
            };
            let token = token.as_str().map_or_else(|| token.to_string(), str::to_owned);
            let verdict =
                keys.as_ref().map_err(|why| why.code()).and_then(|keys| check(&token, keys).map_err(Rejection::code));
            let id = test["tcId"].as_u64().unwrap();
            let shown = group.get("public").unwrap_or(&group["private"]);
            let alg = shown.pointer("/keys/0").unwrap_or(shown)["alg"].as_str().unwrap_or("");
            let strict = REFUSED.iter().any(|(file, listed, _)| (*file, *listed) == (path, id));
            let expect = test["result"] == "valid" && !strict && !UNKNOWN.contains(&alg);
            assert_eq!(verdict.is_ok(), expect, "{path} {id} {} {verdict:?}", test["comment"]);
            *(if expect { &mut accepted } else { &mut refused }) += 1;
        }
    }
    assert_eq!(accepted + refused, file["numberOfTests"].as_u64().unwrap() as usize, "{path}");
    Some((accepted, refused))
}

#[test]
fn wycheproof_tokens_keys_and_mixtures() {
    for (path, least) in [
        (SIGNATURES, 15),
        ("wycheproof/json_web_key_test.json", 3),
        ("wycheproof/json_web_crypto_test.json", 4),
        ("wycheproof/json_web_encryption_test.json", 0),
    ] {
        let Some((accepted, refused)) = check_file(path) else { return };
        println!("{path}: {accepted} accepted, {refused} refused");
        assert!(accepted >= least && refused >= 20, "{path}: {accepted} accepted, {refused} refused");
    }
}

#[test]
fn what_a_strict_policy_refuses_would_be_valid_otherwise() {
    let Some(file) = read(SIGNATURES) else { return };
    let groups = file["testGroups"].as_array().unwrap();
    let tests: Vec<_> = groups.iter().flat_map(|group| group["tests"].as_array().unwrap()).collect();
    for (_, id, why) in REFUSED {
        let test = tests.iter().find(|test| test["tcId"] == id).unwrap();
        assert_eq!(test["result"], "valid", "{id}: {why}");
    }
}

#[test]
fn wycheproof_keys_of_x25519_are_for_no_signature() {
    let Some(file) = read("wycheproof/x25519_jwk_test.json") else { return };
    for group in file["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            if test["public"]["crv"] == "P-256" {
                // A good key for ES256 that was given where one for X25519 belongs.
                continue;
            }
            let keys = KeySet::parse(&set(&test["public"]));
            assert!(keys.is_err() || keys.is_ok_and(|keys| keys.is_empty()), "{}", test["tcId"]);
        }
    }
}

#[test]
fn wycheproof_jwks_of_single_signatures_are_read() {
    for (path, member, alg) in [
        ("wycheproof/ed25519_test.json", "publicKeyJwk", "EdDSA"),
        ("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json", "publicKeyJwk", "ES256"),
        ("wycheproof/rsa_signature_2048_sha256_test.json", "keyJwk", "RS256"),
        ("wycheproof/rsa_signature_3072_sha256_test.json", "keyJwk", "RS256"),
        ("wycheproof/rsa_pss_2048_sha256_mgf1_32_test.json", "publicKeyJwk", "PS256"),
    ] {
        let Some(file) = read(path) else { return };
        for group in file["testGroups"].as_array().unwrap() {
            let Some(jwk) = group.get(member).filter(|jwk| !jwk.is_null()) else { continue };
            let mut jwk = jwk.clone();
            jwk["kid"] = "w".into();
            jwk["alg"] = alg.into();
            let keys = KeySet::parse(&set(&jwk)).unwrap_or_else(|why| panic!("{path}: {why} {jwk}"));
            for test in group["tests"].as_array().unwrap() {
                let valid = keys.find(b"w").unwrap().verify(&hex(&test["msg"]), &hex(&test["sig"]));
                assert_eq!(valid, test["result"] == "valid", "{path} {}", test["tcId"]);
            }
        }
    }
}

/// The key of an example as a set of one key called `example`.
fn example(jwk: &Value, alg: &str) -> KeySet {
    let mut jwk = jwk.clone();
    for private in ["d", "p", "q", "dp", "dq", "qi"] {
        jwk.as_object_mut().unwrap().remove(private);
    }
    jwk["kid"] = "example".into();
    jwk["alg"] = alg.into();
    let parse = if jwk["kty"] == "oct" { KeySet::parse_secrets } else { KeySet::parse };
    parse(&set(&jwk)).unwrap()
}

/// Checks the signature of a compact token, and that any change to it is seen.
fn check_signature(jwk: &Value, alg: &str, compact: &Value) {
    let keys = example(jwk, alg);
    let key = keys.find(b"example").unwrap();
    let (signed, seal) = compact.as_str().unwrap().rsplit_once('.').unwrap();
    let seal = base64url::decode(seal).unwrap();
    assert!(key.verify(signed.as_bytes(), &seal), "{alg}");
    assert!(!key.verify(&signed.as_bytes()[1..], &seal));
    for bit in 0..seal.len() * 8 {
        let mut wrong = seal.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert!(!key.verify(signed.as_bytes(), &wrong), "{alg} bit {bit}");
    }
}

#[test]
fn the_examples_of_the_rfcs_verify() {
    let Some(examples) = read("rfc/rfc_examples.json") else { return };
    for (name, alg) in [("rfc7515_a1_hs256", "HS256"), ("rfc7515_a3_es256", "ES256"), ("rfc8037_a4_ed25519", "EdDSA")]
    {
        check_signature(&examples[name]["jwk"], alg, &examples[name]["compact"]);
    }
    for (path, alg) in [
        ("rfc/curve25519/jws.json", "EdDSA"),
        ("rfc/rfc7520/jws_4_1.rsa_v15_signature.json", "RS256"),
        ("rfc/rfc7520/jws_4_4.hmac-sha2_integrity_protection.json", "HS256"),
    ] {
        let Some(cookbook) = read(path) else { return };
        check_signature(&cookbook["input"]["key"], alg, &cookbook["output"]["compact"]);
    }
}

#[test]
fn no_example_is_an_access_token() {
    let Some(examples) = read("rfc/rfc_examples.json") else { return };
    let verifier = Verifier::new("joe", "joe", TokenType::AccessToken).with_leeway(Lifetime::ZERO);
    let now = Timestamp::from_secs(1_300_819_000);
    for (name, alg, expect) in [
        ("rfc7515_a1_hs256", "HS256", Rejection::TypeUnexpected),
        ("rfc7515_a3_es256", "ES256", Rejection::TypeUnexpected),
        ("rfc7515_a5_none", "", Rejection::TokenMalformed),
        ("rfc8037_a4_ed25519", "EdDSA", Rejection::TypeUnexpected),
    ] {
        let token = examples[name]["compact"].as_str().unwrap();
        let keys = examples[name].get("jwk").map(|jwk| example(jwk, alg)).unwrap_or_default();
        let verdict = verifier.verify(token, &keys, &Revocations::new(), now, &mut Scratch::new()).map(drop);
        assert_eq!(verdict, Err(expect), "{name}");
    }
}

#[test]
fn a_payload_that_is_not_base64url_is_not_ours() {
    for path in ["rfc/rfc7797/4.2.hmac-sha2_b64_false.json", "rfc/rfc7797/hmac-sha2_b64_false.json"] {
        let Some(cookbook) = read(path) else { return };
        let keys = example(&cookbook["input"]["key"], "HS256");
        let mut tried = 0;
        for compact in [&cookbook["output"]["compact"], &cookbook["output"]["json_flat"]] {
            if compact.is_null() {
                continue;
            }
            let text = compact.as_str().map_or_else(|| compact.to_string(), str::to_owned);
            assert!(check(&text, &keys).is_err(), "{path}");
            tried += 1;
        }
        assert!(tried > 0, "{path}");
    }
}
