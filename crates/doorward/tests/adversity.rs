//! The machine's clock jumps, or its entropy runs out: nobody honest is signed out, nothing ended comes back, and what
//! cannot be done is refused and leaves nothing behind.

#![expect(dead_code, reason = "what tests share has more than this one uses")]

mod house;

use std::sync::atomic::Ordering;

use doorward_core::Lifetime;
use doorward_core::id::SessionId;
use house::{ADA, Answer, Ask, Ground, House, PASSWORD};
use http::Method;
use serde_json::{Value, json};

/// What the clients of one house hold.
struct Held {
    session: String,
    refresh: String,
    access: String,
    gone: String,
    gone_refresh: String,
}

impl Held {
    async fn of(house: &House) -> Self {
        let session = house.sign_in("demo-session", "body").await.text("session_token");
        let hybrid = house.sign_in("demo-hybrid", "body").await;
        let gone = house.sign_in("demo-session", "body").await.text("session_token");
        let gone_hybrid = house.sign_in("demo-hybrid", "body").await;
        for bearer in [&gone, &gone_hybrid.text("access_token")] {
            house.send(Ask::delete("/v1/session").bearer(bearer)).await.ok();
        }
        Self {
            session,
            refresh: hybrid.text("refresh_token"),
            access: hybrid.text("access_token"),
            gone,
            gone_refresh: gone_hybrid.text("refresh_token"),
        }
    }

    /// Whoever is signed in is, whatever the clock says, and whoever is not is not.
    async fn is_as_it_was(&self, house: &House, when: &str) {
        let here = house.send(Ask::get("/v1/session").bearer(&self.session)).await;
        assert_eq!(here.status, 200, "{when}: an honest session was lost: {here:?}");
        let gone = house.send(Ask::get("/v1/session").bearer(&self.gone)).await;
        assert_eq!(gone.status, 401, "{when}: an ended session is alive: {gone:?}");
        let turned = turn(house, &self.gone_refresh, "the-attempt-of-the-dead").await;
        assert!([401, 503].contains(&turned.status.as_u16()), "{when}: an ended session refreshes: {turned:?}");
    }
}

async fn turn(house: &House, token: &str, attempt: &str) -> Answer {
    house.send(Ask::post("/v1/session/refresh").json(&json!({ "refresh_token": token, "attempt": attempt }))).await
}

const HOUR: Lifetime = Lifetime::from_hours(1);
const BACK: Lifetime = Lifetime::from_hours(-1);

#[tokio::test]
async fn a_clock_that_jumps_an_hour_ahead_signs_nobody_out_and_neither_does_setting_it_right() {
    let mut refreshes = 0;
    for ground in [Ground::Memory, Ground::Sqlite] {
        let house = House::on(ground).await;
        let held = Held::of(&house).await;
        house.clock.set_wall(HOUR);
        held.is_as_it_was(&house, "an hour ahead").await;
        // Tokens of a quarter of an hour are over, and are renewed as on any other day.
        house.send(Ask::get("/v1/session").bearer(&held.access)).await.expect(401, "token_expired");
        let token = turn(&house, &held.refresh, "the-attempt-ahead-of-time").await.ok().text("refresh_token");
        house.clock.set_wall(BACK);
        held.is_as_it_was(&house, "set right").await;
        // What was told already was later: nothing is minted until the time has come, and nobody is signed out for it.
        turn(&house, &token, "the-attempt-set-right").await.expect(503, "overloaded");
        house.advance(HOUR);
        held.is_as_it_was(&house, "an hour later").await;
        let last = turn(&house, &token, "the-attempt-set-right").await.ok();
        house.send(Ask::get("/v1/session").bearer(&last.text("access_token"))).await.ok();
        refreshes += 2;
    }
    println!("assure: refreshes over a jump ahead = {refreshes}");
}

#[tokio::test]
async fn a_clock_that_jumps_an_hour_back_signs_nobody_out_and_mints_nothing_that_lives_too_long() {
    let mut refused = 0;
    for ground in [Ground::Memory, Ground::Sqlite] {
        let house = House::on(ground).await;
        let held = Held::of(&house).await;
        house.clock.set_wall(BACK);
        held.is_as_it_was(&house, "an hour back").await;
        turn(&house, &held.refresh, "the-attempt-back-in-time").await.expect(503, "overloaded");
        let sign_in = json!({ "email": ADA, "password": PASSWORD, "client_id": "demo-session", "transport": "body" });
        house.send(Ask::post("/v1/sessions").json(&sign_in)).await.expect(503, "overloaded");
        refused += 2;
        // Ending needs no clock that is right.
        let other = house.door.sessions().sessions_of(house.ada, house.door.now()).await.expect("sessions");
        assert!(!other.is_empty());
        house.advance(HOUR);
        held.is_as_it_was(&house, "an hour later").await;
        turn(&house, &held.refresh, "the-attempt-back-in-time").await.ok();
        house.send(Ask::post("/v1/sessions").json(&sign_in)).await.ok();
    }
    println!("assure: refused while the clock is behind = {refused}");
}

#[tokio::test]
async fn a_session_that_is_ended_while_the_clock_is_wrong_stays_ended_when_it_is_right() {
    for jump in [HOUR, BACK] {
        for ground in [Ground::Memory, Ground::Sqlite] {
            let house = House::on(ground).await;
            let held = Held::of(&house).await;
            house.clock.set_wall(jump);
            house.send(Ask::delete("/v1/session").bearer(&held.session)).await.ok();
            for step in [Lifetime::ZERO, Lifetime::from_millis(-jump.millis()), HOUR] {
                house.clock.set_wall(step);
                let answer = house.send(Ask::get("/v1/session").bearer(&held.session)).await;
                assert_eq!(answer.status, 401, "{jump:?}, then {step:?}: {answer:?}");
            }
        }
    }
    println!("assure: ended under a wrong clock, and alive = 0");
}

/// Everything that a change leaves behind somewhere.
async fn picture(house: &House) -> (u64, usize, usize, doorward_core::Position) {
    let directory = house.door.directory();
    let sessions = house.door.sessions().sessions_open().await.expect("sessions");
    let users = directory.users_after(None, 1_000).await.expect("users").len();
    let links = directory.audit_after(0, 1_000).await.expect("links").len();
    (sessions, users, links, directory.head().await.expect("a head"))
}

/// Something that is asked for, now and again.
struct Call<'a> {
    what: &'static str,
    method: Method,
    path: &'static str,
    bearer: Option<&'a str>,
    body: Value,
}

impl Call<'_> {
    fn ask(&self) -> Ask {
        let ask = Ask::new(self.method.clone(), self.path);
        let ask = if let Some(bearer) = self.bearer { ask.bearer(bearer) } else { ask };
        if self.body.is_null() { ask } else { ask.json(&self.body) }
    }
}

/// Everything that draws, by one way at least.
fn calls(held: &Held) -> Vec<Call<'_>> {
    let post = |what, path, body| Call { what, method: Method::POST, path, bearer: None, body };
    let person = |client| json!({ "email": ADA, "password": PASSWORD, "client_id": client, "transport": "body" });
    let account = json!({ "email": "grace@example.test", "password": "violet-anchor-77" });
    let change = json!({ "current_password": PASSWORD, "new_password": "violet-anchor-77" });
    let attempt = json!({ "refresh_token": held.refresh, "attempt": "the-attempt-without-dice" });
    let bearer = Some(held.session.as_str());
    vec![
        post("a session", "/v1/sessions", person("demo-session")),
        post("a token", "/v1/sessions", person("demo-jwt")),
        post("both", "/v1/sessions", person("demo-hybrid")),
        post("a guest", "/v1/sessions", json!({ "guest": true, "client_id": "demo-session" })),
        post("an account", "/v1/users", account),
        post("a refresh", "/v1/session/refresh", attempt),
        Call { what: "a password", method: Method::PUT, path: "/v1/user/password", bearer, body: change },
        Call { what: "an end", method: Method::DELETE, path: "/v1/session", bearer, body: Value::Null },
    ]
}

#[tokio::test]
async fn without_entropy_nothing_is_made_up_and_nothing_is_left_behind() {
    let mut refused = 0;
    for ground in [Ground::Memory, Ground::Sqlite] {
        let house = House::on(ground).await;
        let held = Held::of(&house).await;
        let calls = calls(&held);
        house.dry.store(true, Ordering::SeqCst);
        for call in &calls {
            let what = call.what;
            let before = picture(&house).await;
            let answer = house.send(call.ask()).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (503, "overloaded"), "{what}: {answer:?}");
            assert_eq!(picture(&house).await, before, "{what}: refused, and something is left");
            refused += 1;
        }
        held.is_as_it_was(&house, "without entropy").await;
        house.dry.store(false, Ordering::SeqCst);
        let mut ids: Vec<SessionId> = Vec::new();
        // The password change turns the secret with which the session would be ended, and ends the one that refreshes.
        for call in calls.iter().filter(|call| !["an end", "a password"].contains(&call.what)) {
            let answer = house.send(call.ask()).await;
            assert!(answer.status.is_success(), "{}: {answer:?}", call.what);
            ids.extend(answer.body["session"]["id"].as_str().and_then(SessionId::parse));
        }
        assert!(ids.len() >= 5, "{ids:?}");
    }
    println!("assure: refused without entropy = {refused}");
}
