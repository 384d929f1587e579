//! The three strategies, and every pair of them converted while somebody is signed in.

use doorward::flows::clients::{self, Edit};
use doorward_core::audit::Actor;
use doorward_core::client::Strategy;
use doorward_core::id::ClientId;
use doorward_core::{Algorithm, Lifetime, base64url};
use serde_json::json;

use super::house::{ADA, Answer, Ask, Ground, House, Jar, PASSWORD};

const KEY: &str = "attempt-key-number-1";
const OTHER_KEY: &str = "attempt-key-number-2";

/// What a body client holds.
#[derive(Clone, Debug, Default)]
struct Held {
    secret: Option<String>,
    access: Option<String>,
    refresh: Option<String>,
}

impl Held {
    fn of(answer: &Answer) -> Self {
        let text = |name: &str| answer.body[name].as_str().map(str::to_owned);
        Self { secret: text("session_token"), access: text("access_token"), refresh: text("refresh_token") }
    }

    fn form(&self) -> Strategy {
        match (&self.secret, &self.access, &self.refresh) {
            (Some(_), None, None) => Strategy::Session,
            (None, Some(_), None) => Strategy::Jwt,
            (None, Some(_), Some(_)) => Strategy::Hybrid,
            odd => panic!("no strategy hands out {odd:?}"),
        }
    }

    /// The algorithm that the access token says it is signed with.
    fn algorithm(&self) -> Option<String> {
        let header = self.access.as_deref()?.split('.').next().expect("a header");
        let header: serde_json::Value =
            serde_json::from_slice(&base64url::decode(header).expect("base64url")).expect("JSON");
        Some(header["alg"].as_str().expect("an algorithm").to_owned())
    }

    fn bearer(&self) -> &str {
        self.secret.as_deref().or(self.access.as_deref()).expect("something to show")
    }

    fn ask_refresh(&self, key: &str) -> Ask {
        let ask = Ask::post("/v1/session/refresh");
        match &self.refresh {
            Some(token) => ask.json(&json!({ "refresh_token": token, "attempt": key })),
            None => ask.bearer(self.bearer()).json(&json!({ "attempt": key })),
        }
    }
}

#[tokio::test]
async fn each_strategy_signs_in_answers_and_signs_out() {
    for (ground, algorithm) in
        [Ground::Memory, Ground::Sqlite].into_iter().flat_map(|ground| Algorithm::ALL.map(|of| (ground, of)))
    {
        let house = House::signing(ground, algorithm).await;
        for strategy in Strategy::ALL {
            let client = format!("demo-{}", strategy.name());
            let answer = house.sign_in(&client, "body").await;
            let held = Held::of(&answer);
            assert_eq!(held.form(), strategy);
            assert!(held.algorithm().is_none_or(|said| said == algorithm.name()), "{held:?}");
            assert_eq!(answer.body["session"]["strategy"], strategy.name());
            let who = house.send(Ask::get("/v1/session").bearer(held.bearer())).await.ok();
            assert_eq!(who.body["user"]["email"], ADA);
            assert_eq!(who.session_id(), answer.session_id());
            let out = house.send(Ask::delete("/v1/session").bearer(held.bearer())).await.ok();
            assert_eq!(out.body["ended"], 1);
            let code = if strategy == Strategy::Session { "session_ended" } else { "token_revoked" };
            house.send(Ask::get("/v1/session").bearer(held.bearer())).await.expect(401, code);
            if held.refresh.is_some() {
                house.send(held.ask_refresh(KEY)).await.expect(401, "session_ended");
            }
        }
    }
}

#[tokio::test]
async fn cookies_carry_sessions_and_refresh_tokens_with_the_promised_attributes() {
    let house = House::memory().await;
    let answer = house.sign_in("demo-session", "cookie").await;
    let cookie = answer.headers["set-cookie"].to_str().expect("text");
    assert!(cookie.starts_with("__Host-Http-dw_session=dws_"), "{cookie}");
    for attribute in ["Path=/;", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=2592000"] {
        assert!(cookie.contains(attribute), "{attribute} in {cookie}");
    }
    assert!(answer.body.get("session_token").is_none(), "the body must not carry what the cookie does");
    let answer = house.sign_in("demo-hybrid", "cookie").await;
    let cookie = answer.headers["set-cookie"].to_str().expect("text");
    assert!(cookie.starts_with("__Secure-dw_refresh_demo-hybrid=dwr_"), "{cookie}");
    for attribute in ["Path=/v1/session;", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(attribute), "{attribute} in {cookie}");
    }
    assert!(answer.body.get("refresh_token").is_none());
    assert_eq!(answer.body["expires_in"], 900);
}

/// All pairs of two strategies, from these.
fn pairs(from: &[Strategy]) -> impl Iterator<Item = (Strategy, Strategy)> {
    let to = |from: Strategy| Strategy::ALL.into_iter().filter(move |to| *to != from).map(move |to| (from, to));
    from.iter().copied().flat_map(to)
}

#[tokio::test]
async fn every_pair_of_strategies_converts_in_the_body_without_a_new_sign_in() {
    for algorithm in Algorithm::ALL {
        for (from, to) in pairs(&Strategy::ALL) {
            let house = House::signing(Ground::Memory, algorithm).await;
            let client = format!("demo-{}", from.name());
            let signed_in = house.sign_in(&client, "body").await;
            let before = Held::of(&signed_in);
            house.advance(Lifetime::from_secs(5));
            house.set_strategy(&client, to).await;
            let who = house.send(Ask::get("/v1/session").bearer(before.bearer())).await.ok();
            assert_eq!(who.body["session"]["strategy"], to.name(), "clients notice");
            let converted = house.send(before.ask_refresh(KEY)).await.ok();
            let after = Held::of(&converted);
            assert_eq!(after.form(), to, "{} to {}", from.name(), to.name());
            assert_eq!(converted.session_id(), signed_in.session_id(), "the same session");
            house.send(Ask::get("/v1/session").bearer(after.bearer())).await.ok();
            // The reply is lost: the same attempt gets the same.
            let again = Held::of(&house.send(before.ask_refresh(KEY)).await.ok());
            assert_eq!((again.secret, again.refresh), (after.secret.clone(), after.refresh.clone()));
            if after.refresh.is_some() {
                house.send(after.ask_refresh(OTHER_KEY)).await.ok();
            }
        }
    }
}

#[tokio::test]
async fn every_pair_of_strategies_converts_in_a_browser_without_a_new_sign_in() {
    for algorithm in Algorithm::ALL {
        for (from, to) in pairs(&[Strategy::Session, Strategy::Hybrid]) {
            let house = House::signing(Ground::Memory, algorithm).await;
            let client = format!("demo-{}", from.name());
            let mut jar = Jar::default();
            jar.keep(&house.sign_in(&client, "cookie").await);
            house.set_strategy(&client, to).await;
            for round in 0..4 {
                house.advance(Lifetime::from_mins(10));
                let body = json!({ "attempt": format!("attempt-key-number-{round}") });
                let answer = house.send(Ask::post("/v1/session/refresh").jar(&jar).json(&body)).await.ok();
                assert!(answer.body.get("refresh_token").is_none());
                jar.keep(&answer);
                let who = match answer.body["access_token"].as_str() {
                    Some(token) => Ask::get("/v1/session").bearer(token),
                    None => Ask::get("/v1/session").jar(&jar),
                };
                let who = house.send(who).await.ok();
                assert_eq!(who.body["session"]["strategy"], to.name(), "{} to {}", from.name(), to.name());
            }
        }
    }
}

/// A browser that lost its refresh cookie and kept the other: it gets the token that is good now, and is nobody's thief.
#[tokio::test]
async fn a_session_secret_gives_the_token_that_is_good_now_however_often_it_has_turned() {
    for ground in [Ground::Memory, Ground::Sqlite] {
        let house = House::on(ground).await;
        let secret = house.sign_in("demo-session", "body").await.text("session_token");
        house.set_strategy("demo-session", Strategy::Hybrid).await;
        let by_secret = async || Held::of(&house.send(Ask::post("/v1/session/refresh").bearer(&secret)).await.ok());
        // The record is at hand from here on.
        let mut held = by_secret().await;
        assert_eq!(by_secret().await.refresh, held.refresh, "nothing is retired by it");
        for round in 0..3 {
            let key = format!("attempt-key-number-{round}");
            held = Held::of(&house.send(held.ask_refresh(&key)).await.ok());
            house.send(Ask::get("/v1/session").bearer(&secret)).await.ok();
            assert_eq!(by_secret().await.refresh, held.refresh, "turn {round}");
        }
        house.send(by_secret().await.ask_refresh(KEY)).await.ok();
    }
}

/// What lies dead in a browser's jar, where no script can take it out, is in nobody's way.
/// Whatever a client may be set to, every verifier reads its tokens.
#[tokio::test]
async fn the_largest_token_that_a_client_can_have_is_read() {
    for algorithm in Algorithm::ALL {
        let house = House::signing(Ground::Memory, algorithm).await;
        let long = |word: &str, length: usize, number: usize| {
            format!("{word}{number}{}", "x".repeat(length - word.len() - 1))
        };
        let audiences =
            (0..7).map(|number| long("https://api", 256, number)).chain([super::house::ISSUER.to_owned()]);
        let scopes = (0..8).map(|number| long("scope:", 64, number));
        let edit = Edit { audiences: Some(audiences.collect()), scopes: Some(scopes.collect()), ..Edit::default() };
        let id = ClientId::parse("demo-jwt").expect("an id");
        clients::set(&house.door, &id, &edit, Actor::Operator, &Default::default()).await.expect("set");
        let roles: Vec<String> = (0..doorward_verify::MOST_ROLES).map(|number| format!("{number:064}")).collect();
        let roles = doorward_core::role::Roles::of(roles.iter().map(String::as_str)).expect("roles");
        doorward::flows::roles::set(&house.door, house.ada, roles, &Default::default()).await.expect("roles");
        let token = house.sign_in("demo-jwt", "body").await.text("access_token");
        assert!(token.len() > 5_000, "{} bytes", token.len());
        house.send(Ask::get("/v1/session").bearer(&token)).await.ok();
    }
}

#[tokio::test]
async fn an_access_token_is_exchanged_beside_a_dead_cookie() {
    let house = House::memory().await;
    let dead = house.sign_in("demo-session", "body").await.text("session_token");
    house.send(Ask::delete("/v1/session").bearer(&dead)).await.ok();
    let held = Held::of(&house.sign_in("demo-jwt", "body").await);
    house.advance(Lifetime::from_secs(5));
    house.set_strategy("demo-jwt", Strategy::Hybrid).await;
    let cookie = format!("__Host-Http-dw_session={dead}");
    let answer = house.send(held.ask_refresh(KEY).header("cookie", &cookie)).await.ok();
    assert_eq!(Held::of(&answer).form(), Strategy::Hybrid);
}

#[tokio::test]
async fn an_access_token_is_exchanged_once() {
    for algorithm in Algorithm::ALL {
        let house = House::signing(Ground::Memory, algorithm).await;
        let held = Held::of(&house.sign_in("demo-jwt", "body").await);
        house.send(held.ask_refresh(KEY)).await.expect(401, "refresh_invalid");
        house.advance(Lifetime::from_secs(5));
        house.set_strategy("demo-jwt", Strategy::Hybrid).await;
        let first = Held::of(&house.send(held.ask_refresh(KEY)).await.ok());
        house.send(held.ask_refresh(OTHER_KEY)).await.expect(401, "refresh_reused");
        house.send(first.ask_refresh(KEY)).await.expect(401, "session_ended");
        house.send(Ask::get("/v1/session").bearer(first.bearer())).await.expect(401, "token_revoked");
    }
}

#[tokio::test]
async fn an_access_token_minted_after_the_switch_is_not_exchanged() {
    let house = House::memory().await;
    let old = Held::of(&house.sign_in("demo-jwt", "body").await);
    house.advance(Lifetime::from_secs(5));
    house.set_strategy("demo-jwt", Strategy::Hybrid).await;
    house.advance(Lifetime::from_secs(5));
    let hybrid = Held::of(&house.sign_in("demo-jwt", "body").await);
    let young = Held { refresh: None, ..hybrid };
    house.send(young.ask_refresh(KEY)).await.expect(401, "refresh_invalid");
    house.send(Ask::get("/v1/session").bearer(young.bearer())).await.ok();
    house.send(old.ask_refresh(KEY)).await.ok();
}

#[tokio::test]
async fn an_access_token_for_somebody_else_is_not_exchanged_here() {
    let house = House::memory().await;
    let id = doorward_core::id::ClientId::parse("foreign").expect("an id");
    let client = doorward_core::client::Client {
        audiences: vec![String::from("https://api.example.test")],
        transports: doorward_core::client::Transport::ALL.to_vec(),
        ..doorward_core::client::Client::first_party(id, Strategy::Jwt, house.door.now())
    };
    super::house::add_client(&house.door, client).await;
    let held = Held::of(&house.sign_in("foreign", "body").await);
    house.advance(Lifetime::from_secs(5));
    house.set_strategy("foreign", Strategy::Hybrid).await;
    let refused = house.send(held.ask_refresh(KEY)).await.expect(401, "token_invalid");
    assert_eq!(refused.body["reason"], "audience_unexpected");
}

/// What docs/flows/password-change.md says of it.
#[tokio::test]
async fn after_a_password_change_whose_reply_is_lost_a_key_gets_the_new_token_and_a_secret_looks_on_for_a_minute() {
    let body = json!({ "current_password": PASSWORD, "new_password": "violet-anchor-77" });
    for key in [Some(OTHER_KEY), None] {
        let house = House::memory().await;
        let held = Held::of(&house.sign_in("demo-hybrid", "body").await);
        let held = Held::of(&house.send(held.ask_refresh(KEY)).await.ok());
        let ask = Ask::put("/v1/user/password").bearer(held.bearer()).json(&body);
        let ask = key.into_iter().fold(ask, |ask, key| ask.header("idempotency-key", key));
        let lost = Held::of(&house.send(ask).await.ok());
        let again = house.send(held.ask_refresh(OTHER_KEY)).await;
        match key {
            Some(_) => assert_eq!(Held::of(&again.ok()).refresh, lost.refresh, "the very token that was lost"),
            None => drop(again.expect(401, "refresh_reused")),
        }
    }
    let house = House::memory().await;
    let old = Held::of(&house.sign_in("demo-session", "body").await);
    let (change, who) = (Ask::put("/v1/user/password"), || Ask::get("/v1/session").bearer(old.bearer()));
    house.send(change.bearer(old.bearer()).json(&body)).await.ok();
    house.send(who()).await.ok();
    house.send(Ask::put("/v1/user/password").bearer(old.bearer()).json(&body)).await.expect(403, "forbidden");
    house.advance(Lifetime::from_secs(61));
    house.send(who()).await.expect(401, "session_unknown");
    let new = json!({ "email": ADA, "password": "violet-anchor-77" });
    house.send(Ask::post("/v1/sessions").json(&new)).await.ok();
}

#[tokio::test]
async fn a_password_change_keeps_this_session_and_ends_every_other_credential() {
    let each = |algorithm| Strategy::ALL.map(|strategy| (algorithm, strategy));
    for (algorithm, strategy) in Algorithm::ALL.into_iter().flat_map(each) {
        let house = House::signing(Ground::Memory, algorithm).await;
        let client = format!("demo-{}", strategy.name());
        let here = Held::of(&house.sign_in(&client, "body").await);
        let there = Held::of(&house.sign_in(&client, "body").await);
        let body = json!({ "current_password": PASSWORD, "new_password": "violet-anchor-77" });
        let changed = house.send(Ask::put("/v1/user/password").bearer(here.bearer()).json(&body)).await.ok();
        let now = Held::of(&changed);
        assert_eq!(now.form(), strategy);
        house.send(Ask::get("/v1/session").bearer(now.bearer())).await.ok();
        for dead in [&here, &there] {
            let answer = house.send(Ask::get("/v1/session").bearer(dead.bearer())).await;
            assert_eq!(answer.status, 401, "{strategy:?} {answer:?}");
        }
        if there.refresh.is_some() {
            house.send(there.ask_refresh(KEY)).await.expect(401, "session_ended");
            house.send(now.ask_refresh(KEY)).await.ok();
        }
        let old = json!({ "email": ADA, "password": PASSWORD });
        house.send(Ask::post("/v1/sessions").json(&old)).await.expect(401, "invalid_credentials");
        let new = json!({ "email": ADA, "password": "violet-anchor-77" });
        house.send(Ask::post("/v1/sessions").json(&new)).await.ok();
    }
}
