//! What a person is to the applications: in every answer, record and token, and nowhere out of date.

use doorward::flows::{Refusal, Stopped, roles};
use doorward_core::id::UserId;
use doorward_core::role::Roles;
use doorward_core::{Lifetime, Scope, Strength};
use serde_json::{Value, json};

use super::house::{ADA, Answer, Ask, Ground, House, PASSWORD};
use super::listening::Listener;

async fn set(house: &House, words: &[&str]) -> doorward_core::user::User {
    let words = Roles::of(words.iter().copied()).expect("roles");
    roles::set(&house.door, house.ada, words, &Default::default()).await.expect("set")
}

async fn refreshed(house: &House, answer: &Answer, key: u8) -> Answer {
    let (token, attempt) = (answer.text("refresh_token"), format!("attempt-key-number-{key}"));
    let body = json!({ "refresh_token": token, "client_id": "demo-hybrid", "attempt": attempt });
    house.send(Ask::post("/v1/session/refresh").json(&body)).await.ok()
}

async fn who(house: &House, bearer: &str) -> Answer {
    house.send(Ask::get("/v1/session").bearer(bearer)).await
}

#[tokio::test]
async fn other_roles_are_seen_at_once_in_each_strategy_and_no_session_is_over() {
    for ground in [Ground::Memory, Ground::Sqlite] {
        let house = House::on(ground).await;
        let secret = house.sign_in("demo-session", "body").await.text("session_token");
        let jwt = house.sign_in("demo-jwt", "body").await;
        let hybrid = house.sign_in("demo-hybrid", "body").await;
        // A turn, so that the session is remembered; and a check, so that its record is kept.
        let hybrid = refreshed(&house, &hybrid, 1).await;
        assert_eq!(who(&house, &secret).await.ok().body["user"]["roles"], json!([]));
        assert_eq!(hybrid.claims()["roles"], Value::Null);

        set(&house, &["writer", "admin"]).await;
        assert_eq!(who(&house, &secret).await.ok().body["user"]["roles"], json!(["admin", "writer"]));
        for stale in [&jwt, &hybrid] {
            who(&house, &stale.text("access_token")).await.expect(401, "token_stale");
        }
        // What has nothing to renew with signs in anew; its session is among the person's devices until then.
        let renewed = [refreshed(&house, &hybrid, 2).await, house.sign_in("demo-jwt", "body").await];
        for answer in renewed {
            assert_eq!(answer.body["user"]["roles"], json!(["admin", "writer"]));
            assert_eq!(answer.claims()["roles"], json!(["admin", "writer"]));
            assert_eq!(who(&house, &answer.text("access_token")).await.ok().body["user"]["roles"][0], "admin");
        }
        let devices = house.send(Ask::get("/v1/sessions").bearer(&secret)).await.ok();
        assert_eq!(devices.body["data"].as_array().map(Vec::len), Some(4), "nobody was signed out");

        set(&house, &[]).await;
        assert_eq!(who(&house, &secret).await.ok().body["user"]["roles"], json!([]));
        let fresh = house.sign_in("demo-jwt", "body").await;
        assert_eq!((&fresh.body["user"]["roles"], &fresh.claims()["roles"]), (&json!([]), &Value::Null));
    }
}

/// The token that comes of a password change is minted behind it: roles that were set just before are in it.
#[tokio::test]
async fn a_password_change_hands_out_the_roles_of_now() {
    let house = House::memory().await;
    set(&house, &["admin"]).await;
    let token = house.sign_in("demo-jwt", "body").await.text("access_token");
    let body = json!({ "current_password": PASSWORD, "new_password": "lantern-meadow-52" });
    let changed = house.send(Ask::put("/v1/user/password").bearer(&token).json(&body)).await.ok();
    assert_eq!(changed.claims()["roles"], json!(["admin"]));
    assert_eq!(changed.body["user"]["roles"], json!(["admin"]));
}

#[tokio::test]
async fn verifiers_are_told_in_the_same_step_and_only_of_a_change() {
    let house = House::memory().await;
    let mut shop = Listener::new(&house.add_verifier("shop").await, 1);
    let mut open = shop.begin(&house).await;
    let user = set(&house, &["admin"]).await;
    let range = open.range().await;
    assert_eq!((range.entries[0].scope, range.entries[0].strength), (Scope::Subject, Strength::RefreshRequired));
    assert_eq!(range.end(), user.refresh_epoch);
    let again = set(&house, &["admin", "admin"]).await;
    assert_eq!((again.version, house.door.cached().head()), (user.version, user.refresh_epoch), "nothing changed");
    let nobody = roles::set(&house.door, UserId::from_bytes([9; 16]), Roles::NONE, &Default::default()).await;
    assert!(matches!(nobody, Err(Stopped::Refused(Refusal::NotFound))), "{nobody:?}");
}

/// What a verifier is told of a cookie, and of a credential it asks about, are the roles of now.
#[tokio::test]
async fn records_and_introspection_tell_the_roles_of_now() {
    let house = House::memory().await;
    let shop = Listener::new(&house.add_verifier("shop").await, 1);
    let secret = house.sign_in("demo-session", "body").await.text("session_token");
    let asked = async |token: &str| {
        let ask = Ask::post("/oauth2/introspect").form(&[("token", token)]);
        house.send(shop.asking(ask)).await.ok().body["roles"].clone()
    };
    let parsed = doorward_core::secret::SecretKind::Session.parse(&secret).expect("a secret");
    let hash = doorward_core::base64url::encode(&parsed.hash().0);
    assert_eq!(asked(&secret).await, Value::Null);
    set(&house, &["admin"]).await;
    let record = house.send(shop.asking(Ask::get(&format!("/v1/feed/sessions/{hash}")))).await.ok();
    assert_eq!(record.body["user"]["roles"], json!(["admin"]));
    assert_eq!(asked(&secret).await, json!(["admin"]));
    let token = house.sign_in("demo-jwt", "body").await.text("access_token");
    assert_eq!(asked(&token).await, json!(["admin"]));
}

/// Only an operator gives roles.
#[tokio::test]
async fn nobody_gives_themselves_roles() {
    let house = House::memory().await;
    let body = json!({ "email": "new@example.test", "password": "violet-anchor-77", "roles": ["admin"] });
    house.send(Ask::post("/v1/users").json(&body)).await.expect(400, "unknown_field");
    assert_eq!(house.sign_in("demo-session", "body").await.body["user"]["email"], ADA);
}

/// Two changes and an hour: a remembered session never turns with what it was told before.
#[tokio::test]
async fn a_session_that_is_remembered_turns_with_the_roles_of_now() {
    let house = House::memory().await;
    let mut answer = house.sign_in("demo-hybrid", "body").await;
    for key in 0..4 {
        let roles = if key % 2 == 0 { vec!["admin"] } else { vec!["writer", "zoo"] };
        set(&house, &roles).await;
        answer = refreshed(&house, &answer, key).await;
        assert_eq!(answer.claims()["roles"], json!(roles), "turn {key}");
        house.advance(Lifetime::from_mins(20));
        answer = refreshed(&house, &answer, key + 4).await;
        assert_eq!(answer.claims()["roles"], json!(roles), "turn {key}");
    }
}
