//! Accounts, passwords, guests, and what a sign-in leaves behind.

use doorward::jobs::sweep;
use doorward_core::Lifetime;
use doorward_core::audit::Kind;
use doorward_core::budget::LEAST;
use doorward_core::client::Strategy;
use doorward_core::id::UserId;
use doorward_core::login::MOST_SESSIONS;
use doorward_core::policy::{IDLE_ALLOWANCE, REPLACED_SECRET, RETENTION};
use doorward_store::memory::Fault;
use serde_json::json;

use super::house::{ADA, Ask, CHEAP, Ground, House, Jar, PASSWORD};
use super::pages::Browser;

#[tokio::test]
async fn sign_up_makes_an_account_and_signs_nobody_in() {
    let house = House::memory().await;
    let body = json!({ "email": "Grace@Example.Test", "password": "violet-anchor-77", "name": "Grace" });
    let answer = house.send(Ask::post("/v1/users").json(&body)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.body["user"]["email"], "Grace@Example.Test");
    assert_eq!(answer.body["user"]["name"], "Grace");
    assert!(answer.headers.get("set-cookie").is_none());
    let again = json!({ "email": "grace@example.test", "password": "violet-anchor-78" });
    house.send(Ask::post("/v1/users").json(&again)).await.expect(409, "email_taken");
}

#[tokio::test]
async fn weak_passwords_are_refused_and_nothing_else_is_asked_of_them() {
    let house = House::memory().await;
    for (password, fine) in [
        ("1234567", false),
        ("grace@example.test", false),
        ("pässword with spaces", true),
        (&"x".repeat(256), true),
        (&"x".repeat(257), false),
    ] {
        let email = format!("grace{}@example.test", password.len());
        let email = if password.contains('@') { String::from("grace@example.test") } else { email };
        let body = json!({ "email": email, "password": password });
        let answer = house.send(Ask::post("/v1/users").json(&body)).await;
        assert_eq!(answer.status, if fine { 201 } else { 422 }, "{password}: {answer:?}");
    }
}

#[tokio::test]
async fn unknown_wrong_and_suspended_get_the_same_answer() {
    let house = House::memory().await;
    let nobody = json!({ "email": "nobody@example.test", "password": PASSWORD });
    let wrong = json!({ "email": ADA, "password": "violet-anchor-77" });
    let mut bodies = Vec::new();
    for body in [&nobody, &wrong] {
        bodies.push(house.send(Ask::post("/v1/sessions").json(body)).await.expect(401, "invalid_credentials"));
    }
    suspend(&house).await;
    let right = json!({ "email": ADA, "password": PASSWORD });
    bodies.push(house.send(Ask::post("/v1/sessions").json(&right)).await.expect(401, "invalid_credentials"));
    let plain = |mut body: serde_json::Value| {
        body["request_id"] = serde_json::Value::Null;
        body
    };
    let first = plain(bodies[0].body.clone());
    assert!(bodies.into_iter().all(|answer| plain(answer.body) == first));
}

async fn suspend(house: &House) {
    doorward::flows::revoke::suspend(&house.door, house.ada, &Default::default()).await.expect("suspended");
}

#[tokio::test]
async fn suspension_ends_every_credential_at_once_and_resuming_revives_none() {
    for ground in [Ground::Memory, Ground::Sqlite] {
        let house = House::on(ground).await;
        let session = house.sign_in("demo-session", "body").await.text("session_token");
        let jwt = house.sign_in("demo-jwt", "body").await.text("access_token");
        let hybrid = house.sign_in("demo-hybrid", "body").await;
        house.send(Ask::get("/v1/session").bearer(&session)).await.ok();
        suspend(&house).await;
        for resumed in [false, true] {
            if resumed {
                doorward::flows::revoke::resume(&house.door, house.ada, &Default::default()).await.expect("resumed");
            }
            house.send(Ask::get("/v1/session").bearer(&session)).await.expect(401, "session_ended");
            house.send(Ask::get("/v1/session").bearer(&jwt)).await.expect(401, "token_revoked");
            let refresh = json!({ "refresh_token": hybrid.text("refresh_token"), "attempt": "attempt-key-number-1" });
            house.send(Ask::post("/v1/session/refresh").json(&refresh)).await.expect(401, "session_ended");
        }
        house.sign_in("demo-session", "body").await;
    }
}

#[tokio::test]
async fn what_was_ended_stays_ended_after_caches_and_feed_entries_have_aged_out() {
    let house = House::on(Ground::Sqlite).await;
    let session = house.sign_in("demo-session", "body").await.text("session_token");
    house.send(Ask::get("/v1/session").bearer(&session)).await.ok();
    let body = json!({ "scope": "all" });
    house.send(Ask::post("/v1/sessions/revoke").bearer(&session).json(&body)).await.ok();
    for hours in [1, 2, 24, 24] {
        house.advance(Lifetime::from_hours(hours));
        doorward::jobs::sweep::sweep(&house.door).await;
        let answer = house.send(Ask::get("/v1/session").bearer(&session)).await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
}

#[tokio::test]
async fn a_planted_guest_session_gains_nothing_from_a_sign_in() {
    let house = House::memory().await;
    let guest = json!({ "guest": true, "client_id": "demo-session", "transport": "cookie" });
    let planted = house.send(Ask::post("/v1/sessions").json(&guest)).await;
    assert_eq!(planted.status, 201, "{planted:?}");
    assert_eq!(planted.body["user"], serde_json::Value::Null);
    assert_eq!(planted.body["session"]["guest"], true);
    let mut jar = Jar::default();
    jar.keep(&planted);
    let attacker = jar.clone();
    for (key, keep) in [("cart", "?keep=true"), ("draft", "")] {
        let path = format!("/v1/session/data/{key}{keep}");
        house.send(Ask::put(&path).jar(&jar).json(&json!([1, 2]))).await.ok();
    }
    let body = json!({ "email": ADA, "password": PASSWORD, "client_id": "demo-session" });
    let signed_in = house.send(Ask::post("/v1/sessions").jar(&jar).json(&body)).await.ok();
    jar.keep(&signed_in);
    assert_ne!(signed_in.session_id(), planted.session_id());
    assert_ne!(jar.line(), attacker.line());
    house.send(Ask::get("/v1/session").jar(&attacker)).await.expect(401, "session_ended");
    house.send(Ask::get("/v1/session").jar(&jar)).await.ok();
    assert_eq!(house.send(Ask::get("/v1/session/data/cart").jar(&jar)).await.ok().body, json!([1, 2]));
    house.send(Ask::get("/v1/session/data/draft").jar(&jar)).await.expect(404, "not_found");
}

#[tokio::test]
async fn signing_in_again_in_one_browser_ends_the_session_it_held() {
    let house = House::memory().await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-session", "cookie").await);
    let old = jar.clone();
    let body = json!({ "email": ADA, "password": PASSWORD, "client_id": "demo-session" });
    jar.keep(&house.send(Ask::post("/v1/sessions").jar(&jar).json(&body)).await.ok());
    house.send(Ask::get("/v1/session").jar(&old)).await.expect(401, "session_ended");
    let list = house.send(Ask::get("/v1/sessions").jar(&jar)).await.ok();
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1));
}

/// Two weeks of use at a store that has a bad moment whenever a use is to be written down.
#[tokio::test]
async fn a_use_that_could_not_be_written_down_is_written_down_later() {
    let house = House::memory().await;
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let who = || Ask::get("/v1/session").bearer(&token);
    house.advance(Lifetime::from_days(13));
    house.send(who()).await.ok();
    house.store().fail_next([Fault::Lost]).expect("a store");
    doorward::jobs::touch::flush(&house.door).await;
    doorward::jobs::touch::flush(&house.door).await;
    house.advance(Lifetime::from_days(13));
    house.send(who()).await.ok();
}

#[tokio::test]
async fn a_person_has_a_hundred_sessions_and_one_more_ends_the_one_used_longest_ago() {
    for ground in [Ground::Memory, Ground::Sqlite] {
        let house = House::on(ground).await;
        let (mut tokens, mut ids) = (Vec::new(), Vec::new());
        for _ in 0..MOST_SESSIONS {
            let answer = house.sign_in("demo-session", "body").await;
            tokens.push(answer.text("session_token"));
            ids.push(answer.session_id());
            house.advance(Lifetime::from_secs(1));
        }
        let who = |token: &str| house.send(Ask::get("/v1/session").bearer(token));
        // The oldest is in use.
        house.advance(Lifetime::from_mins(2));
        who(&tokens[0]).await.ok();
        doorward::jobs::touch::flush(&house.door).await;
        let one_more = house.sign_in("demo-jwt", "body").await.text("access_token");
        who(&one_more).await.ok();
        who(&tokens[0]).await.ok();
        who(&tokens[1]).await.expect(401, "session_ended");
        who(&tokens[2]).await.ok();
        let list = house.send(Ask::get("/v1/sessions").bearer(&tokens[0])).await.ok();
        assert_eq!(list.body["data"].as_array().map(Vec::len), Some(MOST_SESSIONS));
        let log = house.door.directory().audit_before(u64::MAX, 10).await.expect("a log");
        let told = log.iter().find(|link| link.event.detail.as_deref() == Some("crowded_out")).expect("a link");
        assert_eq!(told.event.session.map(|id| id.to_string()), Some(ids[1].clone()));
        assert_eq!((told.event.kind, told.event.who), (Kind::SessionsEnded, Some(house.ada)));
        // Who comes back in the same browser takes the room of their own.
        let body = json!({ "email": ADA, "password": PASSWORD, "client_id": "demo-session", "transport": "body" });
        house.send(Ask::post("/v1/sessions").bearer(&tokens[5]).json(&body)).await.ok();
        who(&tokens[5]).await.expect(401, "session_ended");
        who(&tokens[2]).await.ok();
        // Other people's are their own.
        let account = json!({ "email": "bea@example.test", "password": PASSWORD });
        house.send(Ask::post("/v1/users").json(&account)).await.ok();
        let body = json!({ "email": "bea@example.test", "password": PASSWORD, "client_id": "demo-session" });
        house.send(Ask::post("/v1/sessions").json(&body)).await.ok();
        who(&tokens[2]).await.ok();
        // A wrong password ends nothing.
        let body = json!({ "email": ADA, "password": "violet-anchor-77", "client_id": "demo-session" });
        house.send(Ask::post("/v1/sessions").json(&body)).await.expect(401, "invalid_credentials");
        who(&tokens[2]).await.ok();
    }
}

#[tokio::test]
async fn a_token_is_good_however_many_sessions_made_room_for_its_own() {
    let house = crowded().await;
    for number in 0..MOST_SESSIONS + 50 {
        let token = house.sign_in("demo-hybrid", "body").await.text("access_token");
        let answer = house.send(Ask::get("/v1/session").bearer(&token)).await;
        assert_eq!(answer.status, 200, "{number}: {answer:?}");
    }
}

/// Where from the 33rd end of one person within an hour on the feed says it of the person.
async fn crowded() -> House {
    let house = House::set_up(Ground::Memory, CHEAP, |settings| settings.feed.budget = LEAST).await;
    house.crowd_the_feed().await;
    house
}

#[tokio::test]
async fn a_token_is_good_however_often_its_sign_in_replaced_another() {
    let house = crowded().await;
    let body = json!({ "email": ADA, "password": PASSWORD, "client_id": "demo-jwt", "transport": "body" });
    let mut held = house.sign_in("demo-jwt", "body").await.text("access_token");
    for number in 0..50 {
        let token = house.send(Ask::post("/v1/sessions").bearer(&held).json(&body)).await.text("access_token");
        let who = |token| house.send(Ask::get("/v1/session").bearer(token));
        assert_eq!(who(&token).await.status, 200, "{number}");
        who(&held).await.expect(401, if number < 32 { "token_revoked" } else { "token_stale" });
        held = token;
    }
}

/// A JWT alone cannot be renewed: what is said of the whole person would sign out who was not meant.
#[tokio::test]
async fn forty_ends_of_one_person_leave_the_tokens_of_their_other_sessions_alone() {
    let house = House::memory().await;
    let kept = house.sign_in("demo-jwt", "body").await.text("access_token");
    for _ in 0..20 {
        let other = house.sign_in("demo-jwt", "body").await.text("access_token");
        house.send(Ask::delete("/v1/session").bearer(&other)).await.ok();
    }
    for _ in 0..20 {
        house.sign_in("demo-session", "body").await;
    }
    let others = json!({ "scope": "others" });
    let ended = house.send(Ask::post("/v1/sessions/revoke").bearer(&kept).json(&others)).await.ok();
    assert_eq!(ended.body["ended"], 20);
    house.send(Ask::get("/v1/session").bearer(&kept)).await.ok();
}

#[tokio::test]
async fn whoever_comes_next_in_a_browser_ends_what_it_held_a_guest_too() {
    let house = House::memory().await;
    let adas = house.sign_in("demo-session", "body").await.text("session_token");
    let guest = json!({ "guest": true, "client_id": "demo-session", "transport": "body" });
    let guests = house.send(Ask::post("/v1/sessions").bearer(&adas).json(&guest)).await.text("session_token");
    house.send(Ask::get("/v1/session").bearer(&adas)).await.expect(401, "session_ended");
    let again = house.send(Ask::post("/v1/sessions").bearer(&guests).json(&guest)).await.text("session_token");
    house.send(Ask::get("/v1/session").bearer(&guests)).await.expect(401, "session_ended");
    // A suspended account ends nobody's.
    let bea = json!({ "email": "bea@example.test", "password": PASSWORD });
    let account = house.send(Ask::post("/v1/users").json(&bea)).await.ok();
    let id = UserId::parse(account.body["user"]["id"].as_str().expect("an id")).expect("an id");
    let beas = json!({ "email": "bea@example.test", "password": PASSWORD, "client_id": "demo-session" });
    doorward::flows::revoke::suspend(&house.door, id, &Default::default()).await.expect("suspended");
    house.send(Ask::post("/v1/sessions").bearer(&again).json(&beas)).await.expect(401, "invalid_credentials");
    house.send(Ask::get("/v1/session").bearer(&again)).await.ok();
    let adas = house.sign_in("demo-session", "body").await.text("session_token");
    house.send(Ask::post("/v1/sessions").bearer(&adas).json(&beas)).await.expect(401, "invalid_credentials");
    house.send(Ask::get("/v1/session").bearer(&adas)).await.ok();
}

#[tokio::test]
async fn sessions_end_by_idleness_and_by_age_and_never_early() {
    let house = House::memory().await;
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let who = || Ask::get("/v1/session").bearer(&token);
    house.advance(Lifetime::from_days(14) + IDLE_ALLOWANCE + Lifetime::from_millis(-1));
    house.send(who()).await.ok();
    doorward::jobs::touch::flush(&house.door).await;
    house.advance(Lifetime::from_days(14));
    house.send(who()).await.ok();
    doorward::jobs::touch::flush(&house.door).await;
    house.advance(Lifetime::from_days(14) + IDLE_ALLOWANCE);
    house.send(who()).await.expect(401, "session_expired");
    let token = house.sign_in("demo-session", "cookie").await;
    let mut jar = Jar::default();
    jar.keep(&token);
    for _ in 0..29 {
        house.advance(Lifetime::from_days(1));
        house.send(Ask::get("/v1/session").jar(&jar)).await.ok();
        doorward::jobs::touch::flush(&house.door).await;
    }
    house.advance(Lifetime::from_days(1));
    house.send(Ask::get("/v1/session").jar(&jar)).await.expect(401, "session_expired");
}

#[tokio::test]
async fn a_replaced_secret_looks_on_until_the_new_one_is_seen() {
    let house = House::memory().await;
    let signed_in = house.sign_in("demo-session", "body").await;
    let (old, session) = (signed_in.text("session_token"), signed_in.session_id());
    let body = json!({ "current_password": PASSWORD, "new_password": "violet-anchor-77" });
    let new = house.send(Ask::put("/v1/user/password").bearer(&old).json(&body)).await.ok().text("session_token");
    // The reply is on its way: the old secret may look, and nothing else.
    house.send(Ask::get("/v1/session").bearer(&old)).await.ok();
    let more = json!({ "current_password": "violet-anchor-77", "new_password": "amber-window-12" });
    house.send(Ask::put("/v1/user/password").bearer(&old).json(&more)).await.expect(403, "forbidden");
    house.send(Ask::put("/v1/session/data/a").bearer(&old).json(&json!(1))).await.expect(403, "forbidden");
    let ends = [
        Ask::get("/v1/sessions"),
        Ask::delete("/v1/session"),
        Ask::delete(&format!("/v1/sessions/{session}")),
        Ask::post("/v1/sessions/revoke").json(&json!({ "scope": "others" })),
        Ask::post("/v1/sessions/revoke").json(&json!({ "scope": "all" })),
    ];
    for end in ends {
        house.send(end.bearer(&old)).await.expect(403, "forbidden");
    }
    // The session lives on, and so does what is left of its cookie.
    let leave = Ask::delete("/v1/session").header("cookie", &format!("__Host-Http-dw_session={old}"));
    let refused = house.send(leave).await.expect(403, "forbidden");
    assert!(!refused.headers.contains_key("set-cookie"), "{refused:?}");
    // Nor does a thief's own sign-in, or the page to sign out on, take the session over or end it.
    let cookie = format!("__Host-Http-dw_session={old}");
    let bea = json!({ "email": "bea@example.test", "password": "quiet-harbour-92" });
    house.send(Ask::post("/v1/users").json(&bea)).await;
    let enter = Ask::post("/v1/sessions").header("cookie", &cookie).json(&bea);
    assert_eq!(house.send(enter).await.status, 201);
    let mut browser = Browser::new(&house);
    browser.jar.0.insert(String::from("__Host-Http-dw_session"), old.clone());
    browser.fill("/logout", &[]).await;
    house.send(Ask::get("/v1/session").bearer(&old)).await.ok();
    house.set_strategy("demo-session", Strategy::Hybrid).await;
    let convert = Ask::post("/v1/session/refresh").bearer(&old);
    house.send(convert).await.expect(401, "session_unknown");
    house.send(Ask::get("/v1/session").bearer(&new)).await.ok();
    house.send(Ask::get("/v1/session").bearer(&old)).await.expect(401, "session_unknown");
}

#[tokio::test]
async fn a_replaced_secret_is_worth_nothing_after_a_minute() {
    let house = House::memory().await;
    let old = house.sign_in("demo-session", "body").await.text("session_token");
    let body = json!({ "current_password": PASSWORD, "new_password": "violet-anchor-77" });
    house.send(Ask::put("/v1/user/password").bearer(&old).json(&body)).await.ok();
    house.advance(REPLACED_SECRET);
    house.send(Ask::get("/v1/session").bearer(&old)).await.expect(401, "session_unknown");
}

#[tokio::test]
async fn lines_of_the_feed_are_kept_as_long_as_a_verifier_may_need_them() {
    for ground in [Ground::Memory, Ground::Sqlite] {
        let house = House::on(ground).await;
        let token = house.sign_in("demo-session", "body").await.text("session_token");
        house.send(Ask::delete("/v1/session").bearer(&token)).await.ok();
        let trimmed = async || {
            sweep::sweep(&house.door).await;
            sweep::trim(&house.door).await
        };
        assert_eq!(trimmed().await, 0);
        house.advance(Lifetime::from_millis(RETENTION.millis() - 1));
        assert_eq!(trimmed().await, 0);
        house.advance(Lifetime::from_millis(1));
        assert_eq!(trimmed().await, 1);
        house.send(Ask::get("/v1/session").bearer(&token)).await.expect(401, "session_ended");
    }
}
