//! The signatures of Wycheproof, and the JSON test suite, where they are at hand. Whole tokens are in `token/vectors.rs`.

use doorward_verify::{Algorithm, Claims, KeyError, KeySet, VerifyingKey, json};
use serde_json::Value;

use crate::data::{hex, read};

/// Runs the signature tests of a Wycheproof file; gives how many there were.
fn check_wycheproof(path: &str, key: impl Fn(&Value) -> VerifyingKey) -> Option<usize> {
    let file = read(path)?;
    let mut count = 0;
    for group in file["testGroups"].as_array().unwrap() {
        let key = key(&group["publicKey"]);
        for test in group["tests"].as_array().unwrap() {
            let valid = key.verify(&hex(&test["msg"]), &hex(&test["sig"]));
            // "acceptable" is a padding without the NULL that RFC 8017 asks for: refused like the invalid ones.
            assert_eq!(valid, test["result"] == "valid", "{path} {} {}", test["tcId"], test["comment"]);
            count += 1;
        }
    }
    assert_eq!(count, file["numberOfTests"].as_u64().unwrap(), "{path}");
    Some(count as usize)
}

fn rsa(algorithm: Algorithm) -> impl Fn(&Value) -> VerifyingKey {
    move |key| {
        let [n, e] = ["modulus", "publicExponent"].map(|name| {
            let mut number = hex(&key[name]);
            let zeros = number.iter().take_while(|&&byte| byte == 0).count();
            number.drain(..zeros);
            number
        });
        VerifyingKey::rsa("w", algorithm, &n, &e).unwrap()
    }
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

#[test]
fn wycheproof_rs256() {
    for path in ["wycheproof/rsa_signature_2048_sha256_test.json", "wycheproof/rsa_signature_3072_sha256_test.json"] {
        let count = check_wycheproof(path, rsa(Algorithm::Rs256));
        assert!(count.is_none_or(|count| count >= 250));
    }
}

#[test]
fn wycheproof_ps256() {
    let count = check_wycheproof("wycheproof/rsa_pss_2048_sha256_mgf1_32_test.json", rsa(Algorithm::Ps256));
    assert!(count.is_none_or(|count| count >= 100));
}

#[test]
fn wycheproof_signatures_of_other_parameters_are_none_of_ours() {
    let Some(file) = read("wycheproof/rsa_pss_misc_test.json") else { return };
    for group in file["testGroups"].as_array().unwrap() {
        let ours = group["sha"] == "SHA-256" && group["mgfSha"] == "SHA-256" && group["sLen"] == 32;
        for test in group["tests"].as_array().unwrap() {
            let (message, signature) = (hex(&test["msg"]), hex(&test["sig"]));
            let valid = rsa(Algorithm::Ps256)(&group["publicKey"]).verify(&message, &signature);
            assert_eq!(valid, ours, "{} {}", group["sha"], test["tcId"]);
            assert!(!rsa(Algorithm::Rs256)(&group["publicKey"]).verify(&message, &signature), "{}", test["tcId"]);
        }
    }
    for (path, algorithm) in [
        ("wycheproof/rsa_signature_2048_sha384_test.json", Algorithm::Rs256),
        ("wycheproof/rsa_signature_2048_sha512_test.json", Algorithm::Rs256),
        ("wycheproof/rsa_signature_4096_sha512_test.json", Algorithm::Rs256),
        ("wycheproof/rsa_pss_4096_sha384_mgf1_48_test.json", Algorithm::Ps256),
        ("wycheproof/rsa_pss_4096_sha512_mgf1_64_test.json", Algorithm::Ps256),
    ] {
        let Some(file) = read(path) else { return };
        for group in file["testGroups"].as_array().unwrap() {
            let key = rsa(algorithm)(&group["publicKey"]);
            // (Among the invalid ones are some that are wrong there because they are of SHA-256.)
            for test in group["tests"].as_array().unwrap().iter().filter(|test| test["result"] == "valid") {
                assert!(!key.verify(&hex(&test["msg"]), &hex(&test["sig"])), "{path} {}", test["tcId"]);
            }
        }
    }
}

#[test]
fn wycheproof_hs256() {
    let Some(file) = read("wycheproof/hmac_sha256_test.json") else { return };
    let (mut whole, mut cut, mut short) = (0, 0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            let Ok(key) = VerifyingKey::hs256("w", &hex(&test["key"])) else {
                // A key of 128 bits is no key for HS256 (RFC 7518 section 3.2).
                assert_eq!(VerifyingKey::hs256("w", &hex(&test["key"])), Err(KeyError::SecretWeak));
                assert_eq!(group["keySize"], 128, "{}", test["tcId"]);
                short += 1;
                continue;
            };
            let valid = key.verify(&hex(&test["msg"]), &hex(&test["tag"]));
            // A tag cut to 128 bits is none of HS256, which has no cut ones.
            let uncut = group["tagSize"] == 256;
            assert_eq!(valid, uncut && test["result"] == "valid", "{} {}", test["tcId"], test["comment"]);
            *(if uncut { &mut whole } else { &mut cut }) += 1;
        }
    }
    assert!(whole >= 84 && cut >= 84 && short <= 6, "{whole} {cut} {short}");
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
    let Some(suite) = read("json/json_test_suite.json") else { return };
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
