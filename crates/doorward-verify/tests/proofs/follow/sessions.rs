//! Opaque sessions: fetched once, kept, looked up in the index each time, and reported as used.

use std::time::Duration;

use doorward_verify::follow::{Refused, Shown};
use doorward_verify::{Cut, Entry, Freshness, Policy, Strength, base64url};

use super::fake::{Fake, session_entry};
use super::tokens::becomes;

fn secret(number: u8) -> String {
    format!("dws_{}abcdef", base64url::encode(&[number; 32]))
}

fn hash(number: u8) -> String {
    base64url::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[number; 32]).as_ref())
}

#[tokio::test]
async fn a_record_is_fetched_once_and_dies_by_the_index() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    fake.state().sessions.insert(hash(1), "ses_one".to_owned());
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let follower = follower.clone();
            tokio::spawn(async move { follower.session(&secret(1)).await })
        })
        .collect();
    for task in tasks {
        let access = task.await.unwrap().unwrap();
        assert_eq!((access.shown, access.session_id.as_deref()), (Shown::Session, Some("ses_one")));
        assert_eq!((access.subject.as_deref(), &access.amr[..]), (Some("usr_x"), &["pwd".to_owned()][..]));
    }
    assert_eq!(fake.count("/v1/feed/sessions"), 1);
    assert_eq!(follower.metrics().sessions, 1);
    fake.state().revoke(session_entry("ses_one"));
    for _ in 0..400 {
        if follower.session(&secret(1)).await.map(drop) == Err(Refused::SessionEnded) {
            assert_eq!(fake.count("/v1/feed/sessions"), 1, "the index is enough");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it lives on");
}

#[tokio::test]
async fn what_is_no_secret_or_unknown_is_refused() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    for bad in ["", "dws_", "dws_short", &secret(1).replace("dws_", "dwv_"), &format!("{}x", secret(1))] {
        assert_eq!(follower.session(bad).await.map(drop), Err(Refused::SessionUnknown), "{bad}");
    }
    assert_eq!(fake.count("/v1/feed/sessions"), 0);
    assert_eq!(follower.session(&secret(1)).await.map(drop), Err(Refused::SessionUnknown));
    assert_eq!(fake.count("/v1/feed/sessions"), 1);
}

#[tokio::test]
async fn a_record_that_must_be_renewed_is_fetched_again() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    fake.state().sessions.insert(hash(1), "ses_one".to_owned());
    assert!(follower.session(&secret(1)).await.is_ok());
    {
        let mut state = fake.state();
        let at = doorward_verify::Position { seq: state.head().seq + 1, ..state.head() };
        state.revoke(Entry { strength: Strength::RefreshRequired, min_rv: Some(at), ..session_entry("ses_one") });
    }
    for _ in 0..400 {
        assert!(follower.session(&secret(1)).await.is_ok(), "the holder notices nothing");
        if fake.count("/v1/feed/sessions") == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(follower.session(&secret(1)).await.is_ok());
    assert_eq!(fake.count("/v1/feed/sessions"), 2);
    fake.state().sessions.clear();
    assert!(follower.session(&secret(1)).await.is_ok(), "from memory");
}

#[tokio::test]
async fn a_record_is_kept_no_longer_than_it_may_be() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    {
        let mut state = fake.state();
        state.keep_ms = 200;
        state.sessions.insert(hash(1), "ses_one".to_owned());
    }
    assert!(follower.session(&secret(1)).await.is_ok());
    fake.state().sessions.clear();
    assert!(follower.session(&secret(1)).await.is_ok());
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(follower.session(&secret(1)).await.map(drop), Err(Refused::SessionUnknown));
}

#[tokio::test]
async fn use_is_reported_once_a_minute() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    for number in 1..=3 {
        fake.state().sessions.insert(hash(number), format!("ses_{number}"));
    }
    for _ in 0..50 {
        for number in 1..=3 {
            assert!(follower.session(&secret(number)).await.is_ok());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let state = fake.state();
    let mut seen: Vec<_> = state.pings.iter().flat_map(|ping| ping.seen.iter().map(|(id, _)| id.clone())).collect();
    seen.sort();
    if follower.metrics().counts.iter().any(|(name, _, count)| *name == "pings_failed" && *count > 0) {
        // On a machine that does much else, one may have come and not have been answered in time.
        seen.dedup();
    }
    assert_eq!(seen, ["ses_1", "ses_2", "ses_3"]);
}

#[tokio::test]
async fn a_use_that_nobody_has_heard_of_is_reported_again() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    fake.state().sessions.insert(hash(1), "ses_1".to_owned());
    fake.state().slow_pings = Duration::from_secs(60);
    assert!(follower.session(&secret(1)).await.is_ok());
    let reports = || fake.state().pings.iter().filter(|ping| ping.seen.iter().any(|(id, _)| id == "ses_1")).count();
    let reported = async |times| {
        for _ in 0..2_000 {
            if reports() >= times {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("reported {} times", reports());
    };
    reported(1).await;
    fake.state().slow_pings = Duration::ZERO;
    reported(2).await;
}

#[tokio::test]
async fn the_memory_for_records_is_bounded() {
    let fake = Fake::start().await;
    let mut settings = fake.settings();
    settings.most_sessions = 16;
    let follower = doorward_verify::follow::Follower::start(settings).unwrap();
    assert!(follower.ready(Duration::from_secs(20)).await);
    for number in 0..200 {
        fake.state().sessions.insert(hash(number), format!("ses_{number}"));
        assert!(follower.session(&secret(number)).await.is_ok());
    }
    assert!(follower.metrics().sessions <= 16, "{}", follower.metrics().sessions);
}

#[tokio::test]
async fn a_session_that_has_lain_unused_too_long_is_over_however_new_its_record_is() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    {
        let mut state = fake.state();
        state.idle_ms = -1;
        state.sessions.insert(hash(1), "ses_one".to_owned());
    }
    for fetched in 1..=2 {
        assert_eq!(follower.session(&secret(1)).await.map(drop), Err(Refused::SessionExpired));
        assert_eq!(fake.count("/v1/feed/sessions"), fetched, "the server may know of a later use");
    }
}

#[tokio::test]
async fn while_the_index_cannot_say_the_record_does_if_the_route_wants_it_asked_for() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    {
        let mut state = fake.state();
        state.sessions.insert(hash(1), "ses_one".to_owned());
        state.streams.clear();
        state.no_stream = true;
        state.slow_pings = Duration::from_secs(60);
    }
    becomes(&follower, &fake.token("ses_other"), Err(Refused::Unknown)).await;
    let policy = |cut| Policy { freshness: Freshness::Bounded, cut };
    for fetched in 1..=2 {
        assert_eq!(follower.session_with(&secret(1), policy(Cut::Introspect)).await.map(drop), Ok(()));
        assert_eq!(fake.count("/v1/feed/sessions"), fetched, "each time anew");
    }
    // Sixty-four kibibytes are read, and no more.
    let token = fake.token("ses_one");
    fake.state().introspect = Some(true);
    for (chatter, expect) in [(60_000, Ok(())), (66_000, Err(Refused::Unknown))] {
        fake.state().chatter = chatter;
        assert_eq!(follower.session_with(&secret(1), policy(Cut::Introspect)).await.map(drop), expect);
        assert_eq!(follower.verify_with(&token, policy(Cut::Introspect)).await.map(drop), expect);
    }
    fake.state().chatter = 0;
    assert_eq!(follower.session_with(&secret(1), policy(Cut::Deny)).await.map(drop), Err(Refused::Unknown));
}

#[tokio::test]
async fn a_strict_route_waits_for_the_echo_of_its_own_ping() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    fake.state().sessions.insert(hash(1), "ses_one".to_owned());
    let strict = Policy { freshness: Freshness::Strict, cut: Cut::Deny };
    for _ in 0..3 {
        let before = fake.count("/v1/feed/ping");
        assert_eq!(follower.session_with(&secret(1), strict).await.map(drop), Ok(()));
        assert!(fake.count("/v1/feed/ping") > before);
    }
}
