//! Algorithms that are not the key's: none, another name, and the public key taken for a shared secret.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::KeyPair as _;
use doorward_verify::{Algorithm, base64url};

use super::world::{encode, good, header, is_random, kid};
use super::{Corpus, PUBLIC};
use crate::signer::{ED, Pair, SECRET, sign_with};

const UNEXPECTED: &str = "algorithm_unexpected";

pub(super) fn add(corpus: &mut Corpus) {
    none(corpus);
    names(corpus);
    wrong_keys(corpus);
    confusion(corpus);
}

fn none(corpus: &mut Corpus) {
    for alg in ["none", "None", "NONE", "nOnE", " none", "none ", r"non\u0065", "null", ""] {
        let head = encode(&format!(r#"{{"alg":"{alg}","kid":"{ED}","typ":"at+jwt"}}"#));
        let unsigned = format!("{head}.{}.", encode(&good()));
        let filled = format!("{unsigned}AAAA");
        corpus.add("alg/none", format!("{alg:?} without a signature"), unsigned, "token_malformed");
        corpus.add("alg/none", format!("{alg:?} with some signature"), filled, UNEXPECTED);
        let token = sign_with(&corpus.world.ed, &head, &encode(&good()));
        corpus.add("alg/none", format!("{alg:?} rightly signed"), token, UNEXPECTED);
    }
    let bare = format!("{}.{}.AAAA", encode(r#"{"alg":"none","typ":"at+jwt"}"#), encode(&good()));
    corpus.add("alg/none", "no kid", bare, UNEXPECTED);
}

/// Each key's id with every name that is not its algorithm's; the signature is one of the key's own.
fn names(corpus: &mut Corpus) {
    for algorithm in PUBLIC {
        for alg in [
            "ES256", "EdDSA", "RS256", "PS256", "HS256", "HS384", "HS512", "ES384", "ES512", "ES256K", "RS384",
            "RS512", "PS384", "PS512", "Ed25519", "es256", "rs256", "RS256 ", "RS1",
        ] {
            if alg == algorithm.name() {
                continue;
            }
            let header = format!(r#"{{"alg":"{alg}","kid":"{}","typ":"at+jwt"}}"#, kid(algorithm));
            let token = corpus.world.sign(algorithm, &header, &good());
            let name = format!("{alg:?} for the key of {}", algorithm.name());
            corpus.add("alg/name", name, token, UNEXPECTED).stable = !is_random(algorithm);
        }
    }
}

/// Each key's own header, signed by each other key.
fn wrong_keys(corpus: &mut Corpus) {
    for named in PUBLIC {
        for signer in PUBLIC.into_iter().filter(|signer| *signer != named) {
            let token = corpus.world.sign(signer, &header(named), &good());
            let name = format!("{} signed with {}", named.name(), signer.name());
            corpus.add("alg/key", name, token, "signature_invalid").stable = !is_random(signer);
        }
        let token = sign_with(&corpus.world.stranger, &encode(&header(named)), &encode(&good()));
        corpus.add("alg/key", format!("{} signed by a stranger", named.name()), token, "signature_invalid");
    }
    let hs = format!(r#"{{"alg":"HS256","kid":"{}","typ":"at+jwt"}}"#, kid(Algorithm::Hs256));
    for (name, secret) in [("empty", &b""[..]), ("zeros", &[0; 32]), ("half", &SECRET[..16]), ("secret", b"secret")] {
        let token = keyed(&hs, secret);
        corpus.add("alg/key", format!("HS256 with another secret: {name}"), token, "signature_invalid").keys =
            "shared";
    }
    let token = keyed(&hs, SECRET);
    corpus.add("alg/key", "HS256 where there are only public keys", token, "key_unknown");
    let token = corpus.world.mint(Algorithm::EdDsa);
    corpus.add("alg/key", "EdDSA where there are only secrets", token, "key_unknown").keys = "shared";
}

/// Rows 6 to 10: a public key, in all the spellings that somebody has taken for a secret.
fn confusion(corpus: &mut Corpus) {
    for algorithm in PUBLIC {
        for (name, secret) in spellings(corpus.world.pair(algorithm), kid(algorithm)) {
            let hs = format!(r#"{{"alg":"HS256","kid":"{}","typ":"at+jwt"}}"#, kid(algorithm));
            let told = format!("HS256 keyed with {name} of {}", algorithm.name());
            corpus.add("alg/confusion", told, keyed(&hs, &secret), UNEXPECTED);
        }
        let (_, der) = spellings(corpus.world.pair(algorithm), kid(algorithm)).remove(2);
        let told = format!("{} sealed with its public key", algorithm.name());
        corpus.add("alg/confusion", told, keyed(&header(algorithm), &der), "signature_invalid");
    }
}

/// A token sealed with HMAC.
fn keyed(header: &str, secret: &[u8]) -> String {
    let signed = format!("{}.{}", encode(header), encode(&good()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", base64url::encode(tag.as_ref()))
}

fn spellings(pair: &Pair, kid: &str) -> Vec<(&'static str, Vec<u8>)> {
    let key = pair.verifying(kid);
    let spki: PublicKeyX509Der<'_> = match pair {
        Pair::Es256(pair) => pair.public_key().as_der().unwrap(),
        Pair::EdDsa(pair) => pair.public_key().as_der().unwrap(),
        Pair::Rs256(pair) | Pair::Ps256(pair) => pair.public_key().as_der().unwrap(),
        Pair::Hs256(_) => panic!("a shared secret has no public part"),
    };
    let raw = key.public().unwrap();
    let mut jwk = Vec::new();
    assert!(key.write_jwk(&mut jwk));
    let pem = |label: &str, der: &[u8]| {
        let text = base64_simd::STANDARD.encode_to_string(der).into_bytes();
        let lines: Vec<_> = text.chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    };
    let whole = pem("PUBLIC KEY", spki.as_ref());
    vec![
        ("the raw public key", raw.to_vec()),
        ("the raw public key without its first byte", raw[1..].to_vec()),
        ("the DER", spki.as_ref().to_vec()),
        ("the PEM", whole.clone().into_bytes()),
        ("the PEM without its last line feed", whole.trim_end().as_bytes().to_vec()),
        ("the PEM with a space before", format!(" {whole}").into_bytes()),
        ("the PEM with CRLF", whole.replace('\n', "\r\n").into_bytes()),
        ("the PEM on one line", whole.replace('\n', "").into_bytes()),
        ("the PEM of PKCS#1", pem("RSA PUBLIC KEY", raw).into_bytes()),
        ("the base64 of the DER", base64_simd::STANDARD.encode_to_string(spki.as_ref()).into_bytes()),
        ("the base64url of the raw key", base64url::encode(raw).into_bytes()),
        ("the JWK", jwk),
        ("the id", kid.as_bytes().to_vec()),
        ("an empty key", Vec::new()),
    ]
}
