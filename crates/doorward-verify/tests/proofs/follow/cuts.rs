//! What happens while the server is away, silent, or not itself.

use std::time::Duration;

use doorward_verify::follow::{Follower, Refused};
use doorward_verify::{Cut, Freshness, Lifetime, Policy};
use tokio::time::{Instant, sleep, timeout};

use super::fake::{Fake, LEASE, session_entry};
use super::tokens::{REVOKED, becomes};

#[tokio::test]
async fn each_route_gets_its_policy_while_the_server_is_gone() {
    let fake = Fake::start().await;
    let mut settings = fake.settings();
    settings.grace = Lifetime::from_secs(2);
    let follower = Follower::start(settings).unwrap();
    assert!(follower.ready(Duration::from_secs(20)).await);
    let (good, ended) = (fake.token("ses_one"), fake.token("ses_ended"));
    fake.state().revoke(session_entry("ses_ended"));
    becomes(&follower, &ended, Err(REVOKED)).await;
    fake.set_gone(true);
    let gone = Instant::now();
    becomes(&follower, &good, Err(Refused::Unknown)).await;
    assert!(gone.elapsed() < Duration::from_millis(LEASE.millis() as u64 + 500), "{:?}", gone.elapsed());
    assert!(!follower.is_ready());
    let verdict = async |freshness, cut| follower.verify_with(&good, Policy { freshness, cut }).await.map(drop);
    assert_eq!(verdict(Freshness::Eventual, Cut::Deny).await, Ok(()));
    assert_eq!(verdict(Freshness::Bounded, Cut::Grace(Lifetime::from_secs(60))).await, Ok(()), "within the grace");
    assert_eq!(verdict(Freshness::Bounded, Cut::Introspect).await, Err(Refused::Unknown), "nobody to ask");
    assert_eq!(follower.verify(&ended).await.map(drop), Err(REVOKED), "what is known stays known");
    sleep(Duration::from_secs(2)).await;
    let over = verdict(Freshness::Bounded, Cut::Grace(Lifetime::from_secs(60))).await;
    assert_eq!(over, Err(Refused::Unknown), "no more grace than was declared");
    fake.set_gone(false);
    becomes(&follower, &good, Ok(())).await;
}

#[tokio::test]
async fn echoes_that_are_held_back_keep_no_lease_alive() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    let token = fake.token("ses_one");
    {
        let mut state = fake.state();
        // A proxy between: the stream says nothing any more, and every answer comes a lease late.
        state.streams.clear();
        state.no_stream = true;
        state.slow_pings = Duration::from_millis(LEASE.millis() as u64 + 100);
    }
    becomes(&follower, &token, Err(Refused::Unknown)).await;
    for _ in 0..60 {
        assert_eq!(follower.verify(&token).await.map(drop), Err(Refused::Unknown));
        sleep(Duration::from_millis(25)).await;
    }
    fake.state().slow_pings = Duration::ZERO;
    becomes(&follower, &token, Ok(())).await;
}

#[tokio::test]
async fn the_server_is_asked_about_a_token_once_for_all_who_ask() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    let ask = Policy { freshness: Freshness::Bounded, cut: Cut::Introspect };
    let token = fake.token("ses_one");
    assert_eq!(follower.verify_with(&token, ask).await.map(drop), Ok(()));
    assert_eq!(fake.count("/oauth2/introspect"), 0, "while fresh, nobody is asked");
    {
        let mut state = fake.state();
        state.streams.clear();
        state.no_stream = true;
        state.slow_pings = Duration::from_secs(3);
        state.introspect = Some(true);
    }
    becomes(&follower, &token, Err(Refused::Unknown)).await;
    assert_eq!(follower.verify_with(&token, ask).await.map(drop), Ok(()));
    fake.state().introspect = Some(false);
    assert_eq!(follower.verify_with(&token, ask).await.map(drop), Err(REVOKED));
    let before = fake.count("/oauth2/introspect");
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (follower, token) = (follower.clone(), token.clone());
            tokio::spawn(async move { follower.verify_with(&token, ask).await.map(drop) })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Err(REVOKED));
    }
    assert!(fake.count("/oauth2/introspect") - before < 10, "fifty questions are a few");
    // A server that cannot say is left alone for a while.
    fake.state().introspect = None;
    for _ in 0..3 {
        assert_eq!(follower.verify_with(&token, ask).await.map(drop), Err(Refused::Unknown));
    }
    let before = fake.count("/oauth2/introspect");
    for _ in 0..20 {
        assert_eq!(follower.verify_with(&token, ask).await.map(drop), Err(Refused::Unknown));
    }
    assert_eq!(fake.count("/oauth2/introspect"), before, "the breaker is open");
}

#[tokio::test]
async fn forged_events_are_refused_counted_and_do_no_harm() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    let token = fake.token("ses_one");
    {
        let mut state = fake.state();
        state.forge = true;
        state.streams.clear();
        state.revoke(session_entry("ses_one"));
    }
    becomes(&follower, &token, Err(Refused::Unknown)).await;
    let metrics = follower.metrics();
    assert_eq!(metrics.entries, 0, "nothing of it was applied");
    assert!(metrics.count("broken_events", Some("event_forged")) > 0, "{metrics:?}");
    fake.state().forge = false;
    becomes(&follower, &token, Err(REVOKED)).await;
}

#[tokio::test]
async fn a_server_that_knows_less_than_we_do_is_not_trusted_until_it_has_told_everything_again() {
    for no_stream in [false, true] {
        let fake = Fake::start().await;
        for number in 0..5 {
            fake.state().revoke(session_entry(&format!("ses_{number}")));
        }
        let follower = fake.follower().await;
        let (good, ended) = (fake.token("ses_good"), fake.token("ses_4"));
        becomes(&follower, &ended, Err(REVOKED)).await;
        {
            // It has lost its last three lines, and goes on in the same generation.
            let mut state = fake.state();
            state.log.truncate(2);
            state.streams.clear();
            state.no_stream = no_stream;
        }
        let before = fake.count("/v1/feed/snapshot");
        let since = Instant::now();
        while fake.count("/v1/feed/snapshot") == before || !follower.is_ready() {
            assert!(since.elapsed() < Duration::from_secs(20), "no_stream {no_stream}: {:?}", follower.metrics());
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(follower.metrics().applied, fake.state().head(), "it goes by what the server says");
        assert_eq!(follower.verify(&ended).await.map(drop), Err(REVOKED), "what it was told stays");
        fake.state().revoke(session_entry("ses_good"));
        becomes(&follower, &good, Err(REVOKED)).await;
    }
}

#[tokio::test]
async fn a_stream_that_ends_is_gone_on_with_from_where_it_was() {
    let fake = Fake::start().await;
    fake.state().revoke(session_entry("ses_one"));
    let _follower = fake.follower().await;
    let applied = {
        let mut state = fake.state();
        state.streams.clear();
        state.head()
    };
    opened(&fake, 2).await;
    let from: Vec<_> = fake.state().asked.iter().map(|(_, from)| *from).collect();
    assert_eq!(from[..2], [None, Some(applied)], "who knows nothing names no place");
}

#[tokio::test]
async fn a_stream_that_is_silent_for_two_leases_is_opened_anew_and_not_before() {
    let fake = Fake::start().await;
    let mut settings = fake.settings();
    settings.lease = Lifetime::from_millis(500);
    fake.state().is_mute = true;
    let follower = Follower::start(settings).unwrap();
    opened(&fake, 2).await;
    let between = {
        let asked = &fake.state().asked;
        asked[1].0 - asked[0].0
    };
    assert!(between >= Lifetime::from_secs(1), "{between:?}");
    assert!(follower.ready(Duration::from_secs(20)).await, "pings are answered");
}

/// Waits until so many streams have been asked for.
async fn opened(fake: &Fake, count: usize) {
    let wait = async {
        while fake.state().asked.len() < count {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = timeout(Duration::from_secs(20), wait).await.is_ok();
    assert!(in_time, "{} streams", fake.state().asked.len());
}

#[tokio::test]
async fn another_version_makes_nobody_ready() {
    let fake = Fake::start().await;
    fake.state().version = 2;
    let follower = Follower::start(fake.settings()).unwrap();
    let only_stream = follower.metrics();
    assert!(!only_stream.is_ready);
    for _ in 0..400 {
        if follower.metrics().count("refused_by_server", None) > 0 {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", follower.metrics());
}

#[tokio::test]
async fn another_server_takes_over() {
    let first = Fake::start().await;
    let second = Fake::start_with(std::sync::Arc::clone(&first.world)).await;
    let mut settings = first.settings();
    settings.servers.push(second.url.clone());
    let follower = Follower::start(settings).unwrap();
    assert!(follower.ready(Duration::from_secs(20)).await);
    assert_eq!(second.count("/v1/feed/ping"), 0);
    let token = first.token("ses_one");
    first.set_gone(true);
    for _ in 0..100 {
        let verdict = follower.verify(&token).await.map(drop);
        assert_eq!(verdict, Ok(()), "the lease outlasts the change of servers: {:?}", follower.metrics());
        sleep(Duration::from_millis(25)).await;
    }
    assert!(second.count("/v1/feed/ping") > 0);
    second.state().revoke(session_entry("ses_one"));
    becomes(&follower, &token, Err(REVOKED)).await;
}
