//! Checks of a token, whoever made it: what it is worth is for a verifier to say; this says how it is made.

use doorward_core::policy::ACCESS_LONGEST;
use doorward_core::{Lifetime, Timestamp, base64url};
use doorward_verify::json::{Malformed, read_object};
use serde_json::{Map, Value, json};

use super::Finding;
use super::clients::{BEGINNINGS, DIGITS, TELLING, tells_beside_numbers, tells_too_much};
use super::table::{Check, tokens as table};

/// The longest that is not called large.
const LARGE: usize = 1000;
/// Clocks differ by so much.
const LEEWAY: Lifetime = Lifetime::from_secs(60);
/// Signatures in the registry of JSON Web Algorithms (RFC 7518, 8037, 8812, 9864).
const REGISTERED: [&str; 15] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
    "ES256K", "EdDSA", "Ed25519",
];
const COMMANDS: [&str; 7] = ["jwk", "jku", "x5c", "x5u", "crit", "b64", "zip"];
/// Claims about a person, by their registered names (OpenID Connect Core section 5.1).
const PERSONAL: [&str; 11] = [
    "address",
    "birthdate",
    "email",
    "family_name",
    "gender",
    "given_name",
    "middle_name",
    "name",
    "nickname",
    "phone_number",
    "picture",
];
/// Claims that name somebody or something by an id, as its maker likes: a number is no telephone's there.
const NAMING: [&str; 4] = ["sub", "aud", "azp", "client_id"];
/// Claims whose values are times, or long and random by nature.
const OPAQUE: [&str; 12] =
    ["jti", "sid", "rh", "rv", "cnf", "nonce", "at_hash", "c_hash", "exp", "iat", "nbf", "auth_time"];

/// A token, taken apart and not verified.
#[derive(Debug)]
pub struct Decoded {
    /// Its header.
    pub header: Value,
    /// Its claims.
    pub payload: Value,
    /// Would a strict reader refuse the header, or the payload?
    pub is_loose: [bool; 2],
}

/// Takes a token apart.
///
/// # Errors
/// Why it is none.
pub fn decode(token: &str) -> Result<Decoded, String> {
    let mut segments = token.split('.');
    let (Some(header), Some(payload), Some(_), None) =
        (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return Err(String::from("it has not three segments between two dots"));
    };
    let ((header, loose_header), (payload, loose_payload)) = (part("header", header)?, part("payload", payload)?);
    Ok(Decoded { header, payload, is_loose: [loose_header, loose_payload] })
}

/// The JSON of a segment; and whether what is shown has lost repeated members and the like.
fn part(name: &str, text: &str) -> Result<(Value, bool), String> {
    let mut bytes = base64url::decode(text).ok_or_else(|| format!("its {name} is not canonical base64url"))?;
    let value = serde_json::from_slice(&bytes).map_err(|error| format!("its {name} is no JSON: {error}"))?;
    let is_loose = read_object::<Malformed>(&mut bytes, |_, reader| reader.skip()).is_err();
    Ok((value, is_loose))
}

/// Looks at a token of `length` bytes.
pub fn look(decoded: &Decoded, length: usize, now: Timestamp) -> Vec<Finding> {
    let Decoded { header, payload, is_loose } = decoded;
    let nothing = Map::new();
    let [header, claims] = [header, payload].map(|part| part.as_object().unwrap_or(&nothing));
    let mut found = Vec::new();
    let mut note = |is_so: bool, check: &'static Check, place: &str| {
        if is_so {
            found.push(Finding::new(check, place));
        }
    };
    let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or("none");
    note(!REGISTERED.contains(&algorithm), &table::UNSIGNED, "header: alg");
    note(REGISTERED.contains(&algorithm) && algorithm.starts_with("HS"), &table::SHARED, "header: alg");
    for name in COMMANDS.into_iter().filter(|name| header.contains_key(*name)) {
        note(true, &table::HEADER_COMMANDS, &format!("header: {name}"));
    }
    let kind = header.get("typ").and_then(Value::as_str).unwrap_or_default();
    note(kind.is_empty() || kind.eq_ignore_ascii_case("jwt"), &table::TYPE_UNSAID, "header: typ");
    for (is_loose, place) in is_loose.iter().zip(["header", "payload"]) {
        note(*is_loose, &table::AMBIGUOUS, place);
    }
    let [expiry, born, from] = ["exp", "iat", "nbf"].map(|name| claims.get(name).map(|value| (name, seconds(value))));
    note(expiry.is_none(), &table::ENDLESS, "payload: exp");
    let [end, birth, begin] = [expiry, born, from].map(|claim| claim.and_then(|(_, time)| time));
    let is_long = end.is_some_and(|end| end - birth.unwrap_or(now) > ACCESS_LONGEST);
    note(is_long, &table::LONG_LIFE, "payload: exp");
    let is_missing = |name: &&str| claims.get(*name).is_none_or(|value| value.is_null() || value == "");
    for name in ["iss", "aud"].into_iter().filter(|name| is_missing(name)) {
        note(true, &table::NOBODYS, &format!("payload: {name}"));
    }
    for name in ["sub", "jti", "iat"].into_iter().filter(|name| is_missing(name)) {
        note(true, &table::NAMELESS, &format!("payload: {name}"));
    }
    for (name, time) in [expiry, born, from].into_iter().flatten() {
        let is_odd = match (name, time) {
            (_, None) => true,
            ("exp", Some(end)) => birth.is_some_and(|birth| end <= birth) || begin.is_some_and(|begin| end <= begin),
            (_, Some(time)) => time > now + LEEWAY,
        };
        note(is_odd, &table::IMPOSSIBLE, &format!("payload: {name}"));
    }
    for place in telling(claims) {
        note(true, &table::TELLING, &format!("payload: {place}"));
    }
    note(length > LARGE, &table::LARGE, &format!("{length} bytes"));
    found
}

/// A time in whole seconds. `None` if it is none.
fn seconds(value: &Value) -> Option<Timestamp> {
    let whole = value.as_i64().filter(|secs| (0..=253_402_300_799).contains(secs));
    whole.map(Timestamp::from_secs)
}

/// What [`look`] goes by, as JSON, for who cannot call it: the page that looks at tokens in a browser.
pub fn rules() -> Value {
    let table =
        table::ALL.map(|check| (check.id.to_owned(), json!([check.grade.name(), check.sentence, check.advice])));
    json!({
        "registered": REGISTERED, "commands": COMMANDS, "personal": PERSONAL, "naming": NAMING, "opaque": OPAQUE, "telling": TELLING,
        "beginnings": BEGINNINGS, "digits": DIGITS, "longest": ACCESS_LONGEST.secs(), "leeway": LEEWAY.secs(),
        "large": LARGE, "table": Map::from_iter(table),
    })
}

/// Where claims tell what is nobody's business: the name of a claim, or of one inside it. Never its value.
fn telling(claims: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in claims {
        let tells = PERSONAL.contains(&name.as_str()) || tells_too_much(name);
        let says = if NAMING.contains(&name.as_str()) { tells_beside_numbers } else { tells_too_much };
        if tells || (!OPAQUE.contains(&name.as_str()) && says_too_much(value, says)) {
            found.push(name.clone());
        }
    }
    found
}

/// Is there a text in it that tells of people or secrets? Names of members count as texts.
fn says_too_much(value: &Value, tells: fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => tells(text),
        Value::Array(items) => items.iter().any(|item| says_too_much(item, tells)),
        Value::Object(members) => !telling(members).is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn good() -> (Value, Value) {
        let header = json!({ "alg": "ES256", "kid": "key_1", "typ": "at+jwt" });
        let claims = json!({
            "iss": "https://id.example", "sub": "usr_1", "aud": "https://api.example", "exp": 1_800_000_900,
            "iat": 1_800_000_000, "jti": "tok_00000000001234567890", "sid": "ses_1", "scope": "orders:read",
            "roles": ["admin"], "auth_time": 1_799_999_000,
        });
        (header, claims)
    }

    fn token(header: &Value, claims: &Value) -> String {
        let [header, claims] = [header, claims].map(|part| base64url::encode(part.to_string().as_bytes()));
        format!("{header}.{claims}.c2lnbmF0dXJl")
    }

    fn found(token: &str) -> Vec<(&'static str, String)> {
        let decoded = decode(token).expect("a token");
        look(&decoded, token.len(), NOW).into_iter().map(|finding| (finding.check.id, finding.place)).collect()
    }

    #[track_caller]
    fn check(id: &str, place: &str, harm: impl Fn(&mut Value, &mut Value)) {
        let (mut header, mut claims) = good();
        harm(&mut header, &mut claims);
        let found = found(&token(&header, &claims));
        assert_eq!(found, [(id, place.to_owned())], "{header} {claims}");
    }

    #[test]
    fn a_token_of_ours_has_nothing_wrong() {
        let (header, claims) = good();
        assert_eq!(found(&token(&header, &claims)), []);
    }

    #[test]
    fn each_of_the_twelve_is_found_by_itself() {
        for algorithm in [json!("none"), json!("nOnE"), json!("XX1"), json!(1), Value::Null] {
            check("DW601", "header: alg", |header, _| header["alg"] = algorithm.clone());
        }
        check("DW602", "header: alg", |header, _| header["alg"] = json!("HS512"));
        for name in COMMANDS {
            check("DW603", &format!("header: {name}"), |header, _| header[name] = json!("x"));
        }
        for kind in [Value::Null, json!("JWT"), json!("")] {
            check("DW604", "header: typ", |header, _| header["typ"] = kind.clone());
        }
        check("DW606", "payload: exp", |_, claims| drop(claims.as_object_mut().and_then(|all| all.remove("exp"))));
        check("DW607", "payload: exp", |_, claims| claims["exp"] = json!(1_800_003_601));
        for name in ["iss", "aud"] {
            check("DW608", &format!("payload: {name}"), |_, claims| claims[name] = json!(""));
        }
        for name in ["sub", "jti"] {
            check("DW609", &format!("payload: {name}"), |_, claims| claims[name] = Value::Null);
        }
        check("DW609", "payload: iat", |_, claims| drop(claims.as_object_mut().and_then(|all| all.remove("iat"))));
        for end in [json!(1_799_999_999), json!("1800000900"), json!(1_800_000_900.5), json!(-1)] {
            check("DW610", "payload: exp", |_, claims| claims["exp"] = end.clone());
        }
        check("DW610", "payload: nbf", |_, claims| claims["nbf"] = json!(1_800_000_061));
        for (name, value) in [
            ("email", json!("x")),
            ("password", json!(1)),
            ("note", json!("ada@example.test")),
            ("card", json!("4111111111111111")),
            ("profile", json!({ "deep": { "birth_day": 1 } })),
            ("tokens", json!(["a", "sk_live_1"])),
        ] {
            check("DW611", &format!("payload: {name}"), |_, claims| claims[name] = value.clone());
        }
        let (header, mut claims) = good();
        claims["padding"] = json!("x".repeat(900));
        assert_eq!(found(&token(&header, &claims))[0].0, "DW612");
    }

    #[test]
    fn an_ordinary_id_is_no_telling_and_a_person_in_its_place_is() {
        let uuid = json!("12345678-1234-4123-8123-123456789012");
        for (name, value) in [
            ("sub", json!("1234567890")),
            ("sub", json!("google-oauth2|107612345678901234567")),
            ("aud", json!(["407408718192.apps.example.com"])),
            ("azp", json!("407408718192.apps.example.com")),
            ("act", json!({ "sub": "1234567890" })),
            ("tenant", uuid.clone()),
            ("groups", json!([uuid])),
        ] {
            let (header, mut claims) = good();
            claims[name] = value;
            assert_eq!(found(&token(&header, &claims)), [], "{claims}");
        }
        for (name, value) in [
            ("sub", json!("ada@example.test")),
            ("aud", json!(["https://api.test/?user=ada"])),
            ("tenant", json!("12345678-1234-4123-8123-1234567890123")),
            ("tenant", json!("12345678x1234-4123-8123-123456789012")),
            ("tenant", json!("g2345678-1234-4123-8123-123456789012")),
            ("act", json!({ "number": "1234567890" })),
        ] {
            check("DW611", &format!("payload: {name}"), |_, claims| claims[name] = value.clone());
        }
    }

    #[test]
    fn a_member_that_comes_twice_is_ambiguous_wherever_it_stands() {
        let (header, claims) = good();
        let twice = |part: &Value, more: &str| base64url::encode(part.to_string().replacen('{', more, 1).as_bytes());
        let plain = |part: &Value| base64url::encode(part.to_string().as_bytes());
        let in_header = format!("{}.{}.eA", twice(&header, "{\"kid\":\"other\","), plain(&claims));
        let in_claims = format!("{}.{}.eA", plain(&header), twice(&claims, "{\"sub\":\"other\","));
        assert_eq!(found(&in_header), [("DW605", "header".to_owned())]);
        assert_eq!(found(&in_claims), [("DW605", "payload".to_owned())]);
    }

    #[test]
    fn what_is_no_token_is_said_to_be_none() {
        for bad in ["", "a.b", "a.b.c.d", "dws_x", "e30.e30", "e30=.e30.", "e30.bm8.", "\u{e9}.e30."] {
            assert!(decode(bad).is_err(), "{bad}");
        }
        assert!(decode("e30.e30.").is_ok());
    }
}
