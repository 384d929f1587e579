//! Guessing, volleys, floods and forged addresses; and the people who must not notice them.

use std::sync::Arc;

use doorward_core::password::Cost;
use doorward_core::throttle::Rate;
use doorward_core::user::Email;
use doorward_core::{Lifetime, Timestamp};
use http::StatusCode;
use serde_json::{Value, json};

use super::house::{ADA, Answer, Ask, CHEAP, Ground, House, Jar, PASSWORD};

const NOBODY: &str = "nobody@example.test";

fn sign_in(email: &str, password: &str) -> Ask {
    Ask::post("/v1/sessions").json(&json!({ "email": email, "password": password, "client_id": "demo-session" }))
}

async fn guess(house: &House, email: &str) -> Answer {
    house.send(sign_in(email, "violet-anchor-77")).await
}

/// Guesses as soon as it may, so often; gives the waits in seconds.
async fn guesses(house: &House, email: &str, count: usize) -> Vec<i64> {
    let mut waits = Vec::new();
    for _ in 0..count {
        let answer = guess(house, email).await;
        if answer.status == 429 {
            waits.push(wait(&answer));
            house.advance(Lifetime::from_secs(wait(&answer)));
            guess(house, email).await.expect(401, "invalid_credentials");
        } else {
            answer.expect(401, "invalid_credentials");
            waits.push(0);
        }
    }
    waits
}

#[track_caller]
fn wait(answer: &Answer) -> i64 {
    assert_eq!((answer.status.as_u16(), answer.code()), (429, "too_many_attempts"), "{answer:?}");
    answer.headers["retry-after"].to_str().expect("text").parse().expect("seconds")
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers[name].to_str().expect("text")
}

async fn house_with(rate: Rate, proxies: &[&str]) -> House {
    let proxies = proxies.iter().map(|range| range.parse().expect("a range")).collect();
    House::set_up(Ground::Memory, CHEAP, |settings| {
        settings.throttle.rate = rate;
        settings.trusted_proxies = proxies;
    })
    .await
}

/// Three in a row, and one more a minute.
const THREE: Rate = Rate { burst: 3, every: Lifetime::from_mins(1) };

#[tokio::test]
async fn guessing_one_account_gets_slower_and_the_right_password_ends_it() {
    let house = House::memory().await;
    assert_eq!(guesses(&house, ADA, 12).await, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64]);
    wait(&house.send(sign_in(ADA, PASSWORD)).await);
    house.advance(Lifetime::from_secs(128));
    house.send(sign_in(ADA, PASSWORD)).await.ok();
    assert_eq!(guesses(&house, ADA, 6).await, [0, 0, 0, 0, 0, 1], "forgiven");
}

#[tokio::test]
async fn after_a_hundred_guesses_only_a_day_or_an_operator_helps() {
    let house = House::memory().await;
    guesses(&house, ADA, 100).await;
    assert_eq!(wait(&guess(&house, ADA).await), 86_400);
    house.advance(Lifetime::from_hours(23));
    assert_eq!(wait(&house.send(sign_in(ADA, PASSWORD)).await), 3_600);
    let new = "quiet-harbour-7-quiet";
    doorward::flows::password::set_by_operator(&house.door, house.ada, new, &Default::default()).await.expect("set");
    house.send(sign_in(ADA, new)).await.ok();
    guesses(&house, NOBODY, 100).await;
    house.advance(Lifetime::from_hours(24));
    assert_eq!(guesses(&house, NOBODY, 1).await, [0]);
}

#[tokio::test]
async fn an_account_that_is_not_there_is_slowed_like_one_that_is() {
    let house = House::memory().await;
    let plain = |answer: Answer| {
        let mut body = answer.body.clone();
        body["request_id"] = Value::Null;
        let names = ["retry-after", "ratelimit", "ratelimit-policy", "www-authenticate"];
        let headers = names.map(|name| answer.headers.get(name).cloned());
        (answer.status, headers, body)
    };
    for _ in 0..8 {
        // Capitals make no other account.
        let there = plain(guess(&house, "Ada@Example.TEST").await);
        assert_eq!(there, plain(guess(&house, NOBODY).await));
        house.advance(Lifetime::from_millis(700));
    }
}

#[tokio::test]
async fn what_is_refused_says_when_to_come_back_and_by_which_limit() {
    let house = house_with(THREE, &[]).await;
    guesses(&house, ADA, 5).await;
    let by_account = guess(&house, ADA).await.expect(429, "too_many_attempts");
    assert_eq!(header(&by_account, "retry-after"), "1");
    assert_eq!(header(&by_account, "ratelimit-policy"), "\"account\";q=5;w=86400");
    assert_eq!(header(&by_account, "ratelimit"), "\"account\";r=0;t=1");
    assert_eq!(by_account.headers.get_all("retry-after").iter().count(), 1);
    for _ in 0..3 {
        house.send(sign_in(NOBODY, PASSWORD).from("192.0.2.1")).await.expect(401, "invalid_credentials");
    }
    let by_address = house.send(sign_in(NOBODY, PASSWORD).from("192.0.2.1")).await.expect(429, "too_many_attempts");
    assert_eq!(header(&by_address, "retry-after"), "60");
    assert_eq!(header(&by_address, "ratelimit-policy"), "\"address\";q=3;w=180");
    assert_eq!(header(&by_address, "ratelimit"), "\"address\";r=0;t=60");
}

#[tokio::test]
async fn a_known_device_does_not_wait_for_strangers_and_another_users_is_worth_nothing() {
    let house = House::memory().await;
    let mut ada = Jar::default();
    let first = house.sign_in("demo-session", "cookie").await;
    ada.keep(&first);
    let cookies: Vec<_> =
        first.headers.get_all("set-cookie").iter().map(|line| line.to_str().expect("text")).collect();
    let cookie = cookies.iter().find(|line| line.starts_with("__Host-Http-dw_device=dwd_")).expect("a device cookie");
    for attribute in ["; Path=/;", "Max-Age=31536000", "Secure", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(attribute), "{attribute} in {cookie}");
    }
    // Signing out leaves the device known.
    ada.keep(&house.send(Ask::delete("/v1/session").jar(&ada)).await.ok());
    let account = json!({ "email": "bea@example.test", "password": PASSWORD });
    house.send(Ask::post("/v1/users").json(&account)).await.ok();
    let mut bea = Jar::default();
    bea.keep(&house.send(sign_in("bea@example.test", PASSWORD)).await.ok());
    guesses(&house, ADA, 20).await;
    wait(&house.send(sign_in(ADA, PASSWORD)).await);
    wait(&house.send(sign_in(ADA, PASSWORD).jar(&bea)).await);
    let mut forged = ada.clone();
    forged.0.values_mut().for_each(|value| value.replace_range(10..12, "zz"));
    wait(&house.send(sign_in(ADA, PASSWORD).jar(&forged)).await);
    let device = ada.0["__Host-Http-dw_device"].clone();
    ada.keep(&house.send(sign_in(ADA, PASSWORD).jar(&ada)).await.ok());
    assert_eq!(ada.0["__Host-Http-dw_device"], device, "it stays the same device");
    // Its own failures are counted all the same, and strangers are as slow as before.
    for _ in 0..5 {
        house.send(sign_in(ADA, "violet-anchor-77").jar(&ada)).await.expect(401, "invalid_credentials");
    }
    assert_eq!(wait(&house.send(sign_in(ADA, PASSWORD).jar(&ada)).await), 1);
    assert!(wait(&house.send(sign_in(ADA, PASSWORD)).await) > 1);
}

#[tokio::test]
async fn a_known_device_is_under_the_limit_of_its_address_like_everybody() {
    let house = house_with(THREE, &[]).await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-session", "cookie").await);
    for _ in 0..3 {
        house.send(sign_in(ADA, PASSWORD).jar(&jar).from("192.0.2.1")).await.ok();
    }
    wait(&house.send(sign_in(ADA, PASSWORD).jar(&jar).from("192.0.2.1")).await);
    house.send(sign_in(ADA, PASSWORD).jar(&jar).from("192.0.2.2")).await.ok();
}

#[tokio::test]
async fn an_address_or_a_64_is_limited_whomever_it_guesses_at() {
    let house = house_with(THREE, &[]).await;
    let from = |place: &'static str, number: usize| {
        house.send(sign_in(&format!("somebody-{number}@example.test"), PASSWORD).from(place))
    };
    let household = ["2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:0:1234::"];
    for (number, place) in household.into_iter().enumerate() {
        from(place, number).await.expect(401, "invalid_credentials");
    }
    assert_eq!(wait(&from("2001:db8::9", 4).await), 60);
    from("2001:db8:0:1::1", 5).await.expect(401, "invalid_credentials");
    for number in 0..3 {
        from("192.0.2.1", number).await.expect(401, "invalid_credentials");
    }
    wait(&from("::ffff:192.0.2.1", 4).await);
    from("192.0.2.2", 5).await.expect(401, "invalid_credentials");
    house.advance(Lifetime::from_mins(1));
    from("2001:db8::9", 6).await.expect(401, "invalid_credentials");
    wait(&from("2001:db8::9", 7).await);
}

#[tokio::test]
async fn sign_ups_and_dead_refresh_tokens_are_limited_and_living_tokens_never() {
    let house = house_with(THREE, &[]).await;
    let here = "192.0.2.1";
    for number in 0..4 {
        let account = json!({ "email": format!("somebody-{number}@example.test"), "password": PASSWORD });
        let answer = house.send(Ask::post("/v1/users").json(&account).from(here)).await;
        assert_eq!(answer.status, if number < 3 { 201 } else { 429 }, "{answer:?}");
    }
    let body = json!({ "email": ADA, "password": PASSWORD, "client_id": "demo-hybrid", "transport": "body" });
    let token = house.send(Ask::post("/v1/sessions").json(&body).from(here)).await.ok().text("refresh_token");
    let refresh = |token: &str, attempt: usize| {
        let body = json!({ "refresh_token": token, "attempt": format!("attempt-key-number-{attempt}") });
        house.send(Ask::post("/v1/session/refresh").json(&body).from(here))
    };
    for _ in 0..3 {
        refresh("dwr_nothing", 0).await.expect(401, "refresh_invalid");
    }
    assert_eq!(wait(&refresh("dwr_nothing", 0).await), 60);
    refresh(&token, 1).await.ok();
}

#[tokio::test]
async fn a_network_opens_so_many_guests_sessions_and_signs_in_all_the_same() {
    let house = house_with(THREE, &[]).await;
    let guest = |place: &'static str| {
        let body = json!({ "guest": true, "client_id": "demo-session", "transport": "body" });
        house.send(Ask::post("/v1/sessions").json(&body).from(place))
    };
    for place in ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:1234::"] {
        guest(place).await.ok();
    }
    let opened = house.door.sessions().sessions_open().await.expect("a count");
    let refused = guest("2001:db8::9").await;
    assert_eq!(wait(&refused), 60);
    assert_eq!(header(&refused, "ratelimit-policy"), "\"address\";q=3;w=180");
    assert_eq!(house.door.sessions().sessions_open().await, Ok(opened), "nothing is written");
    guest("2001:db8:0:1::1").await.ok();
    house.send(sign_in(ADA, PASSWORD).from("2001:db8::9")).await.ok();
    house.advance(Lifetime::from_mins(1));
    guest("2001:db8::9").await.ok();
    wait(&guest("2001:db8::9").await);
}

#[tokio::test]
async fn a_wrong_current_password_counts_for_the_account() {
    let house = House::memory().await;
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let change = |current: &str| {
        let body = json!({ "current_password": current, "new_password": "amber-window-12" });
        house.send(Ask::put("/v1/user/password").bearer(&token).json(&body))
    };
    for _ in 0..5 {
        change("violet-anchor-77").await.expect(401, "invalid_credentials");
    }
    assert_eq!(wait(&change(PASSWORD).await), 1);
    wait(&guess(&house, ADA).await);
    house.advance(Lifetime::from_secs(1));
    change(PASSWORD).await.ok();
}

#[tokio::test]
async fn a_forged_forwarded_address_is_ignored_and_a_trusted_proxys_is_believed() {
    let house = house_with(THREE, &["10.0.0.0/8"]).await;
    let ask = |peer: &'static str, forwarded: &str| {
        house.send(sign_in(NOBODY, PASSWORD).from(peer).header("x-forwarded-for", forwarded))
    };
    // Nobody gets a new allowance by making up an address; behind the proxy neither.
    for number in 0..5 {
        let direct = ask("192.0.2.1", &format!("198.51.100.{number}")).await;
        let behind = ask("10.0.0.1", &format!("198.51.100.{number}, 203.0.113.9")).await;
        for answer in [direct, behind] {
            assert_eq!(answer.status == 429, number >= 3, "{number}: {answer:?}");
        }
        house.door.throttle().forgive(house.door.keys().whose(&email(NOBODY), None));
    }
    // Others behind the same proxy are others.
    let other = ask("10.0.0.1", "203.0.113.10").await;
    assert_eq!(other.status, 401);
    let body = json!({ "email": ADA, "password": PASSWORD, "client_id": "demo-session", "transport": "body" });
    let signed_in = Ask::post("/v1/sessions").json(&body).from("10.0.0.1");
    let signed_in = house.send(signed_in.header("x-forwarded-for", "1.2.3.4, 203.0.113.77, 10.0.0.2")).await.ok();
    assert_eq!(signed_in.body["session"]["device"]["address"], "203.0.113.77");
}

fn email(text: &str) -> doorward_core::user::Email {
    doorward_core::user::Email::parse(text).expect("an address")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_volley_gets_no_more_guesses_than_one_after_the_other() {
    for wrong in [ADA, NOBODY] {
        let house = Arc::new(House::memory().await);
        let mut volley = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let house = Arc::clone(&house);
            volley.spawn(async move { guess(&house, wrong).await.status });
        }
        let statuses = volley.join_all().await;
        let weighed = statuses.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count();
        let refused = statuses.iter().filter(|status| **status == StatusCode::TOO_MANY_REQUESTS).count();
        assert_eq!((weighed, refused), (5, 95), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_know_the_password_come_in_together() {
    let house = Arc::new(House::memory().await);
    let mut together = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let house = Arc::clone(&house);
        together.spawn(async move { house.send(sign_in(ADA, PASSWORD)).await.status });
    }
    assert!(together.join_all().await.into_iter().all(|status| status == StatusCode::CREATED));
}

/// Each hash takes long, so that the queue is full when the others ask.
const DEAR: Cost = Cost { memory_kib: 19_456, passes: 2, lanes: 1 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_and_tokens_are_checked_and_guesses_refused_while_the_hash_queue_is_full() {
    let house = Arc::new(House::set_up(Ground::Memory, DEAR, |_| {}).await);
    let secret = house.sign_in("demo-session", "body").await.text("session_token");
    let hybrid = house.sign_in("demo-hybrid", "body").await;
    guesses(&house, NOBODY, 5).await;
    let mut flood = tokio::task::JoinSet::new();
    for number in 0..300 {
        let house = Arc::clone(&house);
        flood.spawn(async move { guess(&house, &format!("somebody-{number}@example.test")).await.status });
    }
    // The first who is turned away shows that the queue is full.
    while flood.join_next().await.expect("an answer").expect("no panic") != StatusCode::SERVICE_UNAVAILABLE {}
    for token in [&secret, &hybrid.text("access_token")] {
        house.send(Ask::get("/v1/session").bearer(token)).await.ok();
    }
    let refresh = json!({ "refresh_token": hybrid.text("refresh_token"), "attempt": "attempt-key-number-1" });
    house.send(Ask::post("/v1/session/refresh").json(&refresh)).await.ok();
    // A guess that must wait is refused before the queue; who is turned away there was not counted.
    wait(&guess(&house, NOBODY).await);
    for _ in 0..10 {
        let answer = house.send(sign_in(ADA, PASSWORD)).await;
        assert!(matches!(answer.status.as_u16(), 201 | 503), "{answer:?}");
    }
    flood.shutdown().await;
}

#[tokio::test]
async fn a_password_that_everybody_tries_is_refused_wherever_one_is_set() {
    let house = House::memory().await;
    let account = json!({ "email": "bea@example.test", "password": "PassWord1" });
    house.send(Ask::post("/v1/users").json(&account)).await.expect(422, "password_known");
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let change = json!({ "current_password": PASSWORD, "new_password": "iloveyou" });
    house.send(Ask::put("/v1/user/password").bearer(&token).json(&change)).await.expect(422, "password_known");
    let by_operator =
        doorward::flows::password::set_by_operator(&house.door, house.ada, "12345678", &Default::default()).await;
    assert!(by_operator.is_err());
    house.send(sign_in(ADA, PASSWORD)).await.ok();
}

#[tokio::test]
async fn what_is_noticed_is_in_the_audit_log_once_a_minute_and_a_flood_does_not_fill_it() {
    use doorward_core::audit::Kind;
    let house = house_with(THREE, &[]).await;
    let noticed = async || {
        let links = house.door.directory().audit_after(0, 1000).await.expect("links");
        let kinds = [Kind::SignInsFailing, Kind::AttemptsRefused, Kind::NewDevice];
        kinds.map(|kind| links.iter().filter(|link| link.event.kind == kind).count())
    };
    for number in 0..300 {
        guess(&house, &format!("somebody-{number}@example.test")).await.expect(401, "invalid_credentials");
    }
    assert_eq!(noticed().await, [1, 0, 0]);
    for _ in 0..20 {
        guess(&house, ADA).await;
        house.send(sign_in(NOBODY, PASSWORD).from("192.0.2.1")).await;
    }
    assert_eq!(noticed().await, [1, 2, 0], "one for the account, one for the address");
    let mut jar = Jar::default();
    house.advance(Lifetime::from_mins(1));
    jar.keep(&house.sign_in("demo-session", "cookie").await);
    house.sign_in("demo-session", "cookie").await;
    house.advance(Lifetime::from_mins(1));
    house.send(sign_in(ADA, PASSWORD).jar(&jar)).await.ok();
    house.sign_in("demo-session", "body").await;
    assert_eq!(noticed().await, [1, 2, 1], "once a minute, and never for a known one");
    house.sign_in("demo-session", "cookie").await;
    assert_eq!(noticed().await, [1, 2, 2]);
    let counts = house.door.watch().counts();
    assert_eq!((counts.refused_by_account, counts.refused_by_address, counts.new_devices), (15, 17, 3));
}

#[tokio::test]
async fn time_forgets_what_says_nothing_any_more() {
    let house = House::memory().await;
    guesses(&house, ADA, 6).await;
    house.advance(Lifetime::from_hours(24));
    doorward::jobs::sweep::sweep(&house.door).await;
    assert_eq!(guesses(&house, ADA, 1).await, [0]);
    assert!(house.door.now() > Timestamp::from_secs(1_790_000_000));
}

/// The same house after a restart: another door over the same store.
async fn reopened(house: &House) -> House {
    let wiring = doorward::wiring::Wiring {
        stores: house.door.cached().stores().clone(),
        settings: house.door.settings().clone(),
        masters: doorward_core::key::Masters::only(doorward_core::secret::Secret::from_bytes([5; 32])),
        hashing: house.door.hashing().clone(),
        clock: house.clock.clone(),
        dice: std::sync::Arc::new(doorward::door::SystemDice),
    };
    house.over(doorward::wiring::wire(wiring).await.expect("a door"))
}

#[tokio::test]
async fn a_restart_forgives_no_guess_and_forgets_none_that_was_forgiven() {
    for ground in [Ground::Memory, Ground::Sqlite] {
        let house = House::on(ground).await;
        for email in [ADA, "nobody@example.test"] {
            for number in 0..5 {
                // A restart after every guess gains none.
                let house = reopened(&house).await;
                let guess = json!({ "email": email, "password": format!("violet-anchor-{number}") });
                house.send(Ask::post("/v1/sessions").json(&guess)).await.expect(401, "invalid_credentials");
            }
            let house = reopened(&house).await;
            let right = json!({ "email": email, "password": PASSWORD });
            house.send(Ask::post("/v1/sessions").json(&right)).await.expect(429, "too_many_attempts");
        }
        let house = reopened(&house).await;
        house.advance(Lifetime::from_secs(2));
        house.sign_in("demo-session", "body").await;
        let house = reopened(&house).await;
        house.sign_in("demo-session", "body").await;
        let kept = house.door.sessions().failures(100).await.expect("an answer");
        assert_eq!(kept.len(), 1, "nobody's; Ada's are forgiven");
        house.advance(Lifetime::from_hours(24));
        doorward::jobs::sweep::sweep(&house.door).await;
        doorward::jobs::touch::flush(&house.door).await;
        assert_eq!(house.door.sessions().failures(100).await, Ok(Vec::new()), "after a day nothing is kept");
    }
}

#[tokio::test]
async fn a_guess_whose_caller_hangs_up_is_written_down_all_the_same() {
    let house = House::on(Ground::Sqlite).await;
    let whose = house.door.keys().whose(&Email::parse(ADA).expect("an address"), None);
    for _ in 0..5 {
        drop(house.door.throttle().admit(whose, || house.door.now()).await.expect("let in"));
    }
    doorward::jobs::touch::flush(&house.door).await;
    let house = reopened(&house).await;
    let right = json!({ "email": ADA, "password": PASSWORD });
    house.send(Ask::post("/v1/sessions").json(&right)).await.expect(429, "too_many_attempts");
}

#[tokio::test]
async fn many_guesses_at_once_are_all_written_down_before_their_answers() {
    let house = House::on(Ground::Sqlite).await;
    let guess = |number: u32| {
        let body = json!({ "email": format!("nobody{number}@example.test"), "password": "violet-anchor-77" });
        house.send(Ask::post("/v1/sessions").json(&body))
    };
    let mut guesses = Vec::new();
    for number in 0..40 {
        guesses.push(guess(number));
    }
    let mut guesses: Vec<_> = guesses.into_iter().map(Box::pin).collect();
    let mut answered = 0;
    std::future::poll_fn(|context| {
        guesses.retain_mut(|guess| match guess.as_mut().poll(context) {
            std::task::Poll::Ready(answer) => {
                answer.expect(401, "invalid_credentials");
                answered += 1;
                false
            }
            std::task::Poll::Pending => true,
        });
        if guesses.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    assert_eq!((answered, house.door.sessions().failures(100).await.expect("an answer").len()), (40, 40));
    assert!(house.door.throttle().is_settled());
}
