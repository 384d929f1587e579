//! The list of devices, and ending them.

use doorward::flows::register::{Registration, register};
use doorward_core::audit::Actor;
use doorward_core::user::Email;
use serde_json::json;

use super::house::{Ask, Ground, House, Jar};

#[tokio::test]
async fn devices_are_listed_ended_one_by_one_the_others_and_all() {
    for ground in [Ground::Memory, Ground::Sqlite] {
        let house = House::on(ground).await;
        let phone = house.sign_in("demo-hybrid", "body").await;
        let desk = house.sign_in("demo-session", "body").await;
        let other = house.sign_in("demo-jwt", "body").await;
        let token = desk.text("session_token");
        let list = house.send(Ask::get("/v1/sessions").bearer(&token)).await.ok();
        assert_eq!(list.body["next_cursor"], serde_json::Value::Null);
        let ids: Vec<_> = list.body["data"].as_array().expect("a list").iter().map(|row| row["id"].clone()).collect();
        for session in [&phone, &desk, &other] {
            assert!(ids.contains(&session.body["session"]["id"]), "{ids:?}");
        }
        let current = list.body["data"].as_array().expect("a list").iter().filter(|row| row["current"] == true);
        assert_eq!(current.map(|row| &row["id"]).collect::<Vec<_>>(), [&desk.body["session"]["id"]]);

        let path = format!("/v1/sessions/{}", phone.session_id());
        let ended = house.send(Ask::delete(&path).bearer(&token)).await.ok();
        assert_eq!(ended.body["ended"], 1);
        assert!(ended.body["receipt"]["seq"].is_u64());
        house.send(Ask::delete(&path).bearer(&token)).await.expect(404, "not_found");
        let refresh = json!({ "refresh_token": phone.text("refresh_token"), "attempt": "attempt-key-number-1" });
        house.send(Ask::post("/v1/session/refresh").json(&refresh)).await.expect(401, "session_ended");

        let others = house.send(Ask::post("/v1/sessions/revoke").bearer(&token).json(&json!({ "scope": "others" })));
        assert_eq!(others.await.ok().body["ended"], 1);
        house.send(Ask::get("/v1/session").bearer(&other.text("access_token"))).await.expect(401, "token_revoked");
        house.send(Ask::get("/v1/session").bearer(&token)).await.ok();
        let all = house.send(Ask::post("/v1/sessions/revoke").bearer(&token).json(&json!({ "scope": "all" }))).await;
        assert_eq!(all.ok().body["ended"], 1);
        house.send(Ask::get("/v1/session").bearer(&token)).await.expect(401, "session_ended");
    }
}

#[tokio::test]
async fn nobody_ends_or_sees_the_sessions_of_somebody_else() {
    let house = House::memory().await;
    let ada = house.sign_in("demo-session", "body").await;
    let registration = Registration {
        email: Email::parse("mallory@example.test").expect("an address"),
        password: String::from("violet-anchor-77").into(),
        name: None,
    };
    register(&house.door, registration, Actor::Operator, &Default::default()).await.expect("an account");
    let body = json!({
        "email": "mallory@example.test", "password": "violet-anchor-77", "client_id": "demo-session", "transport": "body",
    });
    let mallory = house.send(Ask::post("/v1/sessions").json(&body)).await.ok().text("session_token");
    let path = format!("/v1/sessions/{}", ada.session_id());
    house.send(Ask::delete(&path).bearer(&mallory)).await.expect(404, "not_found");
    let list = house.send(Ask::get("/v1/sessions").bearer(&mallory)).await.ok();
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1));
    house.send(Ask::get("/v1/session").bearer(&ada.text("session_token"))).await.ok();
}

#[tokio::test]
async fn sign_out_ends_the_session_and_clears_the_cookies() {
    let house = House::memory().await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-session", "cookie").await);
    let stolen = jar.clone();
    jar.keep(&house.send(Ask::delete("/v1/session").jar(&jar)).await.ok());
    assert!(jar.0.is_empty(), "{jar:?}");
    house.send(Ask::get("/v1/session").jar(&stolen)).await.expect(401, "session_ended");
    // A page that lost its access token signs out by what lies in the jar.
    jar.keep(&house.sign_in("demo-hybrid", "cookie").await);
    let stolen = jar.clone();
    jar.keep(&house.send(Ask::delete("/v1/session").jar(&jar)).await.ok());
    assert!(jar.0.is_empty(), "{jar:?}");
    let body = json!({ "attempt": "attempt-key-number-1" });
    house.send(Ask::post("/v1/session/refresh").jar(&stolen).json(&body)).await.expect(401, "session_ended");
}

#[tokio::test]
async fn cookies_are_never_cleared_by_a_failed_call() {
    let house = House::memory().await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-hybrid", "cookie").await);
    let old = jar.clone();
    let ask = |jar: &Jar, key: &str| Ask::post("/v1/session/refresh").jar(jar).json(&json!({ "attempt": key }));
    jar.keep(&house.send(ask(&jar, "attempt-key-number-1")).await.ok());
    let reused = house.send(ask(&old, "attempt-key-number-2")).await.expect(401, "refresh_reused");
    assert!(reused.headers.get("set-cookie").is_none());
    let ended = house.send(ask(&jar, "attempt-key-number-3")).await.expect(401, "session_ended");
    assert!(ended.headers.get("set-cookie").is_none());
}
