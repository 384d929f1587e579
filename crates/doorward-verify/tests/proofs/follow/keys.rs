//! Keys: fetched anew for an unknown one, seldom, and kept when the issuer has nothing better.

use std::time::Duration;

use doorward_verify::feed::SetId;
use doorward_verify::follow::{Follower, Refused};
use doorward_verify::{Algorithm, Rejection};

use super::fake::Fake;
use crate::signer::{ED, sign_with};

const UNKNOWN_KEY: Refused = Refused::Rejected(Rejection::KeyUnknown);

#[tokio::test]
async fn an_unknown_key_causes_no_fetch_within_the_cooldown() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    let before = fake.count("/.well-known/jwks.json");
    let header = doorward_verify::token::canonical_header(Algorithm::EdDsa, "key_nobody", "at+jwt");
    for _ in 0..200 {
        let token = sign_with(&fake.world.ed, &header, "e30");
        assert_eq!(follower.verify(&token).await.map(drop), Err(UNKNOWN_KEY));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(fake.count("/.well-known/jwks.json"), before);
}

#[tokio::test]
async fn before_there_are_keys_nobody_is_refused_for_good() {
    let fake = Fake::start().await;
    let jwks = std::mem::replace(&mut fake.state().jwks, b"{\"keys\":[{\"kty\":".to_vec());
    let follower = Follower::start(fake.settings()).unwrap();
    let token = fake.token("ses_one");
    for garbage in [&b"{\"keys\":[]}"[..], b"<html>", b""] {
        assert_eq!(follower.verify(&token).await.map(drop), Err(Refused::Unknown));
        fake.state().jwks = garbage.to_vec();
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert!(follower.metrics().count("key_fetches_failed", None) > 0);
    fake.state().jwks = jwks;
    assert!(follower.ready(Duration::from_secs(20)).await);
    assert_eq!(follower.verify(&token).await.map(drop), Ok(()));
    assert!(!ED.is_empty());
}

#[tokio::test]
async fn each_ping_says_which_keys_are_held_and_a_server_that_asks_has_them_fetched_at_once() {
    let fake = Fake::start().await;
    let _follower = fake.follower().await;
    let held = |jwks: &[u8]| Some(SetId::of(jwks));
    let first = fake.state().jwks.clone();
    let mut second = first.clone();
    // The same keys in other words: another set.
    second.push(b'\n');
    says(&fake, held(&first)).await;
    {
        let mut state = fake.state();
        state.jwks = second.clone();
        state.needs_keys = true;
    }
    says(&fake, held(&second)).await;
    assert!(fake.count("/.well-known/jwks.json") >= 2, "minutes before it would have asked by itself");
}

async fn says(fake: &Fake, keys: Option<SetId>) {
    for _ in 0..2000 {
        if fake.state().pings.last().is_some_and(|ping| ping.keys == keys) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no ping says so");
}
