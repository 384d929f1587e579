//! What is about everybody: all at once, or bucket after bucket.

use doorward::flows::everybody::{go_on, turn};
use doorward::flows::{Refusal, Stopped};
use doorward_core::audit::Actor;
use doorward_core::spread::{BUCKETS, Turn};
use doorward_core::{Lifetime, Rejection, Scope};
use serde_json::json;

use super::house::{Ask, House};
use super::listening::Listener;

async fn refreshed(house: &House, token: &str) -> super::house::Answer {
    let body = json!({ "refresh_token": token, "client_id": "demo-hybrid", "attempt": "attempt-key-number-1" });
    house.send(Ask::post("/v1/session/refresh").json(&body)).await
}

#[tokio::test]
async fn everybody_is_signed_out_at_once_and_signs_in_again() {
    let house = House::memory().await;
    let secret = house.sign_in("demo-session", "body").await.text("session_token");
    let hybrid = house.sign_in("demo-hybrid", "body").await;
    let mut shop = Listener::new(&house.add_verifier("shop").await, 1);
    let mut open = shop.begin(&house).await;
    let by = || Actor::Operator;
    let forecast = turn(&house.door, Turn::End, None, by(), &Default::default()).await.expect("a forecast");
    assert_eq!((forecast.sessions, forecast.per_second), (2, 2));
    house.send(Ask::get("/v1/session").bearer(&secret)).await.expect(401, "session_ended");
    let token = hybrid.text("access_token");
    house.send(Ask::get("/v1/session").bearer(&token)).await.expect(401, "token_revoked");
    refreshed(&house, &hybrid.text("refresh_token")).await.expect(401, "session_ended");
    let range = open.range().await;
    assert_eq!((range.entries[0].scope, range.end()), (Scope::Realm, forecast.place));
    let again = house.sign_in("demo-session", "body").await.text("session_token");
    house.send(Ask::get("/v1/session").bearer(&again)).await.ok();
}

#[tokio::test]
async fn everybody_renews_at_once_and_stays() {
    let house = House::memory().await;
    let secret = house.sign_in("demo-session", "body").await.text("session_token");
    let hybrid = house.sign_in("demo-hybrid", "body").await;
    turn(&house.door, Turn::Renew, None, Actor::Operator, &Default::default()).await.expect("a forecast");
    house.send(Ask::get("/v1/session").bearer(&hybrid.text("access_token"))).await.expect(401, "token_stale");
    let renewed = refreshed(&house, &hybrid.text("refresh_token")).await.ok().text("access_token");
    house.send(Ask::get("/v1/session").bearer(&renewed)).await.ok();
    house.send(Ask::get("/v1/session").bearer(&secret)).await.ok();
}

/// A token that must be renewed is good for that and for nothing else.
#[tokio::test]
async fn an_access_token_that_is_stale_may_still_be_exchanged() {
    let house = House::memory().await;
    let token = house.sign_in("demo-jwt", "body").await.text("access_token");
    house.set_strategy("demo-jwt", doorward_core::client::Strategy::Hybrid).await;
    turn(&house.door, Turn::Renew, None, Actor::Operator, &Default::default()).await.expect("a forecast");
    house.send(Ask::get("/v1/session").bearer(&token)).await.expect(401, "token_stale");
    let body = json!({ "client_id": "demo-jwt", "attempt": "attempt-key-number-1" });
    let exchanged = house.send(Ask::post("/v1/session/refresh").bearer(&token).json(&body)).await.ok();
    house.send(Ask::get("/v1/session").bearer(&exchanged.text("access_token"))).await.ok();
    turn(&house.door, Turn::End, None, Actor::Operator, &Default::default()).await.expect("a forecast");
    let body = json!({ "client_id": "demo-jwt", "attempt": "attempt-key-number-2" });
    let refused = house.send(Ask::post("/v1/session/refresh").bearer(&token).json(&body)).await;
    assert_eq!(refused.body["reason"], Rejection::TokenRevoked.code(), "over for good is more than stale");
}

/// Who leaves need not renew before; who is out already cannot leave again.
#[tokio::test]
async fn a_token_that_must_be_renewed_is_good_enough_to_sign_out_with() {
    let house = House::memory().await;
    for client in ["demo-jwt", "demo-hybrid"] {
        let signed_in = house.sign_in(client, "body").await;
        let token = signed_in.text("access_token");
        turn(&house.door, Turn::Renew, None, Actor::Operator, &Default::default()).await.expect("a forecast");
        house.send(Ask::get("/v1/session").bearer(&token)).await.expect(401, "token_stale");
        let ended = house.send(Ask::delete("/v1/session").bearer(&token)).await.ok();
        assert_eq!(ended.body["ended"], 1);
        house.send(Ask::delete("/v1/session").bearer(&token)).await.expect(401, "token_revoked");
    }
}

#[tokio::test]
async fn everybody_has_their_turn_over_ten_minutes_and_who_signs_in_meanwhile_stays() {
    let house = House::memory().await;
    let mut old = Vec::new();
    for _ in 0..40 {
        old.push(house.sign_in("demo-session", "body").await.text("session_token"));
    }
    let over = Some(Lifetime::from_mins(10));
    let forecast =
        turn(&house.door, Turn::End, over, Actor::Operator, &Default::default()).await.expect("a forecast");
    assert_eq!((forecast.sessions, forecast.per_second), (40, 1));
    let again = turn(&house.door, Turn::Renew, over, Actor::Operator, &Default::default()).await;
    assert_eq!(again, Err(Stopped::Refused(Refusal::SpreadUnderWay)));
    assert_eq!(go_on(&house.door).await, Ok(true), "the first bucket, and more to come");
    house.advance(Lifetime::from_mins(5));
    assert_eq!(go_on(&house.door).await, Ok(true));
    let spread = house.door.directory().realm().await.expect("a realm").spread.expect("under way");
    assert_eq!(spread.next, BUCKETS / 2 + 1);
    let living = |secrets: Vec<String>| async {
        let mut living = 0;
        for secret in secrets {
            living += usize::from(house.send(Ask::get("/v1/session").bearer(&secret)).await.status == 200);
        }
        living
    };
    let half = living(old.clone()).await;
    assert!((1..40).contains(&half), "{half} of 40 live after half of the time");
    let mut young = Vec::new();
    for _ in 0..10 {
        young.push(house.sign_in("demo-session", "body").await.text("session_token"));
    }
    house.advance(Lifetime::from_mins(5));
    assert_eq!(go_on(&house.door).await, Ok(false), "over");
    assert_eq!((living(old).await, living(young).await), (0, 10));
    assert_eq!(go_on(&house.door).await, Ok(false));
}
