//! Rightly signed payloads that say the wrong thing, or say it wrongly.

use doorward_verify::{Algorithm, Timestamp, base64url};

use super::world::{encode, good, header};
use super::{ACCEPTED, Corpus};
use crate::signer::{payload, sign_with};

const INVALID: &str = "claims_invalid";

pub(super) fn add(corpus: &mut Corpus) {
    time_types(corpus);
    times(corpus);
    audiences(corpus);
    issuers(corpus);
    members(corpus);
    strictness(corpus);
}

/// An honest payload whose time claim has this JSON text as its value.
fn timed(claim: &str, value: &str) -> String {
    match claim {
        "exp" => payload("1800000600", value),
        "iat" => payload("\"iat\":1800000000", &format!("\"iat\":{value}")),
        _ => payload("\"jti\"", &format!("\"nbf\":{value},\"jti\"")),
    }
}

/// Rows 1 and 23: a time of the wrong type is no absent one.
fn time_types(corpus: &mut Corpus) {
    for claim in ["exp", "nbf", "iat"] {
        for value in [
            "\"1800000600\"",
            "\"\"",
            "null",
            "true",
            "false",
            "[]",
            "[1800000600]",
            "{}",
            "1e400",
            "1e9",
            "1800000600.0",
            "1800000600.5",
            "9223372036854775808",
            "18446744073709551616",
            "01800000600",
            "+1800000600",
            "0x6b49d200",
            "NaN",
            "Infinity",
            "-",
            "\"2027-01-15T08:10:00Z\"",
            "1_800_000_600",
        ] {
            let token = corpus.world.claim(&timed(claim, value));
            corpus.add("time/type", format!("{claim} {value}"), token, INVALID);
        }
    }
    let token = corpus.world.claim(&payload("\"exp\":1800000600,", ""));
    corpus.add("time/type", "no exp", token, INVALID);
    let token = corpus.world.claim(&payload("\"iat\":1800000000,", ""));
    corpus.add("time/type", "no iat", token, INVALID);
}

fn times(corpus: &mut Corpus) {
    for (claim, value, expect) in [
        ("exp", "0", "token_expired"),
        ("exp", "-1", "token_expired"),
        ("exp", "-9223372036854775808", "token_expired"),
        ("exp", "1799999970", "token_expired"),
        ("exp", "1800000000", INVALID),
        ("exp", "1799999999", INVALID),
        ("exp", "1800003600", ACCEPTED),
        ("exp", "1800003601", "lifetime_too_long"),
        ("exp", "9007199254740993", "lifetime_too_long"),
        ("exp", "9223372036854775807", "lifetime_too_long"),
        ("iat", "1800000030", ACCEPTED),
        ("iat", "1800000031", "token_premature"),
        ("iat", "9223372036854775807", "token_premature"),
        ("iat", "1799996999", "lifetime_too_long"),
        ("iat", "0", "lifetime_too_long"),
        ("iat", "-9223372036854775808", "lifetime_too_long"),
        ("nbf", "1800000030", ACCEPTED),
        ("nbf", "1800000031", "token_premature"),
        ("nbf", "9223372036854775807", "token_premature"),
    ] {
        let token = corpus.world.claim(&timed(claim, value));
        corpus.add("time/value", format!("{claim} {value}"), token, expect);
    }
    for (now, expect) in [
        (1_799_999_969, "token_premature"),
        (1_799_999_970, ACCEPTED),
        (1_800_000_629, ACCEPTED),
        (1_800_000_630, "token_expired"),
        (4_000_000_000, "token_expired"),
        (0, "token_premature"),
    ] {
        let token = corpus.world.mint(Algorithm::EdDsa);
        corpus.add("time/value", format!("at {now}"), token, expect).now = Timestamp::from_secs(now);
    }
}

/// Row 21.
fn audiences(corpus: &mut Corpus) {
    let other = "audience_unexpected";
    for (aud, expect) in [
        (r#"["https://api.example"]"#, ACCEPTED),
        (r#"["a","https://api.example","b"]"#, ACCEPTED),
        (r#"[]"#, INVALID),
        (r#""""#, INVALID),
        (r#"[""]"#, INVALID),
        (r#"["https://api.example",""]"#, INVALID),
        ("null", INVALID),
        ("[null]", INVALID),
        ("1", INVALID),
        ("true", INVALID),
        (r#"{"https://api.example":1}"#, INVALID),
        (r#"[["https://api.example"]]"#, INVALID),
        (r#"["https://api.example",1]"#, INVALID),
        (r#"["1","2","3","4","5","6","7","8","https://api.example"]"#, INVALID),
        (r#""https://api.example/""#, other),
        (r#""https://API.example""#, other),
        (r#""https://api.example.evil.example""#, other),
        (r#""https://api.exampl""#, other),
        (r#"" https://api.example""#, other),
        (r#""https://api.example\u0000""#, other),
        (r#""*""#, other),
        (r#""https://*.example""#, other),
        (r#""https://api.example,other""#, other),
        (r#"["https://id.example"]"#, other),
    ] {
        let token = corpus.world.claim(&payload("\"https://api.example\"", aud));
        corpus.add("claim/aud", format!("aud {aud}"), token, expect);
    }
    let token = corpus.world.claim(&payload("\"aud\":\"https://api.example\",", ""));
    corpus.add("claim/aud", "no aud", token, INVALID);
}

fn issuers(corpus: &mut Corpus) {
    let other = "issuer_unexpected";
    for (iss, expect) in [
        (r#""https://id.example/""#, other),
        (r#""https://id.example ""#, other),
        (r#""https://ID.example""#, other),
        (r#""http://id.example""#, other),
        (r#""https://id.example.evil.example""#, other),
        (r#""https://id.example@evil.example""#, other),
        (r#""https://id.example\u0000""#, other),
        (r#""https://\u0456d.example""#, other),
        (r#""id.example""#, other),
        (r#""""#, INVALID),
        ("null", INVALID),
        (r#"["https://id.example"]"#, INVALID),
        (r#"{"iss":"https://id.example"}"#, INVALID),
        ("1", INVALID),
    ] {
        let token = corpus.world.claim(&payload("\"https://id.example\"", iss));
        corpus.add("claim/iss", format!("iss {iss}"), token, expect);
    }
    let token = corpus.world.claim(&payload("\"https://id.example\"", r#""https:\/\/id.ex\u0061mple""#));
    corpus.add("claim/iss", "the same in escapes", token, ACCEPTED);
    let token = corpus.world.claim(&payload("\"iss\":\"https://id.example\",", ""));
    corpus.add("claim/iss", "no iss", token, INVALID);
}

/// Each other claim, missing and of the wrong type.
fn members(corpus: &mut Corpus) {
    for (name, text) in [
        ("sub", r#""sub":"usr_00000000000000000000000003","#),
        ("client_id", r#""client_id":"web","#),
        ("jti", r#""jti":"tok_00000000000000000000000004","#),
    ] {
        let token = corpus.world.claim(&payload(text, ""));
        corpus.add("claim/member", format!("no {name}"), token, INVALID);
        let token = corpus.world.claim(&payload(text, &format!("\"{name}\":\"\",")));
        corpus.add("claim/member", format!("{name} empty"), token, INVALID);
    }
    for (name, from) in [
        ("sub", r#""usr_00000000000000000000000003""#),
        ("client_id", "\"web\""),
        ("jti", r#""tok_00000000000000000000000004""#),
        ("sid", r#""ses_00000000000000000000000005""#),
        ("scope", "\"read write\""),
        ("acr", "\"acr\":\"1\""),
        ("rv", "\"3:100\""),
        ("amr", "[\"pwd\"]"),
    ] {
        for value in ["null", "1", "{}", "[1]", "true"] {
            let value = if name == "acr" { format!("\"acr\":{value}") } else { value.to_owned() };
            let token = corpus.world.claim(&payload(from, &value));
            corpus.add("claim/member", format!("{name} as {value}"), token, INVALID);
        }
    }
    for rv in ["3:0100", "3", "3:", ":3", "-3:1", "3:1:1", "99999999999999999999:1", "03:1"] {
        let token = corpus.world.claim(&payload("3:100", rv));
        corpus.add("claim/member", format!("rv {rv:?}"), token, INVALID);
    }
}

fn strictness(corpus: &mut Corpus) {
    let ours = good();
    for (name, text) in [
        ("text", "x".to_owned()),
        ("null", "null".to_owned()),
        ("empty object", "{}".to_owned()),
        ("array around", format!("[{ours}]")),
        ("two objects", format!("{ours}{ours}")),
        ("NUL behind", format!("{ours}\0")),
        ("comma behind", format!("{ours},")),
        ("byte order mark", format!("\u{feff}{ours}")),
        ("no end", ours[..ours.len() - 1].to_owned()),
        ("iss twice", payload("\"sub\"", "\"iss\":\"https://id.example\",\"sub\"")),
        ("iss twice by escape", payload("\"sub\"", "\"is\\u0073\":\"https://evil.example\",\"sub\"")),
        ("sub twice", payload("\"sub\"", "\"sub\":\"usr_1\",\"sub\"")),
        ("exp twice", payload("\"sub\"", "\"exp\":4000000000,\"sub\"")),
        ("aud twice", payload("\"sub\"", "\"aud\":\"x\",\"sub\"")),
        ("unknown member twice", payload("\"sub\"", "\"a\":1,\"a\":1,\"sub\"")),
        ("member twice deep inside", payload("\"sub\"", "\"x\":{\"a\":1,\"a\":1},\"sub\"")),
        ("deep arrays", payload("\"sub\"", &format!("\"x\":{}{},\"sub\"", "[".repeat(500), "]".repeat(500)))),
        ("deep objects", payload("\"sub\"", &format!("\"x\":{}1{},\"sub\"", "{\"a\":".repeat(200), "}".repeat(200)))),
        ("lone surrogate", payload("read write", "\\ud800")),
        ("low surrogate first", payload("read write", "\\udc00\\ud800")),
        ("raw line feed in a string", payload("read write", "a\nb")),
        ("unknown escape", payload("read write", "\\x41")),
        ("single quotes", ours.replace('"', "'")),
        ("comment", ours.replacen('{', "{/**/", 1)),
        ("seventy members", payload("\"sub\"", &format!("{}\"sub\"", many(70)))),
    ] {
        let token = corpus.world.claim(&text);
        corpus.add("claim/strict", name, token, INVALID);
    }
    let mut latin = ours.into_bytes();
    let at = latin.iter().position(|&byte| byte == b'w').unwrap();
    latin[at] = 0xe9;
    let token = sign_with(&corpus.world.ed, &encode(&header(Algorithm::EdDsa)), &base64url::encode(&latin));
    corpus.add("claim/strict", "not UTF-8", token, INVALID);
    let token = corpus.world.claim(&payload("\"sub\"", "\"act\":{\"sub\":[{\"b\":\"\\n\"}]},\"sub\""));
    corpus.add("claim/strict", "unknown members", token, ACCEPTED);
}

fn many(count: usize) -> String {
    (0..count).map(|number| format!("\"m{number}\":0,")).collect()
}
