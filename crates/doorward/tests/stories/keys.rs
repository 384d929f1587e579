//! The life of keys: turned, retired, killed and shared while people are signed in.

use std::sync::Arc;

use doorward::door::{Origin, SystemDice};
use doorward::flows::clients::{self, Edit};
use doorward::flows::{Refusal, Stopped, everybody, keys, revoke};
use doorward::hashing::Hashing;
use doorward::jobs;
use doorward::wiring::{Wiring, wire};
use doorward_core::audit::{Actor, Kind};
use doorward_core::client::Warning;
use doorward_core::id::{ClientId, KeyId};
use doorward_core::key::{self, KeyRecord, LEAD, Masters, Purpose, Stage};
use doorward_core::policy::{ACCESS_LONGEST, RETENTION, SKEW};
use doorward_core::secret::Secret;
use doorward_core::spread::Turn;
use doorward_core::{
    Algorithm, KeySet, Lifetime, Position, Revocations, Scope, Scratch, Strength, TokenType, Verifier, base64url,
};
use doorward_store::Stores;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::house::{Answer, Ask, CHEAP, Ground, House, Jar};

const ATTEMPT: &str = "attempt-key-number-1";
const DAYS: Lifetime = Lifetime::from_days(90);

fn from() -> Origin {
    Origin::default()
}

async fn records(house: &House) -> Vec<KeyRecord> {
    house.door.directory().keys().await.expect("keys")
}

async fn only(house: &House, purpose: Purpose, stage: Stage) -> KeyRecord {
    let found = records(house).await;
    let mut found = found.into_iter().filter(|key| key.purpose == purpose && key.stage == stage);
    let only = found.next().expect("a key");
    assert!(found.next().is_none(), "one {stage:?} {purpose:?}");
    only
}

async fn rotate(house: &House, purpose: Purpose) -> Vec<KeyRecord> {
    keys::rotate(&house.door, purpose, false, Actor::Operator, &from()).await.expect("turned")
}

async fn published(house: &House) -> Vec<String> {
    let set = house.send(Ask::get("/.well-known/jwks.json")).await.ok();
    let keys = set.body["keys"].as_array().expect("keys").iter();
    keys.map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

fn header(token: &str) -> Value {
    let header = token.split('.').next().expect("a header");
    serde_json::from_slice(&base64url::decode(header).expect("base64url")).expect("JSON")
}

async fn who(house: &House, token: &str) -> Answer {
    house.send(Ask::get("/v1/session").bearer(token)).await
}

async fn token(house: &House) -> String {
    house.sign_in("demo-jwt", "body").await.text("access_token")
}

async fn refresh(house: &House, token: &str) -> Answer {
    let body = json!({ "refresh_token": token, "attempt": ATTEMPT });
    house.send(Ask::post("/v1/session/refresh").json(&body)).await
}

fn refused(refusal: key::Refusal) -> Stopped {
    Stopped::Refused(Refusal::KeysNotReady(refusal))
}

async fn rotating() -> House {
    House::set_up(Ground::Sqlite, CHEAP, |settings| settings.rotate_every = Some(DAYS)).await
}

#[tokio::test]
async fn keys_turn_by_themselves_and_nobody_notices() {
    let house = rotating().await;
    house.set_algorithm("demo-jwt", Algorithm::Rs256).await;
    let first = only(&house, Purpose::SignRs256, Stage::Active).await;
    let standby = only(&house, Purpose::SignRs256, Stage::Published).await;
    house.advance(Lifetime::from_millis(DAYS.millis() - 60_000));
    assert!(keys::tend(&house.door, Lifetime::ZERO).await.expect("tended").is_empty(), "not yet");
    let native = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
    let before = token(&house).await;
    assert_eq!(header(&before)["kid"], first.id.to_string());
    house.advance(Lifetime::from_mins(2));
    assert!(keys::tend(&house.door, Lifetime::from_hours(1)).await.expect("tended").is_empty(), "jittered");
    assert!(!keys::tend(&house.door, Lifetime::ZERO).await.expect("tended").is_empty());
    assert!(keys::tend(&house.door, Lifetime::ZERO).await.expect("tended").is_empty(), "once");
    let after = token(&house).await;
    assert_eq!(header(&after)["kid"], standby.id.to_string(), "everybody has had this key for 90 days");
    who(&house, &before).await.ok();
    who(&house, &after).await.ok();
    assert!(published(&house).await.contains(&first.id.to_string()));
    house.advance(ACCESS_LONGEST + SKEW);
    keys::tend(&house.door, Lifetime::ZERO).await.expect("tended");
    assert!(published(&house).await.contains(&first.id.to_string()), "a token of it may be about");
    house.advance(Lifetime::from_millis(RETENTION.millis() - (ACCESS_LONGEST + SKEW).millis()));
    keys::tend(&house.door, Lifetime::ZERO).await.expect("tended");
    assert!(!published(&house).await.contains(&first.id.to_string()));
    let retired = records(&house).await.into_iter().find(|key| key.id == first.id).expect("the record stays");
    assert!(retired.stage == Stage::Retired && retired.sealed.is_empty(), "its private part does not");
    refresh(&house, &native).await.ok();
}

#[tokio::test]
async fn a_refresh_secret_lives_as_long_as_the_longest_session_that_used_it() {
    let house = House::on(Ground::Sqlite).await;
    let mut native = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
    let unused = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
    rotate(&house, Purpose::Refresh).await;
    let old = only(&house, Purpose::Refresh, Stage::Retiring).await;
    // The one that was turned is of the new secret from then on; the other is answered under the old one.
    native = refresh(&house, &native).await.ok().text("refresh_token");
    house.advance(Lifetime::from_days(10));
    keys::tend(&house.door, Lifetime::ZERO).await.expect("tended");
    refresh(&house, &unused).await.ok();
    refresh(&house, &native).await.ok();
    house.advance(Lifetime::from_days(80));
    keys::tend(&house.door, Lifetime::ZERO).await.expect("tended");
    assert_eq!(only(&house, Purpose::Refresh, Stage::Retiring).await.id, old.id, "90 days are not over by an hour");
    house.advance(Lifetime::from_hours(1));
    keys::tend(&house.door, Lifetime::ZERO).await.expect("tended");
    assert_eq!(only(&house, Purpose::Refresh, Stage::Retired).await.id, old.id);
    let denied = keys::retire(&house.door, old.id, true, Actor::Operator, &from()).await;
    assert_eq!(denied, Err(refused(key::Refusal::Retired)));
}

#[tokio::test(start_paused = true)]
async fn the_job_makes_a_standby_that_is_missing_and_ends_when_told() {
    let house = House::memory().await;
    // As a process leaves it that was killed between the end of a key and its next standby.
    let lost = only(&house, Purpose::SignEs256, Stage::Published).await;
    let change = doorward_core::change::TurnKeys {
        keys: vec![KeyRecord { stage: Stage::Retired, sealed: Vec::new(), version: 2, ..lost.clone() }],
        drafts: Vec::new(),
    };
    let event = house.door.event(Kind::KeysTurned, Actor::Operator, &from()).expect("an event");
    let change = doorward_core::change::DirectoryChange::TurnKeys(change);
    house.door.directory().commit_durable(change, event).await.expect("a commit");
    let (stop, stopped) = watch::channel(false);
    let job = tokio::spawn(jobs::keys::run(house.door.clone(), stopped));
    // The paused clock of the runtime runs while nobody works.
    for _ in 0..3 {
        tokio::time::sleep(std::time::Duration::from_secs(61)).await;
    }
    assert_ne!(only(&house, Purpose::SignEs256, Stage::Published).await.id, lost.id);
    assert!(!published(&house).await.contains(&lost.id.to_string()), "what another process turned is learnt of");
    stop.send(true).expect("a job");
    job.await.expect("it ends when told to");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processes_one_turns_a_key_and_the_other_learns_of_it() {
    let house = rotating().await;
    let stores = house.door.cached().stores();
    let other = wire(Wiring {
        stores: Stores { sessions: Arc::clone(&stores.sessions), directory: Arc::clone(&stores.directory) },
        settings: house.door.settings().clone(),
        masters: Masters::only(Secret::from_bytes([5; 32])),
        hashing: Hashing::start(1, CHEAP).expect("a thread"),
        clock: house.clock.clone(),
        dice: Arc::new(SystemDice),
    });
    let other = other.await.expect("another door");
    for round in 1..=8 {
        house.advance(DAYS);
        let [one, two] = [house.door.clone(), other.clone()]
            .map(|door| tokio::spawn(async move { keys::tend(&door, Lifetime::ZERO).await }));
        one.await.expect("no panic").expect("tended");
        two.await.expect("no panic").expect("tended");
        let all = records(&house).await;
        let turned = all.iter().filter(|key| key.purpose == Purpose::SignEs256).count();
        assert_eq!(turned, round + 2, "turned once");
        let kid = only(&house, Purpose::SignEs256, Stage::Active).await.id;
        for door in [&house.door, &other] {
            keys::tend(door, Lifetime::ZERO).await.expect("tended");
            assert_eq!(door.keys().signing(Algorithm::Es256).expect("a key").id(), kid);
        }
    }
}

#[tokio::test]
async fn a_killed_key_is_refused_at_once_and_one_that_everybody_has_takes_over() {
    for algorithm in Algorithm::ALL {
        let house = House::signing(Ground::Sqlite, algorithm).await;
        let purpose = Purpose::signing(algorithm);
        let (active, standby) =
            (only(&house, purpose, Stage::Active).await, only(&house, purpose, Stage::Published).await);
        house.advance(LEAD);
        let before = token(&house).await;
        who(&house, &before).await.ok();
        keys::kill(&house.door, active.id, false, Actor::Operator, &from()).await.expect("killed");
        let answer = who(&house, &before).await;
        assert_eq!(answer.status, 401, "{algorithm:?} {answer:?}");
        let kids = published(&house).await;
        assert!(!kids.contains(&active.id.to_string()));
        assert_eq!(kids.contains(&standby.id.to_string()), !algorithm.is_shared());
        let after = token(&house).await;
        assert_eq!(header(&after)["kid"], standby.id.to_string());
        who(&house, &after).await.ok();
        only(&house, purpose, Stage::Published).await;
        let lines = house.door.directory().feed_after(Position::START, 100).await.expect("lines");
        let told = lines.iter().filter(|line| line.entry.scope == Scope::SigningKey);
        let told: Vec<_> = told.map(|line| (line.entry.key, line.entry.strength, line.entry.min_rv)).collect();
        assert_eq!(told, [(active.id.key(), Strength::Terminal, None)]);
        let links = house.door.directory().audit_after(0, 1000).await.expect("links");
        let killed = format!("kill {}", active.id);
        assert!(links.iter().any(|link| link.event.detail.as_deref() == Some(&killed)));
    }
}

#[tokio::test]
async fn a_key_is_not_ended_before_another_is_ready_unless_somebody_is_in_a_hurry() {
    let house = House::memory().await;
    let active = only(&house, Purpose::SignEs256, Stage::Active).await.id;
    let before = token(&house).await;
    let early = keys::kill(&house.door, active, false, Actor::Operator, &from()).await;
    assert_eq!(early, Err(refused(key::Refusal::TooSoon)));
    who(&house, &before).await.ok();
    let turned = keys::rotate(&house.door, Purpose::SignEs256, false, Actor::Operator, &from()).await;
    assert_eq!(turned, Err(refused(key::Refusal::TooSoon)));
    keys::kill(&house.door, active, true, Actor::Operator, &from()).await.expect("in a hurry");
    assert_eq!(who(&house, &before).await.status, 401);
    let nobody = KeyId::from_bytes([0; 16]);
    let unknown = keys::kill(&house.door, nobody, true, Actor::Operator, &from()).await;
    assert_eq!(unknown, Err(Refusal::NotFound.into()));
    let now = only(&house, Purpose::SignEs256, Stage::Active).await.id;
    let used = keys::retire(&house.door, now, true, Actor::Operator, &from()).await;
    assert_eq!(used, Err(refused(key::Refusal::InUse)));
    house.advance(LEAD);
    rotate(&house, Purpose::SignEs256).await;
    let early = keys::retire(&house.door, now, false, Actor::Operator, &from()).await;
    assert_eq!(early, Err(refused(key::Refusal::StillNeeded)));
    keys::retire(&house.door, now, true, Actor::Operator, &from()).await.expect("in a hurry");
    assert!(!published(&house).await.contains(&now.to_string()));
}

#[tokio::test]
async fn a_key_ends_even_while_no_rsa_pair_can_be_made() {
    let house = House::signing(Ground::Memory, Algorithm::Ps256).await;
    let active = only(&house, Purpose::SignPs256, Stage::Active).await.id;
    house.advance(LEAD);
    let before = token(&house).await;
    let places: Vec<_> = std::iter::from_fn(|| house.door.hashing().place().ok()).collect();
    keys::kill(&house.door, active, false, Actor::Operator, &from()).await.expect("killed");
    assert_eq!(who(&house, &before).await.status, 401);
    drop(places);
    keys::tend(&house.door, Lifetime::ZERO).await.expect("tended");
    only(&house, Purpose::SignPs256, Stage::Published).await;
}

#[tokio::test]
async fn a_killed_refresh_secret_refreshes_nothing_and_ends_nobody() {
    let house = House::memory().await;
    let old = house.sign_in("demo-hybrid", "body").await;
    let cookie = house.sign_in("demo-session", "body").await.text("session_token");
    let secret = only(&house, Purpose::Refresh, Stage::Active).await.id;
    keys::kill(&house.door, secret, false, Actor::Operator, &from()).await.expect("killed");
    refresh(&house, &old.text("refresh_token")).await.expect(401, "refresh_invalid");
    who(&house, &old.text("access_token")).await.ok();
    who(&house, &cookie).await.ok();
    let new = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
    refresh(&house, &new).await.ok();
}

/// What docs/flows/keys.md says of it.
#[tokio::test]
async fn a_session_secret_that_a_killed_refresh_secret_derived_stays_good_until_everybody_is_ended() {
    let house = House::memory().await;
    let held = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
    house.set_strategy("demo-hybrid", doorward_core::client::Strategy::Session).await;
    let derived = refresh(&house, &held).await.ok().text("session_token");
    let secret = only(&house, Purpose::Refresh, Stage::Active).await.id;
    keys::kill(&house.door, secret, false, Actor::Operator, &from()).await.expect("killed");
    who(&house, &derived).await.ok();
    everybody::turn(&house.door, Turn::Renew, None, Actor::Operator, &from()).await.expect("a forecast");
    who(&house, &derived).await.ok();
    everybody::turn(&house.door, Turn::End, None, Actor::Operator, &from()).await.expect("a forecast");
    who(&house, &derived).await.expect(401, "session_ended");
}

#[tokio::test]
async fn under_a_new_handle_key_people_renew_their_tokens_and_are_found_again() {
    let house = House::memory().await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-session", "cookie").await);
    let hybrid = house.sign_in("demo-hybrid", "body").await;
    rotate(&house, Purpose::Handle).await;
    let stale = who(&house, &hybrid.text("access_token")).await.expect(401, "token_stale");
    assert_eq!(stale.body["reason"], "token_stale");
    house.send(Ask::get("/v1/session").jar(&jar)).await.ok();
    let renewed = refresh(&house, &hybrid.text("refresh_token")).await.ok().text("access_token");
    who(&house, &renewed).await.ok();
    let device = jar.0.get(doorward::http::cookie::DEVICE).expect("a known device");
    assert!(house.door.keys().device_of(Some(house.ada), device).is_some(), "known as before");
    revoke::suspend(&house.door, house.ada, &from()).await.expect("suspended");
    assert_eq!(who(&house, &renewed).await.status, 401, "found under the new name");
    assert_eq!(house.send(Ask::get("/v1/session").jar(&jar)).await.status, 401);
}

/// The turn is durable and its line cannot be read back: nobody mints under the old names what counts as renewed.
#[tokio::test]
async fn a_new_handle_key_is_in_use_before_anybody_reads_that_the_old_is_not() {
    let house = House::memory().await;
    let beside = house.beside(|stores| stores).await;
    let other = house.sign_in("demo-jwt", "body").await.text("access_token");
    beside.send(Ask::delete("/v1/session").bearer(&other)).await.ok();
    let before = house.door.keys().handles(Some(house.ada)).epoch;
    // The keys are read, and then nothing more.
    house.store().fail_reads(Some(1)).expect("a store");
    let turned = keys::rotate(&house.door, Purpose::Handle, true, Actor::Operator, &from()).await;
    assert!(turned.is_err(), "it is not acknowledged");
    house.store().fail_reads(None).expect("a store");
    assert_ne!(house.door.keys().handles(Some(house.ada)).epoch, before);
    let token = house.sign_in("demo-jwt", "body").await.text("access_token");
    revoke::suspend(&house.door, house.ada, &from()).await.expect("suspended");
    assert_eq!(who(&house, &token).await.status, 401);
}

#[tokio::test]
async fn a_shared_secret_stays_out_of_the_public_set_and_is_told_to_operators_alone() {
    const API: &str = "https://api.example.test";
    let house = House::memory().await;
    let id = ClientId::parse("demo-jwt").expect("an id");
    let denied = keys::share(&house.door, Actor::Operator, &from()).await;
    assert_eq!(denied.map(|_| ()), Err(Refusal::NotFound.into()), "nobody uses one");
    let edit =
        Edit { algorithm: Some(Algorithm::Hs256), audiences: Some(vec![String::from(API)]), ..Edit::default() };
    let set = clients::set(&house.door, &id, &edit, Actor::Operator, &from()).await.expect("set");
    assert_eq!(set.warnings, [Warning::SharedSecret, Warning::NewKeys]);
    let token = token(&house).await;
    let kid = header(&token)["kid"].as_str().expect("a kid").to_owned();
    assert_eq!(header(&token)["alg"], "HS256");
    let public = house.send(Ask::get("/.well-known/jwks.json")).await.ok();
    assert!(!public.body.to_string().contains(&kid) && !public.body.to_string().contains("oct"));
    let shared = keys::share(&house.door, Actor::Operator, &from()).await.expect("told");
    let jwk =
        |key: &keys::Shared| json!({ "kty": "oct", "alg": "HS256", "kid": key.id.to_string(), "k": *key.secret });
    let set = json!({ "keys": shared.iter().map(jwk).collect::<Vec<_>>() }).to_string();
    let set = KeySet::parse_secrets(set.as_bytes()).expect("a set of secrets that are not weak");
    let verifier = Verifier::new(super::house::ISSUER, API, TokenType::AccessToken);
    let now = house.door.now();
    let verified = verifier.verify(&token, &set, &Revocations::new(), now, &mut Scratch::new()).map(drop);
    assert_eq!(verified, Ok(()));
    let second = Edit { algorithm: Some(Algorithm::Hs256), ..Edit::default() };
    let hybrid = ClientId::parse("demo-hybrid").expect("an id");
    let set = clients::set(&house.door, &hybrid, &second, Actor::Operator, &from()).await.expect("set");
    assert_eq!(set.warnings, [Warning::SharedSecret, Warning::SecondVerifier]);
    let links = house.door.directory().audit_after(0, 1000).await.expect("links");
    let noted = links.iter().filter(|link| link.event.kind == Kind::SecretShared);
    let noted: Vec<_> = noted.map(|link| link.event.detail.clone().unwrap_or_default()).collect();
    assert_eq!(noted, ["client", "told to an operator", "second verifier"]);
}

#[tokio::test]
async fn a_full_pool_says_no_to_rsa_before_anything_has_happened_and_other_algorithms_go_on() {
    let house = House::memory().await;
    house.set_algorithm("demo-hybrid", Algorithm::Rs256).await;
    let held = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
    let other = house.sign_in("demo-jwt", "body").await.text("access_token");
    let places: Vec<_> = std::iter::from_fn(|| house.door.hashing().place().ok()).collect();
    let busy = refresh(&house, &held).await.expect(503, "overloaded");
    assert!(busy.headers.contains_key("retry-after"));
    who(&house, &other).await.ok();
    let body = json!({ "client_id": "demo-hybrid", "guest": true, "transport": "body" });
    house.send(Ask::post("/v1/sessions").json(&body)).await.expect(503, "overloaded");
    let body = json!({ "client_id": "demo-jwt", "guest": true, "transport": "body" });
    house.send(Ask::post("/v1/sessions").json(&body)).await.ok();
    drop(places);
    refresh(&house, &held).await.ok();
    let sessions = house.door.sessions().sessions_newest(10, house.door.now()).await.expect("sessions");
    assert_eq!(sessions.len(), 3, "nobody came in who was told to come back");
}
