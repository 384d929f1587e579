//! What is revoked is refused, and how quickly it is known.

use std::time::Duration;

use doorward_verify::follow::{Follower, Refused};
use doorward_verify::{Cut, Freshness, Lifetime, Policy, Position, Rejection, Strength, Timestamp};
use tokio::time::{sleep, timeout};

use super::fake::{Fake, LEASE, now, session_entry};

pub(crate) const REVOKED: Refused = Refused::Rejected(Rejection::TokenRevoked);

/// Waits until the verdict on a token is this one.
pub(crate) async fn becomes(follower: &Follower, token: &str, expect: Result<(), Refused>) {
    for _ in 0..400 {
        if follower.verify(token).await.map(drop) == expect {
            return;
        }
        sleep(Duration::from_millis(25)).await;
    }
    panic!("{:?} and not {expect:?}: {:?}", follower.verify(token).await, follower.metrics());
}

#[tokio::test]
async fn an_ended_session_is_refused_at_once_and_others_are_not() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    let (one, other) = (fake.token("ses_one"), fake.token("ses_other"));
    let access = follower.verify(&one).await.unwrap();
    assert_eq!(
        (access.session_id.as_deref(), access.has_scope("read")),
        (Some("ses_one"), access.scope.contains("read"))
    );
    fake.state().revoke(session_entry("ses_one"));
    becomes(&follower, &one, Err(REVOKED)).await;
    assert_eq!(follower.verify(&other).await.map(drop), Ok(()));
    fake.state().revoke(doorward_verify::Entry { strength: Strength::RefreshRequired, ..session_entry("ses_other") });
    becomes(&follower, &other, Err(Refused::Rejected(Rejection::TokenStale))).await;
    let metrics = follower.metrics();
    assert_eq!((metrics.entries, metrics.behind, metrics.is_ready), (2, Some(0), true));
    assert!(metrics.count("decisions", Some("accepted")) >= 2);
    assert!(metrics.count("decisions", Some("token_revoked")) >= 1);
    assert!(metrics.prometheus().contains("doorward_verifier_ready 1\n"), "{}", metrics.prometheus());
    assert_eq!(fake.count("/v1/feed/snapshot"), 1);
}

#[tokio::test]
async fn whoever_waits_for_a_place_wakes_when_what_stands_there_is_refused() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    let token = fake.token("ses_one");
    let before = fake.state().head();
    let waits = tokio::spawn({
        let follower = follower.clone();
        async move { follower.beyond(before).await }
    });
    sleep(Duration::from_millis(50)).await;
    assert!(!waits.is_finished(), "nothing has come");
    fake.state().revoke(session_entry("ses_one"));
    let woken = tokio::time::timeout(Duration::from_secs(10), waits).await.expect("in good time").unwrap();
    assert_eq!(woken, fake.state().head());
    assert_eq!(follower.verify(&token).await.map(drop), Err(REVOKED));
    assert_eq!(follower.beyond(before).await, woken, "what is there is not waited for");
}

#[tokio::test]
async fn pings_alone_are_enough() {
    let fake = Fake::start().await;
    fake.state().no_stream = true;
    let follower = fake.follower().await;
    let token = fake.token("ses_one");
    assert_eq!(follower.verify(&token).await.map(drop), Ok(()));
    fake.state().revoke(session_entry("ses_one"));
    becomes(&follower, &token, Err(REVOKED)).await;
}

#[tokio::test]
async fn a_strict_route_misses_nothing_that_was_committed_before() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    let strict = Policy { freshness: Freshness::Strict, cut: Cut::Deny };
    let token = fake.token("ses_one");
    assert_eq!(follower.verify_with(&token, strict).await.map(drop), Ok(()));
    // The stream does not bring it, and the next ping is some time away.
    fake.state().withhold = true;
    for round in 0..20 {
        let session = format!("ses_{round}");
        let token = fake.token(&session);
        fake.state().revoke(session_entry(&session));
        assert_eq!(follower.verify_with(&token, strict).await.map(drop), Err(REVOKED));
    }
    fake.set_gone(true);
    assert_eq!(follower.verify_with(&token, strict).await.map(drop), Err(Refused::Unknown));
}

#[tokio::test]
async fn a_token_from_ahead_makes_it_ask() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    fake.state().withhold = true;
    fake.state().revoke(session_entry("ses_other"));
    let (ahead, applied) = (fake.token("ses_one"), follower.metrics().applied);
    let asked = fake.count("/v1/feed/ping");
    assert_eq!(follower.verify(&ahead).await.map(drop), Ok(()), "{asked}");
    for _ in 0..400 {
        if follower.metrics().applied > applied {
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("it stays behind: {:?}", follower.metrics());
}

#[tokio::test]
async fn a_new_generation_is_a_cut_until_its_snapshot_has_come() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    let ended = fake.token("ses_ended");
    fake.state().revoke(session_entry("ses_ended"));
    becomes(&follower, &ended, Err(REVOKED)).await;
    // It tells nobody of its new start, but a token does.
    {
        let mut state = fake.state();
        let log = std::mem::take(&mut state.log);
        state.before.extend(log);
        state.generation += 1;
    }
    let newer = fake.token("ses_one");
    assert_eq!(follower.verify(&newer).await.map(drop), Err(Refused::Unknown), "never 401");
    becomes(&follower, &newer, Ok(())).await;
    assert_eq!(follower.verify(&ended).await.map(drop), Err(REVOKED), "entries are kept");
    assert_eq!(follower.metrics().applied.generation, fake.state().generation);
    fake.restart();
    let newest = fake.token("ses_one");
    becomes(&follower, &newest, Ok(())).await;
}

#[tokio::test]
async fn a_token_that_lives_longer_than_the_server_allows_is_refused() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    let minted = Timestamp::from_secs(now().secs());
    let living = |life: Lifetime| {
        let claims = doorward_verify::Claims {
            issued_at: minted,
            not_before: None,
            expires_at: minted + life,
            rv: Some(Position::START),
            ..crate::signer::claims()
        };
        fake.world.mint(doorward_verify::Algorithm::EdDsa, &claims)
    };
    assert_eq!(follower.verify(&living(Lifetime::from_mins(60))).await.map(drop), Ok(()));
    for life in [Lifetime::from_secs(3601), Lifetime::from_mins(61)] {
        let refused = follower.verify(&living(life)).await.map(drop);
        assert_eq!(refused, Err(Refused::Rejected(Rejection::LifetimeTooLong)));
    }
    assert_eq!(follower.verify("a.b.c").await.map(drop), Err(Refused::Rejected(Rejection::TokenMalformed)));
    assert!(Timestamp::MIN < now());
}

#[tokio::test]
async fn who_leaves_says_so_and_accepts_nothing_more() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    let token = fake.token("ses_one");
    let other = follower.clone();
    assert_eq!(other.verify(&token).await.map(drop), Ok(()));
    follower.leave().await;
    assert_eq!(other.verify(&token).await.map(drop), Err(Refused::Unknown));
    assert!(!other.is_ready());
    let pings = &fake.state().pings;
    assert!(pings.last().unwrap().leaving && pings.iter().filter(|ping| ping.leaving).count() == 1);
    let mut numbers: Vec<u64> = pings.iter().map(|ping| ping.n).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), pings.len(), "no number is used twice");
}

#[tokio::test]
async fn when_the_last_clone_is_dropped_it_leaves() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    drop(follower.clone());
    assert_eq!(follower.verify(&fake.token("ses_one")).await.map(drop), Ok(()), "one is left");
    drop(follower);
    let left = async {
        while !fake.state().pings.iter().any(|ping| ping.leaving) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(Duration::from_secs(20), left).await.is_ok(), "the server would go on waiting for it");
}

#[tokio::test]
async fn a_follower_tells_its_policy_its_lease_and_none_of_its_secrets() {
    let fake = Fake::start().await;
    fake.set_gone(true);
    let mut settings = fake.settings();
    settings.policy = Policy { freshness: Freshness::Strict, cut: Cut::Introspect };
    let (secret, policy) = (settings.secret.clone(), settings.policy);
    let follower = Follower::start(settings).unwrap();
    assert_eq!(follower.policy(), policy);
    assert_eq!(follower.metrics().lease_margin, None, "there was no lease yet");
    fake.set_gone(false);
    assert!(follower.ready(Duration::from_secs(20)).await);
    assert!(follower.metrics().lease_margin.is_some_and(|margin| margin <= LEASE));
    let said = format!("{follower:?}");
    assert!(said.starts_with("Follower(https://id.example, Lease(1000 ms") && !said.contains(&secret), "{said}");
}

#[test]
fn every_refusal_says_something_of_its_own() {
    let mut said: Vec<String> = Rejection::ALL.iter().map(|why| Refused::Rejected(*why).to_string()).collect();
    for refused in [Refused::Unknown, Refused::SessionUnknown, Refused::SessionExpired, Refused::SessionEnded] {
        said.push(refused.to_string());
    }
    for (place, one) in said.iter().enumerate() {
        assert!(one.contains(' ') && !said[..place].contains(one), "{one:?}");
    }
}

#[tokio::test]
async fn who_has_nothing_to_ask_pings_three_times_a_lease_and_no_more() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    // A machine that is busy lets fewer through, never more.
    sleep(Duration::from_millis(100)).await;
    let before = fake.count("/v1/feed/ping");
    sleep(Duration::from_millis(LEASE.millis() as u64)).await;
    let pings = fake.count("/v1/feed/ping") - before;
    assert!(pings <= 6, "{pings} pings in a lease");
    assert!(follower.is_ready());
}
