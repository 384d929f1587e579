//! The examples of the RFCs, Wycheproof and the JSON test suite, where they are at hand.

use std::path::Path;

use doorward_verify::{
    Claims, KeySet, Rejection, Revocations, Scratch, Timestamp, TokenType, Verifier, VerifyingKey, base64url, json,
};
use serde_json::Value;

/// Reads a file of the shared test data; `None`, and a word about it, where there is none.
fn data(path: &str) -> Option<Value> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(path);
    match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(_) => {
            println!("SKIPPED: no {}", path.display());
            None
        }
    }
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap().as_bytes();
    text.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The public half of an example's JWK, as a set of one key.
fn key_of(jwk: &Value) -> KeySet {
    let mut jwk = jwk.clone();
    jwk.as_object_mut().unwrap().remove("d");
    jwk["kid"] = "example".into();
    KeySet::parse(&serde_json::to_vec(&serde_json::json!({ "keys": [jwk] })).unwrap()).unwrap()
}

/// Checks the signature of a compact token, and that any change to it is seen.
fn check_signature(example: &Value) {
    let keys = key_of(&example["jwk"]);
    let key = keys.find(b"example").unwrap();
    let (signed, seal) = example["compact"].as_str().unwrap().rsplit_once('.').unwrap();
    let seal = base64url::decode(seal).unwrap();
    assert!(key.verify(signed.as_bytes(), &seal));
    assert!(!key.verify(&signed.as_bytes()[1..], &seal));
    for bit in 0..seal.len() * 8 {
        let mut wrong = seal.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert!(!key.verify(signed.as_bytes(), &wrong), "bit {bit}");
    }
}

#[test]
fn rfc_7515_a_3_and_rfc_8037_a_4_and_a_5_verify() {
    let Some(examples) = data("rfc/rfc_examples.json") else { return };
    check_signature(&examples["rfc7515_a3_es256"]);
    check_signature(&examples["rfc8037_a4_ed25519"]);
    let Some(cookbook) = data("rfc/curve25519/jws.json") else { return };
    check_signature(
        &serde_json::json!({ "jwk": cookbook["input"]["key"], "compact": cookbook["output"]["compact"] }),
    );
}

#[test]
fn no_example_is_an_access_token() {
    let Some(examples) = data("rfc/rfc_examples.json") else { return };
    let verifier = Verifier::new("joe", "joe", TokenType::AccessToken);
    let now = Timestamp::from_secs(1_300_819_000);
    for (name, expect) in [
        ("rfc7515_a1_hs256", Rejection::TypeUnexpected),
        ("rfc7515_a3_es256", Rejection::TypeUnexpected),
        ("rfc7515_a5_none", Rejection::TokenMalformed),
        ("rfc8037_a4_ed25519", Rejection::TypeUnexpected),
    ] {
        let token = examples[name]["compact"].as_str().unwrap();
        let keys = examples[name].get("jwk").map(key_of).unwrap_or_default();
        let verdict = verifier.verify(token, &keys, &Revocations::new(), now, &mut Scratch::new()).map(drop);
        assert_eq!(verdict, Err(expect), "{name}");
    }
}

/// Runs the signature tests of a Wycheproof file; gives how many there were.
fn check_wycheproof(path: &str, key: impl Fn(&Value) -> VerifyingKey) -> Option<usize> {
    let file = data(path)?;
    let mut count = 0;
    for group in file["testGroups"].as_array().unwrap() {
        let key = key(&group["publicKey"]);
        for test in group["tests"].as_array().unwrap() {
            let valid = key.verify(&hex(&test["msg"]), &hex(&test["sig"]));
            assert_eq!(valid, test["result"] == "valid", "{path} {} {}", test["tcId"], test["comment"]);
            count += 1;
        }
    }
    Some(count)
}

#[test]
fn wycheproof_es256() {
    let key = |key: &Value| VerifyingKey::es256("w", &hex(&key["uncompressed"])).unwrap();
    let count = check_wycheproof("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json", key);
    assert!(count.is_none_or(|count| count >= 200));
}

#[test]
fn wycheproof_ed25519() {
    let key = |key: &Value| VerifyingKey::ed25519("w", &hex(&key["pk"])).unwrap();
    let count = check_wycheproof("wycheproof/ed25519_test.json", key);
    assert!(count.is_none_or(|count| count >= 100));
}

/// The text of a case, which is given whole or, where it is long, as something to repeat.
fn text_of(test: &Value) -> Vec<u8> {
    let decode = |text: &Value| base64_simd::STANDARD.decode_to_vec(text.as_str().unwrap()).unwrap();
    match test.get("recipe") {
        None => decode(&test["b64"]),
        Some(recipe) => {
            let length = recipe["bytes"].as_u64().unwrap();
            decode(&recipe["repeat"]).into_iter().cycle().take(length.try_into().unwrap()).collect()
        }
    }
}

#[test]
fn the_json_test_suite_agrees() {
    let Some(suite) = data("json/json_test_suite.json") else { return };
    for test in suite["tests"].as_array().unwrap() {
        let (name, expect) = (test["name"].as_str().unwrap(), test["expect"].as_str().unwrap());
        let text = text_of(test);
        // We read objects only, so every text is put into one.
        let mut wrapped = [b"{\"v\":", &text[..], b"}"].concat();
        let read = json::read_object(&mut wrapped, |_, value| value.skip()).is_ok();
        match expect {
            // Allowed by the grammar, refused by us: two members of one name.
            "accept" if name.contains("duplicated_key") => assert!(!read, "{name}"),
            "accept" => assert!(read, "{name}"),
            "reject" => assert!(!read, "{name}"),
            _ => {}
        }
        let _ = Claims::parse(&mut text.clone());
        drop(KeySet::parse(&text));
    }
}
