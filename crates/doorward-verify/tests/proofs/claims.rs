//! What is minted is what is parsed.

use doorward_verify::{Claims, Few, Handles, Key, MOST_ROLES, Position, Rejection, Timestamp};
use proptest::prelude::*;

use crate::signer::payload;

/// Owned claims, to make borrowed ones of.
#[derive(Clone, Debug)]
struct Owned {
    texts: [String; 4],
    audience: Vec<String>,
    times: [i64; 2],
    maybe_times: [Option<i64>; 2],
    session_id: Option<String>,
    free: [Option<String>; 2],
    roles: Vec<String>,
    amr: Vec<String>,
    rv: Option<(u64, u64)>,
    handles: (u8, [Option<[u8; 16]>; 3]),
}

impl Owned {
    fn borrow(&self) -> Claims<'_> {
        let [issuer, subject, client_id, token_id] = self.texts.each_ref().map(String::as_str);
        let (mut audience, mut amr) = (Few::new(), Few::new());
        assert!(self.audience.iter().all(|entry| audience.push(entry)));
        assert!(self.amr.iter().all(|method| amr.push(method)));
        let mut roles = Few::new();
        assert!(self.roles.iter().all(|role| roles.push(role)));
        let [subject_handle, device, organization] = self.handles.1.map(|key| key.map(Key));
        Claims {
            issuer,
            subject,
            audience,
            client_id,
            expires_at: Timestamp::from_secs(self.times[0]),
            issued_at: Timestamp::from_secs(self.times[1]),
            not_before: self.maybe_times[0].map(Timestamp::from_secs),
            token_id,
            session_id: self.session_id.as_deref(),
            scope: self.free[0].as_deref(),
            roles,
            auth_time: self.maybe_times[1].map(Timestamp::from_secs),
            acr: self.free[1].as_deref(),
            amr,
            rv: self.rv.map(|(generation, seq)| Position { generation, seq }),
            handles: Handles { epoch: self.handles.0, subject: subject_handle, device, organization },
        }
    }
}

fn owned() -> impl Strategy<Value = Owned> {
    let filled = || any::<String>().prop_filter("not empty", |text| !text.is_empty());
    let secs = || i64::MIN / 1000..=i64::MAX / 1000;
    let parts = (
        [filled(), filled(), filled(), filled()],
        proptest::collection::vec(filled(), 1..=8),
        [secs(), secs()],
        [proptest::option::of(secs()), proptest::option::of(secs())],
        proptest::option::of(filled()),
        any::<[Option<String>; 2]>(),
        proptest::collection::vec(filled(), 0..=MOST_ROLES),
        proptest::collection::vec(any::<String>(), 0..=4),
        any::<Option<(u64, u64)>>(),
        any::<(u8, [Option<[u8; 16]>; 3])>(),
    );
    parts.prop_map(|(texts, audience, times, maybe_times, session_id, free, roles, amr, rv, handles)| Owned {
        texts,
        audience,
        times,
        maybe_times,
        session_id,
        free,
        roles,
        amr,
        rv,
        handles,
    })
}

proptest! {
    #[test]
    fn claims_survive_their_text(owned in owned()) {
        let claims = owned.borrow();
        let mut json = Vec::new();
        claims.write(&mut json);
        let others: serde_json::Value = serde_json::from_slice(&json).unwrap();
        prop_assert_eq!(others["iss"].as_str(), Some(claims.issuer));
        prop_assert_eq!(others["aud"].is_string(), claims.audience.len() == 1);
        prop_assert_eq!(others["roles"].as_array().map_or(0, Vec::len), owned.roles.len());
        prop_assert_eq!(Claims::parse(&mut json), Ok(claims));
    }

    #[test]
    fn no_bytes_make_it_panic(mut bytes: Vec<u8>) {
        let _ = Claims::parse(&mut bytes);
    }

    #[test]
    fn no_damage_makes_it_panic(owned in owned(), at: proptest::sample::Index, to: u8) {
        let mut json = Vec::new();
        owned.borrow().write(&mut json);
        let at = at.index(json.len());
        json[at] = to;
        let _ = Claims::parse(&mut json);
    }
}

#[test]
fn the_text_of_claims_is_fixed() {
    let expect = concat!(
        r#"{"iss":"https://id.example","sub":"usr_00000000000000000000000003","aud":"https://api.example","#,
        r#""client_id":"web","exp":1800000600,"iat":1800000000,"jti":"tok_00000000000000000000000004","#,
        r#""sid":"ses_00000000000000000000000005","scope":"read write","auth_time":1799996400,"acr":"1","#,
        r#""amr":["pwd"],"rv":"3:100","rh":"1.AQEGBgYGBgYGBgYGBgYGBgYG"}"#
    );
    assert_eq!(payload("", ""), expect);
}

#[test]
fn a_known_claim_of_the_wrong_type_is_never_an_absent_one() {
    // Good claims with this one taken out and put in again with another value.
    let check = |name: &str, value: &str| {
        let mut json: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&payload("", "")).unwrap();
        json.remove(name);
        let others = serde_json::to_string(&json).unwrap();
        let mut text = format!("{{\"{name}\":{value},{}", &others[1..]).into_bytes();
        Claims::parse(&mut text).is_ok()
    };
    for name in ["iss", "sub", "client_id", "jti", "sid", "scope", "acr", "rv", "rh"] {
        for value in ["null", "1", "true", "[]", "{}", "[\"https://id.example\"]", "1.5"] {
            assert!(!check(name, value), "{name} {value}");
        }
    }
    for name in ["exp", "iat", "nbf", "auth_time"] {
        assert!(check(name, "1800000000"));
        for value in [
            "null",
            "\"1800000000\"",
            "true",
            "[]",
            "{}",
            "1.5",
            "1800000000.0",
            "1e9",
            "1e400",
            "99999999999999999999",
            "-",
            "",
        ] {
            assert!(!check(name, value), "{name} {value}");
        }
    }
    for (name, good) in [("aud", r#"["a"]"#), ("amr", "[]"), ("amr", r#"["a","b","c","d"]"#), ("rv", r#""0:0""#)] {
        assert!(check(name, good), "{name} {good}");
    }
    for value in ["null", "1", "[]", "{}", "\"\"", "[1]", "[null]", "[\"\"]", "[[\"a\"]]", "[\"a\",{}]"] {
        assert!(!check("aud", value), "aud {value}");
    }
    assert!(!check("aud", r#"["1","2","3","4","5","6","7","8","9"]"#), "more than we read");
    for value in ["null", "\"pwd\"", "[1]", "{}", r#"["1","2","3","4","5"]"#] {
        assert!(!check("amr", value), "amr {value}");
    }
    let most = format!("[{}]", vec!["\"r\""; MOST_ROLES].join(","));
    assert!(check("roles", "[]") && check("roles", &most));
    for value in ["null", "\"admin\"", "[1]", "{}", "[\"\"]", &most.replacen('[', "[\"r\",", 1)] {
        assert!(!check("roles", value), "roles {value}");
    }
    for value in ["\"\"", "\"1\"", "\"01:2\"", "\"1:2 \"", "\"1:-2\""] {
        assert!(!check("rv", value), "rv {value}");
    }
    for value in ["\"\"", "\"2.AQ\"", "\"1.\"", "\"1.AQQGBgYGBgYGBgYGBgYGBgYG\""] {
        assert!(!check("rh", value), "rh {value}");
    }
}

#[test]
fn every_required_claim_is_required() {
    for name in ["iss", "sub", "aud", "client_id", "exp", "iat", "jti"] {
        let mut json: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&payload("", "")).unwrap();
        assert!(Claims::parse(&mut serde_json::to_vec(&json).unwrap()).is_ok());
        if json[name].is_string() {
            json.insert(name.to_owned(), "".into());
            let mut empty = serde_json::to_vec(&json).unwrap();
            assert_eq!(Claims::parse(&mut empty), Err(Rejection::ClaimsInvalid), "empty {name}");
        }
        json.remove(name);
        let mut absent = serde_json::to_vec(&json).unwrap();
        assert_eq!(Claims::parse(&mut absent), Err(Rejection::ClaimsInvalid), "no {name}");
    }
}

#[test]
fn a_claim_that_comes_twice_is_refused() {
    let good = payload("", "");
    let json: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&good).unwrap();
    for (name, value) in &json {
        let mut twice = good.replacen('{', &format!("{{\"{name}\":{value},"), 1).into_bytes();
        assert_eq!(Claims::parse(&mut twice), Err(Rejection::ClaimsInvalid), "{name}");
        let escaped = format!("{{\"\\u{:04x}{}\":{value},", name.as_bytes()[0], &name[1..]);
        let mut twice = good.replacen('{', &escaped, 1).into_bytes();
        assert_eq!(Claims::parse(&mut twice), Err(Rejection::ClaimsInvalid), "{name} in disguise");
    }
}
