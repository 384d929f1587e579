//! A revocation that waits for its verifiers: live ones, ones that say nothing, ones that leave, ones that were struck off,
//! and a server that has just started.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use doorward::flows::acknowledge::Ack;
use doorward_core::{Lifetime, Marks};
use doorward_verify::feed::{Event, Need};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::house::{Answer, Ask, Ground, House};
use super::listening::Listener;

/// Time passes by itself, about as fast as it does outside.
struct Passing(JoinHandle<()>);

impl Passing {
    fn of(house: &House) -> Self {
        let clock = Arc::clone(&house.clock);
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(5)).await;
                clock.advance(Lifetime::from_millis(5));
            }
        }))
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A verifier that does what it should: takes in what comes, and pings when it is asked to.
fn live(house: &Arc<House>, mut shop: Listener) -> (JoinHandle<()>, Arc<AtomicBool>) {
    let (house, deaf) = (Arc::clone(house), Arc::new(AtomicBool::new(false)));
    let is_deaf = Arc::clone(&deaf);
    let task = tokio::spawn(async move {
        let mut open = shop.begin(&house).await;
        shop.ping(&house).await;
        while let Some(event) = open.try_next().await {
            match event {
                Event::Range(range) => shop.take(&range),
                Event::Need(Need::Ping) if !is_deaf.load(Ordering::SeqCst) => drop(shop.ping(&house).await),
                _ => {}
            }
        }
    });
    (task, deaf)
}

/// Until so many instances have pinged.
async fn gathered(house: &House, instances: u64) {
    for _ in 0..1000 {
        if house.door.feed_counts().instances >= instances {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("they do not come");
}

async fn end(house: &House, token: &str) -> Answer {
    house.send(Ask::delete("/v1/session?ack=verifiers").bearer(token)).await.ok()
}

fn receipt(answer: &Answer) -> (&'static str, u64, u64, i64) {
    let receipt = &answer.body["receipt"];
    let number = |name: &str| receipt[name].as_u64().expect("a number");
    let waited = receipt["waited_ms"].as_i64().expect("a number");
    let ack = receipt["ack"].as_str().and_then(Ack::from_name).expect("a word");
    (ack.name(), number("applied"), number("expired"), waited)
}

#[tokio::test]
async fn a_wait_for_two_live_verifiers_ends_when_both_have_said_so() {
    let house = Arc::new(House::memory().await);
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let secret = house.add_verifier("shop").await;
    let (one, _) = live(&house, Listener::new(&secret, 1));
    let (two, _) = live(&house, Listener::new(&secret, 2));
    gathered(&house, 2).await;
    let answer = end(&house, &token).await;
    assert_eq!(receipt(&answer), ("verifiers", 2, 0, 0), "no time passes in this house");
    assert_eq!(answer.body["receipt"]["expired_verifiers"], Value::Null, "names are for operators");
    one.abort();
    two.abort();
}

#[tokio::test]
async fn who_says_nothing_is_waited_for_until_its_lease_is_over_and_no_longer() {
    let house = Arc::new(House::memory().await);
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let (one, _) = live(&house, Listener::new(&house.add_verifier("shop").await, 1));
    let mut silent = Listener::new(&house.add_verifier("silent").await, 2);
    silent.fetch(&house).await;
    silent.ping(&house).await;
    gathered(&house, 2).await;
    let _passing = Passing::of(&house);
    let answer = end(&house, &token).await;
    let (ack, applied, expired, waited) = receipt(&answer);
    assert_eq!((ack, applied, expired), ("verifiers", 1, 1));
    assert!((2_900..10_000).contains(&waited), "the lease is three seconds: {waited}");
    assert_eq!((house.door.feed_counts().waits, house.door.feed_counts().expired), (1, 1));
    one.abort();
}

/// Its echoes come behind what it does not take in, so they renew nothing: it holds nobody up for longer than its lease.
#[tokio::test]
async fn who_pings_on_without_taking_anything_in_holds_nobody_up_for_longer() {
    let house = Arc::new(House::memory().await);
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let mut stubborn = Listener::new(&house.add_verifier("stubborn").await, 1);
    stubborn.fetch(&house).await;
    stubborn.ping(&house).await;
    let pinging = tokio::spawn({
        let house = Arc::clone(&house);
        async move {
            loop {
                stubborn.ask(&house, |_| {}).await.expect("an answer");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    });
    let _passing = Passing::of(&house);
    let (ack, applied, expired, waited) = receipt(&end(&house, &token).await);
    assert_eq!((ack, applied, expired), ("verifiers", 0, 1));
    assert!(waited < 20_000, "{waited}");
    pinging.abort();
}

#[tokio::test]
async fn who_left_is_not_waited_for_and_who_was_struck_off_is() {
    let house = House::memory().await;
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let mut shop = Listener::new(&house.add_verifier("shop").await, 1);
    shop.fetch(&house).await;
    shop.ping(&house).await;
    shop.ask(&house, |ping| ping.leaving = true).await.expect("an answer");
    assert_eq!(receipt(&end(&house, &token).await), ("verifiers", 0, 0, 0));
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let mut other = Listener::new(&house.add_verifier("other").await, 2);
    other.fetch(&house).await;
    other.ping(&house).await;
    house.remove_verifier("other").await;
    let _passing = Passing::of(&house);
    let (ack, applied, expired, waited) = receipt(&end(&house, &token).await);
    assert_eq!((ack, applied, expired), ("verifiers", 0, 1), "what it knows it still trusts");
    assert!(waited >= 2_900, "{waited}");
}

#[tokio::test]
async fn a_server_that_has_just_started_waits_for_those_it_cannot_know() {
    let house = House::on(Ground::Sqlite).await;
    let secret = house.add_verifier("shop").await;
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    assert_eq!(receipt(&end(&house, &token).await).3, 0, "nobody has pinged, and nobody can have before");
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let house = house.restarted_with(|_| {}).await;
    let _passing = Passing::of(&house);
    let (ack, applied, expired, waited) = receipt(&end(&house, &token).await);
    assert_eq!((ack, applied, expired), ("verifiers", 0, 0));
    assert!(waited >= 2_900, "somebody may trust what they knew before the start: {waited}");
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let mut shop = Listener::new(&secret, 1);
    shop.fetch(&house).await;
    assert!(receipt(&end(&house, &token).await).3 < 1_000, "now everybody is known");
}

/// Whoever was granted more before the restart is waited for as long as that.
#[tokio::test]
async fn a_realm_that_grants_less_than_before_waits_for_what_it_granted_before() {
    use super::house::CHEAP;
    let long = |settings: &mut doorward::door::Settings| settings.feed.lease_most = Lifetime::from_secs(6);
    let house = House::set_up(Ground::Sqlite, CHEAP, long).await;
    house.add_verifier("shop").await;
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let house = house.restarted_with(|settings| settings.feed.lease_most = Lifetime::from_secs(3)).await;
    let _passing = Passing::of(&house);
    assert!(receipt(&end(&house, &token).await).3 >= 5_900);
    let terms = async || house.door.directory().realm().await.expect("a realm").terms;
    assert_eq!(terms().await, Lifetime::from_secs(6), "who starts now has to know of it");
    house.advance(Lifetime::from_secs(7));
    doorward::flows::feed::lower_terms(&house.door).await.expect("written down");
    assert_eq!(terms().await, Lifetime::from_secs(3));
}

#[tokio::test]
async fn every_revoking_call_can_wait_and_refuses_a_word_that_it_does_not_know() {
    let house = House::memory().await;
    let sign_in = || async { house.sign_in("demo-session", "body").await.text("session_token") };
    for ack in ["durable", "nodes", "verifiers"] {
        let (one, other) = (sign_in().await, house.sign_in("demo-session", "body").await);
        let id = other.session_id();
        let path = |path: &str| format!("{path}?ack={ack}");
        let ended = house.send(Ask::delete(&path(&format!("/v1/sessions/{id}"))).bearer(&one)).await.ok();
        assert_eq!(receipt(&ended), (ack, 0, 0, 0));
        let scope = serde_json::json!({ "scope": "others" });
        let ended = house.send(Ask::post(&path("/v1/sessions/revoke")).bearer(&one).json(&scope)).await.ok();
        assert_eq!(receipt(&ended).0, ack);
        let body = serde_json::json!({
            "current_password": super::house::PASSWORD, "new_password": super::house::PASSWORD,
        });
        let changed = house.send(Ask::put(&path("/v1/user/password")).bearer(&one).json(&body)).await.ok();
        assert_eq!(receipt(&changed).0, ack);
        assert_eq!(changed.body["receipt"]["position"], house.door.cached().head().to_string());
    }
    let token = sign_in().await;
    for path in ["/v1/session?ack=", "/v1/session?ack=all", "/v1/sessions/x?ack=Durable"] {
        house.send(Ask::delete(path).bearer(&token)).await.expect(400, "invalid_field");
    }
    let nobody = Marks::default();
    assert!(house.door.cached().check(&nobody).is_ok());
}
