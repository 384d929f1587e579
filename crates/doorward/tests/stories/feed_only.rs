//! A new key that signs before its lead is over, because all who check its tokens follow the feed and have said that they
//! hold it.

use std::sync::Arc;
use std::time::Duration;

use doorward::door::Origin;
use doorward::flows::{Refusal, Stopped, keys};
use doorward_core::Lifetime;
use doorward_core::audit::Actor;
use doorward_core::key::{LEAD, Purpose, Stage};
use doorward_core::policy::SKEW;
use doorward_verify::feed::{Event, Need, SetId};
use tokio::task::JoinHandle;

use super::house::{Ask, CHEAP, Ground, House, ISSUER};
use super::listening::Listener;

const PURPOSE: Purpose = Purpose::SignEs256;

/// A house in which these audiences are declared.
async fn declaring(audiences: &[&str]) -> Arc<House> {
    let declared: Vec<_> = audiences.iter().map(|audience| (*audience).to_owned()).collect();
    Arc::new(House::set_up(Ground::Memory, CHEAP, |settings| settings.feed_only = declared).await)
}

async fn set(house: &House) -> SetId {
    SetId::of(&house.send(Ask::get("/.well-known/jwks.json")).await.ok().bytes)
}

async fn signs(house: &House) -> String {
    let found = house.door.directory().keys().await.expect("keys");
    let active = found.iter().find(|key| key.purpose == PURPOSE && key.stage == Stage::Active);
    active.expect("one is in use").id.to_string()
}

async fn rotate(house: &House) -> Result<(), Stopped> {
    keys::rotate(&house.door, PURPOSE, false, Actor::Operator, &Origin::default()).await.map(drop)
}

/// A verifier that knows the feed, and says which keys it holds.
async fn pings(house: &House, shop: &mut Listener, keys: Option<SetId>) -> Vec<Event> {
    shop.ask(house, |ping| ping.keys = keys).await.expect("an answer")
}

fn too_soon(turned: &Result<(), Stopped>) -> bool {
    matches!(turned, Err(Stopped::Refused(Refusal::KeysNotReady(_))))
}

fn asks_for_keys(events: &[Event]) -> bool {
    events.contains(&Event::Need(Need::Keys))
}

/// Time passes by itself.
fn passing(house: &Arc<House>) -> JoinHandle<()> {
    let clock = Arc::clone(&house.clock);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            clock.advance(Lifetime::from_millis(5));
        }
    })
}

#[tokio::test]
async fn without_feed_only_a_new_key_signs_only_after_its_lead_whoever_holds_it() {
    // The house's clients are for the issuer; another audience is declared.
    let house = declaring(&["https://other.example"]).await;
    let mut shop = Listener::new(&house.add_verifier("shop").await, 1);
    let held = set(&house).await;
    pings(&house, &mut shop, Some(held)).await;
    let before = signs(&house).await;
    assert!(too_soon(&rotate(&house).await));
    assert_eq!(signs(&house).await, before);
    house.advance(Lifetime::from_millis(LEAD.millis() - 1));
    assert!(too_soon(&rotate(&house).await), "a millisecond before");
    house.advance(Lifetime::from_millis(1));
    rotate(&house).await.expect("after its lead");
    assert_ne!(signs(&house).await, before);
}

#[tokio::test]
async fn with_feed_only_a_new_key_signs_as_soon_as_every_live_verifier_holds_it() {
    let house = declaring(&[ISSUER]).await;
    // What was before the start might have a lease: nobody turns a key on their account.
    house.advance(SKEW);
    let secret = house.add_verifier("shop").await;
    let (mut one, mut two) = (Listener::new(&secret, 1), Listener::new(&secret, 2));
    let first = set(&house).await;
    assert!(!asks_for_keys(&pings(&house, &mut one, Some(first)).await), "it holds what there is");
    pings(&house, &mut two, Some(first)).await;
    let before = signs(&house).await;
    rotate(&house).await.expect("all of them have said so");
    assert_ne!(signs(&house).await, before, "seconds after the standby was published");
    // Another standby has been published since: both are asked to get it, and hold the next turn up until they say so.
    let second = set(&house).await;
    assert_ne!(first, second);
    assert!(asks_for_keys(&pings(&house, &mut one, Some(first)).await));
    pings(&house, &mut two, Some(first)).await;
    let (of, turned) = (Arc::clone(&house), signs(&house).await);
    let turning = tokio::spawn(async move { rotate(&of).await });
    pings(&house, &mut one, Some(second)).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(signs(&house).await, turned, "one of two");
    assert!(!turning.is_finished());
    pings(&house, &mut two, Some(second)).await;
    turning.await.expect("it turned").expect("both hold it");
    assert_ne!(signs(&house).await, turned);
}

#[tokio::test]
async fn who_has_not_said_so_holds_the_key_back_until_its_lease_is_over() {
    let house = declaring(&[ISSUER]).await;
    house.advance(SKEW);
    let mut silent = Listener::new(&house.add_verifier("silent").await, 1);
    pings(&house, &mut silent, None).await;
    let (before, began) = (signs(&house).await, house.door.up());
    let time = passing(&house);
    rotate(&house).await.expect("it has no lease any more");
    time.abort();
    let waited = house.door.up().millis() - began.millis();
    assert!((3_000..LEAD.millis()).contains(&waited), "its lease is three seconds: {waited}");
    assert_ne!(signs(&house).await, before);
}

#[tokio::test]
async fn who_listens_is_asked_for_the_keys_at_once() {
    let house = declaring(&[ISSUER]).await;
    house.advance(SKEW);
    let mut shop = Listener::new(&house.add_verifier("shop").await, 1);
    let mut open = shop.begin(&house).await;
    pings(&house, &mut shop, Some(SetId::of(b"an older set"))).await;
    let of = Arc::clone(&house);
    let turning = tokio::spawn(async move { rotate(&of).await });
    while open.next().await != Event::Need(Need::Keys) {}
    let held = set(&house).await;
    pings(&house, &mut shop, Some(held)).await;
    turning.await.expect("it turned").expect("it holds it");
}

#[tokio::test]
async fn a_start_waits_for_those_who_may_have_a_lease_from_before() {
    let house = declaring(&[ISSUER]).await;
    house.add_verifier("shop").await;
    let house = Arc::new(house.restarted_with(|settings| settings.feed_only = vec![ISSUER.to_owned()]).await);
    let began = house.door.up();
    let time = passing(&house);
    rotate(&house).await.expect("nobody has a lease any more");
    time.abort();
    let waited = house.door.up().millis() - began.millis();
    assert!(waited >= 3_000, "the longest lease is three seconds: {waited}");
}

#[tokio::test]
async fn a_killed_key_is_replaced_at_once_where_everybody_holds_the_next() {
    let house = declaring(&[ISSUER]).await;
    house.advance(SKEW);
    let mut shop = Listener::new(&house.add_verifier("shop").await, 1);
    let held = set(&house).await;
    pings(&house, &mut shop, Some(held)).await;
    let found = house.door.directory().keys().await.expect("keys");
    let active =
        found.iter().find(|key| key.purpose == PURPOSE && key.stage == Stage::Active).expect("one is in use");
    keys::kill(&house.door, active.id, false, Actor::Operator, &Origin::default())
        .await
        .expect("killed, without a hurry");
    assert_ne!(signs(&house).await, active.id.to_string());
}
