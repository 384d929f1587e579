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
        roles: Default::default(),
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
    assert!(jar.credentials().is_empty(), "{jar:?}");
    house.send(Ask::get("/v1/session").jar(&stolen)).await.expect(401, "session_ended");
    // A page that lost its access token signs out by what lies in the jar.
    jar.keep(&house.sign_in("demo-hybrid", "cookie").await);
    let stolen = jar.clone();
    jar.keep(&house.send(Ask::delete("/v1/session").jar(&jar)).await.ok());
    assert!(jar.credentials().is_empty(), "{jar:?}");
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

#[tokio::test]
async fn two_applications_in_one_browser_do_not_meet() {
    use doorward_core::client::{Client, Strategy};
    let house = House::memory().await;
    let id = doorward_core::id::ClientId::parse("other-hybrid").expect("an id");
    let other = Client::first_party(id, Strategy::Hybrid, house.door.now());
    super::house::add_client(&house.door, other).await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-session", "cookie").await);
    jar.keep(&house.sign_in("demo-hybrid", "cookie").await);
    jar.keep(&house.sign_in("other-hybrid", "cookie").await);
    assert_eq!(jar.credentials().len(), 3);
    let refresh = |jar: &Jar, client: &str, key: &str| {
        Ask::post("/v1/session/refresh").jar(jar).json(&json!({ "client_id": client, "attempt": key }))
    };
    let first = house.send(refresh(&jar, "demo-hybrid", "attempt-key-number-1")).await.ok();
    jar.keep(&first);
    jar.keep(&house.send(refresh(&jar, "other-hybrid", "attempt-key-number-2")).await.ok());
    let unnamed = Ask::post("/v1/session/refresh").jar(&jar).json(&json!({ "attempt": "attempt-key-number-3" }));
    house.send(unnamed).await.expect(400, "ambiguous_credentials");
    // Signing out of the page that the session cookie belongs to leaves the two others alone.
    jar.keep(&house.send(Ask::delete("/v1/session").jar(&jar)).await.ok());
    assert_eq!(jar.credentials().len(), 2, "{jar:?}");
    jar.keep(&house.send(refresh(&jar, "demo-hybrid", "attempt-key-number-4")).await.ok());
    house.send(Ask::delete("/v1/session").jar(&jar)).await.expect(400, "ambiguous_credentials");
    let token = house.send(refresh(&jar, "demo-hybrid", "attempt-key-number-4")).await.ok().text("access_token");
    jar.keep(&house.send(Ask::delete("/v1/session").jar(&jar).bearer(&token)).await.ok());
    assert_eq!(jar.credentials(), ["__Secure-dw_refresh_other-hybrid"]);
    house.send(refresh(&jar, "other-hybrid", "attempt-key-number-5")).await.ok();
}

#[tokio::test]
async fn a_password_change_leaves_no_retired_token_in_the_jar() {
    use doorward_core::client::Strategy;
    let house = House::memory().await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-hybrid", "cookie").await);
    house.set_strategy("demo-hybrid", Strategy::Session).await;
    let refresh = |jar: &Jar, key: &str| Ask::post("/v1/session/refresh").jar(jar).json(&json!({ "attempt": key }));
    jar.keep(&house.send(refresh(&jar, "attempt-key-number-1")).await.ok());
    let body = json!({ "current_password": super::house::PASSWORD, "new_password": "violet-anchor-77" });
    jar.keep(&house.send(Ask::put("/v1/user/password").jar(&jar).json(&body)).await.ok());
    jar.keep(&house.send(refresh(&jar, "attempt-key-number-2")).await.ok());
    house.send(Ask::get("/v1/session").jar(&jar)).await.ok();
}

#[tokio::test]
async fn odd_queries_and_paths_are_problems() {
    let house = House::memory().await;
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let put = Ask::put("/v1/session/data/a?keep=banana").bearer(&token).json(&json!(1));
    house.send(put).await.expect(400, "invalid_field");
    house.send(Ask::get("/v1/session/data/%ff").bearer(&token)).await.expect(404, "not_found");
    house.send(Ask::delete("/v1/sessions/not-an-id").bearer(&token)).await.expect(404, "not_found");
    house.send(Ask::delete("/v1/session?ack=everybody").bearer(&token)).await.expect(400, "invalid_field");
}

#[tokio::test]
async fn devices_are_called_what_their_owner_would_call_them() {
    let house = House::memory().await;
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                  Version/18.0 Mobile/15E148 Safari/604.1";
    let hostile = "x".repeat(20_000);
    for (agent, name) in [
        (firefox, "Firefox on Linux"),
        (safari, "Safari on iPhone"),
        ("curl/8.5.0", "curl"),
        ("okhttp/5.0", "okhttp"),
        ("<script>alert(1)</script>", "Unknown device"),
        (hostile.as_str(), "Unknown device"),
    ] {
        let body = json!({ "guest": true, "client_id": "demo-session" });
        let answer = house.send(Ask::post("/v1/sessions").header("user-agent", agent).json(&body)).await.ok();
        assert_eq!(answer.body["session"]["device"]["name"], name);
    }
}
