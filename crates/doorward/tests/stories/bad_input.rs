//! Bad input gets a clear code, and changes nothing.

use doorward_core::Lifetime;
use serde_json::json;

use super::house::{ADA, Answer, Ask, House, Jar, PASSWORD};

const KEY: &str = "attempt-key-number-1";

#[tokio::test]
async fn bodies_that_are_not_what_they_must_be_are_refused_by_name() {
    let house = House::memory().await;
    let cases: [(&[u8], u16, &str, &str); 16] = [
        (b"", 400, "invalid_json", ""),
        (b"{", 400, "invalid_json", ""),
        (b"[]", 400, "invalid_field", ""),
        (b"null", 400, "invalid_field", ""),
        (b"{\"email\":\"a\",\"password\":\"12345678\"} x", 400, "invalid_json", ""),
        (b"{\"email\":\"\xff\",\"password\":\"x\"}", 400, "invalid_json", ""),
        (b"{\"email\":1,\"password\":\"12345678\"}", 400, "invalid_field", "email"),
        (b"{\"email\":\"a@b.test\",\"password\":[]}", 400, "invalid_field", "password"),
        (b"{\"email\":\"a@b.test\"}", 400, "invalid_field", "password"),
        (b"{\"password\":\"12345678\"}", 400, "invalid_field", "email"),
        (b"{\"email\":\"a@b.test\",\"email\":\"b@b.test\",\"password\":\"12345678\"}", 400, "invalid_field", "email"),
        (b"{\"email\":\"a@b.test\",\"password\":\"12345678\",\"admin\":true}", 400, "unknown_field", "admin"),
        (b"{\"email\":\"a\\u0000@b.test\",\"password\":\"12345678\"}", 400, "invalid_field", "email"),
        (b"{\"email\":\"no address\",\"password\":\"12345678\"}", 400, "invalid_field", "email"),
        (b"{\"email\":\"a@b.test\",\"password\":\"1234567\\u0000\"}", 422, "password_weak", ""),
        (b"{\"email\":\"a@b.test\",\"password\":\"12345678\",\"name\":\"\"}", 400, "invalid_field", "name"),
    ];
    for (body, status, code, field) in cases {
        let answer = house.send(Ask::post("/v1/users").raw(body.to_vec())).await;
        let found = (answer.status.as_u16(), answer.code(), answer.body["field"].as_str().unwrap_or_default());
        assert_eq!(found, (status, code, field), "{}", String::from_utf8_lossy(body));
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.body["request_id"], answer.headers["x-request-id"].to_str().expect("text"));
    }
    let large = format!("{{\"email\":\"{}\"}}", "a".repeat(16 * 1024));
    house.send(Ask::post("/v1/users").raw(large)).await.expect(413, "too_large");
    let deep = "[".repeat(5000);
    house.send(Ask::post("/v1/users").raw(deep)).await.expect(400, "invalid_field");
    let untyped = Ask::post("/v1/users").json(&json!({})).header("content-type", "text/plain").request();
    let (mut parts, body) = untyped.into_parts();
    parts.headers.insert("content-type", http::HeaderValue::from_static("text/plain"));
    house.call(http::Request::from_parts(parts, body)).await.expect(415, "unsupported_media_type");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let house = House::memory().await;
    house.send(Ask::get("/v1/nothing")).await.expect(404, "not_found");
    let answer = house.send(Ask::put("/v1/session")).await.expect(405, "method_not_allowed");
    assert!(answer.headers.contains_key("allow"));
}

#[tokio::test]
async fn refresh_tokens_that_are_cut_lengthened_or_changed_change_nothing() {
    let house = House::memory().await;
    let signed_in = house.sign_in("demo-hybrid", "body").await;
    let token = signed_in.text("refresh_token");
    let ask = |token: &str| Ask::post("/v1/session/refresh").json(&json!({ "refresh_token": token, "attempt": KEY }));
    for cut in (0..token.len()).step_by(7) {
        house.send(ask(&token[..cut])).await.expect(401, "refresh_invalid");
    }
    house.send(ask(&format!("{token}A"))).await.expect(401, "refresh_invalid");
    for place in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ASCII");
        house.send(ask(&changed)).await.expect(401, "refresh_invalid");
    }
    house.send(ask(&token)).await.ok();
}

#[tokio::test]
async fn a_refresh_token_with_a_good_checksum_and_a_bad_mac_changes_nothing() {
    use doorward_core::refresh;
    use doorward_core::secret::Secret;
    let house = House::memory().await;
    let signed_in = house.sign_in("demo-hybrid", "body").await;
    let id = doorward_core::id::SessionId::parse(&signed_in.session_id()).expect("an id");
    let session = house.door.sessions().session(id).await.expect("a store").expect("a session");
    for generation in [0, 1, 2, u32::MAX] {
        let generation = doorward_core::session::Generation(generation);
        let forged = refresh::token(&Secret::from_bytes([0; 32]), session.refresh_key, &session, generation);
        let body = json!({ "refresh_token": forged, "attempt": KEY });
        house.send(Ask::post("/v1/session/refresh").json(&body)).await.expect(401, "refresh_invalid");
    }
    let after = house.door.sessions().session(id).await.expect("a store").expect("a session");
    assert_eq!(after, session, "nothing changed");
}

#[tokio::test]
async fn a_refresh_token_belongs_to_its_client() {
    let house = House::memory().await;
    let token = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
    let body = json!({ "refresh_token": token, "attempt": KEY, "client_id": "demo-jwt" });
    house.send(Ask::post("/v1/session/refresh").json(&body)).await.expect(401, "refresh_invalid");
    let body = json!({ "refresh_token": token, "attempt": KEY, "client_id": "demo-hybrid" });
    house.send(Ask::post("/v1/session/refresh").json(&body)).await.ok();
}

#[tokio::test]
async fn attempt_keys_are_read_strictly() {
    let house = House::memory().await;
    let token = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
    let body = |attempt: &str| json!({ "refresh_token": token, "attempt": attempt });
    for bad in ["short", &"x".repeat(65), "with spaces in it!", "with\u{0}nul-0123456789"] {
        let answer = house.send(Ask::post("/v1/session/refresh").json(&body(bad))).await;
        assert_eq!((answer.code(), answer.body["field"].as_str()), ("invalid_field", Some("attempt")));
    }
    let two = Ask::post("/v1/session/refresh").header("idempotency-key", "another-attempt-key").json(&body(KEY));
    house.send(two).await.expect(400, "attempt_mismatch");
    let same = Ask::post("/v1/session/refresh").header("idempotency-key", KEY).json(&body(KEY));
    house.send(same).await.ok();
}

#[tokio::test]
async fn two_credentials_of_two_sessions_are_ambiguous() {
    let house = House::memory().await;
    let one = house.sign_in("demo-session", "body").await.text("session_token");
    let other = house.sign_in("demo-session", "body").await.text("session_token");
    let jwt = house.sign_in("demo-jwt", "body").await.text("access_token");
    let cookie = format!("__Host-Http-dw_session={one}");
    for bearer in [&other, &jwt] {
        let ask = Ask::get("/v1/session").header("cookie", &cookie).bearer(bearer);
        house.send(ask).await.expect(400, "ambiguous_credentials");
    }
    house.send(Ask::get("/v1/session").header("cookie", &cookie).bearer(&one)).await.ok();
    let tossed = format!("{cookie}; __Host-Http-dw_session={other}");
    house.send(Ask::get("/v1/session").header("cookie", &tossed)).await.expect(400, "ambiguous_credentials");
    let hybrid = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
    let body = json!({ "refresh_token": hybrid, "attempt": KEY });
    let ask = Ask::post("/v1/session/refresh").header("cookie", &cookie).json(&body);
    house.send(ask).await.expect(400, "ambiguous_credentials");
}

#[tokio::test]
async fn a_cookie_whose_session_is_over_is_in_nobodys_way() {
    let house = House::memory().await;
    for end in [Some(Ask::delete("/v1/session")), None] {
        let dead = house.sign_in("demo-session", "body").await.text("session_token");
        match end {
            Some(end) => drop(house.send(end.bearer(&dead)).await.ok()),
            None => house.advance(Lifetime::from_days(31)),
        }
        let cookie = format!("__Host-Http-dw_session={dead}");
        assert_eq!(house.send(Ask::get("/v1/session").header("cookie", &cookie)).await.status, 401, "it is over");
        let jwt = house.sign_in("demo-jwt", "body").await.text("access_token");
        let with = |ask: Ask| ask.header("cookie", &cookie).bearer(&jwt);
        house.send(with(Ask::get("/v1/session"))).await.ok();
        house.send(with(Ask::get("/v1/sessions"))).await.ok();
        let out = house.send(with(Ask::delete("/v1/session"))).await.ok();
        assert_eq!(out.body["ended"], 1);
        let cleared = out.headers["set-cookie"].to_str().expect("text");
        assert!(cleared.starts_with("__Host-Http-dw_session=;"), "{cleared}");
    }
}

#[tokio::test]
async fn access_tokens_that_are_not_quite_right_are_refused_with_a_reason() {
    let house = House::memory().await;
    let token = house.sign_in("demo-jwt", "body").await.text("access_token");
    let who = |token: &str| Ask::get("/v1/session").bearer(token);
    let challenge = |answer: &Answer| answer.headers["www-authenticate"].to_str().expect("text").to_owned();
    house.send(who(&token)).await.ok();
    for cut in (0..token.len()).step_by(31) {
        let answer = house.send(who(&token[..cut])).await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
    house.send(who(&format!("{token}AAAA"))).await.expect(401, "token_invalid");
    let parts: Vec<_> = token.split('.').collect();
    let header = doorward_core::base64url::encode(br#"{"alg":"ES256","kid":"key_unknown","typ":"at+jwt"}"#);
    let answer = house.send(who(&format!("{header}.{}.{}", parts[1], parts[2]))).await.expect(401, "token_invalid");
    assert_eq!(answer.body["reason"], "key_unknown");
    assert!(challenge(&answer).contains("invalid_token"));
    house.advance(Lifetime::from_mins(16));
    house.send(who(&token)).await.expect(401, "token_expired");
    let nothing = house.send(Ask::get("/v1/session")).await.expect(401, "no_credentials");
    assert!(!challenge(&nothing).contains("error"), "no error where nothing was shown (RFC 6750 section 3)");
}

#[tokio::test]
async fn data_has_versions_and_quotas() {
    let house = House::memory().await;
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let put =
        |key: &str, value: &str| Ask::put(&format!("/v1/session/data/{key}")).bearer(&token).raw(value.to_owned());
    let first = house.send(put("cart", "{\"a\": [1]}")).await;
    assert_eq!(first.status, 201);
    let tag = first.headers["etag"].to_str().expect("text").to_owned();
    let read = house.send(Ask::get("/v1/session/data/cart").bearer(&token)).await.ok();
    assert_eq!(read.bytes, b"{\"a\": [1]}", "the very bytes");
    assert_eq!(read.headers["etag"], tag.as_str());
    let second = house.send(put("cart", "2").header("if-match", &tag)).await;
    assert_eq!(second.status, 200);
    house.send(put("cart", "3").header("if-match", &tag)).await.expect(412, "version_mismatch");
    house.send(put("cart", "3").header("if-none-match", "*")).await.expect(412, "version_mismatch");
    house.send(put("cart", "nonsense")).await.expect(400, "invalid_json");
    house.send(put("not%20a%20key", "1")).await.expect(400, "invalid_field");
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    house.send(put("big", &text(16 * 1024))).await.ok();
    house.send(put("big", &text(16 * 1024 + 1))).await.expect(413, "too_large");
    for number in 0..3 {
        let answer = house.send(put(&format!("big{number}"), &text(16 * 1024))).await;
        assert_eq!(answer.status.is_success(), number < 2, "{number}");
    }
    let ask = Ask::delete("/v1/session/data/big").bearer(&token);
    assert_eq!(house.send(ask).await.status, 204);
    for number in 0..64 {
        let answer = house.send(put(&format!("small{number}"), "1")).await;
        assert_eq!(answer.status.is_success(), number < 61, "{number}: {answer:?}");
    }
    house.send(put("one-more", "1")).await.expect(507, "quota_exceeded");
    house.send(Ask::delete("/v1/session/data/absent").bearer(&token)).await.expect(404, "not_found");
}

#[tokio::test]
async fn another_sites_page_cannot_use_the_cookies() {
    let house = House::memory().await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-hybrid", "cookie").await);
    let forged = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ];
    for (name, value) in forged {
        let body = json!({ "attempt": KEY });
        let ask = Ask::post("/v1/session/refresh").header(name, value).jar(&jar).json(&body);
        house.send(ask).await.expect(403, "cross_site");
        house.send(Ask::delete("/v1/session").header(name, value).jar(&jar)).await.expect(403, "cross_site");
        let body = json!({ "email": ADA, "password": PASSWORD });
        house.send(Ask::post("/v1/sessions").header(name, value).json(&body)).await.expect(403, "cross_site");
    }
    let ours = [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none"), ("origin", "http://localhost:8420")];
    for (name, value) in ours {
        house.send(Ask::get("/v1/sessions").header(name, value).jar(&jar)).await.expect(401, "no_credentials");
        let body = json!({ "email": ADA, "password": PASSWORD });
        house.send(Ask::post("/v1/sessions").header(name, value).json(&body)).await.ok();
    }
}

#[tokio::test]
async fn a_client_gets_only_what_it_is_allowed() {
    let house = House::memory().await;
    let body = |client: &str, transport: &str| json!({ "email": ADA, "password": PASSWORD, "client_id": client, "transport": transport });
    let cases = [
        ("nobody-knows", "body", 403, "client_unknown"),
        ("NOT AN ID", "body", 403, "client_unknown"),
        ("account", "body", 403, "transport_not_allowed"),
        ("demo-session", "pigeon", 400, "invalid_field"),
    ];
    for (client, transport, status, code) in cases {
        house.send(Ask::post("/v1/sessions").json(&body(client, transport))).await.expect(status, code);
    }
}
